/* SPDX-License-Identifier: ISC */
/*
 * Turns wishes into ordered durable steps, in a thread of its own, since
 * they wait for disks; and says in facts what is so.  Decides nothing that
 * the wish did not say: never goes alone by itself, never takes a role.
 */
#ifndef MIRRORD_ROLE_H
#define MIRRORD_ROLE_H

#include "keep.h"
#include "keys.h"
#include "mirrord-conf.h"
#include "wish.h"

struct role_machine;

/*
 * Takes up at once what an earlier life was doing, when keepd kept it.
 * on_change is called from any thread after facts changed.  Never NULL: what
 * is wrong with the state directory is a fact.
 */
struct role_machine *role_new(const struct mirrord_conf *conf,
	    struct keep *keep, struct keys *keys,
	    void (*on_change)(void *arg), void *arg);
/* Ends the threads; mounts and descriptors stay for a successor. */
void		 role_free(struct role_machine *r);

/* 0; -1 with *code and *text when the wish is refused. */
int		 role_want(struct role_machine *r, const struct wish *w,
		    const char **code, const char **text);
void		 role_facts(struct role_machine *r, struct facts *f);
/* Now, instead of within five seconds. */
void		 role_checkpoint(struct role_machine *r);
/* Four times a second: what time alone changes.  true: tell the facts. */
bool		 role_tick(struct role_machine *r);
/*
 * The descriptor of each directory's own tree, while there is one; what is set
 * aside in them is looked for anew.
 */
void		 role_places(struct role_machine *r, void (*on_place)(
		    const char *dir, int fd, void *arg), void *arg);
/* Who has the directories open. */
void		 role_holders(struct role_machine *r,
		    void (*on_holder)(int pid, const char *comm,
		    const char *how, void *arg), void *arg);

#endif
