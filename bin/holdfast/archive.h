/* SPDX-License-Identifier: ISC */
/*
 * Module archives: NAME.safe, a zip of conf/ and bin/.
 */
#ifndef HOLDFAST_ARCHIVE_H
#define HOLDFAST_ARCHIVE_H

#include "report.h"

#define ARCHIVE_MAX_FILES	2000
#define ARCHIVE_MAX_BYTES	(64 * 1024 * 1024)

/*
 * Extracts into the empty directory dir.  Only regular files and directories
 * below it; everything else is an error of its own, all reported.  0, or -1:
 * what was written so far is the caller's to remove.
 */
int	archive_extract(const char *file, const char *dir, struct report *r);
/* Zips conf/ and bin/ of a module directory.  0, or -1 after reporting. */
int	archive_pack(const char *dir, const char *file, struct report *r);

#endif
