/* SPDX-License-Identifier: ISC */
/*
 * The table behind keepd's verbs: sorted, searched by halves.  mirrord keeps
 * every open-unlinked file here, so there may be thousands; an insert moves
 * pointers only.
 */
#include "shelf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

struct thing {
	int	 fd;
	char	*owner;
	char	*name;
};

struct shelf {
	unsigned	  max;
	unsigned	  count;
	unsigned	  room;
	struct thing	**thing;
};

struct shelf *
shelf_new(unsigned max)
{
	struct shelf *s = xcalloc(1, sizeof(*s));

	s->max = max;
	return s;
}

static void
thing_free(struct thing *t)
{
	(void)close(t->fd);	/* the owner has its own copy */
	free(t->owner);
	free(t->name);
	free(t);
}

void
shelf_free(struct shelf *s)
{
	for (unsigned i = 0; i < s->count; i++)
		thing_free(s->thing[i]);
	free(s->thing);
	free(s);
}

bool
shelf_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > SHELF_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isgraph((unsigned char)name[i]) || name[i] == '"')
			return false;
	}
	return true;
}

static int
compare(const struct thing *t, const char *owner, const char *name)
{
	int c = strcmp(t->owner, owner);

	return c != 0 ? c : strcmp(t->name, name);
}

/* Where it is, or where it would go. */
static unsigned
find(const struct shelf *s, const char *owner, const char *name, bool *found)
{
	unsigned low = 0, high = s->count;

	*found = false;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		int c = compare(s->thing[mid], owner, name);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int
shelf_put(struct shelf *s, const char *owner, const char *name, int fd)
{
	struct thing *t;
	bool found;
	unsigned i = find(s, owner, name, &found);

	if (found) {
		(void)close(s->thing[i]->fd);	/* replaced */
		s->thing[i]->fd = fd;
		return 0;
	}
	if (s->count == s->max) {
		errno = ENFILE;
		return -1;
	}
	if (s->count == s->room) {
		s->room = s->room == 0 ? 64 : s->room * 2;
		s->thing = xrealloc(s->thing, s->room, sizeof(*s->thing));
	}
	t = xcalloc(1, sizeof(*t));
	t->fd = fd;
	t->owner = xstrdup(owner);
	t->name = xstrdup(name);
	memmove(&s->thing[i + 1], &s->thing[i],
	    (s->count - i) * sizeof(*s->thing));
	s->thing[i] = t;
	s->count++;
	return 0;
}

int
shelf_get(const struct shelf *s, const char *owner, const char *name)
{
	bool found;
	unsigned i = find(s, owner, name, &found);

	return found ? s->thing[i]->fd : -1;
}

bool
shelf_drop(struct shelf *s, const char *owner, const char *name)
{
	bool found;
	unsigned i = find(s, owner, name, &found);

	if (!found)
		return false;
	thing_free(s->thing[i]);
	s->count--;
	memmove(&s->thing[i], &s->thing[i + 1],
	    (s->count - i) * sizeof(*s->thing));
	return true;
}

void
shelf_each(const struct shelf *s, const char *owner,
    void (*on_thing)(const char *owner, const char *name, void *arg),
    void *arg)
{
	bool found;
	unsigned i = owner == NULL ? 0 : find(s, owner, "", &found);

	for (; i < s->count; i++) {
		if (owner != NULL && strcmp(s->thing[i]->owner, owner) != 0)
			break;
		on_thing(s->thing[i]->owner, s->thing[i]->name, arg);
	}
}

unsigned
shelf_count(const struct shelf *s)
{
	return s->count;
}
