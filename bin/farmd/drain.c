/* SPDX-License-Identifier: ISC */
/*
 * The connections that are left: of each bucket that moved away from here,
 * and of all when this node is to stop.
 */
#include "farm.h"

#include <string.h>

#include "log.h"

/* Listing the sockets of a busy server costs: at most a twentieth of it. */
#define LOOK_MS		500
#define LOOK_COST	20
#define LOOK_MAX_MS	2000
/* The first look: SYNs that were answered may still be on their way. */
#define FIRST_MS	1000
#define FIRST_DRAIN_MS	200

/* The rule a TCP packet to it follows, or -1. */
static int
rule_of(const struct filter_input *in, const struct flow *flow)
{
	for (unsigned i = 0; i < in->rule_count; i++) {
		const struct filter_rule *r = &in->rule[i];
		const struct filter_addr *a = r->addr >= 0 ?
		    &in->addr[r->addr] : NULL;

		if (r->proto != FP_TCP || flow->local_port < r->low ||
		    flow->local_port > r->high)
			continue;
		if (a == NULL || (a->family == flow->family &&
		    memcmp(a->ip, flow->local, sizeof(a->ip)) == 0))
			return (int)i;
	}
	return -1;
}

static bool
bucket_of(const struct filter_input *in, const struct flow *flow,
    unsigned *table, unsigned *bucket)
{
	int i = rule_of(in, flow);

	if (i < 0)
		return false;
	*table = in->group[in->rule[i].group].table;
	*bucket = in->rule[i].key == FK_PORT ? hash_addr_and(flow->family,
	    flow->peer, flow->peer_port, in->seed) :
	    hash_addr(flow->family, flow->peer, in->seed);
	return true;
}

static void
count(struct farm *f)
{
	const struct share_set *keeps = accord_keeps(f->accord);
	struct share_set live;
	unsigned all = 0, kept = 0, table, bucket;

	memset(&live, 0, sizeof(live));
	for (unsigned i = 0; i < f->flows.count; i++) {
		const struct flow *flow = &f->flows.flow[i];

		if (!flow_is_live(flow))
			continue;
		all++;
		if (!bucket_of(&f->in, flow, &table, &bucket) ||
		    !share_set_has(keeps, table, bucket))
			continue;
		kept++;
		share_set_add(&live, table, bucket);
	}
	accord_keep_only(f->accord, &live);
	f->draining = f->wish.serve == FARM_DRAIN ? all : kept;
}

static bool
takes_anything(const struct farm *f)
{
	uint8_t self = f->in.node[f->in.self].id;

	for (unsigned t = 0; t < f->in.tables; t++)
		if (memchr(f->in.taker[t], self, SHARE_BUCKETS) != NULL)
			return true;
	return false;
}

void
drain_look(struct farm *f, struct mono now)
{
	bool is_drain = f->wish.serve == FARM_DRAIN;
	struct mono after;
	int64_t cost_ms;

	if (!is_drain && share_set_is_empty(accord_keeps(f->accord))) {
		f->flows_due = (struct mono){ 0 };
		f->draining = 0;
		f->is_drained = false;
		flows_free(&f->flows);
		return;
	}
	if (!mono_is_set(f->flows_due))
		f->flows_due = mono_add_ms(now, is_drain ? FIRST_DRAIN_MS :
		    FIRST_MS);
	if (!mono_passed(f->flows_due, now))
		return;
	if (flows_read(&f->flows, f->conf.addr, f->conf.addr_count) == 0) {
		count(f);
		f->is_drained = is_drain && f->draining == 0 &&
		    !takes_anything(f);
	} else
		log_warn("connections cannot be listed");
	after = mono_now();
	cost_ms = mono_diff_ms(after, now) * LOOK_COST;
	if (cost_ms > LOOK_MAX_MS)
		cost_ms = LOOK_MAX_MS;
	f->flows_due = mono_add_ms(after, cost_ms > LOOK_MS ? cost_ms :
	    LOOK_MS);
}

static bool
is_expired(const struct flow *flow, void *arg)
{
	const struct farm *f = arg;
	unsigned table, bucket;

	return bucket_of(&f->in, flow, &table, &bucket) &&
	    share_set_has(accord_expired(f->accord), table, bucket);
}

void
drain_end(struct farm *f)
{
	int n = -1;

	if (flows_read(&f->flows, f->conf.addr, f->conf.addr_count) == 0)
		n = flows_end(&f->flows, is_expired, f);
	if (n == -1)
		log_warn("connections whose drain ended cannot be reset");
	else if (n > 0)
		log_info("farm: %d connections reset, their drain of %lld s "
		    "ended", n, (long long)(f->conf.drain_ms / 1000));
}
