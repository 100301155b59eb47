/* SPDX-License-Identifier: ISC */
/*
 * Pulse and judge.  One stream to every peer on every network at the fastest
 * pulse anyone asked for; one timer, set to the next pulse or to the moment
 * an opinion changes by silence alone.  What a datagram means is receive.c's.
 */

#include "heart.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "log.h"

#include "datagram.h"
#include "event.h"
#include "receive.h"

/* Below this a blob is not sent again: the answer may be on its way. */
#define RETRY_MIN_MS	20
/* A blob of this many fragments is sent on all networks at once. */
#define SMALL_BLOB	4
/* Own lateness worth a line whatever the modules' timeouts are. */
#define LATE_LOG_MS	1000

void
heart_keys(struct heart *h, const struct cluster_keys *ks)
{
	char context[2 * CLUSTER_NAME_LEN + 16];
	struct seal_ring *ring;
	unsigned i;

	for (i = 0; i < h->cluster.node_count; i++) {
		ring = (int)i == h->cluster.self ? &h->key :
		    &h->peer[i].key;
		(void)snprintf(context, sizeof(context), "heartd %s %s",
		    h->cluster.name, h->cluster.node[i].name);
		seal_ring_derive(ring, ks, context);
	}
	memset(h->key_id, 0, sizeof(h->key_id));
	for (i = 0; i < ks->count; i++)
		memcpy(h->key_id[i], ks->key[i].id, sizeof(h->key_id[i]));
}

int64_t
heart_pulse_ms(const struct heart *h)
{
	int64_t ms = h->options.idle_pulse_ms;
	unsigned i;

	for (i = 0; i < MODULE_MAX; i++) {
		if (h->module[i].is_used && h->module[i].wish.pulse_ms < ms)
			ms = h->module[i].wish.pulse_ms;
	}
	for (i = 0; i < h->cluster.node_count; i++) {
		if (h->peer[i].pulse_ms != 0 && h->peer[i].pulse_ms < ms)
			ms = h->peer[i].pulse_ms;
	}
	return ms;
}

/* What this node itself needs; 0 when no module listens. */
static uint32_t
own_pulse_ms(const struct heart *h)
{
	int64_t ms = 0;
	unsigned i;

	for (i = 0; i < MODULE_MAX; i++) {
		if (h->module[i].is_used &&
		    (ms == 0 || h->module[i].wish.pulse_ms < ms))
			ms = h->module[i].wish.pulse_ms;
	}
	return (uint32_t)ms;
}

void
heart_header(const struct heart *h, unsigned node, unsigned lan,
    struct incarnation to, struct mono now, struct node_header *nh)
{
	const struct peer *p = &h->peer[node];
	int64_t age_us;

	memset(nh, 0, sizeof(*nh));
	nh->from = h->self;
	nh->to = to;
	nh->pulse_ms = own_pulse_ms(h);
	nh->ping = h->sent.newest;
	memcpy(nh->machine, h->machine, sizeof(nh->machine));
	memcpy(nh->config, h->cluster.digest, sizeof(nh->config));
	if (p->ping[lan] != 0) {
		age_us = mono_diff_ns(now, p->ping_at[lan]) / 1000;
		nh->pong = age_us > UINT32_MAX ? 0 : p->ping[lan];
		nh->pong_age_us = (uint32_t)age_us;
	}
}

void
heart_send(struct heart *h, unsigned node, unsigned lan,
    struct datagram_out *d)
{
	struct prelude p = {
		.version = DATAGRAM_VERSION,
		.compat = DATAGRAM_COMPAT,
		.from = h->cluster.node[h->cluster.self].id,
		.to = h->cluster.node[node].id,
	};
	uint8_t out[DATAGRAM_MAX];
	size_t len;

	len = datagram_seal(d, &p, h->cluster.lan[lan].name,
	    &h->key.key[0], out);
	if (len == 0) {
		log_warn("a datagram for %s", h->cluster.node[node].name);
		return;
	}
	/* A network that does not take it is silent: the peer notices. */
	(void)link_send(h->links, lan, (int)node, out, len);
}

/* All modules in as many datagrams as it takes, each complete in itself. */
static void
send_beats(struct heart *h, unsigned node, unsigned lan, struct mono now)
{
	struct peer *p = &h->peer[node];
	struct node_header nh;
	struct datagram_out d;
	struct entry e;
	unsigned i;

	heart_header(h, node, lan, p->session.peer, now, &nh);
	datagram_begin(&d, DATAGRAM_BEAT, ++p->sequence[lan], &nh);
	for (i = 0; i < MODULE_MAX; i++) {
		const struct module *m = &h->module[i];

		if (!m->is_used || !(m->wish.lans & 1u << lan))
			continue;
		module_entry(m, node, h->sent.newest, &e);
		if (datagram_put_entry(&d, &e))
			continue;
		heart_send(h, node, lan, &d);
		datagram_begin(&d, DATAGRAM_BEAT, ++p->sequence[lan], &nh);
		(void)datagram_put_entry(&d, &e);	/* the first fits */
	}
	heart_send(h, node, lan, &d);
}

static void
send_fragments(struct heart *h, struct module *m, unsigned node,
    unsigned lan, struct mono now)
{
	struct peer *p = &h->peer[node];
	struct node_header nh;
	struct datagram_out d;
	struct blob_part part;
	unsigned index = 0;

	heart_header(h, node, lan, p->session.peer, now, &nh);
	memset(&part, 0, sizeof(part));
	part.id = m->wish.id;
	memcpy(part.name, m->wish.name, sizeof(part.name));
	memcpy(part.digest, m->wish.digest, sizeof(part.digest));
	while (blob_tx_next(&m->view[node].tx, &m->out, &index,
	    &part.fragment)) {
		datagram_begin(&d, DATAGRAM_BLOB, ++p->sequence[lan], &nh);
		datagram_put_blob(&d, &part);
		heart_send(h, node, lan, &d);
	}
}

/*
 * A small blob goes out on all networks, so that one dead network costs no
 * time; a large one on one network a round, another the next time.
 */
static void
send_blob_to(struct heart *h, struct module *m, unsigned node,
    struct mono now)
{
	struct view *v = &m->view[node];
	unsigned i, lan, count = h->cluster.lan_count;
	bool all = blob_fragments(m->out.len) <= SMALL_BLOB;

	blob_tx_begin(&v->tx, &m->out, now);
	for (i = 0; i < count; i++) {
		lan = (i + v->tx.rounds) % count;
		if (!(v->beat.lans & 1u << lan) ||
		    !link_is_bound(h->links, lan))
			continue;
		send_fragments(h, m, node, lan, now);
		if (!all)
			break;
	}
}

void
heart_send_blob(struct heart *h, struct module *m, struct mono now,
    int64_t retry_ms)
{
	unsigned i;

	for (i = 0; i < h->cluster.node_count; i++) {
		if (h->peer[i].is_used && m->view[i].wants &&
		    blob_tx_is_due(&m->view[i].tx, &m->out, now, retry_ms))
			send_blob_to(h, m, i, now);
	}
}

/* Modules whose moduled went, rule by rule of struct module. */
static void
age_modules(struct heart *h, struct mono now)
{
	struct module *m;

	for (m = h->module; m < h->module + MODULE_MAX; m++) {
		if (!m->is_used)
			continue;
		if (m->is_gone && mono_passed(m->gone_until, now)) {
			log_info("%s: withdrawn", m->wish.name);
			module_free(m);
		} else if (!m->is_gone && mono_passed(m->orphan_until, now)) {
			watchdog_missed(&h->watchdog, m);
			m->is_gone = true;
			m->role = STAMP_NONE;
			m->follows = false;
			blob_withdraw(&m->out);
			m->gone_until = mono_add_ms(now,
			    2 * m->wish.timeout_ms);
		}
	}
}

static void
pulse(struct heart *h, struct mono now)
{
	int64_t ms, retry_ms;
	unsigned i, lan;

	age_modules(h, now);
	ms = heart_pulse_ms(h);
	(void)sent_next(&h->sent, now);
	for (lan = 0; lan < h->cluster.lan_count; lan++) {
		if (!link_is_bound(h->links, lan))
			continue;
		for (i = 0; i < h->cluster.node_count; i++) {
			if (h->peer[i].lans & 1u << lan)
				send_beats(h, i, lan, now);
		}
	}
	retry_ms = ms > RETRY_MIN_MS ? ms : RETRY_MIN_MS;
	for (i = 0; i < MODULE_MAX; i++) {
		if (h->module[i].is_used)
			heart_send_blob(h, &h->module[i], now, retry_ms);
	}
	watchdog_feed(&h->watchdog, h->module, h->gap_ms, now);
	/* In step with the last one, unless a pulse or more was missed. */
	h->next_pulse = mono_add_ms(h->next_pulse, ms);
	if (mono_passed(h->next_pulse, now))
		h->next_pulse = mono_add_ms(now, ms);
}

void
heart_pulse_soon(struct heart *h, struct mono now)
{
	h->next_pulse = now;
	heart_arm(h, now);
}

static void
publish_news(struct heart *h, struct module *m, unsigned node,
    const struct view_news *n)
{
	if (n->gone)
		event_blob(h, NULL, m, node, true);
	if (n->stamp)
		event_stamp(h, NULL, m, node);
	if (n->mismatch)
		event_mismatch(h, NULL, m, node);
}

static void
judge_view(struct heart *h, struct module *m, unsigned node,
    struct mono now)
{
	struct view *v = &m->view[node];
	struct beat_change c;
	struct view_news n;
	unsigned i;

	if (beat_update(&v->beat, &h->peer[node].ear, now, &c)) {
		for (i = 0; i < h->cluster.lan_count; i++) {
			if (c.lans & 1u << i)
				event_net(h, NULL, m, node, i,
				    c.lan_silence_ms[i]);
		}
		if (c.peer) {
			event_peer(h, NULL, m, node);
			log_info("%s: %s is %s", m->wish.name,
			    h->cluster.node[node].name,
			    beat_state_name(v->beat.peer));
		}
		if (c.loss)
			event_loss(h, NULL, m, node,
			    v->beat.is_lost ? c.silence_ms : 0);
		/* Silence about a module counts from when it could speak. */
		if (c.peer && v->beat.peer == BEAT_UP)
			v->seen = now;
	}
	if (view_age(m, v, now, &n))
		publish_news(h, m, node, &n);
}

static void
judge(struct heart *h)
{
	struct mono now = mono_now();
	unsigned i, k;

	for (i = 0; i < h->cluster.node_count; i++) {
		if (!h->peer[i].is_used)
			continue;
		/* A peer that went needs no pulses any more. */
		if (h->peer[i].pulse_ms != 0 && peer_is_silent(h, i, now))
			h->peer[i].pulse_ms = 0;
		for (k = 0; k < MODULE_MAX; k++) {
			if (h->module[k].is_used)
				judge_view(h, &h->module[k], i, now);
		}
	}
}

void
heart_listen(struct heart *h)
{
	/*
	 * All sockets before any opinion: nobody is silent who is waiting to
	 * be read, on whichever network.
	 */
	links_drain(h->links);
	judge(h);
}

static void
void_opinions(struct heart *h, int64_t gap_ms, struct mono now)
{
	struct module *m;
	unsigned i;

	h->since = now;
	for (m = h->module; m < h->module + MODULE_MAX; m++) {
		if (!m->is_used || gap_ms <= m->wish.timeout_ms)
			continue;
		for (i = 0; i < m->view_count; i++)
			beat_void(&m->view[i].beat, now);
		event_late(h, m, gap_ms);
	}
}

struct mono
heart_now(struct heart *h)
{
	struct mono now = mono_now();
	int64_t gap_ms = wake_up(&h->wake, h->due, now);
	int64_t least = LATE_LOG_MS + h->options.idle_pulse_ms;
	unsigned i;

	h->gap_ms = gap_ms;
	for (i = 0; i < MODULE_MAX; i++) {
		if (h->module[i].is_used &&
		    h->module[i].wish.timeout_ms < least)
			least = h->module[i].wish.timeout_ms;
	}
	if (gap_ms <= least)
		return now;
	void_opinions(h, gap_ms, now);
	if (log_limit_ok(&h->late_limit, 5))
		log_warnx("this node did not run for %lld ms: what it thinks "
		    "of the others is void until it listened again",
		    (long long)gap_ms);
	return now;
}

void
heart_arm(struct heart *h, struct mono now)
{
	struct mono first = h->next_pulse, t;
	const struct module *m;
	int64_t ns;
	unsigned i;

	for (m = h->module; m < h->module + MODULE_MAX; m++) {
		for (i = 0; m->is_used && i < m->view_count; i++) {
			t = beat_deadline(&m->view[i].beat,
			    &h->peer[i].ear);
			if (mono_is_set(t) && mono_diff_ns(t, first) < 0)
				first = t;
		}
	}
	h->due = first;
	ns = mono_diff_ns(first, now);
	/* Up: a timer that fires early finds nothing to say. */
	loop_timer_set(h->timer, ns > 0 ? (ns + 999999) / 1000000 : 0, 0);
}

static void
on_timer(void *arg)
{
	struct heart *h = arg;
	struct mono now = heart_now(h);

	if (mono_passed(h->next_pulse, now))
		pulse(h, now);
	heart_listen(h);
	heart_arm(h, mono_now());
}

static void
on_ready(void *arg)
{
	struct heart *h = arg;

	(void)heart_now(h);
	heart_listen(h);
	heart_arm(h, mono_now());
}

static void
on_datagram(unsigned lan, const uint8_t *buf, size_t len,
    const struct sockaddr_storage *from, struct mono received, void *arg)
{
	receive(arg, lan, buf, len, from, received);
}

static void
on_change(unsigned lan, bool is_bound, void *arg)
{
	struct heart *h = arg;

	(void)lan;
	/* Not yet while heart_start() binds for the first time. */
	if (is_bound && h->links != NULL)
		heart_pulse_soon(h, mono_now());
}

static void
start_peers(struct heart *h)
{
	const struct cluster_node *own = &h->cluster.node[h->cluster.self];
	unsigned i, lan;

	for (i = 0; i < h->cluster.node_count; i++) {
		struct peer *p = &h->peer[i];

		p->is_used = (int)i != h->cluster.self;
		session_init(&p->session, h->self);
		for (lan = 0; lan < h->cluster.lan_count; lan++) {
			p->rtt_us[lan] = -1;
			if (p->is_used && own->lan[lan].is_set &&
			    h->cluster.node[i].lan[lan].is_set)
				p->lans |= 1u << lan;
		}
	}
}

void
heart_start(struct heart *h)
{
	static const struct link_calls calls = {
		on_ready, on_datagram, on_change,
	};
	struct mono now = mono_now();

	watchdog_open(&h->watchdog, h->options.watchdog,
	    h->options.watchdog_s);
	start_peers(h);
	h->since = now;
	h->tokens_at = now;
	h->tokens = h->options.stranger_rate;
	h->timer = loop_timer_new(h->loop, on_timer, h);
	h->links = links_new(h->loop, &h->cluster, &h->options.link, &calls,
	    h);
	heart_pulse_soon(h, now);
}

void
heart_stop(struct heart *h)
{
	unsigned i;

	watchdog_close(&h->watchdog);
	loop_timer_free(h->timer);
	links_free(h->links);
	for (i = 0; i < MODULE_MAX; i++) {
		if (h->module[i].is_used)
			module_free(&h->module[i]);
	}
	sodium_memzero(&h->key, sizeof(h->key));
}
