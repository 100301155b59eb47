/* SPDX-License-Identifier: ISC */
/*
 * The rows of userconfig.xml.  See config-tables.h for what they are.
 * Bounds of times are in the unit of the attribute, which is also what a
 * bare number means (older files have only those).
 */
#include <stddef.h>

#include "config-tables.h"

#define S	"safe"
#define SV	S "/service"
#define HEART	SV "/heart"
#define BEAT	HEART "/heartbeat"
#define FARM	SV "/farm"
#define VIP	SV "/vip"
#define ILIST	VIP "/interface_list"
#define INTF	ILIST "/interface"
#define REAL	INTF "/real_interface"
#define RADDR	REAL "/virtual_addr"
#define VIRT	INTF "/virtual_interface"
#define VADDR	VIRT "/virtual_addr"
#define LLIST	VIP "/loadbalancing_list"
#define GROUP	LLIST "/group"
#define RFS	SV "/rfs"
#define DIR	RFS "/replicated"
#define USER	SV "/user"
#define VHOST	SV "/vhost"
#define ERRD	SV "/errd"
#define PROC	ERRD "/proc"
#define CHECK	SV "/check"
#define FAIL	SV "/failover"

static const struct element elements[] = {
	{ S, EL_REQUIRED, "an application module" },
	{ S "/macro", EL_MANY, "a name for a value: %NAME% stands for it" },
	{ SV, EL_REQUIRED, "what the module is" },
	{ HEART, 0, "heartbeats between the two nodes of a mirror" },
	{ BEAT, EL_MANY, "one network the heartbeats use" },
	{ BEAT "/server", EL_MANY, "of older files: address of a node" },
	{ FARM, 0, "membership of a farm: nodes that share an address" },
	{ FARM "/lan", EL_MANY, "one network of the farm; none: all that this "
	    "node is in" },
	{ FARM "/lan/node", EL_MANY, "of older files: address of a node" },
	{ VIP, 0, "the virtual addresses" },
	{ ILIST, 0, "where they are" },
	{ INTF, EL_MANY, "one network interface, found by its network" },
	{ REAL, EL_MANY, "addresses one node holds" },
	{ RADDR, EL_MANY | EL_REQUIRED, "one virtual address" },
	{ VIRT, EL_MANY, "addresses all nodes of a farm hold" },
	{ VADDR, EL_MANY | EL_REQUIRED, "one virtual address of a farm" },
	{ LLIST, 0, "how a farm shares its clients" },
	{ GROUP, EL_MANY | EL_REQUIRED, "rules with the same weights" },
	{ GROUP "/cluster", 0, "weights of the nodes; absent: all the same" },
	{ GROUP "/cluster/host", EL_MANY | EL_REQUIRED, "weight of a node" },
	{ GROUP "/rule", EL_MANY | EL_REQUIRED, "which packets, shared how" },
	{ RFS, 0, "replication of directories" },
	{ DIR, EL_MANY | EL_REQUIRED, "one replicated directory" },
	{ DIR "/notreplicated", EL_MANY,
	    "what each node keeps to itself" },
	{ DIR "/tocheck", EL_MANY, "what must be there" },
	{ RFS "/flow", EL_LATER, "of older files: network of replication" },
	{ RFS "/flow/server", EL_MANY | EL_LATER, "of older files" },
	{ USER, EL_LIVE, "scripts run only with this element" },
	{ USER "/var", EL_MANY | EL_LIVE, "environment of the scripts" },
	{ VHOST, EL_LATER, "virtual host name" },
	{ VHOST "/virtualhostname", EL_LATER, "virtual host name" },
	{ ERRD, EL_LIVE, "processes to watch" },
	{ PROC, EL_MANY | EL_LIVE, "a process" },
	{ CHECK, EL_MANY | EL_LIVE, "checkers" },
	{ CHECK "/tcp", EL_MANY | EL_LIVE, "connects to a port" },
	{ CHECK "/tcp/to", EL_REQUIRED | EL_LIVE, "its target" },
	{ CHECK "/ping", EL_MANY | EL_LIVE, "pings a host" },
	{ CHECK "/ping/to", EL_REQUIRED | EL_LIVE, "its target" },
	{ CHECK "/intf", EL_MANY | EL_LIVE, "state of a link" },
	{ CHECK "/intf/to", EL_REQUIRED | EL_LIVE, "its target" },
	{ CHECK "/ip", EL_MANY | EL_LIVE, "address is there" },
	{ CHECK "/ip/to", EL_REQUIRED | EL_LIVE, "its target" },
	{ CHECK "/custom", EL_MANY | EL_LIVE, "a program of the module" },
	{ CHECK "/disk", EL_MANY | EL_LIVE, "room in a file system" },
	{ CHECK "/disk/to", EL_REQUIRED | EL_LIVE, "its target" },
	{ CHECK "/module", EL_MANY | EL_LIVE | EL_LATER, "another module" },
	{ CHECK "/module/to", EL_LIVE | EL_LATER, "where it runs" },
	{ CHECK "/splitbrain", 0,
	    "witnesses by ping: of two nodes that do not hear each other, one "
	    "that reaches none stops" },
	{ FAIL, EL_TEXT, "rules over resources" },
	{ NULL, 0, NULL }
};

#define ON	"on off"
#define YN	"yes no on off"
#define WHEN	"pre prim second both"
#define ACTION	"stop stopstart restart wait noaction"
#define DAY	86400
#define PORT	1, 65535
#define NONE	0, 0
#define OLD	(AT_IGNORED | AT_EMPTY)

static const struct attr attrs[] = {
	/* element, name, type, unit, words, default, bounds, flags, owner */
	{ S "/macro", "name", VT_NAME, "", "", NULL, NONE, AT_REQUIRED,
	    "holdfast", "name of the macro" },
	{ S "/macro", "value", VT_TEXT, "", "", NULL, NONE,
	    AT_REQUIRED | AT_EMPTY, "holdfast", "what stands for it" },

	{ SV, "mode", VT_WORD, "", "mirror farm light", NULL, NONE,
	    AT_REQUIRED, "moduled", "kind of module" },
	{ SV, "boot", VT_WORD, "", "on off auto ignore", "ignore", NONE,
	    AT_LIVE, "moduled", "start at boot; auto: if it ran before" },
	{ SV, "boot_delay", VT_TIME, "s", "", "0s", 0, DAY, AT_LIVE,
	    "moduled", "wait before the start at boot" },
	{ SV, "failover", VT_WORD, "", ON, "on", NONE, 0, "moduled",
	    "off: the secondary never takes over by itself" },
	{ SV, "defaultprim", VT_NAME, "", "", "alone", NONE, 0, "moduled",
	    "who is primary after a join: alone, lastprim or a node" },
	{ SV, "maxloop", VT_INT, "", "", "3", 0, 1000000, AT_LIVE,
	    "moduled", "actions of error allowed in the interval" },
	{ SV, "loop_interval", VT_TIME, "h", "", "24h", 0, 24 * 365,
	    AT_LIVE, "moduled", "interval of maxloop; 0: no limit" },
	{ SV, "automatic_reboot", VT_WORD, "", ON, "off", NONE, AT_LATER,
	    "moduled", "stopstart restarts the machine" },

	{ HEART, "port", VT_INT, "", "", NULL, PORT, AT_IGNORED, "-",
	    "heartbeats of all modules share the port of the cluster" },
	{ HEART, "pulse", VT_TIME, "ms", "", NULL, 1, 60000, 0, "heartd",
	    "period of the heartbeats; absent: a tenth of timeout" },
	{ HEART, "timeout", VT_TIME, "ms", "", "2000ms", 20, 600000, 0,
	    "heartd", "silence after which a network is down" },
	{ HEART, "permanent_arp", VT_WORD, "", ON, NULL, NONE, AT_IGNORED,
	    "-", "of the reference" },
	{ HEART, "fencehold", VT_TIME, "ms", "", "10s", 100, 3600000, 0,
	    "moduled", "fenced longer than this: stop and wait" },
	{ HEART, "startgrace", VT_TIME, "ms", "", "10s", 0, 3600000, 0,
	    "moduled", "after a crash of both: wait for the last primary" },
	{ HEART, "voters", VT_TEXT, "", "", NULL, NONE, AT_LIVE, "moduled",
	    "who votes on who is primary: both nodes and witnesses of "
	    "cluster.xml, with commas; none: heartbeats only; absent: both "
	    "nodes and the first three witnesses, or etcd" },
	{ BEAT, "name", VT_NAME, "", "", NULL, NONE, 0, "heartd",
	    "a lan of cluster.xml" },
	{ BEAT, "ident", VT_NAME, "", "", NULL, NONE, 0, "moduled",
	    "name of its resource; flow: carries the replication too" },
	{ BEAT, "pulse", VT_TIME, "ms", "", NULL, 1, 60000, AT_LATER,
	    "heartd", "of this network alone" },
	{ BEAT, "timeout", VT_TIME, "ms", "", NULL, 20, 600000, AT_LATER,
	    "heartd", "of this network alone" },
	{ BEAT "/server", "addr", VT_HOST, "", "", NULL, NONE, AT_REQUIRED,
	    "holdfast", "an address of cluster.xml" },

	{ FARM, "port", VT_INT, "", "", NULL, PORT, AT_IGNORED, "-",
	    "all modules share the port of the cluster" },
	{ FARM, "pulse", VT_TIME, "ms", "", "100ms", 1, 60000, 0, "farmd",
	    "period of the heartbeats" },
	{ FARM, "mlost_count", VT_INT, "", "", NULL, 1, 10000, AT_IGNORED,
	    "-", "a farm has no leader here that could be lost" },
	{ FARM, "slost_count", VT_INT, "", "", "5", 3, 10000, 0, "farmd",
	    "a node that is silent for so many pulses is lost" },
	{ FARM, "drain", VT_TIME, "s", "", "1h", 0, 30 * DAY, 0, "farmd",
	    "how long clients that move to another node may keep the "
	    "connections they have" },
	{ FARM, "stopdrain", VT_TIME, "s", "", "30s", 0, DAY, 0, "farmd",
	    "the same when this node is being stopped" },
	{ FARM, "backend", VT_WORD, "", "auto nft bpf", "auto", NONE, 0,
	    "farmd", "who filters the packets; auto: bpf where it loads, "
	    "else nft; nodes may differ" },
	{ FARM "/lan", "name", VT_NAME, "", "", NULL, NONE, 0, "farmd",
	    "a lan of cluster.xml" },
	{ FARM "/lan/node", "name", VT_NAME, "", "", NULL, NONE, 0,
	    "holdfast", "a node of cluster.xml" },
	{ FARM "/lan/node", "addr", VT_HOST, "", "", NULL, NONE,
	    AT_REQUIRED, "holdfast", "its address in cluster.xml" },

	{ VIP, "tcpreset", VT_WORD, "", ON, "on", NONE, 0, "vipd",
	    "reset connections of the address before it leaves" },
	{ VIP, "scriptcontrol", VT_WORD, "", ON, "off", NONE, 0,
	    "moduled", "the scripts of a farm open and close its traffic: "
	    "holdfast farm M open" },
	{ INTF, "check", VT_WORD, "", ON, "on", NONE, 0, "vipd",
	    "watch the link: resource intf.NETWORK" },
	{ INTF, "arpreroute", VT_WORD, "", ON, "off", NONE, 0, "vipd",
	    "announce the addresses again and again" },
	{ INTF, "arpinterval", VT_TIME, "s", "", "60s", 1, DAY, 0, "vipd",
	    "period of the announcements" },
	{ INTF, "arpelapse", VT_TIME, "s", "", "1200s", 1, 365 * DAY, 0,
	    "vipd", "how long they go on" },
	{ INTF, "name", VT_NAME, "", "", NULL, NONE, 0, "vipd",
	    "interface, when its network does not tell" },
	{ RADDR, "addr", VT_HOST, "", "", NULL, NONE, AT_REQUIRED, "vipd",
	    "IPv4 or IPv6 address, or a name" },
	{ RADDR, "where", VT_WORD, "", "one_side_alias one_side alias",
	    "one_side_alias", NONE, 0, "vipd",
	    "one_side: also the source address of the node" },
	{ RADDR, "check", VT_WORD, "", ON, "on", NONE, 0, "vipd",
	    "watch the address: resource ip.ADDRESS" },
	{ RADDR, "connections", VT_WORD, "", ON, "off", NONE, AT_LATER,
	    "vipd", "count connections in connections.ADDRESS" },
	{ RADDR, "netmask", VT_ADDR, "", "", NULL, NONE, 0, "vipd",
	    "IPv4 mask, when the interface has several" },
	{ VIRT, "type", VT_WORD, "", "vmac_directed vmac_invisible",
	    "vmac_directed", NONE, 0, "farmd", "vmac_directed: one node "
	    "answers for the address and passes frames on, on any switch; "
	    "vmac_invisible: the switch floods a shared MAC to all" },
	{ VIRT, "addr", VT_MAC, "", "", NULL, NONE, 0, "farmd",
	    "the shared MAC of vmac_invisible; absent: 5a:fe and the last "
	    "four bytes of the address" },
	{ VADDR, "addr", VT_HOST, "", "", NULL, NONE, AT_REQUIRED, "vipd",
	    "IPv4 or IPv6 address, or a name" },
	{ VADDR, "where", VT_WORD, "", "alias one_side_alias", "alias",
	    NONE, 0, "vipd", "both are the same in a farm" },
	{ VADDR, "check", VT_WORD, "", ON, "on", NONE, 0, "vipd",
	    "watch the address: resource ip.ADDRESS" },
	{ VADDR, "connections", VT_WORD, "", ON, "off", NONE, AT_LATER,
	    "vipd", "count connections in connections.ADDRESS" },
	{ VADDR, "netmask", VT_ADDR, "", "", NULL, NONE, 0, "vipd",
	    "IPv4 mask, when the interface has several" },
	{ GROUP, "name", VT_NAME, "", "", NULL, NONE, AT_REQUIRED, "farmd",
	    "name of the group" },
	{ GROUP "/cluster/host", "name", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED, "farmd", "a node" },
	{ GROUP "/cluster/host", "power", VT_INT, "", "", NULL, 0,
	    1000000000, AT_REQUIRED, "farmd", "its share is power by the "
	    "sum of all; 0: none; 64 times another's: all, while it lives" },
	{ GROUP "/rule", "virtual_addr", VT_TEXT, "", "", "*", NONE, 0,
	    "farmd", "one of the addresses; *: all" },
	{ GROUP "/rule", "port", VT_TEXT, "", "", "*", NONE, 0, "farmd",
	    "port of the service, a range as 8000-8100, or *: all" },
	{ GROUP "/rule", "proto", VT_WORD, "", "tcp udp arp route", NULL,
	    NONE, AT_REQUIRED, "farmd", "arp: spreads the answers to who "
	    "asks for the address; route: what passes through a firewall" },
	{ GROUP "/rule", "filter", VT_WORD, "",
	    "on_addr on_port on_ipid on_source on_dest", NULL, NONE,
	    AT_REQUIRED, "farmd", "what makes packets belong together: the "
	    "client's address, its address and port, its address and the "
	    "id of the packet; of proto route the source on the outside "
	    "address, the destination on the inside address" },

	{ RFS, "async", VT_WORD, "", "none second", "none", NONE, 0,
	    "mirrord", "none: acknowledged after the disks of both; "
	    "second: after receipt by the secondary" },
	{ RFS, "stall", VT_TIME, "ms", "", "2s", 50, 600000, 0, "mirrord",
	    "secondary silent this long: the primary goes on alone" },
	{ RFS, "meta", VT_WORD, "", "pipelined receipt", "pipelined", NONE,
	    0, "mirrord", "receipt: each change of a name or an attribute "
	    "waits until the secondary has made it, too" },
	{ RFS, "disktime", VT_TIME, "ms", "", "10s", 100, 3600000, 0,
	    "mirrord", "local disk silent this long: it is down" },
	{ RFS, "diverged", VT_WORD, "", "aside ask", "aside", NONE, 0,
	    "mirrord", "both wrote alone: the one that follows sets its own "
	    "aside; ask: it waits for an operator" },
	{ RFS, "verify", VT_TEXT, "", "", "off", NONE, 0, "mirrord",
	    "when the two nodes are compared: 03:00 each day, sun 03:00 each "
	    "week, five fields of crontab, or off" },
	{ RFS, "verifybw", VT_INT, "", "", "50000", 0, 1 << 30, 0,
	    "mirrord", "bound of the comparison, in KB/s; 0: none" },
	{ RFS, "reiallowedbw", VT_INT, "", "", "0", 0, 1 << 30, 0,
	    "mirrord", "bound of a resync, in KB/s, not of what is replicated "
	    "meanwhile; 0: none" },
	{ RFS, "acl", VT_WORD, "", ON, NULL, NONE, AT_IGNORED, "-",
	    "lists of access are always replicated" },
	{ RFS, "iotimeout", VT_TIME, "s", "", NULL, 0, DAY, AT_IGNORED, "-",
	    "of another system" },
	{ RFS, "roflags", VT_TEXT, "", "", NULL, NONE, OLD, "-",
	    "of another system" },
	{ RFS, "locktimeout", VT_TIME, "s", "", NULL, 0, DAY, AT_IGNORED,
	    "-", "stall is the bound" },
	{ RFS, "sendtimeout", VT_TIME, "s", "", NULL, 0, DAY, AT_IGNORED,
	    "-", "stall is the bound" },
	{ RFS, "nbrei", VT_INT, "", "", NULL, 1, 1000, AT_IGNORED, "-",
	    "of the reference" },
	{ RFS, "packetsize", VT_INT, "", "", NULL, 1, 1 << 30, AT_IGNORED,
	    "-", "of the reference" },
	{ RFS, "reipacketsize", VT_INT, "", "", NULL, 1, 1 << 30,
	    AT_IGNORED, "-", "of the reference" },
	{ RFS, "ruzone_blocksize", VT_INT, "", "", NULL, 1, 1 << 30,
	    AT_IGNORED, "-", "of the reference" },
	{ RFS, "namespacepolicy", VT_INT, "", "", NULL, 0, 4, AT_IGNORED,
	    "-", "of the reference" },
	{ RFS, "reitimeout", VT_TIME, "s", "", NULL, 0, DAY, AT_IGNORED,
	    "-", "of the reference" },
	{ RFS, "reicommit", VT_INT, "", "", NULL, 0, 1 << 30, AT_IGNORED,
	    "-", "of the reference" },
	{ RFS, "reidetail", VT_WORD, "", ON, NULL, NONE, AT_IGNORED, "-",
	    "of the reference" },
	{ RFS, "allocthreshold", VT_INT, "", "", NULL, 0, 1 << 30,
	    AT_IGNORED, "-", "of another system" },
	{ RFS, "nbremconn", VT_INT, "", "", NULL, 1, 1000, AT_IGNORED, "-",
	    "of the reference" },
	{ RFS, "checktime", VT_TIME, "ms", "", NULL, 0, 3600000,
	    AT_IGNORED, "-", "disktime is the bound" },
	{ RFS, "checkintv", VT_TIME, "s", "", NULL, 0, DAY, AT_IGNORED,
	    "-", "disktime is the bound" },
	{ RFS, "nfsbox_options", VT_TEXT, "", "", NULL, NONE, OLD, "-",
	    "of another system" },
	{ RFS, "scripts", VT_WORD, "", ON, "off", NONE, AT_LATER,
	    "moduled", "call the script _rfs_callback" },
	{ RFS, "syncdelta", VT_TIME, "m", "", "0m", 0, 525600, 0,
	    "moduled", "a node whose data was in step so short a time ago "
	    "starts by itself when the other one stays silent; 0m: it waits" },
	{ RFS, "syncat", VT_TEXT, "", "", "off", NONE, AT_EMPTY,
	    "moduled", "the secondary is brought level at these times only, "
	    "and waits between them: five fields of crontab, 03:00, sun "
	    "03:00, or off" },
	{ RFS, "mountoversuffix", VT_TEXT, "", "", NULL, NONE, OLD, "-",
	    "no directory is renamed here" },
	{ RFS, "mountover", VT_TEXT, "", "", NULL, NONE, OLD, "-",
	    "of the reference" },
	{ RFS, "smartwrite", VT_TEXT, "", "", NULL, NONE, OLD, "-",
	    "of another system" },
	{ DIR, "dir", VT_PATH, "", "", NULL, NONE, AT_REQUIRED, "mirrord",
	    "the directory" },
	{ DIR, "mode", VT_WORD, "", "read_only", NULL, NONE, AT_IGNORED,
	    "-", "a secondary never writes; see secondary" },
	{ DIR, "cache", VT_WORD, "", "writethrough writeback",
	    "writethrough", NONE, 0, "mirrord",
	    "writeback: the kernel keeps what is not synced" },
	{ DIR, "secondary", VT_WORD, "", "readonly hidden", "readonly",
	    NONE, 0, "mirrord", "what the secondary shows there" },
	{ DIR "/notreplicated", "path", VT_RELPATH, "", "", NULL, NONE, 0,
	    "mirrord", "this entry, and what is below it" },
	{ DIR "/notreplicated", "regexpath", VT_REGEX, "", "", NULL, NONE,
	    0, "mirrord", "entries of such names; after !: all others" },
	{ DIR "/tocheck", "path", VT_RELPATH, "", "", NULL, NONE,
	    AT_REQUIRED, "mirrord", "must exist before the start" },
	{ RFS "/flow", "name", VT_NAME, "", "", NULL, NONE, 0, "mirrord",
	    "a lan" },
	{ RFS "/flow/server", "addr", VT_HOST, "", "", NULL, NONE, 0,
	    "mirrord", "an address" },

	{ USER, "nicestoptimeout", VT_TIME, "s", "", "300s", 1, DAY,
	    AT_LIVE, "moduled", "deadline of a script" },
	{ USER, "forcestoptimeout", VT_TIME, "s", "", "300s", 1, DAY,
	    AT_LIVE, "moduled", "deadline of a stop script by force" },
	{ USER, "logging", VT_WORD, "", "userlog none", "userlog", NONE,
	    AT_LIVE, "moduled", "keep the output of scripts" },
	{ USER, "userlogsize", VT_INT, "", "", "2048", 1, 1 << 30, AT_LIVE,
	    "moduled", "most KB of one script log" },
	{ USER "/var", "name", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "moduled", "name in the environment" },
	{ USER "/var", "value", VT_TEXT, "", "", NULL, NONE,
	    AT_REQUIRED | AT_EMPTY | AT_LIVE, "moduled", "its value" },

	{ VHOST "/virtualhostname", "name", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED, "moduled", "the name" },
	{ VHOST "/virtualhostname", "envfile", VT_RELPATH, "", "", NULL,
	    NONE, AT_REQUIRED, "moduled", "file the scripts source" },
	{ VHOST "/virtualhostname", "when", VT_WORD, "", WHEN, "prim",
	    NONE, 0, "moduled", "role that has it" },

	{ ERRD, "polltimer", VT_TIME, "s", "", "30s", 1, DAY, AT_LIVE,
	    "checkd", "how often is looked for what no event tells; a death is "
	    "seen at once" },
	{ PROC, "name", VT_TEXT, "", "", NULL, NONE, AT_REQUIRED | AT_LIVE,
	    "checkd", "command, 15 characters; with nameregex only the name "
	    "of the resource" },
	{ PROC, "service", VT_WORD, "", YN, "no", NONE, AT_LIVE, "checkd",
	    "it is a systemd unit" },
	{ PROC, "nameregex", VT_REGEX, "", "", NULL, NONE, AT_LIVE,
	    "checkd", "on the command, in place of name" },
	{ PROC, "argregex", VT_REGEX, "", "", NULL, NONE, AT_LIVE,
	    "checkd", "on the command line" },
	{ PROC, "atleast", VT_INT, "", "", "1", -1, 1 << 20, AT_LIVE,
	    "checkd", "fewest" },
	{ PROC, "atmax", VT_INT, "", "", "-1", -1, 1 << 20, AT_LIVE,
	    "checkd", "most" },
	{ PROC, "class", VT_NAME, "", "", NULL, NONE, AT_REQUIRED | AT_LIVE,
	    "checkd", "when it is watched: pre, prim, second, both, sec, or "
	    "a name of the module's own, see holdfast errd" },
	{ PROC, "action", VT_TEXT, "", "", "stopstart", NONE, AT_LIVE,
	    "moduled", "stopstart, restart, stop or noaction" },
	{ PROC, "restart_services", VT_TEXT, "", "", NULL, NONE,
	    AT_LIVE | AT_EMPTY, "moduled", "argument of the scripts of a "
	    "restart" },
	{ PROC, "start_after", VT_INT, "", "", "0", 0, 1 << 20, AT_LIVE,
	    "checkd", "n: begins n - 1 polltimers after its class" },

	{ CHECK "/tcp", "ident", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "name of the resource" },
	{ CHECK "/tcp", "when", VT_WORD, "", WHEN, NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "when it runs" },
	{ CHECK "/tcp", "action", VT_WORD, "", ACTION, "restart", NONE,
	    AT_LIVE, "moduled", "what is done" },
	{ CHECK "/tcp", "fails", VT_COUNT, "", "", "2", NONE, AT_LIVE,
	    "checkd", "n/m: down when n of the last m tries failed" },
	{ CHECK "/tcp", "passes", VT_COUNT, "", "", "1", NONE, AT_LIVE,
	    "checkd", "n/m: up when n of the last m tries passed" },
	{ CHECK "/tcp/to", "addr", VT_HOST, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "host" },
	{ CHECK "/tcp/to", "port", VT_INT, "", "", NULL, PORT,
	    AT_REQUIRED | AT_LIVE, "checkd", "port" },
	{ CHECK "/tcp/to", "interval", VT_TIME, "s", "", "10s", 1, DAY,
	    AT_LIVE, "checkd", "period" },
	{ CHECK "/tcp/to", "timeout", VT_TIME, "s", "", "5s", 1, DAY,
	    AT_LIVE, "checkd", "patience" },
	{ CHECK "/ping", "ident", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "name of the resource" },
	{ CHECK "/ping", "when", VT_WORD, "", WHEN, "pre", NONE, AT_LIVE,
	    "checkd", "when it runs" },
	{ CHECK "/ping", "action", VT_WORD, "", ACTION, "wait", NONE,
	    AT_LIVE, "moduled", "what is done" },
	{ CHECK "/ping", "fails", VT_COUNT, "", "", "3", NONE, AT_LIVE,
	    "checkd", "n/m: down when n of the last m tries failed" },
	{ CHECK "/ping", "passes", VT_COUNT, "", "", "1", NONE, AT_LIVE,
	    "checkd", "n/m: up when n of the last m tries passed" },
	{ CHECK "/ping/to", "addr", VT_HOST, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "host" },
	{ CHECK "/ping/to", "interval", VT_TIME, "s", "", "10s", 1, DAY,
	    AT_LIVE, "checkd", "period" },
	{ CHECK "/ping/to", "timeout", VT_TIME, "s", "", "5s", 1, DAY,
	    AT_LIVE, "checkd", "patience" },
	{ CHECK "/intf", "ident", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "name of the resource" },
	{ CHECK "/intf", "when", VT_WORD, "", "pre", "pre", NONE, AT_LIVE,
	    "checkd", "when it runs" },
	{ CHECK "/intf/to", "local_addr", VT_HOST, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "vipd", "its address, or the other node's "
	    "in the same network" },
	{ CHECK "/ip", "ident", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "name of the resource" },
	{ CHECK "/ip", "when", VT_WORD, "", "prim both", "prim", NONE,
	    AT_LIVE, "checkd", "when it runs" },
	{ CHECK "/ip/to", "addr", VT_HOST, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "address" },
	{ CHECK "/ip/to", "interval", VT_TIME, "s", "", "10s", 1, DAY,
	    AT_LIVE, "checkd", "period" },
	{ CHECK "/custom", "ident", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "name of the resource" },
	{ CHECK "/custom", "when", VT_WORD, "", WHEN, NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "when it runs" },
	{ CHECK "/custom", "exec", VT_TEXT, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "program" },
	{ CHECK "/custom", "arg", VT_TEXT, "", "", NULL, NONE,
	    AT_LIVE | AT_EMPTY, "checkd", "its arguments" },
	{ CHECK "/custom", "action", VT_WORD, "", ACTION, "noaction", NONE,
	    AT_LIVE, "moduled", "what is done" },
	{ CHECK "/custom", "interval", VT_TIME, "s", "", "0s", 0, DAY,
	    AT_LIVE, "checkd", "its exit status is the result, at this "
	    "interval; 0: it runs for ever and sets its resource itself" },
	{ CHECK "/custom", "timeout", VT_TIME, "s", "", "5s", 1, DAY,
	    AT_LIVE, "checkd", "with interval: killed after this, which is "
	    "a failure" },
	{ CHECK "/custom", "fails", VT_COUNT, "", "", "2", NONE, AT_LIVE,
	    "checkd", "n/m: down when n of the last m tries failed" },
	{ CHECK "/custom", "passes", VT_COUNT, "", "", "1", NONE, AT_LIVE,
	    "checkd", "n/m: up when n of the last m tries passed" },
	{ CHECK "/disk", "ident", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "name of the resource" },
	{ CHECK "/disk", "when", VT_WORD, "", WHEN, "pre", NONE, AT_LIVE,
	    "checkd", "when it runs" },
	{ CHECK "/disk", "action", VT_WORD, "", ACTION, "noaction", NONE,
	    AT_LIVE, "moduled", "what is done" },
	{ CHECK "/disk", "fails", VT_COUNT, "", "", "2", NONE, AT_LIVE,
	    "checkd", "n/m: down when n of the last m tries failed" },
	{ CHECK "/disk", "passes", VT_COUNT, "", "", "1", NONE, AT_LIVE,
	    "checkd", "n/m: up when n of the last m tries passed" },
	{ CHECK "/disk/to", "path", VT_PATH, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "a directory of it" },
	{ CHECK "/disk/to", "warn", VT_INT, "", "", "10", 0, 100, AT_LIVE,
	    "checkd", "percent of space or inodes left: warn below" },
	{ CHECK "/disk/to", "down", VT_INT, "", "", "2", 0, 100, AT_LIVE,
	    "checkd", "percent of space or inodes left: down below" },
	{ CHECK "/disk/to", "interval", VT_TIME, "s", "", "30s", 1, DAY,
	    AT_LIVE, "checkd", "period" },
	{ CHECK "/disk/to", "timeout", VT_TIME, "s", "", "10s", 1, DAY,
	    AT_LIVE, "checkd", "patience" },
	{ CHECK "/module", "name", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "the other module" },
	{ CHECK "/module", "ident", VT_NAME, "", "", NULL, NONE, AT_LIVE,
	    "checkd", "name of the resource" },
	{ CHECK "/module/to", "addr", VT_HOST, "", "", NULL, NONE,
	    AT_REQUIRED | AT_LIVE, "checkd", "host" },
	{ CHECK "/module/to", "port", VT_INT, "", "", NULL, PORT, AT_LIVE,
	    "checkd", "port" },
	{ CHECK "/module/to", "interval", VT_TIME, "s", "", "10s", 1, DAY,
	    AT_LIVE, "checkd", "period" },
	{ CHECK "/module/to", "timeout", VT_TIME, "s", "", "5s", 1, DAY,
	    AT_LIVE, "checkd", "patience" },
	{ CHECK "/module/to", "secure", VT_WORD, "", ON, "off", NONE,
	    AT_LIVE, "checkd", "by TLS" },
	{ CHECK "/splitbrain", "ident", VT_NAME, "", "", NULL, NONE,
	    AT_REQUIRED, "moduled", "name of the resource" },
	{ CHECK "/splitbrain", "when", VT_WORD, "", "pre", "pre", NONE,
	    0, "moduled", "when it runs" },
	{ CHECK "/splitbrain", "exec", VT_WORD, "", "ping", "ping", NONE,
	    0, "moduled", "how" },
	{ CHECK "/splitbrain", "arg", VT_TEXT, "", "", NULL, NONE,
	    AT_REQUIRED, "moduled",
	    "addresses of the witnesses, with blanks: one that answers is "
	    "enough" },

	{ FAIL, "extends", VT_WORD, "", "yes no", "yes", NONE, 0,
	    "moduled", "no: without the built-in rules" },
	{ FAIL, "period", VT_TIME, "ms", "", "5000ms", 1, 3600000, 0,
	    "moduled", "rules are evaluated at each change; an action that "
	    "was refused is tried again at this interval" },
	{ FAIL, "handle_time", VT_TIME, "ms", "", "15000ms", 0, 3600000, 0,
	    "moduled", "how long a condition must last; stated, it is for "
	    "all rules, else not for those of checkers" },
	{ NULL, NULL, VT_TEXT, "", "", NULL, NONE, 0, NULL, NULL }
};

static const struct schema schema = { S, elements, attrs };

const struct schema *
schema_safe(void)
{
	return &schema;
}
