/* SPDX-License-Identifier: ISC */
/*
 * In place of mirrord, for a module without directories: the epochs, and who
 * may take over.  There is no data, so what mirrord does in steps is done at
 * once here.  Pure; record.c in the daemon keeps it durable.
 */
#ifndef MODULED_RECORD_H
#define MODULED_RECORD_H

#include <stdbool.h>

#include "decide.h"

/*
 * The facts after the wish w, given what the peer shows.  true: something
 * that must be durable changed.
 */
bool	record_step(struct self_facts *f, const struct want *w,
	    const struct peer_facts *peer, const char *peer_name);

#endif
