/* SPDX-License-Identifier: ISC */
/*
 * One checker, of whatever kind: when it runs, its tries one after another,
 * each with a deadline, and the state that follows from them.  A kind knows
 * how one try is done and nothing of time; check-*.c each hold one.
 */
#ifndef CHECKD_CHECK_H
#define CHECKD_CHECK_H

#include <confuse.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "debounce.h"
#include "env.h"
#include "loop.h"


#define CHECK_NAME	128
#define CHECK_TEXT	200
#define CHECK_CLASS	64

struct check;

struct check_kind {
	const char	*name;		/* of the section and the class */
	/* Once; false when the section is no good (it was said). */
	bool	(*open)(struct check *c, cfg_t *sec);
	/*
	 * Begins a try.  It ends by check_result(), also from within, and by
	 * cancel() when its time is over or the checker is disarmed.
	 */
	void	(*begin)(struct check *c);
	void	(*cancel)(struct check *c);
	/* Each of these may be NULL. */
	void	(*arm)(struct check *c);
	void	(*disarm)(struct check *c);
	/* A process began; parent 0: it changed what it is. */
	void	(*on_process)(struct check *c, pid_t pid, pid_t parent);
};

/* What a checker needs of the daemon; it stays. */
struct check_host {
	struct loop	*loop;		/* NULL: only checked */
	const char	*module;
	const char	*scriptdir;
	const struct env *env;		/* of programs */
	/* State or text changed. */
	void		(*on_change)(struct check *c, void *arg);
	/* Something a person should know that is no state. */
	void		(*on_note)(struct check *c, const char *text,
			    void *arg);
	void		*arg;
};

struct check {
	struct check			*next;
	const struct check_kind		*kind;
	const struct check_host		*host;
	char				 resource[CHECK_NAME];
	char				 when[CHECK_CLASS];
	int64_t				 interval_ms, timeout_ms, delay_ms;
	struct debounce			 debounce;
	bool				 armed;
	bool				 trying;
	bool				 late;		/* so cancel() */
	bool				 warn;		/* up, and yet */
	bool				 own_word;	/* sets it itself */
	struct mono			 begun;		/* the present try */
	struct mono			 armed_since;
	struct loop_timer		*timer;
	char				 text[CHECK_TEXT];
	void				*data;		/* the kind's */
};

/* NULL when the section is no good; every fault was said. */
struct check	*check_new(const struct check_kind *kind, cfg_t *sec,
		    const struct check_host *host);
/* Idempotent.  Disarmed it is in state init. */
void		 check_arm(struct check *c, bool armed);
/* For a kind: how the try ended. */
void		 check_result(struct check *c, bool good, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));
/* For a kind: it says nothing yet; the next try comes after ms. */
void		 check_later(struct check *c, int64_t ms);
/* For a kind that has events: try now, and not at the end of the interval. */
void		 check_now(struct check *c);

extern const struct check_kind	check_tcp, check_proc, check_custom,
				check_ping, check_disk;

#endif
