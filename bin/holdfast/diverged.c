/* SPDX-License-Identifier: ISC */
/*
 * diverged: what a node had of its own when it followed another history
 * (asidelist.h).  mirrord hides it, and covers it where the node is not
 * primary, so the tree is reached by the descriptor mirrord has; while it has
 * none, by the directory itself.
 */
#include "diverged.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "module-conf.h"
#include "nodes.h"
#include "run.h"
#include "status.h"
#include "talk.h"
#include "xalloc.h"

/* ---- the way there ---- */

static int
open_dir(int dfd, const char *name)
{
	return openat(dfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
on_place(const struct line *l, void *arg)
{
	const char *dir = line_get(l, "dir");
	struct asides *a = arg;
	int64_t pid = -1, fd = -1;
	char path[64];
	unsigned i;

	if (dir == NULL || !line_get_num(l, "pid", 1, INT32_MAX, &pid) ||
	    !line_get_num(l, "fd", 0, INT32_MAX, &fd))
		return;
	(void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/fd/%" PRId64,
	    pid, fd);
	for (i = 0; i < a->count; i++)
		if (strcmp(a->root[i].dir, dir) == 0)
			a->root[i].root_fd = open_dir(AT_FDCWD, path);
}

/* mirrord also looks what is there now. */
static void
ask_places(struct asides *a)
{
	struct line_out o;

	line_begin(&o, "diverged");
	/* It need not run: then nothing covers the directory. */
	(void)talk(a->c->module, "mirrord", &o, on_place, a);
}

int
asides_open(struct asides *a, const struct cmd *c)
{
	struct aside_root *r;
	unsigned i;

	memset(a, 0, sizeof(*a));
	a->c = c;
	if (!module_conf_read(&a->safe, c->module))
		return EX_CONFIG;
	if (a->safe.dir_count == 0) {
		fprintf(stderr, "holdfast: %s has no replicated directories: "
		    "nothing of it can diverge\n", c->module);
		safe_fini(&a->safe);
		return EX_USAGE;
	}
	a->count = a->safe.dir_count;
	for (i = 0; i < a->count; i++)
		a->root[i] = (struct aside_root){ a->safe.dir[i], -1, -1 };
	ask_places(a);
	for (i = 0; i < a->count; i++) {
		r = &a->root[i];
		if (r->root_fd == -1)
			r->root_fd = open_dir(AT_FDCWD, r->dir);
		if (r->root_fd != -1)
			r->top_fd = open_dir(r->root_fd, ".holdfast/"
			    ASIDE_DIR);
	}
	return 0;
}

void
asides_close(struct asides *a)
{
	unsigned i;

	for (i = 0; i < a->count; i++) {
		if (a->root[i].root_fd != -1)
			(void)close(a->root[i].root_fd); /* a directory */
		if (a->root[i].top_fd != -1)
			(void)close(a->root[i].top_fd); /* a directory */
	}
	safe_fini(&a->safe);
}

int
asides_fd(const struct aside_root *r, const char *name)
{
	struct aside_info *all;
	unsigned count, i;
	bool found = false;

	all = r->top_fd == -1 ? NULL : aside_all(r->top_fd, &count);
	for (i = 0; all != NULL && i < count; i++)
		found = found || strcmp(all[i].name, name) == 0;
	free(all);
	return found ? openat(r->top_fd, name, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC) : -1;
}

bool
asides_have(const struct asides *a, const char *name)
{
	unsigned i;
	int fd;

	for (i = 0; i < a->count; i++) {
		fd = asides_fd(&a->root[i], name);
		if (fd == -1)
			continue;
		(void)close(fd); /* a directory */
		return true;
	}
	return false;
}

/* ---- paths ---- */

/* Neither absolute nor upwards; no slash at its end. */
static bool
tidy(char *path)
{
	char *p = path + strlen(path), *part, *copy, *save = NULL;
	bool good = true;

	while (p > path && p[-1] == '/')
		*--p = '\0';
	copy = xstrdup(path);
	for (part = strtok_r(copy, "/", &save); part != NULL;
	    part = strtok_r(NULL, "/", &save))
		good = good && strcmp(part, "..") != 0 &&
		    strcmp(part, ".") != 0;
	free(copy);
	return good && path[0] != '/';
}

static bool
is_listed(int dfd, const char *path)
{
	struct stat st;
	char full[4200];

	(void)snprintf(full, sizeof(full), ASIDE_FILES "%s%s",
	    path[0] != '\0' ? "/" : "", path);
	return fstatat(dfd, full, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
find_in(struct asides *a, const char *name, const char *text,
    struct aside_place *p)
{
	const struct aside_root *r;
	size_t len;
	unsigned i;

	for (i = 0; i < a->count; i++) {
		r = &a->root[i];
		len = strlen(r->dir);
		if (text[0] == '/' && (strncmp(text, r->dir, len) != 0 ||
		    (text[len] != '/' && text[len] != '\0')))
			continue;
		(void)snprintf(p->path, sizeof(p->path), "%s",
		    text[0] == '/' ? text + len + (text[len] == '/') : text);
		if (!tidy(p->path))
			break;
		p->dfd = asides_fd(r, name);
		p->root = r;
		if (p->dfd != -1 && is_listed(p->dfd, p->path))
			return true;
		if (p->dfd != -1)
			(void)close(p->dfd); /* a directory */
	}
	return false;
}

/* As it is, or as `show' writes it. */
int
asides_find(struct asides *a, const char *name, const char *text,
    struct aside_place *p)
{
	char *copy = xstrdup(text), *shown;
	bool found;

	found = find_in(a, name, text, p) || (aside_path_parse(copy) == 0 &&
	    find_in(a, name, copy, p));
	free(copy);
	if (found)
		return 0;
	shown = aside_path_text(text);
	fprintf(stderr, "holdfast: %s: no file \"%s\" in %s: `holdfast "
	    "diverged %s show %s' lists what there is\n", a->c->module,
	    shown, name, a->c->module, name);
	free(shown);
	return EX_NOINPUT;
}

/* ---- the other nodes ---- */

struct others {
	json_t		*list;		/* appended to, or NULL */
	const char	*name;		/* looked for, or NULL */
	char		*node;		/* that has it */
	size_t		 size;
};

static void
on_node(const char *node, int status, const char *out, const char *err,
    void *arg)
{
	struct others *w = arg;
	json_error_t e;
	json_t *top, *one;
	const char *s;
	size_t i;

	top = status == 0 ? json_loads(out, 0, &e) : NULL;
	if (top == NULL) {
		fprintf(stderr, "holdfast: %s does not answer%s%s%s", node,
		    err[0] != '\0' ? ": " : "", err, err[0] != '\0' &&
		    err[strlen(err) - 1] == '\n' ? "" : "\n");
		return;
	}
	json_array_foreach(json_object_get(top, "diverged"), i, one) {
		s = json_string_value(json_object_get(one, "epoch"));
		if (w->name != NULL && s != NULL && strcmp(s, w->name) == 0)
			(void)snprintf(w->node, w->size, "%s", node);
		if (w->list != NULL)
			(void)json_array_append(w->list, one);
	}
	json_decref(top);
}

static void
ask_others(const struct cmd *c, struct others *w)
{
	char nodes[1024], verb[] = "diverged", json[] = "--json";
	char local[] = "--local", list[] = "list";
	char *module = xstrdup(c->module);
	char *argv[] = { verb, json, local, module, list };
	struct nodes_run r = { .nodes = nodes, .argc = 5, .argv = argv,
	    .input_fd = -1, .on_node = on_node, .arg = w };

	if (status_other_nodes(c->module, nodes, sizeof(nodes)))
		(void)nodes_run(&r); /* on_node says who was silent */
	free(module);
}

bool
asides_whose(const struct cmd *c, const char *name, char *node, size_t size)
{
	struct others w = { .name = name, .node = node, .size = size };

	node[0] = '\0';
	if (!c->local && getenv("HOLDFAST_ROLE") == NULL)
		ask_others(c, &w);
	if (node[0] != '\0')
		return true;
	fprintf(stderr, "holdfast: %s: nothing is set aside as %s: `holdfast "
	    "diverged %s list' shows what is\n", c->module, name, c->module);
	return false;
}

/* ---- list ---- */

static json_t *
info_json(const char *node, const char *dir, const struct aside_info *i)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}",
	    "node", node, "directory", dir, "epoch", i->name, "when",
	    (json_int_t)i->head.when_s, "entries", (json_int_t)i->entries,
	    "bytes", (json_int_t)i->bytes, "lost_to", i->head.lost_to,
	    "lost_epoch", i->head.lost_epoch, "by", i->head.by);
}

static json_t *
own_list(const struct asides *a)
{
	json_t *list = json_array(), *one;
	struct aside_info *all;
	unsigned count, i, k;
	char node[256];

	if (gethostname(node, sizeof(node)) == -1)
		node[0] = '\0';
	node[sizeof(node) - 1] = '\0';
	for (i = 0; i < a->count; i++) {
		all = a->root[i].top_fd == -1 ? NULL :
		    aside_all(a->root[i].top_fd, &count);
		for (k = 0; all != NULL && k < count; k++) {
			one = info_json(a->safe.cluster != NULL ?
			    a->safe.cluster->node[a->safe.cluster->self].name :
			    node, a->root[i].dir, &all[k]);
			if (one != NULL)
				(void)json_array_append_new(list, one);
		}
		free(all);
	}
	return list;
}

static void
print_list(const json_t *list)
{
	const char *by;
	char when[32];
	const json_t *o;
	struct tm tm;
	time_t t;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	printf("%-8s %-10s %-19s %8s %12s  %s\n", "NODE", "EPOCH", "SET ASIDE",
	    "THINGS", "BYTES", "SINCE THIS WENT ON, IN");
	json_array_foreach((json_t *)(uintptr_t)list, i, o) {
		t = (time_t)json_integer_value(json_object_get(o, "when"));
		if (localtime_r(&t, &tm) == NULL || strftime(when,
		    sizeof(when), "%Y-%m-%d %H:%M:%S", &tm) == 0)
			when[0] = '\0';
		by = json_string_value(json_object_get(o, "by"));
		printf("%-8s %-10s %-19.19s %8lld %12lld  %s (%s), %s%s\n",
		    json_string_value(json_object_get(o, "node")),
		    json_string_value(json_object_get(o, "epoch")), when,
		    (long long)json_integer_value(json_object_get(o,
		    "entries")), (long long)json_integer_value(
		    json_object_get(o, "bytes")),
		    json_string_value(json_object_get(o, "lost_to")),
		    json_string_value(json_object_get(o, "lost_epoch")),
		    json_string_value(json_object_get(o, "directory")),
		    by != NULL && strcmp(by, ASIDE_EDITS) == 0 ?
		    " (changed while stopped)" : "");
	}
}

static int
do_list(struct asides *a)
{
	struct others w = { .list = own_list(a) };
	json_t *top;

	if (!a->c->local && getenv("HOLDFAST_ROLE") == NULL)
		ask_others(a->c, &w);
	if (a->c->json) {
		top = json_pack("{s:i, s:s, s:O}", "schema", 1, "module",
		    a->c->module, "diverged", w.list);
		(void)json_dumpf(top, stdout, JSON_INDENT(2)); /* ferror() */
		putchar('\n');
		json_decref(top);
	} else if (json_array_size(w.list) == 0)
		printf("nothing is set aside of %s\n", a->c->module);
	else
		print_list(w.list);
	json_decref(w.list);
	return 0;
}

/* ---- show ---- */

static void
show_entry(const struct asides *a, const char *dir,
    const struct aside_entry *e, json_t *list)
{
	char *text;

	if (list == NULL) {
		printf("%-8s %-5s %12" PRIu64 "  %s%s",
		    aside_change_str(e->change), aside_kind_str(e->kind),
		    e->bytes, a->count > 1 ? dir : "",
		    a->count > 1 ? "/" : "");
		(void)aside_put_path(stdout, e->path); /* ferror() tells */
		putchar('\n');
		return;
	}
	text = aside_path_text(e->path);
	(void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, "
	    "s:s}", "directory", dir, "change", aside_change_str(e->change),
	    "kind", aside_kind_str(e->kind), "bytes", (json_int_t)e->bytes,
	    "path", text));
	free(text);
}

static int
do_show(struct asides *a, const char *name)
{
	json_t *list = a->c->json ? json_array() : NULL, *top;
	struct aside_reader r;
	struct aside_entry e;
	int dfd, rc = 0, got;
	unsigned i;

	for (i = 0; i < a->count; i++) {
		dfd = asides_fd(&a->root[i], name);
		if (dfd == -1)
			continue;
		got = aside_open(&r, dfd);
		while (got == 0 && (got = aside_next(&r, &e)) == 1) {
			show_entry(a, a->root[i].dir, &e, list);
			got = 0;
		}
		if (got == -1) {
			fprintf(stderr, "holdfast: %s/.holdfast/" ASIDE_DIR
			    "/%s/" ASIDE_LIST ": damaged; the files are in "
			    ASIDE_FILES " beside it\n", a->root[i].dir, name);
			rc = EX_DATAERR;
		}
		aside_close(&r);
		(void)close(dfd); /* a directory */
	}
	if (list != NULL) {
		top = json_pack("{s:i, s:s, s:s, s:o}", "schema", 1,
		    "module", a->c->module, "epoch", name, "entries", list);
		(void)json_dumpf(top, stdout, JSON_INDENT(2)); /* ferror() */
		putchar('\n');
		json_decref(top);
	}
	return rc;
}

/* ---- discard ---- */

/* The tree first: as long as LIST is there it can be said again. */
static int
discard_one(const struct aside_root *r, const char *name)
{
	const char *tree[] = { "rm", "-rf", "--", ASIDE_FILES, NULL };
	const char *rest[] = { "rm", "-rf", "--", name, NULL };
	int dfd = asides_fd(r, name), rc;

	if (dfd == -1)
		return 0;
	rc = run_in(dfd, -1, tree);
	(void)close(dfd); /* a directory */
	if (rc == 0)
		rc = run_in(r->top_fd, -1, rest);
	if (rc == 0)
		(void)fsync(r->top_fd); /* gone or not: it can be repeated */
	return rc == 0 ? 0 : EX_IOERR;
}

static int
do_discard(struct asides *a, const char *name)
{
	unsigned i;
	int rc = 0;

	if (a->c->yes == NULL || strcmp(a->c->yes, a->c->module) != 0) {
		fprintf(stderr, "holdfast: what this node wrote in epoch %s "
		    "and nobody else has would be gone for good; when it is "
		    "not needed: holdfast diverged %s discard %s --yes %s\n",
		    name, a->c->module, name, a->c->module);
		return EXIT_UNSAFE;
	}
	for (i = 0; rc == 0 && i < a->count; i++)
		rc = discard_one(&a->root[i], name);
	ask_places(a); /* so that the warning ends */
	if (rc == 0)
		printf("%s: %s is gone\n", a->c->module, name);
	return rc;
}

/* ---- the verb ---- */

static int
usage(void)
{
	fprintf(stderr, "usage: holdfast diverged MODULE [list]\n"
	    "       holdfast diverged MODULE show EPOCH\n"
	    "       holdfast diverged MODULE diff EPOCH [PATH]\n"
	    "       holdfast diverged MODULE restore EPOCH PATH [--to DIR]\n"
	    "       holdfast diverged MODULE discard EPOCH [--yes MODULE]\n");
	return EX_USAGE;
}

/* On the node that has it, with the same words. */
static int
elsewhere(const struct cmd *c, const char *name)
{
	const char *word[8];
	char node[256], module[] = "-m";
	struct nodes_run r = { .nodes = node, .input_fd = -1,
	    .json = false };
	unsigned n = 0;
	int i;

	if (!asides_whose(c, name, node, sizeof(node)))
		return EX_NOINPUT;
	word[n++] = "diverged";
	word[n++] = module;
	word[n++] = c->module;
	for (i = 0; i < c->argc && n < 6; i++)
		word[n++] = c->argv[i];
	r.argv = xcalloc(n + 5, sizeof(*r.argv));
	for (i = 0; i < (int)n; i++)
		r.argv[i] = xstrdup(word[i]);
	r.argc = (int)n;
	if (c->to != NULL) {
		r.argv[r.argc++] = xstrdup("--to");
		r.argv[r.argc++] = xstrdup(c->to);
	}
	if (c->yes != NULL) {
		r.argv[r.argc++] = xstrdup("--yes");
		r.argv[r.argc++] = xstrdup(c->yes);
	}
	if (c->json)
		r.argv[r.argc++] = xstrdup("--json");
	i = nodes_run(&r);
	while (r.argc > 0)
		free(r.argv[--r.argc]);
	free(r.argv);
	return i;
}

static int
with_name(struct asides *a)
{
	const struct cmd *c = a->c;
	const char *what = c->argv[0], *name = c->argv[1];
	const char *path = c->argc > 2 ? c->argv[2] : NULL;

	/* Sent by restore: the set-aside itself is on another node. */
	if (strcmp(what, "part") == 0 && path != NULL)
		return diverged_part(a, name, path);
	if (strcmp(what, "unpack") == 0 && path != NULL)
		return diverged_unpack(a, name, path);
	if (!aside_is_name(name)) {
		fprintf(stderr, "holdfast: \"%s\" is no epoch as `holdfast "
		    "diverged %s list' shows it\n", name, c->module);
		return EX_USAGE;
	}
	if (!asides_have(a, name))
		return elsewhere(c, name);
	if (strcmp(what, "show") == 0 && path == NULL)
		return do_show(a, name);
	if (strcmp(what, "discard") == 0 && path == NULL)
		return do_discard(a, name);
	if (strcmp(what, "diff") == 0)
		return diverged_diff(a, name, path != NULL ? path : "");
	if (strcmp(what, "restore") == 0 && path != NULL)
		return diverged_restore(a, name, path);
	return usage();
}

int
verb_diverged(struct cmd *c)
{
	struct asides a;
	int rc;

	rc = asides_open(&a, c);
	if (rc != 0)
		return rc;
	if (c->argc == 0 || (c->argc == 1 && strcmp(c->argv[0], "list") == 0))
		rc = do_list(&a);
	else if (c->argc >= 2 && strcmp(c->argv[0], "list") != 0)
		rc = with_name(&a);
	else
		rc = usage();
	asides_close(&a);
	return rc;
}
