/* SPDX-License-Identifier: ISC */
/* Words that both nodes keep: which one counts, how long, as text and back. */
#include <string.h>

#include "tap.h"

#include "../../bin/moduled/notice.h"

static bool
read_back(struct notice *t, const struct notice *from, const char *name)
{
	static struct line_out o;
	static struct line l;
	const char *why;

	line_begin(&o, "x");
	notice_put(&o, name, from);
	return line_end(&o) && line_parse(&l, o.text, o.len - 1, &why) == 0 &&
	    notice_take(t, &l, name);
}

static void
merge(void)
{
	struct notice a = { 0 }, b = { 0 };

	ok(!notice_merge(&a, &b), "nothing and nothing");
	ok(!notice_holds(&a, 0), "nothing does not hold");
	notice_say(&a, "n1", 100, 160, "root", "patch \"day\"");
	ok(notice_holds(&a, 159) && !notice_holds(&a, 160),
	    "it holds until its end");
	ok(notice_merge(&b, &a) && b.n == 1, "the other node takes it");
	ok(!notice_merge(&b, &a), "once");
	notice_say(&b, "n2", 110, 0, "root", "");
	ok(notice_merge(&a, &b) && !notice_holds(&a, 111),
	    "the later word ends it, wherever it was said");
	/* Both are told something while they do not hear each other. */
	notice_say(&a, "n1", 120, 200, "root", "");
	notice_say(&b, "n2", 90, 300, "root", "");
	ok(notice_merge(&a, &b) && !notice_merge(&b, &a) && a.until == 300 &&
	    b.until == 300, "at the same number both take the same one");
}

static void
text(void)
{
	struct notice a = { 0 }, b;
	static struct line l;
	const char *why;

	ok(read_back(&b, &a, "maintain") && b.n == 0, "no word is no keys");
	notice_say(&a, "n1", 100, NOTICE_FOR_EVER, "alice (sudo)",
	    "a \"b\"\nc");
	ok(read_back(&b, &a, "released") && b.n == 1 && b.at == 100 &&
	    b.until == NOTICE_FOR_EVER, "numbers");
	is_str(b.node, "n1", "node");
	is_str(b.who, "alice (sudo)", "who");
	is_str(b.why, "a \"b\"\nc", "why");
	ok(line_parse(&l, "x maintain_n=-1", 15, &why) == 0 &&
	    !notice_take(&b, &l, "maintain") && b.n == 0,
	    "a bad number: nothing is taken");
}

int
main(void)
{
	merge();
	text();
	return tap_done();
}
