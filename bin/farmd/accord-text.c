/* SPDX-License-Identifier: ISC */
/*
 * What is published of the agreement, and what a restarted farmd must know:
 * the blob, which says what was promised to others, and a second line with
 * what only this node knows.
 */

#include "accord-int.h"

#include <stdio.h>
#include <string.h>

#include "line.h"

void
accord_publish(const struct accord *a, struct farm_blob *b)
{
	b->node = a->conf.node[a->conf.self].id;
	memcpy(b->conf, a->conf.digest, sizeof(b->conf));
	b->role = a->role;
	b->life = a->life;
	b->heard_count = b->down_count = 0;
	/* Ids ascend in the blob, whatever the order of the configuration. */
	for (unsigned id = 1; id <= UINT8_MAX; id++) {
		for (unsigned i = 0; i < a->conf.node_count; i++) {
			const struct acquaintance *p = &a->peer[i];

			if (a->conf.node[i].id != id || i == a->conf.self)
				continue;
			if (p->net == ACCORD_DOWN)
				b->down[b->down_count++] = (uint8_t)id;
			if (p->heard == 0)
				continue;
			b->heard[b->heard_count].id = (uint8_t)id;
			b->heard[b->heard_count].life = p->heard;
			b->heard[b->heard_count++].salt = p->salt;
		}
	}
	b->outcast = a->outcast;
	b->anchor = a->outcast != 0 ? a->anchor : 0;
	b->is_idle = share_set_is_empty(&a->takes);
	b->yields = a->phase == ACCORD_BLOCKED;
	b->step = a->step;
	b->view_count = 0;
	b->prepared_epoch = b->prepared_digest = 0;
	if (a->step != FARM_NOTHING) {
		b->prepared_epoch = a->prepared_epoch;
		b->prepared_digest = a->prepared_digest;
		b->view_count = a->next.count;
		for (unsigned i = 0; i < a->next.count; i++)
			b->view[i] = a->next.member[i].id;
	}
	b->acting = a->acting;
	b->acting_digest = a->acting_digest;
	b->keeps = a->keeps;
}

bool
accord_save(const struct accord *a, char *buf, size_t size)
{
	struct farm_blob b;
	struct line_out o;
	char set[SHARE_SET_TEXT];
	size_t len;

	memset(&b, 0, sizeof(b));
	accord_publish(a, &b);
	if (!farm_blob_format(buf, size, &b))
		return false;
	len = strlen(buf);
	line_begin(&o, "own");
	line_addf(&o, "epoch", "%llu", (unsigned long long)a->epoch);
	line_addf(&o, "floor", "%llu", (unsigned long long)a->floor);
	line_add_num(&o, "started", a->is_started);
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "take%u", t);
		share_set_format(set, &a->takes, t);
		line_add(&o, key, set);
	}
	if (!line_end(&o) || len + 1 + o.len + 1 > size)
		return false;
	buf[len] = '\n';
	memcpy(buf + len + 1, o.text, o.len + 1);
	return true;
}

static int
refuse(const char **why, const char *what)
{
	*why = what;
	return -1;
}

static int
parse_own(struct accord *to, const char *text, const char **why)
{
	struct line l;
	size_t len = strcspn(text, "\n");
	int64_t epoch, floor;

	if (text[len] != '\n' || text[len + 1] != '\0')
		return refuse(why, "it is cut short");
	if (line_parse(&l, text, len, why) != 0)
		return -1;
	if (strcmp(l.verb, "own") != 0 ||
	    !line_get_num(&l, "epoch", 0, INT64_MAX, &epoch) ||
	    !line_get_num(&l, "floor", 0, INT64_MAX, &floor))
		return refuse(why, "its second line is damaged");
	to->epoch = (uint64_t)epoch;
	to->floor = (uint64_t)floor;
	to->is_started = line_get_bool(&l, "started");
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++) {
		const char *set;
		char key[16];

		(void)snprintf(key, sizeof(key), "take%u", t);
		set = line_get(&l, key);
		if (set == NULL || share_set_parse(&to->takes, t, set) != 0)
			return refuse(why, "its buckets are damaged");
	}
	return 0;
}

/* All of it, from b and own; the caller made sure that they fit. */
static void
take_over(struct accord *a, const struct farm_blob *b,
    const struct accord *own, struct mono now)
{
	a->epoch = own->epoch;
	a->acting = b->acting;
	a->acting_digest = b->acting_digest;
	if (strcmp(b->conf, a->conf.digest) != 0)
		return;
	a->floor = own->floor;
	a->is_started = own->is_started;
	a->takes = own->takes;
	a->keeps = b->keeps;
	a->life = b->life;
	a->role = b->role;
	a->step = b->step;
	a->prepared_epoch = b->prepared_epoch;
	a->prepared_digest = b->prepared_digest;
	for (unsigned i = 0; i < a->conf.node_count; i++)
		a->peer[i].salt = farm_blob_salt(b, a->conf.node[i].id);
	a->is_unsure = true;
	a->is_aside = !own->is_started;
	a->now = now;
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++)
		for (unsigned i = 0; i < SHARE_BUCKETS; i++)
			a->kept[t][i] = now;
	if (!share_set_is_empty(&a->keeps))
		a->expires = mono_add_ms(now, a->conf.drain_ms);
}

int
accord_restore(struct accord *a, const char *text, struct mono now,
    const char **why)
{
	struct farm_blob b;
	struct accord *own;
	char line[LINE_MAX_LEN];
	size_t len = strcspn(text, "\n");
	bool is_ours;

	if (text[len] != '\n' || len >= sizeof(line))
		return refuse(why, "it is cut short");
	memcpy(line, text, len);
	line[len] = '\0';
	if (farm_blob_parse(&b, line, why) != 0)
		return -1;
	if (b.node != a->conf.node[a->conf.self].id)
		return refuse(why, "it is that of another node");
	own = accord_new(&a->conf);
	if (parse_own(own, text + len + 1, why) != 0) {
		accord_free(own);
		return -1;
	}
	is_ours = strcmp(b.conf, a->conf.digest) == 0;
	if (b.acting.epoch == 0)
		b.acting.tables = a->conf.tables;
	if (b.acting.tables == a->conf.tables)
		take_over(a, &b, own, now);
	else
		a->epoch = own->epoch;
	accord_free(own);
	if (is_ours)
		return 0;
	return refuse(why, "it is of another configuration; its share is "
	    "where the next one begins");
}
