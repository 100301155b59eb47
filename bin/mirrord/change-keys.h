/* SPDX-License-Identifier: ISC */
/* Which activity records a change needs before its local call (rule R14). */
#ifndef MIRRORD_CHANGE_KEYS_H
#define MIRRORD_CHANGE_KEYS_H

#include <stdbool.h>

#include "actlog.h"
#include "op.h"

struct change_keys {
	unsigned	  count;
	struct actlog_key key[ACTLOG_KEY_MAX];
};

/* The object the op changes in itself, 0: names only. */
uint64_t change_object(const struct op *op);
/* Adds to *k.  A directory is new by rule R15. */
void	change_keys(struct change_keys *k, const struct op *op,
	    bool dir_is_new, bool dir2_is_new);
/* Adds the names and all of the object: where nothing of it is sure. */
void	change_keys_whole(struct change_keys *k, const struct op *op);

#endif
