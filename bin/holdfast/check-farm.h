/* SPDX-License-Identifier: ISC */
/* What will hurt a farm, before it does. */
#ifndef HOLDFAST_CHECK_FARM_H
#define HOLDFAST_CHECK_FARM_H

#include "config-safe.h"
#include "probe.h"

/* Says one line for each thing looked at. */
void	check_farm_module(const struct safe *m, probe_say *say, void *arg);

#endif
