/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as the LIST of a set-aside: what can be read to its end is the
 * same when it is written and read again, and the directory of them says of
 * it what its last line does.
 */
#include "asidelist.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "state.h"

#define NAME	"0.5.1"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text of all that was read, the caller frees; NULL: not one. */
static char *
copy(int dir, size_t *len)
{
	struct aside_reader r;
	struct aside_entry e;
	uint64_t entries = 0, bytes = 0;
	char *text = NULL;
	FILE *f;
	int rc;

	if (aside_open(&r, dir) == -1)
		return NULL;
	f = open_memstream(&text, len);
	if (f == NULL || aside_put_head(f, &r.head) == -1)
		abort();
	while ((rc = aside_next(&r, &e)) == 1) {
		if (aside_put_entry(f, &e) == -1)
			abort();
		entries++;
		bytes += e.bytes;
	}
	if (aside_put_end(f, entries, bytes) == -1 || fclose(f) == EOF ||
	    (rc == 0 && !r.ended))
		abort();
	aside_close(&r);
	if (rc == -1) {
		free(text);
		text = NULL;
	}
	return text;
}

static void
check(int top, int dir)
{
	struct aside_info *all;
	size_t len = 0, again_len = 0;
	char *text, *again;
	unsigned count;

	free(aside_all(top, &count));
	text = copy(dir, &len);
	if (text == NULL)
		return;
	state_put(dir, ASIDE_LIST, text, len);
	again = copy(dir, &again_len);
	if (again == NULL || len != again_len ||
	    memcmp(text, again, len) != 0)
		abort();
	all = aside_all(top, &count);
	if (count != 1 || strcmp(all[0].name, NAME) != 0)
		abort();
	free(all);
	free(again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int top = state_up(), dir;

	if (mkdirat(top, NAME, 0700) == -1 || (dir = openat(top, NAME,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		abort();
	state_put(dir, ASIDE_LIST, data, size);
	check(top, dir);
	(void)unlinkat(dir, ASIDE_LIST, 0);	/* or rmdir() tells */
	(void)close(dir);	/* memory */
	state_down(top);
	return 0;
}
