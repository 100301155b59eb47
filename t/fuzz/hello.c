/* SPDX-License-Identifier: ISC */
/* Any bytes as a mirror's hello: what is taken must write back equal. */
#include "../../bin/mirrord/link-hello.h"

#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t skip = FRAME_HEADER_LEN + WIRE_COMMON_LEN;
	uint8_t again[HELLO_FRAME_MAX];
	struct link_hello h;

	if (link_hello_get(&h, data, size) == -1)
		return 0;
	if (link_hello_put(again, sizeof(again), &h) != size ||
	    memcmp(again + skip, data + skip, size - skip) != 0)
		abort();
	return 0;
}
