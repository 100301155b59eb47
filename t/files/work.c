/* SPDX-License-Identifier: ISC */
/*
 * work DIR SECONDS SEED: four workers change files in DIR and know what must
 * be in them.  Each step is checked at once and all of it at the end; any
 * error of a system call is one.  Prints steps, the longest step and errors;
 * exit status 1 when there were any.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WORKERS	4
#define NAMES	40
#define DATA	20000

struct file {
	bool		 is_there;
	uint32_t	 seed;		/* of its content */
	size_t		 len;
};

struct worker {
	pthread_t	 thread;
	unsigned	 number;
	unsigned	 random;
	const char	*dir;
	int		 dirfd;
	struct file	 file[NAMES];
	int		 held;		/* an unlinked, open file */
	struct file	 held_file;
	int		 log;
	unsigned	 logged;
	uint64_t	 steps;
	uint64_t	 longest_us;
	unsigned	 errors;
};

static struct timespec end;

static int
after(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec ||
	    (a->tv_sec == b->tv_sec && a->tv_nsec >= b->tv_nsec);
}

static void
wrong(struct worker *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
wrong(struct worker *w, const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	if (w->errors++ > 5)
		return;
	printf("worker %u step %llu: ", w->number,
	    (unsigned long long)w->steps);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" (%s)\n", strerror(error));
}

static unsigned
pick(struct worker *w, unsigned n)
{
	w->random = w->random * 1103515245 + 12345;
	return (w->random >> 16) % n;
}

static void
content(uint8_t *p, const struct file *f)
{
	uint32_t x = f->seed | 1;
	size_t i;

	for (i = 0; i < f->len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		p[i] = (uint8_t)x;
	}
}

static const char *
name_of(char buf[32], unsigned i)
{
	snprintf(buf, 32, "f%u", i);
	return buf;
}

static void
write_content(struct worker *w, int fd, struct file *f)
{
	uint8_t data[DATA];

	f->seed = w->random;
	f->len = 1 + pick(w, DATA - 1);
	f->is_there = true;
	content(data, f);
	if (pwrite(fd, data, f->len, 0) != (ssize_t)f->len)
		wrong(w, "write");
}

static void
check_content(struct worker *w, int fd, const struct file *f,
    const char *what)
{
	uint8_t want[DATA], have[DATA + 1];
	ssize_t n = pread(fd, have, sizeof(have), 0);

	content(want, f);
	if (n != (ssize_t)f->len || memcmp(want, have, f->len) != 0)
		wrong(w, "%s: %zd bytes, want %zu", what, n, f->len);
}

static void
do_write(struct worker *w, unsigned i, bool sync)
{
	char name[32];
	int fd = openat(w->dirfd, name_of(name, i),
	    O_CREAT | O_RDWR | O_TRUNC, 0644);

	if (fd == -1) {
		wrong(w, "open %s", name);
		return;
	}
	write_content(w, fd, &w->file[i]);
	if (sync && fsync(fd) == -1)
		wrong(w, "fsync");
	close(fd);
}

static void
do_read(struct worker *w, unsigned i)
{
	char name[32];
	int fd = openat(w->dirfd, name_of(name, i), O_RDONLY);

	if ((fd != -1) != w->file[i].is_there)
		wrong(w, "%s: %s", name, fd == -1 ? "lost" : "came back");
	else if (fd != -1)
		check_content(w, fd, &w->file[i], name);
	if (fd != -1)
		close(fd);
}

static void
do_rename(struct worker *w, unsigned i, unsigned k)
{
	char from[32], to[32];

	if (!w->file[i].is_there || i == k)
		return;
	if (renameat(w->dirfd, name_of(from, i), w->dirfd,
	    name_of(to, k)) == -1)
		wrong(w, "rename");
	w->file[k] = w->file[i];
	w->file[i].is_there = false;
}

static void
do_unlink(struct worker *w, unsigned i)
{
	char name[32];

	if (!w->file[i].is_there)
		return;
	if (unlinkat(w->dirfd, name_of(name, i), 0) == -1)
		wrong(w, "unlink");
	w->file[i].is_there = false;
}

static void
do_link(struct worker *w, unsigned i)
{
	char name[32];
	struct stat a, b;

	if (!w->file[i].is_there)
		return;
	if (linkat(w->dirfd, name_of(name, i), w->dirfd, "link", 0) == -1 ||
	    fstatat(w->dirfd, name, &a, 0) == -1 ||
	    fstatat(w->dirfd, "link", &b, 0) == -1)
		wrong(w, "link");
	else if (a.st_ino != b.st_ino || a.st_nlink != 2)
		wrong(w, "link: nlink %d", (int)a.st_nlink);
	if (unlinkat(w->dirfd, "link", 0) == -1)
		wrong(w, "unlink of a link");
}

static void
do_dirs(struct worker *w)
{
	if (mkdirat(w->dirfd, "d", 0755) == -1 ||
	    renameat(w->dirfd, "d", w->dirfd, "e") == -1 ||
	    unlinkat(w->dirfd, "e", AT_REMOVEDIR) == -1)
		wrong(w, "mkdir, rename, rmdir");
}

static void
do_symlink(struct worker *w)
{
	char text[32] = "";

	if (symlinkat("target", w->dirfd, "s") == -1 ||
	    readlinkat(w->dirfd, "s", text, sizeof(text)) != 6 ||
	    memcmp(text, "target", 6) != 0 ||
	    unlinkat(w->dirfd, "s", 0) == -1)
		wrong(w, "symlink");
}

/* An open file without a name lives as long as it is open. */
static void
do_held(struct worker *w)
{
	if (w->held != -1) {
		check_content(w, w->held, &w->held_file, "unlinked file");
		close(w->held);
	}
	w->held = openat(w->dirfd, "h", O_CREAT | O_EXCL | O_RDWR, 0600);
	if (w->held == -1) {
		wrong(w, "open h");
		return;
	}
	write_content(w, w->held, &w->held_file);
	if (unlinkat(w->dirfd, "h", 0) == -1)
		wrong(w, "unlink h");
}

/* A file that gets its first name when it is whole. */
static void
do_nameless(struct worker *w, unsigned i)
{
	char name[32];
	int fd = openat(w->dirfd, ".", O_TMPFILE | O_RDWR, 0644);

	if (fd == -1) {
		/* Before Linux 6.2. */
		if (errno != EOPNOTSUPP)
			wrong(w, "O_TMPFILE");
		return;
	}
	do_unlink(w, i);
	write_content(w, fd, &w->file[i]);
	if (w->random & 1 && fsync(fd) == -1)
		wrong(w, "fsync of a file without a name");
	if (linkat(fd, "", w->dirfd, name_of(name, i), AT_EMPTY_PATH) == -1)
		wrong(w, "linkat");
	check_content(w, fd, &w->file[i], "file just named");
	close(fd);
}

static void
do_log(struct worker *w)
{
	char line[32];

	snprintf(line, sizeof(line), "%10u\n", w->logged++);
	if (write(w->log, line, 11) != 11 || fdatasync(w->log) == -1)
		wrong(w, "log");
}

static void
step(struct worker *w)
{
	unsigned i = pick(w, NAMES);

	switch (pick(w, 12)) {
	case 0:
	case 1:
		do_write(w, i, false);
		break;
	case 2:
		do_write(w, i, true);
		break;
	case 3:
		do_rename(w, i, pick(w, NAMES));
		break;
	case 4:
		do_unlink(w, i);
		break;
	case 5:
		do_link(w, i);
		break;
	case 6:
		do_dirs(w);
		break;
	case 7:
		do_symlink(w);
		break;
	case 8:
		do_held(w);
		break;
	case 9:
		do_log(w);
		break;
	case 10:
		do_nameless(w, i);
		break;
	default:
		do_read(w, i);
		break;
	}
	w->steps++;
}

static void
check_all(struct worker *w)
{
	char line[32], want[32];
	unsigned i;

	for (i = 0; i < NAMES; i++)
		do_read(w, i);
	for (i = 0; i < w->logged; i++) {
		snprintf(want, sizeof(want), "%10u\n", i);
		if (pread(w->log, line, 11, i * 11) != 11 ||
		    memcmp(line, want, 11) != 0) {
			wrong(w, "log line %u", i);
			break;
		}
	}
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct timespec a, b;
	uint64_t us;

	clock_gettime(CLOCK_MONOTONIC, &b);
	while (!after(&b, &end) && w->errors == 0) {
		a = b;
		step(w);
		clock_gettime(CLOCK_MONOTONIC, &b);
		us = (uint64_t)((b.tv_sec - a.tv_sec) * 1000000 +
		    (b.tv_nsec - a.tv_nsec) / 1000);
		if (us > w->longest_us)
			w->longest_us = us;
	}
	check_all(w);
	return NULL;
}

static void
begin(struct worker *w, const char *dir, unsigned number, unsigned seed)
{
	char name[32];

	w->number = number;
	w->random = seed * 100 + number;
	w->held = -1;
	snprintf(name, sizeof(name), "w%u.%u", seed, number);
	w->dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	if (w->dirfd == -1 || mkdirat(w->dirfd, name, 0755) == -1 ||
	    (w->dirfd = openat(w->dirfd, name, O_RDONLY)) == -1 ||
	    (w->log = openat(w->dirfd, "log",
	    O_CREAT | O_RDWR | O_APPEND, 0644)) == -1) {
		perror(dir);
		exit(1);
	}
	pthread_create(&w->thread, NULL, work, w);
}

int
main(int argc, char **argv)
{
	static struct worker w[WORKERS];
	uint64_t steps = 0, longest = 0;
	unsigned i, errors = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: work DIR SECONDS SEED\n");
		return 64;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += strtol(argv[2], NULL, 10);
	for (i = 0; i < WORKERS; i++)
		begin(&w[i], argv[1], i, (unsigned)strtoul(argv[3], NULL, 10));
	for (i = 0; i < WORKERS; i++) {
		pthread_join(w[i].thread, NULL);
		steps += w[i].steps;
		errors += w[i].errors;
		if (w[i].longest_us > longest)
			longest = w[i].longest_us;
	}
	printf("steps=%llu longest_ms=%llu errors=%u\n",
	    (unsigned long long)steps, (unsigned long long)longest / 1000,
	    errors);
	return errors != 0;
}
