/* SPDX-License-Identifier: ISC */
/* Keys and counters. */

#include "remoted.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "paths.h"

/* Lines for each reason, in 10 s. */
#define LOG_BURST	5

void
remoted_take_keys(struct remoted *r, const struct cluster_keys *ks)
{
	char context[CLUSTER_NAME_LEN + 16];
	unsigned i;

	(void)snprintf(context, sizeof(context), "remoted %s",
	    r->cluster.name);
	seal_ring_derive(&r->keys, ks, context);
	for (i = 0; i < ks->count; i++)
		memcpy(r->key_id[i], ks->key[i].id, sizeof(r->key_id[i]));
}

int
remoted_load_keys(struct remoted *r)
{
	struct cluster_keys ks;
	char path[PATH_LEN];
	const char *why;

	if (seal_keys_load(&ks, path_etc(path, "cluster.key"), &why) == -1) {
		log_warnx("%s: %s", path, why);
		return -1;
	}
	remoted_take_keys(r, &ks);
	sodium_memzero(&ks, sizeof(ks));
	return 0;
}

const char *
remoted_drop_name(enum drop d)
{
	static const char *const name[] = {
		[DROP_FLOOD] = "flood",
		[DROP_SILENT] = "silent",
		[DROP_STRANGER] = "stranger",
		[DROP_WRONG_KEY] = "wrong-key",
		[DROP_BROKEN] = "broken",
		[DROP_GARBLED] = "garbled",
		[DROP_REFUSED] = "refused",
		[DROP_TOKEN] = "token",
	};

	return name[d];
}

void
remoted_drop(struct remoted *r, enum drop d,
    const struct sockaddr_storage *from, const char *text)
{
	char addr[ADDR_LEN];

	r->dropped[d]++;
	if (log_limit_ok(&r->limit[d], LOG_BURST))
		log_warnx("%s: dropped: %s: %s", addr_str(addr, from),
		    remoted_drop_name(d), text);
}
