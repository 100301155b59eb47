/* SPDX-License-Identifier: ISC */
/*
 * Identity: a 64-bit object id for each file and directory, the same on both
 * nodes, bound to its own file handle in the xattr trusted.holdfast.oid
 * (rule R29), with an index oid -> handle in the state directory.  Objects
 * are opened by handle on demand with an LRU of descriptors; no path is
 * kept anywhere.  All calls are thread-safe unless said otherwise; errors
 * are negative errno.
 */
#ifndef MIRRORD_OBJECT_H
#define MIRRORD_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* oid: node id (8) | store number (16) | counter (40).  Roots are 1..255 in
 * the order of <replicated>. */
#define OID_ROOT_MAX	255
#define OID_XATTR	"trusted.holdfast.oid"
#define OID_RESERVE	(1u << 20)	/* counters reserved at once, R33 */

struct objects;

/* What `next oid block' in gen needs; called with no lock held, must be
 * durable when it returns.  0 or -errno. */
typedef int oid_reserve_fn(uint64_t upto, void *arg);

/*
 * root_fd[i] is the private clone of directory i, opened as ".", which has
 * oid i+1.  `shared', when not NULL, keeps lookup counts across a restart.
 */
struct objects	*objects_open(const char *state_dir, const int *root_fd,
		    unsigned root_count, uint8_t node, uint16_t store,
		    uint64_t next, oid_reserve_fn *reserve, void *arg);
void		 objects_close(struct objects *o);

/* A new id; reserves the next durable block when needed. 0 on error. */
uint64_t	object_new_oid(struct objects *o);
/*
 * A descriptor for oid, flags O_PATH, O_RDONLY or O_RDWR (O_RDWR serves
 * both).  Borrowed: give back with object_fd_done().  -ESTALE when no such
 * object is on this node.
 */
int		 object_fd(struct objects *o, uint64_t oid, int flags);
void		 object_fd_done(struct objects *o, uint64_t oid, int fd);
/* lstat by oid; st_ino is the oid. */
int		 object_stat(struct objects *o, uint64_t oid, struct stat *st);
/*
 * The oid of `name' in dir: *oid, and *st when not NULL.  An object without
 * an id, or with one that is not its own (copied xattr), gets a new one when
 * `assign', else -ENODATA.  -ENOENT: no such name.  Reserved names
 * (.holdfast in a root, lost+found of a filesystem root) are -ENOENT.
 */
int		 object_lookup(struct objects *o, uint64_t dir,
		    const char *name, bool assign, uint64_t *oid,
		    struct stat *st);
/* Binds oid to the object `name' in dir: xattr first, then the index. */
int		 object_bind(struct objects *o, uint64_t dir,
		    const char *name, uint64_t oid);
/* Same for a descriptor opened O_PATH|O_NOFOLLOW or better. */
int		 object_bind_fd(struct objects *o, int fd, uint64_t oid);
/* Reads the id of fd, 0 when it has none of its own. */
uint64_t	 object_oid_of(struct objects *o, int fd);
/* The object is gone for good: its index entry and descriptors. */
void		 object_forget(struct objects *o, uint64_t oid);
/* Index entries made so far are durable when this returns (rule R34). */
int		 objects_sync_index(struct objects *o);
/* syncfs of every root and the index: a checkpoint. */
int		 objects_checkpoint(struct objects *o);

/*
 * Locks up to 6 oids in ascending order; 0 and doubles are skipped.  Held
 * over "local call + enqueue" (rule R7).
 */
#define OBJECT_LOCK_MAX	6
struct object_locks {
	unsigned	count;
	uint64_t	oid[OBJECT_LOCK_MAX];
};
void		 object_lock(struct objects *o, struct object_locks *l,
		    const uint64_t *oid, unsigned count);
void		 object_unlock(struct objects *o, struct object_locks *l);

/* Number of objects opened by handle since start (for the reunion test). */
uint64_t	 objects_opened(const struct objects *o);

#endif
