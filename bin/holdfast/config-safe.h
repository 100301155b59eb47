/* SPDX-License-Identifier: ISC */
/* userconfig.xml to what the daemons of this node need to know of a module. */
#ifndef HOLDFAST_CONFIG_SAFE_H
#define HOLDFAST_CONFIG_SAFE_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "cluster.h"
#include "config-farm.h"
#include "config-safe-parts.h"
#include "report.h"

#define SAFE_DIR_MAX	16
#define SAFE_BELOW_MAX	64	/* what mirrord takes */
#define SAFE_ADDR_MAX	32
#define SAFE_VAR_MAX	256
#define SAFE_CHECK_MAX	64
#define SAFE_RULE_MAX	64
#define SAFE_VOTER_MAX	7

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
	const char	*async, *meta, *secondary, *diverged, *verify, *syncat;
	int64_t		 stall_ms, disktime_ms, verify_kbs, resync_kbs,
			 syncdelta_s;
	unsigned	 dir_count;
	const char	*dir[SAFE_DIR_MAX];
	bool		 writeback[SAFE_DIR_MAX];
	unsigned	 tocheck_count, excluded_count;
	struct safe_below tocheck[SAFE_BELOW_MAX], excluded[SAFE_BELOW_MAX];

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
