/* SPDX-License-Identifier: ISC */
/*
 * What verify.c, verify-source.c and verify-target.c share.
 */
#ifndef MIRRORD_VERIFY_INT_H
#define MIRRORD_VERIFY_INT_H

#include <pthread.h>

#include "verify.h"
#include "verify-frame.h"
#include "verify-look.h"

/* Something that may differ, and what became of it. */
struct suspect {
	uint8_t		 kind;
	uint64_t	 oid;		/* VK_NAME: of the directory */
	uint64_t	 obj;		/* VK_NAME: what the primary has */
	uint64_t	 off, len;
	char		*name;		/* VK_NAME */
	bool		 asked;
	bool		 answered;
	uint32_t	 what;
};

struct look {
	struct look	*next;
	size_t		 len;
	uint8_t		 frame[];
};

struct verify {
	struct verify_conf conf;
	struct objects	*objects;
	struct stream	*stream;
	pthread_mutex_t	 lock;
	pthread_cond_t	 cond;		/* for the primary's thread */

	struct verify_result res;
	uint64_t	 total;
	uint64_t	 statements;

	/* primary */
	pthread_t	 thread;
	bool		 has_thread;
	bool		 running;
	bool		 stop;
	enum verify_state how;		/* it is to end */
	uint64_t	 run;
	uint64_t	 barrier, barrier_done;
	bool		 more;		/* of the last barrier */
	struct suspect	*suspect;
	size_t		 suspect_count, suspect_room;
	struct suspect	*asked;		/* the thread's */
	size_t		 asked_count;

	/* second */
	pthread_t	 worker;
	bool		 has_worker;
	bool		 worker_ends;
	pthread_cond_t	 work;
	struct look	*look, **look_end;
	size_t		 look_bytes;
	uint64_t	 look_run;	/* the one it works for */
	struct verify_room stream_room;	/* of the thread that applies */
	bool		 has_stream_room;
};

/* verify.c.  Builds into buf and sends beside the stream; 0 or -1. */
int	verify_send(struct verify *v, const struct verify_frame *f, void *buf,
	    size_t size);
void	verify_tell(struct verify *v);
/* With the lock. */
void	verify_suspect(struct verify *v, uint8_t kind, uint64_t oid,
	    const char *name, uint64_t off, uint64_t len);
void	verify_forget_suspects(struct verify *v);

/* verify-source.c */
void	*verify_source_main(void *arg);
int	verify_source_frame(struct verify *v, const struct verify_frame *f);
/* verify-target.c */
int	verify_target_frame(struct verify *v, struct frame_in *f,
	    const struct verify_frame *vf);
void	verify_target_forget(struct verify *v);
void	verify_target_stop(struct verify *v);

#endif
