/* SPDX-License-Identifier: ISC */
/*
 * A local client's command for other nodes: `run'.  Each node is called on
 * its own, this one too; what they say is passed on as it comes.
 */
#ifndef REMOTED_CALL_H
#define REMOTED_CALL_H

#include "line.h"
#include "remoted.h"
#include "serve.h"

struct calls;

struct calls	*calls_new(struct remoted *r);
void		 calls_free(struct calls *cs);
/* The verb `run': answers now or later. */
void		 calls_run(struct calls *cs, struct client *c,
		    const struct line *l);
/* The client is gone: so are its commands. */
void		 calls_close(struct calls *cs, struct client *c);
unsigned	 calls_count(const struct calls *cs);

#endif
