/* SPDX-License-Identifier: ISC */
/*
 * What a new generation changes, and what of that a running module takes.
 */
#ifndef HOLDFAST_CONFIG_DIFF_H
#define HOLDFAST_CONFIG_DIFF_H

#include <stdbool.h>
#include <stdio.h>

#include "generation.h"

#define DIFF_MAX	128

struct diff_item {
	char	*path;		/* "heart@timeout", "rfs/replicated" */
	char	*was, *is;	/* NULL: was not, is not there */
	bool	 is_live;
};

struct diff {
	bool			is_first;	/* nothing was active */
	bool			is_same;	/* byte for byte */
	bool			scripts;	/* the digest differs, not the
						 * configuration alone */
	unsigned		changed;	/* a bit for each file given */
	unsigned		restarts;	/* items that are not live */
	unsigned		count;
	struct diff_item	item[DIFF_MAX];
};

/* Compares generation `active' (0: none) with files. */
void	diff_generation(struct diff *d, const char *module, long active,
	    const struct generation_file *files, size_t count);
/* The same of two texts of safeconf.xml. */
void	diff_texts(struct diff *d, const char *was, const char *is);
void	diff_print(const struct diff *d, const char *module, FILE *out);
void	diff_fini(struct diff *d);

#endif
