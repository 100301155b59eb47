/* SPDX-License-Identifier: ISC */
#include "resync-story.h"

#include <stdio.h>
#include <string.h>

#include "human.h"

#define PROGRESS_MS	60000

/* Of a phase that copies; NULL in others. */
static const char *
what(const char *phase)
{
	static const char *const words[][2] = {
		{ "actlog", "what was in hand is compared" },
		{ "incremental", "what changed while apart is copied" },
		{ "full", "every object is compared" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(phase, words[i][0]) == 0)
			return words[i][1];
	return NULL;
}

static bool
begins(struct resync_story *s, const struct self_facts *f, struct mono now,
    char *text, size_t size)
{
	const char *how = what(f->phase);

	if (how == NULL)
		return false;
	s->runs = true;
	s->begin = s->told = now;
	s->done_bytes = f->done_bytes;
	(void)snprintf(text, size, "resync: begins: %s", how);
	return true;
}

/* Of one node the last phase lasts until the connection ends. */
static bool
is_in_step(const struct self_facts *f)
{
	return f->role == SR_PRIM ? f->joined : f->level;
}

static bool
is_over(const struct self_facts *f)
{
	return f->phase[0] == '\0' || strcmp(f->phase, "none") == 0 ||
	    (strcmp(f->phase, "strict") == 0 && is_in_step(f));
}

static bool
ends(struct resync_story *s, const struct self_facts *f, struct mono now,
    char *text, size_t size)
{
	long long seconds = (mono_diff_ms(now, s->begin) + 500) / 1000;
	char done[HUMAN_LEN];

	s->runs = false;
	if (is_in_step(f))
		(void)snprintf(text, size, "resync: both nodes hold the same, "
		    "after %lld s; %s were compared or copied", seconds,
		    human_bytes(done, (uint64_t)s->done_bytes));
	else
		(void)snprintf(text, size, "resync: broken off after %lld s; "
		    "it begins again when the nodes meet", seconds);
	return true;
}

static bool
goes_on(struct resync_story *s, const struct self_facts *f, struct mono now,
    char *text, size_t size)
{
	char done[HUMAN_LEN], total[HUMAN_LEN];
	int n;

	s->done_bytes = f->done_bytes;
	if (what(f->phase) == NULL ||
	    !mono_passed(mono_add_ms(s->told, PROGRESS_MS), now))
		return false;
	s->told = now;
	n = snprintf(text, size, "resync: %s", human_bytes(done,
	    (uint64_t)f->done_bytes));
	/* The secondary is not told how much it will be. */
	if (f->total_bytes > 0)
		n += snprintf(text + n, size - (size_t)n, " of %s",
		    human_bytes(total, (uint64_t)f->total_bytes));
	if (f->eta_s > 0)
		(void)snprintf(text + n, size - (size_t)n,
		    ", about %lld s left", (long long)f->eta_s);
	return true;
}

bool
resync_story(struct resync_story *s, const struct self_facts *f,
    struct mono now, char *text, size_t size)
{
	if (!s->runs)
		return begins(s, f, now, text, size);
	if (is_over(f))
		return ends(s, f, now, text, size);
	return goes_on(s, f, now, text, size);
}
