/* SPDX-License-Identifier: ISC */
/*
 * The agent is run as moduled does it, from this node and with the same input:
 * what it answers here is what moduled would hear.
 */
#include "fence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "loop.h"
#include "modules.h"
#include "status.h"
#include "xalloc.h"

#define OPTIONS_MAX	32

struct question {
	struct loop		*loop;
	struct agent_answer	*answer;
};

struct search {
	const char	*node;
	bool		 is_heard;
};

static void
on_done(const struct agent_answer *a, void *arg)
{
	struct question *q = arg;

	*q->answer = *a;
	loop_stop(q->loop);
}

void
fence_ask(const struct cluster *cl, unsigned node, const char *action,
    struct agent_answer *a, int64_t *after_ms)
{
	const struct cluster_node *n = &cl->node[node];
	char *options = xstrdup(n->fence_options), *rest = NULL, *word;
	char *list[OPTIONS_MAX];
	struct agent_conf conf = { .agent = n->fence_agent, .peer = n->name,
	    .option = list, .timeout_ms = cl->fence_timeout_ms };
	struct question q = { loop_new(), a };
	struct mono begun = mono_now();
	struct agent *agent;

	for (word = strtok_r(options, " \t\r\n", &rest);
	    word != NULL && conf.option_count < OPTIONS_MAX;
	    word = strtok_r(NULL, " \t\r\n", &rest))
		list[conf.option_count++] = word;
	agent = agent_new(q.loop, &conf, on_done, &q);
	agent_ask(agent, action);
	if (agent_is_busy(agent))
		loop_run(q.loop);
	*after_ms = mono_diff_ms(mono_now(), begun);
	agent_free(agent);
	loop_free(q.loop);
	free(options);
}

static void
look_module(const char *module, void *arg)
{
	struct search *s = arg;
	struct status *st = status_new();
	const struct record *r = NULL;

	if (status_ask(st, module) == 0 && !st->is_old)
		while ((r = status_find(st, "node", r)) != NULL)
			if (strcmp(record_get(r, "name"), s->node) == 0 &&
			    strcmp(record_get(r, "state"), "UNKNOWN") != 0)
				s->is_heard = true;
	status_free(st);
}

bool
fence_is_heard(const char *node)
{
	struct search s = { node, false };

	modules_each(look_module, &s);
	return s.is_heard;
}

bool
fence_agent_path(const struct cluster_node *n, char *buf, unsigned size)
{
	(void)snprintf(buf, size, "%s%s", n->fence_agent[0] == '/' ? "" :
	    "/usr/sbin/", n->fence_agent);
	return n->fence_agent[0] != '\0';
}

bool
fence_script_path(const struct cluster_node *n, char *buf, unsigned size)
{
	const char *at = strstr(n->fence_options, "passw");
	size_t len;

	for (; at != NULL; at = strstr(at + 1, "passw")) {
		len = strcspn(at, "= \t");
		if (len < 7 || strncmp(at + len - 7, "_script=", 8) != 0)
			continue;
		at += len + 1;
		(void)snprintf(buf, size, "%.*s", (int)strcspn(at, " \t\r\n"),
		    at);
		return true;
	}
	return false;
}
