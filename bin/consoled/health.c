/* SPDX-License-Identifier: ISC */
/*
 * The rule of health.h.  In doubt the answer is no: another node is asked as
 * well, and two nodes that both say yes are worse than a moment of none.
 */
#include "health.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OK		200
#define NOT_FOUND	404
#define UNAVAILABLE	503

static const char ready[] = "/ready";
/* As the reference has it, for balancers that were set up for it. */
static const char old_head[] = "/var/modules/", old_tail[] = "/ready.txt";

/* What a text of ours holds, some of it from the peer, stays one line. */
static void __attribute__((format(printf, 3, 4)))
say(struct health *h, unsigned status, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	h->status = status;
	va_start(ap, fmt);
	(void)vsnprintf(h->text, sizeof(h->text) - 1, fmt, ap);
	va_end(ap);
	for (n = 0; h->text[n] != '\0'; n++)
		if ((unsigned char)h->text[n] < ' ')
			h->text[n] = ' ';
	memcpy(h->text + n, "\n", 2);
}

static const struct finding *
blocked(const struct observed *o)
{
	for (unsigned i = 0; i < o->count; i++)
		if (o->finding[i].blocked)
			return &o->finding[i];
	return NULL;
}

static void
answer_module(struct health *h, const struct health_conf *conf,
    const struct observed *o, struct mono now)
{
	const struct finding *f = blocked(o);
	int64_t age = observed_age_ms(o, now);

	if (age < 0 || age > conf->stale_ms) {
		if (!conf->reasons)
			say(h, UNAVAILABLE, "%s: not ready", o->name);
		else if (age < 0)
			say(h, UNAVAILABLE, "%s: moduled has not answered "
			    "yet", o->name);
		else if (o->is_up)
			say(h, UNAVAILABLE, "%s: moduled has not answered for "
			    "%lld ms, last known %s", o->name, (long long)age,
			    o->state);
		else
			say(h, UNAVAILABLE, "%s: moduled is gone since %lld "
			    "ms, last known %s", o->name, (long long)age,
			    o->state);
	} else if (observed_serves(o))
		say(h, OK, "%s: %s %s", o->name, o->state, o->quality);
	else if (!conf->reasons)
		say(h, UNAVAILABLE, "%s: not ready", o->name);
	else if (f != NULL && strcmp(o->state, "STOP") != 0)
		say(h, UNAVAILABLE, "%s: %s %s: %s: %s", o->name, o->state,
		    o->quality, f->code, f->text);
	else if (strcmp(o->mode, "farm") == 0 && strcmp(o->state, "UP") == 0 &&
	    !o->open)
		say(h, UNAVAILABLE, "%s: %s %s, takes no new clients here",
		    o->name, o->state, o->quality);
	else if (o->peer[0] != '\0')
		say(h, UNAVAILABLE, "%s: %s %s, %s is %s", o->name, o->state,
		    o->quality, o->peer, o->peer_state);
	else
		say(h, UNAVAILABLE, "%s: %s %s", o->name, o->state,
		    o->quality);
}

/* A node is ready when all of its modules are: the first that is not tells. */
static void
answer_node(struct health *h, const struct health_conf *conf,
    const struct observed *const *of, unsigned count, struct mono now)
{
	if (count == 0) {
		say(h, UNAVAILABLE, "no module is configured on this node");
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		answer_module(h, conf, of[i], now);
		if (h->status != OK)
			return;
	}
	if (count > 1)
		say(h, OK, "all %u modules serve", count);
}

static void
answer_named(struct health *h, const struct health_conf *conf,
    const char *name, size_t len, const struct observed *const *of,
    unsigned count, struct mono now)
{
	for (unsigned i = 0; i < count; i++)
		if (strlen(of[i]->name) == len &&
		    memcmp(of[i]->name, name, len) == 0) {
			answer_module(h, conf, of[i], now);
			return;
		}
	say(h, NOT_FOUND, "no such module is configured on this node");
}

void
health_answer(struct health *h, const struct health_conf *conf,
    const char *path, const struct observed *const *of, unsigned count,
    struct mono now)
{
	size_t len = strlen(path);
	const size_t head = sizeof(old_head) - 1, tail = sizeof(old_tail) - 1;

	if (strcmp(path, ready) == 0 || strcmp(path, "/ready/") == 0) {
		answer_node(h, conf, of, count, now);
	} else if (strncmp(path, "/ready/", 7) == 0) {
		answer_named(h, conf, path + 7, len - 7, of, count, now);
	} else if (len > head + tail && strncmp(path, old_head, head) == 0 &&
	    strcmp(path + len - tail, old_tail) == 0) {
		answer_named(h, conf, path + head, len - head - tail, of,
		    count, now);
		/* The reference knows two answers only. */
		if (h->status == UNAVAILABLE)
			h->status = NOT_FOUND;
	} else
		say(h, NOT_FOUND, "ask for /ready, /ready/MODULE or "
		    "/var/modules/MODULE/ready.txt");
}
