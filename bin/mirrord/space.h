/* SPDX-License-Identifier: ISC */
/*
 * When a filesystem will be full, from what was used of it before.  Pure.
 *
 * A sample each five minutes is kept for two days.  Over the last hour, six
 * hours and two days the pace is what three fifths of all slopes between
 * samples exceed, and not more than from the first to the last of them:
 * neither one big file nor a log that is rotated each night is growth.  A
 * forecast counts as far as four times the window it comes from: an hour tells
 * of this afternoon, two days of the next eight.
 */
#ifndef MIRRORD_SPACE_H
#define MIRRORD_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#define SPACE_STEP_S	300
#define SPACE_SAMPLES	576
#define SPACE_TRUST	4

struct space_sample {
	int64_t		wall_s;		/* kept over reboots: wall time */
	uint64_t	used;
};

struct space_window {
	uint32_t		count;	/* the oldest first */
	struct space_sample	sample[SPACE_SAMPLES];
};

/* What a filesystem has now, and when that ends. */
struct space {
	bool		known;
	uint64_t	total, avail;		/* bytes */
	uint64_t	files, files_avail;	/* inodes; 0: no such limit */
	int64_t		full_in_s;		/* -1: not foreseen */
};

void	space_forget(struct space_window *w);
/*
 * One more sample, when the last one is a step ago.  A clock that was set
 * back, or far ahead, forgets the rest.  True: it was taken.
 */
bool	space_add(struct space_window *w, int64_t wall_s, uint64_t used);
/* Seconds until avail is used up; -1 when that is not foreseen. */
int64_t	space_full_in(const struct space_window *w, uint64_t avail);

#endif
