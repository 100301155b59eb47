/* SPDX-License-Identifier: ISC */
/*
 * Generations: /var/lib/holdfast/M/config/N, complete and synced before the
 * link `active' names it.  A crash leaves the old one active, or the new.
 */
#ifndef HOLDFAST_GENERATION_H
#define HOLDFAST_GENERATION_H

#include <stdbool.h>
#include <stddef.h>

#define GENERATION_KEEP	3

struct generation_file {
	const char	*name;
	const char	*text;		/* NULL: not in this generation */
};

/* The active number, 0 when there is none. */
long	generation_active(const char *module);
/* The highest number below `below' that is complete, or 0. */
long	generation_before(const char *module, long below);
/* Writes a new one and returns its number; -1 with errno. */
long	generation_write(const char *module,
	    const struct generation_file *files, size_t count,
	    const char *bin);
/* Renames `active' to it.  0, or -1 with errno. */
int	generation_activate(const char *module, long number);
/* Removes all but the last GENERATION_KEEP and the active one. */
void	generation_prune(const char *module);
/* A file of generation `number', malloc'd, or NULL with errno. */
char	*generation_read(const char *module, long number, const char *name);
/* Has the active one such a file?  Only a farm has a farmd.conf. */
bool	generation_has(const char *module, const char *name);
/*
 * Hex digest, malloc'd, over what must be equal on both nodes: the expanded
 * configuration and the scripts in `bin'.  NULL with errno.
 */
char	*generation_digest(const char *safeconf, const char *bin);

#endif
