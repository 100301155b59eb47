/* SPDX-License-Identifier: ISC OR GPL-2.0-only */
/*
 * The two programs of the bpf backend, compiled for the kernel's machine.
 *
 * farm_tc, at the ingress of each interface of a module, decides everything:
 * what is for this node, what another node gets (this node directs), what is
 * dropped, what is refused.  farm_xdp, one for an interface and all modules,
 * drops frames of a shared MAC that are foreign for certain, before the
 * kernel has made a packet of them; in doubt it passes them to farm_tc.
 *
 * A frame that farm_tc has nothing to say about, and one that it accepts,
 * goes on to the next filter of the interface (TC_ACT_UNSPEC).
 *
 * Buckets, and the three kinds of frame, are those of filter.h; the hash is
 * that of hash.c, which is nftables'.  No vmlinux.h: nothing of the kernel's
 * own structures is read.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "farm-bpf.h"

/* linux/if_packet.h and linux/ipv6.h pull in more than they give. */
#define PACKET_HOST	0
#define ICMP6		58
#define NEXT_HOP	0
#define NEXT_ROUTING	43
#define NEXT_FRAGMENT	44
#define NEXT_AUTH	51
#define NEXT_DEST	60

/* More extension headers than any host sends; behind them nothing is read. */
#define EXTENSIONS_MAX	8

#define TCP_FLAGS	0x17		/* FIN, SYN, RST, ACK */
#define TCP_END		0x05		/* FIN, RST */
#define TCP_SYN		0x02
#define TCP_PSH		0x08
#define STATE_LISTEN	10

/* The page of an address: filter-bpf.c makes one for each. */
struct page_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct farm_bpf_page));
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, FARM_BPF_ADDRS);
	__type(key, struct farm_bpf_key);
	__array(values, struct page_map);
} farm_addr SEC(".maps");

/* The same for all modules of an interface. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 1024);
	__type(key, struct farm_bpf_key);
	__array(values, struct page_map);
} farm_xdp_addr SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FARM_BPF_MODULES);
	__type(key, __u32);
	__type(value, __u64);
} farm_xdp_count SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct farm_bpf_state);
} farm_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct farm_bpf_port);
	__type(value, struct farm_bpf_mac);
} farm_mac SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct farm_bpf_peer);
	__type(value, __u32);
} farm_peer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct farm_bpf_count);
} farm_count SEC(".maps");

/* Which connections were passed on to whom: see remember(). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FARM_BPF_FLOWS);
	__type(key, struct farm_bpf_flow);
	__type(value, __u32);
} farm_flow SEC(".maps");

/* What a frame is, as far as it was read. */
struct frame {
	__u8 mac[12];			/* destination, source */
	__be16 ethertype;
	struct farm_bpf_key src;
	struct farm_bpf_key dst;
	__u32 l4;			/* where the protocol begins */
	__be16 sport;
	__be16 id;
	__u16 dport;
	__u8 proto;
	__u8 flags;			/* of TCP */
	__u8 type;			/* of ICMP */
	bool v6;
	bool fragment;
};

/* To what MAC it came, and from which. */
enum kind {
	KIND_OTHER,			/* for another host */
	KIND_SHARED,			/* the vmac, or all hosts */
	KIND_DIRECTED,			/* own MAC, from a node of the farm */
	KIND_DIRECT,			/* own MAC, from anybody else */
};

/* What a frame asks for. */
enum ask {
	ASK_KERNEL,			/* as if we were not there */
	ASK_ALL,			/* every member */
	ASK_TAKER,			/* who takes its bucket */
	ASK_FLOW,			/* who has its connection */
	ASK_REFUSAL,			/* no rule for it */
	ASK_NOTHING,			/* it cannot be read */
};

struct plea {
	enum ask ask;
	__u32 table;
	__u32 bucket;
	__u32 rule;			/* 0 none */
};

static __always_inline long
load(void *ctx, bool xdp, __u32 off, void *to, __u32 len)
{
	return xdp ? bpf_xdp_load_bytes(ctx, off, to, len) :
	    bpf_skb_load_bytes(ctx, off, to, len);
}

/* Bob Jenkins' lookup3, as the kernel's jhash() of 4-byte words. */

#define ROL(x, n)	(((x) << (n)) | ((x) >> (32 - (n))))
#define MIX(a, b, c) do {						\
	a -= c; a ^= ROL(c, 4); c += b;					\
	b -= a; b ^= ROL(a, 6); a += c;					\
	c -= b; c ^= ROL(b, 8); b += a;					\
	a -= c; a ^= ROL(c, 16); c += b;				\
	b -= a; b ^= ROL(a, 19); a += c;				\
	c -= b; c ^= ROL(b, 4); b += a;					\
} while (0)
#define FINAL(a, b, c) do {						\
	c ^= b; c -= ROL(b, 14);					\
	a ^= c; a -= ROL(c, 11);					\
	b ^= a; b -= ROL(a, 25);					\
	c ^= b; c -= ROL(b, 16);					\
	a ^= c; a -= ROL(c, 4);						\
	b ^= a; b -= ROL(a, 14);					\
	c ^= b; c -= ROL(b, 24);					\
} while (0)

/* The bucket of the source, with a second word if more. */
static __always_inline __u32
bucket_of(const struct frame *f, __u32 seed, bool more, __u32 second)
{
	__u32 a, b, c, len = (f->v6 ? 16 : 4) + (more ? 4 : 0);

	a = b = c = 0xdeadbeef + len + seed;
	if (f->v6) {
		a += f->src.a[0];
		b += f->src.a[1];
		c += f->src.a[2];
		MIX(a, b, c);
	}
	a += f->src.a[3];
	if (more)
		b += second;
	FINAL(a, b, c);
	/* reciprocal_scale() to 4096 */
	return c >> 20;
}

/* Reading */

static __always_inline bool
is_extension(__u8 next)
{
	return next == NEXT_HOP || next == NEXT_ROUTING ||
	    next == NEXT_FRAGMENT || next == NEXT_AUTH || next == NEXT_DEST;
}

static __always_inline bool
read_ip4(void *ctx, bool xdp, struct frame *f)
{
	struct {
		__u8 version, tos;
		__be16 len, id, off;
		__u8 ttl, proto;
		__be16 sum;
		__u32 src, dst;
	} ip;

	if (load(ctx, xdp, ETH_HLEN, &ip, sizeof(ip)) != 0 ||
	    (ip.version & 0xf) < 5)
		return false;
	f->src.a[2] = f->dst.a[2] = bpf_htonl(0xffff);
	f->src.a[3] = ip.src;
	f->dst.a[3] = ip.dst;
	f->id = ip.id;
	f->proto = ip.proto;
	f->fragment = (ip.off & bpf_htons(0x3fff)) != 0;
	f->l4 = ETH_HLEN + (ip.version & 0xf) * 4;
	return true;
}

static __always_inline bool
read_ip6(void *ctx, bool xdp, struct frame *f)
{
	struct {
		__u32 flow;
		__be16 len;
		__u8 next, hops;
		struct farm_bpf_key src, dst;
	} ip;

	if (load(ctx, xdp, ETH_HLEN, &ip, sizeof(ip)) != 0)
		return false;
	f->v6 = true;
	f->src = ip.src;
	f->dst = ip.dst;
	f->proto = ip.next;
	f->l4 = ETH_HLEN + sizeof(ip);
	return true;
}

/* Where the headers end, what is there, and whether they are readable. */
#define END(l4, proto, frag)	((l4) | (proto) << 16 | (frag) << 24)
#define END_BAD				(1u << 25)

static __always_inline __u32
end_of(void *ctx, bool xdp, __u32 l4, __u32 proto)
{
	struct {
		__u8 next, len;
		__be16 off;		/* of a fragment */
	} head;

	for (int i = 0; i < EXTENSIONS_MAX && is_extension(proto); i++) {
		if (load(ctx, xdp, l4, &head, sizeof(head)) != 0)
			return END_BAD;
		l4 += proto == NEXT_FRAGMENT ? 8 : proto == NEXT_AUTH ?
		    (head.len + 2) * 4 : (head.len + 1) * 8;
		/*
		 * One that is the whole is no fragment; what follows another
		 * is not in each of them.
		 */
		if (proto == NEXT_FRAGMENT &&
		    (head.off & bpf_htons(0xfff9)) != 0)
			return END(l4 & 0xffff, head.next, 1u);
		proto = head.next;
	}
	return is_extension(proto) ? END_BAD : END(l4 & 0xffff, proto, 0u);
}

/*
 * Not static: then the verifier takes what it returns as unknown, and does
 * not follow each number of headers through all the rest.
 */
__u32	tc_end_of(struct __sk_buff *skb, __u32 l4, __u32 proto);
__u32	xdp_end_of(struct xdp_md *ctx, __u32 l4, __u32 proto);

__noinline __u32
tc_end_of(struct __sk_buff *skb, __u32 l4, __u32 proto)
{
	return end_of(skb, false, l4, proto);
}

__noinline __u32
xdp_end_of(struct xdp_md *ctx, __u32 l4, __u32 proto)
{
	return end_of(ctx, true, l4, proto);
}

/* False: too many of them, or cut off. */
static __always_inline bool
skip_extensions(void *ctx, bool xdp, struct frame *f)
{
	__u32 end = xdp ? xdp_end_of(ctx, f->l4, f->proto) :
	    tc_end_of(ctx, f->l4, f->proto);

	f->l4 = end & 0xffff;
	f->proto = end >> 16;
	f->fragment = end >> 24 & 1;
	return (end & END_BAD) == 0;
}

static __always_inline bool
read_proto(void *ctx, bool xdp, struct frame *f)
{
	struct {
		__be16 sport, dport;
		__u8 rest[9], flags;	/* of TCP only */
	} head;

	switch (f->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		/* One call for all that is needed: they are what costs. */
		if (load(ctx, xdp, f->l4, &head,
		    f->proto == IPPROTO_TCP ? sizeof(head) : 4) != 0)
			return false;
		f->sport = head.sport;
		f->dport = bpf_ntohs(head.dport);
		if (f->proto == IPPROTO_TCP)
			f->flags = head.flags;
		return true;
	case IPPROTO_ICMP:
	case ICMP6:
		return load(ctx, xdp, f->l4, &f->type, 1) == 0;
	default:
		return true;
	}
}

/* The page of the address it is for; NULL: none of ours. */
static __always_inline struct farm_bpf_page *
read_frame(void *ctx, bool xdp, struct frame *f)
{
	void *map;
	__u32 zero = 0;

	/* It begins as a frame does. */
	if (load(ctx, xdp, 0, f, ETH_HLEN) != 0)
		return NULL;
	if (f->ethertype == bpf_htons(ETH_P_IP)) {
		if (!read_ip4(ctx, xdp, f))
			return NULL;
	} else if (f->ethertype == bpf_htons(ETH_P_IPV6)) {
		if (!read_ip6(ctx, xdp, f))
			return NULL;
	} else {
		return NULL;
	}
	map = xdp ? bpf_map_lookup_elem(&farm_xdp_addr, &f->dst) :
	    bpf_map_lookup_elem(&farm_addr, &f->dst);
	return map == NULL ? NULL : bpf_map_lookup_elem(map, &zero);
}

/* Judging */

static __always_inline void
judge_icmp(const struct frame *f, struct plea *p)
{
	/* Neighbour and listener discovery: of each host itself. */
	if (f->v6 && ((f->type >= 130 && f->type <= 137) ||
	    f->type == 143 || (f->type >= 151 && f->type <= 153)))
		p->ask = ASK_KERNEL;
	else if (f->v6 ? f->type >= 1 && f->type <= 4 :
	    f->type == 3 || f->type == 11 || f->type == 12)
		p->ask = ASK_ALL;
}

static __always_inline void
judge_fragment(const struct frame *f, const struct farm_bpf_page *page,
    struct plea *p)
{
	if (f->proto != IPPROTO_TCP && f->proto != IPPROTO_UDP)
		return;
	if (f->proto == IPPROTO_TCP)
		p->ask = ASK_FLOW;
	p->table = page->fragment_table[f->proto == IPPROTO_UDP];
	if (p->table == FARM_BPF_NO_TABLE) {
		p->ask = ASK_NOTHING;
		p->table = 0;
	}
}

static __always_inline void
judge_ports(const struct frame *f, const struct farm_bpf_page *page,
    struct plea *p)
{
	bool udp = f->proto == IPPROTO_UDP;
	__u8 hash;

	p->rule = page->port[udp][f->dport];
	if (p->rule == 0) {
		p->ask = ASK_REFUSAL;
		return;
	}
	if (!udp && (f->flags & TCP_FLAGS) != TCP_SYN)
		p->ask = ASK_FLOW;
	p->table = page->rule[p->rule].table;
	hash = page->rule[p->rule].hash;
	if (hash == FBH_PORT)
		p->bucket = bucket_of(f, page->seed, true, f->sport);
	else if (hash == FBH_IPID && udp && !f->v6)
		p->bucket = bucket_of(f, page->seed, true, f->id);
}

/*
 * Fragments have no ports but in the first: all go by the source alone, and
 * so does what never has any.
 */
static __always_inline void
judge(void *ctx, bool xdp, struct frame *f, const struct farm_bpf_page *page,
    struct plea *p)
{
	p->ask = ASK_TAKER;
	p->table = p->rule = 0;
	p->bucket = bucket_of(f, page->seed, false, 0);
	if (f->v6 && !skip_extensions(ctx, xdp, f))
		p->ask = ASK_NOTHING;
	else if (f->fragment)
		judge_fragment(f, page, p);
	else if (!read_proto(ctx, xdp, f))
		p->ask = ASK_NOTHING;
	else if (f->proto == (f->v6 ? ICMP6 : IPPROTO_ICMP))
		judge_icmp(f, p);
	else if (f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP)
		judge_ports(f, page, p);
	/* For the verifier: what comes from a map may be anything. */
	p->table &= FARM_BPF_TABLES - 1;
}

static __always_inline bool
same_mac(const __u8 *a, const __u8 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] &&
	    a[3] == b[3] && a[4] == b[4] && a[5] == b[5];
}

/* A vmac is never all zero, and no frame is to that. */
static __always_inline bool
is_to_vmac(const struct frame *f, const struct farm_bpf_page *page)
{
	return same_mac(f->mac, page->vmac);
}

SEC("xdp")
int
farm_xdp(struct xdp_md *ctx)
{
	struct frame f = { 0 };
	struct plea p = { 0 };
	struct farm_bpf_page *page;
	__u64 *count;

	page = read_frame(ctx, true, &f);
	if (page == NULL || !is_to_vmac(&f, page))
		return XDP_PASS;
	judge(ctx, true, &f, page, &p);
	if ((p.ask != ASK_TAKER && p.ask != ASK_FLOW) ||
	    !page->foreign[p.table][p.bucket])
		return XDP_PASS;
	count = bpf_map_lookup_elem(&farm_xdp_count, &page->module);
	if (count != NULL)
		(*count)++;
	return XDP_DROP;
}

/* The rest is farm_tc's.  Everything it needs to know of a frame: */
struct work {
	struct __sk_buff *skb;
	struct frame *f;
	struct plea *p;
	struct farm_bpf_page *page;
	struct farm_bpf_state *state;
	struct farm_bpf_share *share;
	struct farm_bpf_count *count;
	struct farm_bpf_mac *mac;	/* own, of the interface */
	struct farm_bpf_bucket *bucket;
	enum kind kind;
};

static __always_inline int
accept(struct work *w)
{
	__u32 group;

	w->count->accepted++;
	if (w->p->rule != 0) {
		group = w->page->rule[w->p->rule].group;
		w->count->group[group % FARM_BPF_GROUPS]++;
	}
	/* TCP takes nothing that is not to the host. */
	if (w->kind == KIND_SHARED)
		bpf_skb_change_type(w->skb, PACKET_HOST);
	return TC_ACT_UNSPEC;
}

static __always_inline int
reject(struct work *w)
{
	w->count->rejected++;
	return TC_ACT_SHOT;
}

/*
 * nftables has what makes an answer, at the same ingress, after us.  Its
 * source is the destination of the frame: a vmac must never be one.
 */
static __always_inline int
refuse(struct work *w)
{
	w->count->refused++;
	bpf_skb_store_bytes(w->skb, 0, w->mac->byte, 6, 0);
	w->skb->mark = w->state->mark;
	return TC_ACT_UNSPEC;
}

/*
 * From our MAC: from its own, the switch would learn the client here.  False:
 * no MAC of that node is known.
 */
static __always_inline bool
address_to(struct __sk_buff *skb, __u32 node)
{
	struct farm_bpf_port port = { skb->ifindex, node };
	struct farm_bpf_mac *to, *from;
	__u8 mac[12];

	to = bpf_map_lookup_elem(&farm_mac, &port);
	port.node = FARM_BPF_NOBODY;
	from = bpf_map_lookup_elem(&farm_mac, &port);
	if (to == NULL || from == NULL)
		return false;
	__builtin_memcpy(mac, to->byte, 6);
	__builtin_memcpy(mac + 6, from->byte, 6);
	return bpf_skb_store_bytes(skb, 0, mac, sizeof(mac), 0) == 0;
}

/*
 * Of how many nodes of the set a copy is on its way.  Not static: then the
 * verifier looks at its loop once, and not for each way to it.
 */
__u32	copy_to(struct __sk_buff *skb, __u64 nodes);

__noinline __u32
copy_to(struct __sk_buff *skb, __u64 nodes)
{
	__u32 node, done = 0;

#pragma clang loop unroll(disable)
	for (node = 0; node < FARM_BPF_NODES; node++)
		if (nodes >> node & 1 && address_to(skb, node) &&
		    bpf_clone_redirect(skb, skb->ifindex, 0) == 0)
			done++;
	return done;
}

/* To others, and the frame itself remains as it came. */
static __always_inline void
copy(struct work *w, __u64 nodes)
{
	nodes &= ~(1ull << (w->state->self % FARM_BPF_NODES));
	if (nodes == 0)
		return;
	w->count->copied += copy_to(w->skb, nodes);
	bpf_skb_store_bytes(w->skb, 0, w->f->mac, sizeof(w->f->mac), 0);
}

/*
 * When a node dies, the clients of its connections are told, and for that it
 * must be known which those were.  A SYN or a packet that ends a request says
 * that there is one; what is acknowledged in between costs nothing.  Of a
 * bucket that moves the taker is not known to have it.
 */
static __always_inline void
remember(struct work *w, __u32 node)
{
	struct farm_bpf_flow flow = { 0 };
	__u32 *known;

	if (w->f->proto != IPPROTO_TCP || w->f->fragment ||
	    (w->f->flags & (TCP_END | TCP_SYN | TCP_PSH)) == 0)
		return;
	flow.src = w->f->src;
	flow.dst = w->f->dst;
	flow.sport = w->f->sport;
	flow.dport = bpf_htons(w->f->dport);
	if (w->f->flags & TCP_END) {
		bpf_map_delete_elem(&farm_flow, &flow);
		return;
	}
	if (w->bucket->keepers != 0 && (w->f->flags & TCP_SYN) == 0)
		return;
	known = bpf_map_lookup_elem(&farm_flow, &flow);
	if (known == NULL || *known != node)
		bpf_map_update_elem(&farm_flow, &flow, &node, BPF_ANY);
}

static __always_inline int
pass(struct work *w, __u32 node)
{
	if (node >= FARM_BPF_NODES || !address_to(w->skb, node)) {
		w->count->lost++;
		return TC_ACT_SHOT;
	}
	w->count->passed++;
	remember(w, node);
	return bpf_redirect(w->skb->ifindex, 0);
}

/*
 * The last packet of a handshake by cookies has no socket yet; of which
 * listener it is, its number says.
 */
static __always_inline bool
has_cookie(struct work *w, struct bpf_sock *sk)
{
	__u8 ip[40], tcp[20];
	__u32 len = w->f->v6 ? 40 : 20;

	if (bpf_skb_load_bytes(w->skb, ETH_HLEN, ip, 20) != 0 ||
	    (w->f->v6 &&
	    bpf_skb_load_bytes(w->skb, ETH_HLEN, ip, 40) != 0) ||
	    bpf_skb_load_bytes(w->skb, w->f->l4, tcp, sizeof(tcp)) != 0)
		return false;
	return bpf_tcp_check_syncookie(sk, ip, len, (struct tcphdr *)tcp,
	    sizeof(tcp)) == 0;
}

/* A socket of this node has the connection, in whatever state. */
static __always_inline bool
is_own(struct work *w)
{
	struct bpf_sock_tuple t = { 0 };
	struct bpf_sock *sk;
	bool own;

	/* Whose it is, the ports say that a fragment may lack. */
	if (w->f->fragment)
		return false;
	if (w->f->v6) {
		__builtin_memcpy(t.ipv6.saddr, &w->f->src, 16);
		__builtin_memcpy(t.ipv6.daddr, &w->f->dst, 16);
		t.ipv6.sport = w->f->sport;
		t.ipv6.dport = bpf_htons(w->f->dport);
		sk = bpf_skc_lookup_tcp(w->skb, &t, sizeof(t.ipv6),
		    BPF_F_CURRENT_NETNS, 0);
	} else {
		t.ipv4.saddr = w->f->src.a[3];
		t.ipv4.daddr = w->f->dst.a[3];
		t.ipv4.sport = w->f->sport;
		t.ipv4.dport = bpf_htons(w->f->dport);
		sk = bpf_skc_lookup_tcp(w->skb, &t, sizeof(t.ipv4),
		    BPF_F_CURRENT_NETNS, 0);
	}
	if (sk == NULL)
		return false;
	own = sk->state != STATE_LISTEN || has_cookie(w, sk);
	bpf_sk_release(sk);
	return own;
}

/* Of what asks for the taker: UDP, and TCP that opens. */
static __always_inline bool
is_new(const struct work *w)
{
	return w->f->proto == IPPROTO_UDP || w->f->proto == IPPROTO_TCP;
}

static __always_inline int
decide_taker(struct work *w)
{
	bool mine = w->bucket->taker == w->state->self;

	if (mine || w->kind == KIND_DIRECTED)
		return w->share->closed && is_new(w) ? reject(w) : accept(w);
	return w->kind == KIND_DIRECT ? pass(w, w->bucket->taker) : reject(w);
}

static __always_inline int
decide_flow(struct work *w)
{
	__u64 self = 1ull << (w->state->self % FARM_BPF_NODES);
	__u64 keepers = w->bucket->keepers;
	bool mine = w->bucket->taker == w->state->self;

	if (mine && (keepers & ~self) == 0)
		return accept(w);
	if ((mine || keepers & self || w->kind == KIND_DIRECTED) && is_own(w))
		return accept(w);
	if (w->kind != KIND_DIRECT)
		return reject(w);
	/* The taker gets the frame itself. */
	if (!mine && w->bucket->taker < FARM_BPF_NODES)
		keepers &= ~(1ull << w->bucket->taker);
	copy(w, keepers);
	return mine ? reject(w) : pass(w, w->bucket->taker);
}

static __always_inline int
decide(struct work *w)
{
	switch (w->p->ask) {
	case ASK_KERNEL:
		return TC_ACT_UNSPEC;
	case ASK_ALL:
		if (w->kind == KIND_DIRECT)
			copy(w, w->share->members);
		return accept(w);
	case ASK_TAKER:
		return decide_taker(w);
	case ASK_FLOW:
		return decide_flow(w);
	case ASK_REFUSAL:
		if (w->kind == KIND_DIRECT || (w->kind == KIND_SHARED &&
		    w->bucket->taker == w->state->self))
			return refuse(w);
		return reject(w);
	default:
		return reject(w);
	}
}

static __always_inline enum kind
kind_of(struct work *w)
{
	struct farm_bpf_peer peer = { w->skb->ifindex, { { 0 }, { 0 } } };

	if (is_to_vmac(w->f, w->page) || w->f->mac[0] & 1)
		return KIND_SHARED;
	if (!same_mac(w->f->mac, w->mac->byte))
		return KIND_OTHER;
	__builtin_memcpy(peer.mac.byte, w->f->mac + 6, 6);
	return bpf_map_lookup_elem(&farm_peer, &peer) != NULL ?
	    KIND_DIRECTED : KIND_DIRECT;
}

SEC("tc")
int
farm_tc(struct __sk_buff *skb)
{
	struct farm_bpf_port own = { skb->ifindex, FARM_BPF_NOBODY };
	struct frame f = { 0 };
	struct plea p = { 0 };
	struct work w = { .skb = skb, .f = &f, .p = &p };
	__u32 zero = 0;

	/* Of a VLAN, whose device it comes to next; 0 is no VLAN's. */
	if (skb->vlan_present && skb->vlan_tci & 0xfff)
		return TC_ACT_UNSPEC;
	w.page = read_frame(skb, false, &f);
	if (w.page == NULL)
		return TC_ACT_UNSPEC;
	w.state = bpf_map_lookup_elem(&farm_state, &zero);
	w.count = bpf_map_lookup_elem(&farm_count, &zero);
	w.mac = bpf_map_lookup_elem(&farm_mac, &own);
	if (w.state == NULL || w.count == NULL || w.mac == NULL)
		return TC_ACT_UNSPEC;
	w.kind = kind_of(&w);
	if (w.kind == KIND_OTHER)
		return TC_ACT_UNSPEC;
	judge(skb, false, &f, w.page, &p);
	w.share = &w.state->share[w.state->live & 1];
	w.bucket = &w.share->bucket[p.table][p.bucket];
	return decide(&w);
}

/* The kernel gives the test of a cookie only to what is under the GPL, too. */
char farm_licence[] SEC("license") = "Dual BSD/GPL";
