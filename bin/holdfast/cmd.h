/* SPDX-License-Identifier: ISC */
/*
 * One call of the command: its verb, module, options and arguments, as
 * main.c made them of argv.  Every verb is `int verb_x(struct cmd *)' and
 * returns the exit status.
 */
#ifndef HOLDFAST_CMD_H
#define HOLDFAST_CMD_H

#include <stdbool.h>
#include <stdint.h>

#define EXIT_UNSAFE	79
#define EXIT_NO_QUORUM	80
#define EXIT_NOT_PRIM	81

#define SET_MAX		32
#define SERVICE_MAX	16

struct cmd {
	const char	*verb;
	bool		 as_safekit;
	const char	*nodes;		/* -H; NULL: here */
	const char	*module;	/* NULL: none */
	int		 argc;		/* what follows the module */
	char		**argv;
	bool		 json, quiet, no_wait, dry_run, rollback, follow, all;
	bool		 no_log;	/* set -n */
	bool		 letter;	/* state -l */
	bool		 no_colour;
	bool		 anonymise;	/* snapshot */
	bool		 local;		/* why: ask no other node */
	bool		 off;		/* farm drain */
	bool		 power;		/* cluster fence test */
	bool		 repair;	/* verify */
	int64_t		 timeout_ms;	/* -1: for ever */
	long		 lines;		/* log -s */
	long		 id;		/* module install --id */
	const char	*why;
	const char	*identity;	/* -i: counted in maxloop */
	const char	*resource, *value;
	const char	*yes;
	const char	*expires, *replace;	/* cluster invite */
	const char	*name;		/* cluster join --name */
	const char	*addr[SET_MAX];	/* cluster join --addr LAN=ADDRESS */
	unsigned	 addr_count;
	const char	*span;		/* maintain --for */
	const char	*date;		/* secondforce -d */
	int64_t		 since_s;	/* the same, wall seconds; 0: none */
	const char	*set[SET_MAX];	/* NAME=VALUE */
	unsigned	 set_count;
	const char	*from, *dir, *vip;	/* module new */
	const char	*to;		/* diverged restore */
	const char	*service[SERVICE_MAX];
	unsigned	 service_count;
};

int	verb_config(struct cmd *c);
int	verb_module(struct cmd *c);
int	verb_cluster(struct cmd *c);
int	verb_check(struct cmd *c);
int	verb_upgrade(struct cmd *c);

int	verb_status(struct cmd *c);
int	verb_state(struct cmd *c);
int	verb_why(struct cmd *c);
int	verb_log(struct cmd *c);
int	verb_events(struct cmd *c);

/* start stop forcestop restart stopstart swap prim primforce second */
int	verb_act(struct cmd *c);
int	verb_alert(struct cmd *c);
int	verb_wait(struct cmd *c);

int	verb_farm(struct cmd *c);
int	verb_maintain(struct cmd *c);
int	verb_release(struct cmd *c);
int	verb_node(struct cmd *c);
int	verb_freeze(struct cmd *c);
int	verb_diverged(struct cmd *c);
int	verb_verify(struct cmd *c);
int	verb_diff(struct cmd *c);
int	verb_snapshot(struct cmd *c);

int	verb_get(struct cmd *c);
int	verb_set(struct cmd *c);
int	verb_print(struct cmd *c);
int	verb_loop(struct cmd *c);
int	verb_errd(struct cmd *c);

#endif
