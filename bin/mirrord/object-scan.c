/* SPDX-License-Identifier: ISC */
/*
 * Makes the index again from the trees, after its file was lost.  Breadth
 * first by oid, so that neither depth nor path length is a limit.  What has
 * no oid of its own is left alone: the role machine and the resync decide
 * about foreign objects.
 */
#include "object.h"

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

static int
scan_entries(struct objects *o, uint64_t dir, DIR *d, struct todo *t,
    uint64_t *seen)
{
	const struct dirent *e;
	struct stat st;
	uint64_t oid;
	int rc;

	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		rc = object_lookup(o, dir, e->d_name, false, &oid, &st);
		if (rc == -ENODATA || rc == -ENOENT)
			continue;
		if (rc == 0)
			(*seen)++;
		if (rc == 0 && S_ISDIR(st.st_mode))
			rc = todo_add(t, oid);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
scan_dir(struct objects *o, uint64_t dir, struct todo *t, uint64_t *seen)
{
	DIR *d;
	int fd, own, rc;

	fd = object_fd(o, dir, O_RDONLY);
	if (fd < 0)
		return fd;
	/* The position of the shared descriptor is not ours to move. */
	own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	object_fd_done(o, dir, fd);
	if (own == -1)
		return -errno;
	d = fdopendir(own);
	if (d == NULL) {
		rc = -errno;
		(void)close(own);
		return rc;
	}
	rc = scan_entries(o, dir, d, t, seen);
	(void)closedir(d);
	return rc;
}

int
objects_scan(struct objects *o)
{
	struct todo t = { NULL, 0, 0 };
	uint64_t seen = 0;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < objects_root_count(o); i++)
		rc = todo_add(&t, i + 1);
	while (rc == 0 && t.count > 0)
		rc = scan_dir(o, t.oid[--t.count], &t, &seen);
	free(t.oid);
	if (rc == 0)
		log_info("index: made again from the trees, %llu objects",
		    (unsigned long long)seen);
	else
		log_warnx("index: scan failed: %s", strerror(-rc));
	return rc;
}
