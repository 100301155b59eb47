/* SPDX-License-Identifier: ISC */
/* The answers of the health URL, and how long an old one counts. */
#include <string.h>

#include "health.h"
#include "tap.h"

#define STALE	2000

static struct observed web, db;
static const struct observed *both[] = { &web, &db };
static struct health h;
static struct health_conf conf = { .stale_ms = STALE, .reasons = true };
static struct mono now = { 1000000000000 };

static unsigned
ask(const char *path, unsigned count)
{
	health_answer(&h, &conf, path, both, count, now);
	return h.status;
}

static void
is(struct observed *o, const char *name, const char *state,
    const char *quality)
{
	memset(o, 0, sizeof(*o));
	(void)snprintf(o->name, sizeof(o->name), "%s", name);
	(void)snprintf(o->state, sizeof(o->state), "%s", state);
	(void)snprintf(o->quality, sizeof(o->quality), "%s", quality);
	o->is_up = true;
	o->asked = now;
}

static void
test_states(void)
{
	static const struct {
		const char	*state, *quality;
		unsigned	 status;
	} rows[] = {
		{ "PRIM", "Ready", 200 }, { "ALONE", "Ready", 200 },
		{ "UP", "Ready", 200 }, { "SECOND", "Ready", 503 },
		{ "WAIT", "NotReady", 503 }, { "STOP", "NotReady", 503 },
		{ "PRIM", "Transient", 503 }, { "ALONE", "Transient", 503 },
		{ "PRIM", "NotReady", 503 }, { "", "", 503 },
		{ "PRIMA", "Ready", 503 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		is(&web, "web", rows[i].state, rows[i].quality);
		is_num(ask("/ready/web", 1), rows[i].status, "%s %s: %u",
		    rows[i].state, rows[i].quality, rows[i].status);
		is_num(ask("/var/modules/web/ready.txt", 1),
		    rows[i].status == 200 ? 200 : 404, "as the reference");
	}
}

/* In a farm the share must be open, too. */
static void
test_farm(void)
{
	is(&web, "web", "UP", "Ready");
	(void)snprintf(web.mode, sizeof(web.mode), "farm");
	is_num(ask("/ready/web", 1), 503, "UP, and drained or shut");
	is_str(h.text, "web: UP Ready, takes no new clients here\n",
	    "and says so");
	is_num(ask("/var/modules/web/ready.txt", 1), 404,
	    "as the reference");
	web.open = true;
	is_num(ask("/ready/web", 1), 200, "UP with an open share");
	(void)snprintf(web.quality, sizeof(web.quality), "Transient");
	is_num(ask("/ready/web", 1), 503, "not agreed on yet");
}

static void
test_age(void)
{
	is(&web, "web", "PRIM", "Ready");
	web.asked = mono_add_ms(now, -STALE);
	is_num(ask("/ready/web", 1), 200, "an answer of the bound's age");
	web.asked = mono_add_ms(now, -STALE - 1);
	is_num(ask("/ready/web", 1), 503, "an older one counts for nothing");
	is_str(h.text, "web: moduled has not answered for 2001 ms, last known "
	    "PRIM\n", "and says so");
	web.is_up = false;
	is_num(ask("/ready/web", 1), 503, "gone");
	ok(strstr(h.text, "is gone since 2001 ms") != NULL, "and says so");
	web.asked = (struct mono){ 0 };
	is_num(ask("/ready/web", 1), 503, "never answered");
}

static void
test_paths(void)
{
	is(&web, "web", "PRIM", "Ready");
	is(&db, "db", "SECOND", "Ready");
	is_num(ask("/ready", 2), 503, "one of two modules does not serve");
	ok(strncmp(h.text, "db: ", 4) == 0, "the one that does not is named");
	is(&db, "db", "ALONE", "Ready");
	is_num(ask("/ready", 2), 200, "both serve");
	is_str(h.text, "all 2 modules serve\n", "and so it says");
	is_num(ask("/ready", 0), 503, "no module is no service");
	is_num(ask("/ready/we", 2), 404, "a shorter name");
	is_num(ask("/ready/webb", 2), 404, "a longer name");
	is_num(ask("/ready/web/", 2), 404, "no directory");
	is_num(ask("/var/modules//ready.txt", 2), 404, "no name");
	is_num(ask("/var/modules/ready.txt", 2), 404, "no name at all");
	is_num(ask("/var/modules/web", 2), 404, "half a path");
	is_num(ask("/", 2), 404, "the root");
	is_num(ask("", 2), 404, "nothing");
	is_num(ask("/ready/../web", 2), 404, "no way up");
}

static void
test_reason(void)
{
	char long_text[sizeof(web.finding[0].text)];

	is(&web, "web", "WAIT", "NotReady");
	web.count = 1;
	web.finding[0].blocked = true;
	(void)snprintf(web.finding[0].code, OBSERVE_CODE, "stale");
	(void)snprintf(web.finding[0].text, OBSERVE_TEXT, "n2 has\nnewer");
	is_num(ask("/ready/web", 1), 503, "waits");
	is_str(h.text, "web: WAIT NotReady: stale: n2 has newer\n",
	    "the reason, in one line");
	conf.reasons = false;
	is_num(ask("/ready/web", 1), 503, "without reasons");
	is_str(h.text, "web: not ready\n", "only that");
	conf.reasons = true;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	memcpy(web.finding[0].text, long_text, sizeof(long_text));
	(void)ask("/ready/web", 1);
	is_num(h.text[strlen(h.text) - 1], '\n', "a long one ends the line");
	is(&web, "web", "SECOND", "Ready");
	(void)snprintf(web.peer, sizeof(web.peer), "n1");
	(void)snprintf(web.peer_state, sizeof(web.peer_state), "PRIM");
	(void)ask("/ready/web", 1);
	is_str(h.text, "web: SECOND Ready, n1 is PRIM\n",
	    "a secondary says who is it");
}

int
main(void)
{
	test_states();
	test_farm();
	test_age();
	test_paths();
	test_reason();
	return tap_done();
}
