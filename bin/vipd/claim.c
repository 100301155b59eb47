/* SPDX-License-Identifier: ISC */
/*
 * A station that claims one of our addresses: a conflict, unless it is a
 * member of the farm or says what we say.  Questions for an address with a
 * shared MAC are answered here, since the kernel would name its own.
 */

#include "claim.h"

#include <string.h>

#include "act.h"
#include "probe.h"
#include "show.h"

#define DEFEND_MS		1000	/* RFC 5227: not more often */

static void
conflict(struct vipd *v, struct module *m, struct module_address *a,
    const uint8_t *mac)
{
	struct mono now = mono_now();
	char text[VIPD_MAC_LEN];

	if (log_limit_ok(&v->limit, 5))
		log_warnx("%s: %s: another host, %s, answers for it", m->name,
		    a->text, vipd_mac(text, mac));
	memcpy(a->conflict_mac, mac, ADDR_MAC_LEN);
	if (!a->in_conflict)
		show_conflict(v, m, a, NULL, true);
	/*
	 * Defend, but never in a loop with another that defends too, nor what
	 * is not ours to answer: frames that waited while this machine stood
	 * still tell of the next primary.
	 */
	if (a->vip.wanted && a->vip.present &&
	    !term_is_over(&m->term, now) && (!a->in_conflict ||
	    mono_diff_ms(now, a->conflict_at) > DEFEND_MS))
		act_announce(v, a);
	a->in_conflict = true;
	a->conflict_at = now;
}

static void
claim_one(struct vipd *v, struct module *m, unsigned i, const uint8_t *mac)
{
	struct module_address *a = &m->address[i];

	if (a->has_mac && memcmp(a->mac, mac, ADDR_MAC_LEN) == 0)
		return;
	probe_heard(v, m, i, mac);
	if ((!a->vip.wanted || !a->vip.present) &&
	    (!a->held.wanted || !a->held.present))
		return;
	if (!module_is_peer(&m->peers, mac))
		conflict(v, m, a, mac);
	else if (a->vip.wanted && a->vip.present)
		a->contested_at = mono_now();
}

void
claim_heard(int index, const struct sockaddr_storage *addr,
    const uint8_t mac[ADDR_MAC_LEN], void *arg)
{
	struct vipd *v = arg;

	(void)index;
	/* Our own frame, come back through a bridge or another card. */
	if (addr_is_own_mac(v->table, mac))
		return;
	for (struct module *m = v->modules; m != NULL; m = m->next)
		for (unsigned i = 0; i < m->address_count; i++)
			if (addr_equal(&m->address[i].addr, addr))
				claim_one(v, m, i, mac);
	act_arm_timer(v);
}

void
claim_asked(int index, const struct wire_question *q, void *arg)
{
	struct vipd *v = arg;

	for (struct module *m = v->modules; m != NULL; m = m->next)
		for (unsigned i = 0; i < m->address_count; i++) {
			struct module_address *a = &m->address[i];
			const struct addr_link *l;

			if (!a->vip.present || a->vip.form != VF_ANSWER ||
			    !addr_equal(&a->addr, &q->target))
				continue;
			l = vipd_link_of(v, a);
			if (l == NULL || l->index != index)
				continue;
			if (packet_answer(v->packet, l, q, a->mac) == -1 &&
			    log_limit_ok(&v->limit, 5))
				log_warn("%s: %s: a question on %s cannot be "
				    "answered", m->name, a->text, l->name);
		}
}
