/* SPDX-License-Identifier: ISC */
/* See pair-scripts.h. */
#include "pair-scripts.h"

static uint32_t rng;

void
chance_seed(uint32_t seed)
{
	rng = seed * 2654435761u + 12345;
}

uint32_t
rnd(uint32_t below)
{
	rng ^= rng << 13;
	rng ^= rng >> 17;
	rng ^= rng << 5;
	return rng % below;
}

bool
one_in(uint32_t n)
{
	return rnd(n) == 0;
}

bool
prim_like(enum state s)
{
	return s == ST_ALONE || s == ST_PRIM;
}

void
fake_scripts_step(struct fake_scripts *s, const struct decision *d)
{
	enum state want = d->script_target;

	if (s->busy && s->left > 0) {
		s->left--;
		return;
	}
	if (s->busy && !s->gate_passed) {
		if (!prim_like(s->target))
			s->prim = false;
		if (want != s->target) {
			s->at = s->target;
			s->busy = false;
		} else if (!d->script_gate)
			return;
		else {
			s->gate_passed = true;
			if (prim_like(s->target))
				s->prim = true;
			s->left = (int)rnd(10);
			return;
		}
	} else if (s->busy) {
		s->at = s->target;
		s->busy = false;
	}
	if (s->at != want) {
		s->target = want;
		s->busy = true;
		s->gate_passed = false;
		s->left = (int)rnd(10);
	}
}

void
fake_scripts_show(const struct fake_scripts *s, struct view *v)
{
	v->scripts_at = s->at;
	v->scripts_target = s->target;
	v->scripts_busy = s->busy;
	v->scripts_gated = s->busy && s->left == 0 && !s->gate_passed;
	v->scripts_prim = s->prim;
}
