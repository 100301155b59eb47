/* SPDX-License-Identifier: ISC */
/*
 * Invitations into the cluster.  A token, `ID-SECRET', is printed once; what
 * is kept, in /var/lib/holdfast/cluster/invite/ID, is a public key made of
 * the secret: who has only that cannot join.  It is secret all the same: it
 * keys the hello of the session, and so shows the new machine that it talks
 * to the cluster that invited it.
 */
#ifndef COMMON_INVITE_H
#define COMMON_INVITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "remote.h"
#include "seal.h"

#define INVITE_PUBLIC_LEN	32
#define INVITE_PROOF_LEN	64
#define TOKEN_LEN		40	/* with the NUL */
#define INVITE_TEXT_LEN		512

struct invite {
	char	id[REMOTE_ID_LEN + 1];
	uint8_t	public[INVITE_PUBLIC_LEN];
	int64_t	expires;		/* wall time, seconds */
	int64_t	used;			/* 0: not yet */
	char	by[REMOTE_WHO_LEN];	/* who made it */
	char	node[CLUSTER_NAME_LEN];	/* who used it */
	char	replace[CLUSTER_NAME_LEN]; /* the node it may take over */
};

/* A new one; only the token holds the secret. */
void	invite_make(struct invite *i, char token[TOKEN_LEN]);
/* The same public key from a token; false: not the form of one. */
bool	invite_from_token(struct invite *i, const char *token);
/* Text of the file, and back: 0, or -1. */
void	invite_text(char out[INVITE_TEXT_LEN], const struct invite *i);
int	invite_parse(struct invite *i, const char *id, const char *text);
/* 0, or -1 with errno (ENOENT: none of this id; EINVAL: damaged). */
int	invite_load(struct invite *i, const char *id);
int	invite_save(const struct invite *i);

/* What seals the session of who joins. */
void	invite_key(struct seal_key *k, const struct invite *i);
/* That the token is known here and now: over both hellos and the request. */
void	invite_prove(uint8_t proof[INVITE_PROOF_LEN], const char *token,
	    const uint8_t transcript[32], const void *request, size_t len);
bool	invite_verify(const struct invite *i,
	    const uint8_t proof[INVITE_PROOF_LEN],
	    const uint8_t transcript[32], const void *request, size_t len);

#endif
