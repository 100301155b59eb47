/* SPDX-License-Identifier: ISC */
#include "../../bin/runscript/family.h"

#include <unistd.h>

#include "tap.h"

int
main(void)
{
	static const struct family_member m[] = {
		{ 100, 50 },	/* the script */
		{ 101, 100 },	/* a child */
		{ 102, 101 },	/* its child */
		{ 200, 1 },	/* left behind: a daemon */
		{ 201, 200 },	/* its worker */
		{ 300, 301 },	/* read while numbers changed hands */
		{ 301, 300 },
		{ 400, 0 },	/* ended while it was read */
	};
	struct family_member self;
	pid_t pid = getpid();

	ok(family_is_own(100, m, 8, 100), "the script");
	ok(family_is_own(100, m, 8, 101), "a child");
	ok(family_is_own(100, m, 8, 102), "a grandchild");
	ok(!family_is_own(100, m, 8, 200), "a daemon is the application");
	ok(!family_is_own(100, m, 8, 201), "and so is its worker");
	ok(!family_is_own(100, m, 8, 300), "a ring ends");
	ok(!family_is_own(100, m, 8, 400), "one that ended");
	ok(!family_is_own(100, m, 8, 999), "one that is not in the table");

	is_num(family_parse_parent("7 (sh) S 42 7 7"), 42, "parent");
	is_num(family_parse_parent("7 (a) S 1) R 42 7"), 42, "a nasty name");
	is_num(family_parse_parent("7 (sh"), 0, "cut short");
	is_num(family_parse_parent("7 (sh) S x"), 0, "no number");
	is_num(family_parse_parent(""), 0, "empty");
	family_read(&self, &pid, 1);
	is_num(self.parent, getppid(), "our own parent is read");
	return tap_done();
}
