/* SPDX-License-Identifier: ISC */
/*
 * vipd.conf of a module:
 *
 *	tcpreset = true
 *	lifetime_s = 10
 *	address "10.88.1.100" { interface = "" prefix = 0 check = true
 *	    periodic = false arpinterval_s = 60 arpelapse_s = 1200 }
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
fill_address(struct module_address *a, cfg_t *sec, bool tcpreset)
{
	(void)addr_parse(&a->addr, cfg_title(sec));
	(void)addr_str(a->text, &a->addr);
	(void)snprintf(a->interface, sizeof(a->interface), "%s",
	    cfg_getstr(sec, "interface"));
	a->prefix = (uint8_t)cfg_getint(sec, "prefix");
	if (a->prefix == 0)
		a->prefix = a->addr.ss_family == AF_INET ? 32 : 128;
	a->is_checked = cfg_getbool(sec, "check");
	a->shown = -1;
	a->vip.timing = (struct vip_timing){
		.tcpreset = tcpreset,
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
		    tcpreset);
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

void
module_inherit(struct module *m, const struct module *old)
{
	m->owner = old->owner;
	for (unsigned i = 0; i < m->address_count; i++)
		for (unsigned k = 0; k < old->address_count; k++) {
			struct vip_timing timing = m->address[i].vip.timing;

			if (!addr_equal(&m->address[i].addr,
			    &old->address[k].addr))
				continue;
			m->address[i].vip = old->address[k].vip;
			m->address[i].vip.timing = timing;
			m->address[i].index = old->address[k].index;
		}
}
