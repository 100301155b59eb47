/* SPDX-License-Identifier: ISC */
/* Fence agents: who is told the password, and that nobody else is. */

#include "agent.h"

#include <sys/stat.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

static char dir[] = "/tmp/hf-agent.XXXXXX";
static char path[64], script[96];
static char *options[] = { (char *)(uintptr_t)"ip=10.0.0.9", script };
static struct agent_conf conf = {
	.agent = path, .peer = "n1", .option = options, .option_count = 2,
	.timeout_ms = 5000,
};
static struct loop *loop;
static struct agent_answer answer;

static void
on_done(const struct agent_answer *a, void *arg)
{
	(void)arg;
	answer = *a;
	loop_stop(loop);
}

static void
write_program(const char *file, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
write_program(const char *file, const char *fmt, ...)
{
	va_list ap;
	FILE *f = fopen(file, "w");

	va_start(ap, fmt);
	if (f == NULL || fputs("#! /bin/sh\n", f) == EOF ||
	    vfprintf(f, fmt, ap) < 0 || fclose(f) != 0 ||
	    chmod(file, 0700) != 0)
		ok(false, "%s cannot be written", file);
	va_end(ap);
}

/* password_script=DIR/NAME, made of that body. */
static void
with_script(const char *name, const char *body)
{
	char file[80];

	(void)snprintf(file, sizeof(file), "%s/%s", dir, name);
	write_program(file, "%s", body);
	(void)snprintf(script, sizeof(script), "password_script=%s", file);
}

static void
ask(struct agent *a, const char *action)
{
	agent_ask(a, action);
	if (agent_is_busy(a))
		loop_run(loop);
}

static const char *
words(const char *text, const char *secret, bool is_cut)
{
	static char out[AGENT_WORDS];
	char copy[512];

	(void)snprintf(copy, sizeof(copy), "%s", text);
	agent_words(out, copy, secret, is_cut);
	return out;
}

static void
test_words(void)
{
	is_str(words("one\ntwo\n\n \n", "", false), "two",
	    "the last line that says something");
	is_str(words("", "x", false), "", "nothing");
	is_str(words("login ops hunter2 hunter2 failed\n", "hunter2", false),
	    "login ops ******* ******* failed", "without the secret");
	is_str(words("Unknown option 'passwrd=hunter2 '\n", "", false),
	    "Unknown option 'passwrd=***",
	    "nor one that is only known by its name");
	is_str(words("Login failed: bad password\n", "", false),
	    "Login failed: bad password", "a word alone is none");
	is_str(words("ter2 is wrong\nbye\n", "hunter2", true), "bye",
	    "a line whose beginning is missing is not shown");
	is_str(words("ter2 is wrong", "hunter2", true), "",
	    "even when it is the only one");
}

static void
test_secret(struct agent *a)
{
	write_program(path, "cat >%s/told\n"
	    "p=$(sed -n s/^password=//p %s/told)\n"
	    "tr '\\0' ' ' </proc/$$/cmdline >%s/seen\n"
	    "tr '\\0' ' ' </proc/$$/environ >>%s/seen\n"
	    "echo \"user ops, password $p, is refused\"\nexit 1\n",
	    dir, dir, dir, dir);
	with_script("secret", "echo hunter2; echo more; echo bad >&2");
	ask(a, "status");
	ok(answer.end == AGENT_EXITED && answer.status == 1 &&
	    strstr(answer.text, "password *******, is refused") != NULL,
	    "an agent that prints its password: %s", answer.text);
	write_program(path, "cd %s && [ \"$(cat told)\" = 'ip=10.0.0.9\n"
	    "password=hunter2\nnodename=n1\naction=status' ] &&\n"
	    "grep -q fence seen && ! grep -q hunter2 seen && exit 2\nexit 1\n",
	    dir);
	ask(a, "status");
	ok(answer.end == AGENT_EXITED && answer.status == AGENT_IS_OFF,
	    "was told by its input, and by nothing that others see");
	/* The same agent twice: nothing of the first is in the second. */
	write_program(path, "exit 0\n");
	ask(a, "off");
	ok(answer.end == AGENT_EXITED && answer.status == 0, "and again");
}

static void
test_bad_script(struct agent *a)
{
	with_script("none", "exit 0");
	ask(a, "status");
	ok(answer.end == AGENT_FAILED &&
	    strstr(answer.text, "none prints no password") != NULL,
	    "a script that prints nothing: %s", answer.text);
	with_script("fails", "echo hunter2; exit 3");
	ask(a, "status");
	ok(answer.end == AGENT_FAILED &&
	    strstr(answer.text, "fails failed") != NULL &&
	    strstr(answer.text, "hunter2") == NULL,
	    "one that fails is not quoted: %s", answer.text);
	with_script("long", "head -c 300 /dev/zero | tr '\\0' x");
	ask(a, "status");
	ok(answer.end == AGENT_FAILED &&
	    strstr(answer.text, "more than a password") != NULL,
	    "one that prints a book: %s", answer.text);
	(void)snprintf(script, sizeof(script), "password_script=/no/such");
	ask(a, "status");
	ok(answer.end == AGENT_FAILED &&
	    strstr(answer.text, "/no/such cannot be run: No such") != NULL,
	    "one that is not there: %s", answer.text);
	conf.timeout_ms = 200;
	with_script("hangs", "sleep 100");
	ask(a, "status");
	ok(answer.end == AGENT_FAILED &&
	    strstr(answer.text, "hangs did not answer") != NULL,
	    "one that hangs: %s", answer.text);
	conf.timeout_ms = 60000;
	agent_ask(a, "status");
	agent_cancel(a);
	agent_cancel(a);
	loop_run(loop);
	ok(answer.end == AGENT_CALLED_OFF && !agent_is_busy(a),
	    "called off before the agent's turn");
}

int
main(void)
{
	char command[128];
	struct agent *a;

	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/fence_test", dir);
	loop = loop_new();
	a = agent_new(loop, &conf, on_done, NULL);
	test_words();
	test_secret(a);
	test_bad_script(a);
	agent_free(a);
	loop_free(loop);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ok(system(command) == 0, "nothing is left");
	return tap_done();
}
