/* SPDX-License-Identifier: ISC */
/*
 * Allocation whose failure ends the process: for sizes the program itself
 * chose.  A size that came from outside is bounded first and uses malloc(3).
 */
#ifndef COMMON_XALLOC_H
#define COMMON_XALLOC_H

#include <stddef.h>

void	*xcalloc(size_t count, size_t size);
void	*xrealloc(void *p, size_t count, size_t size);
char	*xstrdup(const char *s);
char	*xasprintf(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));

#endif
