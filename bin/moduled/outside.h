/* SPDX-License-Identifier: ISC */
/* What decide sees of the evidence from outside the pair. */
#ifndef MODULED_OUTSIDE_H
#define MODULED_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "facts.h"

/* The device that cuts the peer's power; done: of this request. */
struct power_view {
	bool		 on;
	uint64_t	 done;
	bool		 is_off;
	char		 text[FACT_TEXT];	/* why not */
};

/* Witnesses by ping: `splitbrain'. */
struct ping_view {
	bool		 on;
	uint64_t	 done;
	bool		 is_reached;
	char		 names[FACT_TEXT];
};

#endif
