/* SPDX-License-Identifier: ISC */
/*
 * The link to mirrord: its facts in, the wish out.  A wish is stated when it
 * changed and after each reconnect, never before mirrord told its facts.
 */
#include <stdio.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"

#include "events.h"
#include "moduled.h"

static void
mirror_up(struct ask *a, void *arg)
{
	struct moduled *md = arg;
	struct line_out o;

	line_begin(&o, "watch");
	(void)ask_send(a, &o, NULL, NULL);
	moduled_news(&md->said_want, "");
}

static void
mirror_down(struct ask *a, void *arg)
{
	struct moduled *md = arg;

	(void)a;
	md->v.self.known = false;
	moduled_think(md);
}

static void
show_resources(struct moduled *md, const struct self_facts *old)
{
	const struct self_facts *f = &md->v.self;
	bool full = false;

	moduled_resource(md, "rfs.uptodate", f->level ? "up" : "down",
	    NULL, "mirrord");
	moduled_resource(md, "rfs.disk", f->disk_down ? "down" : "up",
	    NULL, "mirrord");
	for (unsigned i = 0; i < f->disks.count; i++)
		full = full || disk_is_full(&f->disks.disk[i]);
	if (f->disks.count > 0)
		moduled_resource(md, "rfs.space", full ? "down" : "up",
		    NULL, "mirrord");
	if (f->code[0] != '\0' && (strcmp(f->code, old->code) != 0 ||
	    strcmp(f->error, old->error) != 0))
		events_add(JE_STORE, "mirrord", "%s: %s", f->code, f->error);
}

/* A comparison has ended.  What is told first is that of an earlier life. */
static void
show_verify(struct moduled *md, const struct self_facts *old)
{
	const struct self_facts *f = &md->v.self;

	if (strcmp(f->verify, old->verify) == 0 || old->verify[0] == '\0')
		return;
	if (strcmp(f->verify, "running") == 0)
		events_add(JE_PRINT_INFO, "mirrord", "verify: begins");
	else if (strcmp(f->verify, "repaired") == 0)
		events_add(JE_PRINT_INFO, "mirrord", "verify: what differed "
		    "is brought back by a resync");
	else
		events_add(strcmp(f->verify, "clean") == 0 ? JE_PRINT_INFO :
		    JE_STORE, "mirrord", "verify: %s%s%s, %lld "
		    "differences in %lld objects", f->verify,
		    f->verify_why[0] != '\0' ? ": " : "", f->verify_why,
		    (long long)f->verify_differences,
		    (long long)f->verify_objects);
}

static void
show_resync(struct moduled *md)
{
	char text[FACT_TEXT];

	if (resync_story(&md->resync, &md->v.self, mono_now(), text,
	    sizeof(text)))
		events_add(JE_PRINT_INFO, "mirrord", "%s", text);
}

/* Nothing of an earlier life is known, but the data is mounted here. */
static void
adopt_mount(struct moduled *md)
{
	struct self_facts *f = &md->v.self;

	if (md->m.state != ST_STOP || !f->mounted || f->role != SR_PRIM)
		return;
	md->m.state = f->alone ? ST_ALONE : ST_PRIM;
	md->m.epoch = f->epoch;
	md->m.member = md->m.joined = !f->alone;
	/* An earlier life may have asked the voters for anything. */
	md->m.asking = md->m.doubt = md->voters != NULL &&
	    epoch_cmp(f->fence, f->epoch) > 0;
	md->wish.start = true;
	scripts_assume(md->scripts, md->m.state);
	events_add(JE_ADOPTED, "moduled", "the data was found mounted in %s: "
	    "taken as running", state_name(md->m.state));
}

static void
mirror_event(struct ask *a, const struct line *l, void *arg)
{
	struct moduled *md = arg;
	struct self_facts old = md->v.self;
	const char *why;

	(void)a;
	if (strcmp(l->verb, "fact") != 0)
		return;
	if (self_parse(&md->v.self, l, &why) != 0) {
		log_warnx("fact of mirrord: %s", why);
		return;
	}
	if (md->unsure)
		adopt_mount(md);
	md->unsure = false;
	md->has_facts = true;
	show_resources(md, &old);
	show_verify(md, &old);
	show_resync(md);
	moduled_think(md);
}

void
mirror_open(struct moduled *md)
{
	static const struct ask_calls calls = { mirror_up, mirror_down,
	    mirror_event };
	static char path[PATH_LEN];

	md->mirror = ask_new(md->d->loop, path_socket(path, md->name,
	    "mirrord"), &calls, md);
}

void
mirror_want(struct moduled *md, const struct want *w)
{
	struct line_out o;
	char text[EPOCH_LEN];

	if (!w->valid || !ask_is_up(md->mirror))
		return;
	line_begin(&o, "want");
	line_add(&o, "role", store_role_name(w->role));
	line_add(&o, "epoch", epoch_str(text, w->epoch));
	line_add(&o, "set", w->both ? "both" : "self");
	line_add_num(&o, "lease", w->lease);
	if (!epoch_is_none(w->fence))
		line_add(&o, "fence", epoch_str(text, w->fence));
	if (w->role == SR_SECOND)
		line_add(&o, "primary", md->conf.peer);
	if (w->fullsync)
		line_add_num(&o, "fullsync", 1);
	if (w->since_s > 0)
		line_add_num(&o, "since", w->since_s);
	if (w->handed)
		line_add(&o, "handed", md->conf.peer);
	if (w->fresh)
		line_add_num(&o, "fresh", 1);
	if (w->notlevel)
		line_add_num(&o, "notlevel", 1);
	if (w->force)
		line_add_num(&o, "force", 1);
	if (w->compare)
		line_add_num(&o, "compare", 1);
	o.text[o.len] = '\0';
	/* fence and epoch of a role that takes none are no news. */
	if (moduled_news(&md->said_want, o.text))
		(void)ask_send(md->mirror, &o, wish_answered,
		    (void *)(uintptr_t)"mirrord");
}
