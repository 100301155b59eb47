/* SPDX-License-Identifier: ISC */
/*
 * One socket a family; each question goes to all addresses of its voter, and
 * again to those that are silent, since a datagram may be lost.
 */
#include "voter-ask.h"

#include <sys/socket.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "clock.h"
#include "config-voters.h"
#include "generation.h"
#include "modules.h"
#include "paths.h"
#include "seal.h"

#define ASK_MS		1500
#define AGAIN_MS	250
/* Asked of a witness that no module has: it holds nothing under that name. */
#define NO_MODULE	"witness-list"

static struct voter_item *
new_item(struct voter_ask *q, const char *name, const char *module,
    const char *key)
{
	struct voter_item *v;

	if (q->count == VOTER_ASK_MAX)
		return NULL;
	v = &q->item[q->count++];
	memset(v, 0, sizeof(*v));
	(void)snprintf(v->name, sizeof(v->name), "%s", name);
	(void)snprintf(v->module, sizeof(v->module), "%s", module);
	(void)snprintf(v->key, sizeof(v->key), "%s", key);
	return v;
}

static void
add_voters(struct voter_ask *q, const struct safe *m)
{
	struct voter_item *v;
	struct voter of;
	unsigned i, k;

	for (i = 0; i < m->voter_count; i++) {
		voters_get(m, i, &of);
		v = new_item(q, of.name, m->name, of.key);
		for (k = 0; v != NULL && k < of.addr_count; k++)
			v->addr[v->addr_count++] = *of.addr[k];
	}
}

/* Of the active generation: what edits say is in force later. */
static void
add_module(const char *module, void *arg)
{
	struct voter_ask *q = arg;
	struct safe m = { .name = module, .cluster = q->cl, .id = 1 };
	struct report r;
	char *text;

	text = generation_read(module, generation_active(module),
	    "safeconf.xml");
	if (text == NULL)
		return;		/* not configured: it has no voters */
	report_init(&r, module);
	if (safe_compile(&m, text, strlen(text), &r) == 0)
		add_voters(q, &m);
	report_fini(&r);
	safe_fini(&m);
	free(text);
}

static void
add_witness(struct voter_ask *q, const struct cluster_witness *w)
{
	struct voter_item *v;
	unsigned i;

	for (i = 0; i < q->count; i++)
		if (strcmp(q->item[i].name, w->name) == 0)
			return;
	v = new_item(q, w->name, "", w->name);
	for (i = 0; v != NULL && i < w->addr_count; i++)
		v->addr[v->addr_count++] = w->addr[i];
}

void
voter_ask_add_all(struct voter_ask *q)
{
	unsigned i;

	modules_each(add_module, q);
	for (i = 0; i < q->cl->witness_count; i++)
		add_witness(q, &q->cl->witness[i]);
}

static void
load_key(const struct cluster *cl, struct voter_item *v)
{
	char path[PATH_LEN];
	struct cluster_key key;
	const char *why;

	if (strcmp(v->key, "cluster") == 0)
		path_etc(path, "cluster.key");
	else
		path_etc(path, "witness/%s.key", v->key);
	if (seal_key_load(&key, path, &why) == 0)
		vote_keys_derive(&v->keys, &key, cl->name);
	else
		(void)snprintf(v->why, sizeof(v->why), "%s: %s", path,
		    strcmp(v->key, "cluster") == 0 ? why : "cannot be read: "
		    "`holdfast cluster push' on a node that has it");
	explicit_bzero(&key, sizeof(key));
}

static void
ask(const struct voter_ask *q, struct voter_item *v, const int fd[2])
{
	struct vote_ask a = { .kind = VOTE_READ, .nonce = v->nonce };
	struct sockaddr_storage to;
	uint8_t out[VOTE_MAX];
	size_t len;
	unsigned i;
	int s;

	if (v->came || v->why[0] != '\0')
		return;
	a.node = q->cl->node[q->cl->self].id;
	(void)snprintf(a.cluster, sizeof(a.cluster), "%s", q->cl->name);
	(void)snprintf(a.module, sizeof(a.module), "%s", v->module[0] != '\0'
	    ? v->module : NO_MODULE);
	len = vote_ask_seal(out, &a, &v->keys);
	for (i = 0; i < v->addr_count && len > 0; i++) {
		to = v->addr[i];
		addr_set_port(&to, VOTE_PORT);
		s = fd[to.ss_family == AF_INET6];
		/* Unreachable is silent. */
		if (s != -1)
			(void)sendto(s, out, len, 0,
			    (const struct sockaddr *)&to, addr_len(&to));
	}
}

/* Who waits for it: by nonce, and only with his key it opens. */
static void
take(struct voter_ask *q, const uint8_t *in, size_t len,
    const struct sockaddr_storage *from, struct mono began)
{
	char id[SEAL_ID_LEN + 1];
	struct vote_answer a;
	unsigned i;

	if (vote_head(id, in, len) != VOTE_ERROR_NONE)
		return;
	for (i = 0; i < q->count; i++) {
		struct voter_item *v = &q->item[i];

		if (v->came || strcmp(v->keys.id, id) != 0 ||
		    vote_answer_open(&a, in, len, &v->keys) !=
		    VOTE_ERROR_NONE || a.nonce != v->nonce)
			continue;
		v->came = true;
		v->after_us = mono_diff_ns(mono_now(), began) / 1000;
		v->answer = a;
		(void)addr_str(v->from, from);
		return;
	}
}

static void
receive(struct voter_ask *q, int fd, struct mono began)
{
	struct sockaddr_storage from;
	uint8_t in[VOTE_MAX + 1];
	socklen_t len;
	ssize_t n;

	for (;;) {
		len = sizeof(from);
		n = recvfrom(fd, in, sizeof(in), MSG_DONTWAIT,
		    (struct sockaddr *)&from, &len);
		if (n < 0)
			return;
		take(q, in, (size_t)n, &from, began);
	}
}

static bool
is_over(const struct voter_ask *q)
{
	unsigned i;

	for (i = 0; i < q->count; i++)
		if (!q->item[i].came && q->item[i].why[0] == '\0')
			return false;
	return true;
}

void
voter_ask_run(struct voter_ask *q)
{
	struct mono began = mono_now(), next = began;
	struct mono end = mono_add_ms(began, ASK_MS);
	struct pollfd p[2];
	int fd[2];
	unsigned i;

	seal_init();
	for (i = 0; i < q->count; i++) {
		load_key(q->cl, &q->item[i]);
		randombytes_buf(&q->item[i].nonce, sizeof(q->item[i].nonce));
	}
	fd[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fd[1] = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	while (!is_over(q) && !mono_passed(end, mono_now())) {
		if (mono_passed(next, mono_now())) {
			for (i = 0; i < q->count; i++)
				ask(q, &q->item[i], fd);
			next = mono_add_ms(mono_now(), AGAIN_MS);
		}
		for (i = 0; i < 2; i++)
			p[i] = (struct pollfd){ fd[i], POLLIN, 0 };
		(void)poll(p, 2, 50);	/* the clock bounds the wait */
		for (i = 0; i < 2; i++)
			if (fd[i] != -1)
				receive(q, fd[i], began);
	}
	for (i = 0; i < 2; i++)
		if (fd[i] != -1)
			(void)close(fd[i]);	/* datagrams */
}

void
voter_ask_fini(struct voter_ask *q)
{
	unsigned i;

	for (i = 0; i < q->count; i++)
		explicit_bzero(&q->item[i].keys, sizeof(q->item[i].keys));
}
