/* SPDX-License-Identifier: ISC */
/*
 * `holdfast module new': a module from a template and the three things only
 * the administrator knows.  What comes out has been compiled and looked at:
 * it works as it is, or nothing is installed and all that is wrong was said.
 */
#include <sys/stat.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cluster.h"
#include "cmd.h"
#include "command.h"
#include "config-cluster.h"
#include "config-safe.h"
#include "config-vip.h"
#include "module-verbs.h"
#include "paths.h"
#include "statefile.h"
#include "xalloc.h"

#define CONFIG_MAX	(1024 * 1024)
#define UNIT_MAX	128

struct trial {
	struct cluster	 cl;
	struct safe	 m;
	const char	*services;	/* "" when the template has none */
	unsigned	 faults;
};

static void fault(struct trial *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
fault(struct trial *t, const char *fmt, ...)
{
	va_list ap;

	t->faults++;
	fputs("holdfast: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int
usage(void)
{
	fprintf(stderr, "usage: holdfast module new NAME [--from TEMPLATE] "
	    "[--service UNIT]...\n           [--dir DIR] --vip ADDR [--id N] "
	    "[--set MACRO=VALUE]...\n");
	return EX_USAGE;
}

/* --- the command line ------------------------------------------------ */

/* The template: the name of one we ship, or a path. */
static int
find_template(char path[PATH_LEN], const char *from)
{
	struct stat st;
	char dir[PATH_LEN];

	if (module_name_ok(from) &&
	    stat(path_share(path, "modules/%s", from), &st) == 0)
		return 0;
	if (snprintf(path, PATH_LEN, "%s", from) < PATH_LEN &&
	    stat(path, &st) == 0)
		return 0;
	fprintf(stderr, "holdfast: --from %s: no such template in %s, and "
	    "no file or directory of that name\n", from,
	    path_share(dir, "modules"));
	return EX_NOINPUT;
}

/* NAME=VALUE for the template's macros; the memory lives as long as we do. */
static int
set_macro(struct cmd *c, const char *name, const char *value)
{
	if (c->set_count == SET_MAX) {
		fprintf(stderr, "holdfast: --set: at most %d\n", SET_MAX);
		return EX_USAGE;
	}
	c->set[c->set_count++] = xasprintf("%s=%s", name, value);
	return 0;
}

/* Is there a --set of that macro? */
static bool
sets(const struct cmd *c, const char *name)
{
	size_t len = strlen(name);
	unsigned i;

	for (i = 0; i < c->set_count; i++)
		if (strncmp(c->set[i], name, len) == 0 &&
		    c->set[i][len] == '=')
			return true;
	return false;
}

static int
set_macros(struct cmd *c)
{
	struct sockaddr_storage ss;
	char *list = xstrdup(""), *more;
	unsigned i;
	int rc = 0;

	for (i = 0; i < c->service_count; i++) {
		more = xasprintf("%s%s%s", list, i > 0 ? ", " : "",
		    c->service[i]);
		free(list);
		list = more;
	}
	if (c->service_count > 0)
		rc = set_macro(c, "SERVICES", list);
	free(list);
	if (rc == 0 && c->dir != NULL)
		rc = set_macro(c, "DATA", c->dir);
	if (rc != 0)
		return rc;
	if (c->vip == NULL && !sets(c, "VIP") && !sets(c, "VIP6")) {
		fprintf(stderr, "holdfast: --vip is needed: the address "
		    "clients use, which no node has\n");
		return EX_USAGE;
	}
	if (c->vip == NULL)
		return 0;
	if (addr_parse(&ss, c->vip) == -1) {
		fprintf(stderr, "holdfast: --vip %s: is no IPv4 or IPv6 "
		    "address; without a prefix: 10.0.0.100\n", c->vip);
		return EX_USAGE;
	}
	return set_macro(c, ss.ss_family == AF_INET6 ? "VIP6" : "VIP",
	    c->vip);
}

/* --- what came out --------------------------------------------------- */

/* A name of systemd or of /etc/init.d, and never an option or a path. */
static bool
unit_name_ok(const char *unit)
{
	return unit[0] != '-' && unit[0] != '.' &&
	    unit[strspn(unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
	    "RSTUVWXYZ0123456789:_.@\\-")] == '\0';
}

static bool
unit_exists(const char *unit)
{
	const char *argv[] = { "systemctl", "--quiet", "cat", "--", unit,
	    NULL };
	char path[UNIT_MAX + 16];

	if (access("/run/systemd/system", F_OK) == 0)
		return command_quiet(argv) == 0;
	(void)snprintf(path, sizeof(path), "/etc/init.d/%s", unit);
	return access(path, X_OK) == 0;
}

static void
look_at_services(struct trial *t)
{
	char unit[UNIT_MAX];
	const char *s = t->services;
	size_t n, count = 0;

	for (; *s != '\0'; s += n) {
		s += strspn(s, ", \t");
		n = strcspn(s, ", \t");
		if (n == 0)
			continue;
		count++;
		(void)snprintf(unit, sizeof(unit), "%.*s", (int)n, s);
		if (n >= sizeof(unit) || !unit_name_ok(unit))
			fault(t, "service %s: is no name of a service", unit);
		else if (!unit_exists(unit))
			fault(t, "service %s: is not on this node: install "
			    "it here and on the other nodes, or correct "
			    "--service", unit);
	}
	if (count == 0)
		fault(t, "no service: nothing would run: --service UNIT");
}

static void
look_at_dirs(struct trial *t)
{
	struct stat st;
	unsigned i;

	for (i = 0; i < t->m.dir_count; i++) {
		if (stat(t->m.dir[i], &st) == -1)
			fault(t, "directory %s: is not there: `mkdir -p %s', "
			    "here and on the other nodes, or correct --dir",
			    t->m.dir[i], t->m.dir[i]);
		else if (!S_ISDIR(st.st_mode))
			fault(t, "directory %s: is something else",
			    t->m.dir[i]);
	}
}

/* That it is no node's own was compiled already. */
static void
look_at_addresses(struct trial *t)
{
	const struct safe_addr *a;
	struct sockaddr_storage ss;
	unsigned i;

	for (i = 0; i < t->m.addr_count; i++) {
		a = &t->m.addr[i];
		if (addr_parse(&ss, a->addr) == -1)
			continue;	/* a name: its owner knows */
		if (cluster_addr_is_local(&ss, NULL))
			fault(t, "address %s: this node has it already: "
			    "choose one that no node has", a->addr);
		else if (a->network[0] == '\0' && a->interface[0] == '\0')
			fault(t, "address %s: no interface of this node has "
			    "its network: choose one from a network of the "
			    "nodes", a->addr);
	}
}

static const char *
services_of(const struct safe *m)
{
	unsigned i;

	for (i = 0; i < m->var_count; i++)
		if (strcmp(m->var[i].name, "SERVICES") == 0)
			return m->var[i].value;
	return "";
}

/* Compiled as `holdfast config' will, then held against this node. */
static int
look(struct trial *t, const char *module, int id)
{
	char path[PATH_LEN], *text;
	struct report r;
	size_t len;

	t->m = (struct safe){ .name = module, .id = id, .cluster = &t->cl };
	text = statefile_read(path_etc(path,
	    "modules/.%s.new/conf/userconfig.xml", module), CONFIG_MAX, &len);
	if (text == NULL) {
		fprintf(stderr, "holdfast: %s: cannot be read\n", path);
		return EX_IOERR;
	}
	report_init(&r, "the template's conf/userconfig.xml");
	if (safe_compile(&t->m, text, len, &r) == 0)
		vip_check_others(&t->m, &r);
	if (r.errors > 0) {
		report_print(&r, stderr);
		t->faults++;
	}
	if (t->m.doc != NULL) {
		t->services = services_of(&t->m);
		look_at_services(t);
		look_at_dirs(t);
		look_at_addresses(t);
	}
	report_fini(&r);
	free(text);
	return t->faults > 0 ? EX_CONFIG : 0;
}

/* --- what to type next ----------------------------------------------- */

static void
say_next(const struct trial *t, const char *module)
{
	const struct safe *m = &t->m;
	char final[PATH_LEN];
	unsigned i;

	printf("module %s, id %d, is in %s:\n", module, m->id,
	    path_etc(final, "modules/%s", module));
	printf("  services %s\n", t->services);
	for (i = 0; i < m->dir_count; i++)
		printf("  directory %s\n", m->dir[i]);
	for (i = 0; i < m->addr_count; i++)
		printf("  address %s\n", m->addr[i].addr);
	printf("next:\n"
	    "  holdfast module push %s -H '*'\n"
	    "  holdfast -H '*' check %s\n"
	    "  holdfast -H '*' start %s\n", module, module, module);
	if (m->is_farm)
		printf("and who takes how much of it:\n"
		    "  holdfast farm %s\n", module);
	else
		printf("and on the node that has the data:\n"
		    "  holdfast prim %s\n", module);
}

int
module_new(struct cmd *c)
{
	struct trial *t;
	char source[PATH_LEN];
	const char *module;
	int id, rc;

	if (c->argc != 2 || !module_name_ok(c->argv[1]))
		return usage();
	module = c->argv[1];
	t = xcalloc(1, sizeof(*t));
	if (cluster_load(&t->cl, NULL) == -1) {
		fprintf(stderr, "holdfast: the cluster is not configured: "
		    "`holdfast cluster init' comes first\n");
		free(t);
		return EX_CONFIG;
	}
	rc = find_template(source, c->from != NULL ? c->from : "mirror");
	if (rc == 0)
		rc = set_macros(c);
	if (rc == 0)
		rc = module_stage(c, source, module, &id);
	if (rc == 0) {
		rc = look(t, module, id);
		if (rc != 0)
			module_unstage(module);
		else
			rc = module_place(module, id);
		if (rc == 0)
			say_next(t, module);
		safe_fini(&t->m);
	}
	free(t);
	return rc;
}
