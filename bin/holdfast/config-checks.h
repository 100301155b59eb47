/* SPDX-License-Identifier: ISC */
/*
 * The <errd>, <check> and <failover> of userconfig.xml: what is watched, and
 * what is done about it.
 */
#ifndef HOLDFAST_CONFIG_CHECKS_H
#define HOLDFAST_CONFIG_CHECKS_H

#include "config-safe.h"
#include "text.h"

void	checks_read(struct safe *m, const xmlNode *service,
	    struct report *r);
/* After checks_read(): the rules of the checkers, then those written. */
void	rules_read(struct safe *m, const xmlNode *failover,
	    struct report *r);

/* "tcp", as it is called in resources and files. */
const char	*check_class(enum safe_kind k);
/* The part of moduled.conf about rules. */
void	checks_add_rules(struct text *t, const struct safe *m);
/* The first lines of every file. */
void	safe_add_head(struct text *t, const struct safe *m);
/* The <var>s, as two daemons read them. */
void	safe_add_vars(struct text *t, const struct safe *m);

#endif
