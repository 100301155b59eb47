/* SPDX-License-Identifier: ISC */
/*
 * Agreement without a leader on who takes which bucket (rules F1 to F9).
 * Pure: time, own wish, what heartd says and what the others published come
 * in; what to take, what to publish and when to think again come out.
 *
 * How main uses it:
 *
 *	accord_think(a, &in, &out);
 *	if (out.buckets)	hand accord_taker() etc. to the filters, wait
 *				until it is in force, and only then go on
 *	if (out.blob)		write accord_save() to /run, then publish what
 *				accord_publish() fills
 *	if (out.expired)	end the own connections in accord_expired()
 *	at out.wake, or when any input changes: think again
 *
 * The order filter, file, blob is what makes a stop a stop and a restart
 * harmless.  When the filter refuses, nothing is published; main says why
 * and tries again.
 */
#ifndef FARMD_ACCORD_H
#define FARMD_ACCORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

#include "accord-in.h"
#include "farm-blob.h"
#include "share.h"

struct accord;

struct accord	*accord_new(const struct accord_conf *conf);
void	accord_free(struct accord *a);
/*
 * The configuration was changed while running.  The same digest: in place.
 * Another: as a restart with memory lost, but for share and epoch.
 */
void	accord_reconf(struct accord *a, const struct accord_conf *conf);

void	accord_think(struct accord *a, const struct accord_in *in,
	    struct accord_out *out);
/* Fills the agreement's half of b; the other half is left alone. */
void	accord_publish(const struct accord *a, struct farm_blob *b);

/*
 * Who takes a bucket: node id, 0 nobody.  Own id only when this node takes it
 * at this moment.  Also known to a node that is out: it may have to pass on
 * what stale ARP caches send it.
 */
uint8_t	accord_taker(const struct accord *a, unsigned table, unsigned bucket);
/* Bits by node index: who keeps connections of it, this node too. */
uint64_t	accord_keepers(const struct accord *a, unsigned table,
		    unsigned bucket);
/* Index bits of the members of the present share that are heard, and own. */
uint64_t	accord_members(const struct accord *a);
/* This node answers ARP and ND.  0 or 1; never while it takes no part. */
bool	accord_is_director(const struct accord *a);
/*
 * Takes no SYN at all, not one that another node directs here either: hold,
 * none, blocked, or others may not start yet.
 */
bool	accord_is_closed(const struct accord *a);
/* The share that is acted upon (epoch 0: none), and its digest. */
const struct share	*accord_share(const struct accord *a);

/*
 * Buckets that keep connections here.  Main says which of them still have
 * any; the others are let go (not in the first second: a handshake may be
 * under way).  What drain_ms ended is in accord_expired() until the next
 * accord_think().
 */
const struct share_set	*accord_keeps(const struct accord *a);
void	accord_keep_only(struct accord *a, const struct share_set *live);
const struct share_set	*accord_expired(const struct accord *a);

enum accord_phase	accord_phase(const struct accord *a);
/*
 * What is wrong, or "" : config-differs, farm-outcast stand in the way of
 * serving when accord_phase() is ACCORD_BLOCKED, else they are warnings about
 * others; farm-waits (somebody does not answer), farm-no-power are warnings.
 * The text is a sentence with names, without full stop.
 */
const char	*accord_code(const struct accord *a);
const char	*accord_text(const struct accord *a);
/* Tables without owner although somebody serves: bits by table. */
unsigned	accord_no_power(const struct accord *a);

/*
 * The memory of a farmd for its successor, text of at most ACCORD_SAVE_MAX
 * bytes.  Restoring foreign or damaged text, or that of another node: -1 and
 * *why; the accord is then as new and main must empty the filters, since it
 * cannot know what they take.  After 0 main gives accord_taker() etc. to the
 * filters before it does anything else.
 */
#define ACCORD_SAVE_MAX	16384
bool	accord_save(const struct accord *a, char *buf, size_t size);
int	accord_restore(struct accord *a, const char *text, struct mono now,
	    const char **why);

#endif
