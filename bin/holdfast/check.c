/* SPDX-License-Identifier: ISC */
/*
 * `holdfast check': what will hurt, before it does.
 */
#include <stdio.h>
#include <sysexits.h>

#include "cmd.h"

int
verb_check(struct cmd *c)
{
	(void)c;
	return EX_UNAVAILABLE;
}
