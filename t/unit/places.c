/* SPDX-License-Identifier: ISC */
/* On which interface an address is: known, not yet, not any more. */
#include "../../bin/farmd/places.h"

#include "tap.h"

static struct farm_conf conf;

static int
take(struct places *p, const char *text)
{
	struct line l;
	const char *why;

	if (line_parse(&l, text, strlen(text), &why) != 0)
		return -2;
	return places_take(p, &conf, &l);
}

static void
test_gone(void)
{
	struct places p = { 0 };

	ok(!places_are_known(&p, &conf) && !places_are_gone(&p, &conf),
	    "vipd has not spoken: neither");
	is_num(take(&p, "place addr=10.0.0.9 index=3 interface=eth0 "
	    "mac=02:00:00:00:00:01 own=10.0.0.1 up=1"), 1, "one");
	is_num(take(&p, "place addr=fd00::9 index=3 interface=eth0 "
	    "mac=02:00:00:00:00:01 up=1"), 1, "the other");
	ok(places_are_known(&p, &conf), "both are known");
	is_num(take(&p, "place addr=10.0.0.9 index=0"), 1, "one is gone");
	ok(!places_are_known(&p, &conf) && !places_are_gone(&p, &conf),
	    "the other may still get packets");
	is_num(take(&p, "place addr=fd00::9 index=0"), 1, "both are");
	ok(places_are_gone(&p, &conf), "no packet comes");
	is_num(take(&p, "place addr=fd00::9 index=0"), 0, "no news");
	is_num(take(&p, "place addr=fd00::9 index=4 interface=eth0 "
	    "mac=02:00:00:00:00:01 up=1"), 1, "one is back");
	ok(!places_are_gone(&p, &conf), "and gets packets again");
}

static void
test_nonsense(void)
{
	struct places p = { 0 };

	is_num(take(&p, "place addr=10.0.0.8 index=3"), -1, "not ours");
	is_num(take(&p, "place addr=10.0.0.9"), -1, "no index");
	is_num(take(&p, "place addr=10.0.0.9 index=3 interface=eth0 "
	    "mac=02:00"), -1, "half a MAC");
	ok(!places_are_gone(&p, &conf) && !places_are_known(&p, &conf),
	    "nothing was taken of it");
}

int
main(void)
{
	conf.addr_count = 2;
	(void)addr_parse(&conf.addr[0], "10.0.0.9");
	(void)addr_parse(&conf.addr[1], "fd00::9");
	test_gone();
	test_nonsense();
	return tap_done();
}
