/* SPDX-License-Identifier: ISC */
/* Epochs: order and text. */

#include "epoch.h"

#include "tap.h"

int
main(void)
{
	static const struct epoch up[] = {
		{ 0, 0, 0 }, { 0, 1, 1 }, { 0, 1, 2 }, { 0, 2, 1 },
		{ 0, UINT64_MAX, 255 }, { 1, 0, 1 },
	};
	static const char *const bad[] = {
		"", "1", "1.2", "1.2.", "1.2.256", "-1.2.3", "1.2.3.4",
		"a.b.c", "1. 2.3", "4294967296.1.1",
		"0.18446744073709551616.1", " 1.2.3",
	};
	const unsigned count = sizeof(up) / sizeof(up[0]);
	char buf[EPOCH_LEN];
	struct epoch e;
	bool sorted = true;

	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < count; k++)
			sorted &= epoch_cmp(up[i], up[k]) ==
			    (i > k) - (i < k);
	ok(sorted, "era, then n, then node");
	for (unsigned i = 0; i < count; i++)
		ok(epoch_parse(&e, epoch_str(buf, up[i])) == 0 &&
		    epoch_cmp(e, up[i]) == 0, "%s comes back", buf);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(epoch_parse(&e, bad[i]) == -1, "refused: <%s>", bad[i]);
	ok(epoch_is_none(up[0]) && !epoch_is_none(up[1]), "none");
	ok(epoch_same_round(up[1], up[2]) && !epoch_same_round(up[2], up[3]),
	    "same round");
	e = epoch_next(up[3], 9);
	is_str(epoch_str(buf, e), "0.3.9", "next");
	is_str(epoch_human(buf, e), "epoch 3", "for people");
	is_str(epoch_human(buf, (struct epoch){ 2, 3, 1 }), "epoch 3 (era 2)",
	    "with the era when there is one");
	return tap_done();
}
