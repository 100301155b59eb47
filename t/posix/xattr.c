/* SPDX-License-Identifier: ISC */
/* Extended attributes, access control lists, capabilities of files. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACCESS	"system.posix_acl_access"
#define DEFAULT	"system.posix_acl_default"

/* The kernel's form of an ACL, version 2, little endian. */
struct acl {
	uint32_t	version;
	struct {
		uint16_t	tag, perm;
		uint32_t	id;
	} e[6];
};

static void
acl_make(struct acl *a, unsigned owner, unsigned user, unsigned group,
    unsigned mask, unsigned other)
{
	*a = (struct acl){ 2, {
		{ 0x01, (uint16_t)owner, UINT32_MAX },
		{ 0x02, (uint16_t)user, 1000 },
		{ 0x04, (uint16_t)group, UINT32_MAX },
		{ 0x10, (uint16_t)mask, UINT32_MAX },
		{ 0x20, (uint16_t)other, UINT32_MAX },
	} };
}
#define ACL_LEN	(4 + 5 * 8)

static void
acl_show(const char *label, const char *name, const char *which)
{
	struct acl a = { 0 };
	ssize_t n = getxattr(name, which, &a, sizeof(a));
	int i;

	if (n == -1) {
		said(label, -1);
		return;
	}
	printf(" %s=", label);
	for (i = 0; i < (n - 4) / 8; i++)
		printf("%x%o,", a.e[i].tag, a.e[i].perm);
}

/* The names of a list, sorted. */
static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
list(const char *label, const char *name)
{
	char buf[4096], *v[64];
	ssize_t n = llistxattr(name, buf, sizeof(buf)), at;
	int i, count = 0;

	if (n == -1) {
		said(label, -1);
		return;
	}
	for (at = 0; at < n && count < 64; at += (ssize_t)strlen(buf + at) + 1)
		v[count++] = buf + at;
	qsort(v, (size_t)count, sizeof(v[0]), by_name);
	printf(" %s=", label);
	for (i = 0; i < count; i++)
		printf("%s,", v[i]);
}

static void
users(void)
{
	char buf[256];

	file("f", "", 0644);
	said("none", getxattr("f", "user.a", buf, 10));
	said("set", setxattr("f", "user.a", "value", 5, 0));
	said("get", getxattr("f", "user.a", buf, sizeof(buf)));
	text("value", buf, 5);
	said("size", getxattr("f", "user.a", NULL, 0));
	said("short", getxattr("f", "user.a", buf, 4));
	said("exact", getxattr("f", "user.a", buf, 5));
	said("create", setxattr("f", "user.a", "x", 1, XATTR_CREATE));
	said("replace", setxattr("f", "user.a", "xy", 2, XATTR_REPLACE));
	said("replace none", setxattr("f", "user.b", "x", 1, XATTR_REPLACE));
	said("both", setxattr("f", "user.c", "x", 1,
	    XATTR_CREATE | XATTR_REPLACE));
	said("bad flag", setxattr("f", "user.a", "x", 1, 8));
	said("empty value", setxattr("f", "user.e", "", 0, 0));
	said("get empty", getxattr("f", "user.e", buf, sizeof(buf)));
	said("null value", setxattr("f", "user.n", NULL, 0, 0));
	list("list", "f");
	said("list size", listxattr("f", NULL, 0));
	said("list short", listxattr("f", buf, 5));
	said("remove", removexattr("f", "user.a"));
	said("again", removexattr("f", "user.a"));
	list("list", "f");
	said("binary", setxattr("f", "user.\xff/\x01", "\0\1\2", 3, 0));
	said("get", getxattr("f", "user.\xff/\x01", buf, 3));
	text("binary", buf, 3);
}

static void
sizes(void)
{
	static char big[70000], buf[70000];
	char name[300];

	file("f", "", 0644);
	memset(big, 'b', sizeof(big));
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[255] = '\0';
	said("name 255", setxattr("f", name, "x", 1, 0));
	said("get", getxattr("f", name, buf, 10));
	name[255] = 'n';
	name[256] = '\0';
	said("name 256", setxattr("f", name, "x", 1, 0));
	said("get", getxattr("f", name, buf, 10));
	said("no name", setxattr("f", "user.", "x", 1, 0));
	said("no space", setxattr("f", "a", "x", 1, 0));
	said("unknown space", setxattr("f", "funny.a", "x", 1, 0));
	said("3000", setxattr("f", "user.3", big, 3000, 0));
	said("get", getxattr("f", "user.3", buf, sizeof(buf)));
	value("same", memcmp(big, buf, 3000) == 0);
	said("60000", setxattr("f", "user.60", big, 60000, 0));
	said("65536", setxattr("f", "user.64", big, 65536, 0));
	said("65537", setxattr("f", "user.65", big, 65537, 0));
	said("large buffer", getxattr("f", "user.3", buf, 65537));
	said("another 3000", setxattr("f", "user.4", big, 3000, 0));
	list("list", "f");
}

static void
objects(void)
{
	char buf[16];

	file("f", "", 0644);
	mkdir("d", 0755);
	mkdir("t", 01777);
	chmod("t", 01777);
	must(symlink("f", "s"));
	mkfifo("p", 0600);
	said("dir", setxattr("d", "user.a", "1", 1, 0));
	said("sticky", setxattr("t", "user.a", "1", 1, 0));
	said("symlink", lsetxattr("s", "user.a", "1", 1, 0));
	said("trusted of it", lsetxattr("s", "trusted.a", "1", 1, 0));
	said("get", lgetxattr("s", "trusted.a", buf, 16));
	said("fifo", setxattr("p", "user.a", "1", 1, 0));
	said("trusted of it", setxattr("p", "trusted.a", "1", 1, 0));
	said("through", setxattr("s", "user.a", "1", 1, 0));
	list("f", "f");
	list("s", "s");
	said("none", setxattr("none", "user.a", "1", 1, 0));
	said("ours", setxattr("f", "trusted.b", "1", 1, 0));
	said("security", setxattr("f", "security.foo", "1", 1, 0));
	said("get", getxattr("f", "security.foo", buf, 16));
	list("f", "f");
	said("system", setxattr("f", "system.foo", "1", 1, 0));
	said("remove system", removexattr("f", "system.foo"));
}

static void
of_other(void)
{
	char buf[16];

	said("user", getxattr("f", "user.a", buf, 16));
	said("private", getxattr("p", "user.a", buf, 16));
	said("set", setxattr("f", "user.a", "2", 1, 0));
	said("trusted", getxattr("f", "trusted.a", buf, 16));
	said("set trusted", setxattr("m", "trusted.a", "2", 1, 0));
	said("security", getxattr("f", "security.foo", buf, 16));
	said("set security", setxattr("m", "security.foo", "2", 1, 0));
	said("mine", setxattr("m", "user.a", "2", 1, 0));
	said("sticky", setxattr("t", "user.a", "2", 1, 0));
	list("f", "f");
	said("list size", listxattr("f", NULL, 0));
}

static void
by_others(void)
{
	file("f", "", 0644);
	file("p", "", 0600);
	file("m", "", 0644);
	must(chown("m", 1000, 1000));
	mkdir("t", 0777);
	chmod("t", 01777);
	said("user", setxattr("f", "user.a", "1", 1, 0));
	said("p", setxattr("p", "user.a", "1", 1, 0));
	said("trusted", setxattr("f", "trusted.a", "1", 1, 0));
	said("security", setxattr("f", "security.foo", "1", 1, 0));
	as_user(1000, 1000, 1000, of_other);
}

static void
acl_other(void)
{
	int fd;

	fd = opened("read", "f", O_RDONLY, 0);
	close(fd);
	fd = opened("write", "f", O_WRONLY, 0);
	close(fd);
	said("access", access("f", W_OK));
	said("set", setxattr("f", ACCESS, "", 0, 0));
}

static void
acls(void)
{
	struct acl a;
	char buf[64];

	file("f", "", 0640);
	said("none", getxattr("f", ACCESS, buf, sizeof(buf)));
	as_user(1000, 1000, 1000, acl_other);
	acl_make(&a, 6, 7, 4, 6, 0);
	said("set", setxattr("f", ACCESS, &a, ACL_LEN, 0));
	show("f", "f");
	acl_show("acl", "f", ACCESS);
	as_user(1000, 1000, 1000, acl_other);
	said("chmod", chmod("f", 0600));
	acl_show("mask", "f", ACCESS);
	as_user(1000, 1000, 1000, acl_other);
	said("chmod", chmod("f", 0664));
	acl_show("mask", "f", ACCESS);
	list("list", "f");
	said("bad", setxattr("f", ACCESS, "nonsense", 8, 0));
	a.version = 1;
	said("bad version", setxattr("f", ACCESS, &a, ACL_LEN, 0));
	said("default of a file", setxattr("f", DEFAULT, &a, ACL_LEN, 0));
	acl_make(&a, 6, 7, 4, 6, 0);
	said("default of a file", setxattr("f", DEFAULT, &a, ACL_LEN, 0));
	said("remove", removexattr("f", ACCESS));
	show("f", "f");
	acl_show("gone", "f", ACCESS);
	/* What the mode says as well is not kept. */
	a = (struct acl){ 2, { { 1, 6, UINT32_MAX }, { 4, 4, UINT32_MAX },
	    { 0x20, 4, UINT32_MAX } } };
	said("minimal", setxattr("f", ACCESS, &a, 4 + 3 * 8, 0));
	show("f", "f");
	acl_show("gone", "f", ACCESS);
	must(symlink("f", "s"));
	said("symlink", lsetxattr("s", ACCESS, &a, 4 + 3 * 8, 0));
}

static void
acl_defaults(void)
{
	struct acl a;

	mkdir("d", 0755);
	acl_make(&a, 7, 6, 5, 7, 1);
	said("set", setxattr("d", DEFAULT, &a, ACL_LEN, 0));
	acl_show("acl", "d", DEFAULT);
	umask(077);
	close(open("d/f", O_CREAT | O_RDWR, 0666));
	show("f", "d/f");
	acl_show("f", "d/f", ACCESS);
	close(open("d/g", O_CREAT | O_RDWR, 0600));
	show("g", "d/g");
	acl_show("g", "d/g", ACCESS);
	mkdir("d/e", 0777);
	show("e", "d/e");
	acl_show("e", "d/e", ACCESS);
	acl_show("e", "d/e", DEFAULT);
	mkdir("d/e/e", 0700);
	show("ee", "d/e/e");
	acl_show("ee", "d/e/e", ACCESS);
	mkfifo("d/p", 0666);
	show("p", "d/p");
	acl_show("p", "d/p", ACCESS);
	must(symlink("x", "d/s"));
	show("s", "d/s");
	said("remove", removexattr("d", DEFAULT));
	close(open("d/h", O_CREAT | O_RDWR, 0666));
	show("h", "d/h");
	acl_show("h", "d/h", ACCESS);
	said("again", removexattr("d", DEFAULT));
}

static void
acl_set_mine(void)
{
	struct acl a;

	acl_make(&a, 7, 7, 7, 7, 0);
	said("set", setxattr("m", ACCESS, &a, ACL_LEN, 0));
	show("m", "m");
	said("another's", setxattr("f", ACCESS, &a, ACL_LEN, 0));
}

/* Who sets an ACL and is not in the group clears setgid. */
static void
acl_setgid(void)
{
	file("f", "", 0644);
	file("m", "", 0644);
	must(chown("m", 1000, 77));
	said("chmod", chmod("m", 02775));
	show("m", "m");
	as_user(1000, 1000, 1000, acl_set_mine);
}

static void
writes(void)
{
	int fd = open("f", O_WRONLY);

	said("write", pwrite(fd, "x", 1, 0));
}

static void
capabilities(void)
{
	struct vfs_cap_data cap = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = { { 1u << CAP_NET_RAW, 0 } },
	};
	char buf[64];

	file("f", "content", 0777);
	said("set", setxattr("f", "security.capability", &cap, sizeof(cap),
	    0));
	said("get", getxattr("f", "security.capability", buf, 64));
	as_user(1000, 1000, 1000, writes);
	said("after write", getxattr("f", "security.capability", buf, 64));
	said("set", setxattr("f", "security.capability", &cap, sizeof(cap),
	    0));
	said("root", truncate("f", 2));
	said("after truncate", getxattr("f", "security.capability", buf,
	    64));
	said("set", setxattr("f", "security.capability", &cap, sizeof(cap),
	    0));
	said("chown", chown("f", 5, 5));
	said("after chown", getxattr("f", "security.capability", buf, 64));
	said("set", setxattr("f", "security.capability", &cap, sizeof(cap),
	    0));
	said("rename", rename("f", "g"));
	said("after rename", getxattr("g", "security.capability", buf, 64));
	said("bad", setxattr("g", "security.capability", "x", 1, 0));
}

static void
unlinked(void)
{
	char buf[16];
	int fd;

	file("f", "", 0644);
	fd = open("f", O_RDWR);
	said("unlink", unlink("f"));
	said("set", fsetxattr(fd, "user.a", "gone", 4, 0));
	said("get", fgetxattr(fd, "user.a", buf, 16));
	said("remove", fremovexattr(fd, "user.a"));
	said("list", flistxattr(fd, buf, 16));
}

const struct posix_case xattr_cases[] = {
	{ "xattr.user",		users },
	{ "xattr.sizes",	sizes },
	{ "xattr.objects",	objects },
	{ "xattr.others",	by_others },
	{ "xattr.acl",		acls },
	{ "xattr.acl-default",	acl_defaults },
	{ "xattr.acl-setgid",	acl_setgid },
	{ "xattr.capability",	capabilities },
	{ "xattr.unlinked",	unlinked },
	{ NULL,			NULL },
};
