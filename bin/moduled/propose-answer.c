/* SPDX-License-Identifier: ISC */
/*
 * What an answer of a voter tells: its ballots only rise, so of several
 * answers that overtook each other the highest is the newest.
 */
#include <stdio.h>
#include <string.h>

#include "propose-int.h"

static void
tell(struct propose *p, struct propose_voter *v, const char *what)
{
	if (v->told_odd)
		return;
	v->told_odd = true;
	(void)snprintf(p->event, sizeof(p->event), "voter %.63s %s", v->name,
	    what);
}

static void
raise_memory(struct propose *p, struct propose_voter *v,
    const struct vote_answer *a)
{
	struct propose_memory *m = &v->memory;

	if (m->name[0] == '\0') {
		memcpy(m->name, v->name, sizeof(m->name));
		m->id = a->voter;
		p->memory = true;
	}
	if (m->id != a->voter || m->back)
		return;
	if (!p->conf.swaps && epoch_cmp(a->promised, m->promised) > 0) {
		m->promised = a->promised;
		p->memory = true;
	}
	if (epoch_cmp(a->value.epoch, m->accepted) > 0) {
		m->accepted = a->value.epoch;
		p->memory = true;
	}
}

/* Compared with what was known when the question left. */
static bool
went_back(const struct propose *p, const struct propose_voter *v, unsigned i,
    const struct vote_answer *a)
{
	return v->memory.name[0] != '\0' && v->memory.id == a->voter &&
	    v->open[i].id == a->voter &&
	    ((!p->conf.swaps &&
	    epoch_cmp(a->promised, v->open[i].promised) < 0) ||
	    epoch_cmp(a->value.epoch, v->open[i].accepted) < 0);
}

static void
take_state(struct propose *p, struct propose_voter *v, unsigned i,
    const struct vote_answer *a)
{
	if (v->id != a->voter) {
		/* Another store: it knows nothing of what the last one did. */
		v->id = a->voter;
		v->promised = (struct epoch){ 0 };
		memset(&v->accepted, 0, sizeof(v->accepted));
		v->told_odd = false;
	}
	if (propose_forgot(v))
		tell(p, v, p->conf.swaps ? "is another one than before: it "
		    "does not count before `holdfast cluster witness replace "
		    "etcd'" : "has lost its votes and began anew: it does "
		    "not count until the running primary has taken it in "
		    "again");
	if (went_back(p, v, i, a) && !v->memory.back) {
		v->memory.back = p->memory = true;
		tell(p, v, p->conf.swaps ? "has lost the register, or holds "
		    "an old one: it does not count before `holdfast cluster "
		    "witness replace etcd'" : "answers from an old disk: it "
		    "does not count until its store is made anew: `holdfast "
		    "cluster witness replace'");
	}
	v->holds = a->value.epoch;
	if (epoch_cmp(a->promised, v->promised) > 0)
		v->promised = a->promised;
	if (epoch_cmp(a->value.epoch, v->accepted.epoch) > 0)
		v->accepted = a->value;
	raise_memory(p, v, a);
}

void
propose_answer(struct propose *p, struct mono now, const char *voter,
    const struct vote_answer *a)
{
	struct propose_voter *v = propose_find(p, voter);
	unsigned i;

	if (v == NULL || a->nonce == 0)
		return;
	for (i = 0; i < PROPOSE_OPEN_MAX; i++)
		if (v->open[i].nonce == a->nonce)
			break;
	if (i == PROPOSE_OPEN_MAX || v->open[i].kind != a->kind)
		return;
	v->open[i].nonce = 0;
	v->heard = now;
	v->heard_wall_s = 0;
	(void)snprintf(v->trouble, sizeof(v->trouble), "%s",
	    a->result != VOTE_UNABLE ? "" :
	    a->text[0] != '\0' ? a->text : "cannot vote");
	if (a->result == VOTE_UNABLE)
		return;
	take_state(p, v, i, a);
	if (a->kind == VOTE_READ &&
	    epoch_cmp(v->open[i].ballot, p->ballot) == 0)
		v->fresh_read = true;
}
