/* SPDX-License-Identifier: ISC */
/*
 * `holdfast config [MODULE]': XML in, generation out.  Nothing is written
 * before everything was found good; the daemons are told last.
 */
#include "configure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd.h"
#include "config-cluster.h"
#include "config-diff.h"
#include "config-safe.h"
#include "config-vip.h"
#include "generation.h"
#include "modules.h"
#include "paths.h"
#include "seal.h"
#include "statefile.h"
#include "status.h"
#include "talk.h"
#include "xalloc.h"

#define TEXT_MAX	(1024 * 1024)
/* Of 50 ms: daemons of a stopped module end at once. */
#define STOP_TRIES	200
/* 20 s: what begins while nodes change one after the other ends in less. */
#define STABLE_TRIES	200
#define STABLE_US	100000

/* The files of a generation, in the order of their texts. */
enum {
	FILE_SAFECONF, FILE_MODULED, FILE_MIRRORD, FILE_FARMD, FILE_VIPD,
	FILE_CHECKD, FILE_ROSTER, FILE_COUNT
};

static const char *const file_name[FILE_COUNT] = {
	"safeconf.xml", "moduled.conf", "mirrord.conf", "farmd.conf",
	"vipd.conf", "checkd.conf", "roster"
};

static char *
read_text(const char *path, size_t *len)
{
	char *text = statefile_read(path, TEXT_MAX, len);

	if (text == NULL)
		fprintf(stderr, "holdfast: %s: %s\n", path,
		    errno == EFBIG ? "is longer than 1 MiB" :
		    strerror(errno));
	return text;
}

/* --- the cluster ---------------------------------------------------- */

static int
ask_service(const char *verb, const char *service, const char *module)
{
	struct line_out o;

	line_begin(&o, verb);
	if (service != NULL)
		line_add(&o, "service", service);
	if (module != NULL)
		line_add(&o, service != NULL ? "module" : "name", module);
	return talk(NULL, "holdfastd", &o, NULL, NULL);
}

/* remoted takes it live: it may be running this very command for somebody. */
static void
reload_remoted(void)
{
	struct line_out o;

	line_begin(&o, "reload");
	if (talk(NULL, "remoted", &o, NULL, NULL) != 0 && talk_is_up())
		(void)ask_service("restart", "remoted", NULL);
}

static void
restart_mirrord(const char *module, void *arg)
{
	(void)arg;
	/* Refused for a module without directories, or not configured. */
	(void)ask_service("restart", "mirrord", module);
}

static void
restart_farmd(const char *module, void *arg)
{
	(void)arg;
	/* Refused for a module that is no farm.  Filters stay meanwhile. */
	(void)ask_service("restart", "farmd", module);
}

/* holdfastd restarts who holds the cluster, or its key, in memory. */
static void
tell_cluster(bool key_changed)
{
	static const char *const daemons[] = { "heartd", "witnessd",
	    "vipd" };
	size_t i;

	reload_remoted();
	if (!talk_is_up())
		return;
	for (i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++)
		if (ask_service("restart", daemons[i], NULL) != 0)
			fprintf(stderr, "holdfast: %s was not restarted: it "
			    "still has the old cluster\n", daemons[i]);
	modules_each(restart_farmd, NULL);
	/* Of the cluster it only has the key. */
	if (key_changed)
		modules_each(restart_mirrord, NULL);
}

#define KEY_LINE	"# cluster.key "

void
configure_note_key(const char *id)
{
	char path[PATH_LEN], *old, *new;
	const char *rest;
	size_t len;

	old = statefile_read(path_state(path, "cluster/cluster.conf"),
	    TEXT_MAX, &len);
	if (old == NULL)
		return;		/* not compiled yet */
	rest = strchr(old, '\n');
	if (strncmp(old, KEY_LINE, sizeof(KEY_LINE) - 1) == 0 &&
	    rest != NULL) {
		new = xasprintf(KEY_LINE "%s%s", id, rest);
		if (statefile_write(path, new, strlen(new), 0644) == -1)
			fprintf(stderr, "holdfast: %s: %s\n", path,
			    strerror(errno));
		free(new);
	}
	free(old);
}

/* With a line that names the key, so that a new one is a change too. */
static char *
text_with_key(char *text)
{
	char path[PATH_LEN], *out;
	struct cluster_key key;
	const char *why;

	seal_init();
	if (seal_key_load(&key, path_etc(path, "cluster.key"), &why) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", path, why);
		return text;
	}
	out = xasprintf(KEY_LINE "%s\n%s", key.id, text);
	explicit_bzero(&key, sizeof(key));
	free(text);
	return out;
}

/* With the rest of what is about modules, below. */
static int refresh_modules(const struct cluster *cl);

static int
write_cluster(const struct cluster *cl, const char *text, bool dry_run)
{
	char path[PATH_LEN], dir[PATH_LEN], *old;
	size_t len;
	bool same, same_key;
	int rc;

	path_state(path, "cluster/cluster.conf");
	old = statefile_read(path, TEXT_MAX, &len);
	same = old != NULL && strcmp(old, text) == 0;
	same_key = old != NULL &&
	    strncmp(old, text, strcspn(text, "\n") + 1) == 0;
	free(old);
	printf("cluster %s: this node is %s; %u nodes, %u lan%s",
	    cl->name, cl->node[cl->self].name, cl->node_count, cl->lan_count,
	    cl->lan_count == 1 ? "" : "s");
	if (cl->witness_count > 0)
		printf(", %u witness%s", cl->witness_count,
		    cl->witness_count == 1 ? "" : "es");
	printf("%s%s\n", cl->etcd.endpoint_count > 0 ? ", etcd" : "",
	    same ? "; nothing changed" : "");
	if (dry_run)
		return 0;
	if (same)
		return refresh_modules(cl);	/* one could not, last time */
	if (path_mkdirs(path_state(dir, "cluster"), 0755) == -1 ||
	    statefile_write(path, text, strlen(text), 0644) == -1) {
		fprintf(stderr, "holdfast: %s: cannot be written: %s\n", path,
		    strerror(errno));
		return EX_CANTCREAT;
	}
	/* Before heartd is away for a moment, which no module overlooks. */
	rc = refresh_modules(cl);
	tell_cluster(!same_key);
	return rc;
}

int
configure_cluster(bool dry_run)
{
	char path[PATH_LEN], *text, *out;
	struct cluster cl;
	struct report r;
	size_t len;
	int rc = EX_CONFIG;

	text = read_text(path_etc(path, "cluster.xml"), &len);
	if (text == NULL) {
		fprintf(stderr, "holdfast: `holdfast cluster init' makes it\n");
		return EX_NOINPUT;
	}
	report_init(&r, path);
	if (cluster_compile(&cl, text, len, &r) == 0)
		(void)cluster_find_self(&cl, cluster_addr_is_local, NULL, &r);
	report_print(&r, stderr);
	if (r.errors == 0) {
		out = text_with_key(cluster_text(&cl));
		rc = write_cluster(&cl, out, dry_run);
		free(out);
	}
	report_fini(&r);
	free(text);
	return rc;
}

/* --- a module ------------------------------------------------------- */

/* The state of the module here, "" when nobody runs it. */
static void
running_state(const char *module, char *state, size_t size, bool *is_ready)
{
	struct status *st = status_new();

	state[0] = '\0';
	*is_ready = false;
	if (status_ask(st, module) == 0 && strcmp(st->state, "STOP") != 0) {
		snprintf(state, size, "%s %s", st->state, st->quality);
		*is_ready = strcmp(st->quality, "Transient") != 0;
	}
	status_free(st);
}

/*
 * May this change be made now?  Live parts: in any stable state; all else:
 * only while the module is stopped.  Prints why not.
 */
static bool
is_allowed(const char *module, const struct diff *d)
{
	char state[64];
	bool is_ready;

	running_state(module, state, sizeof(state), &is_ready);
	if (state[0] == '\0' || (d->count == 0 && !d->scripts))
		return true;
	if (!is_ready) {
		fprintf(stderr, "holdfast: %s is %s: wait for a stable state "
		    "or stop it, then configure\n", module, state);
		return false;
	}
	if (d->restarts == 0)
		return true;
	fprintf(stderr, "holdfast: %s is %s, and what is marked restart "
	    "needs it stopped: `holdfast stop %s' first\n", module, state,
	    module);
	return false;
}

struct gone {
	const char	*module;
	bool		 is_there;
};

static void
on_service(const struct line *l, void *arg)
{
	struct gone *g = arg;
	const char *module = line_get(l, "module");
	const char *state = line_get(l, "state");

	if (module != NULL && strcmp(module, g->module) == 0 &&
	    state != NULL && strcmp(state, "down") != 0)
		g->is_there = true;
}

/* Other daemons than before: all of them end before the new ones begin. */
static void
end_daemons(const char *module)
{
	struct gone g = { .module = module };
	struct line_out o;
	int tries;

	(void)ask_service("module-stop", NULL, module);
	for (tries = 0; tries < STOP_TRIES; tries++) {
		g.is_there = false;
		line_begin(&o, "status");
		if (talk(NULL, "holdfastd", &o, on_service, &g) != 0 ||
		    !g.is_there)
			return;
		(void)usleep(50000);
	}
}

/* Daemons that run take the new generation. */
static void
tell_module(const char *module, const struct diff *d)
{
	struct line_out o;

	if (!talk_is_up()) {
		printf("holdfastd is not running: the module is started "
		    "with it\n");
		return;
	}
	/* A checkd more or less is no reason to end the others. */
	if (!d->is_first && d->changed & 1u << FILE_ROSTER &&
	    d->changed & (1u << FILE_MIRRORD | 1u << FILE_FARMD))
		end_daemons(module);
	if (ask_service("module-start", NULL, module) != 0)
		(void)talk_failed(NULL, "holdfastd", 1);
	/* mirrord.conf only changes while the module is stopped. */
	if (!d->is_first && d->changed & 1u << FILE_MIRRORD)
		(void)ask_service("restart", "mirrord", module);
	/* So does farmd.conf, but for a node that came into the cluster. */
	if (!d->is_first && d->changed & 1u << FILE_FARMD)
		(void)ask_service("restart", "farmd", module);
	/* Its programs are those of the new generation. */
	if (!d->is_first && (d->changed & 1u << FILE_CHECKD || d->scripts))
		(void)ask_service("restart", "checkd", module);
	if (!d->is_first && d->changed & 1u << FILE_MODULED)
		(void)ask_service("restart", "moduled", module);
	line_begin(&o, "reload");
	line_add(&o, "name", module);
	(void)talk(NULL, "vipd", &o, NULL, NULL); /* absent: it reads it all */
}

static int
activate(const char *module, long number, const struct diff *d)
{
	char dir[PATH_LEN];

	(void)path_mkdirs(path_log(dir, "%s", module), 0755);
	if (generation_activate(module, number) == -1) {
		fprintf(stderr, "holdfast: %s: generation %ld cannot be made "
		    "active: %s\n", module, number, strerror(errno));
		return EX_CANTCREAT;
	}
	printf("%s: generation %ld is active%s\n", module, number,
	    d->is_same ? "" : "; the other nodes need the same");
	generation_prune(module);
	tell_module(module, d);
	return 0;
}

/* The texts; NULL digest was reported.  The caller frees each. */
static int
make_texts(const struct safe *m, const char *bin, char *text[FILE_COUNT])
{
	char *digest;

	memset(text, 0, FILE_COUNT * sizeof(text[0]));
	text[FILE_SAFECONF] = safe_text_xml(m);
	digest = generation_digest(text[FILE_SAFECONF], bin);
	if (digest == NULL) {
		fprintf(stderr, "holdfast: %s: cannot be read: %s\n", bin,
		    strerror(errno));
		return EX_IOERR;
	}
	text[FILE_MODULED] = safe_text_moduled(m, digest);
	text[FILE_MIRRORD] = safe_text_mirrord(m);
	text[FILE_FARMD] = safe_text_farmd(m);
	text[FILE_VIPD] = safe_text_vipd(m);
	text[FILE_CHECKD] = safe_text_checkd(m);
	text[FILE_ROSTER] = safe_text_roster(m);
	free(digest);
	return 0;
}

/*
 * Shows what the texts change, and makes them effective when they may be:
 * number 0 writes a new generation, else it is one that is there.
 */
static int
apply(const char *module, char *const text[FILE_COUNT], const char *bin,
    long number, bool dry_run)
{
	struct generation_file files[FILE_COUNT];
	long active = generation_active(module);
	struct diff d;
	int i, rc = 0;

	for (i = 0; i < FILE_COUNT; i++) {
		files[i].name = file_name[i];
		files[i].text = text[i];
	}
	diff_generation(&d, module, active, files, FILE_COUNT);
	diff_print(&d, module, stdout);
	if (!is_allowed(module, &d))
		rc = EXIT_UNSAFE;
	if (rc == 0 && !dry_run) {
		if (number == 0)
			number = d.is_same ? active : generation_write(module,
			    files, FILE_COUNT, bin);
		if (number == -1) {
			fprintf(stderr, "holdfast: %s: no generation could "
			    "be written: %s\n", module, strerror(errno));
			rc = EX_CANTCREAT;
		} else {
			rc = activate(module, number, &d);
		}
	}
	diff_fini(&d);
	return rc;
}

static int
rollback(const char *module, bool dry_run)
{
	long active = generation_active(module);
	long n = active > 0 ? generation_before(module, active) : 0;
	char *text[FILE_COUNT];
	int i, rc;

	if (n == 0) {
		fprintf(stderr, "holdfast: %s: there is no older generation "
		    "to go back to\n", module);
		return EX_NOINPUT;
	}
	for (i = 0; i < FILE_COUNT; i++)
		text[i] = generation_read(module, n, file_name[i]);
	rc = apply(module, text, NULL, n, dry_run);
	for (i = 0; i < FILE_COUNT; i++)
		free(text[i]);
	return rc;
}

static int
write_module(const struct safe *m, const char *bin, bool dry_run)
{
	char *text[FILE_COUNT];
	int i, rc;

	rc = make_texts(m, bin, text);
	if (rc == 0)
		rc = apply(m->name, text, bin, 0, dry_run);
	for (i = 0; i < FILE_COUNT; i++)
		free(text[i]);
	return rc;
}

int
configure_module(const char *module, const struct cmd *c)
{
	char path[PATH_LEN], bin[PATH_LEN], *text;
	struct cluster cl;
	struct report r;
	struct safe m = { .name = module, .cluster = &cl };
	size_t len;
	int rc = EX_CONFIG;

	if (c->rollback)
		return rollback(module, c->dry_run);
	if (!modules_is_installed(module)) {
		fprintf(stderr, "holdfast: module %s is not installed: "
		    "`holdfast module install' first\n", module);
		return EX_NOINPUT;
	}
	if (cluster_load(&cl, NULL) == -1)
		return EX_CONFIG;
	m.id = modules_id(module);
	if (m.id == 0)
		return EX_CONFIG;
	m.bin = path_etc(bin, "modules/%s/bin", module);
	text = read_text(path_etc(path, "modules/%s/conf/userconfig.xml",
	    module), &len);
	if (text == NULL)
		return EX_NOINPUT;
	report_init(&r, path);
	if (safe_compile(&m, text, len, &r) == 0)
		vip_check_others(&m, &r);
	if (r.errors == 0) {
		report_print(&r, stderr);
		rc = write_module(&m, bin, c->dry_run);
	} else {
		report_print(&r, stderr);
		fprintf(stderr, "holdfast: %s: %u error%s; nothing was "
		    "changed\n", module, r.errors, r.errors == 1 ? "" : "s");
	}
	report_fini(&r);
	safe_fini(&m);
	free(text);
	return rc;
}

/* --- what the cluster says to modules that are active ---------------- */

struct refresh {
	const struct cluster	*cl;
	bool			 try_only;
	int			 rc;
};

/* Another list of voters is taken while it runs, not in between. */
static bool
is_stable(const char *module, bool wait, char *state, size_t size)
{
	bool is_ready;
	int tries;

	for (tries = 0; ; tries++) {
		running_state(module, state, size, &is_ready);
		if (state[0] == '\0' || is_ready)
			return true;
		if (!wait || tries == STABLE_TRIES)
			return false;
		(void)usleep(STABLE_US);
	}
}

static void
take_voters(struct refresh *f, const struct safe *m, const char *bin)
{
	char *text[FILE_COUNT], *have, state[64];
	bool differs;
	int i;

	if (make_texts(m, bin, text) != 0) {
		f->rc = EX_IOERR;
		return;
	}
	have = generation_read(m->name, generation_active(m->name),
	    file_name[FILE_MODULED]);
	differs = have == NULL || strcmp(have, text[FILE_MODULED]) != 0;
	free(have);
	if (differs && !is_stable(m->name, !f->try_only, state,
	    sizeof(state))) {
		fprintf(stderr, "holdfast: %s is %s, and takes other voters "
		    "in a stable state only: wait for it%s\n", m->name,
		    state, f->try_only ? "" : ", then `holdfast config'");
		f->rc = EX_TEMPFAIL;
	} else if (differs && !f->try_only) {
		i = apply(m->name, text, bin, 0, false);
		f->rc = i > f->rc ? i : f->rc;
	}
	for (i = 0; i < FILE_COUNT; i++)
		free(text[i]);
}

/*
 * From the active generation, not from userconfig.xml: what was edited there
 * and is not in force yet stays so.
 */
static void
refresh_module(const char *module, void *arg)
{
	struct refresh *f = arg;
	struct safe m = { .name = module, .cluster = f->cl };
	char bin[PATH_LEN], *text;
	long active = generation_active(module);
	struct report r;

	text = active > 0 ? generation_read(module, active,
	    file_name[FILE_SAFECONF]) : NULL;
	if (text == NULL || (m.id = modules_id(module)) == 0) {
		free(text);
		return;		/* it is configured later */
	}
	m.bin = path_state(bin, "%s/config/active/bin", module);
	report_init(&r, module);
	if (safe_compile(&m, text, strlen(text), &r) == -1) {
		/* It goes on as it is, also when it is no matter of voters:
		 * a third node, say, that is there for a farm. */
		if (f->try_only) {
			report_print(&r, stderr);
			f->rc = EX_CONFIG;
		}
		fprintf(stderr, "holdfast: %s does not go with this "
		    "cluster.xml and keeps the voters it has: `holdfast "
		    "config %s' says why\n", module, module);
	} else if (m.peer != -1) {
		take_voters(f, &m, bin);
	}
	report_fini(&r);
	safe_fini(&m);
	free(text);
}

static int
refresh_modules(const struct cluster *cl)
{
	struct refresh f = { .cl = cl };

	modules_each(refresh_module, &f);
	return f.rc;
}

int
configure_can_refresh(const struct cluster *cl)
{
	struct refresh f = { .cl = cl, .try_only = true };

	modules_each(refresh_module, &f);
	return f.rc;
}

static void
new_key(const char *module, void *arg)
{
	const char *witness = arg;
	char *text, *part;

	text = generation_read(module, generation_active(module),
	    file_name[FILE_MODULED]);
	part = xasprintf("\nvoter \"%s\" {", witness);
	if (text != NULL && strstr(text, part) != NULL && talk_is_up())
		(void)ask_service("restart", "moduled", module);
	free(part);
	free(text);
}

void
configure_new_key(const char *witness)
{
	char *copy = xstrdup(witness);

	modules_each(new_key, copy);
	free(copy);
}

int
verb_config(struct cmd *c)
{
	return c->module == NULL ? configure_cluster(c->dry_run) :
	    configure_module(c->module, c);
}
