/* SPDX-License-Identifier: ISC */
/*
 * The heart of heartd: its peers, modules, sockets and timer, and the three
 * things it does with them: pulse, receive (receive.c) and judge.
 */
#ifndef HEARTD_HEART_H
#define HEARTD_HEART_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "cluster.h"
#include "log.h"
#include "loop.h"
#include "machine.h"
#include "seal.h"
#include "serve.h"

#include "beat.h"
#include "incarnation.h"
#include "link.h"
#include "module.h"
#include "twin.h"
#include "watchdog.h"

struct heart_options {
	int64_t		idle_pulse_ms;
	int64_t		stranger_rate;	/* unopened datagrams a second */
	struct link_options link;
	const char	*watchdog;	/* a device, or "" */
	int		watchdog_s;
};

/* Why a datagram was dropped. The first ones are enum datagram_error's. */
enum drop {
	DROP_UNKNOWN_NODE = DATAGRAM_MALFORMED + 1,
	DROP_REFLECTED,		/* our own, come back */
	DROP_MISDIRECTED,	/* sealed for another node */
	DROP_REPLAY,
	DROP_CLONE,		/* a machine that is there twice */
	DROP_FLOOD,		/* more than stranger_rate did not open */
	DROP_COUNT,
};

struct peer {
	bool		is_used;	/* not this node itself */
	unsigned	lans;		/* networks that reach it */
	struct seal_ring key;		/* what it seals with */
	struct session	session;
	struct ear	ear;
	uint64_t	sequence[CLUSTER_LAN_MAX];
	uint64_t	ping[CLUSTER_LAN_MAX];	/* newest of its pulses */
	struct mono	ping_at[CLUSTER_LAN_MAX];
	int64_t		rtt_us[CLUSTER_LAN_MAX];	/* -1: unknown */
	uint32_t	pulse_ms;	/* how fast it needs ours; 0: not */
	uint8_t		machine[MACHINE_LEN];
	uint8_t		config[CLUSTER_DIGEST_LEN];
	struct twin	twin;
	struct mono	clone_at;	/* refused, for this machine-id: */
	unsigned	clone_of;	/* that node has it */
};

struct heart {
	struct loop	*loop;
	struct serve	*serve;
	struct cluster	cluster;
	struct heart_options options;
	struct seal_ring key;		/* this node seals with the first */
	char		key_id[SEAL_KEYS_MAX][SEAL_ID_LEN + 1];
	struct incarnation self;
	uint8_t		machine[MACHINE_LEN];
	struct links	*links;
	struct peer	peer[CLUSTER_NODE_MAX];
	struct module	module[MODULE_MAX];
	struct sent	sent;
	struct wake	wake;
	struct mono	since;		/* listening without a gap since */
	struct loop_timer *timer;
	struct mono	due;		/* when the timer is to fire */
	struct mono	next_pulse;
	int64_t		gap_ms;		/* did not run for, before this */
	struct watchdog	watchdog;
	bool		is_rr, is_locked;
	uint64_t	dropped[DROP_COUNT];
	struct log_limit drop_limit[DROP_COUNT];
	struct log_limit late_limit, life_limit, clone_limit;
	/* The budget of strangers: tokens, refilled by time. */
	int64_t		tokens;
	struct mono	tokens_at;
};

/*
 * Opens sockets and starts to beat.  Before: loop, serve, cluster, options,
 * self and keys (heart_keys()) are set, all else zero.
 */
void	heart_start(struct heart *h);
void	heart_stop(struct heart *h);
/* Derives the keys of all nodes, also while beating. */
void	heart_keys(struct heart *h, const struct cluster_keys *ks);

/*
 * First on every wake-up, whoever caused it: the time, after own lateness
 * was looked for and the opinions it spoils are void.
 */
struct mono	heart_now(struct heart *h);
/* Something of ours changed: the next pulse leaves at once. */
void	heart_pulse_soon(struct heart *h, struct mono now);
/*
 * Reads all sockets empty, then brings all opinions up to now; changes are
 * published.  After heart_now().
 */
void	heart_listen(struct heart *h);
/* Sets the timer to whatever comes first. */
void	heart_arm(struct heart *h, struct mono now);
/* The interval of the stream: the fastest anyone needs. */
int64_t	heart_pulse_ms(const struct heart *h);

/* Sends m's blob to each peer that wants it and has it not. */
void	heart_send_blob(struct heart *h, struct module *m, struct mono now,
	    int64_t retry_ms);
/* Seals for this peer and network and sends; failure is silence. */
void	heart_send(struct heart *h, unsigned node, unsigned lan,
	    struct datagram_out *d);
/* A node header for this peer and network, `to' its life. */
void	heart_header(const struct heart *h, unsigned node, unsigned lan,
	    struct incarnation to, struct mono now, struct node_header *nh);

#endif
