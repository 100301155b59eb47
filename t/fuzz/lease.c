/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as the page of a lease: who reads it never has a lease that no
 * writer of this boot gave, and who writes it keeps a valid one and replaces
 * any other.  The first byte: 1, the magic and this boot's id are put where
 * they belong.
 */
#include "lease.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "paths.h"
#include "state.h"

#define PAGE	4096

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t magic = UINT64_C(0x484665617365310a);

static void
put_page(const char *path, const uint8_t *data, size_t size)
{
	uint8_t page[2 * PAGE];
	bool is_ours = size > 0 && (data[0] & 1) != 0;
	size_t len = size > 0 ? size - 1 : 0;
	int fd;

	len = len < sizeof(page) ? len : sizeof(page);
	memset(page, 0, sizeof(page));
	if (len > 0)
		memcpy(page, data + 1, len);
	if (is_ours) {
		memcpy(page, &magic, sizeof(magic));
		memset(page + 8, 0, 40);
		fd = open("/proc/sys/kernel/random/boot_id",
		    O_RDONLY | O_CLOEXEC);
		if (fd == -1 || read(fd, page + 8, 39) <= 0)
			abort();
		(void)close(fd);	/* only read */
	}
	/* Half a page was never written; some of it is not there. */
	state_put(AT_FDCWD, path, page, size > 0 && (data[0] & 2) != 0 ?
	    len : PAGE);
}

static void
check(const char *path)
{
	struct mono until = { .ns = 123456789 };
	struct lease *r = lease_reader("web"), *w;
	int64_t before = lease_until_ns(r), after;
	uint8_t head[8] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || read(fd, head, sizeof(head)) < 0)
		abort();
	(void)close(fd);	/* only read */
	if (before < LEASE_OVER || (before != LEASE_OVER &&
	    memcmp(head, &magic, sizeof(magic)) != 0))
		abort();
	w = lease_open("web");
	if (w == NULL)
		abort();
	after = lease_until_ns(r);
	if (after != before)
		abort();
	lease_set(w, until);
	if (lease_until_ns(r) != until.ns)
		abort();
	lease_close(r);
	lease_close(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int top = state_up();
	char path[PATH_LEN];

	(void)setenv("HOLDFAST_ROOT", state_path, 1);
	if (path_mkdirs(path_run(path, "web"), 0700) == -1)
		abort();
	put_page(path_run(path, "web/lease"), data, size);
	check(path);
	(void)unlink(path);
	/* Up to the top, which state_down() removes. */
	for (*strrchr(path, '/') = '\0'; strcmp(path, state_path) != 0;
	    *strrchr(path, '/') = '\0')
		if (rmdir(path) == -1)
			abort();
	state_down(top);
	return 0;
}
