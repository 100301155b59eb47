/* SPDX-License-Identifier: ISC */
/*
 * When is an acting verb done?  Pure: fed with what the status says.
 */
#ifndef HOLDFAST_GOAL_H
#define HOLDFAST_GOAL_H

#include <stdbool.h>
#include <stdint.h>

enum goal_kind { GK_RUN, GK_PRIM, GK_STOP, GK_ROLE, GK_RESTART, GK_STATE };

struct goal {
	enum goal_kind	kind;
	char		state[16];	/* GK_ROLE, GK_STATE: wanted letter */
	bool		fresh;		/* another state has been seen */
	char		first[32];	/* state and quality at the request */
};

struct goal_view {
	const char	*state;
	const char	*quality;
	bool		 is_blocked;	/* it says what it waits for */
	int64_t		 elapsed_ms;	/* since the request */
};

enum goal_answer { GOAL_OPEN, GOAL_REACHED, GOAL_BLOCKED, GOAL_FAILED };

/* `state' and `quality' as they were before the verb was sent. */
void		 goal_begin(struct goal *g, const char *verb,
		    const char *state, const char *quality);
/* For `wait'; false when the word is no state. */
bool		 goal_wait(struct goal *g, const char *state);
enum goal_answer goal_look(struct goal *g, const struct goal_view *v);

#endif
