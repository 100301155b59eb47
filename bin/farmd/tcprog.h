/* SPDX-License-Identifier: ISC */
/*
 * farm_tc at the ingress of an interface: one filter for each module, side by
 * side with those of other modules and of anybody else.
 */
#ifndef FARMD_TCPROG_H
#define FARMD_TCPROG_H

#include <stdint.h>

/* `tc filter show dev IF ingress' shows module 3 as `pref 103'. */
#define TCPROG_PREF	100
#define TCPROG_NAME	"farm_tc"

/*
 * Puts the program there, in the place of an earlier one of the module
 * without a moment in between.  0, or -1 with errno; EEXIST: the place is
 * taken by somebody else's filter.
 */
int	tcprog_attach(unsigned ifindex, unsigned module, int prog_fd);
/* The number of the module's program there, 0: none. */
uint32_t	tcprog_attached(unsigned ifindex, unsigned module);
/* Only what is ours; the clsact qdisc too when nothing else uses it. */
void	tcprog_detach(unsigned ifindex, unsigned module);

#endif
