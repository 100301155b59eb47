/* SPDX-License-Identifier: ISC */
/* Two records meet: every pair that can be, and what must not travel. */
#include "../../bin/mirrord/meet.h"
#include "tap.h"

static struct gen_uuid U[8];
static struct gen s, t;
static struct meet_side a, b;
static struct meet m;

/* The source alone in generation 2, base 1, older 0; the target at 1. */
static void
reset(void)
{
	unsigned i;

	for (i = 0; i < 8; i++)
		memset(U[i].byte, (int)i + 1, GEN_UUID_LEN);
	memset(&s, 0, sizeof(s));
	memset(&t, 0, sizeof(t));
	s.current = U[2];
	s.base = U[1];
	s.history[0] = U[1];
	s.history[1] = U[0];
	s.alone = s.level = true;
	s.fence = (struct epoch){ 0, 5, 1 };
	t.current = U[1];
	t.history[0] = U[0];
	t.level = true;
	t.fence = (struct epoch){ 0, 4, 1 };
	a = (struct meet_side){ .node = 1, .name = "n1", .gen = &s,
	    .is_primary = true };
	b = (struct meet_side){ .node = 2, .name = "n2", .gen = &t };
}

static enum meet_verdict
both_ways(void)
{
	struct meet back;

	meet_decide(&back, &b, &a);
	meet_decide(&m, &a, &b);
	if (back.verdict != m.verdict || (m.verdict != MV_REFUSE &&
	    strcmp(back.text, m.text) != 0))
		printf("# the two ends differ: %s / %s\n", m.text, back.text);
	if (m.text[0] == '\0')
		printf("# no text\n");
	return back.verdict == m.verdict && m.text[0] != '\0' ? m.verdict :
	    (enum meet_verdict)99;
}

#define want(v, name) do {						\
	is_num(both_ways(), (v), "%s", name);				\
	if (m.verdict != (v))						\
		printf("# %s\n", m.text);				\
} while (0)

static void
test_level(void)
{
	reset();
	want(MV_INCREMENTAL, "target at the base");
	reset();
	t.current = U[2];
	s.alone = false;
	s.base = (struct gen_uuid){ 0 };
	want(MV_EQUAL, "same generation");
	reset();
	t.current = U[2];
	want(MV_EQUAL, "same generation, base still in use");
	reset();
	s.base = U[0];
	want(MV_INCREMENTAL, "target between base and current");
	reset();
	t.current = U[0];
	want(MV_FULL, "target older than base");
	reset();
	s.base = (struct gen_uuid){ 0 };
	want(MV_FULL, "no base and another generation");
	reset();
	b.is_new = true;
	memset(&t, 0, sizeof(t));
	want(MV_FULL, "a new target");
	reset();
	t.current = (struct gen_uuid){ 0 };
	want(MV_FULL, "a target without a generation");
}

static void
test_asked(void)
{
	reset();
	b.fullsync = true;
	want(MV_FULL, "a target that is behind, as asked");
	ok(strstr(m.text, "as asked") != NULL, "the text says so");
	reset();
	t.current = U[2];
	s.alone = false;
	s.base = (struct gen_uuid){ 0 };
	b.fullsync = true;
	want(MV_FULL, "and one of the same generation");
	reset();
	t.resyncing = U[2];
	t.level = false;
	b.fullsync = true;
	want(MV_FULL, "and a copy that was interrupted");
}

static void
test_half_copied(void)
{
	reset();
	t.resyncing = U[2];
	t.level = false;
	want(MV_INCREMENTAL, "interrupted at the base: from the set again");
	ok(m.half, "what is there already is not sent again");
	reset();
	t.resyncing = U[2];
	t.current = U[2];
	want(MV_INCREMENTAL, "interrupted in the same generation");
	reset();
	t.resyncing = U[1];
	want(MV_INCREMENTAL, "interrupted, the source went alone again");
	reset();
	t.resyncing = U[2];
	t.current = U[6];
	want(MV_FULL, "interrupted overwriting goes on without leave");
	reset();
	t.resyncing = U[6];
	t.current = U[7];
	want(MV_DIVERGED, "half copied from somebody else");
}

static void
test_diverged(void)
{
	reset();
	t.current = U[5];
	t.history[0] = U[1];
	want(MV_DIVERGED, "both wrote");
	is_str(m.code, "diverged", "its code");
	ok(strstr(m.text, "03030303-0303") != NULL &&
	    strstr(m.text, "06060606-0606") != NULL &&
	    strstr(m.text, "second fullsync") != NULL,
	    "the text names both generations and the command");
	b.fullsync = true;
	want(MV_FULL, "with leave it is overwritten");
	reset();
	t.current = U[5];
	t.history[0] = U[2];
	want(MV_DIVERGED, "the target has newer data");
	reset();
	t.alone = true;
	want(MV_DIVERGED, "alone in a generation of the chain");
	reset();
	s.peer_session = 4;
	t.session = 9;
	t.peer_session = 3;
	s.session = 2;
	want(MV_DIVERGED, "the primary was put back");
}

/* What is set aside, and who knows what that is. */
static void
test_aside(void)
{
	static const char *const why[] = { "its log is bad",
	    "its log overflowed", "its base is not the source's",
	    "it has no base",
	    "it was half copied from somebody else", "it was put back" };
	unsigned i;

	for (i = 0; i <= 6; i++) {
		reset();
		t.current = U[5];
		t.base = t.history[0] = U[1];
		b.fullsync = true;
		switch (i) {
		case 0: b.log_bad = true; break;
		case 1: t.dirty_all = true; break;
		case 2: t.base = U[6]; break;
		case 3: t.base = (struct gen_uuid){ 0 }; break;
		case 4: t.resyncing = U[6]; break;
		case 5: s.peer_session = 9; break;
		}
		want(MV_FULL, "two histories, with leave");
		is_num(m.aside, i < 6 ? MA_ALL : MA_LOG, "by %s: %s",
		    i < 6 ? "comparison" : "its log",
		    i < 6 ? why[i] : "all is well");
	}
	reset();
	t.current = U[5];
	t.base = U[1];
	t.epoch = (struct epoch){ 0, 9, 2 };
	s.epoch = s.fence = (struct epoch){ 1, 5, 1 };
	want(MV_FULL, "a forced era needs no leave");
	is_num(m.aside, MA_LOG, "and what it has is set aside");
	reset();
	want(MV_INCREMENTAL, "an ancestor");
	is_num(m.aside, MA_NONE, "has nothing of its own");
	reset();
	t.resyncing = U[2];
	t.current = U[6];
	want(MV_FULL, "half copied from this source");
	is_num(m.aside, MA_NONE, "what it had was set aside before");
}

/* Both know how, and the one that follows is not told to ask. */
static void
yields(void)
{
	reset();
	a.asides = b.asides = b.yields = true;
}

static void
test_unasked(void)
{
	yields();
	t.current = U[5];
	t.base = t.history[0] = U[1];
	want(MV_FULL, "both wrote: the higher epoch goes on unasked");
	is_num(m.aside, MA_LOG, "and what the other has is set aside");
	ok(!m.edits, "acknowledged writes are no edits");
	yields();
	t.current = U[5];
	b.yields = false;
	want(MV_DIVERGED, "both wrote, and an operator is to be asked");
	yields();
	t.current = U[5];
	a.asides = false;
	want(MV_DIVERGED, "both wrote, and the primary's build asks");
	yields();
	t.alone = true;
	want(MV_FULL, "alone in a generation of the chain");
	is_num(m.aside, MA_ALL, "whose log counts from nothing known");
	yields();
	t.current = U[5];
	t.history[0] = U[2];
	want(MV_DIVERGED, "the primary's data is the older one: asked");
	yields();
	s.peer_session = 4;
	t.session = 9;
	t.peer_session = 3;
	s.session = 2;
	want(MV_DIVERGED, "the primary was put back: asked");
}

static void
test_edits(void)
{
	yields();
	t.clean_stop_ns = -1;
	b.yields = false;
	want(MV_INCREMENTAL, "edited while stopped: what changed is copied");
	is_num(m.aside, MA_LOG, "the edits are set aside");
	ok(m.edits && strstr(m.text, "while the module was stopped") != NULL,
	    "and it is said");
	t.base = U[6];
	want(MV_INCREMENTAL, "edited, and its base is not the source's");
	is_num(m.aside, MA_ALL, "then nothing is trusted to its log");
	yields();
	t.clean_stop_ns = -1;
	t.current = U[2];
	want(MV_EQUAL, "edited in the same generation");
	yields();
	t.clean_stop_ns = -1;
	t.dirty_all = true;
	want(MV_FULL, "edited, and its log overflowed");
	is_num(m.aside, MA_ALL, "by comparison");
	yields();
	t.clean_stop_ns = -1;
	s.peer_session = 9;
	want(MV_FULL, "edited, and put back");
	is_num(m.aside, MA_ALL, "by comparison, too");
	yields();
	t.clean_stop_ns = -1;
	b.fullsync = true;
	want(MV_FULL, "edited, and told to compare all");
	is_num(m.aside, MA_ALL, "which sets aside as well");
	yields();
	t.clean_stop_ns = -1;
	a.asides = false;
	want(MV_DIVERGED, "edited, and the primary's build asks");
	yields();
	t.clean_stop_ns = -1;
	t.resyncing = U[2];
	want(MV_INCREMENTAL, "edited after a resync that was cut short");
	ok(m.aside == MA_LOG && m.edits, "set aside, too");
	t.dirty_all = true;
	want(MV_FULL, "the same, and its log overflowed");
	ok(m.aside == MA_ALL && m.edits, "by comparison");
	a.asides = false;
	want(MV_FULL, "a primary whose build cannot");
	ok(m.aside == MA_NONE, "sets nothing aside");
}

static void
test_distrust(void)
{
	reset();
	a.log_bad = true;
	want(MV_FULL, "the source's log is bad");
	reset();
	s.dirty_all = true;
	want(MV_FULL, "the source's log overflowed");
	reset();
	b.log_bad = true;
	want(MV_FULL, "the target's log is bad");
	reset();
	b.gen_bad = true;
	want(MV_FULL, "the target's record is bad");
	reset();
	a.gen_bad = true;
	want(MV_REFUSE, "the source's record is bad");
	is_str(m.code, "source-unreadable", "its code");
	reset();
	s.peer_session = 7;
	t.session = 6;
	want(MV_FULL, "the target was put back");
	reset();
	t.session = 7;
	b.root_session = 5;
	want(MV_FULL, "the target's directory was put back");
	reset();
	b.root_session = t.session = 7;
	s.peer_session = 7;
	want(MV_INCREMENTAL, "sessions agree");
	reset();
	s.peer_store_number = 3;
	t.store_number = 2;
	want(MV_FULL, "the target's object store is older");
	reset();
	t.fence = (struct epoch){ 0, 6, 2 };
	want(MV_REFUSE, "the target followed a newer epoch");
	is_str(m.code, "newer-epoch", "its code");
	reset();
	b.is_primary = true;
	want(MV_REFUSE, "two primaries");
	reset();
	a.is_primary = false;
	want(MV_REFUSE, "no primary");
}

/* Every pair of small chains: what is overwritten without leave is an
 * ancestor, or was a target, or holds nothing. */
static void
test_all(void)
{
	unsigned i, bad = 0, n = 0;

	for (i = 0; i < 5 * 5 * 4 * 8; i++) {
		unsigned k = i, cur, res;
		bool in_chain;

		reset();
		cur = k % 5;
		k /= 5;
		res = k % 5;
		k /= 5;
		t.current = cur == 4 ? U[6] : cur == 3 ?
		    (struct gen_uuid){ 0 } : U[cur];
		t.resyncing = res == 4 ? U[7] : res == 3 ?
		    (struct gen_uuid){ 0 } : U[res];
		s.base = k % 4 == 3 ? (struct gen_uuid){ 0 } : U[k % 4];
		k /= 4;
		t.alone = k & 1;
		s.alone = k & 2;
		s.dirty_all = k & 4;
		in_chain = cur < 3;
		n++;
		switch (both_ways()) {
		case MV_EQUAL:
			bad += cur != 2 || t.alone || s.dirty_all;
			break;
		case MV_INCREMENTAL:
			bad += !in_chain || s.dirty_all;
			break;
		case MV_FULL:
			bad += cur == 4 && res > 2;
			bad += t.alone && cur < 3 && res > 2;
			break;
		case MV_DIVERGED:
			bad += res < 3 || (in_chain && !t.alone);
			break;
		default:
			bad++;
			break;
		}
	}
	ok(bad == 0, "%u of %u pairs against the rule", bad, n);
}

static void
test_rules(void)
{
	reset();
	a.rules = b.rules = 7;
	want(MV_INCREMENTAL, "both leave out the same");
	b.rules = 8;
	want(MV_REFUSE, "not the same");
	is_str(m.code, "config-differs", "its code");
	b.rules = 0;
	want(MV_REFUSE, "only one leaves out anything");
}

int
main(void)
{
	test_level();
	test_asked();
	test_half_copied();
	test_diverged();
	test_aside();
	test_unasked();
	test_edits();
	test_distrust();
	test_rules();
	test_all();
	return tap_done();
}
