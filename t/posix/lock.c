/* SPDX-License-Identifier: ISC */
/* flock(2), POSIX and open-file-description locks, leases. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int
lock(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET,
	    .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &l);
}

static void
flocks(void)
{
	int a, b;

	file("f", "", 0644);
	a = open("f", O_RDWR);
	b = open("f", O_RDONLY);
	said("shared", flock(a, LOCK_SH | LOCK_NB));
	said("shared", flock(b, LOCK_SH | LOCK_NB));
	said("exclusive", flock(a, LOCK_EX | LOCK_NB));
	said("unlock", flock(b, LOCK_UN));
	said("exclusive", flock(a, LOCK_EX | LOCK_NB));
	said("other", flock(b, LOCK_SH | LOCK_NB));
	close(a);
	said("after close", flock(b, LOCK_EX | LOCK_NB));
	said("nonsense", flock(b, 77));
	said("unlink", unlink("f"));
	said("of a gone one", flock(b, LOCK_SH | LOCK_NB));
	a = open(".", O_RDONLY);
	said("of a directory", flock(a, LOCK_EX | LOCK_NB));
}

/* What another process sees of them. */
static void
probe(const char *label, off_t start, off_t len)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_start = start, .l_len = len };
	pid_t pid;
	int fd;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fd = open("f", O_RDWR);
		said(label, fcntl(fd, F_SETLK, &l));
		fcntl(fd, F_GETLK, &l);
		printf(" %s=%d/%lld+%lld/%d", label, l.l_type,
		    (long long)l.l_start, (long long)l.l_len,
		    l.l_pid == getppid());
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void
posix_locks(void)
{
	int a, b;

	file("f", "", 0644);
	a = open("f", O_RDWR);
	said("write 0+10", lock(a, F_SETLK, F_WRLCK, 0, 10));
	probe("5+1", 5, 1);
	probe("10+1", 10, 1);
	said("read 20+0", lock(a, F_SETLK, F_RDLCK, 20, 0));
	probe("behind", 1LL << 40, 1);
	said("unlock 3+2", lock(a, F_SETLK, F_UNLCK, 3, 2));
	probe("3+1", 3, 1);
	probe("0+10", 0, 10);
	b = open("f", O_RDONLY);
	said("write of rdonly", lock(b, F_SETLK, F_WRLCK, 0, 1));
	said("negative", lock(a, F_SETLK, F_WRLCK, -1, 1));
	/* Closing any descriptor of the file drops them all. */
	close(b);
	probe("after close", 0, 1);
	said("wait", lock(a, F_SETLKW, F_WRLCK, 0, 1));
	said("mandatory is gone", lock(a, F_GETLK, F_WRLCK, 0, 1));
}

static void
description_locks(void)
{
	int a, b;

	file("f", "", 0644);
	a = open("f", O_RDWR);
	b = open("f", O_RDWR);
	said("a", lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	said("b", lock(b, F_OFD_SETLK, F_WRLCK, 5, 1));
	said("b read", lock(b, F_OFD_SETLK, F_RDLCK, 10, 1));
	said("a over it", lock(a, F_OFD_SETLK, F_WRLCK, 10, 1));
	close(a);
	said("b", lock(b, F_OFD_SETLK, F_WRLCK, 0, 0));
	probe("process", 0, 1);
}

static void
waits(void)
{
	int a, b, status = 0;
	pid_t pid;

	file("f", "", 0644);
	a = open("f", O_RDWR);
	said("lock", flock(a, LOCK_EX));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		b = open("f", O_RDWR);
		_exit(flock(b, LOCK_EX) == 0 ? 7 : 1);
	}
	usleep(20000);
	said("held", waitpid(pid, &status, WNOHANG));
	said("unlock", flock(a, LOCK_UN));
	waitpid(pid, &status, 0);
	value("got", status >> 8);
}

static void
leases(void)
{
	int fd, other;

	file("f", "", 0644);
	fd = open("f", O_RDONLY);
	said("read lease", fcntl(fd, F_SETLEASE, F_RDLCK));
	value("get", fcntl(fd, F_GETLEASE));
	signal(SIGIO, SIG_IGN);
	other = opened("opener", "f", O_WRONLY | O_NONBLOCK, 0);
	said("unlock", fcntl(fd, F_SETLEASE, F_UNLCK));
	other = opened("opener", "f", O_WRONLY | O_NONBLOCK, 0);
	close(other);
	close(fd);
	fd = open("f", O_RDWR);
	said("write lease", fcntl(fd, F_SETLEASE, F_WRLCK));
	value("get", fcntl(fd, F_GETLEASE));
}

const struct posix_case lock_cases[] = {
	{ "lock.flock",		flocks },
	{ "lock.posix",		posix_locks },
	{ "lock.ofd",		description_locks },
	{ "lock.wait",		waits },
	{ "lock.lease",		leases },
	{ NULL,			NULL },
};
