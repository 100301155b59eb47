/* SPDX-License-Identifier: ISC */
/*
 * Host names of the configuration, resolved when it is compiled.
 */
#ifndef HOLDFAST_RESOLVE_H
#define HOLDFAST_RESOLVE_H

#include <sys/socket.h>

/*
 * An address, [IPv6 address] or name; port 0.  0, or -1 with *why (constant
 * text).
 */
int	resolve_host(struct sockaddr_storage *ss, const char *host,
	    const char **why);
/* From now on names are refused: for fuzzers, which must ask nobody. */
void	resolve_only_addresses(void);

#endif
