/* SPDX-License-Identifier: ISC */
/* Shared by the aside files only. */
#ifndef MIRRORD_ASIDE_INT_H
#define MIRRORD_ASIDE_INT_H

#include <dirent.h>
#include <sys/stat.h>

#include "aside.h"

#define ASIDE_BUILDING	"BUILDING"
#define ASIDE_HELD	"HELD"
#define ASIDE_MOVING	"MOVING"
#define ASIDE_COPY	".copy"		/* one that is being made */
#define ASIDE_LIST_NEW	ASIDE_LIST ".new"

/* Directories of files/, so that a path costs its last name only. */
struct held_dir {
	struct held_dir	*next;		/* of all, for the end */
	struct held_dir	*up;		/* NULL: files/ itself */
	unsigned	 root;
	char		 name[];
};

struct held_name {
	struct held_name *next;
	struct held_dir	*dir;
	char		 name[];
};

/* An object of the tree that files/ has: the same, or a copy of it. */
struct held {
	struct held	*next;
	uint64_t	 ino;		/* in the tree */
	unsigned	 root;
	bool		 copied;
	bool		 equal;		/* the other node has it as well */
	struct held_name *names;
};

struct aside {
	struct aside_conf conf;
	char		 name[ASIDE_NAME_LEN];
	bool		 is_open;
	int		 dfd[OID_ROOT_MAX];	/* NAME, or -1 */
	int		 ffd[OID_ROOT_MAX];	/* NAME/files */
	struct held	**table;
	size_t		 size, count;
	struct held_dir	*dirs;
	uint64_t	*compared;	/* inodes, since the last settle */
	unsigned	*compared_root;
	size_t		 compared_count, compared_room;
	size_t		 equal_count;	/* of these, since a settle */
	unsigned	 lack_root;	/* of the last copy */
	uint64_t	 lack;		/* bytes */
};

/* aside-hold.c */
struct held_dir	*held_dir_new(struct aside *a, struct held_dir *up,
		    unsigned root, const char *name);
struct held	*held_find(struct aside *a, unsigned root, uint64_t ino);
void		 held_add(struct aside *a, unsigned root, uint64_t ino,
		    struct held_dir *dir, const char *name, bool copied);
void		 held_clear(struct aside *a);
/* The directory in files/; the caller's.  -1 with errno. */
int		 held_open_dir(struct aside *a, const struct held_dir *d);
/* The same of the tree itself. */
int		 held_open_live(struct aside *a, const struct held_dir *d);

/* aside-build.c: the walk of one root; LIST is written, not synced. */
struct aside_build {
	struct aside	*a;
	const struct aside_head *head;
	const struct dirtyset *set;	/* NULL: everything */
	uint64_t	 done, total;	/* bytes copied, to copy */
};
int		 aside_build_root(struct aside_build *b, unsigned root);
/* What will be copied. */
uint64_t	 aside_build_need(struct aside *a,
		    const struct dirtyset *set);

/* aside-end.c: each 0 or -errno. */
int		 aside_remove_tree(int dfd, const char *name);
/*
 * on_name for each thing below dfd/name and for itself, directories after
 * what is in them; until one is not 0.
 */
int		 aside_each(int dfd, const char *name,
		    int (*on_name)(int dfd, const char *name, bool is_dir,
		    void *arg), void *arg);
/* For aside_each(): nobody is to find it by its id; arg is objects. */
int		 aside_disown(int dfd, const char *name, bool is_dir,
		    void *arg);

/* aside.c */
int		 aside_sync(int fd);
/* The first set-aside below top with that mark: its name; false: none. */
bool		 aside_find_marked(int top, const char *mark,
		    char name[ASIDE_NAME_LEN]);
int		 aside_put_mark(int dfd, const char *name);
int		 aside_open_dir(int dfd, const char *name, bool make);

#endif
