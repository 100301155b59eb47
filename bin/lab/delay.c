/* SPDX-License-Identifier: ISC */
/*
 * delay MICROSECONDS PORT...: lets the packets that come and go by these ports
 * of the host it runs on go on so much later, in their order, until it is
 * ended; its rules are added to the chains in and out of the tables ip and ip6
 * lab_delay.  For holdfast-lab(8), as many kernels have no netem.
 *
 * They are queued by the target NFQUEUE of nft_compat, which nft(8) cannot say
 * and which more kernels have than its own statement.  The queue carries no
 * data, only numbers, and a verdict on one is a verdict on all before it
 * (NFQNL_MSG_VERDICT_BATCH): one message a moment will do.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <net/if.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <libmnl/libmnl.h>

#include "clock.h"

#define QUEUE		7
#define TABLE		"lab_delay"
/* What the kernel keeps for us at most; a second of small frames. */
#define HELD_MAX	(1u << 16)
#define RECEIVE_LEN	(1 << 22)

struct held {
	uint32_t	id;
	struct mono	due;
};

static struct held held[HELD_MAX];
static unsigned first, count;

static struct nlmsghdr *
message(void *buf, uint16_t type, uint8_t family, uint16_t id)
{
	struct nlmsghdr *n = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;

	n->nlmsg_type = type;
	n->nlmsg_flags = NLM_F_REQUEST;
	g = mnl_nlmsg_put_extra_header(n, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(id);
	return n;
}

static struct nlmsghdr *
begin(char *buf, uint16_t type)
{
	return message(buf, (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type),
	    AF_UNSPEC, QUEUE);
}

static void
send_one(struct mnl_socket *nl, const struct nlmsghdr *n)
{
	if (mnl_socket_sendto(nl, n, n->nlmsg_len) == -1)
		err(EX_OSERR, "netlink");
}

static void
bind_queue(struct mnl_socket *nl)
{
	char buf[MNL_NLMSG_HDRLEN + 256];
	struct nfqnl_msg_config_cmd cmd = { .command = NFQNL_CFG_CMD_BIND };
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(0), .copy_mode = NFQNL_COPY_META };
	struct nlmsghdr *n = begin(buf, NFQNL_MSG_CONFIG);

	mnl_attr_put(n, NFQA_CFG_CMD, sizeof(cmd), &cmd);
	send_one(nl, n);
	n = begin(buf, NFQNL_MSG_CONFIG);
	mnl_attr_put(n, NFQA_CFG_PARAMS, sizeof(params), &params);
	mnl_attr_put_u32(n, NFQA_CFG_QUEUE_MAXLEN, htonl(HELD_MAX));
	/* Whole segments of TCP, as the bridge has them. */
	mnl_attr_put_u32(n, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(n, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
	n->nlmsg_flags |= NLM_F_ACK;
	send_one(nl, n);
}

/* --- the rules ------------------------------------------------------------ */

static struct nlattr *
expr_begin(struct nlmsghdr *n, struct nlattr **elem, const char *name)
{
	*elem = mnl_attr_nest_start(n, NFTA_LIST_ELEM);
	mnl_attr_put_strz(n, NFTA_EXPR_NAME, name);
	return mnl_attr_nest_start(n, NFTA_EXPR_DATA);
}

static void
expr_end(struct nlmsghdr *n, struct nlattr *elem, struct nlattr *data)
{
	mnl_attr_nest_end(n, data);
	mnl_attr_nest_end(n, elem);
}

/* The name of the port they come from, or go to, is this. */
static void
match_port(struct nlmsghdr *n, uint32_t key, const char *port)
{
	char name[IFNAMSIZ] = "";
	struct nlattr *elem, *data, *value;

	memcpy(name, port, strlen(port));
	data = expr_begin(n, &elem, "meta");
	mnl_attr_put_u32(n, NFTA_META_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(n, NFTA_META_KEY, htonl(key));
	expr_end(n, elem, data);
	data = expr_begin(n, &elem, "cmp");
	mnl_attr_put_u32(n, NFTA_CMP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(n, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
	value = mnl_attr_nest_start(n, NFTA_CMP_DATA);
	mnl_attr_put(n, NFTA_DATA_VALUE, sizeof(name), name);
	mnl_attr_nest_end(n, value);
	expr_end(n, elem, data);
}

static void
put_rule(struct nlmsghdr *n, const char *chain, uint32_t key,
    const char *port)
{
	struct xt_NFQ_info_v3 info = { .queuenum = QUEUE, .queues_total = 1,
		.flags = NFQ_FLAG_BYPASS };
	char aligned[(sizeof(info) + 7) / 8 * 8] = "";
	struct nlattr *list, *elem, *data;

	memcpy(aligned, &info, sizeof(info));
	mnl_attr_put_strz(n, NFTA_RULE_TABLE, TABLE);
	mnl_attr_put_strz(n, NFTA_RULE_CHAIN, chain);
	list = mnl_attr_nest_start(n, NFTA_RULE_EXPRESSIONS);
	match_port(n, key, port);
	data = expr_begin(n, &elem, "target");
	mnl_attr_put_strz(n, NFTA_TARGET_NAME, "NFQUEUE");
	mnl_attr_put_u32(n, NFTA_TARGET_REV, htonl(3));
	mnl_attr_put(n, NFTA_TARGET_INFO, sizeof(aligned), aligned);
	expr_end(n, elem, data);
	mnl_attr_nest_end(n, list);
}

/* In one transaction: an error is of all. */
static void
add_rules(struct mnl_socket *nl, char **ports)
{
	static const struct {
		uint8_t		 family;
		const char	*chain;
		uint32_t	 key;
	} rules[] = {
		{ NFPROTO_IPV4, "in", NFT_META_IIFNAME },
		{ NFPROTO_IPV4, "out", NFT_META_OIFNAME },
		{ NFPROTO_IPV6, "in", NFT_META_IIFNAME },
		{ NFPROTO_IPV6, "out", NFT_META_OIFNAME },
	};
	char buf[16384];
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, sizeof(buf));
	struct nlmsghdr *n;

	(void)message(mnl_nlmsg_batch_current(b), NFNL_MSG_BATCH_BEGIN,
	    AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	(void)mnl_nlmsg_batch_next(b);
	for (; *ports != NULL; ports++)
		for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]);
		    i++) {
			if (strlen(*ports) >= IFNAMSIZ)
				errx(EX_USAGE, "%s: no port", *ports);
			n = message(mnl_nlmsg_batch_current(b),
			    NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE,
			    rules[i].family, 0);
			n->nlmsg_flags |= NLM_F_CREATE | NLM_F_APPEND |
			    NLM_F_ACK;
			put_rule(n, rules[i].chain, rules[i].key, *ports);
			if (!mnl_nlmsg_batch_next(b))
				errx(EX_USAGE, "too many ports");
		}
	(void)message(mnl_nlmsg_batch_current(b), NFNL_MSG_BATCH_END,
	    AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	(void)mnl_nlmsg_batch_next(b);
	if (mnl_socket_sendto(nl, mnl_nlmsg_batch_head(b),
	    mnl_nlmsg_batch_size(b)) == -1)
		err(EX_OSERR, "netlink");
	mnl_nlmsg_batch_stop(b);
}

/* --- the packets ---------------------------------------------------------- */

/* All until this one go on. */
static void
let_go(struct mnl_socket *nl, uint32_t id)
{
	char buf[MNL_NLMSG_HDRLEN + 64];
	struct nfqnl_msg_verdict_hdr v = { .verdict = htonl(NF_ACCEPT),
		.id = htonl(id) };
	struct nlmsghdr *n = begin(buf, NFQNL_MSG_VERDICT_BATCH);

	mnl_attr_put(n, NFQA_VERDICT_HDR, sizeof(v), &v);
	send_one(nl, n);
}

static void
take(const struct nlmsghdr *n, int64_t us)
{
	const struct nfqnl_msg_packet_hdr *h;
	const struct nlmsgerr *e;
	const struct nlattr *a;

	if (n->nlmsg_type == NLMSG_ERROR) {
		e = mnl_nlmsg_get_payload(n);
		if (e->error != 0)
			errx(EX_OSERR, "packets cannot be queued: %s",
			    strerror(-e->error));
		return;
	}
	mnl_attr_for_each(a, n, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(a) == NFQA_PACKET_HDR &&
		    count < HELD_MAX) {
			h = mnl_attr_get_payload(a);
			held[(first + count++) % HELD_MAX] = (struct held){
			    .id = ntohl(h->packet_id), .due = {
			    mono_now().ns + us * 1000 } };
		}
}

static void
receive(struct mnl_socket *nl, int64_t us)
{
	static char buf[1 << 17];
	const struct nlmsghdr *n;
	ssize_t got = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	int len = (int)got;

	/* Some were lost between the kernel and us: they went on at once. */
	if (got == -1 && (errno == ENOBUFS || errno == EINTR))
		return;
	if (got == -1)
		err(EX_OSERR, "netlink");
	for (n = (const struct nlmsghdr *)buf; mnl_nlmsg_ok(n, len);
	    n = mnl_nlmsg_next(n, &len))
		take(n, us);
}

/* The time until the next one is due, NULL for ever. */
static const struct timespec *
pass(struct mnl_socket *nl, struct timespec *wait)
{
	struct mono now = mono_now();
	uint32_t last = 0;
	unsigned due = 0;
	int64_t ns;

	for (; count > 0 && mono_passed(held[first].due, now); due++) {
		last = held[first].id;
		first = (first + 1) % HELD_MAX;
		count--;
	}
	if (due > 0)
		let_go(nl, last);
	if (count == 0)
		return NULL;
	ns = mono_diff_ns(held[first].due, now);
	*wait = (struct timespec){ .tv_sec = ns / 1000000000,
	    .tv_nsec = ns % 1000000000 };
	return wait;
}

static long
number(const char *text, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 0 || n > max)
		errx(EX_USAGE, "%s: no such number", text);
	return n;
}

int
main(int argc, char **argv)
{
	int yes = 1, size = RECEIVE_LEN;
	struct mnl_socket *nl;
	struct timespec wait;
	struct pollfd p;
	int64_t us;

	if (argc < 3)
		errx(EX_USAGE, "usage: delay MICROSECONDS PORT...");
	us = number(argv[1], 10000000);
	nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (nl == NULL || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1)
		err(EX_OSERR, "netlink");
	(void)setsockopt(mnl_socket_get_fd(nl), SOL_NETLINK,
	    NETLINK_NO_ENOBUFS, &yes, sizeof(yes));
	(void)setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE,
	    &size, sizeof(size));
	bind_queue(nl);
	add_rules(nl, argv + 2);
	p = (struct pollfd){ .fd = mnl_socket_get_fd(nl), .events = POLLIN };
	for (;;) {
		if (ppoll(&p, 1, pass(nl, &wait), NULL) == -1 &&
		    errno != EINTR)
			err(EX_OSERR, "poll");
		if (p.revents != 0)
			receive(nl, us);
		p.revents = 0;
	}
}
