/* SPDX-License-Identifier: ISC */
/*
 * `holdfast check [MODULE]': what will hurt, before it does.  One line for
 * each thing looked at; the exit status is 78 when one of them is an error.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cgroup.h"
#include "check-farm.h"
#include "check-voters.h"
#include "cluster.h"
#include "cmd.h"
#include "command.h"
#include "config-cluster.h"
#include "config-safe.h"
#include "config-vip.h"
#include "generation.h"
#include "modules.h"
#include "paths.h"
#include "probe.h"
#include "seal.h"
#include "statefile.h"
#include "talk.h"

#define CONFIG_MAX	(1024 * 1024)

struct check {
	struct cluster	 cl;
	bool		 have_cluster;
	unsigned	 errors, warnings;
};

static void
say(enum verdict v, const char *about, const char *text, void *arg)
{
	static const char *const word[] = { "ok", "WARNING", "ERROR" };
	struct check *k = arg;

	k->warnings += v == VERDICT_WARN;
	k->errors += v == VERDICT_ERROR;
	printf("%-8s %s: %s\n", word[v], about, text);
}

static void
check_cluster(struct check *k)
{
	char a[ADDR_LEN], about[CLUSTER_NAME_LEN + 8], text[160];
	const struct cluster_node *self;
	unsigned i;

	k->have_cluster = cluster_load(&k->cl, NULL) == 0;
	if (!k->have_cluster) {
		say(VERDICT_ERROR, "cluster", "is not configured: `holdfast "
		    "cluster init', or `holdfast config'", k);
		return;
	}
	self = &k->cl.node[k->cl.self];
	for (i = 0; i < k->cl.lan_count; i++) {
		if (!self->lan[i].is_set)
			continue;
		snprintf(about, sizeof(about), "lan %s", k->cl.lan[i].name);
		(void)addr_str(a, &self->lan[i].laddr);
		if (cluster_addr_is_local(&self->lan[i].laddr, NULL)) {
			snprintf(text, sizeof(text), "own address %s is "
			    "there", a);
			say(VERDICT_OK, about, text, k);
		} else {
			snprintf(text, sizeof(text), "own address %s is on "
			    "no interface of this node", a);
			say(VERDICT_ERROR, about, text, k);
		}
	}
	if (k->cl.lan_count < 2)
		say(VERDICT_WARN, "cluster", "there is one network: when it "
		    "fails, nodes cannot tell it from the loss of the other",
		    k);
	check_voters(&k->cl, say, k);
}

static void
check_key(struct check *k)
{
	char path[PATH_LEN], text[160];
	struct cluster_key key;
	const char *why;

	seal_init();
	path_etc(path, "cluster.key");
	if (seal_key_load(&key, path, &why) == -1) {
		say(VERDICT_ERROR, path, why, k);
		return;
	}
	snprintf(text, sizeof(text), "key %s; all nodes must have this one",
	    key.id);
	say(VERDICT_OK, path, text, k);
}

static bool
find_cgroup(char group[CGROUP_PATH_LEN])
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && getline(&line, &size, f) > 0)
		found = cgroup_find(group, line);
	free(line);
	(void)fclose(f);	/* read only */
	return found;
}

/* Only of a mirror there is a mirrord.conf. */
static void
look_for_mirror(const char *module, void *arg)
{
	*(bool *)arg |= generation_has(module, "mirrord.conf");
}

static void
check_machine(struct check *k)
{
	char group[CGROUP_PATH_LEN];
	bool mirrors = false;

	if (geteuid() != 0)
		say(VERDICT_WARN, "check", "is not run by root: some things "
		    "cannot be looked at", k);
	modules_each(look_for_mirror, &mirrors);
	if (access("/dev/fuse", R_OK | W_OK) == 0)
		say(VERDICT_OK, "/dev/fuse", "is there", k);
	else
		say(mirrors ? VERDICT_ERROR : VERDICT_WARN, "/dev/fuse",
		    "cannot be opened: `modprobe fuse'; directories cannot be "
		    "replicated without it", k);
	if (find_cgroup(group))
		say(VERDICT_OK, group, "cgroup v2 is there", k);
	else
		say(VERDICT_WARN, "cgroup", "no cgroup v2 is mounted: an "
		    "application that does not stop cannot be killed as a "
		    "whole", k);
	if (talk_is_up())
		say(VERDICT_OK, "holdfastd", "runs", k);
	else
		say(VERDICT_WARN, "holdfastd", "is not running on this "
		    "node: `systemctl start holdfast'", k);
}

/*
 * A unit the module starts must not be started at boot too.  prestart of the
 * modules we ship ends that.
 */
static void
say_boots(struct check *k, const char *name)
{
	char text[512];

	if (strncmp(name, "postgresql@", 11) == 0)
		snprintf(text, sizeof(text), "%s is started at boot too: "
		    "starting the module ends that, as does the word manual "
		    "in start.conf of the cluster", name);
	else
		snprintf(text, sizeof(text), "service %s is started at boot "
		    "too: starting the module ends that, as does "
		    "`systemctl disable %s'", name, name);
	say(VERDICT_WARN, "SERVICES", text, k);
}

static void
check_services(struct check *k, const char *list)
{
	const char *argv[] = { "systemctl", "--quiet", "is-enabled", NULL,
	    NULL };
	char name[128];
	size_t n;

	for (; *list != '\0'; list += n) {
		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n == 0 || n >= sizeof(name))
			continue;
		memcpy(name, list, n);
		name[n] = '\0';
		argv[3] = name;
		if (name[0] == '-' || command_quiet(argv) != 0)
			continue;
		say_boots(k, name);
	}
}

static void
check_scripts(struct check *k, const struct safe *m)
{
	char path[PATH_LEN];

	if (!m->scripts)
		return;
	path_state(path, "%s/config/active/bin/prestart", m->name);
	if (access(path, X_OK) == 0)
		say(VERDICT_OK, m->name, "script prestart is there", k);
	else
		say(VERDICT_ERROR, m->name, "script prestart is missing or "
		    "not executable: a module with <user> must have it", k);
}

static void
check_active(struct check *k, const struct safe *m)
{
	unsigned i;

	for (i = 0; i < m->dir_count; i++)
		probe_dir(m->dir[i], say, k);
	check_scripts(k, m);
	if (m->is_farm)
		check_farm_module(m, say, k);
	for (i = 0; i < m->var_count; i++)
		if (strcmp(m->var[i].name, "SERVICES") == 0)
			check_services(k, m->var[i].value);
	for (i = 0; i < m->addr_count; i++) {
		if (m->addr[i].network[0] != '\0' ||
		    m->addr[i].interface[0] != '\0')
			continue;
		say(VERDICT_ERROR, m->addr[i].addr, "no interface of this "
		    "node has its network", k);
	}
}

/* Has userconfig.xml been edited since it was made effective? */
static void
check_drift(struct check *k, const char *module, const char *active)
{
	struct safe m = { .name = module, .cluster = &k->cl, .id = 1 };
	char path[PATH_LEN], *text, *now;
	struct report r;
	size_t len;

	text = statefile_read(path_etc(path,
	    "modules/%s/conf/userconfig.xml", module), CONFIG_MAX, &len);
	if (text == NULL) {
		say(VERDICT_ERROR, module, "its userconfig.xml cannot be "
		    "read", k);
		return;
	}
	report_init(&r, path);
	if (safe_compile(&m, text, len, &r) == -1) {
		report_print(&r, stdout);
		say(VERDICT_ERROR, module, "userconfig.xml has errors", k);
	} else {
		now = safe_text_xml(&m);
		if (strcmp(now, active) != 0)
			say(VERDICT_WARN, module, "userconfig.xml was edited "
			    "since `holdfast config' made it effective", k);
		free(now);
	}
	report_fini(&r);
	safe_fini(&m);
	free(text);
}

static void
check_module(const char *module, void *arg)
{
	struct check *k = arg;
	struct safe m = { .name = module, .cluster = &k->cl };
	long active = generation_active(module);
	struct report r;
	char *text;

	if (active == 0) {
		say(VERDICT_WARN, module, "is not configured on this node: "
		    "`holdfast config MODULE'", k);
		return;
	}
	m.id = modules_id(module);
	text = generation_read(module, active, "safeconf.xml");
	if (m.id == 0 || text == NULL || !k->have_cluster) {
		say(VERDICT_ERROR, module, "its configuration cannot be "
		    "read: `holdfast config MODULE'", k);
		free(text);
		return;
	}
	report_init(&r, module);
	if (safe_compile(&m, text, strlen(text), &r) == 0)
		vip_check_others(&m, &r);
	report_print(&r, stdout);
	k->errors += r.errors;
	k->warnings += r.warnings;
	if (r.errors == 0)
		check_active(k, &m);
	check_drift(k, module, text);
	report_fini(&r);
	safe_fini(&m);
	free(text);
}

int
verb_check(struct cmd *c)
{
	struct check *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL)
		return EX_OSERR;
	check_cluster(k);
	check_key(k);
	check_machine(k);
	if (c->module != NULL)
		check_module(c->module, k);
	else
		modules_each(check_module, k);
	printf("%u errors, %u warnings\n", k->errors, k->warnings);
	rc = k->errors > 0 ? EX_CONFIG : 0;
	free(k);
	return rc;
}
