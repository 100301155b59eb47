/* SPDX-License-Identifier: ISC */
/* INIT is negotiated flag by flag; a request is decoded within its bounds. */
#include "tap.h"

#include <errno.h>

#include "../../bin/mirrord/fuse.h"

static const uint32_t all_flags = 0xffffffffu;

static void
test_init(void)
{
	struct fuse_init_in in = { .major = 7, .minor = 38,
	    .max_readahead = 131072, .flags = all_flags };
	struct fuse_init_out out;
	const char *missing;
	size_t len;

	is_num(fuse_negotiate(&in, sizeof(in), false, &out, &len, &missing), 0,
	    "a kernel that has everything");
	is_num(len, sizeof(out), "whole answer");
	is_num(out.max_write, FUSE_DATA_MAX, "max_write");
	is_num(out.max_pages * 4096, FUSE_DATA_MAX, "max_pages");
	ok(out.flags & FUSE_HANDLE_KILLPRIV_V2, "killpriv-v2");
	ok(out.flags & FUSE_POSIX_ACL && out.flags & FUSE_DONT_MASK,
	    "ACLs, and the umask is ours");
	ok(!(out.flags & FUSE_WRITEBACK_CACHE), "write-through");
	(void)fuse_negotiate(&in, sizeof(in), true, &out, &len, &missing);
	ok(out.flags & FUSE_WRITEBACK_CACHE, "or not, where that is wanted");
	ok(!(out.flags & FUSE_AUTO_INVAL_DATA), "explicit invalidation only");
	ok(!(out.flags & (FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS)),
	    "locks stay in the kernel");
	in.flags = all_flags & ~(uint32_t)FUSE_HANDLE_KILLPRIV_V2;
	is_num(fuse_negotiate(&in, sizeof(in), false, &out, &len, &missing),
	    -ENOTSUP, "an old kernel is refused");
	is_str(missing, "handle-killpriv-v2", "and told why");
	in.flags = all_flags & ~(uint32_t)FUSE_PARALLEL_DIROPS;
	is_num(fuse_negotiate(&in, sizeof(in), false, &out, &len, &missing), 0,
	    "a comfort may be missing");
	ok(!(out.flags & FUSE_PARALLEL_DIROPS), "and is not asked for then");
	in.major = 8;
	is_num(fuse_negotiate(&in, sizeof(in), false, &out, &len, &missing), 0,
	    "a newer major is told ours");
	is_num(out.major, 7, "which is 7");
	in.major = 6;
	is_num(fuse_negotiate(&in, sizeof(in), false, &out, &len, &missing),
	    -ENOTSUP, "an older one cannot be served");
}

struct packet {
	struct fuse_in_header	h;
	char			body[64];
};

static int
decode(struct fuse_req *r, struct packet *p, uint32_t opcode, size_t body)
{
	p->h.opcode = opcode;
	p->h.len = (uint32_t)(sizeof(p->h) + body);
	return fuse_decode(r, p, p->h.len);
}

static void
test_decode(void)
{
	struct packet p = { .h = { .unique = 1 } };
	struct fuse_req r;

	memcpy(p.body, "name", 5);
	is_num(decode(&r, &p, FUSE_LOOKUP, 5), 0, "lookup");
	is_str(r.name, "name", "its name");
	is_num(decode(&r, &p, FUSE_LOOKUP, 4), -EINVAL, "no end of name");
	is_num(decode(&r, &p, FUSE_LOOKUP, 0), -EINVAL, "no name");
	memcpy(p.body, "a\0target", 9);
	is_num(decode(&r, &p, FUSE_SYMLINK, 9), 0, "symlink");
	is_str(r.name2, "target", "its target");
	is_num(decode(&r, &p, FUSE_SYMLINK, 2), -EINVAL, "no target");
	is_num(decode(&r, &p, FUSE_WRITE, 39), -EINVAL, "short write");
	is_num(decode(&r, &p, FUSE_WRITE, 50), 0, "write");
	is_num(r.data_len, 10, "its data");
	is_num(decode(&r, &p, 4711, 0), -ENOSYS, "unknown opcode");
	ok(r.h != NULL, "which can be answered");
	is_num(fuse_decode(&r, &p, 10), -EINVAL, "no header");
	ok(r.h == NULL, "which cannot");
	p.h.len = 1000;
	is_num(fuse_decode(&r, &p, sizeof(p)), -EINVAL, "lying length");
}

int
main(void)
{
	test_init();
	test_decode();
	return tap_done();
}
