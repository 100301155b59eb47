/* SPDX-License-Identifier: ISC */
/*
 * vipd: which addresses this node answers.  It owns the kernel's side of the
 * virtual addresses - lifetime, announcements, conflicts, link states - and
 * decides nothing about who should have them: moduled wishes, vipd does.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "addr.h"
#include "cluster.h"
#include "daemon.h"
#include "log.h"
#include "module.h"
#include "packet.h"
#include "reset.h"
#include "vip.h"
#include "xalloc.h"

#define CONFLICT_CLEAR_MS	3000	/* silent so long: over */
#define DEFEND_MS		1000	/* RFC 5227: not more often */

struct probe {
	struct probe		*next;
	struct vipd		*vipd;
	struct client		*client;
	char			 module[MODULE_NAME_MAX + 1];
	struct loop_timer	*timer;
	int			 left;
	int			 gap_ms;
	unsigned		 answered;
	bool			 seen[MODULE_ADDRESS_MAX];
};

struct vipd {
	struct daemon		*d;
	struct addr_table	*table;
	struct packet		*packet;
	struct loop_timer	*timer;
	struct module		*modules;
	struct probe		*probes;
	struct cluster		 cluster;
	int			 lan_shown[CLUSTER_LAN_MAX];
	struct log_limit	 limit;
};

static void plan_all(struct vipd *);

/* --- looking things up ---------------------------------------------- */

static struct module *
find_module(const struct vipd *v, const char *name)
{
	struct module *m;

	for (m = v->modules; m != NULL; m = m->next)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

static const struct addr_link *
link_of(const struct vipd *v, const struct module_address *a)
{
	const struct addr_link *l;

	if (a->interface[0] != '\0')
		return addr_link_by_name(v->table, a->interface);
	l = addr_link_for(v->table, &a->addr);
	/* A network may have lost its own address: stay where it is. */
	return l != NULL ? l : addr_link_by_index(v->table, a->index);
}

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

/* --- events --------------------------------------------------------- */

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

static void
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
		if (a->is_checked && a->vip.wanted)
			show_resource(v, m, to, "ip", a->text,
			    a->vip.present, &a->shown);
		else
			a->shown = -1;
	}
}

static void
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

static void
conflict_event(struct vipd *v, const struct module *m,
    const struct module_address *a, const uint8_t *mac)
{
	struct line_out o;

	line_begin(&o, mac != NULL ? "conflict" : "clear");
	line_add(&o, "addr", a->text);
	if (mac != NULL)
		line_addf(&o, "mac", "%02x:%02x:%02x:%02x:%02x:%02x",
		    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	serve_event(v->d->serve, m->name, &o);
}

/* --- acting --------------------------------------------------------- */

static void
announce(struct vipd *v, const struct module_address *a)
{
	const struct addr_link *l = link_of(v, a);

	/* Some stacks learn from requests only, some from replies only. */
	if (l == NULL || !l->is_ether || !l->is_up)
		return;
	if (packet_send(v->packet, l, WK_ANNOUNCE_REQUEST, &a->addr) == -1 ||
	    packet_send(v->packet, l, WK_ANNOUNCE_REPLY, &a->addr) == -1)
		log_warn("%s: cannot be announced on %s", a->text, l->name);
}

static bool
add_address(struct vipd *v, const struct module *m, struct module_address *a)
{
	const struct addr_link *l = link_of(v, a);

	if (l == NULL) {
		log_warnx("%s: %s: no interface has a network that holds it; "
		    "name one in <interface name=...>", m->name, a->text);
		return false;
	}
	a->index = l->index;
	if (addr_set(v->table, l->index, &a->addr, a->prefix,
	    m->lifetime_s) == -1) {
		log_warn("%s: %s: cannot be set on %s", m->name, a->text,
		    l->name);
		return false;
	}
	return true;
}

static bool
remove_address(struct vipd *v, const struct module *m,
    struct module_address *a)
{
	const struct addr_ip *ip = addr_find(v->table, &a->addr);
	int index = ip != NULL ? ip->index : a->index;

	if (addr_remove(v->table, index, &a->addr,
	    ip != NULL ? ip->prefix : a->prefix) == -1) {
		log_warn("%s: %s: cannot be removed", m->name, a->text);
		return false;
	}
	log_info("%s: %s: removed", m->name, a->text);
	return true;
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

static bool
act(struct vipd *v, const struct module *m, struct module_address *a,
    unsigned action)
{
	bool good;

	switch (action) {
	case VA_RESET:
		reset_address(m, a);
		return true;
	case VA_REMOVE:
		return remove_address(v, m, a);
	case VA_ADD:
		good = add_address(v, m, a);
		if (good)
			log_info("%s: %s: set", m->name, a->text);
		return good;
	case VA_RENEW:
		return add_address(v, m, a);
	default:
		announce(v, a);
		return true;
	}
}

static void
plan_address(struct vipd *v, const struct module *m,
    struct module_address *a)
{
	/* An action may make the next one due: at most each bit once. */
	for (unsigned action = VA_RESET; action <= VA_ANNOUNCE; action <<= 1)
		if (vip_plan(&a->vip, mono_now()) & action)
			vip_did(&a->vip, action, act(v, m, a, action),
			    mono_now());
	if (a->in_conflict && mono_diff_ms(mono_now(), a->conflict_at) >
	    CONFLICT_CLEAR_MS) {
		a->in_conflict = false;
		conflict_event(v, m, a, NULL);
	}
}

static void
arm_timer(struct vipd *v)
{
	struct mono next = { 0 }, now = mono_now();

	for (const struct module *m = v->modules; m != NULL; m = m->next)
		for (unsigned i = 0; i < m->address_count; i++) {
			const struct module_address *a = &m->address[i];
			struct mono t = vip_next(&a->vip);

			if (a->in_conflict && !mono_is_set(t))
				t = mono_add_ms(a->conflict_at,
				    CONFLICT_CLEAR_MS + 1);
			if (mono_is_set(t) && (!mono_is_set(next) ||
			    t.ns < next.ns))
				next = t;
		}
	if (mono_is_set(next))
		loop_timer_set(v->timer, mono_diff_ms(next, now) + 1, 0);
	else
		loop_timer_cancel(v->timer);
}

static void
plan_all(struct vipd *v)
{
	for (struct module *m = v->modules; m != NULL; m = m->next) {
		for (unsigned i = 0; i < m->address_count; i++)
			plan_address(v, m, &m->address[i]);
		show_module(v, m, NULL);
	}
	arm_timer(v);
}

static void
on_timer(void *arg)
{
	plan_all(arg);
}

/* --- what the kernel says ------------------------------------------- */

static void
look(struct vipd *v)
{
	for (struct module *m = v->modules; m != NULL; m = m->next)
		for (unsigned i = 0; i < m->address_count; i++) {
			struct module_address *a = &m->address[i];
			const struct addr_ip *ip = addr_find(v->table,
			    &a->addr);

			if (ip == NULL && a->vip.present && a->vip.wanted)
				log_warnx("%s: %s: gone from the kernel%s",
				    m->name, a->text, a->vip.owner_is_up ?
				    ": set again" : ": its lifetime ended");
			if (ip != NULL)
				a->index = ip->index;
			vip_seen(&a->vip, ip != NULL, mono_now());
			/* Told before it is set again: somebody took it. */
			if (ip == NULL && a->is_checked && a->vip.wanted)
				show_resource(v, m, NULL, "ip", a->text,
				    false, &a->shown);
		}
}

static void
on_netlink(int fd, int events, void *arg)
{
	struct vipd *v = arg;
	bool was_up[CLUSTER_LAN_MAX];

	(void)fd;
	(void)events;
	for (unsigned i = 0; i < v->cluster.lan_count; i++)
		was_up[i] = v->lan_shown[i] == 1;
	if (!addr_update(v->table))
		return;
	look(v);
	show_lans(v, NULL);
	/* A link that is back may lead to a switch that forgot us. */
	for (unsigned i = 0; i < v->cluster.lan_count; i++)
		if (!was_up[i] && v->lan_shown[i] == 1)
			for (struct module *m = v->modules; m != NULL;
			    m = m->next)
				for (unsigned k = 0; k < m->address_count; k++)
					vip_doubt(&m->address[k].vip,
					    mono_now());
	plan_all(v);
}

static void
probe_answer(struct probe *p, const struct module *m, unsigned i,
    const uint8_t *mac)
{
	struct line_out o;

	if (p->seen[i])
		return;
	p->seen[i] = true;
	p->answered++;
	line_begin(&o, "");
	line_add(&o, "addr", m->address[i].text);
	line_addf(&o, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
	    mac[2], mac[3], mac[4], mac[5]);
	serve_line(p->client, &o);
}

static void
claim_address(struct vipd *v, struct module *m, unsigned i,
    const uint8_t *mac)
{
	struct module_address *a = &m->address[i];
	struct mono now = mono_now();

	for (struct probe *p = v->probes; p != NULL; p = p->next)
		if (strcmp(p->module, m->name) == 0)
			probe_answer(p, m, i, mac);
	if (!a->vip.wanted || !a->vip.present)
		return;
	if (log_limit_ok(&v->limit, 5))
		log_warnx("%s: %s: another host, "
		    "%02x:%02x:%02x:%02x:%02x:%02x, answers for it", m->name,
		    a->text, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	if (!a->in_conflict)
		conflict_event(v, m, a, mac);
	/* Defend, but never in a loop with another that defends too. */
	if (!a->in_conflict || mono_diff_ms(now, a->conflict_at) > DEFEND_MS)
		announce(v, a);
	a->in_conflict = true;
	a->conflict_at = now;
}

static void
on_claim(int index, const struct sockaddr_storage *addr,
    const uint8_t mac[ADDR_MAC_LEN], void *arg)
{
	struct vipd *v = arg;
	const struct addr_link *l = addr_link_by_index(v->table, index);

	/* Our own frame, come back through a bridge. */
	if (l != NULL && memcmp(l->mac, mac, ADDR_MAC_LEN) == 0)
		return;
	for (struct module *m = v->modules; m != NULL; m = m->next)
		for (unsigned i = 0; i < m->address_count; i++)
			if (addr_equal(&m->address[i].addr, addr))
				claim_address(v, m, i, mac);
	arm_timer(v);
}

/* --- verbs ---------------------------------------------------------- */

static struct vipd *
state_of(void *arg)
{
	return ((struct daemon *)arg)->state;
}

/* Loads the module when it is not known yet; answers errors itself. */
static struct module *
want_module(struct vipd *v, struct client *c, const struct line *l)
{
	const char *name = line_get(l, "name");
	struct module *m;

	if (name == NULL || !module_name_ok(name)) {
		serve_err(c, "usage", "name=MODULE is needed");
		return NULL;
	}
	m = find_module(v, name);
	if (m != NULL)
		return m;
	m = module_load(name, NULL);
	if (m == NULL) {
		serve_err(c, "config", "%s: no usable vipd.conf: run "
		    "`holdfast config %s'", name, name);
		return NULL;
	}
	m->next = v->modules;
	v->modules = m;
	for (unsigned i = 0; i < m->address_count; i++) {
		struct module_address *a = &m->address[i];
		const struct addr_ip *ip = addr_find(v->table, &a->addr);

		if (ip == NULL)
			continue;
		a->index = ip->index;
		vip_found(&a->vip, mono_now());
	}
	return m;
}

static void
on_want(struct client *c, const struct line *l, void *arg)
{
	struct vipd *v = state_of(arg);
	struct module *m = want_module(v, c, l);
	bool own = line_get_bool(l, "own");
	unsigned missing = 0;

	if (m == NULL)
		return;
	if (line_get(l, "own") == NULL) {
		serve_err(c, "usage", "own=0 or own=1 is needed");
		return;
	}
	m->owner = own ? c : NULL;
	for (unsigned i = 0; i < m->address_count; i++) {
		m->address[i].vip.owner_is_up = own;
		vip_want(&m->address[i].vip, own);
	}
	plan_all(v);
	for (unsigned i = 0; i < m->address_count; i++)
		missing += m->address[i].vip.present != own;
	if (missing > 0)
		serve_err(c, "kernel", "%u addresses of %s cannot be %s, see "
		    "vipd.log; tried again every second", missing, m->name,
		    own ? "set" : "removed");
	else
		serve_ok(c);
}

static void
probe_end(struct probe *p)
{
	struct probe **at;

	for (at = &p->vipd->probes; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	loop_timer_free(p->timer);
	free(p);
}

static void
probe_step(void *arg)
{
	struct probe *p = arg;
	struct vipd *v = p->vipd;
	struct module *m = find_module(v, p->module);
	struct client *c = p->client;
	unsigned answered = p->answered;
	struct line_out o;

	if (m != NULL && p->left-- > 0 && answered < m->address_count) {
		for (unsigned i = 0; i < m->address_count; i++) {
			const struct addr_link *l = link_of(v,
			    &m->address[i]);

			if (l != NULL && l->is_ether && l->is_up)
				(void)packet_send(v->packet, l, WK_PROBE,
				    &m->address[i].addr);
		}
		loop_timer_set(p->timer, p->gap_ms, 0);
		return;
	}
	probe_end(p);
	line_begin(&o, "ok");
	line_add_num(&o, "answered", answered);
	serve_ok_line(c, &o);
}

static void
on_probe(struct client *c, const struct line *l, void *arg)
{
	struct vipd *v = state_of(arg);
	struct module *m = want_module(v, c, l);
	int64_t count = 3, gap_ms = 100;
	struct probe *p;

	if (m == NULL)
		return;
	if ((line_get(l, "count") != NULL &&
	    !line_get_num(l, "count", 1, 100, &count)) ||
	    (line_get(l, "gap_ms") != NULL &&
	    !line_get_num(l, "gap_ms", 1, 60000, &gap_ms))) {
		serve_err(c, "usage", "count is 1..100, gap_ms 1..60000");
		return;
	}
	/* No link, no evidence: silence would prove nothing. */
	for (unsigned i = 0; i < m->address_count; i++) {
		const struct addr_link *link = link_of(v, &m->address[i]);

		if (link != NULL && link->is_up)
			continue;
		serve_err(c, "link-down", "%s: its network has no link here",
		    m->address[i].text);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->vipd = v;
	p->client = c;
	(void)snprintf(p->module, sizeof(p->module), "%s", m->name);
	p->left = (int)count;
	p->gap_ms = (int)gap_ms;
	p->timer = loop_timer_new(v->d->loop, probe_step, p);
	p->next = v->probes;
	v->probes = p;
	serve_later(c);
	probe_step(p);
}

static void
on_watch(struct client *c, const struct line *l, void *arg)
{
	struct vipd *v = state_of(arg);
	struct module *m = want_module(v, c, l);

	if (m == NULL)
		return;
	serve_watch(c, m->name);
	serve_watch(c, "links");
	serve_ok(c);
	show_lans(v, c);
	show_module(v, m, c);
}

static void
on_reload_verb(struct client *c, const struct line *l, void *arg)
{
	struct vipd *v = state_of(arg);
	const char *name = line_get(l, "name");
	struct module *old = name != NULL ? find_module(v, name) : NULL;
	struct module *fresh;

	if (old == NULL) {
		serve_ok(c);	/* read when it is first wanted */
		return;
	}
	fresh = module_load(name, NULL);
	if (fresh == NULL) {
		serve_err(c, "config", "%s: no usable vipd.conf, the present "
		    "one stays in force", name);
		return;
	}
	/* Addresses that left the file leave the kernel first. */
	for (unsigned i = 0; i < old->address_count; i++) {
		bool stays = false;

		for (unsigned k = 0; k < fresh->address_count; k++)
			stays |= addr_equal(&old->address[i].addr,
			    &fresh->address[k].addr);
		if (!stays && old->address[i].vip.present) {
			reset_address(old, &old->address[i]);
			(void)remove_address(v, old, &old->address[i]);
		}
	}
	module_inherit(fresh, old);
	for (unsigned i = 0; i < fresh->address_count; i++)
		if (fresh->owner != NULL && !fresh->address[i].vip.wanted) {
			fresh->address[i].vip.owner_is_up = true;
			vip_want(&fresh->address[i].vip, true);
		}
	for (struct module **at = &v->modules; *at != NULL;
	    at = &(*at)->next)
		if (*at == old) {
			fresh->next = old->next;
			*at = fresh;
			break;
		}
	free(old);
	plan_all(v);
	serve_ok(c);
}

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	struct vipd *v = state_of(arg);
	struct line_out o;

	(void)l;
	for (unsigned i = 0; i < v->cluster.lan_count; i++) {
		line_begin(&o, "");
		line_add(&o, "lan", v->cluster.lan[i].name);
		line_add(&o, "state", v->lan_shown[i] == 1 ? "up" : "down");
		serve_line(c, &o);
	}
	for (const struct module *m = v->modules; m != NULL; m = m->next)
		for (unsigned i = 0; i < m->address_count; i++) {
			const struct module_address *a = &m->address[i];

			line_begin(&o, "");
			line_add(&o, "module", m->name);
			line_add(&o, "addr", a->text);
			line_add_num(&o, "wanted", a->vip.wanted);
			line_add_num(&o, "present", a->vip.present);
			line_add_num(&o, "owner", a->vip.owner_is_up);
			line_add_num(&o, "conflict", a->in_conflict);
			serve_line(c, &o);
		}
	serve_ok(c);
}

static void
on_gone(struct client *c, void *arg)
{
	struct vipd *v = state_of(arg);
	struct probe *p, *next;

	for (p = v->probes; p != NULL; p = next) {
		next = p->next;
		if (p->client == c)
			probe_end(p);
	}
	for (struct module *m = v->modules; m != NULL; m = m->next) {
		if (m->owner != c)
			continue;
		log_warnx("%s: moduled is gone: its addresses end in %u s "
		    "unless it is back", m->name, m->lifetime_s);
		m->owner = NULL;
		for (unsigned i = 0; i < m->address_count; i++)
			m->address[i].vip.owner_is_up = false;
	}
}

static const struct verb verbs[] = {
	/* name      least role     keys                   handler */
	{ "want",    ROLE_ADMIN,    "name own",            on_want },
	{ "probe",   ROLE_CONTROL,  "name count gap_ms",   on_probe },
	{ "watch",   ROLE_MONITOR,  "name",                on_watch },
	{ "reload",  ROLE_ADMIN,    "name",                on_reload_verb },
	{ "status",  ROLE_MONITOR,  "",                    on_status },
	{ NULL,      ROLE_NONE,     NULL,                  NULL }
};

/* --- start and end -------------------------------------------------- */

static void
start(struct daemon *d)
{
	struct vipd *v = xcalloc(1, sizeof(*v));

	d->state = v;
	v->d = d;
	if (cluster_load(&v->cluster, NULL) == -1)
		fatalx(EX_CONFIG, "no usable cluster configuration");
	log_context(v->cluster.node[v->cluster.self].name, NULL);
	for (unsigned i = 0; i < CLUSTER_LAN_MAX; i++)
		v->lan_shown[i] = -1;
	v->table = addr_open();
	if (v->table == NULL)
		fatal("netlink");
	v->packet = packet_open(d->loop, on_claim, v);
	if (v->packet == NULL)
		fatal("packet socket");
	(void)loop_fd_add(d->loop, addr_fd(v->table), LOOP_READ, on_netlink,
	    v);
	v->timer = loop_timer_new(d->loop, on_timer, v);
	serve_on_close(d->serve, on_gone);
	show_lans(v, NULL);
}

/*
 * Addresses stay: an upgrade restarts vipd within their lifetime, and an
 * orderly stop of the node has stopped the modules before.
 */
static void
finish(struct daemon *d)
{
	struct vipd *v = d->state;

	loop_timer_free(v->timer);
	packet_close(v->packet);
	addr_close(v->table);
}

static const struct daemon_spec spec = {
	.name = "vipd",
	.summary = "keeps the virtual addresses of this node",
	.no_keep = true,
	.verbs = verbs,
	.start = start,
	.finish = finish,
};

int
main(int argc, char **argv)
{
	return daemon_main(&spec, argc, argv);
}
