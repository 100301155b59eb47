/* SPDX-License-Identifier: ISC */
/* Called by object-local.c for each name, and by parts.c, which fills it. */
#include "exclude.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "xalloc.h"

enum rule_kind {
	EX_PATH,
	EX_MATCH,	/* left out is what it is found in */
	EX_OTHERS,	/* `!': what it is not found in */
};

struct rule {
	enum rule_kind	 kind;
	unsigned	 dir;
	char		*text;
	const char	*base;		/* the path's last component */
	regex_t		 regex;
};

struct excludes {
	struct rule	 rule[EXCLUDE_MAX];
	unsigned	 count;
};

struct excludes *
excludes_new(void)
{
	return xcalloc(1, sizeof(struct excludes));
}

void
excludes_free(struct excludes *e)
{
	unsigned i;

	if (e == NULL)
		return;
	for (i = 0; i < e->count; i++) {
		if (e->rule[i].kind != EX_PATH)
			regfree(&e->rule[i].regex);
		free(e->rule[i].text);
	}
	free(e);
}

static struct rule *
next_rule(struct excludes *e, unsigned dir, char why[EXCLUDE_WHY_LEN])
{
	struct rule *r;

	if (e->count == EXCLUDE_MAX) {
		(void)snprintf(why, EXCLUDE_WHY_LEN,
		    "at most %d rules are allowed", EXCLUDE_MAX);
		return NULL;
	}
	r = &e->rule[e->count];
	r->dir = dir;
	return r;
}

/* The path without "." and superfluous slashes, the caller's to free; NULL:
 * it is absolute, has "..", or names no entry. */
static char *
below(const char *path)
{
	char *out = xcalloc(1, strlen(path) + 2), *end = out;
	bool good = path[0] != '/';
	const char *at;
	size_t len;

	for (at = path; good && *at != '\0'; at += len + (at[len] == '/')) {
		len = strcspn(at, "/");
		if (len == 0 || (len == 1 && at[0] == '.'))
			continue;
		good = !(len == 2 && at[0] == '.' && at[1] == '.');
		if (end != out)
			*end++ = '/';
		memcpy(end, at, len);
		end += len;
	}
	if (good && end != out)
		return out;
	free(out);
	return NULL;
}

int
excludes_add_path(struct excludes *e, unsigned dir, const char *path,
    char why[EXCLUDE_WHY_LEN])
{
	struct rule *r = next_rule(e, dir, why);
	char *slash, *text;

	if (r == NULL)
		return -1;
	text = below(path);
	if (text == NULL) {
		(void)snprintf(why, EXCLUDE_WHY_LEN, "a path below the "
		    "directory is wanted, as in tmp or var/cache");
		return -1;
	}
	r->kind = EX_PATH;
	r->text = text;
	slash = strrchr(r->text, '/');
	r->base = slash != NULL ? slash + 1 : r->text;
	e->count++;
	return 0;
}

int
excludes_add_regex(struct excludes *e, unsigned dir, const char *text,
    char why[EXCLUDE_WHY_LEN])
{
	struct rule *r = next_rule(e, dir, why);
	bool others = text[0] == '!';
	int error;

	if (r == NULL)
		return -1;
	if (text[others] == '\0') {
		(void)snprintf(why, EXCLUDE_WHY_LEN,
		    "an expression is wanted, as in \\.tmp$");
		return -1;
	}
	error = regcomp(&r->regex, text + others, REG_EXTENDED | REG_NOSUB);
	if (error != 0) {
		(void)regerror(error, &r->regex, why, EXCLUDE_WHY_LEN);
		return -1;
	}
	r->kind = others ? EX_OTHERS : EX_MATCH;
	r->text = xstrdup(text);
	e->count++;
	return 0;
}

const char *
excludes_path(const struct excludes *e, unsigned dir, unsigned n)
{
	unsigned i;

	for (i = 0; i < e->count; i++)
		if (e->rule[i].kind == EX_PATH && e->rule[i].dir == dir &&
		    n-- == 0)
			return e->rule[i].text;
	return NULL;
}

bool
excludes_any(const struct excludes *e)
{
	return e != NULL && e->count > 0;
}

/* Is the directory at hand that of the path's component at `at'? */
static bool
is_at(const char *path, const char *at, excludes_at_fn *look, void *arg)
{
	char parent[4096];
	size_t len = at == path ? 0 : (size_t)(at - path) - 1;

	if (len >= sizeof(parent))
		return false;
	memcpy(parent, path, len);
	parent[len] = '\0';
	return look(parent, arg);
}

static bool
is_found(const struct rule *r, const char *name)
{
	return regexec(&r->regex, name, 0, NULL, 0) == 0;
}

bool
excludes_name(const struct excludes *e, unsigned dir, const char *name,
    bool is_dir, excludes_at_fn *at, void *arg)
{
	bool others = false, wanted = false;
	const struct rule *r;
	unsigned i;

	for (i = 0; e != NULL && i < e->count; i++) {
		r = &e->rule[i];
		if (r->dir != dir)
			continue;
		switch (r->kind) {
		case EX_PATH:
			if (strcmp(name, r->base) == 0 &&
			    is_at(r->text, r->base, at, arg))
				return true;
			break;
		case EX_MATCH:
			if (is_found(r, name))
				return true;
			break;
		case EX_OTHERS:
			others = true;
			wanted = wanted || is_found(r, name);
			break;
		}
	}
	return others && !wanted && !is_dir;
}

bool
excludes_leads(const struct excludes *e, unsigned dir, const char *name,
    excludes_at_fn *at, void *arg)
{
	size_t len, name_len = strlen(name);
	const struct rule *r;
	const char *c;
	unsigned i;

	for (i = 0; e != NULL && i < e->count; i++) {
		r = &e->rule[i];
		if (r->dir != dir || r->kind != EX_PATH)
			continue;
		for (c = r->text; c != r->base; c += len + 1) {
			len = strcspn(c, "/");
			if (len == name_len && memcmp(c, name, len) == 0 &&
			    is_at(r->text, c, at, arg))
				return true;
		}
	}
	return false;
}

static int
ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t
number_of(const struct rule *r)
{
	return XXH3_64bits_withSeed(r->text, strlen(r->text), r->kind);
}

/* Those with `!' are one rule: another of them takes in more. */
unsigned
excludes_numbers(const struct excludes *e, unsigned dir,
    uint64_t out[EXCLUDE_MAX])
{
	uint64_t others = 0;
	unsigned i, n = 0;

	for (i = 0; e != NULL && i < e->count; i++) {
		if (e->rule[i].dir != dir)
			continue;
		if (e->rule[i].kind == EX_OTHERS)
			others += number_of(&e->rule[i]);
		else
			out[n++] = number_of(&e->rule[i]);
	}
	if (others != 0)
		out[n++] = others;
	qsort(out, n, sizeof(out[0]), ascending);
	return n;
}

uint16_t
excludes_mark(const struct excludes *e)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; e != NULL && i < e->count; i++)
		sum += number_of(&e->rule[i]) * (2 * e->rule[i].dir + 1);
	sum ^= sum >> 32;
	sum ^= sum >> 16;
	/* 0 is what a node says that has none. */
	return excludes_any(e) && (uint16_t)sum == 0 ? 1 : (uint16_t)sum;
}
