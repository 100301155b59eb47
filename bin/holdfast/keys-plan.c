/* SPDX-License-Identifier: ISC */
/*
 * Three waves over all nodes: accept the next key too; use it, and accept the
 * old one; forget the old one.  A wave begins when the one before has reached
 * every node, so that at any moment each accepts what any other uses.  Which
 * wave it is can be read off the nodes: nothing else is remembered.
 */
#include "keys-plan.h"

#include <stdio.h>
#include <string.h>

static void
stuck(struct keys_plan *p, const char *a, const char *node, const char *b)
{
	p->step = KEYS_STUCK;
	(void)snprintf(p->why, sizeof(p->why), "%s%s%s", a, node, b);
}

/* The key that is to be the only one, as this node knows it; "": unknown. */
static const char *
target_of(const struct keys_view *v)
{
	if (v->second[0] == '\0')
		return "";
	return v->second_is_old ? v->use : v->second;
}

/* Which views this step is for; their number. */
static unsigned
mark(struct keys_plan *p, const struct keys_view *v, unsigned count,
    enum keys_step step)
{
	unsigned i, n = 0;

	for (i = 0; i < count; i++) {
		bool uses = strcmp(v[i].use, p->id) == 0;
		bool has = uses || strcmp(v[i].second, p->id) == 0;

		p->todo[i] = step == KEYS_ADD ? !has :
		    step == KEYS_USE ? !uses : v[i].second[0] != '\0';
		n += p->todo[i];
	}
	p->step = step;
	return n;
}

static bool
find_target(struct keys_plan *p, const struct keys_view *v, unsigned count)
{
	const char *target;
	unsigned i;

	for (i = 0; i < count; i++) {
		if (!v[i].is_known) {
			stuck(p, "", v[i].node, " does not answer, and the "
			    "change would shut it out: go on when it is "
			    "back, or take it out of cluster.xml if it is "
			    "gone for good; until then both keys are "
			    "accepted");
			return false;
		}
		target = target_of(&v[i]);
		if (target[0] == '\0')
			continue;
		if (p->id[0] != '\0' && strcmp(p->id, target) != 0) {
			stuck(p, "two changes of the key meet: copy "
			    "cluster.key of another node to ", v[i].node,
			    " and run `holdfast config' there");
			return false;
		}
		memcpy(p->id, target, sizeof(p->id));
	}
	return true;
}

void
keys_plan(struct keys_plan *p, const struct keys_view *v, unsigned count)
{
	unsigned i;

	memset(p, 0, sizeof(*p));
	if (!find_target(p, v, count))
		return;
	if (p->id[0] == '\0') {
		p->step = KEYS_BEGIN;
		for (i = 1; i < count; i++)
			if (strcmp(v[i].use, v[0].use) != 0)
				stuck(p, "", v[i].node, " has another key: "
				    "copy cluster.key of another node there "
				    "and run `holdfast config'");
		return;
	}
	if (mark(p, v, count, KEYS_ADD) == 0 &&
	    mark(p, v, count, KEYS_USE) == 0)
		(void)mark(p, v, count, KEYS_DROP);
}
