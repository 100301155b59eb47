/* SPDX-License-Identifier: ISC */
/* Own connections, from sockdiag's lists. */

#include "flows.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static void
fill(struct flow *f, const struct sockdiag_socket *s)
{
	const uint8_t *local = (const uint8_t *)s->id.idiag_src;
	const uint8_t *peer = (const uint8_t *)s->id.idiag_dst;
	bool is_mapped = s->family == AF_INET6 &&
	    memcmp(local, mapped, sizeof(mapped)) == 0;
	size_t skip = is_mapped ? sizeof(mapped) : 0;

	memset(f, 0, sizeof(*f));
	f->family = is_mapped ? AF_INET : s->family;
	f->state = s->state;
	memcpy(f->local, local + skip, f->family == AF_INET ? 4 : 16);
	memcpy(f->peer, peer + skip, f->family == AF_INET ? 4 : 16);
	f->local_port = ntohs(s->id.idiag_sport);
	f->peer_port = ntohs(s->id.idiag_dport);
}

int
flows_read(struct flows *f, const struct sockaddr_storage *addr,
    unsigned count)
{
	struct flow *grown;

	f->count = f->list.count = 0;
	for (unsigned i = 0; i < count; i++)
		if (sockdiag_list(&f->list, &addr[i], SOCKDIAG_PEERED) == -1)
			return -1;
	if (f->list.count == 0)
		return 0;
	grown = reallocarray(f->flow, f->list.size, sizeof(*grown));
	if (grown == NULL)
		return -1;
	f->flow = grown;
	for (unsigned i = 0; i < f->list.count; i++)
		fill(&f->flow[i], &f->list.socket[i]);
	f->count = f->list.count;
	return 0;
}

void
flows_free(struct flows *f)
{
	free(f->flow);
	sockdiag_list_free(&f->list);
	memset(f, 0, sizeof(*f));
}

bool
flow_is_live(const struct flow *f)
{
	return f->state != TCP_TIME_WAIT;
}

int
flows_end(const struct flows *f,
    bool (*pick)(const struct flow *flow, void *arg), void *arg)
{
	struct sockdiag_list ends = { 0 };
	int rc;

	if (f->count == 0)
		return 0;
	ends.socket = calloc(f->count, sizeof(*ends.socket));
	if (ends.socket == NULL)
		return -1;
	for (unsigned i = 0; i < f->count; i++)
		if (flow_is_live(&f->flow[i]) && pick(&f->flow[i], arg))
			ends.socket[ends.count++] = f->list.socket[i];
	rc = ends.count > 0 ? sockdiag_destroy(&ends) : 0;
	free(ends.socket);
	return rc;
}
