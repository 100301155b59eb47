/* SPDX-License-Identifier: ISC */
#include "bpfpage.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <string.h>

/* Hashes of one group; together with the group the number of a rule. */
#define HASHES	(FBH_IPID + 1)

_Static_assert(FILTER_TABLE_MAX == FARM_BPF_TABLES, "tables");
_Static_assert(HASH_BUCKETS == FARM_BPF_BUCKETS, "buckets");
_Static_assert(FILTER_NODE_MAX == FARM_BPF_NODES, "nodes");
_Static_assert(FILTER_ADDR_MAX <= FARM_BPF_ADDRS, "addresses");
_Static_assert(FILTER_GROUP_MAX <= FARM_BPF_GROUPS, "groups");
_Static_assert(FILTER_GROUP_MAX * HASHES < FARM_BPF_RULES, "rules");

const char *
bpfpage_error(const struct filter_input *in)
{
	if (in->id == 0 || in->id >= FARM_BPF_MODULES)
		return "the module's id is none of 1 to 255";
	for (unsigned i = 0; i < in->rule_count; i++)
		if (in->rule[i].proto == FP_ROUTE)
			return "a rule with proto=\"route\" needs the nft "
			    "backend: set backend=\"nft\"";
	return NULL;
}

void
bpfpage_key(struct farm_bpf_key *key, const struct filter_addr *a)
{
	if (a->family == AF_INET6) {
		memcpy(key->a, a->ip, sizeof(key->a));
		return;
	}
	key->a[0] = key->a[1] = 0;
	key->a[2] = htonl(0xffff);
	memcpy(&key->a[3], a->ip, 4);
}

static enum farm_bpf_hash
hash_of(enum filter_key key)
{
	return key == FK_PORT ? FBH_PORT : key == FK_IPID ? FBH_IPID :
	    FBH_ADDR;
}

static uint8_t
rule_number(const struct filter_rule *r)
{
	return (uint8_t)(1 + r->group * HASHES + hash_of(r->key));
}

/* Last to first, so that the first that matches is what remains. */
static void
fill_ports(struct farm_bpf_page *page, const struct filter_input *in,
    unsigned addr)
{
	for (unsigned i = in->rule_count; i-- > 0; ) {
		const struct filter_rule *r = &in->rule[i];

		if ((r->addr >= 0 && (unsigned)r->addr != addr) ||
		    (r->proto != FP_TCP && r->proto != FP_UDP))
			continue;
		memset(&page->port[r->proto == FP_UDP][r->low],
		    rule_number(r), (size_t)r->high - r->low + 1);
	}
}

void
bpfpage_fill(struct farm_bpf_page *page, const struct filter_input *in,
    unsigned addr)
{
	memset(page, 0, sizeof(*page));
	page->seed = in->seed;
	page->module = in->id;
	memcpy(page->vmac, in->addr[addr].vmac.byte, sizeof(page->vmac));
	for (unsigned udp = 0; udp < 2; udp++) {
		int table = filter_fragment_table(in, addr,
		    udp ? FP_UDP : FP_TCP);

		page->fragment_table[udp] = table == -1 ?
		    FARM_BPF_NO_TABLE : (uint8_t)table;
	}
	for (unsigned g = 0; g < in->group_count; g++)
		for (unsigned h = 0; h < HASHES; h++) {
			unsigned n = 1 + g * HASHES + h;

			page->rule[n].table = (uint8_t)in->group[g].table;
			page->rule[n].hash = (uint8_t)h;
			page->rule[n].group = (uint8_t)g;
		}
	fill_ports(page, in, addr);
}

/* What is in no table is for nobody. */
static bool
is_foreign(const struct filter_input *in, unsigned table, unsigned bucket)
{
	return table >= in->tables ||
	    filter_state(in, table, bucket) == FS_FOREIGN;
}

static void
set_foreign(struct farm_bpf_page *page, const struct filter_input *in,
    bool foreign)
{
	for (unsigned t = 0; t < FARM_BPF_TABLES; t++)
		for (unsigned b = 0; b < FARM_BPF_BUCKETS; b++)
			if (is_foreign(in, t, b) == foreign)
				__atomic_store_n(&page->foreign[t][b], foreign,
				    __ATOMIC_RELAXED);
}

void
bpfpage_unmark(struct farm_bpf_page *page, const struct filter_input *in)
{
	set_foreign(page, in, false);
}

void
bpfpage_mark(struct farm_bpf_page *page, const struct filter_input *in)
{
	set_foreign(page, in, true);
}

void
bpfpage_share(struct farm_bpf_share *share, const struct filter_input *in)
{
	int index[256];

	memset(index, -1, sizeof(index));
	for (unsigned i = in->node_count; i-- > 0; )
		index[in->node[i].id] = (int)i;
	index[0] = -1;
	memset(share, 0, sizeof(*share));
	share->members = in->members;
	share->closed = in->is_closed;
	for (unsigned t = 0; t < FARM_BPF_TABLES; t++)
		for (unsigned b = 0; b < FARM_BPF_BUCKETS; b++) {
			struct farm_bpf_bucket *to = &share->bucket[t][b];
			int taker = t < in->tables ?
			    index[in->taker[t][b]] : -1;

			to->taker = taker < 0 ? FARM_BPF_NOBODY :
			    (uint32_t)taker;
			if (t < in->tables)
				to->keepers = in->keepers[t][b];
		}
}

bool
bpfpage_same(const struct filter_input *a, const struct filter_input *b)
{
	if (a->seed != b->seed || a->id != b->id || a->self != b->self ||
	    a->tables != b->tables || a->addr_count != b->addr_count ||
	    a->group_count != b->group_count ||
	    a->rule_count != b->rule_count ||
	    a->node_count != b->node_count)
		return false;
	for (unsigned i = 0; i < a->addr_count; i++)
		if (a->addr[i].family != b->addr[i].family ||
		    memcmp(a->addr[i].ip, b->addr[i].ip,
		    a->addr[i].family == AF_INET ? 4 : 16) != 0 ||
		    memcmp(&a->addr[i].vmac, &b->addr[i].vmac,
		    sizeof(a->addr[i].vmac)) != 0)
			return false;
	for (unsigned i = 0; i < a->group_count; i++)
		if (a->group[i].table != b->group[i].table ||
		    strcmp(a->group[i].name, b->group[i].name) != 0)
			return false;
	for (unsigned i = 0; i < a->rule_count; i++) {
		const struct filter_rule *x = &a->rule[i], *y = &b->rule[i];

		if (x->group != y->group || x->addr != y->addr ||
		    x->proto != y->proto || x->low != y->low ||
		    x->high != y->high || x->key != y->key)
			return false;
	}
	for (unsigned i = 0; i < a->node_count; i++)
		if (a->node[i].id != b->node[i].id)
			return false;
	return true;
}
