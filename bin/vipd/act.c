/* SPDX-License-Identifier: ISC */
/*
 * An address of a mirror is on its link or not here.  One of a farm has two
 * parts with a plan each: `held' puts it on the loopback of every node that
 * serves it, `vip' on the link of the one node that answers for it, or has us
 * answer with a shared MAC.  While it is held, the kernel has the address
 * whatever the other part does, and its connections never notice.
 */

#include "act.h"

#include "guard.h"
#include "reset.h"
#include "show.h"

#define CONFLICT_CLEAR_MS	3000	/* silent so long: over */
#define GUARD_LOOK_MS		1000

/* --- one part of an address ------------------------------------------ */

void
act_announce(struct vipd *v, const struct module_address *a)
{
	const struct addr_link *l = vipd_link_of(v, a);
	const uint8_t *mac = a->vip.form == VF_ANSWER ? a->mac : NULL;

	/* Some stacks learn from requests only, some from replies only. */
	if (l == NULL || !l->is_ether || !l->is_up)
		return;
	if (packet_send(v->packet, l, WK_ANNOUNCE_REQUEST, &a->addr, mac) ==
	    -1 ||
	    packet_send(v->packet, l, WK_ANNOUNCE_REPLY, &a->addr, mac) == -1)
		log_warn("%s: cannot be announced on %s", a->text, l->name);
}

/* A farm's address brings no route, whatever prefix is configured. */
static uint8_t
prefix_of(const struct module_address *a)
{
	if (!a->is_farm)
		return a->prefix;
	return a->addr.ss_family == AF_INET ? 32 : 128;
}

static bool
set_on(struct vipd *v, const struct module *m, struct module_address *a,
    int index, const char *name)
{
	if (addr_set(v->table, index, &a->addr, prefix_of(a), m->lifetime_s,
	    a->is_farm ? ADDR_OF_FARM : ADDR_OF_MIRROR) == 0)
		return true;
	log_warn("%s: %s: cannot be set on %s", m->name, a->text, name);
	return false;
}

static bool
set_on_link(struct vipd *v, const struct module *m, struct module_address *a)
{
	const struct addr_link *l = vipd_link_of(v, a);

	if (l == NULL) {
		log_warnx("%s: %s: no interface has a network that holds it; "
		    "name one in <interface name=...>", m->name, a->text);
		return false;
	}
	/* The group of a link it has left. */
	if (a->vip.present && a->vip.form == VF_ANSWER &&
	    a->index != l->index)
		(void)packet_join(v->packet, a->index, &a->addr, false);
	a->index = l->index;
	/* form_wanted: what it has, or what it is about to get. */
	if (a->vip.form_wanted == VF_KERNEL)
		return set_on(v, m, a, l->index, l->name);
	if (packet_join(v->packet, l->index, &a->addr, true) == 0)
		return true;
	log_warn("%s: %s: its group cannot be joined on %s", m->name,
	    a->text, l->name);
	return false;
}

static bool
remove_from(struct vipd *v, const struct module *m,
    struct module_address *a, const struct addr_ip *ip, int index)
{
	if (addr_remove(v->table, ip != NULL ? ip->index : index, &a->addr,
	    ip != NULL ? ip->prefix : prefix_of(a)) == 0)
		return true;
	log_warn("%s: %s: cannot be removed", m->name, a->text);
	return false;
}

static bool
remove_from_link(struct vipd *v, const struct module *m,
    struct module_address *a)
{
	const struct addr_ip *ip = a->is_farm ?
	    addr_find_off(v->table, &a->addr, vipd_loopback(v)) :
	    addr_find(v->table, &a->addr);

	if (a->vip.form == VF_ANSWER)
		return packet_join(v->packet, a->index, &a->addr, false) == 0;
	return remove_from(v, m, a, ip, a->index);
}

static void
reset_address(const struct module *m, const struct module_address *a)
{
	int n = reset_connections(&a->addr);

	if (n == -1)
		log_warn("%s: %s: its connections cannot be reset", m->name,
		    a->text);
	else if (n > 0)
		log_info("%s: %s: %d connections reset", m->name, a->text,
		    n);
}

static const char *
words_for(const struct module_address *a, bool held, unsigned action)
{
	if (held)
		return action == VA_ADD ? "held" : "no longer held";
	if (action == VA_REMOVE)
		return a->vip.form == VF_ANSWER ? "no longer answered" :
		    "removed";
	return a->vip.form_wanted == VF_ANSWER ? "answered" : "set";
}

static bool
act(struct vipd *v, const struct module *m, struct module_address *a,
    bool held, unsigned action)
{
	int lo = vipd_loopback(v);
	bool good;

	switch (action) {
	case VA_RESET:
		reset_address(m, a);
		return true;
	case VA_REMOVE:
		good = held ? remove_from(v, m, a,
		    addr_find_on(v->table, &a->addr, lo), lo) :
		    remove_from_link(v, m, a);
		break;
	case VA_ADD:
	case VA_RENEW:
		good = held ? set_on(v, m, a, lo, "lo") :
		    set_on_link(v, m, a);
		break;
	default:
		act_announce(v, a);
		return true;
	}
	if (good && action != VA_RENEW)
		log_info("%s: %s: %s", m->name, a->text,
		    words_for(a, held, action));
	return good;
}

/* --- what is due ------------------------------------------------------ */

static void
plan_part(struct vipd *v, const struct module *m, struct module_address *a,
    bool held)
{
	struct vip *part = held ? &a->held : &a->vip;

	/* An action may make the next one due: at most each bit once. */
	for (unsigned action = VA_RESET; action <= VA_ANNOUNCE; action <<= 1)
		if (vip_plan(part, mono_now()) & action)
			vip_did(part, action, act(v, m, a, held, action),
			    mono_now());
}

static bool
is_quiet(struct mono since)
{
	return mono_is_set(since) &&
	    mono_diff_ms(mono_now(), since) > CONFLICT_CLEAR_MS;
}

static void
plan_address(struct vipd *v, const struct module *m,
    struct module_address *a)
{
	/* The first part to come is the last to go. */
	if (a->is_farm && a->held.wanted)
		plan_part(v, m, a, true);
	plan_part(v, m, a, false);
	if (a->is_farm && !a->held.wanted)
		plan_part(v, m, a, true);
	if (a->in_conflict && is_quiet(a->conflict_at)) {
		a->in_conflict = false;
		show_conflict(v, m, a, NULL, false);
	}
	/* The other member has given it up: whom it told is told anew. */
	if (is_quiet(a->contested_at)) {
		a->contested_at = (struct mono){ 0 };
		vip_doubt(&a->vip, mono_now());
		plan_part(v, m, a, false);
	}
}

static void
earliest(struct mono *next, struct mono t)
{
	if (mono_is_set(t) && (!mono_is_set(*next) || t.ns < next->ns))
		*next = t;
}

void
act_arm_timer(struct vipd *v)
{
	struct mono next = { 0 };

	for (const struct module *m = v->modules; m != NULL; m = m->next) {
		earliest(&next, term_next(&m->term, mono_now()));
		if (m->is_unguarded)
			earliest(&next, mono_add_ms(v->guards_seen,
			    GUARD_LOOK_MS));
		for (unsigned i = 0; i < m->address_count; i++) {
			const struct module_address *a = &m->address[i];

			earliest(&next, vip_next(&a->vip));
			earliest(&next, vip_next(&a->held));
			if (a->in_conflict)
				earliest(&next, mono_add_ms(a->conflict_at,
				    CONFLICT_CLEAR_MS + 1));
			if (mono_is_set(a->contested_at))
				earliest(&next, mono_add_ms(a->contested_at,
				    CONFLICT_CLEAR_MS + 1));
		}
	}
	if (mono_is_set(next))
		loop_timer_set(v->timer, mono_diff_ms(next, mono_now()) + 1,
		    0);
	else
		loop_timer_cancel(v->timer);
}

/* --- addresses that are answered while a lease runs -------------------- */

void
act_wish(struct module *m)
{
	for (unsigned i = 0; i < m->address_count; i++) {
		struct module_address *a = &m->address[i];

		a->vip.owner_is_up = a->held.owner_is_up = m->owner != NULL;
		vip_want(&a->vip, m->own && !m->is_unguarded);
		vip_want_form(&a->vip, a->has_mac ? VF_ANSWER : VF_KERNEL);
		if (a->is_farm)
			vip_want(&a->held, m->hold);
	}
}

bool
act_guard(struct vipd *v, struct module *m, char *why, size_t why_len)
{
	bool good = !m->own || !m->term.is_leased ||
	    guard_keep(v, m, why, why_len);

	if (good != m->is_unguarded)
		return good;
	/* Without the rules it would be answered without end. */
	m->is_unguarded = !good;
	if (!good)
		log_warnx("%s: its addresses go: the kernel takes no rules "
		    "for its lease: %s", m->name, why);
	act_wish(m);
	return good;
}

static bool
is_present(const struct module *m)
{
	for (unsigned i = 0; i < m->address_count; i++)
		if (m->address[i].vip.present)
			return true;
	return false;
}

void
act_lease(struct vipd *v, struct module *m)
{
	struct mono now = mono_now();
	bool is_lapsed = m->own && term_is_over(&m->term, now);

	guard_renew(v, m, now);
	for (unsigned i = 0; i < m->address_count; i++)
		vip_mute(&m->address[i].vip, is_lapsed, now);
	if (is_lapsed != m->is_lapsed)
		show_lease(v, m, is_lapsed);
	m->is_lapsed = is_lapsed;
}

static void
plan_module(struct vipd *v, struct module *m)
{
	act_lease(v, m);
	for (unsigned i = 0; i < m->address_count; i++)
		plan_address(v, m, &m->address[i]);
	/* The last to go: until then nobody is answered without a lease. */
	if (m->own ? !m->term.is_leased : !is_present(m))
		guard_remove(v, m);
	show_module(v, m, NULL);
}

/* Somebody may have flushed all rules of the machine. */
static void
look_after_guards(struct vipd *v)
{
	char why[256];

	if (mono_is_set(v->guards_seen) &&
	    mono_diff_ms(mono_now(), v->guards_seen) < GUARD_LOOK_MS)
		return;
	v->guards_seen = mono_now();
	for (struct module *m = v->modules; m != NULL; m = m->next)
		(void)act_guard(v, m, why, sizeof(why));
}

void
act_plan_all(struct vipd *v)
{
	look_after_guards(v);
	for (struct module *m = v->modules; m != NULL; m = m->next)
		plan_module(v, m);
	act_arm_timer(v);
}

/* --- what the kernel has ---------------------------------------------- */

static void
look_at(struct vipd *v, struct module *m, struct module_address *a,
    struct vip *part, const struct addr_ip *ip)
{
	bool is_gone = ip == NULL && part->present && part->wanted &&
	    part->form == VF_KERNEL;

	if (is_gone)
		log_warnx("%s: %s: gone from the kernel%s", m->name, a->text,
		    part->owner_is_up ? ": set again" :
		    ": its lifetime ended");
	vip_seen(part, ip != NULL, mono_now());
	/* Told before it is set again: somebody took it. */
	if (is_gone)
		show_taken(v, m, a);
}

void
act_look(struct vipd *v)
{
	int lo = vipd_loopback(v);

	for (struct module *m = v->modules; m != NULL; m = m->next)
		for (unsigned i = 0; i < m->address_count; i++) {
			struct module_address *a = &m->address[i];
			const struct addr_ip *ip = a->is_farm ?
			    addr_find_off(v->table, &a->addr, lo) :
			    addr_find(v->table, &a->addr);

			if (ip != NULL)
				a->index = ip->index;
			look_at(v, m, a, &a->vip, ip);
			if (a->is_farm)
				look_at(v, m, a, &a->held, addr_find_on(
				    v->table, &a->addr, lo));
		}
}

void
act_find(struct vipd *v, struct module *m)
{
	int lo = vipd_loopback(v);

	for (unsigned i = 0; i < m->address_count; i++) {
		struct module_address *a = &m->address[i];
		const struct addr_ip *ip = a->is_farm ?
		    addr_find_off(v->table, &a->addr, lo) :
		    addr_find(v->table, &a->addr);

		if (ip != NULL) {
			a->index = ip->index;
			vip_found(&a->vip, mono_now());
		}
		if (a->is_farm && addr_find_on(v->table, &a->addr, lo) !=
		    NULL)
			vip_found(&a->held, mono_now());
	}
}

void
act_drop(struct vipd *v, const struct module *m, struct module_address *a)
{
	int lo = vipd_loopback(v);

	if (!a->vip.present && !a->held.present)
		return;
	reset_address(m, a);
	if (a->vip.present)
		(void)remove_from_link(v, m, a);
	if (a->held.present)
		(void)remove_from(v, m, a, addr_find_on(v->table, &a->addr,
		    lo), lo);
	log_info("%s: %s: removed", m->name, a->text);
}
