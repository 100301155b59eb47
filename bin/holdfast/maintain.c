/* SPDX-License-Identifier: ISC */
/*
 * maintain and release: words that both nodes keep.  A word is done when the
 * other node has it too; one that is not heard learns it when it is back, and
 * that is said.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "config-value.h"
#include "rescue.h"
#include "status.h"
#include "talk.h"

/* The other node answers within a pulse or two. */
#define KNOWN_MS	3000
#define MAINTAIN_MAX_S	(30 * 86400)

static void
wall_text(char buf[32], int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(buf, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		buf[0] = '\0';
}

/* "2 h 5 min" */
static void
left_text(char *buf, size_t size, int64_t s)
{
	if (s >= 3600)
		snprintf(buf, size, "%" PRId64 " h %" PRId64 " min", s / 3600,
		    s % 3600 / 60);
	else if (s >= 120)
		snprintf(buf, size, "%" PRId64 " min", s / 60);
	else
		snprintf(buf, size, "%" PRId64 " s", s);
}

static int
show(const struct cmd *c, const struct status *st)
{
	const struct record *r = status_find(st, "maintain", NULL);
	int64_t left = record_num(r, "until") - (int64_t)time(NULL);
	char until[32], text[64];

	if (r == NULL || left <= 0) {
		printf("%s is not in maintenance\n", c->module);
		return 0;
	}
	wall_text(until, record_num(r, "until"));
	left_text(text, sizeof(text), left);
	printf("%s is in maintenance until %s (%s left), by %s on %s%s%s\n",
	    c->module, until, text, record_get(r, "who"),
	    record_get(r, "node"), record_get(r, "why")[0] != '\0' ? ": " :
	    "", record_get(r, "why"));
	return 0;
}

static bool
has_peer(const struct status *st)
{
	const struct record *r = status_find(st, "node", NULL);

	return r != NULL && status_find(st, "node", r) != NULL;
}

/* Until the other node has the newest word of this kind. */
static void
await_peer(const struct cmd *c, struct status *st, const char *kind)
{
	struct mono end = mono_add_ms(mono_now(), KNOWN_MS);
	const struct record *r;

	for (;;) {
		if (status_ask(st, c->module) == 0 && !st->is_old) {
			r = status_find(st, kind, NULL);
			if (r == NULL || record_num(r, "peer_knows") == 1 ||
			    !has_peer(st))
				return;
		}
		if (mono_passed(end, mono_now()))
			break;
		(void)usleep(100000);
	}
	fprintf(stderr, "holdfast: %s: the other node does not answer: it "
	    "hears of it when it is back, and until then does as before\n",
	    c->module);
}

static int
read_time(const struct cmd *c, int64_t *s)
{
	char why[160];
	int64_t us;

	if (c->argc == 1 && strcmp(c->argv[0], "off") == 0 &&
	    c->span == NULL) {
		*s = 0;
		return 0;
	}
	if (c->argc > 0) {
		fprintf(stderr, "holdfast: maintain: \"%s\" is not known; "
		    "allowed: --for TIME, or off\n", c->argv[0]);
		return EX_USAGE;
	}
	if (value_time(&us, c->span, "s", why, sizeof(why)) == -1) {
		fprintf(stderr, "holdfast: maintain: --for: %s\n", why);
		return EX_USAGE;
	}
	*s = us / 1000000;
	if (*s >= 1 && *s <= MAINTAIN_MAX_S)
		return 0;
	fprintf(stderr, "holdfast: maintain: --for %s: allowed: 1s to %dd; "
	    "`off' ends it\n", c->span, MAINTAIN_MAX_S / 86400);
	return EX_USAGE;
}

static int
say(const struct cmd *c, int64_t s)
{
	struct line_out o;
	int rc;

	line_begin(&o, "maintain");
	line_add_num(&o, "for_s", s);
	line_add(&o, "who", talk_who());
	if (c->why != NULL)
		line_add(&o, "why", c->why);
	rc = talk(c->module, "moduled", &o, NULL, NULL);
	return rc == 0 ? 0 : talk_failed(c->module, "moduled", rc);
}

int
verb_maintain(struct cmd *c)
{
	struct status *st = status_new();
	bool asks = c->argc == 0 && c->span == NULL;
	int64_t s = 0;
	int rc;

	rc = asks ? 0 : read_time(c, &s);
	if (rc == 0 && (status_ask(st, c->module) == -1 || st->is_old))
		rc = talk_failed(c->module, "moduled", -1);
	if (rc == 0 && !asks && (rc = say(c, s)) == 0)
		await_peer(c, st, "maintain");
	if (rc == 0)
		rc = show(c, st);
	status_free(st);
	return rc;
}

int
verb_release(struct cmd *c)
{
	struct status *st;
	int rc;

	if (c->argc == 0 && !talk_is_up())
		return rescue_release(c);
	rc = verb_act(c);
	if (rc != 0 || c->no_wait)
		return rc;
	st = status_new();
	await_peer(c, st, "released");
	status_free(st);
	rescue_tell(c->module);
	return 0;
}
