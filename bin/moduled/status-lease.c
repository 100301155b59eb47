/* SPDX-License-Identifier: ISC */
/*
 * The lines of the status about the voters: who they are, who answers, what
 * their register says, and whether this node's lease runs.
 */
#include "status-int.h"

#include <stdio.h>
#include <string.h>

#include "evidence.h"
#include "moduled.h"

static void
put_names(struct line_out *o, const struct moduled *md)
{
	const struct reg_value *p = &md->v.reg.present;
	char names[FACT_TEXT] = "";
	unsigned i, n = p->voter_count != 0 ? p->voter_count :
	    cfg_size(md->d->conf, "voter");
	size_t len = 0;

	for (i = 0; i < n && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
		    "%s%s", i > 0 ? "," : "", p->voter_count != 0 ?
		    p->voter[i].name :
		    cfg_title(cfg_getnsec(md->d->conf, "voter", i)));
	line_add(o, "voters", names);
}

static const char *
node_name(const struct moduled *md, uint8_t id)
{
	return id == 0 ? "" : id == md->conf.node_id ? md->conf.node :
	    md->conf.peer;
}

static void
put_register(struct line_out *o, const struct moduled *md)
{
	const struct reg_value *p = &md->v.reg.present;
	char epoch[EPOCH_LEN], members[2 * FACT_NAME] = "";
	unsigned i;
	size_t len = 0;

	for (i = 0; i < p->member_count && len < sizeof(members); i++)
		len += (size_t)snprintf(members + len, sizeof(members) - len,
		    "%s%s", i > 0 ? "," : "",
		    node_name(md, p->member[i].node));
	line_add(o, "epoch", epoch_str(epoch, p->epoch));
	line_add(o, "primary", node_name(md, p->primary));
	line_add(o, "members", members);
	line_add_num(o, "known", md->v.reg.known);
	line_add_num(o, "chosen", md->v.reg.chosen);
	line_add_num(o, "answering", md->v.reg.answering);
	line_add(o, "missing", md->v.reg.missing);
}

void
status_lease(struct moduled *md, struct status_out *t, bool live)
{
	static const char *const uses[] = { [LU_NONE] = "none",
	    [LU_RUNS] = "runs", [LU_OVER] = "over" };
	const struct decision *d = &md->dec;
	int64_t left_ms = d->lease == LU_RUNS ?
	    mono_diff_ms(d->lease_until, mono_now()) : 0;
	struct line_out o;

	if (md->farm != NULL)
		return;
	status_begin(&o, "lease");
	line_add(&o, "mode", status_mode(md));
	line_add(&o, "state", uses[d->lease]);
	if (live) {
		line_add_num(&o, "until_ms", left_ms > 0 ? left_ms : 0);
		line_add_num(&o, "until_s", (left_ms + 999) / 1000);
	}
	if (md->voters == NULL)
		line_add_num(&o, "voters", 0);
	else {
		put_names(&o, md);
		put_register(&o, md);
	}
	status_put(t, &o);
}

const char *
status_mode(const struct moduled *md)
{
	return md->farm != NULL ? "none" : md->voters == NULL ?
	    "heartbeats-only" : "register";
}

/* Not all of them answer: what that means for who is what now. */
static void
warn_missing(struct moduled *md, struct status_out *t)
{
	const struct reg_view *r = &md->v.reg;
	bool serves = md->m.state == ST_ALONE || md->m.state == ST_PRIM;
	bool majority = r->answering * 2 > r->voters;
	char text[FACT_TEXT * 2];

	if (r->voters == 0 || r->answering == r->voters)
		return;
	(void)snprintf(text, sizeof(text), "%u of %u voters answer%s%s%s",
	    r->answering, r->voters, r->missing[0] != '\0' ? ": " : "",
	    r->missing, majority ? "; one more silent, and nobody may take "
	    "over" : !serves ? "" : md->m.state == ST_ALONE ?
	    ": it goes on, but no secondary can join and nobody may take "
	    "over" : ": if the other node falls silent, too, this one stops "
	    "serving");
	status_warning(t, majority ? "voter-silent" : "voters-silent", text,
	    "holdfast cluster witness list");
}

void
status_lease_warnings(struct moduled *md, struct status_out *t)
{
	char text[FACT_TEXT * 2];

	if (md->conf.peer[0] == '\0' || md->farm != NULL ||
	    md->m.state == ST_STOP)
		return;
	if (md->voters == NULL) {
		if (!evidence_is_there(md))
			status_warning(t, "heartbeats-only", "no third voter: "
			    "after a split of all networks both nodes may "
			    "run until they meet", "holdfast help witness");
		evidence_status(md, t);
		return;
	}
	warn_missing(md, t);
	if (md->v.reg.odd[0] != '\0')
		status_warning(t, "voter-odd", md->v.reg.odd, md->v.reg.etcd ?
		    "holdfast cluster witness replace etcd" :
		    "holdfast cluster witness list");
	if ((md->m.state == ST_ALONE || md->m.state == ST_PRIM) &&
	    md->v.reg.result == RR_REFUSED) {
		(void)snprintf(text, sizeof(text), "the voters refuse what "
		    "this primary asks, so no secondary can join: %s",
		    md->v.reg.why);
		status_warning(t, "vote-refused", text, "see "
		    "holdfast-troubleshooting(7)");
	}
	if (!md->wish.registered && md->v.reg.known)
		status_warning(t, "voters-new", "the voters know nothing of "
		    "this module yet: until then it runs as without them",
		    "");
}
