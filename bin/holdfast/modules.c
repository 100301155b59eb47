/* SPDX-License-Identifier: ISC */
/*
 * Which modules are installed and which number each has.  A number is given
 * once for the whole cluster: the ports of a module follow from it.
 */
#include "modules.h"

#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-value.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"

static int
is_module(const struct dirent *d)
{
	return module_name_ok(d->d_name) && modules_is_installed(d->d_name);
}

void
modules_each(void (*call)(const char *module, void *arg), void *arg)
{
	char path[PATH_LEN];
	struct dirent **list;
	int i, n = scandir(path_etc(path, "modules"), &list, is_module,
	    alphasort);

	for (i = 0; i < n; i++) {
		call(list[i]->d_name, arg);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

bool
modules_is_installed(const char *module)
{
	char path[PATH_LEN];
	struct stat st;

	return stat(path_etc(path, "modules/%s/conf/userconfig.xml", module),
	    &st) == 0 && S_ISREG(st.st_mode);
}

int
modules_id(const char *module)
{
	char path[PATH_LEN], *text;
	int64_t id = 0;
	size_t len;

	text = statefile_read(path_etc(path, "modules/%s/id", module), 32,
	    &len);
	if (text == NULL) {
		log_warn("%s: cannot be read; `holdfast module install' "
		    "makes it", path);
		return 0;
	}
	text[strcspn(text, "\r\n")] = '\0';
	if (value_int(&id, text) == -1 || id < 1 || id > MODULE_ID_MAX) {
		log_warnx("%s: \"%s\" is no module id; allowed: 1 to %d",
		    path, text, MODULE_ID_MAX);
		id = 0;
	}
	free(text);
	return (int)id;
}

struct taken {
	bool	used[MODULE_ID_MAX + 2];
};

static void
mark_taken(const char *module, void *arg)
{
	((struct taken *)arg)->used[modules_id(module)] = true;
}

int
modules_free_id(void)
{
	static struct taken t;	/* too large for the stack */
	int id = 1;

	memset(&t, 0, sizeof(t));
	modules_each(mark_taken, &t);
	while (t.used[id])
		id++;
	return id;
}

struct by_id {
	int		 id;
	char		*name;
	unsigned	 size;
	bool		 found;
};

static void
match_id(const char *module, void *arg)
{
	struct by_id *b = arg;

	if (b->found || modules_id(module) != b->id)
		return;
	snprintf(b->name, b->size, "%s", module);
	b->found = true;
}

bool
modules_by_id(int id, char *name, unsigned size)
{
	struct by_id b = { .id = id, .name = name, .size = size };

	modules_each(match_id, &b);
	return b.found;
}
