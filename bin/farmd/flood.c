/* SPDX-License-Identifier: ISC */
/* From probes that came, and that did not, to the way of delivery. */

#include "flood.h"

#include <stddef.h>

void
flood_hear(struct flood *f, unsigned addr, unsigned node, struct mono now)
{
	f->heard[addr][node] = now;
}

void
flood_expect(struct flood *f, uint64_t nodes, struct mono now)
{
	/* One more that sends changes nothing: any of them proves it. */
	if (f->expected == 0 && nodes != 0)
		f->since = now;
	f->expected = nodes;
}

/* The newest probe of this address, of those that send. */
static struct mono
newest(const struct flood *f, unsigned addr)
{
	struct mono best = { 0 };

	for (unsigned i = 0; i < FILTER_NODE_MAX; i++)
		if ((f->expected >> i & 1) != 0 &&
		    f->heard[addr][i].ns > best.ns)
			best = f->heard[addr][i];
	return best;
}

static enum flood_result
one_address(const struct flood *f, unsigned addr, struct mono now)
{
	struct mono t = newest(f, addr);

	if (mono_is_set(t) && mono_diff_ms(now, t) < FLOOD_SILENT_MS)
		return FLOOD_GOOD;
	return mono_diff_ms(now, f->since) < FLOOD_SILENT_MS ?
	    FLOOD_UNKNOWN : FLOOD_BAD;
}

enum flood_result
flood_mine(const struct flood *f, uint32_t addrs, struct mono now)
{
	enum flood_result r, worst = FLOOD_GOOD;

	/* Alone there is nobody whose frames could be missed. */
	if (f->expected == 0)
		return FLOOD_GOOD;
	for (unsigned i = 0; i < FILTER_ADDR_MAX; i++) {
		if ((addrs >> i & 1) == 0)
			continue;
		r = one_address(f, i, now);
		if (r == FLOOD_BAD)
			return r;
		if (r == FLOOD_UNKNOWN)
			worst = r;
	}
	return worst;
}

bool
flood_conclude(struct flood *f, bool any_bad, bool all_good, struct mono now)
{
	if (any_bad) {
		f->bad_at = now;
		f->is_proven = true;
	} else if (all_good)
		f->is_proven = true;
	return f->is_proven && (!mono_is_set(f->bad_at) ||
	    mono_diff_ms(now, f->bad_at) >= FLOOD_GOOD_MS);
}

static void
earlier(struct mono *best, struct mono t, struct mono now)
{
	if (mono_diff_ns(t, now) > 0 && (!mono_is_set(*best) ||
	    t.ns < best->ns))
		*best = t;
}

struct mono
flood_next(const struct flood *f, uint32_t addrs, struct mono now)
{
	struct mono best = { 0 };

	if (mono_is_set(f->bad_at))
		earlier(&best, mono_add_ms(f->bad_at, FLOOD_GOOD_MS), now);
	if (f->expected == 0)
		return best;
	earlier(&best, mono_add_ms(f->since, FLOOD_SILENT_MS), now);
	for (unsigned i = 0; i < FILTER_ADDR_MAX; i++)
		if ((addrs >> i & 1) != 0 && mono_is_set(newest(f, i)))
			earlier(&best, mono_add_ms(newest(f, i),
			    FLOOD_SILENT_MS), now);
	return best;
}

const char *
flood_result_name(enum flood_result r)
{
	static const char *const names[] = {
		[FLOOD_UNKNOWN] = "unknown",
		[FLOOD_GOOD] = "good",
		[FLOOD_BAD] = "bad",
	};

	return r <= FLOOD_BAD ? names[r] : NULL;
}
