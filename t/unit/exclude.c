/* SPDX-License-Identifier: ISC */
/* What is left out of replication: the rules, then names and ids on a tree. */
#include "../../bin/mirrord/exclude.h"

#include <string.h>

#include "../../bin/mirrord/object-local.h"

#include "tap.h"
#include "tree.h"

static char why[EXCLUDE_WHY_LEN];

/* The directory that is looked at, as a path. */
static bool
is_here(const char *path, void *arg)
{
	return strcmp(path, arg) == 0;
}

static bool
out(const struct excludes *e, const char *dir, const char *name, bool is_dir)
{
	return excludes_name(e, 0, name, is_dir, is_here,
	    (void *)(uintptr_t)dir);
}

static bool
leads(const struct excludes *e, const char *dir, const char *name)
{
	return excludes_leads(e, 0, name, is_here, (void *)(uintptr_t)dir);
}

static void
test_paths(void)
{
	struct excludes *e = excludes_new();

	ok(!excludes_any(e) && !excludes_any(NULL) && excludes_mark(e) == 0,
	    "no rule at all");
	is_num(excludes_add_path(e, 0, "tmp", why), 0, "a path");
	is_num(excludes_add_path(e, 0, "var/cache/x", why), 0, "a deep one");
	ok(out(e, "", "tmp", false) && out(e, "", "tmp", true),
	    "it is left out, whatever it is");
	ok(!out(e, "a", "tmp", false), "not the same name elsewhere");
	ok(!out(e, "", "tmp2", false), "and not a longer one");
	ok(!excludes_name(e, 1, "tmp", false, is_here,
	    (void *)(uintptr_t)""), "nor in another directory of the module");
	ok(out(e, "var/cache", "x", true) && !out(e, "var", "x", true) &&
	    !out(e, "", "var", true), "a deep path is its last name");
	ok(leads(e, "", "var") && leads(e, "var", "cache"),
	    "its directories keep their place");
	ok(!leads(e, "var/cache", "x") && !leads(e, "", "tmp") &&
	    !leads(e, "", "cache") && !leads(e, "", "va"), "and no others");
	ok(excludes_any(e) && excludes_mark(e) != 0, "there are rules");
	is_num(excludes_add_path(e, 0, "./log//old/", why), 0,
	    "written as people do");
	ok(out(e, "log", "old", true) && leads(e, "", "log"),
	    "it is the same path");
	ok(strcmp(excludes_path(e, 0, 2), "log/old") == 0 &&
	    excludes_path(e, 0, 3) == NULL && excludes_path(e, 1, 0) == NULL,
	    "the paths, one by one");
	excludes_free(e);
}

static void
test_names(void)
{
	struct excludes *e = excludes_new();

	is_num(excludes_add_regex(e, 0, "\\.(tmp|lock)$", why), 0,
	    "an expression");
	ok(out(e, "", "a.tmp", false) && out(e, "x/y", "b.lock", true),
	    "it is looked for in all names");
	ok(!out(e, "", "a.tmp2", false) && !out(e, "", "A.TMP", false),
	    "and in their case");
	excludes_free(e);

	e = excludes_new();
	is_num(excludes_add_regex(e, 0, "!\\.dat$", why), 0, "all others");
	is_num(excludes_add_regex(e, 0, "!\\.idx$", why), 0, "or those");
	ok(!out(e, "", "a.dat", false) && !out(e, "", "a.idx", false),
	    "what one of them is found in is replicated");
	ok(out(e, "", "a.log", false), "nothing else is");
	ok(!out(e, "", "dir", true), "but directories are");
	is_num(excludes_add_path(e, 0, "a.dat", why), 0, "and a path");
	ok(out(e, "", "a.dat", false), "is left out all the same");
	excludes_free(e);
}

static void
test_bad(void)
{
	static const char *const path[] = { "", "/", "/a", ".", "./", "..",
	    "a/..", "../a" };
	struct excludes *e = excludes_new();
	unsigned i;

	for (i = 0; i < sizeof(path) / sizeof(path[0]); i++)
		is_num(excludes_add_path(e, 0, path[i], why), -1,
		    "no path below: \"%s\"", path[i]);
	is_num(excludes_add_regex(e, 0, "(", why), -1, "no expression: (");
	ok(why[0] != '\0', "and why: %s", why);
	is_num(excludes_add_regex(e, 0, "!", why), -1, "no expression: !");
	is_num(excludes_add_regex(e, 0, "", why), -1, "none at all");
	ok(!excludes_any(e), "none of them was added");
	for (i = 0; i < EXCLUDE_MAX; i++)
		(void)excludes_add_path(e, 0, "a", why);
	is_num(excludes_add_path(e, 0, "a", why), -1, "one too many");
	excludes_free(e);
}

static void
test_numbers(void)
{
	struct excludes *e = excludes_new(), *f = excludes_new();
	uint64_t a[EXCLUDE_MAX], b[EXCLUDE_MAX];

	(void)excludes_add_path(e, 0, "a", why);
	(void)excludes_add_regex(e, 0, "b", why);
	(void)excludes_add_path(e, 1, "c", why);
	(void)excludes_add_path(f, 1, "c", why);
	(void)excludes_add_regex(f, 0, "b", why);
	(void)excludes_add_path(f, 0, "a", why);
	is_num(excludes_numbers(e, 0, a), 2, "two of a directory");
	is_num(excludes_numbers(f, 0, b), 2, "two of the other");
	ok(memcmp(a, b, 16) == 0 && excludes_mark(e) == excludes_mark(f),
	    "the order does not matter");
	(void)excludes_add_regex(f, 0, "!x", why);
	is_num(excludes_numbers(f, 0, b), 3, "one more");
	ok(excludes_mark(e) != excludes_mark(f), "is another mark");
	(void)excludes_add_regex(f, 0, "!y", why);
	is_num(excludes_numbers(f, 0, a), 3, "those with ! are one");
	ok(memcmp(a, b, 24) != 0, "and it changes with each");
	excludes_free(e);
	e = excludes_new();
	(void)excludes_add_path(e, 0, "c", why);
	excludes_free(f);
	f = excludes_new();
	(void)excludes_add_path(f, 1, "c", why);
	ok(excludes_mark(e) != excludes_mark(f),
	    "the directory belongs to it");
	excludes_free(e);
	excludes_free(f);
}

/* ---- on a tree ---- */

static struct tree t;

static void
touch(const char *name)
{
	int fd = openat(t.fd, name, O_CREAT | O_WRONLY, 0644);

	(void)close(fd);
}

static uint64_t
oid_here(uint64_t dir, const char *name)
{
	uint64_t oid = 0;

	(void)object_lookup_here(t.objects, dir, name, true, &oid, NULL);
	return oid;
}

static bool
is_hidden(uint64_t dir, const char *name)
{
	uint64_t oid;

	return object_lookup(t.objects, dir, name, true, &oid, NULL) ==
	    -ENOENT;
}

static bool
is_there(const char *name)
{
	struct stat st;

	return fstatat(t.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
test_ids(void)
{
	struct excludes *e = excludes_new(), *none = excludes_new();
	uint64_t tmp, inner, sub, was;

	(void)mkdirat(t.fd, "tmp", 0755);
	(void)mkdirat(t.fd, "sub", 0755);
	touch("tmp/inner");
	touch("two.lock");
	touch("sub/one.lock");
	was = oid_here(1, "two.lock");
	ok(was != 0 && !object_is_local(was), "before there are rules");
	is_num(linkat(t.fd, "two.lock", t.fd, "two.dat", 0), 0, "a link");

	(void)excludes_add_path(e, 0, "tmp", why);
	(void)excludes_add_path(e, 0, "sub/deep/x", why);
	(void)excludes_add_regex(e, 0, "\\.lock$", why);
	objects_exclude(t.objects, e);
	tmp = oid_here(1, "tmp");
	inner = oid_here(tmp, "inner");
	ok(object_is_local(tmp) && object_is_local(inner),
	    "what is left out, and what is in it, has ids of its kind");
	ok(is_hidden(1, "tmp") && is_hidden(tmp, "inner"),
	    "replication does not find it");
	sub = oid_here(1, "sub");
	ok(!object_is_local(sub) && !is_hidden(1, "sub"), "the rest is");
	ok(object_is_local(oid_here(sub, "one.lock")), "a name anywhere");
	is_num(oid_here(1, "two.lock"), was,
	    "one of two names: it may be replicated by the other");
	ok(is_hidden(1, "two.lock") && !is_hidden(1, "two.dat"),
	    "each name for itself");

	ok(!object_name_leads(t.objects, 1, "tmp") &&
	    object_name_leads(t.objects, 1, "sub"), "a path leads through it");
	(void)mkdirat(t.fd, "sub/deep", 0755);
	ok(object_name_leads(t.objects, sub, "deep") &&
	    object_name_is_local(t.objects, oid_here(sub, "deep"), "x", false),
	    "a deep path, by the ids on the way");
	(void)mkdirat(t.fd, "tmp/deep", 0755);
	(void)unlinkat(t.fd, "sub/deep", AT_REMOVEDIR);
	is_num(symlinkat("../tmp/deep", t.fd, "sub/deep"), 0, "a symlink");
	ok(object_name_is_local(t.objects, oid_here(tmp, "deep"), "x", false),
	    "below what is left out all is");
	(void)unlinkat(t.fd, "sub/deep", 0);

	objects_exclude(t.objects, none);
	ok(!is_hidden(1, "tmp") && !object_is_local(oid_here(1, "tmp")) &&
	    !object_is_local(oid_here(oid_here(1, "tmp"), "inner")),
	    "without the rules it is found, and has ids of the other kind");
	objects_exclude(t.objects, e);
	(void)unlinkat(t.fd, "two.dat", 0);
	ok(object_is_local(oid_here(1, "two.lock")),
	    "the last name takes it with it");
	is_num(object_lookup_here(t.objects, 1, "tmp", false, &was, NULL),
	    -ENODATA, "an id of the other kind is none");
	objects_exclude(t.objects, NULL);
	excludes_free(e);
	excludes_free(none);
}

static void
test_way(void)
{
	struct excludes *e = excludes_new();
	struct op op = { .type = OP_RMDIR, .dir = 1 };

	(void)mkdirat(t.fd, "d", 0755);
	(void)mkdirat(t.fd, "d/x.lock", 0755);
	touch("d/x.lock/y");
	touch("d/kept");
	touch("f");
	touch("g.dat");
	(void)excludes_add_regex(e, 0, "\\.lock$", why);
	(void)excludes_add_regex(e, 0, "!\\.dat$", why);
	objects_exclude(t.objects, e);
	op.victim = oid_here(1, "d");
	ok(object_make_way(t.objects, &op), "there was something in the way");
	ok(!is_there("d/x.lock") && !is_there("d/kept"),
	    "what is left out is gone, with what was in it");
	touch("d/z.dat");
	ok(!object_make_way(t.objects, &op) && is_there("d/z.dat"),
	    "what is replicated is never removed");
	op = (struct op){ .type = OP_MKDIR, .dir = 1, .name = "f" };
	ok(object_make_way(t.objects, &op) && !is_there("f"),
	    "a file where a directory is wanted");
	op = (struct op){ .type = OP_MKDIR, .dir = 1, .name = "g.dat" };
	ok(!object_make_way(t.objects, &op) && is_there("g.dat"),
	    "but not one that is replicated");
	touch("d/n");
	op = (struct op){ .type = OP_RENAME, .dir = 1, .dir2 = 1,
	    .name = "x", .name2 = "d", .victim = oid_here(1, "d") };
	ok(object_make_way(t.objects, &op) && !is_there("d/n") &&
	    is_there("d/z.dat"), "of a directory that is renamed over");
	op.type = OP_UNLINK;
	ok(!object_make_way(t.objects, &op), "nothing else makes way");
	objects_exclude(t.objects, NULL);
	excludes_free(e);
}

int
main(void)
{
	test_paths();
	test_names();
	test_bad();
	test_numbers();
	if (tree_up(&t, 1)) {
		test_ids();
		test_way();
		tree_down(&t);
	} else
		printf("# no tree: needs root and trusted xattrs\n");
	return tap_done();
}
