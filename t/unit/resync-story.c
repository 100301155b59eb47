/* SPDX-License-Identifier: ISC */
/* What is told of a resync, and when. */
#include <string.h>

#include "tap.h"

#include "../../bin/moduled/resync-story.h"

static struct resync_story story;
static struct self_facts facts;
static struct mono now = { 1000000000 };
static char text[200];

static const char *
tell(const char *phase, int64_t done, int64_t ms)
{
	now = mono_add_ms(now, ms);
	strcpy(facts.phase, phase);
	facts.done_bytes = done;
	text[0] = '\0';
	(void)resync_story(&story, &facts, now, text, sizeof(text));
	return text;
}

int
main(void)
{
	facts.role = SR_PRIM;
	is_str(tell("none", 0, 0), "", "nothing runs");
	is_str(tell("handshake", 0, 10), "", "nothing is copied yet");
	is_str(tell("incremental", 0, 10),
	    "resync: begins: what changed while apart is copied", "begins");
	is_str(tell("incremental", 1 << 20, 59000), "", "not each second");
	facts.total_bytes = 3 << 20;
	facts.eta_s = 130;
	is_str(tell("incremental", 1 << 20, 1000),
	    "resync: 1.0 MiB of 3.0 MiB, about 130 s left", "each minute");
	is_str(tell("incremental", 2 << 20, 100), "", "and then not");
	is_str(tell("strict", 3 << 20, 60000), "", "the end is near");
	facts.joined = true;
	is_str(tell("none", 0, 900), "resync: both nodes hold the same, "
	    "after 121 s; 3.0 MiB were compared or copied", "the end");
	is_str(tell("none", 0, 900), "", "once");

	facts.role = SR_SECOND;
	facts.joined = false;
	facts.total_bytes = facts.eta_s = 0;
	is_str(tell("full", 100, 0), "resync: begins: every object is "
	    "compared", "of a secondary");
	is_str(tell("full", 512, 60000), "resync: 512 B", "without a total");
	is_str(tell("none", 0, 400), "resync: broken off after 60 s; it "
	    "begins again when the nodes meet", "cut short");
	(void)tell("actlog", 0, 0);
	facts.level = true;
	is_str(tell("strict", 0, 400), "resync: both nodes hold the same, "
	    "after 0 s; 0 B were compared or copied", "in step");
	is_str(tell("strict", 0, 400), "", "once");
	return tap_done();
}
