/* SPDX-License-Identifier: ISC */
/* Modes, owners, times, access; what clears setuid and setgid. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static void
mode_other(void)
{
	said("another's", chmod("f", 0600));
	said("chown", chown("f", 1000, 1000));
	said("mine", chmod("mine", 02755));
	show("mine", "mine");
	said("my sticky", chmod("mine", 01755));
	show("mine", "mine");
	said("to root", chown("mine", 0, -1));
	said("to my group", chown("mine", -1, 4242));
	show("mine", "mine");
	said("to no group of mine", chown("mine", -1, 77));
	said("nothing", chown("mine", -1, -1));
	said("of another's", chown("f", -1, -1));
}

static void
modes(void)
{
	file("f", "", 0644);
	file("mine", "", 0644);
	said("chown", chown("mine", 1000, 77));
	said("chmod", chmod("f", 07777));
	show("f", "f");
	said("type bits", chmod("f", 0170644));
	show("f", "f");
	said("none", chmod("none", 0600));
	said("notdir", chmod("f/x", 0600));
	said("fchmod", fchmod(-1, 0600));
	as_user(1000, 1000, 4242, mode_other);
}

static void
owners(void)
{
	mkdir("d", 0755);
	file("f", "x", 0644);
	said("uid", chown("f", 5, -1));
	show("f", "f");
	said("gid", chown("f", -1, 6));
	show("f", "f");
	said("big", chown("f", 4000000000u, 4000000001u));
	show("f", "f");
	said("none", chown("none", 1, 1));
	said("dir", chown("d", 7, 8));
	show("d", "d");
}

/* Each kind of change of a file with both bits, by another user. */
static void
writes(void)
{
	int fd = open("w", O_WRONLY);

	said("write", pwrite(fd, "w", 1, 0));
	fd = open("t", O_WRONLY);
	said("ftruncate", ftruncate(fd, 3));
	said("truncate", truncate("t2", 3));
	close(open("o", O_WRONLY | O_TRUNC));
	fd = open("n", O_WRONLY);
	said("chmod", fchmod(fd, 0600));
	fd = open("z", O_WRONLY);
	said("zero", pwrite(fd, "", 0, 0));
	fd = open("c", O_WRONLY);
	said("copy", copy_file_range(open("w", O_RDONLY), NULL, fd, NULL, 1,
	    0));
	fd = open("d", O_WRONLY | O_DIRECT);
	said("direct", fd == -1 ? -1 : 0);
}

static void
suid_write(void)
{
	const char *names[] = { "w", "t", "t2", "o", "n", "z", "c", "d",
	    NULL };
	unsigned i;

	for (i = 0; names[i] != NULL; i++) {
		file(names[i], "content", 0666);
		chmod(names[i], 06777);
	}
	as_user(1000, 1000, 1000, writes);
	for (i = 0; names[i] != NULL; i++)
		show(names[i], names[i]);
}

static void
suid_root(void)
{
	int fd;

	file("w", "x", 0644);
	chmod("w", 06755);
	fd = open("w", O_RDWR);
	said("write by root", pwrite(fd, "y", 1, 0));
	show("w", "w");
	said("ftruncate", ftruncate(fd, 100));
	show("w", "w");
	chmod("w", 06755);
	said("chown", chown("w", 5, 5));
	show("w", "w");
	chmod("w", 02644);
	said("chown", chown("w", 6, 6));
	show("no group exec", "w");
	chmod("w", 06755);
	said("same owner", chown("w", 6, 6));
	show("w", "w");
	chmod("w", 06755);
	said("none", chown("w", -1, -1));
	show("w", "w");
	mkdir("d", 0755);
	chmod("d", 06755);
	said("dir", chown("d", 5, 5));
	show("d", "d");
}

static void
owner_writes(void)
{
	int fd = open("w", O_RDWR);

	said("write", pwrite(fd, "y", 1, 0));
	show("w", "w");
	said("chmod", fchmod(fd, 06755));
	show("w", "w");
	said("chown", chown("w", -1, 1000));
	show("w", "w");
}

static void
suid_owner(void)
{
	file("w", "x", 0644);
	said("chown", chown("w", 1000, 1000));
	chmod("w", 06755);
	as_user(1000, 1000, 1000, owner_writes);
}

static void
mapped(void)
{
	int fd = open("m", O_RDWR);
	char *m = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	said("map", m == MAP_FAILED ? -1 : 0);
	if (m == MAP_FAILED)
		return;
	*m = 'M';
	said("msync", msync(m, 1, MS_SYNC));
}

static void
suid_map(void)
{
	file("m", "content", 0666);
	chmod("m", 06777);
	as_user(1000, 1000, 1000, mapped);
	show("m", "m");
}

static void
show_times(const char *label, const char *name)
{
	struct statx st;

	if (statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
	    &st) == -1) {
		said(label, -1);
		return;
	}
	printf(" %s=%lld.%09u/%lld.%09u", label,
	    (long long)st.stx_atime.tv_sec, st.stx_atime.tv_nsec,
	    (long long)st.stx_mtime.tv_sec, st.stx_mtime.tv_nsec);
}

static void
times(void)
{
	struct timespec t[2] = { { 12, 345 }, { 67, 999999999 } };

	file("f", "", 0644);
	must(symlink("f", "s"));
	mkdir("d", 0755);
	said("set", utimensat(AT_FDCWD, "f", t, 0));
	show_times("f", "f");
	t[0].tv_nsec = UTIME_OMIT;
	t[1] = (struct timespec){ -5, 7 };
	said("omit atime, negative", utimensat(AT_FDCWD, "f", t, 0));
	show_times("f", "f");
	t[1].tv_nsec = UTIME_OMIT;
	said("omit both", utimensat(AT_FDCWD, "f", t, 0));
	show_times("f", "f");
	t[0] = (struct timespec){ 1LL << 33, 1 };
	t[1] = (struct timespec){ 1LL << 40, 1 };
	said("far", utimensat(AT_FDCWD, "f", t, 0));
	show_times("f", "f");
	t[0] = t[1] = (struct timespec){ 3, 4 };
	said("symlink", utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW));
	show_times("s", "s");
	said("through", utimensat(AT_FDCWD, "s", t, 0));
	show_times("f", "f");
	said("dir", utimensat(AT_FDCWD, "d", t, 0));
	show_times("d", "d");
	t[0].tv_nsec = 1000000000;
	said("bad", utimensat(AT_FDCWD, "f", t, 0));
	said("none", utimensat(AT_FDCWD, "none", NULL, 0));
}

static void
times_other(void)
{
	struct timespec t[2] = { { 12, 345 }, { 67, 890 } };

	said("set", utimensat(AT_FDCWD, "open", t, 0));
	said("now", utimensat(AT_FDCWD, "open", NULL, 0));
	said("now, closed", utimensat(AT_FDCWD, "closed", NULL, 0));
	t[0].tv_nsec = UTIME_NOW;
	t[1].tv_nsec = UTIME_OMIT;
	said("only one now", utimensat(AT_FDCWD, "open", t, 0));
	t[0].tv_nsec = UTIME_OMIT;
	said("omit", utimensat(AT_FDCWD, "closed", t, 0));
}

static void
times_now(void)
{
	struct timespec t[2] = { { 12, 345 }, { 67, 890 } }, now;
	struct statx st;

	file("open", "", 0666);
	file("closed", "", 0644);
	utimensat(AT_FDCWD, "open", t, 0);
	t[0].tv_nsec = UTIME_NOW;
	t[1].tv_nsec = UTIME_OMIT;
	said("atime now", utimensat(AT_FDCWD, "open", t, 0));
	clock_gettime(CLOCK_REALTIME, &now);
	statx(AT_FDCWD, "open", 0, STATX_BASIC_STATS, &st);
	value("near", now.tv_sec - st.stx_atime.tv_sec < 3);
	value("left", st.stx_mtime.tv_sec);
	as_user(1000, 1000, 1000, times_other);
	statx(AT_FDCWD, "open", 0, STATX_BASIC_STATS, &st);
	value("touched", now.tv_sec - st.stx_mtime.tv_sec < 3);
}

/* As with noatime: the disks of both nodes have better things to do. */
static void
read_times(void)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct statx st;
	char c;
	int fd;

	file("f", "x", 0644);
	fd = open("f", O_RDWR);
	futimens(fd, old);
	said("read", read(fd, &c, 1));
	statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st);
	value("atime moved", st.stx_atime.tv_sec != 1000);
}

static void
ctimes(void)
{
	const char *what[] = { "chmod", "link", "rename", "setxattr",
	    "utimes", "write", "chown to none", "unlink one" };
	struct statx a, b;
	unsigned i;
	int fd;

	file("f", "", 0644);
	fd = open("f", O_RDWR);
	for (i = 0; i < 8; i++) {
		statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &a);
		/* The clock of files ticks each 4 ms at most. */
		usleep(15000);
		if (i == 0)
			fchmod(fd, 0600);
		else if (i == 1)
			must(link("f", "g"));
		else if (i == 2)
			rename("f", "h");
		else if (i == 3)
			fsetxattr(fd, "user.x", "y", 1, 0);
		else if (i == 4)
			futimens(fd, NULL);
		else if (i == 5)
			must(write(fd, "x", 1));
		else if (i == 6)
			must(fchown(fd, (uid_t)-1, (gid_t)-1));
		else
			unlink("g");
		statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &b);
		value(what[i], a.stx_ctime.tv_sec != b.stx_ctime.tv_sec ||
		    a.stx_ctime.tv_nsec != b.stx_ctime.tv_nsec);
	}
}

static void
birth(void)
{
	struct timespec t[2] = { { 12, 345 }, { 67, 890 } };
	struct statx a, b;

	file("f", "", 0644);
	statx(AT_FDCWD, "f", 0, STATX_BTIME, &a);
	value("btime", (a.stx_mask & STATX_BTIME) != 0);
	utimensat(AT_FDCWD, "f", t, 0);
	chmod("f", 0600);
	statx(AT_FDCWD, "f", 0, STATX_BTIME | STATX_BASIC_STATS, &b);
	value("same", a.stx_btime.tv_sec == b.stx_btime.tv_sec &&
	    a.stx_btime.tv_nsec == b.stx_btime.tv_nsec);
	value("known", b.stx_btime.tv_sec > 1000000);
	said("dont sync", statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC,
	    STATX_SIZE, &b));
	said("force sync", statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC,
	    STATX_SIZE, &b));
	said("bad flags", statx(AT_FDCWD, "f", 0x6000, STATX_SIZE, &b));
}

static void
may(void)
{
	said("read", access("f", R_OK));
	said("write", access("f", W_OK));
	said("exec", access("f", X_OK));
	said("exists", access("f", F_OK));
	said("closed", access("closed/f", F_OK));
	said("eaccess", faccessat(AT_FDCWD, "f", W_OK, AT_EACCESS));
	said("group", access("g", W_OK));
	said("dir", access("closed", X_OK));
}

static void
accesses(void)
{
	file("f", "", 0644);
	file("g", "", 0660);
	said("chown", chown("g", 0, 4242));
	mkdir("closed", 0700);
	file("closed/f", "", 0666);
	said("root x", access("f", X_OK));
	said("root", access("closed/f", R_OK | W_OK));
	said("none", access("none", F_OK));
	said("notdir", access("f/x", F_OK));
	said("mode", access("f", 77));
	as_user(1000, 1000, 4242, may);
	as_user(1000, 4242, 1000, may);
}

static void
umasks(void)
{
	unsigned i, mask[] = { 0, 022, 027, 077, 0777 };
	char name[16];

	for (i = 0; i < 5; i++) {
		umask((mode_t)mask[i]);
		snprintf(name, sizeof(name), "f%o", mask[i]);
		close(open(name, O_CREAT | O_RDWR, 0666));
		show(name, name);
	}
}

const struct posix_case attr_cases[] = {
	{ "attr.chmod",		modes },
	{ "attr.chown",		owners },
	{ "attr.suid-write",	suid_write },
	{ "attr.suid-root",	suid_root },
	{ "attr.suid-owner",	suid_owner },
	{ "attr.suid-map",	suid_map },
	{ "attr.utimens",	times },
	{ "attr.utimens-now",	times_now },
	{ "attr.atime",		read_times },
	{ "attr.ctime",		ctimes },
	{ "attr.btime",		birth },
	{ "attr.access",	accesses },
	{ "attr.umask",		umasks },
	{ NULL,			NULL },
};
