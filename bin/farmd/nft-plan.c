/* SPDX-License-Identifier: ISC */
/*
 * From the takers and keepers of all buckets to numbers.  Called by the
 * nftables backend before each change, once or twice.
 */
#include "nft-plan.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

static bool
number_is_free(const struct nft_plan *plan, const struct nft_plan *prev,
    unsigned number)
{
	for (unsigned i = 0; i < plan->way_count; i++)
		if (plan->way[i].number == number)
			return false;
	/* The kernel still goes that way for what has not moved yet. */
	for (unsigned i = 0; prev != NULL && i < prev->way_count; i++)
		if (prev->way[i].number == number)
			return false;
	return true;
}

static uint16_t
way_number(const struct nft_plan *plan, const struct nft_plan *prev,
    int taker, uint64_t keepers)
{
	unsigned number = NFT_WAY_MOVING;

	for (unsigned i = 0; prev != NULL && i < prev->way_count; i++)
		if (prev->way[i].taker == taker &&
		    prev->way[i].keepers == keepers)
			return prev->way[i].number;
	while (!number_is_free(plan, prev, number))
		number++;
	return (uint16_t)number;
}

static uint16_t
way_of(struct nft_plan *plan, const struct nft_plan *prev, int taker,
    uint64_t keepers)
{
	struct nft_way *w;

	/* Neighbours mostly go the same way: the newest first. */
	for (unsigned i = plan->way_count; i-- > 0;)
		if (plan->way[i].taker == taker &&
		    plan->way[i].keepers == keepers)
			return plan->way[i].number;
	if (plan->way_count == plan->way_size) {
		plan->way_size = plan->way_size ? 2 * plan->way_size : 16;
		plan->way = xrealloc(plan->way, plan->way_size,
		    sizeof(*plan->way));
	}
	w = &plan->way[plan->way_count];
	w->number = way_number(plan, prev, taker, keepers);
	w->taker = taker;
	w->keepers = keepers;
	plan->way_count++;
	return w->number;
}

static void
decide(struct nft_plan *plan, const struct filter_input *in,
    const struct nft_plan *prev, bool watch, unsigned t, unsigned b)
{
	static const uint8_t mine[] = {
		[FS_OWNED] = NM_OWNED, [FS_GAINED] = NM_GAINED,
		[FS_DRAINING] = NM_DRAINING, [FS_FOREIGN] = NM_NONE,
	};
	enum filter_state state = filter_state(in, t, b);
	int taker = filter_taker(in, t, b);
	uint64_t keepers = in->keepers[t][b];
	bool was_owned = prev != NULL && t < prev->tables &&
	    (prev->mine[t][b] == NM_OWNED || prev->mine[t][b] == NM_WATCHED);

	if (taker >= 0)
		keepers &= ~(1ULL << taker);
	plan->mine[t][b] = mine[state];
	if (watch && was_owned &&
	    (state == FS_GAINED || state == FS_DRAINING)) {
		plan->mine[t][b] = NM_WATCHED;
		plan->share[t][b] = NFT_WAY_WATCHED;
		plan->has_watched = true;
	} else if (keepers != 0) {
		plan->share[t][b] = way_of(plan, prev, taker, keepers);
	} else if (taker < 0) {
		plan->share[t][b] = NFT_WAY_NOBODY;
	} else if (taker == (int)in->self) {
		plan->share[t][b] = NFT_WAY_ME;
	} else {
		plan->share[t][b] = (uint16_t)(NFT_WAY_NODE + taker);
	}
}

void
nft_plan_make(struct nft_plan *plan, const struct filter_input *in,
    const struct nft_plan *prev, bool watch)
{
	memset(plan, 0, sizeof(*plan));
	plan->tables = in->tables;
	for (unsigned t = 0; t < in->tables; t++)
		for (unsigned b = 0; b < HASH_BUCKETS; b++)
			decide(plan, in, prev, watch, t, b);
}

void
nft_plan_fini(struct nft_plan *plan)
{
	free(plan->way);
	memset(plan, 0, sizeof(*plan));
}

bool
nft_plan_is_strict(const struct nft_plan *plan)
{
	for (unsigned t = 0; t < plan->tables; t++)
		for (unsigned b = 0; b < HASH_BUCKETS; b++)
			if (plan->mine[t][b] == NM_GAINED ||
			    plan->mine[t][b] == NM_DRAINING)
				return true;
	return false;
}

void
nft_plan_print(FILE *out, const char *table, const struct nft_plan *plan,
    unsigned t)
{
	bool is_first = true;

	fprintf(out, "add element netdev %s share_%u { ", table, t);
	for (unsigned b = 0; b < HASH_BUCKETS; b++)
		fprintf(out, "%s%u : %u", b > 0 ? ", " : "", b,
		    plan->share[t][b]);
	fprintf(out, " }\n");
	for (unsigned b = 0; b < HASH_BUCKETS; b++) {
		if (plan->mine[t][b] == NM_NONE)
			continue;
		if (is_first)
			fprintf(out, "add element netdev %s mine_%u { ",
			    table, t);
		fprintf(out, "%s%u : %u", is_first ? "" : ", ", b,
		    plan->mine[t][b]);
		is_first = false;
	}
	if (!is_first)
		fprintf(out, " }\n");
}
