/* SPDX-License-Identifier: ISC */
/* The grammar of the local protocol: round trips, bounds, refusals. */

#include "line.h"

#include <stdlib.h>

#include "tap.h"

static struct line l;

static bool
parses(const char *text)
{
	const char *why = NULL;
	bool good = line_parse(&l, text, strlen(text), &why) == 0;

	return good || why == NULL ? good : false;
}

static void
test_good(void)
{
	unsigned pos = 0;

	ok(parses("want role=prim epoch=0.7.1 text=\"a b\""), "a request");
	is_str(l.verb, "want", "verb");
	is_str(line_get(&l, "epoch"), "0.7.1", "plain value");
	is_str(line_get(&l, "text"), "a b", "quoted value");
	ok(line_get(&l, "nosuch") == NULL, "absent key");
	ok(parses("status"), "a verb alone");
	ok(parses("name=n1 name=n2"), "an answer line");
	is_str(l.verb, "", "has no verb");
	is_str(line_next(&l, "name", &pos), "n1", "first of a list");
	is_str(line_next(&l, "name", &pos), "n2", "second of a list");
	ok(line_next(&l, "name", &pos) == NULL, "end of the list");
	ok(parses("x v=\"\\n\\\"\\\\\\x41\""), "escapes");
	is_str(line_get(&l, "v"), "\n\"\\A", "decoded");
	ok(parses("x v=\"\""), "an empty quoted value");
	is_str(line_get(&l, "v"), "", "is empty");
	ok(parses("x v=a=b"), "an equal sign within a value");
	is_str(line_get(&l, "v"), "a=b", "belongs to it");
	ok(parses("x v=\xc3\xa4 "), "bytes above 127, blank at the end");
}

static void
test_bad(void)
{
	static const char *const bad[] = {
		"", " x", "x  v=1", "x v", "x =1", "x v=", "x v=\"a",
		"x v=\"a\"b", "x v=a\"b", "x v=\"\\q\"", "x v=\"\\x4\"",
		"x v=\"\\x00\"", "x v=\"\\", "=1", "x\tv=1", "\"x\"",
	};
	const char *why;
	char nul[] = { 'x', '\0', 'y' };
	char *big = malloc(LINE_MAX_LEN + 1);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!parses(bad[i]) && l.count == 0, "refused: <%s>", bad[i]);
	ok(line_parse(&l, nul, sizeof(nul), &why) == -1, "refused: NUL");
	memset(big, 'a', LINE_MAX_LEN + 1);
	ok(line_parse(&l, big, LINE_MAX_LEN, &why) == -1, "too long");
	ok(line_parse(&l, big, LINE_MAX_LEN - 1, &why) == 0, "longest");
	for (int i = 0; i < LINE_MAX_LEN - 4; i += 4)
		memcpy(big + i, " v=1", 4);
	big[0] = 'x';
	ok(line_parse(&l, big, 4 * (LINE_MAX_PAIRS + 2), &why) == -1,
	    "too many pairs");
	free(big);
}

static void
test_numbers(void)
{
	int64_t n = 7;

	(void)parses("x a=12 b=-3 c=12x d=99999999999999999999 e=\"\" f=yes "
	    "g=0");
	ok(line_get_num(&l, "a", 0, 100, &n) && n == 12, "a number");
	ok(line_get_num(&l, "b", -5, 0, &n) && n == -3, "a negative one");
	n = 7;
	ok(!line_get_num(&l, "a", 0, 11, &n) && n == 7, "out of bounds");
	ok(!line_get_num(&l, "c", 0, 100, &n), "trailing text");
	ok(!line_get_num(&l, "d", 0, INT64_MAX, &n), "overflow");
	ok(!line_get_num(&l, "e", 0, 100, &n), "empty");
	ok(!line_get_num(&l, "none", 0, 100, &n), "absent");
	ok(line_get_bool(&l, "f") && !line_get_bool(&l, "g") &&
	    !line_get_bool(&l, "none"), "truth");
}

static void
test_round_trip(void)
{
	struct line_out o;
	char value[64];
	const char *why;

	srandom(1);
	for (int i = 0; i < 2000; i++) {
		size_t len = (size_t)random() % (sizeof(value) - 1);

		for (size_t k = 0; k < len; k++)
			value[k] = (char)(random() % 255 + 1);
		value[len] = '\0';
		line_begin(&o, "put");
		line_add(&o, "v", value);
		line_add_num(&o, "n", i);
		if (!line_end(&o) ||
		    line_parse(&l, o.text, o.len - 1, &why) == -1 ||
		    strcmp(line_get(&l, "v"), value) != 0) {
			ok(false, "round trip %d", i);
			return;
		}
	}
	ok(true, "2000 random values come back");
	line_begin(&o, "put");
	for (int i = 0; i < 400; i++)
		line_add(&o, "key", "twenty bytes of text");
	ok(!line_end(&o), "overflow is told");
}

int
main(void)
{
	test_good();
	test_bad();
	test_numbers();
	test_round_trip();
	return tap_done();
}
