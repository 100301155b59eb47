/* SPDX-License-Identifier: ISC */
/*
 * A script sees what its writer expects and nothing of ours: the variables of
 * the reference, those of the module's <user>, and a plain system's.
 */
#include "env.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"
#include "xalloc.h"

#define SCRIPT_NAME_MAX	128

void
env_init(struct env *e)
{
	e->count = 0;
	e->var[0] = NULL;
}

void
env_fini(struct env *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->var[i]);
	env_init(e);
}

bool
env_is_assignment(const char *s)
{
	size_t len = strcspn(s, "=");

	if (len == 0 || s[len] != '=' || isdigit((unsigned char)s[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '_')
			return false;
	}
	return true;
}

/* Where NAME of "NAME=..." or "NAME" is, or count. */
static size_t
find(const struct env *e, const char *name)
{
	size_t len = strcspn(name, "=");
	size_t i;

	for (i = 0; i < e->count; i++) {
		if (strncmp(e->var[i], name, len) == 0 &&
		    e->var[i][len] == '=')
			break;
	}
	return i;
}

bool
env_set(struct env *e, const char *assignment)
{
	size_t i = find(e, assignment);

	if (i < e->count) {
		free(e->var[i]);
		e->var[i] = xstrdup(assignment);
		return true;
	}
	if (e->count + 1 == ENV_MAX)
		return false;
	e->var[e->count++] = xstrdup(assignment);
	e->var[e->count] = NULL;
	return true;
}

const char *
env_get(const struct env *e, const char *name)
{
	size_t i = find(e, name);

	return i == e->count ? NULL : e->var[i] + strlen(name) + 1;
}

static void
set_pair(struct env *e, const char *name, const char *value)
{
	char *s = xasprintf("%s=%s", name, value);

	(void)env_set(e, s);	/* these come first: there is room */
	free(s);
}

void
env_set_standard(struct env *e, const char *module,
    char *(*get)(const char *name))
{
	/* Language and time of the machine, and what a test needs. */
	static const char *const kept[] = { "LANG", "LC_ALL", "TZ",
	    "HOLDFAST_ROOT", "HOLDFAST_CGROUP" };
	char path[PATH_LEN];

	set_pair(e, "PATH", "/usr/local/sbin:/usr/local/bin:"
	    "/usr/sbin:/usr/bin:/sbin:/bin");
	set_pair(e, "HOME", "/root");
	set_pair(e, "USER", "root");
	set_pair(e, "LOGNAME", "root");
	set_pair(e, "SHELL", "/bin/sh");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const char *value = get(kept[i]);

		if (value != NULL)
			set_pair(e, kept[i], value);
	}
	path_lib(path, "%s", "bin");
	set_pair(e, "SAFEBIN", path);
	path[strlen(path) - strlen("/bin")] = '\0';
	set_pair(e, "SAFE", path);
	set_pair(e, "SAFEMODULE", module);
	path_state(path, "%s", module);
	set_pair(e, "SAFEUSERVAR", path);
	path[strlen(path) - strlen(module) - 1] = '\0';
	set_pair(e, "SAFEVAR", path);
	set_pair(e, "SAFEUSERCONF",
	    path_state(path, "%s/config/active", module));
	set_pair(e, "SAFEUSERBIN",
	    path_state(path, "%s/config/active/bin", module));
}

bool
env_script_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > SCRIPT_NAME_MAX || name[0] == '.' ||
	    name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) &&
		    strchr("._-", name[i]) == NULL)
			return false;
	}
	return true;
}
