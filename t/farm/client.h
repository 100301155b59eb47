/* SPDX-License-Identifier: ISC */
/*
 * What the modes of farmcli share: where to, from which addresses, for how
 * long, and which event came when.
 */
#ifndef FARM_CLIENT_H
#define FARM_CLIENT_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define MARK_NAME_LEN	32
#define TARGETS_MAX	16
/* No node has answered: index of the empty name. */
#define NOBODY		0

/* An event from outside; the first one is the start. */
struct mark {
	char		name[MARK_NAME_LEN];
	struct mono	at;
};

struct client {
	struct sockaddr_storage	to[TARGETS_MAX];
	socklen_t		to_len;
	unsigned		to_count;
	struct sockaddr_storage	from;
	unsigned		from_count;	/* 0: the kernel's choice */
	unsigned		count;
	int64_t			period_ns;
	unsigned		idle_every;	/* each nth stays idle */
	int64_t			bound_ms;	/* longer: no answer */
	const char		*path;		/* of load, as is_each_new */
	bool			is_each_new;
	const char		*list_path;	/* of fair */
	struct mono		until;		/* unset: until told */
	int			ep;
	int			control;
	const char		*control_path;
	struct mark		*mark;
	unsigned		mark_count;
	bool			is_ending;
	bool			is_to_speak;	/* to hold */
};

/* --- control.c: the FIFO --- */

/*
 * Lines: `mark NAME [SECONDS.MICROSECONDS]', the time of day of the event or
 * now; `speak', for idle clients; and `end'.
 */
void	control_open(struct client *c);
void	control_close(struct client *c);
/* At each turn of a mode's loop; sets is_ending, also when time is up. */
void	control_read(struct client *c, struct mono now);
void	control_mark(struct client *c, const char *name, struct mono at);
/* The last mark that is not later than `at'. */
unsigned	control_segment(const struct client *c, struct mono at);
struct mono	control_segment_end(const struct client *c, unsigned i);
void	control_ready(void);

/* --- source.c: addresses and sockets --- */

/* False with a message: TO is ADDRESS[,...], FROM is ADDRESS+COUNT. */
bool	source_parse_to(struct client *c, const char *to, const char *port);
bool	source_parse_from(struct client *c, const char *from);
/* A nonblocking socket from source i, connecting to target i, or -1. */
int	source_socket(const struct client *c, int type, unsigned i);
/* Adds fd to the client's epoll with `key'. */
void	source_watch(const struct client *c, int fd, uint32_t events,
	    uint64_t key);
/* Waits for at most until `next'; answers as epoll_wait(2). */
struct epoll_event;
int	source_wait(const struct client *c, struct epoll_event *ev, int max,
	    struct mono next);

/* --- name.c: who answered --- */

/* The index of the name that ends at a blank; the same for the same name. */
unsigned	name_index(const char *text, size_t len);
const char	*name_of(unsigned i);
unsigned	name_count(void);

/* --- the modes --- */

void	hold(struct client *c);
void	fresh(struct client *c);
void	udp(struct client *c);
void	fair(struct client *c);
void	load(struct client *c);

/* SIGTERM came. */
bool	told_to_end(void);

void	die(const char *what) __attribute__((noreturn));

/* Milliseconds from a to b, with the fraction. */
double	ms_between(struct mono a, struct mono b);

#endif
