/* SPDX-License-Identifier: ISC */
/*
 * Any blocks as the ring of the activity log: what it takes as hot is a kind
 * it knows, can be added to, and is the same, and more, when it is opened
 * again.
 */
#include "../../bin/mirrord/actlog.h"

#include <errno.h>

#include "../../bin/mirrord/dirty.h"
#include "blocks.h"

#define BLOCKS	128
#define SLOTS	4096

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t
magic(unsigned place)
{
	(void)place;
	return 0x4846616cu;	/* HFal */
}

static bool
has(const struct actlog_slot *s, unsigned count, const struct actlog_slot *x)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (s[i].kind == x->kind && s[i].oid == x->oid &&
		    s[i].extent == x->extent)
			return true;
	return false;
}

/* What a reunion does with it. */
static void
check_slots(const struct actlog_slot *s, unsigned count)
{
	struct dirtyset *d = dirtyset_new();
	unsigned i, changes = 0;

	for (i = 0; i < count; i++) {
		if (s[i].kind < AK_DATA || s[i].kind > AK_MARK)
			abort();
		changes += s[i].kind != AK_MARK;
	}
	dirtyset_slots(d, s, count);
	if (changes > 0 && dirtyset_is_empty(d))
		abort();
	dirtyset_free(d);
}

static void
check(int dir)
{
	struct actlog_slot *s = NULL, *again = NULL, own = { AK_DATA, 77, 5 };
	unsigned count = 0, n = 0, i;
	struct actlog *a;

	a = actlog_open(dir, STATE_MODULE, STATE_NODE, &s, &count);
	if (a == NULL)
		return;
	check_slots(s, count);
	if (count < SLOTS &&
	    actlog_touch(a, own.kind, own.oid, own.extent, 2) != 0)
		abort();
	actlog_close(a);
	a = actlog_open(dir, STATE_MODULE, STATE_NODE, &again, &n);
	if (a == NULL || (count < SLOTS && !has(again, n, &own)))
		abort();
	for (i = 0; i < count; i++)
		if (!has(again, n, &s[i]))
			abort();
	actlog_close(a);
	free(s);
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state_in in = { .p = data, .len = size };
	int dir = state_up();

	state_file(dir, "al", &in, BLOCKS, BLOCKS, BLOCKS, magic);
	check(dir);
	state_down(dir);
	return 0;
}
