/* SPDX-License-Identifier: ISC */
/*
 * The second: looks are worked off by a thread of least priority, which
 * reads the medium and not what is left in memory; statements are judged at
 * once, on the thread that applies the stream (verify.h).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "log.h"
#include "xalloc.h"

#include "verify-int.h"
#include "wire.h"

#define STACK_LEN	(256 * 1024)
/* Looks that wait: the primary sends a group at a time, much less. */
#define LOOKS_MAX	(8u * 1024 * 1024)
/* Names of a directory that are remembered: 8 bytes each. */
#define NAMES_MAX	(8u * 1024 * 1024)
/* Of one directory, suspected to be too many. */
#define EXTRA_MAX	65536u

struct worker {
	struct verify	*v;
	struct verify_room room;
	uint8_t		 buf[8192];	/* an answer */
	uint64_t	 run;
	uint64_t	*name;		/* hashes, of the directory at hand */
	size_t		 name_count, name_room;
	uint64_t	 name_dir;
	bool		 name_lost;	/* too many */
	bool		 more;
};

/* ---- judging ---- */

/* What this node has at a name against what the primary has there. */
static uint32_t
judge_name(struct verify *v, uint64_t dir, const char *name, uint64_t oid,
    uint32_t type)
{
	struct stat st;
	uint64_t own = 0;
	int rc;

	rc = object_lookup(v->objects, dir, name, false, &own, &st);
	if (rc == -ENOENT || rc == -ESTALE)
		return oid == 0 ? 0 : VD_MISSING;
	if (rc != 0 && rc != -ENODATA)
		return VD_READ_S;
	if (oid == 0)
		return VD_EXTRA;
	if (rc == -ENODATA || own != oid)
		return VD_OTHER;
	return (st.st_mode & S_IFMT) == type ? 0 : VD_TYPE;
}

static uint32_t
judge_attr(struct verify *v, struct verify_room *m,
    const struct verify_frame *f)
{
	struct verify_attr own;
	int rc;

	rc = verify_look_attr(v->objects, f->oid, m, &own);
	if (rc == -ESTALE || rc == -ENOENT)
		return VD_MISSING;
	if (rc != 0)
		return VD_READ_S;
	return verify_attr_differs(&own, &f->attr);
}

/* Block i of a DATA. */
static uint32_t
judge_block(int fd, struct verify_room *m, const struct verify_frame *f,
    unsigned i, bool cold)
{
	uint64_t off = f->off + (uint64_t)i * VB_BLOCK;
	uint64_t left = f->off + f->len - off;
	size_t len = left < VB_BLOCK ? (size_t)left : VB_BLOCK;
	uint8_t hash[VB_HASH_LEN];
	ssize_t n;

	n = verify_look_block(fd, off, len, m, hash, cold);
	if (n < 0)
		return VD_READ_S;
	return (size_t)n == len && memcmp(hash, (const uint8_t *)f->bytes +
	    i * VB_HASH_LEN, VB_HASH_LEN) == 0 ? 0 : VD_DATA;
}

/* ---- statements ---- */

static int
answer(struct verify *v, const struct verify_frame *about, uint8_t kind,
    const char *name, uint32_t what)
{
	struct verify_frame f = { .type = VF_VERDICT, .oid = about->oid,
	    .run = about->run, .kind = kind, .what = what };
	uint8_t buf[1024];

	if (kind == VK_NAME)
		memcpy(f.name, name, strlen(name) + 1);
	if (kind == VK_DATA) {
		f.off = about->off;
		f.len = about->len;
	}
	(void)verify_send(v, &f, buf, sizeof(buf)); /* lost: it has ended */
	return 0;
}

static int
on_names_stated(struct verify *v, const struct verify_frame *f)
{
	char name[OP_NAME_MAX + 1];
	struct frame_in list;
	uint64_t oid;
	uint32_t type;

	verify_list_open(&list, f);
	while (verify_list_next(&list, name, &oid, &type))
		(void)answer(v, f, VK_NAME, name, judge_name(v, f->oid, name,
		    oid, type));
	return list.bad ? -1 : 0;
}

static int
on_data_stated(struct verify *v, const struct verify_frame *f)
{
	uint32_t what = 0;
	unsigned i;
	int fd;

	fd = object_fd(v->objects, f->oid, O_RDONLY);
	if (fd < 0)
		return answer(v, f, VK_DATA, "", VD_MISSING);
	for (i = 0; i < f->bytes_len / VB_HASH_LEN; i++)
		what |= judge_block(fd, &v->stream_room, f, i, false);
	object_fd_done(v->objects, f->oid, fd);
	return answer(v, f, VK_DATA, "", what);
}

static int
on_statement(struct verify *v, const struct verify_frame *f)
{
	/* Only the one thread that applies comes here. */
	if (!v->has_stream_room && verify_room_init(&v->stream_room) != 0)
		return -1;
	v->has_stream_room = true;
	switch (f->type) {
	case VF_NAMES:
		return on_names_stated(v, f);
	case VF_ATTR:
		return answer(v, f, VK_ATTR, "", judge_attr(v,
		    &v->stream_room, f));
	case VF_DATA:
		return on_data_stated(v, f);
	default:
		return -1;
	}
}

/* ---- looks ---- */

static int
suspect(struct worker *k, uint8_t kind, uint64_t oid, const char *name,
    uint64_t off, uint64_t len)
{
	struct verify_frame f = { .type = VF_SUSPECT, .oid = oid,
	    .run = k->run, .kind = kind, .off = off, .len = len };

	memcpy(f.name, name, strlen(name) + 1);
	return verify_send(k->v, &f, k->buf, sizeof(k->buf));
}

static void
note_name(struct worker *k, const char *name)
{
	if (k->name_count == NAMES_MAX) {
		k->name_lost = true;
		return;
	}
	if (k->name_count == k->name_room) {
		k->name_room = k->name_room * 2 + 256;
		k->name = xrealloc(k->name, k->name_room, sizeof(*k->name));
	}
	k->name[k->name_count++] = XXH3_64bits(name, strlen(name));
}

static void
look_names(struct worker *k, const struct verify_frame *f)
{
	char name[OP_NAME_MAX + 1];
	struct frame_in list;
	uint64_t oid;
	uint32_t type;

	if (f->oid != k->name_dir) {
		k->name_count = 0;
		k->name_lost = false;
	}
	k->name_dir = f->oid;
	verify_list_open(&list, f);
	while (verify_list_next(&list, name, &oid, &type)) {
		note_name(k, name);
		if (judge_name(k->v, f->oid, name, oid, type) != 0)
			(void)suspect(k, VK_NAME, f->oid, name, 0, 0);
	}
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
is_noted(const struct worker *k, const char *name)
{
	uint64_t h = XXH3_64bits(name, strlen(name));

	return k->name_count > 0 && bsearch(&h, k->name, k->name_count,
	    sizeof(h), by_number) != NULL;
}

static DIR *
open_dir(struct verify *v, uint64_t dir)
{
	int fd, own;
	DIR *d;

	fd = object_fd(v->objects, dir, O_RDONLY);
	if (fd < 0)
		return NULL;
	own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	object_fd_done(v->objects, dir, fd);
	d = own == -1 ? NULL : fdopendir(own);
	if (d == NULL && own != -1)
		(void)close(own);	/* nothing was done with it */
	return d;
}

/* Names that the primary did not say. */
static void
look_dir(struct worker *k, const struct verify_frame *f)
{
	struct dirent *e;
	unsigned extra = 0;
	DIR *d;

	if (f->oid != k->name_dir)	/* none was said: it is empty there */
		k->name_count = 0;
	k->name_dir = 0;
	if (k->name_lost) {
		k->name_lost = false;
		return;		/* what is missing was found all the same */
	}
	if (k->name_count > 0)
		qsort(k->name, k->name_count, sizeof(*k->name), by_number);
	d = open_dir(k->v, f->oid);
	while (d != NULL && extra < EXTRA_MAX && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 || is_noted(k, e->d_name) ||
		    judge_name(k->v, f->oid, e->d_name, 0, 0) == 0)
			continue;
		extra++;
		(void)suspect(k, VK_NAME, f->oid, e->d_name, 0, 0);
	}
	if (extra == EXTRA_MAX)
		k->more = true;
	if (d != NULL)
		(void)closedir(d);	/* it was read only */
	free(k->name);
	k->name = NULL;
	k->name_count = k->name_room = 0;
}

static void
look_data(struct worker *k, const struct verify_frame *f)
{
	unsigned i;
	uint64_t left;
	int fd;

	fd = object_fd(k->v->objects, f->oid, O_RDONLY);
	if (fd < 0)
		return;		/* its attributes said so */
	for (i = 0; i < f->bytes_len / VB_HASH_LEN; i++) {
		if (judge_block(fd, &k->room, f, i, true) == 0)
			continue;
		left = f->len - (uint64_t)i * VB_BLOCK;
		/* The statement is judged where it holds up the stream. */
		(void)posix_fadvise(fd, (off_t)(f->off + (uint64_t)i *
		    VB_BLOCK), VB_BLOCK, POSIX_FADV_WILLNEED);
		(void)suspect(k, VK_DATA, f->oid, "", f->off +
		    (uint64_t)i * VB_BLOCK, left < VB_BLOCK ? left :
		    VB_BLOCK);
	}
	object_fd_done(k->v->objects, f->oid, fd);
}

static void
look_hole(struct worker *k, const struct verify_frame *f)
{
	uint64_t at = f->off, end = f->off + f->len, where;
	int fd, rc;

	fd = object_fd(k->v->objects, f->oid, O_RDONLY);
	if (fd < 0)
		return;
	while (at < end && (rc = verify_look_zeroes(fd, at, end - at,
	    &k->room, &where)) != 1) {
		if (rc < 0)
			where = at;
		where -= where % VB_BLOCK;
		at = where + VB_BLOCK;
		if (suspect(k, VK_DATA, f->oid, "", where, VB_BLOCK) == -1)
			break;
	}
	object_fd_done(k->v->objects, f->oid, fd);
}

static void
look_barrier(struct worker *k, const struct verify_frame *f)
{
	struct verify_frame done = { .type = VF_DONE, .run = k->run,
	    .number = f->number, .more = k->more };

	k->more = false;
	(void)verify_send(k->v, &done, k->buf, sizeof(k->buf));
}

/* What the primary found. */
static void
take_end(struct verify *v, const struct verify_frame *f)
{
	struct line *l = xcalloc(1, sizeof(*l));
	struct verify_result res, old;
	const char *why;

	if (line_parse(l, f->text, strlen(f->text), &why) == 0 &&
	    verify_result_parse(&res, l) == 0) {
		if (v->conf.state_fd != -1 &&
		    verify_list_save(v->conf.state_fd, &res) != 0)
			log_warnx("verify: the result cannot be stored");
		pthread_mutex_lock(&v->lock);
		old = v->res;
		v->res = res;
		pthread_mutex_unlock(&v->lock);
		verify_result_fini(&old);
		v->conf.on_change(v->conf.arg);
	}
	free(l);
}

static void
look_at(struct worker *k, const struct look *l)
{
	struct verify_frame f;
	struct frame_in in;
	struct wire w;

	if (wire_open(&in, &w, l->frame, l->len) == -1 ||
	    verify_frame_get(&f, &in, w.oid) == -1)
		return;		/* it was good when it came */
	k->run = f.run;
	switch (f.type) {
	case VF_NAMES:
		look_names(k, &f);
		break;
	case VF_DIR:
		look_dir(k, &f);
		break;
	case VF_ATTR:
		if (judge_attr(k->v, &k->room, &f) != 0)
			(void)suspect(k, VK_ATTR, f.oid, "", 0, 0);
		break;
	case VF_DATA:
		look_data(k, &f);
		break;
	case VF_HOLE:
		look_hole(k, &f);
		break;
	case VF_END:
		take_end(k->v, &f);
		break;
	default:
		look_barrier(k, &f);
		break;
	}
}

static struct look *
next_look(struct verify *v)
{
	struct look *l;

	pthread_mutex_lock(&v->lock);
	while (v->look == NULL && !v->worker_ends)
		pthread_cond_wait(&v->work, &v->lock);
	l = v->worker_ends ? NULL : v->look;
	if (l != NULL) {
		v->look = l->next;
		v->look_bytes -= l->len;
		if (v->look == NULL)
			v->look_end = &v->look;
	}
	pthread_mutex_unlock(&v->lock);
	return l;
}

static void *
worker_main(void *arg)
{
	struct worker *k = xcalloc(1, sizeof(*k));
	struct look *l;

	k->v = arg;
	verify_idle_thread();
	if (verify_room_init(&k->room) != 0)
		log_warnx("verify: no memory");
	else
		while ((l = next_look(k->v)) != NULL) {
			look_at(k, l);
			free(l);
		}
	verify_room_fini(&k->room);
	free(k->name);
	free(k);
	return NULL;
}

/* ---- frames ---- */

void
verify_target_forget(struct verify *v)
{
	struct look *l;

	while ((l = v->look) != NULL) {
		v->look = l->next;
		free(l);
	}
	v->look_end = &v->look;
	v->look_bytes = 0;
	v->look_run = 0;
}

void
verify_target_stop(struct verify *v)
{
	pthread_mutex_lock(&v->lock);
	v->worker_ends = true;
	verify_target_forget(v);
	pthread_cond_broadcast(&v->work);
	pthread_mutex_unlock(&v->lock);
	if (v->has_worker)
		(void)pthread_join(v->worker, NULL);
	v->has_worker = v->worker_ends = false;
	if (v->has_stream_room)
		verify_room_fini(&v->stream_room);
	v->has_stream_room = false;
}

/* With the lock. */
static int
start_worker(struct verify *v)
{
	pthread_attr_t attr;
	int error = 0;

	if (!v->has_worker) {
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, STACK_LEN);
		error = pthread_create(&v->worker, &attr, worker_main, v);
		pthread_attr_destroy(&attr);
		v->has_worker = error == 0;
	}
	if (error != 0)
		log_warnx("verify: thread: %s", strerror(error));
	return error == 0 ? 0 : -1;
}

/* With the lock. */
static int
add_look(struct verify *v, const struct frame_in *f)
{
	struct look *l;

	if (v->look_bytes + f->len > LOOKS_MAX || start_worker(v) == -1)
		return -1;
	l = xcalloc(1, sizeof(*l) + f->len);
	l->len = f->len;
	memcpy(l->frame, f->buf, f->len);
	*v->look_end = l;
	v->look_end = &l->next;
	v->look_bytes += l->len;
	pthread_cond_signal(&v->work);
	return 0;
}

int
verify_target_frame(struct verify *v, struct frame_in *f,
    const struct verify_frame *vf)
{
	int rc = 0;

	if (v->objects == NULL)
		return -1;
	if (f->sequence != 0)
		return on_statement(v, vf);
	pthread_mutex_lock(&v->lock);
	if (vf->type == VF_BEGIN) {
		verify_target_forget(v);
		v->look_run = vf->run;
		rc = start_worker(v);
	} else if (vf->type > VF_BARRIER && vf->type != VF_END)
		rc = -1;
	else if (vf->run == v->look_run || vf->type == VF_END)
		rc = add_look(v, f);
	pthread_mutex_unlock(&v->lock);
	return rc;
}
