/* SPDX-License-Identifier: ISC */
/* The durable record: torn and rotten slots, what is new, pure changes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../bin/mirrord/gen.h"
#include "scratch.h"
#include "tap.h"

static struct gen
sample(void)
{
	struct gen g = { .fence = { 1, 7, 2 }, .epoch = { 1, 6, 1 },
	    .role = GR_SECOND, .since = { 0, 5, 1 }, .level = true,
	    .unclean = true, .handed = { 1, 7, 2 }, .handed_to = 2,
	    .clean_stop_ns = -5, .session = 1ull << 40, .peer_session = 9,
	    .oid_next = 1ull << 33, .store_number = 3,
	    .peer_store_number = 65535, .peer_durable = 77 };
	unsigned i;

	gen_uuid_random(&g.current);
	gen_uuid_random(&g.base);
	for (i = 0; i < GEN_HISTORY; i++)
		gen_uuid_random(&g.history[i]);
	g.voter[7] = (struct epoch){ 3, 2, 1 };
	return g;
}

static bool
same(const struct gen *a, const struct gen *b)
{
	uint8_t x[GEN_ENCODED_LEN], y[GEN_ENCODED_LEN];

	gen_encode(x, a);
	gen_encode(y, b);
	return memcmp(x, y, sizeof(x)) == 0;
}

static void
test_encoding(void)
{
	uint8_t raw[GEN_ENCODED_LEN];
	struct gen a = sample(), b;

	gen_encode(raw, &a);
	ok(gen_decode(&b, raw) == 0 && same(&a, &b) &&
	    b.peer_store_number == 65535 && b.clean_stop_ns == -5 &&
	    epoch_cmp(b.voter[7], a.voter[7]) == 0, "encode and decode");
	raw[53] = 9;
	ok(gen_decode(&b, raw) == -1, "an unknown role is refused");
	raw[53] = 1;
	raw[54] = 0x80;
	ok(gen_decode(&b, raw) == -1, "an unknown flag is refused");
}

static void
test_file(void)
{
	struct gen g, h, old;
	struct gen_file *f;
	unsigned i, torn = 0;
	uint8_t junk = 0x55;
	int d = scratch_up(), fd;

	f = gen_open(d, "m", 1);
	ok(f != NULL && gen_is_new(f), "a new file is new");
	ok(!gen_was_written(d, "m", 1), "and was never written");
	old = sample();
	ok(gen_write(f, &old) == 0 && !gen_is_new(f), "write");
	gen_close(f);
	f = gen_open(d, "m", 1);
	gen_read(f, &h);
	ok(same(&h, &old) && !gen_is_new(f) && gen_was_written(d, "m", 1),
	    "it is there again");
	gen_close(f);
	ok(gen_open(d, "m", 2) == NULL && errno == EBADMSG,
	    "another node's record is refused");
	ok(gen_open(d, "n", 1) == NULL && errno == EBADMSG,
	    "another module's record is refused");

	/* Each write tears at some byte: the record before it stands. */
	fd = openat(d, "gen", O_RDWR);
	for (i = 0; i < 40; i++) {
		uint8_t before[8192], after[8192];
		uint64_t at;

		(void)!pread(fd, before, sizeof(before), 0);
		g = sample();
		g.session = i;
		f = gen_open(d, "m", 1);
		gen_read(f, &old);
		(void)gen_write(f, &g);
		gen_close(f);
		(void)!pread(fd, after, sizeof(after), 0);
		at = memcmp(before, after, 4096) != 0 ? 0 : 4096;
		/* Only the first part reached the disk. */
		(void)!pwrite(fd, before + at + 8 + i * 20,
		    4096 - 8 - i * 20, (off_t)(at + 8 + i * 20));
		f = gen_open(d, "m", 1);
		if (f == NULL)
			break;
		gen_read(f, &h);
		torn += same(&h, &old) || same(&h, &g);
		gen_close(f);
	}
	is_num(torn, 40, "a torn write leaves the old or the new record");
	(void)!pwrite(fd, &junk, 1, 1000);
	(void)!pwrite(fd, &junk, 1, 4096 + 1000);
	ok(gen_open(d, "m", 1) == NULL && errno == EBADMSG,
	    "two bad slots are an error");
	ok(gen_was_written(d, "m", 1), "and count as written");
	ok(gen_create(d, "m", 1) == 0 && (f = gen_open(d, "m", 1)) != NULL &&
	    !gen_is_new(f), "made anew, it is not new");
	gen_close(f);
	close(fd);
	close(openat(d, "al", O_CREAT | O_WRONLY, 0600));
	unlinkat(d, "gen", 0);
	ok(gen_open(d, "m", 1) == NULL && errno == EBADMSG,
	    "a log without gen: it was lost");
	scratch_down(d);
}

static void
test_pure(void)
{
	struct gen g = { 0 }, t = { 0 };
	struct gen_uuid u[4];
	char s[GEN_UUID_STR];
	unsigned i;

	for (i = 0; i < 4; i++)
		gen_uuid_random(&u[i]);
	gen_begin(&g, &u[0]);
	ok(gen_uuid_is_none(&g.base) && gen_uuid_is_none(&g.history[0]) &&
	    gen_uuid_equal(&g.current, &u[0]), "the first generation");
	gen_begin(&g, &u[1]);
	ok(gen_uuid_equal(&g.base, &u[0]) &&
	    gen_uuid_equal(&g.history[0], &u[0]), "base is what was left");
	gen_begin(&g, &u[2]);
	ok(gen_uuid_equal(&g.base, &u[0]) &&
	    gen_uuid_equal(&g.history[0], &u[1]) &&
	    gen_uuid_equal(&g.history[1], &u[0]),
	    "alone again: base stays, history grows");
	t.current = u[0];
	t.alone = true;
	gen_target(&t, &g.current);
	ok(gen_uuid_equal(&t.resyncing, &u[2]) && !t.level && !t.alone &&
	    gen_uuid_equal(&t.current, &u[0]), "target: not level");
	gen_follow(&t, &g);
	ok(t.level && gen_uuid_equal(&t.current, &u[2]) &&
	    gen_uuid_is_none(&t.resyncing) && gen_uuid_is_none(&t.base) &&
	    gen_uuid_equal(&t.history[1], &u[0]), "joined: the same chain");
	gen_joined(&g);
	ok(gen_uuid_is_none(&g.base), "source: base is over");
	gen_target(&t, &u[3]);
	gen_begin(&t, &u[3]);
	ok(t.dirty_all, "a forced half copy needs a full comparison");
	is_num(strlen(gen_uuid_str(s, &u[0])), 36, "length of a UUID");
	ok(s[14] == '4', "version 4");
}

int
main(void)
{
	test_encoding();
	test_file();
	test_pure();
	return tap_done();
}
