/* SPDX-License-Identifier: ISC */
/*
 * A complete copy of one object: data with its holes, mode, owner, times,
 * extended attributes and with them ACLs.  By reflink where the file system
 * has it.  Our own attributes (trusted.holdfast.*) stay behind: a copy is
 * nobody's object.
 */
#ifndef MIRRORD_ASIDE_COPY_H
#define MIRRORD_ASIDE_COPY_H

#include <stdbool.h>

/*
 * What fd is (O_PATH or better) becomes dfd/name, which must not be there.
 * sync: its data is on disk on return.  stop(arg) is asked now and then.
 * 0 or -errno (-ECANCELED: stopped), and then nothing is left.
 */
int	aside_copy(int fd, int dfd, const char *name, bool sync,
	    bool (*stop)(void *arg), void *arg);
/* Mode, owner, times and extended attributes of a directory. */
int	aside_copy_attr(int fd, int to);
/* Can files of this directory share their blocks? */
bool	aside_can_reflink(int dfd);
/* The same extended attributes, ours apart? */
bool	aside_same_xattr(int fd, int other);

#endif
