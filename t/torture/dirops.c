/* SPDX-License-Identifier: ISC */
/*
 * dirops run DIR SEED: an application that does all one can do to names and
 * files of a replicated directory, and writes down what must be there: before
 * each operation what it may leave, after its sync that it is acknowledged.
 * Where the directory is not mounted for writing it waits.  dirops scan DIR
 * prints what is there.  The journal, a line with the time since boot each:
 *
 *	h SLOT 0110		blocks that are holes (0) and data; of a scan
 *	s SLOT STATE		found, by a scan or at the begin of a reign
 *	r			begin of a reign: all of that is synced
 *	b N SLOT=STATE|STATE.. each state that operation N may leave there
 *	a N			acknowledged: the last state of each
 *	f N TEXT		failed; any of its states may be there
 *	x TEXT			read back, it was not what had been written
 *
 * check.awk compares the journals of all nodes.
 */
#include <sys/stat.h>
#include <sys/statfs.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "dirops.h"

#define LINE_LEN	16384
#define STATES_MAX	(STEPS_MAX + 1)
#define PAUSE_MS	8
#define AWAY_MS		20
#define READ_BACK_EVERY	16

struct worker {
	const char	*path;
	struct model	 now, next;
	uint64_t	 seed;		/* of the choices */
	uint64_t	 number;	/* of the operation */
	dev_t		 mount;		/* reigned over; 0: none */
};

/* What each slot may be once an operation has begun. */
struct outcome {
	char		 state[SLOTS][STATES_MAX][DIGEST_LEN];
	unsigned	 count[SLOTS];
};

/* By inode, what one operation has done so far. */
struct operated {
	bool	touched[SLOTS];
	bool	written[SLOTS];
};

static volatile sig_atomic_t	is_ending;

static void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	static char line[LINE_LEN];
	struct timespec t;
	va_list ap;
	int n, m;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	n = snprintf(line, sizeof(line), "%lld.%09ld ", (long long)t.tv_sec,
	    t.tv_nsec);
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	n = n + m >= (int)sizeof(line) - 1 ? (int)sizeof(line) - 2 : n + m;
	line[n++] = '\n';
	/* One write a line: a killed one leaves whole lines. */
	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		err(EX_IOERR, "journal");
}

static void
pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&t, NULL);
}

/* xorshift64*: the same seed gives the same choices everywhere. */
static unsigned
pick(struct worker *w, unsigned below)
{
	w->seed ^= w->seed >> 12;
	w->seed ^= w->seed << 25;
	w->seed ^= w->seed >> 27;
	return (unsigned)((w->seed * 0x2545F4914F6CDD1D) >> 33) % below;
}

static void
say_slots(const struct model *m)
{
	char digest[DIGEST_LEN];

	for (int i = 0; i < SLOTS; i++) {
		model_digest(m, i, digest);
		say("s %d %s", i, digest);
	}
}

/* The directory, when it is the mount and not what is under it. */
static int
dir_open(const char *path, dev_t *mount)
{
	struct statfs fs;
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstatfs(fd, &fs) == -1 || fs.f_type != FUSE_SUPER_MAGIC ||
	    fstat(fd, &st) == -1) {
		(void)close(fd);
		return -1;
	}
	*mount = st.st_dev;
	return fd;
}

/* From here on this node writes; that it may is what the syncs say. */
static bool
reign_begin(struct worker *w, int dir)
{
	bool all[SLOTS];

	for (int i = 0; i < SLOTS; i++)
		all[i] = true;
	if (act_prepare(dir) == -1 || act_scan(dir, &w->now) == -1 ||
	    act_sync(dir, all) == -1)
		return false;
	say_slots(&w->now);
	say("r");
	return true;
}

static void
outcome_add(struct outcome *o, const struct model *m)
{
	char d[DIGEST_LEN];
	unsigned *n;

	for (int i = 0; i < SLOTS; i++) {
		model_digest(m, i, d);
		n = &o->count[i];
		if (*n == 0 || strcmp(o->state[i][*n - 1], d) != 0)
			memcpy(o->state[i][(*n)++], d, sizeof(d));
	}
}

static void
outcome_say(const struct outcome *o, uint64_t number)
{
	static char text[LINE_LEN - 64];
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < SLOTS; i++) {
		if (o->count[i] < 2)
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %d=", i);
		for (unsigned k = 1; k < o->count[i]; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%s", k > 1 ? "|" : "", o->state[i][k]);
	}
	say("b %" PRIu64 "%s", number, text);
}

/*
 * Of one file data and all else may reach a disk in any order until it is
 * synced, so a write is all that one operation does to its file: then what a
 * power cut leaves is one of the states that were.
 */
static bool
is_free(const struct operated *o, const struct model *m, const struct step *s)
{
	int a = m->slot[s->a], b = m->slot[s->b];

	if (a != -1 && (o->written[a] || (s->verb == V_WRITE &&
	    o->touched[a])))
		return false;
	return b == -1 || !o->written[b];
}

static void
note_step(struct operated *o, const struct model *m, const struct step *s)
{
	int a = m->slot[s->a], b = m->slot[s->b];

	if (a != -1)
		o->touched[a] = true;
	if (b != -1)
		o->touched[b] = true;
	if (a != -1 && s->verb == V_WRITE)
		o->written[a] = true;
}

static bool
step_choose(struct worker *w, const struct model *m, const struct operated *o,
    struct step *s)
{
	static const unsigned modes[] = { 0600, 0640, 0644, 0755 };

	for (int tries = 0; tries < 200; tries++) {
		s->verb = (enum verb)pick(w, V_COUNT);
		s->a = (int)pick(w, SLOTS);
		s->b = s->a;
		if (s->verb == V_RENAME || s->verb == V_EXCHANGE ||
		    s->verb == V_LINK)
			s->b = (int)pick(w, SLOTS);
		s->n = pick(w, BLOCKS_MAX);
		if (s->verb == V_MODE)
			s->n = modes[pick(w, 4)];
		s->len = 1 + pick(w, s->verb == V_REPLACE ? SIZE_MAX_ : BLOCK);
		s->stamp = w->number * 100 + (uint64_t)tries;
		if (model_can(m, s) && is_free(o, m, s))
			return true;
	}
	return false;
}

static void
model_copy(struct model *to, const struct model *from)
{
	uint8_t *data;

	memcpy(to->slot, from->slot, sizeof(to->slot));
	for (int i = 0; i < SLOTS; i++) {
		data = to->inode[i].data;
		to->inode[i] = from->inode[i];
		to->inode[i].data = data;
		memcpy(data, from->inode[i].data, SIZE_MAX_);
	}
}

/* One to six steps, one sync; false when this node writes no more. */
static bool
operation(struct worker *w, int dir)
{
	struct step step[STEPS_MAX];
	static struct outcome o;
	struct operated done = { 0 };
	unsigned count = 0, want;
	bool touched[SLOTS];

	memset(&o, 0, sizeof(o));
	w->number++;
	want = pick(w, 3) == 0 ? 1 + pick(w, STEPS_MAX) : 1;
	model_copy(&w->next, &w->now);
	outcome_add(&o, &w->next);
	while (count < want && step_choose(w, &w->next, &done, &step[count])) {
		note_step(&done, &w->next, &step[count]);
		model_apply(&w->next, &step[count]);
		/* What it made, too. */
		note_step(&done, &w->next, &step[count++]);
		outcome_add(&o, &w->next);
	}
	outcome_say(&o, w->number);
	for (unsigned i = 0; i < count; i++)
		if (act_step(dir, &step[i]) == -1) {
			say("f %" PRIu64 " step %d: %s", w->number,
			    (int)step[i].verb, strerror(errno));
			return false;
		}
	/* A file that was written may have its other name alone by now. */
	for (int i = 0; i < SLOTS; i++)
		touched[i] = o.count[i] > 1;
	if (act_sync(dir, touched) == -1) {
		say("f %" PRIu64 " sync: %s", w->number, strerror(errno));
		return false;
	}
	say("a %" PRIu64, w->number);
	model_copy(&w->now, &w->next);
	return true;
}

/* What is read is what was written, of this mount. */
static bool
read_back(struct worker *w, int dir)
{
	char is[DIGEST_LEN], must[DIGEST_LEN];

	if (act_scan(dir, &w->next) == -1)
		return false;
	for (int i = 0; i < SLOTS; i++) {
		model_digest(&w->now, i, must);
		model_digest(&w->next, i, is);
		if (strcmp(is, must) != 0)
			say("x slot %d is %s, must be %s", i, is, must);
	}
	return true;
}

static void
turn(struct worker *w)
{
	dev_t mount = 0;
	int dir;

	dir = dir_open(w->path, &mount);
	if (dir == -1) {
		w->mount = 0;
		pause_ms(AWAY_MS);
		return;
	}
	if (w->mount != mount) {
		w->mount = reign_begin(w, dir) ? mount : 0;
		if (w->mount == 0)
			pause_ms(AWAY_MS);
	} else if (!operation(w, dir) || (w->number % READ_BACK_EVERY == 0 &&
	    !read_back(w, dir)))
		w->mount = 0;
	(void)close(dir);
	pause_ms(PAUSE_MS);
}

static void
on_term(int sig)
{
	(void)sig;
	is_ending = 1;
}

static int
scan(const char *path)
{
	char map[BLOCKS_MAX + 1];
	struct model m;
	int dir;

	model_init(&m);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1 || act_scan(dir, &m) == -1)
		err(EX_NOINPUT, "%s", path);
	say_slots(&m);
	for (int i = 0; i < SLOTS; i++) {
		if (act_holes(dir, i, map) == -1)
			err(EX_IOERR, "%s", path);
		say("h %d %s", i, map);
	}
	return EX_OK;
}

int
main(int argc, char *argv[])
{
	static struct worker w;

	if (argc == 3 && strcmp(argv[1], "scan") == 0)
		return scan(argv[2]);
	if (argc != 4 || strcmp(argv[1], "run") != 0) {
		fprintf(stderr, "usage: dirops run DIR SEED\n"
		    "       dirops scan DIR\n");
		return EX_USAGE;
	}
	w.path = argv[2];
	w.seed = strtoull(argv[3], NULL, 10) * 2 + 1;
	w.number = (w.seed & 0xffffff) * 1000000;
	model_init(&w.now);
	model_init(&w.next);
	(void)signal(SIGTERM, on_term);
	while (!is_ending)
		turn(&w);
	return EX_OK;
}
