/* SPDX-License-Identifier: ISC */
/* What a command prints, within bounds. */
#ifndef HOLDFAST_CAPTURE_H
#define HOLDFAST_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

/*
 * Runs argv and appends what it prints on both outputs, at most `max' bytes.
 * It is killed when it takes longer than `ms'; that, and a status other than
 * 0, is appended as a line of its own.
 */
void	capture_run(const char *const *argv, int64_t ms, size_t max,
	    struct text *out);

#endif
