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
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
	else {
		fprintf(stderr, "usage: see the head of mbench.c\n");
		return EX_USAGE;
	}
	return EX_OK;
}
