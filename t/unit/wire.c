/* SPDX-License-Identifier: ISC */
/* ARP and ND frames: what is built is read back, damage is not. */

#include "../../bin/vipd/wire.h"

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

		len = wire_build(frame, (enum wire_kind)kind, &addr, mac);
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
	len = wire_build(frame, WK_ANNOUNCE_REPLY, &addr, mac);
	frame[14 + 7] = 64;
	ok(!wire_claim(frame, len, &got, got_mac),
	    "an NA that was routed is refused");
	(void)addr_parse(&addr, "10.88.1.100");
	len = wire_build(frame, WK_ANNOUNCE_REPLY, &addr, mac);
	frame[14 + 5] = 6;
	ok(!wire_claim(frame, len, &got, got_mac),
	    "an ARP of other sizes is refused");
	frame[12] = 0x88;
	ok(!wire_claim(frame, len, &got, got_mac),
	    "another protocol is refused");
}

int
main(void)
{
	test_claims("10.88.1.100");
	test_claims("fd88:1::100");
	test_foreign();
	return tap_done();
}
