/* SPDX-License-Identifier: ISC */
/* From vipd's lines to the interfaces of the filters. */

#include "places.h"

#include <netinet/in.h>

#include <stdio.h>
#include <string.h>

static bool
parse_mac(struct filter_mac *m, const char *text)
{
	char end;

	return text != NULL && sscanf(text,
	    "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &m->byte[0], &m->byte[1],
	    &m->byte[2], &m->byte[3], &m->byte[4], &m->byte[5], &end) == 6 &&
	    filter_mac_is_set(m);
}

static int
which(const struct farm_conf *conf, const char *text)
{
	struct sockaddr_storage ss;

	if (text == NULL || addr_parse(&ss, text) == -1)
		return -1;
	for (unsigned i = 0; i < conf->addr_count; i++)
		if (addr_equal(&conf->addr[i], &ss))
			return (int)i;
	return -1;
}

/* No interface: it is not known any more. */
static bool
parse(struct place *p, const struct line *l)
{
	const char *name = line_get(l, "interface");
	const char *own = line_get(l, "own");
	struct sockaddr_storage ss;
	int64_t index;

	memset(p, 0, sizeof(*p));
	if (!line_get_num(l, "index", 0, INT32_MAX, &index))
		return false;
	if (index == 0) {
		p->is_gone = true;
		return true;
	}
	if (name == NULL || name[0] == '\0' ||
	    strlen(name) >= sizeof(p->interface) ||
	    !parse_mac(&p->mac, line_get(l, "mac")))
		return false;
	p->is_known = true;
	p->is_up = line_get_bool(l, "up");
	p->index = (unsigned)index;
	memcpy(p->interface, name, strlen(name) + 1);
	if (own != NULL && addr_parse(&ss, own) == 0 &&
	    ss.ss_family == AF_INET)
		memcpy(p->ip4, &((struct sockaddr_in *)&ss)->sin_addr, 4);
	return true;
}

int
places_take(struct places *p, const struct farm_conf *conf,
    const struct line *l)
{
	int i = which(conf, line_get(l, "addr"));
	struct place now;

	if (i < 0 || !parse(&now, l))
		return -1;
	if (memcmp(&p->addr[i], &now, sizeof(now)) == 0)
		return 0;
	p->addr[i] = now;
	return 1;
}

bool
places_are_gone(const struct places *p, const struct farm_conf *conf)
{
	for (unsigned i = 0; i < conf->addr_count; i++)
		if (!p->addr[i].is_gone)
			return false;
	return true;
}

bool
places_are_known(const struct places *p, const struct farm_conf *conf)
{
	for (unsigned i = 0; i < conf->addr_count; i++)
		if (!p->addr[i].is_known)
			return false;
	return true;
}

static int
intf_of(struct filter_input *in, const struct place *p)
{
	struct filter_intf *to;

	for (unsigned i = 0; i < in->intf_count; i++) {
		to = &in->intf[i];
		if (to->index != p->index)
			continue;
		/* Addresses of both families share one: whichever has it. */
		if (memcmp(to->ip4, "\0\0\0", 4) == 0)
			memcpy(to->ip4, p->ip4, 4);
		return (int)i;
	}
	if (in->intf_count == FILTER_INTF_MAX)
		return -1;
	to = &in->intf[in->intf_count];
	to->index = p->index;
	to->mac = p->mac;
	memcpy(to->name, p->interface, sizeof(p->interface));
	memcpy(to->ip4, p->ip4, 4);
	return (int)in->intf_count++;
}

bool
places_fill(const struct places *p, const struct farm_conf *conf,
    struct filter_input *in)
{
	int intf;

	in->intf_count = 0;
	memset(in->intf, 0, sizeof(in->intf));
	for (unsigned i = 0; i < conf->addr_count; i++) {
		intf = intf_of(in, &p->addr[i]);
		if (intf < 0)
			return false;
		in->addr[i].intf = (unsigned)intf;
	}
	return true;
}
