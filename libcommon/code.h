/* SPDX-License-Identifier: ISC */
/*
 * The codes of warnings that a status shows, and what each weighs, for all who
 * judge a status: monitors and alerts.  Each has its entry in
 * holdfast-troubleshooting(7).  The reasons why a module waits are moduled's
 * own table; they weigh CODE_CRITICAL as long as it waits.
 */
#ifndef COMMON_CODE_H
#define COMMON_CODE_H

#include <stdbool.h>

enum code_weight {
	CODE_QUIET,	/* shown, and nobody is called */
	CODE_WARNING,	/* serves, but one more failure may end that */
	CODE_CRITICAL
};

/* A code that is not in the table is a CODE_WARNING: never silent. */
enum code_weight code_weight(const char *code);
/* Both nodes of a module see it: one of them is to speak. */
bool	code_is_shared(const char *code);
/* The table, by number; NULL behind its end. */
const char *code_at(unsigned i);

#endif
