/* SPDX-License-Identifier: ISC */
/*
 * The table as a whole: counters, sets, who gets a frame that this node
 * directs, and the way of a frame from the interface to the chains of
 * filter-nft-rules.c.  Each chain has one question, so that `nft list' can be
 * read from in_INTERFACE on.
 *
 * A packet of a bucket that is not this node's passes: address and MAC,
 * fragment, rule, hash, bucket.  Each of them is one look, whatever the
 * number of addresses, rules and nodes.
 */
#include "filter-nft-text.h"

#include <string.h>

#include "filter-nft-int.h"

char *
nft_text_mac(char out[NT_MAC_LEN], const struct filter_mac *m)
{
	(void)snprintf(out, NT_MAC_LEN, "%02x:%02x:%02x:%02x:%02x:%02x",
	    m->byte[0], m->byte[1], m->byte[2], m->byte[3], m->byte[4],
	    m->byte[5]);
	return out;
}

char *
nft_text_ip(char out[INET6_ADDRSTRLEN], const struct filter_addr *a)
{
	(void)inet_ntop(a->family, a->ip, out, INET6_ADDRSTRLEN);
	return out;
}

bool
nft_text_has(const struct nft_text *x, const struct filter_addr *a)
{
	return a->intf == x->intf_no && a->family == x->family;
}

unsigned
nft_text_addrs(const struct nft_text *x, char *out, size_t size)
{
	char ip[INET6_ADDRSTRLEN];
	unsigned count = 0;
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < x->in->addr_count; i++) {
		if (!nft_text_has(x, &x->in->addr[i]) || len >= size)
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%s",
		    count++ > 0 ? ", " : "",
		    nft_text_ip(ip, &x->in->addr[i]));
	}
	return count;
}

char *
nft_text_lookup(const struct nft_text *x, char out[256],
    enum filter_key key, const char *map, unsigned table)
{
	const char *and = "";

	if (key == FK_PORT)
		and = " . th sport";
	else if (key == FK_IPID && x->v == '4')
		and = " . ip id";
	(void)snprintf(out, 256, "meta mark set jhash %s %s%s mod %u "
	    "seed 0x%08x meta mark set meta mark map @%s_%u", x->ip,
	    key == FK_DEST ? "daddr" : "saddr", and,
	    HASH_BUCKETS, x->in->seed, map, table);
	return out;
}

void
nft_text_family(struct nft_text *x, int family)
{
	x->family = family;
	x->v = family == AF_INET ? '4' : '6';
	x->ip = family == AF_INET ? "ip" : "ip6";
	/* IPv6's next header may be an extension. */
	x->proto = family == AF_INET ? "ip protocol" : "meta l4proto";
	x->icmp = family == AF_INET ? "icmp" : "icmpv6";
	x->fragment = family == AF_INET ? "ip frag-off & 0x3fff != 0" :
	    "exthdr frag exists";
}

static bool
same_name(const char *a, const char *b)
{
	char x[NFT_NAME_LEN], y[NFT_NAME_LEN];

	nft_name(x, "%s", a);
	nft_name(y, "%s", b);
	return strcmp(x, y) == 0;
}

void
filter_nft_counter(char out[NFT_NAME_LEN], const struct filter_input *in,
    unsigned group)
{
	for (unsigned i = 0; i < group; i++)
		if (same_name(in->group[i].name, in->group[group].name)) {
			nft_name(out, "group_%s.%u", in->group[group].name,
			    group);
			return;
		}
	nft_name(out, "group_%s", in->group[group].name);
}

static void
node_name(char out[NFT_NAME_LEN], const struct filter_input *in,
    const char *what, unsigned node, const char *suffix)
{
	for (unsigned i = 0; i < node; i++)
		if (same_name(in->node[i].name, in->node[node].name)) {
			nft_name(out, "%s_%s.%u%s", what, in->node[node].name,
			    node, suffix);
			return;
		}
	nft_name(out, "%s_%s%s", what, in->node[node].name, suffix);
}

static void
counters(struct nft_doc *doc, const struct filter_input *in)
{
	static const char *const about[][2] = {
		{ "accepted_other", "ICMP and fragments taken by this node" },
		{ "passed", "sent on to the node that takes them" },
		{ "copied", "sent to nodes that keep old connections" },
		{ "rejected", "dropped: another node takes them" },
		{ "refused", "answered: no rule has this port" },
		{ "lost", "dropped: nobody takes them" },
	};
	char name[NFT_NAME_LEN];

	for (unsigned i = 0; i < sizeof(about) / sizeof(about[0]); i++)
		nft_doc_add(doc, NK_COUNTER, about[i][0], "comment \"%s\";",
		    about[i][1]);
	for (unsigned i = 0; i < in->group_count; i++) {
		filter_nft_counter(name, in, i);
		nft_doc_add(doc, NK_COUNTER, name,
		    "comment \"taken by this node\";");
	}
}

static void
buckets(struct nft_doc *doc, const struct filter_input *in)
{
	char name[NFT_NAME_LEN];

	for (unsigned t = 0; t < in->tables; t++) {
		nft_name(name, "mine_%u", t);
		nft_doc_add(doc, NK_MAP, name, "type mark : mark; size %u; "
		    "comment \"bucket : 1 owned, 2 gained, 3 draining, "
		    "4 owned and watched; others are foreign\";",
		    2 * HASH_BUCKETS);
		nft_name(name, "share_%u", t);
		nft_doc_add(doc, NK_MAP, name, "type mark : mark; size %u; "
		    "comment \"bucket : whose it is, see takers and "
		    "keepers; 1 is this node\";", 2 * HASH_BUCKETS);
	}
}

/* Own connections: those listed from the kernel, those opened since. */
static void
connections(struct nft_doc *doc, const char v, const char *type)
{
	char name[NFT_NAME_LEN];

	nft_name(name, "flows%c", v);
	nft_doc_add(doc, NK_SET, name, "type %s . inet_service . %s . "
	    "inet_service; comment \"own connections, while buckets "
	    "move\";", type, type);
	nft_name(name, "opened%c", v);
	nft_doc_add(doc, NK_SET, name, "type %s . inet_service . %s . "
	    "inet_service; flags dynamic,timeout; size 262144; timeout 2m; "
	    "comment \"opened since, until they are in flows%c\";", type,
	    type, v);
}

static void
own_lines(struct nft_doc *doc, bool has4, bool has6)
{
	static const char *const set[] = { "flows", "opened" };

	for (unsigned i = 0; i < 2; i++) {
		if (has4)
			nft_doc_line(doc, "ip saddr . tcp sport . ip daddr . "
			    "tcp dport @%s4 return", set[i]);
		if (has6)
			nft_doc_line(doc, "ip6 saddr . tcp sport . ip6 daddr "
			    ". tcp dport @%s6 return", set[i]);
	}
}

static bool
has_family(const struct filter_input *in, int family)
{
	for (unsigned i = 0; i < in->addr_count; i++)
		if (in->addr[i].family == family)
			return true;
	return false;
}

static void
common_chains(struct nft_doc *doc, const struct filter_input *in)
{
	bool has4 = has_family(in, AF_INET), has6 = has_family(in, AF_INET6);

	nft_doc_add(doc, NK_CHAIN, "may_open",
	    "comment \"new connections and datagrams; empty: taken\";");
	if (in->is_closed)
		nft_doc_line(doc, NT_REJECT " comment \"closed\"");
	nft_doc_add(doc, NK_CHAIN, "open",
	    "comment \"the same where own connections count\";");
	nft_doc_line(doc, "jump may_open");
	if (has4)
		nft_doc_line(doc, "update @opened4 { ip saddr . tcp sport . "
		    "ip daddr . tcp dport }");
	if (has6)
		nft_doc_line(doc, "update @opened6 { ip6 saddr . tcp sport . "
		    "ip6 daddr . tcp dport }");
	nft_doc_add(doc, NK_CHAIN, "own",
	    "comment \"own connections go on, others are another's\";");
	own_lines(doc, has4, has6);
	nft_doc_line(doc, NT_REJECT);
	nft_doc_add(doc, NK_CHAIN, "nobody", "comment \"a bucket that no "
	    "node takes, or one whose MAC is unknown\";");
	nft_doc_line(doc, "counter name lost drop");
}

/* From this node's MAC: else the switch learns the client's at our port. */
static void
to_node(struct nft_text *x, unsigned node, const char *what,
    const char *counter, const char *action)
{
	char name[NFT_NAME_LEN], from[NT_MAC_LEN], to[NT_MAC_LEN];
	const struct filter_mac *m = &x->intf->node_mac[node];

	node_name(name, x->in, what, node, x->suffix);
	nft_doc_add(x->doc, NK_CHAIN, name, "%s", "");
	if (!filter_mac_is_set(m)) {
		if (strcmp(what, "to") == 0)
			nft_doc_line(x->doc, "goto nobody");
		return;
	}
	nft_doc_line(x->doc, "ether saddr set %s ether daddr set %s "
	    "counter name %s meta mark set 0 %s to \"%s\"",
	    nft_text_mac(from, &x->intf->mac), nft_text_mac(to, m), counter,
	    action, x->intf->name);
}

static void
everyone(struct nft_text *x)
{
	char name[NFT_NAME_LEN], mac[NT_MAC_LEN];

	nft_name(name, "everyone%s", x->suffix);
	nft_doc_add(x->doc, NK_CHAIN, name,
	    "comment \"ICMP errors: whoever they are for\";");
	for (unsigned i = 0; i < x->in->node_count; i++) {
		if (i == x->in->self || !(x->in->members >> i & 1) ||
		    !filter_mac_is_set(&x->intf->node_mac[i]))
			continue;
		node_name(name, x->in, "copy", i, x->suffix);
		nft_doc_line(x->doc, "jump %s", name);
	}
	nft_doc_line(x->doc, "ether daddr set %s counter name accepted_other "
	    NT_ACCEPT, nft_text_mac(mac, &x->intf->mac));
}

/* What is no SYN of a bucket that moves: its own, else copies of it. */
static void
moving(struct nft_text *x, const struct nft_way *w)
{
	const struct filter_input *in = x->in;
	uint64_t me = 1ULL << in->self;
	char name[NFT_NAME_LEN], node[NFT_NAME_LEN], text[112];
	size_t len;

	nft_name(name, "moving_%u%s", w->number, x->suffix);
	len = (size_t)snprintf(text, sizeof(text), "%s takes",
	    w->taker < 0 ? "nobody" : in->node[w->taker].name);
	for (unsigned i = 0; i < in->node_count && len < sizeof(text); i++)
		if (w->keepers >> i & 1)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    ", %s keeps", in->node[i].name);
	nft_doc_add(x->doc, NK_CHAIN, name, "comment \"%s\";", text);
	if (w->taker == (int)in->self || w->keepers & me)
		own_lines(x->doc, has_family(in, AF_INET),
		    has_family(in, AF_INET6));
	for (unsigned i = 0; i < in->node_count; i++) {
		if (!((w->keepers & ~me) >> i & 1))
			continue;
		node_name(node, in, "copy", i, x->suffix);
		nft_doc_line(x->doc, "jump %s", node);
	}
	if (w->taker == (int)in->self) {
		nft_doc_line(x->doc, NT_REJECT);
	} else if (w->taker < 0) {
		nft_doc_line(x->doc, "goto nobody");
	} else {
		node_name(node, in, "to", (unsigned)w->taker, x->suffix);
		nft_doc_line(x->doc, "goto %s", node);
	}
}

void
nft_text_taker(struct nft_text *x, unsigned number, int taker,
    const char *me)
{
	char name[NFT_NAME_LEN];

	if (taker == (int)x->in->self) {
		nft_doc_line(x->doc, "%u : %s", number, me);
	} else if (taker < 0) {
		nft_doc_line(x->doc, "%u : goto nobody", number);
	} else {
		node_name(name, x->in, "to", (unsigned)taker, x->suffix);
		nft_doc_line(x->doc, "%u : goto %s", number, name);
	}
}

static void
ways(struct nft_text *x, const struct nft_way *way, unsigned count)
{
	const struct filter_input *in = x->in;
	char name[NFT_NAME_LEN];

	nft_name(name, "takers%s", x->suffix);
	nft_doc_add(x->doc, NK_MAP, name, "type mark : verdict; "
	    "comment \"who gets a SYN or a datagram\";");
	nft_doc_line(x->doc, "%u : jump may_open", NFT_WAY_ME);
	nft_text_taker(x, NFT_WAY_NOBODY, -1, "");
	nft_text_taker(x, NFT_WAY_WATCHED, (int)in->self, "jump open");
	for (unsigned i = 0; i < in->node_count; i++)
		if (i != in->self)
			nft_text_taker(x, NFT_WAY_NODE + i, (int)i, "");
	for (unsigned i = 0; i < count; i++)
		nft_text_taker(x, way[i].number, way[i].taker, "jump open");
	nft_name(name, "keepers%s", x->suffix);
	nft_doc_add(x->doc, NK_MAP, name, "type mark : verdict; "
	    "comment \"who gets the rest of a connection\";");
	nft_text_taker(x, NFT_WAY_NOBODY, -1, "");
	for (unsigned i = 0; i < in->node_count; i++)
		if (i != in->self)
			nft_text_taker(x, NFT_WAY_NODE + i, (int)i, "");
	for (unsigned i = 0; i < count; i++)
		nft_doc_line(x->doc, "%u : jump moving_%u%s", way[i].number,
		    way[i].number, x->suffix);
}

static void
interface_chains(struct nft_text *x, const struct nft_way *way,
    unsigned count)
{
	for (unsigned i = 0; i < x->in->node_count; i++) {
		if (i == x->in->self)
			continue;
		to_node(x, i, "to", "passed", "fwd");
		to_node(x, i, "copy", "copied", "dup");
	}
	everyone(x);
	nft_text_refuse(x);
	for (unsigned i = 0; i < count; i++)
		moving(x, &way[i]);
	ways(x, way, count);
}

void
filter_nft_text(struct nft_doc *doc, const struct filter_input *in,
    const struct nft_way *way, unsigned way_count)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct nft_text x = { .doc = doc, .in = in };
	char comment[NFT_NAME_LEN];

	(void)snprintf(comment, sizeof(comment), "holdfast farm %.60s: read "
	    "from the chains in_ on", in->module);
	nft_doc_init(doc, "netdev", in->module, comment);
	counters(doc, in);
	buckets(doc, in);
	if (has_family(in, AF_INET))
		connections(doc, '4', "ipv4_addr");
	if (has_family(in, AF_INET6))
		connections(doc, '6', "ipv6_addr");
	for (unsigned i = 0; i < in->intf_count; i++) {
		x.intf = &in->intf[i];
		x.intf_no = i;
		if (in->intf_count > 1)
			(void)snprintf(x.suffix, sizeof(x.suffix), "_%s",
			    x.intf->name);
		nft_text_in(&x);
		for (unsigned f = 0; f < 2; f++) {
			nft_text_family(&x, families[f]);
			if (has_family(in, families[f]))
				nft_text_frames(&x);
			(void)nft_text_route(&x, way, way_count);
		}
		interface_chains(&x, way, way_count);
	}
	nft_text_taken(doc, in);
	common_chains(doc, in);
}
