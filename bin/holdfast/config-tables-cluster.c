/* SPDX-License-Identifier: ISC */
/*
 * The rows of cluster.xml.  See config-tables.h for what they are.
 */
#include <stddef.h>

#include "config-tables.h"

#define ON_OFF	"on off"

static const struct element elements[] = {
	{ "cluster", EL_REQUIRED,
	    "the cluster: one file, the same on every node" },
	{ "cluster/lans", EL_REQUIRED, "the networks nodes talk on" },
	{ "cluster/lans/lan", EL_REQUIRED | EL_MANY, "one network" },
	{ "cluster/lans/lan/node", EL_REQUIRED | EL_MANY,
	    "a node on this network" },
	{ "cluster/voters", 0,
	    "who votes beside the two nodes of a mirror module; absent: "
	    "heartbeats only" },
	{ "cluster/voters/witness", EL_MANY,
	    "a machine that runs holdfast-witness; see holdfast cluster "
	    "witness" },
	{ "cluster/voters/etcd", 0, "an etcd cluster in place of voters" },
	{ "cluster/fencing", 0,
	    "devices that cut the power of a silent node, for two nodes "
	    "without voters" },
	{ "cluster/fencing/device", EL_REQUIRED | EL_MANY,
	    "the device of one node" },
	{ NULL, 0, NULL }
};

#define C	"cluster"
#define CL	"cluster/lans"
#define CLL	"cluster/lans/lan"
#define CN	"cluster/lans/lan/node"
#define CW	"cluster/voters/witness"
#define CE	"cluster/voters/etcd"
#define CF	"cluster/fencing"
#define CFD	"cluster/fencing/device"

static const struct attr attrs[] = {
	{ C, "name", VT_NAME, "", "", "cluster", 0, 0, 0, "heartd",
	    "name of the cluster" },
	{ C, "lastid", VT_INT, "", "", NULL, 1, 255, 0, "-",
	    "highest id ever given, kept by `cluster join': none is given "
	    "twice" },
	{ CL, "port", VT_INT, "", "", "4800", 1, 65535, 0, "heartd",
	    "UDP port of the heartbeats" },
	{ CL, "pulse", VT_TIME, "ms", "", "100", 1, 60000, AT_IGNORED, "-",
	    "of the reference; modules state their pulse" },
	{ CL, "mlost_count", VT_INT, "", "", "20", 1, 10000, AT_IGNORED, "-",
	    "of the reference; modules state their timeout" },
	{ CL, "slost_count", VT_INT, "", "", "10", 1, 10000, AT_IGNORED, "-",
	    "of the reference; modules state their timeout" },
	{ CLL, "name", VT_NAME, "", "", NULL, 0, 0, AT_REQUIRED, "heartd",
	    "name of the network, used by the modules" },
	{ CLL, "command", VT_WORD, "", ON_OFF, "off", 0, 0, AT_LATER,
	    "remoted", "network of the commands to other nodes" },
	{ CLL, "console", VT_TEXT, "", "", NULL, 0, 0,
	    AT_IGNORED | AT_EMPTY, "-", "of older files" },
	{ CLL, "framework", VT_TEXT, "", "", NULL, 0, 0,
	    AT_IGNORED | AT_EMPTY, "-", "of older files" },
	{ CLL, "connect", VT_TEXT, "", "", NULL, 0, 0,
	    AT_IGNORED | AT_EMPTY, "-", "of older files" },
	{ CN, "name", VT_NAME, "", "", NULL, 0, 0, AT_REQUIRED, "heartd",
	    "name of the node, the same on every network" },
	{ CN, "id", VT_INT, "", "", NULL, 1, 255, 0, "heartd",
	    "number of the node, never given again; absent: its place in "
	    "the first network" },
	{ CN, "addr", VT_HOST, "", "", NULL, 0, 0, AT_REQUIRED, "heartd",
	    "address of the node as the others see it" },
	{ CN, "laddr", VT_ADDR, "", "", NULL, 0, 0, 0, "heartd",
	    "its own address, where the network translates addresses" },
	{ CW, "name", VT_NAME, "", "", NULL, 0, 0, AT_REQUIRED, "moduled",
	    "name of the witness, and of its key in /etc/holdfast/witness" },
	{ CW, "addr", VT_TEXT, "", "", NULL, 0, 0, AT_REQUIRED, "moduled",
	    "its address or name; several, one a network, with commas" },
	{ CE, "endpoints", VT_TEXT, "", "", NULL, 0, 0, AT_REQUIRED,
	    "moduled", "URLs of its members with commas, as "
	    "https://e1:2379,https://e2:2379" },
	{ CE, "ca", VT_PATH, "", "", NULL, 0, 0, 0, "moduled",
	    "certificates that sign theirs, a file on each node; absent: "
	    "those of the system" },
	{ CE, "cert", VT_PATH, "", "", NULL, 0, 0, 0, "moduled",
	    "certificate of the nodes, a file on each node" },
	{ CE, "key", VT_PATH, "", "", NULL, 0, 0, 0, "moduled",
	    "its key, a file on each node that only root may read" },
	{ CE, "prefix", VT_PATH, "", "", "/holdfast", 0, 0, 0, "moduled",
	    "what the keys begin with; the name of the cluster follows" },
	{ CF, "delay", VT_TIME, "ms", "", "5s", 0, 600000, 0, "moduled",
	    "how much later who is not primary asks: of two that live the "
	    "primary wins" },
	{ CF, "timeout", VT_TIME, "ms", "", "20s", 1000, 600000, 0,
	    "moduled", "an agent that takes longer has failed" },
	{ CF, "period", VT_TIME, "ms", "", "60s", 0, 86400000, 0,
	    "moduled", "how often a node asks the other's device whether it "
	    "answers; 0: never" },
	{ CFD, "node", VT_NAME, "", "", NULL, 0, 0, AT_REQUIRED, "moduled",
	    "whose power it cuts" },
	{ CFD, "agent", VT_TEXT, "", "", NULL, 0, 0, AT_REQUIRED, "moduled",
	    "a program of Debian's fence-agents in /usr/sbin, or a path" },
	{ CFD, "options", VT_TEXT, "", "", NULL, 0, 0, AT_EMPTY, "moduled",
	    "what it is told, KEY=VALUE with blanks between; its page has "
	    "the keys" },
	{ NULL, NULL, VT_TEXT, "", "", NULL, 0, 0, 0, NULL, NULL }
};

static const struct schema schema = { "cluster", elements, attrs };

const struct schema *
schema_cluster(void)
{
	return &schema;
}
