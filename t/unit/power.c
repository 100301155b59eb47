/* SPDX-License-Identifier: ISC */
/* Fencing by agents of ours: one that works, and those that do not. */

#include "../../bin/moduled/power.h"

#include <sys/stat.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#include "tap.h"

static char dir[] = "/tmp/hf-power.XXXXXX";
static char agent[64];
static char *options[] = { (char *)(uintptr_t)"ip=10.0.0.9",
    (char *)(uintptr_t)"username=admin" };
static struct agent_conf conf = {
	.agent = agent, .peer = "n1", .option = options, .option_count = 2,
	.timeout_ms = 5000,
};
static struct loop *loop;
static struct power *power;
static uint64_t done_id;
static bool done_off;
static char done_text[512];

static void
on_done(uint64_t id, bool is_off, const char *text, void *arg)
{
	(void)arg;
	done_id = id;
	done_off = is_off;
	(void)snprintf(done_text, sizeof(done_text), "%s", text);
	loop_stop(loop);
}

/* An agent that keeps what it is told, then does what body says. */
static void
write_agent(const char *body)
{
	FILE *f;

	(void)snprintf(agent, sizeof(agent), "%s/fence_test", dir);
	f = fopen(agent, "w");
	if (f == NULL || fprintf(f, "#! /bin/sh\ncat >>%s/told\n"
	    "action=$(sed -n 's/^action=//p' %s/told | tail -n 1)\n%s", dir,
	    dir, body) < 0 || fclose(f) != 0 || chmod(agent, 0755) != 0)
		ok(false, "%s cannot be written", agent);
}

static const char *
told(void)
{
	static char text[1024];
	char path[64];
	FILE *f;
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "%s/told", dir);
	f = fopen(path, "r");
	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		(void)fclose(f);
	}
	(void)unlink(path);
	text[n] = '\0';
	return text;
}

static void
ask(uint64_t id)
{
	done_text[0] = '\0';
	power_want(power, id);
	power_want(power, id);	/* restated: nothing runs twice */
	if (done_id != id)
		loop_run(loop);
}

static void
test_answers(void)
{
	write_agent("[ $action = off ] && exit 0; exit 2\n");
	ask(1);
	ok(done_id == 1 && done_off, "off, and its status says so");
	is_str(told(), "ip=10.0.0.9\nusername=admin\nnodename=n1\naction=off\n"
	    "ip=10.0.0.9\nusername=admin\nnodename=n1\naction=status\n",
	    "told by lines on its input, once");
	write_agent("[ $action = off ] && exit 1; exit 2\n");
	ask(2);
	ok(done_id == 2 && !done_off, "an off that fails is none, whatever "
	    "its status says");
	write_agent("exit 0\n");
	ask(3);
	ok(done_id == 3 && !done_off &&
	    strstr(done_text, "says that it is still on") != NULL,
	    "an \"off\" that does not switch off is none: %s", done_text);
	write_agent("echo\necho 'Login failed' >&2\nexit 1\n");
	ask(4);
	ok(!done_off && strstr(done_text, "failed: Login failed") != NULL,
	    "one that fails is told in its words: %s", done_text);
	(void)unlink(agent);
	ask(5);
	ok(done_id == 5 && !done_off &&
	    strstr(done_text, "cannot be run: No such file") != NULL,
	    "one that is not there: %s", done_text);
}

/* A shell and the program it waits for: both must end. */
static void
test_hang(void)
{
	struct mono begun = mono_now();
	char path[64];
	pid_t pid = 0;
	FILE *f;

	write_agent("sleep 100 &\necho $! >${0%/*}/pid\nwait\n");
	conf.timeout_ms = 300;
	ask(6);
	ok(!done_off && strstr(done_text, "did not answer in") != NULL,
	    "one that hangs has a deadline: %s", done_text);
	ok(mono_diff_ms(mono_now(), begun) < 5000, "and is not waited for");
	(void)snprintf(path, sizeof(path), "%s/pid", dir);
	f = fopen(path, "r");
	ok(f != NULL && fscanf(f, "%d", &pid) == 1 && fclose(f) == 0,
	    "what it had started");
	for (int i = 0; i < 500 && kill(pid, 0) == 0; i++)
		(void)poll(NULL, 0, 10);
	ok(kill(pid, 0) != 0, "has ended with it");
	conf.timeout_ms = 60000;
	power_want(power, 7);
	power_want(power, 0);
	loop_run(loop);
	ok(done_id == 0, "one that is called off ends, and judges nothing");
	write_agent("[ $action = off ] && exit 0; exit 2\n");
	ask(8);
	ok(done_id == 8 && done_off, "and the next one is asked");
}

int
main(void)
{
	char command[128];

	if (mkdtemp(dir) == NULL)
		return 1;
	loop = loop_new();
	power = power_new(loop, &conf, on_done, NULL);
	test_answers();
	test_hang();
	power_free(power);
	loop_free(loop);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ok(system(command) == 0, "nothing is left");
	return tap_done();
}
