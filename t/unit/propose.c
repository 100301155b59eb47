/* SPDX-License-Identifier: ISC */
/*
 * One proposer and three voters played by hand: the order of a change, doubt,
 * voters that are silent, forget or go back, and what people read of it.
 */
#include <stdlib.h>

#include "tap.h"

#include "../../bin/moduled/propose.h"

#define VOTERS 3

struct played {
	bool			up;
	uint64_t		id;
	struct epoch		promised;
	struct reg_value	accepted;
	const char		*unable;
};

static const struct reg_conf etcd_conf = { .cluster = "c", .module = "m",
	.node = "n1", .peer = "n2", .node_id = 1, .peer_id = 2,
	.timeout_ms = 1000, .round_ms = 250, .swaps = true, .voter_count = 1,
	.voter = { "etcd" } };
static const struct reg_conf conf = { .cluster = "c", .module = "m",
	.node = "n1", .peer = "n2", .node_id = 1, .peer_id = 2,
	.timeout_ms = 1000, .round_ms = 250, .own = "n1", .voter_count = 3,
	.voter = { "n1", "n2", "w1" } };
static struct played voter[VOTERS];
static struct propose *p;
static struct propose_input in;
static struct propose_output out;
static unsigned sent[VOTE_ACCEPT + 1];
static bool hold_accepts;	/* they are lost */
static const struct reg_view *view;

static void
begin_with(const struct reg_conf *c)
{
	unsigned i;

	if (p != NULL)
		propose_free(p);
	p = propose_new(c, 1000);
	view = propose_view(p);
	memset(&in, 0, sizeof(in));
	in.now.ns = 1000000000;
	in.wall_s = 1000000;
	in.self.known = in.self.level = true;
	hold_accepts = false;
	memset(voter, 0, sizeof(voter));
	for (i = 0; i < VOTERS; i++)
		voter[i] = (struct played){ .up = true, .id = 11 + i };
}

static void
begin(void)
{
	begin_with(&conf);
}

static void
vote(const struct reg_message *m)
{
	struct vote_answer a = { .kind = m->ask.kind, .nonce = m->ask.nonce };
	struct played *o;
	unsigned i;

	for (i = 0; strcmp(m->voter, "etcd") != 0 &&
	    strcmp(conf.voter[i], m->voter) != 0; i++)
		;
	o = &voter[i];
	sent[m->ask.kind]++;
	if (!o->up || (hold_accepts && m->ask.kind == VOTE_ACCEPT))
		return;
	if (o->unable != NULL) {
		a.result = VOTE_UNABLE;
		(void)snprintf(a.text, sizeof(a.text), "%s", o->unable);
	} else if (m->ask.kind != VOTE_READ) {
		if (epoch_cmp(m->ask.ballot, o->promised) < 0)
			a.result = VOTE_REFUSED;
		else
			o->promised = m->ask.ballot;
		if (a.result == VOTE_OK && m->ask.kind == VOTE_ACCEPT)
			o->accepted = m->ask.value;
	}
	a.voter = o->id;
	a.promised = o->promised;
	a.value = o->accepted;
	propose_answer(p, in.now, m->voter, &a);
}

/* Steps, at the same moment, until nothing is said any more. */
static void
pump(void)
{
	unsigned i, k;

	memset(sent, 0, sizeof(sent));
	for (k = 0; k < 20; k++) {
		propose_step(p, &in, &out);
		if (out.count == 0)
			return;
		for (i = 0; i < out.count; i++)
			vote(&out.message[i]);
	}
}

/* For so long, a step each 10 ms. */
static void
pass(int64_t ms)
{
	unsigned total[VOTE_ACCEPT + 1] = { 0 }, i;

	for (; ms > 0; ms -= 10) {
		in.now = mono_add_ms(in.now, 10);
		pump();
		for (i = 0; i <= VOTE_ACCEPT; i++)
			total[i] += sent[i];
	}
	memcpy(sent, total, sizeof(sent));
}

static void
ask(enum reg_change c, uint8_t node)
{
	memset(&in.ask, 0, sizeof(in.ask));
	in.ask.change = c;
	in.ask.node = node;
}

/* As the store does, and decide when it was chosen. */
static void
obey(void)
{
	if (epoch_cmp(view->fence, in.self.fence) > 0)
		in.self.fence = view->fence;
	pump();
	pass(100);
	if (view->result == RR_CHOSEN) {
		in.self.running = view->change != RC_HAND;
		in.self.epoch = view->epoch;
		ask(RC_NONE, 0);
		pump();
	}
}

static void
test_order(void)
{
	begin();
	pump();
	ok(view->on && view->known && view->empty && view->voters == 3 &&
	    view->answering == 3, "three voters answer that nothing is there");
	ask(RC_FIRST, 0);
	pump();
	ok(view->result == RR_BUSY && view->fence.n == 1 &&
	    sent[VOTE_PREPARE] == 0, "the fence is wished, no prepare leaves");
	pass(500);
	is_num(sent[VOTE_PREPARE], 0, "nor later, before it is durable");
	in.self.fence = view->fence;
	pump();
	ok(sent[VOTE_PREPARE] == 3 && sent[VOTE_ACCEPT] == 3 &&
	    view->result == RR_CHOSEN && view->epoch.n == 1,
	    "durable: prepared, accepted, chosen");
	ok(!view->accept_left && view->chosen && view->present.primary == 1 &&
	    reg_has_member(&view->present, 1),
	    "and known");
	pass(1000);
	ok(view->result == RR_CHOSEN && sent[VOTE_PREPARE] == 0,
	    "said until something else is asked");
	obey();
	ok(view->change == RC_NONE && epoch_is_none(view->fence),
	    "nothing is asked, nothing is wished");
	ask(RC_FIRST, 0);
	pump();
	obey();
	ok(view->result == RR_REFUSED, "a second first is refused: %s",
	    view->why);
}

static void
test_doubt(void)
{
	struct epoch e;

	begin();
	ask(RC_FIRST, 0);
	pump();
	obey();
	hold_accepts = true;
	in.self.strict = true;
	ask(RC_JOIN, 2);
	pump();
	in.self.fence = view->fence;
	pass(400);
	ok(view->result == RR_NO_MAJORITY && view->accept_left &&
	    epoch_cmp(view->doubt, view->epoch) == 0, "accepts that are lost "
	    "leave doubt");
	e = view->doubt;
	ask(RC_NONE, 0);
	pass(5000);
	ok(view->accept_left && epoch_cmp(view->doubt, e) == 0,
	    "which no time ends (L5)");
	ask(RC_SHRINK, 0);
	pump();
	in.self.fence = view->fence;
	pass(100);
	ok(view->accept_left && epoch_cmp(view->doubt, e) > 0,
	    "another ballot, and its own doubt");
	hold_accepts = false;
	pass(300);
	ok(view->result == RR_CHOSEN && !view->accept_left,
	    "a later value that is chosen ends it");
	obey();

	hold_accepts = true;
	ask(RC_JOIN, 2);
	pump();
	in.self.fence = view->fence;
	pass(100);
	ask(RC_NONE, 0);
	pump();
	hold_accepts = false;
	pass(2000);
	ok(!view->accept_left && view->chosen &&
	    view->present.member_count == 2,
	    "what was dropped may come true, and then it is known");
}

/* An operator's force is refused when its promises are made: the peer serves,
 * as is seen too late. */
static void
test_withdraw(void)
{
	struct reg_value was;

	begin();
	ask(RC_FIRST, 2);
	pump();
	obey();
	was = view->present;
	in.self.running = false;
	ask(RC_FORCE, 0);
	pump();
	ok(view->fence.era == 1 && sent[VOTE_PREPARE] == 0,
	    "a force opens an era, first in the store");
	in.self.fence = view->fence;
	voter[1].up = voter[2].up = false;
	pass(50);
	ok(sent[VOTE_ACCEPT] == 0 && voter[0].promised.era == 1,
	    "promised, and not proposed");
	voter[1].up = voter[2].up = true;
	ask(RC_NONE, 0);
	pump();
	is_num(view->change, RC_WITHDRAW, "given up, it is withdrawn");
	in.self.running = true;
	pump();
	ok(view->change != RC_WITHDRAW, "not by who serves");
	in.self.running = false;
	ask(RC_PROMOTE, 0);
	pump();
	is_num(view->change, RC_WITHDRAW, "before anything else is asked");
	ask(RC_NONE, 0);
	pump();
	in.self.fence = view->fence;
	pass(1000);
	ok(view->present.epoch.era == 1 && view->chosen &&
	    view->change == RC_NONE, "it is the era of all now");
	was.epoch = view->present.epoch;
	ok(memcmp(&was, &view->present, sizeof(was)) == 0,
	    "and the value is the one before");
	ask(RC_PROMOTE, 0);
	pump();
	in.self.fence = view->fence;
	pass(1000);
	ok(view->change == RC_PROMOTE && view->result == RR_CHOSEN,
	    "and then what is asked is voted on: %s", view->why);
}

static void
test_silent(void)
{
	begin();
	voter[2].up = false;
	ask(RC_FIRST, 0);
	pump();
	obey();
	ok(view->known && view->present.voter[2].id == 0 &&
	    strstr(view->missing, "w1 has not answered yet") != NULL,
	    "chosen by two of three: %s", view->missing);
	voter[1].up = false;
	ask(RC_SHRINK, 0);
	pump();
	in.self.fence = view->fence;
	pass(400);
	ok(view->result == RR_NO_MAJORITY && sent[VOTE_ACCEPT] == 0,
	    "one of three is no majority, and no accept leaves");
	ok(view->answering == 1 && !view->known &&
	    strstr(view->missing, "n2 silent since ") != NULL,
	    "who is mute is named after one round: %s", view->missing);
	pass(12000);
	ok(!view->known && strstr(view->missing, "n2 silent since ") != NULL &&
	    strstr(view->missing, "n1 ") == NULL,
	    "and is said: %s", view->missing);
	voter[1].up = true;
	pass(300);
	ok(view->result == RR_CHOSEN, "goes on when the second is back");

	/* The own voter is always among them. */
	obey();
	voter[0].up = false;
	voter[2].up = true;
	ask(RC_SHRINK, 0);
	pump();
	in.self.fence = view->fence;
	pass(600);
	ok(view->result == RR_NO_MAJORITY, "not without the own voter");
	voter[0].up = true;
	voter[0].unable = "no room on the disk";
	pass(600);
	ok(view->result == RR_NO_MAJORITY &&
	    strstr(view->missing, "no room on the disk") != NULL,
	    "one that cannot vote says why: %s", view->missing);
	voter[0].unable = NULL;
	pass(600);
	is_num(view->result, RR_CHOSEN, "healed");
}

static void
test_forgot(void)
{
	struct propose_memory m;

	begin();
	pump();
	ask(RC_FIRST, 0);
	pump();
	obey();
	voter[2] = (struct played){ .up = true, .id = 99 };
	in.now = mono_add_ms(in.now, 3000);
	propose_step(p, &in, &out);
	vote(&out.message[2]);
	propose_step(p, &in, &out);
	ok(strstr(out.event, "w1 has lost its votes") != NULL, "it is told: %s",
	    out.event);
	ok(view->answering == 2 && strstr(view->odd, "w1 ") != NULL,
	    "and does not count: %s", view->odd);
	pump();
	ok(view->change == RC_VOTERS && view->result == RR_BUSY,
	    "the running primary takes it in");
	obey();
	pass(6000);
	obey();
	pass(6000);
	ok(view->present.voter[2].id == 99 &&
	    view->present.old_voter_count == 0 && view->answering == 3 &&
	    view->odd[0] == '\0', "it counts again");

	/* An old disk of the same store. */
	m = *propose_memory(p, 2);
	ok(m.id == 99 && m.promised.n > 1, "it is remembered");
	begin();
	propose_remember(p, &m);
	voter[2].id = 99;
	voter[2].promised = (struct epoch){ 0, 1, 1 };
	pump();
	ok(view->answering == 2 && strstr(view->odd, "old disk") != NULL,
	    "went back: does not count: %s", view->odd);
	ask(RC_FIRST, 0);
	pump();
	in.self.fence = view->fence;
	pump();
	ok(voter[2].promised.n == 1 && propose_memory(p, 2)->back,
	    "nor is it asked for a promise that would hide it");
}

/* One voter that swaps, so that no other one can take it in again. */
static void
test_renew(void)
{
	char why[REG_TEXT];
	struct epoch had;

	begin_with(&etcd_conf);
	ok(!propose_renew(p, why), "not before etcd answers: %s", why);
	pump();
	ask(RC_FIRST, 0);
	pump();
	obey();
	had = voter[0].accepted.epoch;
	ok(view->etcd && view->chosen && propose_renew(p, why) &&
	    view->chosen, "one that has lost nothing stays what it is");
	voter[0] = (struct played){ .up = true, .id = 99 };
	pass(6000);
	ok(!view->known && strstr(view->odd, "etcd is another one") != NULL &&
	    strcmp(reg_lacks(view), view->odd) == 0,
	    "made anew: not counted: %s", reg_lacks(view));
	ask(RC_SHRINK, 0);
	pump();
	obey();
	ok(view->result != RR_CHOSEN, "nothing is chosen there");
	ask(RC_NONE, 0);
	voter[0].accepted.epoch = had;
	voter[0].accepted.primary = 2;
	pass(6000);
	ok(!propose_renew(p, why), "an old value keeps it out: %s", why);
	memset(&voter[0].accepted, 0, sizeof(voter[0].accepted));
	pass(6000);
	ok(propose_renew(p, why), "the operator's word");
	pass(6000);
	ok(view->known && view->empty && view->odd[0] == '\0' &&
	    propose_memory(p, 0)->id == 99, "it counts, and has nothing");
	ask(RC_FIRST, 0);
	pump();
	obey();
	ok(view->chosen && epoch_cmp(view->present.epoch, had) > 0,
	    "the primary writes itself down, in a later epoch");
}

int
main(void)
{
	test_order();
	test_doubt();
	test_withdraw();
	test_silent();
	test_forgot();
	test_renew();
	propose_free(p);
	return tap_done();
}
