/* SPDX-License-Identifier: ISC */
/*
 * The bpf backend: keeps one bpfengine attached at each interface of the
 * module.  What only changes shares and MACs goes into its maps; for anything
 * else a new one is loaded and put in the old one's place, so that a packet
 * meets one or the other.  A farmd that comes back does the same, and so
 * needs nothing of what its predecessor knew but the counts.
 *
 * Who refuses is nftables, for the packets that farm_tc marks: refusal.c.
 */
#include "filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "xalloc.h"

#include "bpfengine.h"
#include "bpfobj.h"
#include "bpfpage.h"
#include "bpftrial.h"
#include "refusal.h"
#include "tcprog.h"
#include "tickle.h"
#include "xdpprog.h"

struct filter {
	unsigned		id;
	struct bpfengine	*engine;	/* NULL: before apply() */
	bool			is_broken;	/* build it anew */
	struct filter_input	in;		/* what is in force */
	bool			xdp[FILTER_INTF_MAX];
	char			xdp_why[FILTER_INTF_MAX][FILTER_WHY_LEN];
	struct refusal		refusal;
	uint64_t		dropped;	/* by XDP, until last asked */
	uint64_t		dropped_seen;
};

static bool
bpf_supported(char why[FILTER_WHY_LEN])
{
	bpfobj_init();
	return bpftrial_ok(why) && refusal_ok(why);
}

static struct filter *
bpf_open(const char *module, unsigned id, char why[FILTER_WHY_LEN])
{
	struct filter *f;

	if (id == 0 || id >= FARM_BPF_MODULES) {
		snprintf(why, FILTER_WHY_LEN,
		    "%s: id %u is none of 1 to 255", module, id);
		return NULL;
	}
	bpfobj_init();
	f = xcalloc(1, sizeof(*f));
	f->id = id;
	if (refusal_init(&f->refusal, module, why) == -1) {
		refusal_fini(&f->refusal);
		free(f);
		return NULL;
	}
	return f;
}

static bool
is_interface_of(const struct filter_input *in, unsigned ifindex)
{
	for (unsigned i = 0; in != NULL && i < in->intf_count; i++)
		if (in->intf[i].index == ifindex)
			return true;
	return false;
}

/* Leaves nothing of the module at interfaces that are not of `in'. */
static void
sweep(struct filter *f, const struct filter_input *in)
{
	struct if_nameindex *all = if_nameindex();

	if (all == NULL)
		return;
	for (struct if_nameindex *i = all; i->if_index != 0; i++)
		if (!is_interface_of(in, i->if_index)) {
			tcprog_detach(i->if_index, f->id);
			xdpprog_clear(i->if_index, f->id);
		}
	if_freenameindex(all);
}

/* The program that is in force, of this farmd or an earlier one. */
static uint32_t
predecessor(struct filter *f, const struct filter_input *in)
{
	uint32_t id = 0;

	if (f->engine != NULL)
		return bpfengine_id(f->engine);
	for (unsigned i = 0; id == 0 && i < in->intf_count; i++)
		id = tcprog_attached(in->intf[i].index, f->id);
	return id;
}

/* Groups have the same numbers: what was counted for one is still its. */
static bool
has_same_groups(const struct filter *f, const struct filter_input *in)
{
	if (f->engine == NULL)
		return true;
	if (f->in.group_count != in->group_count)
		return false;
	for (unsigned i = 0; i < in->group_count; i++)
		if (strcmp(f->in.group[i].name, in->group[i].name) != 0)
			return false;
	return true;
}

/* The first `count' interfaces of `in' get back what they had. */
static void
restore(struct filter *f, const struct filter_input *in, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned ifindex = in->intf[i].index;

		if (f->engine == NULL || !is_interface_of(&f->in, ifindex))
			tcprog_detach(ifindex, f->id);
		else if (tcprog_attach(ifindex, f->id,
		    bpfengine_fd(f->engine)) == -1)
			log_warn("%s: old tc filter", in->intf[i].name);
	}
}

/* All interfaces or none. */
static int
attach(struct filter *f, const struct bpfengine *e,
    const struct filter_input *in, char why[FILTER_WHY_LEN])
{
	for (unsigned i = 0; i < in->intf_count; i++)
		if (tcprog_attach(in->intf[i].index, f->id,
		    bpfengine_fd(e)) == -1) {
			bpfobj_why(why, "%s: tc filter with pref %u",
			    in->intf[i].name, TCPROG_PREF + f->id);
			restore(f, in, i);
			return -1;
		}
	return 0;
}

/* Said when it changes: somebody may count on the speed. */
static void
say_xdp(struct filter *f, const struct filter_intf *intf, unsigned i,
    bool was, const char *why)
{
	if (f->xdp[i] && !was)
		log_info("%s: foreign frames are dropped by native XDP",
		    intf->name);
	else if (!f->xdp[i] && strcmp(f->xdp_why[i], why) != 0)
		log_info("%s: no XDP, tc drops foreign frames: %s",
		    intf->name, why);
	strlcpy(f->xdp_why[i], why, sizeof(f->xdp_why[i]));
}

static void
shortcut(struct filter *f, const struct filter_input *in)
{
	struct xdpprog_page page[FILTER_ADDR_MAX];

	for (unsigned i = 0; i < in->intf_count; i++) {
		const struct filter_intf *intf = &in->intf[i];
		unsigned count = bpfengine_pages(f->engine, in, i, page);
		bool was = f->xdp[i];
		char why[FILTER_WHY_LEN] = "";

		f->xdp[i] = count > 0 && xdpprog_set(intf->index, f->id, page,
		    count, why) == 0;
		if (count == 0)
			xdpprog_clear(intf->index, f->id);
		else
			say_xdp(f, intf, i, was, why);
	}
}

/* A new engine in the place of the old one. */
static int
renew(struct filter *f, const struct filter_input *in,
    char why[FILTER_WHY_LEN])
{
	struct bpfengine *e = bpfengine_new(in,
	    has_same_groups(f, in) ? predecessor(f, in) : 0, why);

	if (e == NULL)
		return -1;
	if (attach(f, e, in, why) == -1) {
		bpfengine_free(e);
		return -1;
	}
	if (refusal_set(&f->refusal, in, bpfengine_mark(f->id), why) == -1) {
		restore(f, in, in->intf_count);
		bpfengine_free(e);
		return -1;
	}
	bpfengine_free(f->engine);
	f->engine = e;
	f->is_broken = false;
	memset(f->xdp, 0, sizeof(f->xdp));
	shortcut(f, in);
	sweep(f, in);
	return 0;
}

static bool
has_same_interfaces(const struct filter_input *a,
    const struct filter_input *b)
{
	if (a->intf_count != b->intf_count)
		return false;
	for (unsigned i = 0; i < a->intf_count; i++)
		if (a->intf[i].index != b->intf[i].index ||
		    strcmp(a->intf[i].name, b->intf[i].name) != 0)
			return false;
	return true;
}

static bool
has_same_delivery(const struct filter_input *a, const struct filter_input *b)
{
	for (unsigned i = 0; i < a->addr_count; i++)
		if (a->addr[i].is_vmac != b->addr[i].is_vmac ||
		    a->addr[i].intf != b->addr[i].intf)
			return false;
	return true;
}

static int
bpf_apply(struct filter *f, const struct filter_input *in,
    char why[FILTER_WHY_LEN])
{
	const char *error = bpfpage_error(in);

	if (error != NULL) {
		strlcpy(why, error, FILTER_WHY_LEN);
		return -1;
	}
	if (f->engine == NULL || f->is_broken || !bpfpage_same(&f->in, in) ||
	    !has_same_interfaces(&f->in, in)) {
		if (renew(f, in, why) == -1)
			return -1;
	} else {
		if (memcmp(f->in.intf, in->intf, sizeof(in->intf)) != 0 &&
		    bpfengine_macs(f->engine, in) == -1) {
			bpfobj_why(why, "MACs of the nodes");
			return -1;
		}
		bpfengine_share(f->engine, in);
		if (!has_same_delivery(&f->in, in))
			shortcut(f, in);
	}
	f->in = *in;
	return 0;
}

static bool
is_intact(struct filter *f, char why[FILTER_WHY_LEN])
{
	struct xdpprog_page page[FILTER_ADDR_MAX];
	uint32_t id = bpfengine_id(f->engine);

	for (unsigned i = 0; i < f->in.intf_count; i++) {
		const struct filter_intf *intf = &f->in.intf[i];

		if (tcprog_attached(intf->index, f->id) != id) {
			snprintf(why, FILTER_WHY_LEN,
			    "%s: the tc filter with pref %u is gone",
			    intf->name, TCPROG_PREF + f->id);
			return false;
		}
		if (f->xdp[i] && !xdpprog_has(intf->index, page,
		    bpfengine_pages(f->engine, &f->in, i, page))) {
			snprintf(why, FILTER_WHY_LEN,
			    "%s: the XDP program is gone", intf->name);
			return false;
		}
	}
	return refusal_is_there(&f->refusal, why);
}

static bool
bpf_intact(struct filter *f, char why[FILTER_WHY_LEN])
{
	if (f->engine == NULL || f->is_broken || is_intact(f, why))
		return true;
	f->is_broken = true;
	return false;
}

/* XDP's own counts begin anew with each program. */
static uint64_t
dropped(struct filter *f)
{
	uint64_t now = 0;

	for (unsigned i = 0; i < f->in.intf_count; i++)
		if (f->xdp[i])
			now += xdpprog_dropped(f->in.intf[i].index, f->id);
	f->dropped += now >= f->dropped_seen ? now - f->dropped_seen : now;
	f->dropped_seen = now;
	return f->dropped;
}

static int
bpf_counters(struct filter *f, struct filter_counters *c)
{
	struct farm_bpf_count count;

	memset(c, 0, sizeof(*c));
	if (f->engine == NULL)
		return 0;
	if (bpfengine_count(f->engine, &count) == -1)
		return -1;
	c->accepted = count.accepted;
	c->passed = count.passed;
	c->copied = count.copied;
	c->rejected = count.rejected + dropped(f);
	c->refused = count.refused;
	c->lost = count.lost;
	for (unsigned i = 0; i < FILTER_GROUP_MAX; i++)
		c->group[i] = count.group[i];
	return 0;
}

static void
tickle_flow(void *arg, const struct farm_bpf_flow *flow)
{
	tickle_send(arg, flow);
}

static unsigned
bpf_tickle(struct filter *f, unsigned node)
{
	struct tickle t;
	unsigned count;

	if (f->engine == NULL)
		return 0;
	tickle_init(&t);
	count = bpfengine_flows(f->engine, node, tickle_flow, &t);
	tickle_fini(&t);
	return count;
}

static void
bpf_close(struct filter *f)
{
	bpfengine_free(f->engine);
	refusal_fini(&f->refusal);
	free(f);
}

static void
bpf_remove(struct filter *f)
{
	sweep(f, NULL);
	refusal_clear(&f->refusal);
	bpf_close(f);
}

static const struct filter_ops ops = {
	.name = "bpf",
	.supported = bpf_supported,
	.open = bpf_open,
	.apply = bpf_apply,
	.intact = bpf_intact,
	.counters = bpf_counters,
	.tickle = bpf_tickle,
	.close = bpf_close,
	.remove = bpf_remove,
};

const struct filter_ops *
filter_bpf(void)
{
	return &ops;
}
