/* SPDX-License-Identifier: ISC */
/*
 * Checkers and rules in the daemon: checks.c has the link to checkd,
 * failover.c the rules over what it and the others tell.
 */
#ifndef MODULED_FAILOVER_H
#define MODULED_FAILOVER_H

struct moduled;
struct mono;
struct peer_facts;

/* checks.c: the link to checkd. */
void	checks_open(struct moduled *md);
void	checks_close(struct moduled *md);
/* The scripts may have moved on: which checkers shall run. */
void	checks_look(struct moduled *md);
/* failover.c: the rules. */
void	failover_read(struct moduled *md);
void	failover_look(struct moduled *md, struct mono *wake);
void	failover_act(struct moduled *md);
/* The resources that rules of the other node ask. */
void	failover_publish(struct moduled *md, struct peer_facts *blob);
/* What scripts set, over a restart of moduled. */
void	failover_save(struct moduled *md);
void	failover_restore(struct moduled *md);

#endif
