/* SPDX-License-Identifier: ISC */
/*
 * Two nodes that cannot hear each other may each be told something.  When
 * they meet the higher number counts, then the name of the node: the same
 * answer on both, whoever asks first.
 */
#include "notice.h"

#include <stdio.h>
#include <string.h>

void
notice_say(struct notice *t, const char *node, int64_t now, int64_t until,
    const char *who, const char *why)
{
	t->n++;
	t->at = now;
	t->until = until;
	(void)snprintf(t->node, sizeof(t->node), "%s", node);
	(void)snprintf(t->who, sizeof(t->who), "%s", who);
	(void)snprintf(t->why, sizeof(t->why), "%s", why);
}

bool
notice_merge(struct notice *t, const struct notice *other)
{
	if (other->n < t->n || (other->n == t->n &&
	    strcmp(other->node, t->node) <= 0))
		return false;
	*t = *other;
	return true;
}

bool
notice_holds(const struct notice *t, int64_t now)
{
	return now < t->until;
}

void
notice_put(struct line_out *o, const char *name, const struct notice *t)
{
	char key[32];

	if (t->n == 0)
		return;
#define PUT(add, field)							\
	(void)snprintf(key, sizeof(key), "%s_" #field, name);		\
	add(o, key, t->field)
	PUT(line_add_num, n);
	PUT(line_add, node);
	PUT(line_add_num, at);
	PUT(line_add_num, until);
	PUT(line_add, who);
	PUT(line_add, why);
#undef PUT
}

static bool
number(const struct line *l, const char *name, const char *field,
    int64_t *out)
{
	char key[32];

	(void)snprintf(key, sizeof(key), "%s_%s", name, field);
	if (line_get(l, key) == NULL)
		return true;
	return line_get_num(l, key, 0, INT64_MAX, out);
}

static void
text(const struct line *l, const char *name, const char *field, char *out,
    size_t size)
{
	char key[32];
	const char *v;

	(void)snprintf(key, sizeof(key), "%s_%s", name, field);
	v = line_get(l, key);
	(void)snprintf(out, size, "%s", v != NULL ? v : "");
}

bool
notice_take(struct notice *t, const struct line *l, const char *name)
{
	struct notice new = { 0 };

	memset(t, 0, sizeof(*t));
	if (!number(l, name, "n", &new.n) || !number(l, name, "at", &new.at) ||
	    !number(l, name, "until", &new.until))
		return false;
	text(l, name, "node", new.node, sizeof(new.node));
	text(l, name, "who", new.who, sizeof(new.who));
	text(l, name, "why", new.why, sizeof(new.why));
	if (new.n > 0)
		*t = new;
	return true;
}
