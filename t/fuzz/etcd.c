/* SPDX-License-Identifier: ISC */
/* Any bytes as the answer of an etcd, to each of our questions. */

#include "../../bin/moduled/etcd.h"

#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vote_ask a = { .kind = VOTE_PREPARE, .ballot = { 0, 9, 1 } };
	struct etcd_voter v = { .revision = 0 };
	struct vote_answer out;
	struct etcd_reply r;
	char names[64];

	etcd_parse(&r, 200, (const char *)data, size);
	if (r.why[0] == '\0' && r.found && !reg_value_ok(&r.value))
		abort();
	etcd_voter_answer(&v, &a, &r, &out);
	if (out.result == VOTE_OK && out.voter == 0)
		abort();
	if (etcd_parse_lease((const char *)data, size) < 0)
		abort();
	etcd_parse_names(names, sizeof(names), "hf/nodes/",
	    (const char *)data, size);
	return 0;
}
