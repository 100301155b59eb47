/* SPDX-License-Identifier: ISC */
/* The pure parts of the comparison: frames, results. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#include "../../bin/mirrord/verify-frame.h"
#include "../../bin/mirrord/verify-list.h"
#include "../../bin/mirrord/verify-look.h"
#include "../../bin/mirrord/wire.h"

static uint8_t buf[FRAME_MAX_LEN];

/* v as the other side reads it; false: it was not taken. */
static bool
pass(struct verify_frame *out, const struct verify_frame *v)
{
	size_t len = verify_frame_put(buf, sizeof(buf), v);
	struct frame_in f;
	struct wire w;

	return len > 0 && wire_open(&f, &w, buf, len) == 0 &&
	    verify_frame_get(out, &f, w.oid) == 0;
}

/* With VERIFY_CORPUS each frame that is made becomes a file there. */
static void
corpus(const char *name)
{
	const char *dir = getenv("VERIFY_CORPUS");
	char path[256];
	size_t len;
	FILE *f;

	if (dir == NULL)
		return;
	len = (size_t)buf[0] << 24 | (size_t)buf[1] << 16 |
	    (size_t)buf[2] << 8 | buf[3];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (f == NULL || fwrite(buf, 1, len, f) != len || fclose(f) != 0)
		printf("# %s: not written\n", path);
}

static void
test_frames(void)
{
	static struct verify_frame v, out;
	static uint8_t list[1024], hash[8 * VB_HASH_LEN];
	struct frame_out names = { .buf = list, .size = sizeof(list) };
	struct frame_in in;
	char name[OP_NAME_MAX + 1];
	uint64_t oid;
	uint32_t type;

	v = (struct verify_frame){ .type = VF_BEGIN, .run = 7 };
	ok(pass(&out, &v) && out.run == 7, "begin");
	corpus("begin");
	ok(verify_list_add(&names, "a \xff", 9, S_IFREG) &&
	    verify_list_add(&names, "b", 0, 0), "names fit");
	v = (struct verify_frame){ .type = VF_NAMES, .oid = 5, .run = 7,
	    .bytes = list, .bytes_len = names.len };
	ok(pass(&out, &v) && out.oid == 5, "names");
	corpus("names");
	verify_list_open(&in, &out);
	ok(verify_list_next(&in, name, &oid, &type) && oid == 9 &&
	    strcmp(name, "a \xff") == 0 && type == S_IFREG, "first");
	ok(verify_list_next(&in, name, &oid, &type) && oid == 0, "second");
	ok(!verify_list_next(&in, name, &oid, &type) && !in.bad, "no third");
	names.size = names.len + 10;
	ok(!verify_list_add(&names, "long", 1, 1) && !names.overflow,
	    "one that does not fit leaves the list as it is");

	v = (struct verify_frame){ .type = VF_DATA, .oid = 5, .off = 1,
	    .len = 2 * VB_BLOCK, .bytes = hash, .bytes_len = 32 };
	ok(pass(&out, &v) && out.len == v.len && out.bytes_len == 32, "data");
	corpus("data");
	v.bytes_len = 16;
	ok(!pass(&out, &v), "a hash is missing");
	v.bytes_len = 32;
	v.off = INT64_MAX;
	ok(!pass(&out, &v), "past the end of any file");
	v = (struct verify_frame){ .type = VF_HOLE, .off = 0, .len = 0 };
	ok(!pass(&out, &v), "an empty hole");
	v.len = 1ull << 40;
	ok(pass(&out, &v), "a large one");
	corpus("hole");
	v = (struct verify_frame){ .type = VF_SUSPECT, .kind = VK_NAME };
	ok(!pass(&out, &v), "a suspicion without a name");
	strcpy(v.name, "a/b");
	ok(!pass(&out, &v), "a path is no name");
	strcpy(v.name, "..");
	ok(!pass(&out, &v), "nor is ..");
	strcpy(v.name, "x");
	ok(pass(&out, &v) && strcmp(out.name, "x") == 0, "a name");
	corpus("suspect");
	v.kind = 9;
	ok(!pass(&out, &v), "of an unknown kind");
	v = (struct verify_frame){ .type = VF_VERDICT, .kind = VK_DATA,
	    .off = 4096, .len = 5, .what = VD_DATA };
	ok(pass(&out, &v) && out.what == VD_DATA, "verdict");
	corpus("verdict");
	v = (struct verify_frame){ .type = VF_ATTR, .oid = 3,
	    .attr = { .mode = S_IFREG | 0644, .mtime = { -5, 999999999 } } };
	ok(pass(&out, &v) && out.attr.mtime.tv_sec == -5 &&
	    out.attr.mtime.tv_nsec == 999999999, "attr");
	corpus("attr");
	v.attr.mtime.tv_nsec = 1000000000;
	ok(!pass(&out, &v), "a second too many");
	v = (struct verify_frame){ .type = VF_END };
	snprintf(v.text, sizeof(v.text), "result state=clean");
	ok(pass(&out, &v) && strcmp(out.text, v.text) == 0, "end");
	corpus("end");
	v = (struct verify_frame){ .type = 110 };
	ok(!pass(&out, &v), "an unknown type");
}

static void
test_attr(void)
{
	struct verify_attr a = { .flags = VA_TIME, .mode = S_IFREG | 0644,
	    .size = 5, .mtime = { 1000, 5 } }, b = a;

	ok(verify_attr_differs(&a, &b) == 0, "equal");
	b.mode = S_IFREG | 0600;
	b.uid = 1;
	b.size = 6;
	b.mtime.tv_nsec = 6;
	b.xattrs[3] = 1;
	ok(verify_attr_differs(&a, &b) == (VD_MODE | VD_OWNER | VD_SIZE |
	    VD_TIME | VD_XATTR), "each is seen");
	b = a;
	b.mtime.tv_nsec = 0;
	ok(verify_attr_differs(&a, &b) == 0, "whole seconds are enough");
	b.mtime.tv_sec = 999;
	ok(verify_attr_differs(&a, &b) == VD_TIME, "other seconds are not");
	b.flags = 0;
	ok(verify_attr_differs(&a, &b) == 0, "a time that does not count");
	b = a;
	b.mode = S_IFDIR | 0755;
	ok(verify_attr_differs(&a, &b) == VD_TYPE, "another type says all");
	a.mode = S_IFLNK | 0777;
	b.mode = S_IFLNK | 0755;
	ok(verify_attr_differs(&a, &b) == 0, "links have no mode");
}

static void
test_words(void)
{
	char text[VERIFY_WHAT_MAX];

	ok(strcmp(verify_what_str(text, VD_DATA | VD_MODE), "data,mode") == 0,
	    "words");
	ok(verify_what_parse("data,mode") == (VD_DATA | VD_MODE), "and back");
	ok(verify_what_parse("data,later,more") == (VD_DATA | VD_MORE),
	    "a word of another version is left out");
	verify_what_str(text, 0xffff);
	ok(verify_what_parse(text) == 0xffff, "all of them: %s", text);
}

static int
count_item(const struct dirty_item *i, void *arg)
{
	unsigned *seen = arg;

	seen[0]++;
	seen[1] += i->name_count;
	seen[2] += i->whole;
	seen[3] += i->all_names;
	return 0;
}

static void
test_result(int dirfd)
{
	struct verify_result r = { .state = VS_DIFFERS, .begin_s = 5,
	    .end_s = 9, .objects = 100, .bytes = 1ull << 40 }, back;
	char path[] = "/d/a\n \"x\xff";
	struct verify_diff d = { .oid = 7, .off = 0, .len = VB_BLOCK,
	    .what = VD_DATA, .path = path };
	unsigned i, seen[4] = { 0 };
	struct dirtyset *set;

	snprintf(r.primary, sizeof(r.primary), "n1");
	snprintf(r.epoch, sizeof(r.epoch), "0.7.1");
	verify_result_add(&r, &d);
	d.off = VB_BLOCK;
	verify_result_add(&r, &d);
	ok(r.differences == 1 && r.diff[0].len == 2 * VB_BLOCK,
	    "neighbours are one");
	d.off = 10 * VB_BLOCK;
	verify_result_add(&r, &d);
	ok(r.differences == 2, "others are not");
	d = (struct verify_diff){ .dir = 1, .what = VD_EXTRA, .path = path };
	verify_result_add(&r, &d);
	d = (struct verify_diff){ .oid = 8, .dir = 2,
	    .what = VD_EXTRA | VD_MORE, .path = path };
	verify_result_add(&r, &d);
	ok(verify_list_save(dirfd, &r) == 0, "saved");
	ok(verify_list_load(dirfd, &back) == 0 && back.listed == 4 &&
	    back.state == VS_DIFFERS && back.bytes == 1ull << 40 &&
	    strcmp(back.epoch, "0.7.1") == 0 &&
	    strcmp(back.diff[1].path, path) == 0 &&
	    back.diff[1].off == 10 * VB_BLOCK, "and read");
	set = dirtyset_new();
	(void)verify_result_dirty(&back, set);
	(void)dirtyset_walk(set, count_item, seen);
	ok(seen[0] == 4 && seen[1] == 1 && seen[2] == 2 && seen[3] == 1,
	    "what a resync looks at: %u objects, %u names, %u whole, %u "
	    "listed", seen[0], seen[1], seen[2], seen[3]);
	dirtyset_free(set);
	verify_result_fini(&back);
	for (i = 0; i < VERIFY_LIST_MAX; i++) {
		d.off = 2 * VB_BLOCK * (uint64_t)i;
		verify_result_add(&r, &d);
	}
	ok(r.differences == VERIFY_LIST_MAX + 4 && r.listed ==
	    VERIFY_LIST_MAX, "the list is bounded");
	set = dirtyset_new();
	is_num(verify_result_dirty(&r, set), 0, "it can be put right");
	ok(dirtyset_is_all(set), "then everything is compared");
	r.diff[0].what |= VD_READ_P;
	is_num(verify_result_dirty(&r, set), -EIO,
	    "not by a primary that cannot read it");
	r.diff[0].what &= ~VD_READ_P;
	dirtyset_free(set);
	ok(verify_list_save(dirfd, &r) == 0 &&
	    verify_list_load(dirfd, &back) == 0 &&
	    back.differences == r.differences, "and saved as it is");
	verify_result_fini(&back);
	verify_result_fini(&r);
}

static void
test_damage(int dirfd)
{
	struct verify_result r;
	struct stat st;
	int fd = openat(dirfd, "verify", O_RDWR);

	ok(fstat(fd, &st) == 0 && st.st_size == (off_t)VERIFY_FILE_LEN,
	    "of its fixed size");
	ok(pwrite(fd, "x", 1, 100) == 1 &&
	    verify_list_load(dirfd, &r) == -EBADMSG && r.state == VS_NONE,
	    "damaged is none");
	(void)close(fd);
	ok(unlinkat(dirfd, "verify", 0) == 0 &&
	    verify_list_load(dirfd, &r) == -ENOENT, "absent is none");
}

int
main(void)
{
	char dir[] = "/tmp/verify.XXXXXX";
	int fd;

	test_frames();
	test_attr();
	test_words();
	ok(mkdtemp(dir) != NULL, "directory");
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	test_result(fd);
	test_damage(fd);
	(void)close(fd);
	(void)rmdir(dir);
	return tap_done();
}
