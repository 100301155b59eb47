/* SPDX-License-Identifier: ISC */
/* Encoding and decoding of what remoted says; no I/O. */

#include "remote.h"

#include <stdio.h>
#include <string.h>

#include "serve.h"

#define NAME		"holdfast-remote"
#define NAME_JOIN	"holdfast-join"

bool
remote_id_ok(const char *id)
{
	return strlen(id) == REMOTE_ID_LEN &&
	    strspn(id, "0123456789abcdef") == REMOTE_ID_LEN;
}

void
remote_banner_put(uint8_t out[REMOTE_BANNER_LEN], const char *id)
{
	char text[REMOTE_BANNER_LEN + 16];

	memset(text, 0, sizeof(text));
	if (id == NULL)
		(void)snprintf(text, sizeof(text), "%s %d\n", NAME,
		    REMOTE_VERSION);
	else
		(void)snprintf(text, sizeof(text), "%s %d %.*s\n", NAME_JOIN,
		    REMOTE_VERSION, REMOTE_ID_LEN, id);
	memcpy(out, text, REMOTE_BANNER_LEN);
}

enum remote_banner
remote_banner_get(const uint8_t in[REMOTE_BANNER_LEN],
    char id[REMOTE_ID_LEN + 1])
{
	static const char join[] = NAME_JOIN " 1 ";
	uint8_t want[REMOTE_BANNER_LEN];

	remote_banner_put(want, NULL);
	if (memcmp(in, want, REMOTE_BANNER_LEN) == 0)
		return BANNER_REMOTE;
	if (memcmp(in, join, sizeof(join) - 1) == 0) {
		memcpy(id, in + sizeof(join) - 1, REMOTE_ID_LEN);
		id[REMOTE_ID_LEN] = '\0';
		remote_banner_put(want, id);
		return remote_id_ok(id) &&
		    memcmp(in, want, REMOTE_BANNER_LEN) == 0 ? BANNER_JOIN :
		    BANNER_BAD;
	}
	return memcmp(in, NAME " ", sizeof(NAME)) == 0 ||
	    memcmp(in, NAME_JOIN " ", sizeof(NAME_JOIN)) == 0 ?
	    BANNER_OTHER : BANNER_BAD;
}

bool
remote_call_add(struct remote_call *c, const char *arg)
{
	size_t used = 0, len = strlen(arg) + 1;

	if (c->argc > 0) {
		const char *last = c->argv[c->argc - 1];

		used = (size_t)(last - c->store) + strlen(last) + 1;
	}
	if (c->argc == REMOTE_ARG_MAX || len > sizeof(c->store) - used)
		return false;
	memcpy(c->store + used, arg, len);
	c->argv[c->argc++] = c->store + used;
	c->argv[c->argc] = NULL;
	return true;
}

size_t
remote_call_put(void *buf, size_t size, const struct remote_call *c)
{
	struct frame_out f;
	unsigned i;

	frame_begin(&f, buf, size, REMOTE_CALL, 0, 0);
	frame_put_str(&f, c->from);
	frame_put_str(&f, c->who);
	frame_put_u8(&f, c->role);
	frame_put_u32(&f, c->input_len);
	frame_put_u16(&f, (uint16_t)c->argc);
	for (i = 0; i < c->argc; i++)
		frame_put_str(&f, c->argv[i]);
	return frame_end(&f);
}

bool
remote_is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

int
remote_call_get(struct remote_call *c, struct frame_in *f)
{
	char arg[REMOTE_ARGS_LEN];
	unsigned i, argc;

	memset(c, 0, sizeof(*c));
	if (frame_get_str(f, c->from, sizeof(c->from)) == -1 ||
	    frame_get_str(f, c->who, sizeof(c->who)) == -1)
		return -1;
	c->role = frame_get_u8(f);
	c->input_len = frame_get_u32(f);
	argc = frame_get_u16(f);
	if (argc == 0 || argc > REMOTE_ARG_MAX || c->role == ROLE_NONE ||
	    c->role > ROLE_ADMIN || c->input_len > REMOTE_INPUT_MAX ||
	    !remote_is_plain(c->from) || !remote_is_plain(c->who))
		return -1;
	for (i = 0; i < argc; i++)
		if (frame_get_str(f, arg, sizeof(arg)) == -1 ||
		    !remote_call_add(c, arg))
			return -1;
	return frame_done(f) ? 0 : -1;
}

size_t
remote_tick_put(void *buf, size_t size)
{
	struct frame_out f;

	frame_begin(&f, buf, size, REMOTE_TICK, 0, 0);
	return frame_end(&f);
}

size_t
remote_input_put(void *buf, size_t size, const void *p, size_t len)
{
	struct frame_out f;

	frame_begin(&f, buf, size, REMOTE_INPUT, 0, 0);
	frame_put_bytes(&f, p, len);
	return frame_end(&f);
}

size_t
remote_output_put(void *buf, size_t size, enum remote_stream s,
    const void *p, size_t len)
{
	struct frame_out f;

	frame_begin(&f, buf, size, REMOTE_OUTPUT, 0, 0);
	frame_put_u8(&f, (uint8_t)s);
	frame_put_bytes(&f, p, len);
	return frame_end(&f);
}

size_t
remote_end_put(void *buf, size_t size, uint8_t status, const char *what)
{
	struct frame_out f;

	frame_begin(&f, buf, size, REMOTE_END, 0, 0);
	frame_put_u8(&f, status);
	frame_put_str(&f, what);
	return frame_end(&f);
}

size_t
remote_refused_put(void *buf, size_t size, const char *code,
    const char *text)
{
	struct frame_out f;

	frame_begin(&f, buf, size, REMOTE_REFUSED, 0, 0);
	frame_put_str(&f, code);
	frame_put_str(&f, text);
	return frame_end(&f);
}

const void *
remote_input_get(struct frame_in *f, size_t *len)
{
	const void *p = frame_get_bytes(f, REMOTE_FRAME_MAX, len);

	return frame_done(f) ? p : NULL;
}

const void *
remote_output_get(struct frame_in *f, enum remote_stream *s, size_t *len)
{
	uint8_t stream = frame_get_u8(f);
	const void *p = frame_get_bytes(f, REMOTE_FRAME_MAX, len);

	if (!frame_done(f) || (stream != REMOTE_OUT && stream != REMOTE_ERR))
		return NULL;
	*s = (enum remote_stream)stream;
	return p;
}

int
remote_end_get(struct frame_in *f, uint8_t *status, char *what, size_t size)
{
	*status = frame_get_u8(f);
	return frame_get_str(f, what, size) == 0 && frame_done(f) ? 0 : -1;
}

int
remote_refused_get(struct frame_in *f, char *code, size_t code_size,
    char *text, size_t text_size)
{
	return frame_get_str(f, code, code_size) == 0 &&
	    frame_get_str(f, text, text_size) == 0 && frame_done(f) ? 0 : -1;
}
