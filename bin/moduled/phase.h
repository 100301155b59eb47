/* SPDX-License-Identifier: ISC */
/*
 * Which checkers run now: those of `pre' in every state but STOP, the others
 * after the start script of their class and until before its stop script.
 * Pure.
 */
#ifndef MODULED_PHASE_H
#define MODULED_PHASE_H

#include <stdbool.h>
#include <stddef.h>

#include "fsm.h"

#define PH_PRE		0x01
#define PH_PRIM		0x02
#define PH_SECOND	0x04
#define PH_BOTH		0x08
#define PH_SEC		0x10

/*
 * at: where the scripts are; target: where they go while busy.  A restart is
 * busy with target = at.
 */
unsigned	phase_of(enum state at, enum state target, bool busy);
/* 0: a class of the module's own, which `holdfast errd' arms. */
unsigned	phase_parse(const char *when);
/* "pre,prim,both", for checkd. */
const char	*phase_text(char *buf, size_t size, unsigned phases);

#endif
