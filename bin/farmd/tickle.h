/* SPDX-License-Identifier: ISC */
/*
 * A packet that makes a client send something: an ACK without data, from the
 * address, of a connection that the client has.  Its numbers are out of any
 * window, so the client's TCP changes nothing and answers with its own
 * (RFC 9293, 3.10.7.4), which the node that takes its bucket resets.
 */
#ifndef FARMD_TICKLE_H
#define FARMD_TICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "farm-bpf.h"

#define TICKLE_LEN_MAX	60

/* An IP packet to flow->src: its length; *family is that of it. */
size_t	tickle_packet(uint8_t packet[TICKLE_LEN_MAX], int *family,
	    const struct farm_bpf_flow *flow);

struct tickle {
	int	fd4, fd6;
};
/* What cannot be opened sends nothing. */
void	tickle_init(struct tickle *t);
void	tickle_send(struct tickle *t, const struct farm_bpf_flow *flow);
void	tickle_fini(struct tickle *t);

#endif
