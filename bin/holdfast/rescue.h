/* SPDX-License-Identifier: ISC */
/*
 * Plain directories without the daemons' help: the last resort when Holdfast
 * itself is what does not work.
 */
#ifndef HOLDFAST_RESCUE_H
#define HOLDFAST_RESCUE_H

struct cmd;

/*
 * holdfastd does not run: takes the mounts of the module away and leaves a
 * word for moduled, which releases the module when it is back.  The exit
 * status.
 */
int	rescue_release(const struct cmd *c);
/* What is plain now, and how to return. */
void	rescue_tell(const char *module);

#endif
