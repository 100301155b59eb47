/* SPDX-License-Identifier: ISC */
/*
 * Any headers and blocks as the log of what the peer lacks: it opens or it
 * does not; what it held is there yet when something was added and when all
 * was written again.
 */
#include "../../bin/mirrord/dirty.h"

#include "blocks.h"

#define AREA	4096	/* blocks */
/* The headers, and the first blocks of the first area. */
#define PLACES	6

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t
magic(unsigned place)
{
	return place < 2 ? 0x48466468u : 0x4846646cu;	/* HFdh, HFdl */
}

static struct dirty *
reopen(int dir, struct dirty *d, struct dirtyset *into)
{
	dirty_close(d);
	return dirty_open(dir, STATE_MODULE, STATE_NODE, into);
}

static void
check(int dir)
{
	struct dirtyset *was = dirtyset_new(), *now = dirtyset_new();
	struct dirtyset *more = dirtyset_new();
	struct dirty *d = reopen(dir, NULL, was);

	if (d != NULL) {
		dirtyset_whole(more, 4711);
		if (dirty_append(d, more) == -1 ||
		    (d = reopen(dir, d, now)) == NULL ||
		    dirtyset_is_empty(now) ||
		    dirtyset_is_all(now) != dirtyset_is_all(was) ||
		    dirtyset_bytes(now) < dirtyset_bytes(was))
			abort();
		dirtyset_clear(was);
		if (dirty_replace(d, now) == -1 ||
		    (d = reopen(dir, d, was)) == NULL ||
		    (!dirtyset_is_all(was) &&
		    dirtyset_bytes(now) > dirtyset_bytes(was)))
			abort();
	}
	dirty_close(d);
	dirtyset_free(was);
	dirtyset_free(now);
	dirtyset_free(more);
}

/* Long runs of extents cost time and memory, and find nothing. */
static void
shorten_runs(uint8_t *p, size_t size)
{
	const uint8_t full = 8;
	size_t i;

	for (i = 0; i + 21 <= size; i++)
		if (p[i] == full)
			memset(p + i + 17, 0, 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	struct state_in in = { .p = copy, .len = size };
	int dir = state_up();

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	shorten_runs(copy, size);
	/* Blocks of the area count from its begin, as their places do. */
	state_file(dir, "dirty", &in, 2 + 2 * AREA, PLACES, 0, magic);
	check(dir);
	state_down(dir);
	free(copy);
	return 0;
}
