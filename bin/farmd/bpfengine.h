/* SPDX-License-Identifier: ISC */
/*
 * One loaded farm_tc with its maps, filled from a struct filter_input.  It
 * is nobody's until it is attached; then the kernel keeps it, also without
 * us.
 */
#ifndef FARMD_BPFENGINE_H
#define FARMD_BPFENGINE_H

#include <stdint.h>

#include "farm-bpf.h"
#include "filter.h"
#include "xdpprog.h"

struct bpfengine;

/*
 * Filled for `in' whole.  Counts go on where the program with the number
 * `heir_of' left them, 0: from none.  NULL and why.
 */
struct bpfengine	*bpfengine_new(const struct filter_input *in,
			    uint32_t heir_of, char why[FILTER_WHY_LEN]);
void	bpfengine_free(struct bpfengine *e);

int		bpfengine_fd(const struct bpfengine *e);
uint32_t	bpfengine_id(const struct bpfengine *e);
/*
 * The same addresses and rules (bpfpage_same()) with other MACs: 0, or -1
 * with errno.
 */
int	bpfengine_macs(struct bpfengine *e, const struct filter_input *in);
/* The same with another share. */
void	bpfengine_share(struct bpfengine *e, const struct filter_input *in);
/* The pages of the vmac addresses at an interface; how many. */
unsigned	bpfengine_pages(const struct bpfengine *e,
		    const struct filter_input *in, unsigned intf,
		    struct xdpprog_page page[FILTER_ADDR_MAX]);
/* 0 or -1. */
int	bpfengine_count(const struct bpfengine *e,
	    struct farm_bpf_count *count);

/*
 * Calls fn for each connection that was passed on to a node, and forgets it.
 * How many.
 */
unsigned	bpfengine_flows(struct bpfengine *e, unsigned node,
		    void (*fn)(void *arg, const struct farm_bpf_flow *flow),
		    void *arg);

/* Of packets that nftables refuses. */
uint32_t	bpfengine_mark(unsigned module);

#endif
