/* SPDX-License-Identifier: ISC */
/*
 * The maps are written in place while the program reads them: the share into
 * the half that is not live, the marks of foreign buckets in the order that
 * bpfpage.h asks for, MACs one by one.
 */
#include "bpfengine.h"

#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

#include "bpfobj.h"
#include "bpfpage.h"
#include "tcprog.h"

/* Connections read at once; a chain of the map must fit. */
#define BATCH	4096
/* "HF", and the module. */
#define MARK	0x48460000u

struct sheet {
	struct farm_bpf_key	key;
	int			fd;
	struct farm_bpf_page	*page;
};

struct bpfengine {
	struct bpf_object	*obj;
	int			fd;
	struct farm_bpf_state	*state;
	unsigned		count;
	struct sheet		sheet[FILTER_ADDR_MAX];
};

_Static_assert(sizeof(struct farm_bpf_count) % sizeof(uint64_t) == 0,
    "counts are added up as an array");

uint32_t
bpfengine_mark(unsigned module)
{
	return MARK | module;
}

int
bpfengine_fd(const struct bpfengine *e)
{
	return e->fd;
}

uint32_t
bpfengine_id(const struct bpfengine *e)
{
	return bpfobj_id(e->fd);
}

/* The page of one address, in a map of its own, and that in the program's. */
static int
sheet_init(struct bpfengine *e, const struct filter_input *in, unsigned addr)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
	    .map_flags = BPF_F_MMAPABLE);
	struct sheet *s = &e->sheet[addr];

	bpfpage_key(&s->key, &in->addr[addr]);
	s->fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "farm_page",
	    sizeof(uint32_t), sizeof(struct farm_bpf_page), 1, &opts);
	if (s->fd < 0)
		return -1;
	e->count = addr + 1;
	s->page = bpfobj_mmap(s->fd, sizeof(*s->page));
	if (s->page == NULL)
		return -1;
	bpfpage_fill(s->page, in, addr);
	bpfpage_mark(s->page, in);
	return bpf_map_update_elem(bpfobj_map(e->obj, "farm_addr"), &s->key,
	    &s->fd, BPF_ANY) == 0 ? 0 : -1;
}

/* What a map should have, or should not: then value is NULL. */
static int
set(int fd, const void *key, const void *value)
{
	if (value != NULL)
		return bpf_map_update_elem(fd, key, value, BPF_ANY) == 0 ?
		    0 : -1;
	return bpf_map_delete_elem(fd, key) == 0 || errno == ENOENT ? 0 : -1;
}

static int
set_node(struct bpfengine *e, unsigned ifindex, uint32_t node,
    const struct filter_mac *mac)
{
	struct farm_bpf_port port = { ifindex, node };
	struct farm_bpf_mac m = { { 0 }, { 0 } };

	memcpy(m.byte, mac->byte, sizeof(m.byte));
	return set(bpfobj_map(e->obj, "farm_mac"), &port,
	    filter_mac_is_set(mac) ? &m : NULL);
}

static int
set_peer(struct bpfengine *e, unsigned ifindex, uint32_t node,
    const struct filter_mac *mac)
{
	struct farm_bpf_peer peer = { ifindex, { { 0 }, { 0 } } };

	if (!filter_mac_is_set(mac))
		return 0;
	memcpy(peer.mac.byte, mac->byte, sizeof(peer.mac.byte));
	return set(bpfobj_map(e->obj, "farm_peer"), &peer, &node);
}

static bool
is_peer(const struct filter_input *in, const struct farm_bpf_peer *peer)
{
	for (unsigned i = 0; i < in->intf_count; i++)
		for (unsigned n = 0; n < in->node_count; n++)
			if (n != in->self &&
			    in->intf[i].index == peer->ifindex &&
			    memcmp(in->intf[i].node_mac[n].byte,
			    peer->mac.byte, 6) == 0)
				return true;
	return false;
}

/* Who is a node no longer, or has another MAC. */
static void
forget_peers(struct bpfengine *e, const struct filter_input *in)
{
	int fd = bpfobj_map(e->obj, "farm_peer");
	struct farm_bpf_peer key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &key) == 0;

	while (more) {
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (!is_peer(in, &key))
			(void)set(fd, &key, NULL);	/* it was there */
		key = next;
	}
}

int
bpfengine_macs(struct bpfengine *e, const struct filter_input *in)
{
	int rc = 0;

	for (unsigned i = 0; i < in->intf_count; i++) {
		const struct filter_intf *intf = &in->intf[i];

		rc |= set_node(e, intf->index, FARM_BPF_NOBODY, &intf->mac);
		for (unsigned n = 0; n < in->node_count; n++) {
			if (n == in->self)
				continue;
			rc |= set_node(e, intf->index, n,
			    &intf->node_mac[n]);
			rc |= set_peer(e, intf->index, n,
			    &intf->node_mac[n]);
		}
	}
	forget_peers(e, in);
	return rc;
}

void
bpfengine_share(struct bpfengine *e, const struct filter_input *in)
{
	uint32_t next = !e->state->live;

	for (unsigned i = 0; i < e->count; i++)
		bpfpage_unmark(e->sheet[i].page, in);
	bpfpage_share(&e->state->share[next], in);
	__atomic_store_n(&e->state->live, next, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < e->count; i++)
		bpfpage_mark(e->sheet[i].page, in);
}

static int
fill(struct bpfengine *e, const struct filter_input *in)
{
	e->state = bpfobj_mmap(bpfobj_map(e->obj, "farm_state"),
	    sizeof(*e->state));
	if (e->state == NULL)
		return -1;
	e->state->self = in->self;
	e->state->mark = bpfengine_mark(in->id);
	bpfengine_share(e, in);
	for (unsigned i = 0; i < in->addr_count; i++)
		if (sheet_init(e, in, i) == -1)
			return -1;
	return bpfengine_macs(e, in);
}

struct bpfengine *
bpfengine_new(const struct filter_input *in, uint32_t heir_of,
    char why[FILTER_WHY_LEN])
{
	struct bpfengine *e = xcalloc(1, sizeof(*e));

	e->obj = bpfobj_open(TCPROG_NAME, why);
	if (e->obj == NULL)
		goto fail;
	if (heir_of != 0) {
		/* What cannot be inherited begins anew. */
		(void)bpfobj_inherit(e->obj, "farm_count", heir_of);
		(void)bpfobj_inherit(e->obj, "farm_flow", heir_of);
	}
	e->fd = bpfobj_load(e->obj, TCPROG_NAME, why);
	if (e->fd == -1)
		goto fail;
	if (fill(e, in) == -1) {
		bpfobj_why(why, "maps of %s", TCPROG_NAME);
		goto fail;
	}
	return e;
fail:
	bpfengine_free(e);
	return NULL;
}

void
bpfengine_free(struct bpfengine *e)
{
	if (e == NULL)
		return;
	for (unsigned i = 0; i < e->count; i++) {
		if (e->sheet[i].page != NULL)
			munmap(e->sheet[i].page, sizeof(*e->sheet[i].page));
		close(e->sheet[i].fd);
	}
	if (e->state != NULL)
		munmap(e->state, sizeof(*e->state));
	bpf_object__close(e->obj);
	free(e);
}

unsigned
bpfengine_pages(const struct bpfengine *e, const struct filter_input *in,
    unsigned intf, struct xdpprog_page page[FILTER_ADDR_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < e->count; i++) {
		if (!in->addr[i].is_vmac || in->addr[i].intf != intf)
			continue;
		page[count].key = e->sheet[i].key;
		page[count++].fd = e->sheet[i].fd;
	}
	return count;
}

int
bpfengine_count(const struct bpfengine *e, struct farm_bpf_count *count)
{
	return bpfobj_sum(bpfobj_map(e->obj, "farm_count"), 0,
	    (uint64_t *)count, sizeof(*count) / sizeof(uint64_t));
}

unsigned
bpfengine_flows(struct bpfengine *e, unsigned node,
    void (*fn)(void *arg, const struct farm_bpf_flow *flow), void *arg)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	struct farm_bpf_flow *flow = xcalloc(BATCH, sizeof(*flow));
	uint32_t *of = xcalloc(BATCH, sizeof(*of)), at = 0, next = 0;
	int rc = 0, fd = bpfobj_map(e->obj, "farm_flow");
	unsigned found = 0;
	bool first = true;

	while (rc == 0) {
		uint32_t count = BATCH;

		rc = bpf_map_lookup_batch(fd, first ? NULL : &at, &next, flow,
		    of, &count, &opts);
		if (rc != 0 && rc != -ENOENT)	/* that is: the last ones */
			break;
		for (uint32_t i = 0; i < count; i++) {
			if (of[i] != node)
				continue;
			fn(arg, &flow[i]);
			(void)set(fd, &flow[i], NULL);	/* or it went */
			found++;
		}
		at = next;
		first = false;
	}
	free(of);
	free(flow);
	return found;
}
