/* SPDX-License-Identifier: ISC */
/*
 * What a node with the key but another mind could send to remoted, and what
 * a stranger can: banners and frames of every type.  A call that was taken
 * must write back equal.
 */

#include "remote.h"

#include <stdlib.h>
#include <string.h>

#include "invite.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_call(struct frame_in *f)
{
	static struct remote_call c, again;
	static uint8_t buf[REMOTE_FRAME_MAX];
	struct frame_in in;
	size_t len;

	if (remote_call_get(&c, f) == -1)
		return;
	len = remote_call_put(buf, sizeof(buf), &c);
	if (len == 0 || frame_open(&in, buf, len) == -1 ||
	    remote_call_get(&again, &in) == -1 || again.argc != c.argc ||
	    strcmp(again.argv[0], c.argv[0]) != 0)
		abort();
}

static void
check_frame(const uint8_t *data, size_t size)
{
	char code[64], text[1024];
	enum remote_stream s;
	struct frame_in f;
	uint8_t status;
	size_t len;

	if (frame_open(&f, data, size) == -1)
		return;
	switch (f.type) {
	case REMOTE_CALL:
		check_call(&f);
		break;
	case REMOTE_INPUT:
		(void)remote_input_get(&f, &len);
		break;
	case REMOTE_OUTPUT:
		(void)remote_output_get(&f, &s, &len);
		break;
	case REMOTE_END:
		(void)remote_end_get(&f, &status, text, sizeof(text));
		break;
	case REMOTE_REFUSED:
		(void)remote_refused_get(&f, code, sizeof(code), text,
		    sizeof(text));
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char id[REMOTE_ID_LEN + 1], text[INVITE_TEXT_LEN];
	struct invite i;
	size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;

	if (size >= REMOTE_BANNER_LEN)
		(void)remote_banner_get(data, id);
	if (n > 0)
		memcpy(text, data, n);
	text[n] = '\0';
	(void)invite_parse(&i, "01234567", text);
	(void)invite_from_token(&i, text);
	check_frame(data, size);
	return 0;
}
