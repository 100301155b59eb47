/* SPDX-License-Identifier: ISC */
/* The rule of space.h. */
#include "space.h"

#include <stdlib.h>
#include <string.h>

#define HOUR	3600
/* Enough for a median; more would only take time. */
#define POINTS	48
/* Samples that were not taken, of a node that was off, may lie between. */
#define GAP_MAX_S	(7 * 24 * HOUR)

static const int64_t windows_s[] = { HOUR, 6 * HOUR, 48 * HOUR };

void
space_forget(struct space_window *w)
{
	w->count = 0;
}

bool
space_add(struct space_window *w, int64_t wall_s, uint64_t used)
{
	int64_t since = w->count == 0 ? 0 :
	    wall_s - w->sample[w->count - 1].wall_s;

	if (w->count > 0 && (since < 0 || since > GAP_MAX_S))
		space_forget(w);
	else if (w->count > 0 && since < SPACE_STEP_S)
		return false;
	if (w->count == SPACE_SAMPLES) {
		memmove(w->sample, w->sample + 1,
		    (SPACE_SAMPLES - 1) * sizeof(w->sample[0]));
		w->count--;
	}
	w->sample[w->count++] = (struct space_sample){ wall_s, used };
	return true;
}

static double
slope(const struct space_sample *a, const struct space_sample *b)
{
	return ((double)b->used - (double)a->used) /
	    (double)(b->wall_s - a->wall_s);
}

static int
cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Bytes a second over the samples from `first' on. */
static double
pace(const struct space_window *w, uint32_t first)
{
	static const struct space_sample none;
	struct space_sample point[POINTS];
	double slopes[POINTS * (POINTS - 1) / 2], most, ends;
	uint32_t n = w->count - first, count = n < POINTS ? n : POINTS;
	size_t k = 0;

	for (uint32_t i = 0; i < POINTS; i++)
		point[i] = i >= count ? none :
		    w->sample[first + (uint32_t)((uint64_t)i * (n - 1) /
		    (count - 1))];
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = i + 1; j < count; j++)
			slopes[k++] = slope(&point[i], &point[j]);
	qsort(slopes, k, sizeof(slopes[0]), cmp);
	/* A step in the middle is in half of all pairs: a little below. */
	most = slopes[k * 2 / 5];
	ends = slope(&point[0], &point[count - 1]);
	return most < ends ? most : ends;
}

int64_t
space_full_in(const struct space_window *w, uint64_t avail)
{
	int64_t soonest = -1, last, t;
	uint32_t first = w->count;
	double bytes_s;

	if (w->count < 2)
		return -1;
	last = w->sample[w->count - 1].wall_s;
	for (size_t i = 0; i < sizeof(windows_s) / sizeof(windows_s[0]); i++) {
		while (first > 0 && last - w->sample[first - 1].wall_s <=
		    windows_s[i])
			first--;
		/* Half a window says too little about a whole one. */
		if (w->count - first < 4 ||
		    last - w->sample[first].wall_s < windows_s[i] / 2)
			continue;
		bytes_s = pace(w, first);
		if (bytes_s <= 0 || (double)avail / bytes_s >
		    (double)(SPACE_TRUST * windows_s[i]))
			continue;
		t = (int64_t)((double)avail / bytes_s);
		if (soonest == -1 || t < soonest)
			soonest = t;
	}
	return soonest;
}
