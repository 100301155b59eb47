/* SPDX-License-Identifier: ISC */
/* The lines of farm-facts.h. */
#include "farm-facts.h"

#include <stdio.h>
#include <string.h>

static const char *const serve_names[FARM_SERVE_COUNT] = {
	[FARM_NONE] = "none", [FARM_HOLD] = "hold", [FARM_DRAIN] = "drain",
	[FARM_OPEN] = "open",
};

const char *
farm_serve_name(enum farm_serve s)
{
	return (unsigned)s < FARM_SERVE_COUNT ? serve_names[s] : "?";
}

enum farm_serve
farm_serve_parse(const char *name)
{
	int i;

	for (i = 0; i < FARM_SERVE_COUNT; i++)
		if (name != NULL && strcmp(name, serve_names[i]) == 0)
			return (enum farm_serve)i;
	return FARM_SERVE_COUNT;
}

static void
take(char *out, size_t size, const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	(void)snprintf(out, size, "%s", v != NULL ? v : "");
}

/* Each "GROUP PERCENT"; what is no such pair is left out. */
static void
take_shares(struct farm_shares *s, const struct line *l)
{
	const char *v, *blank;
	unsigned pos = 0, percent;

	while ((v = line_next(l, "share", &pos)) != NULL &&
	    s->count < FARM_GROUPS) {
		blank = strrchr(v, ' ');
		if (sscanf(blank != NULL ? blank : v, "%3u", &percent) != 1 ||
		    percent > 100)
			continue;
		(void)snprintf(s->of[s->count].group, FACT_NAME, "%.*s",
		    blank != NULL ? (int)(blank - v) : 0, v);
		s->of[s->count++].percent = percent;
	}
}

/* Each "CODE TEXT". */
static void
take_warnings(struct farm_facts *f, const struct line *l)
{
	const char *v, *blank;
	unsigned pos = 0;

	while ((v = line_next(l, "warning", &pos)) != NULL &&
	    f->warning_count < FARM_WARNINGS) {
		blank = strchr(v, ' ');
		if (blank == NULL || blank - v >= FACT_CODE)
			continue;
		(void)snprintf(f->warning[f->warning_count].code, FACT_CODE,
		    "%.*s", (int)(blank - v), v);
		(void)snprintf(f->warning[f->warning_count++].text,
		    FACT_TEXT, "%s", blank + 1);
	}
}

int
farm_facts_parse(struct farm_facts *f, const struct line *l,
    const char **why)
{
	struct farm_facts n = { .known = true, .i = -1 };

	n.serve = farm_serve_parse(line_get(l, "serve"));
	if (n.serve == FARM_SERVE_COUNT) {
		*why = "serve is none, hold, drain or open";
		return -1;
	}
	/* A farmd that does not number its answers is believed at once. */
	(void)line_get_num(l, "i", 0, INT64_MAX, &n.i);
	n.member = line_get_bool(l, "member");
	n.drained = line_get_bool(l, "drained");
	(void)line_get_num(l, "draining", 0, INT64_MAX, &n.draining);
	take(n.epoch, sizeof(n.epoch), l, "epoch");
	take(n.digest, sizeof(n.digest), l, "digest");
	take(n.director, sizeof(n.director), l, "director");
	take(n.delivery, sizeof(n.delivery), l, "delivery");
	take(n.backend, sizeof(n.backend), l, "backend");
	take(n.code, sizeof(n.code), l, "code");
	take(n.text, sizeof(n.text), l, "text");
	n.blocked = line_get_bool(l, "blocked");
	take_shares(&n.shares, l);
	take_warnings(&n, l);
	*f = n;
	return 0;
}

static enum net_state
net_of(const char *word)
{
	if (word != NULL && strcmp(word, "up") == 0)
		return NET_UP;
	return word != NULL && strcmp(word, "down") == 0 ? NET_DOWN :
	    NET_UNKNOWN;
}

static void
take_macs(struct farm_node *n, const struct line *l)
{
	const char *v;
	unsigned pos = 0;

	while ((v = line_next(l, "mac", &pos)) != NULL &&
	    n->mac_count < FARM_MACS)
		if (strlen(v) < FARM_MAC_LEN)
			(void)snprintf(n->mac[n->mac_count++], FARM_MAC_LEN,
			    "%s", v);
}

struct farm_node *
farm_node_get(struct farm_nodes *n, const char *name)
{
	struct farm_node *f;
	unsigned i;

	for (i = 0; i < n->count; i++)
		if (strcmp(n->node[i].name, name) == 0)
			return &n->node[i];
	if (n->count == FARM_NODES || name[0] == '\0' ||
	    strlen(name) >= FACT_NAME)
		return NULL;
	f = &n->node[n->count++];
	memset(f, 0, sizeof(*f));
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	return f;
}

int
farm_node_parse(struct farm_nodes *all, const struct line *l,
    struct farm_node *before, bool *is_new, const char **why)
{
	const char *name = line_get(l, "name"), *state = line_get(l, "state");
	struct farm_node n = { 0 }, *at;
	unsigned had = all->count;

	if (name == NULL || (at = farm_node_get(all, name)) == NULL) {
		*why = "no name, or more nodes than a farm has";
		return -1;
	}
	*is_new = all->count > had;
	*before = *at;
	memcpy(n.name, at->name, sizeof(n.name));
	n.net = net_of(line_get(l, "net"));
	n.state = state != NULL ? state_parse(state) : ST_COUNT;
	n.spoke = n.state != ST_COUNT;
	if (!n.spoke)
		n.state = ST_STOP;
	n.quality = quality_parse(line_get(l, "quality"));
	n.serve = farm_serve_parse(line_get(l, "serve"));
	if (n.serve == FARM_SERVE_COUNT)
		n.serve = FARM_NONE;
	n.standby = line_get_bool(l, "standby");
	(void)line_get_num(l, "since_s", 0, INT64_MAX, &n.since_s);
	take(n.reason, sizeof(n.reason), l, "reason");
	take_shares(&n.shares, l);
	take_macs(&n, l);
	*at = n;
	return 0;
}

bool
farm_node_is_heard(const struct farm_node *n)
{
	return n->net == NET_UP && n->spoke;
}

/* Its farmd may speak while its moduled is being restarted. */
bool
farm_node_serves(const struct farm_node *n)
{
	return n->net == NET_UP &&
	    (n->serve == FARM_OPEN || n->serve == FARM_DRAIN);
}

bool
farm_others_open(const struct farm_nodes *n)
{
	unsigned i;

	for (i = 0; i < n->count; i++)
		if (n->node[i].net == NET_UP && n->node[i].serve == FARM_OPEN)
			return true;
	return false;
}

bool
farm_others_serve(const struct farm_nodes *n)
{
	unsigned i;

	for (i = 0; i < n->count; i++)
		if (farm_node_serves(&n->node[i]))
			return true;
	return false;
}

bool
farm_has_mac(const struct farm_nodes *n, const char *mac)
{
	unsigned i, j;

	for (i = 0; i < n->count; i++)
		for (j = 0; j < n->node[i].mac_count; j++)
			if (strcmp(n->node[i].mac[j], mac) == 0)
				return true;
	return false;
}

unsigned
farm_share(const struct farm_shares *s)
{
	return s->count > 0 ? s->of[0].percent : 0;
}

bool
farm_has_share(const struct farm_shares *s)
{
	unsigned i;

	for (i = 0; i < s->count; i++)
		if (s->of[i].percent > 0)
			return true;
	return false;
}

const char *
farm_shares_text(char *buf, size_t size, const struct farm_shares *s)
{
	size_t len = 0;
	unsigned i;

	buf[0] = '\0';
	for (i = 0; i < s->count && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s%s%u %%",
		    i > 0 ? ", " : "", s->count > 1 ? s->of[i].group : "",
		    s->count > 1 ? " " : "", s->of[i].percent);
	return buf;
}
