/* SPDX-License-Identifier: ISC */
/* The client of keepd against the real one, killed and started again. */
#include "keep.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"
#include "tap.h"

static char root[] = "/tmp/hf-keep.XXXXXX";
static pid_t keepd;

static bool
socket_answers(void)
{
	struct keep *k = keep_open("probe");
	bool up = keep_is_up(k);

	keep_close(k);
	return up;
}

static void
start_keepd(void)
{
	const char *build = getenv("top_builddir");
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/bin/keepd/keepd",
	    build != NULL ? build : ".");
	keepd = fork();
	if (keepd == 0) {
		(void)execl(path, "keepd", "-d", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && !socket_answers(); i++)
		(void)usleep(10000);
}

static void
kill_keepd(void)
{
	(void)kill(keepd, SIGKILL);
	(void)waitpid(keepd, NULL, 0);
}

/* A memfd is recognised by its inode. */
static ino_t
inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static char names[256];

static void
on_name(const char *what, void *arg)
{
	size_t len = strlen(names);

	(void)arg;
	(void)snprintf(names + len, sizeof(names) - len, "%s ", what);
}

static const char *
list(struct keep *k)
{
	names[0] = '\0';
	return keep_list(k, on_name, NULL) == 0 ? names : "(failed)";
}

static bool
link_is_readable(struct keep *k)
{
	struct pollfd p = { .fd = keep_fd(k), .events = POLLIN };

	return poll(&p, 1, 2000) == 1;
}

static void
test_alone(void)
{
	struct keep *k = keep_open("m/mirrord");
	int ring = memfd_create("ring", MFD_CLOEXEC), fd;

	ok(!keep_is_up(k), "no keepd: not up");
	is_num(keep_fd(k), -1, "and nothing to watch");
	is_num(keep_put(k, "ring", ring), 0, "put succeeds locally");
	fd = keep_get(k, "ring");
	ok(inode(fd) == inode(ring), "get gives it");
	is_num(keep_get(k, "none"), -1, "an unknown one");
	is_num(errno, ENOENT, "is ENOENT");
	is_str(list(k), "ring ", "list");
	is_num(keep_refill(k), -1, "refill fails");
	start_keepd();
	is_num(keep_refill(k), 0, "refill when keepd is there");
	ok(keep_is_up(k), "up");
	keep_close(k);
	(void)close(fd);

	k = keep_open("m/mirrord");
	fd = keep_get(k, "ring");
	ok(fd >= 0 && inode(fd) == inode(ring), "the next life gets it");
	ok(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC), "close on exec");
	(void)close(fd);
	keep_close(k);
	(void)close(ring);
}

static void
test_owners(void)
{
	struct keep *a = keep_open("m/mirrord"), *b = keep_open("n/mirrord");
	int fd = memfd_create("b", MFD_CLOEXEC);

	is_num(keep_get(b, "ring"), -1, "another owner sees nothing");
	is_num(keep_put(b, "ring", fd), 0, "puts under the same name");
	ok(inode(keep_get(a, "ring")) != inode(fd), "each has its own");
	is_num(keep_drop(b, "ring"), 0, "drop");
	is_num(keep_drop(b, "ring"), 0, "drop is a wish: twice is fine");
	is_num(keep_get(b, "ring"), -1, "gone");
	is_str(list(a), "ring ", "the other one's stays");
	is_num(keep_put(a, "bad name", fd), -1, "a bad name is refused");
	is_num(keep_put(a, "x", 9999), -1, "a closed descriptor is refused");
	ok(keep_is_up(a), "the link outlives refusals");
	keep_close(a);
	keep_close(b);
	(void)close(fd);
}

static void
test_killed(void)
{
	struct keep *k = keep_open("m/mirrord"), *next;
	int fuse = memfd_create("fuse", MFD_CLOEXEC);
	int late = memfd_create("late", MFD_CLOEXEC);
	ino_t ring = inode(keep_get(k, "ring"));

	is_num(keep_put(k, "fuse", fuse), 0, "put");
	kill_keepd();
	ok(link_is_readable(k), "a killed keepd makes the link readable");
	is_num(keep_put(k, "late", late), 0, "put while it is away");
	ok(!keep_is_up(k), "down");
	is_num(keep_drop(k, "fuse"), 0, "drop while it is away");
	start_keepd();
	is_num(keep_refill(k), 0, "refilled");
	next = keep_open("m/mirrord");
	is_str(list(next), "late ring ", "what was put, and what was got");
	ok(inode(keep_get(next, "late")) == inode(late), "the same");
	ok(inode(keep_get(next, "ring")) == ring, "from the life before");
	keep_close(next);
	keep_close(k);
	(void)close(fuse);
	(void)close(late);
}

static void
test_stopped(void)
{
	struct keep *k = keep_open("vipd");
	int fd = memfd_create("x", MFD_CLOEXEC);

	(void)kill(keepd, SIGSTOP);
	is_num(keep_put(k, "x", fd), 0, "a stopped keepd does not stop us");
	ok(!keep_is_up(k), "the link is given up");
	ok(link_is_readable(k), "which the loop sees");
	(void)kill(keepd, SIGCONT);
	is_num(keep_refill(k), 0, "and mended");
	keep_close(k);
	k = keep_open("vipd");
	is_str(list(k), "x ", "it is kept");
	keep_close(k);
	(void)close(fd);
}

int
main(void)
{
	char path[PATH_LEN];

	log_init("keep-test", false);
	if (mkdtemp(root) == NULL)
		return 1;
	(void)setenv("HOLDFAST_ROOT", root, 1);
	test_alone();
	test_owners();
	test_killed();
	test_stopped();
	kill_keepd();
	(void)unlink(path_socket(path, NULL, "keepd"));
	(void)rmdir(path_run(path, "%s", ""));
	/* Each directory on the way up to the root made above. */
	for (char *p; (p = strrchr(path, '/')) != NULL &&
	    p > path + strlen(root); *p = '\0')
		(void)rmdir(path);
	(void)rmdir(path);
	(void)rmdir(root);
	return tap_done();
}
