/* SPDX-License-Identifier: ISC */
/* What every daemon does before and after its own work. */

#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "fail.h"
#include "log.h"
#include "paths.h"

#define READY_FD	3
#define KEEP_RETRY_MIN_MS	10
#define KEEP_RETRY_MAX_MS	1280

struct options {
	bool		 check_only;
	bool		 print;
	bool		 foreground;
	bool		 verbose;
	const char	*module;
	const char	*file;
};

struct running {
	const struct daemon_spec	*spec;
	struct daemon			*d;
	struct loop_fd			*keep_io;
	struct loop_timer		*keep_retry;
	int64_t				 keep_retry_ms;
};

static void
usage(const struct daemon_spec *spec, FILE *out)
{
	fprintf(out, "usage: %s [-dnpvVh] %s[-f FILE]\n%s\n\n"
	    "  -d         stay in the foreground, log to standard error only\n"
	    "  -f FILE    read this configuration file\n%s"
	    "  -n         check the configuration and exit\n"
	    "  -p         print the effective configuration and exit\n"
	    "  -v         log debug messages too\n"
	    "  -V         print the version\n"
	    "  -h         print this text\n",
	    spec->name, spec->has_module ? "-M MODULE " : "", spec->summary,
	    spec->has_module ?
	    "  -M MODULE  the module this daemon works for\n" : "");
}

static void
parse_options(const struct daemon_spec *spec, struct options *o, int argc,
    char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "df:hM:npvV")) != -1) {
		switch (c) {
		case 'd':
			o->foreground = true;
			break;
		case 'f':
			o->file = optarg;
			break;
		case 'h':
			usage(spec, stdout);
			exit(EX_OK);
		case 'M':
			o->module = optarg;
			break;
		case 'n':
			o->check_only = true;
			break;
		case 'p':
			o->print = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'V':
			printf("%s %s%s\n", spec->name, PACKAGE_VERSION,
			    fail_is_built() ? " (failpoints)" : "");
			exit(EX_OK);
		default:
			usage(spec, stderr);
			exit(EX_USAGE);
		}
	}
	if (optind != argc || spec->has_module != (o->module != NULL)) {
		usage(spec, stderr);
		exit(EX_USAGE);
	}
	if (o->module != NULL && !module_name_ok(o->module))
		fatalx(EX_USAGE, "\"%s\" is no module name", o->module);
}

static cfg_t *
load(const struct daemon_spec *spec, const struct options *o)
{
	char path[PATH_LEN];
	cfg_t *cfg;

	if (o->file != NULL)
		(void)snprintf(path, sizeof(path), "%s", o->file);
	else if (o->module != NULL)
		(void)path_state(path, "%s/config/active/%s.conf", o->module,
		    spec->name);
	else
		(void)path_etc(path, "%s.conf", spec->name);
	cfg = conf_load(path, spec->opts, spec->has_module ||
	    o->file != NULL, spec->check);
	if (cfg == NULL)
		fatalx(EX_CONFIG, "%s: not usable, see the lines above",
		    path);
	return cfg;
}

static void
on_stop(int signo, void *arg)
{
	struct running *r = arg;

	(void)signo;
	if (r->d->stopping)
		return;
	r->d->stopping = true;
	if (r->spec->stop != NULL)
		r->spec->stop(r->d);
	else
		loop_stop(r->d->loop);
}

static void
on_reload(int signo, void *arg)
{
	struct running *r = arg;

	(void)signo;
	if (r->spec->reload != NULL)
		r->spec->reload(r->d);
}

/* keepd went: watch nothing, and refill it as soon as it is back. */
static void keep_watch(struct running *);

static void
keep_again(void *arg)
{
	struct running *r = arg;

	(void)keep_refill(r->d->keep);	/* keep_watch() looks how it went */
	keep_watch(r);
}

static void
keep_ready(int fd, int events, void *arg)
{
	struct running *r = arg;

	(void)fd;
	(void)events;
	if (!keep_is_gone(r->d->keep))
		return;
	loop_fd_del(r->keep_io);
	r->keep_io = NULL;
	log_warnx("keepd: gone; what it kept is put again when it is back");
	keep_again(r);
}

static void
keep_watch(struct running *r)
{
	if (keep_is_up(r->d->keep)) {
		r->keep_retry_ms = KEEP_RETRY_MIN_MS;
		r->keep_io = loop_fd_add(r->d->loop, keep_fd(r->d->keep),
		    LOOP_READ, keep_ready, r);
		return;
	}
	/* Also at the start: keepd may have been killed just then. */
	loop_timer_set(r->keep_retry, r->keep_retry_ms,
	    r->keep_retry_ms / 4);
	if (r->keep_retry_ms < KEEP_RETRY_MAX_MS)
		r->keep_retry_ms *= 2;
}

/* Readiness: a newline on descriptor 3, when it is a pipe of ours. */
static void
tell_ready(void)
{
	if (getenv("HOLDFAST_READY_FD") == NULL)
		return;
	if (write(READY_FD, "\n", 1) == -1)
		log_warn("readiness");
	(void)close(READY_FD);	/* told, or nobody listens */
	(void)unsetenv("HOLDFAST_READY_FD");
}

static void
open_keep(struct running *r)
{
	char owner[MODULE_NAME_MAX + 32];

	(void)snprintf(owner, sizeof(owner), "%s%s%s",
	    r->d->module != NULL ? r->d->module : "",
	    r->d->module != NULL ? "/" : "", r->spec->name);
	r->d->keep = keep_open(owner);
	r->keep_retry = loop_timer_new(r->d->loop, keep_again, r);
	r->keep_retry_ms = KEEP_RETRY_MIN_MS;
	keep_watch(r);
}

static void
open_serve(const struct daemon_spec *spec, struct daemon *d)
{
	char path[PATH_LEN];

	(void)path_socket(path, d->module, spec->name);
	d->serve = serve_new(d->loop, path, spec->name, spec->verbs, d);
	if (d->serve == NULL && errno == EADDRINUSE)
		fatalx(EX_TEMPFAIL, "%s: another %s is running", path,
		    spec->name);
	if (d->serve == NULL)
		fatal("%s", path);
}

static void
run(struct running *r)
{
	const struct daemon_spec *spec = r->spec;
	struct daemon *d = r->d;

	d->loop = loop_new();
	fail_init(spec->name);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)loop_signal_add(d->loop, SIGTERM, on_stop, r);
	(void)loop_signal_add(d->loop, SIGINT, on_stop, r);
	(void)loop_signal_add(d->loop, SIGHUP, on_reload, r);
	if (!spec->no_keep)
		open_keep(r);
	if (spec->verbs != NULL)
		open_serve(spec, d);
	if (spec->start != NULL)
		spec->start(d);
	tell_ready();
	loop_run(d->loop);
	if (spec->finish != NULL)
		spec->finish(d);
	serve_free(d->serve);
	if (d->keep != NULL) {
		loop_fd_del(r->keep_io);
		loop_timer_free(r->keep_retry);
		keep_close(d->keep);
	}
}

int
daemon_main(const struct daemon_spec *spec, int argc, char **argv)
{
	struct options o = { 0 };
	/* Static: what still hangs on it at exit is not lost memory. */
	static struct daemon d;
	struct running r = { .spec = spec, .d = &d };

	log_init(spec->name, false);
	parse_options(spec, &o, argc, argv);
	log_init(spec->name, o.verbose);
	if (o.module != NULL)
		log_module(o.module);
	d.module = o.module;
	if (spec->opts != NULL)
		d.conf = load(spec, &o);
	if (o.print && d.conf != NULL)
		conf_print(d.conf, stdout);
	if (!o.print && !o.check_only) {
		if (!o.foreground)
			log_to_syslog();
		run(&r);
	}
	if (d.conf != NULL)
		(void)cfg_free(d.conf);
	return EX_OK;
}
