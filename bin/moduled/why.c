/* SPDX-License-Identifier: ISC */
/*
 * The answer to `why': what this node is and waits for, what the other one
 * is as far as it was heard, and the chain of events that led here.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "log.h"
#include "paths.h"

#include "chain.h"
#include "farm.h"
#include "moduled.h"

/* The end of the events file that is looked at: some hundred lines. */
#define TAIL_LEN	(48 * 1024)

static void
tell(struct client *c, const char *time, const char *text)
{
	struct line_out o;

	line_begin(&o, "");
	if (time != NULL)
		line_add(&o, "time", time);
	line_add(&o, "text", text);
	serve_line(c, &o);
}

/* The lines of the status that say what blocks, in words. */
static void
tell_block(struct moduled *md, struct client *c)
{
	char *status = status_text(md), *p = status, since[CLOCK_WALL_LEN];
	char text[FACT_TEXT * 4];
	struct line l;
	const char *kind, *why, *command, *cost;

	status_wall(since, md->reason_wall_s);
	for (; *p != '\0'; p += strcspn(p, "\n") + 1) {
		if (line_parse(&l, p, strcspn(p, "\n"), &why) != 0 ||
		    (kind = line_get(&l, "kind")) == NULL)
			continue;
		command = line_get(&l, "command");
		cost = line_get(&l, "cost");
		if (strcmp(kind, "blocked") == 0)
			(void)snprintf(text, sizeof(text), "%s since %s: %s "
			    "[%s]", md->dec.quality == Q_TRANSIENT ? "busy" :
			    "waits", since, line_get(&l, "text"),
			    line_get(&l, "code"));
		else if (strcmp(kind, "missing") == 0)
			(void)snprintf(text, sizeof(text), "missing: %s",
			    line_get(&l, "text"));
		else if (strcmp(kind, "goon") == 0 && command != NULL &&
		    cost != NULL)
			(void)snprintf(text, sizeof(text), "to go on: %s%s%s",
			    command, command[0] != '\0' && cost[0] != '\0' ?
			    "  - " : "", cost);
		else if (strcmp(kind, "waits") == 0 && strcmp(line_get(&l,
		    "node"), md->conf.peer) == 0)
			(void)snprintf(text, sizeof(text), "%s waits for %s "
			    "since %s: %s [%s]", md->conf.peer, md->conf.node,
			    line_get(&l, "since"), line_get(&l, "text"),
			    line_get(&l, "code"));
		else if (strcmp(kind, "newest") == 0)
			(void)snprintf(text, sizeof(text), "newest data: %s",
			    line_get(&l, "text"));
		else if (strcmp(kind, "warning") == 0 &&
		    md->dec.reason == RS_NONE && line_get(&l, "text") != NULL)
			(void)snprintf(text, sizeof(text), "warning: %s",
			    line_get(&l, "text"));
		else
			continue;
		tell(c, NULL, text);
	}
	free(status);
}

static void
tell_peer(struct moduled *md, struct client *c)
{
	const struct peer_facts *p = &md->v.peer;
	char text[FACT_TEXT * 3], now[FACT_TEXT], since[CLOCK_WALL_LEN];
	bool heard = p->net == NET_UP && p->has_blob;

	if (md->conf.peer[0] == '\0')
		return;
	status_wall(since, p->since_s);
	status_peer(md, now);
	if (heard)
		(void)snprintf(text, sizeof(text), "%s is %s %s since %s%s%s"
		    "%s%s", md->conf.peer, state_name(p->state),
		    quality_name(p->quality), since, p->reason[0] != '\0' ?
		    ", reason " : "", p->reason, p->wish_start ? "" :
		    ", and is not to run", p->alone ?
		    ", and wrote alone" : "");
	else if (p->has_blob)
		(void)snprintf(text, sizeof(text), "%s; it was %s %s then",
		    now, state_name(p->state), quality_name(p->quality));
	else
		(void)snprintf(text, sizeof(text), "%s", now);
	tell(c, NULL, text);
}

static void
tell_farm(struct moduled *md, struct client *c)
{
	const struct farm_nodes *all = &md->farm->view.nodes;
	const struct farm_facts *f = &md->farm->view.f;
	char text[FACT_TEXT * 3], shares[FACT_TEXT];
	unsigned i;

	farm_shares_text(shares, sizeof(shares), &f->shares);
	(void)snprintf(text, sizeof(text), "its share is %s%s%s, epoch %s, "
	    "director %s, delivery %s, backend %s", farm_serve_name(f->serve),
	    shares[0] != '\0' ? ", " : "", shares, f->epoch[0] != '\0' ?
	    f->epoch : "none", f->director[0] != '\0' ? f->director : "none",
	    f->delivery[0] != '\0' ? f->delivery : "none",
	    f->backend[0] != '\0' ? f->backend : "none");
	if (f->known)
		tell(c, NULL, text);
	for (i = 0; i < all->count; i++) {
		status_farm_node_text(&all->node[i], text, sizeof(text));
		tell(c, NULL, text);
	}
}

static void
tell_chain(struct moduled *md, struct client *c)
{
	static char tail[TAIL_LEN];
	char path[PATH_LEN], text[CHAIN_TEXT + 32];
	static struct chain chain;
	ssize_t n = -1;
	off_t size;
	unsigned i;
	int fd;

	fd = open(path_log(path, "%s.events", md->name),
	    O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		size = lseek(fd, 0, SEEK_END);
		n = pread(fd, tail, sizeof(tail), size > TAIL_LEN ?
		    size - TAIL_LEN : 0);
		(void)close(fd);	/* only read */
	}
	if (n == -1) {
		log_warn("%s", path);
		return;
	}
	chain_read(&chain, tail, (size_t)n);
	for (i = 0; i < chain.count; i++) {
		(void)snprintf(text, sizeof(text), "%s%s",
		    chain.link[i].text, "");
		if (chain.link[i].times > 1)
			(void)snprintf(text, sizeof(text), "%s (%u times)",
			    chain.link[i].text, chain.link[i].times);
		tell(c, chain.link[i].time, text);
	}
}

void
why_answer(struct moduled *md, struct client *c)
{
	char text[FACT_TEXT], since[CLOCK_WALL_LEN];

	status_wall(since, md->state_wall_s);
	(void)snprintf(text, sizeof(text), "%s on %s is %s %s since %s "
	    "(%lld s)", md->name, md->conf.node, state_name(md->m.state),
	    quality_name(md->dec.quality), since,
	    (long long)(wall_now() - md->state_wall_s));
	tell(c, NULL, text);
	tell_block(md, c);
	if (md->farm != NULL && !farm_is_lone(md))
		tell_farm(md, c);
	else
		tell_peer(md, c);
	tell_chain(md, c);
	serve_ok(c);
}
