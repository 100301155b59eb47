/* SPDX-License-Identifier: ISC */
/* The environment of a module's script.  Pure but for the paths. */
#ifndef COMMON_ENV_H
#define COMMON_ENV_H

#include <stdbool.h>
#include <stddef.h>

#define ENV_MAX	512	/* variables, with the closing NULL */

struct env {
	size_t	 count;
	char	*var[ENV_MAX];	/* "NAME=VALUE", NULL after the last */
};

void	env_init(struct env *e);
void	env_fini(struct env *e);
/* "NAME=VALUE" with a NAME a shell takes. */
bool	env_is_assignment(const char *s);
/* Sets, or replaces one of the same name.  False: ENV_MAX are there. */
bool	env_set(struct env *e, const char *assignment);
/* What every script has: PATH and the like, then SAFE, SAFEMODULE and so on;
 * `get' is getenv(3) or a test's. */
void	env_set_standard(struct env *e, const char *module,
	    char *(*get)(const char *name));
const char	*env_get(const struct env *e, const char *name);

/* A script's name: a file in bin/, never a path. */
bool	env_script_ok(const char *name);

#endif
