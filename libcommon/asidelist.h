/* SPDX-License-Identifier: ISC */
/*
 * What a node had of its own when it followed another history, as it lies in
 * .holdfast/diverged/NAME of a replicated directory:
 *
 *	files/	a tree with the paths of then, whole objects
 *	LIST	what it is, a line each, for people and programs
 *	HELD, BUILDING, MOVING	mirrord is not done with it
 *
 * NAME is the epoch it was written in, "era.n.node", with "-2" and so on
 * behind it when that one was there already.  LIST:
 *
 *	holdfast-diverged 1
 *	epoch 0.5.1
 *	when 1764364000
 *	lost-to n2 0.6.2
 *	by log
 *	changed file 123 etc/a name
 *	new dir 0 b
 *	deleted - 0 c
 *	end 3 123
 *
 * A path is the rest of its line; a backslash, control characters and bytes
 * that are no UTF-8 stand as a backslash and three octal digits each.  mirrord
 * writes it, mirrord and holdfast read it.
 */
#ifndef COMMON_ASIDELIST_H
#define COMMON_ASIDELIST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ASIDE_DIR	"diverged"	/* in .holdfast */
#define ASIDE_FILES	"files"
#define ASIDE_LIST	"LIST"
#define ASIDE_EDITS	"edits"		/* head.by: of a stopped node (R42) */
#define ASIDE_NAME_LEN	48
#define ASIDE_NODE_LEN	64

/* What had happened to it there. */
enum aside_change {
	AC_NEW, AC_CHANGED, AC_RENAMED, AC_DELETED,
	AC_NAMELESS,	/* its name is not known: files/ has its number */
	AC_PATH,	/* a directory that only leads to others */
};

enum aside_kind { AO_NONE, AO_FILE, AO_DIR, AO_LINK, AO_OTHER };

struct aside_head {
	char		epoch[ASIDE_NAME_LEN];
	int64_t		when_s;		/* wall time it was set aside */
	char		lost_to[ASIDE_NODE_LEN];
	char		lost_epoch[ASIDE_NAME_LEN];
	char		by[16];		/* log, hash, stage, edits */
};

struct aside_entry {
	enum aside_change change;
	enum aside_kind	 kind;
	uint64_t	 bytes;
	char		*path;		/* the reader's, until the next */
};

/* One that is complete. */
struct aside_info {
	char		 name[ASIDE_NAME_LEN];
	struct aside_head head;
	uint64_t	 entries;
	uint64_t	 bytes;
};

const char	*aside_change_str(enum aside_change c);
const char	*aside_kind_str(enum aside_kind k);
/* The kind of a thing with that st_mode. */
enum aside_kind	 aside_kind_of(uint32_t mode);

/* Each 0, or -1 with errno. */
int	aside_put_head(FILE *f, const struct aside_head *h);
int	aside_put_entry(FILE *f, const struct aside_entry *e);
/* A path as it stands in LIST: on one line, whatever is in it. */
int	aside_put_path(FILE *f, const char *path);
/* The same as a string, the caller's; and back, in place: 0, or -1. */
char	*aside_path_text(const char *path);
int	aside_path_parse(char *text);
int	aside_put_end(FILE *f, uint64_t entries, uint64_t bytes);

struct aside_reader {
	FILE		*f;
	struct aside_head head;
	char		*line;
	size_t		 room;
	bool		 ended;		/* the line `end' was there */
};

/* Reads the head of LIST in the set-aside dfd.  0, or -1 with errno; EPROTO:
 * not one of this version. */
int	aside_open(struct aside_reader *r, int dfd);
/* 1 and an entry; 0 at the end; -1 with errno EPROTO. */
int	aside_next(struct aside_reader *r, struct aside_entry *e);
void	aside_close(struct aside_reader *r);

/* May a directory of this name be a set-aside? */
bool	aside_is_name(const char *name);
/*
 * The complete ones in the directory `diverged' dfd, the oldest first; the
 * caller frees.  NULL with *count 0: none, or it cannot be read.
 */
struct aside_info *aside_all(int dfd, unsigned *count);

#endif
