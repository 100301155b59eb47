/* SPDX-License-Identifier: ISC */
/*
 * The file of wish.h.
 */
#include "wish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"

#define WISH_FILE_MAX	LINE_MAX_LEN

static const char *const order_names[OR_COUNT] = {
	[OR_NONE] = "none", [OR_PRIM] = "prim",
	[OR_PRIMFORCE] = "primforce", [OR_SECOND] = "second",
	[OR_SWAP] = "swap",
};

const char *
order_name(enum order o)
{
	return (unsigned)o < OR_COUNT ? order_names[o] : "?";
}

bool
wish_format(char *buf, size_t size, const struct wish *w)
{
	struct line_out o;
	char text[EPOCH_LEN];

	line_begin(&o, "wish");
	line_add(&o, "state", w->start ? "start" : "stop");
	line_add_num(&o, "again", w->again);
	line_add_num(&o, "resume", w->resume);
	line_add(&o, "order", order_name(w->order));
	line_add_num(&o, "fullsync", w->fullsync);
	line_add_num(&o, "since", w->since_s);
	line_add_num(&o, "risk", w->risk);
	line_add_num(&o, "registered", w->registered);
	line_add(&o, "who", w->who);
	line_add(&o, "why", w->why);
	line_add(&o, "refused", epoch_str(text, w->refused));
	line_add(&o, "peer_epoch", epoch_str(text, w->peer_epoch));
	line_add(&o, "lastprim", w->lastprim);
	line_add(&o, "role", w->role);
	line_add_num(&o, "loops", w->loops);
	line_add_num(&o, "loop_since", w->loop_since);
	line_add_num(&o, "maxloop", w->maxloop);
	line_add_num(&o, "in_step", w->in_step_s);
	line_add_num(&o, "compare", w->compare);
	line_add_num(&o, "voided", w->voided);
	notice_put(&o, "maintain", &w->maintain);
	notice_put(&o, "released", &w->released);
	notice_put(&o, "drain", &w->drain);
	if (!line_end(&o) || o.len >= size)
		return false;
	memcpy(buf, o.text, o.len + 1);
	return true;
}

static void
take(char *out, size_t size, const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	(void)snprintf(out, size, "%s", v != NULL ? v : "");
}

int
wish_parse(struct wish *w, const char *text, const char **why)
{
	struct line l;
	const char *v;
	int i;

	memset(w, 0, sizeof(*w));
	if (line_parse(&l, text, strcspn(text, "\n"), why) != 0)
		return -1;
	v = line_get(&l, "state");
	if (strcmp(l.verb, "wish") != 0 || v == NULL) {
		*why = "no wish in it";
		return -1;
	}
	if ((line_get(&l, "refused") != NULL &&
	    epoch_parse(&w->refused, line_get(&l, "refused")) != 0) ||
	    (line_get(&l, "peer_epoch") != NULL &&
	    epoch_parse(&w->peer_epoch, line_get(&l, "peer_epoch")) != 0)) {
		*why = "bad epoch";
		return -1;
	}
	w->start = strcmp(v, "start") == 0;
	w->again = line_get_bool(&l, "again");
	w->resume = line_get_bool(&l, "resume");
	v = line_get(&l, "order");
	for (i = 0; v != NULL && i < OR_COUNT; i++)
		if (strcmp(v, order_names[i]) == 0)
			w->order = (enum order)i;
	w->fullsync = line_get_bool(&l, "fullsync");
	(void)line_get_num(&l, "since", 0, INT64_MAX, &w->since_s);
	w->risk = line_get_bool(&l, "risk");
	w->registered = line_get_bool(&l, "registered");
	take(w->who, sizeof(w->who), &l, "who");
	take(w->why, sizeof(w->why), &l, "why");
	take(w->lastprim, sizeof(w->lastprim), &l, "lastprim");
	take(w->role, sizeof(w->role), &l, "role");
	(void)line_get_num(&l, "loops", 0, INT32_MAX, &w->loops);
	(void)line_get_num(&l, "loop_since", 0, INT64_MAX, &w->loop_since);
	(void)line_get_num(&l, "in_step", 0, INT64_MAX, &w->in_step_s);
	w->maxloop = line_get_bool(&l, "maxloop");
	w->compare = line_get_bool(&l, "compare");
	w->voided = line_get_bool(&l, "voided");
	if (!notice_take(&w->maintain, &l, "maintain") ||
	    !notice_take(&w->released, &l, "released") ||
	    !notice_take(&w->drain, &l, "drain")) {
		memset(w, 0, sizeof(*w));
		*why = "bad number";
		return -1;
	}
	return 0;
}

bool
wish_count_loop(struct wish *w, int64_t now, int64_t maxloop,
    int64_t interval_s)
{
	if (interval_s == 0)
		return false;
	/* A clock set back begins a new interval. */
	if (w->loops == 0 || now - w->loop_since >= interval_s ||
	    now < w->loop_since) {
		w->loops = 0;
		w->loop_since = now;
	}
	w->loops++;
	return w->loops > maxloop;
}

void
wish_load(struct wish *w, const char *module)
{
	char path[PATH_LEN], *text;
	const char *why;
	size_t len;

	memset(w, 0, sizeof(*w));
	text = statefile_read(path_state(path, "%s/wish", module),
	    WISH_FILE_MAX, &len);
	if (text == NULL) {
		if (errno != ENOENT)
			log_warn("%s: taken as stopped", path);
		return;
	}
	if (wish_parse(w, text, &why) != 0)
		log_warnx("%s: damaged: %s: taken as stopped, start it again",
		    path, why);
	free(text);
}

int
wish_save(const struct wish *w, const char *module)
{
	char path[PATH_LEN], text[WISH_FILE_MAX];

	if (!wish_format(text, sizeof(text), w)) {
		errno = EMSGSIZE;
		return -1;
	}
	if (statefile_write(path_state(path, "%s/wish", module), text,
	    strlen(text), 0600) == 0)
		return 0;
	log_warn("%s", path);
	return -1;
}
