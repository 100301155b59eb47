/* SPDX-License-Identifier: ISC */
/* Shared by the files of the status only. */
#ifndef MODULED_STATUS_INT_H
#define MODULED_STATUS_INT_H

#include <stddef.h>

#include "line.h"

struct moduled;

struct status_out {
	char	*text;
	size_t	 len;
};

/* A line of pairs, as all answers; the first one says what it is about. */
void	status_begin(struct line_out *o, const char *kind);
/* Ends it; dropped when there is no room. */
void	status_put(struct status_out *t, struct line_out *o);
void	status_warning(struct status_out *t, const char *code,
	    const char *text, const char *command);

/* status-notice.c */
/* The last comparison found the nodes to differ. */
void	status_verify_warning(struct moduled *md, struct status_out *t);
void	status_notices(struct moduled *md, struct status_out *t);
/* status-wait.c */
void	status_waits(struct moduled *md, struct status_out *t);

/* status-lease.c: mode, voters, what the register says; live: with the time
 * that is left. */
void	status_lease(struct moduled *md, struct status_out *t, bool live);
void	status_lease_warnings(struct moduled *md, struct status_out *t);
const char *status_mode(const struct moduled *md);

#endif
