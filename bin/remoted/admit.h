/* SPDX-License-Identifier: ISC */
/*
 * A machine that joins with a token: is the invitation good, and is the
 * machine?  The first is decided here, the second by `holdfast cluster
 * admit', which also adds it to cluster.xml.
 */
#ifndef REMOTED_ADMIT_H
#define REMOTED_ADMIT_H

#include "remoted.h"

struct admit;

/*
 * The invitation's key into *key; NULL: there is none of this id, which was
 * counted and logged.  One that is used up or expired still opens, so that
 * its owner is told.
 */
struct admit	*admit_new(struct remoted *r, const char *id,
		    const struct sockaddr_storage *from,
		    struct seal_key *key);
void		 admit_free(struct admit *a);
/*
 * The request.  on_done is called once, also from inside: refused is NULL,
 * or says why not.  False: the frame makes no sense.
 */
bool		 admit_start(struct admit *a, struct frame_in *f,
		    const uint8_t transcript[32],
		    void (*on_done)(const char *refused, void *arg),
		    void *arg);
/* The frame with what the new node needs, or 0. */
size_t		 admit_answer(void *buf, size_t size);

#endif
