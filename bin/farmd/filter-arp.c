/* SPDX-License-Identifier: ISC */
/*
 * Who answers ARP for the addresses, and with which sender nodes ask: table
 * arp holdfast_M, beside either packet filter.  All nodes hold the addresses
 * and would all answer.
 *
 * Of an address by director its director's kernel answers, the others drop
 * the request; with a rule proto="arp" the taker of the requester's address
 * answers instead.  Of an address by vmac no kernel answers: vipd does, with
 * the vmac.  A request a node sends itself must not carry the address, else
 * whoever gets it learns that node's MAC for it; it carries the node's own
 * address, or 0.0.0.0 as a probe does.
 *
 * IPv6 needs none of it: an address on lo is not answered for elsewhere.
 */
#include "filter.h"

#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "nft-table.h"
#include "xalloc.h"

struct filter {
	struct nft_table	 table;
};

static bool
arp_supported(char why[FILTER_WHY_LEN])
{
	struct nft_link *l = nft_link_open(why, FILTER_WHY_LEN);

	if (l == NULL)
		return false;
	nft_link_close(l);
	return true;
}

static struct filter *
arp_open(const char *module, unsigned id, char why[FILTER_WHY_LEN])
{
	struct nft_link *l = nft_link_open(why, FILTER_WHY_LEN);
	struct filter *f;

	(void)id;	/* the table's name has the module's */
	if (l == NULL)
		return NULL;
	f = xcalloc(1, sizeof(*f));
	nft_table_init(&f->table, l, "arp", module);
	return f;
}

/* The table by which a rule proto="arp" answers for an address, or -1. */
static int
answer_table(const struct filter_input *in, unsigned addr)
{
	return filter_fragment_table(in, addr, FP_ARP);
}

static void
answers(struct nft_doc *doc, const struct filter_input *in, unsigned t)
{
	char name[NFT_NAME_LEN];

	nft_name(name, "answers_%u", t);
	nft_doc_add(doc, NK_SET, name, "type mark; size %u; comment "
	    "\"buckets of requesters whom this node answers\";",
	    2 * HASH_BUCKETS);
	for (unsigned b = 0; b < HASH_BUCKETS; b++)
		if (filter_taker(in, t, b) == (int)in->self)
			nft_doc_line(doc, "%u", b);
}

static void
input_lines(struct nft_doc *doc, const struct filter_input *in,
    const struct filter_addr *a, unsigned addr)
{
	char ip[INET_ADDRSTRLEN];
	int table = answer_table(in, addr);

	(void)inet_ntop(AF_INET, a->ip, ip, sizeof(ip));
	if (!a->is_vmac && table >= 0) {
		nft_doc_line(doc, "arp operation request arp daddr ip %s "
		    "meta mark set jhash arp saddr ip mod %u seed 0x%08x "
		    "meta mark != @answers_%d drop comment \"another node "
		    "answers\"", ip, HASH_BUCKETS, in->seed, table);
		nft_doc_line(doc, "arp operation request arp daddr ip %s "
		    "meta mark set 0", ip);
	} else if (a->is_vmac || !in->is_director) {
		nft_doc_line(doc, "arp operation request arp daddr ip %s "
		    "drop comment \"%s\"", ip, a->is_vmac ?
		    "vipd answers, with the vmac" : "the director answers");
	}
}

static void
output_lines(struct nft_doc *doc, const struct filter_input *in,
    const struct filter_addr *a)
{
	const struct filter_intf *i = &in->intf[a->intf];
	char ip[INET_ADDRSTRLEN], own[INET_ADDRSTRLEN];

	if (!a->is_vmac && in->is_director)
		return;
	(void)inet_ntop(AF_INET, a->ip, ip, sizeof(ip));
	(void)inet_ntop(AF_INET, i->ip4, own, sizeof(own));
	nft_doc_line(doc, "oifname \"%s\" arp operation request arp saddr ip "
	    "%s arp saddr ip set %s", i->name, ip, own);
}

static void
arp_text(struct nft_doc *doc, const struct filter_input *in)
{
	bool is_needed[FILTER_TABLE_MAX] = { false };
	char comment[NFT_NAME_LEN];

	(void)snprintf(comment, sizeof(comment),
	    "holdfast farm %.60s: who answers ARP for its addresses",
	    in->module);
	nft_doc_init(doc, "arp", in->module, comment);
	for (unsigned i = 0; i < in->addr_count; i++)
		if (in->addr[i].family == AF_INET && answer_table(in, i) >= 0)
			is_needed[answer_table(in, i)] = true;
	for (unsigned t = 0; t < in->tables; t++)
		if (is_needed[t])
			answers(doc, in, t);
	nft_doc_add(doc, NK_CHAIN, "input", "type filter hook input "
	    "priority 0; policy accept; comment \"who is asked\";");
	for (unsigned i = 0; i < in->addr_count; i++)
		if (in->addr[i].family == AF_INET)
			input_lines(doc, in, &in->addr[i], i);
	nft_doc_add(doc, NK_CHAIN, "output", "type filter hook output "
	    "priority 0; policy accept; comment \"who asks: itself, not the "
	    "address it shares\";");
	for (unsigned i = 0; i < in->addr_count; i++)
		if (in->addr[i].family == AF_INET)
			output_lines(doc, in, &in->addr[i]);
}

static int
arp_apply(struct filter *f, const struct filter_input *in,
    char why[FILTER_WHY_LEN])
{
	const char *error = filter_input_error(in);
	struct nft_doc doc;

	if (error != NULL) {
		(void)snprintf(why, FILTER_WHY_LEN, "%s", error);
		return -1;
	}
	arp_text(&doc, in);
	return nft_table_apply(&f->table, &doc, why, FILTER_WHY_LEN);
}

static bool
arp_intact(struct filter *f, char why[FILTER_WHY_LEN])
{
	return nft_table_is_intact(&f->table, why, FILTER_WHY_LEN);
}

static int
arp_counters(struct filter *f, struct filter_counters *c)
{
	(void)f;
	memset(c, 0, sizeof(*c));
	return 0;
}

static void
arp_close(struct filter *f)
{
	struct nft_link *l = f->table.link;

	nft_table_fini(&f->table);
	nft_link_close(l);
	free(f);
}

static void
arp_remove(struct filter *f)
{
	nft_table_remove(&f->table);
	arp_close(f);
}

const struct filter_ops *
filter_arp(void)
{
	static const struct filter_ops ops = {
		.name = "arp",
		.supported = arp_supported,
		.open = arp_open,
		.apply = arp_apply,
		.intact = arp_intact,
		.counters = arp_counters,
		.close = arp_close,
		.remove = arp_remove,
	};

	return &ops;
}
