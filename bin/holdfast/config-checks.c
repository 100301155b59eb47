/* SPDX-License-Identifier: ISC */
/*
 * Checkers.  Names are resolved here, so that nothing has to wait for a name
 * server when it matters.
 */
#include "config-checks.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config-vip.h"
#include "config-xml.h"
#include "paths.h"
#include "resolve.h"

#define US_MS	1000

/* In the order of enum safe_kind. */
static const struct {
	const char	*tag;
	const char	*class;
} kinds[SK_COUNT] = {
	[SK_PROC] = { "proc", "proc" },
	[SK_TCP] = { "tcp", "tcp" },
	[SK_CUSTOM] = { "custom", "custom" },
	[SK_PING] = { "ping", "ping" },
	[SK_DISK] = { "disk", "disk" },
	[SK_INTF] = { "intf", "intf" },
	[SK_IP] = { "ip", "ip" },
};

const char *
check_class(enum safe_kind k)
{
	return kinds[k].class;
}

static int64_t
ms_of(const xmlNode *n, const char *name)
{
	return xml_number(n, schema_safe(), name) / US_MS;
}

static const char *
text_of(const xmlNode *n, const char *name)
{
	const char *v = xml_value(n, schema_safe(), name);

	return v != NULL ? v : "";
}

/* A resource must be visible characters, and not be there already. */
static bool
ident_ok(const struct safe *m, const struct safe_check *c, const xmlNode *n,
    struct report *r)
{
	const char *tag = (const char *)n->name, *p;
	char where[64];
	unsigned i;

	(void)snprintf(where, sizeof(where), "%s@%s", tag,
	    c->kind == SK_PROC ? "name" : "ident");
	if (c->ident[0] == '\0')
		return false;	/* was reported */
	for (p = c->ident; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"=*?()!&|", *p)) {
			report_error(r, xmlGetLineNo(n), where, "\"%s\" "
			    "cannot name a resource; allowed: letters, "
			    "digits, . _ - /", c->ident);
			return false;
		}
	if (strlen(c->ident) > 100) {
		report_error(r, xmlGetLineNo(n), where, "is too long; "
		    "allowed: 100 characters");
		return false;
	}
	for (i = 0; i < m->check_count; i++)
		if (m->check[i].kind == c->kind &&
		    strcmp(m->check[i].ident, c->ident) == 0) {
			report_error(r, xmlGetLineNo(n), where, "\"%s\" is "
			    "there twice; a resource has one checker%s",
			    c->ident, c->kind == SK_PROC ? ": give one of "
			    "them another name, and nameregex" : "");
			return false;
		}
	return true;
}

static void
check_action(const struct safe *m, const struct safe_check *c,
    const xmlNode *n, struct report *r)
{
	char where[64];

	(void)snprintf(where, sizeof(where), "%s@%s", n->name,
	    c->kind == SK_PROC ? "class" : "when");
	if (m->is_farm && value_is_word(c->when, "prim second sec") &&
	    c->kind != SK_IP)
		report_error(r, xmlGetLineNo(n), where, "is %s, which is "
		    "never in a farm: all its nodes are alike; allowed: both "
		    "while it serves, pre before that too", c->when);
	(void)snprintf(where, sizeof(where), "%s@action", n->name);
	if (c->kind == SK_PROC && !value_is_word(c->action,
	    "stopstart restart stop noaction"))
		report_error(r, xmlGetLineNo(n), where, "\"%s\": programs as "
		    "handlers are not there yet; allowed: stopstart restart "
		    "stop noaction, or noaction and a rule in <failover>",
		    c->action);
	if (strcmp(c->action, "wait") == 0 && strcmp(c->when, "pre") != 0)
		report_warn(r, xmlGetLineNo(n), where, "is wait, but a "
		    "checker of when=\"%s\" does not run in WAIT: the module "
		    "starts again at once, as with stopstart", c->when);
}

static bool
read_target(struct safe_check *c, const xmlNode *n, struct report *r)
{
	const xmlNode *to = xml_child(n, "to");
	const char *name = c->kind == SK_INTF ? "local_addr" : "addr";
	const char *host = to != NULL ? xml_attr(to, name) : NULL, *why;
	struct sockaddr_storage ss;

	if (host == NULL || host[0] == '\0')
		return false;	/* was reported */
	if (resolve_host(&ss, host, &why) == -1) {
		report_error(r, xmlGetLineNo(to), "to@addr", "\"%s\" cannot "
		    "be resolved: %s", host, why);
		return false;
	}
	(void)addr_str(c->addr, &ss);
	if (c->kind == SK_INTF) {
		/* The file is that of both nodes. */
		if (!vip_own_address(c->addr, &ss))
			report_warn(r, xmlGetLineNo(to), "to@local_addr",
			    "\"%s\" is no address of this node, which has "
			    "none in its network either: the link counts as "
			    "down", host);
		return true;
	}
	c->port = xml_number(to, schema_safe(), "port");
	c->interval_ms = ms_of(to, "interval");
	c->timeout_ms = ms_of(to, "timeout");
	return true;
}

static bool
read_proc(struct safe_check *c, const xmlNode *n, struct report *r)
{
	const xmlNode *errd = n->parent;
	int64_t after = xml_number(n, schema_safe(), "start_after");

	c->nameregex = text_of(n, "nameregex");
	c->argregex = text_of(n, "argregex");
	c->services = text_of(n, "restart_services");
	c->atleast = xml_number(n, schema_safe(), "atleast");
	c->atmost = xml_number(n, schema_safe(), "atmax");
	c->interval_ms = ms_of(errd, "polltimer");
	c->timeout_ms = c->interval_ms;
	c->start_after_ms = after > 1 ? (after - 1) * c->interval_ms : 0;
	if (!xml_is_on(n, schema_safe(), "service"))
		return true;
	report_warn(r, xmlGetLineNo(n), "proc@service", "units are not "
	    "watched in this release; a <custom> that asks systemctl is");
	return false;
}

/* The program is a file of the module, or of the system. */
static void
check_exec(const struct safe *m, const struct safe_check *c,
    const xmlNode *n, struct report *r)
{
	char path[PATH_LEN * 2];

	if (m->bin == NULL || c->exec[0] == '\0')
		return;
	(void)snprintf(path, sizeof(path), "%s%s%s", c->exec[0] == '/' ?
	    "" : m->bin, c->exec[0] == '/' ? "" : "/", c->exec);
	if (access(path, X_OK) == -1)
		report_error(r, xmlGetLineNo(n), "custom@exec", "%s %s",
		    path, access(path, F_OK) == -1 ? "is not there" :
		    "cannot be run: chmod +x it");
}

static bool
read_custom(struct safe *m, struct safe_check *c, const xmlNode *n,
    struct report *r)
{
	c->exec = text_of(n, "exec");
	c->arg = text_of(n, "arg");
	c->interval_ms = ms_of(n, "interval");
	c->timeout_ms = ms_of(n, "timeout");
	check_exec(m, c, n, r);
	return true;
}

static bool
read_disk(struct safe_check *c, const xmlNode *n)
{
	const xmlNode *to = xml_child(n, "to");

	if (to == NULL)
		return false;	/* was reported */
	c->path = text_of(to, "path");
	c->warn = xml_number(to, schema_safe(), "warn");
	c->down = xml_number(to, schema_safe(), "down");
	c->interval_ms = ms_of(to, "interval");
	c->timeout_ms = ms_of(to, "timeout");
	return c->path[0] == '/';
}

static void
read_check(struct safe *m, enum safe_kind kind, const xmlNode *n,
    struct report *r)
{
	struct safe_check c = { .kind = kind, .services = "" };
	bool good;

	if (m->check_count == SAFE_CHECK_MAX) {
		report_error(r, xmlGetLineNo(n), kinds[kind].tag, "at most "
		    "%d checkers are allowed", SAFE_CHECK_MAX);
		return;
	}
	c.ident = text_of(n, kind == SK_PROC ? "name" : "ident");
	c.when = text_of(n, kind == SK_PROC ? "class" : "when");
	c.action = text_of(n, "action");
	c.fails = c.passes = "1";
	if (kind != SK_PROC && kind != SK_INTF && kind != SK_IP) {
		c.fails = text_of(n, "fails");
		c.passes = text_of(n, "passes");
	}
	check_action(m, &c, n, r);
	good = kind == SK_PROC ? read_proc(&c, n, r) :
	    kind == SK_CUSTOM ? read_custom(m, &c, n, r) :
	    kind == SK_DISK ? read_disk(&c, n) :
	    read_target(&c, n, r);
	if (good && ident_ok(m, &c, n, r))
		m->check[m->check_count++] = c;
}

static void
read_all(struct safe *m, const xmlNode *parent, struct report *r)
{
	const xmlNode *n;
	int k;

	for (n = parent->children; n != NULL; n = n->next)
		for (k = 0; k < SK_COUNT; k++)
			if (xml_is(n, kinds[k].tag))
				read_check(m, (enum safe_kind)k, n, r);
}

/* What fills up without anybody looking; not where one is written. */
static void
add_disk(struct safe *m, const char *path)
{
	struct safe_check c = { .kind = SK_DISK, .ident = path,
	    .when = "pre", .action = "noaction", .fails = "2",
	    .passes = "1", .services = "", .path = path, .warn = 10,
	    .down = 2, .interval_ms = 30000, .timeout_ms = 10000 };
	const char *p;
	unsigned i;

	for (i = 0; i < m->check_count; i++)
		if (m->check[i].kind == SK_DISK &&
		    strcmp(m->check[i].path, path) == 0)
			return;
	/* A name that is no word cannot be a resource; rare, and no loss. */
	for (p = path; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"=*?()!&|", *p) != NULL)
			return;
	if (m->check_count < SAFE_CHECK_MAX && strlen(path) <= 100)
		m->check[m->check_count++] = c;
}

void
checks_read(struct safe *m, const xmlNode *service, struct report *r)
{
	const xmlNode *n;
	unsigned i;

	for (n = xml_child(service, "errd"); n != NULL;
	    n = xml_next(n, "errd"))
		read_all(m, n, r);
	for (n = xml_child(service, "check"); n != NULL;
	    n = xml_next(n, "check"))
		read_all(m, n, r);
	for (i = 0; i < m->dir_count; i++)
		add_disk(m, m->dir[i]);
	if (m->dir_count > 0)
		add_disk(m, HF_STATEDIR);
}
