/* SPDX-License-Identifier: ISC */
/*
 * The event loop: libevent, wrapped once.  Callbacks return quickly and may
 * remove any handler, their own included.  Timers are one-shot.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <stdint.h>
#include <sys/types.h>

struct loop;
struct loop_fd;
struct loop_timer;
struct loop_signal;
struct loop_child;

struct loop	*loop_new(void);
void		 loop_free(struct loop *l);
/* Runs until loop_stop(). */
void		 loop_run(struct loop *l);
void		 loop_stop(struct loop *l);

#define LOOP_READ	1
#define LOOP_WRITE	2

/* The descriptor stays the caller's: delete the handler, then close it. */
struct loop_fd	*loop_fd_add(struct loop *l, int fd, int events,
		    void (*on_ready)(int fd, int events, void *arg),
		    void *arg);
void		 loop_fd_set(struct loop_fd *h, int events);
void		 loop_fd_del(struct loop_fd *h);

struct loop_timer *loop_timer_new(struct loop *l,
		    void (*on_time)(void *arg), void *arg);
/* (Re)arms: fires once after ms plus a random 0..jitter_ms. */
void		 loop_timer_set(struct loop_timer *t, int64_t ms,
		    int64_t jitter_ms);
void		 loop_timer_cancel(struct loop_timer *t);
void		 loop_timer_free(struct loop_timer *t);

struct loop_signal *loop_signal_add(struct loop *l, int signo,
		    void (*on_signal)(int signo, void *arg), void *arg);
void		 loop_signal_del(struct loop_signal *s);

/*
 * Calls once when the process ends, by pidfd; then the handler is gone.
 * `status' is waitpid's for an own child, which is reaped; -1 for a foreign
 * (adopted) process.  NULL with errno when pid does not exist.
 */
struct loop_child *loop_child_add(struct loop *l, pid_t pid,
		    void (*on_exit)(pid_t pid, int status, void *arg),
		    void *arg);
void		 loop_child_del(struct loop_child *c);

#endif
