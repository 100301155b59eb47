/* SPDX-License-Identifier: ISC */
/*
 * bucket SEED: prints the bucket of each line of its input, "ADDRESS" or
 * "ADDRESS NUMBER", a port or an IP id.  What hash.c says, for suites that
 * compare it with the kernel.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bin/farmd/hash.h"

int
main(int argc, char **argv)
{
	char buf[128], text[64];
	uint8_t ip[16];
	unsigned number;
	uint32_t seed;
	int fields, family;

	if (argc != 2) {
		fprintf(stderr, "usage: bucket SEED\n");
		return EX_USAGE;
	}
	seed = (uint32_t)strtoul(argv[1], NULL, 0);
	while (fgets(buf, sizeof(buf), stdin) != NULL) {
		fields = sscanf(buf, "%63s %u", text, &number);
		family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
		if (fields < 1 || inet_pton(family, text, ip) != 1) {
			fprintf(stderr, "bucket: %s", buf);
			return EX_DATAERR;
		}
		printf("%u\n", fields == 1 ? hash_addr(family, ip, seed) :
		    hash_addr_and(family, ip, (uint16_t)number, seed));
	}
	return EX_OK;
}
