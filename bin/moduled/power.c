/* SPDX-License-Identifier: ISC */
/*
 * Some agents return from "off" before the machine is off, so "status" is
 * asked as well: 0 on, 2 off, else not known.  Its 2 alone is no proof: that
 * is how a shell ends, too, when it cannot read a script.
 */
#include "power.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "xalloc.h"

struct power {
	const struct agent_conf	*conf;
	void			(*on_done)(uint64_t id, bool is_off,
				    const char *text, void *arg);
	void			*arg;
	uint64_t		 id;		/* in hand, or done last */
	bool			 is_busy, asks_status, called_off;
	struct agent		*agent;
};

static void
done(struct power *p, bool is_off, const char *text)
{
	p->is_busy = false;
	log_info("fencing %s: %s", p->conf->peer, is_off ? "its power is off" :
	    text);
	p->on_done(p->id, is_off, text, p->arg);
}

static void
judge(struct power *p, const struct agent_answer *a)
{
	char text[2 * AGENT_WORDS];

	if (a->status == AGENT_IS_OFF) {
		done(p, true, "");
		return;
	}
	if (a->status != AGENT_IS_ON) {
		done(p, false, a->text);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s says that it is still on",
	    p->conf->agent);
	done(p, false, text);
}

static void
on_answer(const struct agent_answer *a, void *arg)
{
	struct power *p = arg;

	if (a->end == AGENT_CALLED_OFF) {
		p->is_busy = false;
		p->on_done(0, false, "", p->arg);
	} else if (a->end == AGENT_FAILED)
		done(p, false, a->text);
	else if (p->asks_status)
		judge(p, a);
	else if (a->status != 0)
		done(p, false, a->text);
	else {
		p->asks_status = true;
		agent_ask(p->agent, "status");
	}
}

struct power *
power_new(struct loop *l, const struct agent_conf *conf,
    void (*on_done)(uint64_t id, bool is_off, const char *text, void *arg),
    void *arg)
{
	struct power *p = xcalloc(1, sizeof(*p));

	p->conf = conf;
	p->on_done = on_done;
	p->arg = arg;
	p->agent = agent_new(l, conf, on_answer, p);
	return p;
}

void
power_free(struct power *p)
{
	agent_free(p->agent);
	free(p);
}

void
power_want(struct power *p, uint64_t id)
{
	if (id == 0) {
		if (!p->is_busy || p->called_off)
			return;
		log_info("fencing %s: called off", p->conf->peer);
		p->called_off = true;
		agent_cancel(p->agent);
		return;
	}
	if (p->is_busy || id == p->id)
		return;
	p->id = id;
	p->is_busy = true;
	p->asks_status = p->called_off = false;
	log_info("fencing %s: %s", p->conf->peer, p->conf->agent);
	agent_ask(p->agent, "off");
}
