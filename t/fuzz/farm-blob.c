/* SPDX-License-Identifier: ISC */
/* Whatever is taken as a blob can be written and taken again, the same. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../bin/farmd/farm-blob.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[FARM_BLOB_MAX], again[FARM_BLOB_MAX];
	static struct farm_blob a, b;
	const char *why = NULL;
	char *in = malloc(size + 1);

	memcpy(in, data, size);
	in[size] = '\0';
	if (farm_blob_parse(&a, in, &why) != 0) {
		free(in);
		if (why == NULL)
			abort();
		return 0;
	}
	free(in);
	if (a.life == 0 || a.node == 0 || a.acting.count > SHARE_NODE_MAX ||
	    a.view_count > SHARE_NODE_MAX || a.mac_count > FARM_BLOB_MAC_MAX)
		abort();
	/* What came may have filled more than we would write. */
	if (!farm_blob_format(text, sizeof(text), &a))
		return 0;
	if (farm_blob_parse(&b, text, &why) != 0 ||
	    !farm_blob_format(again, sizeof(again), &b) ||
	    strcmp(text, again) != 0 ||
	    share_digest(&a.acting) != share_digest(&b.acting))
		abort();
	return 0;
}
