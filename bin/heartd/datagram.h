/* SPDX-License-Identifier: ISC */
/*
 * What heartd says on the network: encoding and decoding of its datagrams.
 *
 * A datagram is a prelude in the clear, which says by whose key it opens,
 * and one sealed frame:
 *
 *	"HFHB" u8 version, u8 compat, u8 from, u8 to
 *	frame: node header, then by type
 *	    beat   entries, one a module
 *	    auth   answer nonce, challenge nonce (zero: none)
 *	    blob   one fragment
 *	    ack    fragments of a blob that arrived
 *
 * The prelude and the name of the network are bound to the seal.  `compat'
 * is the oldest version that can read it.  The node header, each entry, and
 * what follows in the other types begin with a u16 length: a reader skips
 * what a newer version put behind the fields it knows.
 */
#ifndef HEARTD_DATAGRAM_H
#define HEARTD_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cluster.h"
#include "epoch.h"
#include "frame.h"
#include "machine.h"
#include "paths.h"
#include "seal.h"

#include "blob.h"
#include "incarnation.h"

#define DATAGRAM_MAX		1200
#define DATAGRAM_VERSION	1
#define DATAGRAM_COMPAT		1
#define PRELUDE_LEN		8
#define DIGEST_MAX		64	/* hex digits */

enum datagram_type {
	DATAGRAM_BEAT = 1,
	DATAGRAM_AUTH = 2,
	DATAGRAM_BLOB = 3,
	DATAGRAM_ACK = 4,
};

/* Why a datagram was dropped; counted and logged by these names. */
enum datagram_error {
	DATAGRAM_OK,
	DATAGRAM_SHORT,		/* truncated, or nothing of ours */
	DATAGRAM_FOREIGN,	/* another protocol */
	DATAGRAM_NEWER,		/* a version we cannot read */
	DATAGRAM_SEAL,		/* other key, other network, or damaged */
	DATAGRAM_MALFORMED,	/* opened, but makes no sense */
};

struct prelude {
	uint8_t	version;
	uint8_t	compat;
	uint8_t	from;		/* node ids */
	uint8_t	to;
};

/* Common to all types. */
struct node_header {
	struct incarnation	from;
	struct incarnation	to;	/* none: not accepted yet */
	uint32_t		pulse_ms;	/* how fast I need your beats */
	uint64_t		ping;	/* number of this pulse */
	uint64_t		pong;	/* newest of yours on this network */
	uint32_t		pong_age_us;	/* how long ago it came */
	/* Zero: not known, or a sender of before. */
	uint8_t			machine[MACHINE_LEN];
	uint8_t			config[CLUSTER_DIGEST_LEN]; /* cluster.xml */
};

enum stamp_role { STAMP_NONE, STAMP_SECOND, STAMP_PRIM };

#define ENTRY_GONE	0x01	/* the module was withdrawn on that node */

struct entry {
	uint16_t	id;
	char		name[MODULE_NAME_MAX + 1];
	uint8_t		flags;
	char		digest[DIGEST_MAX + 1];
	uint64_t	version;	/* of the blob; 0: none published */
	struct epoch	epoch;		/* the stamp */
	uint8_t		role;
	uint64_t	counter;	/* of this beat */
	struct epoch	echo_epoch;
	uint64_t	echo;		/* your newest counter that I follow */
};

struct auth {
	bool	has_answer, has_challenge;
	uint8_t	answer[NONCE_LEN];
	uint8_t	challenge[NONCE_LEN];
};

struct blob_part {
	uint16_t	id;
	char		name[MODULE_NAME_MAX + 1];
	char		digest[DIGEST_MAX + 1];
	struct fragment	fragment;	/* data in place */
};

struct blob_ack {
	char		name[MODULE_NAME_MAX + 1];
	uint64_t	version;
	struct fragset	have;
};

/*
 * Building.  datagram_begin(), the parts, datagram_seal().  What does not
 * fit is refused by datagram_put_entry(), which leaves the frame as it was.
 */
struct datagram_out {
	struct frame_out	frame;
	uint8_t			plain[DATAGRAM_MAX];
};

void	datagram_begin(struct datagram_out *d, enum datagram_type type,
	    uint64_t sequence, const struct node_header *h);
bool	datagram_put_entry(struct datagram_out *d, const struct entry *e);
void	datagram_put_auth(struct datagram_out *d, const struct auth *a);
void	datagram_put_blob(struct datagram_out *d, const struct blob_part *b);
void	datagram_put_ack(struct datagram_out *d, const struct blob_ack *a);
/* The length in out[DATAGRAM_MAX], or 0 with errno EMSGSIZE. */
size_t	datagram_seal(struct datagram_out *d, const struct prelude *p,
	    const char *lan, const struct seal_key *key,
	    uint8_t out[DATAGRAM_MAX]);

/* Reading. */
enum datagram_error	datagram_prelude(struct prelude *p, const void *buf,
			    size_t len);
/* Opens the seal into plain[DATAGRAM_MAX]; *len is set. */
enum datagram_error	datagram_unseal(uint8_t plain[DATAGRAM_MAX],
			    size_t *len, const void *buf, size_t buf_len,
			    const char *lan, const struct seal_key *key);
/* Reads frame and node header; f->type says what follows. */
enum datagram_error	datagram_open(struct frame_in *f,
			    struct node_header *h, const void *plain,
			    size_t len);
/* True with an entry; false at the end, and f->bad when malformed. */
bool	datagram_get_entry(struct frame_in *f, struct entry *e);
/* 0, or -1 when malformed. */
int	datagram_get_auth(struct frame_in *f, struct auth *a);
int	datagram_get_blob(struct frame_in *f, struct blob_part *b);
int	datagram_get_ack(struct frame_in *f, struct blob_ack *a);

const char	*datagram_error_name(enum datagram_error e);
const char	*stamp_role_name(uint8_t role);
/* -1 for another word. */
int		stamp_role_parse(const char *word);

#endif
