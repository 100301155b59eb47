/* SPDX-License-Identifier: ISC */
/*
 * The filesystems under the replicated directories, here and on the peer, and
 * what is to be said of them before they are full.  Pure.
 */
#ifndef MODULED_DISK_H
#define MODULED_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "line.h"

#define DISK_MAX	16
#define DISK_DIR	128

struct disk {
	char		dir[DISK_DIR];
	uint64_t	total, avail;		/* bytes */
	uint64_t	files, files_avail;	/* inodes; 0: no limit */
	int64_t		full_in_s;		/* -1: not foreseen */
};

struct disks {
	unsigned	count;
	struct disk	disk[DISK_MAX];
};

/* The keys `space' of a line; one that is broken is left out. */
void	disks_take(struct disks *d, const struct line *l);
void	disks_put(struct line_out *o, const struct disks *d);
/* No room for another write, as good as. */
bool	disk_is_full(const struct disk *d);
/* Per cent that is used, rounded up; 0 when nothing is known. */
unsigned disk_used(const struct disk *d);
unsigned disk_inodes_used(const struct disk *d);
/* The one of the same directory, or NULL. */
const struct disk *disks_find(const struct disks *d, const char *dir);

/* Of the two nodes: name, disks, is it the primary, do they work. */
struct disk_side {
	const char		*node;
	const struct disks	*disks;
	bool			 is_prim, is_down;	/* takes no writes */
};

/* Calls for each warning: one of disk-failed, -full, -filling, -smaller. */
void	disks_warn(const struct disk_side *own, const struct disk_side *peer,
	    void (*warn)(const char *code, const char *text,
	    const char *command, void *arg), void *arg);

#endif
