/* SPDX-License-Identifier: ISC */
/* n of m: what counts as down, and as up again. */
#include "../../libcommon/debounce.h"

#include "tap.h"

/* The states after each try of `word': + passed, - failed. */
static const char *
play(const char *fails, const char *passes, const char *word)
{
	static char out[64];
	struct debounce d;
	size_t i;

	debounce_reset(&d);
	if (!debounce_parse(fails, &d.fails, &d.fails_of) ||
	    !debounce_parse(passes, &d.passes, &d.passes_of))
		return "not parsed";
	for (i = 0; word[i] != '\0'; i++) {
		(void)debounce_take(&d, word[i] == '+');
		out[i] = check_state_name(d.state)[0];
	}
	out[i] = '\0';
	return out;
}

int
main(void)
{
	unsigned n, of;

	is_str(play("1", "1", "+-+"), "udu", "one try each");
	is_str(play("2", "1", "-+--+"), "iuudu", "two in a row");
	is_str(play("2/3", "1", "+-+-"), "uuud", "two of three");
	is_str(play("2/3", "1", "+-++-+"), "uuuuuu", "not two of four");
	is_str(play("3/5", "2", "++---+-++"), "iuuuddddu",
	    "up again by two in a row");
	is_str(play("1", "3", "++-+++"), "iidddu", "up needs three");
	is_str(play("3/4", "1", "---+--"), "iiduuu",
	    "what led to down is spent");
	is_str(play("32", "1", "+"), "u", "the longest memory");
	ok(debounce_parse("3/5", &n, &of) && n == 3 && of == 5, "n/m");
	ok(!debounce_parse("", &n, &of) && !debounce_parse("0", &n, &of) &&
	    !debounce_parse("3/2", &n, &of) &&
	    !debounce_parse("1/33", &n, &of) &&
	    !debounce_parse("2/", &n, &of) && !debounce_parse("2x", &n, &of)
	    && !debounce_parse("-1", &n, &of) &&
	    !debounce_parse("1/-1", &n, &of), "and nothing else");
	return tap_done();
}
