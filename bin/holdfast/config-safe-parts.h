/* SPDX-License-Identifier: ISC */
/* What struct safe has several of, with its strings. */
#ifndef HOLDFAST_CONFIG_SAFE_PARTS_H
#define HOLDFAST_CONFIG_SAFE_PARTS_H

#include <net/if.h>

#include <stdbool.h>
#include <stdint.h>

#include "cluster.h"

#define SAFE_COND_LEN	512

struct safe_addr {
	char		 addr[ADDR_LEN];
	const char	*interface;	/* "" when its network tells */
	int		 prefix;	/* 0: a host address */
	bool		 check;
	bool		 check_link;
	bool		 periodic;
	bool		 primary_source;
	int64_t		 arpinterval_s;
	int64_t		 arpelapse_s;
	char		 network[ADDR_LEN];	/* "" when not found */
	int		 network_prefix;
	char		 own[ADDR_LEN];		/* own address in it */
	char		 device[IF_NAMESIZE];	/* which has that one */
	long		 line;
	/* Of a farm: frames to a MAC that all nodes take. */
	bool		 is_vmac;
	char		 vmac[18];
};

/* An entry below dir[], or names there; of tocheck always a path. */
struct safe_below {
	unsigned	 dir;
	const char	*path, *regex;	/* one is NULL */
};

struct safe_beat {
	const char	*lan;
	const char	*ident;
};

struct safe_var {
	const char	*name;
	const char	*value;
};

enum safe_kind {
	SK_PROC,
	SK_TCP,
	SK_CUSTOM,
	SK_PING,
	SK_DISK,
	SK_INTF,	/* vipd's */
	SK_IP,		/* vipd's */
	SK_COUNT
};

/* A checker; what a kind has no use for is 0 or NULL. */
struct safe_check {
	enum safe_kind	 kind;
	const char	*ident, *when, *action, *fails, *passes;
	int64_t		 interval_ms, timeout_ms;
	char		 addr[ADDR_LEN];
	int64_t		 port;
	const char	*nameregex, *argregex, *services;
	int64_t		 atleast, atmost, start_after_ms;
	const char	*exec, *arg;
	const char	*path;
	int64_t		 warn, down;
};

/* A rule as it is written into moduled.conf. */
struct safe_rule {
	char		 label[128];
	char		 cond[SAFE_COND_LEN];
	const char	*then;
	int64_t		 handle_ms;
	const char	*when;		/* of a checker's rule, or "" */
	const char	*services;
};

#endif
