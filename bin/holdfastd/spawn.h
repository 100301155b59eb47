/* SPDX-License-Identifier: ISC */
/* How a daemon comes to run: everything between fork(2) and its main(). */
#ifndef HOLDFASTD_SPAWN_H
#define HOLDFASTD_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

struct spawn {
	pid_t		pid;
	uint64_t	start;		/* its start time, see adopt.h */
	int		ready_fd;	/* a newline comes when it is ready */
	int		go_fd;
};

/*
 * Forks a process that waits: the daemon runs only after spawn_go(), so that
 * the caller can write it down first.  When the caller dies in between, the
 * process ends.  The caller owns ready_fd.  0, or -1 with errno.
 */
int	spawn_prepare(struct spawn *p, const char *name, const char *module);
void	spawn_go(struct spawn *p);

/* The OOM score of our daemons, for holdfastd itself.  0, or -1 with errno. */
int	spawn_protect(void);

#endif
