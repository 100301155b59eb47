/* SPDX-License-Identifier: ISC */
/*
 * How a module came to its present state, read from the lines of its events
 * file: what a person asked, what was seen, which state followed; newest
 * first, back to the last start.  Pure: text in, struct out.
 */
#ifndef MODULED_CHAIN_H
#define MODULED_CHAIN_H

#include <stddef.h>

/* How the event begins that tells who asked for a start by stopstart. */
#define START_AGAIN	"Starts again after stopstart"
#define CHAIN_MAX	16
#define CHAIN_TIME	24
#define CHAIN_TEXT	400

struct chain {
	unsigned	count;
	struct {
		char		time[CHAIN_TIME];	/* of the latest */
		char		text[CHAIN_TEXT];
		unsigned	times;		/* in a row */
	} link[CHAIN_MAX];
};

/* text: lines `time | LEVEL | component | text'; a cut first line is left. */
void	chain_read(struct chain *c, const char *text, size_t len);

#endif
