/* SPDX-License-Identifier: ISC */
/*
 * -H: a command on other nodes, through remoted.
 */
#ifndef HOLDFAST_NODES_H
#define HOLDFAST_NODES_H

#include <stdbool.h>

#include "cmd.h"

struct nodes_run {
	const char	*nodes;		/* "*" or "n1,n2" */
	int		 argc;
	char		**argv;		/* the command, without -H */
	int		 input_fd;	/* a file for its input, or -1 */
	bool		 json;		/* one document */
	bool		 follow;	/* it never ends: print as it comes */
	/* Instead of printing: what each node said.  May be NULL. */
	void		(*on_node)(const char *node, int status,
			    const char *out, const char *err, void *arg);
	void		*arg;
};

/*
 * Runs it everywhere and prints the answers by node, or says why that was
 * not possible.  The worst exit status: a node that does not answer counts
 * as EX_UNAVAILABLE.
 */
int	nodes_run(const struct nodes_run *r);

/*
 * Runs the words on that node with those options of c that say how a thing is
 * done: --off, --no-wait, --why, --yes, --timeout.  The exit status there.
 */
int	nodes_run_as(const struct cmd *c, const char *node,
	    const char *const *word, unsigned count);

#endif
