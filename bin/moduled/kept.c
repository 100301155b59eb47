/* SPDX-License-Identifier: ISC */
/* See kept.h. */
#include "kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
kept_take(struct kept_list *k, const struct line *l)
{
	unsigned pos = 0;
	int64_t more = 0;
	const char *v;
	struct kept n;

	memset(k, 0, sizeof(*k));
	while ((v = line_next(l, "aside", &pos)) != NULL &&
	    k->count < KEPT_MAX)
		if (sscanf(v, "%47s %" SCNd64 " %" SCNu64 " %" SCNu64
		    " %63s %47s %15s", n.name, &n.when_s, &n.entries,
		    &n.bytes, n.lost_to, n.lost_epoch, n.by) == 7)
			k->kept[k->count++] = n;
	(void)line_get_num(l, "aside_more", 0, 100000, &more);
	k->more = (unsigned)more;
}

void
kept_put(struct line_out *o, const struct kept *k)
{
	line_add(o, "epoch", k->name);
	line_add_num(o, "when_s", k->when_s);
	line_add_num(o, "entries", (int64_t)k->entries);
	line_add_num(o, "bytes", (int64_t)k->bytes);
	line_add(o, "lost_to", k->lost_to);
	line_add(o, "lost_epoch", k->lost_epoch);
	line_add(o, "by", k->by);
}

void
kept_text(char *buf, size_t size, const struct kept_list *k)
{
	const struct kept *last = &k->kept[k->count - 1];
	uint64_t entries = 0, bytes = 0;
	unsigned i;

	for (i = 0; i < k->count; i++) {
		entries += k->kept[i].entries;
		bytes += k->kept[i].bytes;
	}
	if (strcmp(last->by, "stage") == 0)
		(void)snprintf(buf, size, "this node was half copied when it "
		    "was forced: %" PRIu64 " objects whose names are not "
		    "known lie aside (%s)", entries, last->name);
	else
		(void)snprintf(buf, size, "what %s lies aside since it "
		    "followed %s: %" PRIu64 " things, %" PRIu64
		    " bytes in %u set%s", strcmp(last->by, ASIDE_EDITS) == 0 ?
		    "was changed here while the module was stopped" :
		    "this node wrote alone", last->lost_to, entries, bytes,
		    k->count + k->more, k->count + k->more > 1 ? "s" : "");
}
