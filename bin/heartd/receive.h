/* SPDX-License-Identifier: ISC */
/*
 * What arrives: is it ours, of which life, and what does it say.
 */
#ifndef HEARTD_RECEIVE_H
#define HEARTD_RECEIVE_H

#include "heart.h"

/*
 * One datagram of this network; anybody may have sent it.  received: when it
 * came to this machine.
 */
void	receive(struct heart *h, unsigned lan, const uint8_t *buf, size_t len,
	    const struct sockaddr_storage *from, struct mono received);
/* Nothing came from this peer for so long that its wishes are void. */
bool	peer_is_silent(const struct heart *h, unsigned node,
	    struct mono now);
const char	*drop_name(unsigned reason);

#endif
