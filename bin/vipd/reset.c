/* SPDX-License-Identifier: ISC */
/* Lists the sockets of an address and ends each. */

#include "reset.h"

#include <errno.h>

#include "sockdiag.h"

int
reset_connections(const struct sockaddr_storage *addr)
{
	struct sockdiag_list l = { 0 };
	int rc = sockdiag_list(&l, addr, SOCKDIAG_LIVE), saved;

	if (rc == 0)
		rc = sockdiag_destroy(&l);
	saved = errno;
	sockdiag_list_free(&l);
	errno = saved;
	return rc;
}
