/* SPDX-License-Identifier: ISC */
/*
 * What is to be told, and when: a book of everything that is wrong now, fed
 * with each module's status.  Pure: facts and time in, messages out by a call.
 *
 * A finding is told when it has lasted for settle_ms, again each period_ms as
 * long as it lasts, and its end when it was absent for settle_ms.  One that
 * comes and goes is told less: each return within a period doubles the absence
 * that counts as its end, up to a quarter of an hour.
 *
 * Two warnings of one code are two alerts when their first words, a resource or
 * a node, differ; the rest of the text may change while it lasts.
 *
 * Both nodes of a module keep the book, one speaks: what both can see is told
 * by the node that serves, and by any when none does.  What the other node had
 * told before a takeover is in the book as told, and is not told again.
 */
#ifndef ALERTD_ALERT_H
#define ALERTD_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "code.h"
#include "line.h"
#include "observe.h"

#define ALERT_MAX	256

enum alert_kind { ALERT_BEGIN, ALERT_REPEAT, ALERT_END };

struct alert {
	char			module[MODULE_NAME_MAX + 1];
	char			code[OBSERVE_CODE];
	char			about[OBSERVE_NODE];
	char			text[OBSERVE_TEXT];
	char			command[OBSERVE_TEXT];
	enum code_weight	weight;
	int64_t			wall_s;		/* when it began, for people */
	struct mono		since;		/* 0: it is over */
	struct mono		gone;		/* absent since; 0: present */
	struct mono		last;		/* told, here or by the peer */
	struct mono		over;		/* its end was told */
	bool			told;
	unsigned		count;		/* how often told here */
	unsigned		returns;	/* within a period */
};

struct alert_conf {
	int64_t	settle_ms, period_ms, down_ms;
};

struct alert_book {
	struct alert_conf	conf;
	unsigned		count;
	struct alert		alert[ALERT_MAX];
};

/*
 * Takes one module's status.  emit is called for each message that is due; it
 * must not touch the book.  False: it could not be told now, and is due
 * again at the next update as if nothing had been tried.
 */
void	alert_update(struct alert_book *b, const struct observed *o,
	    struct mono now, int64_t wall_s, bool (*emit)(enum alert_kind k,
	    const struct alert *a, const struct observed *o, void *arg),
	    void *arg);
/* The module is not here any more: nothing is told of it. */
void	alert_forget(struct alert_book *b, const char *module);
/* Is it wrong now, and was it told? */
bool	alert_is_active(const struct alert *a);

/* A line of the book, for a restart in the same boot, and back. */
void	alert_save(struct line_out *o, const struct alert *a);
bool	alert_load(struct alert_book *b, const struct line *l);

const char *alert_kind_name(enum alert_kind k);

#endif
