/* SPDX-License-Identifier: ISC */
/* farmd.conf: check, then fill. */

#include "farm-conf.h"

#include <netinet/in.h>

#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "log.h"

#include "farmd-conf.h"

static cfg_opt_t address_opts[] = { FARMD_ADDRESS_OPTS };
static cfg_opt_t power_opts[] = { FARMD_POWER_OPTS };
static cfg_opt_t weights_opts[] = { FARMD_WEIGHTS_OPTS(power_opts) };
static cfg_opt_t group_opts[] = { FARMD_GROUP_OPTS };
static cfg_opt_t rule_opts[] = { FARMD_RULE_OPTS };
static cfg_opt_t opts[] = { FARMD_OPTS(address_opts, weights_opts,
    group_opts, rule_opts) };

static const char *const protos[] = {
	[FP_TCP] = "tcp",
	[FP_UDP] = "udp",
	[FP_ARP] = "arp",
	[FP_ROUTE] = "route",
};

static const char *const keys[] = {
	[FK_ADDR] = "on_addr",
	[FK_PORT] = "on_port",
	[FK_IPID] = "on_ipid",
	[FK_SOURCE] = "on_source",
	[FK_DEST] = "on_dest",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

cfg_opt_t *
farm_conf_opts(void)
{
	return opts;
}

static int
find(const char *const *words, unsigned count, const char *word)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

/* --- check ---------------------------------------------------------- */

static bool
parse_mac(struct filter_mac *m, const char *text)
{
	char end;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c",
	    &m->byte[0], &m->byte[1], &m->byte[2], &m->byte[3], &m->byte[4],
	    &m->byte[5], &end) == 6;
}

static int
check_address(cfg_t *sec)
{
	struct sockaddr_storage ss;
	struct filter_mac mac;
	const char *vmac = cfg_getstr(sec, "vmac");
	int bad = conf_check_word(sec, "type", "director vmac");

	if (addr_parse(&ss, cfg_title(sec)) == -1) {
		cfg_error(sec, "address \"%s\" is no IPv4 or IPv6 address",
		    cfg_title(sec));
		bad++;
	}
	if (vmac[0] != '\0' && (!parse_mac(&mac, vmac) ||
	    (mac.byte[0] & 1) != 0 || !filter_mac_is_set(&mac))) {
		cfg_error(sec, "vmac \"%s\" is no MAC address of one station",
		    vmac);
		bad++;
	}
	return bad;
}

static int
check_weights(cfg_t *sec, unsigned number)
{
	char title[12];
	int bad = 0;

	(void)snprintf(title, sizeof(title), "%u", number);
	if (strcmp(cfg_title(sec), title) != 0) {
		cfg_error(sec, "weights \"%s\" come where \"%s\" is due",
		    cfg_title(sec), title);
		bad++;
	}
	for (unsigned i = 0; i < cfg_size(sec, "node"); i++)
		bad += conf_check_int(cfg_getnsec(sec, "node", i), "power", 0,
		    1000000000);
	return bad;
}

static int
check_group(cfg_t *cfg, cfg_t *sec)
{
	unsigned tables = cfg_size(cfg, "weights");

	if (strlen(cfg_title(sec)) >= FILTER_NAME_LEN) {
		cfg_error(sec, "group \"%s\" has too long a name",
		    cfg_title(sec));
		return 1;
	}
	return conf_check_int(sec, "weights", 0,
	    tables == 0 ? 0 : (long)tables - 1);
}

static int
check_ports(cfg_t *sec)
{
	int bad = conf_check_int(sec, "low", 0, 65535) +
	    conf_check_int(sec, "high", 0, 65535);

	if (bad == 0 && cfg_getint(sec, "low") > cfg_getint(sec, "high")) {
		cfg_error(sec, "rule %s: low is above high", cfg_title(sec));
		bad++;
	}
	return bad;
}

static int
check_rule(cfg_t *cfg, cfg_t *sec)
{
	const char *address = cfg_getstr(sec, "address");
	int bad = check_ports(sec), proto, key;

	bad += conf_check_word(sec, "proto", "tcp udp arp route");
	bad += conf_check_word(sec, "filter",
	    "on_addr on_port on_ipid on_source on_dest");
	if (cfg_gettsec(cfg, "group", cfg_getstr(sec, "group")) == NULL) {
		cfg_error(sec, "rule %s: no group \"%s\"", cfg_title(sec),
		    cfg_getstr(sec, "group"));
		bad++;
	}
	if (strcmp(address, "*") != 0 &&
	    cfg_gettsec(cfg, "address", address) == NULL) {
		cfg_error(sec, "rule %s: no address \"%s\"", cfg_title(sec),
		    address);
		bad++;
	}
	if (bad > 0)
		return bad;
	proto = find(protos, COUNT(protos), cfg_getstr(sec, "proto"));
	key = find(keys, COUNT(keys), cfg_getstr(sec, "filter"));
	if ((proto == FP_ROUTE) == (key == FK_SOURCE || key == FK_DEST) &&
	    (proto != FP_ARP || key == FK_ADDR) &&
	    (key != FK_IPID || proto == FP_UDP))
		return 0;
	cfg_error(sec, "rule %s: proto %s has no filter %s", cfg_title(sec),
	    cfg_getstr(sec, "proto"), cfg_getstr(sec, "filter"));
	return 1;
}

static int
check_numbers(cfg_t *cfg)
{
	int bad = conf_check_int(cfg, "id", 1, 65535);

	bad += conf_check_int(cfg, "node_id", 1, 255);
	bad += conf_check_int(cfg, "pulse_ms", 1, 60000);
	bad += conf_check_int(cfg, "timeout_ms", 10, 600000);
	bad += conf_check_int(cfg, "drain_ms", 0, 86400000L * 31);
	bad += conf_check_int(cfg, "stopdrain_ms", 0, 86400000);
	bad += conf_check_int(cfg, "seed", 0, 4294967295L);
	if (bad == 0 && cfg_getint(cfg, "pulse_ms") * 2 >
	    cfg_getint(cfg, "timeout_ms")) {
		cfg_error(cfg, "pulse_ms is more than half of timeout_ms");
		bad++;
	}
	return bad;
}

static int
check_size(cfg_t *cfg, const char *name, unsigned least, unsigned most)
{
	unsigned n = cfg_size(cfg, name);

	if (n >= least && n <= most)
		return 0;
	cfg_error(cfg, "%u sections \"%s\", %u to %u are possible", n, name,
	    least, most);
	return 1;
}

int
farm_conf_check(cfg_t *cfg)
{
	int bad = check_numbers(cfg);

	bad += conf_check_word(cfg, "backend", "auto nft bpf");
	bad += check_size(cfg, "address", 1, FARM_ADDR_MAX);
	bad += check_size(cfg, "weights", 0, FILTER_TABLE_MAX);
	bad += check_size(cfg, "group", 0, FILTER_GROUP_MAX);
	bad += check_size(cfg, "rule", 0, FILTER_RULE_MAX - 1);
	if (strlen(cfg_getstr(cfg, "digest")) > 64) {
		cfg_error(cfg, "digest has more than 64 digits");
		bad++;
	}
	for (unsigned i = 0; i < cfg_size(cfg, "address"); i++)
		bad += check_address(cfg_getnsec(cfg, "address", i));
	for (unsigned i = 0; i < cfg_size(cfg, "weights"); i++)
		bad += check_weights(cfg_getnsec(cfg, "weights", i), i);
	for (unsigned i = 0; i < cfg_size(cfg, "group"); i++)
		bad += check_group(cfg, cfg_getnsec(cfg, "group", i));
	for (unsigned i = 0; i < cfg_size(cfg, "rule"); i++)
		bad += check_rule(cfg, cfg_getnsec(cfg, "rule", i));
	return bad;
}

/* --- fill ----------------------------------------------------------- */

static void
fill_address(struct farm_conf *conf, struct filter_input *in, unsigned i,
    cfg_t *sec)
{
	struct filter_addr *a = &in->addr[i];
	struct sockaddr_storage *ss = &conf->addr[i];

	(void)addr_parse(ss, cfg_title(sec));
	(void)addr_str(conf->addr_text[i], ss);
	conf->is_vmac[i] = strcmp(cfg_getstr(sec, "type"), "vmac") == 0;
	a->family = ss->ss_family;
	if (a->family == AF_INET)
		memcpy(a->ip, &((struct sockaddr_in *)ss)->sin_addr, 4);
	else
		memcpy(a->ip, &((struct sockaddr_in6 *)ss)->sin6_addr, 16);
	if (!conf->is_vmac[i])
		return;
	a->vmac = (struct filter_mac){ { 0x5a, 0xfe } };
	memcpy(a->vmac.byte + 2, a->ip + (a->family == AF_INET ? 0 : 12), 4);
	if (cfg_getstr(sec, "vmac")[0] != '\0')
		(void)parse_mac(&a->vmac, cfg_getstr(sec, "vmac"));
}

static void
fill_weights(struct farm_conf *conf, const struct cluster *c, cfg_t *cfg)
{
	unsigned sections = cfg_size(cfg, "weights");

	conf->tables = sections > 0 ? sections : 1;
	for (unsigned t = 0; t < conf->tables; t++) {
		cfg_t *sec = sections > 0 ? cfg_getnsec(cfg, "weights", t) :
		    NULL;
		bool is_named = sec != NULL && cfg_size(sec, "node") > 0;

		for (unsigned i = 0; i < c->node_count; i++) {
			cfg_t *node = !is_named ? NULL :
			    cfg_gettsec(sec, "node", c->node[i].name);

			conf->power[t][i] = !is_named ? 1 : node != NULL ?
			    (uint32_t)cfg_getint(node, "power") : 0;
		}
	}
}

static void
fill_rule(const struct farm_conf *conf, struct filter_input *in, unsigned i,
    cfg_t *sec)
{
	struct filter_rule *r = &in->rule[i];
	struct sockaddr_storage ss;

	r->proto = (enum filter_proto)find(protos, COUNT(protos),
	    cfg_getstr(sec, "proto"));
	r->key = (enum filter_key)find(keys, COUNT(keys),
	    cfg_getstr(sec, "filter"));
	r->low = (uint16_t)cfg_getint(sec, "low");
	r->high = (uint16_t)cfg_getint(sec, "high");
	r->addr = -1;
	if (addr_parse(&ss, cfg_getstr(sec, "address")) == 0)
		for (unsigned k = 0; k < conf->addr_count; k++)
			if (addr_equal(&ss, &conf->addr[k]))
				r->addr = (int)k;
	for (unsigned k = 0; k < in->group_count; k++)
		if (strcmp(in->group[k].name, cfg_getstr(sec, "group")) == 0)
			r->group = k;
}

static int
fill_nodes(struct filter_input *in, cfg_t *cfg, const struct cluster *c)
{
	const char *node = cfg_getstr(cfg, "node");
	int self = cluster_node_index(c, node);

	if (self != c->self || c->node[self].id != cfg_getint(cfg,
	    "node_id")) {
		log_warnx("the configuration is that of node \"%s\", id %ld, "
		    "and this is %s, id %u: run `holdfast config %s' here",
		    node, cfg_getint(cfg, "node_id"), c->node[c->self].name,
		    c->node[c->self].id, cfg_getstr(cfg, "module"));
		return -1;
	}
	in->self = (unsigned)self;
	in->node_count = c->node_count;
	for (unsigned i = 0; i < c->node_count; i++) {
		(void)snprintf(in->node[i].name, sizeof(in->node[i].name),
		    "%s", c->node[i].name);
		in->node[i].id = c->node[i].id;
	}
	return 0;
}

static int
fill_lans(struct farm_conf *conf, cfg_t *cfg, const struct cluster *c)
{
	size_t len = 0;

	for (unsigned i = 0; i < cfg_size(cfg, "lans"); i++) {
		const char *name = cfg_getnstr(cfg, "lans", i);

		if (cluster_lan_index(c, name) < 0 ||
		    len + strlen(name) + 2 > sizeof(conf->lans)) {
			log_warnx("no network \"%s\" in the cluster: run "
			    "`holdfast config %s'", name,
			    cfg_getstr(cfg, "module"));
			return -1;
		}
		len += (size_t)snprintf(conf->lans + len,
		    sizeof(conf->lans) - len, "%s%s", len > 0 ? "," : "",
		    name);
	}
	return 0;
}

static void
fill_scalars(struct farm_conf *conf, struct filter_input *in, cfg_t *cfg)
{
	conf->id = (uint16_t)cfg_getint(cfg, "id");
	conf->pulse_ms = cfg_getint(cfg, "pulse_ms");
	conf->timeout_ms = cfg_getint(cfg, "timeout_ms");
	conf->drain_ms = cfg_getint(cfg, "drain_ms");
	(void)snprintf(conf->digest, sizeof(conf->digest), "%s",
	    cfg_getstr(cfg, "digest"));
	(void)snprintf(conf->backend, sizeof(conf->backend), "%s",
	    cfg_getstr(cfg, "backend"));
	(void)snprintf(in->module, sizeof(in->module), "%s",
	    cfg_getstr(cfg, "module"));
	in->id = conf->id;
	in->seed = (uint32_t)cfg_getint(cfg, "seed");
}

int
farm_conf_fill(struct farm_conf *conf, struct filter_input *in, cfg_t *cfg,
    const struct cluster *c)
{
	memset(conf, 0, sizeof(*conf));
	memset(in, 0, sizeof(*in));
	fill_scalars(conf, in, cfg);
	if (fill_nodes(in, cfg, c) == -1 || fill_lans(conf, cfg, c) == -1)
		return -1;
	conf->addr_count = in->addr_count = cfg_size(cfg, "address");
	for (unsigned i = 0; i < conf->addr_count; i++)
		fill_address(conf, in, i, cfg_getnsec(cfg, "address", i));
	fill_weights(conf, c, cfg);
	in->tables = conf->tables;
	in->group_count = cfg_size(cfg, "group");
	for (unsigned i = 0; i < in->group_count; i++) {
		cfg_t *sec = cfg_getnsec(cfg, "group", i);

		(void)snprintf(in->group[i].name, sizeof(in->group[i].name),
		    "%s", cfg_title(sec));
		in->group[i].table = (unsigned)cfg_getint(sec, "weights");
	}
	in->rule_count = cfg_size(cfg, "rule");
	for (unsigned i = 0; i < in->rule_count; i++)
		fill_rule(conf, in, i, cfg_getnsec(cfg, "rule", i));
	return 0;
}
