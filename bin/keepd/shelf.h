/* SPDX-License-Identifier: ISC */
/*
 * Descriptors by owner and name.  What is on the shelf belongs to it: it is
 * closed when replaced or dropped.
 */
#ifndef KEEPD_SHELF_H
#define KEEPD_SHELF_H

#include <stdbool.h>

#define SHELF_NAME_MAX	128	/* of an owner, of a thing */

struct shelf;

/* max: how many things in all.  Never NULL. */
struct shelf	*shelf_new(unsigned max);
void		 shelf_free(struct shelf *s);
/* 1 to SHELF_NAME_MAX printing characters without blanks and quotes. */
bool		 shelf_name_ok(const char *name);
/* Takes fd when it returns 0; -1 with errno ENFILE: full. */
int		 shelf_put(struct shelf *s, const char *owner,
		    const char *name, int fd);
/* The shelf's descriptor, or -1. */
int		 shelf_get(const struct shelf *s, const char *owner,
		    const char *name);
/* False when it was not there. */
bool		 shelf_drop(struct shelf *s, const char *owner,
		    const char *name);
/* owner NULL: everything.  In the order of owner, then name. */
void		 shelf_each(const struct shelf *s, const char *owner,
		    void (*on_thing)(const char *owner, const char *name,
		    void *arg), void *arg);
unsigned	 shelf_count(const struct shelf *s);

#endif
