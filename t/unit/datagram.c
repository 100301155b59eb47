/* SPDX-License-Identifier: ISC */
/* What goes on the wire comes back, and nothing else does. */

#include "../../bin/heartd/datagram.h"

#include <stdlib.h>

#include "tap.h"

static const struct prelude prelude = { 1, 1, 1, 2 };
static struct seal_key key;
static struct node_header header = {
	.from = { 3, 33 }, .to = { 4, 44 }, .pulse_ms = 200,
	.ping = 1000, .pong = 999, .pong_age_us = 123456,
	.machine = { 1, 2, 3 }, .config = { 4, 5, 6 },
};

static struct entry
make_entry(const char *name)
{
	struct entry e = {
		.id = 7, .version = 12345, .role = STAMP_PRIM,
		.epoch = { 1, 9, 2 }, .counter = 77,
		.echo_epoch = { 1, 8, 1 }, .echo = 66,
	};

	(void)snprintf(e.name, sizeof(e.name), "%s", name);
	memset(e.digest, 'a', DIGEST_MAX);
	return e;
}

/* Seals, opens, reads the header; the frame lies in `plain'. */
static bool
travel(struct datagram_out *d, struct frame_in *f, uint8_t *plain)
{
	uint8_t wire[DATAGRAM_MAX];
	struct node_header h;
	struct prelude p;
	size_t len, plain_len = 0;

	len = datagram_seal(d, &prelude, "lan1", &key, wire);
	return len > 0 && len <= DATAGRAM_MAX &&
	    datagram_prelude(&p, wire, len) == DATAGRAM_OK && p.from == 1 &&
	    datagram_unseal(plain, &plain_len, wire, len, "lan1", &key) ==
	    DATAGRAM_OK &&
	    datagram_open(f, &h, plain, plain_len) == DATAGRAM_OK &&
	    incarnation_equal(h.from, header.from) &&
	    incarnation_equal(h.to, header.to) && h.pulse_ms == 200 &&
	    h.ping == 1000 && h.pong == 999 && h.pong_age_us == 123456 &&
	    h.machine[2] == 3 && h.config[2] == 6;
}

static void
test_beat(void)
{
	uint8_t plain[DATAGRAM_MAX];
	struct datagram_out d;
	struct frame_in f;
	struct entry e = make_entry("ledger"), got;
	char name[MODULE_NAME_MAX + 1];
	unsigned put = 0, found = 0;

	datagram_begin(&d, DATAGRAM_BEAT, 42, &header);
	ok(datagram_put_entry(&d, &e), "an entry fits");
	ok(travel(&d, &f, plain), "it travels");
	is_num(f.type, DATAGRAM_BEAT, "a beat");
	is_num(f.sequence, 42, "with its number");
	ok(datagram_get_entry(&f, &got), "its entry is there");
	ok(got.id == 7 && strcmp(got.name, "ledger") == 0 &&
	    got.version == 12345 && got.role == STAMP_PRIM &&
	    epoch_cmp(got.epoch, e.epoch) == 0 && got.counter == 77 &&
	    epoch_cmp(got.echo_epoch, e.echo_epoch) == 0 &&
	    got.echo == 66 && strcmp(got.digest, e.digest) == 0,
	    "all of it");
	ok(!datagram_get_entry(&f, &got) && !f.bad, "and no other");

	datagram_begin(&d, DATAGRAM_BEAT, 43, &header);
	for (;;) {
		(void)snprintf(name, sizeof(name), "module%026u", put);
		e = make_entry(name);
		if (!datagram_put_entry(&d, &e))
			break;
		put++;
	}
	ok(put >= 5, "%u of the longest entries fit", put);
	ok(travel(&d, &f, plain), "a full datagram travels");
	while (datagram_get_entry(&f, &got))
		found++;
	is_num(found, put, "the one that did not fit left no trace");
}

static void
test_other_types(void)
{
	uint8_t plain[DATAGRAM_MAX], data[BLOB_FRAGMENT];
	struct datagram_out d;
	struct frame_in f;
	struct auth a = { .has_challenge = true }, a2;
	struct blob_part b, b2;
	struct blob_ack k = { .name = "m", .version = 9,
	    .have = { { 5, 1 } } }, k2;

	memset(a.challenge, 'c', NONCE_LEN);
	datagram_begin(&d, DATAGRAM_AUTH, 1, &header);
	datagram_put_auth(&d, &a);
	ok(travel(&d, &f, plain) && datagram_get_auth(&f, &a2) == 0 &&
	    frame_done(&f), "an auth travels");
	ok(!a2.has_answer && a2.has_challenge &&
	    memcmp(a.challenge, a2.challenge, NONCE_LEN) == 0,
	    "a challenge and no answer");

	memset(&b, 0, sizeof(b));
	memset(data, 'd', sizeof(data));
	b.id = 7;
	memset(b.name, 'n', MODULE_NAME_MAX);
	memset(b.digest, 'e', DIGEST_MAX);
	b.fragment = (struct fragment){ 5, BLOB_MAX, 3, data, sizeof(data) };
	datagram_begin(&d, DATAGRAM_BLOB, 1, &header);
	datagram_put_blob(&d, &b);
	ok(travel(&d, &f, plain), "the largest fragment fits a datagram");
	ok(datagram_get_blob(&f, &b2) == 0 && frame_done(&f) &&
	    b2.fragment.index == 3 && b2.fragment.total == BLOB_MAX &&
	    b2.fragment.len == sizeof(data) &&
	    memcmp(b2.fragment.data, data, sizeof(data)) == 0,
	    "and comes back");

	datagram_begin(&d, DATAGRAM_ACK, 1, &header);
	datagram_put_ack(&d, &k);
	ok(travel(&d, &f, plain) && datagram_get_ack(&f, &k2) == 0 &&
	    frame_done(&f) && k2.version == 9 && k2.have.bit[0] == 5 &&
	    k2.have.bit[1] == 1, "an ack travels");
}

/* A sender of the next version puts more behind what we know. */
static void
test_newer(void)
{
	uint8_t plain[DATAGRAM_MAX];
	struct datagram_out d;
	struct frame_in f;
	struct entry e = make_entry("m"), got;
	size_t at, before;

	datagram_begin(&d, DATAGRAM_BEAT, 1, &header);
	before = d.frame.len;
	(void)datagram_put_entry(&d, &e);
	frame_put_u64(&d.frame, 0x1122334455667788u);
	at = d.frame.len - before - 2;
	d.plain[before] = (uint8_t)(at >> 8);
	d.plain[before + 1] = (uint8_t)at;
	(void)datagram_put_entry(&d, &e);
	ok(travel(&d, &f, plain), "a longer entry travels");
	ok(datagram_get_entry(&f, &got) && datagram_get_entry(&f, &got) &&
	    !datagram_get_entry(&f, &got) && !f.bad,
	    "what is behind the known fields is skipped");
}

static void
test_refused(void)
{
	uint8_t wire[DATAGRAM_MAX + 1], plain[DATAGRAM_MAX];
	struct seal_key other;
	struct datagram_out d;
	struct prelude p;
	size_t len, n, out;
	unsigned opened = 0;

	memset(&other, 'o', sizeof(other));
	datagram_begin(&d, DATAGRAM_BEAT, 1, &header);
	len = datagram_seal(&d, &prelude, "lan1", &key, wire);
	is_num(datagram_unseal(plain, &out, wire, len, "lan1", &other),
	    DATAGRAM_SEAL, "another key does not open it");
	is_num(datagram_unseal(plain, &out, wire, len, "lan2", &key),
	    DATAGRAM_SEAL, "nor on another network");
	wire[7] = 3;
	is_num(datagram_unseal(plain, &out, wire, len, "lan1", &key),
	    DATAGRAM_SEAL, "nor sent to another node");
	wire[7] = 2;
	for (n = 0; n < len; n++) {
		if (datagram_prelude(&p, wire, n) == DATAGRAM_OK &&
		    datagram_unseal(plain, &out, wire, n, "lan1", &key) ==
		    DATAGRAM_OK)
			opened++;
	}
	is_num(opened, 0, "truncated anywhere it does not open");
	is_num(datagram_prelude(&p, wire, 10), DATAGRAM_SHORT, "truncated");
	is_num(datagram_prelude(&p, "GET / HTTP/1.0", 14), DATAGRAM_FOREIGN,
	    "another protocol");
	wire[5] = DATAGRAM_VERSION + 1;
	is_num(datagram_prelude(&p, wire, len), DATAGRAM_NEWER,
	    "one that we cannot read");
	wire[5] = 1;
	wire[4] = DATAGRAM_VERSION + 1;
	is_num(datagram_prelude(&p, wire, len), DATAGRAM_OK,
	    "a newer one that we can");
	is_num(datagram_unseal(plain, &out, wire, DATAGRAM_MAX + 1, "lan1",
	    &key), DATAGRAM_MALFORMED, "longer than any of ours");
}

/* A peer with the key that writes nonsense. */
static void
test_nonsense(void)
{
	uint8_t plain[DATAGRAM_MAX];
	struct datagram_out d;
	struct frame_in f;
	struct node_header h;
	struct entry e = make_entry("bad name"), got;
	size_t len, n, first;
	unsigned bad = 0;

	datagram_begin(&d, DATAGRAM_BEAT, 1, &header);
	(void)datagram_put_entry(&d, &e);
	ok(travel(&d, &f, plain) && !datagram_get_entry(&f, &got) && f.bad,
	    "a name that is none is refused");
	e = make_entry("m");
	memcpy(e.digest, "xyz", 4);
	datagram_begin(&d, DATAGRAM_BEAT, 1, &header);
	(void)datagram_put_entry(&d, &e);
	ok(travel(&d, &f, plain) && !datagram_get_entry(&f, &got) && f.bad,
	    "so is a digest that is none");
	e = make_entry("m");
	datagram_begin(&d, DATAGRAM_BEAT, 1, &header);
	first = d.frame.len;
	(void)datagram_put_entry(&d, &e);
	len = frame_end(&d.frame);
	for (n = first + 1; n < len; n++) {
		/* The frame says it is shorter, and so it is. */
		d.plain[2] = (uint8_t)(n >> 8);
		d.plain[3] = (uint8_t)n;
		if (datagram_open(&f, &h, d.plain, n) != DATAGRAM_OK ||
		    (!datagram_get_entry(&f, &got) && f.bad))
			bad++;
	}
	is_num(bad, len - first - 1, "an entry cut anywhere is refused");
}

static void
test_words(void)
{
	is_num(stamp_role_parse("prim"), STAMP_PRIM, "role prim");
	is_num(stamp_role_parse("king"), -1, "no such role");
	is_str(stamp_role_name(STAMP_SECOND), "second", "name of a role");
	is_str(stamp_role_name(99), "none", "of none");
}

int
main(void)
{
	seal_init();
	memset(&key, 'k', sizeof(key));
	test_beat();
	test_other_types();
	test_newer();
	test_refused();
	test_nonsense();
	test_words();
	return tap_done();
}
