/* SPDX-License-Identifier: ISC */
/*
 * Reads the mount table.  Paths in it have blanks and the like as \ooo.
 * Called by mount.c and holders.c.
 */
#include "mountinfo.h"

#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

static void
unescape(char *out, size_t size, const char *in)
{
	size_t n = 0;

	while (*in != '\0' && n + 1 < size) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' &&
		    in[2] >= '0' && in[2] <= '7' &&
		    in[3] >= '0' && in[3] <= '7') {
			out[n++] = (char)((in[1] - '0') << 6 |
			    (in[2] - '0') << 3 | (in[3] - '0'));
			in += 4;
		} else {
			out[n++] = *in++;
		}
	}
	out[n] = '\0';
}

static bool
has_option(const char *options, const char *name)
{
	size_t len = strlen(name);

	while (*options != '\0') {
		size_t n = strcspn(options, ",");

		if (n == len && strncmp(options, name, n) == 0)
			return true;
		options += n + (options[n] == ',');
	}
	return false;
}

bool
mountinfo_parse(struct mountinfo *m, char *line)
{
	char *save, *field[6], *type;
	unsigned i, major, minor;

	field[0] = strtok_r(line, " \n", &save);
	for (i = 1; i < 6; i++)
		field[i] = strtok_r(NULL, " \n", &save);
	if (field[5] == NULL ||
	    sscanf(field[2], "%u:%u", &major, &minor) != 2)
		return false;
	/* Optional fields end with a lone hyphen. */
	while ((type = strtok_r(NULL, " \n", &save)) != NULL)
		if (strcmp(type, "-") == 0)
			break;
	type = strtok_r(NULL, " \n", &save);
	if (type == NULL)
		return false;
	m->id = (int)strtol(field[0], NULL, 10);
	m->parent = (int)strtol(field[1], NULL, 10);
	m->dev = makedev(major, minor);
	unescape(m->root, sizeof(m->root), field[3]);
	unescape(m->point, sizeof(m->point), field[4]);
	m->read_only = has_option(field[5], "ro");
	unescape(m->type, sizeof(m->type), type);
	return true;
}

bool
mountinfo_next(struct mountinfo *m, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	bool got = false;

	while (!got && getline(&line, &size, f) != -1)
		got = mountinfo_parse(m, line);
	free(line);
	return got;
}

bool
path_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1)	/* "/" */
		return path[0] == '/';
	return strncmp(path, dir, len) == 0 &&
	    (path[len] == '\0' || path[len] == '/');
}

bool
mountinfo_inner(char *out, size_t size, const struct mountinfo *m,
    const char *path)
{
	size_t skip = strcmp(m->point, "/") == 0 ? 0 : strlen(m->point);
	int n;

	if (!path_is_below(path, m->point))
		return false;
	n = snprintf(out, size, "%s%s",
	    strcmp(m->root, "/") == 0 ? "" : m->root, path + skip);
	if (n == 0)
		n = snprintf(out, size, "/");
	/* "/" as the path leaves a slash too many. */
	if (n > 1 && (size_t)n < size && out[n - 1] == '/')
		out[n - 1] = '\0';
	return (size_t)n < size;
}
