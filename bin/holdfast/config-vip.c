/* SPDX-License-Identifier: ISC */
/*
 * Virtual addresses.  Which interface will carry one is vipd's to find at
 * the time; here only the resource names need the network.
 */
#include "config-vip.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <ctype.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-cluster.h"
#include "config-xml.h"
#include "generation.h"
#include "modules.h"
#include "resolve.h"

/* Calls for each virtual_addr below <vip>. */
static void
each_addr(const xmlNode *vip, void (*call)(const xmlNode *intf,
    xmlNode *addr, void *arg), void *arg)
{
	const xmlNode *list, *intf, *holder;
	xmlNode *addr, *next;

	list = xml_child(vip, "interface_list");
	for (intf = xml_child(list, "interface"); intf != NULL;
	    intf = xml_next(intf, "interface"))
		for (holder = intf->children; holder != NULL;
		    holder = holder->next)
			for (addr = xml_child(holder, "virtual_addr");
			    addr != NULL; addr = next) {
				next = xml_next(addr, "virtual_addr");
				call(intf, addr, arg);
			}
}

struct drop {
	unsigned	 filled;
	struct report	*r;
};

static void
count_filled(const xmlNode *intf, xmlNode *addr, void *arg)
{
	struct drop *d = arg;
	const char *text = xml_attr(addr, "addr");

	(void)intf;
	d->filled += text != NULL && text[0] != '\0';
}

static void
drop_one(const xmlNode *intf, xmlNode *addr, void *arg)
{
	struct drop *d = arg;
	const char *text = xml_attr(addr, "addr");
	const char *macro = xml_empty_macro(addr, "addr");

	(void)intf;
	if (text == NULL || text[0] != '\0' || macro == NULL)
		return;
	report_warn(d->r, xmlGetLineNo(addr), "virtual_addr@addr",
	    "macro %s is empty: this address is left out", macro);
	xmlUnlinkNode(addr);
	xmlFreeNode(addr);
}

void
vip_drop_empty(xmlNode *service, struct report *r)
{
	struct drop d = { .r = r };
	const xmlNode *vip = xml_child(service, "vip");

	each_addr(vip, count_filled, &d);
	if (d.filled > 0)
		each_addr(vip, drop_one, &d);
}

static const uint8_t *
addr_bytes(const struct sockaddr *sa, unsigned *bits)
{
	*bits = sa->sa_family == AF_INET6 ? 128 : 32;
	return sa->sa_family == AF_INET6 ?
	    ((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr :
	    (const uint8_t *)&((const struct sockaddr_in *)sa)->sin_addr;
}

const uint8_t *
vip_addr_bytes(const struct sockaddr_storage *ss)
{
	unsigned bits;

	return addr_bytes((const struct sockaddr *)ss, &bits);
}

static int
mask_bits(const struct sockaddr *mask)
{
	unsigned bits, i, n = 0;
	const uint8_t *p = addr_bytes(mask, &bits);

	for (i = 0; i < bits; i++)
		n += p[i / 8] >> (7 - i % 8) & 1;
	return (int)n;
}

static bool
same_network(const struct sockaddr *a, const struct sockaddr *b, int prefix)
{
	unsigned bits, i;
	const uint8_t *x = addr_bytes(a, &bits), *y = addr_bytes(b, &bits);

	for (i = 0; i < (unsigned)prefix; i++)
		if (((x[i / 8] ^ y[i / 8]) >> (7 - i % 8)) & 1)
			return false;
	return true;
}

static void
network_text(char out[ADDR_LEN], const struct sockaddr *sa, int prefix)
{
	struct sockaddr_storage ss;
	unsigned bits, i;
	uint8_t *p;

	memset(&ss, 0, sizeof(ss));
	memcpy(&ss, sa, sa->sa_family == AF_INET6 ?
	    sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	p = sa->sa_family == AF_INET6 ?
	    ((struct sockaddr_in6 *)&ss)->sin6_addr.s6_addr :
	    (uint8_t *)&((struct sockaddr_in *)&ss)->sin_addr;
	bits = sa->sa_family == AF_INET6 ? 128 : 32;
	for (i = (unsigned)prefix; i < bits; i++)
		p[i / 8] &= (uint8_t)~(1 << (7 - i % 8));
	(void)addr_str(out, &ss);
}

/* The local network that holds the address; its own /32 or /128 is none. */
static bool
find_network(struct safe_addr *a, const struct sockaddr_storage *ss,
    int *prefix)
{
	const struct sockaddr *want = (const struct sockaddr *)ss;
	struct ifaddrs *list, *i;
	struct sockaddr_storage own;
	bool found = false;

	if (getifaddrs(&list) == -1)
		return false;
	for (i = list; i != NULL && !found; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_netmask == NULL ||
		    i->ifa_addr->sa_family != want->sa_family)
			continue;
		if (a->interface[0] != '\0' &&
		    strcmp(a->interface, i->ifa_name) != 0)
			continue;
		*prefix = mask_bits(i->ifa_netmask);
		if (*prefix >= (want->sa_family == AF_INET6 ? 128 : 32) ||
		    !same_network(i->ifa_addr, want, *prefix))
			continue;
		memset(&own, 0, sizeof(own));
		memcpy(&own, i->ifa_addr, addr_len(ss));
		if (addr_equal(&own, ss))
			continue;	/* the virtual address itself */
		(void)addr_str(a->own, &own);
		(void)snprintf(a->device, sizeof(a->device), "%s",
		    i->ifa_name);
		network_text(a->network, want, *prefix);
		a->network_prefix = *prefix;
		found = true;
	}
	freeifaddrs(list);
	return found;
}

bool
vip_own_address(char own[ADDR_LEN], const struct sockaddr_storage *ss)
{
	struct safe_addr a = { .interface = "" };
	int prefix;

	if (cluster_addr_is_local(ss, NULL)) {
		(void)addr_str(own, ss);
		return true;
	}
	if (!find_network(&a, ss, &prefix))
		return false;
	memcpy(own, a.own, ADDR_LEN);
	return true;
}

static bool
is_node_addr(const struct safe *m, const struct sockaddr_storage *ss)
{
	unsigned i, lan;

	for (i = 0; i < m->cluster->node_count; i++)
		for (lan = 0; lan < m->cluster->lan_count; lan++)
			if (m->cluster->node[i].lan[lan].is_set &&
			    addr_equal(&m->cluster->node[i].lan[lan].addr,
			    ss))
				return true;
	return false;
}

struct vip_ctx {
	struct safe	*m;
	struct report	*r;
};

/* Addresses of a farm are on all nodes, those of a mirror on one. */
static bool
check_holder(const struct vip_ctx *ctx, const xmlNode *holder)
{
	const char *name = (const char *)holder->name;
	const char *want = ctx->m->is_farm ? "virtual_interface" :
	    "real_interface";

	if (xml_is(holder, want))
		return true;
	if (xml_is(holder, "real_interface") ||
	    xml_is(holder, "virtual_interface"))
		report_error(ctx->r, xmlGetLineNo(holder), name, "belongs to "
		    "mode=\"%s\" and this module has mode=\"%s\"; write <%s>",
		    ctx->m->is_farm ? "mirror" : "farm", ctx->m->mode, want);
	return false;
}

/* The MAC to which clients send, and the switch floods. */
static void
read_vmac(struct safe_addr *a, const xmlNode *holder,
    const struct sockaddr_storage *ss, struct report *r)
{
	const char *type = xml_value(holder, schema_safe(), "type");
	const char *mac = xml_attr(holder, "addr"), *c;
	const uint8_t *p;
	unsigned bits;

	a->is_vmac = type != NULL && strcmp(type, "vmac_invisible") == 0;
	if (!a->is_vmac)
		return;
	p = addr_bytes((const struct sockaddr *)ss, &bits);
	p += bits / 8 - 4;
	(void)snprintf(a->vmac, sizeof(a->vmac),
	    "5a:fe:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3]);
	if (mac == NULL || strlen(mac) != sizeof(a->vmac) - 1)
		return;		/* absent, or was reported */
	/* The lowest bit of the first byte: TCP takes no group address. */
	c = strchr("0123456789abcdef", tolower((unsigned char)mac[1]));
	if (c == NULL || strchr("13579bdf", *c) != NULL)
		report_error(r, xmlGetLineNo(holder), "virtual_interface@"
		    "addr", "%s is the MAC of a group; allowed: one whose "
		    "second digit is even, or leave it out for %s", mac,
		    a->vmac);
	for (bits = 0; mac[bits] != '\0'; bits++)
		a->vmac[bits] = (char)tolower((unsigned char)mac[bits]);
}

/* What the address alone tells; false when it cannot be used. */
static bool
check_addr(const struct vip_ctx *ctx, const struct safe_addr *a,
    const struct sockaddr_storage *ss, long line)
{
	unsigned i;

	if (is_node_addr(ctx->m, ss)) {
		report_error(ctx->r, line, "virtual_addr@addr", "%s is the "
		    "own address of a node; a virtual address belongs to "
		    "none", a->addr);
		return false;
	}
	for (i = 0; i < ctx->m->addr_count; i++)
		if (strcmp(ctx->m->addr[i].addr, a->addr) == 0) {
			report_error(ctx->r, line, "virtual_addr@addr",
			    "%s is there twice", a->addr);
			return false;
		}
	return true;
}

/* The interface that has the address of a lan into device. */
static bool
find_device(const struct sockaddr_storage *ss, char device[IF_NAMESIZE])
{
	struct ifaddrs *list, *i;
	struct sockaddr_storage own;
	bool found = false;

	if (getifaddrs(&list) == -1)
		return false;
	for (i = list; i != NULL && !found; i = i->ifa_next) {
		if (i->ifa_addr == NULL ||
		    i->ifa_addr->sa_family != ss->ss_family)
			continue;
		memset(&own, 0, sizeof(own));
		memcpy(&own, i->ifa_addr, addr_len(ss));
		found = addr_equal(&own, ss);
		if (found)
			(void)snprintf(device, IF_NAMESIZE, "%s",
			    i->ifa_name);
	}
	freeifaddrs(list);
	return found;
}

/*
 * A node that lost the network of the address must be lost to the farm too,
 * or its share is answered by nobody.
 */
static void
check_lan(const struct vip_ctx *ctx, const struct safe_addr *a)
{
	const struct cluster *c = ctx->m->cluster;
	char device[IF_NAMESIZE];
	unsigned i;
	int lan;

	if (a->device[0] == '\0')
		return;		/* was reported */
	for (i = 0; i < ctx->m->beat_count; i++) {
		lan = cluster_lan_index(c, ctx->m->beat[i].lan);
		if (find_device(&c->node[c->self].lan[lan].laddr, device) &&
		    strcmp(device, a->device) == 0)
			return;
	}
	report_warn(ctx->r, a->line, "virtual_addr@addr", "no <lan> of the "
	    "farm is on interface %s, where clients come to %s: when that "
	    "network fails on one node, nobody notices", a->device, a->addr);
}

static void
read_addr(const xmlNode *intf, xmlNode *n, void *arg)
{
	const struct schema *s = schema_safe();
	struct vip_ctx *ctx = arg;
	struct safe *m = ctx->m;
	struct safe_addr *a;
	const char *fault;
	const char *host = xml_attr(n, "addr"), *mask;
	const char *where = xml_value(n, s, "where");
	struct sockaddr_storage ss, mss;
	long line = xmlGetLineNo(n);
	char why[256];
	int prefix = 0;

	if (!check_holder(ctx, n->parent))
		return;
	if (host == NULL || host[0] == '\0' || value_check(VT_HOST, host, "",
	    "", 0, 0, why, sizeof(why)) == -1)
		return;		/* was reported */
	if (m->addr_count == SAFE_ADDR_MAX) {
		report_error(ctx->r, line, "virtual_addr", "at most %d are "
		    "allowed", SAFE_ADDR_MAX);
		return;
	}
	if (resolve_host(&ss, host, &fault) == -1) {
		report_error(ctx->r, line, "virtual_addr@addr", "\"%s\" "
		    "cannot be resolved: %s", host, fault);
		return;
	}
	a = &m->addr[m->addr_count];
	memset(a, 0, sizeof(*a));
	(void)addr_str(a->addr, &ss);
	if (!check_addr(ctx, a, &ss, line))
		return;
	a->interface = xml_attr(intf, "name");
	if (a->interface == NULL)
		a->interface = "";
	a->line = line;
	if (m->is_farm)
		read_vmac(a, n->parent, &ss, ctx->r);
	a->check = xml_is_on(n, s, "check");
	a->check_link = xml_is_on(intf, s, "check");
	a->periodic = xml_is_on(intf, s, "arpreroute");
	a->arpinterval_s = xml_number(intf, s, "arpinterval") / 1000000;
	a->arpelapse_s = xml_number(intf, s, "arpelapse") / 1000000;
	a->primary_source = where != NULL && strcmp(where, "one_side") == 0;
	if (!find_network(a, &ss, &prefix))
		report_warn(ctx->r, line, "virtual_addr@addr", "no interface "
		    "of this node has the network of %s; name one by "
		    "interface@name, or the address cannot be set", a->addr);
	mask = xml_attr(n, "netmask");
	if (mask != NULL && addr_parse(&mss, mask) == 0)
		a->prefix = mask_bits((struct sockaddr *)&mss);
	else if (a->primary_source)
		a->prefix = prefix;
	if (m->is_farm)
		check_lan(ctx, a);
	m->addr_count++;
}

struct owner {
	const struct safe	*m;
	struct report		*r;
};

/* In the active generation of a module it is written as we write it. */
static void
compare_with(const char *module, void *arg)
{
	struct owner *o = arg;
	char quoted[ADDR_LEN + 3], *text, *line;
	unsigned i;

	if (strcmp(module, o->m->name) == 0)
		return;
	text = generation_read(module, generation_active(module),
	    "moduled.conf");
	line = text != NULL ? strstr(text, "\naddresses = ") : NULL;
	if (line != NULL)
		line[1 + strcspn(line + 1, "\n")] = '\0';
	for (i = 0; line != NULL && i < o->m->addr_count; i++) {
		(void)snprintf(quoted, sizeof(quoted), "\"%s\"",
		    o->m->addr[i].addr);
		if (strstr(line, quoted) != NULL)
			report_error(o->r, o->m->addr[i].line,
			    "virtual_addr@addr", "%s is an address of module "
			    "%s; choose another, or take it away there and "
			    "`holdfast config %s' first",
			    o->m->addr[i].addr, module, module);
	}
	free(text);
}

void
vip_check_others(const struct safe *m, struct report *r)
{
	struct owner o = { .m = m, .r = r };

	modules_each(compare_with, &o);
}

void
vip_read(struct safe *m, const xmlNode *vip, struct report *r)
{
	struct vip_ctx ctx = { .m = m, .r = r };

	if (vip == NULL)
		return;
	m->vip = true;
	m->tcpreset = xml_is_on(vip, schema_safe(), "tcpreset");
	each_addr(vip, read_addr, &ctx);
	if (m->addr_count == 0 && r->errors == 0)
		report_error(r, xmlGetLineNo(vip), "vip", "has no "
		    "<virtual_addr>; leave <vip> out when the module has no "
		    "address");
}
