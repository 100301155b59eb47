/* SPDX-License-Identifier: ISC */
/*
 * Two nodes in one process with a link of two queues, and the role machine of
 * a test: for resync.c and aside.c.
 */
#ifndef UNIT_RESYNC_PAIR_H
#define UNIT_RESYNC_PAIR_H

#include <pthread.h>
#include <stdatomic.h>

#include "fail.h"

#include "../../bin/mirrord/change.h"
#include "../../bin/mirrord/meet.h"
#include "../../bin/mirrord/resync.h"
#include "resync-app.h"
#include "resync-link.h"
#include "tree.h"

struct stream {
	atomic_bool	 both;
	struct queue	*q;
	uint64_t	 seq;
	pthread_mutex_t	 lock;
};

struct node {
	struct tree	 tree;
	struct host	 host;		/* as the application sees it */
	int		 statefd;
	uint8_t		 id;
	struct gen_file	*gen;
	struct actlog	*al;
	struct dirty	*log;
	struct dirtyset	*set;
	struct change	*change;
	struct resync	*resync;
	struct stream	 stream;
	struct queue	 in;		/* frames for this node */
	struct node	*peer;
	pthread_t	 receiver;
	atomic_int	 ready, joined, failed;
	atomic_long	 cut_after;	/* frames, then the link breaks */
	bool		 primary;
	uint64_t	 next_oid;
	bool		 link_open;
};

extern struct node N[2];
/* Operations of the stream that failed on the peer. */
extern unsigned bad_ops;
/* Of the last reunite(); follow: the target has leave to.  both_set_aside:
 * what was edited while it was stopped, without. */
extern enum meet_verdict last_verdict;
extern struct resync_status last_status;
extern bool follow, both_set_aside;

bool	node_up(struct node *n, uint8_t id);
void	node_open(struct node *n);
void	node_close(struct node *n);
/* What a killed mirrord does: nothing is flushed, all is read again. */
void	node_restart(struct node *n);
void	both_open(void);
void	both_close(void);
void	link_up(void);
void	link_down(void);
void	go_alone(struct node *n);
struct node *source(void);
bool	wait_for(atomic_int *flag, struct node *s);
/* One try: true when both are level. */
bool	reunite(bool join);
void	app_start(pthread_t *t, uint64_t seed);
void	app_end(pthread_t t);
/* All that was queued has been applied. */
void	drain(void);
/* By the application of the source. */
void	some_changes(unsigned count);

#endif
