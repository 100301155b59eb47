/* SPDX-License-Identifier: ISC */
/*
 * Names of one pass, at the source.  First, over all directories, the
 * target is told what stands at each dirty name and puts aside what does
 * not belong there; it answers which names it lacks.  Then those are linked
 * or made.  Order does not matter and cycles do no harm, since an object is
 * found by its id wherever it is, stage included.
 *
 * A directory that is walked (everything is compared, or rule R15) is listed
 * whole, and what stands in it is compared; its subdirectories follow a
 * level at a time, but those the target lacks: they come as new ones.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fail.h"
#include "resync-int.h"
#include "resync-pass.h"
#include "xalloc.h"

/* A frame of names is sent when it is this long. */
#define NAMES_FULL	(512 * 1024)
#define NAMES_HEAD	(FRAME_HEADER_LEN + WIRE_COMMON_LEN + 2 + 32)

static void
push(uint64_t **list, size_t *count, size_t *room, uint64_t oid)
{
	if (*count == *room) {
		*room = *room * 2 + 64;
		*list = xrealloc(*list, *room, sizeof(**list));
	}
	(*list)[(*count)++] = oid;
}

/* What stands at a name the pass looks at: is more than the name owed?
 * linking: below a directory made now, whose names go out at once. */
static void
consider(struct pass *p, uint64_t oid, const struct stat *st, bool deep,
    bool linking)
{
	bool look = deep || p->full || dirtyset_is_new(p->marks, oid);

	if (!look || !oidset_add(&p->seen, oid))
		return;
	(void)oidset_add(&p->attr, oid);
	if (S_ISDIR(st->st_mode)) {
		if (linking)
			(void)oidset_add(&p->deferred, oid);
		else
			push(&p->next, &p->next_count, &p->next_room, oid);
		return;
	}
	if (!S_ISREG(st->st_mode) || !oidset_add(&p->compare, oid))
		return;
	pthread_mutex_lock(&p->r->lock);
	p->r->st.total_bytes += (uint64_t)st->st_blocks * 512;
	pthread_mutex_unlock(&p->r->lock);
}

/* ---- a NAMES frame being filled ---- */

struct batch {
	struct pass	*p;
	struct frame_out f;
	uint64_t	 dir;
	uint8_t		 root;
	uint8_t		 flags;
	uint8_t		 buckets[32];
	uint32_t	 count;
	bool		 open;
};

static void
batch_open(struct batch *b)
{
	resync_frame(b->p->r, &b->f, RF_NAMES, b->dir);
	frame_put_u8(&b->f, 0);
	frame_put_u8(&b->f, b->root);
	frame_put_raw(&b->f, b->buckets, sizeof(b->buckets));
	frame_put_u32(&b->f, 0);
	b->count = 0;
	b->open = true;
}

static int
batch_send(struct batch *b, uint8_t flags)
{
	uint8_t *at;
	unsigned i;

	if (!b->open)
		batch_open(b);
	at = b->f.buf + FRAME_HEADER_LEN + WIRE_COMMON_LEN;
	at[0] = b->flags | flags;
	at = b->f.buf + NAMES_HEAD;
	for (i = 0; i < 4; i++)
		at[i] = (uint8_t)(b->count >> (24 - 8 * i));
	b->open = false;
	pthread_mutex_lock(&b->p->r->lock);
	b->p->r->st.names += b->count;
	pthread_mutex_unlock(&b->p->r->lock);
	return resync_send(b->p->r, &b->f);
}

static int
batch_add(struct batch *b, const char *name, uint64_t oid, uint32_t mode)
{
	if (!b->open)
		batch_open(b);
	frame_put_str(&b->f, name);
	frame_put_u64(&b->f, oid);
	frame_put_u32(&b->f, mode);
	b->count++;
	return b->f.len > NAMES_FULL ? batch_send(b, 0) : 0;
}

/*
 * What stands at a name; an object without an id gets one.  Under the freeze
 * no change can begin, so it is stored as owed by itself.
 */
static int
look(struct pass *p, uint64_t dir, const char *name, uint64_t *oid,
    struct stat *st)
{
	struct resync *r = p->r;
	struct dirtyset *more;
	int rc;

	rc = object_lookup(r->conf.objects, dir, name, false, oid, st);
	if (rc != -ENODATA)
		return rc;
	if (!mono_is_set(r->deadline))
		return change_found(r->conf.change, r->conf.objects, dir,
		    name, true, oid, st);
	rc = object_lookup(r->conf.objects, dir, name, true, oid, st);
	if (rc != 0)
		return rc;
	more = dirtyset_new();
	dirtyset_name(more, dir, name);
	dirtyset_whole(more, *oid);
	rc = change_owe(r->conf.change, more);
	dirtyset_free(more);
	return rc;
}

/* One name as it is now.  Of a socket the name travels, as with the stream:
 * who renames or removes it later must find it on both. */
static int
add_name(struct batch *b, const char *name, bool absent_too, bool deep)
{
	struct stat st;
	uint64_t oid;
	int rc;

	rc = look(b->p, b->dir, name, &oid, &st);
	if (rc != 0)
		return absent_too ? batch_add(b, name, 0, 0) : 0;
	consider(b->p, oid, &st, deep, false);
	return batch_add(b, name, oid, st.st_mode);
}

/* The root's number for the other node; none when the directory is gone. */
static uint8_t
root_of(struct pass *p, uint64_t dir)
{
	struct stat st;
	int root = object_root(p->r->conf.objects, dir);

	if (root < 0 || resync_stat(p->r, dir, &st) != 0 ||
	    !S_ISDIR(st.st_mode))
		return RB_ROOT_NONE;
	return (uint8_t)root;
}

static DIR *
open_dir(struct resync *r, uint64_t dir)
{
	int fd, own;
	DIR *d;

	fd = object_fd(r->conf.objects, dir, O_RDONLY);
	if (fd < 0)
		return NULL;
	own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	object_fd_done(r->conf.objects, dir, fd);
	if (own == -1)
		return NULL;
	d = fdopendir(own);
	if (d == NULL)
		(void)close(own); /* nothing was done with it */
	return d;
}

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool
in_buckets(const uint8_t *buckets, const char *name)
{
	unsigned n = dirty_bucket(name);

	return (buckets[n / 8] & 1u << (n & 7)) != 0;
}

/* All names of a directory, or those of some buckets.  One that is gone has
 * none: what the target has there is put aside. */
static int
send_dir(struct pass *p, uint64_t dir, const uint8_t *buckets, bool deep)
{
	struct batch b = { .p = p, .dir = dir, .flags = NAMES_BUCKETS };
	struct dirent *e;
	int rc = 0;
	DIR *d;

	b.root = root_of(p, dir);
	if (buckets != NULL)
		memcpy(b.buckets, buckets, sizeof(b.buckets));
	else
		memset(b.buckets, 0xff, sizeof(b.buckets));
	d = b.root == RB_ROOT_NONE ? NULL : open_dir(p->r, dir);
	while (rc == 0 && d != NULL && (e = readdir(d)) != NULL)
		if (!is_dot(e->d_name) && in_buckets(b.buckets, e->d_name))
			rc = add_name(&b, e->d_name, false, deep);
	if (d != NULL)
		(void)closedir(d); /* it was read only */
	return rc == 0 ? batch_send(&b, NAMES_LAST) : -1;
}

static int
names_item(const struct dirty_item *it, void *arg)
{
	struct pass *p = arg;
	struct batch b = { .p = p, .dir = it->oid };
	struct stat st;
	unsigned i;
	int rc = 0;

	if (it->all_names || (it->whole &&
	    resync_stat(p->r, it->oid, &st) == 0 && S_ISDIR(st.st_mode)))
		return send_dir(p, it->oid, NULL, false);
	if (it->buckets != NULL)
		rc = send_dir(p, it->oid, it->buckets, false);
	if (it->name_count == 0 || rc != 0)
		return rc;
	b.root = root_of(p, it->oid);
	for (i = 0; rc == 0 && i < it->name_count; i++)
		rc = b.root == RB_ROOT_NONE ?
		    batch_add(&b, it->name[i], 0, 0) :
		    add_name(&b, it->name[i], true, false);
	return rc == 0 ? batch_send(&b, NAMES_LAST) : -1;
}

/* Takes the answers: which ids the target lacks at a name. */
static void
note_missing(struct pass *p)
{
	struct resync *r = p->r;
	size_t i;

	pthread_mutex_lock(&r->lock);
	for (i = 0; i < r->missing_count; i++)
		if (r->missing[i].oid != 0)
			(void)oidset_add(&p->missing, r->missing[i].oid);
	pthread_mutex_unlock(&r->lock);
}

/*
 * Walks what is due, a level at a time.  A subdirectory that is missing at
 * its name waits: it is made anew and listed then, or it is elsewhere at the
 * target and walked once it is in its place.
 */
static int
walk(struct pass *p)
{
	uint64_t *level;
	size_t i, n;
	int rc = 0;

	while (rc == 0 && (p->walk_count > 0 || p->next_count > 0)) {
		if (resync_barrier(p->r, false) == -1)
			return -1;
		note_missing(p);
		for (i = 0; i < p->next_count; i++)
			if (oidset_has(&p->missing, p->next[i]))
				(void)oidset_add(&p->deferred, p->next[i]);
			else
				push(&p->walk, &p->walk_count, &p->walk_room,
				    p->next[i]);
		p->next_count = 0;
		level = p->walk;
		n = p->walk_count;
		p->walk = NULL;
		p->walk_count = p->walk_room = 0;
		for (i = 0; rc == 0 && i < n; i++)
			rc = send_dir(p, level[i], NULL, true);
		free(level);
	}
	return rc;
}

/* ---- linking ---- */

static int
send_link(struct pass *p, uint64_t dir, const char *name, bool in_new)
{
	struct objects *o = p->r->conf.objects;
	char target[4096];
	struct frame_out f;
	ssize_t len = 0;
	struct stat st;
	uint64_t oid;
	int fd;

	/* Gone, or another one meanwhile: then it is in the next set. */
	if (look(p, dir, name, &oid, &st) != 0 ||
	    !oidset_has(&p->owed, oid))
		return 0;
	if (in_new)
		consider(p, oid, &st, false, true);
	if (S_ISLNK(st.st_mode)) {
		fd = object_fd(o, oid, O_PATH);
		if (fd < 0)
			return 0;
		len = readlinkat(fd, "", target, sizeof(target));
		object_fd_done(o, oid, fd);
		if (len == -1)
			return 0;
	}
	resync_frame(p->r, &f, RF_LINK, dir);
	frame_put_str(&f, name);
	frame_put_u64(&f, oid);
	frame_put_u8(&f, root_of(p, dir));
	frame_put_u32(&f, st.st_mode);
	frame_put_u32(&f, st.st_uid);
	frame_put_u32(&f, st.st_gid);
	frame_put_u32(&f, (uint32_t)st.st_rdev);
	frame_put_bytes(&f, target, (size_t)len);
	return resync_send(p->r, &f);
}

/*
 * Before the target makes or adopts an object, the source owes it whole,
 * durably: cut short between, the name would be right at the next look, and
 * nobody would know that the rest was never sent.
 */
static int
owe(struct pass *p, const struct dirtyset *set)
{
	int rc = 0;

	if (!dirtyset_is_empty(set))
		rc = change_owe(p->r->conf.change, set);
	if (rc != 0)
		resync_fail(p->r, "dirty log: %s", strerror(-rc));
	return rc == 0 ? 0 : -1;
}

static void
owe_names(struct pass *p, uint64_t dir, struct dirtyset *set)
{
	struct dirent *e;
	struct stat st;
	uint64_t oid;
	DIR *d;

	d = open_dir(p->r, dir);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (!is_dot(e->d_name) &&
		    look(p, dir, e->d_name, &oid, &st) == 0 &&
		    oidset_add(&p->owed, oid))
			dirtyset_whole(set, oid);
	if (d != NULL)
		(void)closedir(d); /* it was read only */
}

/* A directory the target just made: everything in it is linked.  What comes
 * into it after owe_names() is a change of its own, and noted. */
static int
link_all(struct pass *p, uint64_t dir)
{
	struct dirent *e;
	int rc = 0;
	DIR *d;

	d = open_dir(p->r, dir);
	while (rc == 0 && d != NULL && (e = readdir(d)) != NULL)
		if (!is_dot(e->d_name))
			rc = send_link(p, dir, e->d_name, true);
	if (d != NULL)
		(void)closedir(d); /* it was read only */
	return rc;
}

static int
link_missing(struct pass *p)
{
	struct dirtyset *set = dirtyset_new();
	struct resync *r = p->r;
	struct missing *list;
	size_t i, n;
	int rc;

	pthread_mutex_lock(&r->lock);
	list = r->missing;
	n = r->missing_count;
	r->missing = NULL;
	r->missing_count = r->missing_room = 0;
	pthread_mutex_unlock(&r->lock);
	for (i = 0; i < n; i++)
		if (list[i].oid != 0 && oidset_add(&p->owed, list[i].oid))
			dirtyset_whole(set, list[i].oid);
	rc = owe(p, set);
	dirtyset_free(set);
	for (i = 0; i < n; i++) {
		if (rc == 0)
			rc = send_link(p, list[i].dir, list[i].name, false);
		free(list[i].name);
	}
	free(list);
	return rc;
}

/*
 * The operator said of when the target's copy is (secondforce -d).  What has
 * been changed here since has a newer ctime, whatever was made of its mtime.
 */
static bool
is_trusted(struct resync *r, const struct fresh *n)
{
	struct stat st;

	if (n->since_s == 0 || resync_stat(r, n->oid, &st) != 0 ||
	    (uint64_t)st.st_size != n->size ||
	    st.st_mtim.tv_sec != n->mtime.tv_sec ||
	    st.st_mtim.tv_nsec != n->mtime.tv_nsec ||
	    st.st_mtim.tv_sec >= n->since_s || st.st_ctim.tv_sec >= n->since_s)
		return false;
	pthread_mutex_lock(&r->lock);
	r->st.trusted++;
	/* As consider() counted it. */
	r->st.done_bytes += (uint64_t)st.st_blocks * 512;
	pthread_mutex_unlock(&r->lock);
	return true;
}

/* What the target made or adopted since the last look. */
static int
take_fresh(struct pass *p, bool *any)
{
	struct dirtyset *set = dirtyset_new();
	struct resync *r = p->r;
	struct fresh *list;
	size_t i, n;
	int rc;

	pthread_mutex_lock(&r->lock);
	list = r->fresh;
	n = r->fresh_count;
	r->fresh = NULL;
	r->fresh_count = r->fresh_room = 0;
	pthread_mutex_unlock(&r->lock);
	for (i = 0; i < n; i++)
		if (S_ISDIR(list[i].mode) && list[i].made)
			owe_names(p, list[i].oid, set);
	rc = owe(p, set);
	dirtyset_free(set);
	for (i = 0; rc == 0 && i < n; i++) {
		if (list[i].oid == 0)
			continue;
		(void)oidset_add(&p->attr, list[i].oid);
		(void)oidset_add(&p->seen, list[i].oid);
		if (S_ISREG(list[i].mode))
			(void)oidset_add(list[i].made ? &p->fresh :
			    is_trusted(p->r, &list[i]) ? &p->trusted :
			    &p->compare, list[i].oid);
		if (!S_ISDIR(list[i].mode))
			continue;
		if (list[i].made) {
			(void)oidset_add(&p->fresh, list[i].oid);
			rc = link_all(p, list[i].oid);
		} else
			push(&p->walk, &p->walk_count, &p->walk_room,
			    list[i].oid);
	}
	*any = n > 0;
	free(list);
	return rc;
}

/* Directories that were elsewhere at the target are in their place now. */
static void
take_deferred(struct pass *p)
{
	uint64_t *list = oidset_list(&p->deferred);
	size_t i;

	for (i = 0; i < p->deferred.count; i++)
		if (!oidset_has(&p->fresh, list[i]))
			push(&p->walk, &p->walk_count, &p->walk_room, list[i]);
	free(list);
	oidset_fini(&p->deferred);
	oidset_fini(&p->missing);
}

int
resync_names(struct pass *p)
{
	struct resync *r = p->r;
	bool any;
	unsigned i;

	if (dirtyset_is_all(p->set)) {
		oidset_fini(&p->seen);
		p->full = true;
		for (i = 1; i <= r->conf.root_count; i++) {
			(void)oidset_add(&p->seen, i);
			(void)oidset_add(&p->attr, i);
			push(&p->walk, &p->walk_count, &p->walk_room, i);
		}
	} else if (dirtyset_walk(p->set, names_item, p) != 0)
		return -1;
	do {
		if (walk(p) == -1 || resync_barrier(r, false) == -1)
			return -1;
		note_missing(p);
		fail_point(38);
		if (link_missing(p) == -1)
			return -1;
		do {
			if (resync_barrier(r, false) == -1 ||
			    take_fresh(p, &any) == -1)
				return -1;
		} while (any);
		take_deferred(p);
	} while (p->walk_count > 0 || p->next_count > 0 ||
	    r->missing_count > 0);
	return 0;
}
