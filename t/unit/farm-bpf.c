/* SPDX-License-Identifier: ISC */
/*
 * The BPF programs, run by the kernel on frames made here: what they hash,
 * what they take, pass on, copy, drop and refuse.  In a network namespace of
 * its own; skipped where BPF is not allowed.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "paths.h"
#include "xalloc.h"

#include "../../bin/farmd/bpfengine.h"
#include "../../bin/farmd/bpfobj.h"
#include "../../bin/farmd/bpfpage.h"
#include "../../bin/farmd/tickle.h"
#include "farm-frame.h"
#include "tap.h"

#define LO	1
#define TUPLES	10000

struct verdict {
	int		code;		/* of tc */
	uint32_t	mark;
	uint8_t		mac[12];
	struct farm_bpf_count	count;	/* how much it added */
};

static struct filter_input in;
static struct bpfengine *engine;
static struct bpf_object *xdp_object;
static int xdp_fd = -1;		/* of it */

/* 64 nodes with ids 1 to 64; everything is of node 0 until a test says so. */
static void
input_init(void)
{
	memset(&in, 0, sizeof(in));
	strlcpy(in.module, "unit", sizeof(in.module));
	in.id = 7;
	in.seed = 0x1234567;
	in.addr_count = 2;
	in.addr[0].family = AF_INET;
	memcpy(in.addr[0].ip, own4, 4);
	in.addr[0].is_vmac = true;
	memcpy(in.addr[0].vmac.byte, vmac, 6);
	in.addr[1] = in.addr[0];
	in.addr[1].family = AF_INET6;
	memcpy(in.addr[1].ip, own6, 16);
	in.group_count = 2;
	strlcpy(in.group[0].name, "web", FILTER_NAME_LEN);
	strlcpy(in.group[1].name, "dns", FILTER_NAME_LEN);
	in.group[1].table = 1;
	in.tables = 2;
	in.rule_count = 5;
	in.rule[0] = (struct filter_rule){ 0, -1, FP_TCP, 80, 80, FK_ADDR };
	in.rule[1] = (struct filter_rule){ 0, -1, FP_TCP, 80, 90, FK_PORT };
	in.rule[2] = (struct filter_rule){ 1, -1, FP_UDP, 53, 53, FK_PORT };
	in.rule[3] = (struct filter_rule){ 1, -1, FP_UDP, 54, 54, FK_IPID };
	in.rule[4] = (struct filter_rule){ 0, 0, FP_TCP, 65535, 65535,
	    FK_ADDR };
	in.intf_count = 1;
	in.intf[0].index = LO;
	strlcpy(in.intf[0].name, "lo", IFNAMSIZ);
	in.node_count = FILTER_NODE_MAX;
	in.self = SELF;
	for (unsigned i = 0; i < in.node_count; i++) {
		in.node[i].id = (uint8_t)(i + 1);
		strlcpy(in.node[i].name, "n", FILTER_NAME_LEN);
		node_mac(in.intf[0].node_mac[i].byte, i);
	}
	node_mac(in.intf[0].mac.byte, SELF);
	in.members = 1ull << 0 | 1ull << SELF | 1ull << 5;
}

/* All buckets: of a node's index, kept by these. */
static void
all_buckets(int taker, uint64_t keepers)
{
	for (unsigned t = 0; t < FILTER_TABLE_MAX; t++)
		for (unsigned b = 0; b < HASH_BUCKETS; b++) {
			in.taker[t][b] = (uint8_t)(taker + 1);
			in.keepers[t][b] = keepers;
		}
	bpfengine_share(engine, &in);
}

static struct verdict
run(const struct frame *f)
{
	struct __sk_buff skb = { .ifindex = LO };
	struct farm_bpf_count before, after;
	uint8_t out[512];
	LIBBPF_OPTS(bpf_test_run_opts, o,
	    .data_in = f->byte, .data_size_in = f->len,
	    .data_out = out, .data_size_out = sizeof(out),
	    .ctx_in = &skb, .ctx_size_in = sizeof(skb),
	    .ctx_out = &skb, .ctx_size_out = sizeof(skb));
	struct verdict v = { .code = -99 };
	uint64_t *a = (uint64_t *)&after, *b = (uint64_t *)&before;

	bpfengine_count(engine, &before);
	if (bpf_prog_test_run_opts(bpfengine_fd(engine), &o) != 0) {
		printf("# test run: %s\n", strerror(errno));
		return v;
	}
	bpfengine_count(engine, &after);
	for (size_t i = 0; i < sizeof(after) / sizeof(*a); i++)
		((uint64_t *)&v.count)[i] = a[i] - b[i];
	v.code = (int)o.retval;
	v.mark = skb.mark;
	memcpy(v.mac, out, 12);
	return v;
}

/* Without asking for counts, which takes the most time. */
static int
code(const struct frame *f, uint8_t out[512])
{
	struct __sk_buff skb = { .ifindex = LO };
	LIBBPF_OPTS(bpf_test_run_opts, o,
	    .data_in = f->byte, .data_size_in = f->len,
	    .data_out = out, .data_size_out = 512,
	    .ctx_in = &skb, .ctx_size_in = sizeof(skb));

	return bpf_prog_test_run_opts(bpfengine_fd(engine), &o) == 0 ?
	    (int)o.retval : -99;
}

static int
xdp(const struct frame *f)
{
	uint8_t out[512];
	LIBBPF_OPTS(bpf_test_run_opts, o,
	    .data_in = f->byte, .data_size_in = f->len,
	    .data_out = out, .data_size_out = sizeof(out));

	return bpf_prog_test_run_opts(xdp_fd, &o) == 0 ? (int)o.retval : -99;
}

static const char *
what(const struct verdict *v)
{
	static char text[80];

	if (v->code == TC_ACT_REDIRECT)
		snprintf(text, sizeof(text), "pass %u copied %u", v->mac[5],
		    (unsigned)v->count.copied);
	else if (v->code == TC_ACT_SHOT)
		snprintf(text, sizeof(text), "%s copied %u",
		    v->count.lost ? "lost" : "drop",
		    (unsigned)v->count.copied);
	else if (v->code != (int)TC_ACT_UNSPEC)
		snprintf(text, sizeof(text), "code %d", v->code);
	else if (v->mark != 0)
		snprintf(text, sizeof(text), "refuse");
	else if (v->count.accepted)
		snprintf(text, sizeof(text), "accept copied %u",
		    (unsigned)v->count.copied);
	else
		snprintf(text, sizeof(text), "none of ours");
	return text;
}

static void
expect_at(int line, struct frame f, const char *want, const char *name)
{
	struct verdict v = run(&f);
	bool good = strcmp(what(&v), want) == 0;

	tap_ok(good, __FILE__, line, "%s: %s", name, want);
	if (!good)
		printf("# got %s\n", what(&v));
}
#define expect(f, want, name)	expect_at(__LINE__, (f), (want), (name))

/* Which node the program says takes it, low 6 bits, then high ones. */
static int
bucket_seen(const struct frame *f)
{
	uint8_t out[512];
	int c = code(f, out);

	return c == TC_ACT_REDIRECT ? out[5] :
	    c == (int)TC_ACT_UNSPEC ? SELF : -1;
}

struct tuple {
	struct frame	frame;
	unsigned	want;
};

static void
tuple_init(struct tuple *t)
{
	int family = random() % 2 ? AF_INET : AF_INET6;
	unsigned sport = random() & 0xffff, id = random() & 0xffff, at;
	uint8_t src[16];
	static const unsigned port[] = { 80, 85, 53, 54 };
	unsigned rule = random() % 4;

	for (unsigned i = 0; i < 16; i++)
		src[i] = (uint8_t)random();
	at = head(&t->frame, family, src, TO_ME,
	    rule < 2 ? IPPROTO_TCP : IPPROTO_UDP);
	if (family == AF_INET)
		put16(t->frame.byte + 18, id);
	put16(t->frame.byte + at, sport);
	put16(t->frame.byte + at + 2, port[rule]);
	t->frame.byte[at + 12] = 0x50;
	t->frame.byte[at + 13] = SYN;
	tail(&t->frame, family, 20);
	if (rule == 0 || (rule == 3 && family == AF_INET6))
		t->want = hash_addr(family, src, in.seed);
	else
		t->want = hash_addr_and(family, src,
		    rule == 3 ? id : sport, in.seed);
}

/* Each tuple twice: the takers spell the bucket's number in base 64. */
static void
test_hash(void)
{
	static struct tuple tuple[TUPLES];
	unsigned wrong = 0;

	srandom(1);
	for (unsigned i = 0; i < TUPLES; i++)
		tuple_init(&tuple[i]);
	for (unsigned shift = 0; shift < 12; shift += 6) {
		for (unsigned t = 0; t < in.tables; t++)
			for (unsigned b = 0; b < HASH_BUCKETS; b++) {
				in.taker[t][b] =
				    (uint8_t)((b >> shift & 63) + 1);
				in.keepers[t][b] = 0;
			}
		bpfengine_share(engine, &in);
		for (unsigned i = 0; i < TUPLES; i++)
			if (bucket_seen(&tuple[i].frame) !=
			    (int)(tuple[i].want >> shift & 63))
				wrong++;
	}
	is_num(wrong, 0, "%u random tuples hash as in hash.c", TUPLES);
}

/* Frames this node directs. */
static void
test_direct(int family)
{
	all_buckets(5, 0);
	expect(tcp(family, TO_ME, 1000, 80, SYN), "pass 5 copied 0",
	    "direct SYN of another's bucket");
	expect(tcp(family, TO_ME, 1000, 80, ACK), "pass 5 copied 0",
	    "direct ACK of another's bucket");
	expect(udp(family, TO_ME, 1000, 53), "pass 5 copied 0",
	    "direct UDP of another's bucket");
	expect(icmp(family, TO_ME, family == AF_INET ? 8 : 128),
	    "pass 5 copied 0", "direct echo request");
	expect(icmp(family, TO_ME, family == AF_INET ? 3 : 1),
	    "accept copied 2", "direct ICMP error, to every member");
	expect(tcp(family, TO_ME, 1000, 79, SYN), "refuse", "no rule: TCP");
	expect(udp(family, TO_ME, 1000, 55), "refuse", "no rule: UDP");
	all_buckets(SELF, 0);
	expect(tcp(family, TO_ME, 1000, 80, SYN), "accept copied 0",
	    "direct SYN, owned");
	expect(tcp(family, TO_ME, 1000, 90, ACK), "accept copied 0",
	    "direct ACK, owned");
	all_buckets(SELF, 1ull << 5 | 1ull << 6);
	expect(tcp(family, TO_ME, 1000, 80, SYN), "accept copied 0",
	    "direct SYN, gained");
	expect(tcp(family, TO_ME, 1000, 80, ACK), "drop copied 2",
	    "direct ACK, gained: to the keepers");
	expect(udp(family, TO_ME, 1000, 53), "accept copied 0",
	    "direct UDP, gained");
	all_buckets(5, 1ull << SELF | 1ull << 6);
	expect(tcp(family, TO_ME, 1000, 80, SYN), "pass 5 copied 0",
	    "direct SYN, draining");
	expect(tcp(family, TO_ME, 1000, 80, ACK), "pass 5 copied 1",
	    "direct ACK, draining and not own");
	expect(udp(family, TO_ME, 1000, 53), "pass 5 copied 0",
	    "direct UDP, draining");
	all_buckets(-1, 0);
	expect(tcp(family, TO_ME, 1000, 80, SYN), "lost copied 0",
	    "direct SYN of nobody");
}

static void
test_vmac(int family)
{
	all_buckets(5, 0);
	expect(tcp(family, TO_VMAC, 1000, 80, SYN), "drop copied 0",
	    "vmac SYN, foreign");
	expect(icmp(family, TO_VMAC, family == AF_INET ? 8 : 128),
	    "drop copied 0", "vmac echo, foreign");
	expect(icmp(family, TO_VMAC, family == AF_INET ? 11 : 3),
	    "accept copied 0", "vmac ICMP error");
	expect(tcp(family, TO_VMAC, 1000, 79, SYN), "drop copied 0",
	    "vmac, no rule, another refuses");
	all_buckets(SELF, 0);
	expect(tcp(family, TO_VMAC, 1000, 80, ACK), "accept copied 0",
	    "vmac ACK, owned");
	expect(tcp(family, TO_VMAC, 1000, 79, SYN), "refuse",
	    "vmac, no rule, refused here");
	all_buckets(SELF, 1ull << 5);
	expect(tcp(family, TO_VMAC, 1000, 80, SYN), "accept copied 0",
	    "vmac SYN, gained");
	expect(tcp(family, TO_VMAC, 1000, 80, ACK), "drop copied 0",
	    "vmac ACK, gained and not own");
	all_buckets(5, 1ull << SELF);
	expect(tcp(family, TO_VMAC, 1000, 80, SYN), "drop copied 0",
	    "vmac SYN, draining");
	expect(udp(family, TO_VMAC, 1000, 53), "drop copied 0",
	    "vmac UDP, draining");
}

static void
test_directed(int family)
{
	all_buckets(5, 0);
	expect(tcp(family, FROM_NODE, 1000, 80, SYN), "accept copied 0",
	    "directed SYN");
	expect(udp(family, FROM_NODE, 1000, 53), "accept copied 0",
	    "directed UDP");
	expect(tcp(family, FROM_NODE, 1000, 80, ACK), "drop copied 0",
	    "directed ACK, foreign and not own");
	expect(icmp(family, FROM_NODE, family == AF_INET ? 3 : 1),
	    "accept copied 0", "directed ICMP error: no copies again");
	all_buckets(SELF, 0);
	expect(tcp(family, FROM_NODE, 1000, 80, ACK), "accept copied 0",
	    "directed ACK, owned");
	in.is_closed = true;
	all_buckets(SELF, 0);
	expect(tcp(family, FROM_NODE, 1000, 80, SYN), "drop copied 0",
	    "directed SYN, closed");
	expect(udp(family, FROM_NODE, 1000, 53), "drop copied 0",
	    "directed UDP, closed");
	expect(tcp(family, FROM_NODE, 1000, 80, ACK), "accept copied 0",
	    "directed ACK, closed");
	in.is_closed = false;
	expect(tcp(family, TO_OTHER, 1000, 80, SYN), "none of ours",
	    "to the MAC of another host");
}

/* A connection over lo, the farm's side on its address; its client's port. */
static unsigned
connection(int family, int fd[3])
{
	struct sockaddr_storage own = { 0 }, peer = { 0 };
	struct sockaddr_in *a4 = (struct sockaddr_in *)&own;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&own;
	socklen_t len = family == AF_INET ? sizeof(*a4) : sizeof(*a6);
	int on = 1;

	own.ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&a4->sin_addr, in.addr[0].ip, 4);
		a4->sin_port = htons(80);
	} else {
		memcpy(&a6->sin6_addr, in.addr[1].ip, 16);
		a6->sin6_port = htons(80);
	}
	fd[0] = socket(family, SOCK_STREAM, 0);
	fd[1] = socket(family, SOCK_STREAM, 0);
	setsockopt(fd[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET) {
		struct sockaddr_in from = { .sin_family = AF_INET };

		memcpy(&from.sin_addr, client(family), 4);
		bind(fd[1], (struct sockaddr *)&from, sizeof(from));
	}
	if (bind(fd[0], (struct sockaddr *)&own, len) == -1 ||
	    listen(fd[0], 5) == -1 ||
	    connect(fd[1], (struct sockaddr *)&own, len) == -1 ||
	    (fd[2] = accept(fd[0], NULL, NULL)) == -1)
		return 0;
	len = sizeof(peer);
	getsockname(fd[1], (struct sockaddr *)&peer, &len);
	return ntohs(family == AF_INET ?
	    ((struct sockaddr_in *)&peer)->sin_port :
	    ((struct sockaddr_in6 *)&peer)->sin6_port);
}

static void
test_own(int family)
{
	int fd[3] = { -1, -1, -1 };
	unsigned port = connection(family, fd);

	ok(port != 0, "a connection of this node");
	all_buckets(5, 1ull << SELF | 1ull << 6);
	expect(tcp(family, TO_VMAC, port, 80, ACK), "accept copied 0",
	    "vmac ACK, draining, own");
	expect(tcp(family, TO_ME, port, 80, ACK), "accept copied 0",
	    "direct ACK, draining, own: no copies");
	expect(tcp(family, TO_ME, port ^ 1, 80, ACK), "pass 5 copied 1",
	    "only a listener: not own");
	all_buckets(SELF, 1ull << 5);
	expect(tcp(family, TO_VMAC, port, 80, ACK), "accept copied 0",
	    "vmac ACK, gained, own");
	expect(tcp(family, TO_VMAC, port, 80, RST), "accept copied 0",
	    "vmac RST, gained, own");
	all_buckets(5, 0);
	expect(tcp(family, FROM_NODE, port, 80, ACK), "accept copied 0",
	    "directed ACK, foreign, own");
	/* The farm's side closes first: TIME_WAIT is its. */
	close(fd[2]);
	close(fd[1]);
	close(fd[0]);
	expect(tcp(family, FROM_NODE, port, 80, ACK), "accept copied 0",
	    "directed ACK, foreign, own in TIME_WAIT");
}

static void
test_fragments(void)
{
	struct frame f = udp(AF_INET, TO_VMAC, 1000, 53);
	unsigned b = hash_addr(AF_INET, client(AF_INET), in.seed);

	/* In table 1, which is that of UDP, the source alone is ours. */
	all_buckets(5, 0);
	in.taker[1][b] = SELF + 1;
	bpfengine_share(engine, &in);
	put16(f.byte + 20, 0x2000);
	expect(f, "accept copied 0", "first fragment, by the source alone");
	put16(f.byte + 20, 100);
	put16(f.byte + 34 + 2, 9999);
	expect(f, "accept copied 0", "later fragment, whatever looks a port");
	in.taker[1][b] = 6;
	bpfengine_share(engine, &in);
	expect(f, "drop copied 0", "later fragment of a foreign bucket");
	f = tcp(AF_INET, TO_VMAC, 1000, 80, ACK);
	put16(f.byte + 20, 100);
	all_buckets(SELF, 0);
	expect(f, "accept copied 0", "fragment of TCP, owned");
	all_buckets(SELF, 1ull << 5);
	expect(f, "drop copied 0", "of TCP, gained: perhaps another's");
}

/* Routing headers of 8 bytes each, then UDP. */
static struct frame
extended(unsigned count, unsigned fragment)
{
	struct frame f;
	unsigned at = head(&f, AF_INET6, client(AF_INET6), TO_VMAC,
	    count > 0 ? 43 : fragment ? 44 : IPPROTO_UDP);

	for (unsigned i = 0; i < count; i++, at += 8)
		f.byte[at] = i + 1 < count ? 43 :
		    fragment ? 44 : IPPROTO_UDP;
	if (fragment) {
		f.byte[at] = IPPROTO_UDP;
		put16(f.byte + at + 2, fragment);
		at += 8;
	}
	put16(f.byte + at, 1000);
	put16(f.byte + at + 2, 53);
	f.len = at + 8;
	tail(&f, AF_INET6, 0);
	return f;
}

static void
test_extensions(void)
{
	unsigned b = hash_addr(AF_INET6, client(AF_INET6), in.seed);
	unsigned p = hash_addr_and(AF_INET6, client(AF_INET6), 1000, in.seed);

	all_buckets(5, 0);
	in.taker[1][p] = SELF + 1;
	bpfengine_share(engine, &in);
	expect(extended(0, 0), "accept copied 0", "IPv6 UDP");
	expect(extended(3, 0), "accept copied 0", "behind 3 headers");
	expect(extended(8, 0), "accept copied 0", "behind 8 headers");
	expect(extended(9, 0), "drop copied 0", "behind 9: not read");
	expect(extended(1, 1), "drop copied 0", "IPv6 fragment");
	in.taker[1][p] = 6;
	in.taker[1][b] = SELF + 1;
	bpfengine_share(engine, &in);
	expect(extended(1, 1), "accept copied 0",
	    "IPv6 fragment, by the source alone");
	expect(extended(2, 0x100), "accept copied 0", "a later one");
}

static void
test_macs(void)
{
	memset(&in.intf[0].node_mac[5], 0, sizeof(in.intf[0].node_mac[5]));
	ok(bpfengine_macs(engine, &in) == 0, "node 5 has no MAC now");
	all_buckets(5, 0);
	expect(tcp(AF_INET, TO_ME, 1000, 80, SYN), "lost copied 0",
	    "to a node without MAC");
	expect(tcp(AF_INET, FROM_NODE, 1000, 80, SYN), "lost copied 0",
	    "from what was a node's MAC: direct");
	node_mac(in.intf[0].node_mac[5].byte, 5);
	ok(bpfengine_macs(engine, &in) == 0, "it has one again");
	expect(tcp(AF_INET, TO_ME, 1000, 80, SYN), "pass 5 copied 0",
	    "to it");
}

static void
on_flow(void *arg, const struct farm_bpf_flow *flow)
{
	memcpy(arg, flow, sizeof(*flow));
}

/* Which connections were passed on to a node, until they end. */
static void
test_flows(int family)
{
	struct farm_bpf_flow flow = { 0 };
	struct frame f;
	uint8_t packet[TICKLE_LEN_MAX];
	int to;
	size_t len;

	all_buckets(5, 0);
	bpfengine_flows(engine, 4, on_flow, &flow);
	bpfengine_flows(engine, 5, on_flow, &flow);
	f = tcp(family, TO_ME, 1000, 80, SYN);
	run(&f);
	f = tcp(family, TO_ME, 1001, 80, ACK);
	run(&f);
	f = tcp(family, TO_ME, 1002, 80, ACK | 8);
	run(&f);
	f = tcp(family, TO_ME, 1002, 80, ACK | FIN);
	run(&f);
	f = udp(family, TO_ME, 1003, 53);
	run(&f);
	is_num(bpfengine_flows(engine, 4, on_flow, &flow), 0,
	    "no connection was passed on to node 4");
	is_num(bpfengine_flows(engine, 5, on_flow, &flow), 1,
	    "one to node 5: a SYN, neither a bare ACK nor what ended");
	is_num(ntohs(flow.sport), 1000, "with its port");
	is_num(bpfengine_flows(engine, 5, on_flow, &flow), 0,
	    "told once");
	/* What goes to its client is of that connection, and sound. */
	len = tickle_packet(packet, &to, &flow);
	is_num(len, family == AF_INET ? 40 : 60, "length of a tickle");
	is_num(to, family, "family of a tickle");
	ok(memcmp(packet + len - 20, (uint8_t[4]){ 0, 80, 1000 >> 8,
	    1000 & 0xff }, 4) == 0 && packet[len - 7] == ACK,
	    "an ACK from the address");
	/* A bucket that moves: who has the connection is not known. */
	all_buckets(5, 1ull << 6);
	f = tcp(family, TO_ME, 1000, 80, ACK | 8);
	run(&f);
	is_num(bpfengine_flows(engine, 5, on_flow, &flow), 0,
	    "of a moving bucket none is noted");
}

/* XDP drops nothing that tc would not drop, and all that is foreign. */
static void
test_xdp(void)
{
	static struct tuple t;
	unsigned wrong = 0, dropped = 0;
	uint8_t out[512];

	for (unsigned b = 0; b < HASH_BUCKETS; b++)
		for (unsigned k = 0; k < in.tables; k++) {
			in.taker[k][b] = (uint8_t)(b % 3 == 0 ? SELF + 1 : 9);
			in.keepers[k][b] = b % 5 == 0 ? 1ull << SELF : 0;
		}
	bpfengine_share(engine, &in);
	for (unsigned i = 0; i < 3000; i++) {
		unsigned v;

		tuple_init(&t);
		memcpy(t.frame.byte, vmac, 6);
		/* SYN, UDP; of what drains tc drops more than XDP. */
		v = t.want % 3 == 0 || t.want % 5 == 0 ? 2 : 1;
		wrong += (unsigned)xdp(&t.frame) != v;
		wrong += v == 1 && code(&t.frame, out) != TC_ACT_SHOT;
		dropped += v == 1;
		node_mac(t.frame.byte, SELF);
		wrong += xdp(&t.frame) != 2;
	}
	ok(dropped > 1000 && wrong == 0, "XDP and tc drop the same");
	{
		struct frame f = icmp(AF_INET6, TO_VMAC, 135);

		is_num(xdp(&f), 2, "XDP passes neighbour discovery");
		f = icmp(AF_INET, TO_VMAC, 3);
		is_num(xdp(&f), 2, "XDP passes ICMP errors");
		f = tcp(AF_INET, TO_VMAC, 1, 79, SYN);
		is_num(xdp(&f), 2, "XDP passes what is refused");
	}
	expect(icmp(AF_INET6, TO_VMAC, 135), "none of ours",
	    "tc leaves neighbour discovery alone");
}

/* What is cut off anywhere, and what is no IP. */
static void
test_short(void)
{
	struct frame f = tcp(AF_INET6, TO_VMAC, 1000, 80, SYN);
	uint8_t out[512];
	unsigned odd = 0;

	all_buckets(SELF, 0);
	for (unsigned len = 14; len < f.len; len++) {
		struct frame g = f;
		int c;

		g.len = len;
		/* The kernel runs tc on no frame that ends within IP. */
		c = len < 14 + 40 ? TC_ACT_SHOT : code(&g, out);
		odd += c != TC_ACT_SHOT && c != (int)TC_ACT_UNSPEC;
		odd += xdp(&g) != 2;
	}
	is_num(odd, 0, "frames that are cut off");
	put16(f.byte + 12, 0x0806);
	expect(f, "none of ours", "ARP");
	f = tcp(AF_INET, TO_ME, 1, 80, SYN);
	f.byte[33] ^= 1;
	expect(f, "none of ours", "another address");
}

/* The installed path of the object leads to the one that was just made. */
static char root[] = "/tmp/farm-bpf.XXXXXX";

static int
lay_out(void)
{
	const char *top = getenv("top_builddir");
	char path[PATH_LEN], *from;
	int rc;

	if (mkdtemp(root) == NULL)
		return -1;
	setenv("HOLDFAST_ROOT", root, 1);
	if (path_mkdirs(path_lib(path, "."), 0755) == -1)
		return -1;
	from = xasprintf("%s/bin/farmd/farm-bpf.o",
	    top != NULL ? top : ".");
	rc = symlink(from, path_lib(path, "farm-bpf.o"));
	free(from);
	return rc;
}

static void
clean(void)
{
	char cmd[PATH_LEN];

	bpfengine_free(engine);
	bpf_object__close(xdp_object);
	unlink(path_lib(cmd, "farm-bpf.o"));
	for (char *p = cmd; (p = strrchr(cmd, '/')) != NULL &&
	    strlen(cmd) > strlen(root); ) {
		*p = '\0';
		rmdir(cmd);
	}
}

static int
lo_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int rc = ioctl(fd, SIOCSIFFLAGS, &r);

	close(fd);
	return rc;
}

static bool
begin(char why[FILTER_WHY_LEN])
{
	struct xdpprog_page page[FILTER_ADDR_MAX];
	unsigned count;

	if (unshare(CLONE_NEWNET) == -1) {
		snprintf(why, FILTER_WHY_LEN, "network namespace: %s",
		    strerror(errno));
		return false;
	}
	if (lo_up() == -1)
		return false;
	bpfobj_init();
	input_init();
	engine = bpfengine_new(&in, 0, why);
	if (engine == NULL)
		return false;
	xdp_object = bpfobj_open(XDPPROG_NAME, why);
	if (xdp_object == NULL ||
	    (xdp_fd = bpfobj_load(xdp_object, XDPPROG_NAME, why)) == -1)
		return false;
	count = bpfengine_pages(engine, &in, 0, page);
	is_num(count, 2, "both addresses have a page for XDP");
	for (unsigned i = 0; i < count; i++)
		ok(bpf_map_update_elem(bpfobj_map(xdp_object, "farm_xdp_addr"),
		    &page[i].key, &page[i].fd, BPF_ANY) == 0, "page %u", i);
	return true;
}

int
main(void)
{
	char why[FILTER_WHY_LEN] = "";
	bool is_ours;

	if (lay_out() == -1) {
		ok(false, "directory for the object file");
		return tap_done();
	}
	if (!begin(why)) {
		is_ours = geteuid() == 0 && engine == NULL && errno != EPERM;
		clean();
		if (is_ours) {
			ok(false, "%s", why);
			return tap_done();
		}
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	test_hash();
	for (int i = 0; i < 2; i++) {
		int family = i == 0 ? AF_INET : AF_INET6;

		test_direct(family);
		test_vmac(family);
		test_directed(family);
		test_own(family);
		test_flows(family);
	}
	test_fragments();
	test_extensions();
	test_macs();
	test_xdp();
	test_short();
	clean();
	return tap_done();
}
