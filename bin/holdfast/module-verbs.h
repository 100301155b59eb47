/* SPDX-License-Identifier: ISC */
/*
 * What installing a module here and sending it to others share.
 */
#ifndef HOLDFAST_MODULE_VERBS_H
#define HOLDFAST_MODULE_VERBS_H

#include <stdbool.h>
#include <stddef.h>

struct cmd;

/* module.c */

/* The name of a module from X.safe or a directory; false: it is none. */
bool	module_name_from(char *out, size_t size, const char *path);
/*
 * Unpacks or copies a source into dir.  0, or the exit status after saying
 * what is wrong.
 */
int	module_fetch(const char *source, const char *dir);
/* Sets the macros of c in dir/conf/userconfig.xml; 0, or as above. */
int	module_set_macros(const struct cmd *c, const char *dir);
/* --id, or the lowest free one; 0 after saying what is wrong. */
int	module_choose_id(const struct cmd *c, const char *module);
/* dir/id; 0, or -1 with errno. */
int	module_write_id(const char *dir, int id);
/* The directory an installed module, or a directory of one, is in. */
bool	module_find_dir(char *dir, size_t size, char *name, size_t name_size,
	    const char *what);

/*
 * The source with the macros of c in modules/.M.new, and the id it will have;
 * nothing is left when that fails.  Then it is placed, or not.
 */
int	module_stage(const struct cmd *c, const char *source,
	    const char *module, int *id);
int	module_place(const char *module, int id);
void	module_unstage(const char *module);

/* module-new.c */
int	module_new(struct cmd *c);

/* module-push.c */
int	module_push(struct cmd *c);
/* Run by remoted for another node: the archive is the input. */
int	module_receive(struct cmd *c);

#endif
