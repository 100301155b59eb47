/* SPDX-License-Identifier: ISC */
/*
 * struct farm to farmd.conf; see config-write.c.  The digest is over what
 * decides who takes a packet and nothing else: nodes that differ in a script
 * or a checker go on sharing.
 */
#include "config-safe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-checks.h"
#include "text.h"

static void
add_addresses(struct text *t, const struct safe *m)
{
	unsigned i;

	for (i = 0; i < m->addr_count; i++) {
		text_addf(t, "address ");
		text_quoted(t, m->addr[i].addr);
		text_addf(t, " {\n");
		text_option(t, "type", m->addr[i].is_vmac ? "vmac" :
		    "director");
		text_option(t, "vmac", m->addr[i].vmac);
		text_addf(t, "}\n");
	}
}

/*
 * All nodes of the cluster alike: written as such, so that the digest stays
 * when one more comes.
 */
static bool
is_plain(const struct safe *m, const struct farm_weights *w)
{
	unsigned i;

	for (i = 0; i < m->cluster->node_count; i++)
		if (w->power[i] != 1)
			return false;
	return true;
}

static void
add_weights(struct text *t, const struct safe *m)
{
	const struct cluster *c = m->cluster;
	unsigned i, w;

	for (w = 0; w < m->farm.weights_count; w++) {
		text_addf(t, "weights \"%u\" {\n", w);
		for (i = 0; i < c->node_count; i++) {
			if (!m->farm.is_in[i] ||
			    is_plain(m, &m->farm.weights[w]))
				continue;
			text_addf(t, "node ");
			text_quoted(t, c->node[i].name);
			text_addf(t, " {\n");
			text_number(t, "power",
			    m->farm.weights[w].power[i]);
			text_addf(t, "}\n");
		}
		text_addf(t, "}\n");
	}
}

static void
add_rules(struct text *t, const struct farm *f)
{
	unsigned i;

	for (i = 0; i < f->group_count; i++) {
		text_addf(t, "group ");
		text_quoted(t, f->group[i].name);
		text_addf(t, " {\n");
		text_number(t, "weights", f->group[i].weights);
		text_addf(t, "}\n");
	}
	for (i = 0; i < f->rule_count; i++) {
		const struct farm_rule *r = &f->rule[i];

		text_addf(t, "rule \"%u\" {\n", i + 1);
		text_option(t, "group", f->group[r->group].name);
		text_option(t, "address", r->addr);
		text_option(t, "proto", r->proto);
		text_number(t, "low", r->low);
		text_number(t, "high", r->high);
		text_option(t, "filter", r->filter);
		text_addf(t, "}\n");
	}
}

char *
safe_text_farmd(const struct safe *m)
{
	const struct cluster *c = m->cluster;
	const char *lans[CLUSTER_LAN_MAX];
	char digest[CLUSTER_DIGEST_TEXT];
	uint8_t bytes[CLUSTER_DIGEST_LEN];
	struct text t = { 0 }, shared = { 0 };
	unsigned i;

	if (!m->is_farm)
		return NULL;
	text_number(&shared, "id", m->id);
	text_number(&shared, "seed", m->farm.seed);
	add_addresses(&shared, m);
	add_weights(&shared, m);
	add_rules(&shared, &m->farm);
	cluster_digest(bytes, shared.text, shared.len);
	cluster_digest_text(digest, bytes);

	safe_add_head(&t, m);
	text_option(&t, "digest", digest);
	text_option(&t, "node", c->node[c->self].name);
	text_number(&t, "node_id", c->node[c->self].id);
	for (i = 0; i < m->beat_count; i++)
		lans[i] = m->beat[i].lan;
	text_list(&t, "lans", lans, m->beat_count);
	text_number(&t, "pulse_ms", m->pulse_ms);
	text_number(&t, "timeout_ms", m->timeout_ms);
	text_number(&t, "drain_ms", m->farm.drain_ms);
	text_number(&t, "stopdrain_ms", m->farm.stopdrain_ms);
	text_option(&t, "backend", m->farm.backend);
	text_add(&t, shared.text, shared.len);
	free(shared.text);
	return t.text;
}
