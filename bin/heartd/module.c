/* SPDX-License-Identifier: ISC */
/*
 * The modules this node speaks for, and each of them on each peer: what an
 * entry changes, what silence takes away.  Decides nothing about roles: the
 * stamp and the echo are carried for moduled (rules L6 to L8).
 */

#include "module.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* An entry that is not repeated for this many timeouts is withdrawn. */
#define SILENT_TIMEOUTS	2

struct module *
module_find(struct module table[MODULE_MAX], const char *name)
{
	unsigned i;

	for (i = 0; i < MODULE_MAX; i++) {
		if (table[i].is_used &&
		    strcmp(table[i].wish.name, name) == 0)
			return &table[i];
	}
	return NULL;
}

struct module *
module_with_id(struct module table[MODULE_MAX], uint16_t id,
    const char *name)
{
	unsigned i;

	for (i = 0; i < MODULE_MAX; i++) {
		if (table[i].is_used && table[i].wish.id == id &&
		    strcmp(table[i].wish.name, name) != 0)
			return &table[i];
	}
	return NULL;
}

/*
 * All memory of a module is taken here, when it is stated: nothing is
 * allocated while beating.  Pages no blob ever touched cost nothing.
 */
static void
module_memory(struct module *m, unsigned nodes, struct mono since)
{
	uint8_t *p;
	unsigned i;

	m->view_count = nodes;
	m->view = xcalloc(nodes, sizeof(*m->view));
	m->memory = p = xcalloc(1 + 2 * (size_t)nodes, BLOB_MAX);
	blob_out_init(&m->out, p);
	for (i = 0; i < nodes; i++) {
		p += BLOB_MAX;
		blob_in_init(&m->view[i].in, p, p + BLOB_MAX);
		p += BLOB_MAX;
		beat_init(&m->view[i].beat, m->wish.timeout_ms, 0, since);
	}
}

struct module *
module_new(struct module table[MODULE_MAX], const struct module_wish *w,
    unsigned nodes, struct mono since)
{
	struct module *m = NULL;
	unsigned i;

	for (i = 0; i < MODULE_MAX && m == NULL; i++) {
		if (!table[i].is_used)
			m = &table[i];
	}
	if (m == NULL)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->is_used = true;
	m->wish = *w;
	module_memory(m, nodes, since);
	return m;
}

void
module_free(struct module *m)
{
	free(m->view);
	free(m->memory);
	memset(m, 0, sizeof(*m));
}

void
module_set_lans(struct module *m, unsigned node, unsigned lans)
{
	beat_set(&m->view[node].beat, m->wish.timeout_ms, m->wish.loss_ms,
	    m->wish.lans & lans);
}

void
module_entry(const struct module *m, unsigned node, uint64_t counter,
    struct entry *e)
{
	const struct view *v = &m->view[node];

	memset(e, 0, sizeof(*e));
	e->id = m->wish.id;
	memcpy(e->name, m->wish.name, sizeof(e->name));
	memcpy(e->digest, m->wish.digest, sizeof(e->digest));
	e->flags = m->is_gone ? ENTRY_GONE : 0;
	e->version = m->out.is_set ? m->out.version : 0;
	e->epoch = m->epoch;
	e->role = m->role;
	e->counter = counter;
	if (m->follows && v->echo != 0) {
		e->echo_epoch = m->follow;
		e->echo = v->echo;
	}
}

static enum mismatch
find_mismatch(const struct module *m, const struct view *v)
{
	if (v->clash[0] != '\0')
		return MISMATCH_ID;
	if (!v->is_member)
		return MISMATCH_NONE;
	if (v->id != m->wish.id)
		return MISMATCH_ID;
	return strcmp(v->digest, m->wish.digest) != 0 ?
	    MISMATCH_DIGEST : MISMATCH_NONE;
}

bool
view_compare(const struct module *m, struct view *v)
{
	enum mismatch was = v->mismatch;

	v->mismatch = find_mismatch(m, v);
	return v->mismatch != was;
}

static void
view_leave(struct view *v)
{
	v->is_member = v->wants = false;
	v->role = STAMP_NONE;
	v->echo = 0;
	blob_in_forget(&v->in);
	memset(&v->tx, 0, sizeof(v->tx));
}

/* L6, for an echo of a beat that we sent in the epoch we still hold. */
static bool
take_echo(const struct module *m, struct view *v, const struct entry *e,
    const struct sent *sent)
{
	struct mono at, until;

	if (e->echo == 0 || m->role != STAMP_PRIM ||
	    epoch_cmp(e->echo_epoch, m->epoch) != 0)
		return false;
	at = sent_at(sent, e->echo);
	if (!mono_is_set(at))
		return false;
	until = lease_until(at, m->wish.timeout_ms);
	if (mono_diff_ns(until, v->lease) <= 0)
		return false;
	v->lease = until;
	return true;
}

/* What we echo, and L7: only a primary's beat of the epoch we follow. */
static bool
take_follow(const struct module *m, struct view *v, const struct entry *e,
    struct mono received)
{
	if (!m->follows || e->role != STAMP_PRIM ||
	    epoch_cmp(e->epoch, m->follow) != 0)
		return false;
	v->echo = e->counter;
	v->grant = grant_until(received, m->wish.timeout_ms);
	return true;
}

/*
 * The stamp with the new epoch comes before moduled says that it follows it:
 * waiting for the next beat would cost the primary a pulse of its lease.
 */
void
view_follow(const struct module *m, struct view *v)
{
	v->echo = 0;
	if (!m->follows || !v->is_member || v->role != STAMP_PRIM ||
	    epoch_cmp(v->epoch, m->follow) != 0)
		return;
	v->echo = v->counter;
	v->grant = grant_until(v->seen, m->wish.timeout_ms);
}

bool
view_take(struct module *m, struct view *v, const struct entry *e,
    const struct sent *sent, struct mono received, struct view_news *n)
{
	struct epoch epoch = v->epoch;
	uint8_t role = v->role;
	bool differs;

	memset(n, 0, sizeof(*n));
	/* The same pulse on the second network, or one that was overtaken. */
	if (e->counter <= v->counter)
		return false;
	v->counter = e->counter;
	v->seen = received;
	if (e->flags & ENTRY_GONE) {
		n->gone = v->is_member;
		view_leave(v);
		n->stamp = role != STAMP_NONE;
		n->mismatch = view_compare(m, v);
		return true;
	}
	n->joined = !v->wants;
	v->is_member = v->wants = true;
	differs = v->id != e->id || strcmp(v->digest, e->digest) != 0;
	v->id = e->id;
	memcpy(v->digest, e->digest, sizeof(v->digest));
	n->mismatch = view_compare(m, v) ||
	    (differs && v->mismatch != MISMATCH_NONE);
	v->epoch = e->epoch;
	v->role = e->role;
	n->stamp = role != e->role || epoch_cmp(epoch, e->epoch) != 0;
	n->lease = take_echo(m, v, e, sent);
	n->grant = take_follow(m, v, e, received);
	return true;
}

bool
view_clash(struct module *m, struct view *v, const struct entry *e,
    struct mono now)
{
	if (e->flags & ENTRY_GONE)
		return false;
	v->clash_seen = now;
	if (strcmp(v->clash, e->name) == 0)
		return false;
	memcpy(v->clash, e->name, sizeof(v->clash));
	(void)view_compare(m, v);
	return true;
}

static bool
is_stale(const struct module *m, struct mono seen, struct mono now)
{
	return mono_diff_ms(now, seen) >
	    SILENT_TIMEOUTS * m->wish.timeout_ms;
}

bool
view_age(struct module *m, struct view *v, struct mono now,
    struct view_news *n)
{
	memset(n, 0, sizeof(*n));
	/* A peer that is silent altogether withdrew nothing: it is down. */
	if (v->beat.peer != BEAT_UP)
		return false;
	if (v->is_member && is_stale(m, v->seen, now)) {
		n->gone = true;
		n->stamp = v->role != STAMP_NONE;
		view_leave(v);
	}
	if (v->clash[0] != '\0' && is_stale(m, v->clash_seen, now))
		v->clash[0] = '\0';
	n->mismatch = view_compare(m, v);
	return n->gone || n->mismatch;
}

void
view_restart(struct view *v, struct mono now)
{
	v->wants = false;
	v->seen = now;
	v->counter = 0;
	v->echo = 0;
	v->grant = (struct mono){ 0 };
	blob_in_restart(&v->in);
	memset(&v->tx, 0, sizeof(v->tx));
}
