/* SPDX-License-Identifier: ISC */
/*
 * What arrives.  Nobody's datagram ends this daemon: what does not open, is
 * seen again, is meant for somebody else or makes no sense is counted, logged
 * at a limited rate, told to the watchers and dropped.  What opens counts as
 * a sign of life only when incarnation.c says it is this life's and newest.
 */

#include "receive.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "log.h"

#include "datagram.h"
#include "event.h"

/* Lines and events for each reason, in 10 s. */
#define DROP_LOG_BURST	3
/* A peer silent for this long asks for no pulses any more. */
#define SILENT_MS	10000

/* One datagram on its way through this file. */
struct arrival {
	unsigned		 lan, node;
	struct mono		 received;
	struct frame_in		 frame;
	struct node_header	 header;
	enum verdict		 verdict;
	struct auth		 auth;	/* zero unless the type is auth */
};

const char *
drop_name(unsigned reason)
{
	switch (reason) {
	case DROP_UNKNOWN_NODE:
		return "unknown-node";
	case DROP_REFLECTED:
		return "reflected";
	case DROP_MISDIRECTED:
		return "misdirected";
	case DROP_REPLAY:
		return "replay";
	case DROP_CLONE:
		return "clone";
	case DROP_FLOOD:
		return "flood";
	default:
		return datagram_error_name((enum datagram_error)reason);
	}
}

bool
peer_is_silent(const struct heart *h, unsigned node, struct mono now)
{
	unsigned i;

	for (i = 0; i < h->cluster.lan_count; i++) {
		struct mono t = h->peer[node].ear.heard[i];

		if (mono_is_set(t) && mono_diff_ms(now, t) < SILENT_MS)
			return false;
	}
	return true;
}

static void
drop(struct heart *h, unsigned reason, unsigned lan,
    const struct sockaddr_storage *from)
{
	char addr[ADDR_LEN];

	h->dropped[reason]++;
	if (!log_limit_ok(&h->drop_limit[reason], DROP_LOG_BURST))
		return;
	(void)addr_str(addr, from);
	log_warnx("%s: datagram from %s dropped: %s",
	    h->cluster.lan[lan].name, addr, drop_name(reason));
	event_foreign(h, addr, drop_name(reason));
}

/* Strangers may make us try to open so many a second, and no more. */
static bool
stranger_has_budget(struct heart *h, struct mono now)
{
	int64_t rate = h->options.stranger_rate;
	int64_t more = mono_diff_ms(now, h->tokens_at) * rate / 1000;

	if (more > 0) {
		h->tokens = h->tokens + more > rate ? rate :
		    h->tokens + more;
		h->tokens_at = now;
	}
	return h->tokens > 0;
}

static bool
is_peer_addr(const struct heart *h, unsigned lan,
    const struct sockaddr_storage *from)
{
	unsigned i;

	for (i = 0; i < h->cluster.node_count; i++) {
		if ((h->peer[i].lans & 1u << lan) &&
		    addr_equal(&h->cluster.node[i].lan[lan].addr, from))
			return true;
	}
	return false;
}

/* Whose it says it is; DATAGRAM_OK or the reason to drop it. */
static unsigned
find_sender(const struct heart *h, const uint8_t *buf, size_t len,
    unsigned *node)
{
	enum datagram_error error;
	struct prelude p;
	int from;

	error = datagram_prelude(&p, buf, len);
	if (error != DATAGRAM_OK)
		return error;
	from = cluster_node_by_id(&h->cluster, p.from);
	if (from < 0)
		return DROP_UNKNOWN_NODE;
	if (from == h->cluster.self)
		return DROP_REFLECTED;
	if (p.to != h->cluster.node[h->cluster.self].id)
		return DROP_MISDIRECTED;
	*node = (unsigned)from;
	return DATAGRAM_OK;
}

static void
send_auth(struct heart *h, const struct arrival *a, bool challenge,
    const uint8_t *answer)
{
	struct peer *p = &h->peer[a->node];
	struct node_header nh;
	struct datagram_out d;
	struct auth auth;

	memset(&auth, 0, sizeof(auth));
	if (answer != NULL) {
		auth.has_answer = true;
		memcpy(auth.answer, answer, NONCE_LEN);
	}
	if (challenge) {
		auth.has_challenge = true;
		memcpy(auth.challenge, p->session.nonce, NONCE_LEN);
	}
	heart_header(h, a->node, a->lan, a->header.from, mono_now(), &nh);
	datagram_begin(&d, DATAGRAM_AUTH, ++p->sequence[a->lan], &nh);
	datagram_put_auth(&d, &auth);
	heart_send(h, a->node, a->lan, &d);
}

/* Answers a challenge, and challenges a life that is not accepted yet. */
static void
authenticate(struct heart *h, const struct arrival *a)
{
	struct session *s = &h->peer[a->node].session;
	bool answer, challenge = false;
	uint8_t random[NONCE_LEN];

	answer = a->auth.has_challenge &&
	    incarnation_equal(a->header.to, h->self) &&
	    session_may_answer(s, a->received);
	if (a->verdict == VERDICT_STRANGER) {
		randombytes_buf(random, sizeof(random));
		challenge = session_challenge(s, a->lan, random,
		    a->received);
	}
	if (answer || challenge)
		send_auth(h, a, challenge,
		    answer ? a->auth.challenge : NULL);
}

/* A new life of a peer: all that counted for the old one begins anew. */
static void
accept_life(struct heart *h, const struct arrival *a)
{
	struct peer *p = &h->peer[a->node];
	unsigned i;

	memset(p->ping, 0, sizeof(p->ping));
	for (i = 0; i < MODULE_MAX; i++) {
		if (!h->module[i].is_used)
			continue;
		view_restart(&h->module[i].view[a->node], a->received);
		event_life(h, NULL, &h->module[i], a->node);
	}
	if (log_limit_ok(&h->life_limit, 10))
		log_info("%s: life %llu accepted on %s",
		    h->cluster.node[a->node].name,
		    (unsigned long long)a->header.from.count,
		    h->cluster.lan[a->lan].name);
	/* It knows nothing of us: tell it without waiting. */
	heart_pulse_soon(h, mono_now());
}

static void
take_header(struct heart *h, const struct arrival *a)
{
	struct peer *p = &h->peer[a->node];
	const struct node_header *nh = &a->header;
	struct mono sent = sent_at(&h->sent, nh->pong);
	int64_t ns;

	p->ear.heard[a->lan] = a->received;
	memcpy(p->machine, nh->machine, sizeof(p->machine));
	memcpy(p->config, nh->config, sizeof(p->config));
	if (nh->ping > p->ping[a->lan]) {
		p->ping[a->lan] = nh->ping;
		p->ping_at[a->lan] = a->received;
	}
	if (mono_is_set(sent)) {
		ns = mono_diff_ns(a->received, sent) -
		    (int64_t)nh->pong_age_us * 1000;
		p->rtt_us[a->lan] = ns > 0 ? ns / 1000 : 0;
	}
	if (p->pulse_ms != nh->pulse_ms) {
		p->pulse_ms = nh->pulse_ms;
		/* It wants faster pulses: not only after the slow one. */
		heart_pulse_soon(h, mono_now());
	}
}

static void
take_entry(struct heart *h, const struct arrival *a, const struct entry *e)
{
	struct module *m = module_find(h->module, e->name);
	struct mono now = mono_now();
	struct view_news n;
	struct view *v;

	if (m == NULL) {
		m = module_with_id(h->module, e->id, e->name);
		if (m != NULL && view_clash(m, &m->view[a->node], e, now))
			event_mismatch(h, NULL, m, a->node);
		return;
	}
	v = &m->view[a->node];
	if (!view_take(m, v, e, &h->sent, a->received, &n))
		return;
	if (n.gone)
		event_blob(h, NULL, m, a->node, true);
	if (n.stamp)
		event_stamp(h, NULL, m, a->node);
	if (n.mismatch)
		event_mismatch(h, NULL, m, a->node);
	if (n.lease)
		event_lease(h, NULL, m, a->node, now);
	if (n.grant)
		event_grant(h, NULL, m, a->node);
	if (n.joined) {
		heart_send_blob(h, m, now, 0);
		/* Its first word waits for no pulse of ours, either. */
		heart_pulse_soon(h, now);
	}
}

static int
take_beat(struct heart *h, struct arrival *a)
{
	struct entry e;

	while (datagram_get_entry(&a->frame, &e))
		take_entry(h, a, &e);
	return a->frame.bad ? -1 : 0;
}

static void
send_ack(struct heart *h, const struct arrival *a, const struct module *m,
    uint64_t version)
{
	struct peer *p = &h->peer[a->node];
	struct node_header nh;
	struct datagram_out d;
	struct blob_ack ack;

	memset(&ack, 0, sizeof(ack));
	memcpy(ack.name, m->wish.name, sizeof(ack.name));
	ack.version = version;
	blob_in_have(&m->view[a->node].in, version, &ack.have);
	heart_header(h, a->node, a->lan, p->session.peer, mono_now(), &nh);
	datagram_begin(&d, DATAGRAM_ACK, ++p->sequence[a->lan], &nh);
	datagram_put_ack(&d, &ack);
	heart_send(h, a->node, a->lan, &d);
}

static int
take_blob(struct heart *h, struct arrival *a)
{
	struct blob_part part;
	enum blob_result result;
	struct module *m;
	struct view *v;

	if (datagram_get_blob(&a->frame, &part) != 0 ||
	    !frame_done(&a->frame))
		return -1;
	m = module_find(h->module, part.name);
	if (m == NULL)
		return 0;
	v = &m->view[a->node];
	result = blob_in_take(&v->in, &part.fragment);
	if (result == BLOB_BAD)
		return -1;
	/* The last one of a round: the sender learns what is missing. */
	if (result == BLOB_DONE || result == BLOB_KNOWN ||
	    (result == BLOB_MORE && part.fragment.index + 1 ==
	    blob_fragments(part.fragment.total)))
		send_ack(h, a, m, part.fragment.version);
	if (result == BLOB_DONE) {
		v->id = part.id;
		memcpy(v->digest, part.digest, sizeof(v->digest));
		event_blob(h, NULL, m, a->node, false);
		if (view_compare(m, v))
			event_mismatch(h, NULL, m, a->node);
	}
	return 0;
}

static int
take_ack(struct heart *h, struct arrival *a)
{
	struct blob_ack ack;
	struct module *m;

	if (datagram_get_ack(&a->frame, &ack) != 0 ||
	    !frame_done(&a->frame))
		return -1;
	m = module_find(h->module, ack.name);
	if (m != NULL)
		blob_tx_ack(&m->view[a->node].tx, &m->out, ack.version,
		    &ack.have);
	return 0;
}

static int
take_body(struct heart *h, struct arrival *a)
{
	switch (a->frame.type) {
	case DATAGRAM_BEAT:
		/* Overtaken: a newer one has told it better. */
		return a->verdict == VERDICT_LATE ? 0 : take_beat(h, a);
	case DATAGRAM_BLOB:
		return take_blob(h, a);
	case DATAGRAM_ACK:
		return take_ack(h, a);
	default:
		/* Auth was handled; a newer sender may know more types. */
		return 0;
	}
}

/* The part of an auth that decides who it is comes before all else. */
static int
read_auth(struct arrival *a)
{
	memset(&a->auth, 0, sizeof(a->auth));
	if (a->frame.type != DATAGRAM_AUTH)
		return 0;
	return datagram_get_auth(&a->frame, &a->auth) == 0 &&
	    frame_done(&a->frame) ? 0 : -1;
}

/*
 * A node whose machine is another one's, or this one: a copy of its disk.
 * The one that is heard stays, the other is refused.
 */
static bool
is_clone(struct heart *h, const struct arrival *a)
{
	const uint8_t *m = a->header.machine;
	struct peer *p = &h->peer[a->node];
	bool own = memcmp(m, h->machine, MACHINE_LEN) == 0;
	unsigned i;

	if (!machine_is_known(m))
		return false;
	for (i = 0; i < h->cluster.node_count; i++) {
		if ((int)i == h->cluster.self ? !own : i == a->node ||
		    memcmp(m, h->peer[i].machine, MACHINE_LEN) != 0 ||
		    peer_is_silent(h, i, a->received))
			continue;
		p->clone_at = a->received;
		p->clone_of = i;
		if (log_limit_ok(&h->clone_limit, 1))
			log_warnx("%s has the machine-id of %s: it is a copy "
			    "of that machine and is not heard; give it its "
			    "own by systemd-machine-id-setup",
			    h->cluster.node[a->node].name,
			    h->cluster.node[i].name);
		return true;
	}
	return false;
}

/* One name, two machines that answer: the later one is refused. */
static void
look_for_twin(struct heart *h, const struct arrival *a,
    struct incarnation was)
{
	struct peer *p = &h->peer[a->node];

	if (twin_accept(&p->twin, was, a->header.from, a->received) &&
	    log_limit_ok(&h->clone_limit, 1))
		log_warnx("%s is there twice, lives %llu and %llu: two "
		    "machines have its key and name; the second is not "
		    "heard: switch one off",
		    h->cluster.node[a->node].name,
		    (unsigned long long)a->header.from.count,
		    (unsigned long long)was.count);
}

static unsigned
take(struct heart *h, struct arrival *a)
{
	struct incarnation was = h->peer[a->node].session.peer;
	struct session_seen seen = {
		.lan = a->lan,
		.from = a->header.from,
		.to = a->header.to,
		.sequence = a->frame.sequence,
	};

	if (read_auth(a) != 0)
		return DATAGRAM_MALFORMED;
	if (is_clone(h, a) || twin_is_refused(&h->peer[a->node].twin,
	    a->header.from, a->received))
		return DROP_CLONE;
	if (a->auth.has_answer)
		seen.answer = a->auth.answer;
	a->verdict = session_judge(&h->peer[a->node].session, &seen,
	    a->received);
	if (a->verdict == VERDICT_REPLAY)
		return DROP_REPLAY;
	if (a->verdict == VERDICT_OTHER_LIFE)
		return DATAGRAM_OK;
	if (a->verdict == VERDICT_ACCEPTED) {
		look_for_twin(h, a, was);
		accept_life(h, a);
	}
	authenticate(h, a);
	if (a->verdict == VERDICT_STRANGER)
		return DATAGRAM_OK;
	if (a->verdict != VERDICT_LATE)
		take_header(h, a);
	return take_body(h, a) == 0 ? DATAGRAM_OK : DATAGRAM_MALFORMED;
}

/* While keys change, the sender may have the other one already, or still. */
static unsigned
unseal(const struct heart *h, unsigned lan, unsigned node,
    const uint8_t *buf, size_t len, uint8_t plain[DATAGRAM_MAX],
    size_t *plain_len)
{
	const struct seal_ring *ring = &h->peer[node].key;
	unsigned i, why = DATAGRAM_SEAL;

	for (i = 0; i < ring->count && why == DATAGRAM_SEAL; i++)
		why = datagram_unseal(plain, plain_len, buf, len,
		    h->cluster.lan[lan].name, &ring->key[i]);
	return why;
}

void
receive(struct heart *h, unsigned lan, const uint8_t *buf, size_t len,
    const struct sockaddr_storage *from, struct mono received)
{
	struct arrival a = { .lan = lan, .received = received };
	uint8_t plain[DATAGRAM_MAX];
	bool is_stranger = !is_peer_addr(h, lan, from);
	size_t plain_len = 0;
	unsigned why;

	if (is_stranger && !stranger_has_budget(h, mono_now())) {
		drop(h, DROP_FLOOD, lan, from);
		return;
	}
	why = find_sender(h, buf, len, &a.node);
	if (why == DATAGRAM_OK)
		why = unseal(h, lan, a.node, buf, len, plain, &plain_len);
	if (why != DATAGRAM_OK) {
		if (is_stranger)
			h->tokens--;
		drop(h, why, lan, from);
		return;
	}
	why = datagram_open(&a.frame, &a.header, plain, plain_len);
	if (why == DATAGRAM_OK)
		why = take(h, &a);
	if (why != DATAGRAM_OK)
		drop(h, why, lan, from);
}
