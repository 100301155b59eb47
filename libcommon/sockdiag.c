/* SPDX-License-Identifier: ISC */
/* inet_diag over netlink.  The kernel picks the address, see struct choice. */

#include "sockdiag.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#define BUFFER_LEN	32768

/*
 * A program of one instruction: the source address is this one.  From `no'
 * bytes on, behind its end, the socket is passed over.  An IPv4 address
 * chooses the mapped ones of IPv6 sockets as well.
 */
struct choice {
	uint8_t	byte[sizeof(struct inet_diag_bc_op) +
		    sizeof(struct inet_diag_hostcond) + 16];
};

static size_t
make_choice(struct choice *c, const struct sockaddr_storage *addr)
{
	bool is_v6 = addr->ss_family == AF_INET6;
	size_t addr_bytes = is_v6 ? 16 : 4;
	size_t len = sizeof(struct inet_diag_bc_op) +
	    sizeof(struct inet_diag_hostcond) + addr_bytes;
	struct inet_diag_bc_op op = { .code = INET_DIAG_BC_S_COND,
	    .yes = (unsigned char)len,
	    .no = (unsigned short)(len + sizeof(op)) };
	struct inet_diag_hostcond cond = {
	    .family = (uint8_t)addr->ss_family,
	    .prefix_len = (uint8_t)(addr_bytes * 8), .port = -1 };

	memset(c, 0, sizeof(*c));
	memcpy(c->byte, &op, sizeof(op));
	memcpy(c->byte + sizeof(op), &cond, sizeof(cond));
	memcpy(c->byte + sizeof(op) + sizeof(cond), is_v6 ?
	    (const void *)&((const struct sockaddr_in6 *)addr)->sin6_addr :
	    (const void *)&((const struct sockaddr_in *)addr)->sin_addr,
	    addr_bytes);
	return len;
}

static int
on_socket(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct sockdiag_list *l = data;
	struct sockdiag_socket *grown;
	unsigned size = l->size == 0 ? 256 : l->size * 2;

	if (l->count == SOCKDIAG_MAX)
		return MNL_CB_OK;
	if (l->count == l->size) {
		grown = reallocarray(l->socket, size, sizeof(*grown));
		if (grown == NULL)
			return MNL_CB_ERROR;
		l->socket = grown;
		l->size = size;
	}
	l->socket[l->count].family = m->idiag_family;
	l->socket[l->count].state = m->idiag_state;
	l->socket[l->count++].id = m->id;
	return MNL_CB_OK;
}

static int
transact(struct mnl_socket *s, struct nlmsghdr *nlh, mnl_cb_t on_message,
    void *arg)
{
	char buf[BUFFER_LEN];
	ssize_t n;
	int rc;

	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) == -1)
		return -1;
	do {
		n = mnl_socket_recvfrom(s, buf, sizeof(buf));
		if (n == -1)
			return -1;
		rc = mnl_cb_run(buf, (size_t)n, nlh->nlmsg_seq,
		    mnl_socket_get_portid(s), on_message, arg);
	} while (rc > MNL_CB_STOP);
	return rc == MNL_CB_ERROR ? -1 : 0;
}

static struct mnl_socket *
open_diag(void)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_SOCK_DIAG,
	    SOCK_CLOEXEC);

	if (s != NULL && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == -1) {
		(void)mnl_socket_close(s);	/* the first error counts */
		return NULL;
	}
	return s;
}

static struct nlmsghdr *
diag_message(char *buf, uint16_t type, uint16_t flags, uint32_t seq,
    uint8_t family, struct inet_diag_req_v2 **req)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	*req = mnl_nlmsg_put_extra_header(nlh, sizeof(**req));
	(*req)->sdiag_family = family;
	(*req)->sdiag_protocol = IPPROTO_TCP;
	return nlh;
}

static int
list_family(struct mnl_socket *s, struct sockdiag_list *l, uint8_t family,
    const struct choice *c, size_t len, uint32_t states)
{
	char buf[512];
	struct inet_diag_req_v2 *req;
	struct nlmsghdr *nlh = diag_message(buf, SOCK_DIAG_BY_FAMILY,
	    NLM_F_DUMP, 1, family, &req);

	req->idiag_states = states;
	mnl_attr_put(nlh, INET_DIAG_REQ_BYTECODE, len, c);
	return transact(s, nlh, on_socket, l);
}

int
sockdiag_list(struct sockdiag_list *l, const struct sockaddr_storage *addr,
    uint32_t states)
{
	struct mnl_socket *s = open_diag();
	struct choice c;
	size_t len = make_choice(&c, addr);
	int rc, saved;

	if (s == NULL)
		return -1;
	rc = list_family(s, l, AF_INET6, &c, len, states);
	/* Without IPv6 in the kernel there are no such sockets. */
	if (rc == -1 && errno == ENOENT)
		rc = 0;
	if (rc == 0 && addr->ss_family == AF_INET)
		rc = list_family(s, l, AF_INET, &c, len, states);
	saved = errno;
	(void)mnl_socket_close(s);	/* answered */
	errno = saved;
	return rc;
}

void
sockdiag_list_free(struct sockdiag_list *l)
{
	free(l->socket);
	memset(l, 0, sizeof(*l));
}

int
sockdiag_destroy(const struct sockdiag_list *l)
{
	struct mnl_socket *s = open_diag();
	char buf[512];
	struct inet_diag_req_v2 *req;
	struct nlmsghdr *nlh;
	int ended = 0;

	if (s == NULL)
		return -1;
	for (unsigned i = 0; i < l->count && ended != -1; i++) {
		nlh = diag_message(buf, SOCK_DESTROY, NLM_F_ACK, i + 2,
		    l->socket[i].family, &req);
		req->idiag_states = 1u << l->socket[i].state;
		req->id = l->socket[i].id;
		if (transact(s, nlh, NULL, NULL) == 0)
			ended++;
		else if (errno == EOPNOTSUPP)
			ended = -1;
		/* ENOENT: it ended by itself meanwhile. */
	}
	(void)mnl_socket_close(s);	/* answered */
	if (ended == -1)
		errno = EOPNOTSUPP;
	return ended;
}
