/* SPDX-License-Identifier: ISC */
/*
 * The pieces of one mirrord and how they are opened, from the state
 * directory, the replicated directories and what keepd kept of an earlier
 * life.  No decisions.
 */
#ifndef MIRRORD_PARTS_H
#define MIRRORD_PARTS_H

#include <stdbool.h>

#include "keep.h"

#include "actlog.h"
#include "apply.h"
#include "change.h"
#include "dirty.h"
#include "exclude.h"
#include "gen.h"
#include "mirrord-conf.h"
#include "object.h"
#include "request.h"
#include "stream.h"

/* A mapping whose memfd keepd holds too. */
struct kept_memory {
	char		 name[32];
	void		*p;
	size_t		 size;
	int		 fd;
};

struct parts {
	const struct mirrord_conf *conf;
	struct keep	*keep;
	int		 state_fd;
	struct gen_file	*gen;
	bool		 gen_bad;	/* its record was not readable (R22) */
	/* From here on only while the tree is open. */
	bool		 is_open;
	bool		 log_bad;	/* al or dirty was not readable (R22) */
	bool		 is_wary;	/* lives.h */
	bool		 holds_back;	/* mounted, but does not serve */
	int		 clone_fd[CONF_DIR_MAX];
	int		 root_fd[CONF_DIR_MAX];
	struct actlog	*actlog;
	struct dirtyset	*set;
	struct dirty	*dirty;
	struct objects	*objects;
	struct excludes	*excludes;
	struct stream	*stream;
	struct change	*change;
	struct apply	*apply;
	struct front	 front;
	struct kept_memory queue;
	struct kept_memory applied;
	struct kept_memory lookup;
	struct kept_memory lives;
	struct kept_memory ring[CONF_DIR_MAX];
	struct front_mount mount[CONF_DIR_MAX];
};

#define PARTS_WHY_LEN	512

/* State directory and gen.  0, or -1 with the reason in why. */
int	parts_init(struct parts *p, const struct mirrord_conf *conf,
	    struct keep *keep, char why[PARTS_WHY_LEN]);
void	parts_fini(struct parts *p);

/* Does keepd hold the tree (and the mirror) of an earlier life? */
bool	parts_kept(struct parts *p);
bool	parts_kept_mirror(struct parts *p);

/*
 * Everything else.  calls: apply's.  -1 with why; code is a reason code of
 * holdfast-troubleshooting(7).
 */
int	parts_open(struct parts *p, const struct apply_calls *calls,
	    void *arg, const char **code, char why[PARTS_WHY_LEN]);
/*
 * What the configuration leaves out, for parts_open(); parts-exclude.c.  Each
 * directory keeps the rules of last time: if one of them is gone, what it left
 * out is on record nowhere, and everything is compared, which is durable
 * before the new rules are.
 */
int	parts_exclude(struct parts *p, const char **code,
	    char why[PARTS_WHY_LEN]);
/* Lets go of the directories; nothing is mounted any more. */
void	parts_close(struct parts *p);

/*
 * Mounts the mirror over directory i, or takes up the one of an earlier
 * life; then serves.  0, or -1 with why.
 */
int	parts_mount(struct parts *p, unsigned i, char why[PARTS_WHY_LEN]);
/* What the kernel keeps of writes is written, for two seconds at most; workers
 * serve that meanwhile, so none of them may call it.  0 or -errno. */
int	parts_flush(struct parts *p);
/* What holds back begins to serve. */
void	parts_serve(struct parts *p);
/* After the unmount: workers ended, memory and descriptors given back. */
void	parts_unmounted(struct parts *p, unsigned i);
/*
 * Rule R23: the session number also stands in each root directory; the
 * smallest of them, 0 when one has none.  One that says it is coming counts
 * as that of gen, which was to follow.
 */
uint64_t session_read(struct parts *p, uint64_t in_gen);
int	session_write(struct parts *p, uint64_t session, bool coming);
/* While it serves: this life is not a short one. */
void	parts_go_on(struct parts *p);
/* Every minute: unused pages go back. */
void	parts_trim(struct parts *p);

#endif
