/* SPDX-License-Identifier: ISC */
/* Any bytes as a frame of the comparison: what is taken must write back
 * equal, and a list of names must end. */
#include "../../bin/mirrord/verify-frame.h"

#include <stdlib.h>
#include <string.h>

#include "../../bin/mirrord/wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk(const struct verify_frame *v)
{
	char name[OP_NAME_MAX + 1];
	struct frame_in list;
	uint64_t oid;
	uint32_t type;

	verify_list_open(&list, v);
	while (verify_list_next(&list, name, &oid, &type))
		if (name[0] == '\0' || strchr(name, '/') != NULL)
			abort();
	if (!list.bad && list.pos != list.len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[FRAME_MAX_LEN];
	static struct verify_frame v;
	struct frame_in f;
	struct wire w;

	if (wire_open(&f, &w, data, size) == -1 ||
	    verify_frame_get(&v, &f, w.oid) == -1)
		return 0;
	if (v.type == VF_NAMES)
		walk(&v);
	if (verify_frame_put(again, sizeof(again), &v) != size)
		abort();
	if (memcmp(again + FRAME_HEADER_LEN + WIRE_COMMON_LEN,
	    data + FRAME_HEADER_LEN + WIRE_COMMON_LEN,
	    size - FRAME_HEADER_LEN - WIRE_COMMON_LEN) != 0)
		abort();
	return 0;
}
