/* SPDX-License-Identifier: ISC */
/*
 * What became of the connections, a line a mark and node.  Of those that were
 * with the node at the mark, how many broke until the next one, how, and when
 * the first and the last did; how long the longest wait for an echo was; and
 * how many of the broken ones have a connection again, the last when.
 *
 *	mark=NAME node=NODE count= broken= reset= closed= timedout= error=
 *	    first_ms= last_ms= stall_ms= again= again_ms=
 *	total node=NODE count= hung=
 *	total clients= unanswered= hung= broken=
 */
#include <stdio.h>

#include "xalloc.h"

#include "hold.h"

struct tally {
	unsigned	count;
	unsigned	end[LE_COUNT];
	unsigned	broken;
	double		first_ms;
	double		last_ms;
	double		stall_ms;
	unsigned	again;
	double		again_ms;
};

static bool
is_in(const struct client *c, unsigned mark, struct mono t)
{
	return mono_is_set(t) && control_segment(c, t) == mark;
}

/* The client's next connection that was answered, in this segment. */
static void
tally_again(struct tally *t, const struct hold *h, const struct client *c,
    unsigned mark, size_t broken)
{
	double ms;
	size_t i;

	for (i = broken + 1; i < h->life_count; i++) {
		const struct life *l = &h->life[i];

		if (l->client != h->life[broken].client ||
		    !is_in(c, mark, l->answered))
			continue;
		t->again++;
		ms = ms_between(c->mark[mark].at, l->answered);
		if (ms > t->again_ms)
			t->again_ms = ms;
		return;
	}
}

static void
tally_life(struct tally *t, const struct hold *h, const struct client *c,
    unsigned mark, size_t i)
{
	const struct life *l = &h->life[i];
	struct mono at = c->mark[mark].at;
	double ms;

	/* The start has no connections yet: there it is those it made. */
	if (mono_is_set(l->answered) && (l->answered.ns <= at.ns ||
	    (mark == 0 && is_in(c, 0, l->answered))))
		t->count += l->end == LE_ALIVE || l->ended.ns > at.ns;
	if (l->end == LE_ALIVE || !is_in(c, mark, l->ended))
		return;
	ms = ms_between(at, l->ended);
	if (t->broken == 0 || ms < t->first_ms)
		t->first_ms = ms;
	if (ms > t->last_ms)
		t->last_ms = ms;
	t->broken++;
	t->end[l->end]++;
	tally_again(t, h, c, mark, i);
}

static void
tally_print(const struct tally *t, const char *mark, unsigned node)
{
	printf("mark=%s node=%s count=%u broken=%u reset=%u closed=%u "
	    "timedout=%u error=%u first_ms=%.1f last_ms=%.1f stall_ms=%.1f "
	    "again=%u again_ms=%.1f\n", mark, name_of(node), t->count,
	    t->broken, t->end[LE_RESET], t->end[LE_CLOSED],
	    t->end[LE_TIMEDOUT], t->end[LE_ERROR], t->first_ms, t->last_ms,
	    t->stall_ms, t->again, t->again_ms);
}

static void
segment_report(const struct hold *h, const struct client *c, unsigned mark)
{
	struct tally *t = xcalloc(name_count(), sizeof(*t));
	unsigned node;
	size_t i;

	for (i = 0; i < h->life_count; i++)
		tally_life(&t[h->life[i].node], h, c, mark, i);
	for (i = 0; i < h->stall_count; i++) {
		const struct stall *s = &h->stall[i];
		double ms = ms_between(s->from, s->to);

		if (is_in(c, mark, s->to) && ms > t[s->node].stall_ms)
			t[s->node].stall_ms = ms;
	}
	/* Attempts that nobody answered are a line of their own. */
	for (node = 0; node < name_count(); node++)
		if (t[node].count > 0 || t[node].broken > 0)
			tally_print(&t[node], c->mark[mark].name, node);
}

/* Each that broke, for the one who looks for the cause. */
static void
lives_print(const struct hold *h, const struct client *c)
{
	static const char *const how[] = { "alive", "reset", "closed",
	    "timedout", "error" };
	size_t i;

	for (i = 0; i < h->life_count; i++) {
		const struct life *l = &h->life[i];
		const struct mark *m;

		if (l->end == LE_ALIVE && !l->hung)
			continue;
		m = &c->mark[control_segment(c, l->end == LE_ALIVE ?
		    mono_now() : l->ended)];
		printf("life=%zu client=%u of=%s how=%s after=%s at_ms=%.1f "
		    "waited_ms=%.1f\n", i, l->client, name_of(l->node),
		    l->hung ? "hung" : how[l->end], m->name, l->hung ? 0 :
		    ms_between(m->at, l->ended), l->waited_ms);
	}
}

static void
totals_report(const struct hold *h, const struct client *c)
{
	unsigned *alive = xcalloc(name_count(), sizeof(*alive));
	unsigned *hung = xcalloc(name_count(), sizeof(*hung));
	unsigned broken = 0, hung_all = 0, node;
	size_t i;

	for (i = 0; i < h->life_count; i++) {
		const struct life *l = &h->life[i];

		alive[l->node] += l->end == LE_ALIVE && l->node != NOBODY;
		hung[l->node] += l->hung;
		hung_all += l->hung;
		broken += l->end != LE_ALIVE && l->node != NOBODY;
	}
	for (node = 1; node < name_count(); node++)
		printf("total node=%s count=%u hung=%u\n", name_of(node),
		    alive[node], hung[node]);
	printf("total clients=%u unanswered=%u hung=%u broken=%u\n", c->count,
	    h->unanswered, hung_all, broken);
}

void
hold_report(const struct hold *h, const struct client *c)
{
	unsigned mark;

	lives_print(h, c);
	for (mark = 0; mark < c->mark_count; mark++)
		segment_report(h, c, mark);
	totals_report(h, c);
}
