/* SPDX-License-Identifier: ISC */
/* Reading, writing, seeking and mapping. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the compiler must not see through. */
static void *volatile nowhere = (void *)8;
static volatile int minus_one = -1;

static void
reads(void)
{
	char buf[64] = "";
	struct iovec v[2] = { { buf, 2 }, { buf + 10, 3 } };
	int fd;

	file("f", "0123456789", 0644);
	fd = open("f", O_RDWR);
	said("read", read(fd, buf, 4));
	said("pread", pread(fd, buf, 64, 8));
	said("eof", pread(fd, buf, 64, 10));
	said("behind", pread(fd, buf, 64, 1000));
	said("negative", pread(fd, buf, 1, -1));
	said("readv", readv(fd, v, 2));
	text("v", buf + 10, 3);
	value("at", lseek(fd, 0, SEEK_CUR));
	said("bad buffer", pread(fd, nowhere, 4, 0));
	said("zero", read(fd, buf, 0));
	said("preadv2", preadv2(fd, v, 2, 1, 0));
	said("too many", readv(fd, v, minus_one));
	said("pwritev2", pwritev2(fd, v, 2, -1, 0));
	content("f", "f");
	close(fd);
	said("closed", read(fd, buf, 1));
}

static void
writes(void)
{
	static char big[3 << 20], back[3 << 20];
	struct stat st;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 >> 3);
	fd = open("f", O_CREAT | O_RDWR, 0600);
	said("big", write(fd, big, sizeof(big)));
	said("read", pread(fd, back, sizeof(back), 0));
	value("same", memcmp(big, back, sizeof(big)) == 0);
	said("odd", pwrite(fd, "odd", 3, 262143));
	said("read", pread(fd, back, 3, 262143));
	text("odd", back, 3);
	said("negative", pwrite(fd, big, 1, -1));
	said("zero", pwrite(fd, big, 0, 100 << 20));
	said("bad buffer", pwrite(fd, nowhere, 100, 0));
	fstat(fd, &st);
	value("size", st.st_size);
	said("far", pwrite(fd, "e", 1, 1LL << 40));
	fstat(fd, &st);
	value("size", st.st_size);
	value("sparse", st.st_blocks < 10000);
	said("ftruncate", ftruncate(fd, 3));
	said("read", pread(fd, back, 10, 0));
}

/* ext4 ends at 16 TiB of 4 KiB blocks. */
static void
too_far(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	said("pwrite", pwrite(fd, "e", 1, (1LL << 44) + 4096));
	said("ftruncate", ftruncate(fd, (1LL << 44) + 4096));
	said("fallocate", fallocate(fd, 0, (1LL << 44) + 4096, 1));
	said("max", ftruncate(fd, INT64_MAX));
	said("negative", ftruncate(fd, -1));
	said("overflow", fallocate(fd, 0, INT64_MAX, 1));
	show("f", "f");
}

/* lseek(2) beyond what ext4 can hold: FUSE knows no such limit. */
static void
too_far_seek(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	value("far", lseek(fd, (1LL << 44) + 4096, SEEK_SET));
}

static void
seeks(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	said("write", pwrite(fd, "start", 5, 0));
	said("far", pwrite(fd, "end", 3, 1 << 20));
	said("fsync", fsync(fd));
	value("set", lseek(fd, 10, SEEK_SET));
	value("cur", lseek(fd, -5, SEEK_CUR));
	value("end", lseek(fd, -1, SEEK_END));
	said("negative", lseek(fd, -1, SEEK_SET));
	said("whence", lseek(fd, 0, 77));
	value("data 0", lseek(fd, 0, SEEK_DATA));
	value("hole 0", lseek(fd, 0, SEEK_HOLE));
	value("data 8192", lseek(fd, 8192, SEEK_DATA));
	value("hole end", lseek(fd, 1 << 20, SEEK_HOLE));
	value("at", lseek(fd, 0, SEEK_CUR));
	said("data behind", lseek(fd, 2 << 20, SEEK_DATA));
	said("hole behind", lseek(fd, 2 << 20, SEEK_HOLE));
	said("data at the end", lseek(fd, (1 << 20) + 3, SEEK_DATA));
}

static void
truncates(void)
{
	char buf[16] = "";
	struct stat st;
	int fd;

	file("f", "0123456789", 0644);
	mkdir("d", 0755);
	said("shorter", truncate("f", 4));
	said("longer", truncate("f", 8));
	content("f", "f");
	said("same", truncate("f", 8));
	said("negative", truncate("f", -1));
	said("directory", truncate("d", 0));
	said("none", truncate("none", 0));
	said("fifo", mkfifo("p", 0600));
	said("of it", truncate("p", 0));
	fd = open("f", O_RDONLY);
	said("rdonly", ftruncate(fd, 0));
	close(fd);
	fd = open("f", O_RDWR);
	lseek(fd, 0, SEEK_END);
	said("to 0", ftruncate(fd, 0));
	/* The offset stays: a hole in front. */
	said("write", write(fd, "x", 1));
	fstat(fd, &st);
	value("size", st.st_size);
	said("read", pread(fd, buf, 16, 0));
	text("zeros", buf, 9);
	said("big", ftruncate(fd, 1LL << 33));
	said("tail", pread(fd, buf, 4, (1LL << 33) - 2));
}

static void
maps(void)
{
	char *m, *p, buf[16] = "";
	int fd;

	file("f", "", 0644);
	fd = open("f", O_RDWR);
	said("grow", ftruncate(fd, 10000));
	m = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	said("shared", m == MAP_FAILED ? -1 : 0);
	p = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	said("private", p == MAP_FAILED ? -1 : 0);
	memcpy(m + 4094, "across", 6);
	said("read", pread(fd, buf, 6, 4094));
	text("seen by read", buf, 6);
	said("write", pwrite(fd, "W", 1, 4095));
	text("seen by map", m + 4094, 6);
	memcpy(p, "private", 7);
	content("f", "f");
	/* Behind the end of file up to the page: zero again after all. */
	memcpy(m + 10100, "tail", 4);
	said("msync", msync(m, 10000, MS_SYNC));
	said("async", msync(m, 10000, MS_ASYNC));
	said("invalidate", msync(m, 10000, MS_SYNC | MS_INVALIDATE));
	said("grow", ftruncate(fd, 12000));
	said("read", pread(fd, buf, 4, 10100));
	text("tail", buf, 4);
	munmap(m, 10000);
	close(fd);
	fd = open("f", O_RDONLY);
	said("rdonly", mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0) ==
	    MAP_FAILED ? -1 : 0);
	said("rdonly private", mmap(NULL, 1, PROT_WRITE, MAP_PRIVATE, fd, 0)
	    == MAP_FAILED ? -1 : 0);
	said("sync", mmap(NULL, 1, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC,
	    fd, 0) == MAP_FAILED ? -1 : 0);
	said("odd offset", mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 5) ==
	    MAP_FAILED ? -1 : 0);
}

static void
maps_live(void)
{
	char *m, buf[8] = "";
	struct stat st;
	int fd;

	file("f", "", 0644);
	fd = open("f", O_RDWR);
	must(ftruncate(fd, 8192));
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	said("unlink", unlink("f"));
	close(fd);
	memcpy(m + 5000, "mapped", 6);
	said("msync", msync(m, 8192, MS_SYNC));
	text("gone", m + 5000, 6);
	munmap(m, 8192);
	file("g", "12345678", 0644);
	fd = open("g", O_RDWR);
	m = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	memcpy(m, "by map", 6);
	said("rename", rename("g", "h"));
	munmap(m, 8);
	content("h", "h");
	said("punch", (fd = open("h", O_RDWR)) == -1 ? -1 : 0);
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(ftruncate(fd, 8192));
	memset(m, 'M', 8192);
	said("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, 100, 5000));
	text("at 99", m + 99, 2);
	text("at 5099", m + 5099, 2);
	said("shrink", ftruncate(fd, 50));
	said("grow", ftruncate(fd, 200));
	text("at 49", m + 49, 3);
	said("read", pread(fd, buf, 3, 49));
	text("at 49", buf, 3);
	fstat(fd, &st);
	value("size", st.st_size);
}

static void
map_times(void)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct stat st;
	char *m;
	int fd;

	file("f", "12345678", 0644);
	fd = open("f", O_RDWR);
	m = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	futimens(fd, old);
	m[3] = 'x';
	said("msync", msync(m, 8, MS_SYNC));
	fstat(fd, &st);
	value("mtime moved", st.st_mtim.tv_sec != 1000);
}

static void
copies(void)
{
	loff_t a = 0, b = 0;
	int in, out, rd;

	file("in", "0123456789abcdef", 0644);
	file("out", "", 0644);
	in = open("in", O_RDWR);
	out = open("out", O_RDWR);
	rd = open("in", O_RDONLY);
	said("copy", copy_file_range(in, &a, out, &b, 10, 0));
	value("in", a);
	value("out", b);
	said("by offset", copy_file_range(rd, NULL, out, NULL, 5, 0));
	value("at", lseek(rd, 0, SEEK_CUR));
	content("out", "out");
	a = 12;
	said("short", copy_file_range(in, &a, out, &b, 100, 0));
	said("eof", copy_file_range(in, &a, out, &b, 100, 0));
	content("out", "out");
	a = 0;
	b = 4;
	said("overlap", copy_file_range(in, &a, in, &b, 8, 0));
	b = 8;
	said("one file", copy_file_range(in, &a, in, &b, 4, 0));
	content("in", "in");
	said("to rdonly", copy_file_range(in, &a, rd, &b, 4, 0));
	said("flags", copy_file_range(in, &a, out, &b, 4, 1));
	b = 1 << 20;
	said("far", copy_file_range(in, &a, out, &b, 4, 0));
	show("out", "out");
	said("to append", (out = open("out", O_WRONLY | O_APPEND)) == -1);
	said("append", copy_file_range(in, &a, out, &b, 4, 0));
	in = open(".", O_RDONLY);
	said("directory", copy_file_range(in, NULL, out, NULL, 4, 0));
}

static void
open_unlinked_copy(void)
{
	loff_t a = 0, b = 0;
	int in, out;

	file("in", "of a file that is gone", 0644);
	file("out", "", 0644);
	in = open("in", O_RDWR);
	out = open("out", O_RDWR);
	said("unlink", unlink("in"));
	said("copy", copy_file_range(in, &a, out, &b, 30, 0));
	content("out", "out");
}

static void
write_times(void)
{
	struct timespec old[2] = { { 1000, 5 }, { 1000, 5 } };
	const char *what[] = { "write", "truncate", "same size", "punch",
	    "chmod", "O_TRUNC", "zero write", "copy" };
	struct stat before, st;
	unsigned i;
	int fd, in;

	file("f", "12345678", 0644);
	file("in", "abc", 0644);
	in = open("in", O_RDONLY);
	for (i = 0; i < 8; i++) {
		fd = open("f", O_RDWR);
		futimens(fd, old);
		fstat(fd, &before);
		if (i == 0)
			must(pwrite(fd, "x", 1, 3));
		else if (i == 1)
			must(ftruncate(fd, 5000));
		else if (i == 2)
			must(ftruncate(fd, 5000));
		else if (i == 3)
			fallocate(fd, FALLOC_FL_PUNCH_HOLE |
			    FALLOC_FL_KEEP_SIZE, 0, 3);
		else if (i == 4)
			fchmod(fd, 0600);
		else if (i == 5)
			close(open("f", O_WRONLY | O_TRUNC));
		else if (i == 6)
			must(pwrite(fd, "", 0, 0));
		else
			must(copy_file_range(in, NULL, fd, NULL, 3, 0));
		fstat(fd, &st);
		value(what[i], (st.st_mtim.tv_sec != 1000) * 10 +
		    (st.st_atim.tv_sec == 1000));
		close(fd);
	}
}

const struct posix_case data_cases[] = {
	{ "data.read",		reads },
	{ "data.write",		writes },
	{ "data.too-far",	too_far },
	{ "data.too-far-seek",	too_far_seek },
	{ "data.lseek",		seeks },
	{ "data.truncate",	truncates },
	{ "data.mmap",		maps },
	{ "data.mmap-live",	maps_live },
	{ "data.mmap-times",	map_times },
	{ "data.copy",		copies },
	{ "data.copy-unlinked",	open_unlinked_copy },
	{ "data.times",		write_times },
	{ NULL,			NULL },
};
