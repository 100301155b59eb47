/* SPDX-License-Identifier: ISC */
/*
 * `holdfast module': install, pack, list, remove; new is in module-new.c.
 * Installing puts a module in place for editing; `holdfast config' makes it
 * effective.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "archive.h"
#include "cmd.h"
#include "config-safe.h"
#include "files.h"
#include "generation.h"
#include "module-verbs.h"
#include "modules.h"
#include "paths.h"
#include "statefile.h"
#include "status.h"
#include "talk.h"

/* Name of a module from X.safe or a directory: the last part. */
bool
module_name_from(char *out, size_t size, const char *path)
{
	size_t len = strlen(path), start;

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (start = len; start > 0 && path[start - 1] != '/'; start--)
		;
	if (len - start > 5 && strncmp(path + len - 5, ".safe", 5) == 0)
		len -= 5;
	if (len - start >= size)
		return false;
	memcpy(out, path + start, len - start);
	out[len - start] = '\0';
	return module_name_ok(out);
}

/* The source, unpacked or copied into dir. */
int
module_fetch(const char *source, const char *dir)
{
	char from[PATH_LEN], to[PATH_LEN];
	static const char *const tops[] = { "conf", "bin" };
	struct report r;
	struct stat st;
	size_t i;
	int rc;

	if (stat(source, &st) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", source,
		    strerror(errno));
		return EX_NOINPUT;
	}
	if (!S_ISDIR(st.st_mode)) {
		report_init(&r, source);
		rc = archive_extract(source, dir, &r);
		report_print(&r, stderr);
		report_fini(&r);
		return rc == 0 ? 0 : EX_DATAERR;
	}
	for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		if (snprintf(from, sizeof(from), "%s/%s", source, tops[i]) >=
		    (int)sizeof(from) || snprintf(to, sizeof(to), "%s/%s",
		    dir, tops[i]) >= (int)sizeof(to) ||
		    tree_copy(from, to) == -1) {
			fprintf(stderr, "holdfast: %s/%s: cannot be copied: "
			    "%s\n", source, tops[i], strerror(errno));
			return EX_IOERR;
		}
	}
	return 0;
}

/* --set NAME=VALUE, all of them, in the text; the caller frees. */
static char *
apply_macros(const struct cmd *c, char *text, size_t len, struct report *r)
{
	char name[64], *next;
	const char *eq;
	unsigned i;

	for (i = 0; i < c->set_count; i++) {
		eq = strchr(c->set[i], '=');
		if (eq == NULL || (size_t)(eq - c->set[i]) >= sizeof(name)) {
			report_error(r, 0, c->set[i], "is not MACRO=VALUE");
			continue;
		}
		memcpy(name, c->set[i], (size_t)(eq - c->set[i]));
		name[eq - c->set[i]] = '\0';
		next = safe_set_macro(text, len, name, eq + 1, r);
		if (next == NULL)
			continue;
		free(text);
		text = next;
		len = strlen(text);
	}
	return text;
}

/* userconfig.xml there, well-formed, with its macros set. */
int
module_set_macros(const struct cmd *c, const char *dir)
{
	char path[PATH_LEN], *text;
	struct report r;
	xmlDoc *doc;
	size_t len;
	int rc = 0;

	text = NULL;
	if (snprintf(path, sizeof(path), "%s/conf/userconfig.xml", dir) <
	    (int)sizeof(path))
		text = statefile_read(path, 1024 * 1024, &len);
	if (text == NULL) {
		fprintf(stderr, "holdfast: conf/userconfig.xml: %s: a module "
		    "must have it\n", strerror(errno));
		return EX_DATAERR;
	}
	report_init(&r, "conf/userconfig.xml");
	doc = safe_parse(text, len, &r);
	if (doc != NULL)
		xmlFreeDoc(doc);
	if (r.errors == 0 && c->set_count > 0)
		text = apply_macros(c, text, len, &r);
	if (r.errors == 0 && c->set_count > 0 &&
	    statefile_write(path, text, strlen(text), 0644) == -1)
		report_error(&r, 0, NULL, "cannot be written: %s",
		    strerror(errno));
	report_print(&r, stderr);
	if (r.errors > 0)
		rc = EX_DATAERR;
	report_fini(&r);
	free(text);
	return rc;
}

int
module_choose_id(const struct cmd *c, const char *module)
{
	char other[MODULE_NAME_MAX + 1];

	if (c->id == 0)
		return modules_free_id();
	if (c->id < 1 || c->id > MODULE_ID_MAX) {
		fprintf(stderr, "holdfast: --id %ld: allowed: 1 to %d\n",
		    c->id, MODULE_ID_MAX);
		return 0;
	}
	if (modules_by_id((int)c->id, other, sizeof(other)) &&
	    strcmp(other, module) != 0) {
		fprintf(stderr, "holdfast: --id %ld: module %s has it\n",
		    c->id, other);
		return 0;
	}
	return (int)c->id;
}

int
module_write_id(const char *dir, int id)
{
	char path[PATH_LEN], text[16];

	if (snprintf(path, sizeof(path), "%s/id", dir) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(text, sizeof(text), "%d\n", id);
	return statefile_write(path, text, strlen(text), 0644);
}

int
module_stage(const struct cmd *c, const char *source, const char *module,
    int *id)
{
	char aside[PATH_LEN], final[PATH_LEN];
	int rc;

	path_etc(final, "modules/%s", module);
	path_etc(aside, "modules/.%s.new", module);
	if (access(final, F_OK) == 0) {
		fprintf(stderr, "holdfast: module %s is installed already: "
		    "`holdfast module remove %s' first, or give another "
		    "name\n", module, module);
		return EX_CANTCREAT;
	}
	if (tree_remove(aside) == -1 || path_mkdirs(aside, 0755) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", aside, strerror(errno));
		return EX_CANTCREAT;
	}
	*id = module_choose_id(c, module);
	rc = *id == 0 ? EX_USAGE : module_fetch(source, aside);
	if (rc == 0)
		rc = module_set_macros(c, aside);
	if (rc != 0)
		module_unstage(module);
	return rc;
}

void
module_unstage(const char *module)
{
	char aside[PATH_LEN];

	/* What stays is removed by the next one. */
	(void)tree_remove(path_etc(aside, "modules/.%s.new", module));
}

int
module_place(const char *module, int id)
{
	char parent[PATH_LEN], aside[PATH_LEN];
	char final[PATH_LEN];

	path_etc(aside, "modules/.%s.new", module);
	path_etc(final, "modules/%s", module);
	if (module_write_id(aside, id) == -1 || tree_sync(aside) == -1 ||
	    rename(aside, final) == -1 ||
	    dir_sync(path_etc(parent, "modules")) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", final, strerror(errno));
		module_unstage(module);
		return EX_CANTCREAT;
	}
	return 0;
}

static int
module_install(struct cmd *c)
{
	char module[MODULE_NAME_MAX + 1], final[PATH_LEN];
	int id, rc;

	if (c->argc != 2 && !(c->argc == 3 &&
	    module_name_ok(c->argv[2]))) {
		fprintf(stderr, "usage: holdfast module install X.safe|DIR "
		    "[NAME] [--id N] [--set MACRO=VALUE]...\n");
		return EX_USAGE;
	}
	if (c->argc == 3) {
		(void)snprintf(module, sizeof(module), "%s", c->argv[2]);
	} else if (!module_name_from(module, sizeof(module), c->argv[1])) {
		fprintf(stderr, "holdfast: %s: its name is no module name; "
		    "allowed: up to %d letters, digits, _ and -\n",
		    c->argv[1], MODULE_NAME_MAX);
		return EX_USAGE;
	}
	rc = module_stage(c, c->argv[1], module, &id);
	if (rc == 0)
		rc = module_place(module, id);
	if (rc == 0)
		printf("module %s installed with id %d in %s; edit "
		    "conf/userconfig.xml there, then `holdfast config %s'\n",
		    module, id, path_etc(final, "modules/%s", module),
		    module);
	return rc;
}

bool
module_find_dir(char *dir, size_t size, char *name, size_t name_size,
    const char *what)
{
	char path[PATH_LEN];
	struct stat st;

	if (strchr(what, '/') == NULL && modules_is_installed(what))
		what = path_etc(path, "modules/%s", what);
	if (snprintf(dir, size, "%s", what) < (int)size &&
	    stat(dir, &st) == 0 && S_ISDIR(st.st_mode) &&
	    module_name_from(name, name_size, what))
		return true;
	fprintf(stderr, "holdfast: %s: neither an installed module nor a "
	    "directory of one\n", what);
	return false;
}

static int
module_pack(struct cmd *c)
{
	char dir[PATH_LEN], file[PATH_LEN], name[MODULE_NAME_MAX + 1];
	struct report r;
	int rc;

	if (c->argc < 2 || c->argc > 3) {
		fprintf(stderr, "usage: holdfast module pack MODULE|DIR "
		    "[FILE.safe]\n");
		return EX_USAGE;
	}
	if (!module_find_dir(dir, sizeof(dir), name, sizeof(name),
	    c->argv[1]))
		return EX_NOINPUT;
	if (c->argc == 3)
		snprintf(file, sizeof(file), "%s", c->argv[2]);
	else
		snprintf(file, sizeof(file), "%s.safe", name);
	report_init(&r, file);
	rc = archive_pack(dir, file, &r);
	report_print(&r, stderr);
	report_fini(&r);
	if (rc == 0)
		printf("%s\n", file);
	return rc == 0 ? 0 : EX_IOERR;
}

static void
list_one(const char *module, void *arg)
{
	long n = generation_active(module);

	(void)arg;
	printf("%-20s id %-5d ", module, modules_id(module));
	if (n > 0)
		printf("generation %ld\n", n);
	else
		printf("not configured: `holdfast config %s'\n", module);
}

/* Its daemons are stopped; its data and its state stay. */
static int
module_remove(struct cmd *c)
{
	char path[PATH_LEN];
	struct status *st;
	struct line_out o;
	bool runs;

	if (c->argc != 2 || !module_name_ok(c->argv[1])) {
		fprintf(stderr, "usage: holdfast module remove MODULE\n");
		return EX_USAGE;
	}
	st = status_new();
	runs = status_ask(st, c->argv[1]) == 0 && !st->is_old &&
	    strcmp(st->state, "STOP") != 0;
	status_free(st);
	if (runs) {
		fprintf(stderr, "holdfast: %s runs: `holdfast stop %s' "
		    "first\n", c->argv[1], c->argv[1]);
		return EXIT_UNSAFE;
	}
	line_begin(&o, "module-stop");
	line_add(&o, "name", c->argv[1]);
	(void)talk(NULL, "holdfastd", &o, NULL, NULL);	/* may be down */
	if (tree_remove(path_state(path, "%s/config", c->argv[1])) == -1 ||
	    tree_remove(path_etc(path, "modules/%s", c->argv[1])) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
		return EX_IOERR;
	}
	printf("module %s removed; its directories and %s stay\n",
	    c->argv[1], path_state(path, "%s", c->argv[1]));
	return 0;
}

int
verb_module(struct cmd *c)
{
	const char *what = c->argc > 0 ? c->argv[0] : "";

	if (strcmp(what, "new") == 0)
		return module_new(c);
	if (strcmp(what, "install") == 0)
		return module_install(c);
	if (strcmp(what, "pack") == 0 || strcmp(what, "package") == 0)
		return module_pack(c);
	if (strcmp(what, "list") == 0) {
		modules_each(list_one, NULL);
		return 0;
	}
	if (strcmp(what, "remove") == 0 || strcmp(what, "uninstall") == 0)
		return module_remove(c);
	if (strcmp(what, "push") == 0)
		return module_push(c);
	if (strcmp(what, "receive") == 0)
		return module_receive(c);
	fprintf(stderr, "usage: holdfast module "
	    "new|install|pack|push|list|remove\n");
	return EX_USAGE;
}
