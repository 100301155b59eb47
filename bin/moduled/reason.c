/* SPDX-License-Identifier: ISC */
/*
 * The table of reason.h.  Pure.
 */
#include "reason.h"

#include <string.h>

#define LOSES "what {peer} wrote since they parted is missing here, and set " \
	    "aside there{silent}"
#define BY_ITSELF "it is tried again every second"

static const struct reason_row rows[RS_COUNT] = {
	[RS_NONE] = { "none", true, false, "", "", "", "" },
	[RS_STARTING] = { "starting", true, false,
	    "starting{detail}{script}", "", "", "" },
	[RS_STOPPING] = { "stopping", true, false,
	    "stopping{detail}{script}", "", "", "" },
	[RS_LISTENING] = { "listening", true, false,
	    "listening for {peer} before deciding", "", "", "" },
	[RS_PROMOTING] = { "promoting", true, false,
	    "taking over: {detail}", "", "", "" },
	[RS_SWAPPING] = { "swapping", true, false,
	    "handing over to {peer}{script}", "", "", "" },
	[RS_PEER_LEAVES] = { "peer-leaves", true, false,
	    "{peer} is leaving the primary role", "", "", "" },
	[RS_NEW_MODULE] = { "new-module", false, false,
	    "new module: no node has said which one has the data",
	    "the choice of the first primary",
	    "holdfast prim {module}",
	    "run it on the node that has the data; the directories of the "
	    "other node are overwritten with it" },
	[RS_STALE] = { "stale", false, true,
	    "{peer} has newer data{detail}", "{peer_now}",
	    "holdfast prim {module}", LOSES },
	[RS_PEER_NEWER] = { "peer-newer", false, true,
	    "{peer} has newer data{detail}", "{peer_now}",
	    "holdfast prim {module}", LOSES },
	[RS_PEER_ABSENT] = { "peer-absent", false, true,
	    "{peer} was in step with this node when last heard and may have "
	    "gone on since", "{peer_now}", "holdfast prim {module}",
	    "nothing if {peer} wrote nothing since; else " LOSES },
	[RS_PEER_STARTS] = { "peer-starts", true, false,
	    "{peer} starts as primary", "", "", "" },
	[RS_HALF_COPIED] = { "half-copied", false, true,
	    "the copy to this node was interrupted; {peer} has the data",
	    "{peer_now}", "holdfast primforce {module}",
	    "the files here may be half copied; only if {peer} is lost for "
	    "good" },
	[RS_ADDRESS_ANSWERED] = { "address-answered", false, true,
	    "{peer} is silent but {detail} still answers",
	    "silence of the address, or {peer_now}",
	    "holdfast prim {module}",
	    "first make sure that whoever answers is off; " LOSES },
	[RS_NO_NETWORK] = { "no-network", false, false,
	    "every network link of this node is down{detail}",
	    "one network link of this node", "",
	    "mend a cable, port or switch of this node; it goes on by "
	    "itself" },
	[RS_DIVERGED] = { "diverged", false, false,
	    "{detail}",
	    "the choice of the node whose writes are kept",
	    "holdfast second {module} fullsync",
	    "this node follows {peer}; what it has of its own is not lost: it "
	    "is set aside first, `holdfast diverged {module}' shows it" },
	[RS_DIVERGED_NO_SPACE] = { "diverged-no-space", false, false,
	    "no room to set aside what this node has of its own: {detail}",
	    "free space in the replicated directory's filesystem", "",
	    "make room there: remove what is not replicated, discard older "
	    "sets (`holdfast diverged {module} list'), or grow it; it goes "
	    "on by itself, nothing is overwritten that is not set aside" },
	[RS_CONFIG_DIFFERS] = { "config-differs", false, false,
	    "the configuration differs: {detail}",
	    "the same userconfig.xml on all nodes",
	    "holdfast module push {module} -H '*'",
	    "on the node whose files are the right ones: they become those "
	    "of all nodes; where much has changed, `holdfast stop "
	    "{module}' comes first" },
	[RS_MODULE_ID] = { "module-id", false, false,
	    "the module ids differ: {detail}", "the same id", "",
	    "on the node with the wrong one: holdfast stop {module}, module "
	    "remove {module}, module install with --id, config {module}; "
	    "the data stays" },
	[RS_HANDED] = { "handed", false, true,
	    "handed to {peer}{detail}, which has not answered",
	    "{peer_now}", "holdfast prim {module}", LOSES },
	[RS_HOLDERS] = { "holders", false, false,
	    "in the way of the mirror: {detail}", "the end of these "
	    "processes", "",
	    "end these processes; " BY_ITSELF },
	[RS_DIRECTORY] = { "directory", false, false,
	    "replicated directory {detail}", "that directory", "",
	    "make or mend it on this node; " BY_ITSELF },
	[RS_STATEDIR] = { "statedir", false, false,
	    "this node's records in /var/lib/holdfast/{module}: {detail}",
	    "readable records", "",
	    "mend that filesystem; " BY_ITSELF },
	[RS_DISK] = { "disk", false, false,
	    "local disk: {detail}", "a disk that works", "",
	    "free space or mend the disk of this node; " BY_ITSELF },
	[RS_MIRRORD_ERROR] = { "mirrord-error", false, false,
	    "replication: {detail}", "", "",
	    "see `holdfast log {module}'; " BY_ITSELF },
	[RS_FAILOVER_OFF] = { "failover-off", false, true,
	    "{peer} is silent and failover is off", "{peer_now}",
	    "holdfast prim {module}", LOSES },
	[RS_RESOURCE] = { "resource", false, false,
	    "resource {detail} is down", "{detail} up", "",
	    "mend what it stands for; it goes on by itself" },
	[RS_RULE] = { "rule", false, false,
	    "failover rule {detail}", "its condition no longer true", "",
	    "mend what it stands for; it goes on by itself" },
	[RS_CHECKING] = { "checking", true, false,
	    "waiting for the first result of {detail}", "", "", "" },
	[RS_MAXLOOP] = { "maxloop", false, false,
	    "stopped after {detail} restarts in the interval",
	    "a cure for what fails", "holdfast start {module}", "" },
	[RS_SCRIPT_FAILED] = { "script-failed", false, false,
	    "script {detail}", "", "holdfast log {module}", "" },
	[RS_PEER_SILENT] = { "peer-silent", true, false,
	    "{peer} is silent; writes are held until it is known to be out",
	    "{peer_now}", "", "" },
	[RS_GOING_ALONE] = { "going-alone", true, false,
	    "{peer} does not answer; going on without it", "", "", "" },
	[RS_FENCING] = { "fencing", true, false,
	    "{peer} is silent: its power is being cut", "", "", "" },
	[RS_FENCE_FAILED] = { "fence-failed", false, true,
	    "{peer} is silent and cannot be fenced: {detail}",
	    "the word of {peer}'s fencing device that its power is off, or "
	    "{peer_now}", "holdfast prim {module}",
	    "first make sure that {peer} is off: if it runs, both nodes "
	    "write; it is fenced again every 10 seconds" },
	[RS_WITNESSES] = { "witnesses", true, false,
	    "{peer} is silent: asking {detail}", "", "", "" },
	[RS_SPLITBRAIN] = { "splitbrain", false, true,
	    "{peer} is silent and none of {detail} answers: this node may "
	    "be the one that is cut off", "{peer_now}",
	    "holdfast prim {module}", LOSES },
	[RS_COPYING] = { "copying", true, false,
	    "being brought level by {peer}", "", "", "" },
	[RS_HELD_DOWN] = { "held-down", true, false,
	    "held down, since it came and went: {detail}", "",
	    "holdfast start {module}",
	    "nothing is lost; what made it leave may do so again, and each "
	    "time the other nodes wait for it or take its clients" },
	[RS_SYNCAT] = { "syncat", true, false,
	    "waits for its next resync{detail}", "",
	    "holdfast second {module}",
	    "brings this node level now, and keeps it so until the next "
	    "time of its schedule" },
	[RS_SYNCDELTA] = { "syncdelta", true, true,
	    "{peer} is silent and may have newer data; syncdelta lets this "
	    "node start without it{detail}", "{peer_now}", "", LOSES },
	[RS_MAINTENANCE] = { "maintenance", false, true,
	    "{peer} is silent, and in maintenance nobody takes over by itself",
	    "{peer_now}, or the end of the maintenance",
	    "holdfast maintain {module} off",
	    "this node takes over when {peer} is still silent and nobody "
	    "answers for {addresses}; nothing is lost" },
	[RS_NO_MAJORITY] = { "no-majority", false, true,
	    "no majority of the voters answers: {detail}",
	    "one more voter: {detail}",
	    "holdfast prim {module}", LOSES "; the list of voters is cut to "
	    "those that answer, and the others are taken in again later" },
	[RS_NO_ETCD] = { "no-etcd", false, true,
	    "who is primary stands in etcd, which cannot tell: {detail}",
	    "etcd", "holdfast cluster witness remove etcd",
	    "only when etcd is gone for good: the mirror modules go back to "
	    "heartbeats only; when it comes back this node goes on by "
	    "itself; one that was made anew: `holdfast cluster witness "
	    "replace etcd'" },
	[RS_IN_DOUBT] = { "in-doubt", false, true,
	    "{peer} asked to be primary{detail}, and whether it is, only "
	    "{peer} knows", "{peer_now}", "holdfast prim {module}", LOSES },
	[RS_LEASE_OVER] = { "lease-over", false, true,
	    "fenced, because {peer} may have taken over: {detail}",
	    "the majority of the voters, or {peer_now}", "",
	    "bring back {peer}, a witness, or the network to them; nothing is "
	    "lost, and it goes on by itself" },
	[RS_GRANT_RUNNING] = { "grant-running", true, false,
	    "{peer} may still serve: its lease ends in {detail}", "", "",
	    "" },
	[RS_VOTING] = { "voting", true, false,
	    "asking the voters: {detail}", "", "", "" },
	[RS_REGISTER_EMPTY] = { "register-empty", false, false,
	    "the voters have lost all they knew of this module",
	    "the choice of the primary", "holdfast prim {module}",
	    "run it on the node with the newest data; {peer} follows, and "
	    "what it wrote beyond that is set aside there" },
	[RS_REFUSED] = { "refused", false, true,
	    "the voters' register does not allow it: {detail}",
	    "{peer_now}", "holdfast prim {module}", LOSES },
	/* Of farms; what farmd says of them is a whole sentence. */
	[RS_ADDRESS_IN_USE] = { "address-in-use", false, false,
	    "a host that is no node of this module answers for {detail}",
	    "silence of the address", "",
	    "find that MAC in the switch's table and give its host another "
	    "address; it is asked again every 3 seconds" },
	[RS_FARMD_SILENT] = { "farmd-silent", false, false,
	    "farmd does not answer{detail}", "farmd, which shares the clients "
	    "out", "holdfast log {module}",
	    "it is started again by itself; its log says why it ends" },
	[RS_FARM_JOINING] = { "farm-joining", true, false,
	    "the nodes agree on the shares", "", "", "" },
	[RS_DRAINING] = { "draining", true, false, "{detail}", "",
	    "holdfast forcestop {module}",
	    "stops now; these connections are broken" },
	[RS_CHECKER_FAILED] = { "checker-failed", true, false,
	    "takes no clients: {detail}", "what is checked, well again", "",
	    "mend what it looks at; it goes on by itself" },
	[RS_FARM_OUTCAST] = { "farm-outcast", false, false,
	    "{detail}", "a network that passes both ways "
	    "between this node and the others", "",
	    "mend the cable, port or firewall between them; it goes on by "
	    "itself" },
	[RS_FARM_NO_ADDRESS] = { "farm-no-address", false, false,
	    "{detail}", "{addresses} on this "
	    "node", "holdfast check {module}",
	    "mend what it names; it goes on by itself" },
	[RS_FARM_FILTER] = { "farm-filter", false, false,
	    "{detail}", "nftables, or "
	    "BPF, in this node's kernel", "holdfast check {module}",
	    "mend what it names; it goes on by itself" },
	[RS_FARM_NO_FLOOD] = { "farm-no-flood", true, false,
	    "{detail}", "", "",
	    "let the switch flood unknown unicast frames, or write "
	    "vmac_directed in userconfig.xml" },
	[RS_FARM_NO_POWER] = { "farm-no-power", true, false,
	    "{detail}", "", "holdfast farm {module}",
	    "start a node with power above 0 in that group" },
	[RS_FARM_RULES_GONE] = { "farm-rules-gone", true, false,
	    "{detail}", "", "", "find who flushes nftables on this node: a "
	    "firewall script, for one" },
	[RS_FARM_WAITS] = { "farm-waits", true, false,
	    "{detail}", "", "holdfast farm "
	    "{module}", "see to the node that is named; a new share needs "
	    "the word of each node that is heard" },
	[RS_FARMD_ERROR] = { "farmd-error", false, false,
	    "farmd: {detail}", "", "holdfast log {module}",
	    "its log says more; it is tried again by itself" },
};

const struct reason_row *
reason_row(enum reason r)
{
	return &rows[(unsigned)r < RS_COUNT ? r : RS_NONE];
}

enum reason
reason_of_code(const char *code)
{
	/* Words of the store for what has a row of another name. */
	static const struct {
		const char	*code;
		enum reason	 r;
	} also[] = {
		{ "new", RS_NEW_MODULE }, { "not-level", RS_STALE },
		{ "gen", RS_STATEDIR },
	};
	unsigned i;

	for (i = 0; i < sizeof(also) / sizeof(also[0]); i++)
		if (strcmp(code, also[i].code) == 0)
			return also[i].r;
	for (i = 1; i < RS_COUNT; i++)
		if (strcmp(code, rows[i].code) == 0)
			return (enum reason)i;
	return RS_MIRRORD_ERROR;
}

static const char *
value_of(const char **p, const struct reason_args *a)
{
	const struct {
		const char *name, *value;
	} known[] = {
		{ "{module}", a->module }, { "{node}", a->node },
		{ "{peer}", a->peer }, { "{addresses}", a->addresses },
		{ "{detail}", a->detail }, { "{peer_now}", a->peer_now },
		{ "{silent}", a->silent },
		{ "{script}", a->script },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(*p, known[i].name, strlen(known[i].name)) == 0) {
			*p += strlen(known[i].name);
			return known[i].value != NULL ? known[i].value : "";
		}
	return NULL;
}

const char *
reason_text(char *buf, size_t size, const char *text,
    const struct reason_args *a)
{
	size_t len = 0;
	const char *v;

	while (*text != '\0' && len + 1 < size) {
		v = *text == '{' ? value_of(&text, a) : NULL;
		if (v == NULL) {
			buf[len++] = *text++;
			continue;
		}
		while (*v != '\0' && len + 1 < size)
			buf[len++] = *v++;
	}
	buf[len] = '\0';
	return buf;
}
