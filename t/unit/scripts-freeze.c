/* SPDX-License-Identifier: ISC */
/*
 * The application of a module stands still and goes on, over a restart of
 * moduled and before its stop scripts.  With a real process in a real cgroup:
 * needs root and cgroup v2, else it is skipped aloud.
 */
#include "../../bin/moduled/scripts.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"

#include "tap.h"

static char root[] = "/tmp/hf-freeze.XXXXXX";
static char top[CGROUP_PATH_LEN], module[CGROUP_PATH_LEN],
    app[CGROUP_PATH_LEN];
static volatile unsigned long *ticks;
static char begun[256];
static struct scripts *scripts;

static void
on_begin(const char *script, bool force, void *arg)
{
	(void)force;
	(void)arg;
	(void)snprintf(begun + strlen(begun), sizeof(begun) - strlen(begun),
	    "%s%s ", script, scripts_frozen(scripts) ? "(frozen)" : "");
}

static void
on_end(const char *script, enum script_end end, const char *text, void *arg)
{
	(void)script;
	(void)end;
	(void)text;
	(void)arg;
}

static void
on_change(void *arg)
{
	(void)arg;
}

static char script_dir[64];
static const struct scripts_conf conf = {
	.module = "web", .dir = script_dir, .enabled = true,
	.nice_ms = 1000, .force_ms = 1000,
};
static const struct scripts_calls calls = { on_begin, on_end, on_change };

static void
put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0 ||
	    chmod(path, 0755) != 0)
		ok(false, "%s: %s", path, strerror(errno));
}

/* False: this machine has no cgroup to test with. */
static bool
places(void)
{
	char mount[CGROUP_PATH_LEN], command[128], text[65536];
	FILE *f = fopen("/proc/self/mountinfo", "r");
	size_t n = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = '\0';
	if (f != NULL)
		(void)fclose(f);
	if (getuid() != 0 || !cgroup_find(mount, text))
		return false;
	(void)snprintf(top, sizeof(top), "%.400s/holdfast-freeze-%d", mount,
	    (int)getpid());
	if (mkdir(top, 0755) != 0 || mkdtemp(root) == NULL)
		return false;
	(void)setenv("HOLDFAST_CGROUP", top, 1);
	(void)setenv("HOLDFAST_ROOT", root, 1);
	(void)snprintf(command, sizeof(command), "mkdir -p %s/scripts "
	    "%s/usr/lib/holdfast %s/run/holdfast/web", root, root, root);
	if (system(command) != 0)
		return false;
	(void)snprintf(script_dir, sizeof(script_dir), "%s/scripts", root);
	return cgroup_module(module, "web") == 0 &&
	    cgroup_below(app, module, "app") == 0;
}

/* The application: counts while it may. */
static pid_t
begin_application(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;) {
			(*ticks)++;
			(void)poll(NULL, 0, 1);
		}
	(void)cgroup_join(app, pid);
	return pid;
}

static bool
events_say(const char *what)
{
	char path[CGROUP_PATH_LEN + 32], text[256];

	for (int i = 0; i < 500; i++) {
		FILE *f;
		size_t n = 0;

		(void)snprintf(path, sizeof(path), "%s/cgroup.events", app);
		f = fopen(path, "r");
		if (f != NULL) {
			n = fread(text, 1, sizeof(text) - 1, f);
			(void)fclose(f);
		}
		text[n] = '\0';
		if (strstr(text, what) != NULL)
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

static bool
is_running(void)
{
	unsigned long was = *ticks;

	for (int i = 0; i < 500 && *ticks == was; i++)
		(void)poll(NULL, 0, 10);
	return *ticks != was;
}

static void
test_freeze(struct loop *l)
{
	unsigned long was;

	scripts = scripts_new(l, &conf, &calls, NULL);
	scripts_assume(scripts, ST_PRIM);
	ok(!scripts_frozen(scripts) && is_running(), "it runs");
	ok(scripts_freeze(scripts, true) && scripts_frozen(scripts),
	    "frozen");
	ok(events_say("frozen 1"), "the kernel says so too");
	was = *ticks;
	(void)poll(NULL, 0, 50);
	is_num(*ticks, was, "and nothing moves");
	ok(scripts_freeze(scripts, true), "once more is as well");
	ok(scripts_freeze(scripts, false) && is_running(),
	    "it goes on where it was");
}

static void
test_restart(struct loop *l)
{
	char text[1024];

	ok(scripts_freeze(scripts, true), "frozen");
	ok(scripts_save(scripts, text, sizeof(text)), "moduled ends");
	scripts_free(scripts);
	scripts = scripts_new(l, &conf, &calls, NULL);
	ok(scripts_restore(scripts, text) && scripts_frozen(scripts),
	    "the next one knows what was frozen");
	ok(scripts_freeze(scripts, false) && is_running(), "and thaws it");
	ok(scripts_freeze(scripts, true), "frozen");
	scripts_free(scripts);
	scripts = scripts_new(l, &conf, &calls, NULL);
	ok(scripts_frozen(scripts), "also without its file");
	scripts_assume(scripts, ST_PRIM);
}

static void
test_scripts(void)
{
	put("scripts/start_sec", "#! /bin/sh\n");
	put("scripts/stop_prim", "#! /bin/sh\n");
	put("usr/lib/holdfast/runscript", "#! /bin/sh\nexec sleep 60\n");
	scripts_want(scripts, ST_ALONE, true, "none");
	is_str(begun, "", "no script of a role begins while it is frozen");
	ok(scripts_frozen(scripts), "which it stays");
	scripts_want(scripts, ST_PRIM, true, "none");
	scripts_assume(scripts, ST_PRIM);
	scripts_want(scripts, ST_WAIT, true, "stop");
	is_str(begun, "stop_prim ", "a stop script thaws before it begins");
	ok(is_running(), "so that there is something to stop");
	ok(!scripts_freeze(scripts, true) && !scripts_frozen(scripts),
	    "and nothing is frozen on the way down");
}

static void
clean(pid_t application)
{
	char command[512];

	(void)kill(application, SIGKILL);
	(void)waitpid(application, NULL, 0);
	scripts_force(scripts);	/* ends the run */
	while (waitpid(-1, NULL, 0) > 0)
		;
	scripts_free(scripts);
	for (int i = 0; i < 200 && rmdir(app) != 0; i++)
		(void)poll(NULL, 0, 10);
	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	ok(rmdir(module) == 0 && rmdir(top) == 0 && system(command) == 0,
	    "nothing is left");
}

int
main(void)
{
	struct loop *l;
	pid_t application;

	if (!places()) {
		printf("1..0 # SKIP needs root and cgroup v2\n");
		return 0;
	}
	ticks = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	l = loop_new();
	application = begin_application();
	test_freeze(l);
	test_restart(l);
	test_scripts();
	clean(application);
	loop_free(l);
	return tap_done();
}
