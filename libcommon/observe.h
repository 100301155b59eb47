/* SPDX-License-Identifier: ISC */
/*
 * What moduled says of each module of this node, kept up to date, for daemons
 * that show it elsewhere.  Each moduled is asked for its status as soon as its
 * state changes, and besides every poll_ms: how long ago the newest answered
 * question was asked is how old the answer may be.  A moduled that hangs does
 * not answer, so it ages; nothing is ever true for longer than that.
 */
#ifndef COMMON_OBSERVE_H
#define COMMON_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "epoch.h"
#include "loop.h"
#include "paths.h"

#define OBSERVE_FINDINGS	32
#define OBSERVE_CODE		40
#define OBSERVE_TEXT		512
#define OBSERVE_WORD		16
#define OBSERVE_NODE		64

/* A warning of the status, or what the module waits for. */
struct finding {
	bool	blocked;
	char	code[OBSERVE_CODE];
	char	text[OBSERVE_TEXT];
	char	command[OBSERVE_TEXT];	/* that ends it, or "" */
};

struct observed {
	char		name[MODULE_NAME_MAX + 1];
	bool		is_up;		/* its moduled is connected to */
	struct mono	asked;		/* never: not answered yet */
	/* Of the last answer. */
	char		mode[OBSERVE_WORD];
	char		state[OBSERVE_WORD];
	char		quality[OBSERVE_WORD];
	char		epoch[EPOCH_LEN];
	char		node[OBSERVE_NODE];
	char		peer[OBSERVE_NODE];		/* "" none */
	char		peer_state[OBSERVE_WORD];
	/* Of a farm: this node takes clients; it speaks for all nodes. */
	bool		open, first;
	unsigned	count;
	struct finding	finding[OBSERVE_FINDINGS];
};

struct observe;

/*
 * Modules come and go as they are configured.  on_news: an answer is complete,
 * or the link to a moduled went; o is gone with a module that left, after
 * on_gone.  Both may be NULL.
 */
struct observe_calls {
	void	(*on_news)(const struct observed *o, void *arg);
	void	(*on_gone)(const struct observed *o, void *arg);
};

struct observe	*observe_new(struct loop *l, int64_t poll_ms,
		    const struct observe_calls *calls, void *arg);
void		 observe_free(struct observe *ob);
unsigned	 observe_count(const struct observe *ob);
const struct observed *observe_at(const struct observe *ob, unsigned i);
/* NULL: no such module here. */
const struct observed *observe_find(const struct observe *ob,
		    const char *module);

/*
 * The application runs here and serves: Ready as primary, or in a farm with a
 * share that is open.
 */
bool		 observed_serves(const struct observed *o);
/* Milliseconds the answer may be old; -1 never answered. */
int64_t		 observed_age_ms(const struct observed *o, struct mono now);

#endif
