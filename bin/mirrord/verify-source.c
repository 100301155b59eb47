/* SPDX-License-Identifier: ISC */
/*
 * The primary's thread: walks the tree, says what it sees in groups, and
 * after each group settles what the second suspects (verify.h).  It waits for
 * nothing while it holds an object's lock: where the stream has no room it
 * lets go and tries again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#include "verify-walk.h"

#define GROUP_BYTES	(16u * 1024 * 1024)
/* One HOLE; a barrier follows, so that what it may raise stays small. */
#define HOLE_LEN	(8ull << 30)
/* What an object costs beside its data, for the throttle. */
#define OBJECT_COST	16384u

static int
say(struct walk *w, struct verify_frame *f)
{
	f->run = w->v->run;
	return verify_send(w->v, f, w->buf, FRAME_MAX_LEN);
}

/* The second has looked at all that was said; then its suspicions. */
static int
barrier(struct walk *w)
{
	struct verify *v = w->v;
	struct verify_frame f = { .type = VF_BARRIER };
	bool stop;

	pthread_mutex_lock(&v->lock);
	f.number = ++v->barrier;
	pthread_mutex_unlock(&v->lock);
	if (say(w, &f) == -1)
		return -1;
	pthread_mutex_lock(&v->lock);
	while (!v->stop && v->barrier_done < f.number)
		pthread_cond_wait(&v->cond, &v->lock);
	stop = v->stop;
	pthread_mutex_unlock(&v->lock);
	w->group_bytes = 0;
	return stop ? -1 : verify_settle(w);
}

/* ---- looks ---- */

static void
count(struct walk *w, uint64_t objects, uint64_t bytes)
{
	pthread_mutex_lock(&w->v->lock);
	w->v->res.objects += objects;
	w->v->res.bytes += bytes;
	pthread_mutex_unlock(&w->v->lock);
}

static void
suspect_own(struct walk *w, uint8_t kind, uint64_t oid, uint64_t off,
    uint64_t len)
{
	pthread_mutex_lock(&w->v->lock);
	verify_suspect(w->v, kind, oid, NULL, off, len);
	pthread_mutex_unlock(&w->v->lock);
}

/* Up to VB_BLOCKS blocks; the bytes that were there, -1: it is to end. */
static int64_t
look_data(struct walk *w, const struct item *it, int fd, uint64_t off,
    uint64_t end)
{
	uint8_t hash[VB_BLOCKS * VB_HASH_LEN];
	struct verify_frame f = { .type = VF_DATA, .oid = it->oid,
	    .off = off, .bytes = hash };
	ssize_t n = VB_BLOCK;

	while (n == VB_BLOCK && f.len < VB_BLOCKS * VB_BLOCK &&
	    off + f.len < end) {
		n = verify_look_block(fd, off + f.len, VB_BLOCK, &w->room,
		    hash + f.bytes_len, false);
		if (n < 0)
			break;
		f.len += (uint64_t)n;
		f.bytes_len += n > 0 ? VB_HASH_LEN : 0;
	}
	if (f.len > 0 && say(w, &f) == -1)
		return -1;
	count(w, 0, f.len);
	w->group_bytes += f.len;
	if (n < 0) {
		suspect_own(w, VK_DATA, it->oid, off + f.len, VB_BLOCK);
		f.len += VB_BLOCK;
	}
	if (verify_throttle(w, f.len) == -1)
		return -1;
	return (int64_t)f.len;
}

static int
look_hole(struct walk *w, const struct item *it, uint64_t off, uint64_t end)
{
	struct verify_frame f = { .type = VF_HOLE, .oid = it->oid };
	int rc = 0;

	for (; rc == 0 && off < end; off += f.len) {
		f.off = off;
		f.len = end - off < HOLE_LEN ? end - off : HOLE_LEN;
		rc = say(w, &f);
		if (rc == 0 && f.len == HOLE_LEN)
			rc = barrier(w);
		if (it->blocks > BLOCKS_ENOUGH)
			break;
	}
	return rc;
}

/*
 * Where data is at or after off, in whole blocks.  The hole behind it is
 * looked for from the data itself: our block may begin in one.
 */
static uint64_t
next_data(int fd, uint64_t off, uint64_t size, uint64_t *end)
{
	off_t at = lseek(fd, (off_t)off, SEEK_DATA), hole;
	uint64_t data;

	*end = size;
	if (at == -1)
		return errno == ENXIO ? size : off;
	data = (uint64_t)at - (uint64_t)at % VB_BLOCK;
	hole = lseek(fd, at, SEEK_HOLE);
	if (hole > at)
		*end = (uint64_t)hole + (VB_BLOCK - (uint64_t)hole %
		    VB_BLOCK) % VB_BLOCK;
	if (*end > size)
		*end = size;
	return data < off ? off : data;
}

static int
look_file(struct walk *w, struct item *it, uint64_t size)
{
	uint64_t off = 0, data, end;
	int64_t n = 0;
	int fd, rc = 0;

	fd = object_fd(w->o, it->oid, O_RDONLY);
	if (fd < 0)
		return 0;	/* gone meanwhile */
	while (rc == 0 && off < size && it->blocks <= BLOCKS_ENOUGH) {
		data = next_data(fd, off, size, &end);
		if (data > off)
			rc = look_hole(w, it, off, data);
		for (off = data; rc == 0 && off < end; off += (uint64_t)n) {
			n = look_data(w, it, fd, off, end);
			if (n == 0)
				break;
			if (n < 0 || (w->group_bytes >= GROUP_BYTES &&
			    barrier(w) == -1))
				rc = -1;
			if (it->blocks > BLOCKS_ENOUGH)
				break;
		}
		if (n == 0 && off < end)
			break;	/* it became shorter */
	}
	object_fd_done(w->o, it->oid, fd);
	return rc;
}

/* Attributes, and the data of what has some. */
static int
look_item(struct walk *w, struct item *it)
{
	struct verify_frame f = { .type = VF_ATTR, .oid = it->oid };
	int rc;

	rc = verify_look_attr(w->o, it->oid, &w->room, &f.attr);
	if (rc == -ESTALE || rc == -ENOENT)
		return 0;
	if (rc != 0) {
		suspect_own(w, VK_ATTR, it->oid, 0, 0);
		return 0;
	}
	if (say(w, &f) == -1 || verify_throttle(w, OBJECT_COST) == -1)
		return -1;
	count(w, 1, 0);
	return S_ISREG(f.attr.mode) ? look_file(w, it, f.attr.size) : 0;
}

static void
push(struct walk *w, uint64_t oid, const char *path)
{
	if (w->stack_count == w->stack_room) {
		w->stack_room = w->stack_room * 2 + 64;
		w->stack = xrealloc(w->stack, w->stack_room,
		    sizeof(*w->stack));
	}
	w->stack[w->stack_count++] = (struct place){ oid, xstrdup(path) };
}

static void
forget_group(struct walk *w)
{
	unsigned i;

	for (i = 0; i < w->count; i++)
		free(w->item[i].path);
	w->count = 0;
}

/* What was collected of a directory: said, compared, settled. */
static int
end_group(struct walk *w, struct frame_out *list)
{
	struct verify_frame f = { .type = VF_NAMES, .oid = w->dir.oid,
	    .bytes = list->buf, .bytes_len = list->len };
	struct item *it;
	unsigned i;
	int rc = 0;

	if (list->len > 0)
		rc = say(w, &f);
	list->len = 0;
	for (i = 0; rc == 0 && i < w->count; i++)
		rc = look_item(w, &w->item[i]);
	if (rc == 0)
		rc = barrier(w);
	for (i = 0; rc == 0 && i < w->count; i++) {
		it = &w->item[i];
		if (it->blocks > BLOCKS_ENOUGH)
			verify_found(w, &(struct suspect){ .kind = VK_ATTR,
			    .oid = it->oid }, VD_DATA | VD_MORE);
		if (S_ISDIR(it->mode) && !it->skip)
			push(w, it->oid, it->path);
	}
	forget_group(w);
	return rc;
}

static int
add_name(struct walk *w, struct frame_out *list, const char *name)
{
	struct verify *v = w->v;
	struct item *it;
	struct stat st;
	uint64_t oid;
	int rc;

	rc = object_lookup(w->o, w->dir.oid, name, false, &oid, &st);
	if (rc == -ENODATA) {
		pthread_mutex_lock(&v->lock);
		verify_suspect(v, VK_NAME, w->dir.oid, name, 0, 0);
		pthread_mutex_unlock(&v->lock);
	}
	if (rc != 0)
		return 0;
	(void)verify_list_add(list, name, oid, st.st_mode & S_IFMT);
	/* Its names are compared each, itself once. */
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1 &&
	    !oidset_add(&w->seen, oid))
		return 0;
	it = &w->item[w->count++];
	*it = (struct item){ .oid = oid, .dir = w->dir.oid,
	    .mode = st.st_mode,
	    .path = xasprintf("%s/%s", w->dir.path, name) };
	return 0;
}

static DIR *
open_dir(struct walk *w)
{
	int fd, own;
	DIR *d;

	fd = object_fd(w->o, w->dir.oid, O_RDONLY);
	if (fd < 0)
		return NULL;
	own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	object_fd_done(w->o, w->dir.oid, fd);
	d = own == -1 ? NULL : fdopendir(own);
	if (d == NULL && own != -1)
		(void)close(own);	/* nothing was done with it */
	return d;
}

/* What else the second has in it. */
static int
end_dir(struct walk *w)
{
	struct verify_frame f = { .type = VF_DIR, .oid = w->dir.oid };
	struct verify *v = w->v;
	bool more;

	if (say(w, &f) == -1 || barrier(w) == -1)
		return -1;
	pthread_mutex_lock(&v->lock);
	more = v->more;
	v->more = false;
	pthread_mutex_unlock(&v->lock);
	if (more)
		verify_found(w, &(struct suspect){ .kind = VK_ATTR,
		    .oid = w->dir.oid }, VD_EXTRA | VD_MORE);
	return 0;
}

static int
look_dir(struct walk *w)
{
	struct frame_out list = { .buf = w->list, .size = VB_LIST_MAX };
	struct dirent *e;
	unsigned names = 0;
	int rc = 0;
	DIR *d;

	d = open_dir(w);
	if (d == NULL)
		return 0;	/* gone meanwhile, or its lines say it */
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		rc = add_name(w, &list, e->d_name);
		if (rc == 0 && (++names % GROUP_ITEMS == 0 ||
		    w->count == GROUP_ITEMS))
			rc = end_group(w, &list);
	}
	(void)closedir(d);	/* it was read only */
	if (rc == 0)
		rc = end_group(w, &list);
	return rc == 0 ? end_dir(w) : rc;
}

static int
walk_all(struct walk *w)
{
	struct verify_frame f = { .type = VF_BEGIN };
	struct frame_out none = { 0 };
	unsigned i;
	int rc;

	rc = say(w, &f);
	for (i = 0; rc == 0 && i < w->v->conf.dir_count; i++) {
		push(w, i + 1, w->v->conf.dir[i]);
		/* The root itself. */
		w->item[w->count++] = (struct item){ .oid = i + 1,
		    .path = xstrdup(w->v->conf.dir[i]) };
		rc = end_group(w, &none);
		while (rc == 0 && w->stack_count > 0) {
			w->dir = w->stack[--w->stack_count];
			rc = look_dir(w);
			free(w->dir.path);
			w->dir.path = NULL;
		}
	}
	return rc;
}

/* ---- the end ---- */

static void
end(struct walk *w, int rc)
{
	struct verify *v = w->v;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&v->lock);
	v->res.end_s = now.tv_sec;
	if (rc == 0)
		v->res.state = v->res.differences > 0 ? VS_DIFFERS :
		    VS_CLEAN;
	else
		v->res.state = v->stop ? v->how : VS_BROKEN;
	if (rc != 0 && v->res.why[0] == '\0')
		snprintf(v->res.why, sizeof(v->res.why),
		    "the connection was lost");
	log_info("verify: %s%s%s: %llu objects, %llu bytes, %llu differences,"
	    " %llu statements", verify_state_str(v->res.state),
	    v->res.why[0] != '\0' ? ", " : "", v->res.why,
	    (unsigned long long)v->res.objects,
	    (unsigned long long)v->res.bytes,
	    (unsigned long long)v->res.differences,
	    (unsigned long long)v->statements);
	verify_forget_suspects(v);
	pthread_mutex_unlock(&v->lock);
	/* Nobody else writes it as long as it runs. */
	if (v->conf.state_fd != -1 &&
	    verify_list_save(v->conf.state_fd, &v->res) != 0)
		log_warnx("verify: the result cannot be stored");
	verify_tell(v);
	pthread_mutex_lock(&v->lock);
	v->running = false;
	pthread_mutex_unlock(&v->lock);
	v->conf.on_change(v->conf.arg);
}

void *
verify_source_main(void *arg)
{
	struct walk *w = xcalloc(1, sizeof(*w));
	int rc;

	w->v = arg;
	w->o = w->v->objects;
	verify_idle_thread();
	/* A successor is to say that it did not come to its end. */
	if (w->v->conf.state_fd != -1)
		(void)verify_list_save(w->v->conf.state_fd, &w->v->res);
	rc = verify_room_init(&w->room);
	w->buf = xcalloc(1, FRAME_MAX_LEN);
	w->list = xcalloc(1, VB_LIST_MAX);
	if (rc == 0)
		rc = walk_all(w);
	end(w, rc);
	forget_group(w);
	while (w->stack_count > 0)
		free(w->stack[--w->stack_count].path);
	free(w->dir.path);
	free(w->stack);
	oidset_fini(&w->seen);
	verify_room_fini(&w->room);
	free(w->list);
	free(w->buf);
	free(w);
	return NULL;
}
