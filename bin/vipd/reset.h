/* SPDX-License-Identifier: ISC */
/*
 * Ends the TCP connections of an address that is about to leave, so that
 * clients connect anew at once and not at a time-out (sock_diag(7),
 * SOCK_DESTROY: the kernel sends the RST).
 */
#ifndef VIPD_RESET_H
#define VIPD_RESET_H

#include <sys/socket.h>

/*
 * The number of connections ended, or -1 with errno: EOPNOTSUPP when the
 * kernel was built without CONFIG_INET_DIAG_DESTROY.
 */
int	reset_connections(const struct sockaddr_storage *addr);

#endif
