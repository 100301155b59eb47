/* SPDX-License-Identifier: ISC */
/*
 * What of a replicated directory is each node's own: the rules of
 * <notreplicated>.  Pure, but for regexec(3): bytes in, yes or no out; after
 * the last add it is only read, by any thread.
 *
 * A path is one name of the tree, and what is below it.  An expression is
 * looked for in the names of all entries, in the C locale; those with `!' in
 * front are one rule together: what none of them is found in is left out, but
 * never a directory, since what is to be replicated may be below it.
 */
#ifndef MIRRORD_EXCLUDE_H
#define MIRRORD_EXCLUDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXCLUDE_MAX	64	/* rules of a module */
#define EXCLUDE_WHY_LEN	128

struct excludes;

struct excludes	*excludes_new(void);
void		 excludes_free(struct excludes *e);

/*
 * One rule of directory dir, which counts from 0: a relative path without "..",
 * or an expression as regcomp(3) takes it with REG_EXTENDED, or `!' and one.
 * The text is copied.  0, or -1 with the reason in why.
 */
int	excludes_add_path(struct excludes *e, unsigned dir, const char *path,
	    char why[EXCLUDE_WHY_LEN]);
int	excludes_add_regex(struct excludes *e, unsigned dir, const char *text,
	    char why[EXCLUDE_WHY_LEN]);

/* The n-th path of directory dir, from 0, as it is looked for; NULL: there are
 * no more. */
const char *excludes_path(const struct excludes *e, unsigned dir, unsigned n);

/* Is there any rule at all?  NULL has none. */
bool	excludes_any(const struct excludes *e);

/* Is the directory that is looked at `path' of its replicated one?  "": that
 * itself.  Asked only about what a rule with a path needs to know. */
typedef bool excludes_at_fn(const char *path, void *arg);

/* Is the entry `name' left out by a rule of directory dir? */
bool	excludes_name(const struct excludes *e, unsigned dir,
	    const char *name, bool is_dir, excludes_at_fn *at, void *arg);
/* Does a path that is left out lead through it?  Then it keeps its place. */
bool	excludes_leads(const struct excludes *e, unsigned dir,
	    const char *name, excludes_at_fn *at, void *arg);

/*
 * The rules of a directory as numbers, ascending, for comparing them with
 * those of before; how many, at most EXCLUDE_MAX.  Who has fewer of the same
 * numbers left out less.
 */
unsigned excludes_numbers(const struct excludes *e, unsigned dir,
	    uint64_t out[EXCLUDE_MAX]);
/* All rules in one, whatever their order; 0: none. */
uint16_t excludes_mark(const struct excludes *e);

#endif
