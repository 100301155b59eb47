/* SPDX-License-Identifier: ISC */
/*
 * Epoch: the ballot that made its primary (holdfast(7), rule L1).  Compared
 * era, n, node in this order.  Text form is "era.n.node"; the zero epoch,
 * "0.0.0", is "none yet".
 */
#ifndef COMMON_EPOCH_H
#define COMMON_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

struct epoch {
	uint32_t	era;
	uint64_t	n;
	uint8_t		node;
};

#define EPOCH_LEN 40

int		epoch_cmp(struct epoch a, struct epoch b);
/* Same (era, n): what "equal" means when two nodes meet without a register. */
bool		epoch_same_round(struct epoch a, struct epoch b);
bool		epoch_is_none(struct epoch e);
/* The next epoch of `node' above e, in the same era. */
struct epoch	epoch_next(struct epoch e, uint8_t node);
const char	*epoch_str(char buf[EPOCH_LEN], struct epoch e);
/* For people: "epoch 7", with the era when it is not 0: "epoch 7 (era 1)". */
const char	*epoch_human(char buf[EPOCH_LEN], struct epoch e);
/* 0, or -1 with errno EINVAL; *e is then untouched. */
int		epoch_parse(struct epoch *e, const char *s);

#endif
