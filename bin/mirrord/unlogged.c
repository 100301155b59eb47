/* SPDX-License-Identifier: ISC */
/* Asks once at a time, and remembers a yes.  Called by change.c. */
#include "unlogged.h"

#include <string.h>

void
unlogged_init(struct unlogged *u)
{
	memset(u, 0, sizeof(*u));
	(void)pthread_mutex_init(&u->lock, NULL);
}

void
unlogged_fini(struct unlogged *u)
{
	(void)pthread_mutex_destroy(&u->lock);
}

int
unlogged_ask(struct unlogged *u, int error)
{
	int rc = 0;

	(void)pthread_mutex_lock(&u->lock);
	atomic_store(&u->wanted, true);
	if (!atomic_load(&u->given))
		rc = u->on_error != NULL ? u->on_error(error, u->arg) : error;
	if (rc == 0)
		atomic_store(&u->given, true);
	else
		atomic_store(&u->wanted, false);
	(void)pthread_mutex_unlock(&u->lock);
	return rc;
}

void
unlogged_end(struct unlogged *u)
{
	atomic_store(&u->given, false);
	atomic_store(&u->wanted, false);
}
