/* SPDX-License-Identifier: ISC */
/*
 * Values of attributes in cluster.xml and userconfig.xml: numbers, times with
 * their units, words, addresses, paths.  The tables of config-tables.c say
 * which type an attribute has; this file says what the type allows.
 */
#include "config-value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "debounce.h"

#define VALUE_MAX_LEN	4000
/* A hundred years: nothing we configure is longer. */
#define TIME_MAX_US	(INT64_C(36525) * 86400 * 1000000)

static const struct {
	const char	*name;
	int64_t		 us;
} units[] = {
	{ "us", 1 },
	{ "ms", 1000 },
	{ "s",  1000000 },
	{ "m",  INT64_C(60) * 1000000 },
	{ "h",  INT64_C(3600) * 1000000 },
	{ "d",  INT64_C(86400) * 1000000 },
};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

int64_t
value_unit_us(const char *unit)
{
	size_t i;

	for (i = 0; i < UNIT_COUNT; i++)
		if (strcmp(units[i].name, unit) == 0)
			return units[i].us;
	return 0;
}

int
value_int(int64_t *out, const char *text)
{
	char *end;
	long long n;

	if (!isdigit((unsigned char)text[0]) &&
	    !(text[0] == '-' && isdigit((unsigned char)text[1])))
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return -1;
	*out = n;
	return 0;
}

int
value_time(int64_t *us, const char *text, const char *unit, char *why,
    size_t why_size)
{
	int64_t scale, own = value_unit_us(unit);
	char *end;
	long long n;

	if (!isdigit((unsigned char)text[0])) {
		snprintf(why, why_size, "\"%s\" is not a time; allowed: a "
		    "whole number and d, h, m, s, ms or us, alone it counts "
		    "in %s", text, unit);
		return -1;
	}
	errno = 0;
	n = strtoll(text, &end, 10);
	while (*end == ' ')
		end++;
	scale = *end == '\0' ? own : value_unit_us(end);
	if (scale == 0) {
		snprintf(why, why_size, "\"%s\" has no unit known here; "
		    "allowed: d, h, m, s, ms, us", text);
		return -1;
	}
	if (errno != 0 || n > TIME_MAX_US / scale) {
		snprintf(why, why_size, "\"%s\" is longer than a hundred "
		    "years", text);
		return -1;
	}
	if (n != 0 && n * scale * 2 < own) {
		snprintf(why, why_size, "\"%s\" rounds to 0; it is counted "
		    "in %s", text, unit);
		return -1;
	}
	*us = n * scale;
	return 0;
}

const char *
value_time_text(char *buf, size_t size, int64_t us)
{
	size_t i = UNIT_COUNT;

	while (--i > 0)
		if (us != 0 && us % units[i].us == 0)
			break;
	if (us == 0)
		i = 2;
	snprintf(buf, size, "%" PRId64 " %s", us / units[i].us,
	    units[i].name);
	return buf;
}

bool
value_is_word(const char *text, const char *words)
{
	size_t len = strlen(text), n;
	const char *p = words;

	while (*p != '\0') {
		n = strcspn(p, " ");
		if (n == len && strncmp(p, text, n) == 0)
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

bool
value_is_on(const char *text)
{
	return strcmp(text, "on") == 0 || strcmp(text, "yes") == 0;
}

static bool
addr_ok(const char *s)
{
	unsigned char bin[16];
	char copy[INET6_ADDRSTRLEN + 2];
	size_t len = strlen(s);

	if (len >= sizeof(copy))
		return false;
	if (s[0] == '[' && len > 2 && s[len - 1] == ']') {
		memcpy(copy, s + 1, len - 2);
		copy[len - 2] = '\0';
		return inet_pton(AF_INET6, copy, bin) == 1;
	}
	return inet_pton(AF_INET, s, bin) == 1 ||
	    inet_pton(AF_INET6, s, bin) == 1;
}

static bool
host_ok(const char *s)
{
	size_t i;

	if (addr_ok(s))
		return true;
	if (strlen(s) > 253 || !isalnum((unsigned char)s[0]))
		return false;
	for (i = 0; s[i] != '\0'; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' &&
		    s[i] != '.')
			return false;
	/* "10.88.1" is a broken address and no name. */
	return strspn(s, "0123456789.") != strlen(s);
}

static bool
path_has_dotdot(const char *s)
{
	const char *p = s;

	while ((p = strstr(p, "..")) != NULL) {
		if ((p == s || p[-1] == '/') &&
		    (p[2] == '/' || p[2] == '\0'))
			return true;
		p += 2;
	}
	return false;
}

static bool
mac_ok(const char *s)
{
	unsigned i;

	for (i = 0; i < 17; i++) {
		if (i % 3 == 2 ? s[i] != ':' :
		    !isxdigit((unsigned char)s[i]))
			return false;
	}
	return s[17] == '\0';
}

static int
count_check(const char *text, char *why, size_t why_size)
{
	unsigned n, of;

	if (debounce_parse(text, &n, &of))
		return 0;
	(void)snprintf(why, why_size, "\"%s\" is not allowed; allowed: n, or "
	    "n/m: n of the last m, m at most %d", text, DEBOUNCE_MAX);
	return -1;
}

static int
regex_check(const char *text, char *why, size_t why_size)
{
	regex_t re;
	char err[128];
	int rc;

	if (text[0] == '!')
		text++;
	rc = regcomp(&re, text, REG_EXTENDED | REG_NOSUB);
	if (rc == 0) {
		regfree(&re);
		return 0;
	}
	regerror(rc, &re, err, sizeof(err));
	snprintf(why, why_size, "\"%s\" is not an extended regular "
	    "expression: %s", text, err);
	return -1;
}

static int
range_check(const char *text, int64_t n, int64_t min, int64_t max,
    char *why, size_t why_size)
{
	if (n >= min && n <= max)
		return 0;
	snprintf(why, why_size, "%s is out of range; allowed: %" PRId64
	    " to %" PRId64, text, min, max);
	return -1;
}

/* Bounds of times are whole units, and always both there. */
static int
time_check(const char *text, const char *unit, int64_t min, int64_t max,
    char *why, size_t why_size)
{
	int64_t us, scale = value_unit_us(unit);

	if (value_time(&us, text, unit, why, why_size) == -1)
		return -1;
	if (us >= min * scale && us <= max * scale)
		return 0;
	snprintf(why, why_size, "%s is out of range; allowed: %" PRId64
	    "%s to %" PRId64 "%s", text, min, unit, max, unit);
	return -1;
}

static int
path_check(enum value_type type, const char *text, char *why, size_t why_size)
{
	if (type == VT_PATH && text[0] != '/') {
		snprintf(why, why_size, "\"%s\" is not absolute; allowed: a "
		    "path that begins with /", text);
		return -1;
	}
	if (type == VT_RELPATH && text[0] == '/') {
		snprintf(why, why_size, "\"%s\" is absolute; allowed: a "
		    "path relative to the directory", text);
		return -1;
	}
	if (path_has_dotdot(text)) {
		snprintf(why, why_size, "\"%s\" contains ..; allowed: a path "
		    "without it", text);
		return -1;
	}
	return 0;
}

/* Types that are a yes or no, with what they allow. */
static int
shape_check(enum value_type type, const char *text, char *why,
    size_t why_size)
{
	static const struct {
		enum value_type	 type;
		bool		(*good)(const char *);
		const char	*what;
	} shapes[] = {
		{ VT_NAME, cluster_name_ok, "a name of letters, digits, _ . -" },
		{ VT_ADDR, addr_ok, "an IPv4 or IPv6 address" },
		{ VT_HOST, host_ok, "an IPv4 or IPv6 address or a host name" },
		{ VT_MAC,  mac_ok,  "six pairs of hex digits with colons" },
	};
	size_t i;

	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (shapes[i].type != type || shapes[i].good(text))
			continue;
		snprintf(why, why_size, "\"%s\" is not allowed here; "
		    "allowed: %s", text, shapes[i].what);
		return -1;
	}
	return 0;
}

int
value_check(enum value_type type, const char *text, const char *unit,
    const char *words, int64_t min, int64_t max, char *why, size_t why_size)
{
	int64_t n;

	if (strlen(text) > VALUE_MAX_LEN) {
		snprintf(why, why_size, "is longer than %d bytes",
		    VALUE_MAX_LEN);
		return -1;
	}
	switch (type) {
	case VT_WORD:
		if (value_is_word(text, words))
			return 0;
		snprintf(why, why_size, "\"%s\" is not allowed; allowed: %s",
		    text, words);
		return -1;
	case VT_INT:
		if (value_int(&n, text) == 0)
			return range_check(text, n, min, max, why, why_size);
		snprintf(why, why_size, "\"%s\" is not a whole number", text);
		return -1;
	case VT_TIME:
		return time_check(text, unit, min, max, why, why_size);
	case VT_PATH:
	case VT_RELPATH:
		return path_check(type, text, why, why_size);
	case VT_REGEX:
		return regex_check(text, why, why_size);
	case VT_COUNT:
		return count_check(text, why, why_size);
	default:
		return shape_check(type, text, why, why_size);
	}
}
