/* SPDX-License-Identifier: ISC */
/*
 * `module push M -H NODES': this node's module M, installed and configured
 * on others.  On each of them it is all or nothing: unpacked and checked
 * aside, exchanged with what is there, configured, and exchanged back when
 * that was refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "archive.h"
#include "cluster-verbs.h"
#include "cmd.h"
#include "configure.h"
#include "files.h"
#include "module-verbs.h"
#include "modules.h"
#include "nodes.h"
#include "paths.h"

/* --- here --------------------------------------------------------------- */

/* The archive in memory, sealed; -1: said why. */
static int
pack(const char *dir)
{
	int fd = cluster_input_new(), rc;
	char file[64];
	struct report r;

	if (fd == -1)
		return -1;
	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	report_init(&r, dir);
	rc = archive_pack(dir, file, &r);
	report_print(&r, stderr);
	report_fini(&r);
	if (rc == 0)
		return cluster_input_seal(fd);
	(void)close(fd);	/* of no use */
	return -1;
}

static int
id_to_push(const struct cmd *c, const char *module)
{
	if (c->id == 0 && modules_is_installed(module))
		return modules_id(module);
	return module_choose_id(c, module);
}

int
module_push(struct cmd *c)
{
	char module[MODULE_NAME_MAX + 1], dir[PATH_LEN], id[16];
	char verb[] = "module", what[] = "receive";
	char option_id[] = "--id", option_set[] = "--set";
	char *argv[6 + 2 * SET_MAX] = { verb, what, module, option_id, id };
	struct nodes_run r = { .nodes = c->nodes, .argv = argv, .argc = 5,
	    .json = c->json };
	unsigned i;
	int n, rc;

	if (c->argc != 2 || c->nodes == NULL) {
		fprintf(stderr, "usage: holdfast module push MODULE|DIR -H "
		    "NODES [--id N] [--set MACRO=VALUE]...; -H '*' is all "
		    "nodes\n");
		return EX_USAGE;
	}
	if (!module_find_dir(dir, sizeof(dir), module, sizeof(module),
	    c->argv[1]))
		return EX_NOINPUT;
	n = id_to_push(c, module);
	if (n == 0)
		return EX_USAGE;
	(void)snprintf(id, sizeof(id), "%d", n);
	for (i = 0; i < c->set_count; i++) {
		argv[r.argc++] = option_set;
		/* Only read; argv has no const for history's sake. */
		argv[r.argc++] = (char *)(uintptr_t)c->set[i];
	}
	r.input_fd = pack(dir);
	if (r.input_fd == -1)
		return EX_IOERR;
	rc = nodes_run(&r);
	(void)close(r.input_fd);	/* only read */
	return rc;
}

/* --- there -------------------------------------------------------------- */

struct place {
	const char	*module;
	char		 aside[PATH_LEN];
	char		 final[PATH_LEN];
	bool		 was_there;
};

/*
 * The two change places, or the new one takes the empty one.  A power cut
 * after it must not find the new names with nothing in them.
 */
static int
exchange(const struct place *p)
{
	char dir[PATH_LEN];

	if (tree_sync(p->aside) == 0 &&
	    renameat2(AT_FDCWD, p->aside, AT_FDCWD, p->final,
	    p->was_there ? RENAME_EXCHANGE : 0) == 0 &&
	    dir_sync(path_etc(dir, "modules")) == 0)
		return 0;
	fprintf(stderr, "holdfast: %s: %s\n", p->final, strerror(errno));
	return EX_CANTCREAT;
}

/* False: it has to stay where it is, for the administrator. */
static bool
take_back(const struct place *p)
{
	char dir[PATH_LEN];

	if (renameat2(AT_FDCWD, p->final, AT_FDCWD, p->aside,
	    p->was_there ? RENAME_EXCHANGE : 0) == 0 &&
	    dir_sync(path_etc(dir, "modules")) == 0) {
		fprintf(stderr, "holdfast: %s: %s\n", p->module,
		    p->was_there ? "what was there before is there again" :
		    "is not installed");
		return true;
	}
	fprintf(stderr, "holdfast: %s: what was there before is in %s: %s\n",
	    p->final, p->aside, strerror(errno));
	return false;
}

/* A module keeps its id: its replication port is made of it. */
static int
check_id(const struct cmd *c, const struct place *p)
{
	int id = p->was_there ? modules_id(p->module) : (int)c->id;

	if (c->id == 0 || module_choose_id(c, p->module) == 0)
		return EX_USAGE;
	if (id == c->id)
		return 0;
	fprintf(stderr, "holdfast: module %s has id %d here, and was sent "
	    "with %ld: `holdfast module remove %s' first\n", p->module, id,
	    c->id, p->module);
	return EX_USAGE;
}

static int
prepare(const struct cmd *c, const struct place *p)
{
	int rc = check_id(c, p);

	if (rc == 0 && (tree_remove(p->aside) == -1 ||
	    path_mkdirs(p->aside, 0755) == -1)) {
		fprintf(stderr, "holdfast: %s: %s\n", p->aside,
		    strerror(errno));
		return EX_CANTCREAT;
	}
	if (rc == 0)
		rc = module_fetch("/dev/stdin", p->aside);
	if (rc == 0)
		rc = module_set_macros(c, p->aside);
	if (rc == 0 && module_write_id(p->aside, (int)c->id) == -1) {
		fprintf(stderr, "holdfast: %s/id: %s\n", p->aside,
		    strerror(errno));
		rc = EX_CANTCREAT;
	}
	return rc;
}

int
module_receive(struct cmd *c)
{
	struct place p = { .module = c->argc == 2 ? c->argv[1] : "" };
	int rc;

	if (!module_name_ok(p.module)) {
		fprintf(stderr, "holdfast: module receive: is for `holdfast "
		    "module push'\n");
		return EX_USAGE;
	}
	if (cluster_lock() == -1)
		return EX_CANTCREAT;
	path_etc(p.final, "modules/%s", p.module);
	path_etc(p.aside, "modules/.%s.new", p.module);
	p.was_there = access(p.final, F_OK) == 0;
	rc = prepare(c, &p);
	if (rc == 0)
		rc = exchange(&p);
	if (rc == 0) {
		rc = configure_module(p.module, c);
		if (rc != 0 && !take_back(&p))
			return rc;
	}
	(void)tree_remove(p.aside);	/* the old one, or what was refused */
	return rc;
}
