/* SPDX-License-Identifier: ISC */
/*
 * posix DIR OTHER [PATTERN]: every case of the table (or those whose name has
 * PATTERN in it) in a directory of its own below DIR, one line each; OTHER is
 * a directory of another file system.
 * The same program in a plain directory and in a mirror must print the
 * same: t/posix.bats compares.  The names of the errors are those that POSIX
 * and the manual pages of the calls give them.
 */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASE_SECONDS	60

const char *posix_other;

static const struct posix_case *const tables[] = {
	open_cases, name_cases, dir_cases, data_cases, space_cases,
	attr_cases, xattr_cases, lock_cases, misc_cases,
};

void
said(const char *label, long rc)
{
	int error = errno;

	if (rc == -1)
		printf(" %s=%s", label, strerrorname_np(error));
	else if (rc == 0)
		printf(" %s=ok", label);
	else
		printf(" %s=%ld", label, rc);
}

void
must(long rc)
{
	if (rc == -1)
		said("preparation", -1);
}

void
value(const char *label, long long v)
{
	printf(" %s=%lld", label, v);
}

void
text(const char *label, const void *p, size_t len)
{
	const unsigned char *c = p;
	size_t i;

	printf(" %s=", label);
	for (i = 0; i < len; i++)
		if (c[i] > ' ' && c[i] < 127)
			putchar(c[i]);
		else
			printf("\\%02x", c[i]);
}

void
file(const char *name, const char *what, mode_t mode)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
	ssize_t len = (ssize_t)strlen(what);

	if (fd == -1 || write(fd, what, (size_t)len) != len ||
	    fchmod(fd, mode) == -1)
		said(name, -1);
	close(fd);
}

int
opened(const char *label, const char *name, int flags, mode_t mode)
{
	int fd = open(name, flags, mode);

	said(label, fd == -1 ? -1 : 0);
	return fd;
}

void
show(const char *label, const char *name)
{
	struct stat st;

	if (lstat(name, &st) == -1) {
		said(label, -1);
		return;
	}
	printf(" %s=%o/%u/%u:%u", label, st.st_mode,
	    S_ISDIR(st.st_mode) ? 0 : (unsigned)st.st_nlink, st.st_uid,
	    st.st_gid);
	if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
		printf("/%lld", (long long)st.st_size);
}

void
content(const char *label, const char *name)
{
	char buf[60];
	int fd = open(name, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, buf, sizeof(buf));

	if (n == -1)
		said(label, -1);
	else
		text(label, buf, (size_t)n);
	if (fd != -1)
		close(fd);
}

void
as_user(uid_t uid, gid_t gid, gid_t more, void (*fn)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (setgroups(1, &more) == -1 || setgid(gid) == -1 ||
		    setuid(uid) == -1)
			_exit(1);
		fn();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static bool
run_case(const struct posix_case *c)
{
	int status = 0;
	pid_t pid;

	printf("%s:", c->name);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(CASE_SECONDS);
		umask(022);
		if (mkdir(c->name, 0777) == -1 || chmod(c->name, 0777) ||
		    chdir(c->name) == -1) {
			said("directory", -1);
			_exit(1);
		}
		c->run();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status != 0)
		printf(" status=%x", (unsigned)status);
	putchar('\n');
	return status == 0;
}

int
main(int argc, char **argv)
{
	const struct posix_case *c;
	bool good = true;
	size_t i;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: posix DIR OTHER [PATTERN]\n");
		return 64;
	}
	posix_other = argv[2];
	if (chdir(argv[1]) == -1) {
		perror(argv[1]);
		return 66;
	}
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (c = tables[i]; c->name != NULL; c++)
			if (argc == 3 || strstr(c->name, argv[3]) != NULL)
				good = run_case(c) && good;
	return good ? 0 : 1;
}
