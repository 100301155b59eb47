/* SPDX-License-Identifier: ISC */
/* Lives, challenges, replays. */

#include "../../bin/heartd/incarnation.h"

#include "tap.h"

static const struct incarnation mine = { 5, 55 }, old_peer = { 1, 11 },
    new_peer = { 2, 22 }, none = { 0, 0 }, my_last_life = { 4, 44 };
static const uint8_t random_a[NONCE_LEN] = { 'a' };
static const uint8_t random_b[NONCE_LEN] = { 'b' };

static struct mono
at(int64_t ms)
{
	struct mono zero = { 1000000000 };

	return mono_add_ms(zero, ms);
}

static enum verdict
seen(struct session *s, struct incarnation from, struct incarnation to,
    uint64_t sequence, const uint8_t *answer, int64_t ms)
{
	struct session_seen in = { 0, from, to, sequence, answer };

	return session_judge(s, &in, at(ms));
}

#define is_verdict(got, want, text) \
	is_str(verdict_name(got), verdict_name(want), text)

static void
accept_peer(struct session *s, struct incarnation peer, uint64_t sequence)
{
	uint8_t nonce[NONCE_LEN];

	(void)session_challenge(s, 0, random_a, at(0));
	memcpy(nonce, s->nonce, NONCE_LEN);
	is_verdict(seen(s, peer, mine, sequence, nonce, 1),
	    VERDICT_ACCEPTED, "the right answer makes a session");
}

static void
test_file(void)
{
	char buf[INCARNATION_TEXT_LEN];
	struct incarnation i = incarnation_next(none, 7), got;

	is_num(i.count, 1, "the first life is 1");
	is_num(incarnation_parse(&got, incarnation_text(buf, i)), 0,
	    "what is written is read");
	ok(incarnation_equal(i, got), "and is the same");
	is_num(incarnation_next(got, 8).count, 2, "the next life is 2");
	is_num(incarnation_next((struct incarnation){ UINT64_MAX, 0 },
	    8).count, 1, "a counter at its end begins anew");
	is_num(incarnation_parse(&got, ""), -1, "empty: damaged");
	is_num(incarnation_parse(&got, "holdfast-incarnation 1\n3 00"), -1,
	    "cut off: damaged");
	is_num(incarnation_parse(&got,
	    "holdfast-incarnation 1\n0 0000000000000007\n"), -1,
	    "life 0: damaged");
	is_num(incarnation_parse(&got, "holdfast-incarnation 1\n"
	    "3 0000000000000007\nmore\n"), -1, "more than it: damaged");
}

static void
test_challenge(void)
{
	struct session s;
	uint8_t nonce[NONCE_LEN];

	session_init(&s, mine);
	is_verdict(seen(&s, new_peer, none, 1, NULL, 0), VERDICT_STRANGER,
	    "an unknown life is a stranger");
	is_verdict(seen(&s, new_peer, mine, 2, random_a, 0),
	    VERDICT_STRANGER, "an answer without a challenge is nothing");
	ok(session_challenge(&s, 0, random_a, at(10)), "it is challenged");
	memcpy(nonce, s.nonce, NONCE_LEN);
	is_verdict(seen(&s, new_peer, mine, 3, random_b, 11),
	    VERDICT_STRANGER, "a wrong answer is no answer");
	is_verdict(seen(&s, new_peer, my_last_life, 4, nonce, 11),
	    VERDICT_STRANGER, "nor one meant for our last life");
	is_verdict(seen(&s, none, mine, 4, nonce, 11), VERDICT_REPLAY,
	    "life 0 does not exist");
	is_verdict(seen(&s, new_peer, mine, 5, nonce, 12), VERDICT_ACCEPTED,
	    "the right one is");
	is_verdict(seen(&s, new_peer, mine, 5, nonce, 13), VERDICT_REPLAY,
	    "the same datagram again is a replay");
	is_verdict(seen(&s, old_peer, mine, 9, nonce, 13), VERDICT_STRANGER,
	    "a nonce serves once");
}

static void
test_limits(void)
{
	struct session s;
	uint8_t nonce[NONCE_LEN];
	unsigned i, answers = 0;

	session_init(&s, mine);
	ok(session_challenge(&s, 0, random_a, at(0)), "first challenge");
	memcpy(nonce, s.nonce, NONCE_LEN);
	ok(!session_challenge(&s, 0, random_b, at(19)), "not again in 20 ms");
	ok(session_challenge(&s, 1, random_b, at(19)),
	    "but on the other network");
	ok(memcmp(nonce, s.nonce, NONCE_LEN) == 0, "with the same nonce");
	ok(session_challenge(&s, 0, random_b, at(500)) &&
	    memcmp(nonce, s.nonce, NONCE_LEN) == 0,
	    "a replaying stranger does not push the nonce out");
	is_verdict(seen(&s, new_peer, mine, 1, nonce, 1000),
	    VERDICT_STRANGER, "an answer after a second is too late");
	ok(session_challenge(&s, 0, random_b, at(1000)) &&
	    memcmp(nonce, s.nonce, NONCE_LEN) != 0, "then a new nonce");
	for (i = 0; i < 1000; i++)
		answers += session_may_answer(&s, at(i));
	is_num(answers, ANSWER_MAX, "answers are limited");
	ok(session_may_answer(&s, at(1000)), "and begin anew");
}

static void
test_restart(void)
{
	struct session s;
	uint8_t nonce[NONCE_LEN];

	session_init(&s, mine);
	accept_peer(&s, old_peer, 100);
	is_verdict(seen(&s, new_peer, none, 1, NULL, 2000),
	    VERDICT_STRANGER, "a new life is not believed yet");
	is_verdict(seen(&s, old_peer, mine, 101, NULL, 2000), VERDICT_FRESH,
	    "the old one is, meanwhile");
	ok(session_challenge(&s, 0, random_b, at(2000)), "challenge");
	memcpy(nonce, s.nonce, NONCE_LEN);
	is_verdict(seen(&s, new_peer, mine, 2, nonce, 2001),
	    VERDICT_ACCEPTED, "it answers and is accepted");
	is_verdict(seen(&s, new_peer, mine, 3, NULL, 2002), VERDICT_FRESH,
	    "with its own numbers");
	is_verdict(seen(&s, old_peer, mine, 102, NULL, 2003),
	    VERDICT_STRANGER, "the old life is a stranger now");
}

static void
test_window(void)
{
	struct session s;
	struct session_seen lan2 = { 1, old_peer, mine, 11, NULL };
	unsigned i, again = 0;

	session_init(&s, mine);
	accept_peer(&s, old_peer, 10);
	is_verdict(seen(&s, old_peer, mine, 11, NULL, 2), VERDICT_FRESH,
	    "newest");
	is_verdict(seen(&s, old_peer, mine, 11, NULL, 2), VERDICT_REPLAY,
	    "again");
	is_verdict(session_judge(&s, &lan2, at(2)), VERDICT_FRESH,
	    "each network has its own numbers");
	is_verdict(seen(&s, old_peer, mine, 20, NULL, 2), VERDICT_FRESH,
	    "some were lost");
	is_verdict(seen(&s, old_peer, mine, 15, NULL, 2), VERDICT_LATE,
	    "one comes late");
	is_verdict(seen(&s, old_peer, mine, 15, NULL, 2), VERDICT_REPLAY,
	    "but only once");
	is_verdict(seen(&s, old_peer, mine, 200, NULL, 2), VERDICT_FRESH,
	    "a long gap");
	is_verdict(seen(&s, old_peer, mine, 136, NULL, 2), VERDICT_REPLAY,
	    "64 behind: too old to tell");
	is_verdict(seen(&s, old_peer, mine, 137, NULL, 2), VERDICT_LATE,
	    "63 behind: never seen");
	is_verdict(seen(&s, old_peer, mine, 0, NULL, 2), VERDICT_REPLAY,
	    "number 0 is never sent");
	is_verdict(seen(&s, old_peer, my_last_life, 201, NULL, 2),
	    VERDICT_OTHER_LIFE, "captured before our restart");
	is_verdict(seen(&s, old_peer, none, 202, NULL, 2),
	    VERDICT_OTHER_LIFE, "from before it knew us");
	for (i = 1; i <= 200; i++)
		again += seen(&s, old_peer, mine, i, NULL, 3) ==
		    VERDICT_FRESH;
	is_num(again, 0, "nothing old is ever fresh again");
}

int
main(void)
{
	test_file();
	test_challenge();
	test_limits();
	test_restart();
	test_window();
	return tap_done();
}
