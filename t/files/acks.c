/* SPDX-License-Identifier: ISC */
/*
 * acks DIR LOG: makes DIR and changes files in it until SIGTERM; a line of
 * LOG says "kind number" after each change that was synced.  acks -c DIR LOG:
 * is everything in DIR that LOG says?  Of each kind one change more may be
 * there, or a part of it.  Any error of a system call ends it with status 1;
 * the log lies elsewhere, so that it outlives what DIR is on.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KINDS	"abcdef"
#define RECORD	64
#define BLOCKS	3
#define BLOCK	8192
/* So that the blocks lie in several extents of the activity log. */
#define SPREAD	(5 << 20)

static int dir, log_fd;
static volatile sig_atomic_t end;

static void
on_term(int sig)
{
	(void)sig;
	end = 1;
}

static void
check(bool is_so, const char *what, long i)
{
	if (!is_so)
		err(1, "%s %ld", what, i);
}

static void
acknowledge(char kind, long i)
{
	char line[32];
	int len = snprintf(line, sizeof(line), "%c %ld\n", kind, i);

	check(write(log_fd, line, (size_t)len) == len, "log", i);
}

static int
open_at(const char *name, int flags, long i)
{
	int fd = openat(dir, name, flags, 0644);

	check(fd != -1, name, i);
	return fd;
}

static void
record(char buf[RECORD], long i)
{
	memset(buf, 0, RECORD);
	snprintf(buf, RECORD, "record %ld of a checked load\n", i);
}

static void
write_record(const char *name, int flags, long i)
{
	char buf[RECORD];
	int fd = open_at(name, O_CREAT | O_WRONLY | flags, i);

	record(buf, i);
	check(write(fd, buf, RECORD) == RECORD, name, i);
	check(fsync(fd) == 0 && close(fd) == 0, name, i);
}

static void
change_block(long i)
{
	uint8_t data[BLOCK];
	int fd = open_at("blocks", O_CREAT | O_WRONLY, i);

	memset(data, (int)(i % 250) + 1, sizeof(data));
	check(pwrite(fd, data, BLOCK, i % BLOCKS * SPREAD) == BLOCK,
	    "block", i);
	check(fdatasync(fd) == 0 && close(fd) == 0, "block", i);
}

static long
size_of(long i)
{
	return i % 7 * 7001 + 1;
}

static mode_t
mode_of(long i)
{
	return 0600 | (mode_t)(i % 64);
}

static void
change_size(long i)
{
	int fd = open_at("size", O_CREAT | O_WRONLY, i);

	check(ftruncate(fd, size_of(i)) == 0 && fsync(fd) == 0 &&
	    close(fd) == 0, "size", i);
}

static void
change_mode(long i)
{
	int fd = open_at("mode", O_CREAT | O_WRONLY, i);

	check(fchmod(fd, mode_of(i)) == 0 && fsync(fd) == 0 &&
	    close(fd) == 0, "mode", i);
}

/* The one before loses its name while it is open, and is read after. */
static void
change_names(long i)
{
	char name[32], want[RECORD], have[RECORD];
	int fd;

	snprintf(name, sizeof(name), "u%ld", i);
	write_record(name, O_EXCL, i);
	if (i > 0) {
		snprintf(name, sizeof(name), "u%ld", i - 1);
		fd = open_at(name, O_RDONLY, i);
		check(unlinkat(dir, name, 0) == 0, "unlink", i);
		record(want, i - 1);
		check(read(fd, have, RECORD) == RECORD &&
		    memcmp(want, have, RECORD) == 0 && close(fd) == 0,
		    "file without a name", i);
	}
	check(fsync(dir) == 0, "names", i);
}

static void
step(long i)
{
	write_record("log", O_APPEND, i);
	acknowledge('a', i);
	change_block(i);
	acknowledge('b', i);
	write_record("new", O_TRUNC, i);
	check(renameat(dir, "new", dir, "cur") == 0 && fsync(dir) == 0,
	    "rename", i);
	acknowledge('c', i);
	change_size(i);
	acknowledge('d', i);
	change_names(i);
	acknowledge('e', i);
	change_mode(i);
	acknowledge('f', i);
}

/* ---- check ---- */

static void
must(bool is_so, const char *what, long i)
{
	if (!is_so)
		errx(1, "%s: %ld was acknowledged", what, i);
}

/* Is the record of `i' at this place? */
static bool
has_record(const char *name, off_t at, long i)
{
	char want[RECORD], have[RECORD];
	int fd = openat(dir, name, O_RDONLY);
	bool is;

	record(want, i);
	is = fd != -1 && pread(fd, have, RECORD, at) == RECORD &&
	    memcmp(want, have, RECORD) == 0;
	if (fd != -1)
		close(fd);
	return is;
}

static void
check_log(long n)
{
	long i;

	for (i = 0; i <= n; i++)
		must(has_record("log", i * RECORD, i), "log", i);
}

static void
check_blocks(long n)
{
	uint8_t data[BLOCK];
	int fd = openat(dir, "blocks", O_RDONLY);
	long i, k;

	must(fd != -1, "blocks", n);
	for (i = n; i >= 0 && i > n - BLOCKS; i--) {
		must(pread(fd, data, BLOCK, i % BLOCKS * SPREAD) == BLOCK,
		    "block", i);
		for (k = 0; k < BLOCK; k++)
			must(data[k] == i % 250 + 1 ||
			    (i == n + 1 - BLOCKS &&
			    data[k] == (n + 1) % 250 + 1), "block", i);
	}
	close(fd);
}

static void
check_names(long n)
{
	char a[32], b[32];

	snprintf(a, sizeof(a), "u%ld", n);
	snprintf(b, sizeof(b), "u%ld", n + 1);
	must(has_record(a, 0, n) || has_record(b, 0, n + 1), "name", n);
	snprintf(a, sizeof(a), "u%ld", n - 1);
	must(faccessat(dir, a, F_OK, 0) == -1, "unlink", n);
}

static void
check_kind(char kind, long n)
{
	struct stat st;

	switch (kind) {
	case 'a':
		check_log(n);
		break;
	case 'b':
		check_blocks(n);
		break;
	case 'c':
		must(has_record("cur", 0, n) || has_record("cur", 0, n + 1),
		    "rename", n);
		break;
	case 'd':
		must(fstatat(dir, "size", &st, 0) == 0 &&
		    (st.st_size == size_of(n) ||
		    st.st_size == size_of(n + 1)), "size", n);
		break;
	case 'e':
		check_names(n);
		break;
	case 'f':
		must(fstatat(dir, "mode", &st, 0) == 0 &&
		    ((st.st_mode & 0777) == mode_of(n) ||
		    (st.st_mode & 0777) == mode_of(n + 1)), "mode", n);
		break;
	}
}

static void
check_all(const char *log)
{
	long last[sizeof(KINDS)], i, count = 0;
	const char *k;
	FILE *f = fopen(log, "r");
	char kind;

	for (k = KINDS; *k != '\0'; k++)
		last[k - KINDS] = -1;
	if (f == NULL)
		err(1, "%s", log);
	while (fscanf(f, " %c %ld", &kind, &i) == 2) {
		k = strchr(KINDS, kind);
		if (k != NULL)
			last[k - KINDS] = i;
		count++;
	}
	fclose(f);
	for (k = KINDS; *k != '\0'; k++)
		if (last[k - KINDS] >= 0)
			check_kind(*k, last[k - KINDS]);
	printf("%ld acknowledged\n", count);
}

int
main(int argc, char **argv)
{
	bool only_check = argc == 4 && strcmp(argv[1], "-c") == 0;
	struct sigaction sa = { .sa_handler = on_term };
	const char *path, *log;
	long i;

	if (argc != 3 && !only_check) {
		fprintf(stderr, "usage: acks [-c] DIR LOG\n");
		return 64;
	}
	path = argv[argc - 2];
	log = argv[argc - 1];
	if (!only_check && mkdir(path, 0755) == -1)
		err(1, "%s", path);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	if (dir == -1)
		err(1, "%s", path);
	if (!only_check) {
		sigaction(SIGTERM, &sa, NULL);
		log_fd = open(log, O_CREAT | O_WRONLY | O_APPEND, 0644);
		if (log_fd == -1)
			err(1, "%s", log);
		for (i = 0; !end; i++)
			step(i);
	}
	check_all(log);
	return 0;
}
