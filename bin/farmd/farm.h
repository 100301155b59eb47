/* SPDX-License-Identifier: ISC */
/*
 * What farmd's own files share: one struct farm a process.  farm.c puts the
 * agreement, the filters, delivery and connections together; the links say
 * what heartd and vipd know; facts.c tells moduled.
 */
#ifndef FARMD_FARM_H
#define FARMD_FARM_H

#include <stdbool.h>
#include <stdint.h>

#include "ask.h"
#include "clock.h"
#include "cluster.h"
#include "daemon.h"

#include "accord.h"
#include "delivery.h"
#include "farm-conf.h"
#include "filters.h"
#include "flood.h"
#include "flows.h"
#include "places.h"
#include "wish.h"

#define FARM_TEXT_LEN	256
#define FARM_SAVE_MAX	(ACCORD_SAVE_MAX + 4096)

/* Of one node of the cluster, by its index; self's is unused. */
struct farm_peer {
	enum accord_net		 net;
	struct farm_blob	*blob;		/* NULL: none */
	/* Its MACs outlive what it says: it may only be out of sight. */
	unsigned		 mac_count;
	struct {
		uint8_t		 byte[6];
		uint32_t	 addrs;		/* bits by index */
	} mac[FARM_BLOB_MAC_MAX];
	bool			 is_bad;	/* no sense in it: said */
	bool			 id_differs;
	char			*said;		/* event `node' last told */
};

struct farm {
	struct daemon		*d;
	struct cluster		 cluster;
	struct farm_conf	 conf;
	struct filter_input	 in;		/* what the filters are to do */
	struct accord		*accord;
	struct accord_in	 accord_in;
	struct filters		*filters;	/* NULL: none works */
	char			 backend[8];	/* an earlier farmd's */
	bool			 is_filtered;	/* rules of ours are in force */
	bool			 is_tried;	/* a part of them may be */
	struct filter_input	 applied;	/* by the last apply() */
	struct delivery		*delivery;	/* NULL: no vmac address */
	struct flood		 flood;
	uint32_t		 vmac_addrs;	/* bits */
	bool			 use_vmac;
	struct flows		 flows;
	unsigned		 draining;	/* connections, last read */
	bool			 is_drained;
	struct mono		 flows_due;	/* unset: nobody asks */
	struct farm_wish	 wish;
	struct farm_peer	 peer[CLUSTER_NODE_MAX];
	struct places		 places;	/* of the addresses, by vipd */

	struct ask		*heart;
	struct loop_timer	*heart_retry;	/* its id was taken */
	struct loop_timer	*heart_lost;	/* T passed without heartd */
	bool			 id_taken;	/* by another module here */
	bool			 heart_told;	/* all it knew at the start */
	struct ask		*vip;
	struct loop_timer	*vip_retry;
	struct loop_timer	*vip_lost;	/* no link for some time */
	bool			 vip_asked;	/* an answer is due */
	char			*vip_said;	/* the wish it has or gets */
	char			*vip_good;	/* the wish it has */
	bool			 vip_refused;
	bool			 vip_silent;	/* said: no link to it */
	bool			 is_taken_up;	/* addresses as they were */
	bool			 announce_due;

	struct loop_timer	*wake;		/* think again */
	struct loop_timer	*second;	/* probes, intact(), counters */
	bool			 is_thinking;
	bool			 think_again;
	bool			 apply_due;	/* though nothing differs */
	bool			 save_due;
	struct mono		 apply_retry;	/* after a refusal */
	struct mono		 refresh_at;	/* connections in the filter */
	char			 filter_why[FILTER_WHY_LEN];
	struct mono		 rules_gone;	/* restored at */
	uint64_t		 members, dead;	/* bereft.c's; bits */
	uint64_t		 said_epoch;	/* of the share last logged */
	uint64_t		 said_digest;
	char			 said_code[FARM_BLOB_WORD];
	char			*said_blob;
	char			*said_fact;
};

/* --- farm.c --------------------------------------------------------- */

/* Something may have changed: draw the conclusions and act. */
void	farm_think(struct farm *f);
/* Somebody changed the rules in the kernel; they are restored. */
void	farm_rules_gone(struct farm *f, const char *why);
/* The wish as the agreement knows it. */
enum share_role	farm_role(const struct farm *f);
/* What is in effect. */
enum farm_serve	farm_serves(const struct farm *f);
const char	*farm_delivery(const struct farm *f);
/* Replaces the text at; false: it is that already. */
bool	farm_news(char **at, const char *text);

/* --- drain.c -------------------------------------------------------- */

/* Reads the connections when that is due. */
void	drain_look(struct farm *f, struct mono now);
/* Ends those of accord_expired(). */
void	drain_end(struct farm *f);

/* --- memory.c ------------------------------------------------------- */


/* Writes what the next farmd must know; false after a warning. */
bool	memory_save(struct farm *f);
/* Takes up; false: nothing usable, begin anew. */
bool	memory_load(struct farm *f);

/* --- heart.c, vip.c ------------------------------------------------- */

void	heart_open(struct farm *f);
void	heart_publish(struct farm *f, const char *blob);
void	vip_open(struct farm *f);
/* States the wish to vipd when it is another; what it said is farm->places. */
void	vip_wish(struct farm *f);
/* It has the wish that is now. */
bool	vip_is_done(const struct farm *f);
/* The addresses are here. */
bool	vip_holds(const struct farm *f);

/* --- facts.c -------------------------------------------------------- */

/* Tells watchers what is new. */
void	facts_tell(struct farm *f);
/* The most serious of what is wrong, "" for nothing; does it keep this node
 * from serving? */
const char	*facts_code(const struct farm *f, char text[FARM_TEXT_LEN],
		    bool *blocks);
void	facts_log(struct farm *f);
extern const struct verb farm_verbs[];

#endif
