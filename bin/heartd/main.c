/* SPDX-License-Identifier: ISC */
/*
 * heartd: who is alive, and what the others say.  This file has the
 * configuration, the verbs, and what makes the process one that is never
 * late: real-time scheduling and locked memory.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>

#include <sodium.h>

#include "conf.h"
#include "daemon.h"
#include "log.h"
#include "paths.h"
#include "punctual.h"
#include "statefile.h"
#include "xalloc.h"

#include "event.h"
#include "heart.h"
#include "receive.h"

#define PULSE_MAX_MS	60000
#define TIMEOUT_MIN_MS	10
#define TIMEOUT_MAX_MS	600000
/* What `status' calls up when no module says otherwise. */
#define STATUS_TIMEOUT_MS 2000

static cfg_opt_t opts[] = {
	CFG_INT("priority", 10, CFGF_NONE),
	CFG_BOOL("lock_memory", cfg_true, CFGF_NONE),
	CFG_INT("idle_pulse_ms", 1000, CFGF_NONE),
	CFG_INT("stranger_rate", 200, CFGF_NONE),
	CFG_INT("rebind_ms", 500, CFGF_NONE),
	CFG_INT("receive_buffer", 1048576, CFGF_NONE),
	CFG_STR("watchdog", "", CFGF_NONE),
	CFG_INT("watchdog_s", 10, CFGF_NONE),
	CFG_END()
};

static int
check(cfg_t *cfg)
{
	int bad = 0;

	bad += conf_check_int(cfg, "priority", 0, 99);
	bad += conf_check_int(cfg, "idle_pulse_ms", 100, PULSE_MAX_MS);
	bad += conf_check_int(cfg, "stranger_rate", 1, 100000);
	bad += conf_check_int(cfg, "rebind_ms", 10, 60000);
	bad += conf_check_int(cfg, "receive_buffer", 65536, 67108864);
	bad += conf_check_int(cfg, "watchdog_s", 1, 600);
	/* It is fed with the pulses: three of them in its bound. */
	if (cfg_getstr(cfg, "watchdog")[0] != '\0' &&
	    cfg_getint(cfg, "idle_pulse_ms") * 3 >
	    cfg_getint(cfg, "watchdog_s") * 1000) {
		cfg_error(cfg, "watchdog_s must be at least three times "
		    "idle_pulse_ms");
		bad++;
	}
	return bad;
}


/* The module a request names, or NULL after the request was refused. */
static struct module *
need_module(struct client *c, struct heart *h, const struct line *l)
{
	const char *name = line_get(l, "name");
	struct module *m;

	if (name == NULL || !module_name_ok(name)) {
		serve_err(c, "usage", "name= must be a module's name");
		return NULL;
	}
	m = module_find(h->module, name);
	if (m == NULL)
		serve_err(c, "nomodule", "%s: state it first by `module'",
		    name);
	return m;
}

/* "lan1,lan2" to bits; absent: all.  0 when one is unknown. */
static unsigned
parse_lans(const struct cluster *c, const char *text)
{
	char name[CLUSTER_NAME_LEN];
	unsigned lans = 0;
	size_t len;
	int i;

	if (text == NULL || text[0] == '\0')
		return (1u << c->lan_count) - 1;
	for (;;) {
		len = strcspn(text, ",");
		if (len == 0 || len >= sizeof(name))
			return 0;
		memcpy(name, text, len);
		name[len] = '\0';
		i = cluster_lan_index(c, name);
		if (i < 0)
			return 0;
		lans |= 1u << i;
		if (text[len] == '\0')
			return lans;
		text += len + 1;
	}
}

/* NULL, or what is wrong with the wish. */
static const char *
parse_wish(const struct heart *h, const struct line *l,
    struct module_wish *w)
{
	const char *name = line_get(l, "name");
	const char *digest = line_get(l, "digest");
	int64_t id;

	memset(w, 0, sizeof(*w));
	if (name == NULL || !module_name_ok(name))
		return "name= must be a module's name";
	memcpy(w->name, name, strlen(name) + 1);
	if (!line_get_num(l, "id", 1, UINT16_MAX, &id))
		return "id= must be 1 to 65535";
	w->id = (uint16_t)id;
	if (digest == NULL || strlen(digest) > DIGEST_MAX ||
	    digest[strspn(digest, "0123456789abcdefABCDEF")] != '\0')
		return "digest= must be at most 64 hex digits";
	memcpy(w->digest, digest, strlen(digest) + 1);
	if (!line_get_num(l, "timeout_ms", TIMEOUT_MIN_MS, TIMEOUT_MAX_MS,
	    &w->timeout_ms))
		return "timeout_ms= must be 10 to 600000";
	if (!line_get_num(l, "pulse_ms", 1, PULSE_MAX_MS, &w->pulse_ms) ||
	    w->pulse_ms * 2 > w->timeout_ms)
		return "pulse_ms= must be at least 1 and at most half of "
		    "timeout_ms";
	w->loss_ms = beat_loss_ms(w->timeout_ms);
	if (line_get(l, "loss_ms") != NULL &&
	    !line_get_num(l, "loss_ms", w->pulse_ms, w->timeout_ms,
	    &w->loss_ms))
		return "loss_ms= must be between pulse_ms and timeout_ms";
	w->lans = parse_lans(&h->cluster, line_get(l, "lans"));
	if (w->lans == 0)
		return "lans= must name networks of the cluster, by commas";
	return NULL;
}

/* Its timers, networks, id or digest may have changed. */
static void
apply_wish(struct heart *h, struct module *m, const struct module_wish *w)
{
	unsigned i;

	m->wish = *w;
	for (i = 0; i < h->cluster.node_count; i++) {
		module_set_lans(m, i, h->peer[i].lans);
		if (view_compare(m, &m->view[i]))
			event_mismatch(h, NULL, m, i);
	}
	heart_listen(h);
}

/*
 * A new module may need faster pulses than came until now: what is older
 * than its timeout says nothing yet, neither up nor down.
 */
static void
begin_listening(struct heart *h, struct module *m, struct mono now)
{
	bool is_fresh;
	unsigned i, lan;

	for (i = 0; i < h->cluster.node_count; i++) {
		is_fresh = false;
		for (lan = 0; lan < h->cluster.lan_count; lan++) {
			if (mono_diff_ms(now, h->peer[i].ear.heard[lan]) <
			    m->wish.timeout_ms)
				is_fresh = true;
		}
		if (!is_fresh)
			beat_void(&m->view[i].beat, now);
	}
}

static void
on_module(struct client *c, const struct line *l, void *arg)
{
	struct heart *h = ((struct daemon *)arg)->state;
	struct module_wish w;
	const char *wrong = parse_wish(h, l, &w);
	struct mono now = heart_now(h);
	struct module *m;

	if (wrong != NULL) {
		serve_err(c, "usage", "%s", wrong);
		return;
	}
	m = module_with_id(h->module, w.id, w.name);
	if (m != NULL) {
		serve_err(c, "badid", "id %u belongs to %s on this node",
		    w.id, m->wish.name);
		return;
	}
	m = module_find(h->module, w.name);
	if (m == NULL) {
		m = module_new(h->module, &w, h->cluster.node_count,
		    h->since);
		if (m == NULL) {
			serve_err(c, "full", "more than %d modules",
			    MODULE_MAX);
			return;
		}
		begin_listening(h, m, now);
		log_info("%s: stated, id %u, pulse %lld ms, timeout %lld ms",
		    w.name, w.id, (long long)w.pulse_ms,
		    (long long)w.timeout_ms);
	}
	m->owner = c;
	m->read_at = now;
	watchdog_back(&h->watchdog, w.name);
	m->is_gone = false;
	m->orphan_until = (struct mono){ 0 };
	apply_wish(h, m, &w);
	heart_pulse_soon(h, now);
	serve_ok(c);
}

static void
on_publish(struct client *c, const struct line *l, void *arg)
{
	struct heart *h = ((struct daemon *)arg)->state;
	struct module *m = need_module(c, h, l);
	const char *blob = line_get(l, "blob");
	struct mono now;

	if (m == NULL)
		return;
	if (blob == NULL) {
		serve_err(c, "usage", "blob= is missing");
		return;
	}
	if (m->is_gone) {
		serve_err(c, "nomodule", "%s: was withdrawn, state it again",
		    m->wish.name);
		return;
	}
	now = heart_now(h);
	if (blob_publish(&m->out, blob, strlen(blob), randombytes_random())) {
		heart_send_blob(h, m, now, 0);
		heart_pulse_soon(h, now);
	}
	serve_ok(c);
}

/* epoch= of a request; absent or "none" is the zero epoch. */
static int
get_epoch(struct client *c, const struct line *l, struct epoch *e)
{
	const char *text = line_get(l, "epoch");

	memset(e, 0, sizeof(*e));
	if (text == NULL || strcmp(text, "none") == 0 ||
	    epoch_parse(e, text) == 0)
		return 0;
	serve_err(c, "usage", "epoch= must be era.n.node or none");
	return -1;
}

static void
on_stamp(struct client *c, const struct line *l, void *arg)
{
	struct heart *h = ((struct daemon *)arg)->state;
	struct module *m = need_module(c, h, l);
	const char *word = line_get(l, "role");
	struct epoch e;
	unsigned i;
	int role;

	if (m == NULL || get_epoch(c, l, &e) != 0)
		return;
	role = stamp_role_parse(word != NULL ? word : "");
	if (role < 0) {
		serve_err(c, "usage", "role= must be prim, second or none");
		return;
	}
	if (m->role != role || epoch_cmp(m->epoch, e) != 0) {
		m->role = (uint8_t)role;
		m->epoch = e;
		/* A lease is of one epoch (L6). */
		for (i = 0; i < m->view_count; i++)
			m->view[i].lease = (struct mono){ 0 };
		heart_pulse_soon(h, heart_now(h));
	}
	serve_ok(c);
}

static void
on_follow(struct client *c, const struct line *l, void *arg)
{
	struct heart *h = ((struct daemon *)arg)->state;
	struct module *m = need_module(c, h, l);
	struct epoch e;
	unsigned i;

	if (m == NULL || get_epoch(c, l, &e) != 0)
		return;
	if (!m->follows || epoch_cmp(m->follow, e) != 0) {
		m->follows = !epoch_is_none(e);
		m->follow = e;
		for (i = 0; i < m->view_count; i++) {
			view_follow(m, &m->view[i]);
			/* It is echoed at once, so a grant runs (L7). */
			if (m->view[i].echo != 0)
				event_grant(h, NULL, m, i);
		}
		heart_pulse_soon(h, heart_now(h));
	}
	serve_ok(c);
}

static void
on_watch(struct client *c, const struct line *l, void *arg)
{
	struct heart *h = ((struct daemon *)arg)->state;
	const char *name = line_get(l, "name");
	struct module *m;

	if (name == NULL || !module_name_ok(name)) {
		serve_err(c, "usage", "name= must be a module's name");
		return;
	}
	serve_watch(c, name);
	serve_ok(c);
	m = module_find(h->module, name);
	if (m != NULL)
		event_state(h, c, m, heart_now(h));
}

/* Who it is, and what it has; of a clone, whose. */
static void
add_identity(struct line_out *o, const struct heart *h, unsigned node,
    struct mono now)
{
	const struct peer *p = &h->peer[node];
	char machine[MACHINE_TEXT_LEN], config[CLUSTER_DIGEST_TEXT];

	machine_text(machine, p->machine);
	cluster_digest_text(config, p->config);
	line_add(o, "machine", machine_is_known(p->machine) ? machine : "");
	line_add(o, "cluster", config);
	if (mono_is_set(p->clone_at) &&
	    mono_diff_ms(now, p->clone_at) < TWIN_MS)
		line_add(o, "clone", h->cluster.node[p->clone_of].name);
	else if (twin_is_there(&p->twin, now))
		line_add(o, "clone", h->cluster.node[node].name);
}

static void
status_nets(struct client *c, const struct heart *h, unsigned node,
    struct mono now)
{
	const struct peer *p = &h->peer[node];
	struct line_out o;
	int64_t ms;
	unsigned i;

	for (i = 0; i < h->cluster.lan_count; i++) {
		if (!(p->lans & 1u << i))
			continue;
		line_begin(&o, "");
		line_add(&o, "node", h->cluster.node[node].name);
		line_add(&o, "lan", h->cluster.lan[i].name);
		ms = mono_is_set(p->ear.heard[i]) ?
		    mono_diff_ms(now, p->ear.heard[i]) : -1;
		line_add(&o, "state", ms < 0 ? "unknown" :
		    ms > STATUS_TIMEOUT_MS ? "down" : "up");
		line_add_num(&o, "ms", ms);
		line_add_num(&o, "rtt_us", p->rtt_us[i]);
		line_add_num(&o, "life", (int64_t)p->session.peer.count);
		line_add_num(&o, "bound", link_is_bound(h->links, i));
		add_identity(&o, h, node, now);
		serve_line(c, &o);
	}
}

static void
status_module(struct client *c, const struct heart *h,
    const struct module *m, struct mono now)
{
	char text[EPOCH_LEN];
	struct line_out o;
	unsigned i;

	for (i = 0; i < h->cluster.node_count; i++) {
		const struct view *v = &m->view[i];

		if (!h->peer[i].is_used)
			continue;
		line_begin(&o, "");
		line_add(&o, "module", m->wish.name);
		line_add_num(&o, "id", m->wish.id);
		line_add(&o, "node", h->cluster.node[i].name);
		line_add(&o, "state", beat_state_name(v->beat.peer));
		line_add_num(&o, "lost", v->beat.is_lost);
		line_add_num(&o, "member", v->is_member);
		line_add_num(&o, "blob", v->in.has ?
		    (int64_t)v->in.version : 0);
		line_add_num(&o, "sent", blob_tx_is_done(&v->tx, &m->out));
		line_add(&o, "epoch", epoch_str(text, v->epoch));
		line_add(&o, "role", stamp_role_name(v->role));
		line_add_num(&o, "lease_ms", mono_is_set(v->lease) ?
		    mono_diff_ms(v->lease, now) : 0);
		line_add_num(&o, "grant_ms", mono_is_set(v->grant) ?
		    mono_diff_ms(v->grant, now) : 0);
		serve_line(c, &o);
	}
}

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	struct heart *h = ((struct daemon *)arg)->state;
	struct mono now = heart_now(h);
	struct line_out o;
	unsigned i;

	(void)l;
	for (i = 0; i < h->cluster.node_count; i++) {
		if (h->peer[i].is_used)
			status_nets(c, h, i, now);
	}
	for (i = 0; i < MODULE_MAX; i++) {
		if (h->module[i].is_used)
			status_module(c, h, &h->module[i], now);
	}
	line_begin(&o, "");
	line_add(&o, "self", h->cluster.node[h->cluster.self].name);
	line_add_num(&o, "late_max_ms", h->wake.late_max_ms);
	line_add(&o, "sched", h->is_rr ? "rr" : "other");
	line_add_num(&o, "locked", h->is_locked);
	line_add_num(&o, "pulse_ms", heart_pulse_ms(h));
	line_add_num(&o, "life", (int64_t)h->self.count);
	if (h->options.watchdog[0] != '\0')
		line_add(&o, "watchdog", h->watchdog.fd == -1 ? "closed" :
		    h->watchdog.starved[0] != '\0' ? h->watchdog.starved :
		    "fed");
	for (i = 0; i < h->key.count; i++)
		line_add(&o, "key", h->key_id[i]);
	serve_line(c, &o);
	line_begin(&o, "");
	line_add(&o, "dropped", "");
	for (i = 1; i < DROP_COUNT; i++)
		line_add_num(&o, drop_name(i), (int64_t)h->dropped[i]);
	serve_line(c, &o);
	serve_ok(c);
}

/* The text comes with the request: no disk is touched while beating. */
static void
on_rekey(struct client *c, const struct line *l, void *arg)
{
	struct heart *h = ((struct daemon *)arg)->state;
	const char *text = line_get(l, "keys");
	struct cluster_keys ks;
	bool is_news;

	if (text == NULL || seal_keys_parse(&ks, text, strlen(text)) != 0) {
		serve_err(c, "usage", "keys= must be the text of "
		    "cluster.key");
		return;
	}
	is_news = ks.count != h->key.count ||
	    strcmp(ks.key[0].id, h->key_id[0]) != 0;
	heart_keys(h, &ks);
	if (is_news)
		log_info("cluster.key: uses %s%s%s", h->key_id[0],
		    ks.count > 1 ? ", accepts " : "", h->key_id[1]);
	sodium_memzero(&ks, sizeof(ks));
	serve_ok(c);
}

static const struct verb verbs[] = {
	/* name		least role	keys			handler */
	{ "module",	ROLE_ADMIN,
	    "name id digest pulse_ms timeout_ms loss_ms lans",	on_module },
	{ "publish",	ROLE_ADMIN,	"name blob",		on_publish },
	{ "stamp",	ROLE_ADMIN,	"name epoch role",	on_stamp },
	{ "follow",	ROLE_ADMIN,	"name epoch",		on_follow },
	{ "rekey",	ROLE_ADMIN,	"keys",			on_rekey },
	{ "watch",	ROLE_MONITOR,	"name",			on_watch },
	{ "status",	ROLE_MONITOR,	"",			on_status },
	{ NULL, ROLE_NONE, NULL, NULL },
};

/* moduled's link went: its last words are repeated for a while. */
static void
on_close(struct client *c, void *arg)
{
	struct heart *h = ((struct daemon *)arg)->state;
	struct module *m;

	for (m = h->module; m < h->module + MODULE_MAX; m++) {
		if (!m->is_used || m->owner != c)
			continue;
		m->owner = NULL;
		m->orphan_until = mono_add_ms(mono_now(),
		    2 * m->wish.timeout_ms);
	}
}

static void
load_key(struct heart *h)
{
	struct cluster_keys ks;
	char path[PATH_LEN];
	const char *why;

	(void)path_etc(path, "cluster.key");
	if (seal_keys_load(&ks, path, &why) != 0)
		fatalx(EX_CONFIG, "%s: %s", path, why);
	heart_keys(h, &ks);
	sodium_memzero(&ks, sizeof(ks));
}

/* A new life is durable before its first datagram leaves. */
static void
begin_life(struct heart *h)
{
	char path[PATH_LEN], buf[INCARNATION_TEXT_LEN], *text;
	struct incarnation last = { 0, 0 };
	uint64_t random;
	size_t len;

	(void)path_state(path, "heartd");
	if (path_mkdirs(path, 0755) != 0)
		fatal("%s", path);
	(void)path_state(path, "heartd/incarnation");
	text = statefile_read(path, sizeof(buf) - 1, &len);
	if (text == NULL && errno != ENOENT)
		log_warn("%s: counting lives from 1", path);
	else if (text != NULL && incarnation_parse(&last, text) != 0)
		log_warnx("%s: damaged: counting lives from 1", path);
	free(text);
	randombytes_buf(&random, sizeof(random));
	h->self = incarnation_next(last, random);
	(void)incarnation_text(buf, h->self);
	if (statefile_write(path, buf, strlen(buf), 0644) != 0)
		fatal("%s", path);
}

/*
 * Never late: scheduled before all ordinary work, and never waiting for a
 * page.  What exists now is made resident; what comes later (a module's
 * blobs) is locked as it is touched, so that unused room costs nothing.
 */
static void
be_punctual(struct heart *h, cfg_t *cfg)
{
	int priority = (int)cfg_getint(cfg, "priority");

	if (priority > 0) {
		h->is_rr = punctual_schedule(priority);
		if (!h->is_rr)
			log_warn("no real-time scheduling: may be late under "
			    "load");
	}
	if (!cfg_getbool(cfg, "lock_memory"))
		return;
	h->is_locked = mlockall(MCL_CURRENT) == 0 &&
	    mlockall(MCL_FUTURE | MCL_ONFAULT) == 0;
	if (!h->is_locked)
		log_warn("memory is not locked: may be late under load");
}

static void
start(struct daemon *d)
{
	struct heart *h = xcalloc(1, sizeof(*h));

	d->state = h;
	h->loop = d->loop;
	h->serve = d->serve;
	seal_init();
	if (cluster_load(&h->cluster, NULL) != 0)
		fatalx(EX_CONFIG, "the cluster is not configured");
	log_context(h->cluster.node[h->cluster.self].name, NULL);
	h->options.idle_pulse_ms = cfg_getint(d->conf, "idle_pulse_ms");
	h->options.stranger_rate = cfg_getint(d->conf, "stranger_rate");
	h->options.link.rebind_ms = cfg_getint(d->conf, "rebind_ms");
	h->options.link.receive_buffer =
	    (int)cfg_getint(d->conf, "receive_buffer");
	h->options.watchdog = cfg_getstr(d->conf, "watchdog");
	h->options.watchdog_s = (int)cfg_getint(d->conf, "watchdog_s");
	machine_hash(h->machine);
	load_key(h);
	begin_life(h);
	serve_on_close(d->serve, on_close);
	heart_start(h);
	be_punctual(h, d->conf);
	log_info("%s: life %llu", h->cluster.node[h->cluster.self].name,
	    (unsigned long long)h->self.count);
}

static void
finish(struct daemon *d)
{
	struct heart *h = d->state;

	serve_on_close(d->serve, NULL);
	heart_stop(h);
	free(h);
}

int
main(int argc, char **argv)
{
	static const struct daemon_spec spec = {
		.name = "heartd",
		.summary = "tells who is alive, and carries what the others "
		    "say",
		.opts = opts,
		.check = check,
		.verbs = verbs,
		.start = start,
		.finish = finish,
		/* Nothing of heartd's outlives it. */
		.no_keep = true,
	};

	return daemon_main(&spec, argc, argv);
}
