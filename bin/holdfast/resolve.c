/* SPDX-License-Identifier: ISC */
/*
 * The one place that may ask a name server.
 */
#include "resolve.h"

#include <netdb.h>
#include <stdbool.h>
#include <string.h>

#include "cluster.h"

static bool only_addresses;

void
resolve_only_addresses(void)
{
	only_addresses = true;
}

int
resolve_host(struct sockaddr_storage *ss, const char *host, const char **why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *ai;
	char copy[ADDR_LEN];
	size_t len = strlen(host);
	int rc;

	if (host[0] == '[' && len > 2 && len < sizeof(copy)) {
		memcpy(copy, host + 1, len - 2);
		copy[len - 2] = '\0';
		host = copy;
	}
	*why = "names are not asked for";
	if (addr_parse(ss, host) == 0)
		return 0;
	if (only_addresses)
		return -1;
	rc = getaddrinfo(host, NULL, &hints, &ai);
	if (rc != 0) {
		*why = gai_strerror(rc);
		return -1;
	}
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	return 0;
}
