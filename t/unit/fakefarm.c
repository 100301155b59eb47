/* SPDX-License-Identifier: ISC */
/*
 * Not a test: farmd and vipd of three nodes in one process, as small as they
 * can be, for t/moduled-farm.bats.  fakefarm DIR MODULE serves the sockets
 * below DIR/n1 .. DIR/n3; they agree at once.  DIR/control.sock:
 *
 *	draining node= n=N	connections that a drain waits for
 *	code node= code= text= blocked=	what farmd says is wrong
 *	stuck node= on=0|1	wishes are taken and not answered by facts
 *	net node= up=0|1	the node is heard by the others
 *	state node= state= quality= serve=   of a node that has no moduled
 *	mac node= mac=
 *	host mac=		a foreign host answers for the address; "" none
 *	link node= up=0|1	intf.10.88.1.0
 *	forget			as after a reboot: nobody wants anything
 *	show			each node's wish, and what its moduled probed
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "log.h"
#include "loop.h"
#include "paths.h"
#include "serve.h"
#include "xalloc.h"

#define NODES	3

struct fake {
	const char	*name;
	struct serve	*farm, *vip;
	bool		 up, stuck;
	char		 state[16], quality[16], serve[16], reason[32];
	char		 shown[16];	/* serve as the facts have it */
	int64_t		 i, since_s, draining, standby;
	bool		 blocked;
	char		 code[32], text[128], mac[24], peers[256];
	unsigned	 probes, wants;
	bool		 link;
};

static struct fake fake[NODES];
static struct loop *loop;
static char host[24];
static unsigned epoch;

static bool
is_open(const struct fake *f)
{
	return f->up && strcmp(f->shown, "open") == 0;
}

static unsigned
share_of(const struct fake *f)
{
	unsigned i, n = 0;

	for (i = 0; i < NODES; i++)
		n += is_open(&fake[i]);
	return is_open(f) ? 100 / n : 0;
}

static const char *
director(void)
{
	unsigned i;

	for (i = 0; i < NODES; i++)
		if (is_open(&fake[i]))
			return fake[i].name;
	return "";
}

static void
put(struct fake *f, struct client *to, struct line_out *o)
{
	if (to != NULL)
		serve_event_to(to, o);
	else
		serve_event(f->farm, "fact", o);
}

static void
tell_fact(struct fake *f, struct client *to)
{
	struct line_out o;

	line_begin(&o, "fact");
	line_add(&o, "serve", f->shown);
	line_addf(&o, "epoch", "%u", epoch);
	line_add(&o, "digest", "00112233");
	line_add(&o, "director", director());
	line_add_num(&o, "member", is_open(f));
	line_addf(&o, "share", "web %u", share_of(f));
	line_add_num(&o, "drained", strcmp(f->shown, "drain") == 0 &&
	    f->draining == 0);
	line_add_num(&o, "draining", f->draining);
	line_add(&o, "delivery", "director");
	line_add(&o, "backend", "nft");
	line_add(&o, "code", f->code);
	line_add(&o, "text", f->text);
	line_add_num(&o, "blocked", f->blocked);
	if (!f->blocked && f->code[0] != '\0') {
		line_addf(&o, "warning", "%s %s", f->code, f->text);
		line_add(&o, "warning", "farm-waits n9 does not answer");
	}
	line_add_num(&o, "i", f->i);
	put(f, to, &o);
}

static void
tell_node(struct fake *f, const struct fake *n, struct client *to)
{
	struct line_out o;

	line_begin(&o, "node");
	line_add(&o, "name", n->name);
	line_add(&o, "net", n->up ? "up" : "down");
	line_add(&o, "state", n->state);
	line_add(&o, "quality", n->quality);
	line_add(&o, "serve", n->shown);
	line_addf(&o, "share", "web %u", share_of(n));
	line_add_num(&o, "since_s", n->since_s);
	line_add(&o, "reason", n->reason);
	line_add_num(&o, "standby", n->standby);
	if (n->mac[0] != '\0')
		line_add(&o, "mac", n->mac);
	put(f, to, &o);
}

static void
tell_all(void)
{
	unsigned i, j;

	epoch++;
	for (i = 0; i < NODES; i++) {
		for (j = 0; j < NODES; j++)
			if (j != i)
				tell_node(&fake[i], &fake[j], NULL);
		tell_fact(&fake[i], NULL);
	}
}

/* --- farmd ---------------------------------------------------------- */

static void
take(char *out, size_t size, const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	if (v != NULL)
		(void)snprintf(out, size, "%s", v);
}

static void
on_want(struct client *c, const struct line *l, void *arg)
{
	struct fake *f = arg;

	f->wants++;
	take(f->state, sizeof(f->state), l, "state");
	take(f->quality, sizeof(f->quality), l, "quality");
	take(f->serve, sizeof(f->serve), l, "serve");
	take(f->reason, sizeof(f->reason), l, "reason");
	(void)line_get_num(l, "since_s", 0, INT64_MAX, &f->since_s);
	(void)line_get_num(l, "standby", 0, 1, &f->standby);
	if (!f->stuck) {
		(void)line_get_num(l, "i", 0, INT64_MAX, &f->i);
		take(f->shown, sizeof(f->shown), l, "serve");
	}
	serve_ok(c);
	tell_all();
}

static void
on_watch(struct client *c, const struct line *l, void *arg)
{
	struct fake *f = arg;
	unsigned i;

	(void)l;
	serve_watch(c, "fact");
	serve_ok(c);
	for (i = 0; i < NODES; i++)
		if (&fake[i] != f)
			tell_node(f, &fake[i], c);
	tell_fact(f, c);
}

/* --- vipd ----------------------------------------------------------- */

static void
on_probe(struct client *c, const struct line *l, void *arg)
{
	struct fake *f = arg;
	struct line_out o;
	bool found;

	f->probes++;
	take(f->peers, sizeof(f->peers), l, "peers");
	found = host[0] != '\0' && strstr(f->peers, host) == NULL;
	if (found) {
		line_begin(&o, "");
		line_add(&o, "addr", "10.88.1.100");
		line_add(&o, "mac", host);
		serve_line(c, &o);
	}
	line_begin(&o, "ok");
	line_add_num(&o, "answered", found);
	serve_ok_line(c, &o);
}

static void
tell_link(struct fake *f, struct client *to)
{
	struct line_out o;

	line_begin(&o, "resource");
	line_add(&o, "name", "intf.10.88.1.0");
	line_add(&o, "state", f->link ? "up" : "down");
	if (to != NULL)
		serve_event_to(to, &o);
	else
		serve_event(f->vip, "vip", &o);
}

static void
on_vip_watch(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	serve_watch(c, "vip");
	serve_ok(c);
	tell_link(arg, c);
}

/* --- control -------------------------------------------------------- */

static void
on_control(struct client *c, const struct line *l, void *arg)
{
	const char *node = line_get(l, "node");
	struct fake *f = &fake[node != NULL ? node[1] - '1' : 0];
	unsigned i;

	(void)arg;
	if (strcmp(l->verb, "draining") == 0)
		(void)line_get_num(l, "n", 0, 1000000, &f->draining);
	else if (strcmp(l->verb, "code") == 0) {
		take(f->code, sizeof(f->code), l, "code");
		take(f->text, sizeof(f->text), l, "text");
		f->blocked = line_get_bool(l, "blocked");
	} else if (strcmp(l->verb, "stuck") == 0)
		f->stuck = line_get_bool(l, "on");
	else if (strcmp(l->verb, "net") == 0)
		f->up = line_get_bool(l, "up");
	else if (strcmp(l->verb, "state") == 0) {
		take(f->state, sizeof(f->state), l, "state");
		take(f->quality, sizeof(f->quality), l, "quality");
		take(f->shown, sizeof(f->shown), l, "serve");
	} else if (strcmp(l->verb, "mac") == 0)
		take(f->mac, sizeof(f->mac), l, "mac");
	else if (strcmp(l->verb, "host") == 0)
		take(host, sizeof(host), l, "mac");
	else if (strcmp(l->verb, "link") == 0) {
		f->link = line_get_bool(l, "up");
		tell_link(f, NULL);
	} else
		for (i = 0; i < NODES; i++) {
			(void)snprintf(fake[i].shown, sizeof(fake[i].shown),
			    "none");
			fake[i].i = 0;
		}
	serve_ok(c);
	tell_all();
}

static void
on_show(struct client *c, const struct line *l, void *arg)
{
	struct line_out o;
	unsigned i;

	(void)l;
	(void)arg;
	for (i = 0; i < NODES; i++) {
		line_begin(&o, "");
		line_add(&o, "node", fake[i].name);
		line_add(&o, "state", fake[i].state);
		line_add(&o, "quality", fake[i].quality);
		line_add(&o, "serve", fake[i].serve);
		line_add_num(&o, "probes", fake[i].probes);
		line_add_num(&o, "wants", fake[i].wants);
		line_add(&o, "peers", fake[i].peers);
		serve_line(c, &o);
	}
	serve_ok(c);
}

static const struct verb farm_verbs[] = {
	{ "want", ROLE_ADMIN, "state quality since_s serve reason standby i",
	    on_want },
	{ "watch", ROLE_ADMIN, "", on_watch },
	{ NULL, ROLE_NONE, NULL, NULL }
};
static const struct verb vip_verbs[] = {
	{ "probe", ROLE_ADMIN, "name count gap_ms peers", on_probe },
	{ "watch", ROLE_ADMIN, "name", on_vip_watch },
	{ NULL, ROLE_NONE, NULL, NULL }
};
static const struct verb control_verbs[] = {
	{ "draining", ROLE_ADMIN, "node n", on_control },
	{ "code", ROLE_ADMIN, "node code text blocked", on_control },
	{ "stuck", ROLE_ADMIN, "node on", on_control },
	{ "net", ROLE_ADMIN, "node up", on_control },
	{ "state", ROLE_ADMIN, "node state quality serve", on_control },
	{ "mac", ROLE_ADMIN, "node mac", on_control },
	{ "host", ROLE_ADMIN, "mac", on_control },
	{ "link", ROLE_ADMIN, "node up", on_control },
	{ "forget", ROLE_ADMIN, "", on_control },
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
	static const char *const names[] = { "n1", "n2", "n3" };
	char dir[512];
	unsigned i;

	log_init("fakefarm", false);
	if (argc != 3)
		fatalx(64, "usage: fakefarm DIR MODULE");
	loop = loop_new();
	for (i = 0; i < NODES; i++) {
		struct fake *f = &fake[i];

		f->name = names[i];
		f->up = f->link = true;
		(void)snprintf(f->shown, sizeof(f->shown), "none");
		(void)snprintf(dir, sizeof(dir), "%s/%s/run/holdfast/%s",
		    argv[1], names[i], argv[2]);
		if (path_mkdirs(dir, 0755) != 0)
			fatal("%s", dir);
		f->farm = open_socket(dir, "farmd", farm_verbs, f);
		*strrchr(dir, '/') = '\0';
		f->vip = open_socket(dir, "vipd", vip_verbs, f);
	}
	(void)open_socket(argv[1], "control", control_verbs, NULL);
	loop_run(loop);
	return 0;
}
