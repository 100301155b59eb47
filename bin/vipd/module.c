/* SPDX-License-Identifier: ISC */
/*
 * vipd.conf of a module:
 *
 *	tcpreset = true
 *	lifetime_s = 10
 *	address "10.88.1.100" { interface = "" prefix = 0 check = true
 *	    periodic = false arpinterval_s = 60 arpelapse_s = 1200
 *	    farm = false }
 *	intf "10.88.1.0" { address = "10.88.1.1" }
 *	ip "gateway" { address = "10.88.1.1" }
 */

#include "module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "xalloc.h"

static cfg_opt_t address_opts[] = {
	CFG_STR("interface", "", CFGF_NONE),
	/* 0: a host address, /32 or /128.  It then brings no route and never
	 * becomes the source of the node's own connections. */
	CFG_INT("prefix", 0, CFGF_NONE),
	CFG_BOOL("check", cfg_true, CFGF_NONE),
	CFG_BOOL("periodic", cfg_false, CFGF_NONE),
	CFG_INT("arpinterval_s", 60, CFGF_NONE),
	CFG_INT("arpelapse_s", 1200, CFGF_NONE),
	CFG_BOOL("primary_source", cfg_false, CFGF_NONE),
	CFG_BOOL("farm", cfg_false, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t intf_opts[] = {
	CFG_STR("address", "", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t module_opts[] = {
	CFG_STR("module", "", CFGF_NONE),
	CFG_BOOL("tcpreset", cfg_true, CFGF_NONE),
	CFG_INT("lifetime_s", 10, CFGF_NONE),
	CFG_SEC("address", address_opts, CFGF_MULTI | CFGF_TITLE |
	    CFGF_NO_TITLE_DUPES),
	CFG_SEC("intf", intf_opts, CFGF_MULTI | CFGF_TITLE |
	    CFGF_NO_TITLE_DUPES),
	CFG_SEC("ip", intf_opts, CFGF_MULTI | CFGF_TITLE |
	    CFGF_NO_TITLE_DUPES),
	CFG_END()
};

static int
check_address(cfg_t *sec)
{
	struct sockaddr_storage ss;
	int bad = conf_check_int(sec, "arpinterval_s", 1, 86400) +
	    conf_check_int(sec, "arpelapse_s", 0, 31536000);

	if (addr_parse(&ss, cfg_title(sec)) == -1) {
		cfg_error(sec, "address \"%s\" is no IPv4 or IPv6 address",
		    cfg_title(sec));
		return bad + 1;
	}
	if (strlen(cfg_getstr(sec, "interface")) >= IF_NAMESIZE) {
		cfg_error(sec, "interface \"%s\" is too long a name",
		    cfg_getstr(sec, "interface"));
		bad++;
	}
	return bad + conf_check_int(sec, "prefix", 0,
	    ss.ss_family == AF_INET ? 32 : 128);
}

static int
check_intf(cfg_t *sec)
{
	struct sockaddr_storage ss;

	if (strlen(cfg_title(sec)) < MODULE_ID_LEN &&
	    addr_parse(&ss, cfg_getstr(sec, "address")) == 0)
		return 0;
	cfg_error(sec, "%s: address \"%s\" is no IPv4 or IPv6 address",
	    cfg_title(sec), cfg_getstr(sec, "address"));
	return 1;
}

static int
check(cfg_t *cfg)
{
	int bad = conf_check_int(cfg, "lifetime_s", 2, 86400);

	if (cfg_size(cfg, "address") > MODULE_ADDRESS_MAX ||
	    cfg_size(cfg, "intf") > MODULE_INTF_MAX ||
	    cfg_size(cfg, "ip") > MODULE_INTF_MAX) {
		cfg_error(cfg, "at most %d addresses and %d interfaces",
		    MODULE_ADDRESS_MAX, MODULE_INTF_MAX);
		return bad + 1;
	}
	for (unsigned i = 0; i < cfg_size(cfg, "address"); i++)
		bad += check_address(cfg_getnsec(cfg, "address", i));
	for (unsigned i = 0; i < cfg_size(cfg, "intf"); i++)
		bad += check_intf(cfg_getnsec(cfg, "intf", i));
	for (unsigned i = 0; i < cfg_size(cfg, "ip"); i++)
		bad += check_intf(cfg_getnsec(cfg, "ip", i));
	return bad;
}

static void
fill_address(struct module_address *a, cfg_t *sec, bool tcpreset,
    int lifetime_ms)
{
	(void)addr_parse(&a->addr, cfg_title(sec));
	(void)addr_str(a->text, &a->addr);
	(void)snprintf(a->interface, sizeof(a->interface), "%s",
	    cfg_getstr(sec, "interface"));
	a->prefix = (uint8_t)cfg_getint(sec, "prefix");
	if (a->prefix == 0)
		a->prefix = a->addr.ss_family == AF_INET ? 32 : 128;
	a->is_checked = cfg_getbool(sec, "check");
	a->is_farm = cfg_getbool(sec, "farm");
	a->shown = -1;
	a->held.timing = (struct vip_timing){
		.tcpreset = tcpreset, .silent = true,
	};
	a->vip.timing = (struct vip_timing){
		/* A farm's stays when its link part goes. */
		.tcpreset = tcpreset && !a->is_farm,
		.lifetime_ms = lifetime_ms,
		.periodic = cfg_getbool(sec, "periodic"),
		.interval_s = (int)cfg_getint(sec, "arpinterval_s"),
		.elapse_s = (int)cfg_getint(sec, "arpelapse_s"),
	};
}

static unsigned
fill_links(struct module_intf *to, cfg_t *cfg, const char *name)
{
	unsigned count = cfg_size(cfg, name);

	for (unsigned i = 0; i < count; i++) {
		cfg_t *sec = cfg_getnsec(cfg, name, i);

		(void)snprintf(to[i].id, sizeof(to[i].id), "%s",
		    cfg_title(sec));
		(void)addr_parse(&to[i].address, cfg_getstr(sec, "address"));
		to[i].shown = -1;
	}
	return count;
}

static void
fill(struct module *m, cfg_t *cfg)
{
	bool tcpreset = cfg_getbool(cfg, "tcpreset");

	m->lifetime_s = (uint32_t)cfg_getint(cfg, "lifetime_s");
	m->address_count = cfg_size(cfg, "address");
	for (unsigned i = 0; i < m->address_count; i++)
		fill_address(&m->address[i], cfg_getnsec(cfg, "address", i),
		    tcpreset, (int)m->lifetime_s * 1000);
	m->intf_count = fill_links(m->intf, cfg, "intf");
	m->ip_count = fill_links(m->ip, cfg, "ip");
}

struct module *
module_load(const char *name, const char *path)
{
	char buf[PATH_LEN];
	struct module *m;
	cfg_t *cfg;

	if (path == NULL)
		path = path_state(buf, "%s/config/active/vipd.conf", name);
	cfg = conf_load(path, module_opts, true, check);
	if (cfg == NULL)
		return NULL;
	m = xcalloc(1, sizeof(*m));
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	fill(m, cfg);
	(void)cfg_free(cfg);
	return m;
}

static void
inherit_vip(struct vip *v, const struct vip *old)
{
	struct vip_timing timing = v->timing;

	*v = *old;
	v->timing = timing;
}

void
module_inherit(struct module *m, const struct module *old)
{
	m->owner = old->owner;
	m->own = old->own;
	m->hold = old->hold;
	m->peers = old->peers;
	m->term = old->term;
	m->is_guarded = old->is_guarded;
	m->guard = old->guard;
	m->guard_arp = old->guard_arp;
	m->is_unguarded = old->is_unguarded;
	m->is_lapsed = old->is_lapsed;
	for (unsigned i = 0; i < m->address_count; i++)
		for (unsigned k = 0; k < old->address_count; k++) {
			struct module_address *a = &m->address[i];
			const struct module_address *o = &old->address[k];

			if (!addr_equal(&a->addr, &o->addr))
				continue;
			inherit_vip(&a->vip, &o->vip);
			inherit_vip(&a->held, &o->held);
			a->index = o->index;
			a->has_mac = o->has_mac;
			memcpy(a->mac, o->mac, ADDR_MAC_LEN);
			a->told = o->told;
		}
}

bool
module_has_farm(const struct module *m)
{
	for (unsigned i = 0; i < m->address_count; i++)
		if (m->address[i].is_farm)
			return true;
	return false;
}

bool
module_is_peer(const struct module_peers *p, const uint8_t mac[ADDR_MAC_LEN])
{
	for (unsigned i = 0; i < p->count; i++)
		if (memcmp(p->mac[i], mac, ADDR_MAC_LEN) == 0)
			return true;
	return false;
}

/* One station, so no group address, and not the one that is none. */
static bool
parse_mac(uint8_t mac[ADDR_MAC_LEN], const char *text, size_t len)
{
	unsigned v[ADDR_MAC_LEN];
	int end = -1;
	char buf[18];

	if (len != sizeof(buf) - 1)
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (strspn(buf, "0123456789abcdefABCDEF:") != len ||
	    sscanf(buf, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2],
	    &v[3], &v[4], &v[5], &end) != ADDR_MAC_LEN || end != (int)len)
		return false;
	for (unsigned i = 0; i < ADDR_MAC_LEN; i++)
		mac[i] = (uint8_t)v[i];
	return (mac[0] & 1) == 0 && memcmp(mac, "\0\0\0\0\0", 6) != 0;
}

const char *
module_set_peers(struct module_peers *p, const char *text)
{
	struct module_peers fresh = { 0 };

	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, ",");

		if (fresh.count == MODULE_PEER_MAX)
			return "peers=: more than 256 MAC addresses";
		if (!parse_mac(fresh.mac[fresh.count++], text, len))
			return "peers=: MAC addresses of stations, "
			    "separated by commas";
		text += len + (text[len] == ',');
	}
	*p = fresh;
	return NULL;
}

static struct module_address *
farm_address(struct module *m, const char *text, size_t len)
{
	struct sockaddr_storage ss;
	char buf[ADDR_LEN];

	if (len >= sizeof(buf))
		return NULL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (addr_parse(&ss, buf) == -1)
		return NULL;
	for (unsigned i = 0; i < m->address_count; i++)
		if (m->address[i].is_farm &&
		    addr_equal(&m->address[i].addr, &ss))
			return &m->address[i];
	return NULL;
}

struct mac_choice {
	bool	is_set;
	uint8_t	mac[ADDR_MAC_LEN];
};

static void
take_macs(struct module *m, const struct mac_choice *named,
    const struct mac_choice *rest)
{
	for (unsigned i = 0; i < m->address_count; i++) {
		struct module_address *a = &m->address[i];
		const struct mac_choice *c = named[i].is_set ? &named[i] :
		    rest;

		a->has_mac = a->is_farm && c->is_set;
		if (a->has_mac)
			memcpy(a->mac, c->mac, ADDR_MAC_LEN);
	}
}

const char *
module_set_macs(struct module *m, const char *text)
{
	struct mac_choice named[MODULE_ADDRESS_MAX] = { 0 };
	struct mac_choice rest = { 0 }, *c;

	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, ","), head = strcspn(text, "/");

		c = &rest;
		if (head < len) {
			struct module_address *a = farm_address(m, text,
			    head);

			if (a == NULL)
				return "mac=: no such address with farm = "
				    "true in vipd.conf";
			c = &named[a - m->address];
			text += head + 1;
			len -= head + 1;
		}
		if (!parse_mac(c->mac, text, len))
			return "mac=: ADDRESS/MAC or MAC of a station, "
			    "separated by commas";
		c->is_set = true;
		text += len + (text[len] == ',');
	}
	take_macs(m, named, &rest);
	return NULL;
}
