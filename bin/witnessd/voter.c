/* SPDX-License-Identifier: ISC */
/*
 * A vote: decide, make durable, answer; never another order.  Failpoints
 * (holdfast-failures(7)): 71 a promise that is not durable, 72 one that is
 * and is not answered; 73 and 74 the same of an accepted value.
 */

#include "voter.h"

#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "log.h"

static bool
remember(struct store *s, const struct vote_ask *a, const struct ballot *b)
{
	static struct log_limit limit;
	bool is_promise = a->kind == VOTE_PREPARE;

	fail_point(is_promise ? 71 : 73);
	if (store_write(s, a->cluster, a->module, b) == -1) {
		if (log_limit_ok(&limit, 5))
			log_warnx("%s/%s: no vote: %s", a->cluster,
			    a->module, store_why(s));
		return false;
	}
	fail_point(is_promise ? 72 : 74);
	return true;
}

bool
voter_ask(struct store *s, const struct vote_ask *a, struct vote_answer *out)
{
	static const struct record none = { .state = RECORD_GOOD };
	const struct record *r = store_find(s, a->cluster, a->module);
	struct ballot next;
	bool is_new;

	memset(out, 0, sizeof(*out));
	if (r == NULL)
		r = &none;
	out->kind = a->kind;
	out->nonce = a->nonce;
	out->voter = r->voter != 0 ? r->voter : store_id(s);
	if (r->state != RECORD_GOOD) {
		out->result = VOTE_UNABLE;
		(void)snprintf(out->text, sizeof(out->text), "the record of "
		    "%s is %s: see the log of witnessd there", a->module,
		    r->state == RECORD_GONE ? "gone" : "unreadable");
		return false;
	}
	is_new = ballot_ask(&r->ballot, a, &next, &out->result);
	if (is_new && !remember(s, a, &next)) {
		next = r->ballot;
		is_new = false;
		out->result = VOTE_UNABLE;
		(void)snprintf(out->text, sizeof(out->text), "%s",
		    store_why(s));
	}
	out->promised = next.promised;
	out->value = next.value;
	return is_new;
}
