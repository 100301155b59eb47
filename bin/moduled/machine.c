/* SPDX-License-Identifier: ISC */
/*
 * The memory of decide as one line, for the file under /run that a restarted
 * moduled takes up from.  Times are kept as they are: the clock is that of
 * the boot, and a file of another boot is not used.  Pure.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"

#define BOOLS(X)							\
	X(promoting) X(fresh) X(force) X(member) X(joined) X(hand)	\
	X(handing) X(fenced) X(swap) X(mark) X(r24)	\
	X(relisten) X(tried_default) X(seen_level) X(lost)		\
	X(traffic) X(sick) X(restart)					\
	X(joining) X(asking) X(doubt) X(bid) X(frozen) X(sealed)	\
	X(power_failed) X(power_waived) X(pinged)

#define TIMES(X)							\
	X(wait_since) X(leave_since) X(r24_since) X(left_since)		\
	X(unlinked_since) X(nolink_since) X(frozen_since)		\
	X(start_since) X(power_since) X(power_retry) X(power_off_since)	\
	X(refused_since) X(young_since)

bool
machine_save(char *buf, size_t size, const struct machine *m)
{
	struct line_out o;
	char text[EPOCH_LEN];

	line_begin(&o, "machine");
	line_add(&o, "state", state_name(m->state));
	line_add(&o, "epoch", epoch_str(text, m->epoch));
	line_add_num(&o, "leave", m->leave);
	line_add(&o, "block", reason_row(m->block)->code);
	line_add(&o, "block_text", m->block_text);
#define X(f) line_add_num(&o, #f, m->f);
	BOOLS(X)
#undef X
#define X(f) line_add_num(&o, #f, m->f.ns);
	TIMES(X)
#undef X
	line_add_num(&o, "sync_open", m->sync.open);
	line_add_num(&o, "sync_kept", m->sync.kept);
	line_add_num(&o, "flap_until", m->flap.until.ns);
	line_add_num(&o, "flap_holds", m->flap.holds);
	for (unsigned i = 0; i <= FLAP_FREE; i++)
		line_add_num(&o, "flap_left", m->flap.left[i].ns);
	if (!line_end(&o) || o.len >= size)
		return false;
	memcpy(buf, o.text, o.len + 1);
	return true;
}

static void
flap_restore(struct flap *f, const struct line *l)
{
	const char *v;
	unsigned pos = 0;
	int64_t n;

	if (line_get_num(l, "flap_until", 0, INT64_MAX, &n))
		f->until.ns = n;
	if (line_get_num(l, "flap_holds", 0, 1000, &n))
		f->holds = (unsigned)n;
	for (unsigned i = 0; i <= FLAP_FREE &&
	    (v = line_next(l, "flap_left", &pos)) != NULL; i++)
		f->left[i].ns = strtoll(v, NULL, 10);
}

bool
machine_restore(struct machine *m, const struct line *l)
{
	const char *code = line_get(l, "block");
	const char *text = line_get(l, "block_text");
	const char *epoch = line_get(l, "epoch");
	int64_t n;

	machine_init(m);
	m->state = state_parse(line_get(l, "state"));
	if (m->state == ST_COUNT || epoch == NULL || code == NULL ||
	    epoch_parse(&m->epoch, epoch) != 0 ||
	    !line_get_num(l, "leave", 0, LV_COUNT - 1, &n)) {
		machine_init(m);
		return false;
	}
	m->leave = (enum leave)n;
	m->block = strcmp(code, "none") == 0 ? RS_NONE :
	    reason_of_code(code);
	(void)snprintf(m->block_text, sizeof(m->block_text), "%s",
	    text == NULL ? "" : text);
#define X(f) m->f = line_get_bool(l, #f);
	BOOLS(X)
#undef X
#define X(f) if (line_get_num(l, #f, 0, INT64_MAX, &n)) m->f.ns = n;
	TIMES(X)
#undef X
	m->sync.open = line_get_bool(l, "sync_open");
	m->sync.kept = line_get_bool(l, "sync_kept");
	/* Of a proposal of that life this one does not know the outcome. */
	m->doubt = m->doubt || m->asking;
	flap_restore(&m->flap, l);
	return true;
}

void
machine_without_votes(struct machine *m)
{
	m->joining = m->asking = m->doubt = m->bid = m->probed_early = false;
	m->frozen = m->sealed = false;
	m->frozen_since = (struct mono){ 0 };
}
