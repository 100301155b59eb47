/* SPDX-License-Identifier: ISC */
/*
 * From facts to decision to wishes.  Called whenever anything changed; what
 * has not changed is not said again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"
#include "xalloc.h"

#include "chain.h"
#include "decide-standing.h"
#include "events.h"
#include "evidence.h"
#include "failover.h"
#include "farm.h"
#include "hold.h"
#include "moduled.h"
#include "standing.h"
#include "voters.h"

#define BOOT_ID		"/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LEN	64
#define STATE_FILE_MAX	(3 * LINE_MAX_LEN)
/* A swap that nobody acted on is dropped. */
#define SWAP_BOUND_MS	30000

int64_t
wall_now(void)
{
	return (int64_t)time(NULL);
}

bool
moduled_news(char **said, const char *text)
{
	if (*said != NULL && strcmp(*said, text) == 0)
		return false;
	free(*said);
	*said = xstrdup(text);
	return true;
}

void
moduled_resource(struct moduled *md, const char *name, const char *value,
    const char *text, const char *who)
{
	int rc = resource_set(&md->res, name, value, mono_now(), wall_now());
	struct resource *r = resource_find(&md->res, name);

	if (r == NULL)
		return;		/* there is no room for more */
	(void)snprintf(r->text, sizeof(r->text), "%s", text != NULL ? text :
	    "");
	/* That a checker begins anew is no news. */
	if (rc == 1 && strcmp(value, "init") != 0)
		events_add(JE_RESOURCE, who, "Resource %s set to %s by %s%s%s",
		    name, value, who, r->text[0] != '\0' ? ": " : "", r->text);
}

static void
sooner(struct mono *wake, struct mono t)
{
	if (!mono_is_set(*wake) || mono_diff_ns(t, *wake) < 0)
		*wake = t;
}

/* The link of an address, and not one that is only watched. */
static bool
carries_address(const struct moduled *md, const char *name)
{
	unsigned i, n = cfg_size(md->d->conf, "vip_links");

	if (strncmp(name, "intf.", 5) != 0)
		return false;
	for (i = 0; i < n; i++)
		if (strcmp(cfg_getnstr(md->d->conf, "vip_links", i),
		    name) == 0)
			return true;
	/* Files of before had no such list and no other links. */
	return n == 0 && !cfg_getbool(md->d->conf, "checks");
}

static void
look_links(struct moduled *md)
{
	unsigned i;

	/* Until vipd has spoken nothing is known to be down. */
	md->v.lan_up = md->lan_count == 0;
	for (i = 0; i < md->lan_count; i++)
		if (!md->lan[i].known || md->lan[i].up)
			md->v.lan_up = true;
	md->v.vip_link_up = true;
	for (i = 0; i < md->res.count; i++)
		if (strcmp(md->res.r[i].value, "down") == 0 &&
		    carries_address(md, md->res.r[i].name))
			md->v.vip_link_up = false;
}

/* A peer whose node beats but has no moduled for T is as good as silent. */
static void
look_peer(struct moduled *md)
{
	struct mono due;

	md->v.peer = md->peer;
	if (md->peer.net != NET_UP || md->peer.has_blob) {
		md->blob_gone = (struct mono){ 0 };
		return;
	}
	if (!mono_is_set(md->blob_gone))
		md->blob_gone = md->v.now;
	due = mono_add_ms(md->blob_gone, md->conf.timeout_ms);
	if (!mono_passed(due, md->v.now))
		return;
	md->v.peer.net = NET_DOWN;
	md->v.peer.net_since = due;
}

static bool
is_synced(const struct moduled *md)
{
	return md->m.state == ST_SECOND && md->dec.quality == Q_READY;
}

/* <rfs syncat, syncdelta>: the time of day, for decide. */
static void
look_sync(struct moduled *md, struct mono *wake)
{
	struct view *v = &md->v;
	int64_t now = wall_now(), in_step = md->wish.in_step_s;
	time_t next;
	struct tm tm;

	v->in_step_s = in_step == 0 || now < in_step ? -1 : now - in_step;
	if (!md->conf.syncat)
		return;
	sync_plan_step(&md->sync, &md->m.sync, now, is_synced(md),
	    md->wish.order == OR_SECOND);
	next = (time_t)md->sync.next_s;
	if (localtime_r(&next, &tm) == NULL || strftime(v->sync_next,
	    sizeof(v->sync_next), ", %F %R", &tm) == 0)
		v->sync_next[0] = '\0';
	/* Each minute: the clock may be set meanwhile. */
	sooner(wake, mono_add_ms(v->now, 1000 * (next > now && next - now <
	    60 ? next - now : 60)));
}

static void
look(struct moduled *md, struct mono *wake)
{
	struct view *v = &md->v;

	v->now = mono_now();
	v->conf = &md->conf;
	look_links(md);
	look_peer(md);
	voters_look(md);
	hold_look(md);
	v->scripts_at = scripts_at(md->scripts);
	v->scripts_target = scripts_target(md->scripts);
	v->scripts_busy = scripts_busy(md->scripts);
	v->scripts_gated = scripts_gated(md->scripts);
	v->scripts_prim = scripts_prim(md->scripts);
	standing_look(md, wake);
	failover_look(md, wake);
	look_sync(md, wake);
	if (md->farm != NULL)
		farm_look(md);
	v->wish_start = decide_wish(&md->m, v, md->wish.start);
	if (v->wish_start && !mono_passed(md->boot_until, v->now) &&
	    mono_is_set(md->boot_until)) {
		v->wish_start = false;
		sooner(wake, md->boot_until);
	}
	v->order = md->wish.order;
	v->order_fullsync = md->wish.fullsync;
	v->order_risk = md->wish.risk;
	v->registered = md->wish.registered;
	(void)snprintf(v->order_who, sizeof(v->order_who), "%s",
	    md->wish.who);
	v->compare = md->wish.compare;
	v->refused = md->wish.refused;
	(void)snprintf(v->lastprim, sizeof(v->lastprim), "%s",
	    md->wish.lastprim);
	if (mono_is_set(md->blob_gone) && v->peer.net == NET_UP)
		sooner(wake, mono_add_ms(md->blob_gone,
		    md->conf.timeout_ms));
}

/* Nobody wished it: the link, the disk or a rule took the node out. */
static void
count_leave(struct moduled *md, enum state from, enum state to)
{
	if (to != ST_WAIT || !md->wish.start || md->wish.order != OR_NONE ||
	    md->v.maintain || md->conf.syncat ||
	    (from != ST_SECOND && !md->v.rule_wait))
		return;
	if (flap_left(&md->m.flap, md->v.now))
		events_add(JE_HELD_DOWN, "moduled", "left %u times in %d "
		    "minutes: held down for %lld s",
		    flap_count(&md->m.flap, md->v.now), FLAP_WINDOW_MS / 60000,
		    (long long)mono_diff_ms(md->m.flap.until, md->v.now) /
		    1000);
}

static void
tell_steps(struct moduled *md)
{
	const struct decision *d = &md->dec;
	unsigned i;

	for (i = 0; i < d->note_count; i++)
		events_add(JE_DECISION, "moduled", "%s", d->note[i]);
	for (i = 0; i < d->step_count; i++) {
		events_add(JE_TRANSITION, "moduled", "Transition %s -> %s (%s)",
		    state_name(d->step[i].from), state_name(d->step[i].to),
		    event_name(d->step[i].event));
		md->state_wall_s = wall_now();
		count_leave(md, d->step[i].from, d->step[i].to);
	}
	if (d->reason != md->reason_told) {
		md->reason_told = d->reason;
		md->reason_wall_s = wall_now();
	}
	if (md->v.peer.net != md->net_told) {
		md->net_told = md->v.peer.net;
		md->net_wall_s = wall_now();
	}
}

/* The newest data is here, and <rfs syncdelta> will ask how old it is. */
static bool
is_in_step(const struct moduled *md)
{
	return md->conf.syncdelta_s > 0 && md->dec.quality == Q_READY &&
	    (md->m.state == ST_SECOND || md->m.state == ST_PRIM ||
	    md->m.state == ST_ALONE);
}

/* How often that is stored, s. */
static int64_t
in_step_period(const struct moduled *md)
{
	int64_t s = md->conf.syncdelta_s / 6;

	return s < 60 ? s : 60;
}

/* What decide wants remembered; a slow disk is met only when it changed. */
static void
keep_wish(struct moduled *md)
{
	const struct decision *d = &md->dec;
	struct wish *w = &md->wish;
	const char *role;
	int64_t now = wall_now();
	bool changed = false;

	if (!epoch_is_none(d->refuse)) {
		w->refused = d->refuse;
		changed = true;
	}
	/* Voters that are taken away are new when they come back. */
	if (d->registered != w->registered &&
	    (d->registered || md->voters == NULL)) {
		w->registered = d->registered;
		changed = true;
	}
	if (d->lastprim != NULL && strcmp(w->lastprim, d->lastprim) != 0) {
		(void)snprintf(w->lastprim, sizeof(w->lastprim), "%s",
		    d->lastprim);
		changed = true;
	}
	if (w->order == OR_SWAP && mono_passed(mono_add_ms(md->order_since,
	    SWAP_BOUND_MS), md->v.now)) {
		events_add(JE_REFUSED, "moduled", "swap given up: not possible "
		    "for %d s", SWAP_BOUND_MS / 1000);
		w->order = OR_NONE;
		changed = true;
	}
	if (d->order_done && w->order != OR_NONE) {
		w->order = OR_NONE;
		w->fullsync = false;
		w->since_s = 0;
		changed = true;
	}
	/* For the one who looks after a power cut (newest.h). */
	if (md->v.peer.net == NET_UP && md->v.peer.has_blob &&
	    epoch_cmp(md->v.peer.epoch, w->peer_epoch) > 0) {
		w->peer_epoch = md->v.peer.epoch;
		changed = true;
	}
	/* From here on the store's record says it. */
	if (w->compare && (!md->rfs || (md->v.self.known &&
	    md->v.self.dirty_all))) {
		w->compare = false;
		changed = true;
	}
	if (is_in_step(md) && (now < w->in_step_s || now - w->in_step_s >=
	    in_step_period(md))) {
		w->in_step_s = now;
		changed = true;
	}
	role = d->quality != Q_READY || md->farm != NULL ? w->role :
	    md->m.state == ST_SECOND ? "second" : "prim";
	if (strcmp(w->role, role) != 0) {
		(void)snprintf(w->role, sizeof(w->role), "%s", role);
		changed = true;
	}
	if (changed && wish_save(w, md->name) != 0 &&
	    !epoch_is_none(d->refuse))
		w->refused = md->v.refused;	/* only durable words count */
}

/* With its newline.  Files of /proc say that they are empty. */
static const char *
boot_id(char buf[BOOT_ID_LEN])
{
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, buf, BOOT_ID_LEN - 1);

	if (fd != -1)
		(void)close(fd);	/* only read */
	if (n <= 0)
		return "unknown\n";
	buf[n] = '\0';
	return buf;
}

static void
save_state(struct moduled *md)
{
	char path[PATH_LEN], text[STATE_FILE_MAX], boot[BOOT_ID_LEN];
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof(text), "boot %s", boot_id(boot));
	if (!machine_save(text + n, sizeof(text) - n, &md->m))
		return;
	n += strlen(text + n);
	if (!scripts_save(md->scripts, text + n, sizeof(text) - n))
		return;
	n += strlen(text + n);
	(void)snprintf(text + n, sizeof(text) - n, "since at=%lld\n",
	    (long long)md->state_wall_s);
	if (!moduled_news(&md->said_file, text))
		return;
	if (statefile_write_volatile(path_run(path, "%s/state", md->name),
	    text, strlen(text), 0600) != 0)
		log_warn("%s", path);
}

/* The peer and the store of a mirror. */
static void
tell_siblings(struct moduled *md)
{
	struct decision *d = &md->dec;
	struct peer_facts blob;

	/* The peer first: an intent must be out before what it announces. */
	decide_blob(&md->m, &md->v, d, &blob);
	blob.refused = md->wish.refused;
	blob.since_s = md->state_wall_s;
	failover_publish(md, &blob);
	blob.maintain = md->wish.maintain;
	blob.released = md->wish.released;
	links_publish(md, &blob);
	if (d->want.role == SR_SECOND && md->wish.order == OR_SECOND)
		d->want.since_s = md->wish.since_s;
	/* The store first: a ballot is used only when it is durable. */
	d->want.fence = md->v.reg.fence;
	if (md->rfs)
		mirror_want(md, &d->want);
	else
		record_want(md, &d->want);
	if (md->conf.vip)
		links_vip(md, d->vip_own);
}

static void
carry_out(struct moduled *md)
{
	struct decision *d = &md->dec;

	save_state(md);
	hold_carry_out(md);
	if (md->farm != NULL)
		farm_want(md);
	else
		tell_siblings(md);
	links_probe(md, d->probe_id);
	evidence_want(md);
	/* After what is urgent, before the scripts that follow from it. */
	tell_steps(md);
	scripts_want(md->scripts, d->script_target, d->script_gate,
	    d->action);
	if (d->restart)
		(void)scripts_restart(md->scripts, md->farm->services);
}

/* stopstart comes round: stopped, and now start again. */
static bool
start_again(struct moduled *md)
{
	if (md->m.state != ST_STOP || !md->wish.again || md->wish.start)
		return false;
	md->wish.again = false;
	md->wish.start = true;
	/* The chain of `why' goes back to the last start: here is its cause. */
	events_add(JE_DECISION, "moduled", START_AGAIN " by %s%s%s%s",
	    md->wish.who,
	    md->wish.why[0] != '\0' ? " (" : "", md->wish.why,
	    md->wish.why[0] != '\0' ? ")" : "");
	(void)wish_save(&md->wish, md->name);	/* said there */
	return true;
}

static void
think_once(struct moduled *md)
{
	struct mono wake = { 0 };
	char epoch[EPOCH_LEN];
	int64_t ms;

	look(md, &wake);
	log_context(NULL, epoch_str(epoch, md->v.self.epoch));
	decide(&md->m, &md->v, &md->dec);
	md->v.late = false;
	if (mono_is_set(md->dec.wake))
		sooner(&wake, md->dec.wake);
	keep_wish(md);
	carry_out(md);
	voters_step(md, &wake);
	/* Level: the window closes, which is news for decide. */
	if (start_again(md) || (md->m.sync.open && !md->m.sync.kept &&
	    is_synced(md)))
		md->again = true;
	checks_look(md);
	failover_act(md);
	if (!mono_is_set(wake))
		loop_timer_cancel(md->wake);
	else {
		ms = mono_diff_ms(wake, mono_now());
		loop_timer_set(md->wake, ms < 0 ? 0 : ms + 1, 0);
	}
}

void
moduled_think(struct moduled *md)
{
	/*
	 * Without a memory of this boot the application may run all the
	 * same: nothing is started or stopped before mirrord has spoken.
	 */
	if (!md->started || md->unsure)
		return;
	md->again = true;
	if (md->thinking)
		return;
	md->thinking = true;
	while (md->again) {
		md->again = false;
		think_once(md);
	}
	status_show(md);
	md->thinking = false;
}

/* A restart of moduled is no new state. */
static void
read_since(struct moduled *md, const char *p)
{
	struct line l;
	const char *why;

	if (p != NULL && line_parse(&l, p + 1, strcspn(p + 1, "\n"),
	    &why) == 0 && strcmp(l.verb, "since") == 0)
		(void)line_get_num(&l, "at", 1, wall_now(), &md->state_wall_s);
}

/* The file of an earlier life in this boot; false: there is none. */
static bool
read_state(struct moduled *md)
{
	char path[PATH_LEN], id[BOOT_ID_LEN], *text, *p;
	const char *boot = boot_id(id);
	struct line l;
	const char *why;
	size_t len;
	bool good = false;

	text = statefile_read(path_run(path, "%s/state", md->name),
	    STATE_FILE_MAX, &len);
	p = text != NULL ? strchr(text, '\n') : NULL;
	if (p != NULL && strncmp(text, "boot ", 5) == 0 &&
	    strncmp(text + 5, boot, strlen(boot)) == 0) {
		p++;
		good = line_parse(&l, p, strcspn(p, "\n"), &why) == 0 &&
		    machine_restore(&md->m, &l);
		p = strchr(p, '\n');
		good = good && p != NULL && scripts_restore(md->scripts,
		    p + 1);
		if (good)
			read_since(md, strchr(p + 1, '\n'));
		if (!good) {
			log_warnx("%s: damaged: what runs is found out anew",
			    path);
			machine_init(&md->m);
			scripts_assume(md->scripts, ST_STOP);
		}
	}
	free(text);
	if (md->voters == NULL)
		machine_without_votes(&md->m);
	if (good && farm_is_lone(md) && md->m.state == ST_ALONE) {
		/* Of a release that had no other name for it. */
		md->m.state = ST_UP;
		scripts_assume(md->scripts, ST_UP);
	}
	return good;
}

void
moduled_take_up(struct moduled *md)
{
	md->state_wall_s = wall_now();
	if (read_state(md))
		log_info("taken up in %s", state_name(md->m.state));
	else
		md->unsure = md->rfs || (md->farm != NULL &&
		    !farm_is_lone(md));
	(void)snprintf(md->v.stoprole, sizeof(md->v.stoprole), "%s",
	    md->wish.role);
}
