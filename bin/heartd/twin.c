/* SPDX-License-Identifier: ISC */
/* Two machines with one name: told from a restart by the life that returns. */

#include "twin.h"

bool
twin_accept(struct twin *t, struct incarnation was, struct incarnation is,
    struct mono now)
{
	/* The refused one was let in again to see whether it is alone now. */
	bool returns = !incarnation_is_none(is) &&
	    incarnation_equal(is, t->before) &&
	    !incarnation_equal(is, t->refused);

	if (returns) {
		t->refused = was;
		t->until = mono_add_ms(now, TWIN_MS);
	}
	t->before = was;
	return returns;
}

bool
twin_is_there(const struct twin *t, struct mono now)
{
	return mono_is_set(t->until) && !mono_passed(t->until, now);
}

bool
twin_is_refused(const struct twin *t, struct incarnation from,
    struct mono now)
{
	return twin_is_there(t, now) && incarnation_equal(from, t->refused);
}
