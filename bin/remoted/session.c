/* SPDX-License-Identifier: ISC */
/*
 * The order of a session: call, input, then output and end from here.  What
 * comes out of this order, or does not decode, ends it.  A caller that goes
 * takes its command with it.
 */
#include "session.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"
#include "whole.h"
#include "xalloc.h"

#include "admit.h"
#include "job.h"

struct session {
	struct session_list	*list;
	struct session		*next;
	struct sockaddr_storage	 from;
	struct chan		*chan;
	struct loop_timer	*tick;
	struct loop_timer	*linger;	/* the end is being sent */
	struct remote_call	 call;
	bool			 has_call;
	bool			 is_over;	/* answered: only to be sent */
	bool			 was_logged;
	int			 input;		/* memory file, or -1 */
	uint32_t		 input_len;
	struct job		*job;
	struct admit		*admit;		/* it joins */
};

static void
session_free(struct session *s)
{
	struct session **p;

	for (p = &s->list->first; *p != NULL; p = &(*p)->next)
		if (*p == s) {
			*p = s->next;
			s->list->count--;
			break;
		}
	if (s->job != NULL)
		s->list->r->jobs--;
	job_free(s->job);
	admit_free(s->admit);
	chan_free(s->chan);
	loop_timer_free(s->tick);
	loop_timer_free(s->linger);
	if (s->input != -1)
		(void)close(s->input);	/* memory */
	free(s);
}

/* The last frame is queued: when it is sent, or has had its time. */
static void
finish(struct session *s)
{
	s->is_over = true;
	loop_timer_cancel(s->tick);
	loop_timer_set(s->linger, REMOTE_SILENCE_MS, 0);
}

static void
on_linger(void *arg)
{
	session_free(arg);
}

static void
refuse(struct session *s, enum drop d, const char *code, const char *text)
{
	uint8_t buf[2048];

	remoted_drop(s->list->r, d, &s->from, text);
	(void)chan_send(s->chan, buf, remote_refused_put(buf, sizeof(buf),
	    code, text));
	finish(s);
}

/* --- a call --------------------------------------------------------- */

static void
on_output(enum remote_stream stream, const void *p, size_t len, void *arg)
{
	struct session *s = arg;
	uint8_t buf[REMOTE_CHUNK + 64];

	/* What does not fit ends the session: soon, not in here. */
	(void)chan_send(s->chan, buf, remote_output_put(buf, sizeof(buf),
	    stream, p, len));
	if (chan_is_full(s->chan))
		job_pause(s->job, true);
}

static void
on_job_end(uint8_t status, const char *what, void *arg)
{
	struct session *s = arg;
	uint8_t buf[256];

	(void)chan_send(s->chan, buf, remote_end_put(buf, sizeof(buf),
	    status, what));
	job_free(s->job);
	s->job = NULL;
	s->list->r->jobs--;
	finish(s);
}

static const struct job_calls job_calls = { on_output, on_job_end };

static void
start_job(struct session *s)
{
	struct remoted *r = s->list->r;
	char who[REMOTE_WHO_LEN + CLUSTER_NAME_LEN + 1];
	const char *why;

	if (!job_has_place((enum role)s->call.role, r->job_max)) {
		refuse(s, DROP_FLOOD, "busy", "too many commands run for "
		    "other nodes: try again in a moment");
		return;
	}
	if (s->input != -1 && lseek(s->input, 0, SEEK_SET) == -1)
		log_warn("input of a command");
	(void)snprintf(who, sizeof(who), "%s@%s", s->call.who, s->call.from);
	s->job = job_new(r->loop, (enum role)s->call.role, who, s->call.argv,
	    s->input, &job_calls, s, &why);
	if (s->job == NULL) {
		refuse(s, DROP_REFUSED, "denied", why);
		return;
	}
	r->jobs++;
	r->calls_in++;
	log_info("%s runs `holdfast %s%s%s' here", who, s->call.argv[0],
	    s->call.argc > 1 ? " " : "", s->call.argc > 1 ?
	    s->call.argv[1] : "");
}

static bool
take_call(struct session *s, struct frame_in *f)
{
	struct remoted *r = s->list->r;
	int node;

	if (s->has_call || remote_call_get(&s->call, f) == -1)
		return false;
	s->has_call = true;
	node = cluster_node_index(&r->cluster, s->call.from);
	if (node == -1) {
		refuse(s, DROP_REFUSED, "unknown-node", "this node's "
		    "cluster.xml does not have the node that calls: "
		    "`holdfast cluster push' there");
		return true;
	}
	loop_timer_set(s->tick, REMOTE_TICK_MS, 0);
	if (s->call.input_len > 0) {
		s->input = memfd_create("remoted input", MFD_CLOEXEC);
		if (s->input == -1)
			refuse(s, DROP_REFUSED, "memory", "no memory for the "
			    "input");
		return true;
	}
	start_job(s);
	return true;
}

static bool
take_input(struct session *s, struct frame_in *f)
{
	size_t len;
	const void *p = remote_input_get(f, &len);

	if (p == NULL || s->input == -1 || s->job != NULL ||
	    len > s->call.input_len - s->input_len)
		return false;
	if (whole_write(s->input, p, len) == -1) {
		refuse(s, DROP_REFUSED, "memory", "no memory for the input");
		return true;
	}
	s->input_len += (uint32_t)len;
	if (s->input_len == s->call.input_len)
		start_job(s);
	return true;
}

/* --- who joins ------------------------------------------------------- */

static bool
on_join(struct chan *c, const char *id, struct seal_key *key, void *arg)
{
	struct session *s = arg;

	(void)c;
	s->admit = admit_new(s->list->r, id, &s->from, key);
	s->was_logged = s->admit == NULL;
	return s->admit != NULL;
}

static void
on_admitted(const char *refused, void *arg)
{
	struct session *s = arg;
	uint8_t *buf;
	size_t len;

	if (refused != NULL) {
		refuse(s, DROP_TOKEN, "join", refused);
		return;
	}
	buf = xcalloc(1, REMOTE_FRAME_MAX);
	len = admit_answer(buf, REMOTE_FRAME_MAX);
	if (len == 0)
		refuse(s, DROP_TOKEN, "join", "cluster.xml or cluster.key of "
		    "this node cannot be read");
	else if (chan_send(s->chan, buf, len)) {
		s->list->r->joined++;
		finish(s);
	}
	explicit_bzero(buf, REMOTE_FRAME_MAX);
	free(buf);
}

static bool
take_join(struct session *s, struct frame_in *f)
{
	uint8_t transcript[32];

	if (s->has_call)
		return false;
	s->has_call = true;
	chan_transcript(s->chan, transcript);
	if (!admit_start(s->admit, f, transcript, on_admitted, s))
		return false;
	loop_timer_set(s->tick, REMOTE_TICK_MS, 0);
	return true;
}

/* --- the connection -------------------------------------------------- */

static bool
on_frame(struct chan *c, struct frame_in *f, void *arg)
{
	struct session *s = arg;

	(void)c;
	if (s->is_over)
		return true;	/* it cannot know yet */
	if (s->admit != NULL)
		return f->type == REMOTE_JOIN && take_join(s, f);
	if (f->type == REMOTE_CALL)
		return take_call(s, f);
	return f->type == REMOTE_INPUT && take_input(s, f);
}

static void
on_sent(struct chan *c, void *arg)
{
	struct session *s = arg;

	(void)c;
	if (s->job != NULL)
		job_pause(s->job, false);
}

static void
on_end(struct chan *c, enum chan_end why, void *arg)
{
	static const enum drop drop[] = {
		[CHAN_SILENT] = DROP_SILENT,
		[CHAN_STRANGER] = DROP_STRANGER,
		[CHAN_SEAL] = DROP_WRONG_KEY,
		[CHAN_BROKEN] = DROP_BROKEN,
		[CHAN_GARBLED] = DROP_GARBLED,
		[CHAN_FULL] = DROP_SILENT,
	};
	struct session *s = arg;

	(void)c;
	if (why != CHAN_CLOSED && !s->is_over && !s->was_logged)
		remoted_drop(s->list->r, drop[why], &s->from,
		    chan_end_text(why));
	session_free(s);
}

static void
on_tick(void *arg)
{
	struct session *s = arg;
	uint8_t buf[FRAME_HEADER_LEN];

	loop_timer_set(s->tick, REMOTE_TICK_MS, 0);
	if (chan_queued(s->chan) == 0)
		(void)chan_send(s->chan, buf, remote_tick_put(buf,
		    sizeof(buf)));
}

static const struct chan_calls chan_calls = {
	.on_frame = on_frame,
	.on_sent = on_sent,
	.on_end = on_end,
	.on_join = on_join,
};

void
session_new(struct session_list *l, int fd,
    const struct sockaddr_storage *from)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->list = l;
	s->from = *from;
	s->input = -1;
	s->next = l->first;
	l->first = s;
	l->count++;
	s->tick = loop_timer_new(l->r->loop, on_tick, s);
	s->linger = loop_timer_new(l->r->loop, on_linger, s);
	s->chan = chan_new(l->r->loop, fd, true, &l->r->keys, &chan_calls, s);
}

void
session_list_init(struct session_list *l, struct remoted *r)
{
	memset(l, 0, sizeof(*l));
	l->r = r;
}

void
session_list_fini(struct session_list *l)
{
	while (l->first != NULL)
		session_free(l->first);
}

unsigned
session_count(const struct session_list *l)
{
	return l->count;
}

unsigned
session_strangers(const struct session_list *l)
{
	const struct session *s;
	unsigned n = 0;

	for (s = l->first; s != NULL; s = s->next)
		n += !chan_is_proved(s->chan);
	return n;
}

void
session_evict(struct session_list *l)
{
	struct session *s, *oldest = NULL;

	/* The newest is the first of the list. */
	for (s = l->first; s != NULL; s = s->next)
		if (!chan_is_proved(s->chan))
			oldest = s;
	if (oldest == NULL)
		return;
	remoted_drop(l->r, DROP_FLOOD, &oldest->from, "too many at once");
	session_free(oldest);
}
