/* SPDX-License-Identifier: ISC */
/* Lines of the mount table, and where a path is within a file system. */
#include "tap.h"

#include <sys/sysmacros.h>

#include "../../bin/mirrord/mountinfo.h"

static void
test_parse(void)
{
	static struct mountinfo m;
	char a[] = "36 35 98:1 /sub /mnt/a\\040b ro,noatime shared:1 master:2"
	    " - ext4 /dev/vda rw\n";
	char b[] = "36 35 98:1 / / rw - tmpfs\n";
	char c[] = "36 35 98:1 / /";
	char d[] = "36 35 x / / rw - ext4 a b";
	char e[] = "36 35 0:50 / /srv/x rw shared:3 - fuse.holdfast h rw";

	ok(mountinfo_parse(&m, a), "a line with optional fields");
	is_num(m.id, 36, "id");
	is_num(minor(m.dev), 1, "device");
	is_str(m.root, "/sub", "root");
	is_str(m.point, "/mnt/a b", "a blank in the path");
	ok(m.read_only, "read-only");
	is_str(m.type, "ext4", "type");
	ok(mountinfo_parse(&m, b) && !m.read_only, "a line without");
	ok(!mountinfo_parse(&m, c), "a torn line");
	ok(!mountinfo_parse(&m, d), "no device");
	ok(mountinfo_parse(&m, e), "a mirror");
	is_str(m.type, "fuse.holdfast", "is told by its type");
}

static void
test_inner(void)
{
	static struct mountinfo m;
	char out[PATH_MAX];

	strcpy(m.root, "/");
	strcpy(m.point, "/");
	ok(mountinfo_inner(out, sizeof(out), &m, "/srv/data"), "below /");
	is_str(out, "/srv/data", "the path itself");
	ok(mountinfo_inner(out, sizeof(out), &m, "/"), "/");
	is_str(out, "/", "is /");
	strcpy(m.root, "/sub");
	strcpy(m.point, "/mnt");
	ok(mountinfo_inner(out, sizeof(out), &m, "/mnt/x"), "below a bind");
	is_str(out, "/sub/x", "is below its root");
	ok(mountinfo_inner(out, sizeof(out), &m, "/mnt"), "the bind itself");
	is_str(out, "/sub", "is its root");
	ok(!mountinfo_inner(out, sizeof(out), &m, "/mntx"), "not by prefix");
	ok(path_is_below("/a/b", "/a") && !path_is_below("/ab", "/a"),
	    "below is by component");
}

int
main(void)
{
	test_parse();
	test_inner();
	return tap_done();
}
