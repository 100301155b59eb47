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
	struct epoch fence = { 0, 7, 1 }, held = { 0, 7, 1 }, none = { 0 };

	is_num(parse(&w, "want role=prim epoch=0.7.1 set=both lease=1"), 0,
	    "prim");
	ok(w.role == RK_PRIM && w.both && w.leased, "its values");
	is_num(w.epoch.n, 7, "its epoch");
	ok(!wish_is_old(&w, RK_WAIT, none, fence),
	    "the epoch in force is not old");
	fence.n = 8;
	ok(wish_is_old(&w, RK_WAIT, none, fence), "one below the fence is");
	ok(!wish_is_old(&w, RK_PRIM, held, fence),
	    "not for who is primary in it, with a ballot above");
	ok(wish_is_old(&w, RK_SECOND, held, fence),
	    "but for the second, who would change");
	held.n = 8;
	ok(wish_is_old(&w, RK_PRIM, held, fence), "nor below what is held");
	is_num(parse(&w, "want role=prim"), -1, "prim needs an epoch");
	is_num(parse(&w, "want role=king epoch=0.1.1"), -1, "unknown role");
	is_num(parse(&w, "want role=prim epoch=1"), -1, "bad epoch");
	is_num(parse(&w, "want role=prim epoch=0.1.1 set=none"), -1,
	    "bad set");
	is_num(parse(&w, "want role=prim epoch=0.1.1 lease=50"), -1,
	    "bad lease");
	is_num(w.epoch.n, 7, "a bad wish changes nothing");
	is_num(parse(&w, "want role=prim epoch=0.7.1 fence=x"), -1,
	    "bad fence");
	is_num(parse(&w, "want role=second epoch=0.7.1 fence=0.9.2"), 0,
	    "with a ballot");
	ok(w.fence.n == 9 && w.fence.node == 2 && !w.leased, "which it has");
	is_num(parse(&w, "want role=wait notlevel=1"), 0, "wait");
	ok(w.notlevel && !wish_is_old(&w, RK_WAIT, none, fence),
	    "needs no epoch");
	is_num(parse(&w, "want role=down handed=n2 epoch=0.8.1"), 0, "down");
	is_str(w.handed, "n2", "handed to");
	is_num(parse(&w, "want role=down handed=n2"), -1,
	    "a hand-over needs an epoch");
}

static void
test_facts(void)
{
	struct facts f = { .role = RK_SECOND, .lease = "over", .link = "up",
	    .peer = "n1", .handed = "", .stall_ms = 120 };
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
	is_str(line_get(&l, "lease"), "over", "lease");
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
