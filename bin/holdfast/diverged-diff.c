/* SPDX-License-Identifier: ISC */
/*
 * diverged diff: what was set aside beside what stands there now.  One thing
 * a line; of a single text file diff(1) tells the rest.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <sysexits.h>
#include <unistd.h>

#include "diverged.h"
#include "run.h"
#include "whole.h"
#include "xalloc.h"

#define CHUNK	65536u

static bool
same_content(int dfd, int live, const char *path)
{
	char *buf = xcalloc(2, CHUNK), own[4200];
	int a, b;
	uint64_t at = 0;
	ssize_t n, m;
	bool same;

	(void)snprintf(own, sizeof(own), ASIDE_FILES "/%s", path);
	a = openat(dfd, own, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	b = openat(live, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	same = a != -1 && b != -1;
	do {
		n = same ? whole_pread(a, buf, CHUNK, at) : 0;
		m = same ? whole_pread(b, buf + CHUNK, CHUNK, at) : 0;
		same = same && n >= 0 && n == m &&
		    memcmp(buf, buf + CHUNK, (size_t)n) == 0;
		at += n > 0 ? (uint64_t)n : 0;
	} while (same && n > 0);
	if (a != -1)
		(void)close(a); /* it was read only */
	if (b != -1)
		(void)close(b); /* it was read only */
	free(buf);
	return same;
}

/* Those of each that the other lacks or has otherwise; ours apart. */
static bool
lacks_xattr(const char *a, const char *b)
{
	char *names = xcalloc(3, CHUNK), *n;
	ssize_t len = llistxattr(a, names, CHUNK), la, lb;
	bool lacks = false;

	for (n = names; !lacks && n < names + len; n += strlen(n) + 1) {
		if (strncmp(n, "trusted.holdfast.", 17) == 0)
			continue;
		la = lgetxattr(a, n, names + CHUNK, CHUNK);
		lb = lgetxattr(b, n, names + 2 * (size_t)CHUNK, CHUNK);
		lacks = la != lb || (la > 0 && memcmp(names + CHUNK, names +
		    2 * (size_t)CHUNK, (size_t)la) != 0);
	}
	free(names);
	return lacks;
}

static bool
same_xattr(int dfd, int live, const char *path)
{
	char a[4300], b[4300];

	(void)snprintf(a, sizeof(a), "/proc/self/fd/%d/" ASIDE_FILES "/%s",
	    dfd, path);
	(void)snprintf(b, sizeof(b), "/proc/self/fd/%d/%s", live, path);
	return !lacks_xattr(a, b) && !lacks_xattr(b, a);
}

static const char *
compare(int dfd, int live, const struct aside_entry *e)
{
	char own[4200], ta[4096] = "", tb[4096] = "";
	struct stat a, b;

	if (fstatat(live, e->path, &b, AT_SYMLINK_NOFOLLOW) == -1)
		return e->change == AC_DELETED ? "absent" : "absent now";
	if (e->change == AC_DELETED)
		return "there now";
	(void)snprintf(own, sizeof(own), ASIDE_FILES "/%s", e->path);
	if (fstatat(dfd, own, &a, AT_SYMLINK_NOFOLLOW) == -1)
		return "lost";
	if ((a.st_mode & S_IFMT) != (b.st_mode & S_IFMT))
		return "another kind now";
	if (S_ISREG(a.st_mode) && (a.st_size != b.st_size ||
	    !same_content(dfd, live, e->path)))
		return "content differs";
	if (S_ISLNK(a.st_mode) && (readlinkat(dfd, own, ta,
	    sizeof(ta) - 1) < 0 || readlinkat(live, e->path, tb,
	    sizeof(tb) - 1) < 0 || strcmp(ta, tb) != 0))
		return "target differs";
	if (a.st_mode != b.st_mode || a.st_uid != b.st_uid ||
	    a.st_gid != b.st_gid)
		return "mode or owner differs";
	if (!same_xattr(dfd, live, e->path))
		return "attributes differ";
	return "same";
}

static bool
is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return len == 0 || (strncmp(path, top, len) == 0 &&
	    (path[len] == '/' || path[len] == '\0'));
}

static void
tell(const struct asides *a, const char *dir, const struct aside_entry *e,
    const char *what, json_t *list)
{
	char *text;

	if (list == NULL) {
		printf("%-22s %-8s %s%s", what,
		    aside_change_str(e->change), a->count > 1 ? dir : "",
		    a->count > 1 ? "/" : "");
		(void)aside_put_path(stdout, e->path); /* ferror() tells */
		putchar('\n');
		return;
	}
	text = aside_path_text(e->path);
	(void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}",
	    "directory", dir, "change", aside_change_str(e->change), "now",
	    what, "path", text));
	free(text);
}

/* 1 a difference was told, 0 none, -1 LIST is damaged. */
static int
diff_root(struct asides *a, const struct aside_root *r, const char *name,
    const char *top, json_t *list)
{
	struct aside_reader l;
	struct aside_entry e;
	const char *what;
	int dfd = asides_fd(r, name), got, differs = 0;

	if (dfd == -1)
		return 0;
	got = aside_open(&l, dfd);
	while (got == 0 && (got = aside_next(&l, &e)) == 1) {
		got = 0;
		if (!is_below(e.path, top))
			continue;
		what = compare(dfd, r->root_fd, &e);
		if (strcmp(what, "same") != 0 && strcmp(what, "absent") != 0)
			differs = 1;
		tell(a, r->dir, &e, what, list);
	}
	aside_close(&l);
	(void)close(dfd); /* a directory */
	return got == -1 ? -1 : differs;
}

/* Both as /dev/fd: nothing else reaches them. */
static int
diff_text(const struct aside_place *p)
{
	char own[4200], a[32], b[32], la[4300], lb[4300];
	const char *argv[] = { "diff", "-u", "--label", la, "--label", lb, a,
	    b, NULL };
	struct stat st;
	int fd, live, rc = -1;

	(void)snprintf(own, sizeof(own), ASIDE_FILES "/%s", p->path);
	/* A FIFO is not waited for; diff(1) gets plain files only. */
	fd = openat(p->dfd, own, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	live = openat(p->root->root_fd, p->path, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK);
	(void)snprintf(la, sizeof(la), "%s (now)", p->path);
	(void)snprintf(lb, sizeof(lb), "%s (set aside)", p->path);
	(void)snprintf(a, sizeof(a), "/dev/fd/%d", live);
	(void)snprintf(b, sizeof(b), "/dev/fd/%d", fd);
	if (fd != -1 && live != -1 && fstat(fd, &st) == 0 &&
	    S_ISREG(st.st_mode))
		rc = run_in(p->dfd, -1, argv);
	if (fd != -1)
		(void)close(fd); /* it was read only */
	if (live != -1)
		(void)close(live); /* it was read only */
	return rc;
}

int
diverged_diff(struct asides *a, const char *name, const char *path)
{
	json_t *list = a->c->json ? json_array() : NULL, *top;
	struct aside_place p = { .dfd = -1 };
	int rc = 0, one;
	unsigned i;

	if (path[0] != '\0') {
		rc = asides_find(a, name, path, &p);
		if (rc != 0)
			return rc;
	}
	for (i = 0; rc >= 0 && i < a->count; i++) {
		if (p.dfd != -1 && p.root != &a->root[i])
			continue;
		one = diff_root(a, &a->root[i], name, p.dfd != -1 ? p.path :
		    "", list);
		rc = one == -1 ? -1 : rc | one;
	}
	if (list != NULL) {
		top = json_pack("{s:i, s:s, s:s, s:o}", "schema", 1,
		    "module", a->c->module, "epoch", name, "differences",
		    list);
		(void)json_dumpf(top, stdout, JSON_INDENT(2)); /* ferror() */
		putchar('\n');
		json_decref(top);
	} else if (rc == 1 && p.dfd != -1)
		(void)diff_text(&p); /* the line above says it too */
	if (p.dfd != -1)
		(void)close(p.dfd); /* a directory */
	return rc == -1 ? EX_DATAERR : rc;
}
