/* SPDX-License-Identifier: ISC */
/*
 * One request of a local client, one target a node.  A target on another
 * node tries all its networks at once and takes the first that connects; no
 * target waits for another, and each has said something, its end or why
 * there is none within a bounded time.
 */
#include "call.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "whole.h"
#include "xalloc.h"

#include "budget.h"
#include "job.h"

#define REQUEST_MAX	32
/* A client that reads slowly: its commands wait. */
#define CLIENT_ENOUGH	(64 * 1024)
#define RESUME_MS	20
#define LOOK_MS		500
/* Of a line, unquoted: four times that fits a line. */
#define PIECE		1800

struct target {
	struct request		*q;
	/* A copy: the cluster may be another one before this is over. */
	struct cluster_node	 node;
	bool			 is_self;
	int			 fd[CLUSTER_LAN_MAX];	/* connecting, or -1 */
	struct loop_fd		*io[CLUSTER_LAN_MAX];
	struct loop_timer	*timer;		/* connecting; then ticks */
	int			 error;
	struct chan		*chan;
	struct job		*job;
	uint32_t		 sent;		/* of the input */
	bool			 is_over;
};

struct request {
	struct calls		*cs;
	struct request		*next;
	struct client		*client;	/* NULL: it went */
	struct loop_timer	*resume;
	struct loop_timer	*done;		/* all over, or client gone */
	struct loop_timer	*look;		/* is the client still there? */
	bool			 paused;
	struct remote_call	 call;
	int			 input;
	unsigned		 open;		/* targets not over */
	unsigned		 count;
	struct target		 target[CLUSTER_NODE_MAX];
};

struct calls {
	struct remoted	*r;
	struct request	*first;
	unsigned	 count;
};

/* --- answers --------------------------------------------------------- */

/* The client may go at any line: calls_close() comes from inside. */
static void
say(struct request *q, struct line_out *o)
{
	if (q->client != NULL)
		serve_line(q->client, o);
}

static void
begin_line(const struct target *t, struct line_out *o)
{
	line_begin(o, "");
	line_add(o, "node", t->node.name);
}

static void
pause_all(struct request *q, bool pause)
{
	unsigned i;

	q->paused = pause;
	/* What waited in a channel may be enough to pause all again. */
	for (i = 0; i < q->count && q->paused == pause; i++) {
		if (q->target[i].chan != NULL)
			chan_pause(q->target[i].chan, pause);
		if (q->target[i].job != NULL)
			job_pause(q->target[i].job, pause);
	}
	if (pause)
		loop_timer_set(q->resume, RESUME_MS, 0);
}

static void
on_resume(void *arg)
{
	struct request *q = arg;

	if (q->client == NULL)
		return;
	if (serve_queued(q->client) > CLIENT_ENOUGH)
		loop_timer_set(q->resume, RESUME_MS, 0);
	else
		pause_all(q, false);
}

/* Output in pieces that fit a line; a line has no NUL. */
static void
say_output(struct target *t, enum remote_stream s, const uint8_t *p,
    size_t len)
{
	char piece[PIECE + 1];
	struct line_out o;
	size_t n, i;

	for (; len > 0; p += n, len -= n) {
		n = len > PIECE ? PIECE : len;
		for (i = 0; i < n; i++)
			piece[i] = p[i] == '\0' ? '?' : (char)p[i];
		piece[n] = '\0';
		begin_line(t, &o);
		line_add(&o, s == REMOTE_OUT ? "out" : "err", piece);
		say(t->q, &o);
	}
	if (!t->q->paused && t->q->client != NULL &&
	    serve_queued(t->q->client) > CLIENT_ENOUGH)
		pause_all(t->q, true);
}

static void
target_close(struct target *t)
{
	unsigned i;

	for (i = 0; i < CLUSTER_LAN_MAX; i++) {
		if (t->fd[i] == -1)
			continue;
		loop_fd_del(t->io[i]);
		(void)close(t->fd[i]);	/* another network was faster */
		t->fd[i] = -1;
	}
}

static void
target_fini(struct target *t)
{
	target_close(t);
	if (t->job != NULL)
		t->q->cs->r->jobs--;
	job_free(t->job);
	t->job = NULL;
	chan_free(t->chan);
	t->chan = NULL;
	loop_timer_free(t->timer);
	t->timer = NULL;
}

static void
request_free(struct request *q)
{
	struct request **p;
	unsigned i;

	for (p = &q->cs->first; *p != NULL; p = &(*p)->next)
		if (*p == q) {
			*p = q->next;
			q->cs->count--;
			break;
		}
	for (i = 0; i < q->count; i++)
		target_fini(&q->target[i]);
	loop_timer_free(q->resume);
	loop_timer_free(q->done);
	loop_timer_free(q->look);
	if (q->input != -1)
		(void)close(q->input);	/* only read */
	free(q);
}

/*
 * One node has had its say; the last one ends the request: soon, since the
 * caller still holds what would be freed.
 */
static void
target_over(struct target *t)
{
	if (t->is_over)
		return;
	t->is_over = true;
	target_close(t);
	chan_free(t->chan);
	t->chan = NULL;
	loop_timer_cancel(t->timer);
	if (--t->q->open == 0)
		loop_timer_set(t->q->done, 0, 0);
}

static void
on_done(void *arg)
{
	struct request *q = arg;
	struct client *c = q->client;

	request_free(q);
	if (c != NULL)
		serve_ok(c);
}

/* Interrupted at its terminal: nobody waits for the commands any more. */
static void
on_look(void *arg)
{
	struct request *q = arg;

	if (q->client == NULL)
		return;
	if (serve_is_gone(q->client))
		serve_close(q->client);	/* calls_close() does the rest */
	else
		loop_timer_set(q->look, LOOK_MS, 0);
}

static void
say_exit(struct target *t, uint8_t status, const char *what)
{
	struct line_out o;

	begin_line(t, &o);
	line_add_num(&o, "exit", status);
	if (what[0] != '\0')
		line_add(&o, "what", what);
	say(t->q, &o);
	target_over(t);
}

/* No answer, or none that counts: why, and what it is to be called. */
static void
say_failed(struct target *t, const char *code, const char *text)
{
	struct line_out o;

	begin_line(t, &o);
	line_add(&o, "failed", code);
	line_add(&o, "text", text);
	say(t->q, &o);
	target_over(t);
}

/* --- this node ------------------------------------------------------- */

static void
on_output(enum remote_stream s, const void *p, size_t len, void *arg)
{
	say_output(arg, s, p, len);
}

static void
on_job_end(uint8_t status, const char *what, void *arg)
{
	struct target *t = arg;
	char copy[64];

	(void)snprintf(copy, sizeof(copy), "%s", what);
	job_free(t->job);
	t->job = NULL;
	t->q->cs->r->jobs--;
	say_exit(t, status, copy);
}

static const struct job_calls job_calls = { on_output, on_job_end };

static void
start_here(struct target *t)
{
	struct remoted *r = t->q->cs->r;
	char who[REMOTE_WHO_LEN + CLUSTER_NAME_LEN + 1];
	const char *why;

	if (!job_has_place((enum role)t->q->call.role, r->job_max)) {
		say_failed(t, "busy", "too many commands run here: try again "
		    "in a moment");
		return;
	}
	(void)snprintf(who, sizeof(who), "%s@%s", t->q->call.who,
	    t->q->call.from);
	if (t->q->input != -1 && lseek(t->q->input, 0, SEEK_SET) == -1)
		log_warn("input of a command");
	t->job = job_new(r->loop, (enum role)t->q->call.role, who,
	    t->q->call.argv, t->q->input, &job_calls, t, &why);
	if (t->job == NULL)
		say_failed(t, "denied", why);
	else
		r->jobs++;
}

/* --- another node ---------------------------------------------------- */

/* The next pieces of the input, as long as they find room. */
static void
send_input(struct target *t)
{
	const struct remote_call *call = &t->q->call;
	uint8_t piece[REMOTE_CHUNK], buf[REMOTE_CHUNK + 64];
	ssize_t n;

	while (t->sent < call->input_len && !chan_is_full(t->chan)) {
		n = whole_pread(t->q->input, piece, sizeof(piece),
		    t->sent);
		if (n <= 0) {
			say_failed(t, "input", "the input became shorter "
			    "while it was sent");
			return;
		}
		if (n > call->input_len - t->sent)
			n = call->input_len - t->sent;
		if (!chan_send(t->chan, buf, remote_input_put(buf,
		    sizeof(buf), piece, (size_t)n)))
			return;
		t->sent += (uint32_t)n;
	}
}

static void
on_ready(struct chan *c, void *arg)
{
	struct target *t = arg;
	uint8_t *buf = xcalloc(1, REMOTE_FRAME_MAX);

	(void)chan_send(c, buf, remote_call_put(buf, REMOTE_FRAME_MAX,
	    &t->q->call));
	free(buf);
	send_input(t);
	if (!t->is_over)
		loop_timer_set(t->timer, REMOTE_TICK_MS, 0);
}

static void
on_sent(struct chan *c, void *arg)
{
	struct target *t = arg;

	(void)c;
	if (!t->is_over)
		send_input(t);
}

static bool
on_frame(struct chan *c, struct frame_in *f, void *arg)
{
	struct target *t = arg;
	char code[64], text[1024];
	enum remote_stream s;
	uint8_t status;
	const void *p;
	size_t len;

	(void)c;
	switch (f->type) {
	case REMOTE_OUTPUT:
		p = remote_output_get(f, &s, &len);
		if (p == NULL)
			return false;
		say_output(t, s, p, len);
		return true;
	case REMOTE_END:
		if (remote_end_get(f, &status, text, sizeof(text)) == -1)
			return false;
		say_exit(t, status, text);
		return true;
	case REMOTE_REFUSED:
		if (remote_refused_get(f, code, sizeof(code), text,
		    sizeof(text)) == -1)
			return false;
		say_failed(t, code, text);
		return true;
	default:
		return false;
	}
}

static void
on_end(struct chan *c, enum chan_end why, void *arg)
{
	struct target *t = arg;
	const char *text = chan_end_text(why);

	if (t->is_over)
		return;
	if (why == CHAN_SEAL)
		text = "has another cluster key: `holdfast cluster keys' on "
		    "each node tells which";
	else if (why == CHAN_CLOSED && chan_is_ready(c))
		text = "closed the connection: remoted ended there, and the "
		    "command goes on";
	say_failed(t, why == CHAN_SEAL ? "wrong-key" : "silent", text);
}

static const struct chan_calls chan_calls = {
	.on_ready = on_ready,
	.on_frame = on_frame,
	.on_sent = on_sent,
	.on_end = on_end,
};

static const char *
failed_text(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "is there, but remoted does not run on it";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "cannot be reached: no route, or it is off";
	default:
		return "does not answer";
	}
}

/* Connected, or not: the others go on while there are others. */
static void
on_connect(int fd, int events, void *arg)
{
	struct target *t = arg;
	socklen_t len = sizeof(int);
	int error = 0, left = 0;
	unsigned i, lan = 0;

	(void)events;
	for (i = 0; i < CLUSTER_LAN_MAX; i++)
		if (t->fd[i] == fd)
			lan = i;
	loop_fd_del(t->io[lan]);
	t->fd[lan] = -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
	    error == 0) {
		target_close(t);
		loop_timer_cancel(t->timer);
		t->chan = chan_new(t->q->cs->r->loop, fd, false,
		    &t->q->cs->r->keys, &chan_calls, t);
		if (t->q->paused)
			chan_pause(t->chan, true);
		return;
	}
	(void)close(fd);	/* never connected */
	t->error = error;
	for (i = 0; i < CLUSTER_LAN_MAX; i++)
		left += t->fd[i] != -1;
	if (left == 0)
		say_failed(t, "silent", failed_text(error));
}

static int
connect_to(const struct remoted *r, const struct cluster_node *node,
    unsigned lan)
{
	struct sockaddr_storage ss = node->lan[lan].addr;
	int fd, saved;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return -1;
	addr_set_port(&ss, r->port);
	if (connect(fd, (struct sockaddr *)&ss, addr_len(&ss)) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	saved = errno;
	(void)close(fd);	/* the first error counts */
	errno = saved;
	return -1;
}

static void
start_there(struct target *t)
{
	struct remoted *r = t->q->cs->r;
	unsigned i, tries = 0;
	int fd;

	for (i = 0; i < CLUSTER_LAN_MAX; i++) {
		if (!t->node.lan[i].is_set)
			continue;
		fd = connect_to(r, &t->node, i);
		if (fd == -1) {
			t->error = errno;
			continue;
		}
		t->fd[i] = fd;
		t->io[i] = loop_fd_add(r->loop, fd, LOOP_WRITE, on_connect, t);
		tries++;
	}
	r->calls_out++;
	if (tries == 0)
		say_failed(t, "silent", failed_text(t->error));
	else
		loop_timer_set(t->timer, r->connect_ms, 0);
}

/* While connecting: enough.  Then: still here. */
static void
on_timer(void *arg)
{
	struct target *t = arg;
	uint8_t buf[FRAME_HEADER_LEN];

	if (t->chan == NULL) {
		say_failed(t, "silent", failed_text(t->error));
		return;
	}
	loop_timer_set(t->timer, REMOTE_TICK_MS, 0);
	if (chan_queued(t->chan) == 0)
		(void)chan_send(t->chan, buf, remote_tick_put(buf,
		    sizeof(buf)));
}

/* --- the request ----------------------------------------------------- */

/* "n1,n2" or "*"; false after the answer. */
static bool
take_nodes(struct request *q, const char *text)
{
	const struct cluster *cl = &q->cs->r->cluster;
	char name[CLUSTER_NAME_LEN];
	bool wanted[CLUSTER_NODE_MAX] = { false };
	size_t len;
	unsigned i;
	int node;

	for (i = 0; strcmp(text, "*") == 0 && i < cl->node_count; i++)
		wanted[i] = true;
	while (strcmp(text, "*") != 0) {
		len = strcspn(text, ",");
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, text);
		node = cluster_node_index(cl, name);
		if (node == -1) {
			serve_err(q->client, "usage", "\"%s\" is no node of "
			    "cluster %s", name, cl->name);
			return false;
		}
		wanted[node] = true;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	for (i = 0; i < cl->node_count; i++)
		if (wanted[i]) {
			q->target[q->count].is_self = (int)i == cl->self;
			q->target[q->count++].node = cl->node[i];
		}
	return true;
}

/*
 * Memory that nobody changes any more: a file of the caller's might be on a
 * file system that never answers, and this loop would wait for it.
 */
static bool
is_sealed(int fd)
{
	const int want = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals != -1 && (seals & want) == want;
}

static bool
take_input(struct request *q, const struct line *l)
{
	struct stat st;
	int fd = serve_take_fd(q->client);

	if (!line_get_bool(l, "input")) {
		if (fd != -1)
			(void)close(fd);	/* not asked for */
		return true;
	}
	q->input = fd;
	if (fd == -1 || !is_sealed(fd) || fstat(fd, &st) == -1) {
		serve_err(q->client, "usage", "input: a memory file that is "
		    "sealed must come with it");
		return false;
	}
	if (st.st_size > REMOTE_INPUT_MAX) {
		serve_err(q->client, "too-long", "%lld bytes are more than "
		    "the %d MiB that can be sent to a node",
		    (long long)st.st_size, REMOTE_INPUT_MAX >> 20);
		return false;
	}
	q->call.input_len = (uint32_t)st.st_size;
	return true;
}

static bool
take_call(struct request *q, const struct line *l)
{
	const struct cluster *cl = &q->cs->r->cluster;
	const char *who = line_get(l, "who"), *arg;
	unsigned pos = 0;

	if (who != NULL && !remote_is_plain(who)) {
		serve_err(q->client, "usage", "who= has control characters");
		return false;
	}

	(void)snprintf(q->call.from, sizeof(q->call.from), "%s",
	    cl->node[cl->self].name);
	/* root may say for whom; of the others the kernel says which uid. */
	if (who != NULL && serve_uid(q->client) == 0)
		(void)snprintf(q->call.who, sizeof(q->call.who), "%s", who);
	else
		(void)snprintf(q->call.who, sizeof(q->call.who), "%.32s%s"
		    "uid %u", who != NULL ? who : "", who != NULL ? ", " : "",
		    (unsigned)serve_uid(q->client));
	q->call.role = (uint8_t)serve_role(q->client);
	while ((arg = line_next(l, "arg", &pos)) != NULL)
		if (!remote_call_add(&q->call, arg)) {
			serve_err(q->client, "usage", "more than %d words, or "
			    "too long", REMOTE_ARG_MAX);
			return false;
		}
	if (q->call.argc == 0) {
		serve_err(q->client, "usage", "arg= is missing");
		return false;
	}
	return true;
}

static void
start_all(struct request *q)
{
	unsigned i, j;

	q->open = q->count;
	for (i = 0; i < q->count; i++) {
		struct target *t = &q->target[i];

		t->q = q;
		for (j = 0; j < CLUSTER_LAN_MAX; j++)
			t->fd[j] = -1;
		t->timer = loop_timer_new(q->cs->r->loop, on_timer, t);
	}
	for (i = 0; i < q->count; i++) {
		if (q->target[i].is_self)
			start_here(&q->target[i]);
		else
			start_there(&q->target[i]);
	}
}

void
calls_run(struct calls *cs, struct client *c, const struct line *l)
{
	const char *nodes = line_get(l, "nodes");
	unsigned used[ROLE_ADMIN + 1] = { 0 };
	struct request *q;

	if (nodes == NULL || nodes[0] == '\0') {
		serve_err(c, "usage", "nodes= must be * or names by commas");
		return;
	}
	for (q = cs->first; q != NULL; q = q->next)
		used[q->call.role]++;
	if (!budget_has_place(used, serve_role(c), REQUEST_MAX)) {
		serve_err(c, "busy", "%u commands for other nodes run "
		    "already: try again in a moment", cs->count);
		return;
	}
	q = xcalloc(1, sizeof(*q));
	q->cs = cs;
	q->client = c;
	q->input = -1;
	q->resume = loop_timer_new(cs->r->loop, on_resume, q);
	q->done = loop_timer_new(cs->r->loop, on_done, q);
	q->look = loop_timer_new(cs->r->loop, on_look, q);
	q->next = cs->first;
	cs->first = q;
	cs->count++;
	if (!take_input(q, l) || !take_call(q, l) || !take_nodes(q, nodes)) {
		q->count = 0;
		request_free(q);
		return;
	}
	serve_later(c);
	loop_timer_set(q->look, LOOK_MS, 0);
	start_all(q);
}

void
calls_close(struct calls *cs, struct client *c)
{
	struct request *q;

	for (q = cs->first; q != NULL; q = q->next)
		if (q->client == c) {
			q->client = NULL;
			loop_timer_set(q->done, 0, 0);
			return;
		}
}

struct calls *
calls_new(struct remoted *r)
{
	struct calls *cs = xcalloc(1, sizeof(*cs));

	cs->r = r;
	return cs;
}

void
calls_free(struct calls *cs)
{
	while (cs->first != NULL)
		request_free(cs->first);
	free(cs);
}

unsigned
calls_count(const struct calls *cs)
{
	return cs->count;
}
