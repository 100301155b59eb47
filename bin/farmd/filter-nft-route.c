/* SPDX-License-Identifier: ISC */
/*
 * Packets that go through the nodes, which are routers or firewalls: they
 * come in frames for the address, but are for somebody else.  Outside the
 * source chooses the bucket, inside the destination, which is the same host:
 * so what goes in by a node comes back by it, and its connection tracking
 * sees both.  Nobody here has sockets of them: a bucket that moves goes to
 * its taker at once, keepers get nothing.
 */
#include "filter-nft-int.h"

/* The first rule of an address of this interface and family, or NULL. */
static const struct filter_rule *
route_rule(const struct nft_text *x)
{
	for (unsigned i = 0; i < x->in->rule_count; i++) {
		const struct filter_rule *r = &x->in->rule[i];

		if (r->proto != FP_ROUTE)
			continue;
		for (unsigned a = 0; a < x->in->addr_count; a++)
			if ((r->addr < 0 || (unsigned)r->addr == a) &&
			    nft_text_has(x, &x->in->addr[a]))
				return r;
	}
	return NULL;
}

/* "02:..., 5a:fe:...": those of the addresses; count. */
static unsigned
vmacs(const struct nft_text *x, char *out, size_t size)
{
	char mac[NT_MAC_LEN];
	unsigned count = 0;
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < x->in->addr_count && len < size; i++) {
		const struct filter_addr *a = &x->in->addr[i];

		if (nft_text_has(x, a) && filter_mac_is_set(&a->vmac))
			len += (size_t)snprintf(out + len, size - len, "%s%s",
			    count++ > 0 ? ", " : "",
			    nft_text_mac(mac, &a->vmac));
	}
	return count;
}

/* Who gets a routed packet: as takers, but no connection is written down. */
static void
routers(struct nft_text *x, const struct nft_way *way, unsigned count)
{
	char name[NFT_NAME_LEN];

	nft_name(name, "routers%s", x->suffix);
	nft_doc_add(x->doc, NK_MAP, name, "type mark : verdict; "
	    "comment \"who gets a packet that is only passing\";");
	nft_doc_line(x->doc, "%u : jump may_open, %u : jump may_open",
	    NFT_WAY_ME, NFT_WAY_WATCHED);
	nft_text_taker(x, NFT_WAY_NOBODY, -1, "");
	for (unsigned i = 0; i < x->in->node_count; i++)
		if (i != x->in->self)
			nft_text_taker(x, NFT_WAY_NODE + i, (int)i, "");
	for (unsigned i = 0; i < count; i++)
		nft_text_taker(x, way[i].number, way[i].taker,
		    "jump may_open");
}

static void
route_chain(struct nft_text *x, const struct filter_rule *r)
{
	char macs[FILTER_NODE_MAX * (NT_MAC_LEN + 2)], look[256];
	char name[NFT_NAME_LEN], counter[NFT_NAME_LEN];
	unsigned table = x->in->group[r->group].table;

	filter_nft_counter(counter, x->in, r->group);
	nft_name(name, "route%c%s", x->v, x->suffix);
	nft_doc_add(x->doc, NK_CHAIN, name, "comment \"packets through this "
	    "node, by their %s\";", r->key == FK_SOURCE ? "source" :
	    "destination");
	nft_doc_line(x->doc, "fib daddr type { local, broadcast, anycast, "
	    "multicast } accept");
	if (x->v == '6')
		nft_doc_line(x->doc, "ip6 daddr fe80::/10 accept");
	if (vmacs(x, macs, sizeof(macs)) > 0) {
		nft_text_lookup(x, look, r->key, "mine", table);
		nft_doc_line(x->doc, "ether daddr { %s } %s goto "
		    "route_taken_%s", macs, look, counter);
		nft_doc_line(x->doc, "ether daddr { %s } " NT_REJECT, macs);
	}
	if (nft_text_peers(x, macs, sizeof(macs)) > 0) {
		nft_doc_line(x->doc, "ether saddr { %s } jump may_open", macs);
		nft_doc_line(x->doc, "ether saddr { %s } counter name %s "
		    "accept comment \"another node directed it here\"", macs,
		    counter);
	}
	nft_text_lookup(x, look, r->key, "share", table);
	nft_doc_line(x->doc, "%s meta mark vmap @routers%s", look, x->suffix);
	nft_doc_line(x->doc, "counter name %s " NT_ACCEPT, counter);
}

/* Of the vmac, by the state of the bucket. */
static void
taken_chain(struct nft_text *x, unsigned group)
{
	char name[NFT_NAME_LEN], counter[NFT_NAME_LEN];

	filter_nft_counter(counter, x->in, group);
	nft_name(name, "route_taken_%s", counter);
	if (nft_doc_find(x->doc, NK_CHAIN, name) != NULL)
		return;
	nft_doc_add(x->doc, NK_CHAIN, name, "comment \"of the vmac\";");
	nft_doc_line(x->doc, "meta mark 3 goto others");
	nft_doc_line(x->doc, "jump may_open");
	nft_doc_line(x->doc, "meta pkttype set host counter name %s "
	    NT_ACCEPT, counter);
}

bool
nft_text_route(struct nft_text *x, const struct nft_way *way, unsigned count)
{
	const struct filter_rule *r = route_rule(x);
	char name[NFT_NAME_LEN];

	if (r == NULL)
		return false;
	taken_chain(x, r->group);
	route_chain(x, r);
	nft_name(name, "routers%s", x->suffix);
	if (nft_doc_find(x->doc, NK_MAP, name) == NULL)
		routers(x, way, count);
	return true;
}

void
nft_text_route_in(struct nft_text *x)
{
	char macs[FILTER_ADDR_MAX * (NT_MAC_LEN + 2)], mac[NT_MAC_LEN];
	unsigned count;

	if (route_rule(x) == NULL)
		return;
	count = vmacs(x, macs, sizeof(macs));
	nft_doc_line(x->doc, "meta protocol %s ether daddr { %s%s%s } goto "
	    "route%c%s", x->ip, nft_text_mac(mac, &x->intf->mac),
	    count > 0 ? ", " : "", macs, x->v, x->suffix);
}
