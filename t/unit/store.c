/* SPDX-License-Identifier: ISC */
/* Each op carried out on a real tree, its errors, and the evidence of R56. */
#include "../../bin/mirrord/store.h"

#include <string.h>
#include <sys/xattr.h>

#include "tap.h"
#include "tree.h"

static struct tree t;

static struct op
op_of(enum op_type type, uint64_t dir, const char *name, uint64_t obj)
{
	struct op op;

	memset(&op, 0, sizeof(op));
	op.type = type;
	op.dir = dir;
	(void)snprintf(op.name, sizeof(op.name), "%s", name);
	op.obj = obj;
	op.uid = op.gid = UINT32_MAX;
	op.mode = 0644;
	return op;
}

static int
run(const struct op *op)
{
	return store_exec(t.objects, op, NULL);
}

static uint64_t
make(enum op_type type, uint64_t dir, const char *name)
{
	struct op op = op_of(type, dir, name, object_new_oid(t.objects));

	op.data = "target";
	op.data_len = 6;
	if (type == OP_MKNOD)
		op.mode = S_IFIFO | 0600;
	ok(run(&op) == 0, "%s %s", op_name(type), name);
	return op.obj;
}

static uint64_t
oid_at(uint64_t dir, const char *name)
{
	uint64_t oid = 0;

	(void)object_lookup(t.objects, dir, name, false, &oid, NULL);
	return oid;
}

static bool
holds(const char *name, const char *text)
{
	char buf[64];
	ssize_t n;
	int fd = openat(t.fd, name, O_RDONLY);

	n = read(fd, buf, sizeof(buf));
	(void)close(fd);
	return n == (ssize_t)strlen(text) &&
	    memcmp(buf, text, strlen(text)) == 0;
}

static void
test_make(void)
{
	struct op op;
	struct stat st;
	uint64_t dir, id;
	char link[16];

	dir = make(OP_MKDIR, 1, "dir");
	ok(oid_at(1, "dir") == dir, "a directory has its id");
	id = make(OP_CREATE, dir, "file");
	ok(oid_at(dir, "file") == id, "a file in it too");
	(void)make(OP_MKNOD, dir, "fifo");
	id = make(OP_SYMLINK, dir, "link");
	ok(oid_at(dir, "link") == id, "a symlink too");
	ok(readlinkat(t.fd, "dir/link", link, sizeof(link)) == 6 &&
	    memcmp(link, "target", 6) == 0, "and its target");

	op = op_of(OP_CREATE, dir, "owned", object_new_oid(t.objects));
	op.mode = 06755;
	op.uid = 33;
	op.gid = 34;
	op.mtime.tv_sec = 99;
	is_num(run(&op), 0, "a setuid file of another owner");
	(void)object_stat(t.objects, op.obj, &st);
	is_num(st.st_mtime, 99, "has the primary's time");
	ok(st.st_uid == 33 && st.st_gid == 34 &&
	    (st.st_mode & 07777) == 06755, "keeps owner and setuid");
	is_num(run(&op), -EEXIST, "a name that is there is refused");
	op.dir = 999;
	is_num(run(&op), -ESTALE, "an unknown directory is refused");
}

static void
test_data(void)
{
	uint64_t f = make(OP_CREATE, 1, "data"), g, done = 0;
	struct op op = op_of(OP_WRITE, 0, "", f);
	struct stat st;

	op.data = "hello world";
	op.data_len = 11;
	op.mtime.tv_sec = 1000;
	is_num(run(&op), 0, "write");
	ok(holds("data", "hello world"), "the bytes are there");
	(void)object_stat(t.objects, f, &st);
	is_num(st.st_mtime, 1000, "with the primary's time");
	op = op_of(OP_SYNC, 0, "", f);
	op.flags = OPF_DATAONLY;
	is_num(run(&op), 0, "fdatasync");
	op.flags = 0;
	op.mtime.tv_sec = 2000;
	is_num(run(&op), 0, "fsync");
	(void)object_stat(t.objects, f, &st);
	is_num(st.st_mtime, 2000, "a sync brings the time too");
	op = op_of(OP_SYNC, 0, "", 1);
	is_num(run(&op), 0, "fsync of a directory");

	g = make(OP_CREATE, 1, "copy");
	op = op_of(OP_COPY, 0, "", f);
	op.obj2 = g;
	op.off = 6;
	op.len = 5;
	is_num(run(&op), 0, "copy");
	ok(holds("copy", "world"), "a part of the file");
	op.len = 100;
	is_num(store_exec(t.objects, &op, &done), 0, "a copy past the end");
	is_num(done, 5, "says how much it was");
	is_num(run(&op), -ESTALE, "the peer must find all of it");

	op = op_of(OP_FALLOCATE, 0, "", f);
	op.off = 0;
	op.len = 8192;
	is_num(run(&op), 0, "fallocate");
	(void)object_stat(t.objects, f, &st);
	is_num(st.st_size, 8192, "extends");
	op = op_of(OP_SETATTR, 0, "", f);
	op.valid = OPV_SIZE;
	op.size = 5;
	is_num(run(&op), 0, "truncate");
	ok(holds("data", "hello"), "shortens");
}

static void
test_attr(void)
{
	uint64_t f = make(OP_CREATE, 1, "attr"), l;
	struct op op = op_of(OP_SETATTR, 0, "", f);
	struct stat st;
	char value[8];

	op.valid = OPV_MODE | OPV_UID | OPV_GID | OPV_ATIME | OPV_MTIME;
	op.mode = 04711;
	op.uid = 5;
	op.gid = 6;
	op.atime.tv_sec = 7;
	op.mtime.tv_sec = 8;
	is_num(run(&op), 0, "setattr");
	(void)object_stat(t.objects, f, &st);
	ok((st.st_mode & 07777) == 04711 && st.st_uid == 5 &&
	    st.st_gid == 6 && st.st_atime == 7 && st.st_mtime == 8,
	    "sets all, setuid included");
	op = op_of(OP_WRITE, 0, "", f);
	op.data = "x";
	op.data_len = 1;
	op.flags = OPF_KILLPRIV;
	is_num(run(&op), 0, "a write by a user");
	(void)object_stat(t.objects, f, &st);
	is_num(st.st_mode & 07777, 0711, "clears setuid");

	l = make(OP_SYMLINK, 1, "attrlink");
	op = op_of(OP_SETATTR, 0, "", l);
	op.valid = OPV_UID | OPV_MTIME;
	op.uid = 9;
	op.mtime.tv_sec = 10;
	is_num(run(&op), 0, "setattr of a symlink");
	(void)object_stat(t.objects, l, &st);
	ok(S_ISLNK(st.st_mode) && st.st_uid == 9 && st.st_mtime == 10,
	    "changes the link itself");

	op = op_of(OP_SETXATTR, 0, "user.k", f);
	op.data = "value";
	op.data_len = 5;
	is_num(run(&op), 0, "setxattr");
	op.flags = XATTR_CREATE;
	is_num(run(&op), -EEXIST, "its flags are honoured");
	op = op_of(OP_REMOVEXATTR, 0, "user.k", f);
	is_num(run(&op), 0, "removexattr");
	is_num(run(&op), -ENODATA, "once");
	ok(store_is_done(t.objects, &op), "a repeat finds it done");
	op = op_of(OP_REMOVEXATTR, 0, OID_XATTR, f);
	is_num(run(&op), -EPERM, "our own xattr is not touched");
	(void)value;
}

static void
test_names(void)
{
	uint64_t a = make(OP_CREATE, 1, "n1"), b = make(OP_CREATE, 1, "n2");
	uint64_t d = make(OP_MKDIR, 1, "nd");
	struct op op = op_of(OP_LINK, 1, "n3", a);
	struct stat st;

	ok(!store_is_done(t.objects, &op), "a link not made yet");
	is_num(run(&op), 0, "link");
	ok(store_is_done(t.objects, &op), "is done now");
	(void)object_stat(t.objects, a, &st);
	is_num(st.st_nlink, 2, "two names");

	op = op_of(OP_RENAME, 1, "n1", a);
	op.dir2 = d;
	strcpy(op.name2, "moved");
	ok(!store_is_done(t.objects, &op), "a rename not made yet");
	is_num(run(&op), 0, "rename");
	ok(store_is_done(t.objects, &op) && oid_at(d, "moved") == a,
	    "is done now");
	op = op_of(OP_RENAME, 1, "n2", b);
	op.dir2 = d;
	strcpy(op.name2, "moved");
	op.flags = RENAME_EXCHANGE;
	is_num(run(&op), 0, "exchange");
	ok(oid_at(d, "moved") == b && oid_at(1, "n2") == a, "both moved");
	op.flags = RENAME_NOREPLACE;
	op.obj = a;
	is_num(run(&op), -EEXIST, "no replace");

	op = op_of(OP_UNLINK, d, "moved", 0);
	op.victim = b;
	ok(!store_is_done(t.objects, &op), "an unlink not made yet");
	is_num(run(&op), 0, "unlink");
	ok(store_is_done(t.objects, &op), "is done now");
	object_forget_if_gone(t.objects, b);
	is_num(object_stat(t.objects, b, &st), -ESTALE, "nothing is left");
	object_forget_if_gone(t.objects, a);
	is_num(object_stat(t.objects, a, &st), 0, "what has a name stays");
	op = op_of(OP_RMDIR, 1, "nd", 0);
	op.victim = d;
	is_num(run(&op), 0, "rmdir");
	ok(oid_at(1, "nd") == 0, "gone");
}

static void
test_evidence(void)
{
	struct op op = op_of(OP_CREATE, 1, "half",
	    object_new_oid(t.objects));
	struct stat st;
	int fd;

	op.uid = 77;
	ok(!store_is_done(t.objects, &op), "nothing was done");
	fd = openat(t.fd, "half", O_CREAT | O_WRONLY, 0600);
	(void)close(fd);
	ok(store_is_done(t.objects, &op), "a half made file is finished");
	ok(oid_at(1, "half") == op.obj, "with its id");
	(void)object_stat(t.objects, op.obj, &st);
	is_num(st.st_uid, 77, "and its owner");
	op.obj = object_new_oid(t.objects);
	ok(!store_is_done(t.objects, &op), "another's name is no evidence");
	op = op_of(OP_WRITE, 0, "", op.obj);
	ok(!store_is_done(t.objects, &op), "a write may be repeated");
}

static void
test_tmpfile(void)
{
	struct op op = op_of(OP_TMPFILE, 1, "", object_new_oid(t.objects));
	struct op link, drop;
	struct stat st;

	is_num(run(&op), 0, "a file without name");
	link = op_of(OP_LINK, 1, "named", op.obj);
	is_num(run(&link), 0, "gets one");
	(void)object_stat(t.objects, op.obj, &st);
	is_num(st.st_nlink, 1, "and only that");
	op.obj = object_new_oid(t.objects);
	is_num(run(&op), 0, "another one");
	drop = op_of(OP_UNLINK, 0, "", 0);
	drop.victim = op.obj;
	is_num(run(&drop), 0, "is dropped");
	object_forget_if_gone(t.objects, op.obj);
	is_num(object_stat(t.objects, op.obj, &st), -ESTALE, "for good");
}

/* A kill between the name in stage and the id, and after linkat(2). */
static void
test_half_tmpfile(void)
{
	struct op op = op_of(OP_TMPFILE, 1, "", object_new_oid(t.objects));
	int fd, sfd = objects_stage_fd(t.objects, 0);
	char name[OBJECT_STAGE_LEN];
	struct op link;
	struct stat st;

	op.uid = 78;
	ok(!store_is_done(t.objects, &op), "no tmpfile was made");
	fd = openat(sfd, object_stage_name(name, op.obj),
	    O_CREAT | O_WRONLY, 0600);
	(void)close(fd);
	is_num(run(&op), -EEXIST, "what was half made stands in the way");
	ok(store_is_done(t.objects, &op), "and is finished");
	is_num(object_stat(t.objects, op.obj, &st), 0, "with its id");
	is_num(st.st_uid, 78, "and its owner");

	link = op_of(OP_LINK, 1, "half linked", op.obj);
	is_num(linkat(sfd, name, t.fd, "half linked", 0), 0, "half linked");
	ok(store_is_done(t.objects, &link), "it counts as done");
	(void)object_stat(t.objects, op.obj, &st);
	is_num(st.st_nlink, 1, "and its name in stage is gone");
}

/* What a repeat, or another tree, holds at the names. */
static void
test_meant(void)
{
	uint64_t a = make(OP_CREATE, 1, "ma"), b = make(OP_CREATE, 1, "mb");
	struct op swap = op_of(OP_RENAME, 1, "ma", a);
	struct op drop = op_of(OP_UNLINK, 1, "mb", 0), over;

	swap.dir2 = 1;
	strcpy(swap.name2, "mb");
	swap.victim = b;
	swap.flags = RENAME_EXCHANGE;
	ok(store_is_meant(t.objects, &swap), "an exchange finds its two");
	is_num(run(&swap), 0, "they are exchanged");
	ok(!store_is_meant(t.objects, &swap) &&
	    store_is_done(t.objects, &swap), "a repeat finds it done");

	drop.victim = b;
	ok(!store_is_meant(t.objects, &drop) &&
	    !store_is_done(t.objects, &drop),
	    "an unlink of another object is not meant, and not done");
	drop.victim = a;
	ok(store_is_meant(t.objects, &drop), "that of its own is");
	over = op_of(OP_RENAME, 1, "ma", b);
	over.dir2 = 1;
	strcpy(over.name2, "mb");
	ok(!store_is_meant(t.objects, &over) &&
	    !store_is_done(t.objects, &over),
	    "nor a rename over one it does not know");
	over.victim = a;
	ok(store_is_meant(t.objects, &over), "but over the one it means");
	is_num(run(&over), 0, "it is made");
	ok(!store_is_meant(t.objects, &over) &&
	    store_is_done(t.objects, &over), "and done at a repeat");
}

int
main(void)
{
	if (!tree_up(&t, 1))
		return tree_skip();
	(void)umask(0);
	test_make();
	test_data();
	test_attr();
	test_names();
	test_evidence();
	test_tmpfile();
	test_half_tmpfile();
	test_meant();
	tree_down(&t);
	return tap_done();
}
