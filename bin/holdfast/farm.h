/* SPDX-License-Identifier: ISC */
/* What scripts of other systems call for a farm; see verb_farm in cmd.h. */
#ifndef HOLDFAST_FARM_H
#define HOLDFAST_FARM_H

/*
 * safekit -r saferpc_send vipd SETGROUPS ..., safekit -r vip_if_ctrl -l: the
 * exit status, or -1 when it is none of these.
 */
int	farm_helper(char **argv);

#endif
