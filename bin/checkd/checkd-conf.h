/* SPDX-License-Identifier: ISC */
/*
 * The options of checkd.conf, one a row, with type and default.  holdfast(8)
 * writes this file into each generation from <errd> and <check>; its title
 * is the id of the resource: tcp "sql" is tcp.sql.
 */
#ifndef CHECKD_CHECKD_CONF_H
#define CHECKD_CHECKD_CONF_H

#include <confuse.h>

/*
 * when: pre, prim, second, both, sec, or a class of the module's own.
 * interval_ms, timeout_ms: between tries, and for one try.
 * fails, passes: "n/m", see debounce.h.
 */
#define CHECKD_COMMON_OPTS(class, interval, timeout)			\
	CFG_STR("when", (class), CFGF_NONE),				\
	CFG_INT("interval_ms", (interval), CFGF_NONE),			\
	CFG_INT("timeout_ms", (timeout), CFGF_NONE),			\
	CFG_STR("fails", "1", CFGF_NONE),				\
	CFG_STR("passes", "1", CFGF_NONE)

#define CHECKD_TCP_OPTS							\
	CHECKD_COMMON_OPTS("prim", 10000, 5000),			\
	CFG_STR("addr", "", CFGF_NONE),					\
	CFG_INT("port", 0, CFGF_NONE),					\
	CFG_END()

/*
 * name: of the command, unless nameregex is set; atleast -1 and atmost -1: no
 * bound.  interval_ms: of the look that events make needless but for what
 * they cannot tell.  start_after_ms: after the class was armed.
 */
#define CHECKD_PROC_OPTS						\
	CHECKD_COMMON_OPTS("prim", 30000, 5000),			\
	CFG_STR("name", "", CFGF_NONE),					\
	CFG_STR("nameregex", "", CFGF_NONE),				\
	CFG_STR("argregex", "", CFGF_NONE),				\
	CFG_INT("atleast", 1, CFGF_NONE),				\
	CFG_INT("atmost", -1, CFGF_NONE),				\
	CFG_INT("start_after_ms", 0, CFGF_NONE),			\
	CFG_END()

/*
 * exec: a file of the module's bin, or an absolute path; arg: split at
 * blanks.  interval_ms 0: it runs for ever and sets its resource itself.
 */
#define CHECKD_CUSTOM_OPTS						\
	CHECKD_COMMON_OPTS("prim", 0, 5000),				\
	CFG_STR("exec", "", CFGF_NONE),					\
	CFG_STR("arg", "", CFGF_NONE),					\
	CFG_END()

#define CHECKD_PING_OPTS						\
	CHECKD_COMMON_OPTS("pre", 10000, 5000),				\
	CFG_STR("addr", "", CFGF_NONE),					\
	CFG_END()

/* warn, down: percent of space and inodes that must be left. */
#define CHECKD_DISK_OPTS						\
	CHECKD_COMMON_OPTS("pre", 30000, 10000),			\
	CFG_STR("path", "", CFGF_NONE),					\
	CFG_INT("warn", 10, CFGF_NONE),					\
	CFG_INT("down", 2, CFGF_NONE),					\
	CFG_END()

/* Environment of programs: <var name= value=>. */
#define CHECKD_VAR_OPTS							\
	CFG_STR("value", "", CFGF_NONE),				\
	CFG_END()

/* scriptdir: empty means .../M/config/active/bin. */
#define CHECKD_OPTS(tcp_opts, proc_opts, custom_opts, ping_opts,	\
    disk_opts, var_opts)						\
	CFG_STR("module", "", CFGF_NONE),				\
	CFG_STR("scriptdir", "", CFGF_NONE),				\
	CFG_SEC("tcp", (tcp_opts), CFGF_MULTI | CFGF_TITLE),		\
	CFG_SEC("proc", (proc_opts), CFGF_MULTI | CFGF_TITLE),		\
	CFG_SEC("custom", (custom_opts), CFGF_MULTI | CFGF_TITLE),	\
	CFG_SEC("ping", (ping_opts), CFGF_MULTI | CFGF_TITLE),		\
	CFG_SEC("disk", (disk_opts), CFGF_MULTI | CFGF_TITLE),		\
	CFG_SEC("var", (var_opts), CFGF_MULTI | CFGF_TITLE),		\
	CFG_END()

#endif
