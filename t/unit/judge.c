/* SPDX-License-Identifier: ISC */
/*
 * What a monitor is told, state by state, and whether the numbers parse by
 * the rules of the monitoring plugins.
 */
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "range.h"
#include "status.h"
#include "tap.h"

static struct judge_conf conf = { .stopped = SEV_WARNING };
static struct judgement j;

static void
add(struct status *st, const char *text)
{
	static struct line l;
	const char *why;

	if (line_parse(&l, text, strlen(text), &why) == 0)
		status_add(st, &l);
	else
		ok(false, "%s: %s", text, why);
}

/* The module's line and up to three more. */
static enum severity
judge(const char *state, const char *quality, const char *peer,
    const char *one, const char *two)
{
	struct status *st = status_new();
	char text[512];

	st->module = strdup("web");
	(void)snprintf(text, sizeof(text), "kind=module name=web state=%s "
	    "quality=%s since_s=7", state, quality);
	add(st, text);
	(void)snprintf(text, sizeof(text), "kind=node name=n1 state=%s "
	    "quality=%s self=1", state, quality);
	add(st, text);
	if (peer != NULL) {
		(void)snprintf(text, sizeof(text), "kind=node name=n2 "
		    "state=%s quality=Ready self=0", peer);
		add(st, text);
	}
	if (one != NULL)
		add(st, one);
	if (two != NULL)
		add(st, two);
	judge_module(&j, &conf, st);
	status_free(st);
	return j.severity;
}

/* 'label'=value[UOM];[warn];[crit];[min];[max], blanks between. */
static bool
perf_is_good(const char *p)
{
	char *end;
	int i;

	if (*p == '\0')
		return false;
	for (;;) {
		if (*p++ != '\'')
			return false;
		p += strcspn(p, "'=");
		if (strncmp(p, "'=", 2) != 0)
			return false;
		(void)strtod(p + 2, &end);
		if (end == p + 2)
			return false;
		p = end + strspn(end, "s%Bc");
		for (i = 0; i < 4 && *p == ';'; i++)
			p += 1 + strspn(p + 1, "0123456789.:~@-");
		if (*p == '\0')
			return true;
		if (*p++ != ' ')
			return false;
	}
}

static void
test_states(void)
{
	is_num(judge("PRIM", "Ready", "SECOND", NULL, NULL), SEV_OK,
	    "PRIM Ready");
	is_str(j.text, "web PRIM Ready (n2 SECOND)", "its line");
	is_num(judge("SECOND", "Ready", "PRIM", NULL, NULL), SEV_OK,
	    "SECOND Ready");
	is_num(judge("PRIM", "Ready", "SECOND", "kind=warning "
	    "code=heartbeats-only text=x command=y", NULL), SEV_OK,
	    "no third voter is no alarm");
	ok(strstr(j.more, "heartbeats-only") != NULL, "but shown");
	is_num(judge("ALONE", "Ready", NULL, NULL, NULL), SEV_OK,
	    "a module of one node");
	is_num(judge("ALONE", "Ready", "UNKNOWN", "kind=warning code=alone "
	    "text=\"not redundant\" command=x", NULL), SEV_WARNING,
	    "ALONE: redundancy lost");
	ok(strstr(j.text, "redundancy lost") != NULL, "and it says so");
	is_num(judge("ALONE", "Ready", "WAIT", NULL, NULL), SEV_OK,
	    "ALONE as it is meant to be, for who has a schedule");
	is_num(judge("WAIT", "Transient", "ALONE", "kind=blocked code=syncat "
	    "text=x", NULL), SEV_OK, "and so waits the other one");
	is_num(judge("WAIT", "NotReady", "STOP", "kind=blocked code=stale "
	    "text=\"a|b\"", "kind=goon command=\"holdfast prim web\" cost=c"),
	    SEV_CRITICAL, "WAIT");
	ok(strchr(j.text, '|') == NULL, "no bar in the text");
	ok(strstr(j.more, "holdfast prim web") != NULL, "the way to go on");
	is_num(judge("SECOND", "Transient", "ALONE", "kind=replication "
	    "phase=full done_bytes=25 total_bytes=100 eta_s=9", NULL),
	    SEV_WARNING, "resync");
	ok(strstr(j.text, "resync 25%") != NULL, "with progress: %s", j.text);
	ok(strstr(j.perf, "'progress.web'=25%;;;0;100") != NULL, "%s",
	    j.perf);
	is_num(judge("STOP", "NotReady", "PRIM", NULL, NULL), SEV_WARNING,
	    "STOP by the operator");
	conf.stopped = SEV_OK;
	is_num(judge("STOP", "NotReady", "PRIM", NULL, NULL), SEV_OK,
	    "as the option has it");
	conf.stopped = SEV_WARNING;
	is_num(judge("STOP", "NotReady", "PRIM", "kind=warning code=maxloop "
	    "text=x", NULL), SEV_CRITICAL, "STOP by maxloop");
	is_num(judge("PRIM", "NotReady", "SECOND", NULL, NULL), SEV_CRITICAL,
	    "red");
	is_num(judge("PRIM", "Transient", "SECOND", NULL, NULL), SEV_WARNING,
	    "magenta");
	is_num(judge("DREAM", "Ready", NULL, NULL, NULL), SEV_UNKNOWN,
	    "a state nobody knows");
}

static void
test_warnings(void)
{
	is_num(judge("PRIM", "Ready", "SECOND", "kind=warning "
	    "code=config-differs text=x command=y", NULL), SEV_WARNING,
	    "the configuration differs");
	conf.ignore[0] = "config-differs";
	conf.ignored = 1;
	is_num(judge("PRIM", "Ready", "SECOND", "kind=warning "
	    "code=config-differs text=x command=y", NULL), SEV_OK,
	    "ignored on demand");
	conf.ignored = 0;
	is_num(judge("PRIM", "Ready", "SECOND", "kind=warning "
	    "code=address-conflict text=x", NULL), SEV_CRITICAL,
	    "another host has the address");
	is_num(judge("PRIM", "Ready", "SECOND", "kind=warning "
	    "code=disk-filling text=x", NULL), SEV_WARNING, "disk filling");
	is_num(judge("PRIM", "Ready", "SECOND", "kind=warning "
	    "code=disk-full text=x", NULL), SEV_CRITICAL, "disk full");
	is_num(judge("PRIM", "Ready", "SECOND", "kind=warning "
	    "code=of-tomorrow text=x", NULL), SEV_WARNING,
	    "an unknown code is not silent");
	is_num(judge("ALONE", "Ready", "STOP", "kind=warning code=alone "
	    "text=x", "kind=warning code=maintenance text=y"), SEV_OK,
	    "maintenance, and it serves");
	is_num(judge("WAIT", "NotReady", "UNKNOWN", NULL, "kind=warning "
	    "code=maintenance text=y"), SEV_WARNING,
	    "maintenance, and nobody serves");
}

static void
test_old(void)
{
	struct status *st = status_new();

	st->module = strdup("web");
	st->is_old = true;
	judge_module(&j, &conf, st);
	is_num(j.severity, SEV_CRITICAL, "moduled is down");
	status_free(st);
}

static void
test_limits(void)
{
	const char *repl = "kind=replication phase=none dirty_bytes=4096";

	(void)judge("PRIM", "Ready", "SECOND", repl, NULL);
	ok(perf_is_good(j.perf), "perfdata parses: %s", j.perf);
	conf.limits = 1;
	conf.limit[0] = (struct limit){ .metric = "dirty", .has_warn = true,
	    .has_crit = true, .warn_text = "1000", .crit_text = "~:5000" };
	(void)range_parse(&conf.limit[0].warn, "1000");
	(void)range_parse(&conf.limit[0].crit, "~:5000");
	is_num(judge("PRIM", "Ready", "SECOND", repl, NULL), SEV_WARNING,
	    "above -w");
	ok(strstr(j.perf, "'dirty.web'=4096B;1000;~:5000;0;") != NULL, "%s",
	    j.perf);
	ok(perf_is_good(j.perf), "perfdata parses with thresholds");
	is_num(judge("PRIM", "Ready", "SECOND", "kind=replication "
	    "phase=none dirty_bytes=6000", NULL), SEV_CRITICAL, "above -c");
	conf.limits = 0;
}

static void
test_range(void)
{
	static const struct {
		const char *text;
		double value;
		int alert;	/* -1: does not parse */
	} t[] = {
		{ "10", 10, 0 }, { "10", 10.5, 1 }, { "10", -1, 1 },
		{ "10:", 9, 1 }, { "10:", 10, 0 }, { "~:10", -99, 0 },
		{ "~:10", 11, 1 }, { "10:20", 15, 0 }, { "10:20", 21, 1 },
		{ "@10:20", 15, 1 }, { "@10:20", 9, 0 }, { "-5:5", -5, 0 },
		{ "0", 0, 0 }, { "0.5:1.5", 1, 0 },
		{ "", 0, -1 }, { "20:10", 0, -1 }, { "x", 0, -1 },
		{ "1:2:3", 0, -1 }, { "inf", 0, -1 }, { "-1", 0, -1 },
		{ "0x10", 0, -1 }, { ":", 0, -1 }, { "@", 0, -1 },
		{ "1-2", 0, -1 },
	};
	struct range r;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int rc = range_parse(&r, t[i].text);

		is_num(rc == -1 ? -1 : range_is_alert(&r, t[i].value),
		    t[i].alert, "range \"%s\" with %g", t[i].text,
		    t[i].value);
	}
}

static void
test_farm(void)
{
	is_num(judge("UP", "Ready", "UP", "kind=farm serve=open open=1",
	    NULL), SEV_OK, "UP Ready");
	is_num(judge("UP", "NotReady", "UP", "kind=blocked "
	    "code=farm-outcast text=x", NULL), SEV_CRITICAL, "UP NotReady");
	is_num(judge("UP", "Transient", "UP", "kind=blocked code=draining "
	    "text=x", NULL), SEV_WARNING, "on its way");
	is_num(judge("UP", "Ready", "UP", "kind=warning code=farm-node-out "
	    "text=x command=y", NULL), SEV_WARNING, "a server less");
	is_num(judge("UP", "Ready", "UP", "kind=warning code=farm-drain "
	    "text=x command=y", NULL), SEV_OK, "somebody said so");
	is_num(judge("UP", "Ready", "UP", "kind=warning code=farm-no-power "
	    "text=x command=y", NULL), SEV_CRITICAL, "nobody serves");
	(void)judge("STOP", "NotReady", "WAIT", "kind=node name=n3 state=UP "
	    "quality=Ready self=0", NULL);
	ok(strstr(j.text, "the other node serves") != NULL,
	    "of several the one that serves is told");
}

int
main(void)
{
	test_states();
	test_warnings();
	test_old();
	test_limits();
	test_range();
	test_farm();
	return tap_done();
}
