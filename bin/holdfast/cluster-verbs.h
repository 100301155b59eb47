/* SPDX-License-Identifier: ISC */
/*
 * The verbs of `holdfast cluster', by theme; each returns the exit status.
 * Those marked (*) are run by remoted for another node, not by people.
 */
#ifndef HOLDFAST_CLUSTER_VERBS_H
#define HOLDFAST_CLUSTER_VERBS_H

#include <stdbool.h>
#include <stddef.h>

struct cluster;
struct cmd;

/*
 * cluster.c: whether --yes is name, or the administrator types it.  cost is
 * said before; of `holdfast cluster COMMAND', which is to be typed again where
 * nobody is asked, and what is "the name of the node".
 */
bool	cluster_confirm(const struct cmd *c, const char *cost,
	    const char *command, const char *what, const char *name);

/* cluster-push.c */
int	cluster_push(struct cmd *c);
/*
 * The same; the lock is the caller's.  anyway: a change of the mode, too, goes
 * on without who does not answer.
 */
int	cluster_push_file(bool anyway);
/*
 * Nodes of `of' but its self, by commas: those that are in `by' too, or those
 * that are not.  The caller frees.
 */
char	*cluster_other_nodes(const struct cluster *of,
	    const struct cluster *by, bool in);
/* Words with an input for these nodes ("": nobody); printed, worst status. */
int	cluster_send(const char *nodes, const char *const *word,
	    unsigned count, const char *text, size_t len);
int	cluster_accept(struct cmd *c);	/* (*) cluster.xml is the input */
/* Sends cluster.xml to all other nodes; worst exit status, printed. */
int	cluster_push_text(const char *text, size_t len);
/* All of a file or of standard input, at most 1 MiB; NULL after saying why. */
char	*cluster_read_input(size_t *len);
/*
 * Memory as input for nodes_run(), to be sealed when it is whole; both are -1
 * after saying why, and then it is closed.
 */
int	cluster_input_new(void);
int	cluster_input_seal(int fd);
/* The same with this in it. */
int	cluster_input_file(const char *text, size_t len);
/*
 * Takes the lock of all that change the cluster on this node: a descriptor,
 * -1 after saying why.  Released when it is closed, or the process ends.  Not
 * to be held over a command that takes it on this node, through remoted.
 */
int	cluster_lock(void);

/* cluster-fence.c */
int	cluster_fence(struct cmd *c);

/* cluster-invite.c */
int	cluster_invite(struct cmd *c);
int	cluster_admit(struct cmd *c);	/* (*) a request is the input */

/* cluster-keys.c */
int	cluster_keys(struct cmd *c);
int	cluster_key(struct cmd *c);	/* (*) one step on one node */

/* cluster-witness.c */
int	cluster_witness(struct cmd *c);
/* The keys of all witnesses of the cluster; worst exit status, printed. */
int	witness_send_keys(const struct cluster *cl, const char *nodes);
/*
 * A change between heartbeats only and a register, for which both nodes must
 * go over together.
 */
bool	witness_changes_mode(const struct cluster *old,
	    const struct cluster *new);
/*
 * Can all modules of all nodes take these voters now?  0, or the exit status
 * after saying why not; who is silent counts when the mode changes.
 */
int	witness_ask_all(const struct cluster *old, const struct cluster *new,
	    const char *xml, size_t len);
/* The text of one, into its file; the exit status after saying why. */
int	witness_save_key(const char *name, const char *text, size_t len);

/* cluster-etcd.c */
int	etcd_remove(struct cmd *c);
int	etcd_replace(struct cmd *c);
int	etcd_renew(struct cmd *c);	/* (*) the part of one node */

/* witness-list.c */
int	witness_list(struct cmd *c);

/* cluster-join.c */
int	cluster_join(struct cmd *c);

#endif
