/* SPDX-License-Identifier: ISC */
/*
 * check_holdfast(8): one line for a monitor, and an exit status of 0 to 3,
 * never another.  Asks the daemons as `holdfast status' does; judges nothing
 * itself.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "modules.h"
#include "status.h"
#include "talk.h"

#include "judge.h"

#define TIMEOUT_S	10
#define TIMEOUT_MAX_S	3600
#define MODULE_MAX	64

struct check {
	struct judge_conf	 conf;
	const char		*module;	/* NULL: all */
	bool			 verbose;
	unsigned		 count;
	struct judgement	*judged[MODULE_MAX];
};

static void
usage(void)
{
	printf("usage: check_holdfast [-m MODULE] [-w METRIC=RANGE]... "
	    "[-c METRIC=RANGE]...\n"
	    "                      [-i CODE]... [-S SEVERITY] [-t SECONDS] "
	    "[-v]\n"
	    "the state of this node's modules, for a monitor\n\n"
	    "  -m MODULE        only this one; otherwise all\n"
	    "  -w METRIC=RANGE  a warning when the number is outside\n"
	    "  -c METRIC=RANGE  critical when the number is outside\n"
	    "  -i CODE          this warning is none\n"
	    "  -S SEVERITY      of a module that the operator stopped: ok,\n"
	    "                   warning (default) or critical\n"
	    "  -t SECONDS       UNKNOWN when it takes longer (default %d)\n"
	    "  -v               all lines, also when all is well\n"
	    "  -V               print the version\n"
	    "  --warning, --critical, --timeout, --verbose, --version and "
	    "--help are\n  the same by their long names, as --module, "
	    "--ignore and --stopped\n"
	    "  -h               print this text\n\n"
	    "METRIC: since dirty rate eta progress disk inodes peer_disk "
	    "warnings\n", TIMEOUT_S);
}

static void __attribute__((format(printf, 1, 2), noreturn))
unknown(const char *fmt, ...)
{
	char text[JUDGE_TEXT];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	judge_clean(text);
	printf("HOLDFAST UNKNOWN - %s\n", text);
	exit(SEV_UNKNOWN);
}

/* The one thing a signal handler may do is to write and go. */
static void
on_alarm(int signo)
{
	static const char text[] = "HOLDFAST UNKNOWN - no answer in time, "
	    "see -t\n";

	(void)signo;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) == -1) {
		/* The monitor is gone. */
	}
	_exit(SEV_UNKNOWN);
}

/* Whatever ends us, no memory or a fault of ours: never another status. */
static void
on_fault(int signo)
{
	static const char text[] = "HOLDFAST UNKNOWN - check_holdfast "
	    "failed, see standard error\n";

	(void)signo;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) == -1) {
		/* The monitor is gone. */
	}
	_exit(SEV_UNKNOWN);
}

static void
on_end(int status, void *arg)
{
	(void)arg;
	if (status < SEV_OK || status > SEV_UNKNOWN)
		on_fault(0);
}

static void
add_limit(struct judge_conf *conf, int option, char *arg)
{
	char *text = strchr(arg, '=');
	struct limit *l;
	unsigned i;

	if (text == NULL)
		unknown("-%c %s: METRIC=RANGE is needed", option, arg);
	*text++ = '\0';
	if (!judge_has_metric(arg))
		unknown("-%c %s: no such metric, see -h", option, arg);
	for (i = 0; i < conf->limits; i++)
		if (strcmp(conf->limit[i].metric, arg) == 0)
			break;
	if (i == LIMIT_MAX)
		unknown("more than %d metrics with thresholds", LIMIT_MAX);
	l = &conf->limit[i];
	l->metric = arg;
	if (i == conf->limits)
		conf->limits++;
	if (range_parse(option == 'w' ? &l->warn : &l->crit, text) == -1)
		unknown("-%c %s=%s: not a range: [@][start:][end], as 10, "
		    "10:, ~:10, 5:10, @5:10", option, arg, text);
	if (option == 'w') {
		l->has_warn = true;
		l->warn_text = text;
	} else {
		l->has_crit = true;
		l->crit_text = text;
	}
}

static enum severity
parse_severity(const char *text)
{
	if (strcmp(text, "ok") == 0)
		return SEV_OK;
	if (strcmp(text, "warning") == 0)
		return SEV_WARNING;
	if (strcmp(text, "critical") == 0)
		return SEV_CRITICAL;
	unknown("-S %s: ok, warning or critical", text);
}

static unsigned
parse_timeout(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 1 || n > TIMEOUT_MAX_S)
		unknown("-t %s: not within 1..%d", text, TIMEOUT_MAX_S);
	return (unsigned)n;
}

static void
parse_options(struct check *c, unsigned *timeout_s, int argc, char **argv)
{
	/* Those that the guidelines reserve have their long names, too. */
	static const struct option long_options[] = {
		{ "critical",	required_argument,	NULL,	'c' },
		{ "help",	no_argument,		NULL,	'h' },
		{ "ignore",	required_argument,	NULL,	'i' },
		{ "module",	required_argument,	NULL,	'm' },
		{ "stopped",	required_argument,	NULL,	'S' },
		{ "timeout",	required_argument,	NULL,	't' },
		{ "verbose",	no_argument,		NULL,	'v' },
		{ "version",	no_argument,		NULL,	'V' },
		{ "warning",	required_argument,	NULL,	'w' },
		{ NULL,		0,			NULL,	0 },
	};
	int o;

	opterr = 0;
	while ((o = getopt_long(argc, argv, "c:hi:m:S:t:vVw:", long_options,
	    NULL)) != -1) {
		switch (o) {
		case 'c':
		case 'w':
			add_limit(&c->conf, o, optarg);
			break;
		case 'i':
			if (c->conf.ignored == IGNORE_MAX)
				unknown("more than %d times -i", IGNORE_MAX);
			c->conf.ignore[c->conf.ignored++] = optarg;
			break;
		case 'm':
			if (!module_name_ok(optarg))
				unknown("-m %s: not a module's name", optarg);
			c->module = optarg;
			c->conf.one_module = true;
			break;
		case 'S':
			c->conf.stopped = parse_severity(optarg);
			break;
		case 't':
			*timeout_s = parse_timeout(optarg);
			break;
		case 'v':
			c->verbose = true;
			break;
		case 'h':
			usage();
			exit(SEV_UNKNOWN);
		case 'V':
			printf("check_holdfast %s\n", HF_VERSION);
			exit(SEV_UNKNOWN);
		default:
			unknown("%s: no such option, or its argument is "
			    "missing, see -h", argv[optind - 1]);
		}
	}
	if (optind < argc)
		unknown("%s: an argument too many, see -h", argv[optind]);
}

/* No right to ask is not the same as nobody there. */
static void
check_permission(const char *module, const char *daemon)
{
	char path[PATH_LEN];

	if (access(path_socket(path, module, daemon), R_OK | W_OK) == -1 &&
	    errno == EACCES)
		unknown("%s: no permission: add this user to the group "
		    "holdfast", path);
}

static void
check_module(const char *module, void *arg)
{
	struct check *c = arg;
	struct status *st;
	char path[PATH_LEN];

	/* Installed, but never configured: nothing is promised yet. */
	if (c->count == MODULE_MAX || (c->module == NULL && access(
	    path_state(path, "%s/config/active/roster", module), F_OK) != 0 &&
	    errno == ENOENT))
		return;
	check_permission(module, "moduled");
	st = status_new();
	(void)status_ask(st, module);	/* none: is_old, and STOP */
	c->judged[c->count] = xcalloc(1, sizeof(struct judgement));
	judge_module(c->judged[c->count++], &c->conf, st);
	status_free(st);
}

static int
show(const struct check *c)
{
	enum severity s = SEV_OK;
	unsigned i;

	for (i = 0; i < c->count; i++)
		s = judge_worse(s, c->judged[i]->severity);
	printf("HOLDFAST %s - ", judge_name(s));
	for (i = 0; i < c->count; i++)
		printf("%s%s", i > 0 ? "; " : "", c->judged[i]->text);
	for (i = 0; i < c->count; i++)
		printf("%s%s", i > 0 ? " " : c->judged[i]->perf[0] != '\0' ?
		    " | " : "", c->judged[i]->perf);
	printf("\n");
	for (i = 0; i < c->count; i++)
		if (c->verbose || c->judged[i]->severity != SEV_OK)
			printf("%s\n%s", c->judged[i]->text,
			    c->judged[i]->more);
	return (int)s;
}

int
main(int argc, char **argv)
{
	static struct check c = { .conf = { .stopped = SEV_WARNING } };
	unsigned timeout_s = TIMEOUT_S;
	int status;

	log_init("check_holdfast", false);
	(void)on_exit(on_end, NULL);
	(void)signal(SIGABRT, on_fault);
	(void)signal(SIGSEGV, on_fault);
	(void)signal(SIGBUS, on_fault);
	parse_options(&c, &timeout_s, argc, argv);
	(void)signal(SIGALRM, on_alarm);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(timeout_s);
	check_permission(NULL, "holdfastd");
	if (c.module != NULL && !modules_is_installed(c.module))
		unknown("%s: no such module on this node", c.module);
	if (!talk_is_up()) {
		printf("HOLDFAST CRITICAL - holdfastd does not answer on this "
		    "node: systemctl start holdfast\n");
		return SEV_CRITICAL;
	}
	if (c.module != NULL)
		check_module(c.module, &c);
	else
		modules_each(check_module, &c);
	if (c.count == 0)
		unknown("no module is configured on this node");
	status = show(&c);
	if (fflush(stdout) != 0)
		return SEV_UNKNOWN;
	for (unsigned i = 0; i < c.count; i++)
		free(c.judged[i]);
	return status;
}
