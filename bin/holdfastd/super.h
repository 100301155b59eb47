/* SPDX-License-Identifier: ISC */
/*
 * The services of this node and their processes: carries out what service.c
 * decides.  main.c brings the operator's words and looks at the outcome.
 */
#ifndef HOLDFASTD_SUPER_H
#define HOLDFASTD_SUPER_H

#include <stdbool.h>

#include "line.h"
#include "loop.h"

#include "service.h"

struct super;

struct super_calls {
	/* A service changed its state, or was started again. */
	void	(*on_service)(struct super *s, unsigned i, void *arg);
	/* Nothing more to do at once: see whether a goal is reached. */
	void	(*on_quiet)(struct super *s, void *arg);
};

/* Never NULL.  Knows the node's daemons, wants none of them yet. */
struct super	*super_new(struct loop *l, const struct service_times *t,
		    const struct super_calls *calls, void *arg);
/* Leaves the processes alone. */
void		 super_free(struct super *s);

/* Takes over what an earlier holdfastd left; call once, first. */
void		 super_adopt(struct super *s);
/* Starts the node's daemons and all configured modules. */
void		 super_start_all(struct super *s);
/* Reads the roster again.  0, or -1: it cannot be used, nothing changed. */
int		 super_start_module(struct super *s, const char *module);
void		 super_stop_module(struct super *s, const char *module);
/* None of its daemons is known any more. */
bool		 super_module_is_down(const struct super *s,
		    const char *module);
/* Modules that are configured start, those that are not any more stop. */
void		 super_reload(struct super *s);
/* False: no such service, or not running. */
bool		 super_restart(struct super *s, const char *name,
		    const char *module);
/* Everything in reverse order. */
void		 super_stop_all(struct super *s);

bool		 super_is_settled(const struct super *s);
bool		 super_is_down(const struct super *s);
unsigned	 super_count(const struct super *s);
const struct service *super_service(const struct super *s, unsigned i);
/* Adds the keys of `status' for service i. */
void		 super_describe(const struct super *s, unsigned i,
		    struct line_out *o);

#endif
