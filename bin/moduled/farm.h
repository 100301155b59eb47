/* SPDX-License-Identifier: ISC */
/*
 * A farm module in the daemon: the link to farmd in place of those to heartd
 * and mirrord, the words of the operator about the share, and its lines of
 * the status.  What follows from it is in farm-decide.c.  A light module, too,
 * which has none of these links.
 */
#ifndef MODULED_FARM_H
#define MODULED_FARM_H

#include "ask.h"
#include "loop.h"
#include "serve.h"

#include "farm-decide.h"

struct moduled;
struct status_out;

struct farm {
	struct farm_view	 view;
	struct ask		*link;
	struct loop_timer	*patience, *later;
	bool			 later_set;
	char			*said;		/* the last wish, but for i */
	char			 services[256];	/* of a restart to come */
	bool			 spoke;		/* in this life */
};

/* farm.c: reads the options; the link opens later. */
struct farm	*farm_new(struct moduled *md);
void		 farm_open(struct moduled *md);
void		 farm_close(struct moduled *md);
/* A light module: farm-decide.h, without a farm. */
bool		 farm_is_lone(const struct moduled *md);
/* The words of this moment into the view, before it is decided. */
void		 farm_look(struct moduled *md);
/* The wish that was decided, when it is news. */
void		 farm_want(struct moduled *md);
/* ",MAC..." of the other nodes, for the probe; "" none. */
const char	*farm_macs(const struct moduled *md, char *buf, size_t size);
/* Why an action has no meaning for a farm; NULL: it has one. */
const char	*farm_refuses(const struct moduled *md, const char *verb,
		    char *text, size_t size);
/* The handlers of `drain' and `traffic'. */
void		 farm_on_drain(struct client *c, const struct line *l,
		    void *arg);
void		 farm_on_traffic(struct client *c, const struct line *l,
		    void *arg);

/* status-farm.c */
void	status_farm(struct moduled *md, struct status_out *t);
void	status_farm_warnings(struct moduled *md, struct status_out *t);
void	status_farm_nodes(struct moduled *md, struct status_out *t);
/* "n2 is UP Ready since ...", for `why'. */
void	status_farm_node_text(const struct farm_node *n, char *buf,
	    size_t size);

#endif
