/* SPDX-License-Identifier: ISC */
/*
 * The words of standing.h.  A word is answered when it is durable here; the
 * peer hears it with the next blob and stores it too.
 */
#include "standing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"

#include "events.h"
#include "farm.h"
#include "moduled.h"

/* Wall time may be set meanwhile: looked at so often at least. */
#define LOOK_MS		30000

static struct moduled *
md_of(void *arg)
{
	return ((struct daemon *)arg)->state;
}

static bool
released(const struct moduled *md)
{
	return notice_holds(&md->wish.released, wall_now());
}

/* --- the node ------------------------------------------------------------ */

void
standing_read_node(struct moduled *md)
{
	char path[PATH_LEN], *text;
	struct line l;
	const char *why;
	size_t len;

	md->v.standby = md->v.standby_now = false;
	text = statefile_read(path_state(path, "node.standby"), LINE_MAX_LEN,
	    &len);
	if (text == NULL) {
		/* One that cannot be read may be there: stay out. */
		if (errno == ENOENT)
			return;
		log_warn("%s: taken as on standby", path);
		md->v.standby = true;
		return;
	}
	md->v.standby = true;
	if (line_parse(&l, text, strcspn(text, "\n"), &why) == 0)
		md->v.standby_now = line_get_bool(&l, "now");
	else
		log_warnx("%s: damaged: %s: taken as on standby", path, why);
	free(text);
}

/* --- what both nodes keep ------------------------------------------------ */

static void
tell_maintain(struct moduled *md)
{
	const struct notice *t = &md->wish.maintain;
	char until[CLOCK_WALL_LEN];

	status_wall(until, t->until);
	if (t->until == 0)
		events_add(JE_ACTION, "moduled", "Maintenance ended by %s on "
		    "%s%s%s", t->who, t->node,
		    t->why[0] != '\0' ? ": " : "", t->why);
	else
		events_add(JE_ACTION, "moduled", "Maintenance until %s by %s "
		    "on %s%s%s: no automatic action, no takeover", until,
		    t->who, t->node, t->why[0] != '\0' ? ": " : "", t->why);
}

static void
tell_released(struct moduled *md)
{
	const struct notice *t = &md->wish.released;

	events_add(JE_ACTION, "moduled", "%s by %s on %s%s%s", t->until == 0 ?
	    "Release ended" : "Released", t->who, t->node,
	    t->why[0] != '\0' ? ": " : "", t->why);
}

/*
 * A release is only said on the primary, or where there is none.  Who serves
 * and hears of one took over from a node that was cut off: the word is void.
 */
static bool
hear_release(struct moduled *md)
{
	bool serves = md->m.promoting || md->m.state == ST_ALONE ||
	    md->m.state == ST_PRIM;
	struct wish *w = &md->wish;
	bool here = released(md) && strcmp(w->released.node,
	    md->conf.node) == 0;

	if (!notice_merge(&w->released, &md->peer.released))
		return false;
	/*
	 * Ended over there, while somebody may be writing here by hand: this
	 * node would follow and overwrite that.  Not without an order.
	 */
	if (here && !released(md)) {
		w->start = w->again = w->resume = false;
		w->voided = true;
	}
	if (serves && released(md))
		notice_say(&w->released, md->conf.node, wall_now(), 0,
		    "moduled", "this node serves, in a later epoch");
	/* Both directories were open to everybody meanwhile. */
	if (!released(md))
		w->compare = true;
	return true;
}

/* What the peer has heard later than this node. */
static void
hear(struct moduled *md)
{
	bool m = notice_merge(&md->wish.maintain, &md->peer.maintain);
	bool r = hear_release(md);

	if (!m && !r)
		return;
	(void)wish_save(&md->wish, md->name);	/* said there */
	if (m)
		tell_maintain(md);
	if (r)
		tell_released(md);
}

static void
sooner(struct mono *wake, struct mono t)
{
	if (!mono_is_set(*wake) || mono_diff_ns(t, *wake) < 0)
		*wake = t;
}

void
standing_look(struct moduled *md, struct mono *wake)
{
	int64_t now = wall_now(), ms;
	bool was = md->v.maintain;

	if (md->peer.has_blob)
		hear(md);
	md->v.released = notice_holds(&md->wish.released, now);
	md->v.maintain = notice_holds(&md->wish.maintain, now);
	if (md->v.maintain) {
		ms = (md->wish.maintain.until - now) * 1000;
		sooner(wake, mono_add_ms(md->v.now, ms < LOOK_MS ? ms :
		    LOOK_MS));
	} else if (was && md->wish.maintain.until != 0)
		events_add(JE_MAINTENANCE_END, "moduled",
		    "Maintenance is over");
}

bool
standing_suspends(const struct moduled *md)
{
	/* What a checker sees of an application that stands still (L9) is no
	 * failure of it. */
	return md->v.maintain || md->m.frozen || (md->v.self.known &&
	    md->v.self.held_ms > 0);
}

void
standing_take_left(struct moduled *md)
{
	char path[PATH_LEN], *text;
	struct line l;
	const char *why, *who;
	int64_t at = wall_now();
	size_t len;

	text = statefile_read(path_state(path, "%s/release", md->name),
	    LINE_MAX_LEN, &len);
	if (text == NULL) {
		if (errno != ENOENT)
			log_warn("%s", path);
		return;
	}
	who = why = NULL;
	if (line_parse(&l, text, strcspn(text, "\n"), &why) == 0) {
		(void)line_get_num(&l, "at", 0, INT64_MAX, &at);
		who = line_get(&l, "who");
		why = line_get(&l, "why");
	} else
		log_warnx("%s: damaged: taken as released", path);
	notice_say(&md->wish.released, md->conf.node, at, NOTICE_FOR_EVER,
	    who != NULL ? who : "operator", who != NULL && why != NULL ? why :
	    "");
	free(text);
	if (wish_save(&md->wish, md->name) != 0)
		return;		/* said there; the file is found again */
	tell_released(md);
	if (unlink(path) == -1)
		log_warn("%s", path);
}

/* --- actions against them ------------------------------------------------ */

static bool
is_one_of(const char *verb, const char *const *verbs)
{
	for (; *verbs != NULL; verbs++)
		if (strcmp(verb, *verbs) == 0)
			return true;
	return false;
}

static bool
is_prim(const char *verb)
{
	return strncmp(verb, "prim", 4) == 0;
}

/* Back under Holdfast: nobody knows what was changed, so all is compared. */
static const char *
end_release(struct moduled *md, const char *who, const char *yes,
    char *text, size_t size)
{
	struct wish old = md->wish;

	if (yes == NULL || strcmp(yes, md->name) != 0) {
		(void)snprintf(text, size, "%s was released and may have been "
		    "changed by hand; stop the application that was started "
		    "by hand first.  All files are compared then, and "
		    "those of %s overwritten with what is here", md->name,
		    md->conf.peer[0] != '\0' ? md->conf.peer :
		    "no other node");
		return "confirm";
	}
	notice_say(&md->wish.released, md->conf.node, wall_now(), 0, who, "");
	md->wish.compare = true;
	if (wish_save(&md->wish, md->name) != 0) {
		(void)snprintf(text, size, "the wish cannot be stored: %s",
		    strerror(errno));
		md->wish = old;
		return "disk";
	}
	md->v.released = false;
	tell_released(md);
	return NULL;
}

/* What was written by hand here is lost when this node follows. */
static const char *
end_void(struct moduled *md, const char *yes, char *text, size_t size)
{
	if (yes == NULL || strcmp(yes, md->name) != 0) {
		(void)snprintf(text, size, "%s ended the release of %s: what "
		    "was changed here by hand since is overwritten with the "
		    "data of %s.  Save it first, and stop what was started "
		    "by hand", md->conf.peer, md->name, md->conf.peer);
		return "confirm";
	}
	md->wish.voided = false;
	return NULL;
}

const char *
standing_refuses(struct moduled *md, const char *verb, const char *who,
    const char *yes, char *text, size_t size)
{
	static const char *const roles[] = { "start", "stopstart", "second",
	    "prim", "primforce", NULL };
	static const char *const all[] = { "start", "stopstart", "second",
	    "restart", "swap", NULL };
	bool here = strcmp(md->wish.released.node, md->conf.node) == 0;

	if (md->v.standby && is_one_of(verb, roles)) {
		(void)snprintf(text, size, "%s is on standby and takes no "
		    "role: `holdfast node active' first", md->conf.node);
		return "badstate";
	}
	if (md->wish.voided && is_one_of(verb, roles))
		return end_void(md, yes, text, size);
	if (!released(md) || (!is_prim(verb) && !is_one_of(verb, all)))
		return NULL;
	/* There, `prim' asks what it costs itself. */
	if (is_prim(verb) && !here)
		return NULL;
	if (is_prim(verb) || (here && strcmp(verb, "start") == 0))
		return end_release(md, who, yes, text, size);
	(void)snprintf(text, size, "%s is released on %s: `holdfast start %s' "
	    "there ends that", md->name, md->wish.released.node, md->name);
	return "badstate";
}

void
standing_prim_given(struct moduled *md, const char *who)
{
	if (!released(md))
		return;
	notice_say(&md->wish.released, md->conf.node, wall_now(), 0, who, "");
	md->wish.compare = true;
	md->v.released = false;
	tell_released(md);
}

bool
standing_is_risky(const struct moduled *md)
{
	return md->v.released &&
	    strcmp(md->wish.released.node, md->conf.node) != 0;
}

/* --- verbs --------------------------------------------------------------- */

static const char *
word(const struct line *l, const char *key, const char *none)
{
	const char *v = line_get(l, key);

	return v != NULL ? v : none;
}

static void
keep(struct moduled *md, struct client *c, const struct wish *old,
    void (*tell)(struct moduled *md))
{
	if (wish_save(&md->wish, md->name) != 0) {
		serve_err(c, "disk", "it cannot be stored: %s",
		    strerror(errno));
		md->wish = *old;
		return;
	}
	tell(md);
	serve_ok(c);
	moduled_think(md);
}

void
standing_on_maintain(struct client *c, const struct line *l, void *arg)
{
	struct moduled *md = md_of(arg);
	struct wish old = md->wish;
	int64_t s = 0, now = wall_now();

	if (!line_get_num(l, "for_s", 0, NOTICE_MAX_S, &s)) {
		serve_err(c, "usage", "for_s is a number of seconds, at most "
		    "%d, 0 ends the maintenance", NOTICE_MAX_S);
		return;
	}
	if (s == 0 && !notice_holds(&md->wish.maintain, now)) {
		serve_ok(c);	/* there is none: done */
		return;
	}
	notice_say(&md->wish.maintain, md->conf.node, now, s == 0 ? 0 :
	    now + s, word(l, "who", "operator"), word(l, "why", ""));
	keep(md, c, &old, tell_maintain);
}

/* Is this the node whose data is to be used by hand? */
static const char *
may_release(const struct moduled *md, const char *yes, char *text,
    size_t size)
{
	bool serves = md->m.state == ST_ALONE || md->m.state == ST_PRIM;
	bool risk = false;

	/* Cut off it cannot know whether it still is the primary. */
	if (serves && md->m.member && md->v.peer.net != NET_UP)
		risk = true;
	if (!serves && md->v.peer.net == NET_UP && md->v.peer.has_blob &&
	    md->v.peer.role == SR_PRIM) {
		(void)snprintf(text, size, "%s is primary: release it there, "
		    "or `holdfast swap %s' first", md->conf.peer, md->name);
		return "notprim";
	}
	if (!serves)
		(void)decide_may_prim(&md->m, &md->v, true, &risk);
	if (!risk || (yes != NULL && strcmp(yes, md->name) == 0))
		return NULL;
	(void)snprintf(text, size, "the data here may be older than that of "
	    "%s%s", md->conf.peer, md->v.self.resyncing ?
	    ", or half copied" : "");
	return "confirm";
}

void
standing_on_release(struct client *c, const struct line *l, void *arg)
{
	struct moduled *md = md_of(arg);
	struct wish old = md->wish;
	char text[FACT_TEXT];
	const char *code;

	if ((code = farm_refuses(md, "release", text, sizeof(text))) != NULL) {
		serve_err(c, code, "%s", text);
		return;
	}
	if (released(md)) {
		if (strcmp(md->wish.released.node, md->conf.node) == 0)
			serve_ok(c);
		else
			serve_err(c, "badstate", "%s is released on %s "
			    "already", md->name, md->wish.released.node);
		return;
	}
	code = may_release(md, line_get(l, "yes"), text, sizeof(text));
	if (code != NULL) {
		serve_err(c, code, "%s", text);
		return;
	}
	notice_say(&md->wish.released, md->conf.node, wall_now(),
	    NOTICE_FOR_EVER, word(l, "who", "operator"), word(l, "why", ""));
	md->wish.order = OR_NONE;
	keep(md, c, &old, tell_released);
}

/* The node's file has changed; it is holdfast(8)'s. */
void
standing_on_standby(struct client *c, const struct line *l, void *arg)
{
	struct moduled *md = md_of(arg);
	bool was = md->v.standby;

	standing_read_node(md);
	if (was != md->v.standby)
		events_add(JE_ACTION, "moduled", "Node %s is %s, by %s%s%s",
		    md->conf.node, md->v.standby ? "on standby" : "active",
		    word(l, "who", "operator"), line_get(l, "why") != NULL ?
		    ": " : "", word(l, "why", ""));
	serve_ok(c);
	moduled_think(md);
}
