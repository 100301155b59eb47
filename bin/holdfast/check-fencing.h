/* SPDX-License-Identifier: ISC */
/* `check' of the fencing devices of the other nodes. */
#ifndef HOLDFAST_CHECK_FENCING_H
#define HOLDFAST_CHECK_FENCING_H

#include "cluster.h"
#include "probe.h"

/* Where there is <fencing>. */
void	check_fencing(const struct cluster *cl, probe_say *say, void *arg);

#endif
