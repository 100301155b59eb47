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
/* In the counter: what a rule of exclude.h leaves out.  Such an id is in no
 * log and in no frame. */
#define OID_LOCAL	(1ull << 39)

struct objects;

static inline bool
object_is_local(uint64_t oid)
{
	return (oid & OID_LOCAL) != 0;
}

/* Counters below upto may be used: must be durable in gen when it returns.
 * Called under the lock of the counter only.  0 or -errno. */
typedef int oid_reserve_fn(uint64_t upto, void *arg);

/*
 * root_fd[i] is the private clone of directory i, opened as "." (O_RDONLY),
 * which has oid i+1; they stay the caller's.  next: gen's first counter not
 * reserved yet.  NULL with errno; EOPNOTSUPP: a file system without
 * trusted xattrs or handles (rule R37), named in the log.
 */
struct objects	*objects_open(const char *state_dir, const int *root_fd,
		    unsigned root_count, uint8_t node, uint16_t store,
		    uint64_t next, oid_reserve_fn *reserve, void *arg);
void		 objects_close(struct objects *o);
/*
 * An index that was lost is made again, beside all else: what is found by its
 * name is known at once, and who asks for an id that is not known yet waits.
 * Called once, after objects_exclude(); needed also where nothing was lost.
 */
void		 objects_complete(struct objects *o);

/* A new id; reserves the next durable block when needed. 0 on error. */
uint64_t	object_new_oid(struct objects *o);
/*
 * A descriptor for oid, flags O_PATH, O_RDONLY or O_RDWR (O_RDWR serves
 * both).  Borrowed: give back with object_fd_done().  -ESTALE when no such
 * object is on this node; -EINVAL when it is neither file nor directory and
 * not O_PATH is asked.
 */
int		 object_fd(struct objects *o, uint64_t oid, int flags);
void		 object_fd_done(struct objects *o, uint64_t oid, int fd);
/* lstat by oid; st_ino is the oid. */
int		 object_stat(struct objects *o, uint64_t oid, struct stat *st);
/*
 * The oid of `name' in dir: *oid, and *st when not NULL.  An object without
 * an id, or with one that is not its own (copied xattr), gets a new one when
 * `assign', else -ENODATA.  -ENOENT: no such name.  Reserved names
 * (.holdfast in a root, lost+found of a filesystem root) are -ENOENT, and so
 * is what is left out of replication.
 */
int		 object_lookup(struct objects *o, uint64_t dir,
		    const char *name, bool assign, uint64_t *oid,
		    struct stat *st);
/* The same for an application of this node, which sees what is left out. */
int		 object_lookup_here(struct objects *o, uint64_t dir,
		    const char *name, bool assign, uint64_t *oid,
		    struct stat *st);
/* Per-node names, which are hidden (rule R39): .holdfast in a root, lost+found
 * in that of a file system. */
bool		 object_name_is_reserved(const struct objects *o,
		    uint64_t dir, const char *name);
/* Binds oid to the object `name' in dir: xattr first, then the index. */
int		 object_bind(struct objects *o, uint64_t dir,
		    const char *name, uint64_t oid);
/* Same for a descriptor, O_PATH|O_NOFOLLOW or better, of an object in dir. */
int		 object_bind_fd(struct objects *o, uint64_t dir, int fd,
		    uint64_t oid);
/*
 * Around making a name and binding its object: between the two nobody else
 * gives it an id, which the stream and the kernel would not know.
 */
void		 object_make_begin(struct objects *o);
void		 object_make_end(struct objects *o);
/* Reads the id of fd, 0 when it has none of its own. */
uint64_t	 object_oid_of(struct objects *o, int fd);
/* The object is gone for good: its index entry and descriptors. */
void		 object_forget(struct objects *o, uint64_t oid);
/* The same if no name is left of it. */
void		 object_forget_if_gone(struct objects *o, uint64_t oid);
/* "/proc/self/fd/N" of fd: for calls that do not take an O_PATH one. */
#define OBJECT_PROC_LEN	32
const char	*object_proc_path(char buf[OBJECT_PROC_LEN], int fd);

/* The number of the directory (from 0) oid lives in; -ESTALE unknown. */
int		 object_root(struct objects *o, uint64_t oid);
unsigned	 objects_root_count(const struct objects *o);
int		 objects_root_fd(const struct objects *o, unsigned root);
/* .holdfast/stage of that directory, made when absent; borrowed for ever.
 * Names in it are object_stage_name(). */
int		 objects_stage_fd(struct objects *o, unsigned root);
#define OBJECT_STAGE_LEN 17
const char	*object_stage_name(char buf[OBJECT_STAGE_LEN], uint64_t oid);
/* Index entries made so far are durable when this returns (rule R34). */
int		 objects_sync_index(struct objects *o);
/* Every minute: memory that is not in use goes back. */
void		 objects_trim(struct objects *o);
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

/*
 * Every name of the trees once, but for those that object_lookup() does not
 * find: look() is told the directory, the name, and 0 with oid and lstat, or
 * -ENODATA: it has no id of its own, and is not gone into.  Stops when look()
 * returns non-zero, which is returned.  0 or -errno.
 *
 * worth, if not NULL, is asked first about what is no directory, by its lstat
 * alone, which costs a tenth of finding out what it is; false: it is passed by.
 */
typedef int object_walk_fn(uint64_t dir, const char *name, int found,
		    uint64_t oid, const struct stat *st, void *arg);
typedef bool object_worth_fn(const struct stat *st, void *arg);
int		 objects_walk(struct objects *o, object_worth_fn *worth,
		    object_walk_fn *look, void *arg);
/* Number of objects that are known, about. */
uint64_t	 objects_count(const struct objects *o);
/* Number of objects opened by handle since start (for the reunion test). */
uint64_t	 objects_opened(const struct objects *o);

#endif
