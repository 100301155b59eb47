/* SPDX-License-Identifier: ISC */
/*
 * The operator's standing words: maintenance and release, which both nodes
 * keep, and the standby of this node.  What they do is in the pure files;
 * here they are taken, stored, heard from the peer, and end.
 */
#ifndef MODULED_STANDING_H
#define MODULED_STANDING_H

#include <stdbool.h>
#include <stddef.h>

#include "serve.h"

struct moduled;
struct mono;

/* The words of this moment into the view; *wake: when one of them ends. */
void	standing_look(struct moduled *md, struct mono *wake);
/* Reads the file of the node's standby again. */
void	standing_read_node(struct moduled *md);
/* A release that was ordered while nothing ran (holdfast(8)). */
void	standing_take_left(struct moduled *md);
/*
 * No rule, checker or script may act now: maintenance, writes are held, or the
 * lease is over and the application stands still.
 */
bool	standing_suspends(const struct moduled *md);
/*
 * Is the action against such a word?  NULL: go on (a release that ends with
 * it has ended, durably); else the err code, text filled.
 */
const char *standing_refuses(struct moduled *md, const char *verb,
	    const char *who, const char *yes, char *text, size_t size);
/* `prim' may not be had without the name of the module typed. */
bool	standing_is_risky(const struct moduled *md);
/* It was given: a release on the other node is over.  The caller saves. */
void	standing_prim_given(struct moduled *md, const char *who);
/* The handlers of `maintain', `release' and `standby'. */
void	standing_on_maintain(struct client *c, const struct line *l,
	    void *arg);
void	standing_on_release(struct client *c, const struct line *l,
	    void *arg);
void	standing_on_standby(struct client *c, const struct line *l,
	    void *arg);

#endif
