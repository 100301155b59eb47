/* SPDX-License-Identifier: ISC */
/*
 * runscript(8): one run of one script of a module, with a deadline, a log and
 * an exit status that survive the moduled that wanted it.  Decides nothing:
 * which script, when and with what is moduled's.
 */
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cgroup.h"
#include "child.h"
#include "clock.h"
#include "config.h"
#include "env.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "family.h"
#include "report.h"

/* From SIGTERM to SIGKILL, and from there to giving up. */
#define GRACE_MS	2000
#define STUCK_MS	5000
#define TICK_MS		20
#define LOGS_KEPT	200
#define DEADLINE_MAX_S	86400
#define MEMBERS_MAX	1024

struct run {
	struct report	 r;
	struct env	 env;
	char		 path[PATH_LEN];	/* of the script */
	char		**args;			/* argv of the script */
	bool		 has_cgroup;
	char		 run_cgroup[CGROUP_PATH_LEN];
	char		 app_cgroup[CGROUP_PATH_LEN];
	pid_t		 script;
	bool		 gone;			/* it was waited for */
	int		 pidfd;
	int		 signals;
	int		 log;
	struct mono	 begun;
};

/* --- options -------------------------------------------------------- */

static void
usage(FILE *out)
{
	fprintf(out, "usage: runscript -M MODULE -n SCRIPT -t SECONDS "
	    "[-e NAME=VALUE]... [-- ARG...]\n"
	    "runs a script of a module once\n\n"
	    "  -M MODULE      whose script\n"
	    "  -n SCRIPT      its name in the module's bin/\n"
	    "  -t SECONDS     deadline, 0: none\n"
	    "  -e NAME=VALUE  a variable of its environment\n"
	    "  -V             print the version\n"
	    "  -h             print this text\n");
}

static void
bad_usage(void)
{
	usage(stderr);
	exit(EX_USAGE);
}

static int64_t
parse_seconds(const char *s)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	if (errno != 0 || end == s || *end != '\0' || n < 0 ||
	    n > DEADLINE_MAX_S)
		fatalx(EX_USAGE, "-t %s: not within 0..%d", s, DEADLINE_MAX_S);
	return n;
}

static void
parse_options(struct run *run, int argc, char **argv)
{
	int c;

	run->r.deadline_s = -1;
	while ((c = getopt(argc, argv, "+e:hM:n:t:V")) != -1) {
		switch (c) {
		case 'e':
			if (!env_is_assignment(optarg))
				fatalx(EX_USAGE, "-e %s: not NAME=VALUE",
				    optarg);
			if (!env_set(&run->env, optarg))
				fatalx(EX_USAGE, "more than %d variables",
				    ENV_MAX);
			break;
		case 'h':
			usage(stdout);
			exit(EX_OK);
		case 'M':
			run->r.module = optarg;
			break;
		case 'n':
			run->r.script = optarg;
			break;
		case 't':
			run->r.deadline_s = parse_seconds(optarg);
			break;
		case 'V':
			printf("runscript %s\n", PACKAGE_VERSION);
			exit(EX_OK);
		default:
			bad_usage();
		}
	}
	if (run->r.module == NULL || run->r.script == NULL ||
	    run->r.deadline_s == -1)
		bad_usage();
	if (!module_name_ok(run->r.module))
		fatalx(EX_USAGE, "\"%s\" is no module name", run->r.module);
	if (!env_script_ok(run->r.script))
		fatalx(EX_USAGE, "\"%s\" is no script name", run->r.script);
	/* The script's argv: its path goes into the place before. */
	run->args = argv + optind - 1;
	run->args[0] = run->path;
}

/* --- before --------------------------------------------------------- */

/* Away from moduled: its session, its descriptors, its terminal. */
static void
detach(struct run *run)
{
	sigset_t set;

	(void)setsid();		/* EPERM: we lead a group already */
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
	if (chdir("/") == -1)
		fatal("/");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)sigdelset(&set, SIGHUP);	/* nobody's terminal hangs up on us */
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->signals == -1)
		fatal("signals");
}

static void
make_cgroups(struct run *run)
{
	char module[CGROUP_PATH_LEN], name[32];

	(void)snprintf(name, sizeof(name), "run-%d", (int)run->r.pid);
	run->r.cgroup = "";
	if (cgroup_module(module, run->r.module) == -1 ||
	    cgroup_below(run->app_cgroup, module, "app") == -1 ||
	    cgroup_below(run->run_cgroup, module, name) == -1) {
		log_warn("no cgroup: what %s starts cannot be frozen, and a "
		    "hung one is killed by its process group", run->r.script);
		return;
	}
	run->has_cgroup = true;
	run->r.cgroup = run->run_cgroup;
}

static bool
script_exists(const struct run *run)
{
	struct stat st;

	return stat(run->path, &st) == 0 && S_ISREG(st.st_mode);
}

static void
note(const struct run *run, const char *text)
{
	char wall[CLOCK_WALL_LEN];

	if (run->log != -1)
		dprintf(run->log, "# %s %s: %s\n", clock_wall(wall),
		    run->r.script, text);
}

static void
note_begin(const struct run *run)
{
	char text[512] = "run with";
	size_t len = strlen(text);

	for (char **a = run->args + 1; *a != NULL && len < sizeof(text); a++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    " %s", *a);
	note(run, run->args[1] != NULL ? text : "run");
}

/* --- the script ----------------------------------------------------- */

static void
child(struct run *run)
{
	static char shell[] = "/bin/sh";
	size_t count = 0;
	char **argv;

	(void)setsid();
	if (run->has_cgroup && cgroup_join(run->run_cgroup, 0) == -1)
		log_warn("%s: not joined", run->run_cgroup);
	child_reset();
	child_descriptors(run->log);
	(void)execve(run->path, run->args, run->env.var);
	if (errno == ENOEXEC) {
		/* No "#!" line: as a shell would do it. */
		while (run->args[count] != NULL)
			count++;
		argv = xcalloc(count + 2, sizeof(*argv));
		argv[0] = shell;
		memcpy(argv + 1, run->args, count * sizeof(*argv));
		(void)execve(shell, argv, run->env.var);
	}
	log_warn("%s: cannot be run", run->path);
	_exit(errno == ENOENT ? 127 : 126);
}

static int
start_script(struct run *run)
{
	run->script = fork();
	if (run->script == 0)
		child(run);
	if (run->script == -1)
		return -1;
	run->pidfd = (int)syscall(SYS_pidfd_open, run->script, 0);
	if (run->pidfd == -1)
		fatal("process %d", (int)run->script);
	return 0;
}

static bool
script_is_gone(struct run *run)
{
	if (!run->gone)
		run->gone = waitpid(run->script, &run->r.status, WNOHANG) ==
		    run->script;
	return run->gone;
}

/* Until the script ended (false), or the deadline or a signal (true). */
static bool
must_end(struct run *run)
{
	struct mono deadline = mono_add_ms(run->begun,
	    run->r.deadline_s * 1000);
	struct pollfd p[2] = {
		{ .fd = run->pidfd, .events = POLLIN },
		{ .fd = run->signals, .events = POLLIN },
	};

	for (;;) {
		int64_t left = -1;

		if (run->r.deadline_s > 0) {
			/* One more: rounded down, or it would spin. */
			left = mono_diff_ms(deadline, mono_now()) + 1;
			if (left <= 1)
				left = 0;
		}
		if (poll(p, 2, (int)left) == -1 && errno != EINTR)
			fatal("poll");
		if (script_is_gone(run))
			return false;
		if (p[1].revents != 0) {
			run->r.stopped = true;
			note(run, "told to end before its deadline");
			return true;
		}
		if (left == 0) {
			run->r.timeout = true;
			note(run, "its deadline is over");
			return true;
		}
	}
}

/* --- after ---------------------------------------------------------- */

/* What the script left behind on purpose belongs to the application. */
static void
move_application(struct run *run)
{
	struct family_member m[MEMBERS_MAX];
	pid_t pid[MEMBERS_MAX];
	int n = cgroup_pids(run->run_cgroup, pid, MEMBERS_MAX);

	if (n > MEMBERS_MAX)
		n = MEMBERS_MAX;	/* a bomb: the rest dies with it */
	if (n <= 0)
		return;
	family_read(m, pid, (size_t)n);
	for (int i = 0; i < n; i++) {
		if (!family_is_own(run->script, m, (size_t)n, pid[i]))
			(void)cgroup_join(run->app_cgroup, pid[i]);
	}
}

static void
signal_all(struct run *run, int signo)
{
	pid_t pid[MEMBERS_MAX];
	int n;

	if (!run->has_cgroup) {
		(void)kill(-run->script, signo);	/* ESRCH: all gone */
		return;
	}
	if (signo == SIGKILL) {
		if (cgroup_kill(run->run_cgroup) == -1)
			log_warn("%s: not killed", run->run_cgroup);
		return;
	}
	n = cgroup_pids(run->run_cgroup, pid, MEMBERS_MAX);
	for (int i = 0; i < n && i < MEMBERS_MAX; i++)
		(void)kill(pid[i], signo);	/* ESRCH: just gone */
}

static bool
all_gone(struct run *run)
{
	pid_t pid;

	if (!script_is_gone(run))
		return false;
	if (!run->has_cgroup)
		return kill(-run->script, 0) == -1 && errno == ESRCH;
	return cgroup_pids(run->run_cgroup, &pid, 1) <= 0;
}

static bool
wait_all_gone(struct run *run, int64_t limit_ms)
{
	struct mono limit = mono_add_ms(mono_now(), limit_ms);

	while (!all_gone(run)) {
		if (mono_passed(limit, mono_now()))
			return false;
		(void)poll(NULL, 0, TICK_MS);
	}
	return true;
}

static void
end_script(struct run *run)
{
	if (run->has_cgroup)
		move_application(run);
	signal_all(run, SIGTERM);
	if (wait_all_gone(run, GRACE_MS))
		return;
	note(run, "killed");
	signal_all(run, SIGKILL);
	if (wait_all_gone(run, STUCK_MS))
		return;
	/* In the kernel, on a disk that does not answer. */
	run->r.stuck = !script_is_gone(run);
	log_warnx("%s: a killed process is not gone", run->r.script);
	note(run, "a killed process is not gone");
}

static void
remove_cgroup(struct run *run)
{
	if (!run->has_cgroup)
		return;
	if (cgroup_move_all(run->run_cgroup, run->app_cgroup) == -1 ||
	    rmdir(run->run_cgroup) == -1)
		log_warn("%s: not removed", run->run_cgroup);
}

static void
note_end(const struct run *run)
{
	char text[128];
	int s = run->r.status;

	if (WIFSIGNALED(s))
		(void)snprintf(text, sizeof(text), "signal %d after %lld ms",
		    WTERMSIG(s), (long long)run->r.ms);
	else
		(void)snprintf(text, sizeof(text), "exit %d after %lld ms",
		    WEXITSTATUS(s), (long long)run->r.ms);
	note(run, text);
}

static int
run_script(struct run *run)
{
	run->begun = mono_now();
	note_begin(run);
	if (!script_exists(run)) {
		log_warnx("%s: there is no such script: %s", run->r.script,
		    run->path);
		run->r.missing = true;
		run->r.status = W_EXITCODE(EX_NOINPUT, 0);
	} else if (start_script(run) == -1) {
		log_warn("%s: not run", run->r.script);
		run->r.status = W_EXITCODE(EX_OSERR, 0);
	} else if (must_end(run)) {
		end_script(run);
	}
	run->r.ms = mono_diff_ms(mono_now(), run->begun);
	if (!run->r.stuck) {
		note_end(run);
		remove_cgroup(run);
	}
	return report_end(&run->r);
}

/* Field 22 of our own stat, by which moduled knows us again. */
static uint64_t
own_start_time(void)
{
	char text[1024], *p;
	FILE *f = fopen("/proc/self/stat", "re");
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		(void)fclose(f);	/* only read from */
	}
	text[n] = '\0';
	p = strrchr(text, ')');
	for (int i = 2; i < 22 && p != NULL; i++)
		p = strchr(p + 1, ' ');
	return p != NULL ? strtoull(p, NULL, 10) : 0;
}

int
main(int argc, char **argv)
{
	static struct run run;

	log_init("runscript", false);
	env_init(&run.env);
	parse_options(&run, argc, argv);
	log_module(run.r.module);
	/* After the module's own: these are ours to say. */
	env_set_standard(&run.env, run.r.module, getenv);
	path_state(run.path, "%s/config/active/bin/%s", run.r.module,
	    run.r.script);
	detach(&run);
	run.r.pid = getpid();
	run.r.start = own_start_time();
	make_cgroups(&run);
	report_prune_logs(run.r.module, LOGS_KEPT - 1);
	run.log = report_open_log(&run.r);
	report_begin(&run.r);
	return run_script(&run);
}
