/* SPDX-License-Identifier: ISC */
/* One question to the fencing device of a node, waited for. */
#ifndef HOLDFAST_FENCE_H
#define HOLDFAST_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.h"
#include "cluster.h"

/* after_ms: how long it took. */
void	fence_ask(const struct cluster *cl, unsigned node, const char *action,
	    struct agent_answer *a, int64_t *after_ms);
/*
 * Is this node heard, as some module of ours says?  False when it is not, or
 * when nobody knows.
 */
bool	fence_is_heard(const char *node);
/* The program of its agent, or of its password_script; false: none. */
bool	fence_agent_path(const struct cluster_node *n, char *buf,
	    unsigned size);
bool	fence_script_path(const struct cluster_node *n, char *buf,
	    unsigned size);

#endif
