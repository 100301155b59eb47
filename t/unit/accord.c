/* SPDX-License-Identifier: ISC */
/*
 * The agreement in single scenes: how long each takes in messages, what
 * moves, what is said.  accord-sim.c plays them all at random.
 */

#include <stdlib.h>

#include "accord-world.h"
#include "tap.h"

/* One message takes so long here. */
#define HOP	5
#define GRACE	(WORLD_T + 250)

static struct world w;

static void
begin(unsigned count, unsigned on)
{
	world_fini(&w);
	world_init(&w, count, 1);
	w.delay_max = 1;
	for (unsigned i = 0; i < on; i++)
		world_on(&w, i, SHARE_SERVE);
	if (world_until(&w, world_is_one, 5000) < 0)
		printf("# did not begin\n");
	world_run(&w, 500);
}

static unsigned
taken(unsigned i)
{
	return share_set_count(&w.n[i].takes, 0);
}

static const char *
code(unsigned i)
{
	return accord_code(w.n[i].a);
}

int
main(void)
{
	begin(3, 3);
	ok(world_is_one(&w), "three agree");
	is_num(taken(0) + taken(1) + taken(2), 4096, "on all");
	world_fini(&w);
	(void)code;
	return tap_done();
}
