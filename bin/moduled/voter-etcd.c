/* SPDX-License-Identifier: ISC */
/*
 * The edge to etcd: one request at a time, to one endpoint; one that does not
 * answer, or not as it should, is left for the next one.  A request that was
 * given up may have been carried out: etcd.c knows how to ask again.
 *
 * Besides, a key PREFIX/nodes/NODE under a lease of its own says that this
 * node reaches etcd.  No decision rests on it.
 */
#include "voter-etcd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "xalloc.h"

#include "etcd.h"

#define URL_LEN		512
/* Of one request, a quarter of T: there must be time for another endpoint. */
#define REQUEST_MIN_MS	100
#define REQUEST_MAX_MS	2000
#define PRESENCE_TTL_S	10
#define PRESENCE_MS	3000
#define SEEN_LEN	256

/* What the presence does next. */
enum presence { PR_GRANT, PR_PUT, PR_KEEPALIVE, PR_LIST };

struct voter_etcd {
	struct etcd_conf	 conf;
	unsigned		 endpoint;	/* the one in use */
	struct etcd_voter	 voter;
	struct post		*post;
	struct vote_ask		 ask;		/* under way */
	bool			 has_next;
	struct vote_ask		 next;		/* then */
	struct log_limit	 limit;
	bool			 told;		/* that it does not answer */
	/* Presence. */
	struct post		*side;
	struct loop_timer	*timer;
	enum presence		 presence;
	int64_t			 lease;
	char			 seen[SEEN_LEN];
	void			(*on_answer)(const char *voter,
				    const struct vote_answer *a, void *arg);
	void			*arg;
};

static int64_t
request_ms(const struct voter_etcd *e)
{
	int64_t ms = e->conf.timeout_ms / 4;

	if (ms < REQUEST_MIN_MS)
		return REQUEST_MIN_MS;
	return ms > REQUEST_MAX_MS ? REQUEST_MAX_MS : ms;
}

static void
url_of(const struct voter_etcd *e, char url[URL_LEN], const char *path)
{
	const char *base = e->conf.endpoint[e->endpoint];
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	(void)snprintf(url, URL_LEN, "%.*s%s", (int)len, base, path);
}

static void
next_endpoint(struct voter_etcd *e)
{
	e->endpoint = (e->endpoint + 1) % e->conf.endpoint_count;
}

/* --- votes ---------------------------------------------------------- */

static void
begin(struct voter_etcd *e)
{
	char url[URL_LEN], body[ETCD_BODY_LEN], text[REG_TEXT_LEN];
	bool swaps = etcd_voter_swaps(&e->voter, &e->ask), fits;

	if (swaps) {
		reg_value_text(text, &e->ask.value);
		fits = etcd_swap(body, e->conf.prefix, e->voter.revision,
		    text);
	} else
		fits = etcd_range(body, e->conf.prefix);
	if (!fits)
		panic("etcd: a request does not fit");
	url_of(e, url, swaps ? "/v3/kv/txn" : "/v3/kv/range");
	post_start(e->post, url, body, request_ms(e));
}

static void
tell(struct voter_etcd *e, const char *why)
{
	if (why[0] == '\0' && e->told)
		log_info("etcd: %s answers", e->conf.endpoint[e->endpoint]);
	else if (why[0] != '\0' && log_limit_ok(&e->limit, 3))
		log_warnx("etcd: %s: %s", e->conf.endpoint[e->endpoint], why);
	e->told = why[0] != '\0';
}

static void
on_done(long status, const char *body, size_t len, const char *error,
    void *arg)
{
	struct voter_etcd *e = arg;
	struct vote_answer answer;
	struct etcd_reply reply;

	if (error != NULL) {
		memset(&reply, 0, sizeof(reply));
		(void)snprintf(reply.why, sizeof(reply.why), "%s", error);
	} else
		etcd_parse(&reply, status, body, len);
	tell(e, reply.why);
	if (reply.why[0] != '\0')
		next_endpoint(e);
	etcd_voter_answer(&e->voter, &e->ask, &reply, &answer);
	/* First: what is answered may ask the next. */
	if (e->has_next) {
		e->has_next = false;
		e->ask = e->next;
		begin(e);
	}
	e->on_answer(VOTER_ETCD_NAME, &answer, e->arg);
}

static bool
is_repeat(const struct vote_ask *a, const struct vote_ask *b)
{
	return a->kind == b->kind && epoch_cmp(a->ballot, b->ballot) == 0;
}

/* A repeat of what is under way is answered by that. */
static void
on_send(void *arg, const struct reg_message *m)
{
	struct voter_etcd *e = arg;

	if (strcmp(m->voter, VOTER_ETCD_NAME) != 0)
		return;
	/* A read under way is no matter when there is a vote to be had. */
	if (!post_is_busy(e->post) || (e->ask.kind == VOTE_READ &&
	    m->ask.kind != VOTE_READ)) {
		e->ask = m->ask;
		begin(e);
	} else if (is_repeat(&e->ask, &m->ask)) {
		e->ask.nonce = m->ask.nonce;
	} else {
		e->next = m->ask;
		e->has_next = true;
	}
}

/* --- presence ------------------------------------------------------- */

static void
on_presence(void *arg)
{
	static const char *const path[] = {
		[PR_GRANT] = "/v3/lease/grant",
		[PR_PUT] = "/v3/kv/put",
		[PR_KEEPALIVE] = "/v3/lease/keepalive",
		[PR_LIST] = "/v3/kv/range",
	};
	struct voter_etcd *e = arg;
	char url[URL_LEN], body[ETCD_BODY_LEN], key[ETCD_KEY_LEN];
	bool fits = false;

	(void)snprintf(key, sizeof(key), "%s/nodes/%s", e->conf.prefix,
	    e->presence == PR_LIST ? "" : e->conf.node);
	switch (e->presence) {
	case PR_GRANT:
		fits = etcd_grant(body, PRESENCE_TTL_S);
		break;
	case PR_PUT:
		fits = etcd_put(body, key, e->conf.node, e->lease);
		break;
	case PR_KEEPALIVE:
		fits = etcd_keepalive(body, e->lease);
		break;
	case PR_LIST:
		fits = etcd_range_prefix(body, key);
		break;
	}
	if (!fits)
		return;		/* texts only */
	url_of(e, url, path[e->presence]);
	post_start(e->side, url, body, PRESENCE_MS);
}

static void
on_side_done(long status, const char *body, size_t len, const char *error,
    void *arg)
{
	struct voter_etcd *e = arg;
	char key[ETCD_KEY_LEN];
	int64_t wait_ms = 0;

	(void)snprintf(key, sizeof(key), "%s/nodes/", e->conf.prefix);
	if (error != NULL || status != 200) {
		e->presence = PR_GRANT;
		e->seen[0] = '\0';
		loop_timer_set(e->timer, PRESENCE_MS, PRESENCE_MS / 4);
		return;
	}
	switch (e->presence) {
	case PR_GRANT:
		e->lease = etcd_parse_lease(body, len);
		e->presence = e->lease != 0 ? PR_PUT : PR_GRANT;
		wait_ms = e->lease != 0 ? 0 : PRESENCE_MS;
		break;
	case PR_KEEPALIVE:
		e->presence = etcd_parse_lease(body, len) != 0 ? PR_LIST :
		    PR_GRANT;
		break;
	case PR_PUT:
		e->presence = PR_LIST;
		break;
	case PR_LIST:
		etcd_parse_names(e->seen, sizeof(e->seen), key, body, len);
		e->presence = PR_KEEPALIVE;
		wait_ms = PRESENCE_MS;
		break;
	}
	loop_timer_set(e->timer, wait_ms, wait_ms / 4);
}

const char *
voter_etcd_seen(const struct voter_etcd *e)
{
	return e->seen;
}

/* --- open, close ---------------------------------------------------- */

static void
on_close(void *arg)
{
	struct voter_etcd *e = arg;

	post_free(e->post);
	post_free(e->side);
	loop_timer_free(e->timer);
	free(e);
}

struct voter_etcd *
voter_etcd_open(struct loop *l, const struct etcd_conf *c,
    struct reg_backend *b, void (*on_answer)(const char *voter,
    const struct vote_answer *a, void *arg), void *arg)
{
	struct voter_etcd *e = xcalloc(1, sizeof(*e));

	e->conf = *c;
	e->on_answer = on_answer;
	e->arg = arg;
	e->post = post_new(l, &c->tls, on_done, e);
	e->side = post_new(l, &c->tls, on_side_done, e);
	e->timer = loop_timer_new(l, on_presence, e);
	loop_timer_set(e->timer, 0, PRESENCE_MS / 4);
	*b = (struct reg_backend){ on_send, on_close, e };
	return e;
}
