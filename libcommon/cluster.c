/* SPDX-License-Identifier: ISC */
/*
 * Reads cluster.conf:
 *
 *	name = "office"
 *	self = "n1"
 *	port = 4800
 *	lan "lan1" { }
 *	node "n1" {
 *		id = 1
 *		address "lan1" { addr = "10.88.1.1" laddr = "" }
 *	}
 *	witness "w1" { addresses = {"10.88.1.211"} }
 *	etcd { endpoints = {"https://e1:2379"} ca = "" cert = "" key = ""
 *	    prefix = "/holdfast" }
 */

#include "cluster.h"

#include <arpa/inet.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "conf.h"
#include "log.h"
#include "paths.h"

static cfg_opt_t address_opts[] = {
	CFG_STR("addr", NULL, CFGF_NONE),
	CFG_STR("laddr", "", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t node_opts[] = {
	CFG_INT("id", 0, CFGF_NONE),
	CFG_SEC("address", address_opts, CFGF_MULTI | CFGF_TITLE |
	    CFGF_NO_TITLE_DUPES),
	CFG_END()
};

static cfg_opt_t lan_opts[] = {
	CFG_END()
};

static cfg_opt_t witness_opts[] = {
	CFG_STR_LIST("addresses", "{}", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t etcd_opts[] = {
	CFG_STR_LIST("endpoints", "{}", CFGF_NONE),
	CFG_STR("ca", "", CFGF_NONE),
	CFG_STR("cert", "", CFGF_NONE),
	CFG_STR("key", "", CFGF_NONE),
	CFG_STR("prefix", "/holdfast", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t device_opts[] = {
	CFG_STR("agent", "", CFGF_NONE),
	CFG_STR("options", "", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t fencing_opts[] = {
	CFG_INT("delay_ms", 0, CFGF_NONE),
	CFG_INT("timeout_ms", 0, CFGF_NONE),
	CFG_INT("period_ms", 0, CFGF_NONE),
	CFG_SEC("device", device_opts, CFGF_MULTI | CFGF_TITLE |
	    CFGF_NO_TITLE_DUPES),
	CFG_END()
};

static cfg_opt_t cluster_opts[] = {
	CFG_STR("name", "", CFGF_NONE),
	CFG_STR("self", "", CFGF_NONE),
	CFG_INT("port", 4800, CFGF_NONE),
	CFG_STR("digest", "", CFGF_NONE),
	CFG_SEC("lan", lan_opts, CFGF_MULTI | CFGF_TITLE |
	    CFGF_NO_TITLE_DUPES),
	CFG_SEC("node", node_opts, CFGF_MULTI | CFGF_TITLE |
	    CFGF_NO_TITLE_DUPES),
	CFG_SEC("witness", witness_opts, CFGF_MULTI | CFGF_TITLE |
	    CFGF_NO_TITLE_DUPES),
	CFG_SEC("etcd", etcd_opts, CFGF_NONE),
	CFG_SEC("fencing", fencing_opts, CFGF_NONE),
	CFG_END()
};

int
addr_parse(struct sockaddr_storage *ss, const char *text)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		return 0;
	}
	errno = EINVAL;
	return -1;
}

const char *
addr_str(char buf[ADDR_LEN], const struct sockaddr_storage *ss)
{
	const void *p = ss->ss_family == AF_INET6 ?
	    (const void *)&((const struct sockaddr_in6 *)ss)->sin6_addr :
	    (const void *)&((const struct sockaddr_in *)ss)->sin_addr;

	if (inet_ntop(ss->ss_family, p, buf, ADDR_LEN) == NULL)
		(void)snprintf(buf, ADDR_LEN, "?");
	return buf;
}

void
addr_set_port(struct sockaddr_storage *ss, uint16_t port)
{
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)ss)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)ss)->sin_port = htons(port);
}

socklen_t
addr_len(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
	    sizeof(struct sockaddr_in);
}

bool
addr_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET6)
		return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
		    &((const struct sockaddr_in6 *)b)->sin6_addr,
		    sizeof(struct in6_addr)) == 0;
	return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
	    ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

/* A bounded copy of a title or name; complains when it is empty or long. */
static int
copy_name(char out[CLUSTER_NAME_LEN], cfg_t *cfg, const char *what,
    const char *name)
{
	if (name == NULL || name[0] == '\0' ||
	    strlen(name) >= CLUSTER_NAME_LEN) {
		cfg_error(cfg, "%s: name \"%s\" must have 1 to %d characters",
		    what, name != NULL ? name : "", CLUSTER_NAME_LEN - 1);
		return 1;
	}
	memcpy(out, name, strlen(name) + 1);
	return 0;
}

static int
read_address(struct cluster *c, struct cluster_node *node, cfg_t *sec)
{
	const char *addr = cfg_getstr(sec, "addr");
	const char *laddr = cfg_getstr(sec, "laddr");
	int lan = cluster_lan_index(c, cfg_title(sec));
	struct cluster_addr *a;

	if (lan == -1) {
		cfg_error(sec, "node %s: no lan \"%s\" is declared",
		    node->name, cfg_title(sec));
		return 1;
	}
	a = &node->lan[lan];
	if (addr == NULL || addr_parse(&a->addr, addr) == -1) {
		cfg_error(sec, "node %s: addr \"%s\" is no IPv4 or IPv6 "
		    "address", node->name, addr != NULL ? addr : "");
		return 1;
	}
	if (laddr[0] == '\0')
		laddr = addr;
	if (addr_parse(&a->laddr, laddr) == -1) {
		cfg_error(sec, "node %s: laddr \"%s\" is no IPv4 or IPv6 "
		    "address", node->name, laddr);
		return 1;
	}
	a->is_set = true;
	return 0;
}

static int
read_node(struct cluster *c, cfg_t *sec)
{
	struct cluster_node *node = &c->node[c->node_count];
	int bad = copy_name(node->name, sec, "node", cfg_title(sec));
	long id = cfg_getint(sec, "id");

	bad += conf_check_int(sec, "id", 1, 255);
	if (bad == 0 && cluster_node_by_id(c, (uint8_t)id) != -1) {
		cfg_error(sec, "node %s: id %ld is used twice", node->name,
		    id);
		bad++;
	}
	node->id = (uint8_t)id;
	for (unsigned i = 0; i < cfg_size(sec, "address"); i++)
		bad += read_address(c, node, cfg_getnsec(sec, "address", i));
	c->node_count++;
	return bad;
}

static int
read_witness(struct cluster *c, cfg_t *sec)
{
	struct cluster_witness *w = &c->witness[c->witness_count];
	int bad = copy_name(w->name, sec, "witness", cfg_title(sec));
	unsigned i, count = cfg_size(sec, "addresses");

	if (count == 0 || count > CLUSTER_WITNESS_ADDRS) {
		cfg_error(sec, "witness %s: 1 to %d addresses are needed",
		    w->name, CLUSTER_WITNESS_ADDRS);
		return bad + 1;
	}
	for (i = 0; i < count; i++) {
		const char *addr = cfg_getnstr(sec, "addresses", i);

		if (addr_parse(&w->addr[i], addr) == 0)
			continue;
		cfg_error(sec, "witness %s: \"%s\" is no IPv4 or IPv6 "
		    "address", w->name, addr);
		bad++;
	}
	w->addr_count = count;
	c->witness_count++;
	return bad;
}

static int
copy_path(char out[CLUSTER_PATH_LEN], cfg_t *sec, const char *name)
{
	const char *path = cfg_getstr(sec, name);

	if (strlen(path) < CLUSTER_PATH_LEN) {
		memcpy(out, path, strlen(path) + 1);
		return 0;
	}
	cfg_error(sec, "%s is longer than %d characters", name,
	    CLUSTER_PATH_LEN - 1);
	return 1;
}

static int
read_etcd(struct cluster *c, cfg_t *sec)
{
	struct cluster_etcd *e = &c->etcd;
	unsigned i, count = cfg_size(sec, "endpoints");
	int bad = 0;

	if (count > CLUSTER_ETCD_MAX) {
		cfg_error(sec, "at most %d endpoints are allowed",
		    CLUSTER_ETCD_MAX);
		return 1;
	}
	for (i = 0; i < count; i++) {
		const char *url = cfg_getnstr(sec, "endpoints", i);

		if (strlen(url) < CLUSTER_PATH_LEN) {
			memcpy(e->endpoint[i], url, strlen(url) + 1);
			continue;
		}
		cfg_error(sec, "endpoint \"%.40s...\" is too long", url);
		bad++;
	}
	e->endpoint_count = count;
	bad += copy_path(e->ca, sec, "ca");
	bad += copy_path(e->cert, sec, "cert");
	bad += copy_path(e->key, sec, "key");
	return bad + copy_path(e->prefix, sec, "prefix");
}

static int
read_voters(struct cluster *c, cfg_t *cfg)
{
	unsigned i, count = cfg_size(cfg, "witness");
	int bad = 0;

	if (count > CLUSTER_WITNESS_MAX) {
		cfg_error(cfg, "at most %d witnesses are allowed",
		    CLUSTER_WITNESS_MAX);
		return 1;
	}
	for (i = 0; i < count; i++)
		bad += read_witness(c, cfg_getnsec(cfg, "witness", i));
	return bad + read_etcd(c, cfg_getsec(cfg, "etcd"));
}

static int
read_device(struct cluster *c, cfg_t *sec)
{
	const char *agent = cfg_getstr(sec, "agent");
	const char *options = cfg_getstr(sec, "options");
	int at = cluster_node_index(c, cfg_title(sec));

	if (at == -1 || strlen(agent) >= CLUSTER_NAME_LEN ||
	    strlen(options) >= CLUSTER_FENCE_LEN) {
		cfg_error(sec, "device \"%s\" is of no node, or too long",
		    cfg_title(sec));
		return 1;
	}
	memcpy(c->node[at].fence_agent, agent, strlen(agent) + 1);
	memcpy(c->node[at].fence_options, options, strlen(options) + 1);
	return 0;
}

static int
read_fencing(struct cluster *c, cfg_t *sec)
{
	int bad = conf_check_int(sec, "delay_ms", 0, 600000) +
	    conf_check_int(sec, "timeout_ms", 0, 600000) +
	    conf_check_int(sec, "period_ms", 0, 86400000);

	c->fence_delay_ms = cfg_getint(sec, "delay_ms");
	c->fence_timeout_ms = cfg_getint(sec, "timeout_ms");
	c->fence_period_ms = cfg_getint(sec, "period_ms");
	for (unsigned i = 0; i < cfg_size(sec, "device"); i++)
		bad += read_device(c, cfg_getnsec(sec, "device", i));
	return bad;
}

static int
read_cluster(struct cluster *c, cfg_t *cfg)
{
	int bad = copy_name(c->name, cfg, "cluster", cfg_getstr(cfg, "name"));

	bad += conf_check_int(cfg, "port", 1, 65535);
	c->port = (uint16_t)cfg_getint(cfg, "port");
	/* For comparing only: what does not decode is not known. */
	if (sodium_hex2bin(c->digest, sizeof(c->digest), cfg_getstr(cfg,
	    "digest"), strlen(cfg_getstr(cfg, "digest")), NULL, NULL,
	    NULL) == -1)
		memset(c->digest, 0, sizeof(c->digest));
	if (cfg_size(cfg, "lan") == 0 ||
	    cfg_size(cfg, "lan") > CLUSTER_LAN_MAX ||
	    cfg_size(cfg, "node") == 0 ||
	    cfg_size(cfg, "node") > CLUSTER_NODE_MAX) {
		cfg_error(cfg, "1 to %d lans and 1 to %d nodes are needed",
		    CLUSTER_LAN_MAX, CLUSTER_NODE_MAX);
		return bad + 1;
	}
	for (unsigned i = 0; i < cfg_size(cfg, "lan"); i++) {
		bad += copy_name(c->lan[i].name, cfg, "lan",
		    cfg_title(cfg_getnsec(cfg, "lan", i)));
		c->lan_count++;
	}
	for (unsigned i = 0; i < cfg_size(cfg, "node"); i++)
		bad += read_node(c, cfg_getnsec(cfg, "node", i));
	bad += read_voters(c, cfg);
	bad += read_fencing(c, cfg_getsec(cfg, "fencing"));
	c->self = cluster_node_index(c, cfg_getstr(cfg, "self"));
	if (c->self == -1) {
		cfg_error(cfg, "self: \"%s\" is none of the nodes",
		    cfg_getstr(cfg, "self"));
		bad++;
	}
	return bad;
}

int
cluster_load(struct cluster *c, const char *path)
{
	char buf[PATH_LEN];
	cfg_t *cfg;
	int bad;

	memset(c, 0, sizeof(*c));
	if (path == NULL)
		path = path_state(buf, "cluster/cluster.conf");
	if (access(path, F_OK) == -1 && errno == ENOENT) {
		log_warnx("%s: not there: run `holdfast config'", path);
		return -1;
	}
	if ((cfg = conf_load(path, cluster_opts, true, NULL)) == NULL)
		return -1;
	bad = read_cluster(c, cfg);
	(void)cfg_free(cfg);
	return bad == 0 ? 0 : -1;
}

void
cluster_digest(uint8_t out[CLUSTER_DIGEST_LEN], const char *text, size_t len)
{
	(void)crypto_generichash(out, CLUSTER_DIGEST_LEN,
	    (const unsigned char *)text, len, NULL, 0);
}

void
cluster_digest_text(char out[CLUSTER_DIGEST_TEXT],
    const uint8_t digest[CLUSTER_DIGEST_LEN])
{
	(void)sodium_bin2hex(out, CLUSTER_DIGEST_TEXT, digest,
	    CLUSTER_DIGEST_LEN);
}

bool
cluster_name_ok(const char *name)
{
	const unsigned char *p = (const unsigned char *)name;

	if (!isalnum(*p) && *p != '_')
		return false;
	for (; *p != '\0'; p++)
		if (!isalnum(*p) && strchr("_.-", *p) == NULL)
			return false;
	return true;
}

int
cluster_node_index(const struct cluster *c, const char *name)
{
	for (unsigned i = 0; i < c->node_count; i++)
		if (strcmp(c->node[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
cluster_node_by_id(const struct cluster *c, uint8_t id)
{
	for (unsigned i = 0; i < c->node_count; i++)
		if (c->node[i].id == id)
			return (int)i;
	return -1;
}

int
cluster_lan_index(const struct cluster *c, const char *name)
{
	for (unsigned i = 0; i < c->lan_count; i++)
		if (strcmp(c->lan[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
cluster_witness_index(const struct cluster *c, const char *name)
{
	for (unsigned i = 0; i < c->witness_count; i++)
		if (strcmp(c->witness[i].name, name) == 0)
			return (int)i;
	return -1;
}
