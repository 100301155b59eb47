/* SPDX-License-Identifier: ISC */
/*
 * A threshold of the monitoring plugins: [@][start:][end].  "10" is 0 to 10,
 * "10:" ten and more, "~:10" ten and less; outside of it is an alert, with
 * "@" inside.  Pure.
 */
#ifndef CHECK_HOLDFAST_RANGE_H
#define CHECK_HOLDFAST_RANGE_H

#include <stdbool.h>

struct range {
	bool	inside;		/* "@": an alert inside */
	double	start, end;	/* may be infinite */
};

/* 0, or -1: not a range, or its start is above its end. */
int	range_parse(struct range *r, const char *text);
bool	range_is_alert(const struct range *r, double value);

#endif
