/* SPDX-License-Identifier: ISC */
/*
 * A growing text, and options of a libconfuse file with their quoting.
 */
#ifndef HOLDFAST_TEXT_H
#define HOLDFAST_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char	*text;		/* malloc'd, NUL-terminated; NULL if empty */
	size_t	 len;
	size_t	 size;
};

void	text_add(struct text *t, const char *s, size_t len);
void	text_addf(struct text *t, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* name = "value"\n, quoted as libconfuse reads it. */
void	text_option(struct text *t, const char *name, const char *value);
void	text_number(struct text *t, const char *name, int64_t value);
void	text_bool(struct text *t, const char *name, int value);
/* name = {"a", "b"} */
void	text_list(struct text *t, const char *name, const char *const *value,
	    unsigned count);
/* Only the quoted string. */
void	text_quoted(struct text *t, const char *value);

#endif
