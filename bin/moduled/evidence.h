/* SPDX-License-Identifier: ISC */
/* What moduled asks outside of the pair: the fencing device, witnesses. */
#ifndef MODULED_EVIDENCE_H
#define MODULED_EVIDENCE_H

#include <confuse.h>
#include <stdbool.h>

struct moduled;
struct evidence;
struct status_out;

/* What is wrong in these sections is said; how many. */
int	evidence_check(cfg_t *cfg);
void	evidence_open(struct moduled *md);
void	evidence_close(struct moduled *md);
/* Carries out what the decision asks for. */
void	evidence_want(struct moduled *md);
/* What is to be shown of the device. */
void	evidence_status(const struct moduled *md, struct status_out *t);
/* There is something beside silence and the address to go by. */
bool	evidence_is_there(const struct moduled *md);

#endif
