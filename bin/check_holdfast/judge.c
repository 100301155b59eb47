/* SPDX-License-Identifier: ISC */
/*
 * The verdict on one module.  First the state as a whole, then each warning
 * by its code, then the thresholds; the worst wins.
 */
#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "code.h"
#include "status.h"

static const struct {
	const char	*name;		/* after the module's */
	const char	*kind, *key;
	const char	*unit, *min, *max;
} metrics[] = {
	{ "since",	"module",	"since_s",		"s", "0", "" },
	{ "dirty",	"replication",	"dirty_bytes",		"B", "0", "" },
	{ "rate",	"replication",	"rate_bytes_s",		"B", "0", "" },
	{ "eta",	"replication",	"eta_s",		"s", "0", "" },
	{ "progress",	"",		"",			"%", "0", "100" },
	{ "disk",	"disk",		"used_percent",		"%", "0", "100" },
	{ "inodes",	"disk",		"inodes_percent",	"%", "0", "100" },
	{ "peer_disk",	"disk",		"peer_used_percent",	"%", "0", "100" },
	{ "warnings",	"",		"",			"",  "0", "" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum severity
judge_worse(enum severity a, enum severity b)
{
	static const unsigned rank[] = { [SEV_OK] = 0, [SEV_UNKNOWN] = 1,
	    [SEV_WARNING] = 2, [SEV_CRITICAL] = 3 };

	return rank[a] >= rank[b] ? a : b;
}

const char *
judge_name(enum severity s)
{
	static const char *const name[] = { "OK", "WARNING", "CRITICAL",
	    "UNKNOWN" };

	return name[s];
}

bool
judge_has_metric(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(metrics); i++)
		if (strcmp(metrics[i].name, name) == 0)
			return true;
	return false;
}

void
judge_clean(char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '|')
			*text = '/';
		else if ((unsigned char)*text < ' ')
			*text = ' ';
}

static void __attribute__((format(printf, 3, 4)))
append(char *buf, size_t size, const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf + len, size - len, fmt, ap); /* cut is fine */
	va_end(ap);
}

/* A finding: raises the severity, and a line of the long output. */
static void
found(struct judgement *j, enum severity s, const char *code,
    const char *text, const char *command)
{
	char line[JUDGE_TEXT * 2];

	j->severity = judge_worse(j->severity, s);
	(void)snprintf(line, sizeof(line), "%s: %s%s%s%s%s", judge_name(s),
	    code, code[0] != '\0' ? ": " : "", text,
	    command[0] != '\0' ? " -> " : "", command);
	judge_clean(line);
	append(j->more, sizeof(j->more), "  %s\n", line);
}

static bool
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool
serves(const struct record *r)
{
	const char *s = record_get(r, "state");

	return is(s, "PRIM") || is(s, "ALONE") || is(s, "UP");
}

/* Of several nodes one that serves, if there is one; NULL: of one node. */
static const struct record *
peer_of(const struct status *st)
{
	const struct record *r = NULL, *peer = NULL;

	while ((r = status_find(st, "node", r)) != NULL)
		if (record_num(r, "self") == 0 && (peer == NULL ||
		    (!serves(peer) && serves(r))))
			peer = r;
	return peer;
}

static const struct record *
warning_of(const struct status *st, const char *code)
{
	const struct record *r = NULL;

	while ((r = status_find(st, "warning", r)) != NULL)
		if (is(record_get(r, "code"), code))
			return r;
	return NULL;
}

static int64_t
progress_of(const struct status *st)
{
	const struct record *r = status_find(st, "replication", NULL);
	int64_t total = record_num(r, "total_bytes");
	int64_t done = record_num(r, "done_bytes");

	if (total <= 0)
		return -1;
	return done >= total ? 100 : done < 0 ? 0 :
	    (int64_t)((double)done * 100 / (double)total);
}

static bool
is_resyncing(const struct status *st)
{
	const char *phase = record_get(status_find(st, "replication", NULL),
	    "phase");

	/* No bytes move in the first, and the last is the end of it. */
	return phase[0] != '\0' && !is(phase, "none") &&
	    !is(phase, "handshake") && !is(phase, "strict");
}

static enum severity
severity_of_stop(const struct judge_conf *conf, const struct status *st,
    const char **why)
{
	const struct record *peer = peer_of(st);

	*why = "stopped by the operator";
	if (warning_of(st, "maxloop") != NULL) {
		*why = "stopped by maxloop";
		return SEV_CRITICAL;
	}
	if (peer != NULL && serves(peer))
		*why = "stopped by the operator, the other node serves";
	return conf->stopped;
}

/* The row of the table for state and quality. */
static enum severity
severity_of_state(const struct judge_conf *conf, const struct status *st,
    const char **why)
{
	const struct record *peer = peer_of(st);

	*why = "";
	if (is(st->state, "STOP"))
		return severity_of_stop(conf, st, why);
	if (is(st->state, "WAIT") && is(record_get(status_find(st, "blocked",
	    NULL), "code"), "syncat")) {
		*why = "between two resyncs";
		return SEV_OK;
	}
	if (is(st->state, "WAIT")) {
		*why = "waits";
		return is(st->quality, "Transient") ? SEV_WARNING :
		    SEV_CRITICAL;
	}
	if (is(st->quality, "NotReady")) {
		*why = "not ready";
		return SEV_CRITICAL;
	}
	if (is_resyncing(st)) {
		*why = "resync";
		return SEV_WARNING;
	}
	if (!is(st->quality, "Ready")) {
		*why = "in transition";
		return SEV_WARNING;
	}
	/* Some are alone between two resyncs, as they are meant to be. */
	if (is(st->state, "ALONE") && peer != NULL &&
	    warning_of(st, "alone") != NULL) {
		*why = "redundancy lost";
		return SEV_WARNING;
	}
	if (is(st->state, "PRIM") || is(st->state, "SECOND") ||
	    is(st->state, "ALONE") || is(st->state, "UP"))
		return SEV_OK;
	*why = "not a state that this program knows";
	return SEV_UNKNOWN;
}

static bool
is_ignored(const struct judge_conf *conf, const char *code)
{
	unsigned i;

	for (i = 0; i < conf->ignored; i++)
		if (is(conf->ignore[i], code))
			return true;
	return false;
}

static enum severity
severity_of_code(const struct judge_conf *conf, const char *code)
{
	static const enum severity of[] = { [CODE_QUIET] = SEV_OK,
	    [CODE_WARNING] = SEV_WARNING, [CODE_CRITICAL] = SEV_CRITICAL };

	return is_ignored(conf, code) ? SEV_OK : of[code_weight(code)];
}

static void
judge_warnings(struct judgement *j, const struct judge_conf *conf,
    const struct status *st)
{
	const struct record *r = NULL;
	enum severity s;
	const char *code;

	while ((r = status_find(st, "warning", r)) != NULL) {
		code = record_get(r, "code");
		s = severity_of_code(conf, code);
		found(j, s, code, record_get(r, "text"),
		    record_get(r, "command"));
		/* Who is woken up reads the first line only. */
		if (s != SEV_OK)
			append(j->text, sizeof(j->text), ", %s",
			    record_get(r, "text"));
	}
	if ((r = status_find(st, "blocked", NULL)) == NULL ||
	    is(st->state, "STOP"))
		return;
	code = record_get(r, "code");
	append(j->text, sizeof(j->text), ": %s", record_get(r, "text"));
	found(j, severity_of_code(conf, code), code,
	    record_get(r, "text"), record_get(status_find(st, "goon", NULL),
	    "command"));
}

/* false: this module has no such number. */
static bool
metric_value(const struct status *st, size_t i, int64_t *value)
{
	const struct record *r = NULL;

	if (is(metrics[i].name, "progress"))
		return (*value = progress_of(st)) >= 0;
	if (is(metrics[i].name, "warnings")) {
		for (*value = 0; (r = status_find(st, "warning", r)) != NULL;)
			++*value;
		return true;
	}
	/* Several disks: the one that is nearest to its end. */
	*value = -1;
	while ((r = status_find(st, metrics[i].kind, r)) != NULL)
		if (record_get(r, metrics[i].key)[0] != '\0' &&
		    record_num(r, metrics[i].key) > *value)
			*value = record_num(r, metrics[i].key);
	return *value >= 0;
}

static const struct limit *
limit_of(const struct judge_conf *conf, const char *metric)
{
	unsigned i;

	for (i = 0; i < conf->limits; i++)
		if (is(conf->limit[i].metric, metric))
			return &conf->limit[i];
	return NULL;
}

static void
judge_metric(struct judgement *j, const struct judge_conf *conf,
    const struct status *st, size_t i)
{
	const struct limit *l = limit_of(conf, metrics[i].name);
	enum severity s = SEV_OK;
	char text[128];
	int64_t value;

	if (!metric_value(st, i, &value))
		return;
	/* Graphs keep 19 characters of a label: what differs comes first. */
	append(j->perf, sizeof(j->perf), "%s'%s%s%s'=%lld%s;%s;%s;%s;%s",
	    j->perf[0] != '\0' ? " " : "", metrics[i].name,
	    conf->one_module ? "" : ".", conf->one_module ? "" : st->module,
	    (long long)value, metrics[i].unit,
	    l != NULL && l->has_warn ? l->warn_text : "",
	    l != NULL && l->has_crit ? l->crit_text : "",
	    metrics[i].min, metrics[i].max);
	if (l == NULL)
		return;
	if (l->has_warn && range_is_alert(&l->warn, (double)value))
		s = SEV_WARNING;
	if (l->has_crit && range_is_alert(&l->crit, (double)value))
		s = SEV_CRITICAL;
	if (s == SEV_OK)
		return;
	(void)snprintf(text, sizeof(text), "%s is %lld%s", metrics[i].name,
	    (long long)value, metrics[i].unit);
	append(j->text, sizeof(j->text), ", %s", text);
	found(j, s, "threshold", text, "");
}

/*
 * Somebody said that this is being worked on, until when, and that time ends
 * by itself: only what stops the service altogether still warns.
 */
static void
judge_maintenance(struct judgement *j, const struct status *st)
{
	const struct record *w = warning_of(st, "maintenance");
	const struct record *peer = peer_of(st);

	if (w == NULL)
		return;
	append(j->text, sizeof(j->text), ", maintenance");
	if (is(st->state, "PRIM") || is(st->state, "ALONE") ||
	    is(st->state, "UP") || (peer != NULL && serves(peer)))
		j->severity = SEV_OK;
	else if (j->severity == SEV_CRITICAL)
		j->severity = SEV_WARNING;
}

void
judge_module(struct judgement *j, const struct judge_conf *conf,
    const struct status *st)
{
	const struct record *peer = peer_of(st);
	const char *why;
	size_t i;

	memset(j, 0, sizeof(*j));
	if (st->is_old) {
		j->severity = SEV_CRITICAL;
		(void)snprintf(j->text, sizeof(j->text), "%s moduled does "
		    "not answer, last known %s", st->module, st->state);
		found(j, SEV_CRITICAL, "daemon-down", "moduled of the module "
		    "does not run: holdfastd starts it again by itself",
		    "holdfast log");
		return;
	}
	j->severity = severity_of_state(conf, st, &why);
	(void)snprintf(j->text, sizeof(j->text), "%s %s %s", st->module,
	    st->state, st->quality);
	if (peer != NULL)
		append(j->text, sizeof(j->text), " (%s %s)",
		    record_get(peer, "name"), record_get(peer, "state"));
	if (why[0] != '\0')
		append(j->text, sizeof(j->text), ", %s", why);
	if (is_resyncing(st) && progress_of(st) >= 0)
		append(j->text, sizeof(j->text), " %lld%%",
		    (long long)progress_of(st));
	judge_warnings(j, conf, st);
	for (i = 0; i < COUNT(metrics); i++)
		judge_metric(j, conf, st, i);
	judge_maintenance(j, st);
	judge_clean(j->text);
}
