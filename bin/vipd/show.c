/* SPDX-License-Identifier: ISC */
/* Events and answer lines about resources, networks, addresses, links. */

#include "show.h"

#include <stdio.h>
#include <string.h>

static bool
local_link_is_up(const struct vipd *v, const struct sockaddr_storage *addr)
{
	const struct addr_ip *ip = addr_find(v->table, addr);
	const struct addr_link *l = ip != NULL ?
	    addr_link_by_index(v->table, ip->index) : NULL;

	return l != NULL && l->is_up;
}

static const struct sockaddr_storage *
own_address(const struct vipd *v, unsigned lan)
{
	return &v->cluster.node[v->cluster.self].lan[lan].laddr;
}

/* --- resources ------------------------------------------------------ */

static void
resource_event(struct line_out *o, const char *class, const char *id,
    bool up)
{
	line_begin(o, "resource");
	line_addf(o, "name", "%s.%s", class, id);
	line_add(o, "state", up ? "up" : "down");
}

/* Tells what changed since it was last shown; `to' gets everything. */
static void
show_resource(struct vipd *v, struct module *m, struct client *to,
    const char *class, const char *id, bool up, int *shown)
{
	struct line_out o;

	if (to == NULL && *shown == (int)up)
		return;
	resource_event(&o, class, id, up);
	if (to != NULL) {
		serve_event_to(to, &o);
		return;
	}
	if (*shown != -1)
		log_info("%s: %s.%s: %s", m->name, class, id,
		    up ? "up" : "down");
	*shown = up;
	serve_event(v->d->serve, m->name, &o);
}

static bool
is_wanted(const struct module_address *a)
{
	return a->vip.wanted || a->held.wanted;
}

static bool
is_here(const struct module_address *a)
{
	return (a->vip.present || !a->vip.wanted) &&
	    (a->held.present || !a->held.wanted);
}

void
show_taken(struct vipd *v, struct module *m, struct module_address *a)
{
	if (a->is_checked && is_wanted(a))
		show_resource(v, m, NULL, "ip", a->text, false, &a->shown);
}

/* --- where a farm's addresses are on the wire ------------------------ */

static void
place_find(const struct vipd *v, const struct module_address *a,
    struct module_link *place)
{
	const struct addr_link *l = vipd_link_of(v, a);
	const struct addr_ip *own;

	memset(place, 0, sizeof(*place));
	if (l == NULL)
		return;
	place->index = l->index;
	place->is_up = l->is_up;
	(void)snprintf(place->name, sizeof(place->name), "%s", l->name);
	memcpy(place->mac, l->mac, ADDR_MAC_LEN);
	own = addr_own_on(v->table, &a->addr, l->index);
	if (own != NULL)
		(void)addr_str(place->own, &own->addr);
}

static void
place_line(struct line_out *o, const char *verb,
    const struct module_address *a, const struct module_link *place)
{
	char mac[VIPD_MAC_LEN];

	line_begin(o, verb);
	line_add(o, "addr", a->text);
	line_add(o, "interface", place->name);
	line_add_num(o, "index", place->index);
	line_add(o, "mac", vipd_mac(mac, place->mac));
	line_add(o, "own", place->own);
	line_add_num(o, "up", place->is_up);
}

void
show_places(struct vipd *v, const struct module *m, struct client *c)
{
	struct module_link place;
	struct line_out o;

	for (unsigned i = 0; i < m->address_count; i++) {
		if (!m->address[i].is_farm)
			continue;
		place_find(v, &m->address[i], &place);
		place_line(&o, "", &m->address[i], &place);
		serve_line(c, &o);
	}
}

static void
show_place(struct vipd *v, struct module *m, struct module_address *a,
    struct client *to)
{
	struct module_link place;
	struct line_out o;

	place_find(v, a, &place);
	if (to == NULL && memcmp(&place, &a->told, sizeof(place)) == 0)
		return;
	place_line(&o, "link", a, &place);
	if (to != NULL) {
		serve_event_to(to, &o);
		return;
	}
	if (a->told.index != 0)
		log_info("%s: %s: its link is %s, %s", m->name, a->text,
		    place.index != 0 ? place.name : "gone",
		    place.is_up ? "up" : "down");
	a->told = place;
	serve_event(v->d->serve, m->name, &o);
}

/* --- modules, networks, conflicts ------------------------------------ */

void
show_module(struct vipd *v, struct module *m, struct client *to)
{
	for (unsigned i = 0; i < m->intf_count; i++)
		show_resource(v, m, to, "intf", m->intf[i].id,
		    local_link_is_up(v, &m->intf[i].address),
		    &m->intf[i].shown);
	for (unsigned i = 0; i < m->ip_count; i++)
		show_resource(v, m, to, "ip", m->ip[i].id,
		    addr_find(v->table, &m->ip[i].address) != NULL,
		    &m->ip[i].shown);
	for (unsigned i = 0; i < m->address_count; i++) {
		struct module_address *a = &m->address[i];

		/* Where it is not wanted there is nothing to check. */
		if (a->is_checked && is_wanted(a))
			show_resource(v, m, to, "ip", a->text, is_here(a),
			    &a->shown);
		else
			a->shown = -1;
		if (a->is_farm)
			show_place(v, m, a, to);
		/* Who begins to watch takes silence for peace. */
		if (to != NULL && a->in_conflict)
			show_conflict(v, m, a, to, true);
	}
}

void
show_lans(struct vipd *v, struct client *to)
{
	for (unsigned i = 0; i < v->cluster.lan_count; i++) {
		struct line_out o;
		bool up;

		if (!v->cluster.node[v->cluster.self].lan[i].is_set)
			continue;
		up = local_link_is_up(v, own_address(v, i));
		if (to == NULL && v->lan_shown[i] == (int)up)
			continue;
		line_begin(&o, "links");
		line_add(&o, "lan", v->cluster.lan[i].name);
		line_add(&o, "state", up ? "up" : "down");
		if (to != NULL) {
			serve_event_to(to, &o);
			continue;
		}
		log_info("lan %s: link %s", v->cluster.lan[i].name,
		    up ? "up" : "down");
		v->lan_shown[i] = up;
		serve_event(v->d->serve, "links", &o);
	}
}

void
show_conflict(struct vipd *v, const struct module *m,
    const struct module_address *a, struct client *to, bool begins)
{
	char text[VIPD_MAC_LEN];
	struct line_out o;

	line_begin(&o, begins ? "conflict" : "clear");
	line_add(&o, "addr", a->text);
	if (begins)
		line_add(&o, "mac", vipd_mac(text, a->conflict_mac));
	if (to != NULL)
		serve_event_to(to, &o);
	else
		serve_event(v->d->serve, m->name, &o);
}

void
show_lease(struct vipd *v, const struct module *m, bool is_over)
{
	struct line_out o;

	line_begin(&o, "lease");
	line_add(&o, "state", is_over ? "over" : "runs");
	serve_event(v->d->serve, m->name, &o);
	if (is_over)
		log_warnx("%s: its lease is over: its addresses are not "
		    "answered", m->name);
	else
		log_info("%s: its addresses are answered", m->name);
}

/* --- status ---------------------------------------------------------- */

static void
show_address(const struct module *m, const struct module_address *a,
    struct client *c)
{
	char mac[VIPD_MAC_LEN];
	struct line_out o;

	line_begin(&o, "");
	line_add(&o, "module", m->name);
	line_add(&o, "addr", a->text);
	line_add_num(&o, "wanted", a->vip.wanted);
	line_add_num(&o, "present", a->vip.present);
	line_add_num(&o, "owner", a->vip.owner_is_up);
	line_add_num(&o, "conflict", a->in_conflict);
	if (m->term.is_leased)
		line_add_num(&o, "lease_ms", term_is_over(&m->term,
		    mono_now()) ? 0 :
		    mono_diff_ms(m->term.until, mono_now()));
	if (a->is_farm) {
		line_add_num(&o, "hold", a->held.wanted);
		line_add_num(&o, "held", a->held.present);
		line_add(&o, "mac", a->has_mac ? vipd_mac(mac, a->mac) : "");
		line_add_num(&o, "peers", m->peers.count);
	}
	serve_line(c, &o);
}

void
show_status(const struct vipd *v, struct client *c)
{
	struct line_out o;

	for (unsigned i = 0; i < v->cluster.lan_count; i++) {
		line_begin(&o, "");
		line_add(&o, "lan", v->cluster.lan[i].name);
		line_add(&o, "state", v->lan_shown[i] == 1 ? "up" : "down");
		serve_line(c, &o);
	}
	for (const struct module *m = v->modules; m != NULL; m = m->next)
		for (unsigned i = 0; i < m->address_count; i++)
			show_address(m, &m->address[i], c);
}
