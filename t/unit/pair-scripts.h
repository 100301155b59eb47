/* SPDX-License-Identifier: ISC */
/*
 * Of the simulations of two nodes: chance from a seed, and the scripts of a
 * module, which take some ticks before and after the gate.
 */
#ifndef T_UNIT_PAIR_SCRIPTS_H
#define T_UNIT_PAIR_SCRIPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../bin/moduled/decide.h"

struct fake_scripts {
	enum state	at, target;
	bool		busy, prim, gate_passed;
	int		left;
};

/* The same seed, the same run. */
void		chance_seed(uint32_t seed);
/* 0 to below - 1. */
uint32_t	rnd(uint32_t below);
bool		one_in(uint32_t n);

bool	prim_like(enum state s);
/* One tick towards what is decided. */
void	fake_scripts_step(struct fake_scripts *s, const struct decision *d);
void	fake_scripts_show(const struct fake_scripts *s, struct view *v);

#endif
