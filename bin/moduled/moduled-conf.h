/* SPDX-License-Identifier: ISC */
/*
 * The options of moduled.conf, one a row, with type and default.  holdfast(8)
 * writes this file into each generation; moduled reads it and nothing else of
 * the configuration.  moduled.conf(5) is a section of moduled(8).
 *
 *	module = "ledger"
 *	node = "n1"
 *	peer = "n2"
 *	lans = { "lan1", "lan2" }
 *	var "SERVICES" { value = "ledger" }
 */
#ifndef MODULED_MODULED_CONF_H
#define MODULED_MODULED_CONF_H

#include <confuse.h>

/*
 * A rule of the failover machine; its title is the label.  if: a condition,
 * expr.h; then: stop, wait, stopstart, swap or restart; when: of a checker's
 * own rule, when that runs; services: argument of a restart.
 */
#define MODULED_RULE_OPTS						\
	CFG_STR("if", "", CFGF_NONE),					\
	CFG_STR("then", "", CFGF_NONE),					\
	CFG_INT("handle_ms", 0, CFGF_NONE),				\
	CFG_STR("when", "", CFGF_NONE),					\
	CFG_STR("services", "", CFGF_NONE),				\
	CFG_END()

/* Environment of every script: <var name= value=>. */
#define MODULED_VAR_OPTS						\
	CFG_STR("value", "", CFGF_NONE),				\
	CFG_END()

/*
 * Who votes on who is primary; its title is the name.  key: "cluster" for a
 * node, else the name of a file in /etc/holdfast/witness without .key.  No
 * voter and no etcd: heartbeats only.
 */
#define MODULED_VOTER_OPTS						\
	CFG_STR_LIST("addresses", "{}", CFGF_NONE),			\
	CFG_STR("key", "", CFGF_NONE),					\
	CFG_END()

/*
 * What cuts the peer's power, agent.h; agent "": nothing.  delay_ms: of who
 * is not primary; period_ms: it is asked whether it answers, 0 never.
 */
#define MODULED_FENCING_OPTS						\
	CFG_STR("agent", "", CFGF_NONE),				\
	CFG_STR_LIST("options", "{}", CFGF_NONE),			\
	CFG_INT("delay_ms", 5000, CFGF_NONE),				\
	CFG_INT("timeout_ms", 20000, CFGF_NONE),			\
	CFG_INT("period_ms", 60000, CFGF_NONE),				\
	CFG_END()

/* Witnesses by ping; none: they are not asked. */
#define MODULED_SPLITBRAIN_OPTS						\
	CFG_STR("ident", "witness", CFGF_NONE),				\
	CFG_STR_LIST("witnesses", "{}", CFGF_NONE),			\
	CFG_END()

/* prefix: of this module, PREFIX/CLUSTER/MODULE.  Files: "" is none. */
#define MODULED_ETCD_OPTS						\
	CFG_STR_LIST("endpoints", "{}", CFGF_NONE),			\
	CFG_STR("ca", "", CFGF_NONE),					\
	CFG_STR("cert", "", CFGF_NONE),					\
	CFG_STR("key", "", CFGF_NONE),					\
	CFG_STR("prefix", "", CFGF_NONE),				\
	CFG_END()

/*
 * cluster: its name, where there are voters.
 * node, peer: names; node_id, peer_id: their ids (1..255); peer is empty in
 *	a module of one node.
 * nodes: names of all nodes of a farm, this one too; it has no peer.
 * digest: hex, of what must be equal on all nodes (safeconf.xml and bin/).
 * lans: the <heartbeat> networks, flow: the one that carries replication.
 * addresses: the virtual addresses, for messages only.
 * wait_on, stopstart_on: resources whose being down for handle_ms has that
 *	consequence: "intf.10.88.1.0" (interface@check) and "ip.10.88.1.100"
 *	(virtual_addr@check).  rfs.disk is always watched with rfs.
 * checks: there is a checkd.  await: resources of it that must be known
 *	before a module leaves WAIT, since a rule may keep it there.
 * remote: resources that a rule asks of the other node: each tells its own.
 * period_ms: an action that was refused is tried again then.
 * vip_links: those intf. resources whose links carry the addresses; a
 *	file without checks has none and means all.
 * loop_interval_s 0: maxloop never stops the module.
 * stopdrain_ms: of a farm, for how long at most a stop waits for the
 *	connections of this node; scriptcontrol: scripts open its traffic.
 * scriptdir: empty means .../M/config/active/bin.
 */
#define MODULED_OPTS(var_opts, rule_opts, voter_opts, etcd_opts,	\
    fencing_opts, splitbrain_opts)					\
	CFG_STR("module", "", CFGF_NONE),				\
	CFG_INT("id", 1, CFGF_NONE),					\
	CFG_STR("mode", "mirror", CFGF_NONE),				\
	CFG_STR("digest", "", CFGF_NONE),				\
	CFG_STR("cluster", "", CFGF_NONE),				\
	CFG_SEC("voter", (voter_opts), CFGF_MULTI | CFGF_TITLE),	\
	CFG_SEC("etcd", (etcd_opts), CFGF_NONE),			\
	CFG_SEC("fencing", (fencing_opts), CFGF_NONE),			\
	CFG_SEC("splitbrain", (splitbrain_opts), CFGF_NONE),		\
	CFG_STR("node", "", CFGF_NONE),					\
	CFG_INT("node_id", 0, CFGF_NONE),				\
	CFG_STR("peer", "", CFGF_NONE),					\
	CFG_INT("peer_id", 0, CFGF_NONE),				\
	CFG_STR_LIST("nodes", "{}", CFGF_NONE),				\
	CFG_STR_LIST("lans", "{}", CFGF_NONE),				\
	CFG_STR("flow", "", CFGF_NONE),					\
	CFG_INT("pulse_ms", 200, CFGF_NONE),				\
	CFG_INT("timeout_ms", 2000, CFGF_NONE),				\
	CFG_INT("stall_ms", 2000, CFGF_NONE),				\
	CFG_INT("fencehold_ms", 10000, CFGF_NONE),			\
	CFG_INT("startgrace_ms", 10000, CFGF_NONE),			\
	CFG_INT("handle_ms", 15000, CFGF_NONE),				\
	CFG_INT("maxloop", 3, CFGF_NONE),				\
	CFG_INT("loop_interval_s", 86400, CFGF_NONE),			\
	CFG_BOOL("failover", cfg_true, CFGF_NONE),			\
	CFG_STR("defaultprim", "alone", CFGF_NONE),			\
	CFG_STR("boot", "ignore", CFGF_NONE),				\
	CFG_INT("boot_delay_s", 0, CFGF_NONE),				\
	CFG_BOOL("rfs", cfg_false, CFGF_NONE),				\
	CFG_STR("syncat", "off", CFGF_NONE),				\
	CFG_INT("syncdelta_s", 0, CFGF_NONE),				\
	CFG_BOOL("vip", cfg_false, CFGF_NONE),				\
	CFG_BOOL("scripts", cfg_false, CFGF_NONE),			\
	CFG_STR_LIST("addresses", "{}", CFGF_NONE),			\
	CFG_STR_LIST("wait_on", "{}", CFGF_NONE),			\
	CFG_STR_LIST("stopstart_on", "{}", CFGF_NONE),			\
	CFG_STR_LIST("vip_links", "{}", CFGF_NONE),			\
	CFG_BOOL("checks", cfg_false, CFGF_NONE),			\
	CFG_STR_LIST("await", "{}", CFGF_NONE),				\
	CFG_STR_LIST("remote", "{}", CFGF_NONE),			\
	CFG_INT("period_ms", 5000, CFGF_NONE),				\
	CFG_SEC("rule", (rule_opts), CFGF_MULTI | CFGF_TITLE),		\
	CFG_INT("stopdrain_ms", 30000, CFGF_NONE),			\
	CFG_BOOL("scriptcontrol", cfg_false, CFGF_NONE),		\
	CFG_INT("nicestop_ms", 300000, CFGF_NONE),			\
	CFG_INT("forcestop_ms", 300000, CFGF_NONE),			\
	CFG_STR("logging", "userlog", CFGF_NONE),			\
	CFG_INT("userlogsize", 2048, CFGF_NONE),			\
	CFG_STR("scriptdir", "", CFGF_NONE),				\
	CFG_SEC("var", (var_opts), CFGF_MULTI | CFGF_TITLE),		\
	CFG_END()

#endif
