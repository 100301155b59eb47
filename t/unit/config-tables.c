/* SPDX-License-Identifier: ISC */
/*
 * The tables themselves: every row hangs together, every default is a value
 * its own row allows.
 */

#include "../../bin/holdfast/config-tables.h"

#include <string.h>

#include "tap.h"

static bool
attr_is_sound(const struct schema *s, const struct attr *a)
{
	char why[512];

	if (schema_element(s, a->path) == NULL) {
		printf("# %s@%s: no such element\n", a->path, a->name);
		return false;
	}
	if (schema_attr(s, a->path, a->name) != a) {
		printf("# %s@%s: twice\n", a->path, a->name);
		return false;
	}
	if ((a->type == VT_TIME) != (a->unit[0] != '\0') ||
	    (a->type == VT_WORD) != (a->words[0] != '\0') ||
	    a->owner == NULL || a->help == NULL) {
		printf("# %s@%s: unit, words, owner\n", a->path, a->name);
		return false;
	}
	if ((a->type == VT_TIME || a->type == VT_INT) && a->min >= a->max) {
		printf("# %s@%s: bounds\n", a->path, a->name);
		return false;
	}
	if (a->fallback == NULL || a->fallback[0] == '\0')
		return true;
	if (value_check(a->type, a->fallback, a->unit, a->words, a->min,
	    a->max, why, sizeof(why)) == -1) {
		printf("# %s@%s: default: %s\n", a->path, a->name, why);
		return false;
	}
	return !(a->flags & AT_REQUIRED);
}

static void
test_schema(const struct schema *s)
{
	const struct element *e, *parent;
	const struct attr *a;
	bool sound = true, housed = true;
	unsigned count = 0;

	for (a = s->attrs; a->path != NULL; a++) {
		sound &= attr_is_sound(s, a);
		count++;
	}
	ok(sound, "%u attributes of %s are sound", count, s->root);
	for (e = s->elements; e->path != NULL; e++) {
		if (strcmp(e->path, s->root) == 0)
			continue;
		for (parent = s->elements; parent->path != NULL; parent++)
			if (schema_is_child(e->path, parent->path))
				break;
		if (parent->path == NULL) {
			printf("# %s has no parent\n", e->path);
			housed = false;
		}
	}
	ok(housed, "every element of %s has a parent", s->root);
}

int
main(void)
{
	const struct schema *s = schema_safe();

	test_schema(s);
	test_schema(schema_cluster());
	ok(schema_is_live(s, "safe/service", "maxloop"), "maxloop is live");
	ok(!schema_is_live(s, "safe/service/heart", "timeout"),
	    "timeout is not");
	ok(schema_is_live(s, "safe/service/user/var", ""),
	    "a var comes and goes live");
	ok(!schema_is_live(s, "safe/service/rfs/replicated", ""),
	    "a directory does not");
	ok(!schema_is_live(s, "safe/nowhere", "x"), "what is unknown is not");
	is_str(schema_name("safe/service/heart"), "heart", "last part");
	return tap_done();
}
