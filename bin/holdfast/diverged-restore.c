/* SPDX-License-Identifier: ISC */
/*
 * diverged restore: through the mounted mirror of the primary, so that it is
 * replicated like any write, or with --to into a plain directory of the node
 * that has it.  An archive of tar(1) carries what a tree is made of; what is
 * there already is never written over.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "diverged.h"
#include "nodes.h"
#include "paths.h"
#include "run.h"
#include "status.h"
#include "whole.h"
#include "xalloc.h"

/* Below what remoted takes as the input of one call. */
#define PART		(8u * 1024 * 1024)
#define TAR_ATTR	"--xattrs", "--xattrs-include=*", "--acls", \
			    "--numeric-owner"
#define CHUNK		65536u
#define PARENTS_MAX	64

/* An archive without a name, in the state directory of the module. */
static int
temp_file(const char *module)
{
	char path[PATH_LEN];
	int fd;

	(void)path_state(path, "%s", module);
	fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd == -1)
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
	return fd;
}

/* The directories above it as well, so that missing ones are as they were. */
static int
pack(const struct aside_place *p, int out)
{
	const char *argv[PARENTS_MAX + 16] = { "tar", "-cf", "-", "--sparse",
	    TAR_ATTR, "--no-recursion" };
	char *name[PARENTS_MAX + 1];
	unsigned n = 0, k = 0, i;
	const char *slash;
	int files, rc;

	while (argv[n] != NULL)
		n++;
	for (slash = strchr(p->path, '/'); slash != NULL && k < PARENTS_MAX;
	    slash = strchr(slash + 1, '/')) {
		name[k] = xasprintf("--add-file=%.*s",
		    (int)(slash - p->path), p->path);
		argv[n++] = name[k++];
	}
	argv[n++] = "--recursion";
	name[k] = xasprintf("--add-file=%s", p->path[0] != '\0' ? p->path :
	    ".");
	argv[n++] = name[k++];
	files = openat(p->dfd, ASIDE_FILES, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	rc = files == -1 ? -1 : run_to(files, out, argv);
	if (files != -1)
		(void)close(files); /* a directory */
	for (i = 0; i < k; i++)
		free(name[i]);
	if (rc != 0)
		fprintf(stderr, "holdfast: %s: cannot be packed\n", p->path);
	return rc == 0 ? 0 : EX_IOERR;
}

static void
tell_restored(const char *dir, const char *path)
{
	char *text = aside_path_text(path);

	printf("%s/%s is restored\n", dir, text);
	free(text);
}

/* Into dir; a directory is filled, all else must not be there. */
static int
unpack(const char *dir, const char *path, int in)
{
	const char *argv[] = { "tar", "-xpf", "-", TAR_ATTR,
	    "--keep-old-files", NULL };
	struct stat st;
	char *text;
	int dfd, rc;

	dfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dfd == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", dir, strerror(errno));
		return EX_CANTCREAT;
	}
	if (path[0] != '\0' && fstatat(dfd, path, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode)) {
		text = aside_path_text(path);
		fprintf(stderr, "holdfast: %s/%s is there and stays as it "
		    "is: `holdfast diverged MODULE diff EPOCH PATH' shows "
		    "both; move it away first, or restore with --to into "
		    "another directory\n", dir, text);
		free(text);
		(void)close(dfd); /* a directory */
		return EXIT_UNSAFE;
	}
	rc = lseek(in, 0, SEEK_SET) == -1 ? -1 : run_in(dfd, in, argv);
	if (rc == 0 && syncfs(dfd) == -1)
		rc = -1;
	(void)close(dfd); /* a directory */
	if (rc == 0)
		return 0;
	fprintf(stderr, "holdfast: not all is restored: what is named above "
	    "stays as it was, or is missing; compare with `holdfast diverged "
	    "MODULE diff EPOCH PATH' before anything is discarded\n");
	return EXIT_UNSAFE;
}

/* ---- to the primary ---- */

static bool
serves(const char *state)
{
	return strcmp(state, "PRIM") == 0 || strcmp(state, "ALONE") == 0;
}

/* The node whose mirror is mounted: "" this one; false after a message. */
static bool
find_primary(const char *module, char *node, size_t size)
{
	struct status *st = status_new();
	const struct record *r = NULL;
	bool found = false;

	node[0] = '\0';
	if (status_ask(st, module) == 0 && !st->is_old) {
		found = serves(st->state);
		while (!found && (r = status_find(st, "node", r)) != NULL)
			if (record_num(r, "self") == 0 &&
			    serves(record_get(r, "state"))) {
				(void)snprintf(node, size, "%s",
				    record_get(r, "name"));
				found = true;
			}
	}
	status_free(st);
	if (!found)
		fprintf(stderr, "holdfast: %s has no primary now, whose "
		    "mirror this would be restored through: start it, or "
		    "restore with --to DIR\n", module);
	return found;
}

static void
keep_quiet(const char *node, int status, const char *out, const char *err,
    void *arg)
{
	(void)arg;
	(void)status;
	fputs(out, stdout);
	if (err[0] != '\0')
		fprintf(stderr, "%s: %s", node, err);
}

static int
say(const char *node, const char *const *word, int input)
{
	char *argv[8];
	struct nodes_run r = { .nodes = node, .argv = argv,
	    .input_fd = input, .on_node = keep_quiet };
	int i, rc;

	for (i = 0; word[i] != NULL && i < 8; i++)
		argv[i] = xstrdup(word[i]);
	r.argc = i;
	rc = nodes_run(&r);
	while (i > 0)
		free(argv[--i]);
	return rc;
}

static int
send_part(const char *node, const char *module, const char *token, int fd,
    uint64_t at)
{
	char offset[24];
	const char *word[] = { "diverged", "-m", module, "part", token,
	    offset, NULL };
	char *buf = xcalloc(1, PART);
	int part = memfd_create("part", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t n = whole_pread(fd, buf, PART, at);
	int rc = EX_IOERR;

	(void)snprintf(offset, sizeof(offset), "%" PRIu64, at);
	if (part != -1 && n > 0 && whole_write(part, buf, (size_t)n) == 0 &&
	    fcntl(part, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		rc = say(node, word, part);
	if (part != -1)
		(void)close(part); /* memory */
	free(buf);
	return rc;
}

static int
send_all(struct asides *a, const char *node, const struct aside_place *p,
    int fd)
{
	const char *module = a->c->module;
	char token[32], full[8300];
	const char *word[] = { "diverged", "-m", module, "unpack", token,
	    full, NULL };
	struct stat st;
	uint64_t at;
	int rc = 0;

	(void)snprintf(token, sizeof(token), "%d-%" PRId64, (int)getpid(),
	    (int64_t)p->dfd);
	(void)snprintf(full, sizeof(full), "%s/%s", p->root->dir, p->path);
	if (fstat(fd, &st) == -1)
		return EX_IOERR;
	for (at = 0; rc == 0 && at < (uint64_t)st.st_size; at += PART)
		rc = send_part(node, module, token, fd, at);
	return rc == 0 ? say(node, word, -1) : rc;
}

static int
restore(struct asides *a, const struct aside_place *p)
{
	char node[256];
	int fd, rc;

	if (a->c->to == NULL &&
	    !find_primary(a->c->module, node, sizeof(node)))
		return EX_UNAVAILABLE;
	fd = temp_file(a->c->module);
	if (fd == -1)
		return EX_CANTCREAT;
	rc = pack(p, fd);
	if (rc == 0 && a->c->to != NULL)
		rc = unpack(a->c->to, p->path, fd);
	else if (rc == 0 && node[0] == '\0')
		rc = unpack(p->root->dir, p->path, fd);
	else if (rc == 0)
		rc = send_all(a, node, p, fd);
	(void)close(fd); /* it has no name */
	if (rc == 0 && (a->c->to != NULL || node[0] == '\0'))
		tell_restored(a->c->to != NULL ? a->c->to : p->root->dir,
		    p->path);
	return rc;
}

int
diverged_restore(struct asides *a, const char *name, const char *path)
{
	struct aside_place p;
	int rc;

	rc = asides_find(a, name, path, &p);
	if (rc != 0)
		return rc;
	rc = restore(a, &p);
	(void)close(p.dfd); /* a directory */
	return rc;
}

/* ---- at the primary ---- */

static bool
is_token(const char *token)
{
	return token[0] != '\0' && strlen(token) < 32 &&
	    strspn(token, "0123456789-") == strlen(token);
}

static int
open_parts(const struct asides *a, const char *token, char path[PATH_LEN],
    int flags)
{
	int fd;

	(void)path_state(path, "%s/restore.%s", a->c->module, token);
	fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
	return fd;
}

int
diverged_part(struct asides *a, const char *token, const char *offset)
{
	char path[PATH_LEN], *buf, *end;
	uint64_t at = strtoull(offset, &end, 10);
	ssize_t n;
	int fd;

	if (!is_token(token) || *end != '\0')
		return EX_USAGE;
	fd = open_parts(a, token, path, O_WRONLY | O_CREAT | (at == 0 ?
	    O_TRUNC : 0));
	if (fd == -1)
		return EX_CANTCREAT;
	buf = xcalloc(1, CHUNK);
	while ((n = read(0, buf, CHUNK)) > 0 && whole_pwrite(fd, buf,
	    (size_t)n, at) == 0)
		at += (uint64_t)n;
	free(buf);
	if (n == 0 && fsync(fd) == 0 && close(fd) == 0)
		return 0;
	fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
	(void)unlink(path); /* half of it is of no use */
	return EX_IOERR;
}

int
diverged_unpack(struct asides *a, const char *token, const char *path)
{
	char file[PATH_LEN], node[256];
	int fd, rc = EX_USAGE;
	unsigned i;
	size_t len;

	if (!is_token(token))
		return EX_USAGE;
	fd = open_parts(a, token, file, O_RDONLY);
	if (fd == -1)
		return EX_NOINPUT;
	(void)unlink(file); /* it ends with us */
	if (!find_primary(a->c->module, node, sizeof(node)) ||
	    node[0] != '\0') {
		(void)close(fd); /* it was read only */
		return EXIT_NOT_PRIM;
	}
	for (i = 0; i < a->count; i++) {
		len = strlen(a->root[i].dir);
		if (strncmp(path, a->root[i].dir, len) != 0 ||
		    path[len] != '/')
			continue;
		rc = unpack(a->root[i].dir, path + len + 1, fd);
		if (rc == 0)
			tell_restored(a->root[i].dir, path + len + 1);
		break;
	}
	(void)close(fd); /* it was read only */
	return rc;
}
