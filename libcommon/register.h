/* SPDX-License-Identifier: ISC */
/*
 * The value of a module's register: who is primary, who is in its in-sync
 * set, who votes.  What may follow which value is moduled's rule (L3); here
 * are its form, its fields on the wire and its text.
 *
 * Members stand in ascending order of their ids, voters in the order they
 * were named: equal values are equal field by field.
 */
#ifndef COMMON_REGISTER_H
#define COMMON_REGISTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cluster.h"
#include "epoch.h"
#include "frame.h"
#include "line.h"

#define REG_MEMBER_MAX		8
#define REG_VOTER_MAX		7
#define REG_WHO_LEN		64
#define REG_GENERATION_LEN	16

struct reg_member {
	uint8_t		node;
	struct epoch	since;		/* the value it joined by */
};

struct reg_voter {
	char		name[CLUSTER_NAME_LEN];
	uint64_t	id;		/* 0: never counted yet */
};

/* All zero: nothing was ever proposed. */
struct reg_value {
	struct epoch		epoch;	/* the ballot it was proposed with */
	uint8_t			primary; /* a member */
	unsigned		member_count;
	struct reg_member	member[REG_MEMBER_MAX];
	unsigned		voter_count;
	struct reg_voter	voter[REG_VOTER_MAX];
	/*
	 * While the voters change: the list before, which has to agree as
	 * well.  One voter was added, removed or has a new store.
	 */
	unsigned		old_voter_count;
	struct reg_voter	old_voter[REG_VOTER_MAX];
	uint8_t			generation[REG_GENERATION_LEN];
	bool			forced;
	char			who[REG_WHO_LEN]; /* who forced it, and why */
};

bool	reg_value_is_none(const struct reg_value *v);
/*
 * Well formed: an epoch with its node, a primary that is a member, members
 * in order and none since later than the epoch, voters with names and no
 * name twice, old voters that differ by one at most, a text without
 * control characters.  None is not.
 */
bool	reg_value_ok(const struct reg_value *v);
bool	reg_value_equal(const struct reg_value *a, const struct reg_value *b);

bool	reg_has_member(const struct reg_value *v, uint8_t node);
/* NULL when it is none. */
const struct reg_member	*reg_member(const struct reg_value *v, uint8_t node);
/* A member from now on; one that is keeps its since.  false: no room. */
bool	reg_member_add(struct reg_value *v, uint8_t node, struct epoch since);
/* The set becomes this node alone. */
void	reg_member_only(struct reg_value *v, uint8_t node, struct epoch since);
/* Index, or -1. */
int	reg_voter_index(const struct reg_value *v, const char *name);
/* A name that is there gets the id.  false: no room, or no name. */
bool	reg_voter_set(struct reg_value *v, const char *name, uint64_t id);
void	reg_voter_drop(struct reg_value *v, const char *name);
/* Cut to its room, control characters made blanks. */
void	reg_who_set(struct reg_value *v, const char *text);

/* The longest that reg_value_put() writes. */
#define REG_VALUE_LEN	(13 + 1 + 1 + REG_MEMBER_MAX * 14 + 1 + \
	(REG_VOTER_MAX + 1) * (4 + CLUSTER_NAME_LEN - 1 + 8) + \
	1 + REG_VOTER_MAX + \
	REG_GENERATION_LEN + 1 + 4 + REG_WHO_LEN - 1)
/* As fields of a frame; of a value that is ok. */
void	reg_value_put(struct frame_out *f, const struct reg_value *v);
/* 0, or -1 with f->bad set: no value that is ok. */
int	reg_value_get(struct frame_in *f, struct reg_value *v);

/*
 * As pairs of a line: epoch= primary= set=1,2 since=0.1.1,0.3.1
 * voters=n1:HEX,.. [old=n1:HEX,..] generation=HEX [forced=1 who=]
 */
void	reg_value_line(struct line_out *o, const struct reg_value *v);
/* 0, or -1 and *why says what is wrong; other keys are not looked at. */
int	reg_value_from_line(struct reg_value *v, const struct line *l,
	    const char **why);
/* The whole line `value epoch=...' without its newline. */
#define REG_TEXT_LEN	2304
void	reg_value_text(char text[REG_TEXT_LEN], const struct reg_value *v);
/* As reg_value_from_line(). */
int	reg_value_parse(struct reg_value *v, const char *text,
	    const char **why);

#endif
