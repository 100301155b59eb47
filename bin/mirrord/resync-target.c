/* SPDX-License-Identifier: ISC */
/*
 * The target: obeys the source's frames on the thread that brings them.
 * Decides nothing but what is equal already.  Before its first change it is
 * durably the target of the source's generation, and not level; only the
 * join makes it level.  What it cannot put right yet it hands back (RETRY);
 * what its file system refuses ends the resync (FAIL).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fail.h"
#include "object-local.h"
#include "resync-int.h"
#include "store.h"
#include "xalloc.h"

#define SLOTS_A_FRAME	2000u

static void
names_forget(struct resync *r)
{
	while (r->acc_count > 0)
		free(r->acc[--r->acc_count]);
	r->acc_dir = 0;
}

void
resync_target_fini(struct resync *r)
{
	names_forget(r);
	free(r->acc);
	r->acc = NULL;
	r->acc_room = 0;
	while (r->doomed_count > 0)
		free(r->doomed[--r->doomed_count]);
	free(r->doomed);
	r->doomed = NULL;
}

bool
resync_is_fatal(int err)
{
	switch (err < 0 ? -err : err) {
	case ENOSPC:
	case EDQUOT:
	case EIO:
	case EROFS:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EPERM:
	case EACCES:
	case EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

int
resync_refuse(struct resync *r, const char *what, int err)
{
	uint8_t buf[256];
	struct frame_out f;
	char why[128];

	snprintf(why, sizeof(why), "%s: %s", what,
	    strerror(err < 0 ? -err : err));
	wire_begin(&f, buf, sizeof(buf), RF_FAIL, 0);
	frame_put_str(&f, why);
	(void)resync_send(r, &f); /* the connection is closed anyway */
	resync_fail(r, "%s", why);
	return -1;
}

/* Its own buffer: an answer may be half built in the common one. */
void
resync_reply_retry(struct resync *r, uint64_t dir, const char *name)
{
	uint8_t buf[512];
	struct frame_out f;

	wire_begin(&f, buf, sizeof(buf), RF_RETRY, dir);
	frame_put_str(&f, name);
	(void)resync_send(r, &f); /* a lost connection starts anew */
}

/* ---- handshake ---- */

static int
send_list(struct resync *r, const struct actlog_slot *slot, unsigned count)
{
	struct frame_out f;
	unsigned i, k, n;
	int rc = 0;

	for (i = 0; rc == 0 && i < count; i += n) {
		n = count - i < SLOTS_A_FRAME ? count - i : SLOTS_A_FRAME;
		resync_frame(r, &f, RF_SLOTS, 0);
		frame_put_u16(&f, (uint16_t)n);
		for (k = i; k < i + n; k++) {
			frame_put_u8(&f, (uint8_t)slot[k].kind);
			frame_put_u64(&f, slot[k].oid);
			frame_put_u64(&f, slot[k].extent);
		}
		rc = resync_send(r, &f);
	}
	return rc;
}

/* What a crash left hot here, and what others edited: it is compared. */
static int
send_slots(struct resync *r)
{
	struct actlog_slot *slot;
	bool all = false;
	struct frame_out f;
	unsigned count;
	struct gen g;
	int rc;

	slot = actlog_list(r->conf.actlog, &count);
	rc = send_list(r, slot, count);
	free(slot);
	if (rc == 0 && r->meet.edits) {
		slot = resync_edits(r, &count, &all);
		rc = send_list(r, slot, count);
		free(slot);
	}
	gen_read(r->conf.gen, &g);
	resync_frame(r, &f, RF_SLOTS_END, 0);
	frame_put_u8(&f, g.dirty_all || all);
	return rc == 0 ? resync_send(r, &f) : -1;
}

static int
on_begin(struct resync *r, struct frame_in *f)
{
	const void *uuid = frame_get_raw(f, GEN_UUID_LEN);
	struct gen_uuid source;
	unsigned verdict;

	verdict = frame_get_u8(f);
	if (!frame_done(f) || r->begun)
		return -1;
	memcpy(source.byte, uuid, GEN_UUID_LEN);
	/* Not the generation both ends judged at the meeting. */
	if (!gen_uuid_equal(&source, &r->source.current))
		return -1;
	pthread_mutex_lock(&r->lock);
	r->st.phase = verdict == MV_FULL ? RP_FULL :
	    verdict == MV_EQUAL ? RP_ACTLOG : RP_INCREMENTAL;
	pthread_mutex_unlock(&r->lock);
	r->begun = true;
	return send_slots(r);
}

static void
become_target(struct gen *g, void *arg)
{
	gen_target(g, arg);
}

/* Our slots are the source's business now: first the flag, then they may
 * go.  The other way round a crash between would leave a level node with
 * remains nobody knows of. */
static int
on_kept(struct resync *r)
{
	struct frame_out f;
	int rc;

	if (!r->begun || r->changing)
		return -1;
	if (resync_aside_begin(r) == -1)
		return -1;
	if (gen_update(r->conf.gen, become_target, &r->source.current) == -1)
		return resync_refuse(r, "gen", errno);
	fail_point(36);
	fail_point(35);
	rc = r->conf.change != NULL ? change_reset(r->conf.change) :
	    actlog_reset(r->conf.actlog);
	if (rc != 0)
		return resync_refuse(r, "al", rc);
	r->changing = true;
	r->conf.on_event(RE_INCONSISTENT, r->conf.arg);
	resync_frame(r, &f, RF_TARGET, 0);
	return resync_send(r, &f);
}

/* ---- names ---- */

/* Ours at dir/name belongs elsewhere or nowhere: out of the way.  Foreign
 * objects may be adopted, so they stay until LINK. */
static int
check_name(struct resync *r, uint64_t dir, const char *name, uint64_t want,
    uint32_t mode, bool *lacking)
{
	struct stat st;
	uint64_t own = 0;
	int rc;

	rc = object_lookup(r->conf.objects, dir, name, false, &own, &st);
	if (rc == -ENOENT || rc == -ESTALE) {
		*lacking = want != 0;
		return 0;
	}
	if (rc == 0 && own == want && (st.st_mode & S_IFMT) == (mode & S_IFMT))
		return 0;
	if (rc != 0 && rc != -ENODATA)
		return rc;
	*lacking = want != 0;
	if (rc == -ENODATA && want != 0)
		return 0;
	return resync_stage(r, dir, name);
}

static void
acc_add(struct resync *r, const char *name)
{
	if (r->acc_count == r->acc_room) {
		r->acc_room = r->acc_room * 2 + 64;
		r->acc = xrealloc(r->acc, r->acc_room, sizeof(*r->acc));
	}
	r->acc[r->acc_count++] = xstrdup(name);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Nothing listed is no array either, which bsearch() may not be given. */
static bool
is_listed(const struct resync *r, const char *name)
{
	return r->acc_count > 0 && bsearch(&name, r->acc, r->acc_count,
	    sizeof(*r->acc), by_name) != NULL;
}

static DIR *
open_listing(struct resync *r, uint64_t dir)
{
	int fd, list;
	DIR *d;

	fd = object_fd(r->conf.objects, dir, O_PATH);
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	list = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	object_fd_done(r->conf.objects, dir, fd);
	d = list == -1 ? NULL : fdopendir(list);
	if (d == NULL && list != -1)
		(void)close(list);
	return d;
}

/* The names we have, in the buckets that were listed, and the source not. */
static int
stage_others(struct resync *r, uint64_t dir, const uint8_t *buckets)
{
	struct dirent *e;
	const char *name;
	unsigned n;
	int rc = 0;
	DIR *d;

	d = open_listing(r, dir);
	if (d == NULL) /* not here: nothing is in it */
		return errno == ENOENT || errno == ESTALE ? 0 : -errno;
	if (r->acc_count > 0)
		qsort(r->acc, r->acc_count, sizeof(*r->acc), by_name);
	while (rc == 0 && (e = readdir(d)) != NULL) {
		name = e->d_name;
		n = dirty_bucket(name);
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    (buckets[n / 8] & 1u << (n & 7)) == 0 ||
		    is_listed(r, name))
			continue;
		rc = resync_stage(r, dir, name);
	}
	(void)closedir(d); /* it was read only */
	return rc;
}

static int
on_names(struct resync *r, struct frame_in *f, uint64_t dir)
{
	unsigned flags = frame_get_u8(f), n, lacking = 0;
	const uint8_t *buckets;
	char name[OP_NAME_MAX + 1];
	struct frame_out out;
	uint8_t *at;
	int rc = 0;

	(void)frame_get_u8(f); /* the root matters when something is made */
	buckets = frame_get_raw(f, 32);
	n = frame_get_u32(f);
	if (dir != r->acc_dir)
		names_forget(r);
	r->acc_dir = dir;
	resync_frame(r, &out, RF_MISSING, dir);
	frame_put_u32(&out, 0);
	for (; rc == 0 && n > 0 && !f->bad; n--) {
		uint64_t want;
		uint32_t mode;
		bool lacks = false;

		(void)frame_get_str(f, name, sizeof(name)); /* f->bad tells */
		want = frame_get_u64(f);
		mode = frame_get_u32(f);
		if (f->bad)
			break;
		rc = check_name(r, dir, name, want, mode, &lacks);
		if ((flags & NAMES_BUCKETS) != 0)
			acc_add(r, name);
		if (rc != 0 && !resync_is_fatal(rc)) {
			resync_reply_retry(r, dir, name);
			rc = 0;
		}
		if (!lacks)
			continue;
		lacking++;
		frame_put_str(&out, name);
		frame_put_u64(&out, want);
		if (out.len < 60 * 1024)
			continue;
		at = out.buf + FRAME_HEADER_LEN + WIRE_COMMON_LEN;
		at[2] = (uint8_t)(lacking >> 8);
		at[3] = (uint8_t)lacking;
		if (resync_send(r, &out) == -1)
			return -1;
		lacking = 0;
		resync_frame(r, &out, RF_MISSING, dir);
		frame_put_u32(&out, 0);
	}
	if (rc != 0)
		return resync_refuse(r, "names", rc);
	if (!frame_done(f))
		return -1;
	at = out.buf + FRAME_HEADER_LEN + WIRE_COMMON_LEN;
	at[2] = (uint8_t)(lacking >> 8);
	at[3] = (uint8_t)lacking;
	if (lacking > 0 && resync_send(r, &out) == -1)
		return -1;
	if ((flags & NAMES_LAST) == 0)
		return 0;
	if ((flags & NAMES_BUCKETS) != 0)
		rc = stage_others(r, dir, buckets);
	names_forget(r);
	fail_point(37);
	return rc == 0 ? 0 : resync_refuse(r, "names", rc);
}

/* ---- links ---- */

struct link {
	char		 name[OP_NAME_MAX + 1];
	uint64_t	 dir;
	uint64_t	 obj;
	unsigned	 root;
	uint32_t	 mode, uid, gid, rdev;
	const void	*target;
	size_t		 target_len;
};

static int
reply_need(struct resync *r, const struct link *l, const struct stat *adopted)
{
	struct frame_out f;

	resync_frame(r, &f, RF_NEED, l->obj);
	frame_put_u32(&f, l->mode);
	if (adopted == NULL)
		frame_put_u8(&f, NEED_MADE);
	else if (r->meet.since_s == 0 || !S_ISREG(adopted->st_mode))
		frame_put_u8(&f, 0);
	else {
		frame_put_u8(&f, NEED_TIMES);
		frame_put_i64(&f, r->meet.since_s);
		frame_put_u64(&f, (uint64_t)adopted->st_size);
		frame_put_i64(&f, adopted->st_mtim.tv_sec);
		frame_put_u32(&f, (uint32_t)adopted->st_mtim.tv_nsec);
	}
	return resync_send(r, &f) == 0 ? 0 : -ENOTCONN;
}

static int
make(struct resync *r, const struct link *l)
{
	struct op op = { .dir = l->dir, .obj = l->obj, .mode = l->mode,
	    .uid = l->uid, .gid = l->gid, .rdev = l->rdev,
	    .data = l->target, .data_len = l->target_len };
	int rc;

	snprintf(op.name, sizeof(op.name), "%s", l->name);
	switch (l->mode & S_IFMT) {
	case S_IFREG:
		op.type = OP_CREATE;
		break;
	case S_IFDIR:
		op.type = OP_MKDIR;
		break;
	case S_IFLNK:
		op.type = OP_SYMLINK;
		break;
	default:
		op.type = OP_MKNOD;
		break;
	}
	rc = store_exec(r->conf.objects, &op, NULL);
	return rc == 0 ? reply_need(r, l, NULL) : rc;
}

/* A foreign object at the right place and of the right type is taken for
 * what the source has there, and compared (rule R29: identity by path). */
static int
adopt(struct resync *r, const struct link *l)
{
	struct stat st, other;
	int fd, rc;

	fd = object_fd(r->conf.objects, l->dir, O_PATH);
	if (fd < 0)
		return fd;
	rc = fstatat(fd, l->name, &st, AT_SYMLINK_NOFOLLOW);
	object_fd_done(r->conf.objects, l->dir, fd);
	if (rc == -1)
		return -errno;
	if ((st.st_mode & S_IFMT) != (l->mode & S_IFMT) ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) ||
	    (S_ISREG(st.st_mode) && st.st_nlink - aside_links(r->aside,
	    (unsigned)object_root(r->conf.objects, l->dir), st.st_ino) != 1) ||
	    resync_stat(r, l->obj, &other) != -ESTALE)
		return -EEXIST;
	object_forget(r->conf.objects, l->obj);
	rc = object_bind(r->conf.objects, l->dir, l->name, l->obj);
	return rc == 0 ? reply_need(r, l, &st) : rc;
}

/* Ours has the id and is another kind of thing: the id is not its own.  It
 * goes on as a foreign object, and is staged where it stands. */
static int
disown(struct resync *r, uint64_t oid)
{
	char path[OBJECT_PROC_LEN];
	int fd, rc = 0;

	fd = object_fd(r->conf.objects, oid, O_PATH);
	if (fd < 0)
		return fd;
	if (removexattr(object_proc_path(path, fd), OID_XATTR) == -1)
		rc = -errno;
	object_fd_done(r->conf.objects, oid, fd);
	return rc;
}

static int
link_known(struct resync *r, const struct link *l, const struct stat *st)
{
	struct op op = { .type = OP_LINK, .dir = l->dir, .obj = l->obj };

	if (S_ISDIR(st->st_mode))
		return resync_relocate(r, l->dir, l->name, l->obj);
	snprintf(op.name, sizeof(op.name), "%s", l->name);
	return store_exec(r->conf.objects, &op, NULL);
}

/* A directory where this node has a file that is left out. */
static void
make_way(struct resync *r, const struct link *l)
{
	struct op op = { .type = OP_MKDIR, .dir = l->dir };

	if (!S_ISDIR(l->mode))
		return;
	snprintf(op.name, sizeof(op.name), "%s", l->name);
	(void)object_make_way(r->conf.objects, &op); /* else it is EEXIST */
}

static int
do_link(struct resync *r, const struct link *l)
{
	struct objects *o = r->conf.objects;
	struct stat st;
	uint64_t own;
	int rc;

	if (resync_stat(r, l->dir, &st) == -ESTALE) {
		rc = l->root == RB_ROOT_NONE ? -ESTALE :
		    resync_placeholder(r, l->dir, l->root);
		if (rc != 0)
			return rc;
	}
	rc = object_lookup(o, l->dir, l->name, false, &own, &st);
	if (rc == 0 && own == l->obj)
		return 0;
	if (rc == -ENODATA) {
		rc = adopt(r, l);
		if (rc != -EEXIST)
			return rc;
	}
	if (rc != -ENOENT && (rc = resync_stage(r, l->dir, l->name)) != 0)
		return rc;
	make_way(r, l);
	rc = resync_stat(r, l->obj, &st);
	if (rc == 0 && (st.st_mode & S_IFMT) == (l->mode & S_IFMT))
		return link_known(r, l, &st);
	if (rc == 0)
		rc = disown(r, l->obj);
	if (rc != 0 && rc != -ESTALE)
		return rc;
	object_forget(o, l->obj);
	return make(r, l);
}

static int
on_link(struct resync *r, struct frame_in *f, uint64_t dir)
{
	struct link l = { .dir = dir };
	int rc;

	(void)frame_get_str(f, l.name, sizeof(l.name)); /* f->bad tells */
	l.obj = frame_get_u64(f);
	l.root = frame_get_u8(f);
	l.mode = frame_get_u32(f);
	l.uid = frame_get_u32(f);
	l.gid = frame_get_u32(f);
	l.rdev = frame_get_u32(f);
	l.target = frame_get_bytes(f, 4096, &l.target_len);
	if (!frame_done(f) || l.obj == 0 || l.name[0] == '\0' ||
	    strchr(l.name, '/') != NULL)
		return -1;
	rc = do_link(r, &l);
	if (rc == -ENOTCONN)
		return -1;
	if (rc != 0 && resync_is_fatal(rc))
		return resync_refuse(r, "links", rc);
	if (rc != 0)
		resync_reply_retry(r, dir, l.name);
	return 0;
}

/* ---- the end ---- */

static int
on_barrier(struct resync *r, struct frame_in *f)
{
	uint64_t number = frame_get_u64(f);
	bool durable = frame_get_u8(f) != 0;
	struct frame_out out;
	int rc;

	if (!frame_done(f) || resync_aside_settle(r, durable) == -1)
		return -1;
	rc = durable ? objects_checkpoint(r->conf.objects) : 0;
	if (rc != 0)
		return resync_refuse(r, "sync", rc);
	resync_frame(r, &out, RF_DONE, 0);
	frame_put_u64(&out, number);
	return resync_send(r, &out);
}

/* Beside the stream, which goes on: what was in stage when the last name
 * was right belongs nowhere. */
static void *
final_main(void *arg)
{
	struct resync *r = arg;
	uint8_t buf[256];
	struct frame_out f;
	int rc;

	fail_point(41);
	rc = resync_empty_stage(r);
	fail_point(42);
	if (rc == 0)
		rc = resync_aside_end(r);
	if (rc == 0)
		rc = objects_checkpoint(r->conf.objects);
	if (rc != 0) {
		(void)resync_refuse(r, "stage", rc);
		return NULL;
	}
	fail_point(43);
	pthread_mutex_lock(&r->lock);
	r->got_equal = true;
	r->st.phase = RP_STRICT;
	pthread_mutex_unlock(&r->lock);
	wire_begin(&f, buf, sizeof(buf), RF_EQUAL, 0);
	if (resync_send(r, &f) == 0)
		r->conf.on_event(RE_READY, r->conf.arg);
	return NULL;
}

static int
on_final(struct resync *r)
{
	int rc;

	if (r->has_thread)
		return -1;
	rc = resync_doom(r);
	if (rc != 0)
		return resync_refuse(r, "stage", rc);
	if (resync_aside_last(r) == -1)
		return -1;
	rc = pthread_create(&r->thread, NULL, final_main, r);
	r->has_thread = rc == 0;
	return rc == 0 ? 0 : resync_refuse(r, "thread", rc);
}

static int
on_total(struct resync *r, struct frame_in *f)
{
	uint64_t total = frame_get_u64(f);

	if (!frame_done(f))
		return -1;
	pthread_mutex_lock(&r->lock);
	r->st.total_bytes = total;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

struct join {
	const struct gen *source;
	struct epoch	  since;
	bool		  unclean;
};

static void
become_level(struct gen *g, void *arg)
{
	const struct join *j = arg;

	gen_follow(g, j->source);
	g->since = g->epoch = j->since;
	/* Before it counts: a crash from here on loses receipts (L14). */
	g->unclean = j->unclean;
}

static int
on_join(struct resync *r, struct frame_in *f)
{
	struct epoch since = frame_get_epoch(f);
	struct frame_out out;
	struct join j;
	struct gen source;
	const void *raw;
	size_t len;
	bool equal;

	raw = frame_get_bytes(f, GEN_ENCODED_LEN, &len);
	pthread_mutex_lock(&r->lock);
	equal = r->got_equal;
	pthread_mutex_unlock(&r->lock);
	if (!frame_done(f) || len != GEN_ENCODED_LEN || !equal ||
	    gen_decode(&source, raw) == -1)
		return -1;
	j.source = &source;
	j.since = since;
	j.unclean = r->conf.unclean;
	if (gen_update(r->conf.gen, become_level, &j) == -1)
		return resync_refuse(r, "gen", errno);
	resync_frame(r, &out, RF_LEVEL, 0);
	if (resync_send(r, &out) == -1)
		return -1;
	r->conf.on_event(RE_JOINED, r->conf.arg);
	return 0;
}

int
resync_target_frame(struct resync *r, struct frame_in *f, uint64_t oid)
{
	/* Nothing is changed before `resyncing' is durable (rule R49). */
	if (f->type != RF_BEGIN && f->type != RF_KEPT && !r->changing)
		return -1;
	switch (f->type) {
	case RF_BEGIN:
		return on_begin(r, f);
	case RF_KEPT:
		return frame_done(f) ? on_kept(r) : -1;
	case RF_NAMES:
		return on_names(r, f, oid);
	case RF_LINK:
		return on_link(r, f, oid);
	case RF_BARRIER:
		return on_barrier(r, f);
	case RF_TOTAL:
		return on_total(r, f);
	case RF_FINAL:
		return frame_done(f) ? on_final(r) : -1;
	case RF_JOIN:
		return on_join(r, f);
	default:
		return resync_write_frame(r, f, oid);
	}
}
