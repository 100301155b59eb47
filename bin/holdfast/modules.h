/* SPDX-License-Identifier: ISC */
/*
 * The installed modules: /etc/holdfast/modules/M/{conf,bin,id}.
 */
#ifndef HOLDFAST_MODULES_H
#define HOLDFAST_MODULES_H

#include <stdbool.h>

/* The last id whose replication port is below 65536. */
#define MODULE_ID_MAX	14983

/* Calls for each installed module, sorted by name. */
void	modules_each(void (*call)(const char *module, void *arg), void *arg);
bool	modules_is_installed(const char *module);
/* Its id, or 0 after saying what is wrong with the file. */
int	modules_id(const char *module);
/* The lowest id no installed module has. */
int	modules_free_id(void);
/* The module that has this id into name, or false. */
bool	modules_by_id(int id, char *name, unsigned size);

#endif
