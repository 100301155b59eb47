/* SPDX-License-Identifier: ISC */
/* The lease page: one process writes, another one reads. */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lease.h"
#include "paths.h"

#include "tap.h"

static const struct mono none = { LEASE_NONE }, over = { LEASE_OVER };

static void
write_file(const char *path, const void *what, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, what, len) != (ssize_t)len)
		_exit(9);
	(void)close(fd);
}

static void
test_no_page(struct lease *r)
{
	struct mono now = mono_now();

	is_num(lease_until_ns(r), LEASE_OVER, "no page: over");
	ok(!lease_runs(r, now), "nothing may leave");
	ok(!lease_is_needed(r), "but nobody said that one is needed");
	errno = 0;
	ok(lease_open("nosuchmodule") == NULL && errno == ENOENT,
	    "the writer says when there is no directory");
}

/* Neither a short file nor one of other bytes is taken for a page. */
static void
test_bad_pages(struct lease *r, const char *path)
{
	static char junk[4096];

	write_file(path, "HF", 2);
	is_num(lease_until_ns(r), LEASE_OVER, "short: over");
	memset(junk, 0x7f, sizeof(junk));
	write_file(path, junk, sizeof(junk));
	is_num(lease_until_ns(r), LEASE_OVER, "junk: over");
	ok(!lease_is_needed(r), "and says nothing");
}

static void
test_values(struct lease *w, struct lease *r)
{
	struct mono now = mono_now();

	is_num(lease_until_ns(r), LEASE_OVER, "a new page: over");
	ok(lease_is_needed(r), "which is not none");
	lease_set(w, mono_add_ms(now, 50));
	is_num(lease_until_ns(r), mono_add_ms(now, 50).ns, "a time");
	ok(lease_runs(r, mono_add_ms(now, 49)), "runs up to it");
	ok(!lease_runs(r, mono_add_ms(now, 50)), "and then no more");
	lease_set(w, over);
	ok(!lease_runs(r, now) && lease_is_needed(r), "over at once");
	lease_set(w, none);
	ok(!lease_runs(r, now) && !lease_is_needed(r),
	    "none: who needs one has none");
}

/* Both daemons may be restarted; the value stays. */
static void
test_restart(struct lease **w, struct lease *r)
{
	struct lease *again;

	lease_set(*w, (struct mono){ 77 });
	lease_close(*w);
	is_num(lease_until_ns(r), 77, "the writer ended");
	*w = lease_open("m");
	is_num(lease_until_ns(r), 77, "and came back");
	again = lease_reader("m");
	is_num(lease_until_ns(again), 77, "another reader");
	lease_close(again);
}

/* Of another boot its time means nothing. */
static void
test_other_boot(const char *path)
{
	struct lease *r = lease_reader("m"), *w;
	char page[4096];
	int fd = open(path, O_RDWR);

	ok(fd != -1 && pread(fd, page, sizeof(page), 0) == sizeof(page),
	    "the page");
	page[8] ^= 1;	/* in the boot's id */
	ok(pwrite(fd, page, sizeof(page), 0) == sizeof(page), "changed");
	(void)close(fd);
	is_num(lease_until_ns(r), LEASE_OVER, "another boot's: over");
	ok(!lease_is_needed(r), "and says nothing");
	w = lease_open("m");
	is_num(lease_until_ns(r), LEASE_OVER, "made again: over");
	lease_set(w, (struct mono){ 78 });
	is_num(lease_until_ns(r), 78, "and in use");
	lease_close(w);
	lease_close(r);
}

static void
test_process(struct lease *r)
{
	struct lease *w;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		w = lease_open("m");
		if (w == NULL)
			_exit(1);
		lease_set(w, (struct mono){ 99 });
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	is_num(status, 0, "another process writes");
	is_num(lease_until_ns(r), 99, "and is seen");
}

/* What is left of a page that somebody cut: not a time, not "none". */
static void
test_cut(const char *path)
{
	struct lease *w = lease_open("m"), *r = lease_reader("m");

	lease_set(w, none);
	lease_close(w);
	ok(truncate(path, 60) == 0 && lease_until_ns(r) == LEASE_OVER,
	    "a page cut short: over");
	w = lease_open("m");
	is_num(lease_until_ns(w), LEASE_OVER, "for the next writer, too");
	is_num(lease_until_ns(r), LEASE_OVER, "and for who reads its page");
	lease_close(w);
	lease_close(r);
}

int
main(void)
{
	char root[] = "/tmp/lease.XXXXXX", path[PATH_LEN], cmd[PATH_LEN];
	struct lease *r, *w;

	if (mkdtemp(root) == NULL)
		return 1;
	(void)setenv("HOLDFAST_ROOT", root, 1);
	(void)snprintf(cmd, sizeof(cmd), "mkdir -p '%s'",
	    path_run(path, "m"));
	if (system(cmd) != 0)
		return 1;
	(void)path_run(path, "m/lease");
	r = lease_reader("m");
	test_no_page(r);
	test_bad_pages(r, path);
	w = lease_open("m");
	ok(w != NULL, "the writer makes it");
	test_values(w, r);
	test_restart(&w, r);
	test_process(r);
	test_other_boot(path);
	lease_close(w);
	lease_close(r);
	test_cut(path);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", root);
	return system(cmd) != 0 ? 1 : tap_done();
}
