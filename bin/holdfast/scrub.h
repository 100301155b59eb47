/* SPDX-License-Identifier: ISC */
/*
 * Text for strangers: without passwords, and, if wanted, without addresses
 * and names, each replaced by the same word wherever it stands.  Pure but for
 * the memory.
 */
#ifndef HOLDFAST_SCRUB_H
#define HOLDFAST_SCRUB_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

#define SCRUB_MAX	4096

struct scrub {
	bool		 anonymise;
	unsigned	 count;
	struct scrub_word {
		char	*from, *to;
	}		 word[SCRUB_MAX];
	unsigned	 kinds[4];	/* how many of each were seen */
};

/* A name that becomes `kind' and a number ("node1"); once each. */
void	scrub_name(struct scrub *s, const char *name, const char *kind);
/* Appends the text without what is to be removed. */
void	scrub_text(struct scrub *s, const char *text, size_t len,
	    struct text *out);
void	scrub_fini(struct scrub *s);

#endif
