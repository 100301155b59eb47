/* SPDX-License-Identifier: ISC */
#include "../../bin/holdfastd/adopt.h"

#include <sys/wait.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

#define REST " 1 1 1 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 987654 111 222 "

static void
test_file(void)
{
	static const struct adopt_record in[] = {
		{ "keepd", "", 101, 555, 1 },
		{ "mirrord", "ledger", 102, 18446744073, 7 },
	};
	struct adopt_record out[2];
	char buf[1024];
	unsigned line;

	memset(out, 0, sizeof(out));
	ok(adopt_format(buf, sizeof(buf), in, 2) > 0, "written");
	is_num(adopt_parse(out, 2, buf, &line), 2, "read again");
	is_str(out[0].name, "keepd", "name");
	is_str(out[0].module, "", "no module");
	is_str(out[1].module, "ledger", "module");
	is_num(out[1].pid, 102, "pid");
	is_num(out[1].start, 18446744073, "start time");
	is_num(out[1].starts, 7, "starts");
	is_num(adopt_parse(out, 1, buf, &line), -1, "too many are refused");
	is_num(line, 2, "at the line");
	buf[strlen(buf) - 1] = '\0';
	is_num(adopt_parse(out, 2, buf, &line), -1, "a cut line is refused");
	is_num(adopt_parse(out, 2, "", &line), 0, "empty: nobody");
	is_num(adopt_parse(out, 2, "process name=a pid=1 start=1 starts=0\n",
	    &line), -1, "no module key");
	is_num(adopt_parse(out, 2,
	    "process name=a module=../x pid=1 start=1 starts=0\n", &line), -1,
	    "a bad module name");
	is_num(adopt_parse(out, 2,
	    "process name=a module=\"\" pid=0 start=1 starts=0\n", &line), -1,
	    "process 0");
	is_num(adopt_format(buf, 40, in, 2), 0, "no room is said");
}

static void
test_stat(void)
{
	is_num(adopt_parse_stat("7 (heartd) S" REST), 987654, "start time");
	is_num(adopt_parse_stat("7 (a) b) R (x) S" REST), 987654,
	    "a name with brackets and blanks");
	is_num(adopt_parse_stat("7 (heartd) Z" REST), 0, "a zombie is gone");
	is_num(adopt_parse_stat("7 (heartd) S 1 2 3"), 0, "cut short");
	is_num(adopt_parse_stat(""), 0, "empty");
}

static void
test_process(void)
{
	uint64_t start;
	pid_t pid;
	int fd;

	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	start = adopt_start_time(pid);
	ok(start > 0, "a child has a start time");
	fd = adopt_open(pid, start);
	ok(fd >= 0, "it is recognised");
	(void)close(fd);
	is_num(adopt_open(pid, start + 1), -1, "another start: another one");
	is_num(adopt_open(pid, 0), -1, "no start time: none");
	(void)kill(pid, SIGKILL);
	(void)waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	is_num(adopt_open(pid, start), -1, "dead, not reaped: gone");
	(void)waitpid(pid, NULL, 0);
	is_num(adopt_open(pid, start), -1, "gone");
}

int
main(void)
{
	test_file();
	test_stat();
	test_process();
	return tap_done();
}
