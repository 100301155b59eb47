/* SPDX-License-Identifier: ISC */
/* Epochs: comparison and text. */

#include "epoch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int
epoch_cmp(struct epoch a, struct epoch b)
{
	if (a.era != b.era)
		return a.era < b.era ? -1 : 1;
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return (a.node > b.node) - (a.node < b.node);
}

bool
epoch_same_round(struct epoch a, struct epoch b)
{
	return a.era == b.era && a.n == b.n;
}

bool
epoch_is_none(struct epoch e)
{
	return e.era == 0 && e.n == 0 && e.node == 0;
}

struct epoch
epoch_next(struct epoch e, uint8_t node)
{
	return (struct epoch){ .era = e.era, .n = e.n + 1, .node = node };
}

const char *
epoch_str(char buf[EPOCH_LEN], struct epoch e)
{
	(void)snprintf(buf, EPOCH_LEN, "%" PRIu32 ".%" PRIu64 ".%u",
	    e.era, e.n, e.node);
	return buf;
}

const char *
epoch_human(char buf[EPOCH_LEN], struct epoch e)
{
	if (e.era == 0)
		(void)snprintf(buf, EPOCH_LEN, "epoch %" PRIu64, e.n);
	else
		(void)snprintf(buf, EPOCH_LEN, "epoch %" PRIu64
		    " (era %" PRIu32 ")", e.n, e.era);
	return buf;
}

/* One decimal field of at most max, up to the character `stop'. */
static bool
field(const char **s, char stop, uint64_t max, uint64_t *out)
{
	char *end;

	if (**s < '0' || **s > '9')
		return false;
	errno = 0;
	*out = strtoull(*s, &end, 10);
	if (errno != 0 || *out > max || *end != stop)
		return false;
	*s = end + (stop != '\0');
	return true;
}

int
epoch_parse(struct epoch *e, const char *s)
{
	uint64_t era, n, node;

	if (!field(&s, '.', UINT32_MAX, &era) ||
	    !field(&s, '.', UINT64_MAX, &n) ||
	    !field(&s, '\0', UINT8_MAX, &node)) {
		errno = EINVAL;
		return -1;
	}
	*e = (struct epoch){ (uint32_t)era, n, (uint8_t)node };
	return 0;
}
