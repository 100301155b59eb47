/* SPDX-License-Identifier: ISC */
/*
 * Passwords first, by the words that stand before them; then, word by word,
 * what looks like an address and what is a known name.  A word too many is no
 * harm, one too few is.
 */
#include "scrub.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "xalloc.h"

#define REMOVED	"(removed)"
#define WORD_MAX 64

enum kind { SK_NAME, SK_IPV4, SK_IPV6, SK_MAC };

/* --- passwords ----------------------------------------------------------- */

static const char *
find_word(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	for (; (size_t)(end - p) >= n; p++)
		if (strncasecmp(p, word, n) == 0)
			return p;
	return NULL;
}

/* Behind the first word that announces a secret, or NULL. */
static const char *
secret_at(const char *p, const char *end)
{
	static const char *const words[] = { "passw", "passphrase", "secret",
	    "token", "credential", "api_key", "apikey", "private key",
	    "authorization" };
	const char *first = NULL, *q;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		q = find_word(p, end, words[i]);
		if (q != NULL && (first == NULL || q < first))
			first = q;
	}
	return first;
}

/*
 * Of a line that names a secret: quoted strings behind the name go, and what
 * follows an `=' or `:' without quotes.  The rest says which one it was.
 */
static void
remove_secret(const char *p, const char *end, struct text *out)
{
	const char *at = secret_at(p, end), *q;

	if (at == NULL) {
		text_add(out, p, (size_t)(end - p));
		return;
	}
	/* The end of the name itself: name="DB_PASSWORD" stays. */
	while (at < end && (isalnum((unsigned char)*at) || *at == '_' ||
	    *at == '-'))
		at++;
	if (at < end && (*at == '"' || *at == '\''))
		at++;
	text_add(out, p, (size_t)(at - p));
	while (at < end) {
		if (*at == '"' || *at == '\'') {
			q = memchr(at + 1, *at, (size_t)(end - at - 1));
			text_addf(out, "%c" REMOVED "%c", *at, *at);
			at = q != NULL ? q + 1 : end;
		} else if (*at == '=' || *at == ':') {
			q = at + 1;
			while (q < end && isspace((unsigned char)*q))
				q++;
			text_add(out, at, (size_t)(q - at));
			at = q;
			if (q < end && *q != '"' && *q != '\'') {
				text_addf(out, REMOVED);
				return;
			}
		} else
			text_add(out, at++, 1);
	}
}

/* --- addresses and names -------------------------------------------------- */

static const char *
replacement(struct scrub *s, const char *word, enum kind kind)
{
	static const char *const names[] = { "name", "ipv4", "ipv6", "mac" };
	unsigned i;

	for (i = 0; i < s->count; i++)
		if (strcasecmp(s->word[i].from, word) == 0)
			return s->word[i].to;
	if (s->count == SCRUB_MAX)
		return names[kind];
	s->word[s->count].from = xstrdup(word);
	s->word[s->count].to = xasprintf("%s-%u", names[kind],
	    ++s->kinds[kind]);
	return s->word[s->count++].to;
}

void
scrub_name(struct scrub *s, const char *name, const char *kind)
{
	unsigned i, n = 1;

	if (name[0] == '\0' || s->count == SCRUB_MAX)
		return;
	for (i = 0; i < s->count; i++) {
		if (strcasecmp(s->word[i].from, name) == 0)
			return;
		if (strncmp(s->word[i].to, kind, strlen(kind)) == 0)
			n++;
	}
	s->word[s->count].from = xstrdup(name);
	s->word[s->count++].to = xasprintf("%s%u", kind, n);
}

static bool
is_mac(const char *w)
{
	unsigned i;

	if (strlen(w) != 17)
		return false;
	for (i = 0; i < 17; i++)
		if (i % 3 == 2 ? w[i] != ':' : !isxdigit((unsigned char)w[i]))
			return false;
	return true;
}

/* What says nothing about anybody. */
static bool
is_common(const char *w)
{
	static const char *const words[] = { "127.0.0.1", "0.0.0.0", "::",
	    "::1", "255.255.255.255", "ff:ff:ff:ff:ff:ff",
	    "00:00:00:00:00:00" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i], w) == 0)
			return true;
	return false;
}

/* An address at p: its length and kind, or 0.  `set' has its characters. */
static size_t
address_at(const char *p, const char *end, char word[WORD_MAX],
    enum kind *kind)
{
	unsigned char raw[16];
	size_t n = 0;

	while (p + n < end && n < WORD_MAX - 1 &&
	    (isxdigit((unsigned char)p[n]) || p[n] == ':' || p[n] == '.'))
		n++;
	/* The longest that is one: a full stop or a colon may follow it. */
	for (; n > 2; n--) {
		memcpy(word, p, n);
		word[n] = '\0';
		*kind = SK_IPV4;
		if (inet_pton(AF_INET, word, raw) == 1)
			return n;
		*kind = SK_IPV6;
		if (strchr(word, ':') != NULL &&
		    inet_pton(AF_INET6, word, raw) == 1)
			return n;
		*kind = SK_MAC;
		if (is_mac(word))
			return n;
	}
	return 0;
}

/* A known name at p, whole; its index, or -1. */
static int
name_at(const struct scrub *s, const char *p, const char *end, size_t *len)
{
	int best = -1;
	unsigned i;
	size_t n;

	*len = 0;
	for (i = 0; i < s->count; i++) {
		n = strlen(s->word[i].from);
		if (n <= *len || (size_t)(end - p) < n ||
		    strncasecmp(p, s->word[i].from, n) != 0 ||
		    (p + n < end && isalnum((unsigned char)p[n])))
			continue;
		best = (int)i;
		*len = n;
	}
	return best;
}

static void
anonymise(struct scrub *s, const char *p, const char *end, struct text *out)
{
	char word[WORD_MAX];
	bool inside = false;	/* of a longer word */
	enum kind kind;
	size_t n;
	int i;

	while (p < end) {
		if (!inside && (n = address_at(p, end, word, &kind)) > 0 &&
		    (p + n == end || !isalnum((unsigned char)p[n]))) {
			text_addf(out, "%s", is_common(word) ? word :
			    replacement(s, word, kind));
			p += n;
		} else if (!inside && (i = name_at(s, p, end, &n)) >= 0) {
			text_addf(out, "%s", s->word[i].to);
			p += n;
		} else {
			inside = isalnum((unsigned char)*p) != 0;
			text_add(out, p++, 1);
			continue;
		}
		inside = false;
	}
}

void
scrub_text(struct scrub *s, const char *text, size_t len, struct text *out)
{
	const char *p = text, *end = text + len, *eol;
	struct text line = { 0 };

	for (; p < end; p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL)
			eol = end;
		line.len = 0;
		remove_secret(p, eol, &line);
		if (line.len > 0 && s->anonymise)
			anonymise(s, line.text, line.text + line.len, out);
		else if (line.len > 0)
			text_add(out, line.text, line.len);
		if (eol < end)
			text_add(out, "\n", 1);
	}
	free(line.text);
}

void
scrub_fini(struct scrub *s)
{
	unsigned i;

	for (i = 0; i < s->count; i++) {
		free(s->word[i].from);
		free(s->word[i].to);
	}
	s->count = 0;
}
