/* SPDX-License-Identifier: ISC */
/* userconfig.xml to what the daemons of this node need to know of a module. */
#ifndef HOLDFAST_CONFIG_SAFE_H
#define HOLDFAST_CONFIG_SAFE_H

#include <net/if.h>

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "cluster.h"
#include "config-farm.h"
#include "report.h"

#define SAFE_DIR_MAX	16
#define SAFE_TOCHECK_MAX 64
#define SAFE_ADDR_MAX	32
#define SAFE_VAR_MAX	256
#define SAFE_CHECK_MAX	64
#define SAFE_RULE_MAX	64
#define SAFE_COND_LEN	512
#define SAFE_VOTER_MAX	7

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

/* Strings are the document's or the tables'. */
struct safe {
	xmlDoc		*doc;		/* after macros */
	const char	*name;		/* the caller's */
	const char	*bin;		/* the same; NULL: is not looked at */
	int		 id;
	const struct cluster *cluster;
	int		 peer;		/* index, or -1: of mirrors only */

	const char	*mode, *boot, *defaultprim;
	bool		 is_farm, failover, etcd;
	int64_t		 boot_delay_s, maxloop, loop_interval_s;

	int64_t		 pulse_ms, timeout_ms, fencehold_ms, startgrace_ms;
	unsigned	 beat_count;
	struct safe_beat beat[CLUSTER_LAN_MAX];
	unsigned	 flow;		/* index into beat[] */
	struct farm	 farm;		/* with is_farm */
	unsigned	 voter_count;	/* 0, no etcd: heartbeats only */
	const char	*voter[SAFE_VOTER_MAX];
	const char	*split_ident, *split_witnesses;	/* or NULL */

	bool		 vip, tcpreset;
	unsigned	 addr_count;
	struct safe_addr addr[SAFE_ADDR_MAX];

	bool		 rfs;
	const char	*async, *secondary, *diverged, *verify;
	int64_t		 stall_ms, disktime_ms, verify_kbs, resync_kbs;
	unsigned	 dir_count;
	const char	*dir[SAFE_DIR_MAX];
	unsigned	 tocheck_count;
	struct { unsigned dir; const char *path; }	/* path below dir[] */
			 tocheck[SAFE_TOCHECK_MAX];

	unsigned	 check_count;
	struct safe_check check[SAFE_CHECK_MAX];
	unsigned	 rule_count;
	struct safe_rule rule[SAFE_RULE_MAX];
	bool		 extends, handle_stated; /* the built-in rules too */
	int64_t		 handle_ms, period_ms;

	bool		 scripts;
	const char	*logging;
	int64_t		 nicestop_ms, forcestop_ms, userlogsize;
	unsigned	 var_count;
	struct safe_var	 var[SAFE_VAR_MAX];
};

/* name, bin, id and cluster are the caller's; the rest is filled from text.
 * 0, or -1 with all errors in r.  safe_fini() in both cases. */
int	safe_compile(struct safe *m, const char *text, size_t len,
	    struct report *r);
/* Only well-formed, with the right root; the caller's. */
xmlDoc	*safe_parse(const char *text, size_t len, struct report *r);
void	safe_fini(struct safe *m);
/* Sets the value of a macro in a document text; NULL when it has none such.
 * The caller frees the new text. */
char	*safe_set_macro(const char *text, size_t len, const char *name,
	    const char *value, struct report *r);

/* The files of a generation; the caller frees. */
char	*safe_text_xml(const struct safe *m);
char	*safe_text_moduled(const struct safe *m, const char *digest);
char	*safe_text_mirrord(const struct safe *m);
char	*safe_text_vipd(const struct safe *m);
char	*safe_text_farmd(const struct safe *m);
char	*safe_text_checkd(const struct safe *m);
char	*safe_text_roster(const struct safe *m);

#endif
