/* SPDX-License-Identifier: ISC */
/* What alertd tells, and when: days in a second, by hand. */
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "tap.h"

#define SETTLE	3000
#define PERIOD	3600000
#define DOWN	10000
#define STEP	500

static struct alert_book book, other;
static struct observed o;
static struct mono now;
static char said[4096];
static unsigned messages;
static bool full;

static bool
emit(enum alert_kind k, const struct alert *a, const struct observed *of,
    void *arg)
{
	size_t len = strlen(said);

	(void)of;
	(void)arg;
	if (full)
		return false;
	messages++;
	(void)snprintf(said + len, sizeof(said) - len, "%s%s %s %u",
	    len > 0 ? "," : "", alert_kind_name(k), a->code, a->count);
	return true;
}

static void
fresh(void)
{
	memset(&book, 0, sizeof(book));
	book.conf = (struct alert_conf){ SETTLE, PERIOD, DOWN };
	now = (struct mono){ 1000000000 };
	said[0] = '\0';
	messages = 0;
}

static void
is(const char *state, const char *quality, const char *peer)
{
	memset(&o, 0, sizeof(o));
	(void)snprintf(o.name, sizeof(o.name), "web");
	(void)snprintf(o.state, sizeof(o.state), "%s", state);
	(void)snprintf(o.quality, sizeof(o.quality), "%s", quality);
	(void)snprintf(o.peer, sizeof(o.peer), "n2");
	(void)snprintf(o.peer_state, sizeof(o.peer_state), "%s", peer);
	o.is_up = true;
}

static void
add(const char *code, bool blocked)
{
	struct finding *f = &o.finding[o.count++];

	f->blocked = blocked;
	(void)snprintf(f->code, sizeof(f->code), "%s", code);
	(void)snprintf(f->text, sizeof(f->text), "text of \"%s\"", code);
}

/* moduled answers, each STEP, for ms. */
static void
pass(int64_t ms)
{
	for (; ms > 0; ms -= STEP) {
		now = mono_add_ms(now, STEP);
		o.asked = now;
		alert_update(&book, &o, now, 1700000000, emit, NULL);
	}
}

static const char *
take(void)
{
	static char text[sizeof(said)];

	memcpy(text, said, sizeof(text));
	said[0] = '\0';
	return text;
}

static void
test_life(void)
{
	fresh();
	is("ALONE", "Ready", "UNKNOWN");
	add("alone", false);
	add("heartbeats-only", false);
	pass(SETTLE - STEP);
	is_str(take(), "", "what passes at once is no news");
	pass(2 * STEP);
	is_str(take(), "begin alone 1", "told once it has settled");
	pass(PERIOD - 2 * STEP);
	is_str(take(), "", "and not again within the period");
	pass(2 * STEP);
	is_str(take(), "repeat alone 2", "again after it");
	pass(3 * (int64_t)PERIOD);
	is_str(take(), "repeat alone 3,repeat alone 4,repeat alone 5",
	    "again and again");
	is("PRIM", "Ready", "SECOND");
	pass(SETTLE);
	is_str(take(), "", "its end has to settle, too");
	pass(2 * STEP);
	is_str(take(), "end alone 5", "its end");
	pass(2 * (int64_t)PERIOD);
	is_str(take(), "", "and no more");
	is_num(book.count, 0, "the book is empty");
}

/* No room for it: not lost, not counted, and told once there is. */
static void
test_full(void)
{
	fresh();
	is("ALONE", "Ready", "UNKNOWN");
	add("alone", false);
	full = true;
	pass(3 * SETTLE);
	full = false;
	pass(2 * STEP);
	is_str(take(), "begin alone 1", "told when there is room");
	full = true;
	pass(PERIOD + SETTLE);
	full = false;
	pass(2 * STEP);
	is_str(take(), "repeat alone 2", "again, not a period later");
	full = true;
	is("PRIM", "Ready", "SECOND");
	pass(2 * SETTLE);
	full = false;
	pass(2 * STEP);
	is_str(take(), "end alone 2", "and so is its end");
	pass(2 * (int64_t)PERIOD);
	is_str(take(), "", "each of them once");
	is_num(book.count, 0, "the book is empty");
}

static void
test_what(void)
{
	fresh();
	is("WAIT", "NotReady", "UNKNOWN");
	add("stale", true);
	pass(2 * SETTLE);
	is_str(take(), "begin stale 1", "waiting NotReady is told");
	fresh();
	is("WAIT", "Transient", "PRIM");
	add("copying", true);
	pass(60000);
	is_str(take(), "", "what goes by itself is not");
	fresh();
	is("STOP", "NotReady", "ALONE");
	add("stopping", true);
	pass(60000);
	is_str(take(), "", "a stop by the operator is not");
	add("maxloop", false);
	pass(2 * SETTLE);
	is_str(take(), "begin maxloop 1", "one by maxloop is");
	fresh();
	is("ALONE", "Ready", "STOP");
	add("alone", false);
	add("maintenance", false);
	pass(PERIOD);
	is_str(take(), "", "nothing in maintenance");
	is("ALONE", "Ready", "STOP");
	add("alone", false);
	pass(2 * SETTLE);
	is_str(take(), "begin alone 1", "but when it has ended");
	fresh();
	is("PRIM", "Ready", "SECOND");
	add("never-heard-of", false);
	pass(2 * SETTLE);
	is_str(take(), "begin never-heard-of 1", "a new code is never silent");
	is_num(book.alert[0].weight, CODE_WARNING, "and weighs a warning");
}

/* Another resource is other news, another wording is none. */
static void
test_about(void)
{
	fresh();
	is("PRIM", "Ready", "SECOND");
	add("resource-down", false);
	(void)snprintf(o.finding[0].text, OBSERVE_TEXT, "proc.a is down");
	pass(2 * SETTLE);
	is_str(take(), "begin resource-down 1", "one resource");
	add("resource-down", false);
	(void)snprintf(o.finding[1].text, OBSERVE_TEXT, "tcp.b is down");
	(void)snprintf(o.finding[0].text, OBSERVE_TEXT, "proc.a is down: 7");
	pass(2 * SETTLE);
	is_str(take(), "begin resource-down 1", "and another one");
	is("PRIM", "Ready", "SECOND");
	pass(2 * SETTLE);
	is_str(take(), "end resource-down 1,end resource-down 1", "both end");
}

static void
test_down(void)
{
	fresh();
	is("PRIM", "Ready", "SECOND");
	pass(STEP);
	for (int i = 0; i < 40; i++) {
		now = mono_add_ms(now, STEP);
		alert_update(&book, &o, now, 0, emit, NULL);
	}
	is_str(take(), "begin daemon-down 1", "a moduled that does not answer");
	pass(2 * SETTLE);
	is_str(take(), "end daemon-down 1", "and one that is back");
	/* What was told is not told again from an old answer. */
	fresh();
	is("ALONE", "Ready", "UNKNOWN");
	add("alone", false);
	pass(2 * SETTLE);
	(void)take();
	for (int64_t t = 0; t < 2 * (int64_t)PERIOD; t += STEP) {
		now = mono_add_ms(now, STEP);
		alert_update(&book, &o, now, 0, emit, NULL);
	}
	is_str(take(), "begin daemon-down 1,repeat daemon-down 2",
	    "only that it does not answer");
	fresh();
	is("PRIM", "Ready", "SECOND");
	alert_update(&book, &o, now, 0, emit, NULL);
	is_num(book.count, 0, "one that never answered is just starting");
}

/* A link that blinks: each return doubles what counts as an end. */
static void
test_flap(void)
{
	int64_t day = 24 * (int64_t)PERIOD;

	fresh();
	for (int64_t t = 0; t < day; t += 20000) {
		is("ALONE", "Ready", "UNKNOWN");
		add("alone", false);
		pass(10000);
		is("PRIM", "Ready", "SECOND");
		pass(10000);
	}
	ok(messages <= 4 + 24, "%u messages of a day at 3 blinks a minute",
	    messages);
	ok(messages >= 24, "and still one each hour");
	pass(20 * 60000);
	(void)take();
	pass(2 * (int64_t)PERIOD);
	is_num(book.count, 0, "forgotten when it has been quiet");
}

static void
test_pair(void)
{
	/* Both see it: the one that serves speaks. */
	fresh();
	is("SECOND", "Ready", "PRIM");
	add("config-differs", false);
	pass(2 * SETTLE);
	is_str(take(), "", "a secondary leaves it to the primary");
	/* Takeover: it was told, by the node that is gone. */
	is("ALONE", "Ready", "UNKNOWN");
	add("config-differs", false);
	add("alone", false);
	pass(2 * SETTLE);
	is_str(take(), "begin alone 1", "and tells only what is new then");
	pass(PERIOD);
	is_str(take(), "repeat config-differs 1,repeat alone 2",
	    "and goes on with the rest each period");
	is("PRIM", "Ready", "SECOND");
	pass(2 * SETTLE);
	is_str(take(), "end alone 2,end config-differs 1", "ends both");
	/* No one serves: each speaks. */
	fresh();
	is("WAIT", "NotReady", "WAIT");
	add("config-differs", true);
	pass(2 * SETTLE);
	is_str(take(), "begin config-differs 1", "no primary: each speaks");
	/* What only this node knows. */
	fresh();
	is("SECOND", "Ready", "PRIM");
	add("script-failed", false);
	pass(2 * SETTLE);
	is_str(take(), "begin script-failed 1", "its own trouble it tells");
}

static void
test_restart(void)
{
	struct line_out out;
	struct line *l = calloc(1, sizeof(*l));
	const char *why;

	fresh();
	is("ALONE", "Ready", "UNKNOWN");
	add("alone", false);
	pass(2 * SETTLE);
	(void)take();
	memset(&other, 0, sizeof(other));
	other.conf = book.conf;
	alert_save(&out, &book.alert[0]);
	ok(line_end(&out), "a line of the book");
	is_num(line_parse(l, out.text, out.len - 1, &why), 0, "is parsed");
	ok(alert_load(&other, l), "is loaded");
	ok(memcmp(&other.alert[0], &book.alert[0], sizeof(book.alert[0])) == 0,
	    "and is the same");
	book = other;
	pass(2 * SETTLE);
	is_str(take(), "", "a new alertd does not tell it again");
	is_num(line_parse(l, "alert module=web code=x", 23, &why), 0,
	    "half a line");
	ok(!alert_load(&other, l), "is refused");
	alert_forget(&book, "db");
	is_num(book.count, 1, "another module's are kept");
	alert_forget(&book, "web");
	is_num(book.count, 0, "those of a module that left are not");
	free(l);
}

/* Every node of a farm sees that one is out: the first of them tells. */
static void
test_farm(void)
{
	fresh();
	is("UP", "Ready", "UP");
	(void)snprintf(o.mode, sizeof(o.mode), "farm");
	add("farm-node-out", false);
	add("farm-rules-gone", false);
	pass(2 * SETTLE);
	is_str(said, "begin farm-rules-gone 1", "what is of this node only");
	fresh();
	o.first = true;
	pass(2 * SETTLE);
	ok(strstr(said, "begin farm-node-out 1") != NULL,
	    "the first node tells what all see");
}

int
main(void)
{
	test_life();
	test_full();
	test_what();
	test_about();
	test_down();
	test_flap();
	test_pair();
	test_restart();
	test_farm();
	return tap_done();
}
