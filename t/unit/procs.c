/* SPDX-License-Identifier: ISC */
/* Which processes are meant. */
#include "../../bin/checkd/procs.h"

#include <sys/wait.h>

#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

static unsigned found;
static pid_t sought;

static void
on_pid(pid_t pid, void *arg)
{
	(void)arg;
	found += pid == sought;
}

static bool
sees(struct procs_match *m, pid_t pid)
{
	found = 0;
	sought = pid;
	return procs_each(m, on_pid, NULL) == 0 && found == 1;
}

static void
test_live(void)
{
	struct procs_match m = { .name = "sleep" };
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execlp("sleep", "sleep", "77.25", (char *)NULL);
		_exit(1);
	}
	while (!procs_is(&m, pid))
		(void)usleep(1000);
	ok(sees(&m, pid), "a process by name");
	m.has_arg_regex = true;
	ok(regcomp(&m.arg_regex, "^sleep 77[.]25$", REG_EXTENDED) == 0 &&
	    sees(&m, pid), "and by its command line");
	regfree(&m.arg_regex);
	ok(regcomp(&m.arg_regex, "78", REG_EXTENDED) == 0 &&
	    !sees(&m, pid), "another one");
	regfree(&m.arg_regex);
	m.has_arg_regex = false;
	(void)kill(pid, SIGKILL);
	(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	ok(!sees(&m, pid), "dead, not reaped: none");
	(void)waitpid(pid, NULL, 0);
	ok(!procs_is(&m, getpid()) && !procs_is(&m, pid), "gone: none");
}

int
main(void)
{
	struct procs_match m = { .name = "sleep" };
	char comm[PROCS_COMM], state;

	ok(procs_parse_stat("12 (a) b) (c) S 1 12", comm, &state),
	    "a name with brackets");
	is_str(comm, "a) b) (c", "is taken whole");
	ok(state == 'S', "the state behind it");
	ok(procs_parse_stat("1 () Z 0", comm, &state) && comm[0] == '\0' &&
	    state == 'Z', "no name");
	ok(!procs_parse_stat("", comm, &state) &&
	    !procs_parse_stat("12 (a", comm, &state) &&
	    !procs_parse_stat("12 (a)", comm, &state) &&
	    !procs_parse_stat(") (", comm, &state), "damaged");
	ok(procs_matches(&m, "sleep", ""), "by name");
	ok(!procs_matches(&m, "sleepy", ""), "whole");
	m.has_name_regex = true;
	ok(regcomp(&m.name_regex, "^sl", REG_EXTENDED) == 0 &&
	    procs_matches(&m, "slow", "") &&
	    !procs_matches(&m, "asl", ""), "by expression");
	regfree(&m.name_regex);
	test_live();
	return tap_done();
}
