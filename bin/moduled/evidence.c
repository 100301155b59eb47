/* SPDX-License-Identifier: ISC */
/*
 * The edge of decide-power.c.  A witness is asked three times, half a second
 * apart: one lost packet is not to stop an application.
 */
#include "evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "conf.h"
#include "echo.h"
#include "xalloc.h"

#include "device.h"
#include "moduled.h"
#include "power.h"

#define WITNESS_MAX	16
#define TRIES		3
#define TRY_MS		500

struct evidence {
	struct moduled		*md;
	struct agent_conf	 conf;
	struct power		*power;		/* NULL: no device */
	struct device		*device;	/* the same, to be watched */
	unsigned		 count;		/* of the witnesses */
	struct echo		*echo[WITNESS_MAX];
	char			 resource[RESOURCE_NAME];
	uint64_t		 ping_id;	/* being asked, or 0 */
	unsigned		 tries;
	struct loop_timer	*timer;
};

int
evidence_check(cfg_t *cfg)
{
	cfg_t *fencing = cfg_getsec(cfg, "fencing");
	cfg_t *split = cfg_getsec(cfg, "splitbrain");
	struct sockaddr_storage ss;
	int bad = conf_check_int(fencing, "delay_ms", 0, 600000) +
	    conf_check_int(fencing, "timeout_ms", 100, 600000) +
	    conf_check_int(fencing, "period_ms", 0, 86400000);

	if (cfg_size(split, "witnesses") > WITNESS_MAX) {
		cfg_error(split, "at most %d witnesses", WITNESS_MAX);
		return bad + 1;
	}
	for (unsigned i = 0; i < cfg_size(split, "witnesses"); i++) {
		const char *addr = cfg_getnstr(split, "witnesses", i);

		if (addr_parse(&ss, addr) == 0)
			continue;
		cfg_error(split, "witness \"%s\" is no address", addr);
		bad++;
	}
	return bad;
}

/* --- the device ----------------------------------------------------------- */

static void
on_power(uint64_t id, bool is_off, const char *text, void *arg)
{
	struct moduled *md = arg;

	if (id != 0) {
		md->v.power.done = id;
		md->v.power.is_off = is_off;
		(void)snprintf(md->v.power.text, sizeof(md->v.power.text),
		    "%s", text);
	}
	moduled_think(md);
}

static void
open_power(struct evidence *e)
{
	struct moduled *md = e->md;
	cfg_t *sec = cfg_getsec(md->d->conf, "fencing");
	unsigned i, n = cfg_size(sec, "options");

	e->conf.agent = cfg_getstr(sec, "agent");
	e->conf.peer = md->conf.peer;
	md->conf.power_delay_ms = cfg_getint(sec, "delay_ms");
	if (e->conf.agent[0] == '\0' || md->conf.peer[0] == '\0')
		return;
	e->conf.timeout_ms = cfg_getint(sec, "timeout_ms");
	e->conf.option = xcalloc(n + 1, sizeof(*e->conf.option));
	e->conf.option_count = n;
	for (i = 0; i < n; i++)
		e->conf.option[i] = cfg_getnstr(sec, "options", i);
	e->power = power_new(md->d->loop, &e->conf, on_power, md);
	e->device = device_new(md, &e->conf, cfg_getint(sec, "period_ms"));
	md->v.power.on = true;
}

/* --- the witnesses -------------------------------------------------------- */

static void
show_split(struct evidence *e, bool is_up)
{
	moduled_resource(e->md, e->resource, is_up ? "up" : "down", NULL,
	    "moduled");
	moduled_resource(e->md, "splitbrain.uptodate", is_up ? "up" : "down",
	    NULL, "moduled");
}

static void
end_pings(struct evidence *e)
{
	loop_timer_cancel(e->timer);
	for (unsigned i = 0; i < e->count; i++)
		echo_cancel(e->echo[i]);
	e->ping_id = 0;
}

static void
pinged(struct evidence *e, bool is_reached)
{
	struct moduled *md = e->md;

	md->v.ping.done = e->ping_id;
	md->v.ping.is_reached = is_reached;
	end_pings(e);
	show_split(e, is_reached);
	moduled_think(md);
}

static void
on_echo(int error, void *arg)
{
	struct evidence *e = arg;

	/* Who cannot be reached now may be with the next try. */
	if (error == 0 && e->ping_id != 0)
		pinged(e, true);
}

static void
try_pings(struct evidence *e)
{
	e->tries++;
	loop_timer_set(e->timer, TRY_MS, 0);
	for (unsigned i = 0; i < e->count; i++) {
		echo_cancel(e->echo[i]);
		echo_begin(e->echo[i]);
	}
}

static void
on_timer(void *arg)
{
	struct evidence *e = arg;

	if (e->tries < TRIES)
		try_pings(e);
	else
		pinged(e, false);
}

static void
want_pings(struct evidence *e, uint64_t id)
{
	if (id == e->ping_id || id == e->md->v.ping.done)
		return;
	end_pings(e);
	if (id == 0 || e->count == 0)
		return;
	e->ping_id = id;
	e->tries = 0;
	try_pings(e);
}

static void
open_pings(struct evidence *e)
{
	struct moduled *md = e->md;
	struct ping_view *v = &md->v.ping;
	cfg_t *sec = cfg_getsec(md->d->conf, "splitbrain");
	struct sockaddr_storage ss;
	size_t len = 0;

	e->timer = loop_timer_new(md->d->loop, on_timer, e);
	if (md->conf.peer[0] == '\0')
		return;
	e->count = cfg_size(sec, "witnesses");
	for (unsigned i = 0; i < e->count; i++) {
		const char *addr = cfg_getnstr(sec, "witnesses", i);

		(void)addr_parse(&ss, addr);	/* evidence_check() did */
		e->echo[i] = echo_new(md->d->loop, &ss, on_echo, e);
		if (len < sizeof(v->names))
			len += (size_t)snprintf(v->names + len,
			    sizeof(v->names) - len, "%s%s",
			    i > 0 ? ", " : "", addr);
	}
	v->on = e->count > 0;
	(void)snprintf(e->resource, sizeof(e->resource), "splitbrain.%.60s",
	    cfg_getstr(sec, "ident"));
}

/* --- life ----------------------------------------------------------------- */

void
evidence_open(struct moduled *md)
{
	struct evidence *e = xcalloc(1, sizeof(*e));

	md->evidence = e;
	e->md = md;
	open_power(e);
	open_pings(e);
}

void
evidence_close(struct moduled *md)
{
	struct evidence *e = md->evidence;

	if (e->power != NULL) {
		power_free(e->power);
		device_free(e->device);
	}
	for (unsigned i = 0; i < e->count; i++)
		echo_free(e->echo[i]);
	loop_timer_free(e->timer);
	free(e->conf.option);
	free(e);
}

void
evidence_want(struct moduled *md)
{
	struct evidence *e = md->evidence;

	if (e->power != NULL) {
		device_pause(e->device, md->dec.power_id != 0);
		power_want(e->power, md->dec.power_id);
	}
	want_pings(e, md->dec.ping_id);
}

void
evidence_status(const struct moduled *md, struct status_out *t)
{
	device_status(md->evidence->device, t);
}

bool
evidence_is_there(const struct moduled *md)
{
	return md->v.power.on || md->v.ping.on;
}
