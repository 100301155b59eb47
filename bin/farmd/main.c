/* SPDX-License-Identifier: ISC */
/*
 * farmd: whose packets.  Options, start and end; the work is farm.c's.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon.h"
#include "log.h"
#include "punctual.h"
#include "xalloc.h"

#include "farm.h"

/* intact() of the filters, probes of vmac. */
#define SECOND_MS	1000

static void
on_wake(void *arg)
{
	farm_think(arg);
}

static void
look_at_rules(struct farm *f)
{
	char why[FILTER_WHY_LEN] = "";

	if (!f->is_filtered || mono_is_set(f->apply_retry) ||
	    filters_are_intact(f->filters, why))
		return;
	farm_rules_gone(f, why);
	f->apply_due = true;
	farm_think(f);
}

static void
on_second(void *arg)
{
	struct farm *f = arg;

	look_at_rules(f);
	if (f->delivery != NULL && f->is_filtered) {
		/* Also what somebody took from the interface. */
		(void)delivery_set(f->delivery, &f->in);
		delivery_probe(f->delivery);
	}
	loop_timer_set(f->second, SECOND_MS, 0);
}

static void
on_probe(unsigned addr, uint8_t node, void *arg)
{
	struct farm *f = arg;
	int i = cluster_node_by_id(&f->cluster, node);
	enum flood_result before, after;
	struct mono now = mono_now();

	if (i < 0)
		return;
	before = flood_mine(&f->flood, f->vmac_addrs, now);
	flood_hear(&f->flood, addr, (unsigned)i, now);
	after = flood_mine(&f->flood, f->vmac_addrs, now);
	if (before != after)
		farm_think(f);
}

static void
make_accord(struct farm *f)
{
	struct accord_conf *c = xcalloc(1, sizeof(*c));

	(void)snprintf(c->digest, sizeof(c->digest), "%.*s",
	    FARM_BLOB_DIGEST, f->conf.digest);
	c->tables = f->conf.tables;
	c->node_count = f->cluster.node_count;
	c->self = (unsigned)f->cluster.self;
	c->timeout_ms = f->conf.timeout_ms;
	c->drain_ms = f->conf.drain_ms;
	for (unsigned i = 0; i < c->node_count; i++) {
		c->node[i].id = f->cluster.node[i].id;
		(void)snprintf(c->node[i].name, sizeof(c->node[i].name),
		    "%s", f->cluster.node[i].name);
		for (unsigned t = 0; t < c->tables; t++)
			c->node[i].power[t] = f->conf.power[t][i];
	}
	f->accord = accord_new(c);
	free(c);
}

static void
open_delivery(struct farm *f)
{
	for (unsigned i = 0; i < f->conf.addr_count; i++)
		if (f->conf.is_vmac[i])
			f->vmac_addrs |= 1u << i;
	if (f->vmac_addrs == 0)
		return;
	f->delivery = delivery_open(f->d->loop, f->conf.id,
	    f->in.node[f->in.self].id, on_probe, f);
	if (f->delivery == NULL)
		fatal("packet socket");
}

/* What the last farmd left goes on until vipd told where the addresses are. */
static void
take_up(struct farm *f)
{
	char why[FILTER_WHY_LEN] = "";

	(void)snprintf(f->backend, sizeof(f->backend), "?");
	if (!memory_load(f)) {
		f->backend[0] = '?';
		f->backend[1] = '\0';
	}
	if (!f->vmac_addrs)
		f->use_vmac = false;
	f->flood.is_proven = f->use_vmac;
	f->is_filtered = f->backend[0] != '\0' && f->backend[0] != '?';
	f->is_taken_up = f->is_filtered;
	f->apply_due = true;
	f->filters = filters_open(f->conf.backend, f->backend, f->d->module,
	    f->conf.id, why);
	if (f->filters == NULL) {
		(void)snprintf(f->filter_why, sizeof(f->filter_why), "%s",
		    why);
		log_warnx("filter: %s", why);
	}
	if (f->wish.serve != FARM_NONE)
		log_info("farm: takes up, wish %s, epoch %llu",
		    wish_serve_name(f->wish.serve), (unsigned long long)
		    accord_share(f->accord)->epoch);
}

static void
start(struct daemon *d)
{
	struct farm *f = xcalloc(1, sizeof(*f));

	d->state = f;
	f->d = d;
	if (cluster_load(&f->cluster, NULL) == -1)
		fatalx(EX_CONFIG, "no usable cluster configuration");
	log_context(f->cluster.node[f->cluster.self].name, NULL);
	if (farm_conf_fill(&f->conf, &f->in, d->conf, &f->cluster) == -1)
		fatalx(EX_CONFIG, "farmd.conf does not fit the cluster");
	(void)snprintf(f->in.module, sizeof(f->in.module), "%s", d->module);
	make_accord(f);
	open_delivery(f);
	take_up(f);
	f->wake = loop_timer_new(d->loop, on_wake, f);
	f->second = loop_timer_new(d->loop, on_second, f);
	heart_open(f);
	vip_open(f);
	if (!punctual_schedule(PUNCTUAL_PRIORITY))
		log_warn("no real-time scheduling: may be late under load");
	farm_think(f);
	on_second(f);
}

/*
 * Filters and addresses stay: an upgrade restarts farmd within the lifetime
 * of the addresses.
 */
static void
finish(struct daemon *d)
{
	struct farm *f = d->state;

	if (f->filters != NULL)
		filters_close(f->filters);
	delivery_close(f->delivery);
	ask_free(f->heart);
	ask_free(f->vip);
	loop_timer_free(f->heart_retry);
	loop_timer_free(f->heart_lost);
	loop_timer_free(f->vip_retry);
	loop_timer_free(f->vip_lost);
	loop_timer_free(f->wake);
	loop_timer_free(f->second);
	flows_free(&f->flows);
	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		free(f->peer[i].blob);
		free(f->peer[i].said);
	}
	free(f->vip_said);
	free(f->vip_good);
	free(f->said_blob);
	free(f->said_fact);
	accord_free(f->accord);
	free(f);
}

int
main(int argc, char **argv)
{
	const struct daemon_spec spec = {
		.name = "farmd",
		.summary = "shares the clients of an address among nodes",
		.has_module = true,
		.no_keep = true,
		.opts = farm_conf_opts(),
		.check = farm_conf_check,
		.verbs = farm_verbs,
		.start = start,
		.finish = finish,
	};

	return daemon_main(&spec, argc, argv);
}
