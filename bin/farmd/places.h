/* SPDX-License-Identifier: ISC */
/*
 * Where the addresses are: for each the interface that vipd named, and what
 * follows for the filters, which know interfaces and not addresses.  Pure.
 */
#ifndef FARMD_PLACES_H
#define FARMD_PLACES_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "line.h"

#include "farm-conf.h"
#include "filter-input.h"

struct place {
	bool			is_known;
	bool			is_gone;	/* vipd says: no interface */
	bool			is_up;
	unsigned		index;
	char			interface[IF_NAMESIZE];
	struct filter_mac	mac;
	uint8_t			ip4[4];		/* of this node there, or 0 */
};

struct places {
	struct place		addr[FARM_ADDR_MAX];	/* as configured */
};

/*
 * Takes addr= interface= index= mac= own= up= of vipd.  1: something is new,
 * 0: known, -1: the line makes no sense.
 */
int	places_take(struct places *p, const struct farm_conf *conf,
	    const struct line *l);
/* vipd said of every address that there is no interface for it. */
bool	places_are_gone(const struct places *p, const struct farm_conf *conf);
/* Every address has its interface. */
bool	places_are_known(const struct places *p, const struct farm_conf *conf);
/*
 * Fills intf[], and intf of each address; the MACs of nodes are zero then.
 * False: more interfaces than a filter takes.
 */
bool	places_fill(const struct places *p, const struct farm_conf *conf,
	    struct filter_input *in);

#endif
