/* SPDX-License-Identifier: ISC */
/* The value of a register: its form, and that wire and text bring it back. */

#include "register.h"

#include "tap.h"

static struct reg_value
make(void)
{
	struct reg_value v = { .epoch = { 0, 7, 1 }, .primary = 1 };
	unsigned i;

	(void)reg_member_add(&v, 2, (struct epoch){ 0, 5, 1 });
	(void)reg_member_add(&v, 1, (struct epoch){ 0, 3, 1 });
	(void)reg_voter_set(&v, "n1", 0x0123456789abcdef);
	(void)reg_voter_set(&v, "n2", 0);
	(void)reg_voter_set(&v, "w1", UINT64_MAX);
	for (i = 0; i < REG_GENERATION_LEN; i++)
		v.generation[i] = (uint8_t)(i * 17);
	return v;
}

/* As large as it gets. */
static struct reg_value
make_full(void)
{
	struct reg_value v = { .epoch = { UINT32_MAX, UINT64_MAX, 255 },
	    .primary = 255, .forced = true };
	char name[CLUSTER_NAME_LEN];
	unsigned i;

	for (i = 0; i < REG_MEMBER_MAX; i++)
		(void)reg_member_add(&v, (uint8_t)(255 - i), v.epoch);
	for (i = 0; i < REG_VOTER_MAX; i++) {
		memset(name, 'a' + (int)i, sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		(void)reg_voter_set(&v, name, UINT64_MAX - i);
	}
	v.old_voter_count = v.voter_count;
	memcpy(v.old_voter, v.voter, sizeof(v.old_voter));
	memset(v.old_voter[3].name, 'z', CLUSTER_NAME_LEN - 1);
	memset(v.generation, 0xff, sizeof(v.generation));
	memset(v.who, '"', sizeof(v.who) - 1);
	return v;
}

static void
test_form(void)
{
	struct reg_value v = make(), w;

	ok(reg_value_ok(&v), "a value is well formed");
	ok(!reg_value_is_none(&v), "and is something");
	ok(v.member[0].node == 1 && v.member[1].node == 2,
	    "members stand in order");
	ok(reg_member_add(&v, 2, v.epoch) && v.member_count == 2 &&
	    reg_member(&v, 2)->since.n == 5, "who is a member keeps its since");
	ok(reg_has_member(&v, 2) && !reg_has_member(&v, 3) &&
	    !reg_has_member(&v, 0), "who is a member");
	is_num(reg_voter_index(&v, "w1"), 2, "a voter by name");
	is_num(reg_voter_index(&v, "w2"), -1, "no such voter");

	w = v;
	ok(reg_value_equal(&v, &w), "a copy is equal");
	w.member[1].since.n++;
	ok(!reg_value_equal(&v, &w), "another since is another value");
	w = v;
	w.voter[1].id = 5;
	ok(!reg_value_equal(&v, &w), "another voter id is another value");
	w = v;
	w.forced = true;
	ok(!reg_value_equal(&v, &w), "forced is another value");

	memset(&w, 0, sizeof(w));
	ok(reg_value_is_none(&w) && !reg_value_ok(&w), "none is no value");
	w = v;
	reg_member_only(&w, 1, w.epoch);
	ok(reg_value_ok(&w) && w.member_count == 1 && !reg_has_member(&w, 2) &&
	    reg_member(&w, 1)->since.n == 7, "a set of one");
	w.primary = 2;
	ok(!reg_value_ok(&w), "a primary outside the set is refused");
	w = v;
	w.member[0].since.n = 8;
	ok(!reg_value_ok(&w), "a member since a later epoch is refused");
	w = v;
	w.member[1].node = 1;
	ok(!reg_value_ok(&w), "a member twice is refused");
	w = v;
	memcpy(w.voter[1].name, "n1", 3);
	ok(!reg_value_ok(&w), "a voter twice is refused");
	w = v;
	memcpy(w.who, "a\nb", 4);
	ok(!reg_value_ok(&w), "a text with a newline is refused");
	reg_who_set(&w, "root:\nwhy\x7f");
	is_str(w.who, "root: why ", "reg_who_set() makes blanks of those");
}

static void
test_voters(void)
{
	struct reg_value v = make();
	char name[16];
	unsigned i;

	ok(reg_voter_set(&v, "n2", 9) && v.voter_count == 3 &&
	    v.voter[1].id == 9, "a voter gets an id");
	reg_voter_drop(&v, "n1");
	ok(v.voter_count == 2 && strcmp(v.voter[0].name, "n2") == 0 &&
	    strcmp(v.voter[1].name, "w1") == 0 &&
	    v.voter[2].name[0] == '\0' && v.voter[2].id == 0,
	    "one that is dropped leaves nothing");
	reg_voter_drop(&v, "nobody");
	is_num(v.voter_count, 2, "who is not there is not dropped");
	ok(!reg_voter_set(&v, "a b", 1) && !reg_voter_set(&v, "", 1) &&
	    !reg_voter_set(&v, "a,b", 1) && !reg_voter_set(&v, "a:b", 1),
	    "what is no name is no voter");
	for (i = 0; v.voter_count < REG_VOTER_MAX; i++) {
		(void)snprintf(name, sizeof(name), "x%u", i);
		if (!reg_voter_set(&v, name, i))
			break;
	}
	ok(!reg_voter_set(&v, "more", 1), "no more than %d voters",
	    REG_VOTER_MAX);
	for (i = 3; v.member_count < REG_MEMBER_MAX; i++)
		(void)reg_member_add(&v, (uint8_t)i, v.epoch);
	ok(!reg_member_add(&v, 200, v.epoch), "no more than %d members",
	    REG_MEMBER_MAX);
}

static void
test_old(void)
{
	struct reg_value v = make(), w;

	v.old_voter_count = v.voter_count;
	memcpy(v.old_voter, v.voter, sizeof(v.old_voter));
	v.old_voter[2].id = 7;
	w = v;
	ok(reg_value_ok(&v), "one voter has a new store");
	w.old_voter[1].id = 7;
	ok(!reg_value_ok(&w) && !reg_value_equal(&v, &w),
	    "two at a time are no change of voters");
	w = v;
	w.voter_count = 2;
	ok(reg_value_ok(&w), "one goes");
	w = v;
	w.old_voter_count = 1;
	ok(!reg_value_ok(&w), "two come");
	w = v;
	memcpy(w.old_voter[1].name, "n1", 3);
	ok(!reg_value_ok(&w), "an old voter has a name of its own");
}

static size_t
build(uint8_t *buf, size_t size, const struct reg_value *v)
{
	struct frame_out o;

	frame_begin(&o, buf, size, 1, 0, 0);
	reg_value_put(&o, v);
	return frame_end(&o);
}

static void
test_wire(const struct reg_value *v, const char *name)
{
	uint8_t buf[2048], short_buf[2048];
	struct frame_in f;
	struct reg_value got;
	struct frame_out o;
	size_t len, cut;
	unsigned good = 0;

	len = build(buf, sizeof(buf), v);
	ok(len > 0 && len <= FRAME_HEADER_LEN + REG_VALUE_LEN,
	    "%s: %zu bytes of at most %d", name, len - FRAME_HEADER_LEN,
	    REG_VALUE_LEN);
	ok(frame_open(&f, buf, len) == 0 && reg_value_get(&f, &got) == 0 &&
	    frame_done(&f) && reg_value_equal(v, &got),
	    "%s: comes back by wire", name);
	for (cut = FRAME_HEADER_LEN; cut < len; cut++) {
		frame_begin(&o, short_buf, sizeof(short_buf), 1, 0, 0);
		frame_put_raw(&o, buf + FRAME_HEADER_LEN,
		    cut - FRAME_HEADER_LEN);
		(void)frame_end(&o);
		if (frame_open(&f, short_buf, cut) == 0 &&
		    reg_value_get(&f, &got) == 0)
			good++;
		else if (!reg_value_is_none(&got))
			good++;
	}
	is_num(good, 0, "%s: no shorter one does", name);
}

static void
test_text(const struct reg_value *v, const char *name)
{
	char text[REG_TEXT_LEN], again[REG_TEXT_LEN];
	struct reg_value got;
	const char *why = "?";

	reg_value_text(text, v);
	ok(reg_value_parse(&got, text, &why) == 0 && reg_value_equal(v, &got),
	    "%s: comes back by text (%s)", name, why != NULL ? why : "good");
	reg_value_text(again, &got);
	is_str(again, text, "%s: and is written the same", name);
}

static const char *const bad_text[] = {
	"",
	"voter epoch=0.7.1",
	"value epoch=0.7.1 primary=1 set=1 since=0.1.1 voters=\"\"",
	"value epoch=0.7.1 primary=1 set=1,2 since=0.1.1 voters=\"\" "
	    "generation=00000000000000000000000000000000",
	"value epoch=0.7.1 primary=1 set=1 since=0.1.1,0.2.1 voters=\"\" "
	    "generation=00000000000000000000000000000000",
	"value epoch=0.7.1 primary=3 set=1,2 since=0.1.1,0.2.1 voters=\"\" "
	    "generation=00000000000000000000000000000000",
	"value epoch=0.7.1 primary=1 set=2,1 since=0.1.1,0.2.1 voters=\"\" "
	    "generation=00000000000000000000000000000000",
	"value epoch=0.7.1 primary=1 set=1,257 since=0.1.1,0.2.1 voters=\"\" "
	    "generation=00000000000000000000000000000000",
	"value epoch=0.7.1 primary=1 set=1 since=0.1.1 voters=n1 "
	    "generation=00000000000000000000000000000000",
	"value epoch=0.7.1 primary=1 set=1 since=0.1.1 voters=n1:12 "
	    "generation=00000000000000000000000000000000",
	"value epoch=0.7.1 primary=1 set=1 since=0.1.1 voters=\"\" "
	    "generation=0000000000000000000000000000000g",
	"value epoch=0.7.0 primary=1 set=1 since=0.1.1 voters=\"\" "
	    "generation=00000000000000000000000000000000",
	"value epoch=0.7.1 primary=1 set=1 since=0.8.1 voters=\"\" "
	    "generation=00000000000000000000000000000000",
};

int
main(void)
{
	struct reg_value v = make(), full = make_full(), got;
	char text[REG_TEXT_LEN];
	const char *why;
	size_t i;

	test_form();
	test_voters();
	test_old();
	test_wire(&v, "a pair");
	test_wire(&full, "the largest");
	test_text(&v, "a pair");
	test_text(&full, "the largest");
	reg_value_text(text, &v);
	is_str(text, "value epoch=0.7.1 primary=1 set=1,2 since=0.3.1,0.5.1 "
	    "voters=n1:0123456789abcdef,n2:0000000000000000,"
	    "w1:ffffffffffffffff generation="
	    "00112233445566778899aabbccddeeff", "what people read");
	for (i = 0; i < sizeof(bad_text) / sizeof(bad_text[0]); i++) {
		why = NULL;
		ok(reg_value_parse(&got, bad_text[i], &why) == -1 &&
		    why != NULL && reg_value_is_none(&got),
		    "refused: %s", why != NULL ? why : bad_text[i]);
	}
	return tap_done();
}
