/* SPDX-License-Identifier: ISC */
/*
 * Probes of addresses, as a host sends that has none itself.  Members of a
 * farm may have the address already: what they say is no answer.
 */

#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

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
	struct module_peers	 peers;
};

static void
probe_answer(struct probe *p, const struct module *m, unsigned i,
    const uint8_t *mac)
{
	char text[VIPD_MAC_LEN];
	struct line_out o;

	if (p->seen[i])
		return;
	p->seen[i] = true;
	p->answered++;
	line_begin(&o, "");
	line_add(&o, "addr", m->address[i].text);
	line_add(&o, "mac", vipd_mac(text, mac));
	serve_line(p->client, &o);
}

void
probe_heard(struct vipd *v, const struct module *m, unsigned i,
    const uint8_t *mac)
{
	for (struct probe *p = v->probes; p != NULL; p = p->next)
		if (strcmp(p->module, m->name) == 0 &&
		    !module_is_peer(&p->peers, mac))
			probe_answer(p, m, i, mac);
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

void
probe_forget(struct vipd *v, const struct client *c)
{
	struct probe *p, *next;

	for (p = v->probes; p != NULL; p = next) {
		next = p->next;
		if (p->client == c)
			probe_end(p);
	}
}

static void
probe_step(void *arg)
{
	struct probe *p = arg;
	struct vipd *v = p->vipd;
	struct module *m = vipd_module(v, p->module);
	struct client *c = p->client;
	unsigned answered = p->answered;
	struct line_out o;

	if (m != NULL && p->left-- > 0 && answered < m->address_count) {
		for (unsigned i = 0; i < m->address_count; i++) {
			const struct addr_link *l = vipd_link_of(v,
			    &m->address[i]);

			if (l != NULL && l->is_ether && l->is_up)
				(void)packet_send(v->packet, l, WK_PROBE,
				    &m->address[i].addr, NULL);
		}
		loop_timer_set(p->timer, p->gap_ms, 0);
		return;
	}
	probe_end(p);
	line_begin(&o, "ok");
	line_add_num(&o, "answered", answered);
	serve_ok_line(c, &o);
}

void
probe_begin(struct vipd *v, struct module *m, struct client *c,
    const struct line *l)
{
	int64_t count = 3, gap_ms = 100;
	struct module_peers peers = { 0 };
	const char *why = module_set_peers(&peers, line_get(l, "peers"));
	struct probe *p;

	if (why != NULL) {
		serve_err(c, "usage", "%s", why);
		return;
	}

	if ((line_get(l, "count") != NULL &&
	    !line_get_num(l, "count", 1, 100, &count)) ||
	    (line_get(l, "gap_ms") != NULL &&
	    !line_get_num(l, "gap_ms", 1, 60000, &gap_ms))) {
		serve_err(c, "usage", "count is 1..100, gap_ms 1..60000");
		return;
	}
	/* No link, no evidence: silence would prove nothing. */
	for (unsigned i = 0; i < m->address_count; i++) {
		const struct addr_link *link = vipd_link_of(v,
		    &m->address[i]);

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
	p->peers = peers;
	p->timer = loop_timer_new(v->d->loop, probe_step, p);
	p->next = v->probes;
	v->probes = p;
	serve_later(c);
	probe_step(p);
}
