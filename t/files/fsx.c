/* SPDX-License-Identifier: ISC */
/*
 * fsx [-d] FILE SEED FROM TO: random changes of one file by every way there
 * is, each known in memory.  What step n does follows from the seed alone, so
 * that a run can be cut anywhere: steps before FROM are made in memory only,
 * the file must then be what they made of it, and the steps up to TO are made
 * for real.  The last steps are printed when something is wrong.
 *
 * -d: by O_DIRECT, aligned, without mappings.  Odd seeds begin at offset 0,
 * even ones work around the end of the first 4 MiB, where extents of the logs
 * meet.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM	(256 * 1024)
#define LONGEST	(48 * 1024)
#define EXTENT	(4 * 1024 * 1024)
#define ALIGN	4096
#define LAST	40

enum action {
	READ, WRITE, MAP_READ, MAP_WRITE, SHORTEN, LENGTHEN, PUNCH, ZERO,
	COPY, ALLOCATE, KEEP, REOPEN, SYNC, APPEND, ACTIONS
};

static const char *const names[ACTIONS] = {
	"read", "write", "map-read", "map-write", "shorten", "lengthen",
	"punch", "zero", "copy", "allocate", "keep", "reopen", "sync",
	"append",
};

/* How often, of 100. */
static const uint8_t share[ACTIONS] = {
	16, 22, 8, 12, 6, 6, 8, 5, 6, 3, 2, 1, 3, 2
};

struct step {
	enum action	 what;
	size_t		 at, len, to;
};

struct state {
	const char	*path;
	int		 fd;
	bool		 direct;
	off_t		 base;
	uint64_t	 random;
	uint64_t	 n;		/* the step */
	struct step	 last[LAST];
	uint8_t		*want;		/* ROOM: what must be there */
	size_t		 size;
	uint8_t		*buf;		/* ROOM, aligned */
};

static void
die(const struct state *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

static void
die(const struct state *s, const char *fmt, ...)
{
	int error = errno;
	uint64_t i;
	va_list ap;

	printf("fsx: %s: step %" PRIu64 ": ", s->path, s->n);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" (%s)\n", strerror(error));
	for (i = s->n < LAST ? 0 : s->n - LAST + 1; i <= s->n; i++) {
		const struct step *t = &s->last[i % LAST];

		printf("%" PRIu64 " %s %zu+%zu %zu\n", i, names[t->what],
		    t->at, t->len, t->to);
	}
	exit(1);
}

/* xorshift64*, by Vigna. */
static uint64_t
draw(struct state *s)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * 0x2545f4914f6cdd1dull;
}

static size_t
below(struct state *s, size_t limit)
{
	return limit == 0 ? 0 : (size_t)(draw(s) >> 16) % limit;
}

static enum action
choose(struct state *s)
{
	size_t r = below(s, 100), i;

	for (i = 0; i < ACTIONS - 1 && r >= share[i]; i++)
		r -= share[i];
	return (enum action)i;
}

/* What the step is; its bounds fit the size the file has by now. */
static struct step
next_step(struct state *s)
{
	struct step t = { .what = choose(s) };

	t.at = below(s, ROOM - LONGEST);
	t.len = 1 + below(s, below(s, 3) == 0 ? 300 : LONGEST - 1);
	if (s->direct) {
		if (t.what == MAP_READ || t.what == MAP_WRITE)
			t.what -= 2;
		t.at &= ~(size_t)(ALIGN - 1);
		t.len = (t.len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
		/* That would have to be aligned at both ends. */
		if (t.what == COPY)
			t.what = READ;
	}
	t.to = below(s, ROOM - LONGEST);
	switch (t.what) {
	case SHORTEN:
		t.at = below(s, s->size + 1);
		break;
	case LENGTHEN:
		t.at = s->size + below(s, ROOM - s->size + 1);
		break;
	case APPEND:
		t.at = s->size;
		if (t.at + t.len > ROOM || s->direct)
			t.what = READ;
		/* FALLTHROUGH */
	case READ:
	case MAP_READ:
	case COPY:
		t.at = below(s, s->size + 1);
		if (t.what == APPEND)
			t.at = s->size;
		else if (t.len > s->size - t.at)
			t.len = s->size - t.at;
		/* Overlapping ranges are refused. */
		if (t.what == COPY && t.at < t.to + t.len &&
		    t.to < t.at + t.len)
			t.what = READ;
		if (s->direct && t.what == READ) {
			t.at &= ~(size_t)(ALIGN - 1);
			t.len = (t.len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
		}
		break;
	default:
		break;
	}
	return t;
}

/* ---- in memory ---- */

static void
grow(struct state *s, size_t size)
{
	if (size <= s->size)
		return;
	memset(s->want + s->size, 0, size - s->size);
	s->size = size;
}

static void
pattern(const struct state *s, uint8_t *p, size_t len)
{
	uint64_t x = s->n * 0x9e3779b97f4a7c15ull | 1;
	size_t i;

	for (i = 0; i < len; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = (uint8_t)(x >> 56);
	}
}

static void
model(struct state *s, const struct step *t)
{
	size_t end = t->at + t->len;

	switch (t->what) {
	case WRITE:
	case MAP_WRITE:
	case APPEND:
		grow(s, end);
		pattern(s, s->want + t->at, t->len);
		break;
	case SHORTEN:
		s->size = t->at;
		break;
	case LENGTHEN:
		grow(s, t->at);
		break;
	case ZERO:
		grow(s, end);
		memset(s->want + t->at, 0, t->len);
		break;
	case PUNCH:
		if (t->at < s->size)
			memset(s->want + t->at, 0, end < s->size ? t->len :
			    s->size - t->at);
		break;
	case COPY:
		if (t->len == 0)
			break;
		grow(s, t->to + t->len);
		memcpy(s->want + t->to, s->want + t->at, t->len);
		break;
	case ALLOCATE:
		grow(s, end);
		break;
	default:
		break;
	}
}

/* ---- for real ---- */

static void
reopen(struct state *s)
{
	int flags = O_RDWR | O_CREAT | (s->direct ? O_DIRECT : 0);

	if (s->fd != -1 && close(s->fd) == -1)
		die(s, "close");
	s->fd = open(s->path, flags, 0644);
	if (s->fd == -1)
		die(s, "open");
}

static void
compare(struct state *s, const uint8_t *have, size_t at, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (have[i] != s->want[at + i])
			die(s, "byte %zu is %02x, must be %02x", at + i,
			    have[i], s->want[at + i]);
}

static void
do_read(struct state *s, size_t at, size_t len)
{
	ssize_t n = pread(s->fd, s->buf, len, s->base + (off_t)at);
	size_t must = len < s->size - at ? len : s->size - at;

	if (n != (ssize_t)must)
		die(s, "%zd bytes read, not %zu", n, must);
	compare(s, s->buf, at, must);
}

static void
do_write(struct state *s, const struct step *t)
{
	ssize_t n;
	int fd = s->fd;

	memcpy(s->buf, s->want + t->at, t->len);
	if (t->what == APPEND) {
		fd = open(s->path, O_WRONLY | O_APPEND);
		n = fd == -1 ? -1 : write(fd, s->buf, t->len);
		close(fd);
	} else
		n = pwrite(fd, s->buf, t->len, s->base + (off_t)t->at);
	if (n != (ssize_t)t->len)
		die(s, "%zd bytes written", n);
}

static void
do_map(struct state *s, const struct step *t, bool writes)
{
	size_t end = (size_t)s->base + t->at + t->len;
	uint8_t *m;

	if (t->len == 0)
		return;
	if (writes && ftruncate(s->fd, s->base + (off_t)s->size) == -1)
		die(s, "ftruncate");
	m = mmap(NULL, end, PROT_READ | (writes ? PROT_WRITE : 0),
	    MAP_SHARED, s->fd, 0);
	if (m == MAP_FAILED)
		die(s, "mmap");
	if (writes)
		memcpy(m + s->base + t->at, s->want + t->at, t->len);
	else
		compare(s, m + s->base + t->at, t->at, t->len);
	if (writes && (s->n & 3) == 0 && msync(m, end, MS_SYNC) == -1)
		die(s, "msync");
	if (munmap(m, end) == -1)
		die(s, "munmap");
}

static void
do_copy(struct state *s, const struct step *t)
{
	loff_t in = s->base + (off_t)t->at, out = s->base + (off_t)t->to;
	size_t left = t->len;
	ssize_t n;

	while (left > 0) {
		n = copy_file_range(s->fd, &in, s->fd, &out, left, 0);
		if (n <= 0)
			die(s, "copy_file_range: %zd", n);
		left -= (size_t)n;
	}
}

static void
do_allocate(struct state *s, const struct step *t)
{
	int mode = t->what == PUNCH ?
	    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE :
	    t->what == ZERO ? FALLOC_FL_ZERO_RANGE :
	    t->what == KEEP ? FALLOC_FL_KEEP_SIZE : 0;

	if (fallocate(s->fd, mode, s->base + (off_t)t->at,
	    (off_t)t->len) == -1)
		die(s, "fallocate");
}

static void
carry_out(struct state *s, const struct step *t)
{
	struct stat st;

	switch (t->what) {
	case READ:
		do_read(s, t->at, t->len);
		break;
	case WRITE:
	case APPEND:
		do_write(s, t);
		break;
	case MAP_READ:
	case MAP_WRITE:
		do_map(s, t, t->what == MAP_WRITE);
		break;
	case SHORTEN:
	case LENGTHEN:
		if (ftruncate(s->fd, s->base + (off_t)t->at) == -1)
			die(s, "ftruncate");
		break;
	case COPY:
		do_copy(s, t);
		break;
	case REOPEN:
		reopen(s);
		break;
	case SYNC:
		if (((s->n & 1) ? fsync(s->fd) : fdatasync(s->fd)) == -1)
			die(s, "sync");
		break;
	default:
		do_allocate(s, t);
		break;
	}
	if (fstat(s->fd, &st) == -1 || st.st_size != s->base + (off_t)s->size)
		die(s, "the size is %lld, must be %lld",
		    (long long)st.st_size, (long long)s->base +
		    (long long)s->size);
}

static void
check_whole(struct state *s)
{
	do_read(s, 0, ROOM);
	if (s->base != 0 && (pread(s->fd, s->buf, ROOM, 0) != ROOM ||
	    s->buf[0] != 0 || memcmp(s->buf, s->buf + 1, ROOM - 1) != 0))
		die(s, "the hole before the data is none");
}

static void
run(struct state *s, uint64_t from, uint64_t to)
{
	struct step t;

	if (from == 0) {
		(void)unlink(s->path);
		reopen(s);
		if (ftruncate(s->fd, s->base) == -1)
			die(s, "ftruncate");
	}
	for (s->n = 0; s->n < to; s->n++) {
		if (s->n == from && from != 0) {
			reopen(s);
			check_whole(s);
		}
		t = next_step(s);
		s->last[s->n % LAST] = t;
		model(s, &t);
		if (s->n >= from)
			carry_out(s, &t);
		if (s->n >= from && s->n % 1000 == 999)
			check_whole(s);
	}
	check_whole(s);
	if (fsync(s->fd) == -1)
		die(s, "fsync");
}

int
main(int argc, char **argv)
{
	struct state s = { .fd = -1 };
	uint64_t seed, from, to;

	if (argc > 1 && strcmp(argv[1], "-d") == 0) {
		s.direct = true;
		argc--;
		argv++;
	}
	if (argc != 5) {
		fprintf(stderr, "usage: fsx [-d] FILE SEED FROM TO\n");
		return 64;
	}
	s.path = argv[1];
	seed = strtoull(argv[2], NULL, 10);
	from = strtoull(argv[3], NULL, 10);
	to = strtoull(argv[4], NULL, 10);
	s.random = seed * 0x9e3779b97f4a7c15ull + 1;
	s.base = (seed & 1) != 0 ? 0 : EXTENT - ROOM / 2;
	s.want = calloc(1, ROOM);
	if (s.want == NULL ||
	    posix_memalign((void **)&s.buf, ALIGN, ROOM) != 0)
		return 71;
	run(&s, from, to);
	printf("fsx: %s: seed %" PRIu64 ": %" PRIu64 " steps\n", s.path,
	    seed, to - from);
	free(s.buf);
	free(s.want);
	return 0;
}
