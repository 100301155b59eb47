/* SPDX-License-Identifier: ISC */
/* What `holdfast check' finds about who votes. */
#ifndef HOLDFAST_CHECK_VOTERS_H
#define HOLDFAST_CHECK_VOTERS_H

#include "cluster.h"
#include "probe.h"

/* Asks them all; says one line for each thing found. */
void	check_voters(const struct cluster *cl, probe_say *say, void *arg);

#endif
