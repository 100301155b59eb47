/* SPDX-License-Identifier: ISC */
/* An echo request that is answered. */

#include "check.h"

#include <stdio.h>
#include <string.h>

#include "cluster.h"
#include "conf.h"
#include "echo.h"
#include "xalloc.h"

struct ping {
	struct echo	*echo;
	char		 name[ADDR_LEN];
};

static void
on_done(int error, void *arg)
{
	struct check *c = arg;
	const struct ping *p = c->data;

	check_result(c, error == 0, "%s%s%s", p->name, error == 0 ? "" : ": ",
	    error == 0 ? "" : strerror(error));
}

static bool
ping_open(struct check *c, cfg_t *sec)
{
	struct ping *p = xcalloc(1, sizeof(*p));
	const char *addr = cfg_getstr(sec, "addr");
	struct sockaddr_storage to;

	c->data = p;
	if (addr_parse(&to, addr) == -1) {
		cfg_error(sec, "%s: addr: \"%s\" is no address", c->resource,
		    addr);
		return false;
	}
	p->echo = echo_new(c->host->loop, &to, on_done, c);
	(void)snprintf(p->name, sizeof(p->name), "%s", addr);
	return true;
}

static void
ping_cancel(struct check *c)
{
	struct ping *p = c->data;

	echo_cancel(p->echo);
}

static void
ping_begin(struct check *c)
{
	struct ping *p = c->data;

	echo_begin(p->echo);
}

const struct check_kind check_ping = {
	.name = "ping",
	.open = ping_open,
	.begin = ping_begin,
	.cancel = ping_cancel,
};
