/* SPDX-License-Identifier: ISC */
/* L1 and L2. */

#include "ballot.h"

/*
 * L1.  The same ballot again is an ask that came twice, since nobody uses one
 * twice: it is promised already, and answered the same.
 */
static bool
on_prepare(const struct ballot *b, const struct vote_ask *a,
    struct ballot *next, enum vote_result *result)
{
	int cmp = epoch_cmp(a->ballot, b->promised);

	if (cmp < 0)
		*result = VOTE_REFUSED;
	if (cmp <= 0)
		return false;
	next->promised = a->ballot;
	return true;
}

/*
 * L2.  Another value under a ballot that has one already is a proposer that
 * forgot what it had asked (its fence went back in time): refused like a
 * lower ballot, so that it takes a higher one.
 */
static bool
on_accept(const struct ballot *b, const struct vote_ask *a,
    struct ballot *next, enum vote_result *result)
{
	bool again = epoch_cmp(a->ballot, b->value.epoch) == 0;

	if (epoch_cmp(a->ballot, b->promised) < 0 ||
	    (again && !reg_value_equal(&a->value, &b->value))) {
		*result = VOTE_REFUSED;
		return false;
	}
	if (again)
		return false;
	next->promised = a->ballot;
	next->value = a->value;
	return true;
}

bool
ballot_ask(const struct ballot *b, const struct vote_ask *a,
    struct ballot *next, enum vote_result *result)
{
	*next = *b;
	*result = VOTE_OK;
	switch (a->kind) {
	case VOTE_READ:
		return false;
	case VOTE_PREPARE:
		return on_prepare(b, a, next, result);
	case VOTE_ACCEPT:
		return on_accept(b, a, next, result);
	}
	return false;
}
