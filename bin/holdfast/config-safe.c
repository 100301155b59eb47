/* SPDX-License-Identifier: ISC */
/*
 * The meaning of userconfig.xml that one attribute alone does not have:
 * lans of the cluster, two nodes, times against each other, directories,
 * addresses.  Fills struct safe; config-write.c turns it into files.
 */
#include "config-safe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "when.h"

#include "config-checks.h"
#include "config-lans.h"
#include "config-vip.h"
#include "config-fencing.h"
#include "config-voters.h"
#include "config-xml.h"

#define US_MS	1000
#define US_S	1000000

static int64_t
ms_of(const xmlNode *n, const char *name)
{
	return xml_number(n, schema_safe(), name) / US_MS;
}

/* Two guides write <check><check>...: the inner one counts. */
static void
unnest_checks(xmlNode *service)
{
	xmlNode *outer, *inner, *n;

	for (outer = xml_child(service, "check"); outer != NULL;
	    outer = xml_next(outer, "check"))
		while ((inner = xml_child(outer, "check")) != NULL) {
			while ((n = inner->children) != NULL) {
				xmlUnlinkNode(n);
				(void)xmlAddPrevSibling(inner, n);
			}
			xmlUnlinkNode(inner);
			xmlFreeNode(inner);
		}
}

static void
read_service(struct safe *m, const xmlNode *n, struct report *r)
{
	const struct schema *s = schema_safe();
	const char *who;

	m->mode = xml_value(n, s, "mode");
	if (m->mode == NULL)
		m->mode = "mirror";	/* was reported */
	m->is_farm = strcmp(m->mode, "farm") == 0;
	m->boot = xml_value(n, s, "boot");
	m->boot_delay_s = xml_number(n, s, "boot_delay") / US_S;
	m->failover = xml_is_on(n, s, "failover");
	m->maxloop = xml_number(n, s, "maxloop");
	m->loop_interval_s = xml_number(n, s, "loop_interval") / US_S;
	m->defaultprim = who = xml_value(n, s, "defaultprim");
	if (strcmp(who, "alone") != 0 && strcmp(who, "lastprim") != 0 &&
	    cluster_node_index(m->cluster, who) == -1)
		report_error(r, xmlGetLineNo(n), "service@defaultprim",
		    "\"%s\" is no node of the cluster; allowed: alone, "
		    "lastprim, or a node", who);
}

static void
find_peer(struct safe *m, const xmlNode *n, struct report *r)
{
	const struct cluster *c = m->cluster;

	m->peer = -1;
	if (strcmp(m->mode, "mirror") != 0)
		return;
	if (c->node_count != 2) {
		report_error(r, xmlGetLineNo(n), "service@mode",
		    "a mirror has two nodes and the cluster has %u; a mirror "
		    "in a larger cluster is not there yet", c->node_count);
		return;
	}
	m->peer = c->self == 0 ? 1 : 0;
}

/*
 * Loss is seen at D = 0.6 T and needs four pulses in it; fencing takes
 * G = max(5 ms, T/10).  What is 0 was reported as no time at all.
 */
static void
check_times(const struct safe *m, const xmlNode *heart, const xmlNode *rfs,
    struct report *r)
{
	int64_t most = m->timeout_ms * 6 / 40;
	int64_t fence = m->timeout_ms / 10 > 5 ? m->timeout_ms / 10 : 5;

	if (m->timeout_ms == 0)
		return;
	if (heart != NULL && m->pulse_ms > most)
		report_error(r, xmlGetLineNo(heart), "heart@pulse",
		    "%lld ms is too slow for timeout %lld ms: a loss must "
		    "show within 0.6 of it, after 4 pulses; allowed: at most "
		    "%lld ms, or leave pulse out",
		    (long long)m->pulse_ms, (long long)m->timeout_ms,
		    (long long)most);
	if (heart != NULL && m->fencehold_ms <= fence)
		report_error(r, xmlGetLineNo(heart), "heart@fencehold",
		    "%lld ms ends before fencing is done; allowed: more than "
		    "%lld ms with timeout %lld ms",
		    (long long)m->fencehold_ms, (long long)fence,
		    (long long)m->timeout_ms);
	if (rfs != NULL && m->stall_ms > 0 && m->stall_ms < 2 * m->pulse_ms)
		report_error(r, xmlGetLineNo(rfs), "rfs@stall",
		    "%lld ms is shorter than two pulses of %lld ms; allowed: "
		    "more", (long long)m->stall_ms, (long long)m->pulse_ms);
}

static void
read_heart(struct safe *m, const xmlNode *service, struct report *r)
{
	const xmlNode *n = xml_child(service, "heart");

	m->timeout_ms = n != NULL ? ms_of(n, "timeout") :
	    xml_default_ms(schema_safe(),
	    "safe/service/heart", "timeout");
	m->pulse_ms = n != NULL ? ms_of(n, "pulse") : 0;
	if (m->pulse_ms == 0)
		m->pulse_ms = m->timeout_ms < 10 ? 1 : m->timeout_ms / 10;
	m->fencehold_ms = n != NULL ? ms_of(n, "fencehold") :
	    xml_default_ms(schema_safe(),
	    "safe/service/heart", "fencehold");
	m->startgrace_ms = n != NULL ? ms_of(n, "startgrace") :
	    xml_default_ms(schema_safe(),
	    "safe/service/heart", "startgrace");
	if (m->peer != -1)
		lans_read(m, n, "heartbeat", "server", r);
}

static bool
is_inside(const char *dir, const char *of)
{
	size_t len = strlen(of);

	return strncmp(dir, of, len) == 0 &&
	    (dir[len] == '/' || dir[len] == '\0' || len == 1);
}

/* Of the directory that is read now. */
static void
read_tocheck(struct safe *m, const xmlNode *n, struct report *r)
{
	const xmlNode *c;

	for (c = xml_child(n, "tocheck"); c != NULL;
	    c = xml_next(c, "tocheck")) {
		if (m->tocheck_count == SAFE_BELOW_MAX) {
			report_error(r, xmlGetLineNo(c), "tocheck", "at most "
			    "%d are allowed in a module", SAFE_BELOW_MAX);
			return;
		}
		m->tocheck[m->tocheck_count].dir = m->dir_count;
		m->tocheck[m->tocheck_count++].path = xml_attr(c, "path");
	}
}

/* The same. */
static void
read_notreplicated(struct safe *m, const xmlNode *n, struct report *r)
{
	const char *path, *regex;
	const xmlNode *c;

	for (c = xml_child(n, "notreplicated"); c != NULL;
	    c = xml_next(c, "notreplicated")) {
		path = xml_attr(c, "path");
		regex = xml_attr(c, "regexpath");
		if (m->excluded_count == SAFE_BELOW_MAX) {
			report_error(r, xmlGetLineNo(c), "notreplicated", "at "
			    "most %d are allowed in a module",
			    SAFE_BELOW_MAX);
			return;
		}
		if ((path == NULL) == (regex == NULL))
			report_error(r, xmlGetLineNo(c), "notreplicated",
			    "either path or regexpath is wanted, in each "
			    "element one");
		else if (path != NULL && path[strspn(path, "./")] == '\0')
			report_error(r, xmlGetLineNo(c), "notreplicated@path",
			    "\"%s\" names nothing in the directory; allowed: "
			    "a path below it, as in tmp", path);
		else if (regex != NULL && (regex[0] == '\0' ||
		    strcmp(regex, "!") == 0))
			report_error(r, xmlGetLineNo(c), "notreplicated@"
			    "regexpath", "\"%s\" has no expression; allowed: "
			    "\\.tmp$, or !\\.db$ for all names but those",
			    regex);
		m->excluded[m->excluded_count].dir = m->dir_count;
		m->excluded[m->excluded_count].path = path;
		m->excluded[m->excluded_count++].regex = regex;
	}
}

static void
read_dir(struct safe *m, const xmlNode *n, struct report *r)
{
	const char *dir = xml_attr(n, "dir"), *sec;
	long line = xmlGetLineNo(n);
	unsigned i;

	if (dir == NULL || dir[0] != '/')
		return;		/* was reported */
	if (m->dir_count == SAFE_DIR_MAX) {
		report_error(r, line, "replicated", "at most %d directories "
		    "are allowed", SAFE_DIR_MAX);
		return;
	}
	if (strlen(dir) > 1 && dir[strlen(dir) - 1] == '/')
		report_error(r, line, "replicated@dir", "\"%s\" ends with "
		    "/; write it without", dir);
	if (strcmp(dir, "/") == 0)
		report_error(r, line, "replicated@dir", "\"/\" is the system "
		    "itself; allowed: a directory below");
	for (i = 0; i < m->dir_count; i++)
		if (is_inside(dir, m->dir[i]) || is_inside(m->dir[i], dir))
			report_error(r, line, "replicated@dir", "\"%s\" and "
			    "\"%s\" contain one another; replicate the outer "
			    "one only", dir, m->dir[i]);
	sec = xml_value(n, schema_safe(), "secondary");
	if (m->secondary != NULL && strcmp(sec, m->secondary) != 0)
		report_error(r, line, "replicated@secondary", "differs from "
		    "another directory's; all of a module must agree in this "
		    "release");
	m->secondary = sec;
	read_tocheck(m, n, r);
	read_notreplicated(m, n, r);
	m->writeback[m->dir_count] = strcmp(xml_value(n, schema_safe(),
	    "cache"), "writeback") == 0;
	m->dir[m->dir_count++] = dir;
}

/* An attribute of <rfs> that says when. */
static const char *
when_of(const xmlNode *n, const char *name, struct report *r)
{
	const char *text = xml_value(n, schema_safe(), name);
	char where[32];
	struct when w;

	(void)snprintf(where, sizeof(where), "rfs@%s", name);
	if (when_parse(&w, text) == -1)
		report_error(r, xmlGetLineNo(n), where, "\"%s\" is no time; "
		    "allowed: five fields of crontab (*/15 * * * *), 03:00, "
		    "sun 03:00 or off", text);
	return text;
}

static void
read_rfs(struct safe *m, const xmlNode *n, struct report *r)
{
	const xmlNode *dir;
	unsigned i;

	m->stall_ms = xml_default_ms(schema_safe(),
	    "safe/service/rfs", "stall");
	if (n == NULL) {
		for (i = 0; i < m->beat_count; i++)
			if (strcmp(m->beat[i].ident, "flow") == 0)
				report_warn(r, 0, "heartbeat@ident",
				    "is flow, but there is no <rfs>");
		return;
	}
	if (m->is_farm || strcmp(m->mode, "light") == 0)
		report_error(r, xmlGetLineNo(n), "rfs", "a %s module "
		    "replicates nothing; allowed in: mirror", m->mode);
	m->rfs = true;
	m->async = xml_value(n, schema_safe(), "async");
	m->meta = xml_value(n, schema_safe(), "meta");
	m->stall_ms = ms_of(n, "stall");
	m->disktime_ms = ms_of(n, "disktime");
	m->diverged = xml_value(n, schema_safe(), "diverged");
	m->verify = when_of(n, "verify", r);
	m->syncat = when_of(n, "syncat", r);
	m->syncdelta_s = ms_of(n, "syncdelta") / 1000;
	m->verify_kbs = strtoll(xml_value(n, schema_safe(), "verifybw"), NULL,
	    10);
	m->resync_kbs = strtoll(xml_value(n, schema_safe(), "reiallowedbw"),
	    NULL, 10);
	for (dir = xml_child(n, "replicated"); dir != NULL;
	    dir = xml_next(dir, "replicated"))
		read_dir(m, dir, r);
}

static void
read_user(struct safe *m, const xmlNode *n, struct report *r)
{
	const struct schema *s = schema_safe();
	const xmlNode *var;

	m->scripts = n != NULL;
	m->nicestop_ms = xml_default_ms(schema_safe(),
	    "safe/service/user", "nicestoptimeout");
	m->forcestop_ms = xml_default_ms(schema_safe(),
	    "safe/service/user",
	    "forcestoptimeout");
	m->logging = "userlog";
	m->userlogsize = 2048;
	if (n == NULL) {
		report_warn(r, 0, "user", "is missing: no script will run; "
		    "an empty <user/> is enough");
		return;
	}
	m->nicestop_ms = ms_of(n, "nicestoptimeout");
	m->forcestop_ms = ms_of(n, "forcestoptimeout");
	m->logging = xml_value(n, s, "logging");
	m->userlogsize = xml_number(n, s, "userlogsize");
	for (var = xml_child(n, "var"); var != NULL;
	    var = xml_next(var, "var")) {
		if (m->var_count == SAFE_VAR_MAX) {
			report_error(r, xmlGetLineNo(var), "var", "at most "
			    "%d are allowed", SAFE_VAR_MAX);
			return;
		}
		m->var[m->var_count].name = xml_attr(var, "name");
		m->var[m->var_count].value = xml_attr(var, "value");
		m->var_count += xml_attr(var, "name") != NULL &&
		    xml_attr(var, "value") != NULL;
	}
}

int
safe_compile(struct safe *m, const char *text, size_t len, struct report *r)
{
	xmlNode *service;

	m->doc = xml_parse(text, len, "safe", r);
	if (m->doc == NULL)
		return -1;
	xml_expand(m->doc, r);
	service = xml_child(xmlDocGetRootElement(m->doc), "service");
	if (service != NULL) {
		unnest_checks(service);
		vip_drop_empty(service, r);
	}
	xml_check(m->doc, schema_safe(), r);
	if (service == NULL)
		return -1;
	read_service(m, service, r);
	find_peer(m, service, r);
	read_heart(m, service, r);
	farm_read(m, service, r);
	read_rfs(m, xml_child(service, "rfs"), r);
	if (!m->is_farm)
		check_times(m, xml_child(service, "heart"),
		    xml_child(service, "rfs"), r);
	voters_read(m, service, r);
	vip_read(m, xml_child(service, "vip"), r);
	farm_read_groups(m, xml_child(service, "vip"), r);
	read_user(m, xml_child(service, "user"), r);
	checks_read(m, service, r);
	splitbrain_read(m, service, r);
	rules_read(m, xml_child(service, "failover"), r);
	return r->errors > 0 ? -1 : 0;
}

xmlDoc *
safe_parse(const char *text, size_t len, struct report *r)
{
	return xml_parse(text, len, "safe", r);
}

void
safe_fini(struct safe *m)
{
	if (m->doc != NULL)
		xmlFreeDoc(m->doc);
	m->doc = NULL;
}
