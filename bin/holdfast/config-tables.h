/* SPDX-License-Identifier: ISC */
/*
 * What cluster.xml and userconfig.xml may contain: one row an element, one
 * row an attribute.  The rows are the authority: they validate, they hold
 * the defaults, they say what changes while a module runs, and the RELAX NG
 * schemas and the tables of the manual pages are printed from them.
 */
#ifndef HOLDFAST_CONFIG_TABLES_H
#define HOLDFAST_CONFIG_TABLES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "config-value.h"

enum element_flags {
	EL_REQUIRED	= 1,	/* at least one in its parent */
	EL_MANY		= 2,	/* more than one allowed */
	EL_TEXT		= 4,	/* has text of its own */
	EL_LIVE		= 8,	/* its attributes change while running */
	EL_LATER	= 16,	/* read and kept, not acted upon yet */
	EL_IGNORED	= 32	/* of the reference, without use here */
};

struct element {
	const char	*path;	/* "safe/service/heart" */
	unsigned	 flags;
	const char	*help;
};

enum attr_flags {
	AT_REQUIRED	= 1,
	AT_LIVE		= 2,
	AT_IGNORED	= 4,	/* of the reference, without use here */
	AT_LATER	= 8,	/* will be used; a warning says not yet */
	AT_EMPTY	= 16	/* "" is a value */
};

struct attr {
	const char	*path;	/* of its element */
	const char	*name;
	enum value_type	 type;
	const char	*unit;		/* VT_TIME: implicit unit; else "" */
	const char	*words;		/* VT_WORD; else "" */
	const char	*fallback;	/* default, or NULL */
	int64_t		 min, max;	/* VT_INT; VT_TIME in unit */
	unsigned	 flags;
	const char	*owner;		/* the daemon that uses it, or "-" */
	const char	*help;
};

/* Both tables end with a row whose path is NULL. */
struct schema {
	const char		*root;
	const struct element	*elements;
	const struct attr	*attrs;
};

const struct schema	*schema_cluster(void);
const struct schema	*schema_safe(void);

const struct element	*schema_element(const struct schema *s,
			    const char *path);
const struct attr	*schema_attr(const struct schema *s,
			    const char *path, const char *name);
/* True when `path' is a direct child of `parent'. */
bool			 schema_is_child(const char *path,
			    const char *parent);
/* The last part of a path. */
const char		*schema_name(const char *path);
/* May path@name change while the module runs?  name "": the element. */
bool			 schema_is_live(const struct schema *s,
			    const char *path, const char *name);

/* mdoc rows for the manual page, and a RELAX NG schema. */
void	schema_print_mdoc(const struct schema *s, FILE *out);
void	schema_print_rng(const struct schema *s, FILE *out);

#endif
