/* SPDX-License-Identifier: ISC */
/*
 * Agreement, filters, delivery and connections put together.  Everything that
 * happens ends in farm_think(), which asks the pure parts and carries out
 * what they say, in the order that makes a stop a stop (accord.h): filters,
 * then the file for the next farmd, then what the others may read.
 */
#include "farm.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "xalloc.h"

#include "bereft.h"

#define APPLY_RETRY_MS	1000
/* filter.h: the set of own connections, while buckets move. */
#define REFRESH_MS	5000
/* While others may still come and go, the fact of it is shown. */
#define RULES_SHOWN_MS	60000

bool
farm_news(char **at, const char *text)
{
	if (*at != NULL && strcmp(*at, text) == 0)
		return false;
	free(*at);
	*at = xstrdup(text);
	return true;
}

enum share_role
farm_role(const struct farm *f)
{
	static const enum share_role roles[] = {
		[FARM_NONE] = SHARE_NONE,
		[FARM_HOLD] = SHARE_HOLD,
		[FARM_DRAIN] = SHARE_DRAIN,
		[FARM_OPEN] = SHARE_SERVE,
	};

	return roles[f->wish.serve];
}

static bool
is_applied(const struct farm *f)
{
	return f->is_filtered && !mono_is_set(f->apply_retry);
}

static bool
takes_part(const struct farm *f)
{
	enum accord_phase phase = accord_phase(f->accord);
	const struct share_member *m = share_member(accord_share(f->accord),
	    f->in.node[f->in.self].id);

	/* Listening after a restart it goes on with what it has. */
	return m != NULL && m->role == SHARE_SERVE && phase != ACCORD_OUT &&
	    phase != ACCORD_BLOCKED && !accord_is_closed(f->accord);
}

enum farm_serve
farm_serves(const struct farm *f)
{
	bool has_addresses = vip_is_done(f);
	uint8_t self = f->in.node[f->in.self].id;

	if (f->wish.serve == FARM_NONE)
		return f->is_filtered || !has_addresses ? FARM_HOLD :
		    FARM_NONE;
	if (!is_applied(f) || (!vip_holds(f) && !f->is_taken_up))
		return FARM_NONE;
	if (f->wish.serve == FARM_OPEN && takes_part(f))
		return FARM_OPEN;
	if (f->wish.serve != FARM_DRAIN)
		return FARM_HOLD;
	for (unsigned t = 0; t < f->in.tables; t++)
		if (memchr(f->in.taker[t], self, SHARE_BUCKETS) != NULL)
			return FARM_OPEN;
	return FARM_DRAIN;
}

/* --- delivery ------------------------------------------------------- */

static bool
is_probing(const struct farm *f, unsigned i)
{
	const struct farm_peer *p = &f->peer[i];

	return p->net == ACCORD_UP && p->blob != NULL &&
	    p->blob->role != SHARE_NONE &&
	    strncmp(p->blob->conf, f->conf.digest, FARM_BLOB_DIGEST) == 0;
}

const char *
farm_delivery(const struct farm *f)
{
	if (f->vmac_addrs == 0 || !f->flood.is_proven)
		return f->use_vmac ? "vmac" : "director";
	return f->use_vmac ? "vmac" : "fallback";
}

static void
say_delivery(struct farm *f, bool before)
{
	if (before == f->use_vmac)
		return;
	if (f->use_vmac)
		log_info("farm delivery: vmac");
	else
		log_warnx("farm delivery: director, since frames to the "
		    "virtual MAC do not reach every node");
	/* Clients must learn the other MAC at once. */
	f->announce_due = true;
}

static void
think_delivery(struct farm *f, struct mono now)
{
	uint64_t expected = 0;
	bool before = f->use_vmac, any_bad, all_good;
	enum flood_result mine;

	if (f->vmac_addrs == 0)
		return;
	if (f->wish.serve == FARM_NONE) {
		flood_expect(&f->flood, 0, now);
		return;
	}
	for (unsigned i = 0; i < f->cluster.node_count; i++)
		if (is_probing(f, i))
			expected |= 1ULL << i;
	flood_expect(&f->flood, expected, now);
	mine = flood_mine(&f->flood, f->vmac_addrs, now);
	any_bad = mine == FLOOD_BAD;
	all_good = mine == FLOOD_GOOD;
	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		if ((expected >> i & 1) == 0)
			continue;
		any_bad |= f->peer[i].blob->no_flood;
		all_good &= f->peer[i].blob->probe_count > 0;
	}
	f->use_vmac = flood_conclude(&f->flood, any_bad, all_good, now);
	say_delivery(f, before);
}

/* --- filters -------------------------------------------------------- */

static void
fill_mac(struct farm *f, unsigned node, const uint8_t mac[6], uint32_t addrs)
{
	for (unsigned i = 0; i < f->in.addr_count; i++)
		if ((addrs >> i & 1) != 0)
			memcpy(f->in.intf[f->in.addr[i].intf].node_mac[node]
			    .byte, mac, 6);
}

static void
fill_macs(struct farm *f)
{
	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		const struct farm_peer *p = &f->peer[i];

		for (unsigned k = 0; k < p->mac_count; k++)
			fill_mac(f, i, p->mac[k].byte, p->mac[k].addrs);
	}
}

/* The wish to the filters; false while vipd did not say where. */
static bool
fill_input(struct farm *f)
{
	struct filter_input *in = &f->in;

	if (!places_are_known(&f->places, &f->conf) ||
	    !places_fill(&f->places, &f->conf, in))
		return false;
	fill_macs(f);
	for (unsigned i = 0; i < in->addr_count; i++)
		in->addr[i].is_vmac = f->conf.is_vmac[i] && f->use_vmac;
	in->members = accord_members(f->accord);
	in->is_director = accord_is_director(f->accord);
	in->is_closed = accord_is_closed(f->accord);
	for (unsigned t = 0; t < in->tables; t++)
		for (unsigned b = 0; b < HASH_BUCKETS; b++) {
			in->taker[t][b] = accord_taker(f->accord, t, b);
			in->keepers[t][b] = accord_keepers(f->accord, t, b);
		}
	return true;
}

static void
filter_failed(struct farm *f, const char *why, struct mono now)
{
	if (strcmp(f->filter_why, why) != 0)
		log_warnx("filter: %s: tried again every second", why);
	(void)snprintf(f->filter_why, sizeof(f->filter_why), "%s", why);
	f->apply_retry = mono_add_ms(now, APPLY_RETRY_MS);
}

static bool
open_filters(struct farm *f, char why[FILTER_WHY_LEN])
{
	if (f->filters == NULL)
		f->filters = filters_open(f->conf.backend, f->backend,
		    f->d->module, f->conf.id, why);
	return f->filters != NULL;
}

void
farm_rules_gone(struct farm *f, const char *why)
{
	log_warnx("filter: %s: changed by another program, restored", why);
	f->rules_gone = mono_now();
}

/*
 * Neither the kernel nor the agreement: others may know the rest.  Rules of
 * an interface that is gone see no packet.
 */
static bool
takes_nothing(const struct farm *f)
{
	return (!f->is_filtered || places_are_gone(&f->places, &f->conf)) &&
	    accord_is_closed(f->accord);
}

static bool
apply(struct farm *f, struct mono now)
{
	char why[FILTER_WHY_LEN] = "";
	int rc = open_filters(f, why) ?
	    filters_apply(f->filters, &f->in, why) : -1;

	f->is_tried = true;
	if (rc == -1) {
		filter_failed(f, why, now);
		return takes_nothing(f);
	}
	if (rc == 1 && !f->apply_due)
		farm_rules_gone(f, why);
	if (f->filter_why[0] != '\0')
		log_info("filter: in force");
	f->filter_why[0] = '\0';
	f->apply_retry = (struct mono){ 0 };
	f->apply_due = false;
	f->save_due |= !f->is_filtered;
	f->is_filtered = true;
	f->applied = f->in;
	f->refresh_at = filter_is_moving(&f->in) ?
	    mono_add_ms(mono_now(), REFRESH_MS) : (struct mono){ 0 };
	if (f->delivery != NULL)
		(void)delivery_set(f->delivery, &f->in);
	return true;
}

static void
take_away(struct farm *f)
{
	/* None was ever opened: of an earlier farmd then. */
	if (f->filters != NULL)
		filters_remove(f->filters);
	else
		filters_sweep(f->d->module, f->conf.id);
	if (f->delivery != NULL) {
		/* It takes back what it has set; so has an earlier one. */
		(void)delivery_set(f->delivery, &f->in);
		delivery_clear(f->delivery);
	}
	f->is_filtered = f->is_tried = false;
	f->save_due = true;
	f->refresh_at = f->apply_retry = (struct mono){ 0 };
	log_info("filter: removed");
}

/* True: the kernel does what the agreement says, others may know. */
static bool
do_filters(struct farm *f, struct mono now)
{
	if (f->wish.serve == FARM_NONE && !f->is_filtered)
		return true;
	/*
	 * Before the first word of the others their MACs are not known, nor
	 * what they keep: what an earlier farmd left is better.
	 */
	if (!f->heart_told || !fill_input(f))
		return takes_nothing(f);
	if (mono_is_set(f->apply_retry) && !mono_passed(f->apply_retry, now))
		return takes_nothing(f);
	if (!f->is_filtered || f->apply_due ||
	    mono_passed(f->refresh_at, now) ||
	    memcmp(&f->in, &f->applied, sizeof(f->in)) != 0)
		return apply(f, now);
	return true;
}

/* --- publishing ----------------------------------------------------- */

static void
blob_add_mac(struct farm_blob *b, unsigned addr, const uint8_t mac[6])
{
	unsigned i = 0;

	while (i < b->mac_count && memcmp(b->mac[i].byte, mac, 6) != 0)
		i++;
	if (i == FARM_BLOB_MAC_MAX)
		return;	/* as many as a filter takes: not reached */
	if (i == b->mac_count) {
		memcpy(b->mac[i].byte, mac, 6);
		b->mac_count++;
	}
	b->mac[i].addrs |= 1u << addr;
}

static void
fill_blob(struct farm *f, struct farm_blob *b, const char *code)
{
	struct mono now = mono_now();

	accord_publish(f->accord, b);
	for (unsigned i = 0; i < f->conf.addr_count; i++)
		if (f->places.addr[i].is_known)
			blob_add_mac(b, i, f->places.addr[i].mac.byte);
	/* Somebody is enough: which one would be news each time. */
	if (f->vmac_addrs != 0 &&
	    flood_mine(&f->flood, f->vmac_addrs, now) == FLOOD_GOOD) {
		b->probe_count = 1;
		b->probe[0] = f->in.node[f->in.self].id;
	}
	b->no_flood = f->vmac_addrs != 0 &&
	    flood_mine(&f->flood, f->vmac_addrs, now) == FLOOD_BAD;
	(void)snprintf(b->delivery, sizeof(b->delivery), "%s",
	    farm_delivery(f));
	(void)snprintf(b->backend, sizeof(b->backend), "%s",
	    f->filters != NULL ? filters_name(f->filters) : "");
	(void)snprintf(b->state, sizeof(b->state), "%s", f->wish.state);
	(void)snprintf(b->quality, sizeof(b->quality), "%s",
	    f->wish.quality);
	(void)snprintf(b->reason, sizeof(b->reason), "%s", f->wish.reason);
	(void)snprintf(b->code, sizeof(b->code), "%s", code);
	b->since_s = f->wish.since_s;
	b->standby = f->wish.standby;
	b->draining = f->draining;
}

static void
publish(struct farm *f)
{
	char text[FARM_BLOB_MAX + 1], why[FARM_TEXT_LEN];
	struct farm_blob *b = xcalloc(1, sizeof(*b));
	bool blocks;

	fill_blob(f, b, facts_code(f, why, &blocks));
	if (!farm_blob_format(text, sizeof(text), b))
		panic("what this node publishes does not fit a line: too "
		    "many different powers, see userconfig.xml(5)");
	free(b);
	if (f->save_due && memory_save(f))
		f->save_due = false;
	if (farm_news(&f->said_blob, text) && ask_is_up(f->heart))
		heart_publish(f, f->said_blob);
}

/* --- thinking ------------------------------------------------------- */

static void
earlier(struct mono *best, struct mono t)
{
	if (mono_is_set(t) && (!mono_is_set(*best) || t.ns < best->ns))
		*best = t;
}

static void
arm(struct farm *f, struct mono wake)
{
	struct mono now = mono_now();
	int64_t ns;

	earlier(&wake, f->flows_due);
	earlier(&wake, f->apply_retry);
	earlier(&wake, f->refresh_at);
	if (mono_is_set(f->rules_gone))
		earlier(&wake, mono_add_ms(f->rules_gone, RULES_SHOWN_MS));
	if (f->vmac_addrs != 0)
		earlier(&wake, flood_next(&f->flood, f->vmac_addrs, now));
	if (!mono_is_set(wake)) {
		loop_timer_cancel(f->wake);
		return;
	}
	ns = mono_diff_ns(wake, now);
	/* Rounded up: a timer that comes too early comes twice. */
	loop_timer_set(f->wake, ns <= 0 ? 0 : (ns + 999999) / 1000000, 0);
}

static void
fill_accord(struct farm *f, struct mono now)
{
	struct accord_in *in = &f->accord_in;

	in->now = now;
	in->role = farm_role(f);
	do
		in->random = arc4random();
	while (in->random == 0);
	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		in->peer[i].net = f->peer[i].net;
		in->peer[i].blob = f->peer[i].blob;
	}
}

static void
note_share(struct farm *f)
{
	const struct share *s = accord_share(f->accord);
	uint64_t digest = share_digest(s);

	if (s->epoch == f->said_epoch && digest == f->said_digest)
		return;
	/* Somebody may have had another half, and its clients another MAC. */
	f->announce_due |= accord_is_director(f->accord);
	f->said_epoch = s->epoch;
	f->said_digest = digest;
	if (s->epoch != 0)
		facts_log(f);
}

static void
think_once(struct farm *f)
{
	struct mono now = mono_now();
	struct accord_out out = { 0 };

	if (mono_is_set(f->rules_gone) &&
	    mono_diff_ms(now, f->rules_gone) >= RULES_SHOWN_MS)
		f->rules_gone = (struct mono){ 0 };
	drain_look(f, now);
	fill_accord(f, now);
	accord_think(f->accord, &f->accord_in, &out);
	f->accord_in.was_late = false;
	if (out.expired)
		drain_end(f);
	think_delivery(f, now);
	note_share(f);
	/* First: vipd works beside us while the kernel takes the filter. */
	vip_wish(f);
	/* Stays due while a filter that refuses keeps it from being said. */
	f->save_due |= out.blob || out.buckets;
	if (do_filters(f, now)) {
		publish(f);
		bereft_look(f);
	}
	/* It may be the first that is in force. */
	vip_wish(f);
	if (f->wish.serve == FARM_NONE && (f->is_filtered || f->is_tried) &&
	    vip_is_done(f) &&
	    (!f->apply_due || mono_is_set(f->apply_retry))) {
		take_away(f);
		publish(f);
	}
	/* Draining began just now. */
	drain_look(f, now);
	facts_tell(f);
	arm(f, out.wake);
}

void
farm_think(struct farm *f)
{
	if (f->is_thinking) {
		f->think_again = true;
		return;
	}
	f->is_thinking = true;
	do {
		f->think_again = false;
		think_once(f);
	} while (f->think_again);
	f->is_thinking = false;
}
