/* SPDX-License-Identifier: ISC */
/* What must outlive the node: the wish, maxloop, resources and their rules. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tap.h"

#include "../../bin/moduled/record.h"
#include "../../bin/moduled/resource.h"
#include "../../bin/moduled/wish.h"

static void
wishes(void)
{
	struct wish w = { .start = true, .order = OR_PRIM, .fullsync = true,
	    .loops = 2, .loop_since = 1000, .maxloop = true };
	struct wish r;
	char text[2048];
	const char *why;

	(void)snprintf(w.why, sizeof(w.why), "patch \"day\"");
	(void)snprintf(w.lastprim, sizeof(w.lastprim), "n2");
	w.refused.n = 8;
	w.compare = true;
	w.peer_epoch.n = 9;
	notice_say(&w.released, "n1", 10, NOTICE_FOR_EVER, "root", "w");
	ok(wish_format(text, sizeof(text), &w), "as text");
	is_num(wish_parse(&r, text, &why), 0, "and back");
	ok(r.start && !r.again && r.order == OR_PRIM && r.fullsync &&
	    r.refused.n == 8 && r.loops == 2 && r.loop_since == 1000 &&
	    r.maxloop, "all of it");
	is_str(r.why, "patch \"day\"", "why");
	is_str(r.lastprim, "n2", "last primary");
	is_num(r.peer_epoch.n, 9, "epoch of the peer");
	ok(r.compare && r.maintain.n == 0 && r.released.n == 1 &&
	    r.released.until == NOTICE_FOR_EVER, "words of both nodes");
	is_num(wish_parse(&r, "wish state=start maintain_n=x\n", &why), -1,
	    "a bad word");
	ok(!wish_format(text, 10, &w), "too small a buffer");
	is_num(wish_parse(&r, "wish state=start refused=x\n", &why), -1,
	    "a bad epoch");
	ok(!r.start, "is a stopped module");
	is_num(wish_parse(&r, "rubbish", &why), -1, "rubbish");
	is_num(wish_parse(&r, "", &why), -1, "nothing");
}

static void
loops(void)
{
	struct wish w = { 0 };

	ok(!wish_count_loop(&w, 1000, 2, 100), "one");
	ok(!wish_count_loop(&w, 1010, 2, 100), "two");
	ok(wish_count_loop(&w, 1020, 2, 100), "the third is too many");
	ok(!wish_count_loop(&w, 1100, 2, 100), "a new interval");
	is_num(w.loops, 1, "counts from one");
	ok(!wish_count_loop(&w, 900, 2, 100), "a clock set back begins anew");
	w.loops = 99;
	ok(!wish_count_loop(&w, 900, 2, 0), "interval 0: no limit");
}

static void
resources(void)
{
	static struct resources t;
	struct mono now = { .ns = 1000000000 };
	char name[32];
	int i;

	ok(resource_name_ok("tcp.a.b"), "class.id");
	ok(!resource_name_ok("tcp") && !resource_name_ok(".x") &&
	    !resource_name_ok("x.") && !resource_name_ok("a.b c") &&
	    !resource_name_ok("a.b\"c"), "and nothing else");
	is_num(resource_set(&t, "intf.10.0.0.0", "up", now, 1), 1, "new");
	is_num(resource_set(&t, "intf.10.0.0.0", "up", now, 2), 0, "same");
	is_num(resource_set(&t, "intf.10.0.0.0", "down", now, 3), 1, "other");
	is_str(resource_find(&t, "intf.10.0.0.0")->past[1].value, "up",
	    "history");
	for (i = 0; i < RESOURCE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "custom.r%d", i);
		(void)resource_set(&t, name, "up", now, 4);
	}
	is_num(resource_set(&t, "custom.more", "up", now, 5), -1, "full");
	is_num(errno, ENOSPC, "says so");
}

/* A module without directories: what mirrord would do, at once. */
static void
record(void)
{
	struct self_facts f = { .known = true, .is_new = true };
	struct peer_facts p = { .net = NET_UP, .state = ST_WAIT };
	struct want w = { .valid = true, .role = SR_PRIM, .fresh = true };

	w.epoch = (struct epoch){ .n = 1, .node = 1 };
	ok(record_step(&f, &w, &p, "n2") && f.mounted && f.alone && f.level &&
	    f.epoch.n == 1, "primary, alone, durable");
	ok(!record_step(&f, &w, &p, "n2"), "the same wish changes nothing");
	p.state = ST_SECOND;
	(void)record_step(&f, &w, &p, "n2");
	ok(f.ready && !f.joined, "a second: ready");
	w.both = true;
	ok(record_step(&f, &w, &p, "n2") && !f.alone && !f.joined,
	    "in the set: alone is cleared first");
	p.level = true;
	p.epoch = w.epoch;
	(void)record_step(&f, &w, &p, "n2");
	ok(f.joined, "then the peer is level: joined");
	w = (struct want){ .valid = true, .role = SR_DOWN };
	(void)record_step(&f, &w, &p, "n2");
	ok(!f.mounted && f.drained && f.equal, "down, drained and equal");
	w.handed = true;
	w.epoch = (struct epoch){ .n = 2, .node = 2 };
	ok(record_step(&f, &w, &p, "n2") && f.handed_epoch.n == 2, "handed");
	w = (struct want){ .valid = true, .role = SR_SECOND };
	w.epoch = p.epoch = (struct epoch){ .n = 2, .node = 2 };
	p.alone = true;
	ok(record_step(&f, &w, &p, "n2") && !f.level && f.handed[0] == '\0',
	    "follows: not level yet, the hand-over is done");
	p.alone = false;
	ok(record_step(&f, &w, &p, "n2") && f.level, "taken in: level");
	w = (struct want){ .valid = true, .role = SR_PRIM };
	w.epoch = (struct epoch){ .n = 1, .node = 1 };
	(void)record_step(&f, &w, &p, "n2");
	ok(f.role == SR_SECOND, "an older epoch is refused");
}

int
main(void)
{
	wishes();
	loops();
	resources();
	record();
	return tap_done();
}
