/* SPDX-License-Identifier: ISC */
/*
 * The table of reason.h.  Pure.
 */
#include "reason.h"

#include <string.h>

#define LOSES "what {peer} wrote since then is given up; if {peer} still " \
	"runs, two will run until they meet"

static const struct reason_row rows[RS_COUNT] = {
	[RS_NONE] = { "none", true, "", "", "", "" },
	[RS_STARTING] = { "starting", true, "starting{detail}", "", "", "" },
	[RS_STOPPING] = { "stopping", true, "stopping{detail}", "", "", "" },
	[RS_LISTENING] = { "listening", true,
	    "listening for {peer} before deciding", "", "", "" },
	[RS_PROMOTING] = { "promoting", true,
	    "taking over: {detail}", "", "", "" },
	[RS_SWAPPING] = { "swapping", true,
	    "handing over to {peer}", "", "", "" },
	[RS_NEW_MODULE] = { "new-module", false,
	    "new module: no node has said which one has the data",
	    "the choice of the first primary",
	    "holdfast prim {module}",
	    "run it on the node that has the data; the directories of the "
	    "other node are overwritten with it" },
	[RS_STALE] = { "stale", false,
	    "{peer} has newer data{detail}", "{peer}",
	    "holdfast prim {module}", LOSES },
	[RS_PEER_NEWER] = { "peer-newer", false,
	    "{peer} has newer data{detail}", "{peer}",
	    "holdfast prim {module}", LOSES },
	[RS_PEER_ABSENT] = { "peer-absent", false,
	    "{peer} was in step with this node when last seen and may have "
	    "gone on since", "{peer}", "holdfast prim {module}",
	    "nothing if {peer} wrote nothing since; else " LOSES },
	[RS_PEER_STARTS] = { "peer-starts", true,
	    "{peer} starts as primary", "", "", "" },
	[RS_HALF_COPIED] = { "half-copied", false,
	    "the copy to this node was interrupted; {peer} has the data",
	    "{peer}", "holdfast primforce {module}",
	    "files may be half copied; only if {peer} is lost for good" },
	[RS_ADDRESS_ANSWERED] = { "address-answered", false,
	    "{peer} is silent but {detail} still answers", "{peer}",
	    "holdfast prim {module}",
	    "first make sure that whoever answers is off; " LOSES },
	[RS_NO_NETWORK] = { "no-network", false,
	    "no network: every link of this node is down{detail}",
	    "a network link", "", "" },
	[RS_DIVERGED] = { "diverged", false,
	    "both nodes wrote alone: {detail}",
	    "the choice of the history to keep",
	    "holdfast second {module} fullsync",
	    "what this node alone wrote is overwritten with {peer}'s data" },
	[RS_CONFIG_DIFFERS] = { "config-differs", false,
	    "the configuration differs: {detail}", "the same configuration",
	    "holdfast config {module}", "run it on both nodes" },
	[RS_MODULE_ID] = { "module-id", false,
	    "the module ids differ: {detail}", "the same id",
	    "holdfast module install --id N", "the module is stopped" },
	[RS_HANDED] = { "handed", false,
	    "handed to {peer}{detail}, which has not answered", "{peer}",
	    "holdfast prim {module}", LOSES },
	[RS_HOLDERS] = { "holders", false,
	    "processes use a replicated directory beside the mirror: {detail}",
	    "their end", "holdfast start {module}",
	    "end these processes first" },
	[RS_DISK] = { "disk", false,
	    "local disk: {detail}", "a disk that works", "", "" },
	[RS_MIRRORD_ERROR] = { "mirrord-error", false,
	    "replication: {detail}", "mirrord", "holdfast log {module}", "" },
	[RS_FAILOVER_OFF] = { "failover-off", false,
	    "{peer} is silent and failover is off", "{peer}",
	    "holdfast prim {module}", LOSES },
	[RS_RESOURCE] = { "resource", false,
	    "resource {detail} is down", "{detail}", "", "" },
	[RS_MAXLOOP] = { "maxloop", false,
	    "stopped after {detail} restarts in the interval",
	    "a cure for what fails", "holdfast start {module}", "" },
	[RS_SCRIPT_FAILED] = { "script-failed", false,
	    "script {detail}", "", "holdfast log {module}", "" },
	[RS_PEER_SILENT] = { "peer-silent", true,
	    "{peer} is silent; writes are held until it is known to be out",
	    "{peer}", "", "" },
	[RS_GOING_ALONE] = { "going-alone", true,
	    "{peer} does not answer; going on without it", "", "", "" },
	[RS_COPYING] = { "copying", true,
	    "being brought level by {peer}", "", "", "" },
};

const struct reason_row *
reason_row(enum reason r)
{
	return &rows[(unsigned)r < RS_COUNT ? r : RS_NONE];
}

enum reason
reason_of_code(const char *code)
{
	int i;

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
		{ "{detail}", a->detail },
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
