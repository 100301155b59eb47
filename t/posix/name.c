/* SPDX-License-Identifier: ISC */
/* Names: link, symlink, unlink, rename, mkdir, rmdir, mknod. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

static void
links(void)
{
	struct stat a, b;

	file("f", "linked", 0644);
	mkdir("d", 0755);
	must(symlink("f", "s"));
	said("link", link("f", "d/g"));
	show("f", "f");
	stat("f", &a);
	stat("d/g", &b);
	value("one inode", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	said("exists", link("f", "d/g"));
	said("onto itself", link("f", "f"));
	said("of a directory", link("d", "e"));
	said("of nothing", link("none", "e"));
	said("nowhere", link("f", "none/e"));
	said("notdir", link("f", "f/e"));
	said("of a symlink", link("s", "s2"));
	show("s2", "s2");
	said("followed", linkat(AT_FDCWD, "s", AT_FDCWD, "s3",
	    AT_SYMLINK_FOLLOW));
	show("s3", "s3");
	said("unlink", unlink("f"));
	show("left", "d/g");
	content("left", "d/g");
	said("bad flags", linkat(AT_FDCWD, "s", AT_FDCWD, "x", 0x10000));
}

static void
links_of_others(void)
{
	/* protected_hardlinks or not, the same on both. */
	said("of another's", link("private", "mine"));
	said("of a suid one", link("suid", "mine2"));
	said("of a public one", link("public", "mine3"));
}

static void
links_by_others(void)
{
	file("private", "", 0600);
	file("suid", "", 04755);
	file("public", "", 0666);
	as_user(1000, 1000, 1000, links_of_others);
}

static void
symlinks(void)
{
	char target[5000], buf[5000];
	ssize_t n;

	said("symlink", symlink("none", "s"));
	show("s", "s");
	said("exists", symlink("x", "s"));
	said("empty", symlink("", "e"));
	said("nowhere", symlink("x", "none/s"));
	said("notdir", symlink("x", "s/s"));
	n = readlink("s", buf, sizeof(buf));
	said("readlink", n);
	said("short", readlink("s", buf, 2));
	text("short", buf, 2);
	said("zero", readlink("s", buf, 0));
	file("f", "", 0644);
	said("of a file", readlink("f", buf, sizeof(buf)));
	said("of nothing", readlink("no", buf, sizeof(buf)));
	memset(target, 'a', sizeof(target));
	target[4095] = '\0';
	said("4095", symlink(target, "long"));
	n = readlink("long", buf, sizeof(buf));
	said("readlink", n);
	value("same", n == 4095 && memcmp(buf, target, 4095) == 0);
	target[4095] = 'a';
	target[4096] = '\0';
	said("4096", symlink(target, "longer"));
	said("chmod", fchmodat(AT_FDCWD, "s", 0600, 0));
	said("lchown", lchown("s", 5, 6));
	show("s", "s");
	said("unlink", unlink("s"));
}

static void
loops(void)
{
	char name[32], to[32], buf[8];
	int i;

	must(symlink("self", "self"));
	opened("self", "self", O_RDONLY, 0);
	said("stat", access("self", F_OK));
	said("mkdir", mkdir("self/d", 0700));
	said("rename", rename("self", "other"));
	said("readlink", readlink("other", buf, sizeof(buf)));
	file("0", "end of the chain", 0644);
	for (i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "%d", i);
		snprintf(to, sizeof(to), "%d", i - 1);
		must(symlink(to, name));
	}
	content("40", "40");
	content("41", "41");
}

static void
unlinks(void)
{
	char buf[16] = "";
	struct stat st;
	int fd;

	file("f", "x", 0644);
	mkdir("d", 0755);
	must(symlink("d", "s"));
	said("of a directory", unlink("d"));
	said("none", unlink("none"));
	said("notdir", unlink("f/x"));
	said("slash", unlink("f/"));
	said("dot", unlink("."));
	said("of a link", unlink("s"));
	show("d", "d");
	said("removedir of a file", unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
	said("bad flags", unlinkat(AT_FDCWD, "f", 0x10));
	fd = open("f", O_RDWR);
	said("open", unlink("f"));
	said("again", unlink("f"));
	said("write", pwrite(fd, "still here", 10, 0));
	said("fsync", fsync(fd));
	said("read", pread(fd, buf, 10, 0));
	text("read", buf, 10);
	said("fchmod", fchmod(fd, 0600));
	said("xattr", fsetxattr(fd, "user.x", "y", 1, 0));
	said("ftruncate", ftruncate(fd, 5));
	fstat(fd, &st);
	printf(" gone=%o/%d/%lld", st.st_mode, (int)st.st_nlink,
	    (long long)st.st_size);
	said("link back", linkat(fd, "", AT_FDCWD, "f", AT_EMPTY_PATH));
	file("f", "another", 0644);
	content("f", "f");
	said("read", pread(fd, buf, 10, 0));
	text("old", buf, 5);
}

static void
sticky_other(void)
{
	said("unlink", unlink("sticky/root"));
	said("rename", rename("sticky/root", "sticky/x"));
	said("rename over", rename("sticky/mine", "sticky/root"));
	said("unlink mine", unlink("sticky/mine"));
	said("rmdir", rmdir("sticky/dir"));
	said("no write", unlink("closed/f"));
	said("no write rmdir", rmdir("closed/d"));
	said("mkdir", mkdir("closed/e", 0777));
	said("chmod", chmod("sticky", 0777));
}

static void
sticky(void)
{
	mkdir("sticky", 0777);
	chmod("sticky", 01777);
	file("sticky/root", "", 0666);
	file("sticky/mine", "", 0600);
	must(chown("sticky/mine", 1000, 1000));
	mkdir("sticky/dir", 0777);
	mkdir("closed", 0755);
	file("closed/f", "", 0666);
	mkdir("closed/d", 0777);
	as_user(1000, 1000, 1000, sticky_other);
	show("sticky", "sticky");
}

static void
renames(void)
{
	file("a", "A", 0644);
	file("b", "B", 0644);
	mkdir("d", 0755);
	mkdir("empty", 0755);
	mkdir("full", 0755);
	file("full/x", "", 0644);
	said("none", rename("none", "x"));
	said("nowhere", rename("a", "none/x"));
	said("notdir", rename("a", "b/x"));
	said("over", rename("a", "b"));
	content("b", "b");
	show("a", "a");
	said("file over dir", rename("b", "d"));
	said("dir over file", rename("d", "b"));
	said("over full", rename("d", "full"));
	said("over empty", rename("d", "empty"));
	said("into itself", rename("full", "full/y"));
	said("over parent", rename("full/x", "full"));
	said("same", rename("b", "b"));
	said("dot", rename(".", "z"));
	said("dot2", rename("empty/.", "z"));
	said("file slash", rename("b", "z/"));
	said("dir slash", rename("empty", "z/"));
	must(link("b", "b2"));
	said("one inode", rename("b", "b2"));
	show("b", "b");
	must(symlink("b", "s"));
	said("symlink", rename("s", "t"));
	show("t", "t");
	said("over symlink", rename("b2", "t"));
	show("t", "t");
}

static void
renames2(void)
{
	file("a", "A", 0644);
	file("b", "B", 0644);
	mkdir("d", 0755);
	file("d/x", "X", 0644);
	said("noreplace", renameat2(AT_FDCWD, "a", AT_FDCWD, "b",
	    RENAME_NOREPLACE));
	said("noreplace new", renameat2(AT_FDCWD, "a", AT_FDCWD, "c",
	    RENAME_NOREPLACE));
	said("exchange", renameat2(AT_FDCWD, "b", AT_FDCWD, "c",
	    RENAME_EXCHANGE));
	content("b", "b");
	content("c", "c");
	said("exchange dir", renameat2(AT_FDCWD, "d", AT_FDCWD, "c",
	    RENAME_EXCHANGE));
	content("c/x", "c/x");
	content("d", "d");
	said("exchange none", renameat2(AT_FDCWD, "b", AT_FDCWD, "none",
	    RENAME_EXCHANGE));
	said("into itself", renameat2(AT_FDCWD, "c", AT_FDCWD, "c/x",
	    RENAME_EXCHANGE));
	said("both", renameat2(AT_FDCWD, "b", AT_FDCWD, "c",
	    RENAME_EXCHANGE | RENAME_NOREPLACE));
	said("unknown", renameat2(AT_FDCWD, "b", AT_FDCWD, "c", 0x100));
	said("itself", renameat2(AT_FDCWD, "b", AT_FDCWD, "b",
	    RENAME_EXCHANGE));
	said("noreplace itself", renameat2(AT_FDCWD, "b", AT_FDCWD, "b",
	    RENAME_NOREPLACE));
}

static void
whiteout(void)
{
	struct stat st = { 0 };

	file("a", "A", 0644);
	said("whiteout", renameat2(AT_FDCWD, "a", AT_FDCWD, "b",
	    RENAME_WHITEOUT));
	lstat("a", &st);
	value("device", S_ISCHR(st.st_mode));
}

static void
renamed_open(void)
{
	char buf[8] = "";
	struct stat st;
	int a, b;

	file("a", "old A", 0644);
	file("b", "old B", 0644);
	a = open("a", O_RDWR);
	b = open("b", O_RDWR);
	said("rename", rename("a", "b"));
	said("write", pwrite(a, "new", 3, 0));
	content("b", "b");
	said("read", pread(b, buf, 5, 0));
	text("victim", buf, 5);
	fstat(b, &st);
	value("nlink", (long)st.st_nlink);
	said("write", pwrite(b, "victim", 6, 0));
	said("fsync", fsync(b));
	content("b", "b");
}

static void
across(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/posix.%d", posix_other,
	    (int)getpid());
	file("f", "x", 0644);
	mkdir("d", 0755);
	said("rename", rename("f", path));
	said("link", link("f", path));
	said("rename dir", rename("d", path));
	file(path, "y", 0644);
	said("rename in", rename(path, "g"));
	said("link in", link(path, "g"));
	said("exchange", renameat2(AT_FDCWD, path, AT_FDCWD, "f",
	    RENAME_EXCHANGE));
	unlink(path);
}

static void
nodes(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
	    .sun_path = "sock" };
	struct stat st;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	int c = socket(AF_UNIX, SOCK_STREAM, 0);

	said("fifo", mkfifo("fifo", 0666));
	show("fifo", "fifo");
	said("again", mkfifo("fifo", 0666));
	said("regular", mknod("reg", S_IFREG | 0666, 0));
	show("reg", "reg");
	said("no type", mknod("reg0", 0600, 0));
	show("reg0", "reg0");
	said("char", mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	show("null", "null");
	stat("null", &st);
	value("major", major(st.st_rdev));
	value("minor", minor(st.st_rdev));
	said("big", mknod("big", S_IFBLK | 0600, makedev(4000, 900000)));
	stat("big", &st);
	value("major", major(st.st_rdev));
	value("minor", minor(st.st_rdev));
	said("socket", mknod("sock0", S_IFSOCK | 0600, 0));
	said("directory", mknod("dir", S_IFDIR | 0700, 0));
	said("nonsense", mknod("x", S_IFLNK | 0700, 0));
	said("bind", bind(s, (struct sockaddr *)&sun, sizeof(sun)));
	said("listen", listen(s, 1));
	said("connect", connect(c, (struct sockaddr *)&sun, sizeof(sun)));
	show("sock", "sock");
	opened("open socket", "sock", O_RDWR, 0);
	opened("nobody reads", "fifo", O_WRONLY | O_NONBLOCK, 0);
	s = opened("fifo", "fifo", O_RDWR, 0);
	said("write", write(s, "through", 7));
	said("lseek", lseek(s, 0, SEEK_CUR));
	s = opened("null", "null", O_RDWR, 0);
	said("write", write(s, "away", 4));
}

static void
nodes_of_others(void)
{
	said("char", mknod("c", S_IFCHR | 0666, makedev(1, 3)));
	said("block", mknod("b", S_IFBLK | 0666, makedev(7, 0)));
	said("fifo", mkfifo("f", 0666));
	show("f", "f");
	said("whiteout", mknod("w", S_IFCHR, makedev(0, 0)));
	show("w", "w");
}

static void
nodes_by_others(void)
{
	as_user(1000, 1001, 1000, nodes_of_others);
}

static void
long_names(void)
{
	char name[300], path[PATH_MAX + 300];
	int i;

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	file(name, "255", 0644);
	content("255", name);
	said("link", link(name, "short"));
	said("rename", rename("short", name));
	name[255] = 'n';
	name[256] = '\0';
	opened("256", name, O_CREAT | O_RDWR, 0600);
	said("mkdir", mkdir(name, 0700));
	said("stat", access(name, F_OK));
	said("rename", rename("short", name));
	said("symlink", symlink("x", name));
	said("unlink", unlink(name));
	/* PATH_MAX counts the NUL. */
	for (i = 0; i + 2 < PATH_MAX; i += 2)
		memcpy(path + i, "./", 2);
	path[PATH_MAX - 2] = 'p';
	path[PATH_MAX - 1] = '\0';
	opened("4095", path, O_CREAT | O_RDWR, 0600);
	memcpy(path + PATH_MAX - 2, "pp", 3);
	opened("4096", path, O_CREAT | O_RDWR, 0600);
}

static void
deep(void)
{
	char name[101];
	int i, depth = 0, fd;

	memset(name, 'd', sizeof(name));
	name[100] = '\0';
	for (i = 0; i < 60; i++)
		if (mkdir(name, 0755) == 0 && chdir(name) == 0)
			depth++;
	value("depth", depth);
	file("bottom", "6000 bytes deep", 0644);
	content("bottom", "bottom");
	fd = open("bottom", O_RDWR);
	said("fsync", fsync(fd));
	said("rename", rename("bottom", "../up"));
	content("up", "../up");
	said("getcwd", getcwd(NULL, 0) == NULL ? -1 : 0);
}

static void
any_byte(void)
{
	char name[2] = "", two[4];
	int i, bad = 0, fd;

	for (i = 1; i < 256; i++) {
		name[0] = (char)i;
		if (i == '/' || i == '.')
			continue;
		fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
		bad += fd == -1 || write(fd, name, 1) != 1;
		close(fd);
		snprintf(two, sizeof(two), "%s%s", name, name);
		bad += rename(name, two) == -1;
		bad += rename(two, name) == -1;
	}
	value("bad", bad);
	content("255", "\377");
	file("...", "dots", 0600);
	said("blank", access(" ", F_OK));
	/* Invalid as UTF-8, and as other node's locale. */
	file("\xc3(\xff\xfe", "bytes", 0600);
	content("bytes", "\xc3(\xff\xfe");
	said("newline", mkdir("a\nb", 0700));
	said("rmdir", rmdir("a\nb"));
}

const struct posix_case name_cases[] = {
	{ "name.link",		links },
	{ "name.link-others",	links_by_others },
	{ "name.symlink",	symlinks },
	{ "name.loop",		loops },
	{ "name.unlink",	unlinks },
	{ "name.sticky",	sticky },
	{ "name.rename",	renames },
	{ "name.rename2",	renames2 },
	{ "name.whiteout",	whiteout },
	{ "name.rename-open",	renamed_open },
	{ "name.across",	across },
	{ "name.mknod",		nodes },
	{ "name.mknod-others",	nodes_by_others },
	{ "name.long",		long_names },
	{ "name.deep",		deep },
	{ "name.bytes",		any_byte },
	{ NULL,			NULL },
};
