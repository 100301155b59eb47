/* SPDX-License-Identifier: ISC */
/* ARP and ND frames: what is built is read back, damage is not. */

#include "../../bin/vipd/wire.h"

#include <netinet/in.h>

#include "cluster.h"
#include "tap.h"

static const uint8_t mac[ADDR_MAC_LEN] = { 2, 0, 0, 0, 0, 7 };

static void
test_claims(const char *text)
{
	uint8_t frame[WIRE_FRAME_MAX], got_mac[ADDR_MAC_LEN];
	struct sockaddr_storage addr, got;
	size_t len;

	(void)addr_parse(&addr, text);
	for (int kind = WK_ANNOUNCE_REQUEST; kind <= WK_PROBE; kind++) {
		bool claims;

		len = wire_build(frame, (enum wire_kind)kind, &addr, mac, mac);
		claims = wire_claim(frame, len, &got, got_mac);
		is_num(claims, kind != WK_PROBE, "%s: kind %d claims", text,
		    kind);
		if (claims)
			ok(addr_equal(&addr, &got) &&
			    memcmp(mac, got_mac, sizeof(mac)) == 0,
			    "%s: address and station", text);
		ok(!wire_claim(frame, len - 20, &got, got_mac),
		    "%s: a torn frame claims nothing", text);
	}
}

static void
test_foreign(void)
{
	uint8_t frame[WIRE_FRAME_MAX], got_mac[ADDR_MAC_LEN];
	struct sockaddr_storage addr, got;
	size_t len;

	(void)addr_parse(&addr, "fd88:1::100");
	len = wire_build(frame, WK_ANNOUNCE_REPLY, &addr, mac, mac);
	frame[14 + 7] = 64;
	ok(!wire_claim(frame, len, &got, got_mac),
	    "an NA that was routed is refused");
	(void)addr_parse(&addr, "10.88.1.100");
	len = wire_build(frame, WK_ANNOUNCE_REPLY, &addr, mac, mac);
	frame[14 + 5] = 6;
	ok(!wire_claim(frame, len, &got, got_mac),
	    "an ARP of other sizes is refused");
	frame[12] = 0x88;
	ok(!wire_claim(frame, len, &got, got_mac),
	    "another protocol is refused");
}

static const uint8_t shared[ADDR_MAC_LEN] = { 0x5a, 0xfe, 10, 88, 1, 100 };
static const uint8_t asker[ADDR_MAC_LEN] = { 2, 0, 0, 0, 0, 9 };

static void
test_probe_is_answered(const char *text)
{
	uint8_t frame[WIRE_FRAME_MAX], got_mac[ADDR_MAC_LEN];
	struct sockaddr_storage addr, got;
	struct wire_question q;
	size_t len;

	(void)addr_parse(&addr, text);
	len = wire_build(frame, WK_PROBE, &addr, asker, asker);
	ok(wire_question(frame, len, &q) && addr_equal(&q.target, &addr),
	    "%s: a probe is a question for it", text);
	ok(memcmp(q.mac, asker, sizeof(asker)) == 0, "%s: by whom", text);
	ok(!wire_question(frame, len - 20, &q), "%s: not a torn one", text);
	(void)wire_question(frame, len, &q);
	len = wire_answer(frame, &q, shared, mac);
	ok(wire_claim(frame, len, &got, got_mac) &&
	    addr_equal(&got, &addr) &&
	    memcmp(got_mac, shared, sizeof(shared)) == 0,
	    "%s: answered with the shared MAC", text);
	ok(memcmp(frame + 6, mac, sizeof(mac)) == 0,
	    "%s: from the card's own", text);
	ok(!wire_question(frame, len, &q), "%s: an answer asks nothing",
	    text);
	len = wire_build(frame, WK_ANNOUNCE_REPLY, &addr, shared, mac);
	ok(wire_claim(frame, len, &got, got_mac) &&
	    memcmp(got_mac, shared, sizeof(shared)) == 0 &&
	    memcmp(frame + 6, mac, sizeof(mac)) == 0,
	    "%s: announced likewise", text);
}

static void
test_asker_is_answered(void)
{
	uint8_t frame[WIRE_FRAME_MAX];
	struct sockaddr_storage addr;
	struct wire_question q = { 0 };
	struct in6_addr six;

	(void)addr_parse(&q.target, "10.88.1.100");
	memcpy(q.asker, "\x0a\x58\x01\xc9", 4);
	memcpy(q.mac, asker, sizeof(asker));
	is_num(wire_answer(frame, &q, shared, mac), 42, "an ARP reply");
	ok(memcmp(frame, asker, 6) == 0 && memcmp(frame + 32, asker, 6) == 0
	    && memcmp(frame + 38, "\x0a\x58\x01\xc9", 4) == 0,
	    "to who asked, and about it");
	(void)addr_parse(&addr, "fd88:1::201");
	six = ((struct sockaddr_in6 *)&addr)->sin6_addr;
	(void)addr_parse(&q.target, "fd88:1::100");
	memcpy(q.asker, &six, 16);
	is_num(wire_answer(frame, &q, shared, mac), 14 + 40 + 32, "an NA");
	ok(memcmp(frame, asker, 6) == 0 && memcmp(frame + 38, &six, 16) == 0,
	    "to who asked");
	is_num(frame[14 + 40 + 4], 0x60, "solicited and overriding");
}

int
main(void)
{
	test_probe_is_answered("10.88.1.100");
	test_probe_is_answered("fd88:1::100");
	test_asker_is_answered();
	test_claims("10.88.1.100");
	test_claims("fd88:1::100");
	test_foreign();
	return tap_done();
}
