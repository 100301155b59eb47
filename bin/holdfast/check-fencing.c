/* SPDX-License-Identifier: ISC */
/*
 * An agent that is not installed and a password that everybody may read are
 * found before a device is asked; the answer of the device is the proof.
 */
#include "check-fencing.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fence.h"
#include "paths.h"

/* Can it be run, and by whom be read? */
static bool
check_program(const char *path, bool is_secret, probe_say *say, void *arg)
{
	char text[PATH_LEN + 128];
	struct stat st;

	if (stat(path, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & 0111) == 0) {
		(void)snprintf(text, sizeof(text), "cluster.xml names it for "
		    "fencing: %s", stat(path, &st) == -1 ? strerror(errno) :
		    "is no program");
		say(VERDICT_ERROR, path, text, arg);
		return false;
	}
	if ((st.st_mode & 022) != 0 || st.st_uid != 0) {
		(void)snprintf(text, sizeof(text), "is run by root, and "
		    "others may change it: `chown root %s; chmod go-w %s'",
		    path, path);
		say(VERDICT_ERROR, path, text, arg);
		return false;
	}
	if (is_secret && (st.st_mode & 077) != 0) {
		(void)snprintf(text, sizeof(text), "others may read this "
		    "password: `chmod 700 %s'", path);
		say(VERDICT_WARN, path, text, arg);
	}
	return true;
}

static void
check_answer(const struct cluster *cl, unsigned node, probe_say *say,
    void *arg)
{
	const char *name = cl->node[node].name;
	char about[CLUSTER_NAME_LEN + 16], text[3 * AGENT_WORDS];
	struct agent_answer a;
	int64_t ms;

	(void)snprintf(about, sizeof(about), "fencing %s", name);
	fence_ask(cl, node, "status", &a, &ms);
	if (a.end != AGENT_EXITED || (a.status != AGENT_IS_ON &&
	    a.status != AGENT_IS_OFF)) {
		(void)snprintf(text, sizeof(text), "%s; without it nobody goes "
		    "on when %s falls silent", a.text, name);
		say(VERDICT_ERROR, about, text, arg);
	} else if (a.status == AGENT_IS_OFF && fence_is_heard(name))
		say(VERDICT_ERROR, about, "its device says that it is off, "
		    "and it is heard: is it the right one?", arg);
	else {
		(void)snprintf(text, sizeof(text), "its device answers in "
		    "%lld ms: %s", (long long)ms, a.status == AGENT_IS_ON ?
		    "on" : "off");
		say(VERDICT_OK, about, text, arg);
	}
}

void
check_fencing(const struct cluster *cl, probe_say *say, void *arg)
{
	char path[PATH_LEN];
	bool good;

	for (unsigned i = 0; i < cl->node_count; i++) {
		if ((int)i == cl->self)
			continue;
		good = !fence_agent_path(&cl->node[i], path, sizeof(path)) ||
		    check_program(path, false, say, arg);
		if (geteuid() != 0)
			continue;
		if (fence_script_path(&cl->node[i], path, sizeof(path)))
			good = check_program(path, true, say, arg) && good;
		if (good)
			check_answer(cl, i, say, arg);
	}
}
