/* SPDX-License-Identifier: ISC */
/*
 * A kernel may have bpf(2) and lack the filter, the qdisc or a helper, or a
 * container the right to any of them.  What a version or a configuration
 * says of that is a guess; what a child finds that does it all on the lo of
 * a new namespace is not.
 */
#include "bpftrial.h"

#include <sys/wait.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpfobj.h"
#include "tcprog.h"

#include <bpf/libbpf.h>

#define LO	1	/* the first interface of every namespace */

static int
try(char why[FILTER_WHY_LEN])
{
	struct bpf_object *o = bpfobj_open(TCPROG_NAME, why);
	int fd;

	if (o == NULL)
		return -1;
	fd = bpfobj_load(o, TCPROG_NAME, why);
	if (fd == -1)
		return -1;
	/* Without namespaces there is nowhere to try: it will show. */
	if (unshare(CLONE_NEWNET) == 0 && tcprog_attach(LO, 1, fd) == -1) {
		bpfobj_why(why, "this kernel takes no BPF filter at ingress");
		return -1;
	}
	return 0;
}

static void
child(int out)
{
	char why[FILTER_WHY_LEN] = "";

	if (try(why) == 0)
		_exit(0);
	if (write(out, why, strlen(why)) == -1)
		_exit(2);
	_exit(1);
}

bool
bpftrial_ok(char why[FILTER_WHY_LEN])
{
	int p[2], status = -1;
	ssize_t n;
	pid_t pid;

	if (pipe(p) == -1) {
		bpfobj_why(why, "trial of BPF");
		return false;
	}
	pid = fork();
	if (pid == 0)
		child(p[1]);
	close(p[1]);
	n = read(p[0], why, FILTER_WHY_LEN - 1);
	why[n > 0 ? n : 0] = '\0';
	close(p[0]);
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		snprintf(why, FILTER_WHY_LEN, "trial of BPF: %s",
		    strerror(errno));
	else if (status != 0 && why[0] == '\0')
		snprintf(why, FILTER_WHY_LEN, "trial of BPF: it crashed");
	return status == 0;
}
