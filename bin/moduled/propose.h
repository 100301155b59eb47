/* SPDX-License-Identifier: ISC */
/*
 * The proposer of a module's register (L1 to L5): which ballot, what to say
 * to which voter, when a value is chosen, when it is in doubt.  Pure: time,
 * facts and answers in, messages and the view out.  voters.c carries the
 * messages to witnessd's, or a backend in its place.
 *
 * Order of a change: a ballot above all that was seen -> the store's fence
 * durable at that ballot -> prepare -> a quorum promised -> reg_may() ->
 * accept -> a quorum accepted -> chosen.
 */
#ifndef MODULED_PROPOSE_H
#define MODULED_PROPOSE_H

#include "vote.h"

#include "reg-may.h"

/*
 * Asked are those that are configured and those that still stand in the
 * list, for whom something is remembered.
 */
#define PROPOSE_VOTER_MAX	(2 * REG_VOTER_MAX)

/* To one voter.  Saying it twice does no harm. */
struct reg_message {
	char		voter[CLUSTER_NAME_LEN];
	struct vote_ask	ask;
};

/*
 * A place where votes are kept.  Of witnessd: one datagram a message.  A
 * backend with one compare-and-swap (etcd) answers as a single voter: prepare
 * reads value and revision, accept swaps at that revision; a swap that failed
 * because the same ballot is in already is VOTE_OK, any other VOTE_REFUSED
 * with the value that is there.
 */
struct reg_backend {
	void	(*send)(void *arg, const struct reg_message *m);
	void	(*close)(void *arg);
	void	*arg;
};

struct propose_input {
	struct mono		 now;
	int64_t			 wall_s;
	struct reg_self		 self;
	struct epoch		 heard;	/* the highest that the peer says */
	struct reg_ask		 ask;
};

struct propose_output {
	unsigned		 count;
	struct reg_message	 message[PROPOSE_VOTER_MAX];
	struct mono		 wake;
	bool			 memory;	/* it changed: save it */
	char			 event[REG_TEXT];	/* news for the log */
};

/*
 * What is remembered for good of a voter that answered.  Both ballots only
 * ever rise; one that fell is a disk put back in time, and that voter does
 * not count until it has a new store.
 */
struct propose_memory {
	char		name[CLUSTER_NAME_LEN];	/* empty: nothing yet */
	uint64_t	id;
	struct epoch	promised, accepted;
	bool		back;
};

struct propose;

/* seed: random; nonces begin there.  c and its texts are kept. */
struct propose	*propose_new(const struct reg_conf *c, uint64_t seed);
void	propose_free(struct propose *p);
/*
 * Before the first step: what an earlier life knew; of voters that are no
 * longer configured only while they can still be reached.
 */
void	propose_remember(struct propose *p, const struct propose_memory *m);
/* Of the i-th voter, to be saved; its name is empty: nothing to save. */
const struct propose_memory *propose_memory(const struct propose *p,
	    unsigned i);
/*
 * The operator's word, where one voter is all there is (etcd): what answers
 * now is its successor, and what was known of the one before is void.  false:
 * why says what keeps it from that, in words.
 */
bool	propose_renew(struct propose *p, char why[REG_TEXT]);
void	propose_step(struct propose *p, const struct propose_input *in,
	    struct propose_output *out);
/* An answer came from this voter.  Then take a step. */
void	propose_answer(struct propose *p, struct mono now,
	    const char *voter, const struct vote_answer *a);
/* As of the last step. */
const struct reg_view	*propose_view(const struct propose *p);

#endif
