/* SPDX-License-Identifier: ISC */
/* Whole reads and writes: at the end of a file, past a limit, on a bad fd. */

#include "whole.h"

#include <sys/resource.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#define LEN	10000

int
main(void)
{
	char path[] = "/tmp/whole.XXXXXX", out[LEN], in[LEN + 10];
	struct rlimit limit = { LEN + 4, LEN + 4 };
	int fd = mkstemp(path);

	if (fd == -1 || unlink(path) == -1)
		return 1;
	memset(out, 'x', sizeof(out));
	ok(whole_write(fd, out, sizeof(out)) == 0, "written");
	is_num(whole_pread(fd, in, sizeof(out), 0), LEN, "read again");
	ok(memcmp(in, out, sizeof(out)) == 0, "the same bytes");
	is_num(whole_pread(fd, in, sizeof(in), 0), LEN,
	    "short at the end of the file");
	is_num(whole_pread(fd, in, 1, LEN), 0, "nothing behind it");
	ok(whole_pwrite(fd, "abc", 3, 100) == 0 &&
	    whole_pread(fd, in, 5, 99) == 5 && memcmp(in, "xabcx", 5) == 0,
	    "written in the middle");

	/* The kernel takes four bytes, then refuses the rest. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)setrlimit(RLIMIT_FSIZE, &limit);
	errno = 0;
	ok(whole_pwrite(fd, out, 100, LEN) == -1 && errno == EFBIG,
	    "a write that is cut short is carried on, and its error told");
	is_num(whole_pread(fd, in, 10, LEN), 4, "what was taken is there");
	(void)close(fd);
	ok(whole_pread(fd, in, 1, 0) == -1 && errno == EBADF, "bad fd, read");
	ok(whole_pwrite(fd, "a", 1, 0) == -1 && whole_write(fd, "a", 1) == -1,
	    "bad fd, write");
	return tap_done();
}
