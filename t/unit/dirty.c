/* SPDX-License-Identifier: ISC */
/* The set of what the peer lacks and its log: every op, bounds, replay. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../bin/mirrord/dirty.h"
#include "scratch.h"
#include "tap.h"

static uint64_t rng = 88172645463325252u;

static unsigned
rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 11) % n);
}

/* ---- a set as text ---- */

static char text[1 << 22];
static size_t text_len;

static void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text + text_len, sizeof(text) - text_len, fmt, ap);
	va_end(ap);
	if (n > 0)
		text_len += (size_t)n;
}

static int
say_item(const struct dirty_item *it, void *arg)
{
	unsigned i, k, bits;

	(void)arg;
	say("%llx%s%s%s", (unsigned long long)it->oid, it->whole ? " W" : "",
	    it->attr ? " A" : "", it->all_names ? " D" : "");
	if (it->tail_from != UINT64_MAX)
		say(" t%llu", (unsigned long long)it->tail_from);
	for (i = 0; i < it->name_count; i++)
		say(" n%s", it->name[i]);
	for (i = 0; it->buckets != NULL && i < 256; i++)
		if ((it->buckets[i / 8] & 1 << (i & 7)) != 0)
			say(" b%u", i);
	for (i = 0; i < it->extent_count; i++) {
		for (bits = 0, k = 0; k < 128; k++)
			bits += (unsigned)__builtin_popcount(it->bitmap[i][k]) *
			    (k + 1);
		say(" e%llu:%u", (unsigned long long)it->extent[i], bits);
	}
	say("\n");
	return 0;
}

static const char *
dump(const struct dirtyset *d)
{
	unsigned i;

	text_len = 0;
	text[0] = '\0';
	if (dirtyset_is_all(d))
		say("all\n");
	for (i = 0; dirtyset_marks(d, i) != 0; i++)
		say("m%llx\n", (unsigned long long)dirtyset_marks(d, i));
	(void)dirtyset_walk(d, say_item, NULL);
	return text;
}

static const char *
noted(struct op op)
{
	static struct dirtyset *d;

	dirtyset_free(d);
	d = dirtyset_new();
	dirtyset_note(d, &op);
	return dump(d);
}

static void
test_ops(void)
{
	is_str(noted((struct op){ .type = OP_WRITE, .obj = 0x300,
	    .off = 4095, .data_len = 2 }), "300 e0:2\n", "write: two blocks");
	is_str(noted((struct op){ .type = OP_WRITE, .obj = 0x300,
	    .off = ACTLOG_EXTENT - 1, .data_len = 2 }),
	    "300 e0:128 e1:1\n", "write over an extent's end");
	is_str(noted((struct op){ .type = OP_SYNC, .obj = 0x300 }), "",
	    "sync changes nothing");
	is_str(noted((struct op){ .type = OP_CREATE, .dir = 1, .name = "x",
	    .obj = 0x300 }), "1 nx\n300 W\n", "create");
	is_str(noted((struct op){ .type = OP_MKDIR, .dir = 1, .name = "x",
	    .obj = 0x300 }), "1 nx\n300 W\n", "mkdir");
	is_str(noted((struct op){ .type = OP_MKNOD, .dir = 1, .name = "x",
	    .obj = 0x300 }), "1 nx\n300 W\n", "mknod");
	is_str(noted((struct op){ .type = OP_SYMLINK, .dir = 1, .name = "x",
	    .obj = 0x300 }), "1 nx\n300 W\n", "symlink");
	is_str(noted((struct op){ .type = OP_LINK, .dir = 1, .name = "x",
	    .obj = 0x300 }), "1 nx\n300 A\n", "link");
	is_str(noted((struct op){ .type = OP_UNLINK, .dir = 1, .name = "x",
	    .victim = 0x300 }), "1 nx\n", "unlink");
	is_str(noted((struct op){ .type = OP_RMDIR, .dir = 1, .name = "x",
	    .victim = 0x300 }), "1 nx\n", "rmdir");
	is_str(noted((struct op){ .type = OP_RENAME, .dir = 1, .name = "x",
	    .dir2 = 0x400, .name2 = "y", .obj = 0x300 }),
	    "1 nx\n400 ny\n", "rename: both names");
	is_str(noted((struct op){ .type = OP_SETATTR, .obj = 0x300,
	    .valid = OPV_MODE }), "300 A\n", "chmod");
	is_str(noted((struct op){ .type = OP_SETATTR, .obj = 0x300,
	    .valid = OPV_SIZE, .size = 5000 }), "300 A t5000\n", "truncate");
	is_str(noted((struct op){ .type = OP_FALLOCATE, .obj = 0x300,
	    .flags = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    .off = 4096, .len = 4096 }), "300 A e0:1\n", "punch");
	is_str(noted((struct op){ .type = OP_FALLOCATE, .obj = 0x300,
	    .off = 0, .len = 4096 }), "300 A\n", "allocate: size only");
	is_str(noted((struct op){ .type = OP_FALLOCATE, .obj = 0x300,
	    .flags = FALLOC_FL_ZERO_RANGE, .off = 8192, .len = 1ull << 40 }),
	    "300 A t8192\n", "a huge range is a tail");
	is_str(noted((struct op){ .type = OP_COPY, .obj = 0x300, .off = 0,
	    .obj2 = 0x301, .off2 = 0, .len = 1 }), "301 e0:1\n",
	    "copy: the destination");
	is_str(noted((struct op){ .type = OP_SETXATTR, .obj = 0x300 }),
	    "300 A\n", "setxattr");
	is_str(noted((struct op){ .type = OP_REMOVEXATTR, .obj = 0x300 }),
	    "300 A\n", "removexattr");
	is_str(noted((struct op){ .type = OP_TMPFILE, .dir = 1,
	    .obj = 0x300 }), "300 W\n", "tmpfile: no name yet");
}

static void
test_set(void)
{
	struct actlog_slot slot[] = {
		{ AK_DATA, 0x300, 2 }, { AK_TAIL, 0x301, 4096 },
		{ AK_ATTR, 0x302, 0 }, { AK_NAMES, 1, 17 },
		{ AK_MARK, 0x10000000500, 0 },
	};
	struct dirtyset *d = dirtyset_new(), *e = dirtyset_new();
	char name[32];
	unsigned i;

	dirtyset_slots(d, slot, 5);
	is_str(dump(d), "m10000000500\n1 b17\n300 e2:66048\n301 t4096\n302 A\n",
	    "activity records");
	ok(dirtyset_is_new(d, 0x10000000500) && !dirtyset_is_new(d,
	    0x100000004ff) && !dirtyset_is_new(d, 0x20000000600),
	    "new is from the mark on, in its store");
	is_num(dirtyset_bytes(d), ACTLOG_EXTENT, "bytes");
	dirtyset_whole(d, 0x300);
	is_num(dirtyset_bytes(d), 0, "whole counts no bits");
	dirtyset_data(d, 0x300, 0, 1);
	is_num(dirtyset_bytes(d), 0, "nor gets any");
	for (i = 0; i < 4097; i++) {
		snprintf(name, sizeof(name), "f%u", i * 7919 % 4097);
		dirtyset_name(d, 1, name);
	}
	ok(strstr(dump(d), "\n1 D\n") != NULL, "4097 names: the directory");
	dirtyset_remove(d, 1);
	dirtyset_remove(d, 0x300);
	dirtyset_remove(d, 0x999);
	is_str(dump(d), "m10000000500\n301 t4096\n302 A\n", "removed");
	dirtyset_name(e, 0x301, "a");
	dirtyset_name(e, 0x301, "a");
	dirtyset_tail(e, 0x301, 100);
	dirtyset_data(e, 0x302, 0, 4096);
	dirtyset_bucket(e, 0x302, 255);
	dirtyset_merge(d, e);
	is_str(dump(d), "m10000000500\n301 t100 na\n302 A b255 e0:1\n",
	    "merged");
	dirtyset_all(d);
	dirtyset_data(d, 5, 0, 1);
	is_str(dump(d), "all\n", "all swallows details");
	dirtyset_merge(e, d);
	ok(dirtyset_is_all(e), "and spreads");
	dirtyset_clear(e);
	ok(dirtyset_is_empty(e), "clear");
	dirtyset_free(d);
	dirtyset_free(e);
}

/* ---- the log ---- */

static void
fill(struct dirtyset *d, unsigned n)
{
	char name[300];

	while (n-- > 0) {
		uint64_t oid = 1000 + rnd(300);

		switch (rnd(8)) {
		case 0:
			dirtyset_whole(d, oid);
			break;
		case 1:
			dirtyset_attr(d, oid);
			break;
		case 2:
			memset(name, 'x', 255);
			snprintf(name + rnd(250), 6, "%u", rnd(100));
			dirtyset_name(d, oid, name);
			break;
		case 3:
			dirtyset_tail(d, oid, rnd(1u << 30));
			break;
		case 4:
			dirtyset_bucket(d, oid, rnd(256));
			break;
		case 5:
			dirtyset_data(d, oid, (uint64_t)rnd(9) *
			    ACTLOG_EXTENT, 3 * ACTLOG_EXTENT);
			break;
		default:
			dirtyset_data(d, oid, (uint64_t)rnd(1u << 30),
			    rnd(100000));
			break;
		}
	}
}

static bool
replay_is(int d, const struct dirtyset *want)
{
	struct dirtyset *got = dirtyset_new();
	struct dirty *log = dirty_open(d, "m", 1, got);
	char *w = strdup(dump(want));
	bool same;

	same = log != NULL && strcmp(w, dump(got)) == 0;
	dirty_close(log);
	dirtyset_free(got);
	free(w);
	return same;
}

static void
test_log(void)
{
	struct dirtyset *all = dirtyset_new(), *delta;
	struct dirty *log;
	unsigned i, good = 0;
	struct stat st, st2;
	int d = scratch_up();

	log = dirty_open(d, "m", 1, all);
	ok(log != NULL && dirtyset_is_empty(all), "new and empty");
	fstatat(d, "dirty", &st, 0);
	dirtyset_mark(all, 0x10000000005);
	for (i = 0; i < 30; i++) {
		delta = dirtyset_new();
		dirtyset_mark(delta, 0x10000000005);
		fill(delta, 1 + rnd(60));
		good += dirty_append(log, delta) == 0;
		dirtyset_merge(all, delta);
		dirtyset_free(delta);
		if (i % 5 == 0) {
			dirty_close(log);
			good += replay_is(d, all);
			delta = dirtyset_new();
			log = dirty_open(d, "m", 1, delta);
			dirtyset_free(delta);
		}
	}
	is_num(good, 36, "appended and replayed");
	is_num(dirty_replace(log, all), 0, "compacted");
	dirty_close(log);
	ok(replay_is(d, all), "the same after compaction");
	fstatat(d, "dirty", &st2, 0);
	ok(st.st_size == st2.st_size && st.st_blocks == st2.st_blocks,
	    "the file did not grow");
	delta = dirtyset_new();
	log = dirty_open(d, "m", 1, delta);
	dirtyset_clear(delta);
	is_num(dirty_replace(log, delta), 0, "emptied");
	dirty_close(log);
	ok(replay_is(d, delta), "empty");
	dirtyset_free(delta);
	dirtyset_free(all);
	scratch_down(d);
}

/* More than fits: it turns coarser, and never loses an object. */
static int
covered_item(const struct dirty_item *it, void *arg)
{
	(void)it;
	++*(unsigned *)arg;
	return 0;
}

static void
test_full(void)
{
	struct dirtyset *all = dirtyset_new(), *delta, *got;
	struct dirty *log;
	unsigned i, k, n = 0;
	char name[256];
	int d = scratch_up();

	log = dirty_open(d, "m", 1, all);
	for (i = 0; i < 40; i++) {
		delta = dirtyset_new();
		for (k = 0; k < 4000; k++)
			dirtyset_data(delta, 5000 + k / 20,
			    (uint64_t)(i * 20 + k % 20) * ACTLOG_EXTENT,
			    4096);
		if (dirty_append(log, delta) != 0)
			n = 9999;
		dirtyset_free(delta);
	}
	dirty_close(log);
	got = dirtyset_new();
	log = dirty_open(d, "m", 1, got);
	n = 0;
	(void)dirtyset_walk(got, covered_item, &n);
	ok(log != NULL && !dirtyset_is_all(got) && n == 200,
	    "160,000 extents: files turn whole, all 200 are there");
	dirtyset_free(got);
	for (i = 0; i < 40; i++) {
		delta = dirtyset_new();
		for (k = 0; k < 4000; k++) {
			snprintf(name, sizeof(name), "%0200u", k);
			dirtyset_name(delta, 90000 + i, name);
		}
		(void)dirty_append(log, delta);
		dirtyset_free(delta);
	}
	dirty_close(log);
	got = dirtyset_new();
	log = dirty_open(d, "m", 1, got);
	n = 0;
	(void)dirtyset_walk(got, covered_item, &n);
	ok(!dirtyset_is_all(got) && n == 240, "names turn to directories");
	dirtyset_clear(got);
	for (i = 0; i < 1900000; i++)
		dirtyset_attr(got, 1000000 + i);
	is_num(dirty_append(log, got), 0, "1.9 million objects");
	dirty_close(log);
	dirtyset_clear(got);
	log = dirty_open(d, "m", 1, got);
	ok(log != NULL && dirtyset_is_all(got), "turn to everything");
	dirtyset_clear(got);
	dirtyset_attr(got, 7);
	ok(dirty_append(log, got) == 0 && dirty_replace(log, got) == 0,
	    "until it is replaced");
	dirty_close(log);
	ok(replay_is(d, got), "by what there is now");
	dirtyset_free(got);
	dirtyset_free(all);
	scratch_down(d);
}

/* A write cut at any block leaves at least what was acknowledged. */
static void
test_damage(void)
{
	static uint8_t before[64 * 4096], after[64 * 4096];
	struct dirtyset *all = dirtyset_new(), *delta, *got;
	unsigned i, cut, good = 0, tries = 0;
	struct dirty *log;
	char *full;
	int d = scratch_up(), fd;

	log = dirty_open(d, "m", 1, all);
	fd = openat(d, "dirty", O_RDWR);
	for (i = 0; i < 12; i++) {
		delta = dirtyset_new();
		fill(delta, 200);
		(void)!pread(fd, before, sizeof(before), 0);
		(void)dirty_append(log, delta);
		dirtyset_merge(all, delta);
		dirtyset_free(delta);
		full = strdup(dump(all));
		(void)!pread(fd, after, sizeof(after), 0);
		for (cut = 2; cut < 64; cut++) {
			if (memcmp(before + cut * 4096, after + cut * 4096,
			    4096) == 0)
				continue;
			/* Header and what is from the cut on: as before, the
			 * block at the cut half written. */
			(void)!pwrite(fd, after, sizeof(after), 0);
			(void)!pwrite(fd, before, 8192, 0);
			(void)!pwrite(fd, before + cut * 4096,
			    (64 - cut) * 4096, cut * 4096);
			(void)!pwrite(fd, after + cut * 4096, 1000,
			    cut * 4096);
			tries++;
			got = dirtyset_new();
			dirty_close(dirty_open(d, "m", 1, got));
			/* Merging what was acknowledged adds nothing. */
			delta = dirtyset_new();
			dirtyset_merge(delta, got);
			dirtyset_merge(delta, all);
			good += strcmp(dump(delta), full) == 0 &&
			    !dirtyset_is_empty(got) == (i > 0 || cut > 2);
			dirtyset_free(delta);
			dirtyset_free(got);
		}
		(void)!pwrite(fd, after, sizeof(after), 0);
		free(full);
	}
	is_num(good, tries, "cut at every block");
	dirty_close(log);
	after[5 * 4096 + 2000] ^= 4;
	(void)!pwrite(fd, after, sizeof(after), 0);
	ok(dirty_open(d, "m", 1, all) == NULL && errno == EBADMSG,
	    "an acknowledged block that is bad: rot");
	after[5 * 4096 + 2000] ^= 4;
	after[100] ^= 1;
	after[4096 + 100] ^= 1;
	(void)!pwrite(fd, after, sizeof(after), 0);
	ok(dirty_open(d, "m", 1, all) == NULL && errno == EBADMSG,
	    "two bad headers: rot");
	ok(dirty_create(d, "m", 1) == 0, "made anew");
	dirtyset_clear(all);
	ok(replay_is(d, all), "and empty");
	close(fd);
	dirtyset_free(all);
	scratch_down(d);
}

int
main(void)
{
	test_ops();
	test_set();
	test_log();
	test_full();
	test_damage();
	return tap_done();
}
