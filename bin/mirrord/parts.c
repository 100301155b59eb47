/* SPDX-License-Identifier: ISC */
/*
 * Opening and closing.  Everything a successor needs is in keepd before it
 * is used: clone.N and root.N (the private clone of directory N and "." in
 * it), fuse.N, and the memory queue, applied, lookup, intake.N.  Called by
 * role.c from its one thread.
 */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "paths.h"

#include "lives.h"
#include "mount.h"

/* Sequential readers of databases gain little above it. */
#define READAHEAD_KIB	1024
#define FLUSH_QUIET_MS	50
#define FLUSH_MAX_MS	2000

static const char *
numbered(char buf[32], const char *name, unsigned i)
{
	snprintf(buf, 32, "%s.%u", name, i);
	return buf;
}

/* Maps memory of that name and size: what was kept, or zeros. */
static int
take_memory(struct keep *k, struct kept_memory *m, const char *name,
    size_t size)
{
	struct stat st;

	snprintf(m->name, sizeof(m->name), "%s", name);
	m->size = size;
	m->fd = keep_get(k, name);
	if (m->fd != -1 && (fstat(m->fd, &st) == -1 ||
	    (size_t)st.st_size != size)) {
		log_warnx("%s: kept by another version, begins empty", name);
		(void)close(m->fd);
		m->fd = -1;
	}
	if (m->fd == -1) {
		m->fd = memfd_create(name, MFD_CLOEXEC);
		if (m->fd == -1 || ftruncate(m->fd, (off_t)size) == -1)
			return -1;
	}
	/* Also what was got: a new keepd is refilled from here. */
	if (keep_put(k, name, m->fd) == -1)
		log_warn("keepd does not hold %s", name);
	m->p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (m->p != MAP_FAILED)
		return 0;
	m->p = NULL;
	return -1;
}

static void
drop_memory(struct keep *k, struct kept_memory *m)
{
	if (m->p == NULL)
		return;
	(void)keep_drop(k, m->name);
	(void)munmap(m->p, m->size);
	(void)close(m->fd);	/* memory */
	m->p = NULL;
}

int
parts_init(struct parts *p, const struct mirrord_conf *conf,
    struct keep *keep, char why[PARTS_WHY_LEN])
{
	unsigned i;

	memset(p, 0, sizeof(*p));
	p->conf = conf;
	p->keep = keep;
	for (i = 0; i < CONF_DIR_MAX; i++)
		p->clone_fd[i] = p->root_fd[i] = p->mount[i].fuse_fd = -1;
	p->state_fd = -1;
	if (path_mkdirs(conf->statedir, 0700) == 0)
		p->state_fd = open(conf->statedir,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->state_fd == -1) {
		snprintf(why, PARTS_WHY_LEN, "%s: %s", conf->statedir,
		    strerror(errno));
		return -1;
	}
	p->gen = gen_open(p->state_fd, conf->module, conf->node);
	if (p->gen == NULL) {
		p->gen_bad = errno == EBADMSG;
		snprintf(why, PARTS_WHY_LEN, "%s/gen: %s", conf->statedir,
		    errno == EBADMSG ? "damaged: this node's data cannot be "
		    "trusted until it is copied again; move gen, al and "
		    "dirty away and say `holdfast second'" :
		    strerror(errno));
		return -1;
	}
	return 0;
}

void
parts_fini(struct parts *p)
{
	if (p->gen != NULL)
		gen_close(p->gen);
	if (p->state_fd != -1)
		(void)close(p->state_fd);	/* a directory */
}

static bool
is_kept(struct parts *p, const char *name)
{
	char buf[32];
	int fd = keep_get(p->keep, numbered(buf, name, 0));

	if (fd == -1)
		return false;
	(void)close(fd);	/* asked only whether it is there */
	return true;
}

bool
parts_kept(struct parts *p)
{
	return is_kept(p, "root");
}

bool
parts_kept_mirror(struct parts *p)
{
	return is_kept(p, "fuse");
}

/*
 * What a crash of the whole node's daemons left, a mirror nobody serves, and
 * the view that guards the directory since the boot; *viewed: there was one.
 */
static int
clear_leftovers(const char *dir, bool *viewed)
{
	struct mount_info m;

	*viewed = false;
	for (;;) {
		if (mount_look(&m, dir) == -1)
			return -1;
		if (m.kind == MK_PLAIN)
			return 0;
		log_info("%s: a %s of an earlier life is taken away", dir,
		    m.kind == MK_MIRROR ? "mirror" : "view");
		*viewed = *viewed || m.kind == MK_VIEW;
		if ((m.kind == MK_MIRROR ? mount_abort(dir) :
		    mount_uncover(dir)) == -1)
			return -1;
	}
}

static int
open_dir(struct parts *p, unsigned i, const char **code,
    char why[PARTS_WHY_LEN])
{
	const char *dir = p->conf->dir[i];
	char buf[32], sub[PARTS_WHY_LEN];
	struct stat st;
	bool viewed;

	p->clone_fd[i] = keep_get(p->keep, numbered(buf, "clone", i));
	p->root_fd[i] = keep_get(p->keep, numbered(buf, "root", i));
	if (p->clone_fd[i] == -1 || p->root_fd[i] == -1) {
		*code = "directory";
		if (clear_leftovers(dir, &viewed) == -1 ||
		    stat(dir, &st) == -1) {
			snprintf(why, PARTS_WHY_LEN, "%s: %s", dir,
			    strerror(errno));
			return -1;
		}
		if (mount_has_submount(dir, sub, sizeof(sub))) {
			snprintf(why, PARTS_WHY_LEN, "%s: %.120s is mounted "
			    "inside and would not be replicated", dir, sub);
			return -1;
		}
		p->root_fd[i] = mount_clone(dir, &p->clone_fd[i]);
		if (p->root_fd[i] == -1) {
			snprintf(why, PARTS_WHY_LEN, "%s: %s", dir,
			    strerror(errno));
			return -1;
		}
		/* Nobody writes while the objects are looked through. */
		if (viewed && mount_cover(dir, p->conf->hidden) == -1)
			log_warn("%s: cannot be covered", dir);
	}
	if (keep_put(p->keep, numbered(buf, "clone", i),
	    p->clone_fd[i]) == -1 ||
	    keep_put(p->keep, numbered(buf, "root", i), p->root_fd[i]) == -1)
		log_warn("keepd does not hold %s", dir);
	return 0;
}

static void
set_oid_next(struct gen *g, void *arg)
{
	g->oid_next = *(uint64_t *)arg;
}

static int
reserve_oids(uint64_t upto, void *arg)
{
	struct parts *p = arg;

	return gen_update(p->gen, set_oid_next, &upto) == -1 ? -errno : 0;
}

/*
 * A state store that is made new must not give out the ids of the one before
 * (section 3.3 of the protocol page): its number rises with the hours, for
 * seven years, and above whatever the peer remembers.
 */
static void
number_store(struct gen *g, void *arg)
{
	const int64_t begin = 1767225600;	/* 1 January 2026 */

	(void)arg;
	g->store_number = (uint16_t)((time(NULL) - begin) / 3600 % 65535 + 1);
}

static int
open_objects(struct parts *p, const char **code, char why[PARTS_WHY_LEN])
{
	struct gen g;

	gen_read(p->gen, &g);
	if (g.store_number == 0 &&
	    gen_update(p->gen, number_store, NULL) == 0)
		gen_read(p->gen, &g);
	p->objects = objects_open(p->conf->statedir, p->root_fd,
	    p->conf->dir_count, p->conf->node, g.store_number, g.oid_next,
	    reserve_oids, p);
	if (p->objects != NULL)
		return 0;
	*code = "directory";
	snprintf(why, PARTS_WHY_LEN, "%s: %s", p->conf->dir[0],
	    errno == EOPNOTSUPP ? "the file system lacks trusted extended "
	    "attributes or file handles; ext4, xfs and btrfs have them" :
	    strerror(errno));
	return -1;
}

/* Durable before a new log is made: a life that ended in between would find
 * an empty one and believe it. */
static int
distrust_logs(struct parts *p, const char *which)
{
	log_warnx("%s: damaged; everything is compared", which);
	if (gen_distrust_logs(p->gen) == -1)
		return -1;
	p->log_bad = true;
	return 0;
}

/*
 * A log that cannot be read is never taken for an empty one (rule R22): all
 * is compared, and it begins anew.
 */
static int
open_logs(struct parts *p, const char **code, char why[PARTS_WHY_LEN])
{
	struct actlog_slot *slots = NULL;
	unsigned count = 0;

	p->log_bad = false;
	p->set = dirtyset_new();
	*code = "statedir";
	p->actlog = actlog_open(p->state_fd, p->conf->module, p->conf->node,
	    &slots, &count);
	if (p->actlog == NULL && errno == EBADMSG &&
	    distrust_logs(p, "activity log") == 0) {
		(void)unlinkat(p->state_fd, "al", 0);
		if (actlog_create(p->state_fd, p->conf->module,
		    p->conf->node) == 0)
			p->actlog = actlog_open(p->state_fd, p->conf->module,
			    p->conf->node, &slots, &count);
	}
	free(slots);	/* change_new() takes them from the log itself */
	if (p->actlog != NULL)
		p->dirty = dirty_open(p->state_fd, p->conf->module,
		    p->conf->node, p->set);
	if (p->actlog != NULL && p->dirty == NULL && errno == EBADMSG &&
	    distrust_logs(p, "dirty log") == 0) {
		(void)unlinkat(p->state_fd, "dirty", 0);
		if (dirty_create(p->state_fd, p->conf->module,
		    p->conf->node) == 0)
			p->dirty = dirty_open(p->state_fd, p->conf->module,
			    p->conf->node, p->set);
	}
	if (p->actlog == NULL || p->dirty == NULL) {
		snprintf(why, PARTS_WHY_LEN, "%s: logs: %s",
		    p->conf->statedir, strerror(errno));
		return -1;
	}
	if (p->log_bad)
		dirtyset_all(p->set);
	return 0;
}

static int
open_memory(struct parts *p, const struct apply_calls *calls, void *arg,
    char why[PARTS_WHY_LEN])
{
	struct keep *k = p->keep;

	if (take_memory(k, &p->queue, "queue", STREAM_MEMORY_SIZE) == -1 ||
	    take_memory(k, &p->applied, "applied", APPLY_MEMORY_SIZE) == -1 ||
	    take_memory(k, &p->lookup, "lookup", lookup_size()) == -1 ||
	    take_memory(k, &p->lives, "lives", sizeof(struct lives)) == -1) {
		snprintf(why, PARTS_WHY_LEN, "shared memory: %s",
		    strerror(errno));
		return -1;
	}
	p->is_wary = lives_begin(p->lives.p, mono_now());
	p->stream = stream_new(p->queue.p, p->queue.size);
	p->change = change_new(p->actlog, p->dirty, p->set, p->stream);
	p->apply = apply_new(p->objects, p->applied.p, calls, arg);
	p->front.lookup = lookup_open(p->lookup.p, p->lookup.size);
	if (p->front.lookup == NULL) {
		/* Counts of another version: none can be relied upon. */
		memset(p->lookup.p, 0, 4096);
		p->front.lookup = lookup_open(p->lookup.p, p->lookup.size);
	}
	p->front.objects = p->objects;
	p->front.change = p->change;
	p->front.stream = p->stream;
	p->front.orphans = orphans_open(p->keep);
	p->front.async_second = p->conf->async_second;
	p->front.meta_receipt = p->conf->meta_receipt;
	front_init(&p->front);
	return 0;
}

int
parts_open(struct parts *p, const struct apply_calls *calls, void *arg,
    const char **code, char why[PARTS_WHY_LEN])
{
	unsigned i;

	if (p->is_open)
		return 0;
	for (i = 0; i < p->conf->dir_count; i++)
		if (open_dir(p, i, code, why) == -1)
			return -1;
	/* Logs first: with a gen that was written, a missing one is rot. */
	if (open_logs(p, code, why) == -1 ||
	    open_objects(p, code, why) == -1 ||
	    parts_exclude(p, code, why) == -1)
		return -1;
	objects_complete(p->objects);
	if (open_memory(p, calls, arg, why) == -1)
		return -1;
	p->is_open = true;
	return 0;
}

void
parts_close(struct parts *p)
{
	char buf[32];
	unsigned i;

	if (p->is_open) {
		apply_free(p->apply);
		change_free(p->change);
		stream_free(p->stream);
		orphans_close(p->front.orphans);
		lookup_close(p->front.lookup);
		front_fini(&p->front);
	}
	drop_memory(p->keep, &p->queue);
	drop_memory(p->keep, &p->applied);
	drop_memory(p->keep, &p->lookup);
	drop_memory(p->keep, &p->lives);
	if (p->actlog != NULL)
		actlog_close(p->actlog);
	if (p->dirty != NULL)
		dirty_close(p->dirty);
	if (p->set != NULL)
		dirtyset_free(p->set);
	if (p->objects != NULL)
		objects_close(p->objects);
	p->actlog = NULL;
	p->dirty = NULL;
	p->set = NULL;
	p->objects = NULL;
	excludes_free(p->excludes);
	p->excludes = NULL;
	for (i = 0; i < p->conf->dir_count; i++) {
		(void)keep_drop(p->keep, numbered(buf, "clone", i));
		(void)keep_drop(p->keep, numbered(buf, "root", i));
		if (p->clone_fd[i] != -1)
			(void)close(p->clone_fd[i]);	/* a mount */
		if (p->root_fd[i] != -1)
			(void)close(p->root_fd[i]);	/* a directory */
		p->clone_fd[i] = p->root_fd[i] = -1;
	}
	p->is_open = false;
}

static int
get_mirror(struct parts *p, unsigned i, bool *fresh, char why[PARTS_WHY_LEN])
{
	char buf[32], source[MODULE_NAME_MAX + 16];
	int fd;

	fd = keep_get(p->keep, numbered(buf, "fuse", i));
	*fresh = fd == -1;
	if (fd == -1) {
		snprintf(source, sizeof(source), "holdfast:%s",
		    p->conf->module);
		fd = fuse_mount(p->conf->dir[i], source, S_IFDIR);
	}
	if (fd == -1)
		snprintf(why, PARTS_WHY_LEN, "%s: cannot be mounted: %s",
		    p->conf->dir[i], strerror(errno));
	else if (keep_put(p->keep, buf, fd) == -1)
		log_warn("keepd does not hold the mirror of %s",
		    p->conf->dir[i]);
	return fd;
}

int
parts_mount(struct parts *p, unsigned i, char why[PARTS_WHY_LEN])
{
	struct front_mount *m = &p->mount[i];
	char buf[32];
	bool fresh;

	if (take_memory(p->keep, &p->ring[i], numbered(buf, "intake", i),
	    intake_size()) == -1) {
		snprintf(why, PARTS_WHY_LEN, "shared memory: %s",
		    strerror(errno));
		return -1;
	}
	m->front = &p->front;
	m->root = i + 1;
	m->root_fd = p->root_fd[i];
	m->writeback = p->conf->writeback[i];
	m->fuse_fd = get_mirror(p, i, &fresh, why);
	if (m->fuse_fd == -1)
		return -1;
	m->intake = intake_new(p->ring[i].p, p->ring[i].size, p->ring[i].fd,
	    m->fuse_fd, p->conf->meta_receipt ?
	    &request_calls_receipt : &request_calls, m);
	if (m->intake == NULL) {
		snprintf(why, PARTS_WHY_LEN, "%s: requests of another version"
		    " are in hand; end the application and `holdfast stop'",
		    p->conf->dir[i]);
		return -1;
	}
	if (!p->holds_back)
		intake_start(m->intake);
	if (fresh)
		mount_set_readahead(p->conf->dir[i], READAHEAD_KIB);
	return 0;
}

/* syncfs(2) makes a FUSE mount write and does not wait for it: until none has
 * come for a while, or the time is over. */
static void
await_flushed(struct front *f)
{
	struct timespec pause = { 0, FLUSH_QUIET_MS * 1000000 };
	struct mono end = mono_add_ms(mono_now(), FLUSH_MAX_MS);
	uint64_t before, now;

	now = __atomic_load_n(&f->kept_come, __ATOMIC_SEQ_CST);
	do {
		before = now;
		nanosleep(&pause, NULL);
		now = __atomic_load_n(&f->kept_come, __ATOMIC_SEQ_CST);
	} while ((now != before || __atomic_load_n(&f->kept_in_hand,
	    __ATOMIC_SEQ_CST) != 0) && !mono_passed(end, mono_now()));
}

int
parts_flush(struct parts *p)
{
	bool any = false;
	unsigned i;
	int fd, rc = 0;

	for (i = 0; rc == 0 && i < p->conf->dir_count; i++) {
		if (!p->conf->writeback[i])
			continue;
		any = true;
		fd = open(p->conf->dir[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd == -1)
			return -errno;
		if (syncfs(fd) == -1)
			rc = -errno;
		(void)close(fd);	/* a directory */
	}
	if (any && rc == 0)
		await_flushed(&p->front);
	return rc;
}

void
parts_serve(struct parts *p)
{
	unsigned i;

	for (i = 0; p->holds_back && i < p->conf->dir_count; i++)
		intake_start(p->mount[i].intake);
	p->holds_back = false;
}

void
parts_unmounted(struct parts *p, unsigned i)
{
	struct front_mount *m = &p->mount[i];
	char buf[32];

	if (m->fuse_fd == -1)
		return;
	intake_join(m->intake);
	intake_free(m->intake);
	m->intake = NULL;
	(void)keep_drop(p->keep, numbered(buf, "fuse", i));
	drop_memory(p->keep, &p->ring[i]);
	(void)close(m->fuse_fd);	/* the mount is gone */
	m->fuse_fd = -1;
	orphan_drop_all(p->front.orphans);
	lookup_clear(p->front.lookup);
}

#define SESSION_XATTR "trusted.holdfast.session"
#define SESSION_LEN	22

/* 20 digits, so that it is replaced in place on a full disk, and "+" while
 * gen does not have it yet. */
static uint64_t
session_of(int fd, uint64_t in_gen)
{
	char text[32], *end;
	ssize_t len;
	uint64_t n;

	len = fgetxattr(fd, SESSION_XATTR, text, sizeof(text) - 1);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	n = strtoull(text, &end, 10);
	return *end == '+' && n == in_gen + 1 ? in_gen : n;
}

uint64_t
session_read(struct parts *p, uint64_t in_gen)
{
	uint64_t least = UINT64_MAX, n;
	unsigned i;

	for (i = 0; i < p->conf->dir_count; i++) {
		n = session_of(p->root_fd[i], in_gen);
		if (n < least)
			least = n;
	}
	return least;
}

int
session_write(struct parts *p, uint64_t session, bool coming)
{
	char text[SESSION_LEN];
	unsigned i;
	int len;

	len = snprintf(text, sizeof(text), "%020llu%s",
	    (unsigned long long)session, coming ? "+" : "");
	for (i = 0; i < p->conf->dir_count; i++)
		if (fsetxattr(p->root_fd[i], SESSION_XATTR, text,
		    (size_t)len, 0) == -1 || fsync(p->root_fd[i]) == -1)
			return -1;
	return 0;
}

void
parts_go_on(struct parts *p)
{
	if (p->lives.p != NULL)
		lives_go_on(p->lives.p, mono_now());
}

void
parts_trim(struct parts *p)
{
	unsigned i;

	for (i = 0; i < p->conf->dir_count; i++)
		if (p->mount[i].fuse_fd != -1)
			intake_trim(p->mount[i].intake);
	objects_trim(p->objects);
}
