/* SPDX-License-Identifier: ISC */
/*
 * A FUSE request becomes a read of the local tree or a change: evidence, the
 * door of change.h, the local call, the queue, the result in the slot, the
 * reply.  The files request-*.c hold the handlers by theme.
 */
#ifndef MIRRORD_REQUEST_H
#define MIRRORD_REQUEST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lease.h"

#include "change.h"
#include "fuse.h"
#include "hold.h"
#include "intake.h"
#include "lookup.h"
#include "object.h"
#include "orphan.h"
#include "stream.h"

/* What the handlers of all mounts of a module share. */
struct front {
	struct objects	*objects;
	struct change	*change;
	struct stream	*stream;
	struct lookup	*lookup;
	struct orphans	*orphans;
	struct hold	 hold;		/* `holdfast freeze' */
	bool		 async_second;
	bool		 meta_receipt;	/* a change of names waits, too */
	/* Rules L9, L10, R27: with `leased', which is atomic, no reply to an
	 * application leaves while the lease does not run. */
	struct lease	*lease;
	bool		 leased;
	/* WRITEs of pages the kernel kept: come so far, and not done yet.
	 * Atomic. */
	uint64_t	 kept_come;
	uint64_t	 kept_in_hand;
	/* The role ends: nothing is acknowledged any more.  Atomic. */
	bool		 ending;
	/* A local call failed with EIO, EROFS...; any thread. */
	void		(*on_disk_error)(int error, void *arg);
	void		*arg;
	/* Oldest local sync that has not returned, boot ns; 0 none. */
	unsigned	 syncing;
	int64_t		 sync_since_ns;
	pthread_mutex_t	 sync_lock;
};

/* One replicated directory. */
struct front_mount {
	struct front	*front;
	uint64_t	 root;		/* its oid; nodeid 1 */
	int		 root_fd;	/* the private clone, opened as "." */
	int		 fuse_fd;
	bool		 writeback;	/* the kernel keeps writes */
	struct intake	*intake;
};

void	front_init(struct front *f);
void	front_fini(struct front *f);
/* How long the oldest local sync has been running, ms. */
int64_t	front_disk_silence_ms(struct front *f);
void	front_set_leased(struct front *f, bool leased);
/* "none", "runs" or "over", for people. */
const char *front_lease(struct front *f);

/* The calls of an intake whose argument is a struct front_mount. */
extern const struct intake_calls request_calls;
/* With meta_receipt. */
extern const struct intake_calls request_calls_receipt;

struct request {
	struct front_mount *m;
	struct front	*f;
	struct slot	*slot;
	struct fuse_req	 in;
	uint64_t	 oid;		/* of the node it names */
	bool		 again;		/* an earlier life got to the intent */
	bool		 is_change;	/* the result goes into the slot */
	bool		 logged;	/* change_begin() was called */
	bool		 local;		/* left out: no other node's business */
	bool		 entered;	/* the door of hold.h */
	uint64_t	 receipt;	/* meta_receipt: to wait for; 0 none */
	struct object_locks locks;
	uint8_t		*out;		/* room for a large reply */
	const void	*reply;
	size_t		 reply_len;
	uint8_t		 small[SLOT_REPLY_MAX];
};

/* A handler: 0, a negative errno, or RQ_SILENT: no reply. */
#define RQ_SILENT	1
typedef int request_fn(struct request *r);

request_fn rq_lookup, rq_forget, rq_batch_forget, rq_getattr, rq_readlink,
    rq_statfs, rq_getxattr, rq_listxattr, rq_readdir, rq_readdirplus,
    rq_read, rq_lseek, rq_write, rq_fsync, rq_fallocate, rq_copy,
    rq_mknod, rq_mkdir, rq_symlink, rq_link, rq_unlink, rq_rmdir,
    rq_rename, rq_rename2, rq_setattr, rq_setxattr, rq_removexattr,
    rq_statx, rq_tmpfile, rq_init;

/* The object behind a nodeid of this mount. */
uint64_t request_oid(const struct front_mount *m, uint64_t nodeid);
/* The inverse, for replies. */
uint64_t request_nodeid(const struct front_mount *m, uint64_t oid);

/* Locks for the rest of the request, or until unlocked. */
void	request_lock(struct request *r, const uint64_t *oid, unsigned count);
void	request_unlock(struct request *r);
/* The door of hold.h, once; request_begin() goes through it, too. */
void	request_enter(struct request *r);
/* Around a local call: quota and reserved blocks are the caller's (R43). */
void	request_as_caller(const struct request *r);
void	request_as_self(const struct request *r);
/* Owner and mode of a new object in directory r->oid, as a native file system
 * would choose them: mirrord makes it as root, on both nodes the same. */
int	request_inherit(struct request *r, struct op *op, uint32_t umask);
/* linkat(2) of what O_TMPFILE made: the whole of rq_link() for it. */
int	request_link_nameless(struct request *r, struct op *op);
/*
 * A change begins: its log records are durable, then the objects are locked.
 * In this order, since a begin may wait for the freeze of a resync that
 * wants the locks.  Ended by request_change() or request_cancel().
 */
int	request_begin(struct request *r, const struct op *op,
	    const uint64_t *lock, unsigned count);
/* Nothing was done; the locks are free again. */
void	request_cancel(struct request *r, const struct op *op);
/*
 * The heart: stores the intent with ev (unless the slot has it already:
 * r->again), then the local call as the caller, and the queue.  0 or -errno;
 * *done as store_exec(); OP_COPY's len becomes it.
 */
int	request_change(struct request *r, struct op *op,
	    const struct evidence *ev, uint64_t *done);
/* Fills r->small with fuse_entry_out of oid and raises its count. */
int	request_reply_entry(struct request *r, uint64_t oid);
int	request_reply_attr(struct request *r, uint64_t oid);

/* What the kernel may keep: nobody else writes here. */
#define REQUEST_VALID_S	86400

#endif
