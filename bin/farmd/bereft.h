/* SPDX-License-Identifier: ISC */
#ifndef FARMD_BEREFT_H
#define FARMD_BEREFT_H

struct farm;

/* After the filters: has the clients of nodes that died come again. */
void	bereft_look(struct farm *f);

#endif
