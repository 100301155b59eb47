/* SPDX-License-Identifier: ISC */
/*
 * What the backends share: whose a bucket is seen from this node, and what an
 * input must be before any of them takes it.
 */
#include "filter-input.h"

#include <sys/socket.h>

#include <stdio.h>
#include <string.h>

int
filter_taker(const struct filter_input *in, unsigned table, unsigned bucket)
{
	uint8_t id = in->taker[table][bucket];

	if (id == 0)
		return -1;
	for (unsigned i = 0; i < in->node_count; i++)
		if (in->node[i].id == id)
			return (int)i;
	return -1;
}

enum filter_state
filter_state(const struct filter_input *in, unsigned table, unsigned bucket)
{
	uint64_t me = 1ULL << in->self;
	uint64_t keepers = in->keepers[table][bucket];

	/* Whoever takes a bucket keeps nothing of it for another. */
	if (in->taker[table][bucket] == in->node[in->self].id)
		return keepers & ~me ? FS_GAINED : FS_OWNED;
	return keepers & me ? FS_DRAINING : FS_FOREIGN;
}

bool
filter_is_moving(const struct filter_input *in)
{
	for (unsigned t = 0; t < in->tables; t++)
		for (unsigned b = 0; b < HASH_BUCKETS; b++)
			if (in->keepers[t][b] != 0)
				return true;
	return false;
}

int
filter_fragment_table(const struct filter_input *in, unsigned addr,
    enum filter_proto proto)
{
	for (unsigned i = 0; i < in->rule_count; i++) {
		const struct filter_rule *r = &in->rule[i];

		if (r->proto == proto &&
		    (r->addr < 0 || (unsigned)r->addr == addr))
			return (int)in->group[r->group].table;
	}
	return -1;
}

int
filter_flow_bucket(const struct filter_input *in, unsigned addr,
    uint16_t own_port, const uint8_t *peer, uint16_t peer_port,
    unsigned *table)
{
	int family = in->addr[addr].family;

	for (unsigned i = 0; i < in->rule_count; i++) {
		const struct filter_rule *r = &in->rule[i];

		if (r->proto != FP_TCP || own_port < r->low ||
		    own_port > r->high ||
		    (r->addr >= 0 && (unsigned)r->addr != addr))
			continue;
		*table = in->group[r->group].table;
		return (int)(r->key == FK_PORT ?
		    hash_addr_and(family, peer, peer_port, in->seed) :
		    hash_addr(family, peer, in->seed));
	}
	return -1;
}

bool
filter_mac_is_set(const struct filter_mac *m)
{
	static const struct filter_mac none;

	return memcmp(m, &none, sizeof(none)) != 0;
}

static bool
is_text(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	return len > 0 && len < size;
}

static const char *
counts_error(const struct filter_input *in)
{
	if (in->addr_count == 0 || in->addr_count > FILTER_ADDR_MAX)
		return "no address, or too many";
	if (in->group_count > FILTER_GROUP_MAX)
		return "too many groups";
	if (in->rule_count > FILTER_RULE_MAX)
		return "too many rules";
	if (in->intf_count == 0 || in->intf_count > FILTER_INTF_MAX)
		return "no interface, or too many";
	if (in->node_count == 0 || in->node_count > FILTER_NODE_MAX)
		return "no node, or too many";
	if (in->tables == 0 || in->tables > FILTER_TABLE_MAX)
		return "no table, or too many";
	if (in->self >= in->node_count)
		return "this node is not among the nodes";
	return NULL;
}

static const char *
rule_error(const struct filter_input *in, const struct filter_rule *r)
{
	if (r->group >= in->group_count)
		return "a rule of no group";
	if (r->addr >= (int)in->addr_count)
		return "a rule of no address";
	if (r->low > r->high)
		return "a rule whose ports are none";
	if ((r->proto == FP_ROUTE) !=
	    (r->key == FK_SOURCE || r->key == FK_DEST))
		return "on_source and on_dest are of routed packets";
	return NULL;
}

const char *
filter_input_error(const struct filter_input *in)
{
	const char *e;

	if ((e = counts_error(in)) != NULL)
		return e;
	for (unsigned i = 0; i < in->intf_count; i++)
		if (!is_text(in->intf[i].name, sizeof(in->intf[i].name)) ||
		    !filter_mac_is_set(&in->intf[i].mac))
			return "an interface without name or MAC";
	for (unsigned i = 0; i < in->addr_count; i++) {
		if (in->addr[i].intf >= in->intf_count)
			return "an address of no interface";
		if (in->addr[i].family != AF_INET &&
		    in->addr[i].family != AF_INET6)
			return "an address of no family";
		if (in->addr[i].is_vmac &&
		    !filter_mac_is_set(&in->addr[i].vmac))
			return "a vmac address without vmac";
	}
	for (unsigned i = 0; i < in->group_count; i++)
		if (in->group[i].table >= in->tables ||
		    !is_text(in->group[i].name, sizeof(in->group[i].name)))
			return "a group without table or name";
	for (unsigned i = 0; i < in->node_count; i++)
		if (in->node[i].id == 0 ||
		    !is_text(in->node[i].name, sizeof(in->node[i].name)))
			return "a node without id or name";
	for (unsigned i = 0; i < in->rule_count; i++)
		if ((e = rule_error(in, &in->rule[i])) != NULL)
			return e;
	return NULL;
}
