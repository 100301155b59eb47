/* SPDX-License-Identifier: ISC */
/*
 * From the interface to a bucket, for the three kinds of frame: of the vmac,
 * sent by another node of the farm, and those this node directs.  Each kind
 * has its map of services, so that the number of rules costs nothing, and
 * for each group, protocol and key a chain that hashes.
 */
#include "filter-nft-int.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define ND_TYPES	"{ 130-137, 143, 151-153 }"

enum frame { NF_VMAC, NF_SENT, NF_DIRECT };
static const char *const frame_name[] = { "vmac", "sent", "direct" };

#define PORT_COUNT	65536
#define NO_RULE		UINT16_MAX

static const char *
proto_name(enum filter_proto proto)
{
	return proto == FP_TCP ? "tcp" : "udp";
}

static void
group_name(char out[NFT_NAME_LEN], const struct filter_input *in,
    unsigned group)
{
	char counter[NFT_NAME_LEN];

	filter_nft_counter(counter, in, group);
	nft_name(out, "%s", counter + strlen("group_"));
}

static bool
group_has(const struct filter_input *in, unsigned group,
    enum filter_proto proto)
{
	for (unsigned i = 0; i < in->rule_count; i++)
		if (in->rule[i].group == group && in->rule[i].proto == proto)
			return true;
	return false;
}

static void
tcp_taken(struct nft_doc *doc, const char *group, const char *counter)
{
	char name[NFT_NAME_LEN];

	nft_name(name, "taken_%s_tcp", group);
	nft_doc_add(doc, NK_CHAIN, name, "comment \"of the vmac\";");
	nft_doc_line(doc, "meta pkttype set host");
	nft_doc_line(doc, NT_SYN " meta mark vmap { 1 : jump may_open, "
	    "2 : jump open, 3 : goto others, 4 : jump open }");
	nft_doc_line(doc, NT_NOT_SYN " meta mark { 2, 3 } jump own");
	nft_doc_line(doc, "counter name %s " NT_ACCEPT, counter);
	nft_name(name, "sent_%s_tcp", group);
	nft_doc_add(doc, NK_CHAIN, name,
	    "comment \"from the node that directs\";");
	nft_doc_line(doc, NT_SYN " meta mark vmap { 1 : jump may_open, "
	    "2 : jump open, 3 : jump open, 4 : jump open }");
	nft_doc_line(doc, NT_NOT_SYN " meta mark { 2, 3 } jump own");
	nft_doc_line(doc, "counter name %s " NT_ACCEPT, counter);
}

static void
udp_taken(struct nft_doc *doc, const char *group, const char *counter)
{
	char name[NFT_NAME_LEN];

	nft_name(name, "taken_%s_udp", group);
	nft_doc_add(doc, NK_CHAIN, name, "comment \"of the vmac\";");
	nft_doc_line(doc, "meta mark 3 goto others");
	nft_doc_line(doc, "jump may_open");
	nft_doc_line(doc, "meta pkttype set host counter name %s " NT_ACCEPT,
	    counter);
}

void
nft_text_taken(struct nft_doc *doc, const struct filter_input *in)
{
	char group[NFT_NAME_LEN], counter[NFT_NAME_LEN];

	nft_doc_add(doc, NK_CHAIN, "others",
	    "comment \"another node takes it\";");
	nft_doc_line(doc, NT_REJECT);
	for (unsigned i = 0; i < in->group_count; i++) {
		group_name(group, in, i);
		filter_nft_counter(counter, in, i);
		if (group_has(in, i, FP_TCP))
			tcp_taken(doc, group, counter);
		if (group_has(in, i, FP_UDP))
			udp_taken(doc, group, counter);
	}
	nft_doc_add(doc, NK_CHAIN, "taken_other", "comment \"of the vmac\";");
	nft_doc_line(doc, "meta mark 3 goto others");
	nft_doc_line(doc, "meta pkttype set host counter name accepted_other "
	    NT_ACCEPT);
	nft_doc_add(doc, NK_CHAIN, "taken_fragment",
	    "comment \"of the vmac\";");
	nft_doc_line(doc, "meta mark 3 goto others");
	/* A connection of another node would be reset. */
	nft_doc_line(doc, "meta l4proto tcp meta mark 2 goto others");
	nft_doc_line(doc, "jump may_open");
	nft_doc_line(doc, "meta pkttype set host counter name accepted_other "
	    NT_ACCEPT);
}

void
nft_text_in(struct nft_text *x)
{
	char name[NFT_NAME_LEN], addrs[FILTER_ADDR_MAX * INET6_ADDRSTRLEN];
	static const int families[] = { AF_INET, AF_INET6 };
	static const char *const ip[] = { "ip", "ip6" };

	nft_name(name, "in_%s", x->intf->name);
	nft_doc_add(x->doc, NK_CHAIN, name, "type filter hook ingress device "
	    "\"%s\" priority -500; policy accept; comment \"what the wire "
	    "brings; not for our addresses: accept\";", x->intf->name);
	for (unsigned i = 0; i < 2; i++) {
		nft_text_family(x, families[i]);
		if (nft_text_addrs(x, addrs, sizeof(addrs)) == 0)
			continue;
		nft_doc_line(x->doc, "%s daddr . ether daddr vmap "
		    "@frames%c%s", ip[i], i == 0 ? '4' : '6', x->suffix);
		if (i == 1)
			nft_doc_line(x->doc, "ip6 daddr { %s } icmpv6 type "
			    ND_TYPES " accept", addrs);
		nft_doc_line(x->doc, "%s daddr { %s } " NT_REJECT
		    " comment \"the frame is another's\"", ip[i], addrs);
		nft_text_route_in(x);
	}
}

void
nft_text_refuse(struct nft_text *x)
{
	char name[NFT_NAME_LEN], mac[NT_MAC_LEN];

	nft_name(name, "refuse%s", x->suffix);
	nft_doc_add(x->doc, NK_CHAIN, name,
	    "comment \"no rule has this port\";");
	/* The answer's source: the vmac must never be one. */
	nft_doc_line(x->doc, "ether daddr set %s",
	    nft_text_mac(mac, &x->intf->mac));
	nft_doc_line(x->doc, "meta l4proto tcp counter name refused "
	    "reject with tcp reset");
	nft_doc_line(x->doc, "ip protocol udp counter name refused "
	    "reject with icmp type port-unreachable");
	nft_doc_line(x->doc, "meta protocol ip6 meta l4proto udp counter "
	    "name refused reject with icmpv6 type port-unreachable");
	nft_doc_line(x->doc, NT_REJECT);
}

static bool
has_vmac(const struct nft_text *x)
{
	for (unsigned i = 0; i < x->in->addr_count; i++)
		if (nft_text_has(x, &x->in->addr[i]) &&
		    filter_mac_is_set(&x->in->addr[i].vmac))
			return true;
	return false;
}

static void
frames(struct nft_text *x)
{
	char name[NFT_NAME_LEN], mac[NT_MAC_LEN], ip[INET6_ADDRSTRLEN];

	nft_name(name, "frames%c%s", x->v, x->suffix);
	nft_doc_add(x->doc, NK_MAP, name, "type ipv%c_addr . ether_addr : "
	    "verdict; comment \"address . where the frame was sent\";",
	    x->v);
	for (unsigned i = 0; i < x->in->addr_count; i++) {
		const struct filter_addr *a = &x->in->addr[i];

		if (!nft_text_has(x, a))
			continue;
		nft_text_ip(ip, a);
		nft_doc_line(x->doc, "%s . %s : goto direct%c%s", ip,
		    nft_text_mac(mac, &x->intf->mac), x->v, x->suffix);
		if (filter_mac_is_set(&a->vmac))
			nft_doc_line(x->doc, "%s . %s : goto vmac%c%s", ip,
			    nft_text_mac(mac, &a->vmac), x->v, x->suffix);
	}
}

static void
rule_chain_name(const struct nft_text *x, char out[NFT_NAME_LEN],
    enum frame kind, const struct filter_rule *r)
{
	char group[NFT_NAME_LEN];

	group_name(group, x->in, r->group);
	nft_name(out, "%s%c_%s_%s%s%s", frame_name[kind], x->v, group,
	    proto_name(r->proto), r->key == FK_PORT ? "_port" :
	    r->key == FK_IPID ? "_ipid" : "", x->suffix);
}

static void
vmac_chain(struct nft_text *x, const char *group,
    const struct filter_rule *r)
{
	char look[256];

	nft_text_lookup(x, look, r->key, "mine", x->in->group[r->group].table);
	nft_doc_line(x->doc, "%s goto taken_%s_%s", look, group,
	    proto_name(r->proto));
	nft_doc_line(x->doc, NT_REJECT);
}

static void
sent_chain(struct nft_text *x, const char *group, const char *counter,
    const struct filter_rule *r)
{
	char look[256];

	if (r->proto == FP_TCP) {
		nft_text_lookup(x, look, r->key, "mine",
		    x->in->group[r->group].table);
		nft_doc_line(x->doc, "%s goto sent_%s_tcp", look, group);
		nft_doc_line(x->doc, NT_SYN " jump open");
		nft_doc_line(x->doc, NT_NOT_SYN " jump own");
	} else {
		nft_doc_line(x->doc, "jump may_open");
	}
	nft_doc_line(x->doc, "counter name %s " NT_ACCEPT, counter);
}

static void
direct_chain(struct nft_text *x, const char *counter,
    const struct filter_rule *r)
{
	char look[256];

	nft_text_lookup(x, look, r->key, "share",
	    x->in->group[r->group].table);
	nft_doc_line(x->doc, "%s", look);
	if (r->proto == FP_TCP) {
		nft_doc_line(x->doc, NT_SYN " meta mark vmap @takers%s",
		    x->suffix);
		nft_doc_line(x->doc, NT_NOT_SYN " meta mark vmap @keepers%s",
		    x->suffix);
	} else {
		nft_doc_line(x->doc, "meta mark vmap @takers%s", x->suffix);
	}
	nft_doc_line(x->doc, "counter name %s " NT_ACCEPT, counter);
}

static void
rule_chain(struct nft_text *x, enum frame kind, const struct filter_rule *r)
{
	char name[NFT_NAME_LEN], group[NFT_NAME_LEN], counter[NFT_NAME_LEN];

	rule_chain_name(x, name, kind, r);
	if (nft_doc_find(x->doc, NK_CHAIN, name) != NULL)
		return;
	group_name(group, x->in, r->group);
	filter_nft_counter(counter, x->in, r->group);
	nft_doc_add(x->doc, NK_CHAIN, name, "%s", "");
	if (kind == NF_VMAC)
		vmac_chain(x, group, r);
	else if (kind == NF_SENT)
		sent_chain(x, group, counter, r);
	else
		direct_chain(x, counter, r);
}

/* The rule of each port of an address: the first that has it. */
static void
ports_of(const struct filter_input *in, unsigned addr,
    enum filter_proto proto, uint16_t *rule)
{
	memset(rule, 0xff, PORT_COUNT * sizeof(*rule));
	for (unsigned i = in->rule_count; i-- > 0;) {
		const struct filter_rule *r = &in->rule[i];

		if (r->proto != proto ||
		    (r->addr >= 0 && (unsigned)r->addr != addr))
			continue;
		for (unsigned p = r->low; p <= r->high; p++)
			rule[p] = (uint16_t)i;
	}
}

/* A line for each run of ports with one rule, after what it begins with. */
static void
port_lines(struct nft_text *x, enum frame kind, const uint16_t *rule,
    const char *before)
{
	char name[NFT_NAME_LEN], range[16];
	unsigned end;

	for (unsigned p = 0; p < PORT_COUNT; p = end) {
		for (end = p + 1; end < PORT_COUNT && rule[end] == rule[p];)
			end++;
		if (rule[p] == NO_RULE)
			continue;
		if (end - p > 1)
			(void)snprintf(range, sizeof(range), "%u-%u", p,
			    end - 1);
		else
			(void)snprintf(range, sizeof(range), "%u", p);
		rule_chain_name(x, name, kind, &x->in->rule[rule[p]]);
		nft_doc_line(x->doc, "%s%s : goto %s", before, range, name);
	}
}

static bool
has_ranges(const struct filter_input *in)
{
	for (unsigned i = 0; i < in->rule_count; i++)
		if (in->rule[i].low != in->rule[i].high &&
		    in->rule[i].proto <= FP_UDP)
			return true;
	return false;
}

static void
range_chain_name(const struct nft_text *x, char out[NFT_NAME_LEN],
    enum frame kind, unsigned addr, enum filter_proto proto)
{
	char ip[INET6_ADDRSTRLEN];

	nft_name(out, "%s%c_%s_to_%s%s", frame_name[kind], x->v,
	    proto_name(proto), nft_text_ip(ip, &x->in->addr[addr]),
	    x->suffix);
}

static void
range_chain(struct nft_text *x, enum frame kind, unsigned addr,
    enum filter_proto proto, uint16_t *rule)
{
	char name[NFT_NAME_LEN], ports[NFT_NAME_LEN];

	range_chain_name(x, name, kind, addr, proto);
	nft_name(ports, "ports_%s", name);
	ports_of(x->in, addr, proto, rule);
	nft_doc_add(x->doc, NK_MAP, ports, "type inet_service : verdict; "
	    "flags interval; comment \"the rules\";");
	port_lines(x, kind, rule, "");
	nft_doc_add(x->doc, NK_CHAIN, name, "%s", "");
	nft_doc_line(x->doc, "th dport vmap @%s", ports);
}

static void
service_lines(struct nft_text *x, enum frame kind, unsigned addr,
    enum filter_proto proto, uint16_t *rule)
{
	char name[NFT_NAME_LEN], ip[INET6_ADDRSTRLEN], before[96];

	nft_text_ip(ip, &x->in->addr[addr]);
	if (has_ranges(x->in)) {
		range_chain_name(x, name, kind, addr, proto);
		nft_doc_line(x->doc, "%s . %s : jump %s", ip,
		    proto_name(proto), name);
		return;
	}
	(void)snprintf(before, sizeof(before), "%s . %s . ", ip,
	    proto_name(proto));
	ports_of(x->in, addr, proto, rule);
	port_lines(x, kind, rule, before);
}

/*
 * Single ports are found in one look, by hash, with address and protocol.  A
 * concatenation with ranges would take time for each of them: there each
 * address and protocol has a chain with a tree of its ranges.
 */
static void
services(struct nft_text *x, enum frame kind)
{
	static const enum filter_proto protos[] = { FP_TCP, FP_UDP };
	uint16_t *rule = xcalloc(PORT_COUNT, sizeof(*rule));
	bool is_ranged = has_ranges(x->in);
	char name[NFT_NAME_LEN];

	for (unsigned i = 0; is_ranged && i < x->in->addr_count; i++)
		for (unsigned p = 0; p < 2; p++)
			if (nft_text_has(x, &x->in->addr[i]))
				range_chain(x, kind, i, protos[p], rule);
	nft_name(name, "%s%c_services%s", frame_name[kind], x->v, x->suffix);
	nft_doc_add(x->doc, NK_MAP, name, "type ipv%c_addr . inet_proto%s : "
	    "verdict; comment \"the rules\";", x->v,
	    is_ranged ? "" : " . inet_service");
	for (unsigned i = 0; i < x->in->addr_count; i++)
		for (unsigned p = 0; p < 2; p++)
			if (nft_text_has(x, &x->in->addr[i]))
				service_lines(x, kind, i, protos[p], rule);
	free(rule);
}

/* "ip daddr . ip protocol { A . udp, ... }" of those that follow a table. */
static unsigned
fragment_match(const struct nft_text *x, unsigned table, const char *protos,
    char *out, size_t size)
{
	static const enum filter_proto proto[] = { FP_TCP, FP_UDP };
	char ip[INET6_ADDRSTRLEN];
	unsigned count = 0;
	size_t len;

	len = (size_t)snprintf(out, size, "%s daddr . %s { ", x->ip, x->proto);
	for (unsigned i = 0; i < x->in->addr_count; i++)
		for (unsigned p = 0; p < 2; p++) {
			if (!nft_text_has(x, &x->in->addr[i]) ||
			    strstr(protos, proto_name(proto[p])) == NULL ||
			    filter_fragment_table(x->in, i, proto[p]) !=
			    (int)table || len >= size)
				continue;
			len += (size_t)snprintf(out + len, size - len,
			    "%s%s . %s", count++ > 0 ? ", " : "",
			    nft_text_ip(ip, &x->in->addr[i]),
			    proto_name(proto[p]));
		}
	if (len < size)
		(void)snprintf(out + len, size - len, " }");
	return count;
}

static void
fragments(struct nft_text *x, enum frame kind)
{
	char name[NFT_NAME_LEN], look[256];
	char match[FILTER_ADDR_MAX * 2 * 64];

	nft_name(name, "%s%c_fragment%s", frame_name[kind], x->v, x->suffix);
	nft_doc_add(x->doc, NK_CHAIN, name,
	    "comment \"all of a packet go where its address goes\";");
	nft_doc_line(x->doc, "%s != { tcp, udp } goto %s%c_other%s", x->proto,
	    frame_name[kind], x->v, x->suffix);
	for (unsigned t = 0; t < x->in->tables; t++) {
		if (kind == NF_SENT && fragment_match(x, t, "udp", match,
		    sizeof(match)) > 0) {
			nft_doc_line(x->doc, "%s jump may_open", match);
			nft_doc_line(x->doc, "%s counter name "
			    "accepted_other accept", match);
		}
		if (fragment_match(x, t, kind == NF_SENT ? "tcp" : "tcp udp",
		    match, sizeof(match)) == 0)
			continue;
		nft_text_lookup(x, look, FK_ADDR,
		    kind == NF_DIRECT ? "share" : "mine", t);
		if (kind == NF_SENT)
			nft_doc_line(x->doc, "%s %s meta mark { 1, 4 } "
			    "counter name accepted_other " NT_ACCEPT, match,
			    look);
		else
			nft_doc_line(x->doc, "%s %s goto %s_fragment%s",
			    match, look, kind == NF_VMAC ? "taken" :
			    "directed", kind == NF_VMAC ? "" : x->suffix);
	}
	nft_doc_line(x->doc, NT_REJECT);
}

/* Set by the interface, as takers and keepers are. */
static void
directed_fragment(struct nft_text *x)
{
	char name[NFT_NAME_LEN];

	nft_name(name, "directed_fragment%s", x->suffix);
	if (nft_doc_find(x->doc, NK_CHAIN, name) != NULL)
		return;
	nft_doc_add(x->doc, NK_CHAIN, name, "%s", "");
	nft_doc_line(x->doc, "meta l4proto udp meta mark vmap @takers%s",
	    x->suffix);
	nft_doc_line(x->doc, "meta l4proto tcp meta mark vmap @keepers%s",
	    x->suffix);
	nft_doc_line(x->doc, "counter name accepted_other " NT_ACCEPT);
}

/* Echo, and protocols without ports, in fragments or not. */
static void
other(struct nft_text *x, enum frame kind)
{
	char name[NFT_NAME_LEN], look[256];

	nft_name(name, "%s%c_other%s", frame_name[kind], x->v, x->suffix);
	nft_doc_add(x->doc, NK_CHAIN, name,
	    "comment \"echo, protocols without ports\";");
	if (kind == NF_VMAC) {
		nft_text_lookup(x, look, FK_ADDR, "mine", 0);
		nft_doc_line(x->doc, "%s goto taken_other", look);
		nft_doc_line(x->doc, NT_REJECT);
		return;
	}
	if (kind == NF_DIRECT) {
		nft_text_lookup(x, look, FK_ADDR, "share", 0);
		nft_doc_line(x->doc, "%s meta mark vmap @takers%s", look,
		    x->suffix);
	}
	nft_doc_line(x->doc, "counter name accepted_other " NT_ACCEPT);
}

static void
icmp(struct nft_text *x, enum frame kind)
{
	const char *errors = x->v == '4' ?
	    "icmp type { destination-unreachable, time-exceeded, "
	    "parameter-problem }" :
	    "icmpv6 type { destination-unreachable, packet-too-big, "
	    "time-exceeded, parameter-problem }";
	char name[NFT_NAME_LEN];

	nft_name(name, "%s%c_icmp%s", frame_name[kind], x->v, x->suffix);
	nft_doc_add(x->doc, NK_CHAIN, name,
	    "comment \"errors are for whoever has the connection\";");
	if (x->v == '6')
		nft_doc_line(x->doc, "icmpv6 type " ND_TYPES " accept");
	if (kind == NF_VMAC)
		nft_doc_line(x->doc, "%s meta pkttype set host counter name "
		    "accepted_other accept", errors);
	else if (kind == NF_DIRECT)
		nft_doc_line(x->doc, "%s goto everyone%s", errors, x->suffix);
	nft_doc_line(x->doc, "goto %s%c_other%s", frame_name[kind], x->v,
	    x->suffix);
}

static void
unmatched(struct nft_text *x, enum frame kind)
{
	char look[256];

	if (kind == NF_DIRECT) {
		nft_doc_line(x->doc, "goto refuse%s", x->suffix);
		return;
	}
	if (kind == NF_VMAC) {
		nft_text_lookup(x, look, FK_ADDR, "mine", 0);
		nft_doc_line(x->doc, "%s meta mark { 1, 2, 4 } goto refuse%s",
		    look, x->suffix);
	}
	nft_doc_line(x->doc, NT_REJECT);
}

unsigned
nft_text_peers(const struct nft_text *x, char *out, size_t size)
{
	char mac[NT_MAC_LEN];
	unsigned count = 0;
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < x->in->node_count && len < size; i++) {
		const struct filter_mac *m = &x->intf->node_mac[i];

		if (i != x->in->self && filter_mac_is_set(m))
			len += (size_t)snprintf(out + len, size - len, "%s%s",
			    count++ > 0 ? ", " : "", nft_text_mac(mac, m));
	}
	return count;
}

static void
kind_chains(struct nft_text *x, enum frame kind)
{
	static const char *const about[] = {
		"to the shared MAC: each node sees it, one takes it",
		"another node directed it here: never on again",
		"this node directs it",
	};
	char macs[FILTER_NODE_MAX * (NT_MAC_LEN + 2)], name[NFT_NAME_LEN];

	nft_name(name, "%s%c%s", frame_name[kind], x->v, x->suffix);
	nft_doc_add(x->doc, NK_CHAIN, name, "comment \"%s\";", about[kind]);
	nft_name(name, "%s%c", frame_name[kind], x->v);
	if (kind == NF_DIRECT && nft_text_peers(x, macs, sizeof(macs)) > 0)
		nft_doc_line(x->doc, "ether saddr { %s } goto sent%c%s", macs,
		    x->v, x->suffix);
	nft_doc_line(x->doc, "%s goto %s_fragment%s", x->fragment, name,
	    x->suffix);
	nft_doc_line(x->doc, "%s daddr . %s%s vmap @%s_services%s", x->ip,
	    x->proto, has_ranges(x->in) ? "" : " . th dport", name,
	    x->suffix);
	nft_doc_line(x->doc, "%s %s goto %s_icmp%s", x->proto,
	    x->v == '4' ? "icmp" : "ipv6-icmp", name, x->suffix);
	nft_doc_line(x->doc, "%s != { tcp, udp } goto %s_other%s", x->proto,
	    name, x->suffix);
	unmatched(x, kind);
	fragments(x, kind);
	icmp(x, kind);
	other(x, kind);
	for (unsigned i = 0; i < x->in->rule_count; i++) {
		const struct filter_rule *r = &x->in->rule[i];

		if (r->proto == FP_TCP || r->proto == FP_UDP)
			rule_chain(x, kind, r);
	}
	services(x, kind);
}

void
nft_text_frames(struct nft_text *x)
{
	frames(x);
	directed_fragment(x);
	kind_chains(x, NF_DIRECT);
	kind_chains(x, NF_SENT);
	if (has_vmac(x))
		kind_chains(x, NF_VMAC);
}
