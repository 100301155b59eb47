/* SPDX-License-Identifier: ISC */
/*
 * The verbs that act: ask moduled, then wait until the goal is reached.
 * moduled answers when it has taken the wish; what became of it is read from
 * its status each time an event says that something changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "clock.h"
#include "cmd.h"
#include "generation.h"
#include "goal.h"
#include "paths.h"
#include "show.h"
#include "status.h"
#include "talk.h"

/* Without any event: how often to look all the same. */
#define LOOK_MS		1000
/* Daemons of a module that are being started. */
#define START_MS	10000

struct waiter {
	const struct cmd	*c;
	struct goal		 goal;
	struct mono		 begin, deadline;
	bool			 progress;
	char			 shown[64];
	struct status		*st;
	enum goal_answer	 answer;
	int			 failures;	/* moduled did not answer */
};

static void
show_progress(struct waiter *w)
{
	const struct record *r = status_find(w->st, "replication", NULL);
	char text[64];
	int64_t total = record_num(r, "total_bytes");
	int64_t done = record_num(r, "done_bytes");

	snprintf(text, sizeof(text), "%s %s", w->st->state, w->st->quality);
	if (total > 0 && strcmp(record_get(r, "phase"), "none") != 0)
		snprintf(text, sizeof(text), "%s %s, %s %d %%", w->st->state,
		    w->st->quality, record_get(r, "phase"),
		    done >= total ? 100 : (int)(done * 100 / total));
	if (!w->progress || strcmp(text, w->shown) == 0)
		return;
	memcpy(w->shown, text, sizeof(text));
	fprintf(stderr, "%s: %s\n", w->c->module, text);
}

static void
look(struct waiter *w)
{
	struct goal_view v;

	if (status_ask(w->st, w->c->module) == -1 || w->st->is_old) {
		w->failures++;
		return;
	}
	w->failures = 0;
	show_progress(w);
	v.state = w->st->state;
	v.quality = w->st->quality;
	v.elapsed_ms = mono_diff_ms(mono_now(), w->begin);
	v.is_blocked = status_find(w->st, "blocked", NULL) != NULL;
	w->answer = goal_look(&w->goal, &v);
}

static bool
on_event(const struct line *l, void *arg)
{
	struct waiter *w = arg;

	if (strcmp(l->verb, "err") == 0)
		return false;
	look(w);
	return w->answer == GOAL_OPEN &&
	    !mono_passed(w->deadline, mono_now());
}

static void
say_blocked(const struct waiter *w)
{
	const struct record *r = status_find(w->st, "blocked", NULL);

	fprintf(stderr, "%s: %s: %s\n", w->c->module, w->st->state,
	    r != NULL ? record_get(r, "text") : "waits");
	for (r = NULL; (r = status_find(w->st, "goon", r)) != NULL; )
		show_way(r, "  ", stderr);
}

/* What a script said last, where it is why. */
static void
tell_script(const struct status *st)
{
	const struct record *r = NULL;
	const char *code;

	while ((r = status_find(st, "warning", r)) != NULL) {
		code = record_get(r, "code");
		if (code != NULL && strcmp(code, "script-failed") == 0)
			fprintf(stderr, "  %s\n", record_get(r, "text"));
	}
}

/* A start that waits for the other node is well; one without a majority
 * waits for the administrator, too. */
static int
blocked_status(const struct waiter *w)
{
	static const char *const codes[] = { "no-majority", "no-etcd",
	    "in-doubt", "lease-over" };
	const char *code = record_get(status_find(w->st, "blocked", NULL),
	    "code");
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(code, codes[i]) == 0)
			return EXIT_NO_QUORUM;
	return strcmp(w->c->verb, "start") == 0 ||
	    strcmp(w->c->verb, "stopstart") == 0 ? 0 : EX_TEMPFAIL;
}

static int
finish(const struct waiter *w)
{
	switch (w->answer) {
	case GOAL_REACHED:
		return 0;
	case GOAL_BLOCKED:
		say_blocked(w);
		return blocked_status(w);
	case GOAL_FAILED:
		fprintf(stderr, "holdfast: %s: %s ended in %s %s: `holdfast "
		    "log %s' tells why\n", w->c->module, w->c->verb,
		    w->st->state, w->st->quality, w->c->module);
		tell_script(w->st);
		return EX_SOFTWARE;
	default:
		fprintf(stderr, "holdfast: %s: not there after %lld ms: still "
		    "%s %s\n", w->c->module,
		    (long long)w->c->timeout_ms, w->st->state,
		    w->st->quality);
		return EX_TEMPFAIL;
	}
}

/* Until the goal, or the time is over, or nobody is there to ask. */
static int
wait_for(struct waiter *w)
{
	char path[PATH_LEN];
	struct line_out o;
	int64_t left;
	int rc;

	w->begin = mono_now();
	if (w->c->timeout_ms >= 0)
		w->deadline = mono_add_ms(w->begin, w->c->timeout_ms);
	w->progress = isatty(STDERR_FILENO);
	path_socket(path, w->c->module, "moduled");
	look(w);
	while (w->answer == GOAL_OPEN &&
	    !mono_passed(w->deadline, mono_now())) {
		left = LOOK_MS;
		if (mono_is_set(w->deadline) &&
		    mono_diff_ms(w->deadline, mono_now()) < left)
			left = mono_diff_ms(w->deadline, mono_now());
		line_begin(&o, "watch");
		line_add(&o, "topic", "state");
		rc = ask_watch(path, &o, left, on_event, w);
		if (rc == -1 && errno != ETIMEDOUT) {
			/* Being restarted, or gone for good. */
			if (!talk_is_up())
				return talk_failed(w->c->module, "moduled",
				    -1);
			(void)usleep(100000);
		}
		if (w->answer == GOAL_OPEN)
			look(w);
	}
	return finish(w);
}

/* --- asking ---------------------------------------------------------- */

/* Of secondforce -d, wall seconds; -1: it is none. */
static int64_t
date_parse(const char *text)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M:%S",
	    "%Y-%m-%dT%H:%M:%S" };
	const char *end;
	struct tm tm;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		memset(&tm, 0, sizeof(tm));
		tm.tm_isdst = -1;
		end = strptime(text, forms[i], &tm);
		if (end != NULL && strcmp(end, "Z") == 0)
			return (int64_t)timegm(&tm);
		if (end != NULL && *end == '\0')
			return (int64_t)mktime(&tm);
	}
	return -1;
}

static int
send_verb(const struct cmd *c, const char *yes)
{
	struct line_out o;
	int i;

	line_begin(&o, c->verb);
	line_add(&o, "who", talk_who());
	if (c->since_s > 0)
		line_add_num(&o, "since", c->since_s);
	if (c->why != NULL)
		line_add(&o, "why", c->why);
	if (c->identity != NULL)
		line_add(&o, "i", c->identity);
	for (i = 0; i < c->argc; i++)
		if (strcmp(c->argv[i], "fullsync") == 0)
			line_add_num(&o, "fullsync", 1);
	if (yes != NULL)
		line_add(&o, "yes", yes);
	if (c->no_wait)
		line_add_num(&o, "nowait", 1);
	return talk(c->module, "moduled", &o, NULL, NULL);
}

/*
 * The status of a module whose daemons may just be starting: right after
 * `config', say.  0, or -1 with errno when nobody answers in time.
 */
static int
first_status(struct status *st, const struct cmd *c)
{
	int64_t patience = c->timeout_ms >= 0 && c->timeout_ms < START_MS ?
	    c->timeout_ms : START_MS;
	struct mono end = mono_add_ms(mono_now(), patience);
	int saved;

	while (status_ask(st, c->module) == -1 || st->is_old) {
		saved = errno;
		if (generation_active(c->module) == 0 || !talk_is_up() ||
		    mono_passed(end, mono_now())) {
			errno = saved;
			return -1;
		}
		(void)usleep(50000);
	}
	return 0;
}

/* A daemon that just started may not know all yet: busy, for a moment. */
static int
send_patiently(const struct cmd *c, const char *yes)
{
	struct mono end = mono_add_ms(mono_now(), START_MS);
	int rc;

	for (;;) {
		rc = send_verb(c, yes);
		if (rc != 1 || strcmp(talk_code(), "busy") != 0 ||
		    mono_passed(end, mono_now()))
			return rc;
		(void)usleep(100000);
	}
}

static bool
can_be_confirmed(const struct cmd *c)
{
	return c->yes == NULL && strcmp(talk_code(), "confirm") == 0;
}

/* The administrator types the module's name; false: did not. */
static bool
confirm(const struct cmd *c)
{
	char answer[MODULE_NAME_MAX + 8];

	(void)talk_failed(c->module, "moduled", 1);	/* says what it costs */
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "holdfast: refused; `holdfast %s %s --yes "
		    "%s' does it all the same\n", c->verb, c->module,
		    c->module);
		return false;
	}
	fprintf(stderr, "Type the module's name to do it all the same: ");
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		return false;
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcmp(answer, c->module) == 0;
}

static bool
args_are_good(const struct cmd *c)
{
	int i;

	for (i = 0; i < c->argc; i++) {
		if (strcmp(c->argv[i], "fullsync") == 0 &&
		    (strcmp(c->verb, "second") == 0 ||
		    strcmp(c->verb, "prim") == 0))
			continue;
		fprintf(stderr, "holdfast: %s: argument \"%s\" is not "
		    "known\n", c->verb, c->argv[i]);
		return false;
	}
	if (c->yes != NULL && strcmp(c->yes, c->module) != 0) {
		fprintf(stderr, "holdfast: --yes %s: is not the name of the "
		    "module, %s\n", c->yes, c->module);
		return false;
	}
	return true;
}

/* secondforce is `second' with a date. */
static bool
take_since(struct cmd *c)
{
	if (strcmp(c->verb, "secondforce") != 0)
		return true;
	c->since_s = c->date != NULL ? date_parse(c->date) : -1;
	if (c->since_s <= 0) {
		fprintf(stderr, "holdfast: secondforce: -d says of when the "
		    "copy here is: 2026-11-30 or \"2026-11-30 22:15:00\", "
		    "with a Z behind it for UTC\n");
		return false;
	}
	c->verb = "second";
	return true;
}

/*
 * Said on both nodes while they do not hear each other, `prim' begins two
 * histories: nobody but the operator can know.
 */
static void
note_silent_peer(const struct cmd *c, const struct status *st)
{
	const struct record *r = NULL, *silent = NULL;
	bool is_new = false;

	while ((r = status_find(st, "node", r)) != NULL) {
		if (record_num(r, "self") == 1)
			is_new = record_num(r, "new") == 1;
		else if (strcmp(record_get(r, "state"), "UNKNOWN") == 0)
			silent = r;
	}
	if (strcmp(c->verb, "prim") == 0 && is_new && silent != NULL)
		fprintf(stderr, "holdfast: %s is not heard: say prim on one "
		    "node only; on both, each begins a history of its own, "
		    "and what one of them wrote is set aside when they meet\n",
		    record_get(silent, "name"));
}

int
verb_act(struct cmd *c)
{
	struct waiter w = { .c = c };
	int rc;

	if (!args_are_good(c) || !take_since(c))
		return EX_USAGE;
	w.st = status_new();
	if (first_status(w.st, c) == -1) {
		rc = talk_failed(c->module, "moduled", -1);
		goto out;
	}
	note_silent_peer(c, w.st);
	goal_begin(&w.goal, c->verb, w.st->state, w.st->quality);
	rc = send_patiently(c, c->yes);
	if (rc == 1 && can_be_confirmed(c)) {
		if (!confirm(c)) {
			rc = EXIT_UNSAFE;
			goto out;
		}
		rc = send_patiently(c, c->module);
	}
	if (rc != 0)
		rc = talk_failed(c->module, "moduled", rc);
	/* A script of the module must not wait for its own module. */
	else if (!c->no_wait && c->identity == NULL)
		rc = wait_for(&w);
out:
	status_free(w.st);
	return rc;
}

int
verb_wait(struct cmd *c)
{
	struct waiter w = { .c = c };
	const char *state = strcmp(c->verb, "waitstart") == 0 ? "Ready" :
	    strcmp(c->verb, "waitstop") == 0 ? "STOP" : c->argv[0];
	int rc;

	if (!goal_wait(&w.goal, state)) {
		fprintf(stderr, "holdfast: wait: \"%s\" is no state; "
		    "allowed: STOP WAIT ALONE PRIM SECOND UP Ready\n",
		    state);
		return EX_USAGE;
	}
	w.st = status_new();
	if (status_ask(w.st, c->module) == -1 && !talk_is_up())
		rc = talk_failed(c->module, "moduled", -1);
	else
		rc = wait_for(&w);
	status_free(w.st);
	return rc;
}
