/* SPDX-License-Identifier: ISC */
/*
 * One measurement of one directory, one line of key=value as the result.
 * t/bench/mirror runs it on a native and on a mirrored directory in turn.
 *
 *	mbench sync DIR COUNT SIZE dsync|fdatasync THREADS   synced writes into
 *		preallocated files, random places: us= per write
 *	mbench bulk DIR MIB            1 MiB writes, one fsync: us= in all
 *	mbench read DIR COUNT          random cached 4 KiB reads: us= per read
 *	mbench create DIR COUNT SIZE   small files, each directory of 100 synced
 *		at its end: us= per file
 *	mbench scan DIR MIB            128 KiB reads from one end to the
 *		other, of what the page cache was told to drop: us= in all
 *	mbench small DIR COUNT SIZE    small files opened, read and closed:
 *		us= per file
 *	mbench untar DIR TAR           the tree of that archive is unpacked, or
 *	mbench remove DIR TAR          unpacked before, and removed: us= in all
 *	mbench stall DIR SECONDS       8 KiB writes and fdatasync, one after
 *		the other: us= of the longest
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"

#define FILE_SIZE	(16u << 20)
#define MIB		(1u << 20)
#define THREADS_MAX	64

struct writer {
	pthread_t	 thread;
	const char	*dir;
	long		 count;
	size_t		 size;
	int		 id;
	int		 fd;
	int		 use_dsync;
};

static void
die(const char *what)
{
	fprintf(stderr, "mbench: %s: %s\n", what, strerror(errno));
	exit(EX_IOERR);
}

static uint64_t
next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void *
aligned(size_t size)
{
	void *p = aligned_alloc(4096, (size + 4095) / 4096 * 4096);

	if (p == NULL)
		die("memory");
	memset(p, 'x', size);
	return p;
}

/* A file with its blocks written, so that only data changes later. */
static int
prepare(const char *path, size_t size)
{
	char *block = aligned(MIB);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd == -1)
		die(path);
	for (size_t at = 0; at < size; at += MIB)
		if (pwrite(fd, block, MIB, (off_t)at) != MIB)
			die(path);
	if (fsync(fd) == -1)
		die(path);
	free(block);
	return fd;
}

static void
report(struct mono start, long count)
{
	int64_t ns = mono_diff_ns(mono_now(), start);

	printf("us=%.2f\n", (double)ns / 1000 / (double)count);
}

static void *
write_synced(void *arg)
{
	struct writer *w = arg;
	uint64_t seed = 88172645463325252ULL + (uint64_t)w->id * 7919;
	char *block = aligned(w->size);

	for (long i = 0; i < w->count; i++) {
		off_t at = (off_t)(next_random(&seed) %
		    (FILE_SIZE / w->size) * w->size);

		memcpy(block, &i, sizeof(i));
		if (pwrite(w->fd, block, w->size, at) != (ssize_t)w->size)
			die("pwrite");
		if (!w->use_dsync && fdatasync(w->fd) == -1)
			die("fdatasync");
	}
	free(block);
	return NULL;
}

static void
bench_sync(const char *dir, long count, size_t size, const char *mode,
    int threads)
{
	struct writer w[THREADS_MAX];
	char path[4096];
	struct mono start;

	if (threads < 1 || threads > THREADS_MAX)
		exit(EX_USAGE);
	for (int i = 0; i < threads; i++) {
		w[i] = (struct writer){ .dir = dir, .count = count,
		    .size = size, .id = i,
		    .use_dsync = strcmp(mode, "dsync") == 0 };
		(void)snprintf(path, sizeof(path), "%s/sync.%d", dir, i);
		(void)close(prepare(path, FILE_SIZE));	/* synced */
		w[i].fd = open(path, O_RDWR | O_CLOEXEC |
		    (w[i].use_dsync ? O_DSYNC : 0));
		if (w[i].fd == -1)
			die(path);
	}
	start = mono_now();
	for (int i = 0; i < threads; i++)
		if (pthread_create(&w[i].thread, NULL, write_synced, &w[i]))
			die("thread");
	for (int i = 0; i < threads; i++)
		(void)pthread_join(w[i].thread, NULL);
	report(start, count * threads);
	for (int i = 0; i < threads; i++) {
		(void)close(w[i].fd);	/* synced */
		(void)snprintf(path, sizeof(path), "%s/sync.%d", dir, i);
		(void)unlink(path);
	}
}

static void
bench_bulk(const char *dir, long mib)
{
	char path[4096], *block = aligned(MIB);
	struct mono start;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/bulk", dir);
	start = mono_now();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd == -1)
		die(path);
	for (long i = 0; i < mib; i++)
		if (write(fd, block, MIB) != MIB)
			die(path);
	if (fsync(fd) == -1)
		die(path);
	report(start, 1);
	(void)close(fd);	/* synced */
	(void)unlink(path);
	free(block);
}

static void
bench_read(const char *dir, long count)
{
	char path[4096], block[4096];
	uint64_t seed = 88172645463325252ULL;
	struct mono start;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/read", dir);
	fd = prepare(path, FILE_SIZE);
	for (off_t at = 0; at < (off_t)FILE_SIZE; at += sizeof(block))
		if (pread(fd, block, sizeof(block), at) != sizeof(block))
			die(path);
	start = mono_now();
	for (long i = 0; i < count; i++)
		if (pread(fd, block, sizeof(block),
		    (off_t)(next_random(&seed) % (FILE_SIZE / 4096) * 4096))
		    != sizeof(block))
			die(path);
	report(start, count);
	(void)close(fd);	/* only read */
	(void)unlink(path);
}

static void
sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || fsync(fd) == -1)
		die(path);
	(void)close(fd);	/* only read */
}

static void
bench_create(const char *dir, long count, size_t size)
{
	char path[4096], sub[4000], *data = aligned(size);
	struct mono start = mono_now();

	for (long i = 0; i < count; i++) {
		int fd;

		(void)snprintf(sub, sizeof(sub), "%s/d%04ld", dir, i / 100);
		if (i % 100 == 0 && mkdir(sub, 0755) == -1)
			die(sub);
		(void)snprintf(path, sizeof(path), "%s/f%06ld", sub, i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0644);
		if (fd == -1 || write(fd, data, size) != (ssize_t)size)
			die(path);
		(void)close(fd);	/* not synced by purpose */
		if (i % 100 == 99 || i == count - 1)
			sync_directory(sub);
	}
	report(start, count);
	for (long i = 0; i < count; i++) {
		(void)snprintf(sub, sizeof(sub), "%s/d%04ld", dir, i / 100);
		(void)snprintf(path, sizeof(path), "%s/f%06ld", sub, i);
		(void)unlink(path);
		if (i % 100 == 99 || i == count - 1)
			(void)rmdir(sub);
	}
	free(data);
}

static void
bench_scan(const char *dir, long mib)
{
	char path[4096], *block = aligned(128 << 10);
	struct mono start;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/scan", dir);
	fd = prepare(path, (size_t)mib * MIB);
	(void)close(fd);	/* synced */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		die(path);
	start = mono_now();
	while ((n = read(fd, block, 128 << 10)) > 0)
		;
	if (n == -1)
		die(path);
	report(start, 1);
	(void)close(fd);	/* only read */
	(void)unlink(path);
	free(block);
}

static void
bench_small(const char *dir, long count, size_t size)
{
	char path[4096], *data = aligned(size);
	struct mono start;
	int fd;

	for (int turn = 0; turn < 3; turn++) {
		start = mono_now();
		for (long i = 0; i < count; i++) {
			(void)snprintf(path, sizeof(path), "%s/small%06ld",
			    dir, i);
			if (turn == 2) {
				(void)unlink(path);
				continue;
			}
			fd = open(path, (turn == 0 ? O_WRONLY | O_CREAT :
			    O_RDONLY) | O_CLOEXEC, 0644);
			if (fd == -1 || (turn == 0 ? write(fd, data, size) :
			    read(fd, data, size)) != (ssize_t)size)
				die(path);
			(void)close(fd);	/* not synced by purpose */
		}
		if (turn == 1)
			report(start, count);
	}
	free(data);
}

static void
command(const char *file, const char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execvp(file, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		die(file);
	if (status != 0) {
		fprintf(stderr, "mbench: %s: failed\n", file);
		exit(EX_IOERR);
	}
}

static void
bench_tree(const char *dir, const char *archive, int removes)
{
	char path[4096];
	const char *const untar[] = { "tar", "-C", path, "-xf", archive,
	    NULL };
	const char *const remove[] = { "rm", "-rf", path, NULL };
	struct mono start;

	(void)snprintf(path, sizeof(path), "%s/tree", dir);
	if (mkdir(path, 0755) == -1)
		die(path);
	start = mono_now();
	command("tar", untar);
	if (!removes)
		report(start, 1);
	start = mono_now();
	command("rm", remove);
	if (removes)
		report(start, 1);
}

static void
bench_stall(const char *dir, long seconds)
{
	char path[4096], *block = aligned(8192);
	struct mono begin = mono_now(), start, end;
	int64_t longest = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/stall", dir);
	fd = prepare(path, MIB);
	do {
		start = mono_now();
		if (pwrite(fd, block, 8192, 0) != 8192 || fdatasync(fd) == -1)
			die(path);
		end = mono_now();
		if (mono_diff_ns(end, start) > longest)
			longest = mono_diff_ns(end, start);
	} while (mono_diff_ms(end, begin) < seconds * 1000);
	printf("us=%.2f\n", (double)longest / 1000);
	(void)close(fd);	/* synced */
	(void)unlink(path);
	free(block);
}

static long
number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end != '\0' || n < 1)
		exit(EX_USAGE);
	return n;
}

int
main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "sync") == 0)
		bench_sync(argv[2], number(argv[3]), (size_t)number(argv[4]),
		    argv[5], (int)number(argv[6]));
	else if (argc == 4 && strcmp(argv[1], "bulk") == 0)
		bench_bulk(argv[2], number(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "read") == 0)
		bench_read(argv[2], number(argv[3]));
	else if (argc == 5 && strcmp(argv[1], "create") == 0)
		bench_create(argv[2], number(argv[3]),
		    (size_t)number(argv[4]));
	else if (argc == 4 && strcmp(argv[1], "scan") == 0)
		bench_scan(argv[2], number(argv[3]));
	else if (argc == 5 && strcmp(argv[1], "small") == 0)
		bench_small(argv[2], number(argv[3]), (size_t)number(argv[4]));
	else if (argc == 4 && strcmp(argv[1], "untar") == 0)
		bench_tree(argv[2], argv[3], 0);
	else if (argc == 4 && strcmp(argv[1], "remove") == 0)
		bench_tree(argv[2], argv[3], 1);
	else if (argc == 4 && strcmp(argv[1], "stall") == 0)
		bench_stall(argv[2], number(argv[3]));
	else {
		fprintf(stderr, "usage: see the head of mbench.c\n");
		return EX_USAGE;
	}
	return EX_OK;
}
