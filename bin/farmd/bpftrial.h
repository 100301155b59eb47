/* SPDX-License-Identifier: ISC */
/*
 * Whether this kernel takes the programs: by trying, in a network of its own,
 * out of everybody's sight.
 */
#ifndef FARMD_BPFTRIAL_H
#define FARMD_BPFTRIAL_H

#include <stdbool.h>

#include "filter.h"

/* Loads farm_tc and attaches it; false and why. */
bool	bpftrial_ok(char why[FILTER_WHY_LEN]);

#endif
