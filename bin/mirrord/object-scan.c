/* SPDX-License-Identifier: ISC */
/*
 * Looks at everything in the trees, by oid, so that neither depth nor path
 * length is a limit; makes the index again that way, after its file was
 * lost.  What has no oid of its own is left alone: the role machine and the
 * resync decide about foreign objects.
 */
#include "object-local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

struct todo {
	uint64_t	*oid;
	size_t		 count;
	size_t		 room;
};

static int
todo_add(struct todo *t, uint64_t oid)
{
	uint64_t *more;

	if (t->count == t->room) {
		t->room = t->room == 0 ? 256 : t->room * 2;
		more = realloc(t->oid, t->room * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		t->oid = more;
	}
	t->oid[t->count++] = oid;
	return 0;
}

struct walk {
	struct objects	*objects;
	object_worth_fn	*worth;
	object_walk_fn	*look;
	void		*arg;
	bool		 local;		/* what is left out; ids are given */
	struct todo	 todo;
};

static int
look_up(struct walk *w, uint64_t dir, const char *name, uint64_t *oid,
    struct stat *st)
{
	return w->local ? object_lookup_here(w->objects, dir, name, true, oid,
	    st) : object_lookup(w->objects, dir, name, false, oid, st);
}

static int
walk_entries(struct walk *w, uint64_t dir, DIR *d)
{
	const struct dirent *e;
	struct stat st;
	uint64_t oid = 0;
	int rc, found;

	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		if (w->worth != NULL && fstatat(dirfd(d), e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
		    !w->worth(&st, w->arg))
			continue;
		found = look_up(w, dir, e->d_name, &oid, &st);
		if (found == -ENOENT)
			continue;
		if (found != 0 && found != -ENODATA)
			return found;
		rc = w->look(dir, e->d_name, found, oid, &st, w->arg);
		if (rc == 0 && found == 0 && S_ISDIR(st.st_mode))
			rc = todo_add(&w->todo, oid);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
walk_dir(struct walk *w, uint64_t dir)
{
	DIR *d;
	int fd, own, rc;

	fd = object_fd(w->objects, dir, O_RDONLY);
	/* Removed meanwhile. */
	if (fd == -ESTALE)
		return 0;
	if (fd < 0)
		return fd;
	/* The position of the shared descriptor is not ours to move. */
	own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = own == -1 ? -errno : 0;
	object_fd_done(w->objects, dir, fd);
	if (own == -1)
		return rc == -ENOENT ? 0 : rc;
	d = fdopendir(own);
	if (d == NULL) {
		rc = -errno;
		(void)close(own);
		return rc;
	}
	rc = walk_entries(w, dir, d);
	(void)closedir(d);
	return rc;
}

int
objects_walk(struct objects *o, object_worth_fn *worth, object_walk_fn *look,
    void *arg)
{
	struct walk w = { .objects = o, .worth = worth, .look = look,
	    .arg = arg };
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < objects_root_count(o); i++)
		rc = todo_add(&w.todo, i + 1);
	while (rc == 0 && w.todo.count > 0)
		rc = walk_dir(&w, w.todo.oid[--w.todo.count]);
	free(w.todo.oid);
	return rc;
}

/* The look itself puts it into the index. */
static int
count(uint64_t dir, const char *name, int found, uint64_t oid,
    const struct stat *st, void *arg)
{
	uint64_t *seen = arg;

	(void)dir;
	(void)name;
	(void)oid;
	(void)st;
	*seen += found == 0;
	return 0;
}

int
objects_walk_local(struct objects *o, uint64_t dir, const char *name)
{
	uint64_t seen = 0, oid = 0;
	struct walk w = { .objects = o, .look = count, .arg = &seen,
	    .local = true };
	struct stat st;
	int rc;

	rc = look_up(&w, dir, name, &oid, &st);
	if (rc == 0 && S_ISDIR(st.st_mode))
		rc = todo_add(&w.todo, oid);
	while (rc == 0 && w.todo.count > 0)
		rc = walk_dir(&w, w.todo.oid[--w.todo.count]);
	free(w.todo.oid);
	return rc == -ENOENT ? 0 : rc;
}

int
objects_scan(struct objects *o)
{
	uint64_t seen = 0;
	int rc = objects_walk(o, NULL, count, &seen);

	if (rc == 0)
		log_info("index: made again from the trees, %llu objects",
		    (unsigned long long)seen);
	else
		log_warnx("index: scan failed: %s", strerror(-rc));
	return rc;
}
