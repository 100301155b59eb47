/* SPDX-License-Identifier: ISC */
/*
 * One thought of the agreement, from what is there to what is to be done, and
 * the answers main asks for.  Views are made in accord-view.c, steps in
 * accord-step.c; here they are put in order and what stands in the way is
 * given a name.
 */

#include "accord-int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/*
 * A share in the making that waits for somebody this much longer than the
 * grace is worth a word.
 */
#define WAITS_MS	2000

const char *
accord_phase_name(enum accord_phase p)
{
	static const char *const name[] = {
		[ACCORD_OUT] = "out", [ACCORD_LISTEN] = "listen",
		[ACCORD_PREPARE] = "prepare", [ACCORD_STOP] = "stop",
		[ACCORD_ACT] = "act", [ACCORD_BLOCKED] = "blocked",
	};

	return name[p];
}

static void
set_conf(struct accord *a, const struct accord_conf *conf)
{
	a->conf = *conf;
	/*
	 * Two nodes notice the same event up to a timeout apart, and tell each
	 * other within the rest, with two lost datagrams.
	 */
	a->grace_ms = conf->timeout_ms + 250;
	a->silent_ms = SILENT_MS > 2 * a->grace_ms ? SILENT_MS :
	    2 * a->grace_ms;
	memset(&a->next_key, 0, sizeof(a->next_key));
}

struct accord *
accord_new(const struct accord_conf *conf)
{
	struct accord *a = xcalloc(1, sizeof(*a));

	set_conf(a, conf);
	a->acting.tables = conf->tables;
	a->is_aside = true;
	a->differs_from = a->waits_for = -1;
	return a;
}

void
accord_free(struct accord *a)
{
	free(a);
}

void
accord_reconf(struct accord *a, const struct accord_conf *conf)
{
	struct acquaintance was[SHARE_NODE_MAX];
	struct accord_conf old = a->conf;
	bool is_other = strcmp(conf->digest, old.digest) != 0;

	memcpy(was, a->peer, sizeof(was));
	memset(a->peer, 0, sizeof(a->peer));
	memset(a->apart, 0, sizeof(a->apart));
	/* Indices may mean other nodes now; what is known goes by id. */
	for (unsigned i = 0; i < conf->node_count; i++)
		for (unsigned j = 0; j < old.node_count; j++)
			if (conf->node[i].id == old.node[j].id)
				a->peer[i] = was[j];
	set_conf(a, conf);
	if (is_other)
		step_renew(a, 0);
	if (conf->tables != a->acting.tables) {
		memset(&a->acting, 0, sizeof(a->acting));
		memset(&a->keeps, 0, sizeof(a->keeps));
		a->acting.tables = conf->tables;
		a->acting_digest = 0;
	}
	a->new_buckets = true;
}

void
accord_wake_at(struct accord *a, struct mono t)
{
	if (!mono_is_set(a->wake) || mono_diff_ns(t, a->wake) < 0)
		a->wake = t;
}

static enum accord_phase
find_phase(const struct accord *a)
{
	if (a->role == SHARE_NONE || a->role == SHARE_HOLD)
		return ACCORD_OUT;
	if (view_is_blocked(a))
		return ACCORD_BLOCKED;
	switch (a->step) {
	case FARM_NOTHING:
		return ACCORD_LISTEN;
	case FARM_PREPARED:
	case FARM_READY:
		return ACCORD_PREPARE;
	case FARM_STOPPED:
		return ACCORD_STOP;
	case FARM_ACTING:
		break;
	}
	return ACCORD_ACT;
}

static void	say(struct accord *a, const char *code, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));

static void
say(struct accord *a, const char *code, const char *fmt, ...)
{
	va_list ap;

	(void)snprintf(a->code, sizeof(a->code), "%s", code);
	va_start(ap, fmt);
	(void)vsnprintf(a->text, sizeof(a->text), fmt, ap);
	va_end(ap);
}

static const char *
name_of(const struct accord *a, int i)
{
	return a->conf.node[i].name;
}

static const char *
name_by_id(const struct accord *a, uint8_t id)
{
	for (unsigned i = 0; i < a->conf.node_count; i++)
		if (a->conf.node[i].id == id)
			return a->conf.node[i].name;
	return "a node that is not in the configuration";
}

/* The names of who has this configuration (ours: same), "n1, n2". */
static void
names(const struct accord *a, const char *conf, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < a->conf.node_count && at < size; i++) {
		const char *theirs = i == a->conf.self ? a->conf.digest :
		    a->peer[i].blob != NULL ? a->peer[i].blob->conf : "";

		if (strcmp(theirs, conf) == 0)
			at += (size_t)snprintf(buf + at, size - at, "%s%s",
			    at > 0 ? ", " : "", a->conf.node[i].name);
	}
}

static void
say_differs(struct accord *a)
{
	char ours[200], theirs[200];

	names(a, a->conf.digest, ours, sizeof(ours));
	names(a, a->peer[a->differs_from].blob->conf, theirs,
	    sizeof(theirs));
	if (a->differs)
		say(a, "config-differs", "%s stays out: another "
		    "configuration than %s, which goes on; apply the same "
		    "one on all nodes", ours, theirs);
	else
		say(a, "config-differs", "%s stays out: another "
		    "configuration than %s, which goes on; apply the same "
		    "one on all nodes", theirs, ours);
}

unsigned
accord_no_power(const struct accord *a)
{
	unsigned bits = 0;

	if (a->phase != ACCORD_ACT)
		return 0;
	for (unsigned i = 0; i < a->acting.count; i++)
		if (a->acting.member[i].role == SHARE_SERVE)
			bits = (1u << a->acting.tables) - 1;
	for (unsigned t = 0; t < a->acting.tables; t++)
		if (a->acting.owner[t][0] != 0)
			bits &= ~(1u << t);
	return bits;
}

/* The others are known by heartd alone: then it is that which is missed. */
static void
say_waits(struct accord *a)
{
	for (unsigned i = 0; i < a->conf.node_count; i++) {
		if (i == a->conf.self || a->peer[i].net == ACCORD_UNKNOWN)
			continue;
		say(a, "farm-waits", "%s %s", name_of(a, a->waits_for),
		    a->waits_what);
		return;
	}
	say(a, "farm-waits", "heartd of %s does not answer, so it does not "
	    "know who is up; look at heartd.log there",
	    name_of(a, (int)a->conf.self));
}

/* What is wrong, in a word and a sentence; the worst first. */
static void
find_reason(struct accord *a)
{
	struct mono late = mono_add_ms(a->step_since,
	    a->grace_ms + WAITS_MS);

	a->code[0] = a->text[0] = '\0';
	if (a->phase == ACCORD_OUT)
		return;
	if (a->differs_from != -1) {
		say_differs(a);
		return;
	}
	if (a->outcast != 0) {
		say(a, "farm-outcast", "%s is not heard by all nodes of the "
		    "farm around %s and stands down; look at its networks",
		    name_of(a, (int)a->conf.self), name_by_id(a, a->anchor));
		return;
	}
	if (a->waits_for != -1 && mono_is_set(a->step_since)) {
		if (mono_passed(late, a->now)) {
			say_waits(a);
			return;
		}
		accord_wake_at(a, late);
	}
	if (accord_no_power(a) != 0)
		say(a, "farm-no-power", "no node that serves has a power "
		    "above 0");
}

static void
decide(struct accord *a, uint32_t random)
{
	bool is_aside = a->role == SHARE_NONE || a->role == SHARE_HOLD;

	a->waits_for = -1;
	if (is_aside) {
		a->view_count = 0;
		memset(a->in_view, 0, sizeof(a->in_view));
		a->differs = false;
		a->differs_from = -1;
		a->outcast = 0;
		a->differs_since.ns = a->outcast_since.ns = 0;
	} else {
		view_make(a);
		is_aside = view_is_blocked(a);
	}
	if (is_aside)
		step_stand_down(a);
	else if (a->is_aside) {
		/*
		 * F2: others may have gone on without this node because it
		 * stood aside.  They must say so in answer to its return, or
		 * two that return at once would each take all.
		 */
		a->life = random;
		a->life_since = a->now;
	}
	a->is_aside = is_aside;
	if (!a->is_started)
		step_observe(a);
	if (!is_aside)
		step_go(a);
}

void
accord_think(struct accord *a, const struct accord_in *in,
    struct accord_out *out)
{
	struct farm_blob *said = xcalloc(1, sizeof(*said));
	enum accord_phase phase = a->phase;
	char text[sizeof(a->text)];

	memcpy(text, a->text, sizeof(text));
	memset(out, 0, sizeof(*out));
	a->now = in->now;
	a->wake.ns = 0;
	/* What the configuration changed since the last thought counts, too. */
	if (in->role != a->role)
		a->step_since = in->now;
	a->role = in->role;
	keeps_expire(a);
	view_look(a, in);
	decide(a, in->random);
	a->phase = find_phase(a);
	find_reason(a);
	accord_publish(a, said);
	out->blob = memcmp(said, &a->published, sizeof(*said)) != 0;
	a->published = *said;
	free(said);
	out->buckets = a->new_buckets;
	a->new_buckets = false;
	out->expired = !share_set_is_empty(&a->expired);
	out->facts = a->phase != phase || strcmp(a->text, text) != 0;
	out->wake = a->wake;
	for (unsigned i = 0; i < a->conf.node_count; i++)
		a->peer[i].blob = NULL;		/* the caller's */
}

uint8_t
accord_taker(const struct accord *a, unsigned table, unsigned bucket)
{
	uint8_t self = a->conf.node[a->conf.self].id;
	uint8_t owner = a->acting.owner[table][bucket];

	if (share_set_has(&a->takes, table, bucket))
		return self;
	if (owner != self)
		return owner;
	/* Stopped: whose it is next may have it already, or soon. */
	if (a->step == FARM_STOPPED && a->next.owner[table][bucket] != self)
		return a->next.owner[table][bucket];
	return 0;
}

uint64_t
accord_keepers(const struct accord *a, unsigned table, unsigned bucket)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < a->conf.node_count; i++)
		if (share_set_has(i == a->conf.self ? &a->keeps :
		    &a->peer[i].keeps, table, bucket))
			bits |= UINT64_C(1) << i;
	return bits;
}

uint64_t
accord_members(const struct accord *a)
{
	uint64_t bits = UINT64_C(1) << a->conf.self;

	for (unsigned i = 0; i < a->conf.node_count; i++)
		if (a->peer[i].is_same &&
		    share_member(&a->acting, a->conf.node[i].id) != NULL)
			bits |= UINT64_C(1) << i;
	return bits;
}

bool
accord_is_director(const struct accord *a)
{
	return a->is_started &&
	    a->acting.director == a->conf.node[a->conf.self].id;
}

bool
accord_is_closed(const struct accord *a)
{
	/*
	 * The director may start by our `stopped' before we do: what it sends
	 * us must find us open.  Nothing else does, as we take no bucket yet.
	 */
	return !a->is_started && a->step != FARM_STOPPED;
}

const struct share *
accord_share(const struct accord *a)
{
	return &a->acting;
}

const struct share_set *
accord_keeps(const struct accord *a)
{
	return &a->keeps;
}

void
accord_keep_only(struct accord *a, const struct share_set *live)
{
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++) {
		for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
			struct mono early = mono_add_ms(a->kept[t][b],
			    KEEP_MIN_MS);

			if (!share_set_has(&a->keeps, t, b) ||
			    share_set_has(live, t, b) ||
			    !mono_passed(early, a->now))
				continue;
			share_set_del(&a->keeps, t, b);
			a->new_buckets = true;
		}
	}
}

const struct share_set *
accord_expired(const struct accord *a)
{
	return &a->expired;
}

enum accord_phase
accord_phase(const struct accord *a)
{
	return a->phase;
}

const char *
accord_code(const struct accord *a)
{
	return a->code;
}

const char *
accord_text(const struct accord *a)
{
	return a->text;
}
