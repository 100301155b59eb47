/* SPDX-License-Identifier: ISC */
/* The application of the resync test, and the comparison of two trees. */
#include "resync-app.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../bin/mirrord/store.h"
#include "resync-link.h"

struct found {
	uint64_t	dir, oid;
	char		name[16];
	mode_t		mode;
};

/* A random entry, a directory for `dir'.  Walks from the root. */
static bool
pick(struct host *n, struct found *f, bool want_dir)
{
	struct objects *o = n->objects;
	uint64_t dir = 1, oid;
	struct stat st;
	unsigned depth, try;
	char name[16];

	f->dir = 0;
	f->oid = 1;
	f->mode = S_IFDIR;
	if (want_dir && rnd(3) == 0)
		return true;
	for (depth = 0; depth < 5; depth++) {
		for (try = 0; try < 6; try++) {
			snprintf(name, sizeof(name), "n%u", rnd(14));
			if (object_lookup(o, dir, name, false, &oid, &st) == 0)
				break;
		}
		if (try == 6)
			break;
		if (want_dir && !S_ISDIR(st.st_mode))
			continue;
		f->dir = dir;
		f->oid = oid;
		f->mode = st.st_mode;
		snprintf(f->name, sizeof(f->name), "%s", name);
		if (!S_ISDIR(st.st_mode) || rnd(3) == 0)
			return true;
		dir = oid;
	}
	return f->dir != 0 || want_dir;
}

static uint8_t blob[3 * 1024 * 1024];

void
app_init(void)
{
	unsigned i;

	for (i = 0; i < sizeof(blob); i++)
		blob[i] = (uint8_t)(i * 7 + i / 251 + i / 65536);
	memset(blob, 'a', 200);
}

static void
run(struct host *n, struct op *op)
{
	struct object_locks l;
	uint64_t oid[6] = { op->dir, op->dir2, op->obj, op->obj2, op->victim };
	int rc;

	if (change_begin(n->change, op) != 0)
		return;
	object_lock(n->objects, &l, oid, 5);
	rc = store_exec(n->objects, op, NULL);
	if (rc == 0)
		(void)change_commit(n->change, op);
	else
		change_abort(n->change, op);
	object_unlock(n->objects, &l);
	if (rc == 0 && (op->type == OP_UNLINK || op->type == OP_RMDIR ||
	    op->type == OP_RENAME) && op->victim != 0)
		object_forget_if_gone(n->objects, op->victim);
}

static void
make_something(struct host *n)
{
	static const enum op_type type[] = { OP_CREATE, OP_CREATE, OP_CREATE,
	    OP_MKDIR, OP_MKDIR, OP_SYMLINK, OP_MKNOD };
	struct op op = { .type = type[rnd(7)] };
	struct found d;

	if (!pick(n, &d, true))
		return;
	op.dir = d.oid;
	snprintf(op.name, sizeof(op.name), "n%u", rnd(14));
	op.obj = object_new_oid(n->objects);
	op.mode = 0600 + rnd(0100);
	op.uid = rnd(3) * 100;
	op.gid = rnd(3) * 100;
	if (op.type == OP_MKDIR)
		op.mode |= 0100;
	if (op.type == OP_MKNOD)
		op.mode |= S_IFIFO;
	if (op.type == OP_SYMLINK) {
		op.data = blob;
		op.data_len = 1 + rnd(60);
	}
	run(n, &op);
}

static void
change_data(struct host *n)
{
	struct op op = { .type = OP_WRITE };
	struct found f;

	if (!pick(n, &f, false) || !S_ISREG(f.mode))
		return;
	op.obj = f.oid;
	op.off = (uint64_t)rnd(6) * 1024 * 1024 * rnd(2) + rnd(100000);
	switch (rnd(8)) {
	case 0:
		op.type = OP_SETATTR;
		op.valid = OPV_SIZE;
		op.size = op.off;
		break;
	case 1:
		op.type = OP_FALLOCATE;
		op.flags = 3; /* punch, keep size */
		op.len = 1 + rnd(200000);
		break;
	default:
		op.data = blob + rnd(100000);
		op.data_len = 1 + rnd(rnd(4) == 0 ? 400000 : 9000);
		op.mtime.tv_nsec = UTIME_OMIT;
		break;
	}
	run(n, &op);
}

static void
change_attr(struct host *n)
{
	struct op op = { .type = OP_SETATTR };
	struct found f;

	if (!pick(n, &f, false))
		return;
	op.obj = f.oid;
	switch (rnd(4)) {
	case 0:
		op.valid = OPV_UID | OPV_GID;
		op.uid = rnd(5) * 10;
		op.gid = rnd(5) * 10;
		break;
	case 1:
		if (S_ISLNK(f.mode))
			return;
		op.valid = OPV_MODE;
		op.mode = 0700 | rnd(0100);
		break;
	case 2:
		if (S_ISLNK(f.mode) || S_ISFIFO(f.mode))
			return;
		op.type = OP_SETXATTR;
		snprintf(op.name, sizeof(op.name), "user.x%u", rnd(3));
		op.data = blob + rnd(1000);
		op.data_len = rnd(80);
		break;
	default:
		if (S_ISLNK(f.mode) || S_ISFIFO(f.mode))
			return;
		op.type = OP_REMOVEXATTR;
		snprintf(op.name, sizeof(op.name), "user.x%u", rnd(3));
		break;
	}
	run(n, &op);
}

static void
change_name(struct host *n)
{
	struct op op = { 0 };
	struct found f, d;
	struct stat st;

	if (!pick(n, &f, false) || f.dir == 0 || !pick(n, &d, true))
		return;
	op.dir = f.dir;
	snprintf(op.name, sizeof(op.name), "%s", f.name);
	switch (rnd(6)) {
	case 0:
		op.type = S_ISDIR(f.mode) ? OP_RMDIR : OP_UNLINK;
		op.victim = f.oid;
		break;
	case 1:
		if (S_ISDIR(f.mode))
			return;
		op.type = OP_LINK;
		op.obj = f.oid;
		op.dir = d.oid;
		snprintf(op.name, sizeof(op.name), "n%u", rnd(14));
		break;
	default:
		op.type = OP_RENAME;
		op.obj = f.oid;
		op.dir2 = d.oid;
		snprintf(op.name2, sizeof(op.name2), "n%u", rnd(14));
		op.flags = rnd(4) == 0 ? RENAME_EXCHANGE : 0;
		if (object_lookup(n->objects, d.oid, op.name2, false,
		    &op.victim, &st) != 0)
			op.victim = 0;
		break;
	}
	run(n, &op);
}

void
change_one(struct host *n)
{
	switch (rnd(10)) {
	case 0: case 1: case 2:
		make_something(n);
		break;
	case 3: case 4:
		change_name(n);
		break;
	case 5:
		change_attr(n);
		break;
	default:
		change_data(n);
		break;
	}
}

void *
application(void *arg)
{
	struct host *n = arg;
	struct timespec t = { 0, 0 };

	rnd_seed(n->seed);
	while (!atomic_load(&n->stop)) {
		change_one(n);
		t.tv_nsec = rnd(300000);
		if (rnd(4) == 0)
			nanosleep(&t, NULL);
	}
	return NULL;
}

/* ---- comparison ---- */

static unsigned differences;
static bool quiet;

static void
differ(const char *path, const char *what)
{
	if (differences++ < 12 && !quiet)
		printf("# %s: %s differs\n", path, what);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static unsigned
names_of(const char *dir, char **list, unsigned max)
{
	struct dirent *e;
	unsigned n = 0;
	DIR *d = opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL && n < max)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, ".holdfast") != 0)
			list[n++] = strdup(e->d_name);
	if (d != NULL)
		closedir(d);
	qsort(list, n, sizeof(*list), by_text);
	return n;
}

static void
compare_content(const char *a, const char *b)
{
	static uint8_t x[65536], y[65536];
	int fa = open(a, O_RDONLY), fb = open(b, O_RDONLY);
	ssize_t n, m;

	do {
		n = read(fa, x, sizeof(x));
		m = read(fb, y, sizeof(y));
		if (n != m || (n > 0 && memcmp(x, y, (size_t)n) != 0)) {
			differ(a, "content");
			break;
		}
	} while (n > 0);
	close(fa);
	close(fb);
}

static void
compare_xattrs(const char *a, const char *b)
{
	char la[1024], lb[1024], va[256], vb[256];
	ssize_t na = llistxattr(a, la, sizeof(la)), i, n, m;
	ssize_t nb = llistxattr(b, lb, sizeof(lb));

	if (na != nb) {
		differ(a, "xattr list");
		for (i = 0; i < na; i += (ssize_t)strlen(la + i) + 1)
			printf("#   here %s\n", la + i);
		for (i = 0; i < nb; i += (ssize_t)strlen(lb + i) + 1)
			printf("#   there %s\n", lb + i);
	}
	for (i = 0; i < na; i += (ssize_t)strlen(la + i) + 1) {
		n = lgetxattr(a, la + i, va, sizeof(va));
		m = lgetxattr(b, la + i, vb, sizeof(vb));
		if (strcmp(la + i, OID_XATTR) == 0)
			n = m = memcmp(va, vb, 9) == 0 ? 0 : -2;
		if (n == -2 || n != m || (n > 0 &&
		    memcmp(va, vb, (size_t)n) != 0))
			differ(a, la + i);
	}
}

static void
compare_one(const char *a, const char *b)
{
	char ta[256] = "", tb[256] = "";
	struct stat sa, sb;

	if (lstat(a, &sa) == -1 || lstat(b, &sb) == -1) {
		differ(a, "existence");
		return;
	}
	if (sa.st_mode != sb.st_mode)
		differ(a, "mode");
	if (sa.st_uid != sb.st_uid || sa.st_gid != sb.st_gid)
		differ(a, "owner");
	if (sa.st_nlink != sb.st_nlink)
		differ(a, "link count");
	if (!S_ISDIR(sa.st_mode) && sa.st_size != sb.st_size)
		differ(a, "size");
	else if (S_ISREG(sa.st_mode))
		compare_content(a, b);
	if (S_ISLNK(sa.st_mode) && (readlink(a, ta, 255) != readlink(b, tb,
	    255) || strcmp(ta, tb) != 0))
		differ(a, "target");
	compare_xattrs(a, b);
}

static void
compare_trees(const char *a, const char *b)
{
	char *la[64], *lb[64], pa[512], pb[512];
	unsigned na = names_of(a, la, 64), nb = names_of(b, lb, 64), i;
	struct stat st;

	if (na != nb)
		differ(a, "number of names");
	for (i = 0; i < na || i < nb; i++) {
		if (i < na && i < nb && strcmp(la[i], lb[i]) == 0) {
			snprintf(pa, sizeof(pa), "%s/%s", a, la[i]);
			snprintf(pb, sizeof(pb), "%s/%s", b, lb[i]);
			compare_one(pa, pb);
			if (lstat(pa, &st) == 0 && S_ISDIR(st.st_mode))
				compare_trees(pa, pb);
		} else
			differ(i < na ? la[i] : lb[i], "name");
	}
	for (i = 0; i < na; i++)
		free(la[i]);
	for (i = 0; i < nb; i++)
		free(lb[i]);
}

unsigned
stage_count(const char *data)
{
	char path[256], *l[64];
	unsigned c, i;

	snprintf(path, sizeof(path), "%s/.holdfast/stage", data);
	c = names_of(path, l, 64);
	for (i = 0; i < c; i++)
		free(l[i]);
	return c;
}

unsigned
trees_differ(const char *a, const char *b)
{
	differences = 0;
	compare_trees(a, b);
	return differences;
}

bool times_count = true;

/* Attributes and content; a directory's without what is in it. */
bool
things_differ(const char *a, const char *b)
{
	char la[1024], va[256], vb[256];
	ssize_t na, i, n, m;
	struct stat sa, sb;

	if (lstat(a, &sa) == -1 || lstat(b, &sb) == -1 ||
	    sa.st_mode != sb.st_mode || sa.st_uid != sb.st_uid ||
	    sa.st_gid != sb.st_gid)
		return true;
	quiet = true;
	differences = 0;
	if (S_ISREG(sa.st_mode)) {
		if (sa.st_size != sb.st_size || (times_count &&
		    sa.st_mtim.tv_nsec != sb.st_mtim.tv_nsec))
			differences++;
		compare_content(a, b);
	}
	if (S_ISLNK(sa.st_mode)) {
		n = readlink(a, va, 255);
		m = readlink(b, vb, 255);
		if (n != m || memcmp(va, vb, (size_t)n) != 0)
			differences++;
	}
	na = llistxattr(a, la, sizeof(la));
	for (i = 0; i < na; i += (ssize_t)strlen(la + i) + 1) {
		if (strncmp(la + i, "trusted.holdfast.", 17) == 0)
			continue;
		n = lgetxattr(a, la + i, va, sizeof(va));
		m = lgetxattr(b, la + i, vb, sizeof(vb));
		if (n != m || (n > 0 && memcmp(va, vb, (size_t)n) != 0))
			differences++;
	}
	quiet = false;
	return differences > 0;
}
