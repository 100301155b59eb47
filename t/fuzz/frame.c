/* SPDX-License-Identifier: ISC */
/* Getters in an order the input chooses never read outside the frame. */

#include "frame.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
get_one(struct frame_in *f, uint8_t which)
{
	char text[32];
	const uint8_t *p;
	size_t len;
	unsigned sum = 0;

	switch (which % 7) {
	case 0:
		(void)frame_get_u8(f);
		break;
	case 1:
		(void)frame_get_u16(f);
		break;
	case 2:
		(void)frame_get_u32(f);
		break;
	case 3:
		(void)frame_get_u64(f);
		break;
	case 4:
		(void)frame_get_epoch(f);
		break;
	case 5:
		if (frame_get_str(f, text, sizeof(text)) == 0 &&
		    strlen(text) >= sizeof(text))
			abort();
		break;
	default:
		p = frame_get_bytes(f, 4096, &len);
		for (size_t i = 0; p != NULL && i < len; i++)
			sum += p[i];
		if (sum == UINT32_MAX)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_in f;
	int64_t len = frame_length(data, size);

	if (len > 0 && (size_t)len <= size)
		size = (size_t)len;
	if (frame_open(&f, data, size) == -1)
		return 0;
	for (size_t i = 0; i < size && !f.bad; i++)
		get_one(&f, data[i]);
	(void)frame_done(&f);
	return 0;
}
