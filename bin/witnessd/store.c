/* SPDX-License-Identifier: ISC */
/*
 * The records of a voter.
 *
 * Order of a new module's first vote: the record, empty, durable with its
 * name; its number in `id' durable; the vote durable in the record; the
 * answer.  A crash before the last leaves nothing that was answered.  At the
 * start fewer records than `id' counts means that one was lost: modules
 * without a record then get a new voter.
 *
 * Every later vote is one write in place.  The file is opened by its name for
 * it and its binding looked at: one that was taken away or replaced while
 * this runs is not voted from.
 */

#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <sodium.h>

#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "slots.h"

#define ID_NAME		"id"
#define ASIDE_NAME	"aside"
#define ID_MAGIC	0x48465649	/* HFVI */
#define RECORD_MAGIC	0x48465652	/* HFVR */
#define NAME_LEN	(CLUSTER_NAME_LEN + MODULE_NAME_MAX + 2)

struct file {
	struct record	record;
	struct slots	slots;
};

struct store {
	int		 dirfd;
	unsigned	 max;
	uint64_t	 id;
	struct slots	 id_slots;
	unsigned	 count;
	struct file	*file;		/* max of them */
	char		 dir[PATH_LEN];
	char		 why[VOTE_TEXT_LEN];
};

static void
why(struct store *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
why(struct store *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
}

static uint64_t
new_id(void)
{
	uint64_t id;

	do
		randombytes_buf(&id, sizeof(id));
	while (id == 0);
	return id;
}

static void
record_name(char name[NAME_LEN], const struct record *r)
{
	(void)snprintf(name, NAME_LEN, "%s:%s", r->cluster, r->module);
}

/* --- bodies --------------------------------------------------------- */

static size_t
build_record(uint8_t *body, size_t size, const struct record *r)
{
	struct frame_out f = { .buf = body, .size = size };
	bool has = !reg_value_is_none(&r->ballot.value);

	frame_put_u64(&f, r->voter);
	frame_put_str(&f, r->cluster);
	frame_put_str(&f, r->module);
	frame_put_epoch(&f, r->ballot.promised);
	frame_put_u8(&f, has);
	if (has)
		reg_value_put(&f, &r->ballot.value);
	if (f.overflow)
		panic("record of %s: does not fit", r->module);
	return f.len;
}

/* 0, or -1: good blocks with a content that makes no sense. */
static int
parse_record(struct record *r, const struct slots *s)
{
	struct frame_in f = { .buf = s->body, .len = s->len };
	uint8_t has;

	r->voter = frame_get_u64(&f);
	(void)frame_get_str(&f, r->cluster, sizeof(r->cluster));
	(void)frame_get_str(&f, r->module, sizeof(r->module));
	r->ballot.promised = frame_get_epoch(&f);
	has = frame_get_u8(&f);
	if (has == 1)
		(void)reg_value_get(&f, &r->ballot.value);
	return frame_done(&f) && has <= 1 && r->voter != 0 ? 0 : -1;
}

static size_t
build_id(uint8_t *body, size_t size, uint64_t id, uint64_t made)
{
	struct frame_out f = { .buf = body, .size = size };

	frame_put_u64(&f, id);
	frame_put_u64(&f, made);
	return f.len;
}

static int
parse_id(const struct slots *s, uint64_t *id, uint64_t *made)
{
	struct frame_in f = { .buf = s->body, .len = s->len };

	*id = frame_get_u64(&f);
	*made = frame_get_u64(&f);
	return frame_done(&f) && *id != 0 ? 0 : -1;
}

/* --- records -------------------------------------------------------- */

static struct file *
find(const struct store *s, const char *cluster, const char *module)
{
	unsigned i;

	for (i = 0; i < s->count; i++) {
		struct record *r = &s->file[i].record;

		if (strcmp(r->module, module) == 0 &&
		    strcmp(r->cluster, cluster) == 0)
			return &s->file[i];
	}
	return NULL;
}

/* Both blocks: what is bound now must not meet an unbound one later. */
static int
write_both(struct slots *s, int fd, uint32_t magic)
{
	return slots_write(s, fd, magic) == 0 ? slots_write(s, fd, magic) : -1;
}

/* Binds a file that has just been made; the descriptor is closed. */
static int
bind_file(struct slots *s, int fd, uint32_t magic)
{
	int rc, saved;

	if (fd == -1)
		return -1;
	slots_read(s, fd, magic);
	rc = s->good == 2 ? slots_binding(fd, &s->binding) : -1;
	if (rc == 0)
		rc = write_both(s, fd, magic);
	saved = errno;
	(void)close(fd);	/* written durably, or told */
	errno = saved;
	return rc;
}

/*
 * An empty record under this voter id, in place of what had the name.  -1
 * with errno: then there is none.
 */
static int
make_record(struct store *s, struct file *f, uint64_t voter)
{
	struct record *r = &f->record;
	uint8_t body[SLOT_BODY_MAX];
	char name[NAME_LEN];

	record_name(name, r);
	r->voter = voter;
	memset(&r->ballot, 0, sizeof(r->ballot));
	if (slots_create(s->dirfd, name, RECORD_MAGIC, body,
	    build_record(body, sizeof(body), r)) == -1 ||
	    bind_file(&f->slots, slots_open(s->dirfd, name), RECORD_MAGIC) ==
	    -1)
		return -1;
	r->state = RECORD_GOOD;
	return 0;
}

static int
write_id(struct store *s, uint64_t id, uint64_t made)
{
	int fd = slots_open(s->dirfd, ID_NAME), rc, saved;

	if (fd == -1)
		return -1;
	s->id_slots.len = build_id(s->id_slots.body,
	    sizeof(s->id_slots.body), id, made);
	rc = slots_write(&s->id_slots, fd, ID_MAGIC);
	saved = errno;
	(void)close(fd);	/* written durably, or told */
	errno = saved;
	return rc;
}

/* A new one: all that is without a record has forgotten. */
static int
make_id(struct store *s)
{
	uint8_t body[16];

	s->id = new_id();
	if (slots_create(s->dirfd, ID_NAME, ID_MAGIC, body,
	    build_id(body, sizeof(body), s->id, s->count)) == -1)
		return -1;
	return bind_file(&s->id_slots, slots_open(s->dirfd, ID_NAME),
	    ID_MAGIC);
}

/* --- the start ------------------------------------------------------ */

/* CLUSTER:MODULE; false for another name. */
static bool
split_name(struct record *r, const char *name)
{
	const char *colon = strchr(name, ':');
	size_t len;

	if (colon == NULL || (len = (size_t)(colon - name)) >=
	    sizeof(r->cluster) || !module_name_ok(colon + 1))
		return false;
	memcpy(r->cluster, name, len);
	r->cluster[len] = '\0';
	(void)snprintf(r->module, sizeof(r->module), "%s", colon + 1);
	return cluster_name_ok(r->cluster);
}

static void
set_aside(struct store *s, const char *name)
{
	char to[NAME_LEN + sizeof(ASIDE_NAME)];

	(void)mkdirat(s->dirfd, ASIDE_NAME, 0700);	/* or it is there */
	(void)snprintf(to, sizeof(to), ASIDE_NAME "/%s", name);
	if (renameat(s->dirfd, name, s->dirfd, to) == -1 ||
	    fsync(s->dirfd) == -1)
		fatal("%s/%s: cannot be set aside", s->dir, name);
	log_warnx("%s: is not the file that was written here (copied, "
	    "restored, or another machine): set aside in %s/" ASIDE_NAME
	    "; this module has a new voter", name, s->dir);
}

/*
 * One block of two is bad: what it held may have been newer than the other
 * one, and answered.  The good one stays, under a new voter id.
 */
static void
distrust(struct file *f, int fd, const char *name)
{
	f->record.voter = new_id();
	f->slots.len = build_record(f->slots.body, sizeof(f->slots.body),
	    &f->record);
	if (write_both(&f->slots, fd, RECORD_MAGIC) == -1) {
		log_warn("%s: damaged, and cannot be written", name);
		f->record.state = RECORD_UNREADABLE;
		return;
	}
	log_warnx("%s: one of two blocks was damaged: what it held may be "
	    "forgotten, so this module has a new voter; look at the disk",
	    name);
}

/* What a record that was opened is; true: it is not of this place. */
static bool
judge(struct file *f, int fd, const char *name)
{
	struct record *r = &f->record, named = *r;
	uint64_t binding;

	if (slots_binding(fd, &binding) == -1)
		fatal("%s: cannot be told from a copy", name);
	slots_read(&f->slots, fd, RECORD_MAGIC);
	if (f->slots.good == 0 || parse_record(r, &f->slots) == -1) {
		*r = named;
		r->state = RECORD_UNREADABLE;
		log_warnx("%s: unreadable: not voted from until `witnessd -F "
		    "%s/%s' forgets it; look at the disk", name, r->cluster,
		    r->module);
		return false;
	}
	if (strcmp(r->cluster, named.cluster) != 0 ||
	    strcmp(r->module, named.module) != 0)
		return true;
	/* Made, and killed before it was bound: nothing was answered. */
	if (f->slots.binding == 0 && f->slots.good == 2 &&
	    epoch_is_none(r->ballot.promised)) {
		f->slots.binding = binding;
		if (write_both(&f->slots, fd, RECORD_MAGIC) == -1)
			fatal("%s", name);
	}
	if (f->slots.binding != binding)
		return true;
	if (f->slots.good == 1)
		distrust(f, fd, name);
	return false;
}

/* True: something here is not as it was left. */
static bool
load_record(struct store *s, const char *name)
{
	struct file *f = &s->file[s->count];
	bool is_foreign;
	int fd;

	memset(f, 0, sizeof(*f));
	if (!split_name(&f->record, name)) {
		/* The last where it has a device of its own. */
		if (strcmp(name, ID_NAME) != 0 &&
		    strcmp(name, ASIDE_NAME) != 0 &&
		    strcmp(name, "lost+found") != 0)
			log_warnx("%s/%s: is nothing of ours", s->dir, name);
		return false;
	}
	if (s->count == s->max)
		fatalx(EX_CONFIG, "%s: more than %u records: raise `modules' "
		    "in witnessd.conf", s->dir, s->max);
	fd = slots_open(s->dirfd, name);
	if (fd == -1)
		fatal("%s/%s", s->dir, name);
	is_foreign = judge(f, fd, name);
	(void)close(fd);	/* what was written is durable */
	if (is_foreign)
		set_aside(s, name);
	else
		s->count++;
	return is_foreign;
}

static bool
load_records(struct store *s)
{
	int fd = openat(s->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool is_odd = false;
	size_t len;

	if (d == NULL)
		fatal("%s", s->dir);
	while ((e = readdir(d)) != NULL) {
		len = strlen(e->d_name);
		if (e->d_name[0] == '.')
			continue;
		/* Of a start that was killed: never had its name. */
		if (len > 4 && strcmp(e->d_name + len - 4, ".new") == 0)
			(void)unlinkat(s->dirfd, e->d_name, 0);
		else if (load_record(s, e->d_name))
			is_odd = true;
	}
	(void)closedir(d);
	return is_odd;
}

/* What is wrong with `id', or NULL and s->id is set. */
static const char *
load_id(struct store *s, int fd)
{
	uint64_t binding, made;

	if (slots_binding(fd, &binding) == -1)
		return "cannot be told from a copy";
	slots_read(&s->id_slots, fd, ID_MAGIC);
	if (s->id_slots.good < 2 || parse_id(&s->id_slots, &s->id, &made) ==
	    -1)
		return "is damaged";
	if (s->id_slots.binding == 0 && made == 0) {
		s->id_slots.binding = binding;	/* killed before it was */
		if (write_both(&s->id_slots, fd, ID_MAGIC) == -1)
			return "cannot be written";
	}
	if (s->id_slots.binding != binding)
		return "is not the file that was written here (copied, "
		    "restored, or another machine)";
	if (made > s->count)
		return "counts more records than there are";
	/* Killed when a record was made and not counted yet. */
	if (made < s->count && write_id(s, s->id, s->count) == -1)
		return "cannot be written";
	return NULL;
}

/* Who votes for modules without a record: as before, or a new one. */
static int
take_id(struct store *s, bool is_odd)
{
	int fd = slots_open(s->dirfd, ID_NAME);
	const char *wrong = NULL;
	bool is_first = fd == -1 && errno == ENOENT && s->count == 0 &&
	    !is_odd;

	if (fd == -1 && errno != ENOENT)
		return -1;
	if (fd == -1)
		wrong = "is gone";
	else
		wrong = load_id(s, fd);
	if (fd != -1)
		(void)close(fd);	/* what was written is durable */
	if (wrong == NULL && is_odd)
		wrong = "is of a store that lost records";
	if (wrong == NULL)
		return 0;
	if (make_id(s) == -1)
		return -1;
	if (is_first)
		log_info("%s: a new store, voter %016" PRIx64, s->dir, s->id);
	else
		log_warnx("%s/" ID_NAME " %s: modules without a record here "
		    "have a new voter, %016" PRIx64 "; the primaries take it "
		    "in the place of the old one", s->dir, wrong, s->id);
	return 0;
}

struct store *
store_open(const char *dir, unsigned record_max)
{
	struct store *s;
	int fd, saved;

	if (path_mkdirs(dir, 0700) == -1 || (fd = open(dir, O_RDONLY |
	    O_DIRECTORY | O_CLOEXEC)) == -1)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->dirfd = fd;
	s->max = record_max;
	s->file = xcalloc(record_max, sizeof(*s->file));
	(void)snprintf(s->dir, sizeof(s->dir), "%s", dir);
	if (take_id(s, load_records(s)) == 0)
		return s;
	saved = errno;
	store_close(s);
	errno = saved;
	return NULL;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	(void)close(s->dirfd);	/* only names were made through it */
	free(s->file);
	free(s);
}

/* --- what is asked -------------------------------------------------- */

uint64_t
store_id(const struct store *s)
{
	return s->id;
}

const struct record *
store_find(const struct store *s, const char *cluster, const char *module)
{
	const struct file *f = find(s, cluster, module);

	return f != NULL ? &f->record : NULL;
}

unsigned
store_count(const struct store *s)
{
	return s->count;
}

const struct record *
store_at(const struct store *s, unsigned i)
{
	return &s->file[i].record;
}

const char *
store_why(const struct store *s)
{
	return s->why;
}

/* --- votes ---------------------------------------------------------- */

/* The record of a module that had none, counted in `id'. */
static struct file *
add_record(struct store *s, const char *cluster, const char *module)
{
	struct file *f = &s->file[s->count];

	if (s->count == s->max) {
		why(s, "holds %u modules, as many as witnessd.conf allows "
		    "(modules)", s->max);
		return NULL;
	}
	memset(f, 0, sizeof(*f));
	(void)snprintf(f->record.cluster, sizeof(f->record.cluster), "%s",
	    cluster);
	(void)snprintf(f->record.module, sizeof(f->record.module), "%s",
	    module);
	if (make_record(s, f, s->id) == -1 ||
	    write_id(s, s->id, s->count + 1) == -1) {
		why(s, "no place for a vote in %s: %s", s->dir,
		    strerror(errno));
		return NULL;
	}
	s->count++;
	return f;
}

/* The file that was read at the start, or made since; -1: it is not. */
static int
open_bound(struct store *s, struct file *f)
{
	char name[NAME_LEN];
	uint64_t binding;
	int fd;

	record_name(name, &f->record);
	fd = slots_open(s->dirfd, name);
	if (fd == -1 && errno != ENOENT) {
		why(s, "%s: %s", name, strerror(errno));
		return -1;
	}
	if (fd != -1 && slots_binding(fd, &binding) == 0 &&
	    binding == f->slots.binding)
		return fd;
	if (fd != -1)
		(void)close(fd);	/* nothing was written */
	f->record.state = RECORD_GONE;
	why(s, "%s: the record was taken away or replaced: restart witnessd "
	    "there", name);
	return -1;
}

static int
write_record(struct store *s, struct file *f, const struct ballot *b)
{
	struct record next = f->record;
	int fd = open_bound(s, f), rc;

	if (fd == -1)
		return -1;
	next.ballot = *b;
	f->slots.len = build_record(f->slots.body, sizeof(f->slots.body),
	    &next);
	rc = slots_write(&f->slots, fd, RECORD_MAGIC);
	if (rc == -1)
		why(s, "cannot write a vote in %s: %s", s->dir,
		    strerror(errno));
	else
		f->record.ballot = *b;
	(void)close(fd);	/* written durably, or told */
	return rc;
}

int
store_write(struct store *s, const char *cluster, const char *module,
    const struct ballot *b)
{
	struct file *f = find(s, cluster, module);

	if (f == NULL)
		f = add_record(s, cluster, module);
	if (f == NULL)
		return -1;
	if (f->record.state == RECORD_GOOD)
		return write_record(s, f, b);
	why(s, f->record.state == RECORD_GONE ?
	    "the record was taken away or replaced: restart witnessd there" :
	    "the record is unreadable: see witnessd -F there");
	return -1;
}

static int
forget(struct store *s, struct file *f)
{
	if (make_record(s, f, new_id()) == -1) {
		why(s, "%s: %s", s->dir, strerror(errno));
		f->record.state = RECORD_UNREADABLE;
		return -1;
	}
	log_warnx("%s:%s: forgotten by command: a new voter, %016" PRIx64,
	    f->record.cluster, f->record.module, f->record.voter);
	return 0;
}

int
store_forget(struct store *s, const char *cluster, const char *module)
{
	struct file *f = find(s, cluster, module);

	if (f != NULL)
		return forget(s, f);
	why(s, "no record of %s of cluster %s", module, cluster);
	return -1;
}

int
store_forget_cluster(struct store *s, const char *cluster)
{
	int rc = 0;
	unsigned i;

	for (i = 0; i < s->count; i++)
		if (strcmp(s->file[i].record.cluster, cluster) == 0 &&
		    forget(s, &s->file[i]) == -1)
			rc = -1;
	return rc;
}
