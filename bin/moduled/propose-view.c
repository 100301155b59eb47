/* SPDX-License-Identifier: ISC */
/*
 * What the voters say, for decide and for people.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "propose-int.h"

static const char *const change_names[RC_COUNT] = {
	[RC_NONE] = "none", [RC_FIRST] = "first", [RC_PROMOTE] = "promote",
	[RC_SHRINK] = "shrink", [RC_JOIN] = "join", [RC_HAND] = "hand-over",
	[RC_FORCE] = "force", [RC_VOTERS] = "voters",
	[RC_WITHDRAW] = "withdraw",
};

static const char *const result_names[] = {
	[RR_NONE] = "none", [RR_BUSY] = "busy", [RR_CHOSEN] = "chosen",
	[RR_REFUSED] = "refused", [RR_NO_MAJORITY] = "no-majority",
};

const char *
reg_change_name(enum reg_change c)
{
	return (unsigned)c < RC_COUNT ? change_names[c] : "?";
}

const char *
reg_result_name(enum reg_result r)
{
	return (unsigned)r < sizeof(result_names) / sizeof(result_names[0]) ?
	    result_names[r] : "?";
}

const char *
reg_lacks(const struct reg_view *r)
{
	return r->missing[0] != '\0' ? r->missing : r->odd;
}

static void
higher(struct epoch *high, struct epoch e)
{
	if (epoch_cmp(e, *high) > 0)
		*high = e;
}

struct epoch
propose_highest(const struct propose *p)
{
	struct epoch high = p->in.self.fence;
	unsigned i;

	higher(&high, p->in.self.epoch);
	higher(&high, p->in.heard);
	higher(&high, p->left.epoch);
	higher(&high, p->known.epoch);
	for (i = 0; i < p->voter_count; i++) {
		higher(&high, p->voter[i].promised);
		higher(&high, p->voter[i].accepted.epoch);
		higher(&high, p->voter[i].memory.promised);
	}
	return high;
}

static bool
is_fresh(const struct propose *p, const struct propose_voter *v)
{
	return propose_is_fresh(p, v);
}

static bool
holds_present(const struct propose *p, const struct propose_voter *v)
{
	return propose_is_fresh(p, v) &&
	    epoch_cmp(v->accepted.epoch, p->present.epoch) == 0;
}

/* More of a list in words; what does not fit is left out. */
static void
add(char text[REG_TEXT], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
add(char text[REG_TEXT], const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list ap;

	if (len > 0)
		len += (size_t)snprintf(text + len, REG_TEXT - len, ", ");
	if (len >= REG_TEXT)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text + len, REG_TEXT - len, fmt, ap);
	va_end(ap);
}

static void
add_silent(struct propose *p, const char *name,
    const struct propose_voter *v)
{
	time_t at;
	struct tm tm;
	char when[16];

	if (v == NULL)
		add(p->view.missing, "%.63s is not configured", name);
	else if (v->trouble[0] != '\0')
		add(p->view.missing, "%.63s: %s", name, v->trouble);
	else if (!mono_is_set(v->heard))
		add(p->view.missing, "%.63s has not answered yet", name);
	else {
		at = (time_t)v->heard_wall_s;
		if (localtime_r(&at, &tm) == NULL || strftime(when,
		    sizeof(when), "%H:%M:%S", &tm) == 0)
			when[0] = '\0';
		add(p->view.missing, "%.63s silent since %s", name, when);
	}
}

static void
look_voter(struct propose *p, const char *name)
{
	struct propose_voter *v = propose_find(p, name);

	if (v != NULL && v->heard_wall_s == 0)
		v->heard_wall_s = p->in.wall_s -
		    mono_diff_ms(p->in.now, v->heard) / 1000;
	p->view.voters++;
	if (v == NULL || !propose_is_fresh(p, v))
		add_silent(p, name, v);
	else if (propose_forgot(v))
		add(p->view.odd, p->conf.swaps ?
		    "%.63s is another one than before" :
		    "%.63s lost its votes and began anew", name);
	else if (v->memory.back)
		add(p->view.odd, p->conf.swaps ?
		    "%.63s has lost the register, or holds an old one" :
		    "%.63s answers from an old disk", name);
	else if (propose_counts(v, &p->present))
		p->view.answering++;
	else
		add(p->view.odd, "%.63s is not counted yet", name);
}

static void
look_voters(struct propose *p)
{
	struct reg_view *view = &p->view;
	unsigned i;

	view->voters = view->answering = 0;
	view->missing[0] = view->odd[0] = '\0';
	if (reg_value_is_none(&p->present))
		for (i = 0; i < p->conf.voter_count; i++)
			look_voter(p, p->conf.voter[i]);
	for (i = 0; i < p->present.voter_count; i++)
		look_voter(p, p->present.voter[i].name);
}

static void
look_present(struct propose *p)
{
	const struct propose_voter *v;
	unsigned i;

	p->present = p->known;
	for (i = 0; i < p->voter_count; i++) {
		v = &p->voter[i];
		if (propose_is_fresh(p, v) && epoch_cmp(v->accepted.epoch,
		    p->present.epoch) > 0)
			p->present = v->accepted;
	}
}

void
propose_look(struct propose *p)
{
	struct reg_view *view = &p->view;

	look_present(p);
	view->present = p->present;
	view->known = propose_quorum(p, &p->present, is_fresh);
	view->empty = view->known && reg_value_is_none(&p->present);
	if (!reg_value_is_none(&p->present) &&
	    propose_quorum(p, &p->present, holds_present)) {
		const struct reg_value present = p->present;

		propose_chosen(p, &present);
	}
	view->chosen = !reg_value_is_none(&p->present) &&
	    epoch_cmp(p->present.epoch, p->known.epoch) == 0;
	look_voters(p);
	view->change = p->ask.change;
	view->node = p->ask.node;
	view->result = p->result;
	view->epoch = p->ballot;
	memcpy(view->why, p->why, sizeof(view->why));
	view->highest = propose_highest(p);
	view->accept_left = !reg_value_is_none(&p->left);
	view->doubt = p->left.epoch;
	view->fence = p->phase == PP_IDLE ? (struct epoch){ 0 } : p->ballot;
}
