/* SPDX-License-Identifier: ISC */
/* See disk.h. */
#include "disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "human.h"

#define MIB		((uint64_t)1 << 20)
#define GIB		((uint64_t)1 << 30)
#define DAY_S		86400
#define HOUR_S		3600
/* Told that long before: over a weekend, and time to buy a disk. */
#define HORIZON_S	(7 * DAY_S)
/* Of a big disk a twentieth is still much. */
#define LOW_MAX		(10 * GIB)
#define TEXT		512
/*
 * What they are told in is quoted once more on its way, and must arrive: a
 * peer that publishes nothing is as good as silent.  The rest is left out.
 */
#define BLOB_MAX	2500

void
disks_take(struct disks *d, const struct line *l)
{
	const char *v;
	struct disk k;
	unsigned pos = 0;
	int dir = 0;

	d->count = 0;
	while ((v = line_next(l, "space", &pos)) != NULL &&
	    d->count < DISK_MAX) {
		memset(&k, 0, sizeof(k));
		if (sscanf(v, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		    " %" SCNd64 " %n", &k.total, &k.avail, &k.files,
		    &k.files_avail, &k.full_in_s, &dir) != 5 ||
		    v[dir] != '/' || k.avail > k.total)
			continue;
		(void)snprintf(k.dir, sizeof(k.dir), "%s", v + dir);
		d->disk[d->count++] = k;
	}
}

void
disks_put(struct line_out *o, const struct disks *d)
{
	for (unsigned i = 0; i < d->count && o->len < BLOB_MAX; i++) {
		const struct disk *k = &d->disk[i];

		line_addf(o, "space", "%" PRIu64 " %" PRIu64 " %" PRIu64
		    " %" PRIu64 " %" PRId64 " %s", k->total, k->avail,
		    k->files, k->files_avail, k->full_in_s, k->dir);
	}
}

const struct disk *
disks_find(const struct disks *d, const char *dir)
{
	for (unsigned i = 0; i < d->count; i++)
		if (strcmp(d->disk[i].dir, dir) == 0)
			return &d->disk[i];
	return NULL;
}

static bool
no_inodes(const struct disk *d)
{
	return d->files > 0 && d->files_avail == 0;
}

bool
disk_is_full(const struct disk *d)
{
	return no_inodes(d) || (d->total > 0 && (d->avail < MIB ||
	    d->avail < d->total / 1000));
}

static unsigned
used(uint64_t total, uint64_t avail)
{
	double part;

	if (total == 0 || avail >= total)
		return 0;
	part = 100.0 * (double)(total - avail) / (double)total;
	return (unsigned)part + (part > (double)(unsigned)part);
}

unsigned
disk_used(const struct disk *d)
{
	return used(d->total, d->avail);
}

unsigned
disk_inodes_used(const struct disk *d)
{
	return used(d->files, d->files_avail);
}

/* --- words ---------------------------------------------------------- */

#define SPAN_LEN 32

static const char *
span(char buf[SPAN_LEN], int64_t s)
{
	int64_t days = (s + DAY_S / 2) / DAY_S;
	int64_t hours = (s + HOUR_S / 2) / HOUR_S;

	if (s >= 2 * DAY_S)
		(void)snprintf(buf, SPAN_LEN, "%" PRId64 " days", days);
	else if (hours > 1)
		(void)snprintf(buf, SPAN_LEN, "%" PRId64 " hours", hours);
	else
		(void)snprintf(buf, SPAN_LEN, "an hour");
	return buf;
}

/* --- what is to be said --------------------------------------------- */

struct warner {
	void	(*warn)(const char *, const char *, const char *, void *);
	void	*arg;
};

static void
say(const struct warner *w, const struct disk_side *side,
    const struct disk *d, const char *code, const char *text)
{
	char command[DISK_DIR + 128];

	(void)snprintf(command, sizeof(command), "on %s: df -h %s",
	    side->node, d->dir);
	w->warn(code, text, command, w->arg);
}

static void
warn_down(const struct warner *w, const struct disk_side *side)
{
	char text[TEXT], command[128];

	if (!side->is_down)
		return;
	(void)snprintf(text, sizeof(text), "%s: the disk of the module's "
	    "directories fails or does not answer: look into the kernel's log",
	    side->node);
	(void)snprintf(command, sizeof(command), "on %s: dmesg -T | tail",
	    side->node);
	w->warn("disk-failed", text, command, w->arg);
}

static void
warn_one(const struct warner *w, const struct disk_side *side,
    const struct disk *d)
{
	char text[TEXT], left[HUMAN_LEN], all[HUMAN_LEN], when[SPAN_LEN];

	(void)human_bytes(left, d->avail);
	if (disk_is_full(d)) {
		(void)snprintf(text, sizeof(text), "%s: %s is full (%s%s of "
		    "%s left): %s; remove files or grow the filesystem",
		    side->node, d->dir, no_inodes(d) ? "no inodes, " : "",
		    left, human_bytes(all, d->total), side->is_prim ?
		    "writes of the application fail" :
		    "writes of the primary cannot be applied");
		say(w, side, d, "disk-full", text);
	} else if (d->full_in_s >= 0 && d->full_in_s <= HORIZON_S) {
		(void)snprintf(text, sizeof(text), "%s: %s is full in about "
		    "%s (%s left)", side->node, d->dir,
		    span(when, d->full_in_s), left);
		say(w, side, d, "disk-filling", text);
	} else if (d->total > 0 && d->avail < d->total / 20 &&
	    d->avail < LOW_MAX) {
		(void)snprintf(text, sizeof(text), "%s: %s is %u%% full (%s "
		    "left)", side->node, d->dir, disk_used(d), left);
		say(w, side, d, "disk-filling", text);
	}
}

/* Disks of one size are seldom equal to the byte: a twentieth is no matter. */
static void
warn_smaller(const struct warner *w, const struct disk_side *prim,
    const struct disk_side *second)
{
	char text[TEXT], a[HUMAN_LEN], b[HUMAN_LEN];

	for (unsigned i = 0; i < second->disks->count; i++) {
		const struct disk *s = &second->disks->disk[i];
		const struct disk *p = disks_find(prim->disks, s->dir);

		if (p == NULL || s->total >= p->total - p->total / 20)
			continue;
		(void)snprintf(text, sizeof(text), "%s: %s is on %s, on %s "
		    "on %s: %s", second->node, s->dir, human_bytes(a, s->total),
		    prim->node, human_bytes(b, p->total), s->total < p->total -
		    p->avail ? "it cannot hold what is there" :
		    "it will be full first");
		say(w, second, s, "disk-smaller", text);
	}
}

void
disks_warn(const struct disk_side *own, const struct disk_side *peer,
    void (*warn)(const char *code, const char *text, const char *command,
    void *arg), void *arg)
{
	struct warner w = { warn, arg };

	warn_down(&w, own);
	warn_down(&w, peer);
	for (unsigned i = 0; i < own->disks->count; i++)
		warn_one(&w, own, &own->disks->disk[i]);
	for (unsigned i = 0; i < peer->disks->count; i++)
		warn_one(&w, peer, &peer->disks->disk[i]);
	if (own->is_prim)
		warn_smaller(&w, own, peer);
	else if (peer->is_prim)
		warn_smaller(&w, peer, own);
}
