/* SPDX-License-Identifier: ISC */
/* inet_diag: list the sockets of an address, destroy each. */

#include "reset.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#define BUFFER_LEN	32768
#define RESET_MAX	65536
/* Closed, waiting and listening sockets have nobody to tell. */
#define STATES		(~((1u << TCP_LISTEN) | (1u << TCP_TIME_WAIT) | \
			    (1u << TCP_CLOSE)) & 0xfffu)

struct found {
	const void		*addr;
	size_t			 addr_len;
	unsigned		 count;
	struct inet_diag_sockid	*id;
};

static int
on_socket(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct found *f = data;
	struct inet_diag_sockid *grown;

	if (memcmp(m->id.idiag_src, f->addr, f->addr_len) != 0 ||
	    f->count == RESET_MAX)
		return MNL_CB_OK;
	grown = reallocarray(f->id, f->count + 1, sizeof(*f->id));
	if (grown == NULL)
		return MNL_CB_STOP;
	f->id = grown;
	f->id[f->count++] = m->id;
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

static struct nlmsghdr *
diag_message(char *buf, uint16_t type, uint16_t flags, uint32_t seq,
    int family, struct inet_diag_req_v2 **req)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	*req = mnl_nlmsg_put_extra_header(nlh, sizeof(**req));
	(*req)->sdiag_family = (uint8_t)family;
	(*req)->sdiag_protocol = IPPROTO_TCP;
	(*req)->idiag_states = STATES;
	return nlh;
}

static int
destroy_all(struct mnl_socket *s, int family, const struct found *f)
{
	char buf[256];
	struct inet_diag_req_v2 *req;
	struct nlmsghdr *nlh;
	int ended = 0;

	for (unsigned i = 0; i < f->count; i++) {
		nlh = diag_message(buf, SOCK_DESTROY, NLM_F_ACK, i + 2,
		    family, &req);
		req->id = f->id[i];
		if (transact(s, nlh, NULL, NULL) == 0)
			ended++;
		else if (errno == EOPNOTSUPP)
			return -1;
		/* ENOENT: it ended by itself meanwhile. */
	}
	return ended;
}

static int
reset_family(struct mnl_socket *s, int family, const void *addr, size_t len)
{
	char buf[256];
	struct found f = { .addr = addr, .addr_len = len };
	struct inet_diag_req_v2 *req;
	struct nlmsghdr *nlh = diag_message(buf, SOCK_DIAG_BY_FAMILY,
	    NLM_F_DUMP, 1, family, &req);
	int rc = transact(s, nlh, on_socket, &f);

	if (rc == 0)
		rc = destroy_all(s, family, &f);
	free(f.id);
	return rc;
}

int
reset_connections(const struct sockaddr_storage *addr)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_SOCK_DIAG,
	    SOCK_CLOEXEC);
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
	int rc = -1, more;

	if (s == NULL)
		return -1;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == -1)
		goto out;
	if (addr->ss_family == AF_INET6) {
		rc = reset_family(s, AF_INET6,
		    &((const struct sockaddr_in6 *)addr)->sin6_addr, 16);
		goto out;
	}
	memcpy(mapped + 12, &((const struct sockaddr_in *)addr)->sin_addr, 4);
	rc = reset_family(s, AF_INET, mapped + 12, 4);
	/* A server on :: has IPv4 clients as mapped addresses. */
	more = rc == -1 ? -1 : reset_family(s, AF_INET6, mapped, 16);
	if (more > 0)
		rc += more;
out:
	(void)mnl_socket_close(s);	/* answered */
	return rc;
}
