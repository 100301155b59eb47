/* SPDX-License-Identifier: ISC */
/*
 * The local protocol, holdfast-protocol(7): one line a message,
 *
 *	verb key=value key="va\nlue" ...\n
 *
 * A value is [^ "]+ or a quoted string with \n \" \\ \xHH.  A line is at most
 * LINE_MAX_LEN bytes with its newline.  A key may be repeated.  Nothing here
 * does I/O; see serve.h and ask.h.
 */
#ifndef COMMON_LINE_H
#define COMMON_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_MAX_LEN	8192
#define LINE_MAX_PAIRS	128

struct line_pair {
	const char	*key;
	const char	*value;		/* unquoted, NUL-terminated */
};

/* A parsed line.  Its strings live in `store'; the struct may not be moved. */
struct line {
	const char		*verb;
	unsigned		 count;
	struct line_pair	 pair[LINE_MAX_PAIRS];
	char			 store[LINE_MAX_LEN];
};

/*
 * Parse len bytes without the newline.  A line that begins with `key=' has
 * the verb "".  0, or -1 with errno EINVAL and *why set to a constant text
 * that says what is wrong.  A NUL byte, also as \x00, is refused.
 */
int		line_parse(struct line *l, const char *text, size_t len,
		    const char **why);
/* The first value of key, or NULL. */
const char	*line_get(const struct line *l, const char *key);
/* The value at or after *pos; moves *pos behind it.  Start with *pos = 0. */
const char	*line_next(const struct line *l, const char *key,
		    unsigned *pos);
/* Decimal within [min, max] into *out: true; absent or bad: false. */
bool		line_get_num(const struct line *l, const char *key,
		    int64_t min, int64_t max, int64_t *out);
/* "1", "yes", "on" are true; "0", "no", "off" and absent are false. */
bool		line_get_bool(const struct line *l, const char *key);

/* A line being built.  Overflow is remembered and tested once at the end. */
struct line_out {
	size_t	len;
	bool	overflow;
	char	text[LINE_MAX_LEN];
};

/* Begins a line; verb may be "" for an answer line of pairs only. */
void	line_begin(struct line_out *o, const char *verb);
/* Adds key=value, quoted where needed.  NULL is written as "". */
void	line_add(struct line_out *o, const char *key, const char *value);
void	line_addf(struct line_out *o, const char *key, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
void	line_add_num(struct line_out *o, const char *key, int64_t value);
/* Ends with a newline and NUL.  false: it did not fit (errno EMSGSIZE). */
bool	line_end(struct line_out *o);

#endif
