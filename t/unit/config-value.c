/* SPDX-License-Identifier: ISC */
/* Values of attributes: times and their units, numbers, shapes. */

#include "../../bin/holdfast/config-value.h"

#include "tap.h"

static int64_t
us(const char *text, const char *unit)
{
	char why[256];
	int64_t n = -7;

	return value_time(&n, text, unit, why, sizeof(why)) == 0 ? n : -1;
}

static bool
good(enum value_type t, const char *text, const char *unit,
    const char *words, int64_t min, int64_t max)
{
	char why[512] = "";
	int rc = value_check(t, text, unit, words, min, max, why,
	    sizeof(why));

	if (rc == -1)
		printf("# %s\n", why);
	return rc == 0;
}

static void
test_times(void)
{
	char buf[32];

	is_num(us("300", "s"), 300000000, "a bare number has its own unit");
	is_num(us("300", "ms"), 300000, "another unit");
	is_num(us("5m", "s"), 300000000, "minutes");
	is_num(us("24", "h"), INT64_C(86400) * 1000000, "hours, bare");
	is_num(us("1d", "h"), INT64_C(86400) * 1000000, "a day");
	is_num(us("1500ms", "s"), 1500000, "finer than the own unit");
	is_num(us("10 s", "s"), 10000000, "a blank before the unit");
	is_num(us("0", "s"), 0, "plain 0 is fine");
	is_num(us("0us", "h"), 0, "0 of any unit is fine");
	is_num(us("400us", "ms"), -1, "what rounds to 0 is refused");
	is_num(us("500us", "ms"), 500, "what rounds to 1 is not");
	is_num(us("5 parsecs", "s"), -1, "unknown unit");
	is_num(us("-5s", "s"), -1, "negative");
	is_num(us("", "s"), -1, "empty");
	is_num(us("99999999999999999999", "s"), -1, "overflow of digits");
	is_num(us("99999999999999", "d"), -1, "overflow of the product");
	is_str(value_time_text(buf, sizeof(buf), 300000000), "5 m", "text");
	is_str(value_time_text(buf, sizeof(buf), 1500000), "1500 ms",
	    "text of 1.5 s");
}

static void
test_shapes(void)
{
	ok(good(VT_NAME, "lan1", "", "", 0, 0), "a name");
	ok(!good(VT_NAME, "a b", "", "", 0, 0), "no blank in a name");
	ok(!good(VT_NAME, "-a", "", "", 0, 0), "no dash in front");
	ok(good(VT_WORD, "off", "", "on off", 0, 0), "a word");
	ok(!good(VT_WORD, "o", "", "on off", 0, 0), "part of a word");
	ok(good(VT_INT, "-1", "", "", -1, 5), "a negative number");
	ok(!good(VT_INT, "6", "", "", -1, 5), "too large");
	ok(!good(VT_INT, "1x", "", "", -1, 5), "no number");
	ok(good(VT_TIME, "2s", "ms", "", 1, 5000), "a time in bounds");
	ok(!good(VT_TIME, "6s", "ms", "", 1, 5000), "a time out of bounds");
	ok(good(VT_ADDR, "10.88.1.1", "", "", 0, 0), "IPv4");
	ok(good(VT_ADDR, "fd88:1::1", "", "", 0, 0), "IPv6");
	ok(good(VT_ADDR, "[fd88:1::1]", "", "", 0, 0), "IPv6 in brackets");
	ok(!good(VT_ADDR, "10.88.1", "", "", 0, 0), "a short address");
	ok(good(VT_HOST, "db.example", "", "", 0, 0), "a host name");
	ok(!good(VT_HOST, "10.88.1", "", "", 0, 0),
	    "digits are no host name");
	ok(!good(VT_HOST, "a;b", "", "", 0, 0), "no shell in a host name");
	ok(good(VT_PATH, "/srv/a..b", "", "", 0, 0), "dots inside a name");
	ok(!good(VT_PATH, "srv", "", "", 0, 0), "not absolute");
	ok(!good(VT_PATH, "/srv/../etc", "", "", 0, 0), "no ..");
	ok(!good(VT_RELPATH, "/srv", "", "", 0, 0), "not relative");
	ok(good(VT_REGEX, "!.*\\.(dat|idx)$", "", "", 0, 0), "a regex");
	ok(!good(VT_REGEX, "a(b", "", "", 0, 0), "a broken regex");
	ok(good(VT_MAC, "5A:FE:00:00:00:61", "", "", 0, 0), "a MAC");
	ok(!good(VT_MAC, "5A:FE:00:00:00:6", "", "", 0, 0), "a short MAC");
}

int
main(void)
{
	test_times();
	test_shapes();
	return tap_done();
}
