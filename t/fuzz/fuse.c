/* SPDX-License-Identifier: ISC */
/* Requests as /dev/fuse gives them: no read beyond the packet. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../bin/mirrord/fuse.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuse_init_out out;
	struct fuse_req r;
	const char *missing;
	size_t len;
	char *copy;

	/* Exactly as long as the packet, so that a sanitizer sees more. */
	copy = malloc(size > 0 ? size : 1);
	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	if (size >= 4 && data[0] == 0xff) {
		/* Let the length be right, or little gets past the header. */
		uint32_t right = (uint32_t)size;

		memcpy(copy, &right, sizeof(right));
	}
	if (fuse_decode(&r, copy, size) == 0) {
		if (r.name != NULL && strlen(r.name) >= size)
			abort();
		if (r.name2 != NULL && strlen(r.name2) >= size)
			abort();
		if (r.data_len > size)
			abort();
		if (r.h->opcode == FUSE_INIT)
			(void)fuse_negotiate(r.arg, r.arg_len, true, &out,
			    &len, &missing);
	}
	free(copy);
	return 0;
}
