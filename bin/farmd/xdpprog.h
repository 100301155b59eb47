/* SPDX-License-Identifier: ISC */
/*
 * farm_xdp at an interface: one program for all modules with a vmac there,
 * which drops what is foreign for certain before the kernel has made a packet
 * of it.  It saves time and decides nothing that farm_tc would not decide
 * alike: without it everything works, at several times the cost per frame.
 *
 * Native mode only.  The generic one comes after the kernel has made and
 * merged its packets, saves next to nothing, and copies each merged packet
 * that is accepted.
 */
#ifndef FARMD_XDPPROG_H
#define FARMD_XDPPROG_H

#include <stdbool.h>
#include <stdint.h>

#include "farm-bpf.h"
#include "filter.h"

#define XDPPROG_NAME	"farm_xdp"

struct xdpprog_page {
	struct farm_bpf_key	key;
	int			fd;	/* map with a struct farm_bpf_page */
};

/*
 * The module's pages there are these from now on, whatever they were; the
 * program is attached if it is not.  0, or -1 and why: no XDP there.
 */
int	xdpprog_set(unsigned ifindex, unsigned module,
	    const struct xdpprog_page *page, unsigned count,
	    char why[FILTER_WHY_LEN]);
/* These pages are there, all of them. */
bool	xdpprog_has(unsigned ifindex, const struct xdpprog_page *page,
	    unsigned count);
/* Takes the module's pages away, and the program after the last module. */
void	xdpprog_clear(unsigned ifindex, unsigned module);
/* Frames it has dropped for the module since its first page was there. */
uint64_t	xdpprog_dropped(unsigned ifindex, unsigned module);

#endif
