/* SPDX-License-Identifier: ISC */
/*
 * nftables has no look-up of a socket at ingress, so the backend keeps a set
 * while buckets move, and only of those: thousands of connections, not all
 * of a server's.
 */
#include "nft-flows.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#include "flows.h"

static int
address_of(const struct filter_input *in, const struct flow *k)
{
	for (unsigned i = 0; i < in->addr_count; i++)
		if (in->addr[i].family == k->family &&
		    memcmp(in->addr[i].ip, k->local,
		    k->family == AF_INET ? 4 : 16) == 0)
			return (int)i;
	return -1;
}

static bool
is_needed(const struct filter_input *in, const struct nft_plan *plan,
    const struct flow *k)
{
	int addr = address_of(in, k), bucket;
	unsigned table;

	if (addr < 0)
		return false;
	bucket = filter_flow_bucket(in, (unsigned)addr, k->local_port,
	    k->peer, k->peer_port, &table);
	return bucket >= 0 && (plan->mine[table][bucket] == NM_GAINED ||
	    plan->mine[table][bucket] == NM_DRAINING);
}

static void
add(struct nft_flows *fl, const struct flow *k)
{
	size_t ip_len = k->family == AF_INET ? 4 : 16;
	uint16_t peer_port = htons(k->peer_port);
	uint16_t local_port = htons(k->local_port);
	struct nft_flow *f;
	uint8_t *p;

	if (fl->count == fl->size) {
		fl->size = fl->size ? 2 * fl->size : 256;
		fl->flow = xrealloc(fl->flow, fl->size, sizeof(*fl->flow));
	}
	f = &fl->flow[fl->count++];
	memset(f, 0, sizeof(*f));
	f->len = k->family == AF_INET ? NFT_FLOW4_LEN : NFT_FLOW6_LEN;
	p = f->key;
	memcpy(p, k->peer, ip_len);
	p += ip_len;
	memcpy(p, &peer_port, sizeof(peer_port));
	p += 4;
	memcpy(p, k->local, ip_len);
	p += ip_len;
	memcpy(p, &local_port, sizeof(local_port));
}

static int
compare(const void *a, const void *b)
{
	const struct nft_flow *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->key, y->key, x->len);
}

/* One flow may have two sockets: a new one over one in TIME_WAIT. */
static void
sort(struct nft_flows *fl)
{
	unsigned kept = 0;

	if (fl->count == 0)
		return;
	qsort(fl->flow, fl->count, sizeof(*fl->flow), compare);
	for (unsigned i = 1; i < fl->count; i++)
		if (compare(&fl->flow[kept], &fl->flow[i]) != 0)
			fl->flow[++kept] = fl->flow[i];
	fl->count = kept + 1;
}

static void
socket_address(struct sockaddr_storage *ss, const struct filter_addr *a)
{
	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)a->family;
	if (a->family == AF_INET)
		memcpy(&((struct sockaddr_in *)ss)->sin_addr, a->ip, 4);
	else
		memcpy(&((struct sockaddr_in6 *)ss)->sin6_addr, a->ip, 16);
}

int
nft_flows_list(struct nft_flows *fl, const struct filter_input *in,
    const struct nft_plan *plan)
{
	struct sockaddr_storage addr[FILTER_ADDR_MAX];
	struct flows own = { 0 };

	for (unsigned i = 0; i < in->addr_count; i++)
		socket_address(&addr[i], &in->addr[i]);
	if (flows_read(&own, addr, in->addr_count) == -1) {
		flows_free(&own);
		return -1;
	}
	for (unsigned i = 0; i < own.count; i++)
		if (is_needed(in, plan, &own.flow[i]))
			add(fl, &own.flow[i]);
	flows_free(&own);
	sort(fl);
	return 0;
}

void
nft_flows_free(struct nft_flows *fl)
{
	free(fl->flow);
	memset(fl, 0, sizeof(*fl));
}

static const char *
set_of(const struct nft_flow *f)
{
	return f->len == NFT_FLOW4_LEN ? "flows4" : "flows6";
}

/* Those of a that b has not; both are sorted. */
static void
each_missing(const struct nft_flows *a, const struct nft_flows *b,
    struct nft_batch *batch, bool is_add)
{
	unsigned j = 0;

	for (unsigned i = 0; i < a->count; i++) {
		const struct nft_flow *f = &a->flow[i];

		while (j < b->count && compare(&b->flow[j], f) < 0)
			j++;
		if (j < b->count && compare(&b->flow[j], f) == 0)
			continue;
		if (is_add)
			nft_batch_add(batch, set_of(f), f->key, f->len, NULL,
			    0);
		else
			nft_batch_del(batch, set_of(f), f->key, f->len);
	}
}

void
nft_flows_diff(struct nft_batch *b, const struct nft_flows *from,
    const struct nft_flows *to)
{
	each_missing(from, to, b, false);
	each_missing(to, from, b, true);
}

static void
print_flow(char out[2 * INET6_ADDRSTRLEN + 32], const struct nft_flow *fl)
{
	int family = fl->len == NFT_FLOW4_LEN ? AF_INET : AF_INET6;
	size_t ip_len = family == AF_INET ? 4 : 16;
	char peer[INET6_ADDRSTRLEN], own[INET6_ADDRSTRLEN];
	const uint8_t *p = fl->key, *o = fl->key + ip_len + 4;

	(void)inet_ntop(family, p, peer, sizeof(peer));
	(void)inet_ntop(family, o, own, sizeof(own));
	(void)snprintf(out, 2 * INET6_ADDRSTRLEN + 32, "%s . %u . %s . %u",
	    peer, p[ip_len] << 8 | p[ip_len + 1], own,
	    o[ip_len] << 8 | o[ip_len + 1]);
}

void
nft_flows_print(FILE *out, const char *table, const struct nft_flows *fl)
{
	char text[2 * INET6_ADDRSTRLEN + 32];

	/* Sorted by length: at most one change of set. */
	for (unsigned i = 0; i < fl->count; i++) {
		bool begins = i == 0 ||
		    fl->flow[i].len != fl->flow[i - 1].len;

		if (begins)
			fprintf(out, "%sadd element netdev %s flows%c { ",
			    i == 0 ? "" : " }\n", table,
			    fl->flow[i].len == NFT_FLOW4_LEN ? '4' : '6');
		print_flow(text, &fl->flow[i]);
		fprintf(out, "%s%s", begins ? "" : ", ", text);
	}
	if (fl->count > 0)
		fprintf(out, " }\n");
}
