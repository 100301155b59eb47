/* SPDX-License-Identifier: ISC */
/* Frames of remoted: round trips, and everything that must be refused. */

#include "remote.h"

#include <stdlib.h>

#include "serve.h"
#include "tap.h"

static uint8_t buf[REMOTE_FRAME_MAX];

static void
test_banner(void)
{
	uint8_t b[REMOTE_BANNER_LEN];
	char id[REMOTE_ID_LEN + 1];

	remote_banner_put(b, NULL);
	is_num(remote_banner_get(b, id), BANNER_REMOTE, "a node");
	remote_banner_put(b, "0123abcd");
	is_num(remote_banner_get(b, id), BANNER_JOIN, "who joins");
	is_str(id, "0123abcd", "its invitation");
	b[REMOTE_BANNER_LEN - 1] = 1;
	is_num(remote_banner_get(b, id), BANNER_BAD, "bytes behind it");
	remote_banner_put(b, "../../et");
	is_num(remote_banner_get(b, id), BANNER_BAD, "an id that is a path");
	memset(b, 0, sizeof(b));
	memcpy(b, "holdfast-remote 2\n", 18);
	is_num(remote_banner_get(b, id), BANNER_OTHER, "another version");
	memcpy(b, "GET / HTTP/1.1\r\n", 16);
	is_num(remote_banner_get(b, id), BANNER_BAD, "not ours");
}

static struct remote_call *
call_new(void)
{
	struct remote_call *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	(void)snprintf(c->from, sizeof(c->from), "n1");
	(void)snprintf(c->who, sizeof(c->who), "alice");
	c->role = ROLE_CONTROL;
	c->input_len = 7;
	return c;
}

static bool
is_taken(const struct remote_call *c, struct remote_call *out)
{
	size_t len = remote_call_put(buf, sizeof(buf), c);
	struct frame_in f;

	return len > 0 && frame_open(&f, buf, len) == 0 &&
	    f.type == REMOTE_CALL && remote_call_get(out, &f) == 0;
}

static void
test_call(void)
{
	struct remote_call *c = call_new(), *d = call_new();
	char big[REMOTE_ARGS_LEN + 1];
	struct frame_in f;
	unsigned i, taken = 0;
	size_t len;

	ok(!is_taken(c, d), "no word: refused");
	ok(remote_call_add(c, "status") && remote_call_add(c, "") &&
	    remote_call_add(c, "a b\n"), "three words");
	ok(is_taken(c, d), "taken");
	ok(d->argc == 3 && strcmp(d->argv[0], "status") == 0 &&
	    d->argv[1][0] == '\0' && strcmp(d->argv[2], "a b\n") == 0 &&
	    d->argv[3] == NULL, "the same words");
	is_str(d->from, "n1", "node");
	is_str(d->who, "alice", "who");
	ok(d->role == ROLE_CONTROL && d->input_len == 7, "role and input");
	len = remote_call_put(buf, sizeof(buf), c);
	for (i = 0; i < len; i++)
		taken += frame_open(&f, buf, i) == 0 &&
		    remote_call_get(d, &f) == 0;
	is_num(taken, 0, "never when cut");
	c->role = ROLE_ADMIN + 1;
	ok(!is_taken(c, d), "a role there is not");
	c->role = ROLE_NONE;
	ok(!is_taken(c, d), "no role");
	c->role = ROLE_MONITOR;
	c->input_len = REMOTE_INPUT_MAX + 1;
	ok(!is_taken(c, d), "too much input");
	c->input_len = 0;
	(void)snprintf(c->who, sizeof(c->who), "a\nb");
	ok(!is_taken(c, d), "a line of the log in the name");
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	ok(!remote_call_add(c, big), "a word that is too long");
	for (i = 0; i < REMOTE_ARG_MAX + 5; i++)
		(void)remote_call_add(c, "y");
	is_num(c->argc, REMOTE_ARG_MAX, "no more words than that");
	free(c);
	free(d);
}

static void
test_answers(void)
{
	char code[16], text[64];
	enum remote_stream s;
	struct frame_in f;
	uint8_t status;
	const void *p;
	size_t len;

	len = remote_output_put(buf, sizeof(buf), REMOTE_ERR, "abc", 3);
	(void)frame_open(&f, buf, len);
	p = remote_output_get(&f, &s, &len);
	ok(p != NULL && len == 3 && memcmp(p, "abc", 3) == 0 &&
	    s == REMOTE_ERR, "output");
	buf[FRAME_HEADER_LEN] = 3;
	(void)frame_open(&f, buf, FRAME_HEADER_LEN + 1 + 4 + 3);
	ok(remote_output_get(&f, &s, &len) == NULL, "a stream there is not");
	len = remote_end_put(buf, sizeof(buf), 79, "why");
	(void)frame_open(&f, buf, len);
	ok(remote_end_get(&f, &status, text, sizeof(text)) == 0 &&
	    status == 79 && strcmp(text, "why") == 0, "end");
	len = remote_refused_put(buf, sizeof(buf), "denied", "because");
	(void)frame_open(&f, buf, len);
	ok(remote_refused_get(&f, code, sizeof(code), text, sizeof(text)) ==
	    0 && strcmp(code, "denied") == 0, "refused");
	(void)frame_open(&f, buf, len);
	ok(remote_refused_get(&f, code, 3, text, sizeof(text)) == -1,
	    "a code that is too long");
	len = remote_input_put(buf, sizeof(buf), "in", 2);
	(void)frame_open(&f, buf, len);
	ok(remote_input_get(&f, &len) != NULL && len == 2, "input");
	ok(remote_input_put(buf, 20, "in too long", 11) == 0,
	    "does not fit: no length");
}

int
main(void)
{
	test_banner();
	test_call();
	test_answers();
	return tap_done();
}
