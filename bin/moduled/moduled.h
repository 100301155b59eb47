/* SPDX-License-Identifier: ISC */
/*
 * The daemon around decide: what its files share.  main.c puts it together;
 * links.c, mirror.c and farm.c talk to the siblings, think.c carries decisions
 * out, verbs.c and status.c answer the operator.
 */
#ifndef MODULED_MODULED_H
#define MODULED_MODULED_H

#include <stdbool.h>
#include <stdint.h>

#include "ask.h"
#include "clock.h"
#include "daemon.h"
#include "loop.h"

#include "decide.h"
#include "grant.h"
#include "resource.h"
#include "resync-story.h"
#include "rules.h"
#include "scripts.h"
#include "wish.h"

struct evidence;
struct farm;
struct lease;
struct voters;

#define LAN_MAX		8
/* As many as holdfast(8) writes: rules, addresses, links. */
#define RULE_MAX	224
#define VAR_MAX		128

struct lan_state {
	const char	*name;
	bool		 known, up;
};

struct moduled {
	struct daemon		*d;
	const char		*name;
	struct decide_conf	 conf;
	char			 addresses[FACT_TEXT];
	bool			 rfs;
	int64_t			 handle_ms;
	struct lan_state	 lan[LAN_MAX];
	unsigned		 lan_count, id_tries;	/* id was taken */
	struct rule		 rule[RULE_MAX];
	unsigned		 rule_count;
	struct scripts_conf	 scripts_conf;
	char			*env[VAR_MAX + 1];
	struct wish		 wish;
	struct mono		 order_since;
	struct mono		 boot_until;	/* start not before */
	struct machine		 m;
	struct view		 v;
	struct decision		 dec;
	struct peer_facts	 peer;		/* as heard */
	struct scripts		*scripts;
	struct resources	 res;
	struct resync_story	 resync;
	struct sync_plan	 sync;
	int64_t			 state_wall_s;	/* entered the state */
	int64_t			 reason_wall_s;	/* the reason came up */
	enum reason		 reason_told;
	enum net_state		 net_told;
	int64_t			 peer_life;	/* of its heartd; 0: none yet */
	int64_t			 net_wall_s;	/* of the peer's net state */
	/* While the peer is silent: who sends what cannot be used. */
	char			 foreign[FACT_TEXT];
	char			 complaint[FACT_TEXT];	/* of a script */
	char			 warning[FACT_TEXT * 2]; /* how it ended */
	int64_t			 script_wall_s;	/* the last one began */
	bool			 started, thinking, again;
	bool			 has_facts;	/* told in this life */
	bool			 unsure;	/* no memory, no fact yet */

	struct farm		*farm;		/* NULL: it is no farm */
	struct voters		*voters;	/* NULL: heartbeats only */
	struct lease		*lease;		/* the page; NULL: no voters */
	struct mono		 lease_last;	/* what it says */
	struct grant		 grant;		/* our own promise (L7) */
	struct evidence		*evidence;
	struct ask		*heart, *vip, *probe_link, *mirror, *checks;
	struct loop_timer	*wake, *checks_timer;
	unsigned		 phases;	/* of the scripts, now */
	char			*checks_when;	/* last wished */
	int64_t			 checks_gen;	/* of that wish */
	unsigned		 checks_open;	/* wishes not answered */
	bool			 checks_silent;	/* and that is long ago */
	bool			 checks_fresh;	/* all facts of it are in */
	int64_t			 checks_wall_s;	/* answers, or does not */
	char			*said_set;	/* the file of `set' */
	const char		*restart_services;	/* of the action */
	struct loop_timer	*vip_retry, *probe_retry, *heart_retry;
	/* The last wish. */
	bool			 vip_told, vip_told_own, vip_told_lease;
	unsigned		 vip_open;	/* wishes not answered yet */
	uint64_t		 probe_asked;	/* in flight; 0: none */
	struct mono		 blob_gone;	/* the peer is up, mute */

	/* What was last said: said again only when it changed. */
	char			*said_want, *said_blob, *said_stamp;
	char			*said_follow, *said_state, *said_status;
	char			*said_file;
};

/* think.c: something changed. */
void	moduled_think(struct moduled *md);
void	moduled_take_up(struct moduled *md);
/* True when text differs from *said, which then holds it. */
bool	moduled_news(char **said, const char *text);
/* text: why it is so, or NULL. */
void	moduled_resource(struct moduled *md, const char *name,
	    const char *value, const char *text, const char *who);
int64_t	wall_now(void);

/* links.c */
void	links_open(struct moduled *md);
void	links_close(struct moduled *md);
void	links_publish(struct moduled *md, const struct peer_facts *blob);
void	links_vip(struct moduled *md, bool own);
void	links_probe(struct moduled *md, uint64_t id);
/* An answer to a wish: the event of a refusal by the sibling arg names. */
void	wish_answered(const struct line *l, void *arg);
/* mirror.c */
void	mirror_open(struct moduled *md);
void	mirror_want(struct moduled *md, const struct want *w);
/* record.c, in place of mirrord for a module without directories */
void	record_open(struct moduled *md);
void	record_want(struct moduled *md, const struct want *w);

/* status.c */
void	status_answer(struct moduled *md, struct client *c);
/* For observers: the file under /run and the event `state'. */
void	status_show(struct moduled *md);
/* The whole answer, a line each; the caller frees. */
char	*status_text(struct moduled *md);
void	status_wall(char buf[CLOCK_WALL_LEN], int64_t wall_s);
/* "n1, silent since ..." */
void	status_peer(struct moduled *md, char buf[FACT_TEXT]);
/* A text of the table of reasons with the values of this moment. */
const char *status_fill(struct moduled *md, char buf[FACT_TEXT * 2],
	    const char *text);
/* Fills o with the event `state'. */
void	status_state_line(struct moduled *md, struct line_out *o);

/* why.c */
void	why_answer(struct moduled *md, struct client *c);

/* verbs.c */
extern const struct verb moduled_verbs[];
/* An action of a rule, a script or the operator; identity NULL: operator. */
const char *action_take(struct moduled *md, const char *verb,
	    const char *who, const char *identity, const char *why,
	    char *text, size_t size);

#endif
