/* SPDX-License-Identifier: ISC */
/*
 * remoted: the operator's words between nodes.  This file has the
 * configuration, the keys and the verbs.
 */

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <sodium.h>

#include "conf.h"
#include "daemon.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "call.h"
#include "job.h"
#include "server.h"

struct state {
	struct remoted	 r;
	struct server	*server;
	struct calls	*calls;
};

static cfg_opt_t opts[] = {
	CFG_INT("port", REMOTE_PORT, CFGF_NONE),
	CFG_INT("connect_ms", 3000, CFGF_NONE),
	CFG_INT("rate", 50, CFGF_NONE),
	CFG_INT("sessions", 64, CFGF_NONE),
	CFG_INT("commands", 16, CFGF_NONE),
	CFG_END()
};

static int
check(cfg_t *cfg)
{
	int bad = 0;

	bad += conf_check_int(cfg, "port", 1, 65535);
	bad += conf_check_int(cfg, "connect_ms", 100, 60000);
	bad += conf_check_int(cfg, "rate", 1, 10000);
	bad += conf_check_int(cfg, "sessions", 4, 1024);
	bad += conf_check_int(cfg, "commands", 1, 256);
	return bad;
}

static void
on_run(struct client *c, const struct line *l, void *arg)
{
	struct state *s = ((struct daemon *)arg)->state;

	calls_run(s->calls, c, l);
}

static void
on_rekey(struct client *c, const struct line *l, void *arg)
{
	struct state *s = ((struct daemon *)arg)->state;

	const char *text = line_get(l, "keys");
	struct cluster_keys ks;
	bool is_news;

	if (text == NULL || seal_keys_parse(&ks, text, strlen(text)) == -1) {
		serve_err(c, "usage", "keys= must be the text of "
		    "cluster.key");
		return;
	}
	is_news = ks.count != s->r.keys.count ||
	    strcmp(ks.key[0].id, s->r.key_id[0]) != 0;
	remoted_take_keys(&s->r, &ks);
	if (is_news)
		log_info("cluster.key: uses %s%s%s", s->r.key_id[0],
		    ks.count > 1 ? ", accepts " : "", ks.key[1].id);
	sodium_memzero(&ks, sizeof(ks));
	serve_ok(c);
}

static void
on_reload(struct client *c, const struct line *l, void *arg)
{
	struct state *s = ((struct daemon *)arg)->state;
	struct cluster *cl = xcalloc(1, sizeof(*cl));

	(void)l;
	/* Aside: a file with errors changes nothing. */
	if (cluster_load(cl, NULL) == -1) {
		serve_err(c, "config", "the cluster was not taken: see the "
		    "log");
	} else {
		s->r.cluster = *cl;
		server_listen_again(s->server);
		if (remoted_load_keys(&s->r) == -1)
			serve_err(c, "config", "cluster.key was not taken: "
			    "see the log");
		else
			serve_ok(c);
	}
	free(cl);
}

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	const struct state *s = ((struct daemon *)arg)->state;
	const struct remoted *r = &s->r;
	struct line_out o;
	unsigned i;

	(void)l;
	line_begin(&o, "");
	line_add(&o, "self", r->cluster.node[r->cluster.self].name);
	line_add_num(&o, "port", r->port);
	line_add_num(&o, "listens", server_listens(s->server));
	line_add_num(&o, "sessions", server_count(s->server));
	line_add_num(&o, "requests", calls_count(s->calls));
	line_add_num(&o, "commands", r->jobs);
	line_add_num(&o, "calls_in", (int64_t)r->calls_in);
	line_add_num(&o, "calls_out", (int64_t)r->calls_out);
	line_add_num(&o, "joined", (int64_t)r->joined);
	for (i = 0; i < r->keys.count; i++)
		line_add(&o, "key", r->key_id[i]);
	serve_line(c, &o);
	line_begin(&o, "");
	line_add(&o, "dropped", "");
	for (i = 0; i < DROP_COUNT; i++)
		line_add_num(&o, remoted_drop_name((enum drop)i),
		    (int64_t)r->dropped[i]);
	serve_line(c, &o);
	serve_ok(c);
}

static const struct verb verbs[] = {
	/* name		least role	keys			handler */
	{ "run",	ROLE_MONITOR,	"nodes who arg input",	on_run },
	{ "rekey",	ROLE_ADMIN,	"keys",			on_rekey },
	{ "reload",	ROLE_ADMIN,	"",			on_reload },
	{ "status",	ROLE_MONITOR,	"",			on_status },
	{ NULL, ROLE_NONE, NULL, NULL },
};

static void
on_close(struct client *c, void *arg)
{
	struct state *s = ((struct daemon *)arg)->state;

	calls_close(s->calls, c);
}

static void
start(struct daemon *d)
{
	struct state *s = xcalloc(1, sizeof(*s));
	struct remoted *r = &s->r;

	d->state = s;
	r->loop = d->loop;
	seal_init();
	job_init();
	if (cluster_load(&r->cluster, NULL) != 0)
		fatalx(EX_CONFIG, "the cluster is not configured");
	r->port = (uint16_t)cfg_getint(d->conf, "port");
	r->connect_ms = cfg_getint(d->conf, "connect_ms");
	r->rate = cfg_getint(d->conf, "rate");
	r->session_max = (unsigned)cfg_getint(d->conf, "sessions");
	r->job_max = (unsigned)cfg_getint(d->conf, "commands");
	if (remoted_load_keys(r) == -1)
		fatalx(EX_CONFIG, "no cluster key");
	s->calls = calls_new(r);
	s->server = server_new(r);
	serve_on_close(d->serve, on_close);
	log_info("%s: port %u", r->cluster.node[r->cluster.self].name,
	    r->port);
}

static void
finish(struct daemon *d)
{
	struct state *s = d->state;

	serve_on_close(d->serve, NULL);
	job_leave_all();
	calls_free(s->calls);
	server_free(s->server);
	sodium_memzero(&s->r.keys, sizeof(s->r.keys));
	free(s);
}

int
main(int argc, char **argv)
{
	static const struct daemon_spec spec = {
		.name = "remoted",
		.summary = "runs the operator's commands on other nodes, and "
		    "theirs on this one",
		.opts = opts,
		.check = check,
		.verbs = verbs,
		.start = start,
		.finish = finish,
		/* Nothing of remoted's outlives it. */
		.no_keep = true,
	};

	return daemon_main(&spec, argc, argv);
}
