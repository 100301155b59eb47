/* SPDX-License-Identifier: ISC */
/*
 * What is remembered of the voters: a second line of defence, besides what
 * each witnessd knows of its own store.  So it is written when a change has
 * settled, not before its accept: a crash in between forgets one ballot,
 * and the voter itself does not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"
#include "xalloc.h"

#include "voters.h"

#define VOTERS_FILE_MAX	(PROPOSE_VOTER_MAX * 2048)
#define HEX_BASE	16

static bool
take_name(char out[CLUSTER_NAME_LEN], const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	if (v == NULL || !cluster_name_ok(v) ||
	    strlen(v) >= CLUSTER_NAME_LEN)
		return false;
	memcpy(out, v, strlen(v) + 1);
	return true;
}

static bool
take_epoch(struct epoch *out, const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	return v != NULL && epoch_parse(out, v) == 0;
}

static bool
take_id(uint64_t *out, const struct line *l)
{
	const char *v = line_get(l, "id");
	char *end;

	if (v == NULL || strspn(v, "0123456789abcdef") != HEX_BASE)
		return false;
	*out = strtoull(v, &end, HEX_BASE);
	return *end == '\0';
}

static bool
parse(struct voter_line *v, const char *text, size_t len)
{
	struct line l;
	const char *why, *addr;
	unsigned pos = 0;

	memset(v, 0, sizeof(*v));
	if (line_parse(&l, text, len, &why) != 0 ||
	    strcmp(l.verb, "voter") != 0 ||
	    !take_name(v->place.name, &l, "name") ||
	    !take_name(v->place.key, &l, "key") ||
	    !take_id(&v->memory.id, &l) ||
	    !take_epoch(&v->memory.promised, &l, "promised") ||
	    !take_epoch(&v->memory.accepted, &l, "accepted"))
		return false;
	memcpy(v->memory.name, v->place.name, CLUSTER_NAME_LEN);
	v->memory.back = line_get_bool(&l, "back");
	while ((addr = line_next(&l, "addr", &pos)) != NULL &&
	    v->place.addr_count < VOTER_ADDR_MAX)
		if (addr_parse(&v->place.addr[v->place.addr_count],
		    addr) == 0)
			v->place.addr_count++;
	return true;
}

unsigned
voters_load(struct voter_line *lines, unsigned max, const char *module)
{
	char path[PATH_LEN], *text;
	const char *p;
	unsigned n = 0;
	size_t len;

	text = statefile_read(path_state(path, "%s/voters", module),
	    VOTERS_FILE_MAX, &len);
	if (text == NULL) {
		if (errno != ENOENT)
			log_warn("%s: what the voters answered so far is not "
			    "known", path);
		return 0;
	}
	for (p = text; *p != '\0' && n < max; p += len + (p[len] == '\n')) {
		len = strcspn(p, "\n");
		if (parse(&lines[n], p, len))
			n++;
		else
			log_warnx("%s: a line is damaged: what that voter "
			    "answered so far is not known", path);
	}
	free(text);
	return n;
}

/* Appended to text; false: no room. */
static bool
format(char *text, size_t size, size_t *at, const struct voter_line *v)
{
	char e[EPOCH_LEN], addr[ADDR_LEN];
	struct line_out o;
	unsigned i;

	line_begin(&o, "voter");
	line_add(&o, "name", v->place.name);
	line_add(&o, "key", v->place.key);
	line_addf(&o, "id", "%016" PRIx64, v->memory.id);
	line_add(&o, "promised", epoch_str(e, v->memory.promised));
	line_add(&o, "accepted", epoch_str(e, v->memory.accepted));
	line_add_num(&o, "back", v->memory.back);
	for (i = 0; i < v->place.addr_count; i++)
		line_add(&o, "addr", addr_str(addr, &v->place.addr[i]));
	if (!line_end(&o) || o.len >= size - *at)
		return false;
	memcpy(text + *at, o.text, o.len + 1);
	*at += o.len;
	return true;
}

int
voters_save(const struct voter_line *lines, unsigned count,
    const char *module)
{
	char path[PATH_LEN], *text = xcalloc(1, VOTERS_FILE_MAX);
	unsigned i;
	size_t len = 0;
	int rc = 0;

	for (i = 0; i < count; i++)
		if (!format(text, VOTERS_FILE_MAX, &len, &lines[i]))
			rc = -1;
	if (statefile_write(path_state(path, "%s/voters", module), text, len,
	    0600) != 0) {
		log_warn("%s", path);
		rc = -1;
	}
	free(text);
	return rc;
}
