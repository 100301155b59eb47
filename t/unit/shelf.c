/* SPDX-License-Identifier: ISC */
#include "../../bin/keepd/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

static char seen[256];

static void
see(const char *owner, const char *name, void *arg)
{
	size_t len = strlen(seen);

	(void)arg;
	(void)snprintf(seen + len, sizeof(seen) - len, "%s:%s ", owner, name);
}

static const char *
all(const struct shelf *s, const char *owner)
{
	seen[0] = '\0';
	shelf_each(s, owner, see, NULL);
	return seen;
}

static int
something(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static void
test_names(void)
{
	char name[SHELF_NAME_MAX + 2];

	ok(shelf_name_ok("ledger/mirrord"), "an owner");
	ok(!shelf_name_ok(""), "empty");
	ok(!shelf_name_ok("a b"), "blank");
	ok(!shelf_name_ok("a\"b"), "quote");
	memset(name, 'x', sizeof(name));
	name[SHELF_NAME_MAX + 1] = '\0';
	ok(!shelf_name_ok(name), "too long");
	name[SHELF_NAME_MAX] = '\0';
	ok(shelf_name_ok(name), "just fits");
}

static void
test_shelf(void)
{
	struct shelf *s = shelf_new(4);
	int a = something(), b = something(), c = something();
	int spare = something();

	is_num(shelf_put(s, "m/mirrord", "ring", a), 0, "put");
	is_num(shelf_put(s, "vipd", "ring", b), 0, "same name, other owner");
	is_num(shelf_put(s, "m/mirrord", "fuse", c), 0, "another one");
	is_str(all(s, NULL), "m/mirrord:fuse m/mirrord:ring vipd:ring ",
	    "sorted");
	is_str(all(s, "m/mirrord"), "m/mirrord:fuse m/mirrord:ring ",
	    "one owner's");
	is_str(all(s, "m/mirror"), "", "a prefix is another owner");
	is_num(shelf_get(s, "m/mirrord", "ring"), a, "get");
	is_num(shelf_get(s, "m/mirrord", "rin"), -1, "not there");

	is_num(shelf_put(s, "vipd", "ring", spare), 0, "replaced");
	ok(!is_open(b), "the old one is closed");
	is_num(shelf_get(s, "vipd", "ring"), spare, "the new one is there");

	ok(shelf_drop(s, "m/mirrord", "ring"), "dropped");
	ok(!is_open(a), "and closed");
	ok(!shelf_drop(s, "m/mirrord", "ring"), "dropped once");
	is_num(shelf_put(s, "x", "1", something()), 0, "third");
	is_num(shelf_put(s, "x", "2", something()), 0, "fourth");
	a = something();
	is_num(shelf_put(s, "x", "3", a), -1, "full");
	is_num(errno, ENFILE, "and why");
	ok(is_open(a), "what was not taken stays the caller's");
	is_num(shelf_put(s, "x", "2", a), 0, "replacing needs no room");
	is_num(shelf_count(s), 4, "four");
	shelf_free(s);
	ok(!is_open(c), "the end closes all");
}

static void
test_many(void)
{
	struct shelf *s = shelf_new(500);
	char name[32];
	int bad = 0;

	for (int i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "o%d", (i * 37) % 500);
		bad += shelf_put(s, "m", name, something()) != 0;
	}
	for (int i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "o%d", i);
		bad += shelf_get(s, "m", name) == -1;
		bad += !shelf_drop(s, "m", name);
	}
	is_num(bad, 0, "500 put in disorder, found and dropped");
	is_num(shelf_count(s), 0, "none left");
	shelf_free(s);
}

int
main(void)
{
	test_names();
	test_shelf();
	test_many();
	return tap_done();
}
