/* SPDX-License-Identifier: ISC */
/* Wishes of moduled, good and bad, and facts that moduled can read. */
#include "tap.h"

#include "../../bin/mirrord/wish.h"

static int
parse(struct wish *w, const char *text)
{
	static struct line l;
	const char *why;

	if (line_parse(&l, text, strlen(text), &why) == -1)
		return -1;
	return wish_parse(w, &l, &why);
}

static void
test_wish(void)
{
	struct wish w = { .role = RK_DOWN };
	struct epoch fence = { 0, 7, 1 };

	is_num(parse(&w, "want role=prim epoch=0.7.1 set=both lease=50"), 0,
	    "prim");
	ok(w.role == RK_PRIM && w.both && w.lease_ms == 50, "its values");
	is_num(w.epoch.n, 7, "its epoch");
	ok(!wish_is_old(&w, fence), "the epoch in force is not old");
	fence.n = 8;
	ok(wish_is_old(&w, fence), "one below the fence is");
	is_num(parse(&w, "want role=prim"), -1, "prim needs an epoch");
	is_num(parse(&w, "want role=king epoch=0.1.1"), -1, "unknown role");
	is_num(parse(&w, "want role=prim epoch=1"), -1, "bad epoch");
	is_num(parse(&w, "want role=prim epoch=0.1.1 set=none"), -1,
	    "bad set");
	is_num(parse(&w, "want role=prim epoch=0.1.1 lease=-1"), -1,
	    "bad lease");
	is_num(w.epoch.n, 7, "a bad wish changes nothing");
	is_num(parse(&w, "want role=wait notlevel=1"), 0, "wait");
	ok(w.notlevel && !wish_is_old(&w, fence), "needs no epoch");
	is_num(parse(&w, "want role=down handed=n2 epoch=0.8.1"), 0, "down");
	is_str(w.handed, "n2", "handed to");
	is_num(parse(&w, "want role=down handed=n2"), -1,
	    "a hand-over needs an epoch");
}

static void
test_facts(void)
{
	struct facts f = { .role = RK_SECOND, .link = "up", .peer = "n1",
	    .handed = "", .stall_ms = 120 };
	static struct line_out o;
	static struct line l;
	const char *why;

	f.gen.epoch.n = 3;
	snprintf(f.error, sizeof(f.error), "a \"quoted\"\nerror");
	line_begin(&o, "fact");
	facts_put(&o, &f);
	ok(line_end(&o), "facts fit a line");
	is_num(line_parse(&l, o.text, o.len - 1, &why), 0, "and are one");
	is_str(line_get(&l, "role"), "second", "role");
	is_str(line_get(&l, "epoch"), "0.3.0", "epoch");
	is_str(line_get(&l, "stall_ms"), "120", "stall_ms");
	is_str(line_get(&l, "current"), "", "no generation");
	is_str(line_get(&l, "error"), "a \"quoted\"\nerror", "error");
}

int
main(void)
{
	test_wish();
	test_facts();
	return tap_done();
}
