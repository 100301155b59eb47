/* SPDX-License-Identifier: ISC */
/*
 * One sealed TCP connection: frames in, frames out.  Any thread may send;
 * one at a time may receive.  conn_break() ends both directions at once, a
 * blocked send included (rule R26), and may be called from anywhere while
 * the connection exists.
 */
#ifndef MIRRORD_CONN_H
#define MIRRORD_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epoch.h"
#include "seal.h"

struct conn;

/* Takes fd over, also when it fails: name and version, then the seal hello,
 * both within a bound.  NULL: closed, the reason was logged. */
struct conn	*conn_new(int fd, bool is_server, const struct seal_ring *k,
		    const char *peer);
void		 conn_free(struct conn *c);
void		 conn_break(struct conn *c);
bool		 conn_is_broken(const struct conn *c);
const char	*conn_cipher(const struct conn *c);
/* From now on every frame carries them. */
void		 conn_mark(struct conn *c, uint64_t number,
		    struct epoch epoch);
void		 conn_set_epoch(struct conn *c, struct epoch epoch);

/* One finished frame.  0, or -1: broken. */
int		 conn_send(struct conn *c, void *frame, size_t len);
/*
 * Several at once: conn_send_begin() takes the sending side, conn_add()
 * seals frames until it says that no more fits, conn_send_end() sends.
 */
void		 conn_send_begin(struct conn *c);
bool		 conn_add(struct conn *c, void *frame, size_t len);
int		 conn_send_end(struct conn *c);

/*
 * The next frame, valid until the next call: 1; 0 after timeout_ms without
 * one; -1 at the end.  A torn last frame is dropped.
 */
int		 conn_receive(struct conn *c, const uint8_t **frame,
		    size_t *len, int timeout_ms);

uint64_t	 conn_sent_bytes(const struct conn *c);
uint64_t	 conn_received_bytes(const struct conn *c);
int64_t		 conn_silence_ms(const struct conn *c);

#endif
