/* SPDX-License-Identifier: ISC */
/*
 * The link to vipd: the addresses on this node, who answers for them, and on
 * which interfaces they are.
 */
#include "farm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#define RETRY_MS	1000
#define SILENT_MS	3000	/* a restart takes less */
#define MAC_TEXT	18

static void
mac_text(char buf[MAC_TEXT], const uint8_t m[6])
{
	(void)snprintf(buf, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m[0],
	    m[1], m[2], m[3], m[4], m[5]);
}

/* Adds ",text" unless it is there; half a MAC would spoil all of them. */
static void
list_add(char *list, size_t size, const char *text)
{
	size_t len = strlen(list);

	if (strstr(list, text) == NULL && len + strlen(text) + 2 <= size)
		(void)snprintf(list + len, size - len, "%s%s",
		    len > 0 ? "," : "", text);
}

/* Claims by farm nodes are no conflict. */
static void
add_peers(const struct farm *f, struct line_out *o)
{
	char list[LINE_MAX_LEN / 2] = "", mac[MAC_TEXT];

	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		const struct farm_peer *p = &f->peer[i];

		for (unsigned k = 0; k < p->mac_count; k++) {
			mac_text(mac, p->mac[k].byte);
			list_add(list, sizeof(list), mac);
		}
	}
	/* A node that has not yet fallen back, or not yet come back. */
	for (unsigned i = 0; i < f->conf.addr_count; i++)
		if (f->conf.is_vmac[i]) {
			mac_text(mac, f->in.addr[i].vmac.byte);
			list_add(list, sizeof(list), mac);
		}
	if (list[0] != '\0')
		line_add(o, "peers", list);
}

static void
add_vmacs(const struct farm *f, struct line_out *o)
{
	char list[LINE_MAX_LEN / 2] = "", mac[MAC_TEXT];
	char one[ADDR_LEN + MAC_TEXT];

	for (unsigned i = 0; f->use_vmac && i < f->conf.addr_count; i++) {
		if (!f->conf.is_vmac[i])
			continue;
		mac_text(mac, f->in.addr[i].vmac.byte);
		(void)snprintf(one, sizeof(one), "%s/%s",
		    f->conf.addr_text[i], mac);
		list_add(list, sizeof(list), one);
	}
	if (list[0] != '\0')
		line_add(o, "mac", list);
}

/*
 * No address before the filter is in force: in between this node would answer
 * ARP for it, and refuse the clients that came.  vipd tells the interfaces,
 * which the filter needs, without.
 */
static void
vip_line(const struct farm *f, struct line_out *o)
{
	bool hold = f->wish.serve != FARM_NONE && f->is_filtered;

	line_begin(o, "want");
	line_add(o, "name", f->d->module);
	line_add_num(o, "own", hold && accord_is_director(f->accord));
	line_add_num(o, "hold", hold);
	add_vmacs(f, o);
	add_peers(f, o);
}

static void
refused(struct farm *f, const struct line *l)
{
	const char *text = line_get(l, "text"), *code = line_get(l, "code");

	/* A link that broke is restated when it is back. */
	if (code != NULL && strcmp(code, "gone") == 0)
		return;
	if (!f->vip_refused)
		log_warnx("vipd: %s", text != NULL ? text : "refused");
	f->vip_refused = true;
	f->is_taken_up = false;
	loop_timer_set(f->vip_retry, RETRY_MS, 0);
}

static void
on_answer(const struct line *l, void *arg)
{
	struct farm *f = arg;

	if (l->verb[0] == '\0') {
		if (places_take(&f->places, &f->conf, l) == -1)
			log_debug("vipd: a line that makes no sense");
		return;
	}
	f->vip_asked = false;
	if (strcmp(l->verb, "ok") == 0) {
		f->is_taken_up = f->vip_refused = false;
		(void)farm_news(&f->vip_good, f->vip_said);
	} else
		refused(f, l);
	farm_think(f);
}

static void
send_wish(struct farm *f, struct line_out *o)
{
	if (f->announce_due)
		line_add_num(o, "announce", 1);
	f->announce_due = false;
	f->vip_asked = ask_send(f->vip, o, on_answer, f);
}

/* Without its newline: what was said is compared. */
static char *
wish_text(const struct farm *f, struct line_out *o)
{
	vip_line(f, o);
	return xasprintf("%.*s", (int)o->len, o->text);
}

void
vip_wish(struct farm *f)
{
	struct line_out o;
	char *text;
	bool is_new;

	/* Without the MACs of the siblings they would be strangers to vipd. */
	if (!ask_is_up(f->vip) || f->vip_asked || !f->heart_told)
		return;
	text = wish_text(f, &o);
	is_new = farm_news(&f->vip_said, text);
	free(text);
	if (is_new || f->announce_due)
		send_wish(f, &o);
}

bool
vip_is_done(const struct farm *f)
{
	struct line_out o;
	char *text = wish_text(f, &o);
	bool is_done = f->vip_good != NULL && strcmp(f->vip_good, text) == 0;

	free(text);
	return is_done;
}

bool
vip_holds(const struct farm *f)
{
	return f->vip_good != NULL && strstr(f->vip_good, " hold=1") != NULL;
}

static void
vip_forget(struct farm *f)
{
	free(f->vip_said);
	f->vip_said = NULL;
}

static void
vip_again(void *arg)
{
	struct farm *f = arg;

	/* Another wish was stated meanwhile: its answer sets the timer. */
	if (f->vip_asked)
		return;
	vip_forget(f);
	vip_wish(f);
}

static void
vip_up(struct ask *a, void *arg)
{
	struct farm *f = arg;
	struct line_out o;

	loop_timer_cancel(f->vip_lost);
	line_begin(&o, "watch");
	line_add(&o, "name", f->d->module);
	(void)ask_send(a, &o, NULL, NULL);
	vip_forget(f);
	vip_wish(f);
	if (!f->vip_silent)
		return;
	f->vip_silent = false;
	farm_think(f);
}

static void
on_lost(void *arg)
{
	struct farm *f = arg;

	log_warnx("vipd: does not answer");
	f->vip_silent = true;
	farm_think(f);
}

static void
vip_down(struct ask *a, void *arg)
{
	struct farm *f = arg;

	(void)a;
	/* The addresses have a lifetime: vipd is back before its end. */
	f->vip_asked = false;
	vip_forget(f);
	loop_timer_set(f->vip_lost, SILENT_MS, 0);
}

static void
vip_event(struct ask *a, const struct line *l, void *arg)
{
	struct farm *f = arg;

	(void)a;
	if (strcmp(l->verb, "link") == 0 &&
	    places_take(&f->places, &f->conf, l) == 1)
		farm_think(f);
}

void
vip_open(struct farm *f)
{
	static const struct ask_calls calls = { vip_up, vip_down,
	    vip_event };
	char path[PATH_LEN];

	f->vip_retry = loop_timer_new(f->d->loop, vip_again, f);
	f->vip_lost = loop_timer_new(f->d->loop, on_lost, f);
	loop_timer_set(f->vip_lost, SILENT_MS, 0);
	f->vip = ask_new(f->d->loop, path_socket(path, NULL, "vipd"), &calls,
	    f);
}
