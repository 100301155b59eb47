/* SPDX-License-Identifier: ISC */
/* A frame from the network claims an address or not; it never crashes. */

#include "../../bin/vipd/wire.h"

#include <stdint.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_storage addr;
	uint8_t mac[ADDR_MAC_LEN];

	(void)wire_claim(data, size, &addr, mac);
	return 0;
}
