/* SPDX-License-Identifier: ISC */
/*
 * One attribute value: is it what its type allows, and what is it as a
 * number.  Pure.
 */
#ifndef HOLDFAST_CONFIG_VALUE_H
#define HOLDFAST_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_type {
	VT_TEXT,	/* anything */
	VT_NAME,	/* [A-Za-z0-9_][A-Za-z0-9_.-]* */
	VT_WORD,	/* one of a list */
	VT_INT,
	VT_TIME,	/* integer and d h m s ms us; bare: the own unit */
	VT_ADDR,	/* IPv4 or IPv6 literal, brackets allowed */
	VT_HOST,	/* an address or a host name */
	VT_PATH,	/* absolute */
	VT_RELPATH,	/* relative, without .. */
	VT_REGEX,	/* POSIX extended */
	VT_COUNT,	/* n or n/m, at most 32 */
	VT_MAC
};

/* Microseconds in a unit, or 0 when it is none. */
int64_t	value_unit_us(const char *unit);

/*
 * "300", "300s", "5m" into *us; a bare number counts in `unit'.  0, or -1 with
 * why filled: not a time, unknown unit, too large, or not zero and yet
 * rounding to 0 in `unit'.
 */
int	value_time(int64_t *us, const char *text, const char *unit,
	    char *why, size_t why_size);
/* Decimal, optional minus; 0 or -1. */
int	value_int(int64_t *out, const char *text);
bool	value_is_word(const char *text, const char *words);
/* "on" is true; the table has seen that it is on or off. */
bool	value_is_on(const char *text);
/*
 * 0, or -1 with why saying what is wrong and what is allowed, ready to follow
 * `element@attribute: '.  min and max are of VT_INT, and of VT_TIME in unit.
 */
int	value_check(enum value_type type, const char *text, const char *unit,
	    const char *words, int64_t min, int64_t max, char *why,
	    size_t why_size);
/* Microseconds for people: "300 ms", "2 s", "24 h". */
const char	*value_time_text(char *buf, size_t size, int64_t us);

#endif
