/* SPDX-License-Identifier: ISC */
/* Space: fallocate(2), statfs(2), holes, preallocation. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int
filled(const char *name, size_t len)
{
	int fd = open(name, O_CREAT | O_RDWR, 0600);
	char *p = malloc(len);

	memset(p, 'F', len);
	if (pwrite(fd, p, len, 0) != (ssize_t)len)
		said("fill", -1);
	free(p);
	return fd;
}

static void
look(int fd, const char *label, off_t at)
{
	char c[2] = "";

	if (pread(fd, c, 2, at) != 2)
		said(label, -1);
	text(label, c, 2);
}

static void
allocate(void)
{
	struct stat st;
	int fd = filled("f", 10000), rd;

	said("plain", fallocate(fd, 0, 5000, 20000));
	show("f", "f");
	look(fd, "at 9999", 9998);
	look(fd, "at 10000", 10000);
	said("keep", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200000));
	show("f", "f");
	fstat(fd, &st);
	value("has room", st.st_blocks >= 200000 / 512);
	said("posix", posix_fallocate(fd, 0, 30000));
	show("f", "f");
	said("zero length", fallocate(fd, 0, 0, 0));
	said("negative", fallocate(fd, 0, -1, 10));
	said("mode", fallocate(fd, 0x4000, 0, 10));
	rd = open("f", O_RDONLY);
	said("rdonly", fallocate(rd, 0, 0, 10));
	mkfifo("p", 0600);
	rd = open("p", O_RDWR);
	said("fifo", fallocate(rd, 0, 0, 10));
}

static void
punch(void)
{
	struct stat st;
	int fd = filled("f", 100000);

	said("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, 5000, 50000));
	look(fd, "at 4999", 4999);
	look(fd, "at 54999", 54999);
	fsync(fd);
	fstat(fd, &st);
	value("fewer blocks", st.st_blocks < 150);
	value("hole", lseek(fd, 0, SEEK_HOLE));
	value("data", lseek(fd, 8192, SEEK_DATA));
	said("without keep", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
	said("behind", fallocate(fd, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, 200000, 4096));
	said("over the end", fallocate(fd, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, 99990, 4096));
	show("f", "f");
	look(fd, "at 99989", 99989);
}

static void
zero(void)
{
	int fd = filled("f", 20000);

	said("zero", fallocate(fd, FALLOC_FL_ZERO_RANGE, 100, 10000));
	look(fd, "at 99", 99);
	look(fd, "at 10099", 10099);
	said("over the end", fallocate(fd, FALLOC_FL_ZERO_RANGE, 19990,
	    100));
	show("f", "f");
	said("keep", fallocate(fd, FALLOC_FL_ZERO_RANGE |
	    FALLOC_FL_KEEP_SIZE, 20000, 10000));
	show("f", "f");
	look(fd, "at 19989", 19989);
}

/* The kernel refuses these for FUSE before mirrord is asked (rule R44). */
static void
shift(void)
{
	int fd = filled("f", 65536);

	said("collapse", fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 4096,
	    4096));
	said("insert", fallocate(fd, FALLOC_FL_INSERT_RANGE, 4096, 4096));
	show("f", "f");
}

static void
unshare(void)
{
	int fd = filled("f", 65536);

	said("unshare", fallocate(fd, FALLOC_FL_UNSHARE_RANGE, 0, 4096));
	said("bad mix", fallocate(fd, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_ZERO_RANGE, 0, 4096));
}

static void
others(void)
{
	int fd = open("suid", O_RDWR);

	said("fallocate", fallocate(fd, 0, 0, 5000));
}

static void
clears_suid(void)
{
	file("suid", "x", 0666);
	chmod("suid", 06777);
	as_user(1000, 1000, 1000, others);
	show("suid", "suid");
}

static void
file_systems(void)
{
	struct statvfs a, b;
	int fd;

	said("statvfs", statvfs(".", &a));
	value("bsize", (long long)a.f_bsize);
	value("frsize", (long long)a.f_frsize);
	value("namemax", (long long)a.f_namemax);
	value("some free", a.f_bavail > 0 && a.f_bavail <= a.f_bfree &&
	    a.f_bfree <= a.f_blocks);
	fd = open("f", O_CREAT | O_RDWR, 0600);
	said("fallocate", fallocate(fd, 0, 0, 4 << 20));
	statvfs(".", &b);
	value("less free", a.f_bfree - b.f_bfree >= 1000);
	value("one inode", (long long)(a.f_ffree - b.f_ffree));
	said("pathconf", pathconf(".", _PC_NAME_MAX));
	said("path", pathconf(".", _PC_PATH_MAX));
	said("links", pathconf(".", _PC_2_SYMLINKS));
}

static void
kind(void)
{
	struct statfs st;

	said("statfs", statfs(".", &st));
	value("type", (long long)st.f_type);
}

/* Where the blocks are on the disk is no business of a mirror. */
static void
extents(void)
{
	struct fiemap f = { .fm_length = 8192 };
	int fd = filled("f", 8192);

	said("fiemap", ioctl(fd, FS_IOC_FIEMAP, &f));
}

static void
blocks(void)
{
	struct stat st;
	int fd = filled("f", 8192);

	fsync(fd);
	fstat(fd, &st);
	value("blocks", (long long)st.st_blocks);
	value("blksize", (long long)st.st_blksize);
	fd = open("g", O_CREAT | O_RDWR, 0600);
	must(ftruncate(fd, 1 << 20));
	fstat(fd, &st);
	value("of a hole", (long long)st.st_blocks);
}

const struct posix_case space_cases[] = {
	{ "space.fallocate",	allocate },
	{ "space.punch",	punch },
	{ "space.zero",		zero },
	{ "space.shift",	shift },
	{ "space.unshare",	unshare },
	{ "space.suid",		clears_suid },
	{ "space.statfs",	file_systems },
	{ "space.type",		kind },
	{ "space.fiemap",	extents },
	{ "space.blocks",	blocks },
	{ NULL,			NULL },
};
