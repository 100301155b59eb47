/* SPDX-License-Identifier: ISC */
/*
 * Not a test: heartd, vipd and mirrord of two nodes in one process, as small
 * as they can be, for t/moduled.bats.  siblings DIR MODULE serves the sockets
 * below DIR/n1 and DIR/n2; DIR/control.sock pulls cables:
 *
 *	net beat=0|1		the heartbeats pass
 *	svc up=0|1		the address probe passes
 *	link node=n1 up=0|1	all cables of a node
 *	crash node=n1		its mirrord, address and heartd forget
 *	stall node=n1 ms=N	age of the oldest unanswered sync
 *	disk node=n1 up=0|1
 *	space node=n1 value=TEXT	of a filesystem
 *	show			what each mirrord holds
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epoch.h"
#include "line.h"
#include "log.h"
#include "loop.h"
#include "paths.h"
#include "serve.h"
#include "xalloc.h"

struct sib {
	const char		*name;
	struct serve		*heart, *vip, *mirror;
	/* heartd */
	struct client		*owner;
	char			*blob;
	int64_t			 timeout_ms, life;
	bool			 grace;		/* moduled went, not the node */
	int			 peer;		/* 1 up, 0 down, -1 unknown */
	struct loop_timer	*silence;
	/* vipd */
	bool			 own, link;
	struct client		*prober;
	struct loop_timer	*probe;
	/* mirrord, durable */
	struct epoch		 epoch, fence, handed;
	bool			 level, alone, is_new;
	/* mirrord, now */
	char			 role[16];
	bool			 mounted, both, ready, joined, drained, equal;
	bool			 disk_down;
	int64_t			 stall_ms;
	char			 space[128];
};

static struct sib sib[2];
static struct loop *loop;
static const char *module;
static bool beat = true, svc = true;

/* --- heartd --------------------------------------------------------------- */

static int
index_of(const struct sib *s)
{
	return s == &sib[0] ? 0 : 1;
}

static bool
hears(const struct sib *s)
{
	const struct sib *p = &sib[!index_of(s)];

	return beat && s->link && p->link && p->owner != NULL;
}

static void
tell_peer(struct sib *s, struct client *to)
{
	struct line_out o;

	line_begin(&o, "peer");
	line_add(&o, "node", sib[!index_of(s)].name);
	line_add(&o, "state", s->peer == 1 ? "up" : s->peer == 0 ? "down" :
	    "unknown");
	if (to != NULL)
		serve_event_to(to, &o);
	else
		serve_event(s->heart, module, &o);
}

static void
tell_life(struct sib *s, struct client *to)
{
	struct sib *p = &sib[!index_of(s)];
	struct line_out o;

	line_begin(&o, "life");
	line_add(&o, "node", p->name);
	line_add_num(&o, "life", p->life + 1);
	if (to != NULL)
		serve_event_to(to, &o);
	else
		serve_event(s->heart, module, &o);
}

static void
tell_blob(struct sib *s, struct client *to)
{
	struct sib *p = &sib[!index_of(s)];
	struct line_out o;

	if (p->blob == NULL || !hears(s))
		return;
	line_begin(&o, "blob");
	line_add(&o, "node", p->name);
	line_add(&o, "blob", p->blob);
	if (to != NULL)
		serve_event_to(to, &o);
	else
		serve_event(s->heart, module, &o);
}

static void
on_silence(void *arg)
{
	struct sib *s = arg;

	if (hears(s))
		return;
	s->peer = 0;
	tell_peer(s, NULL);
}

static void
net_changed(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct sib *s = &sib[i];

		if (hears(s) && s->peer != 1) {
			s->peer = 1;
			loop_timer_cancel(s->silence);
			tell_peer(s, NULL);
			tell_blob(s, NULL);
		} else if (!hears(s) && s->peer != 0)
			loop_timer_set(s->silence, s->timeout_ms *
			    (sib[!i].grace ? 4 : 1), 0);
	}
}

static void
on_module(struct client *c, const struct line *l, void *arg)
{
	struct sib *s = arg;

	s->owner = c;
	(void)line_get_num(l, "timeout_ms", 1, 60000, &s->timeout_ms);
	serve_ok(c);
	net_changed();
}

static void
on_publish(struct client *c, const struct line *l, void *arg)
{
	struct sib *s = arg;

	free(s->blob);
	s->blob = xstrdup(line_get(l, "blob"));
	serve_ok(c);
	tell_blob(&sib[!index_of(s)], NULL);
}

static void
on_ignored(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	(void)arg;
	serve_ok(c);
}

static void
on_heart_watch(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	serve_watch(c, module);
	serve_ok(c);
	tell_life(arg, c);
	tell_peer(arg, c);
	tell_blob(arg, c);
}

static void
on_heart_close(struct client *c, void *arg)
{
	struct sib *s = arg;

	if (s->owner != c)
		return;
	s->owner = NULL;
	s->grace = true;
	net_changed();
	s->grace = false;
}

/* --- vipd ----------------------------------------------------------------- */

static void
on_own(struct client *c, const struct line *l, void *arg)
{
	((struct sib *)arg)->own = line_get_bool(l, "own");
	serve_ok(c);
}

static void
probe_ends(void *arg)
{
	struct sib *s = arg;
	struct sib *p = &sib[!index_of(s)];
	struct line_out o;

	if (s->prober == NULL)
		return;
	line_begin(&o, "ok");
	line_add_num(&o, "answered", svc && s->link && p->link && p->own);
	serve_ok_line(s->prober, &o);
	s->prober = NULL;
}

static void
on_probe(struct client *c, const struct line *l, void *arg)
{
	struct sib *s = arg;
	int64_t count = 3, gap = 100;

	(void)line_get_num(l, "count", 1, 100, &count);
	(void)line_get_num(l, "gap_ms", 1, 60000, &gap);
	s->prober = c;
	serve_later(c);
	loop_timer_set(s->probe, count * gap, 0);
}

static void
tell_links(struct sib *s, struct client *to)
{
	struct line_out o;

	line_begin(&o, "links");
	line_add(&o, "lan", "lan1");
	line_add(&o, "state", s->link ? "up" : "down");
	if (to != NULL)
		serve_event_to(to, &o);
	else
		serve_event(s->vip, "vip", &o);
}

static void
on_vip_watch(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	serve_watch(c, "vip");
	serve_ok(c);
	tell_links(arg, c);
}

static void
on_vip_close(struct client *c, void *arg)
{
	struct sib *s = arg;

	if (s->prober == c)
		s->prober = NULL;
}

/* --- mirrord -------------------------------------------------------------- */

static void
tell_facts(struct sib *s, struct client *to)
{
	char text[EPOCH_LEN];
	struct line_out o;

	line_begin(&o, "fact");
	line_add(&o, "role", s->role);
	line_add_num(&o, "mounted", s->mounted);
	line_add(&o, "epoch", epoch_str(text, s->epoch));
	line_add(&o, "fence", epoch_str(text, s->fence));
	line_add_num(&o, "level", s->level);
	line_add_num(&o, "alone", s->alone);
	line_add_num(&o, "new", s->is_new);
	line_add(&o, "handed", epoch_is_none(s->handed) ? "" :
	    sib[!index_of(s)].name);
	line_add(&o, "handed_epoch", epoch_str(text, s->handed));
	line_add(&o, "link", s->ready || s->joined ? "up" : "down");
	line_add_num(&o, "stall_ms", s->stall_ms);
	line_add_num(&o, "drained", s->drained);
	line_add_num(&o, "equal", s->equal);
	line_add_num(&o, "ready", s->ready);
	line_add_num(&o, "joined", s->joined);
	line_add(&o, "disk", s->disk_down ? "down" : "up");
	if (s->space[0] != '\0')
		line_add(&o, "space", s->space);
	if (to != NULL)
		serve_event_to(to, &o);
	else
		serve_event(s->mirror, "fact", &o);
}

/* Who follows whom, and is it level?  Copies take no time here. */
static void
meet(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct sib *s = &sib[i], *p = &sib[!i];

		if (strcmp(s->role, "second") != 0 ||
		    strcmp(p->role, "prim") != 0 || !beat ||
		    epoch_cmp(s->fence, p->epoch) > 0)
			continue;
		if (!p->both) {
			s->fence = s->epoch = p->epoch;
			s->level = s->alone = s->is_new = false;
			s->handed = (struct epoch){ 0 };
			p->ready = true;
		} else if (!s->level || !p->joined) {
			s->level = p->joined = true;
		}
	}
	for (i = 0; i < 2; i++)
		tell_facts(&sib[i], NULL);
}

static void
be_prim(struct sib *s, struct epoch e, bool both)
{
	if (epoch_cmp(e, s->epoch) != 0) {
		s->epoch = s->fence = e;
		s->alone = s->level = true;
		s->is_new = s->both = s->joined = s->ready = false;
		s->handed = (struct epoch){ 0 };
	}
	s->mounted = true;
	if (both && (s->ready || !s->alone)) {
		s->both = true;
		s->alone = s->ready = false;
	}
}

static void
on_mirror_want(struct client *c, const struct line *l, void *arg)
{
	struct sib *s = arg;
	const char *role = line_get(l, "role"), *set = line_get(l, "set");
	struct epoch e = { 0 }, ballot = { 0 };

	(void)epoch_parse(&e, line_get(l, "epoch"));
	if (line_get(l, "fence") != NULL &&
	    epoch_parse(&ballot, line_get(l, "fence")) == 0 &&
	    epoch_cmp(ballot, s->fence) > 0)
		s->fence = ballot;
	if (strcmp(role, "prim") == 0 && strcmp(s->role, "prim") != 0 &&
	    epoch_cmp(e, s->fence) < 0) {
		serve_err(c, "old-epoch", "the fence is higher");
		return;
	}
	serve_ok(c);
	if (strcmp(role, "prim") == 0)
		be_prim(s, e, set != NULL && strcmp(set, "both") == 0);
	else if (strcmp(role, "down") == 0) {
		if (s->mounted) {
			s->equal = s->joined &&
			    strcmp(sib[!index_of(s)].role, "second") == 0;
			s->drained = true;
		}
		s->mounted = s->both = s->joined = s->ready = false;
		if (line_get(l, "handed") != NULL)
			s->handed = e;
	} else {
		s->mounted = s->both = s->joined = s->ready = false;
		s->drained = s->equal = false;
		if (line_get_bool(l, "notlevel"))
			s->level = false;
	}
	(void)snprintf(s->role, sizeof(s->role), "%s", role);
	meet();
}

static void
on_mirror_watch(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	serve_watch(c, "fact");
	serve_ok(c);
	tell_facts(arg, c);
}

/* --- control -------------------------------------------------------------- */

static struct sib *
by_name(const struct line *l)
{
	const char *node = line_get(l, "node");

	return node != NULL && strcmp(node, "n2") == 0 ? &sib[1] : &sib[0];
}

static void
on_control(struct client *c, const struct line *l, void *arg)
{
	struct sib *s = by_name(l);

	(void)arg;
	if (strcmp(l->verb, "net") == 0)
		beat = line_get_bool(l, "beat");
	else if (strcmp(l->verb, "svc") == 0)
		svc = line_get_bool(l, "up");
	else if (strcmp(l->verb, "link") == 0) {
		s->link = line_get_bool(l, "up");
		tell_links(s, NULL);
	} else if (strcmp(l->verb, "stall") == 0)
		(void)line_get_num(l, "ms", 0, 1000000, &s->stall_ms);
	else if (strcmp(l->verb, "disk") == 0)
		s->disk_down = !line_get_bool(l, "up");
	else if (strcmp(l->verb, "space") == 0)
		(void)snprintf(s->space, sizeof(s->space), "%s",
		    line_get(l, "value"));
	else {
		(void)snprintf(s->role, sizeof(s->role), "none");
		s->mounted = s->own = s->both = s->joined = s->ready = false;
		s->peer = -1;
		free(s->blob);
		s->blob = NULL;
		s->life++;
		tell_life(&sib[!index_of(s)], NULL);
	}
	serve_ok(c);
	net_changed();
	meet();
}

static void
on_show(struct client *c, const struct line *l, void *arg)
{
	char text[EPOCH_LEN];
	struct line_out o;
	int i;

	(void)l;
	(void)arg;
	for (i = 0; i < 2; i++) {
		line_begin(&o, "");
		line_add(&o, "node", sib[i].name);
		line_add(&o, "role", sib[i].role);
		line_add(&o, "epoch", epoch_str(text, sib[i].epoch));
		line_add_num(&o, "level", sib[i].level);
		line_add_num(&o, "alone", sib[i].alone);
		line_add_num(&o, "mounted", sib[i].mounted);
		line_add_num(&o, "own", sib[i].own);
		serve_line(c, &o);
	}
	serve_ok(c);
}

static const struct verb heart_verbs[] = {
	{ "module", ROLE_ADMIN, "*", on_module },
	{ "publish", ROLE_ADMIN, "*", on_publish },
	{ "stamp", ROLE_ADMIN, "*", on_ignored },
	{ "follow", ROLE_ADMIN, "*", on_ignored },
	{ "watch", ROLE_ADMIN, "*", on_heart_watch },
	{ NULL, ROLE_NONE, NULL, NULL }
};
static const struct verb vip_verbs[] = {
	{ "want", ROLE_ADMIN, "name own", on_own },
	{ "probe", ROLE_ADMIN, "name count gap_ms", on_probe },
	{ "watch", ROLE_ADMIN, "name", on_vip_watch },
	{ NULL, ROLE_NONE, NULL, NULL }
};
static const struct verb mirror_verbs[] = {
	{ "want", ROLE_ADMIN, "role epoch set lease primary fullsync handed "
	    "fresh clear notlevel force compare fence since", on_mirror_want },
	{ "watch", ROLE_ADMIN, "", on_mirror_watch },
	{ NULL, ROLE_NONE, NULL, NULL }
};
static const struct verb control_verbs[] = {
	{ "net", ROLE_ADMIN, "beat", on_control },
	{ "svc", ROLE_ADMIN, "up", on_control },
	{ "link", ROLE_ADMIN, "node up", on_control },
	{ "crash", ROLE_ADMIN, "node", on_control },
	{ "stall", ROLE_ADMIN, "node ms", on_control },
	{ "disk", ROLE_ADMIN, "node up", on_control },
	{ "space", ROLE_ADMIN, "node value", on_control },
	{ "show", ROLE_ADMIN, "", on_show },
	{ NULL, ROLE_NONE, NULL, NULL }
};

static struct serve *
open_socket(const char *dir, const char *name, const struct verb *verbs,
    void *arg)
{
	char *path = xasprintf("%s/%s.sock", dir, name);
	struct serve *s = serve_new(loop, path, name, verbs, arg);

	if (s == NULL)
		fatal("%s", path);
	return s;
}

int
main(int argc, char **argv)
{
	static const char *const names[] = { "n1", "n2" };
	char dir[512];
	int i;

	log_init("siblings", false);
	if (argc != 3)
		fatalx(64, "usage: siblings DIR MODULE");
	module = argv[2];
	loop = loop_new();
	for (i = 0; i < 2; i++) {
		struct sib *s = &sib[i];

		s->name = names[i];
		s->is_new = s->link = true;
		s->peer = -1;
		s->timeout_ms = 1000;
		(void)snprintf(s->role, sizeof(s->role), "none");
		s->silence = loop_timer_new(loop, on_silence, s);
		s->probe = loop_timer_new(loop, probe_ends, s);
		(void)snprintf(dir, sizeof(dir), "%s/%s/run/holdfast/%s",
		    argv[1], names[i], module);
		if (path_mkdirs(dir, 0755) != 0)
			fatal("%s", dir);
		s->mirror = open_socket(dir, "mirrord", mirror_verbs, s);
		*strrchr(dir, '/') = '\0';
		s->heart = open_socket(dir, "heartd", heart_verbs, s);
		serve_on_close(s->heart, on_heart_close);
		s->vip = open_socket(dir, "vipd", vip_verbs, s);
		serve_on_close(s->vip, on_vip_close);
	}
	(void)open_socket(argv[1], "control", control_verbs, NULL);
	loop_run(loop);
	return 0;
}
