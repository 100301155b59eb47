/* SPDX-License-Identifier: ISC */
/*
 * Failpoints of a test build.  An order is [PROGRAM:]STEP[:COUNT][:HOW], in
 * the environment variable HOLDFAST_FAIL, or in the file /run/holdfast/fail,
 * which is looked at all the time, so that a daemon that runs can be armed in
 * a lab node.  Both may hold several, separated by blanks.  The file is
 * emptied before the order in it is carried out: the next life of the daemon,
 * which holdfastd starts at once, is not killed again.
 *
 * With `stop' the process stops there with all its threads instead of dying:
 * what a supervisor does not undo before the test pulls the plug.  With `again'
 * the file stays, and each life ends there.
 */
#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "paths.h"

/* A step is far rarer than this, but the front's are passed per write. */
#define LOOK_NS		5000000
#define ORDERS_LEN	512

struct order {
	int		step;		/* 0: none */
	long		count;
	bool		stops;
	bool		again;
};

static char program_name[32];
static char file_path[PATH_LEN];
static struct order from_env;
static atomic_long env_left, file_left;
static _Atomic int64_t next_look;
/* The file's order: step, count and stops in one word, so that a thread never
 * sees half of a new one. */
static atomic_ulong file_word;

static unsigned long
word_of(const struct order *o)
{
	return (unsigned long)o->step | (unsigned long)o->count << 16 |
	    (unsigned long)o->stops << 48 | (unsigned long)o->again << 49;
}

/* One order; false when it is for another program, or wrong. */
static bool
order_parse(struct order *o, char *text)
{
	char *end, *colon = strchr(text, ':');
	long step;

	if (text[0] < '0' || text[0] > '9') {
		if (colon == NULL)
			return false;
		*colon = '\0';
		if (strcmp(text, program_name) != 0)
			return false;
		text = colon + 1;
	}
	step = strtol(text, &end, 10);
	if (end == text || step <= 0 || step > 999)
		return false;
	o->step = (int)step;
	o->count = 1;
	o->stops = false;
	if (end[0] == ':' && end[1] >= '0' && end[1] <= '9')
		o->count = strtol(end + 1, &end, 10);
	o->stops = strcmp(end, ":stop") == 0;
	o->again = strcmp(end, ":again") == 0;
	return (o->stops || o->again || *end == '\0') && o->count > 0 &&
	    o->count <= 1000000000;
}

/* The first one for us. */
static void
orders_parse(struct order *o, char *text)
{
	char *word, *rest = text;

	while ((word = strsep(&rest, " \t\n")) != NULL)
		if (order_parse(o, word))
			return;
	o->step = 0;
}

void
fail_init(const char *program)
{
	const char *s = getenv("HOLDFAST_FAIL");
	char text[ORDERS_LEN];

	(void)snprintf(program_name, sizeof(program_name), "%s", program);
	(void)path_run(file_path, "fail");
	(void)snprintf(text, sizeof(text), "%s", s != NULL ? s : "");
	orders_parse(&from_env, text);
	atomic_store(&env_left, from_env.count);
	atomic_store(&next_look, 0);
	atomic_store(&file_word, 0);
}

bool
fail_is_built(void)
{
	return true;
}

/* Counts from where it was as long as the order is the same. */
static void
look_at_file(void)
{
	struct order o = { 0 };
	char text[ORDERS_LEN];
	unsigned long word;
	ssize_t n = 0;
	int fd;

	fd = open(file_path, O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		n = read(fd, text, sizeof(text) - 1);
		(void)close(fd); /* was only read */
	}
	text[n > 0 ? n : 0] = '\0';
	orders_parse(&o, text);
	word = o.step == 0 ? 0 : word_of(&o);
	if (word != atomic_load(&file_word)) {
		atomic_store(&file_left, o.count);
		atomic_store(&file_word, word);
	}
}

static void
obey(bool stops)
{
	(void)kill(getpid(), stops ? SIGSTOP : SIGKILL); /* ourselves: may */
	if (!stops)
		(void)pause();
}

/* An order that cannot be taken out of the file would kill each life. */
static bool
file_empty(void)
{
	int fd = open(file_path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd == -1)
		return errno == ENOENT;
	return close(fd) == 0;
}

void
fail_point(int step)
{
	int64_t now, look = atomic_load(&next_look);
	unsigned long word;

	if (from_env.step != 0 && step == from_env.step &&
	    atomic_fetch_sub(&env_left, 1) == 1)
		obey(from_env.stops);
	if (file_path[0] == '\0')
		return;	/* no daemon, or before its start */
	now = mono_now().ns;
	if (now >= look &&
	    atomic_compare_exchange_strong(&next_look, &look, now + LOOK_NS))
		look_at_file();
	word = atomic_load(&file_word);
	if (word != 0 && (int)(word & 0xffff) == step &&
	    atomic_fetch_sub(&file_left, 1) == 1 &&
	    ((word >> 49 & 1) != 0 || file_empty()))
		obey(word >> 48 & 1);
}
