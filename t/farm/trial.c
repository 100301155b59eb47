/* SPDX-License-Identifier: ISC */
/*
 * When the next trial starts, and what the trials of each segment came to.
 *
 *	mark=NAME sent= first= late= retried= failed= reset= error= twice=
 *	    until_ms= gap_ms= max_ms=
 *	mark=NAME node=NODE answered=
 *
 * until_ms is the time from the mark to the end of the last trial's slot that
 * was not answered at first; 0 when all were.  gap_ms is the longest time
 * without any trial that was answered at first.
 */
#include <stdio.h>

#include "xalloc.h"

#include "trial.h"

#define GROW	4096
/* The first of them tell the cause. */
#define TROUBLES_MAX	100

struct trial *
trial_due(struct trials *ts, const struct client *c, struct mono now)
{
	struct trial *t;

	if (!mono_is_set(ts->next))
		ts->next = now;
	if (mono_diff_ns(ts->next, now) > 0)
		return NULL;
	ts->next.ns += c->period_ns;
	/* A machine that stopped us: no burst for the time that is gone. */
	if (mono_diff_ns(now, ts->next) > 20 * c->period_ns)
		ts->next = now;
	if (ts->count % GROW == 0)
		ts->trial = xrealloc(ts->trial, ts->count + GROW,
		    sizeof(*ts->trial));
	t = &ts->trial[ts->count++];
	*t = (struct trial){ .start = now, .fd = -1 };
	return t;
}

bool
trial_settle(struct trials *ts)
{
	while (ts->oldest < ts->count &&
	    ts->trial[ts->oldest].outcome != OC_OPEN)
		ts->oldest++;
	return ts->oldest == ts->count;
}

struct sum {
	unsigned	count[OC_COUNT];
	unsigned	sent;
	unsigned	twice;
	double		until_ms;
	double		gap_ms;
	double		max_ms;
};

static void
sum_add(struct sum *s, const struct trial *t, const struct client *c,
    struct mono mark, struct mono *last)
{
	double ms = ms_between(t->start, t->done);

	s->sent++;
	s->count[t->outcome]++;
	s->twice += t->answers > 1;
	if (t->outcome != OC_FIRST) {
		s->until_ms = ms_between(mark, t->start) +
		    (double)c->period_ns / 1e6;
		return;
	}
	if (ms > s->max_ms)
		s->max_ms = ms;
	if (ms_between(*last, t->start) > s->gap_ms)
		s->gap_ms = ms_between(*last, t->start);
	*last = t->start;
}

static void
sum_print(const struct sum *s, const char *mark)
{
	printf("mark=%s sent=%u first=%u late=%u retried=%u failed=%u "
	    "reset=%u error=%u twice=%u until_ms=%.1f gap_ms=%.1f "
	    "max_ms=%.2f\n", mark, s->sent, s->count[OC_FIRST],
	    s->count[OC_LATE], s->count[OC_RETRIED], s->count[OC_FAILED],
	    s->count[OC_RESET], s->count[OC_ERROR], s->twice, s->until_ms,
	    s->gap_ms, s->max_ms);
}

static void
nodes_print(const struct trials *ts, const struct client *c, unsigned mark)
{
	unsigned *count = xcalloc(name_count(), sizeof(*count));
	unsigned i;

	for (i = 0; i < ts->count; i++)
		if (control_segment(c, ts->trial[i].start) == mark)
			count[ts->trial[i].node]++;
	for (i = 1; i < name_count(); i++)
		if (count[i] > 0)
			printf("mark=%s node=%s answered=%u\n",
			    c->mark[mark].name, name_of(i), count[i]);
}

/* Where a trial went wrong, for the one who looks for the cause. */
static void
trouble_print(const struct trials *ts, const struct client *c)
{
	static const char *const name[] = { "open", "first", "late",
	    "retried", "failed", "reset", "error" };
	unsigned i, said = 0;

	for (i = 0; i < ts->count && said < TROUBLES_MAX; i++) {
		const struct trial *t = &ts->trial[i];
		const struct mark *m = &c->mark[control_segment(c, t->start)];

		if (t->outcome == OC_FIRST && t->answers < 2)
			continue;
		said++;
		printf("trial=%u outcome=%s after=%s at_ms=%.1f took_ms=%.1f "
		    "node=%s%s%s\n", i, name[t->outcome], m->name,
		    ms_between(m->at, t->start), ms_between(t->start, t->done),
		    name_of(t->node), t->answers > 1 ? " again=" : "",
		    t->answers > 1 ? name_of(t->node_again) : "");
	}
}

void
trial_report(const struct trials *ts, const struct client *c)
{
	struct mono last = c->mark[0].at;
	unsigned i, mark;

	trouble_print(ts, c);
	for (mark = 0, i = 0; mark < c->mark_count; mark++) {
		struct sum s = { .sent = 0 };

		for (; i < ts->count &&
		    control_segment(c, ts->trial[i].start) == mark; i++)
			sum_add(&s, &ts->trial[i], c, c->mark[mark].at, &last);
		sum_print(&s, c->mark[mark].name);
		nodes_print(ts, c, mark);
	}
}
