/* SPDX-License-Identifier: ISC */
/*
 * A replicated directory for tests of mirrord: trusted xattrs and handles
 * need root and a real file system, so /var/tmp; else the test skips aloud.
 */
#ifndef UNIT_TREE_H
#define UNIT_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../bin/mirrord/object.h"

struct tree {
	char		 top[64];
	char		 data[96];
	char		 state[96];
	int		 fd;
	struct objects	*objects;
};

static inline int
tree_rm(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void
tree_down(struct tree *t)
{
	objects_close(t->objects);
	if (t->fd != -1)
		(void)close(t->fd);
	(void)nftw(t->top, tree_rm, 16, FTW_DEPTH | FTW_PHYS);
}

/* Closes and opens again, as a restart of mirrord does. */
static inline bool
tree_again(struct tree *t, uint8_t node, uint64_t next)
{
	objects_close(t->objects);
	t->objects = objects_open(t->state, &t->fd, 1, node, 1, next, NULL,
	    NULL);
	if (t->objects != NULL)
		objects_complete(t->objects);
	return t->objects != NULL;
}

/* false: cannot be had here. */
static inline bool
tree_up(struct tree *t, uint8_t node)
{
	memset(t, 0, sizeof(*t));
	t->fd = -1;
	(void)snprintf(t->top, sizeof(t->top), "/var/tmp/hf-tree-XXXXXX");
	if (mkdtemp(t->top) == NULL)
		return false;
	(void)snprintf(t->data, sizeof(t->data), "%s/data", t->top);
	(void)snprintf(t->state, sizeof(t->state), "%s/state", t->top);
	if (mkdir(t->data, 0755) == 0 && mkdir(t->state, 0700) == 0)
		t->fd = open(t->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->fd != -1 && tree_again(t, node, 1000))
		return true;
	tree_down(t);
	return false;
}

/* The exit status of a test that cannot run here. */
static inline int
tree_skip(void)
{
	printf("1..0 # SKIP needs root and trusted xattrs in /var/tmp\n");
	return 0;
}

#endif
