/* SPDX-License-Identifier: ISC */
/* Facts and blobs: text in, struct out, and what is refused. */
#include <string.h>

#include "tap.h"

#include "../../bin/moduled/decide.h"

static const char *why;

static bool
take(struct self_facts *f, const char *text)
{
	struct line l;

	return line_parse(&l, text, strlen(text), &why) == 0 &&
	    self_parse(f, &l, &why) == 0;
}

static void
self(void)
{
	struct self_facts f = { 0 };

	ok(take(&f, "fact role=prim mounted=1 epoch=0.7.1 fence=0.7.1 "
	    "level=1 alone=0 new=0 link=up stall_ms=120 handed=n2 "
	    "handed_epoch=0.8.2 disk=up code=holders error=\"pid 7\" later=1"),
	    "a fact with an unknown key");
	ok(f.known && f.role == SR_PRIM && f.mounted && f.level && !f.alone,
	    "role and flags");
	is_num(f.epoch.n, 7, "epoch");
	is_num(f.handed_epoch.node, 2, "handed to node 2");
	is_num(f.stall_ms, 120, "stall");
	is_str(f.error, "pid 7", "error");
	ok(take(&f, "fact level=0") && f.mounted && !f.level,
	    "what is not said stays");
	ok(!take(&f, "fact level=1 epoch=seven") && !f.level,
	    "a bad epoch: nothing is taken");
	ok(!take(&f, "fact role=king"), "an unknown role");
}

static void
blob(void)
{
	struct peer_facts f = { .state = ST_SECOND, .quality = Q_READY,
	    .intent = IN_SWAP, .role = SR_SECOND, .level = true,
	    .durable = true, .wish_start = true, .since_s = 1234 };
	struct peer_facts g = { .net = NET_UP, .loss = true };
	char text[2048], small[20];

	f.epoch.n = 4;
	f.fence.n = 5;
	f.refused.n = 3;
	strcpy(f.lastprim, "n1");
	strcpy(f.reason, "copying");
	f.res_count = 1;
	strcpy(f.res[0].name, "custom.lag");
	strcpy(f.res[0].value, "down");
	f.standby = true;
	notice_say(&f.maintain, "n1", 10, 20, "root", "w");
	ok(blob_format(text, sizeof(text), &f), "a blob");
	ok(strchr(text, '\n') == NULL, "is one line without its end");
	is_num(blob_parse(&g, text, &why), 0, "read back");
	ok(g.net == NET_UP && g.loss, "what the network said stays");
	is_num(g.res_count, 1, "a resource that the other node asks");
	is_str(g.res[0].name, "custom.lag", "its name");
	is_str(g.res[0].value, "down", "its value");
	ok(g.has_blob && g.state == ST_SECOND && g.quality == Q_READY &&
	    g.intent == IN_SWAP && g.role == SR_SECOND && g.level &&
	    g.durable && g.wish_start && !g.alone && !g.is_new, "words");
	ok(g.epoch.n == 4 && g.fence.n == 5 && g.refused.n == 3, "epochs");
	is_str(g.lastprim, "n1", "lastprim");
	is_str(g.reason, "copying", "reason");
	is_num(g.since_s, 1234, "since");
	ok(g.standby && g.maintain.n == 1 && g.maintain.until == 20 &&
	    g.released.n == 0, "words of the operator");
	ok(!blob_format(small, sizeof(small), &f), "too small a buffer");
	g.level = false;
	is_num(blob_parse(&g, "facts state=SECOND role=second epoch=x", &why),
	    -1, "a bad epoch");
	ok(!g.level, "and nothing was taken");
	is_num(blob_parse(&g, "facts state=KING role=prim", &why), -1,
	    "a bad state");
	is_num(blob_parse(&g, "state=WAIT", &why), -1, "no verb");
	is_num(blob_parse(&g, "", &why), -1, "nothing");
	is_num(blob_parse(&g, "facts state=WAIT role=wait intent=later",
	    &why), 0, "an intent of a later version");
	is_num(g.intent, IN_NONE, "binds nobody");
}

static void
reasons(void)
{
	struct reason_args a = { .module = "m", .node = "n1", .peer = "n2",
	    .addresses = "10.0.0.1", .detail = " (epoch 7)" };
	char text[256], tiny[8];
	int i, j, twice = 0;

	for (i = 0; i < RS_COUNT; i++) {
		ok(reason_row((enum reason)i)->code != NULL, "reason %d", i);
		for (j = 0; j < i; j++)
			if (strcmp(reason_row((enum reason)i)->code,
			    reason_row((enum reason)j)->code) == 0)
				twice++;
	}
	is_num(twice, 0, "no code twice");
	is_num(reason_of_code("holders"), RS_HOLDERS, "a code of mirrord");
	is_num(reason_of_code("directory"), RS_DIRECTORY, "another");
	is_num(reason_of_code("not-level"), RS_STALE, "one of another name");
	is_num(reason_of_code("what"), RS_MIRRORD_ERROR, "an unknown one");
	is_str(reason_text(text, sizeof(text),
	    reason_row(RS_STALE)->text, &a), "n2 has newer data (epoch 7)",
	    "text with its values");
	is_str(reason_text(tiny, sizeof(tiny), "{peer}{peer}{peer}{peer}",
	    &a), "n2n2n2n", "cut, not overrun");
	is_str(reason_text(text, sizeof(text), "{what} {", &a), "{what} {",
	    "an unknown name stays");
}

static void
memory(void)
{
	struct machine m, n;
	struct line l;
	char text[4096];

	machine_init(&m);
	m.state = ST_PRIM;
	m.epoch.n = 9;
	m.member = m.joined = m.r24 = true;
	m.leave = LV_PRIM;
	m.block = RS_NO_NETWORK;
	strcpy(m.block_text, "a \"quoted\" text");
	m.r24_since.ns = 77;
	ok(machine_save(text, sizeof(text), &m), "the machine as text");
	ok(line_parse(&l, text, strlen(text) - 1, &why) == 0 &&
	    machine_restore(&n, &l), "and back");
	ok(n.state == ST_PRIM && n.epoch.n == 9 && n.member && n.joined &&
	    n.r24 && n.leave == LV_PRIM && n.block == RS_NO_NETWORK &&
	    n.r24_since.ns == 77, "with all that counts");
	is_str(n.block_text, m.block_text, "texts too");
	ok(line_parse(&l, "machine state=PRIM", 18, &why) == 0 &&
	    !machine_restore(&n, &l) && n.state == ST_STOP,
	    "a damaged one is refused");
}

int
main(void)
{
	self();
	blob();
	reasons();
	memory();
	return tap_done();
}
