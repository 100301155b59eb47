/* SPDX-License-Identifier: ISC */
/*
 * Printing a status; show.c for people, show-json.c for programs.
 */
#ifndef HOLDFAST_SHOW_H
#define HOLDFAST_SHOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "status.h"

/*
 * Rows of a module under a common head; every warning with its command.
 * only_farms: no module below has data, all have shares.
 */
void	show_head(bool only_farms, FILE *out);
void	show_module(const struct status *st, bool colour, FILE *out);
/* One way to go on: a command with its cost, or what to do. */
void	show_way(const struct record *r, const char *indent, FILE *out);

/* The whole document, schema 1.  warning[]: of the node itself. */
void	show_json(struct status *const *st, unsigned count, const char *node,
	    const char *cluster, char *const *warning, unsigned warnings,
	    FILE *out);
/* The exit status of `status -q': STOP 0, WAIT 1, ALONE and UP 2, PRIM 3,
 * SECOND 4. */
int	show_state_code(const char *state);

/* "12.5 GB" */

#endif
