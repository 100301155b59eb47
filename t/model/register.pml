/* SPDX-License-Identifier: ISC */
/*
 * Who may be primary of a mirror module that has voters: the rules L1 to L17
 * of HACKING, for two nodes with data (0, 1), which vote, and a witness (2),
 * which only votes; 3 is what the witness becomes when it is replaced.
 *
 * In it: register (ballots, promises, accepts), in-sync set, promotion,
 * acknowledgement, lease, resync, join, shrink, hand-over (of a stop and of a
 * swap), forced prim with and without a majority, one that is withdrawn before
 * it was proposed, change of the voters, crashes, a witness that forgets.
 *
 * Network: a message once sent stays deliverable for ever (late, doubled,
 * overtaken) and need never be delivered (lost, partition, one-way cut, dead
 * peer).  A partition is no variable: it is every schedule in which the steps
 * of one direction are not taken.  A crash loses all volatile state between
 * any two durable steps; how long a node is down is how long it takes no step.
 *
 * Clock: hold[p]: p believes that its lease runs; granted[s]: s believes that
 * a grant of its own still runs.  With sound clocks s sees its grant end only
 * after p saw the lease end.  -DBADCLOCK drops that.
 *
 * One process, each step atomic: what one daemon does between two durable
 * writes or messages.  MAXB ballots, NW writes, CR crashes; FORCE, FORCEMIN,
 * VOTERS, RECEIPT, FRESH, BADCLOCK, AMNESIA, CALM (faults end: progress);
 * M_xxx: a rule removed, which must be noticed.  t/model/run has the runs.
 */
#ifndef MAXB
#define MAXB 4
#endif
#ifndef NW
#define NW 2
#endif
#ifndef CR
#define CR 2
#endif
#ifdef CALM
#define RES 8		/* ballots kept for the time after the faults */
#else
#ifdef FORCEMIN
#define RES 3		/* ballots of the next era */
#else
#define RES 0
#endif
#endif
#define TOP (MAXB + RES)

#define WAIT 0
#define PRIM 1
#define SECOND 2

#define K_NONE 0
#define K_SHRINK 1
#define K_PROMOTE 2
#define K_JOIN 3
#define K_VOTERS 4
#define K_HANDOVER 5
#define K_FORCE 6
#define K_INIT 7
#define K_FORCEMIN 8
#define K_WITHDRAW 9

/*
 * Register value: bits 0-1 in-sync set, bit 2 primary, bit 3 forced, bits 4-7
 * voters, bits 8-11 the voters before, while it is not known that a majority
 * of both has accepted.
 */
#define V(p, i) ((i) | ((p) << 2))
#define SETPRI(v) ((v) & 7)
#define VOT(v) (((v) >> 4) & 15)
#define OLD(v) (((v) >> 8) & 15)
#define LISTS(v) ((v) & 4080)
#define COUNT(m) (((m) & 1) + (((m) >> 1) & 1) + (((m) >> 2) & 1) + (((m) >> 3) & 1))
#define MAJOF(m, l) (COUNT((m) & (l)) * 2 > COUNT(l))
/* a quorum for value v: a majority of its voters, and of those before */
#ifdef M_NEW_LIST_ONLY
#define VQ(m, v) MAJOF(m, VOT(v))
#else
#define VQ(m, v) (MAJOF(m, VOT(v)) && (OLD(v) == 0 || MAJOF(m, OLD(v))))
#endif
#define PRI(v) (((v) >> 2) & 1)
#define IN(v, n) (((v) >> (n)) & 1)
#define OWNER(b) (((b) + 1) & 1)        /* ballot 1, 3, 5 belong to node 0; 2, 4, 6 to node 1 */
#define BIT(k) (1 << (k))

/* voters: durable */
#ifdef VOTERS
#define NV 4
#else
#define NV 3
#endif
byte prom[NV], acc[NV];
short val[TOP + 1];		/* the value proposed with a ballot: an ACCEPT message, once sent */
byte acpt[TOP + 1];             /* who accepted it (ghost; also the ACCEPTED messages) */

/* nodes: durable */
byte fence[2];                  /* highest ballot used or epoch followed; older frames are refused */
bit incons[2];                  /* a resync into this node is not finished */
bit unclean[2];                 /* RECEIPT: was level while acknowledging on receipt and not stopped cleanly */
byte has[2];                    /* writes on this node's stable storage */
byte dep[2];                    /* ghost: epoch of the newest thing in the data */

/* nodes: volatile */
byte role[2], ep[2], pend[2], kind[2], pm[2], hb[2];
bit opened[2];			/* FORCEMIN: promises of the next era were asked for, and nothing was proposed there */
#ifdef VOTERS
byte eq[2];			/* whose answer was the value of hb */
#define EQ(n) eq[n]
#define NOEQ(n) eq[n] = 0
#else
#define EQ(n) 0
#define NOEQ(n) skip
#endif
bit need[2];                    /* every acknowledgement needs the peer */
bit jsent[2];                   /* a join was proposed; outcome unknown or known, peer may be in the set */
bit caught[2];
bit hold[2], granted[2];
byte rcv[2];                    /* RECEIPT: received, not yet on disk */

/* writes */
#if NW == 0
#define NWA 1
#else
#define NWA NW
#endif
byte wep[NWA];                   /* epoch of its frame; 0 = not issued */
byte own[NWA];                   /* who may still acknowledge it; 2 = nobody */
byte sack;                      /* peer's answers for the frame in force */
byte acked, aside;
byte ackep[NWA];

/* ghosts */
byte par[TOP + 1];              /* the value that a proposal was built on */
byte maxch;                     /* highest chosen ballot */
byte fch;			/* highest chosen forced ballot, or the first forced one of the next era */
byte crashes;
bit forced;			/* FORCEMIN: an operator forced once; two who do write two histories */
bit calm, wgone, done;
byte dead;                      /* CALM: node that stays dead, 9 = none */
byte t;                         /* scratch, always 0 between steps */

#define SERVING(n) (role[n] == PRIM && (!need[n] || hold[n]))

/* ---- invariants, checked after every step ---- */
#if defined(FORCE) || defined(FORCEMIN)
#define OVER(k) (ackep[k] < fch)        /* acknowledged in a history that the operator gave up */
#define UNFORCED (fch == 0)
#else
#define OVER(k) false
#define UNFORCED true
#endif
#define LOST1(k, n) ((acked & BIT(k)) && !OVER(k) && !((has[n] | rcv[n]) & BIT(k)))
#if NW == 0
#define LOST(n) false
#elif NW == 1
#define LOST(n) LOST1(0, n)
#elif NW == 2
#define LOST(n) (LOST1(0, n) || LOST1(1, n))
#else
#define LOST(n) (LOST1(0, n) || LOST1(1, n) || LOST1(2, n))
#endif

#define I1 (!(SERVING(0) && SERVING(1)) || !UNFORCED)
/* every acknowledged write is on the primary and on each member of the in-sync set of the highest chosen epoch;
   a member whose own record denies it (incons, unclean) cannot be promoted and is not counted */
#define I2P (maxch == 0 || !LOST(PRI(val[maxch])))
#define I2M(n) (!IN(val[maxch], n) || incons[n] || unclean[n] || !LOST(n))
/* nothing acknowledged vanishes: on a node, or set aside */
#define I4 ((acked & ~(has[0] | has[1] | rcv[0] | rcv[1] | aside)) == 0)

#ifdef RECEIPT
#define PRIOK true              /* both nodes crashed: the primary may be the only copy, see I2M */
#else
#define PRIOK I2P
#endif

#ifdef NOI1
#define CHECK1
#else
#define CHECK1 assert(I1);
#endif
#ifdef NOI2
#define CHECK2
#else
#define CHECK2 assert(PRIOK); assert(I2M(0)); assert(I2M(1));
#endif
#define check() CHECK1 CHECK2 assert(I4)

/* ---- helpers ---- */
#define orphan(n) \
	t = 0; \
	do \
	:: t < NW -> if :: own[t] == n && !(acked & BIT(t)) -> own[t] = 2 :: else fi; t++ \
	:: else -> break \
	od; \
	t = 0

#define NEXT(n, x) ((x) + 1 + (OWNER((x) + 1) != (n)))
#define MAX(x, y) ((x) > (y) -> (x) : (y))
#ifdef FORCEMIN			/* nobody enters the next era but by force */
#define LIMIT(n) (BASEW(n) > MAXB -> TOP : MAXB)
#else
#define LIMIT(n) (calm -> TOP : MAXB)
#endif
#define BASE(n) MAX(fence[n], prom[n])
#define BASEW(n) MAX(BASE(n), MAX(prom[2], prom[1 - (n)]))

#define start(n, k, base) \
	pend[n] = NEXT(n, base); \
	fence[n] = pend[n]; \
	kind[n] = k; \
	pm[n] = 0; \
	hb[n] = 0; \
	NOEQ(n)

#define quit(n) \
	pend[n] = 0; kind[n] = 0; pm[n] = 0; hb[n] = 0; NOEQ(n)

#define stepdown(n) \
	role[n] = WAIT; ep[n] = 0; hold[n] = 0; need[n] = 0; jsent[n] = 0; orphan(n)

/* the moment a majority has accepted (I3): the value was built on the highest chosen one below it or on something newer, by or
   for a member of that in-sync set.  A value may reach its majority late, after a higher one that saw it and was built on it. */
#define chosen(b) \
	t = 0; \
	assert((val[b] & 8) || par[b] == 0 || IN(val[par[b]], PRI(val[b]))); \
	if \
	:: b > maxch -> assert(par[b] >= maxch || (ERA(b) && !ERA(maxch))); maxch = b \
	:: else -> t = b + 1; \
		do :: t < maxch && !CHOSEN(t) -> t++ :: else -> break od; \
		assert(par[t] >= b || (ERA(t) && !ERA(b))) \
	fi; \
	t = 0; \
	if \
	:: !ERA(b) && (val[b] & 8) && b > fch -> fch = b \
	:: ERA(b) && (val[b] & 8) && fch == 0 -> fch = b \
	:: else \
	fi

#define enter(n, b) \
	role[n] = PRIM; \
	ep[n] = b; \
	fence[n] = b; \
	has[n] = has[n] | rcv[n]; \
	rcv[n] = 0; \
	dep[n] = b; \
	need[n] = IN(val[b], 1 - n); \
	jsent[n] = need[n]; \
	caught[n] = 0

#ifdef M_PROMOTE_NOT_IN_SET
#define MAYPROMOTE(n) true
#else
#define MAYPROMOTE(n) IN(val[hb[n]], n)
#endif
#ifdef M_IGNORE_INCONS
#define SOUND(n) true
#else
#define SOUND(n) (!incons[n] && !unclean[n])
#endif
#ifdef M_NO_LEASE_WAIT
#define GRANTFREE(n) true
#else
#define GRANTFREE(n) (!granted[n])
#endif
#ifdef M_ACK_WITHOUT_PEER
#define PEEROK(n, k) true
#else
#define PEEROK(n, k) (!need[n] || (sack & BIT(k)))
#endif
#ifdef M_NO_LOCAL_SYNC
#define LOCALOK(n, k) ((has[n] & BIT(k)) || (sack & BIT(k)))
#else
#define LOCALOK(n, k) (has[n] & BIT(k))
#endif
#ifdef M_NO_LEASE_CHECK
#define LEASEOK(n) true
#else
#define LEASEOK(n) SERVING(n)
#endif
#ifdef M_NO_FENCE
#define FRAMEOK(s, k) (role[s] != PRIM)
#else
#define FRAMEOK(s, k) (role[s] == SECOND && fence[s] == wep[k])
#endif
#ifdef M_SINGLE_VOTE
#define AQ(m, b) ((m) != 0)
#define PQ(n) (pm[n] != 0)
#else
#define AQ(m, b) VQ(m, val[b])
/* a new register has the voters of the configuration */
#define PQ(n) (hb[n] -> VQ(pm[n], val[hb[n]]) : MAJOF(pm[n], 7))
#endif
#define CHOSEN(b) AQ(acpt[b], b)
#ifdef FORCEMIN
#define MAYPROPOSE(n) (kind[n] == K_FORCEMIN -> (pm[n] & BIT(n)) : PQ(n))
#define ERA(b) ((b) > MAXB)
#else
#define MAYPROPOSE(n) PQ(n)
#define ERA(b) 0
#endif
/* is it known that the value proposed on was chosen? */
#ifdef M_OLD_LIST_DROPPED
#define KNOWN(n) true
#else
#define KNOWN(n) (VQ(EQ(n), val[hb[n]]) || (role[n] == PRIM && ep[n] == hb[n]))
#endif
/* the lists of a new value that changes no voters */
#define KEEPLISTS(n) (hb[n] -> (KNOWN(n) -> (VOT(val[hb[n]]) << 4) : LISTS(val[hb[n]])) : (7 << 4))
#ifdef M_NO_PROMISE
#define MAYACCEPT(v, b) (acc[v] < (b))
#else
#define MAYACCEPT(v, b) (prom[v] <= (b))
#endif
#ifdef M_FORGET_HIGHEST         /* proposer trusts its own record in place of the highest among the promises */
#define SEEN(n, v) (n == v -> acc[v] : hb[n])
#else
#define SEEN(n, v) MAX(hb[n], acc[v])
#endif

#ifdef M_NO_RETRY               /* a primary that gave an attempt up tries again until it knows */
#define DOUBT(n) false
#else
#define DOUBT(n) (role[n] == PRIM && fence[n] > ep[n])
#endif
#ifdef M_NO_REFRESH             /* an ALONE primary takes a new epoch when the peer's fence is above its own */
#define REFRESH(n, m) DOUBT(n)
#else
#define REFRESH(n, m) (DOUBT(n) || (!need[n] && LIVE(m) && role[m] == WAIT && fence[m] > ep[n]))
#endif
/* in calm times the proposer hears all who can be reached, not only the first majority */
#define ALLIN(n) (!calm || (((pm[n] & 1) || !VOTES(0)) && ((pm[n] & 2) || !VOTES(1)) && ((pm[n] & 4) || !VOTES(2))))
#define LIVE(n) (dead != (n))
#define VOTES(v) (!((v) == 2 && wgone) && dead != (v))

#ifdef VOTERS
#define SAME(n, v) \
	if \
	:: acc[v] > hb[n] -> eq[n] = BIT(v) \
	:: acc[v] == hb[n] -> eq[n] = eq[n] | BIT(v) \
	:: else \
	fi;
#else
#define SAME(n, v)
#endif

/* ---- voter v and proposer n ---- */
#define PROMISE(n, v) \
	:: d_step { LIVE(n) && VOTES(v) && pend[n] && val[pend[n]] == 0 && !(pm[n] & BIT(v)) && prom[v] < pend[n] -> \
		prom[v] = pend[n]; SAME(n, v) hb[n] = SEEN(n, v); pm[n] = pm[n] | BIT(v) }
#define ACCEPT(v, b) \
	:: d_step { b <= TOP && VOTES(v) && val[b] && !(acpt[b] & BIT(v)) && MAYACCEPT(v, b) -> \
		prom[v] = MAX(prom[v], b); acc[v] = b; \
		if :: !CHOSEN(b) && AQ(acpt[b] | BIT(v), b) -> chosen(b) :: else fi; \
		acpt[b] = acpt[b] | BIT(v); check() }

/* ---- node n, peer m ---- */
#define CALMFREE(m) (!calm || !LIVE(m) || pend[m] == 0)
#define NEEDED(n, m) /* in calm times: why start a ballot */ \
	(!calm || REFRESH(n, m) || (role[n] == PRIM && need[n] && (role[m] != SECOND) && (!LIVE(m) || fence[m] > ep[n] || incons[m] || unclean[m])))
#define HV val[MAX(VOTES(0) * acc[0], MAX(VOTES(1) * acc[1], VOTES(2) * acc[2]))]  /* the newest value the reachable voters hold */
#define CAND(n, m) (!calm || (granted[n] == 0 && IN(HV, n) && (!LIVE(m) || (role[m] != PRIM && (!IN(HV, m) || n == 0 || !SOUND(m))))))

#define NODE(n, m) \
	:: d_step { LIVE(n) && role[n] == PRIM && pend[n] == 0 && (need[n] || REFRESH(n, m)) && CALMFREE(m) && NEEDED(n, m) && \
		NEXT(n, BASE(n)) <= LIMIT(n) -> start(n, K_SHRINK, BASE(n)) } \
	:: d_step { LIVE(n) && role[n] == PRIM && pend[n] == 0 && (need[n] || REFRESH(n, m)) && CALMFREE(m) && NEEDED(n, m) && \
		BASEW(n) > BASE(n) && NEXT(n, BASEW(n)) <= LIMIT(n) -> start(n, K_SHRINK, BASEW(n)) } \
	:: d_step { LIVE(n) && role[n] != PRIM && pend[n] == 0 && GRANTFREE(n) && SOUND(n) && CALMFREE(m) && CAND(n, m) && maxch && \
		NEXT(n, BASE(n)) <= LIMIT(n) -> role[n] = WAIT; caught[n] = 0; FLUSHALL(n); start(n, K_PROMOTE, BASE(n)) } \
	:: d_step { LIVE(n) && role[n] != PRIM && pend[n] == 0 && GRANTFREE(n) && SOUND(n) && CALMFREE(m) && CAND(n, m) && maxch && \
		BASEW(n) > BASE(n) && NEXT(n, BASEW(n)) <= LIMIT(n) -> role[n] = WAIT; caught[n] = 0; FLUSHALL(n); start(n, K_PROMOTE, BASEW(n)) } \
	:: d_step { LIVE(n) && role[n] == PRIM && pend[n] == 0 && STRICT(n) && !jsent[n] && role[m] == SECOND && caught[m] && \
		fence[m] == ep[n] && CALMFREE(m) && NEXT(n, BASE(n)) <= LIMIT(n) -> start(n, K_JOIN, BASE(n)) } \
	:: d_step { !calm && role[n] == PRIM && pend[n] == 0 && jsent[n] && role[m] == SECOND && caught[m] && \
		fence[m] == ep[n] && IN(val[ep[n]], m) && NEXT(n, BASE(n)) <= LIMIT(n) -> stepdown(n); start(n, K_HANDOVER, BASE(n)) } \
	FORCESTART(n, m) \
	VOTERSTART(n) \
	INITSTART(n, m) \
	PROMISE(n, 0) PROMISE(n, 1) PROMISE(n, 2) PROMISE3(n) \
	:: d_step { LIVE(n) && pend[n] && val[pend[n]] == 0 && MAYPROPOSE(n) && ALLIN(n) -> propose(n, m); check() } \
	:: d_step { !calm && pend[n] -> quit(n) }                               /* time-out; a sent proposal lives on */ \
	:: d_step { LIVE(n) && pend[n] && val[pend[n]] && CHOSEN(pend[n]) -> learn(n, m); check() } \
	:: d_step { calm && LIVE(n) && pend[n] && val[pend[n]] == 0 && ((prom[0] > pend[n]) + (prom[1] > pend[n]) + (prom[2] > pend[n]) > 0) -> quit(n) } \
	:: d_step { calm && LIVE(n) && pend[n] && val[pend[n]] && !CHOSEN(pend[n]) && \
		((prom[0] > pend[n]) + (prom[1] > pend[n]) + (prom[2] > pend[n]) > 0) -> quit(n) } \
	ENTERS(n) \
	DEMOTES(n) \
	LEARNS(n) \
	:: d_step { !calm && role[n] == PRIM && need[n] && !hold[n] -> quit(n); stepdown(n); check() }   /* fenced, then stopped */ \
	/* n is primary, m follows it */ \
	:: d_step { LIVE(n) && LIVE(m) && role[n] == PRIM && role[m] == WAIT && pend[m] == 0 && fence[m] <= ep[n] && \
		(IN(val[ep[n]], m) || jsent[n]) && SOUND(m) -> \
		fence[m] = ep[n]; role[m] = SECOND; caught[m] = 1; check() } \
	:: d_step { LIVE(n) && LIVE(m) && role[n] == PRIM && role[m] == WAIT && pend[m] == 0 && fence[m] <= ep[n] && \
		!IN(val[ep[n]], m) && RESYNCOK(n) -> \
		fence[m] = ep[n]; role[m] = SECOND; caught[m] = 0; incons[m] = 1; unclean[m] = 0; \
		SETASIDE(n, m) has[m] = 0; rcv[m] = 0; dep[m] = ep[n]; NEWSESSION; check() } \
	:: d_step { LIVE(n) && LIVE(m) && role[n] == PRIM && role[m] == SECOND && fence[m] < ep[n] && caught[m] && \
		(IN(val[ep[n]], m) || need[n]) -> fence[m] = ep[n]; check() }     /* same connection, newer epoch */ \
	:: d_step { LIVE(n) && LIVE(m) && role[n] == PRIM && role[m] == SECOND && !caught[m] && fence[m] == ep[n] -> \
		has[m] = has[m] | has[n]; incons[m] = 0; caught[m] = 1; BARRIER(n); check() } \
	:: d_step { LIVE(n) && LIVE(m) && role[n] == PRIM && role[m] == SECOND && caught[m] && fence[m] == ep[n] && !need[n] && calm -> \
		role[m] = WAIT; caught[m] = 0 } \
	:: d_step { LIVE(n) && LIVE(m) && role[n] == PRIM && role[m] == SECOND && fence[m] != ep[n] && calm && \
		!(fence[m] < ep[n] && caught[m] && (IN(val[ep[n]], m) || need[n])) -> role[m] = WAIT; caught[m] = 0 } \
	:: d_step { LIVE(m) && calm && role[m] == SECOND && role[n] != PRIM -> role[m] = WAIT; caught[m] = 0 } \
	:: d_step { calm && LIVE(n) && role[n] == PRIM && need[n] && !jsent[n] && pend[n] == 0 && (!LIVE(m) || role[m] != SECOND) -> need[n] = 0; check() } \
	:: d_step { !calm && role[n] == PRIM && need[n] && !jsent[n] && kind[n] != K_JOIN -> need[n] = 0; check() }      /* joiner dropped */ \
	:: d_step { !calm && role[m] == SECOND -> role[m] = WAIT; caught[m] = 0; FLUSHALL(m); check() }  /* connection lost */ \
	/* lease */ \
	:: d_step { LIVE(n) && LIVE(m) && role[n] == PRIM && role[m] == SECOND && fence[m] == ep[n] && !(granted[m] && hold[n]) -> \
		granted[m] = 1; hold[n] = 1; check() } \
	:: d_step { !calm && role[n] == PRIM && role[m] == SECOND && fence[m] == ep[n] && !granted[m] -> granted[m] = 1 }        /* answer lost */ \
	:: d_step { (!calm || !LIVE(m) || role[m] != SECOND) && hold[n] -> hold[n] = 0; check() } \
	:: d_step { granted[m] && EXPIRED(n) && (!calm || role[m] != SECOND) -> granted[m] = 0 } \
	CRASHES(n, m)

#ifdef BADCLOCK
#define EXPIRED(n) true
#else
#define EXPIRED(n) (!hold[n])
#endif
#ifdef M_RESYNC_WHILE_IN_SET
#define RESYNCOK(n) true
#else
#define RESYNCOK(n) (!jsent[n])
#endif
#ifdef M_NO_ASIDE
#define SETASIDE(n, m)
#else
#define SETASIDE(n, m) aside = aside | ((has[m] | rcv[m]) & ~has[n]);
#endif
#ifdef M_OLD_SESSION            /* answers of an earlier connection still count */
#define NEWSESSION skip
#else
#define NEWSESSION sack = 0
#endif
#ifdef M_NO_BARRIER
#define BARRIER(n) skip
#define STRICT(n) true
#else
#define BARRIER(n) need[n] = 1
#define STRICT(n) need[n]
#endif
#ifdef RECEIPT
#define FLUSHALL(m) has[m] = has[m] | rcv[m]; rcv[m] = 0
#else
#define FLUSHALL(m) skip
#endif
#ifdef M_GRANT_FORGOTTEN        /* restart does not wait for a grant given before the crash */
#define AFTERBOOT 0
#else
#define AFTERBOOT 1
#endif
#ifdef RECEIPT
#ifdef M_RECEIPT_TRUSTED
#define MARKUNCLEAN(n)
#else
#define MARKUNCLEAN(n) if :: role[n] == SECOND && caught[n] -> unclean[n] = 1 :: else fi;
#endif
#else
#define MARKUNCLEAN(n)
#endif

#define CRASHES(n, m) \
	:: d_step { !calm && crashes < CR -> crashes++; MARKUNCLEAN(n) quit(n); stepdown(n); opened[n] = 0; \
		rcv[n] = 0; caught[n] = 0; granted[n] = AFTERBOOT; check() }

#if NW == 0
#define NOPENDING(n) true
#elif NW == 1
#define NOPENDING(n) (wep[0] == 0 || own[0] != n || (acked & 1))
#elif NW == 2
#define NOPENDING(n) ((wep[0] == 0 || own[0] != n || (acked & 1)) && (wep[1] == 0 || own[1] != n || (acked & 2)))
#else
#define NOPENDING(n) ((wep[0] == 0 || own[0] != n || (acked & 1)) && (wep[1] == 0 || own[1] != n || (acked & 2)) && (wep[2] == 0 || own[2] != n || (acked & 4)))
#endif

/* by who opened the era, and knows that nothing of it was proposed */
#ifdef M_WITHDRAW_SENT
#define WITHDRAWN(n) forced
#else
#define WITHDRAWN(n) opened[n]
#endif
#ifdef FORCE
#ifdef M_FORCE_NO_WAIT
#define FGRANT(n) true
#else
#define FGRANT(n) (!granted[n])
#endif
#define FORCESTART(n, m) \
	:: d_step { !calm && fch == 0 && role[n] != PRIM && pend[n] == 0 && !incons[n] && FGRANT(n) && maxch && \
		NEXT(n, BASEW(n)) <= LIMIT(n) -> role[n] = WAIT; caught[n] = 0; FLUSHALL(n); start(n, K_FORCE, BASEW(n)) }
#else
#ifdef FORCEMIN
#define FORCESTART(n, m) \
	:: d_step { !forced && role[n] != PRIM && pend[n] == 0 && !incons[n] && !granted[n] && maxch && \
		NEXT(n, MAX(MAXB, BASE(n))) <= TOP -> \
		forced = 1; opened[n] = 1; role[n] = WAIT; caught[n] = 0; FLUSHALL(n); start(n, K_FORCEMIN, MAX(MAXB, BASE(n))) } \
	:: d_step { WITHDRAWN(n) && role[n] != PRIM && pend[n] == 0 && NEXT(n, BASEW(n)) <= TOP && ERA(BASEW(n)) -> \
		role[n] = WAIT; caught[n] = 0; FLUSHALL(n); start(n, K_WITHDRAW, BASEW(n)) }
#else
#define FORCESTART(n, m)
#endif
#endif

#ifdef VOTERS
#define PROMISE3(n) PROMISE(n, 3)
#define VOTERSTART(n) \
	:: d_step { !calm && role[n] == PRIM && pend[n] == 0 && VOT(val[ep[n]]) == 7 && NEXT(n, BASE(n)) <= LIMIT(n) -> start(n, K_VOTERS, BASE(n)) }
#else
#define PROMISE3(n)
#define VOTERSTART(n)
#endif

#ifdef FRESH
#define INITSTART(n, m) \
	:: d_step { !calm && role[n] == WAIT && pend[n] == 0 && NEXT(n, BASE(n)) <= LIMIT(n) -> start(n, K_INIT, BASE(n)) }
#else
#define INITSTART(n, m)
#endif

#ifdef M_CHANGE_UNKNOWN		/* voters changed on a value of which nobody knows whether it was chosen */
#define MAYCHANGE(n) (VOT(val[hb[n]]) == 7)
#else
#define MAYCHANGE(n) (VOT(val[hb[n]]) == 7 && KNOWN(n) && OLD(val[hb[n]]) == 0)
#endif
#ifdef M_OLD_LIST_FORGOTTEN
#define OLDLIST(n) 0
#else
#define OLDLIST(n) (VOT(val[hb[n]]) << 8)
#endif

/* a ballot of an era is for a value of that era, or for a force that opens it */
#if defined(FORCEMIN) && !defined(M_ERA_BY_BALLOT)
#define OTHERERA(n) (ERA(pend[n]) != ERA(hb[n]) && kind[n] != K_FORCEMIN && kind[n] != K_WITHDRAW)
#else
#define OTHERERA(n) false
#endif
/* with the promises of a quorum in hand */
#ifdef M_SHRINK_EARLY           /* acknowledge alone as soon as the proposal has left */
#define EARLY(n) if :: kind[n] == K_SHRINK && pend[n] -> need[n] = 0 :: else fi
#else
#define EARLY(n) skip
#endif
#define propose(n, m) \
	if \
	:: OTHERERA(n) -> quit(n) \
	:: kind[n] == K_SHRINK && role[n] == PRIM && hb[n] >= ep[n] && PRI(val[hb[n]]) == n && IN(val[hb[n]], n) -> val[pend[n]] = V(n, BIT(n)) | KEEPLISTS(n) \
	:: kind[n] == K_PROMOTE && role[n] != PRIM && SOUND(n) && hb[n] && MAYPROMOTE(n) -> val[pend[n]] = V(n, BIT(n)) | KEEPLISTS(n) \
	:: kind[n] == K_JOIN && role[n] == PRIM && PRI(val[hb[n]]) == n && IN(val[hb[n]], n) && STRICT(n) -> jsent[n] = 1; val[pend[n]] = V(n, 3) | KEEPLISTS(n) \
	:: kind[n] == K_HANDOVER && role[n] != PRIM && PRI(val[hb[n]]) == n && IN(val[hb[n]], m) && IN(val[hb[n]], n) -> val[pend[n]] = V(m, BIT(m)) | KEEPLISTS(n) \
	:: kind[n] == K_INIT && hb[n] == 0 -> val[pend[n]] = V(n, BIT(n)) | KEEPLISTS(n) \
	:: kind[n] == K_FORCE -> val[pend[n]] = (V(n, BIT(n)) | 8) | KEEPLISTS(n) \
	:: kind[n] == K_FORCEMIN -> val[pend[n]] = (V(n, BIT(n)) | 8) | (pm[n] << 4) \
	:: kind[n] == K_WITHDRAW && role[n] != PRIM && hb[n] -> val[pend[n]] = (val[hb[n]] & 15) | KEEPLISTS(n) \
	:: kind[n] == K_VOTERS && role[n] == PRIM && hb[n] >= ep[n] && PRI(val[hb[n]]) == n && IN(val[hb[n]], n) && MAYCHANGE(n) -> \
		val[pend[n]] = SETPRI(val[hb[n]]) | (11 << 4) | OLDLIST(n) \
	:: else -> \
		if \
		:: role[n] == PRIM && hb[n] > ep[n] && PRI(val[hb[n]]) != n -> stepdown(n) \
		:: else \
		fi; \
		quit(n) \
	fi; \
	if :: pend[n] -> par[pend[n]] = hb[n]; opened[n] = 0 :: else fi; \
	EARLY(n)

#define learn(n, m) \
	if \
	:: kind[n] == K_HANDOVER || kind[n] == K_WITHDRAW -> skip \
	:: kind[n] == K_SHRINK || kind[n] == K_JOIN || kind[n] == K_VOTERS -> \
		if \
		:: role[n] == PRIM -> ep[n] = pend[n]; dep[n] = pend[n]; \
			need[n] = IN(val[pend[n]], m); jsent[n] = need[n] \
		:: else \
		fi \
	:: else -> enter(n, pend[n]) \
	fi; \
	quit(n)

#define ENTER1(n, b) \
	:: d_step { b <= TOP && LIVE(n) && role[n] != PRIM && pend[n] == 0 && val[b] && PRI(val[b]) == n && OWNER(b) != n && \
		CHOSEN(b) && fence[n] <= b && SOUND(n) -> enter(n, b); check() }
/* its place in a later epoch, said by the other node; a join of its own may still come true */
#ifdef FORCEMIN
#define LEARN1(n, b) \
	:: d_step { b <= TOP && LIVE(n) && role[n] == PRIM && pend[n] == 0 && val[b] && PRI(val[b]) == n && OWNER(b) != n && \
		CHOSEN(b) && b > ep[n] -> ep[n] = b; dep[n] = b; \
		need[n] = (IN(val[b], 1 - n) || (jsent[n] && fence[n] > b)); jsent[n] = need[n]; \
		fence[n] = MAX(fence[n], b); check() }
#define LEARNS(n) EACHB(LEARN1, n)
#else
#define LEARNS(n)
#endif
#define DEMOTE1(n, b) \
	:: d_step { b <= TOP && LIVE(n) && role[n] == PRIM && CHOSEN(b) && b > ep[n] && PRI(val[b]) != n -> quit(n); stepdown(n); check() }

#if TOP == 3
#define EACHB(X, a) X(a, 1) X(a, 2) X(a, 3)
#elif TOP == 4
#define EACHB(X, a) X(a, 1) X(a, 2) X(a, 3) X(a, 4)
#elif TOP == 5
#define EACHB(X, a) X(a, 1) X(a, 2) X(a, 3) X(a, 4) X(a, 5)
#elif TOP == 6
#define EACHB(X, a) X(a, 1) X(a, 2) X(a, 3) X(a, 4) X(a, 5) X(a, 6)
#elif TOP == 7
#define EACHB(X, a) X(a, 1) X(a, 2) X(a, 3) X(a, 4) X(a, 5) X(a, 6) X(a, 7)
#else
#define EACHB(X, a) X(a, 1) X(a, 2) X(a, 3) X(a, 4) X(a, 5) X(a, 6) X(a, 7) X(a, 8) \
	X(a, 9) X(a, 10) X(a, 11) X(a, 12) X(a, 13) X(a, 14) X(a, 15)
#endif
#if TOP > 7
byte pad[16];
#endif
#define ENTERS(n) EACHB(ENTER1, n)
#define DEMOTES(n) EACHB(DEMOTE1, n)

/* ---- writes ---- */
#ifdef NOI1
#define ACKALONE(m) skip
#else
#define ACKALONE(m) assert(!SERVING(m) || !UNFORCED)    /* I5: one node acknowledges */
#endif
#define WRITE(n, m, k) \
	:: d_step { !calm && wep[k] == 0 && (k == 0 || wep[(k) - 1 + ((k) == 0)]) && role[n] == PRIM -> wep[k] = ep[n]; own[k] = n; wby[k] = n } \
	:: d_step { wep[k] && own[k] == n && role[n] == PRIM && !(has[n] & BIT(k)) -> has[n] = has[n] | BIT(k); check() } \
	:: d_step { wep[k] && own[k] == n && role[n] == PRIM && wep[k] < ep[n] && !(acked & BIT(k)) -> \
		wep[k] = ep[n]; sack = sack & ~BIT(k) } \
	:: d_step { !calm && wep[k] && OWNER_OF(k) != m && !((has[m] | rcv[m]) & BIT(k)) && FRAMEOK(m, k) -> \
		assert(wep[k] >= dep[m]); TAKE(m, k); if :: own[k] == n -> sack = sack | BIT(k) :: else fi; check() } \
	:: d_step { !calm && wep[k] && own[k] == n && ((has[m] | rcv[m]) & BIT(k)) && !(sack & BIT(k)) && FRAMEOK(m, k) -> sack = sack | BIT(k) } \
	:: d_step { wep[k] && own[k] == n && role[n] == PRIM && !(acked & BIT(k)) && LOCALOK(n, k) && PEEROK(n, k) && LEASEOK(n) -> \
		ACKALONE(m); acked = acked | BIT(k); ackep[k] = ep[n]; check() } \
	FLUSH(m, k)
#define OWNER_OF(k) (OWNER2(k))
#define OWNER2(k) wby[k]
byte wby[NWA];

#ifdef RECEIPT
#define TAKE(m, k) rcv[m] = rcv[m] | BIT(k)
#define FLUSH(m, k) :: d_step { rcv[m] & BIT(k) -> has[m] = has[m] | BIT(k); rcv[m] = rcv[m] & ~BIT(k) }
#else
#define TAKE(m, k) has[m] = has[m] | BIT(k)
#define FLUSH(m, k)
#endif

#if NW == 0
#define WRITES(n, m)
#elif NW == 1
#define WRITES(n, m) WRITE(n, m, 0)
#elif NW == 2
#define WRITES(n, m) WRITE(n, m, 0) WRITE(n, m, 1)
#else
#define WRITES(n, m) WRITE(n, m, 0) WRITE(n, m, 1) WRITE(n, m, 2)
#endif

#ifdef M_AMNESIA
#define AMNESIA_STEP :: d_step { !calm && !wgone && crashes < CR && acc[2] -> crashes++; prom[2] = 0; acc[2] = 0 }
#else
#ifdef AMNESIA
#define AMNESIA_STEP :: d_step { !calm && !wgone -> wgone = 1; prom[2] = 0; acc[2] = 0 }
#else
#define AMNESIA_STEP
#endif
#endif

#define INS(n) IN(val[maxch], n)
#define GOODALL ((SERVING(0) && role[1] == SECOND && caught[1] && fence[1] == ep[0] && INS(0) && INS(1) && ep[0] == maxch) || \
	(SERVING(1) && role[0] == SECOND && caught[0] && fence[0] == ep[1] && INS(0) && INS(1) && ep[1] == maxch))

#ifdef TABLE
/* Which change may follow which value: compared with the table of moduled. */
#define ROW(k, name) \
	p = 0; \
	do \
	:: p <= 6 -> \
		r = 0; \
		do \
		:: r <= 3 -> \
			val[1] = (p == 0 -> 0 : V((p - 1) / 3, (p - 1) % 3 + 1) | (7 << 4)); \
			val[3] = 0; hb[0] = (p > 0); pend[0] = 3; kind[0] = k; role[0] = (r & 1); \
			incons[0] = ((r >> 1) & 1); ep[0] = (r & 1); need[0] = 1; acc[0] = hb[0]; \
			propose(0, 1); \
			printf("@%e present=%d running=%d level=%d next=%d\n", name, val[1] & 7, r & 1, !((r >> 1) & 1), (pend[0] -> val[3] & 7 : 0)); \
			pend[0] = 0; r++ \
		:: else -> break \
		od; \
		p++ \
	:: else -> break \
	od
mtype = { first, promote, shrink, join, hand, force, withdraw };
byte p, r;

active proctype table()
{
	dead = 9;
	ROW(K_INIT, first);
	ROW(K_PROMOTE, promote);
	ROW(K_SHRINK, shrink);
	ROW(K_JOIN, join);
	ROW(K_HANDOVER, hand);
	ROW(K_FORCE, force);
	ROW(K_WITHDRAW, withdraw)
}
#else
active proctype world()
{
	d_step {
		dead = 9;
#ifndef FRESH
		val[1] = V(0, 3) | (7 << 4); acpt[1] = 7; maxch = 1;
		prom[0] = 1; prom[1] = 1; prom[2] = 1; acc[0] = 1; acc[1] = 1; acc[2] = 1;
		fence[0] = 1; fence[1] = 1;
		role[0] = PRIM; ep[0] = 1; need[0] = 1; jsent[0] = 1; dep[0] = 1; dep[1] = 1;
		role[1] = SECOND; caught[1] = 1;
#else
		incons[0] = 0;
#endif
	}
	do
	NODE(0, 1)
	NODE(1, 0)
	WRITES(0, 1)
	WRITES(1, 0)
	EACHB(ACCEPT, 0) EACHB(ACCEPT, 1) EACHB(ACCEPT, 2)
#ifdef VOTERS
	EACHB(ACCEPT, 3)
#endif
	AMNESIA_STEP
#ifdef CALM
	:: d_step { !calm && maxch -> calm = 1 }
	:: d_step { !calm && maxch -> calm = 1; wgone = 1 }
	:: d_step { !calm && maxch -> calm = 1; dead = 0; quit(0); stepdown(0) }
	:: d_step { !calm && maxch -> calm = 1; dead = 1; quit(1); stepdown(1) }
	:: calm && dead == 9 && GOODALL -> break
	:: calm && dead == 0 && role[1] == PRIM && !need[1] && SERVING(1) -> break
	:: calm && dead == 1 && role[0] == PRIM && !need[0] && SERVING(0) -> break
	/* rightly waiting: the newest value that the living voters hold leaves the living node out */
	:: calm && dead == 0 && role[1] != PRIM && !IN(val[MAX(acc[1], acc[2])], 1) -> break
	:: calm && dead == 1 && role[0] != PRIM && !IN(val[MAX(acc[0], acc[2])], 0) -> break
#endif
	:: d_step { !calm && done == 0 && 0 -> done = 1 }
#ifndef CALM
	:: false
#endif
	od
}
#endif
