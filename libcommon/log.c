/* SPDX-License-Identifier: ISC */
/*
 * One write(2) a line, so that lines of several threads and processes on one
 * file never mix.  Nothing here allocates or waits for a disk of ours.
 */

#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "clock.h"
#include "epoch.h"

#define LOG_LINE_LEN	1024
#define LIMIT_WINDOW_MS	10000
#define LIMIT_WINDOW_MAX_MS (10 * 60 * 1000)

static struct {
	const char	*name;
	char		 module[64];
	bool		 verbose;
	char		 node[64];
	char		 epoch[EPOCH_LEN];
	bool		 syslog;
} ctx = { .name = "holdfast" };

void
log_init(const char *name, bool verbose)
{
	ctx.name = name;
	ctx.verbose = verbose;
}

void
log_module(const char *module)
{
	(void)snprintf(ctx.module, sizeof(ctx.module), " %s", module);
}

void
log_to_syslog(void)
{
	if (!journal_open())
		openlog(ctx.name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	ctx.syslog = true;
}

void
log_context(const char *node, const char *epoch)
{
	if (node != NULL)
		(void)snprintf(ctx.node, sizeof(ctx.node), "%s", node);
	if (epoch != NULL)
		(void)snprintf(ctx.epoch, sizeof(ctx.epoch), "%s", epoch);
}

/* module: with a blank before it, or "". */
static void
pass_on(int priority, enum journal_event event, const char *module,
    const char *text)
{
	struct journal_entry e = { .priority = priority, .event = event,
	    .ident = ctx.name, .text = text, .module = module[0] != '\0' ?
	    module + 1 : module, .node = ctx.node, .epoch = ctx.epoch };

	if (!journal_send(&e))
		syslog(priority, "%s%s%s", e.module, e.module[0] != '\0' ?
		    ": " : "", text);
}

static void log_line(int, enum journal_event, const char *, const char *,
    int, const char *, va_list) __attribute__((format(printf, 6, 0)));

static void
log_line(int priority, enum journal_event event, const char *module,
    const char *level, int error, const char *fmt, va_list ap)
{
	char line[LOG_LINE_LEN], wall[CLOCK_WALL_LEN], *text;
	int saved = errno, len, head;

	head = snprintf(line, sizeof(line), "%s %s%s[%d]: %s",
	    clock_wall(wall), ctx.name, module, (int)getpid(), level);
	text = line + head;
	len = head + vsnprintf(text, sizeof(line) - (size_t)head, fmt, ap);
	if (len < (int)sizeof(line) && error != 0)
		len += snprintf(line + len, sizeof(line) - (size_t)len,
		    ": %s", strerror(error));
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	/* A foreign name must not forge a second line. */
	for (int i = head; i < len; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = '?';
	line[len] = '\0';
	if (ctx.syslog)
		pass_on(priority, event, module, text);
	line[len] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len + 1) == -1) {
		/* Nowhere left to say it. */
	}
	errno = saved;
}

#define LOG_BODY(priority, level, error) do {			\
	va_list ap_;						\
	int error_ = (error);					\
	va_start(ap_, fmt);					\
	log_line((priority), JE_NONE, ctx.module, (level),	\
	    error_, fmt, ap_);					\
	va_end(ap_);						\
} while (0)

void
log_debug(const char *fmt, ...)
{
	if (ctx.verbose)
		LOG_BODY(LOG_DEBUG, "debug: ", 0);
}

void
log_info(const char *fmt, ...)
{
	LOG_BODY(LOG_INFO, "", 0);
}

void
log_warn(const char *fmt, ...)
{
	LOG_BODY(LOG_WARNING, "warning: ", errno);
}

void
log_warnx(const char *fmt, ...)
{
	LOG_BODY(LOG_WARNING, "warning: ", 0);
}

void
log_event(enum journal_event e, const char *module, const char *fmt, ...)
{
	int priority = journal_row(e)->priority;
	char of[sizeof(ctx.module)];
	va_list ap;

	(void)snprintf(of, sizeof(of), "%s%s", module != NULL &&
	    module[0] != '\0' ? " " : "", module != NULL ? module : "");
	va_start(ap, fmt);
	log_line(priority, e, module != NULL ? of : ctx.module,
	    priority <= LOG_WARNING ? "warning: " : "", 0, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	LOG_BODY(LOG_ERR, "fatal: ", errno);
	exit(EX_OSERR);
}

void
fatalx(int code, const char *fmt, ...)
{
	LOG_BODY(LOG_ERR, "fatal: ", 0);
	exit(code);
}

void
panic(const char *fmt, ...)
{
	LOG_BODY(LOG_CRIT, "panic: ", 0);
	abort();
}

static bool
limit_ok(struct log_limit *l, unsigned burst)
{
	struct mono now = mono_now();
	int64_t window = l->window_ms, age;

	age = mono_diff_ms(now, (struct mono){ l->start_ns });
	if (l->start_ns == 0 || age > window) {
		if (l->swallowed != 0)
			log_warnx("%u similar lines were left out",
			    l->swallowed);
		/* What went on all the time is less and less news. */
		if (l->swallowed != 0 && age < 2 * window)
			window *= 2;
		else
			window = LIMIT_WINDOW_MS;
		if (window > LIMIT_WINDOW_MAX_MS)
			window = LIMIT_WINDOW_MAX_MS;
		*l = (struct log_limit){ .start_ns = now.ns,
		    .window_ms = window };
	}
	if (l->seen < burst) {
		l->seen++;
		return true;
	}
	l->swallowed++;
	return false;
}

bool
log_limit_ok(struct log_limit *l, unsigned burst)
{
	/* One for all: mirrord's threads share some, and it is rare. */
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	bool is_ok;

	(void)pthread_mutex_lock(&lock);
	is_ok = limit_ok(l, burst);
	(void)pthread_mutex_unlock(&lock);
	return is_ok;
}
