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
#include "guard.h"
#include "probe.h"
#include "punctual.h"
#include "show.h"
#include "vipd.h"
#include "xalloc.h"

/* The longest timeout a heartbeat may have. */
#define LEASE_MAX_NS	600000000000LL

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

/* lease= and until_ns=; NULL, or what is wrong. */
static const char *
read_lease(const struct line *l, struct mono *until, bool *is_leased)
{
	int64_t now = mono_now().ns;

	*is_leased = line_get_bool(l, "lease");
	until->ns = 0;
	if (line_get(l, "until_ns") == NULL)
		return NULL;
	if (!line_get_num(l, "until_ns", 0, INT64_MAX, &until->ns))
		return "until_ns= is nanoseconds of CLOCK_BOOTTIME, or 0";
	if (until->ns > now + LEASE_MAX_NS)
		return "until_ns= is more than ten minutes ahead: it is "
		    "nanoseconds of CLOCK_BOOTTIME";
	return NULL;
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
	struct mono until = { 0 };
	bool is_leased = false;

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
		why = read_lease(l, &until, &is_leased);
	if (why == NULL && is_leased && module_has_farm(m))
		why = "lease= is for the addresses of a mirror: those of a "
		    "farm are on all its nodes";
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
	m->term.is_leased = own && is_leased;
	if (line_get(l, "until_ns") != NULL)
		term_say(&m->term, until, mono_now());
	return true;
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
	char why[256] = "";
	unsigned missing;

	if (m == NULL || !read_wish(v, m, c, l))
		return;
	m->owner = m->hold ? c : NULL;
	(void)act_guard(v, m, why, sizeof(why));
	act_wish(m);
	if (line_get_bool(l, "announce"))
		doubt_all(m);
	act_plan_all(v);
	show_places(v, m, c);
	missing = count_missing(m);
	if (m->is_unguarded)
		serve_err(c, "no-guard", "%s: the kernel takes no rules that "
		    "end its addresses with its lease: %s; is the module "
		    "nf_tables there?", m->name, why);
	else if (missing > 0)
		serve_err(c, "kernel", "%u addresses of %s cannot be %s, see "
		    "vipd.log; tried again every second", missing, m->name,
		    m->hold ? "set" : "removed");
	else
		serve_ok(c);
}

static void
on_lease(struct client *c, const struct line *l, void *arg)
{
	struct vipd *v = state_of(arg);
	const char *name = line_get(l, "name"), *why;
	struct module *m = name != NULL ? vipd_module(v, name) : NULL;
	struct mono until;
	bool is_leased;

	if (m == NULL || !m->term.is_leased) {
		serve_err(c, "no-wish", "%s: wish own=1 lease=1 first",
		    name != NULL ? name : "name= is missing");
		return;
	}
	why = line_get(l, "until_ns") == NULL ? "until_ns= is missing" :
	    read_lease(l, &until, &is_leased);
	if (why != NULL) {
		serve_err(c, "usage", "%s", why);
		return;
	}
	term_say(&m->term, until, mono_now());
	act_lease(v, m);
	act_arm_timer(v);
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
		act_wish(fresh);
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
	{ "want",    ROLE_ADMIN,
	    "name own lease until_ns hold mac peers announce", on_want },
	{ "lease",   ROLE_ADMIN,    "name until_ns",       on_lease },
	{ "probe",   ROLE_CONTROL,  "name count gap_ms peers", on_probe },
	{ "watch",   ROLE_MONITOR,  "name",                on_watch },
	{ "reload",  ROLE_ADMIN,    "name",                on_reload_verb },
	{ "status",  ROLE_MONITOR,  "",                    on_status },
	{ NULL,      ROLE_NONE,     NULL,                  NULL }
};

/* A module whose rules an earlier life left: with its addresses they go. */
static void
load_leftover(struct vipd *v, const char *name)
{
	struct module *m;

	if (!module_name_ok(name) || vipd_module(v, name) != NULL)
		return;
	m = module_load(name, NULL);
	if (m == NULL)
		return;
	guard_adopt(v, m);
	m->next = v->modules;
	v->modules = m;
	act_find(v, m);
}

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
	guard_find(v, load_leftover);
	act_plan_all(v);
}

/*
 * Addresses stay: an upgrade restarts vipd within their lifetime, and an
 * orderly stop of the node has stopped the modules before.  So do the rules
 * that end them with their lease; without the rules they would outlive it.
 */
static void
finish(struct daemon *d)
{
	struct vipd *v = d->state;

	guard_close(v);
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
