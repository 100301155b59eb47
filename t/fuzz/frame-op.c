/* SPDX-License-Identifier: ISC */
/* Any bytes as a frame of an op: what is taken must write back equal. */
#include "../../bin/mirrord/op.h"

#include <stdlib.h>
#include <string.h>

#include "../../bin/mirrord/wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[FRAME_MAX_LEN];
	struct frame_in f;
	struct frame_out out;
	struct wire w;
	struct op op;

	if (wire_open(&f, &w, data, size) == -1 ||
	    op_get(&op, &f, w.oid) == -1)
		return 0;
	op_put(&out, again, sizeof(again), &op);
	if (frame_end(&out) != size)
		abort();
	if (memcmp(again + FRAME_HEADER_LEN + WIRE_COMMON_LEN,
	    data + FRAME_HEADER_LEN + WIRE_COMMON_LEN,
	    size - FRAME_HEADER_LEN - WIRE_COMMON_LEN) != 0)
		abort();
	return 0;
}
