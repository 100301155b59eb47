/* SPDX-License-Identifier: ISC */
/*
 * The durable file of record.h: .../M/record.
 */
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"

#include "moduled.h"

static void
read_record(struct moduled *md)
{
	struct self_facts *f = &md->v.self;
	char path[PATH_LEN], *text;
	struct line l;
	const char *why = "it cannot be read";
	size_t len;

	text = statefile_read(path_state(path, "%s/record", md->name),
	    LINE_MAX_LEN, &len);
	if (text == NULL && errno == ENOENT) {
		f->is_new = true;
		return;
	}
	if (text == NULL || line_parse(&l, text, strcspn(text, "\n"),
	    &why) != 0 || self_parse(f, &l, &why) != 0) {
		/* Not level: the peer or the operator must say. */
		memset(f, 0, sizeof(*f));
		log_warnx("%s: damaged: %s: not level", path, why);
	}
	free(text);
}

static int
write_record(struct moduled *md, const struct self_facts *f)
{
	char path[PATH_LEN], text[EPOCH_LEN];
	struct line_out o;

	line_begin(&o, "record");
	line_add(&o, "epoch", epoch_str(text, f->epoch));
	line_add(&o, "fence", epoch_str(text, f->fence));
	line_add_num(&o, "level", f->level);
	line_add_num(&o, "alone", f->alone);
	line_add_num(&o, "new", f->is_new);
	line_add(&o, "handed", f->handed);
	line_add(&o, "handed_epoch", epoch_str(text, f->handed_epoch));
	if (!line_end(&o))
		return -1;
	return statefile_write(path_state(path, "%s/record", md->name),
	    o.text, o.len, 0600);
}

void
record_open(struct moduled *md)
{
	read_record(md);
	md->v.self.known = md->has_facts = true;
	/* No mount to tell it: the memory of this boot does. */
	if (md->m.state == ST_ALONE || md->m.state == ST_PRIM) {
		md->v.self.role = SR_PRIM;
		md->v.self.mounted = true;
		md->v.self.joined = md->m.joined;
	}
}

void
record_want(struct moduled *md, const struct want *w)
{
	struct self_facts f = md->v.self;
	bool durable = record_step(&f, w, &md->v.peer, md->conf.peer);

	if (memcmp(&f, &md->v.self, sizeof(f)) == 0)
		return;
	if (durable && write_record(md, &f) != 0) {
		log_warn("%s: record", md->name);
		return;		/* not so before it is durable */
	}
	md->v.self = f;
	md->again = true;
}
