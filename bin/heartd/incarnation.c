/* SPDX-License-Identifier: ISC */
/*
 * Which life of a peer is speaking, and whether it speaks now.
 *
 * A sealed datagram proves who made it, not when.  So a life of a peer that
 * is not the accepted one is believed only after it answered a nonce made a
 * moment ago, and every datagram names the life it is meant for: what was
 * captured before either side restarted fits no session any more.  Within a
 * session the sequence numbers of each network tell a replay.
 */

#include "incarnation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"

#define FILE_MAGIC	"holdfast-incarnation 1"

bool
incarnation_equal(struct incarnation a, struct incarnation b)
{
	return a.count == b.count && a.random == b.random;
}

bool
incarnation_is_none(struct incarnation i)
{
	return i.count == 0;
}

struct incarnation
incarnation_next(struct incarnation last, uint64_t random)
{
	struct incarnation next;

	next.count = last.count + 1;
	/* 0 means none; a counter that could wrap was damaged. */
	if (next.count == 0)
		next.count = 1;
	next.random = random;
	return next;
}

const char *
incarnation_text(char buf[INCARNATION_TEXT_LEN], struct incarnation i)
{
	(void)snprintf(buf, INCARNATION_TEXT_LEN,
	    FILE_MAGIC "\n%" PRIu64 " %016" PRIx64 "\n", i.count, i.random);
	return buf;
}

int
incarnation_parse(struct incarnation *i, const char *text)
{
	char again[INCARNATION_TEXT_LEN];
	struct incarnation got;

	if (sscanf(text, FILE_MAGIC "\n%" SCNu64 " %" SCNx64, &got.count,
	    &got.random) != 2)
		goto bad;
	/* Only what we would have written ourselves is undamaged. */
	if (strcmp(incarnation_text(again, got), text) != 0 ||
	    incarnation_is_none(got))
		goto bad;
	*i = got;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}

static enum verdict
window_judge(struct window *w, uint64_t sequence)
{
	uint64_t behind, bit;

	if (sequence > w->top) {
		uint64_t ahead = sequence - w->top;

		w->seen = ahead >= 64 ? 0 : w->seen << ahead;
		w->seen |= 1;
		w->top = sequence;
		return VERDICT_FRESH;
	}
	behind = w->top - sequence;
	if (behind >= 64)
		return VERDICT_REPLAY;
	bit = UINT64_C(1) << behind;
	if (w->seen & bit)
		return VERDICT_REPLAY;
	w->seen |= bit;
	return VERDICT_LATE;
}

void
session_init(struct session *s, struct incarnation self)
{
	memset(s, 0, sizeof(*s));
	s->self = self;
}

static bool
answer_is_right(const struct session *s, const uint8_t *answer,
    struct mono now)
{
	return answer != NULL && s->is_challenging &&
	    !mono_passed(s->nonce_until, now) &&
	    memcmp(s->nonce, answer, NONCE_LEN) == 0;
}

enum verdict
session_judge(struct session *s, const struct session_seen *in,
    struct mono now)
{
	bool to_me = incarnation_equal(in->to, s->self);

	if (in->sequence == 0 || incarnation_is_none(in->from))
		return VERDICT_REPLAY;
	if (!incarnation_equal(in->from, s->peer)) {
		if (!to_me || !answer_is_right(s, in->answer, now))
			return VERDICT_STRANGER;
		s->peer = in->from;
		memset(s->lan, 0, sizeof(s->lan));
		/* Used up: the same answer again proves nothing. */
		s->is_challenging = false;
		(void)window_judge(&s->lan[in->lan], in->sequence);
		return VERDICT_ACCEPTED;
	}
	if (!to_me)
		return VERDICT_OTHER_LIFE;
	return window_judge(&s->lan[in->lan], in->sequence);
}

bool
session_challenge(struct session *s, unsigned lan,
    const uint8_t random[NONCE_LEN], struct mono now)
{
	struct mono *last = &s->challenged[lan];

	if (mono_is_set(*last) &&
	    !mono_passed(mono_add_ms(*last, CHALLENGE_GAP_MS), now))
		return false;
	*last = now;
	/*
	 * One nonce for all networks and lives as long as it lasts, so that
	 * a stranger who replays an old life cannot push out the nonce that
	 * the living peer is about to answer.
	 */
	if (!s->is_challenging || mono_passed(s->nonce_until, now)) {
		memcpy(s->nonce, random, NONCE_LEN);
		s->is_challenging = true;
		s->nonce_until = mono_add_ms(now, CHALLENGE_LIFE_MS);
	}
	return true;
}

bool
session_may_answer(struct session *s, struct mono now)
{
	if (!mono_is_set(s->answers_since) ||
	    mono_passed(mono_add_ms(s->answers_since, CHALLENGE_LIFE_MS),
	    now)) {
		s->answers_since = now;
		s->answers = 0;
	}
	return s->answers++ < ANSWER_MAX;
}

const char *
verdict_name(enum verdict v)
{
	static const char *const name[] = {
		[VERDICT_FRESH] = "fresh",
		[VERDICT_LATE] = "late",
		[VERDICT_REPLAY] = "replay",
		[VERDICT_OTHER_LIFE] = "other-life",
		[VERDICT_STRANGER] = "stranger",
		[VERDICT_ACCEPTED] = "accepted",
	};

	return name[v];
}
