/* SPDX-License-Identifier: ISC */
/*
 * The events of `watch', as lines.  Each goes to all who watch the module
 * when `to' is NULL, else to that client alone.
 */
#ifndef HEARTD_EVENT_H
#define HEARTD_EVENT_H

#include "serve.h"

#include "heart.h"

void	event_net(struct heart *h, struct client *to, const struct module *m,
	    unsigned node, unsigned lan, int64_t silence_ms);
void	event_peer(struct heart *h, struct client *to, const struct module *m,
	    unsigned node);
/* Which life of it is heard: another one has started anew. */
void	event_life(struct heart *h, struct client *to, const struct module *m,
	    unsigned node);
/* ms 0: it is heard again. */
void	event_loss(struct heart *h, struct client *to, const struct module *m,
	    unsigned node, int64_t ms);
void	event_blob(struct heart *h, struct client *to, const struct module *m,
	    unsigned node, bool gone);
void	event_stamp(struct heart *h, struct client *to, const struct module *m,
	    unsigned node);
/* The peer was promised that we ask for nothing until then (L7). */
void	event_grant(struct heart *h, struct client *to,
	    const struct module *m, unsigned node);
void	event_lease(struct heart *h, struct client *to, const struct module *m,
	    unsigned node, struct mono now);
void	event_mismatch(struct heart *h, struct client *to,
	    const struct module *m, unsigned node);
void	event_late(struct heart *h, const struct module *m, int64_t ms);
/* To the watchers of all modules. */
void	event_foreign(struct heart *h, const char *addr, const char *reason);
/* All that is known now, to a client that begins to watch. */
void	event_state(struct heart *h, struct client *to,
	    const struct module *m, struct mono now);

#endif
