/* SPDX-License-Identifier: ISC */
/* Wishes, from lines and into lines. */

#include "wish.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const serve_names[] = {
	[FARM_NONE] = "none",
	[FARM_HOLD] = "hold",
	[FARM_DRAIN] = "drain",
	[FARM_OPEN] = "open",
};

const char *
wish_serve_name(enum farm_serve s)
{
	return serve_names[s];
}

int
wish_serve_parse(enum farm_serve *s, const char *text)
{
	for (unsigned i = 0; i <= FARM_OPEN; i++)
		if (strcmp(serve_names[i], text) == 0) {
			*s = (enum farm_serve)i;
			return 0;
		}
	return -1;
}

void
wish_parse(struct farm_wish *w, const struct line *l)
{
	static const struct {
		const char	*key;
		size_t		 at;
	} words[] = {
		{ "state", offsetof(struct farm_wish, state) },
		{ "quality", offsetof(struct farm_wish, quality) },
		{ "reason", offsetof(struct farm_wish, reason) },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *value = line_get(l, words[i].key);

		(void)snprintf((char *)w + words[i].at, FARM_BLOB_WORD, "%s",
		    value != NULL ? value : "");
	}
	w->since_s = w->number = 0;
	(void)line_get_num(l, "since_s", 0, INT64_MAX, &w->since_s);
	(void)line_get_num(l, "i", 0, INT64_MAX, &w->number);
	w->standby = line_get_bool(l, "standby");
}

void
wish_line(struct line_out *o, const struct farm_wish *w)
{
	line_begin(o, "wish");
	line_add(o, "serve", wish_serve_name(w->serve));
	line_add(o, "state", w->state);
	line_add(o, "quality", w->quality);
	line_add(o, "reason", w->reason);
	line_add_num(o, "since_s", w->since_s);
	line_add_num(o, "standby", w->standby);
	line_add_num(o, "i", w->number);
}
