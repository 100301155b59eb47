/* SPDX-License-Identifier: ISC */
/*
 * The proposer among its neighbours: facts of the store and the peer in,
 * messages to the voters out.  Failpoints 61 to 67 are the steps of a change
 * as holdfast-failures(7) has them.
 */
#include "voters.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "fail.h"
#include "log.h"
#include "xalloc.h"

#include "events.h"
#include "voter-etcd.h"

/* A voter is asked again after T/4, and never sooner than this. */
#define ROUND_MIN_MS	20

/* After the last answer that told something new. */
#define SAVE_MS		300

struct voters {
	struct moduled		*md;
	struct reg_conf		 conf;
	struct propose		*p;
	struct reg_backend	 backend;
	struct propose_input	 in;
	struct propose_output	 out;
	struct loop_timer	*save_at;
	struct loop_child	*saver;		/* a child that saves */
	bool			 unsaved;
	unsigned		 place_count;
	struct voter_place	 place[PROPOSE_VOTER_MAX];
	struct voter_etcd	*etcd;		/* in their place, or NULL */
	/* What was told of the ballot in hand. */
	struct epoch		 fenced, prepared, accepted, chosen, carried;
};

/* --- configuration -------------------------------------------------------- */

static struct voter_place *
place_of(struct voters *vs, const char *name)
{
	unsigned i;

	for (i = 0; i < vs->place_count; i++)
		if (strcmp(vs->place[i].name, name) == 0)
			return &vs->place[i];
	return NULL;
}

static void
read_voter(struct voters *vs, cfg_t *sec)
{
	struct voter_place *p = &vs->place[vs->place_count];
	const char *name = cfg_title(sec), *text;
	unsigned i;

	if (vs->conf.voter_count == REG_VOTER_MAX || !cluster_name_ok(name) ||
	    !cluster_name_ok(cfg_getstr(sec, "key"))) {
		log_warnx("voter %s: left out: more than %d, or no name",
		    name, REG_VOTER_MAX);
		return;
	}
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	(void)snprintf(p->key, sizeof(p->key), "%s", cfg_getstr(sec, "key"));
	if (strcmp(name, vs->conf.node) == 0) {
		memcpy(vs->conf.own, p->name, sizeof(vs->conf.own));
		/* Whatever becomes of the cables. */
		(void)addr_parse(&p->addr[p->addr_count++], "127.0.0.1");
	}
	for (i = 0; i < cfg_size(sec, "addresses") &&
	    p->addr_count < VOTER_ADDR_MAX; i++) {
		text = cfg_getnstr(sec, "addresses", i);
		if (addr_parse(&p->addr[p->addr_count], text) == 0)
			p->addr_count++;
		else
			log_warnx("voter %s: %s: no address", name, text);
	}
	memcpy(vs->conf.voter[vs->conf.voter_count++], p->name,
	    sizeof(p->name));
	vs->place_count++;
}

/* One place that everybody shares: no vote is this node's own. */
static void
read_etcd(struct voters *vs)
{
	struct voter_place *p = &vs->place[vs->place_count++];

	(void)snprintf(p->name, sizeof(p->name), "%s", VOTER_ETCD_NAME);
	(void)snprintf(p->key, sizeof(p->key), "%s", VOTER_ETCD_NAME);
	memcpy(vs->conf.voter[vs->conf.voter_count++], p->name,
	    sizeof(p->name));
	vs->conf.swaps = true;
}

static void
read_conf(struct voters *vs)
{
	struct moduled *md = vs->md;
	struct reg_conf *c = &vs->conf;
	unsigned i;

	c->cluster = cfg_getstr(md->d->conf, "cluster");
	c->module = md->name;
	c->node = md->conf.node;
	c->peer = md->conf.peer;
	c->node_id = md->conf.node_id;
	c->peer_id = md->conf.peer_id;
	c->timeout_ms = md->conf.timeout_ms;
	c->round_ms = c->timeout_ms / 4 > ROUND_MIN_MS ?
	    c->timeout_ms / 4 : ROUND_MIN_MS;
	for (i = 0; i < cfg_size(md->d->conf, "voter"); i++)
		read_voter(vs, cfg_getnsec(md->d->conf, "voter", i));
	if (c->voter_count == 0)
		read_etcd(vs);
}

/* Of voters that are no longer configured too: they may be in the list. */
static void
remember(struct voters *vs)
{
	struct voter_line line[PROPOSE_VOTER_MAX];
	unsigned i, n;

	n = voters_load(line, PROPOSE_VOTER_MAX, vs->md->name);
	for (i = 0; i < n; i++) {
		propose_remember(vs->p, &line[i].memory);
		if (place_of(vs, line[i].place.name) == NULL &&
		    vs->place_count < PROPOSE_VOTER_MAX)
			vs->place[vs->place_count++] = line[i].place;
	}
}

static int
save(struct voters *vs)
{
	struct voter_line line[PROPOSE_VOTER_MAX];
	const struct propose_memory *m;
	const struct voter_place *at;
	unsigned i, n = 0;

	for (i = 0; i < PROPOSE_VOTER_MAX; i++) {
		m = propose_memory(vs->p, i);
		at = place_of(vs, m->name);
		if (m->name[0] == '\0' || at == NULL)
			continue;
		line[n].place = *at;
		line[n++].memory = *m;
	}
	return voters_save(line, n, vs->md->name);
}

static void
save_later(struct voters *vs)
{
	vs->unsaved = true;
	loop_timer_set(vs->save_at, SAVE_MS, 0);
}

static void
on_saved(pid_t pid, int status, void *arg)
{
	struct voters *vs = arg;

	(void)pid;
	vs->saver = NULL;
	if (status != 0)
		vs->unsaved = true;	/* said there; with the next change */
}

/*
 * In a child: this process must not wait for a disk, or its lease is over.
 * Not in the middle of a change, whose votes come back by themselves.
 */
static void
on_save(void *arg)
{
	struct voters *vs = arg;
	enum reg_result r = propose_view(vs->p)->result;
	pid_t pid;

	if (vs->saver != NULL || r == RR_BUSY) {
		save_later(vs);
		return;
	}
	fail_point(68);
	pid = fork();
	if (pid == 0)
		_exit(save(vs) == 0 ? 0 : 1);
	if (pid == -1) {
		log_warn("what the voters answered is not saved");
		return;
	}
	vs->unsaved = false;
	vs->saver = loop_child_add(vs->md->d->loop, pid, on_saved, vs);
}

static void
on_drained(void *arg)
{
	moduled_think(arg);
}

static void
open_udp(struct voters *vs)
{
	struct voters_udp *udp;
	unsigned i;

	udp = voters_udp_open(vs, vs->md->d->loop, vs->conf.cluster,
	    &vs->backend, on_drained, vs->md);
	for (i = 0; i < vs->place_count; i++)
		voters_udp_add(udp, &vs->place[i]);
}

static void
on_etcd(const char *voter, const struct vote_answer *a, void *arg)
{
	struct voters *vs = arg;

	voters_answer(vs, voter, a);
	moduled_think(vs->md);
}

bool
voters_hear_peer(const struct moduled *md)
{
	const struct voters *vs = md->voters;
	const char *p, *peer = md->conf.peer;
	size_t len = strlen(peer);

	if (vs == NULL || vs->etcd == NULL || len == 0)
		return false;
	for (p = voter_etcd_seen(vs->etcd); *p != '\0'; p += *p == ' ') {
		if (strcspn(p, " ") == len && strncmp(p, peer, len) == 0)
			return true;
		p += strcspn(p, " ");
	}
	return false;
}

static void
open_etcd(struct voters *vs)
{
	cfg_t *sec = cfg_getsec(vs->md->d->conf, "etcd");
	struct etcd_conf conf = {
		.tls = {
			.ca = cfg_getstr(sec, "ca"),
			.cert = cfg_getstr(sec, "cert"),
			.key = cfg_getstr(sec, "key"),
		},
		.prefix = cfg_getstr(sec, "prefix"),
		.node = vs->conf.node,
		.timeout_ms = vs->conf.timeout_ms,
	};
	unsigned i;

	for (i = 0; i < cfg_size(sec, "endpoints") &&
	    i < ETCD_ENDPOINT_MAX; i++)
		conf.endpoint[conf.endpoint_count++] =
		    cfg_getnstr(sec, "endpoints", i);
	vs->etcd = voter_etcd_open(vs->md->d->loop, &conf, &vs->backend,
	    on_etcd, vs);
}

struct voters *
voters_open(struct moduled *md)
{
	bool has_voters = cfg_size(md->d->conf, "voter") > 0;
	struct voters *vs;
	uint64_t seed;

	if (!has_voters && cfg_size(cfg_getsec(md->d->conf, "etcd"),
	    "endpoints") == 0)
		return NULL;
	seal_init();
	vs = xcalloc(1, sizeof(*vs));
	vs->md = md;
	read_conf(vs);
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		fatal("random numbers");
	vs->p = propose_new(&vs->conf, seed);
	vs->save_at = loop_timer_new(md->d->loop, on_save, vs);
	remember(vs);
	if (has_voters)
		open_udp(vs);
	else
		open_etcd(vs);
	return vs;
}

void
voters_close(struct voters *vs)
{
	if (vs == NULL)
		return;
	if (vs->saver != NULL)
		loop_child_del(vs->saver);
	if (vs->unsaved)
		(void)save(vs);		/* said there */
	loop_timer_free(vs->save_at);
	vs->backend.close(vs->backend.arg);
	propose_free(vs->p);
	free(vs);
}

/* --- a step --------------------------------------------------------------- */

static struct epoch
higher(struct epoch a, struct epoch b)
{
	return epoch_cmp(a, b) > 0 ? a : b;
}

/* The digits of a generation, whatever stands between them. */
static void
read_generation(uint8_t out[REG_GENERATION_LEN], const char *uuid)
{
	unsigned n = 0, digit;

	memset(out, 0, REG_GENERATION_LEN);
	for (; *uuid != '\0' && n < 2 * REG_GENERATION_LEN; uuid++) {
		if (!isxdigit((unsigned char)*uuid))
			continue;
		digit = isdigit((unsigned char)*uuid) ?
		    (unsigned)(*uuid - '0') :
		    (unsigned)(tolower((unsigned char)*uuid) - 'a' + 10);
		out[n / 2] |= (uint8_t)(n % 2 == 0 ? digit << 4 : digit);
		n++;
	}
}

static void
fill_input(struct voters *vs)
{
	const struct moduled *md = vs->md;
	const struct self_facts *f = &md->v.self;
	const struct peer_facts *peer = &md->peer;
	struct propose_input *in = &vs->in;

	in->now = mono_now();
	in->wall_s = wall_now();
	in->ask = md->dec.ask;
	in->heard = higher(higher(peer->epoch, peer->fence),
	    peer->stamp_epoch);
	in->self.known = f->known;
	in->self.running = decide_runs(&md->m, &md->v);
	in->self.strict = f->ready;
	in->self.level = f->level;
	in->self.resyncing = f->resyncing;
	in->self.epoch = f->epoch;
	in->self.fence = f->fence;
	in->self.since = f->since;
	read_generation(in->self.generation, f->current);
}

/* The steps of a change are passed once each. */
static bool
is_news(struct epoch *told, struct epoch e)
{
	if (epoch_is_none(e) || epoch_cmp(*told, e) == 0)
		return false;
	*told = e;
	return true;
}

static void
send_all(struct voters *vs)
{
	const struct reg_message *m;
	bool accepts = false;
	unsigned i;

	for (i = 0; i < vs->out.count; i++) {
		m = &vs->out.message[i];
		if (m->ask.kind == VOTE_PREPARE &&
		    is_news(&vs->prepared, m->ask.ballot))
			fail_point(62);
		if (m->ask.kind == VOTE_ACCEPT &&
		    is_news(&vs->accepted, m->ask.ballot)) {
			accepts = true;
			fail_point(63);
		}
		vs->backend.send(vs->backend.arg, m);
	}
	if (accepts)
		fail_point(64);
}

static void
tell(struct voters *vs, const struct reg_view *now)
{
	char e[EPOCH_LEN];

	if (vs->out.event[0] != '\0')
		events_add(JE_VOTER, "moduled", "%s", vs->out.event);
	if (now->result == RR_CHOSEN && is_news(&vs->chosen, now->epoch)) {
		fail_point(now->change == RC_HAND ? 67 : 65);
		events_add(JE_DECISION, "moduled", "%s chosen by vote in %s",
		    reg_change_name(now->change), epoch_human(e, now->epoch));
	}
}

void
voters_look(struct moduled *md)
{
	struct voters *vs = md->voters;

	if (vs == NULL)
		return;
	md->v.reg = *propose_view(vs->p);
	/* The store has it, and nobody was told. */
	if (epoch_cmp(md->v.self.epoch, vs->chosen) == 0 &&
	    is_news(&vs->carried, vs->chosen))
		fail_point(66);
}

void
voters_step(struct moduled *md, struct mono *wake)
{
	struct voters *vs = md->voters;
	const struct reg_view *view;

	if (vs == NULL)
		return;
	fill_input(vs);
	propose_step(vs->p, &vs->in, &vs->out);
	view = propose_view(vs->p);
	tell(vs, view);
	send_all(vs);
	if (vs->out.memory)
		save_later(vs);
	if (memcmp(view, &md->v.reg, sizeof(*view)) != 0)
		md->again = true;
	if (is_news(&vs->fenced, view->fence))
		fail_point(61);
	if (mono_is_set(vs->out.wake) && (!mono_is_set(*wake) ||
	    mono_diff_ns(vs->out.wake, *wake) < 0))
		*wake = vs->out.wake;
}

bool
voters_renew(struct moduled *md, char why[REG_TEXT])
{
	struct voters *vs = md->voters;

	if (vs == NULL) {
		(void)snprintf(why, REG_TEXT, "no etcd votes here");
		return false;
	}
	if (!propose_renew(vs->p, why))
		return false;
	save_later(vs);
	return true;
}

void
voters_answer(struct voters *vs, const char *voter,
    const struct vote_answer *a)
{
	propose_answer(vs->p, mono_now(), voter, a);
}
