/* SPDX-License-Identifier: ISC */
/*
 * The main() all daemons share: options, log, configuration, readiness,
 * keepd, control socket, loop.
 *
 *	-d        stay in the foreground, log to standard error (the default
 *	          when holdfastd starts it: it never forks)
 *	-v        log debug messages too
 *	-f FILE   configuration file instead of the standard one
 *	-M MODULE the module (daemons of a module only, required there)
 *	-n        check the configuration and exit; -p prints it
 *	-V        version; -h help
 *
 * Exit status: 0, or sysexits.h.
 */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

#include <stdbool.h>

#include "conf.h"
#include "keep.h"
#include "loop.h"
#include "serve.h"

struct daemon {
	struct loop	*loop;
	struct serve	*serve;		/* NULL without spec.verbs */
	struct keep	*keep;		/* NULL when spec.no_keep */
	cfg_t		*conf;		/* NULL without spec.opts */
	const char	*module;	/* NULL for node daemons */
	bool		 stopping;
	void		*state;		/* the daemon's own */
};

struct daemon_spec {
	const char	*name;		/* "heartd" */
	const char	*summary;	/* one line for --help */
	bool		 has_module;	/* takes -M */
	bool		 no_keep;
	cfg_opt_t	*opts;		/* NULL: no configuration file */
	/* Default file: node daemons /etc/holdfast/NAME.conf (may be absent),
	 * module daemons .../M/config/active/NAME.conf (must exist). */
	int		(*check)(cfg_t *cfg);
	const struct verb *verbs;	/* handler arg is struct daemon * */
	/* Once; the socket exists but is not served yet, readiness is told
	 * after it.  May be NULL. */
	void		(*start)(struct daemon *d);
	/* SIGTERM or SIGINT: default ends the loop.  The daemon may delay
	 * and call loop_stop() itself. */
	void		(*stop)(struct daemon *d);
	/* SIGHUP: reread; NULL: ignored. */
	void		(*reload)(struct daemon *d);
	/* After the loop. */
	void		(*finish)(struct daemon *d);
};

/* Never returns before the daemon ends; the exit status. */
int	daemon_main(const struct daemon_spec *spec, int argc, char **argv);

#endif
