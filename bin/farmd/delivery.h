/* SPDX-License-Identifier: ISC */
/*
 * The edge of vmac delivery: the MAC that an interface takes besides its own
 * (an entry of its fdb, so that it is received and never a source), and the
 * probes that are sent to it.  What follows from them is flood.c's.
 */
#ifndef FARMD_DELIVERY_H
#define FARMD_DELIVERY_H

#include "loop.h"

#include "filter-input.h"

/* IEEE 802: local experimental 1. */
#define DELIVERY_ETHERTYPE	0x88b5
#define DELIVERY_FRAME_LEN	60

struct delivery_frame {
	uint16_t	module;
	uint8_t		node;		/* id */
	uint8_t		addr;		/* index, the same on all nodes */
};

/* Whole frame, padded; and back: 0, or -1 for what is no probe of ours. */
void	delivery_pack(uint8_t out[DELIVERY_FRAME_LEN],
	    const struct delivery_frame *f, const struct filter_mac *vmac,
	    const struct filter_mac *source);
int	delivery_parse(struct delivery_frame *f, const uint8_t *frame,
	    size_t len, const struct filter_mac *vmac);

struct delivery;

/* NULL with errno.  on_probe: of another node, for an address by index. */
struct delivery	*delivery_open(struct loop *l, uint16_t module,
		    uint8_t node, void (*on_probe)(unsigned addr,
		    uint8_t node, void *arg), void *arg);
/*
 * Where the vmac addresses of `in' are from now on; what is no more is taken
 * back, what somebody removed is set again.  How many could not be set, each
 * logged once.
 */
int	delivery_set(struct delivery *d, const struct filter_input *in);
/* One probe to each vmac. */
void	delivery_probe(struct delivery *d);
/* Takes all back. */
void	delivery_clear(struct delivery *d);
/* Leaves the entries in the kernel. */
void	delivery_close(struct delivery *d);

#endif
