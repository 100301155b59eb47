/* SPDX-License-Identifier: ISC */
/* Small durable files: replaced whole, bounded when read. */

#include "statefile.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

int
main(void)
{
	char dir[] = "/tmp/state.XXXXXX", path[64], aside[80];
	struct stat st;
	size_t len;
	char *text;

	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/f", dir);
	(void)snprintf(aside, sizeof(aside), "%s.new", path);
	ok(statefile_read(path, 100, &len) == NULL && errno == ENOENT,
	    "absent");
	ok(statefile_write(path, "one", 3, 0600) == 0, "written");
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "its mode");
	(void)statefile_write_volatile(aside, "torn", 4, 0600);
	ok(statefile_write(path, "second", 6, 0640) == 0,
	    "a file left aside by a crash is no trouble");
	text = statefile_read(path, 100, &len);
	is_str(text, "second", "the new content");
	is_num(len, 6, "its length");
	free(text);
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640,
	    "the new mode");
	ok(statefile_read(path, 5, &len) == NULL && errno == EFBIG,
	    "more than the bound is refused");
	ok(statefile_read(dir, 100, &len) == NULL, "a directory is refused");
	(void)unlink(path);
	(void)rmdir(dir);
	ok(statefile_write(path, "x", 1, 0600) == -1 && errno == ENOENT,
	    "a missing directory is an error");
	return tap_done();
}
