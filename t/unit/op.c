/* SPDX-License-Identifier: ISC */
/* Ops on the wire: every type there and back, and what must not get in. */
#include "../../bin/mirrord/op.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "crc32c.h"

#include "../../bin/mirrord/object.h"
#include "../../bin/mirrord/wire.h"

#include "tap.h"

static uint8_t buf[FRAME_MAX_LEN];
static size_t len;

static void
fill(struct op *op, enum op_type type)
{
	memset(op, 0, sizeof(*op));
	op->type = type;
	op->dir = 0x0101;
	op->dir2 = 0x0202;
	op->obj = 0x0100000000000303;
	op->obj2 = 0x0404;
	op->victim = 0x0505;
	strcpy(op->name, "a name");
	strcpy(op->name2, "another");
	op->valid = OPV_MODE | OPV_SIZE;
	op->flags = 1;
	op->mode = 0100644;
	op->uid = 33;
	op->gid = 34;
	op->rdev = 0x501;
	op->off = 4096;
	op->off2 = 8192;
	op->len = 100;
	op->size = 12345678901;
	op->atime.tv_nsec = UTIME_OMIT;
	op->mtime.tv_sec = -5;
	op->mtime.tv_nsec = 999999999;
	op->dir_mtime.tv_sec = 1000;
	op->dir2_mtime.tv_nsec = 77;
	op->data = "some data";
	op->data_len = 9;
}

static int
put(const struct op *op)
{
	struct frame_out f;

	op_put(&f, buf, sizeof(buf), op);
	len = frame_end(&f);
	wire_stamp_seq(buf, 77);
	return len == 0 || len > op_frame_max(op) ? -1 : 0;
}

static int
get(struct op *op)
{
	struct frame_in f;
	struct wire w;

	if (wire_open(&f, &w, buf, len) == -1)
		return -1;
	return op_get(op, &f, w.oid);
}

/* Reads back and writes again: the bytes must be the same. */
static bool
round_trip(enum op_type type)
{
	static uint8_t first[FRAME_MAX_LEN];
	struct op a, b;
	size_t first_len;

	fill(&a, type);
	if (put(&a) == -1)
		return false;
	memcpy(first, buf, len);
	first_len = len;
	if (get(&b) == -1 || b.seq != 77 || b.type != type)
		return false;
	if (op_oid(&b) != op_oid(&a))
		return false;
	/* data points into buf, which is written again */
	b.data = b.data == NULL ? NULL : a.data;
	return put(&b) == 0 && len == first_len &&
	    memcmp(first, buf, len) == 0;
}

static bool
refused(struct op *op)
{
	struct op back;

	return put(op) == 0 && get(&back) == -1;
}

static void
test_names(void)
{
	struct op op;

	fill(&op, OP_CREATE);
	strcpy(op.name, "..");
	ok(refused(&op), "a name of two dots is refused");
	strcpy(op.name, ".");
	ok(refused(&op), "a name of one dot is refused");
	strcpy(op.name, "a/b");
	ok(refused(&op), "a name with a slash is refused");
	strcpy(op.name, "");
	ok(refused(&op), "an empty name is refused");
	memset(op.name, 'x', OP_NAME_MAX);
	op.name[OP_NAME_MAX] = '\0';
	ok(!refused(&op), "a name of 255 bytes is taken");
	fill(&op, OP_RENAME);
	strcpy(op.name2, "../x");
	ok(refused(&op), "the second name is looked at as well");
	fill(&op, OP_SETXATTR);
	strcpy(op.name, "user.a/b");
	ok(!refused(&op), "an xattr's name may hold a slash");
	strcpy(op.name, OID_XATTR);
	ok(refused(&op), "our own xattr is refused");
	fill(&op, OP_UNLINK);
	op.dir = 0;
	ok(refused(&op), "an unlink without directory has no name");
	op.name[0] = '\0';
	ok(!refused(&op), "such an unlink drops a temporary file");
}

static void
test_values(void)
{
	static const char target[4096] = "x";
	struct op op;

	fill(&op, OP_WRITE);
	op.off = INT64_MAX - 3;
	ok(refused(&op), "data beyond the largest offset is refused");
	fill(&op, OP_WRITE);
	op.mtime.tv_nsec = 1000000000;
	ok(refused(&op), "a second of 1e9 ns is refused");
	op.mtime.tv_nsec = UTIME_NOW;
	ok(refused(&op), "the present time must have been resolved");
	fill(&op, OP_SETATTR);
	op.valid = 0x40;
	ok(refused(&op), "an unknown attribute is refused");
	fill(&op, OP_SETATTR);
	op.size = UINT64_MAX;
	ok(refused(&op), "a negative size is refused");
	fill(&op, OP_FALLOCATE);
	op.len = UINT64_MAX;
	ok(refused(&op), "a range without end is refused");
	fill(&op, OP_MKDIR);
	op.obj = 0;
	ok(refused(&op), "object 0 is refused");
	fill(&op, OP_SYMLINK);
	op.data = target;
	op.data_len = sizeof(target);
	ok(refused(&op), "a link target of 4096 bytes is refused");
}

static void
test_shape(void)
{
	struct op op, back;
	size_t full;
	unsigned cut, taken = 0;

	fill(&op, OP_RENAME);
	(void)put(&op);
	full = len;
	for (cut = 1; cut < full; cut++) {
		len = full - cut;
		buf[0] = 0;
		buf[1] = 0;
		buf[2] = (uint8_t)(len >> 8);
		buf[3] = (uint8_t)len;
		if (get(&back) == 0)
			taken++;
	}
	is_num(taken, 0, "no truncated frame is taken");
	(void)put(&op);
	buf[len++] = 0;
	buf[3]++;
	ok(get(&back) == -1, "a frame with a byte too many is refused");
	(void)put(&op);
	buf[5] = 200;
	ok(get(&back) == -1, "an unknown type is refused");
}

static void
test_stamp(void)
{
	struct epoch e = { 1, 7, 2 };
	struct frame_in f;
	struct wire w;
	struct op op;

	fill(&op, OP_SYNC);
	(void)put(&op);
	wire_stamp(buf, 0x1122334455667788, e);
	ok(wire_open(&f, &w, buf, len) == 0 &&
	    w.connection == 0x1122334455667788 &&
	    epoch_cmp(w.epoch, e) == 0 && w.oid == op.obj &&
	    f.sequence == 77, "a stamp sets connection and epoch only");
	ok(op_get(&op, &f, w.oid) == 0, "the fields are untouched");
}

/* The manual has each op by number and name. */
static void
test_page(void)
{
	const char *top = getenv("top_srcdir");
	char path[512], want[64], *page;
	unsigned t;
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/man/holdfast-protocol.7",
	    top == NULL ? "." : top);
	f = fopen(path, "r");
	page = calloc(1, 1 << 18);
	n = f == NULL || page == NULL ? 0 : fread(page, 1, (1 << 18) - 1, f);
	ok(n > 0, "holdfast-protocol(7) is there");
	for (t = OP_WRITE; n > 0 && t <= OP_TMPFILE; t++) {
		(void)snprintf(want, sizeof(want), "\n.It %u Cm %s\n", t,
		    op_name(t));
		ok(strstr(page, want) != NULL, "it has %s", op_name(t));
	}
	if (f != NULL)
		(void)fclose(f);
	free(page);
}

int
main(void)
{
	unsigned t;

	for (t = OP_WRITE; t <= OP_TMPFILE; t++)
		ok(round_trip(t), "%s there and back", op_name(t));
	test_names();
	test_values();
	test_shape();
	test_stamp();
	test_page();
	ok(crc32c(0, "123456789", 9) == 0xe3069283, "crc32c check value");
	return tap_done();
}
