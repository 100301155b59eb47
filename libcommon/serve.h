/* SPDX-License-Identifier: ISC */
/*
 * Server side of the local protocol: a named socket, a table of verbs.  Each
 * request is answered by zero or more lines of pairs and one `ok' or `err'.
 * A client whose role is too low, that sends an unknown verb, an unknown key
 * or a broken line is answered `err' and, for a broken line, closed.  A
 * client that does not read is closed at SERVE_QUEUE_MAX bytes.  One that has
 * no role is answered `denied' whatever it asks, and closed.
 */
#ifndef COMMON_SERVE_H
#define COMMON_SERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "line.h"
#include "loop.h"

#define SERVE_QUEUE_MAX	(256 * 1024)

/* root and group holdfast-admin; group holdfast-control; group holdfast. */
enum role { ROLE_NONE, ROLE_MONITOR, ROLE_CONTROL, ROLE_ADMIN };

struct serve;
struct client;

struct verb {
	const char	*name;
	enum role	 least_role;
	const char	*keys;		/* allowed, by blanks; "*" any */
	/* Must end by serve_ok(), serve_err() or serve_later(). */
	void		(*handler)(struct client *c, const struct line *l,
			    void *arg);
};

/*
 * Binds path (a socket left by a dead daemon is replaced; a live one is
 * errno EADDRINUSE), greets each client `holdfast NAME 1'.  `verbs' ends with
 * a NULL name and is kept.  NULL with errno.
 */
struct serve	*serve_new(struct loop *l, const char *path,
		    const char *name, const struct verb *verbs, void *arg);
void		 serve_free(struct serve *s);
/* Called when a client is gone, before its struct is freed. */
void		 serve_on_close(struct serve *s,
		    void (*on_close)(struct client *c, void *arg));

/* One answer line: `o' from line_begin(o, ""). Ended here. */
void	serve_line(struct client *c, struct line_out *o);
void	serve_ok(struct client *c);
/* `ok key=value ...': o begun with verb "ok". */
void	serve_ok_line(struct client *c, struct line_out *o);
/* code: a short word ("busy", "unsafe"); text for people, says what to do. */
void	serve_err(struct client *c, const char *code, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* The answer comes later by serve_ok/serve_err; no request is read before. */
void	serve_later(struct client *c);

/* From now on the client gets serve_event() lines whose topic matches. */
void	serve_watch(struct client *c, const char *topic);
/* Sends to all who watch `topic'; o from line_begin(o, EVENT). */
void	serve_event(struct serve *s, const char *topic, struct line_out *o);
/* The same to one client. */
void	serve_event_to(struct client *c, struct line_out *o);
bool	serve_has_watchers(const struct serve *s, const char *topic);

enum role	 serve_role(const struct client *c);
uid_t		 serve_uid(const struct client *c);
pid_t		 serve_pid(const struct client *c);
/* A descriptor that came with the request (keepd); the caller's; or -1. */
int		 serve_take_fd(struct client *c);
/* Sends `ok' with a descriptor; fd stays the caller's. */
void		 serve_ok_fd(struct client *c, int fd);
/* Bytes it has not read yet: who says much waits when they are many. */
size_t		 serve_queued(const struct client *c);
/* The same, and what the kernel holds for it. */
size_t		 serve_unread(const struct client *c);
/*
 * It closed altogether.  A client that is owed a later answer is not looked
 * at: who takes long over it asks, and then closes.
 */
bool		 serve_is_gone(const struct client *c);
void		 serve_close(struct client *c);
/* One pointer of the daemon's own. */
void		 serve_set_data(struct client *c, void *data);
void		*serve_data(const struct client *c);

#endif
