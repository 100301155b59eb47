/* SPDX-License-Identifier: ISC */
/* Datagrams of the process connector. */
#include "../../bin/checkd/newproc.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>

#include "tap.h"

static pid_t seen, of;
static unsigned count;

static void
on_process(pid_t pid, pid_t parent, void *arg)
{
	(void)arg;
	seen = pid;
	of = parent;
	count++;
}

static const struct newproc_calls calls = { .on_process = on_process };

static char buf[4096];

static size_t
make(unsigned what, const struct proc_event *e)
{
	struct nlmsghdr h = { .nlmsg_type = NLMSG_DONE };
	struct cn_msg m = { .id = { CN_IDX_PROC, CN_VAL_PROC } };
	unsigned copy = what;

	memcpy(buf, &h, sizeof(h));
	memcpy(buf + NLMSG_HDRLEN, &m, sizeof(m));
	memcpy(buf + NLMSG_HDRLEN + sizeof(m), e, sizeof(*e));
	memcpy(buf + NLMSG_HDRLEN + sizeof(m), &copy, sizeof(copy));
	count = 0;
	return NLMSG_HDRLEN + sizeof(m) + sizeof(*e);
}

int
main(void)
{
	struct proc_event e = { 0 };
	size_t len, i;

	len = make(0, &e);
	ok(newproc_take(buf, len, &calls, NULL), "the kernel agrees");
	e.event_data.ack.err = 1;
	len = make(0, &e);
	ok(!newproc_take(buf, len, &calls, NULL) && count == 0,
	    "the kernel refuses");
	memset(&e, 0, sizeof(e));
	e.event_data.fork.parent_tgid = 7;
	e.event_data.fork.child_pid = 9;
	e.event_data.fork.child_tgid = 9;
	len = make(1, &e);
	(void)newproc_take(buf, len, &calls, NULL);
	ok(count == 1 && seen == 9 && of == 7, "a child");
	for (i = 0; i < len; i++) {
		/* Whatever the length: no more is read than there is. */
		char *exact = memcpy((char[4096]){ 0 }, buf, i);

		count = 0;
		(void)newproc_take(exact, i, &calls, NULL);
	}
	e.event_data.fork.child_pid = 10;
	len = make(1, &e);
	(void)newproc_take(buf, len, &calls, NULL);
	is_num(count, 0, "a thread is none");
	memset(&e, 0, sizeof(e));
	e.event_data.exec.process_tgid = 11;
	len = make(2, &e);
	(void)newproc_take(buf, len, &calls, NULL);
	ok(count == 1 && seen == 11 && of == 0, "another program");
	e.event_data.comm.process_pid = e.event_data.comm.process_tgid = 12;
	len = make(0x200, &e);
	(void)newproc_take(buf, len, &calls, NULL);
	ok(count == 1 && seen == 12 && of == 0, "another name");
	len = make(0x80000000U, &e);
	(void)newproc_take(buf, len, &calls, NULL);
	is_num(count, 0, "a death is the pidfd's to tell");
	(void)make(2, &e);
	buf[4] = 2;	/* NLMSG_ERROR */
	ok(!newproc_take(buf, len, &calls, NULL) && count == 0,
	    "another kind of message");
	ok(!newproc_take(buf, 3, &calls, NULL), "too short");
	return tap_done();
}
