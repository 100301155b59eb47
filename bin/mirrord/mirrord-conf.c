/* SPDX-License-Identifier: ISC */
/*
 * mirrord.conf: the table of options and what it cannot say by itself.
 * Called by daemon_main() and, once, by main.c.
 */
#include "mirrord-conf.h"

#include <string.h>

#include "conf.h"

/* Ports are 5600 + 4 * (id - 1): the last id whose port is below 65536. */
#define ID_MAX	14983

static cfg_opt_t peer_opts[] = {
	CFG_INT("id", 0, CFGF_NONE),
	CFG_STR_LIST("addrs", "{}", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t rule_opts[] = {
	CFG_STR_LIST("paths", "{}", CFGF_NONE),
	CFG_STR_LIST("names", "{}", CFGF_NONE),
	CFG_END()
};

cfg_opt_t mirrord_opts[] = {
	CFG_STR("module", "", CFGF_NONE),
	CFG_INT("id", 1, CFGF_NONE),
	CFG_INT("node", 0, CFGF_NONE),
	CFG_STR("name", "", CFGF_NONE),
	CFG_STR_LIST("addrs", "{}", CFGF_NONE),
	CFG_SEC("peer", peer_opts, CFGF_TITLE | CFGF_MULTI),
	CFG_INT("port", 5600, CFGF_NONE),
	CFG_STR("async", "none", CFGF_NONE),
	CFG_STR("meta", "pipelined", CFGF_NONE),
	CFG_INT("stall_ms", 2000, CFGF_NONE),
	CFG_INT("disktime_ms", 10000, CFGF_NONE),
	CFG_STR("secondary", "readonly", CFGF_NONE),
	CFG_STR("diverged", "aside", CFGF_NONE),
	CFG_STR("verify", "off", CFGF_NONE),
	CFG_INT("verify_kbs", 50000, CFGF_NONE),
	CFG_INT("resync_kbs", 0, CFGF_NONE),
	CFG_STR_LIST("directories", "{}", CFGF_NONE),
	CFG_STR_LIST("writeback", "{}", CFGF_NONE),
	CFG_STR_LIST("tocheck", "{}", CFGF_NONE),
	CFG_SEC("notreplicated", rule_opts, CFGF_TITLE | CFGF_MULTI),
	CFG_STR("statedir", "", CFGF_NONE),
	CFG_END()
};

static int
check_addrs(cfg_t *sec)
{
	struct sockaddr_storage ss;
	unsigned i, count = cfg_size(sec, "addrs");
	int errors = 0;

	if (count > CONF_ADDR_MAX) {
		cfg_error(sec, "addrs: %u addresses, at most %d are allowed",
		    count, CONF_ADDR_MAX);
		errors++;
	}
	for (i = 0; i < count; i++)
		if (addr_parse(&ss, cfg_getnstr(sec, "addrs", i)) == -1) {
			cfg_error(sec, "addrs: `%s' is not an IP address",
			    cfg_getnstr(sec, "addrs", i));
			errors++;
		}
	return errors;
}

static int
check_directories(cfg_t *cfg)
{
	unsigned i, count = cfg_size(cfg, "directories");
	int errors = 0;

	if (count == 0 || count > CONF_DIR_MAX) {
		cfg_error(cfg, "directories: %u given, 1..%d are allowed",
		    count, CONF_DIR_MAX);
		errors++;
	}
	for (i = 0; i < count; i++)
		if (cfg_getnstr(cfg, "directories", i)[0] != '/') {
			cfg_error(cfg, "directories: `%s' is not absolute",
			    cfg_getnstr(cfg, "directories", i));
			errors++;
		}
	return errors;
}

static int
check_verify(cfg_t *cfg)
{
	struct when when;

	if (when_parse(&when, cfg_getstr(cfg, "verify")) == 0)
		return 0;
	cfg_error(cfg, "verify: `%s' is neither a time of the day (03:00), "
	    "nor one of a week (sun 03:00), nor off",
	    cfg_getstr(cfg, "verify"));
	return 1;
}

/* What of path is below a directory, whose number is *dir; NULL: of none. */
static const char *
below_directory(cfg_t *cfg, const char *path, unsigned *dir)
{
	const char *d;
	unsigned i;

	for (i = 0; i < cfg_size(cfg, "directories"); i++) {
		d = cfg_getnstr(cfg, "directories", i);
		if (strncmp(path, d, strlen(d)) == 0 &&
		    path[strlen(d)] == '/' && path[strlen(d) + 1] != '\0') {
			*dir = i;
			return path + strlen(d) + 1;
		}
	}
	return NULL;
}

static int
check_tocheck(cfg_t *cfg)
{
	unsigned i, dir, count = cfg_size(cfg, "tocheck");
	int errors = 0;

	if (count > CONF_TOCHECK_MAX) {
		cfg_error(cfg, "tocheck: %u given, at most %d are allowed",
		    count, CONF_TOCHECK_MAX);
		errors++;
	}
	for (i = 0; i < count; i++)
		if (below_directory(cfg, cfg_getnstr(cfg, "tocheck", i),
		    &dir) == NULL) {
			cfg_error(cfg, "tocheck: `%s' is in none of the "
			    "directories", cfg_getnstr(cfg, "tocheck", i));
			errors++;
		}
	return errors;
}

/* The number of a directory, or -1. */
static int
directory_number(cfg_t *cfg, const char *dir)
{
	unsigned i;

	for (i = 0; i < cfg_size(cfg, "directories"); i++)
		if (strcmp(dir, cfg_getnstr(cfg, "directories", i)) == 0)
			return (int)i;
	return -1;
}

static int
check_writeback(cfg_t *cfg)
{
	unsigned i;
	int errors = 0;

	for (i = 0; i < cfg_size(cfg, "writeback"); i++)
		if (directory_number(cfg, cfg_getnstr(cfg, "writeback", i)) ==
		    -1) {
			cfg_error(cfg, "writeback: `%s' is none of the "
			    "directories", cfg_getnstr(cfg, "writeback", i));
			errors++;
		}
	return errors;
}

int
mirrord_conf_exclude(struct excludes *e, const struct conf_rule *r,
    char why[EXCLUDE_WHY_LEN])
{
	return r->is_path ? excludes_add_path(e, r->dir, r->text, why) :
	    excludes_add_regex(e, r->dir, r->text, why);
}

/* The next rule of a section of directory dir; false: there are no more. */
static bool
next_rule(struct conf_rule *r, cfg_t *sec, unsigned dir, unsigned n)
{
	unsigned paths = cfg_size(sec, "paths");

	r->dir = dir;
	r->is_path = n < paths;
	if (!r->is_path && n - paths >= cfg_size(sec, "names"))
		return false;
	r->text = r->is_path ? cfg_getnstr(sec, "paths", n) :
	    cfg_getnstr(sec, "names", n - paths);
	return true;
}

static int
check_notreplicated(cfg_t *cfg)
{
	struct excludes *e = excludes_new();
	char why[EXCLUDE_WHY_LEN];
	struct conf_rule r;
	int dir, errors = 0;
	unsigned i, n;
	cfg_t *sec;

	for (i = 0; i < cfg_size(cfg, "notreplicated"); i++) {
		sec = cfg_getnsec(cfg, "notreplicated", i);
		dir = directory_number(cfg, cfg_title(sec));
		if (dir == -1) {
			cfg_error(cfg, "notreplicated: `%s' is none of the "
			    "directories", cfg_title(sec));
			errors++;
			continue;
		}
		for (n = 0; next_rule(&r, sec, (unsigned)dir, n); n++)
			if (mirrord_conf_exclude(e, &r, why) == -1) {
				cfg_error(sec, "notreplicated: `%s': %s",
				    r.text, why);
				errors++;
			}
	}
	excludes_free(e);
	return errors;
}

int
mirrord_conf_check(cfg_t *cfg)
{
	int errors = 0;

	if (!module_name_ok(cfg_getstr(cfg, "module"))) {
		cfg_error(cfg, "module: `%s' is not a module name",
		    cfg_getstr(cfg, "module"));
		errors++;
	}
	errors += conf_check_int(cfg, "id", 1, ID_MAX);
	errors += conf_check_int(cfg, "node", 1, 255);
	errors += conf_check_int(cfg, "port", 1, 65535);
	errors += conf_check_int(cfg, "stall_ms", 10, 3600 * 1000);
	errors += conf_check_int(cfg, "disktime_ms", 10, 3600 * 1000);
	errors += conf_check_word(cfg, "async", "none second");
	errors += conf_check_word(cfg, "meta", "pipelined receipt");
	errors += conf_check_word(cfg, "secondary", "readonly hidden");
	errors += conf_check_word(cfg, "diverged", "aside ask");
	errors += check_addrs(cfg);
	errors += conf_check_int(cfg, "verify_kbs", 0, 1 << 30);
	errors += conf_check_int(cfg, "resync_kbs", 0, 1 << 30);
	errors += check_verify(cfg);
	errors += check_directories(cfg);
	errors += check_tocheck(cfg);
	errors += check_writeback(cfg);
	errors += check_notreplicated(cfg);
	if (cfg_size(cfg, "peer") > 1) {
		cfg_error(cfg, "peer: a mirror has one peer, %u are given",
		    cfg_size(cfg, "peer"));
		errors++;
	}
	if (cfg_size(cfg, "peer") > 0) {
		cfg_t *peer = cfg_getnsec(cfg, "peer", 0);

		errors += conf_check_int(peer, "id", 1, 255);
		errors += check_addrs(peer);
	}
	return errors;
}

static unsigned
read_addrs(struct sockaddr_storage *out, cfg_t *sec, uint16_t port)
{
	unsigned i, count = cfg_size(sec, "addrs");

	for (i = 0; i < count && i < CONF_ADDR_MAX; i++) {
		(void)addr_parse(&out[i], cfg_getnstr(sec, "addrs", i));
		addr_set_port(&out[i], port);
	}
	return i;
}

static void
read_rules(struct mirrord_conf *c, cfg_t *cfg)
{
	unsigned i, n;
	cfg_t *sec;

	for (i = 0; i < cfg_size(cfg, "notreplicated"); i++) {
		sec = cfg_getnsec(cfg, "notreplicated", i);
		for (n = 0; c->rule_count < EXCLUDE_MAX &&
		    next_rule(&c->rule[c->rule_count], sec,
		    (unsigned)directory_number(cfg, cfg_title(sec)), n); n++)
			c->rule_count++;
	}
}

void
mirrord_conf_read(struct mirrord_conf *c, cfg_t *cfg)
{
	const char *dir = cfg_getstr(cfg, "statedir");
	unsigned i;

	memset(c, 0, sizeof(*c));
	c->module = cfg_getstr(cfg, "module");
	c->id = (uint16_t)cfg_getint(cfg, "id");
	c->node = (uint8_t)cfg_getint(cfg, "node");
	c->name = cfg_getstr(cfg, "name");
	c->port = (uint16_t)cfg_getint(cfg, "port");
	c->addr_count = read_addrs(c->addr, cfg, c->port);
	if (cfg_size(cfg, "peer") > 0) {
		cfg_t *peer = cfg_getnsec(cfg, "peer", 0);

		c->peer = (uint8_t)cfg_getint(peer, "id");
		c->peer_name = cfg_title(peer);
		c->peer_addr_count = read_addrs(c->peer_addr, peer, c->port);
	}
	c->async_second = strcmp(cfg_getstr(cfg, "async"), "second") == 0;
	c->meta_receipt = strcmp(cfg_getstr(cfg, "meta"), "receipt") == 0;
	c->stall_ms = cfg_getint(cfg, "stall_ms");
	c->disktime_ms = cfg_getint(cfg, "disktime_ms");
	c->hidden = strcmp(cfg_getstr(cfg, "secondary"), "hidden") == 0;
	c->yields = strcmp(cfg_getstr(cfg, "diverged"), "aside") == 0;
	(void)when_parse(&c->verify_when, cfg_getstr(cfg, "verify"));
	c->verify_rate = (uint64_t)cfg_getint(cfg, "verify_kbs") * 1000;
	c->resync_rate = (uint64_t)cfg_getint(cfg, "resync_kbs") * 1000;
	c->dir_count = cfg_size(cfg, "directories");
	for (i = 0; i < c->dir_count && i < CONF_DIR_MAX; i++)
		c->dir[i] = cfg_getnstr(cfg, "directories", i);
	for (i = 0; i < cfg_size(cfg, "writeback"); i++)
		c->writeback[directory_number(cfg,
		    cfg_getnstr(cfg, "writeback", i))] = true;
	c->tocheck_count = cfg_size(cfg, "tocheck");
	for (i = 0; i < c->tocheck_count && i < CONF_TOCHECK_MAX; i++)
		c->tocheck[i].path = below_directory(cfg,
		    cfg_getnstr(cfg, "tocheck", i), &c->tocheck[i].dir);
	read_rules(c, cfg);
	if (dir[0] != '\0')
		strlcpy(c->statedir, dir, sizeof(c->statedir));
	else
		path_state(c->statedir, "%s", c->module);
}
