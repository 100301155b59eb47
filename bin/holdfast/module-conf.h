/* SPDX-License-Identifier: ISC */
/* The configuration in force of a module, read back. */
#ifndef HOLDFAST_MODULE_CONF_H
#define HOLDFAST_MODULE_CONF_H

#include <stdbool.h>

#include "config-safe.h"

/*
 * Of the active generation.  false after a message; else the caller ends it
 * with safe_fini().
 */
bool	module_conf_read(struct safe *m, const char *module);

#endif
