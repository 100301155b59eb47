/* SPDX-License-Identifier: ISC */
/*
 * Any two slots as the file `gen': it opens or it does not, and what was
 * taken can be written and is the same when it is read again.
 */
#include "../../bin/mirrord/gen.h"

#include "blocks.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t
magic(unsigned place)
{
	(void)place;
	return 0x4846676eu;	/* HFgn */
}

static void
check(int dir)
{
	uint8_t one[GEN_ENCODED_LEN], two[GEN_ENCODED_LEN];
	struct gen_file *f = gen_open(dir, STATE_MODULE, STATE_NODE);
	struct gen g;

	if (f == NULL)
		return;
	gen_read(f, &g);
	gen_encode(one, &g);
	if (gen_write(f, &g) == -1)
		abort();
	gen_close(f);
	f = gen_open(dir, STATE_MODULE, STATE_NODE);
	if (f == NULL || gen_is_new(f))
		abort();
	gen_read(f, &g);
	gen_encode(two, &g);
	if (memcmp(one, two, sizeof(one)) != 0)
		abort();
	gen_close(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state_in in = { .p = data, .len = size };
	int dir = state_up();

	state_file(dir, "gen", &in, 2, 2, 0, magic);
	check(dir);
	state_down(dir);
	return 0;
}
