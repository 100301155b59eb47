/* SPDX-License-Identifier: ISC */
/* Looking things up in the state of vipd. */

#include "vipd.h"

#include <stdio.h>
#include <string.h>

const char *
vipd_mac(char buf[VIPD_MAC_LEN], const uint8_t mac[ADDR_MAC_LEN])
{
	(void)snprintf(buf, VIPD_MAC_LEN, "%02x:%02x:%02x:%02x:%02x:%02x",
	    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

struct module *
vipd_module(const struct vipd *v, const char *name)
{
	struct module *m;

	for (m = v->modules; m != NULL; m = m->next)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

const struct addr_link *
vipd_link_of(const struct vipd *v, const struct module_address *a)
{
	const struct addr_link *l;

	if (a->interface[0] != '\0')
		return addr_link_by_name(v->table, a->interface);
	l = addr_link_for(v->table, &a->addr);
	/* A network may have lost its own address: stay where it is. */
	return l != NULL ? l : addr_link_by_index(v->table, a->index);
}

int
vipd_loopback(const struct vipd *v)
{
	const struct addr_link *l = addr_link_by_name(v->table, "lo");

	return l != NULL ? l->index : 1;
}

static bool
wishes(const struct module_address *a)
{
	return a->vip.wanted || a->held.wanted;
}

const struct module *
vipd_rival(const struct vipd *v, const struct module *m, const char **addr)
{
	for (const struct module *o = v->modules; o != NULL; o = o->next)
		for (unsigned i = 0; o != m && i < o->address_count; i++)
			for (unsigned k = 0; k < m->address_count; k++)
				if (wishes(&o->address[i]) &&
				    addr_equal(&o->address[i].addr,
				    &m->address[k].addr)) {
					*addr = o->address[i].text;
					return o;
				}
	return NULL;
}
