/* SPDX-License-Identifier: ISC */
/*
 * The modules that run on this node: those whose active generation has a
 * roster, /var/lib/holdfast/M/config/active/roster.
 */
#ifndef COMMON_CONFIGURED_H
#define COMMON_CONFIGURED_H

/* Calls for each, sorted by name.  0, or -1 with errno: not readable. */
int	configured_each(void (*on_module)(const char *module, void *arg),
	    void *arg);

#endif
