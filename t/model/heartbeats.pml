/* SPDX-License-Identifier: ISC */
/*
 * Two nodes and no third voter: "heartbeats only" of HACKING.  Nobody can
 * grant an epoch; each node decides alone, from evidence.
 *
 *   beat  some heartbeat network passes packets both ways
 *   svc   the network of the address passes a probe and its answer both ways
 *
 * SPLITALL lets both be cut at once (a switch that falls in two); otherwise
 * one of them always works.  ONEWAY lets the probe's answer be lost.
 * Outside of these two: never two that serve, no acknowledged write lost.
 * Always: what was acknowledged is on a node or set aside.
 * FENCE: with a fencing device; then SPLITALL, too, has never two that serve.
 *
 * In it: takeover, going on alone, restart of one and of both, meeting,
 * resync and join, swap and stop of the primary (handed), stop of the
 * secondary, and with FRESH the first pairing with an operator on each node.
 * A crash loses what is volatile between any two durable steps.
 *
 * NW writes, CR crashes, CUTS cuts, ME highest epoch.  M_xxx: a rule removed,
 * which must be noticed.  t/model/run has the runs.
 */
#define WAIT 0
#define PRIM 1
#define SECOND 2
#define DOWN 3			/* was primary: application, address, mount are down */
#define BIT(k) (1 << (k))
#ifndef NW
#define NW 2
#endif
#ifndef CR
#define CR 2
#endif
#ifndef CUTS
#define CUTS 3
#endif
#ifndef ME
#define ME 6
#endif

bit beat = 1, svc = 1;
/* durable */
byte ep[2];			/* epoch of the data; 0: no record */
bit level[2], incons[2];
bit alone[2];			/* on record: the peer is not level */
byte handed[2];			/* epoch that was given to the peer, 0 none */
byte refused[2];		/* never takes a hand-over up to this */
byte has[2];
/* volatile */
bit up[2], need[2];		/* need: acknowledge with the peer only */
bit killed[2];			/* FENCE: the peer was switched off by us */
byte role[2];
byte acked, aside, issued, crashes, cuts;

#define SERVING(n) (up[n] && role[n] == PRIM)
#define HEARS(n, m) (beat && up[m])
#define SILENT(m) (!beat || !up[m])
#if defined(M_NO_PROBE) || defined(ONEWAY)
#define FREE(n, m) true
#else
#ifdef FENCE
#define FREE(n, m) killed[n]
#else
#define FREE(n, m) (!svc || !SERVING(m))
#endif
#endif
/* may PRIM go on alone?  A living peer must have probed (T + 3G + pulse) */
#ifdef M_STAY_EARLY
#define PROBED(n, m) true
#else
#ifdef FENCE
#define PROBED(n, m) killed[n]
#else
#define PROBED(n, m) (!up[m] || role[m] != SECOND || !level[m] || !svc)
#endif
#endif
#ifdef M_LEVEL_IGNORED
#define LEVEL(n) (ep[n] > 0)
#else
#define LEVEL(n) (level[n] && !incons[n])
#endif
#ifdef M_FIRST_BACK_STARTS
#define MAYSTART(n) true
#else
#define MAYSTART(n) alone[n]
#endif
#define BOUND(n) (handed[n] > ep[n])
#ifdef M_NO_ASIDE
#define ASIDE(n, m) skip
#else
#define ASIDE(n, m) aside = aside | (has[m] & ~has[n])
#endif

#if (defined(SPLITALL) || defined(ONEWAY)) && !defined(SHOWDUAL) && !defined(FENCE)
#define DUALOK true
#else
#define DUALOK false
#endif
#ifdef SPLITALL
#define CUTOK true
#else
#define CUTOK (beat && svc)
#endif
#define check() assert(!(SERVING(0) && SERVING(1)) || DUALOK); \
	assert((acked & ~(has[0] | has[1] | aside)) == 0); \
	assert(DUALOK || !SERVING(0) || (acked & ~has[0]) == 0); \
	assert(DUALOK || !SERVING(1) || (acked & ~has[1]) == 0)

#define goalone(n, e) \
	ep[n] = e; alone[n] = 1; need[n] = 0; handed[n] = 0; killed[n] = 0; role[n] = PRIM

/* n is asked, m is its peer */
#define SERVES(n, m) \
	/* PRIM stays: the peer is silent, or says that it does not follow */ \
	:: d_step { SERVING(n) && need[n] && SILENT(m) && PROBED(n, m) && ep[n] < ME -> goalone(n, ep[n] + 1); check() } \
	:: d_step { SERVING(n) && need[n] && HEARS(n, m) && (role[m] == WAIT || role[m] == DOWN) && !level[m] && ep[n] < ME -> \
		goalone(n, ep[n] + 1); check() } \
	/* writes */ \
	:: d_step { issued < NW && SERVING(n) && !need[n] -> \
		has[n] = has[n] | BIT(issued); acked = acked | BIT(issued); issued++; check() } \
	:: d_step { issued < NW && SERVING(n) && need[n] && HEARS(n, m) && role[m] == SECOND && !incons[m] && ep[n] == ep[m] -> \
		has[n] = has[n] | BIT(issued); has[m] = has[m] | BIT(issued); acked = acked | BIT(issued); issued++; check() } \
	/* swap or stop of the primary: all down and equal, then `handed' */ \
	:: d_step { SERVING(n) && need[n] && HEARS(n, m) && role[m] == SECOND && LEVEL(m) && ep[m] == ep[n] -> role[n] = DOWN; check() } \
	:: d_step { up[n] && role[n] == DOWN && !handed[n] && HEARS(n, m) && role[m] == SECOND && LEVEL(m) && ep[n] < ME -> \
		handed[n] = ep[n] + 1; alone[n] = 0; check() } \
	:: d_step { up[n] && role[n] == DOWN -> role[n] = WAIT; need[n] = 0; check() }

#define FOLLOWS(n, m) \
	/* takeover */ \
	:: d_step { up[n] && role[n] == SECOND && SILENT(m) && LEVEL(n) && FREE(n, m) && ep[n] < ME -> goalone(n, ep[n] + 1); check() } \
	:: d_step { up[n] && role[n] == SECOND && SILENT(m) && !FREE(n, m) -> role[n] = WAIT; level[n] = 0; check() } \
	/* the place that was handed to it: taken, or never */ \
	:: d_step { up[n] && role[n] != PRIM && role[n] != DOWN && HEARS(n, m) && handed[m] > ep[n] && ep[n] == ep[m] && LEVEL(n) && refused[n] < handed[m] -> \
		goalone(n, handed[m]); check() } \
	:: d_step { up[n] && role[n] != PRIM && role[n] != DOWN && HEARS(n, m) && handed[m] > ep[n] && refused[n] < handed[m] -> \
		refused[n] = handed[m]; role[n] = WAIT; check() } \
	/* the secondary stops: durable, then it goes */ \
	:: d_step { up[n] && role[n] == SECOND -> level[n] = 0; role[n] = WAIT; check() } \
	:: d_step { up[n] && role[n] == SECOND && incons[n] && (SILENT(m) || role[m] != PRIM) -> role[n] = WAIT } \
	:: d_step { up[n] && role[n] == SECOND && !incons[n] && HEARS(n, m) && (role[m] == WAIT || (role[m] == PRIM && !need[m])) -> role[n] = WAIT }

#define MINE(n, m) (ep[n] > ep[m] || (ep[n] == ep[m] && (alone[n] || !alone[m]) && (n == 0 || !LEVEL(m) || alone[n])))
#ifdef M_CHOOSE_UNSEEN		/* does not wait until the other one must know */
#define SETTLED(n, m) true
#else
#define SETTLED(n, m) (role[m] == WAIT)
#endif

#define WAITS(n, m) \
	/* without the peer */ \
	:: d_step { up[n] && role[n] == WAIT && SILENT(m) && LEVEL(n) && MAYSTART(n) && !BOUND(n) && FREE(n, m) && ep[n] < ME -> \
		goalone(n, ep[n] + 1); check() } \
	/* both hear each other and none serves */ \
	:: d_step { HEARS(n, m) && up[n] && role[n] == WAIT && SETTLED(n, m) && LEVEL(n) && !BOUND(n) && !BOUND(m) && ep[n] < ME && MINE(n, m) -> \
		goalone(n, ep[n] + 1); check() } \
	/* handed, and the heir says durably that it never took it */ \
	:: d_step { HEARS(n, m) && up[n] && role[n] == WAIT && role[m] != PRIM && BOUND(n) && ep[m] < handed[n] && refused[m] >= handed[n] && handed[n] < ME -> \
		goalone(n, handed[n] + 1); check() } \
	:: d_step { HEARS(n, m) && up[n] && BOUND(n) && ep[m] >= handed[n] -> handed[n] = 0; alone[n] = 0 } \
	/* two that serve meet: the higher epoch, else the last primary of both */ \
	:: d_step { beat && SERVING(n) && SERVING(m) && (ep[n] > ep[m] || (ep[n] == ep[m] && n == 0)) -> \
		role[m] = WAIT; need[m] = 0; level[m] = 0; alone[m] = 0; check() } \
	/* resync of who waits, then the join: alone cleared before level is set */ \
	:: d_step { beat && SERVING(n) && !need[n] && up[m] && role[m] == WAIT && ep[m] <= ep[n] && !BOUND(m) -> \
		role[m] = SECOND; level[m] = 0; alone[m] = 0; ASIDE(n, m); incons[m] = 1; has[m] = 0; check() } \
	:: d_step { beat && SERVING(n) && !need[n] && up[m] && role[m] == SECOND && incons[m] -> \
		need[n] = 1; JOIN1(n, m); check() } \
	:: d_step { beat && SERVING(n) && need[n] && up[m] && role[m] == SECOND && incons[m] -> JOIN2(n, m); check() }
#ifdef M_LEVEL_FIRST		/* level set while the primary is still on record as alone */
#define JOIN1(n, m) has[m] = has[n]; incons[m] = 0; ep[m] = ep[n]; level[m] = 1
#define JOIN2(n, m) skip
#else
#define JOIN1(n, m) alone[n] = 0
#define JOIN2(n, m) has[m] = has[n]; incons[m] = 0; ep[m] = ep[n]; level[m] = 1
#endif

#define FAULTS(n, m) \
	:: d_step { crashes < CR && up[n] -> crashes++; up[n] = 0; role[n] = WAIT; need[n] = 0; killed[n] = 0; check() } \
	:: d_step { !up[n] -> up[n] = 1; HEARD } \
	FENCES(n, m)
/* that it was switched off is no evidence once it is heard again */
#ifdef M_FENCED_REMEMBERED
#define HEARD skip
#else
#define HEARD if :: beat && up[0] && up[1] -> killed[0] = 0; killed[1] = 0 :: else fi
#endif
#ifdef FENCE
#define FENCES(n, m) \
	:: d_step { up[n] && SILENT(m) && !killed[n] && ((role[n] == PRIM && need[n]) || (role[n] == SECOND && LEVEL(n)) || \
		(role[n] == WAIT && alone[n])) -> \
		up[m] = 0; role[m] = WAIT; need[m] = 0; killed[m] = 0; killed[n] = 1; check() }
#else
#define FENCES(n, m)
#endif
/* an operator says `prim' on both, unseen by each other: two histories, as with a split */
#ifdef FRESH
#define FIRST(n, m) \
	:: d_step { up[n] && role[n] == WAIT && ep[n] == 0 && ep[m] == 0 && FREE(n, m) -> \
		level[n] = 1; goalone(n, 1); check() }
#else
#define FIRST(n, m)
#endif

active proctype world()
{
	d_step {
		up[0] = 1; up[1] = 1;
#ifndef FRESH
		ep[0] = 1; ep[1] = 1; level[0] = 1; level[1] = 1;
		role[0] = PRIM; need[0] = 1; role[1] = SECOND
#endif
	}
	do
	SERVES(0, 1)
	SERVES(1, 0)
	FOLLOWS(0, 1)
	FOLLOWS(1, 0)
	WAITS(0, 1)
	WAITS(1, 0)
	FAULTS(0, 1)
	FAULTS(1, 0)
	FIRST(0, 1)
	FIRST(1, 0)
	:: d_step { beat && CUTOK && cuts < CUTS -> beat = 0; cuts++ }
	:: d_step { svc && CUTOK && cuts < CUTS -> svc = 0; cuts++; check() }
	:: d_step { !beat -> beat = 1; HEARD }
	:: d_step { !svc -> svc = 1 }
	od
}
