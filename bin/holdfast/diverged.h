/* SPDX-License-Identifier: ISC */
/*
 * What was set aside on this node, reached beneath whatever covers it.
 * Shared by the diverged files.
 */
#ifndef HOLDFAST_DIVERGED_H
#define HOLDFAST_DIVERGED_H

#include "asidelist.h"
#include "cmd.h"
#include "config-safe.h"

/* One replicated directory. */
struct aside_root {
	const char	*dir;
	int		 root_fd;	/* of the plain tree, -1 */
	int		 top_fd;	/* .holdfast/diverged, -1: none */
};

struct asides {
	const struct cmd *c;
	struct safe	 safe;
	unsigned	 count;
	struct aside_root root[SAFE_DIR_MAX];
};

/* A path of the command line, found in a set-aside. */
struct aside_place {
	const struct aside_root *root;
	int		 dfd;		/* the set-aside */
	char		 path[4096];	/* below files/, "" all */
};

/* 0, or the exit status after a message. */
int	asides_open(struct asides *a, const struct cmd *c);
void	asides_close(struct asides *a);
/* The set-aside NAME in that root; -1 there is none. */
int	asides_fd(const struct aside_root *r, const char *name);
/* Is it on this node? */
bool	asides_have(const struct asides *a, const char *name);
/*
 * text: relative, or below a replicated directory.  0, or the exit status
 * after a message; the caller closes dfd.
 */
int	asides_find(struct asides *a, const char *name, const char *text,
	    struct aside_place *p);
/* The node that has it, of the module's others; false after a message. */
bool	asides_whose(const struct cmd *c, const char *name, char *node,
	    size_t size);

/* diverged-diff.c, diverged-restore.c: exit statuses. */
int	diverged_diff(struct asides *a, const char *name, const char *path);
int	diverged_restore(struct asides *a, const char *name,
	    const char *path);
/*
 * What restore on the node that has it sends to the primary: an archive in
 * parts, `token' names it, offset is where the part begins; then the word to
 * unpack it at path.
 */
int	diverged_part(struct asides *a, const char *token,
	    const char *offset);
int	diverged_unpack(struct asides *a, const char *token,
	    const char *path);

#endif
