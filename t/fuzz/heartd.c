/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a datagram: first byte even, as it comes from the wire (the
 * prelude and the seal refuse it); odd, as one that opened, which is what a
 * node with the key but another mind could send.  A beat that was taken must
 * write back equal.  Without libFuzzer: tries the files that are its
 * arguments or, as a test, its corpus.
 */

#include "../../bin/heartd/datagram.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/tap.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_beat(struct frame_in *f, const struct node_header *h)
{
	struct datagram_out d;
	struct entry e, again;
	struct node_header nh;
	struct frame_in in;
	size_t len;

	while (datagram_get_entry(f, &e)) {
		datagram_begin(&d, DATAGRAM_BEAT, f->sequence, h);
		if (!datagram_put_entry(&d, &e))
			abort();
		len = frame_end(&d.frame);
		if (datagram_open(&in, &nh, d.plain, len) != DATAGRAM_OK ||
		    !datagram_get_entry(&in, &again) || !frame_done(&in) ||
		    strcmp(e.name, again.name) != 0 ||
		    e.counter != again.counter || e.echo != again.echo)
			abort();
	}
}

static void
check_blob(struct frame_in *f)
{
	static uint8_t memory[2][BLOB_MAX];
	struct blob_part b;
	struct blob_in in;

	if (datagram_get_blob(f, &b) != 0)
		return;
	blob_in_init(&in, memory[0], memory[1]);
	(void)blob_in_take(&in, &b.fragment);
	(void)blob_in_take(&in, &b.fragment);
}

static void
check_plain(const uint8_t *data, size_t size)
{
	struct node_header h;
	struct blob_ack ack;
	struct frame_in f;
	struct auth auth;

	if (datagram_open(&f, &h, data, size) != DATAGRAM_OK)
		return;
	switch (f.type) {
	case DATAGRAM_BEAT:
		check_beat(&f, &h);
		break;
	case DATAGRAM_AUTH:
		(void)datagram_get_auth(&f, &auth);
		break;
	case DATAGRAM_BLOB:
		check_blob(&f);
		break;
	case DATAGRAM_ACK:
		(void)datagram_get_ack(&f, &ack);
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct seal_key key;
	uint8_t plain[DATAGRAM_MAX];
	struct prelude p;
	size_t len;

	if (size == 0)
		return 0;
	if (data[0] & 1)
		check_plain(data + 1, size - 1);
	else if (datagram_prelude(&p, data + 1, size - 1) == DATAGRAM_OK &&
	    datagram_unseal(plain, &len, data + 1, size - 1, "lan1", &key) ==
	    DATAGRAM_OK)
		check_plain(plain, len);
	return 0;
}

#ifndef HF_LIBFUZZER
static bool
try_file(const char *path)
{
	static uint8_t buf[65536];
	size_t len;
	FILE *in;

	in = fopen(path, "rb");
	if (in == NULL) {
		perror(path);
		return false;
	}
	len = fread(buf, 1, sizeof(buf), in);
	(void)fclose(in);	/* only read */
	(void)LLVMFuzzerTestOneInput(buf, len);
	return true;
}

int
main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	char pattern[4096];
	glob_t found;
	unsigned count = 0;
	size_t n;
	int i;

	for (i = 1; i < argc; i++)
		(void)try_file(argv[i]);
	if (argc > 1)
		return 0;
	(void)snprintf(pattern, sizeof(pattern), "%s/t/fuzz/heartd.corpus/*",
	    top != NULL ? top : ".");
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (n = 0; n < found.gl_pathc; n++)
			count += try_file(found.gl_pathv[n]);
		globfree(&found);
	}
	ok(count > 0, "%u files of the corpus did no harm", count);
	return tap_done();
}
#endif
