/* SPDX-License-Identifier: ISC */
/*
 * clsact, not tcx: Linux 6.1 has no other.  A filter there outlives the
 * process that made it, which is what is wanted.
 */
#include "tcprog.h"

#include <sys/socket.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "bpfobj.h"

#define HANDLE	1

static struct bpf_tc_hook
hook_of(unsigned ifindex)
{
	return (struct bpf_tc_hook){ .sz = sizeof(struct bpf_tc_hook),
	    .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS };
}

static struct bpf_tc_opts
opts_of(unsigned module)
{
	return (struct bpf_tc_opts){ .sz = sizeof(struct bpf_tc_opts),
	    .handle = HANDLE, .priority = TCPROG_PREF + module };
}

/* Whatever program has the module's place. */
static uint32_t
occupant(unsigned ifindex, unsigned module)
{
	struct bpf_tc_hook hook = hook_of(ifindex);
	struct bpf_tc_opts opts = opts_of(module);

	return bpf_tc_query(&hook, &opts) == 0 ? opts.prog_id : 0;
}

uint32_t
tcprog_attached(unsigned ifindex, unsigned module)
{
	uint32_t id = occupant(ifindex, module);

	return bpfobj_is(id, TCPROG_NAME, NULL) ? id : 0;
}

int
tcprog_attach(unsigned ifindex, unsigned module, int prog_fd)
{
	struct bpf_tc_hook hook = hook_of(ifindex);
	struct bpf_tc_opts opts = opts_of(module);
	uint32_t id = occupant(ifindex, module);
	int rc;

	if (id != 0 && !bpfobj_is(id, TCPROG_NAME, NULL)) {
		errno = EEXIST;
		return -1;
	}
	rc = bpf_tc_hook_create(&hook);
	if (rc != 0 && rc != -EEXIST) {
		errno = -rc;
		return -1;
	}
	opts.prog_fd = prog_fd;
	opts.flags = BPF_TC_F_REPLACE;
	rc = bpf_tc_attach(&hook, &opts);
	errno = -rc;
	return rc == 0 ? 0 : -1;
}

static int
on_filter(const struct nlmsghdr *nlh, void *arg)
{
	unsigned *count = arg;

	if (nlh->nlmsg_type == RTM_NEWTFILTER)
		(*count)++;
	return MNL_CB_OK;
}

/* -1: it cannot be told. */
static int
filter_count(struct mnl_socket *nl, unsigned ifindex, uint32_t parent)
{
	char buf[16384];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct tcmsg *tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	unsigned count = 0;
	ssize_t n;
	int rc = 1;

	nlh->nlmsg_type = RTM_GETTFILTER;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = parent;
	tcm->tcm_family = AF_UNSPEC;
	tcm->tcm_ifindex = (int)ifindex;
	tcm->tcm_parent = parent;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -1;
	while (rc > 0 && (n = mnl_socket_recvfrom(nl, buf, sizeof(buf))) > 0)
		rc = mnl_cb_run(buf, (size_t)n, parent,
		    mnl_socket_get_portid(nl), on_filter, &count);
	return rc == 0 ? (int)count : -1;
}

static bool
is_unused(unsigned ifindex)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	bool unused;

	if (nl == NULL)
		return false;
	unused = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    filter_count(nl, ifindex, TC_H_MAKE(TC_H_CLSACT,
	    TC_H_MIN_INGRESS)) == 0 &&
	    filter_count(nl, ifindex, TC_H_MAKE(TC_H_CLSACT,
	    TC_H_MIN_EGRESS)) == 0;
	mnl_socket_close(nl);
	return unused;
}

void
tcprog_detach(unsigned ifindex, unsigned module)
{
	struct bpf_tc_hook hook = hook_of(ifindex);
	struct bpf_tc_opts opts = opts_of(module);

	if (tcprog_attached(ifindex, module) == 0 ||
	    bpf_tc_detach(&hook, &opts) != 0 || !is_unused(ifindex))
		return;
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	(void)bpf_tc_hook_destroy(&hook);	/* somebody was faster */
}
