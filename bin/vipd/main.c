/* SPDX-License-Identifier: ISC */
/*
 * vipd: which addresses this node answers.  It owns the kernel's side of the
 * virtual addresses - lifetime, announcements, conflicts, link states - and
 * decides nothing about who should have them: moduled or farmd wishes, vipd
 * does.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "act.h"
#include "claim.h"
#include "probe.h"
#include "punctual.h"
#include "show.h"
#include "vipd.h"
#include "xalloc.h"

/* --- what the kernel says ------------------------------------------- */

static void
on_timer(void *arg)
{
	act_plan_all(arg);
}

static void
doubt_all(struct module *m)
{
	for (unsigned i = 0; i < m->address_count; i++)
		vip_doubt(&m->address[i].vip, mono_now());
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
	act_look(v);
	show_lans(v, NULL);
	/* A link that is back may lead to a switch that forgot us. */
	for (unsigned i = 0; i < v->cluster.lan_count; i++)
		if (!was_up[i] && v->lan_shown[i] == 1)
			for (struct module *m = v->modules; m != NULL;
			    m = m->next)
				doubt_all(m);
	act_plan_all(v);
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
	m = vipd_module(v, name);
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
	act_find(v, m);
	return m;
}

/* The words of a wish; false: what is wrong has been answered. */
static bool
read_wish(struct vipd *v, struct module *m, struct client *c,
    const struct line *l)
{
	bool own = line_get_bool(l, "own");
	bool hold = line_get(l, "hold") != NULL ? line_get_bool(l, "hold") :
	    own;
	const struct module *rival;
	const char *addr, *why = NULL;

	rival = own || hold ? vipd_rival(v, m, &addr) : NULL;
	if (rival != NULL) {
		serve_err(c, "address-taken", "%s is an address of module %s "
		    "too, which has it on this node: give one of them "
		    "another, or stop one", addr, rival->name);
		return false;
	}
	if (line_get(l, "own") == NULL)
		why = "own=0 or own=1 is needed";
	else if (own && !hold)
		why = "hold=0: what a node owns it holds";
	else if (!module_has_farm(m) && (line_get(l, "hold") != NULL ||
	    line_get(l, "mac") != NULL || line_get(l, "peers") != NULL))
		why = "hold=, mac= and peers= are for addresses with farm = "
		    "true in vipd.conf, and this module has none";
	if (why == NULL)
		why = module_set_macs(m, line_get(l, "mac"));
	if (why == NULL)
		why = module_set_peers(&m->peers, line_get(l, "peers"));
	if (why != NULL) {
		serve_err(c, "usage", "%s", why);
		return false;
	}
	m->own = own;
	m->hold = hold;
	return true;
}

static void
apply_wish(struct module *m)
{
	for (unsigned i = 0; i < m->address_count; i++) {
		struct module_address *a = &m->address[i];

		a->vip.owner_is_up = a->held.owner_is_up = m->owner != NULL;
		vip_want(&a->vip, m->own);
		vip_want_form(&a->vip, a->has_mac ? VF_ANSWER : VF_KERNEL);
		if (a->is_farm)
			vip_want(&a->held, m->hold);
	}
}

static unsigned
count_missing(const struct module *m)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < m->address_count; i++) {
		const struct module_address *a = &m->address[i];

		missing += a->vip.present != m->own ||
		    (a->is_farm && a->held.present != m->hold);
	}
	return missing;
}

static void
on_want(struct client *c, const struct line *l, void *arg)
{
	struct vipd *v = state_of(arg);
	struct module *m = want_module(v, c, l);
	unsigned missing;

	if (m == NULL || !read_wish(v, m, c, l))
		return;
	m->owner = m->hold ? c : NULL;
	apply_wish(m);
	if (line_get_bool(l, "announce"))
		doubt_all(m);
	act_plan_all(v);
	show_places(v, m, c);
	missing = count_missing(m);
	if (missing > 0)
		serve_err(c, "kernel", "%u addresses of %s cannot be %s, see "
		    "vipd.log; tried again every second", missing, m->name,
		    m->hold ? "set" : "removed");
	else
		serve_ok(c);
}

static void
on_probe(struct client *c, const struct line *l, void *arg)
{
	struct vipd *v = state_of(arg);
	struct module *m = want_module(v, c, l);

	if (m != NULL)
		probe_begin(v, m, c, l);
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

static bool
has_address(const struct module *m, const struct sockaddr_storage *addr)
{
	for (unsigned i = 0; i < m->address_count; i++)
		if (addr_equal(&m->address[i].addr, addr))
			return true;
	return false;
}

static void
on_reload_verb(struct client *c, const struct line *l, void *arg)
{
	struct vipd *v = state_of(arg);
	const char *name = line_get(l, "name");
	struct module *old = name != NULL ? vipd_module(v, name) : NULL;
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
	for (unsigned i = 0; i < old->address_count; i++)
		if (!has_address(fresh, &old->address[i].addr))
			act_drop(v, old, &old->address[i]);
	module_inherit(fresh, old);
	if (fresh->owner != NULL)
		apply_wish(fresh);
	for (struct module **at = &v->modules; *at != NULL;
	    at = &(*at)->next)
		if (*at == old) {
			fresh->next = old->next;
			*at = fresh;
			break;
		}
	free(old);
	act_plan_all(v);
	serve_ok(c);
}

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	show_status(state_of(arg), c);
	serve_ok(c);
}

static void
on_gone(struct client *c, void *arg)
{
	struct vipd *v = state_of(arg);

	probe_forget(v, c);
	for (struct module *m = v->modules; m != NULL; m = m->next) {
		if (m->owner != c)
			continue;
		log_warnx("%s: %s is gone: its addresses end in %u s "
		    "unless it is back", m->name,
		    module_has_farm(m) ? "farmd" : "moduled", m->lifetime_s);
		m->owner = NULL;
		for (unsigned i = 0; i < m->address_count; i++)
			m->address[i].vip.owner_is_up =
			    m->address[i].held.owner_is_up = false;
	}
}

static const struct verb verbs[] = {
	/* name      least role     keys                   handler */
	{ "want",    ROLE_ADMIN,    "name own hold mac peers announce",
	    on_want },
	{ "probe",   ROLE_CONTROL,  "name count gap_ms peers", on_probe },
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
	v->packet = packet_open(d->loop, claim_heard, claim_asked, v);
	if (v->packet == NULL)
		fatal("packet socket");
	(void)loop_fd_add(d->loop, addr_fd(v->table), LOOP_READ, on_netlink,
	    v);
	v->timer = loop_timer_new(d->loop, on_timer, v);
	serve_on_close(d->serve, on_gone);
	if (!punctual_schedule(PUNCTUAL_PRIORITY))
		log_warn("no real-time scheduling: may be late under load");
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
