/* SPDX-License-Identifier: ISC */
/*
 * Index oid -> file handle: a hash table in a mapped file of the state
 * directory, `index'.  A cache of what the xattrs of the tree say, so it may
 * be thrown away and made again by a scan; an entry that does not open, or
 * whose checksum is wrong, counts as absent.  Thread-safe.
 *
 * File: a 4096 byte head {magic, version, node, slots, crc}, then slots of
 * 40 bytes {u64 oid, u32 crc32c, u8 root, u8 type, u8 len, u8 0, handle},
 * in the byte order of the host: the file never leaves it.
 */
#ifndef MIRRORD_OBJECT_INDEX_H
#define MIRRORD_OBJECT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ext4 8, xfs 12, btrfs 20 bytes. */
#define HANDLE_MAX	24

struct handle {
	uint8_t	root;		/* number of the directory, from 0 */
	uint8_t	type;
	uint8_t	len;
	uint8_t	byte[HANDLE_MAX];
};

struct object_index;

/*
 * *to_scan: it lacks entries.  There was none, it was unreadable, or a scan
 * was cut short: until object_index_complete() a file `index.scan' says so.
 * NULL with errno.
 */
struct object_index *object_index_open(const char *state_dir, uint8_t node,
		    bool *to_scan);
/* Holds all there is, durably.  0 or -errno. */
int		 object_index_complete(struct object_index *x);
void		 object_index_close(struct object_index *x);
/* 0 or -ENOENT. */
int		 object_index_get(struct object_index *x, uint64_t oid,
		    struct handle *h);
/* Replaces.  0 or -errno (ENOSPC: it could not grow). */
int		 object_index_put(struct object_index *x, uint64_t oid,
		    const struct handle *h);
void		 object_index_del(struct object_index *x, uint64_t oid);
/* What was put before the call is on disk; costs nothing when nothing was
 * put since the last time.  0 or -errno. */
int		 object_index_sync(struct object_index *x);
/* Pages of it count as this process's when they are used again only. */
void		 object_index_trim(struct object_index *x);
/* About, of a large one that was opened. */
size_t		 object_index_count(struct object_index *x);

#endif
