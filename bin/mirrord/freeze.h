/* SPDX-License-Identifier: ISC */
/*
 * `holdfast freeze': writes are held on the primary, both nodes have the same
 * on disk, and that lasts until it is ended, the connection of who asked is
 * gone, or the time is over.  Asked for on the primary, or on the secondary,
 * which asks the primary.
 */
#ifndef MIRRORD_FREEZE_H
#define MIRRORD_FREEZE_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

#define FREEZE_MAX_MS	120000
#define FREEZE_BY_MAX	64

struct role_machine;

enum freeze_state {
	FZ_NONE,
	FZ_ASKED,	/* on its way */
	FZ_HELD,	/* writes are held, all is on disk */
	FZ_FAILED
};

/* In struct role_machine, under its lock. */
struct freeze {
	enum freeze_state state;
	bool		 both;		/* the other node has the same */
	bool		 working;	/* its thread runs */
	bool		 peer_can;	/* it knows these frames */
	uint64_t	 number;	/* hold's; second: of the question */
	int64_t		 ms;
	int64_t		 until_ns;	/* second: about, for the status */
	uint64_t	 remote;	/* primary: the peer's number */
	char		 by[FREEZE_BY_MAX];
	const char	*code;
	char		 text[128];
};

/*
 * Begins; the result is seen in role_freeze_look() after on_change.  -1 with
 * *code and *text when it cannot be.
 */
int	role_freeze(struct role_machine *r, int64_t ms, const char *by,
	    const char **code, const char **text);
enum freeze_state role_freeze_look(struct role_machine *r, bool *both,
	    const char **code, const char **text);
/* Ends it; true: writes were held until now. */
bool	role_thaw(struct role_machine *r);

/* For the facts: how long more, 0 none; by whom. */
int64_t	freeze_left_ms(struct role_machine *r, char by[FREEZE_BY_MAX]);
/* A frame of the peer: 0, -1 close the connection, 1 it is none of these. */
int	freeze_on_frame(struct role_machine *r, struct frame_in *f);
/* The connection has ended. */
void	freeze_on_down(struct role_machine *r);
/* The role ends: nothing is held any more. */
void	freeze_break(struct role_machine *r);

#endif
