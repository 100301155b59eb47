/* SPDX-License-Identifier: ISC */
/* See configured.h. */
#include "configured.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "paths.h"

static int
is_module(const struct dirent *d)
{
	char path[PATH_LEN];

	if (!module_name_ok(d->d_name))
		return 0;
	path_state(path, "%s/config/active/roster", d->d_name);
	return access(path, F_OK) == 0;
}

int
configured_each(void (*on_module)(const char *module, void *arg), void *arg)
{
	char path[PATH_LEN];
	struct dirent **d;
	int n;

	n = scandir(path_state(path, "%s", ""), &d, is_module, alphasort);
	if (n == -1)	/* ENOENT: nothing was configured here yet */
		return errno == ENOENT ? 0 : -1;
	for (int i = 0; i < n; i++) {
		on_module(d[i]->d_name, arg);
		free(d[i]);
	}
	free(d);
	return 0;
}
