/* SPDX-License-Identifier: ISC */
/* rtnetlink by libmnl: dump, monitor, add, remove. */

#include "addr.h"

#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "cluster.h"
#include "log.h"
#include "xalloc.h"

#define TABLE_MAX	512
#define BUFFER_LEN	32768
/* linux/if_addr.h of Debian 12 has it; the value is fixed (since 5.18). */
#define PROTO_HOLDFAST	0x48

struct addr_table {
	struct mnl_socket	*request;
	struct mnl_socket	*monitor;
	uint32_t		 seq;
	bool			 changed;
	unsigned		 link_count;
	struct addr_link	 link[TABLE_MAX];
	unsigned		 ip_count;
	struct addr_ip		 ip[TABLE_MAX];
};

/* --- taking in messages --------------------------------------------- */

static struct addr_link *
link_slot(struct addr_table *t, int index)
{
	for (unsigned i = 0; i < t->link_count; i++)
		if (t->link[i].index == index)
			return &t->link[i];
	if (t->link_count == TABLE_MAX)
		return NULL;
	t->link[t->link_count] = (struct addr_link){ .index = index };
	return &t->link[t->link_count++];
}

static int
link_attr(const struct nlattr *attr, void *data)
{
	struct addr_link *l = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		(void)snprintf(l->name, sizeof(l->name), "%s",
		    mnl_attr_get_str(attr));
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attr) == ADDR_MAC_LEN)
			memcpy(l->mac, mnl_attr_get_payload(attr),
			    ADDR_MAC_LEN);
		break;
	}
	return MNL_CB_OK;
}

static void
take_link(struct addr_table *t, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct addr_link *l = link_slot(t, ifi->ifi_index);

	if (l == NULL)
		return;
	t->changed = true;
	if (nlh->nlmsg_type == RTM_DELLINK) {
		*l = t->link[--t->link_count];
		return;
	}
	l->is_up = (ifi->ifi_flags & IFF_UP) &&
	    (ifi->ifi_flags & (1 << 16));	/* IFF_LOWER_UP */
	l->is_ether = ifi->ifi_type == ARPHRD_ETHER;
	(void)mnl_attr_parse(nlh, sizeof(*ifi), link_attr, l);
}

struct ip_attrs {
	const void	*address;
	const void	*local;
	uint32_t	 flags;
};

static int
ip_attr(const struct nlattr *attr, void *data)
{
	struct ip_attrs *a = data;

	switch (mnl_attr_get_type(attr)) {
	case IFA_ADDRESS:
		a->address = mnl_attr_get_payload(attr);
		break;
	case IFA_LOCAL:
		a->local = mnl_attr_get_payload(attr);
		break;
	case IFA_FLAGS:
		a->flags = mnl_attr_get_u32(attr);
		break;
	}
	return MNL_CB_OK;
}

static void
fill_addr(struct sockaddr_storage *ss, int family, const void *p)
{
	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)family;
	if (family == AF_INET)
		memcpy(&((struct sockaddr_in *)ss)->sin_addr, p, 4);
	else
		memcpy(&((struct sockaddr_in6 *)ss)->sin6_addr, p, 16);
}

/* Enters `ip', or takes it out. */
static void
note_ip(struct addr_table *t, const struct addr_ip *ip, bool is_there)
{
	unsigned i;

	t->changed = true;
	for (i = 0; i < t->ip_count; i++)
		if (t->ip[i].index == ip->index &&
		    addr_equal(&t->ip[i].addr, &ip->addr))
			break;
	if (!is_there) {
		if (i < t->ip_count)
			t->ip[i] = t->ip[--t->ip_count];
	} else if (i < TABLE_MAX) {
		t->ip[i] = *ip;
		if (i == t->ip_count)
			t->ip_count++;
	}
}

static void
take_ip(struct addr_table *t, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct ip_attrs a = { .flags = ifa->ifa_flags };
	struct addr_ip ip = { .index = (int)ifa->ifa_index,
	    .prefix = ifa->ifa_prefixlen };

	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return;
	(void)mnl_attr_parse(nlh, sizeof(*ifa), ip_attr, &a);
	if (a.local == NULL)
		a.local = a.address;
	if (a.local == NULL)
		return;
	fill_addr(&ip.addr, ifa->ifa_family, a.local);
	ip.is_permanent = (a.flags & IFA_F_PERMANENT) != 0;
	note_ip(t, &ip, nlh->nlmsg_type == RTM_NEWADDR);
}

static int
take_message(const struct nlmsghdr *nlh, void *data)
{
	struct addr_table *t = data;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		take_link(t, nlh);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		take_ip(t, nlh);
		break;
	}
	return MNL_CB_OK;
}

/* --- requests ------------------------------------------------------- */

/* Sends and reads until the acknowledgement or the end of the dump. */
static int
transact(struct addr_table *t, struct nlmsghdr *nlh)
{
	char buf[BUFFER_LEN];
	unsigned port = mnl_socket_get_portid(t->request);
	ssize_t n;
	int rc;

	nlh->nlmsg_seq = ++t->seq;
	if (mnl_socket_sendto(t->request, nlh, nlh->nlmsg_len) == -1)
		return -1;
	do {
		n = mnl_socket_recvfrom(t->request, buf, sizeof(buf));
		if (n == -1)
			return -1;
		rc = mnl_cb_run(buf, (size_t)n, t->seq, port, take_message,
		    t);
	} while (rc > MNL_CB_STOP);
	return rc == MNL_CB_ERROR ? -1 : 0;
}

static int
dump(struct addr_table *t, uint16_t type)
{
	char buf[512];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *gen;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	gen = mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	gen->rtgen_family = AF_UNSPEC;
	return transact(t, nlh);
}

static int
reload(struct addr_table *t)
{
	t->link_count = t->ip_count = 0;
	return dump(t, RTM_GETLINK) == -1 || dump(t, RTM_GETADDR) == -1 ?
	    -1 : 0;
}

static struct nlmsghdr *
address_message(char *buf, uint16_t type, uint16_t flags, int index,
    const struct sockaddr_storage *addr, uint8_t prefix)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *ifa;
	bool is_six = addr->ss_family == AF_INET6;
	const void *p = is_six ?
	    (const void *)&((const struct sockaddr_in6 *)addr)->sin6_addr :
	    (const void *)&((const struct sockaddr_in *)addr)->sin_addr;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = (uint8_t)addr->ss_family;
	ifa->ifa_prefixlen = prefix;
	ifa->ifa_index = (unsigned)index;
	mnl_attr_put(nlh, IFA_LOCAL, is_six ? 16 : 4, p);
	mnl_attr_put(nlh, IFA_ADDRESS, is_six ? 16 : 4, p);
	return nlh;
}

static bool
is_loopback(const struct addr_table *t, int index)
{
	const struct addr_link *l = addr_link_by_index(t, index);

	return l != NULL && strcmp(l->name, "lo") == 0;
}

int
addr_set(struct addr_table *t, int index,
    const struct sockaddr_storage *addr, uint8_t prefix, uint32_t lifetime_s,
    enum addr_use use)
{
	char buf[512];
	bool is_farm = use == ADDR_OF_FARM;
	struct addr_ip ip = { .index = index, .prefix = prefix };
	struct ifa_cacheinfo info = {
		.ifa_prefered = is_farm ? 0 : lifetime_s,
		.ifa_valid = lifetime_s,
	};
	struct nlmsghdr *nlh = address_message(buf, RTM_NEWADDR,
	    NLM_F_CREATE | NLM_F_REPLACE, index, addr, prefix);
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);

	mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(info), &info);
	if (addr->ss_family == AF_INET6)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD |
		    (is_farm ? IFA_F_NOPREFIXROUTE : 0));
	else if (is_farm && is_loopback(t, index))
		ifa->ifa_scope = RT_SCOPE_HOST;
	/* Ignored before Linux 5.18: tells others whose address it is. */
	mnl_attr_put_u8(nlh, 11 /* IFA_PROTO */, PROTO_HOLDFAST);
	if (transact(t, nlh) == -1)
		return -1;
	/* The monitor will say so too, but later than other news. */
	ip.addr = *addr;
	note_ip(t, &ip, true);
	return 0;
}

int
addr_remove(struct addr_table *t, int index,
    const struct sockaddr_storage *addr, uint8_t prefix)
{
	char buf[512];
	struct addr_ip ip = { .index = index, .prefix = prefix };
	struct nlmsghdr *nlh = address_message(buf, RTM_DELADDR, 0, index,
	    addr, prefix);

	if (transact(t, nlh) == -1 && errno != EADDRNOTAVAIL)
		return -1;
	ip.addr = *addr;
	note_ip(t, &ip, false);
	return 0;
}

/* --- the monitor ---------------------------------------------------- */

static struct mnl_socket *
open_socket(unsigned groups)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (s == NULL)
		return NULL;
	if (mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) == -1) {
		(void)mnl_socket_close(s);	/* the first error counts */
		return NULL;
	}
	return s;
}

struct addr_table *
addr_open(void)
{
	struct addr_table *t = xcalloc(1, sizeof(*t));

	/* The monitor first: nothing between it and the dump is missed. */
	t->monitor = open_socket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
	    RTMGRP_IPV6_IFADDR);
	if (t->monitor != NULL)
		t->request = open_socket(0);
	if (t->request == NULL || reload(t) == -1) {
		int saved = errno;

		addr_close(t);
		errno = saved;
		return NULL;
	}
	return t;
}

void
addr_close(struct addr_table *t)
{
	if (t->monitor != NULL)
		(void)mnl_socket_close(t->monitor);	/* only read */
	if (t->request != NULL)
		(void)mnl_socket_close(t->request);	/* answered */
	free(t);
}

int
addr_fd(const struct addr_table *t)
{
	return mnl_socket_get_fd(t->monitor);
}

bool
addr_update(struct addr_table *t)
{
	char buf[BUFFER_LEN];
	ssize_t n;

	t->changed = false;
	while ((n = recv(addr_fd(t), buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		(void)mnl_cb_run(buf, (size_t)n, 0, 0, take_message, t);
	/* The kernel had more to say than the socket held: ask for all. */
	if (n == -1 && errno == ENOBUFS) {
		t->changed = true;
		if (reload(t) == -1)
			log_warn("netlink: interfaces cannot be read");
	}
	return t->changed;
}

/* --- look-ups ------------------------------------------------------- */

const struct addr_link *
addr_link_by_index(const struct addr_table *t, int index)
{
	for (unsigned i = 0; i < t->link_count; i++)
		if (t->link[i].index == index)
			return &t->link[i];
	return NULL;
}

const struct addr_link *
addr_link_by_name(const struct addr_table *t, const char *name)
{
	for (unsigned i = 0; i < t->link_count; i++)
		if (strcmp(t->link[i].name, name) == 0)
			return &t->link[i];
	return NULL;
}

const struct addr_ip *
addr_find(const struct addr_table *t, const struct sockaddr_storage *addr)
{
	for (unsigned i = 0; i < t->ip_count; i++)
		if (addr_equal(&t->ip[i].addr, addr))
			return &t->ip[i];
	return NULL;
}

const struct addr_ip *
addr_find_on(const struct addr_table *t, const struct sockaddr_storage *addr,
    int index)
{
	for (unsigned i = 0; i < t->ip_count; i++)
		if (t->ip[i].index == index &&
		    addr_equal(&t->ip[i].addr, addr))
			return &t->ip[i];
	return NULL;
}

const struct addr_ip *
addr_find_off(const struct addr_table *t,
    const struct sockaddr_storage *addr, int index)
{
	for (unsigned i = 0; i < t->ip_count; i++)
		if (t->ip[i].index != index &&
		    addr_equal(&t->ip[i].addr, addr))
			return &t->ip[i];
	return NULL;
}

bool
addr_is_own_mac(const struct addr_table *t, const uint8_t mac[ADDR_MAC_LEN])
{
	for (unsigned i = 0; i < t->link_count; i++)
		if (t->link[i].is_ether &&
		    memcmp(t->link[i].mac, mac, ADDR_MAC_LEN) == 0)
			return true;
	return false;
}

static bool
same_network(const struct sockaddr_storage *a,
    const struct sockaddr_storage *b, unsigned prefix)
{
	const uint8_t *x, *y;
	unsigned whole = prefix / 8, rest = prefix % 8;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET) {
		x = (const void *)&((const struct sockaddr_in *)a)->sin_addr;
		y = (const void *)&((const struct sockaddr_in *)b)->sin_addr;
	} else {
		x = ((const struct sockaddr_in6 *)a)->sin6_addr.s6_addr;
		y = ((const struct sockaddr_in6 *)b)->sin6_addr.s6_addr;
	}
	return memcmp(x, y, whole) == 0 && (rest == 0 ||
	    ((x[whole] ^ y[whole]) >> (8 - rest)) == 0);
}

const struct addr_link *
addr_link_for(const struct addr_table *t, const struct sockaddr_storage *addr)
{
	const struct addr_ip *best = NULL;
	unsigned host = addr->ss_family == AF_INET ? 32 : 128;

	for (unsigned i = 0; i < t->ip_count; i++) {
		const struct addr_ip *ip = &t->ip[i];

		if (ip->prefix < host && ip->prefix > 0 &&
		    same_network(&ip->addr, addr, ip->prefix) &&
		    (best == NULL || ip->prefix > best->prefix))
			best = ip;
	}
	return best != NULL ? addr_link_by_index(t, best->index) : NULL;
}

const struct addr_ip *
addr_own_on(const struct addr_table *t, const struct sockaddr_storage *addr,
    int index)
{
	const struct addr_ip *best = NULL;
	unsigned host = addr->ss_family == AF_INET ? 32 : 128;
	bool best_is_near = false;

	for (unsigned i = 0; i < t->ip_count; i++) {
		const struct addr_ip *ip = &t->ip[i];
		bool is_near = same_network(&ip->addr, addr, ip->prefix);

		if (ip->index != index || ip->prefix >= host ||
		    ip->addr.ss_family != addr->ss_family ||
		    addr_equal(&ip->addr, addr))
			continue;
		if (best == NULL || (is_near && !best_is_near)) {
			best = ip;
			best_is_near = is_near;
		}
	}
	return best;
}
