/* SPDX-License-Identifier: ISC */
/*
 * What the BPF programs read, out of a struct filter_input.  Pure: what they
 * make of it, t/unit/farm-bpf.c tries.
 */
#ifndef FARMD_BPFPAGE_H
#define FARMD_BPFPAGE_H

#include <stdbool.h>

#include "farm-bpf.h"
#include "filter.h"

/* NULL, or why the programs cannot do it. */
const char	*bpfpage_error(const struct filter_input *in);
void	bpfpage_key(struct farm_bpf_key *key, const struct filter_addr *a);
/* Everything of the address but whose the buckets are: all for this node. */
void	bpfpage_fill(struct farm_bpf_page *page,
	    const struct filter_input *in, unsigned addr);
/*
 * Marks the foreign buckets: those that are no longer foreign before the
 * next share is live, those that become so, after.
 */
void	bpfpage_unmark(struct farm_bpf_page *page,
	    const struct filter_input *in);
void	bpfpage_mark(struct farm_bpf_page *page,
	    const struct filter_input *in);
void	bpfpage_share(struct farm_bpf_share *share,
	    const struct filter_input *in);
/*
 * The pages of the two say the same of each address, and a group has the
 * same number: only shares, members and MACs differ.
 */
bool	bpfpage_same(const struct filter_input *a,
	    const struct filter_input *b);

#endif
