/* SPDX-License-Identifier: ISC */
/* A module on a peer: entries, echoes, mismatches, withdrawal. */

#include "../../bin/heartd/module.h"

#include <stdlib.h>

#include "tap.h"

#define T 1000

static struct module table[MODULE_MAX];
static struct sent sent;

static struct mono
at(int64_t ms)
{
	struct mono zero = { 1000000000 };

	return mono_add_ms(zero, ms);
}

static struct module *
begin(void)
{
	struct module_wish w = {
		.name = "ledger", .id = 1, .digest = "ab", .pulse_ms = 100,
		.timeout_ms = T, .lans = 3,
	};
	struct module *m;

	memset(table, 0, sizeof(table));
	memset(&sent, 0, sizeof(sent));
	m = module_new(table, &w, 3, at(0));
	m->view[1].beat.peer = BEAT_UP;
	return m;
}

static struct entry
make_entry(uint64_t counter)
{
	struct entry e = {
		.id = 1, .name = "ledger", .digest = "ab",
		.counter = counter,
	};

	return e;
}

static void
test_table(void)
{
	struct module_wish w = { .timeout_ms = T };
	struct module *m = begin();
	unsigned i;

	ok(module_find(table, "ledger") == m, "found by name");
	ok(module_find(table, "led") == NULL, "but not by half of it");
	ok(module_with_id(table, 1, "web") == m, "id 1 is taken");
	ok(module_with_id(table, 1, "ledger") == NULL, "by nobody else");
	for (i = 1; i < MODULE_MAX; i++) {
		w.id = (uint16_t)(i + 1);
		(void)snprintf(w.name, sizeof(w.name), "m%u", i);
		(void)module_new(table, &w, 1, at(0));
	}
	ok(module_new(table, &w, 1, at(0)) == NULL, "the table has an end");
	for (i = 0; i < MODULE_MAX; i++)
		module_free(&table[i]);
	ok(module_find(table, "ledger") == NULL, "freed");
}

static void
test_member(void)
{
	struct module *m = begin();
	struct view *v = &m->view[1];
	struct view_news n;
	struct entry e = make_entry(5);

	ok(view_take(m, v, &e, &sent, at(10), &n) && n.joined,
	    "the first entry joins");
	ok(!n.stamp && !n.mismatch && !n.lease && !n.gone, "and no more");
	ok(!view_take(m, v, &e, &sent, at(11), &n),
	    "the same pulse on the other network is nothing");
	e = make_entry(4);
	ok(!view_take(m, v, &e, &sent, at(11), &n), "nor one overtaken");
	e = make_entry(6);
	e.role = STAMP_PRIM;
	e.epoch = (struct epoch){ 0, 7, 1 };
	ok(view_take(m, v, &e, &sent, at(12), &n) && n.stamp && !n.joined,
	    "a stamp is told when it changes");
	e.counter = 7;
	ok(view_take(m, v, &e, &sent, at(13), &n) && !n.stamp, "and once");
	e = make_entry(8);
	e.flags = ENTRY_GONE;
	ok(view_take(m, v, &e, &sent, at(14), &n) && n.gone && n.stamp &&
	    !v->wants && !v->is_member, "withdrawn");
	e.counter = 9;
	ok(view_take(m, v, &e, &sent, at(15), &n) && !n.gone, "once");
	e = make_entry(10);
	ok(view_take(m, v, &e, &sent, at(16), &n) && n.joined, "back");
	e = make_entry(11);
	e.role = STAMP_PRIM;
	e.epoch = (struct epoch){ 0, 8, 1 };
	(void)view_take(m, v, &e, &sent, at(17), &n);
	m->follows = true;
	m->follow = (struct epoch){ 0, 9, 1 };
	view_follow(m, v);
	ok(v->echo == 0, "a beat of another epoch is not echoed");
	m->follow = e.epoch;
	view_follow(m, v);
	ok(v->echo == 11 && mono_diff_ns(v->grant, grant_until(at(17),
	    m->wish.timeout_ms)) == 0, "one that came first is, from then");
	view_restart(v, at(20));
	ok(v->is_member && !v->wants, "a new life: known, not yet wanting");
	e = make_entry(1);
	ok(view_take(m, v, &e, &sent, at(21), &n) && n.joined,
	    "its numbers begin anew");
	module_free(m);
}

static void
test_age(void)
{
	struct module *m = begin();
	struct view *v = &m->view[1];
	struct view_news n;
	struct entry e = make_entry(5);

	(void)view_take(m, v, &e, &sent, at(0), &n);
	ok(!view_age(m, v, at(2 * T), &n), "2 T without a word");
	v->beat.peer = BEAT_DOWN;
	ok(!view_age(m, v, at(9 * T), &n), "a dead node withdraws nothing");
	v->beat.peer = BEAT_UP;
	ok(view_age(m, v, at(2 * T + 1), &n) && n.gone,
	    "one that beats without it does");
	ok(!view_age(m, v, at(2 * T + 2), &n), "once");
	module_free(m);
}

static void
test_mismatch(void)
{
	struct module *m = begin();
	struct view *v = &m->view[1];
	struct view_news n;
	struct entry e = make_entry(1), other;

	memcpy(e.digest, "cd", 3);
	ok(view_take(m, v, &e, &sent, at(0), &n) && n.mismatch &&
	    v->mismatch == MISMATCH_DIGEST, "another configuration");
	e.counter = 2;
	ok(view_take(m, v, &e, &sent, at(0), &n) && !n.mismatch,
	    "is told once");
	e.counter = 3;
	memcpy(e.digest, "ef", 3);
	ok(view_take(m, v, &e, &sent, at(0), &n) && n.mismatch,
	    "again when it is yet another");
	e.counter = 4;
	e.id = 2;
	ok(view_take(m, v, &e, &sent, at(0), &n) && n.mismatch &&
	    v->mismatch == MISMATCH_ID, "another id comes first");
	e = make_entry(5);
	ok(view_take(m, v, &e, &sent, at(0), &n) && n.mismatch &&
	    v->mismatch == MISMATCH_NONE, "the end of it is told");
	other = make_entry(5);
	memcpy(other.name, "web", 4);
	ok(view_clash(m, v, &other, at(0)) && v->mismatch == MISMATCH_ID,
	    "another module with our id");
	ok(!view_clash(m, v, &other, at(1)), "once");
	v->seen = at(2 * T);
	ok(view_age(m, v, at(2 * T + 2), &n) && n.mismatch &&
	    v->mismatch == MISMATCH_NONE, "gone when it is silent");
	module_free(m);
}

static void
test_lease(void)
{
	struct module *m = begin();
	struct view *v = &m->view[1];
	struct view_news n;
	struct entry e = make_entry(1);

	m->role = STAMP_PRIM;
	m->epoch = (struct epoch){ 0, 7, 1 };
	(void)sent_next(&sent, at(100));
	(void)sent_next(&sent, at(200));
	e.echo = 1;
	e.echo_epoch = (struct epoch){ 0, 6, 1 };
	ok(view_take(m, v, &e, &sent, at(300), &n) && !n.lease,
	    "an echo of another epoch gives none");
	e.counter = 2;
	e.echo_epoch = m->epoch;
	ok(view_take(m, v, &e, &sent, at(300), &n) && n.lease &&
	    mono_diff_ms(v->lease, at(100)) == T,
	    "L6: from the send time of the echoed beat");
	e.counter = 3;
	e.echo = 2;
	(void)view_take(m, v, &e, &sent, at(400), &n);
	e.counter = 4;
	e.echo = 1;
	ok(view_take(m, v, &e, &sent, at(500), &n) && !n.lease &&
	    mono_diff_ms(v->lease, at(200)) == T, "never backwards");
	e.counter = 5;
	e.echo = 99;
	ok(view_take(m, v, &e, &sent, at(600), &n) && !n.lease,
	    "an echo of what was never sent gives none");
	m->role = STAMP_SECOND;
	e.counter = 6;
	e.echo = 2;
	v->lease = (struct mono){ 0 };
	ok(view_take(m, v, &e, &sent, at(600), &n) && !n.lease,
	    "nor does one to who is not primary");
	module_free(m);
}

static void
test_follow(void)
{
	struct module *m = begin();
	struct view *v = &m->view[1];
	struct view_news n;
	struct entry e = make_entry(10), mine;

	e.role = STAMP_PRIM;
	e.epoch = (struct epoch){ 0, 7, 1 };
	(void)view_take(m, v, &e, &sent, at(100), &n);
	module_entry(m, 1, 3, &mine);
	is_num(mine.echo, 0, "who follows nobody echoes nothing");
	m->follows = true;
	m->follow = (struct epoch){ 0, 7, 1 };
	e.counter = 11;
	(void)view_take(m, v, &e, &sent, at(200), &n);
	ok(n.grant, "told: a grant");
	module_entry(m, 1, 4, &mine);
	ok(mine.echo == 11 && epoch_cmp(mine.echo_epoch, m->follow) == 0,
	    "the newest beat of the followed epoch is echoed");
	is_num(mono_diff_ms(v->grant, at(200)), 1110, "L7: and grants");
	e.counter = 12;
	e.epoch.n = 8;
	(void)view_take(m, v, &e, &sent, at(300), &n);
	module_entry(m, 1, 5, &mine);
	is_num(mine.echo, 11, "another epoch is not");
	e.counter = 13;
	e.epoch.n = 7;
	e.role = STAMP_SECOND;
	(void)view_take(m, v, &e, &sent, at(300), &n);
	module_entry(m, 1, 6, &mine);
	is_num(mine.echo, 11, "nor who is not primary");
	module_entry(m, 2, 6, &mine);
	is_num(mine.echo, 0, "each peer is echoed its own");
	module_free(m);
}

int
main(void)
{
	test_table();
	test_member();
	test_age();
	test_mismatch();
	test_lease();
	test_follow();
	return tap_done();
}
