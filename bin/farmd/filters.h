/* SPDX-License-Identifier: ISC */
/*
 * The filters of this farm: which backend, the one for ARP beside it, and
 * what an earlier farmd left of another backend.  main asks this, and never
 * a backend itself.
 */
#ifndef FARMD_FILTERS_H
#define FARMD_FILTERS_H

#include <stdbool.h>

#include "filter.h"

struct filters;

/*
 * wish: auto, nft, bpf; before: the backend whose rules may be in the kernel,
 * "" for none, "?" for nobody knows: what is there is removed then.  Logs
 * which is taken.  NULL and why: none works.
 */
struct filters	*filters_open(const char *wish, const char *before,
		    const char *module, unsigned id,
		    char why[FILTER_WHY_LEN]);
/*
 * 0, or -1 and why; then what was in force stays.  1 and why: in force, but
 * somebody had changed what was there.
 */
int	filters_apply(struct filters *f, const struct filter_input *in,
	    char why[FILTER_WHY_LEN]);
/*
 * False, and why: somebody changed them; the next apply mends it.  Not when
 * none works (f is NULL).
 */
bool	filters_are_intact(struct filters *f, char why[FILTER_WHY_LEN]);
/* All zero while nothing is in force. */
void	filters_counters(struct filters *f, struct filter_counters *c);
/* filter.h's tickle(); 0 where the backend cannot. */
unsigned	filters_tickle(struct filters *f, unsigned node);
/* Of the backend in use. */
const char	*filters_name(const struct filters *f);
/* Out of the kernel; a later apply begins anew. */
void	filters_remove(struct filters *f);
/* The same of all backends, where none was opened. */
void	filters_sweep(const char *module, unsigned id);
/* Leaves them in force. */
void	filters_close(struct filters *f);

#endif
