/* SPDX-License-Identifier: ISC */
/*
 * What remoted says on the network, and who joins says to it: the banner in
 * clear, then sealed records of one frame each.  Encoding only; the caller
 * moves the bytes.
 *
 *	"holdfast-remote 1\n"		a node of the cluster calls
 *	"holdfast-join 1 ID\n"		a machine with invitation ID
 *
 * The end that connects sends its banner and hello at once, the other one
 * answers with its own.
 */
#ifndef COMMON_REMOTE_H
#define COMMON_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cluster.h"
#include "frame.h"

#define REMOTE_PORT		4801
#define REMOTE_BANNER_LEN	32
#define REMOTE_VERSION		1
/* A frame and its seal; what is longer travels in several. */
#define REMOTE_FRAME_MAX	65536
#define REMOTE_CHUNK		16384
#define REMOTE_ARG_MAX		64
#define REMOTE_ARGS_LEN		16384
#define REMOTE_WHO_LEN		96
#define REMOTE_ID_LEN		8	/* of an invitation, hex digits */
/* What a command may get as its input: a module's archive, mostly. */
#define REMOTE_INPUT_MAX	(16 * 1024 * 1024)
/* How long the other end may be silent: it ticks every second. */
#define REMOTE_TICK_MS		1000
#define REMOTE_SILENCE_MS	5000
#define REMOTE_HELLO_MS		3000

/* Numbers are never given to another meaning. */
enum remote_type {
	REMOTE_CALL = 1,	/* struct remote_call */
	REMOTE_INPUT = 2,	/* bytes: standard input of the command */
	REMOTE_OUTPUT = 3,	/* u8 stream, bytes */
	REMOTE_END = 4,		/* u8 exit status, str what ended it */
	REMOTE_REFUSED = 5,	/* str code, str text */
	REMOTE_TICK = 6,	/* nothing: still here */
	REMOTE_JOIN = 7,	/* raw 64 proof, bytes request */
	REMOTE_ADMIT = 8,	/* bytes cluster.xml, bytes cluster.key; a
				 * witness: str name, bytes key */
};

enum remote_stream { REMOTE_OUT = 1, REMOTE_ERR = 2 };

/* One command of holdfast(8) for another node. */
struct remote_call {
	char		from[CLUSTER_NAME_LEN];	/* the node that vouches */
	char		who[REMOTE_WHO_LEN];	/* for logs: "alice" */
	uint8_t		role;			/* enum role of serve.h */
	uint32_t	input_len;
	unsigned	argc;
	const char	*argv[REMOTE_ARG_MAX + 1];
	char		store[REMOTE_ARGS_LEN];
};

enum remote_banner { BANNER_REMOTE, BANNER_JOIN, BANNER_OTHER, BANNER_BAD };

/* id NULL: a node of the cluster. */
void	remote_banner_put(uint8_t out[REMOTE_BANNER_LEN], const char *id);
/* BANNER_OTHER: another version of ours.  id is set for BANNER_JOIN. */
enum remote_banner remote_banner_get(const uint8_t in[REMOTE_BANNER_LEN],
	    char id[REMOTE_ID_LEN + 1]);
bool	remote_id_ok(const char *id);
/* Printable: a name that goes into logs, an environment, files of lines. */
bool	remote_is_plain(const char *s);

/* Adds an argument; false: too many or too long. */
bool	remote_call_add(struct remote_call *c, const char *arg);
/* The length, or 0: does not fit in REMOTE_FRAME_MAX. */
size_t	remote_call_put(void *buf, size_t size, const struct remote_call *c);
/* 0, or -1: makes no sense.  Strings of argv are in c->store. */
int	remote_call_get(struct remote_call *c, struct frame_in *f);

size_t	remote_tick_put(void *buf, size_t size);
size_t	remote_input_put(void *buf, size_t size, const void *p, size_t len);
size_t	remote_output_put(void *buf, size_t size, enum remote_stream s,
	    const void *p, size_t len);
size_t	remote_end_put(void *buf, size_t size, uint8_t status,
	    const char *what);
size_t	remote_refused_put(void *buf, size_t size, const char *code,
	    const char *text);
/* Bytes in place; NULL when the frame is bad or has more. */
const void	*remote_input_get(struct frame_in *f, size_t *len);
const void	*remote_output_get(struct frame_in *f, enum remote_stream *s,
		    size_t *len);
int	remote_end_get(struct frame_in *f, uint8_t *status, char *what,
	    size_t size);
int	remote_refused_get(struct frame_in *f, char *code, size_t code_size,
	    char *text, size_t text_size);

#endif
