/* SPDX-License-Identifier: ISC */
/*
 * consoled(8): what the network may ask a node.  For now that is one thing,
 * whether an application serves here, for balancers.  It reads what moduled
 * says of each module and wishes nothing; it runs as an ordinary user.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "daemon.h"
#include "log.h"
#include "observe.h"
#include "priv.h"
#include "xalloc.h"

#include "consoled-conf.h"
#include "health.h"
#include "http.h"
#include "listen.h"

/* A port that another program has may become free. */
#define RETRY_MS	2000
/* A balancer asks at once or not at all. */
#define SILENCE_S	10
#define MODULE_MAX	128

struct consoled;

struct place {
	struct consoled	*c;
	const char	*address;
	struct http	*http;		/* NULL: not bound */
	int		 told;		/* errno that was logged */
};

struct consoled {
	struct daemon		*d;
	struct observe		*observe;
	struct health_conf	 health;
	struct health		 answer;
	struct loop_timer	*retry;
	unsigned		 count;
	struct place		 place[LISTEN_MAX];
	uint64_t		 asked, yes;
};

static void
on_get(const char *path, struct http_answer *a, void *arg)
{
	struct consoled *c = arg;
	const struct observed *of[MODULE_MAX];
	unsigned i, n = observe_count(c->observe);

	for (i = 0; i < n && i < MODULE_MAX; i++)
		of[i] = observe_at(c->observe, i);
	health_answer(&c->answer, &c->health, path, of, i, mono_now());
	c->asked++;
	c->yes += c->answer.status == 200;
	a->status = c->answer.status;
	a->text = c->answer.text;
}

/* false: not now. */
static bool
place_open(struct place *p)
{
	cfg_t *cfg = p->c->d->conf;
	struct http_conf conf = {
		.connections = (unsigned)cfg_getint(cfg, "connections"),
		.per_address = (unsigned)cfg_getint(cfg,
		    "connections_per_address"),
		.timeout_s = SILENCE_S,
	};
	int fd = listen_open(p->address, (uint16_t)cfg_getint(cfg, "port"));

	if (fd != -1)
		p->http = http_new(p->c->d->loop, fd, &conf, on_get, p->c);
	if (p->http != NULL) {
		log_info("%s port %ld: listens", p->address,
		    cfg_getint(cfg, "port"));
		p->told = 0;
		return true;
	}
	if (p->told != errno) {
		p->told = errno;
		log_warn("%s port %ld: not listening; tried again every "
		    "%d ms", p->address, cfg_getint(cfg, "port"), RETRY_MS);
	}
	return false;
}

static void
open_places(void *arg)
{
	struct consoled *c = arg;
	bool all = true;

	for (unsigned i = 0; i < c->count; i++)
		if (c->place[i].http == NULL && !place_open(&c->place[i]))
			all = false;
	if (!all)
		loop_timer_set(c->retry, RETRY_MS, 0);
}

static void
on_status(struct client *cl, const struct line *l, void *arg)
{
	struct consoled *c = ((struct daemon *)arg)->state;
	struct line_out o;

	(void)l;
	for (unsigned i = 0; i < c->count; i++) {
		line_begin(&o, "");
		line_add(&o, "listen", c->place[i].address);
		line_add_num(&o, "port", cfg_getint(c->d->conf, "port"));
		line_add(&o, "state", c->place[i].http != NULL ? "up" : "down");
		serve_line(cl, &o);
	}
	for (unsigned i = 0; i < observe_count(c->observe); i++) {
		const struct observed *m = observe_at(c->observe, i);

		line_begin(&o, "");
		line_add(&o, "module", m->name);
		line_add_num(&o, "serves", observed_serves(m));
		line_add_num(&o, "age_ms", observed_age_ms(m, mono_now()));
		serve_line(cl, &o);
	}
	line_begin(&o, "");
	line_add_num(&o, "asked", (int64_t)c->asked);
	line_add_num(&o, "yes", (int64_t)c->yes);
	serve_line(cl, &o);
	serve_ok(cl);
}

static const struct verb verbs[] = {
	/* name      least role     keys  handler */
	{ "status",  ROLE_MONITOR,  "",   on_status },
	{ NULL,      ROLE_NONE,     NULL, NULL }
};

static int
check(cfg_t *cfg)
{
	struct sockaddr_storage ss;
	int bad = 0;

	bad += conf_check_int(cfg, "port", 1024, 65535);
	bad += conf_check_int(cfg, "poll_ms", 50, 10000);
	bad += conf_check_int(cfg, "stale_ms", 100, 60000);
	bad += conf_check_int(cfg, "connections", 1, 10000);
	bad += conf_check_int(cfg, "connections_per_address", 1, 10000);
	if (cfg_size(cfg, "listen") > LISTEN_MAX) {
		cfg_error(cfg, "listen: more than %d addresses", LISTEN_MAX);
		bad++;
	}
	for (unsigned i = 0; i < cfg_size(cfg, "listen"); i++) {
		const char *a = cfg_getnstr(cfg, "listen", i);

		if (strcmp(a, "*") == 0 || addr_parse(&ss, a) == 0)
			continue;
		cfg_error(cfg, "listen: \"%s\" is neither an address nor *",
		    a);
		bad++;
	}
	if (cfg_getint(cfg, "stale_ms") < 2 * cfg_getint(cfg, "poll_ms")) {
		cfg_error(cfg, "stale_ms: %ld is not at least twice poll_ms, "
		    "%ld", cfg_getint(cfg, "stale_ms"),
		    cfg_getint(cfg, "poll_ms"));
		bad++;
	}
	return bad;
}

static void
start(struct daemon *d)
{
	static const struct observe_calls calls = { NULL, NULL };
	struct consoled *c = xcalloc(1, sizeof(*c));

	d->state = c;
	c->d = d;
	c->health.stale_ms = cfg_getint(d->conf, "stale_ms");
	c->health.reasons = cfg_getbool(d->conf, "reasons");
	c->retry = loop_timer_new(d->loop, open_places, c);
	c->count = cfg_size(d->conf, "listen");
	for (unsigned i = 0; i < c->count; i++)
		c->place[i] = (struct place){ .c = c,
		    .address = cfg_getnstr(d->conf, "listen", i) };
	priv_drop(PRIV_USER, true);
	c->observe = observe_new(d->loop, cfg_getint(d->conf, "poll_ms"),
	    &calls, c);
	open_places(c);
}

static void
finish(struct daemon *d)
{
	struct consoled *c = d->state;

	for (unsigned i = 0; i < c->count; i++)
		http_free(c->place[i].http);
	observe_free(c->observe);
	loop_timer_free(c->retry);
	free(c);
}

int
main(int argc, char **argv)
{
	static cfg_opt_t opts[] = { CONSOLED_OPTS };
	static const struct daemon_spec spec = {
		.name = "consoled",
		.summary = "tells balancers whether an application serves "
		    "here",
		.no_keep = true,
		.opts = opts,
		.check = check,
		.verbs = verbs,
		.start = start,
		.finish = finish,
	};

	return daemon_main(&spec, argc, argv);
}
