/* SPDX-License-Identifier: ISC */
/*
 * The order of starting.  A roster names daemons, never paths: the file is
 * written by `holdfast config', and what may run for a module is listed here.
 */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "statefile.h"

/* A roster has a handful of short lines. */
#define ROSTER_FILE_MAX	4096

/*
 * keepd before all that keep, heartd before those who ask who is alive,
 * witnessd before those who ask for its vote.
 */
static const char *const node_daemons[] = {
	"keepd", "heartd", "witnessd", "vipd", "remoted", "consoled", "alertd",
};
static const char *const module_daemons[] = {
	"mirrord", "farmd", "checkd", "moduled",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
add(struct roster *r, const char *name, size_t len)
{
	memcpy(r->name[r->count], name, len);
	r->name[r->count][len] = '\0';
	r->count++;
}

void
roster_node(struct roster *r)
{
	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < COUNT(node_daemons); i++)
		add(r, node_daemons[i], strlen(node_daemons[i]));
}

static bool
is_module_daemon(const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT(module_daemons); i++) {
		if (strlen(module_daemons[i]) == len &&
		    memcmp(module_daemons[i], name, len) == 0)
			return true;
	}
	return false;
}

static bool
has(const struct roster *r, const char *name, size_t len)
{
	for (unsigned i = 0; i < r->count; i++) {
		if (strlen(r->name[i]) == len &&
		    memcmp(r->name[i], name, len) == 0)
			return true;
	}
	return false;
}

static const char *
parse_line(struct roster *r, const char *p, size_t len)
{
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t' ||
	    p[len - 1] == '\r'))
		len--;
	if (len == 0 || p[0] == '#')
		return NULL;
	if (!is_module_daemon(p, len))
		return "not a daemon of a module";
	if (has(r, p, len))
		return "named twice";
	if (r->count == ROSTER_MAX)
		return "too many daemons";
	add(r, p, len);
	return NULL;
}

int
roster_parse(struct roster *r, const char *text, unsigned *line,
    const char **why)
{
	memset(r, 0, sizeof(*r));
	*line = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		++*line;
		*why = parse_line(r, text, len);
		if (*why != NULL)
			return -1;
		text += len;
		if (*text == '\n')
			text++;
	}
	if (r->count == 0) {
		*why = "names no daemon";
		return -1;
	}
	return 0;
}

int
roster_load(struct roster *r, const char *module)
{
	char path[PATH_LEN], *text;
	const char *why;
	unsigned line;
	size_t len;
	int rc;

	path_state(path, "%s/config/active/roster", module);
	text = statefile_read(path, ROSTER_FILE_MAX, &len);
	if (text == NULL) {
		log_warn("%s: roster not read: %s", module, path);
		return -1;
	}
	rc = roster_parse(r, text, &line, &why);
	if (rc == 0 && strlen(text) != len) {
		why = "has a NUL byte";
		rc = -1;
	}
	if (rc != 0)
		log_warnx("%s:%u: %s; run `holdfast config %s' again", path,
		    line, why, module);
	free(text);
	return rc;
}
