/* SPDX-License-Identifier: ISC */
/*
 * Several farmds share the program of an interface, so whoever changes it
 * holds a lock.  The program is found by asking the interface, its maps by
 * asking the program; attached without a link, it outlives them all.
 */
#include "xdpprog.h"

#include <sys/file.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "paths.h"

#include "bpfobj.h"

#define ADDR_MAP	"farm_xdp_addr"
#define COUNT_MAP	"farm_xdp_count"
#define LOCK		"farm-xdp.lock"
/* Each of 1 ms: a farmd that was stopped while it has it stops no other. */
#define LOCK_TRIES	100

/* -1: go on without; then two farmds that start at once may meet. */
static int
lock(void)
{
	char path[PATH_LEN];
	int fd = open(path_run(path, "%s", LOCK), O_RDWR | O_CREAT | O_CLOEXEC,
	    0600);

	for (unsigned i = 0; fd != -1 &&
	    flock(fd, LOCK_EX | LOCK_NB) == -1; i++) {
		if (i == LOCK_TRIES) {
			close(fd);
			return -1;
		}
		(void)poll(NULL, 0, 1);
	}
	return fd;
}

static void
unlock(int fd)
{
	if (fd != -1)
		close(fd);
}

/* What is attached there in native mode, whosever it is; 0: nothing. */
static uint32_t
occupant(unsigned ifindex)
{
	struct bpf_xdp_query_opts q = { .sz = sizeof(q) };

	if (bpf_xdp_query((int)ifindex, 0, &q) != 0)
		return 0;
	/* Of several modes prog_id names none. */
	return q.drv_prog_id != 0 ? q.drv_prog_id : q.prog_id;
}

static uint32_t
ours(unsigned ifindex)
{
	uint32_t id = occupant(ifindex);

	return bpfobj_is(id, XDPPROG_NAME, NULL) ? id : 0;
}

/* By its mode: without one, a program of the other mode would stay. */
static int
detach(unsigned ifindex, uint32_t id)
{
	struct bpf_xdp_attach_opts opts = { .sz = sizeof(opts) };
	int rc, fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return -1;
	opts.old_prog_fd = fd;
	rc = bpf_xdp_detach((int)ifindex, XDP_FLAGS_DRV_MODE |
	    XDP_FLAGS_REPLACE, &opts);
	close(fd);
	return rc == 0 ? 0 : -1;
}

/* In the place of `old', or where there is none. */
static int
attach(unsigned ifindex, int prog_fd, uint32_t old)
{
	struct bpf_xdp_attach_opts opts = { .sz = sizeof(opts) };
	uint32_t flags = XDP_FLAGS_DRV_MODE;
	int rc, fd = -1;

	if (old == 0) {
		flags |= XDP_FLAGS_UPDATE_IF_NOEXIST;
	} else {
		fd = bpf_prog_get_fd_by_id(old);
		if (fd < 0)
			return -1;
		opts.old_prog_fd = fd;
		flags |= XDP_FLAGS_REPLACE;
	}
	rc = bpf_xdp_attach((int)ifindex, prog_fd, flags, &opts);
	if (fd != -1)
		close(fd);
	errno = -rc;
	return rc == 0 ? 0 : -1;
}

/*
 * A program of this build.  One of another build is replaced, and with it
 * its pages, which have another shape: the other modules lose a short cut
 * until their farmds, of this build by then, notice.
 */
static int
ensure(unsigned ifindex, char why[FILTER_WHY_LEN])
{
	uint8_t tag[BPFOBJ_TAG_LEN], there[BPFOBJ_TAG_LEN];
	uint32_t id = occupant(ifindex);
	struct bpf_object *o;
	int fd, rc = 0;

	if (id != 0 && !bpfobj_is(id, XDPPROG_NAME, there)) {
		snprintf(why, FILTER_WHY_LEN,
		    "the interface has an XDP program of somebody else");
		return -1;
	}
	o = bpfobj_open(XDPPROG_NAME, why);
	if (o == NULL)
		return -1;
	fd = bpfobj_load(o, XDPPROG_NAME, why);
	if (fd == -1) {
		rc = -1;
	} else if (id == 0 || !bpfobj_is(bpfobj_id(fd), XDPPROG_NAME, tag) ||
	    memcmp(tag, there, sizeof(tag)) != 0) {
		rc = attach(ifindex, fd, id);
		if (rc == -1)
			bpfobj_why(why, "its driver has no native XDP");
	}
	bpf_object__close(o);
	return rc;
}

/* Whose a page is; 0: nobody's that can be told. */
static unsigned
module_of(uint32_t map_id)
{
	int fd = bpf_map_get_fd_by_id(map_id);
	const struct farm_bpf_page *page;
	unsigned module = 0;

	if (fd < 0)
		return 0;
	/* Its head is enough. */
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED) {
		module = page->module;
		munmap((void *)(uintptr_t)page, 4096);
	}
	close(fd);
	return module;
}

static bool
is_among(const struct farm_bpf_key *key, const struct xdpprog_page *page,
    unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (memcmp(key, &page[i].key, sizeof(*key)) == 0)
			return true;
	return false;
}

/*
 * Deletes the module's addresses but those of `page'.  How many of all
 * modules are left, and how many of the module were there.
 */
static unsigned
prune(int map, unsigned module, const struct xdpprog_page *page,
    unsigned count, unsigned *had)
{
	struct farm_bpf_key key, next;
	unsigned left = 0;
	uint32_t id;
	bool more = bpf_map_get_next_key(map, NULL, &key) == 0;

	*had = 0;
	while (more) {
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &id) != 0)
			id = 0;
		if (id != 0 && module_of(id) == module) {
			(*had)++;
			if (!is_among(&key, page, count) &&
			    bpf_map_delete_elem(map, &key) == 0) {
				key = next;
				continue;
			}
		}
		left++;
		key = next;
	}
	return left;
}

static void
reset_count(uint32_t prog, unsigned module)
{
	int cpus = libbpf_num_possible_cpus();
	int fd = bpfobj_map_of(prog, COUNT_MAP);
	uint64_t zero[1024] = { 0 };

	if (fd != -1 && cpus > 0 && cpus <= 1024)
		(void)bpf_map_update_elem(fd, &module, zero, BPF_ANY);
	if (fd != -1)
		close(fd);
}

int
xdpprog_set(unsigned ifindex, unsigned module,
    const struct xdpprog_page *page, unsigned count,
    char why[FILTER_WHY_LEN])
{
	unsigned had;
	uint32_t id;
	int locked = lock(), map = -1, rc = -1;

	if (ensure(ifindex, why) == -1)
		goto out;
	id = ours(ifindex);
	map = bpfobj_map_of(id, ADDR_MAP);
	if (map == -1) {
		bpfobj_why(why, "its XDP program has no %s", ADDR_MAP);
		goto out;
	}
	prune(map, module, page, count, &had);
	if (had == 0)
		reset_count(id, module);
	for (unsigned i = 0; i < count; i++)
		if (bpf_map_update_elem(map, &page[i].key, &page[i].fd,
		    BPF_ANY) != 0) {
			bpfobj_why(why, "address for its XDP program");
			goto out;
		}
	rc = 0;
out:
	if (map != -1)
		close(map);
	unlock(locked);
	return rc;
}

bool
xdpprog_has(unsigned ifindex, const struct xdpprog_page *page,
    unsigned count)
{
	int map = bpfobj_map_of(ours(ifindex), ADDR_MAP);
	bool has = map != -1;
	uint32_t id;

	for (unsigned i = 0; has && i < count; i++)
		has = bpf_map_lookup_elem(map, &page[i].key, &id) == 0 &&
		    id == bpfobj_map_id(page[i].fd);
	if (map != -1)
		close(map);
	return has;
}

void
xdpprog_clear(unsigned ifindex, unsigned module)
{
	uint32_t id = ours(ifindex);
	unsigned had;
	int locked, map;

	if (id == 0)
		return;
	locked = lock();
	id = ours(ifindex);
	map = bpfobj_map_of(id, ADDR_MAP);
	if (map == -1 || prune(map, module, NULL, 0, &had) == 0)
		(void)detach(ifindex, id);	/* the interface has gone */
	if (map != -1)
		close(map);
	unlock(locked);
}

uint64_t
xdpprog_dropped(unsigned ifindex, unsigned module)
{
	int fd = bpfobj_map_of(ours(ifindex), COUNT_MAP);
	uint64_t sum = 0;

	if (fd == -1)
		return 0;
	(void)bpfobj_sum(fd, module, &sum, 1);	/* 0 then */
	close(fd);
	return sum;
}
