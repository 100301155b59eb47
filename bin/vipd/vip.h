/* SPDX-License-Identifier: ISC */
/*
 * What to do about one virtual address: a pure function of the wish, of what
 * the kernel has, and of time.  main.c carries the actions out in the order
 * of their bits and tells what came of it.
 */
#ifndef VIPD_VIP_H
#define VIPD_VIP_H

#include <stdbool.h>

#include "clock.h"

/* Actions, carried out in this order. */
#define VA_RESET	0x01	/* reset TCP connections of the address */
#define VA_REMOVE	0x02
#define VA_ADD		0x04	/* with the kernel lifetime */
#define VA_RENEW	0x08	/* the lifetime anew */
#define VA_ANNOUNCE	0x10	/* gratuitous ARP, unsolicited NA */

/* How the address is here: on an interface, or answered by vipd alone. */
enum vip_form {
	VF_KERNEL,	/* the kernel has it, answers and ends it */
	VF_ANSWER,	/* ARP and ND are answered with a shared MAC */
};

struct vip_timing {
	bool	silent;		/* of a held address: the network is not told */
	int	lifetime_ms;	/* VF_ANSWER: no kernel ends that */
	bool	tcpreset;
	bool	periodic;	/* go on announcing after the burst */
	int	interval_s;	/* while periodic */
	int	elapse_s;	/* how long, 0 for ever */
};

struct vip {
	struct vip_timing	timing;
	bool		 wanted;
	bool		 owner_is_up;	/* the link of moduled that wishes it */
	bool		 present;	/* in its form, here */
	bool		 muted;		/* not answered now: not announced */
	enum vip_form	 form;		/* while it is present */
	enum vip_form	 form_wanted;
	struct mono	 ends;		/* VF_ANSWER, unless renewed */
	bool		 reset_done;	/* before this removal */
	struct mono	 leftover_until;	/* found at start, unset else */
	struct mono	 next_try;	/* of an addition that failed */
	struct mono	 next_renew;
	struct mono	 next_announce;
	struct mono	 announced_since;
	unsigned	 announced;	/* since it was added */
};

/* The bits of what is due now. */
unsigned	vip_plan(const struct vip *v, struct mono now);
/* One action was carried out, or refused by the kernel. */
void		vip_did(struct vip *v, unsigned action, bool good,
		    struct mono now);
/* The wish, stated again as often as the owner likes. */
void		vip_want(struct vip *v, bool own);
/* In which form; another one than it has: removed and set anew. */
void		vip_want_form(struct vip *v, enum vip_form form);
/* The address was there when vipd started: wait for its owner, then go. */
void		vip_found(struct vip *v, struct mono now);
/* The kernel says it came or went, by whomever.  Says nothing of VF_ANSWER. */
void		vip_seen(struct vip *v, bool present, struct mono now);
/* Somebody doubts who has it (link back, conflict): announce anew. */
void		vip_doubt(struct vip *v, struct mono now);
/* Here, but not answered for now; announced when it is again. */
void		vip_mute(struct vip *v, bool muted, struct mono now);
/* When to plan again; unset: nothing is due by time. */
struct mono	vip_next(const struct vip *v);

#endif
