/* SPDX-License-Identifier: ISC */
/*
 * A frame from the network claims an address, asks for one, or neither; it
 * never crashes, and an answer asks nothing.
 */

#include "../../bin/vipd/wire.h"

#include <stdint.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_storage addr;
	struct wire_question q, again;
	uint8_t mac[ADDR_MAC_LEN], out[WIRE_FRAME_MAX];
	size_t len;

	(void)wire_claim(data, size, &addr, mac);
	if (!wire_question(data, size, &q))
		return 0;
	len = wire_answer(out, &q, q.mac, q.mac);
	if (len > sizeof(out) || wire_question(out, len, &again))
		abort();
	return 0;
}
