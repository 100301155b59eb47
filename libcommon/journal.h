/* SPDX-License-Identifier: ISC */
/*
 * What can happen, each with a stable message id, for who reads the journal by
 * program: journalctl MESSAGE_ID=...  holdfast-events(7) lists them.  The
 * native protocol of journald is spoken as it is documented, and not through
 * its library: that one waits when journald hangs, and no daemon may.
 */
#ifndef COMMON_JOURNAL_H
#define COMMON_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/* An id is never given again; a new event goes where it belongs. */
enum journal_event {
	JE_NONE,	/* an ordinary line */
	JE_TRANSITION,
	JE_DECISION,
	JE_ACTION,
	JE_REFUSED,
	JE_MAINTENANCE_END,
	JE_HELD_DOWN,
	JE_RULE,
	JE_MAXLOOP,
	JE_SCRIPT_BEGIN,
	JE_SCRIPT_END,
	JE_SCRIPT_FAILED,
	JE_PEER_HEARD,
	JE_PEER_SILENT,
	JE_PEER_ANEW,
	JE_LATE,
	JE_FOREIGN,
	JE_MISMATCH,
	JE_ADDRESS,
	JE_CONFLICT,
	JE_RESOURCE,
	JE_CHECKER,
	JE_CHECKS_SILENT,
	JE_CHECKS_HEARD,
	JE_STORE,
	JE_ADOPTED,
	JE_PRINT_INFO,
	JE_PRINT_WARNING,
	JE_PRINT_ERROR,
	JE_ALERT_BEGIN,
	JE_ALERT_REPEAT,
	JE_ALERT_END,
	JE_DAEMON_DIED,
	JE_DAEMON_DYING,
	JE_SHARE,
	JE_FARM,
	JE_VOTER,
	JE_FENCE_SILENT,
	JE_FENCE_HEARD,
	JE_COUNT
};

struct journal_row {
	const char	*name;
	const char	*id;		/* 32 hex digits */
	int		 priority;	/* of syslog(3) */
	char		 level;		/* in M.events */
};

const struct journal_row *journal_row(enum journal_event e);

struct journal_entry {
	int			 priority;
	enum journal_event	 event;
	const char		*ident, *text;
	const char		*module, *node, *epoch;	/* "": none */
};

/* Is there a journald?  Asked once, before the rest. */
bool	journal_open(void);
/* Never waits: what a journald that hangs has no room for is left out.
 * False: there is none, say it elsewhere. */
bool	journal_send(const struct journal_entry *e);

#endif
