/* SPDX-License-Identifier: ISC */
/* Watchers, ioctls, bind mounts, /proc, and what runs beside each other. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <sys/mount.h> and <linux/fs.h> of Debian 12 exclude each other. */
extern int mount(const char *, const char *, const char *, unsigned long,
    const void *);
extern int umount2(const char *, int);

static void
watchers(void)
{
	_Alignas(8) char buf[4096];
	struct inotify_event *e;
	int in = inotify_init1(IN_NONBLOCK), fd;
	ssize_t n, at;

	mkdir("d", 0755);
	said("watch", inotify_add_watch(in, "d", IN_ALL_EVENTS) == -1 ? -1 :
	    0);
	fd = open("d/f", O_CREAT | O_RDWR, 0600);
	must(write(fd, "x", 1));
	must(ftruncate(fd, 0));
	fchmod(fd, 0644);
	close(fd);
	must(link("d/f", "d/g"));
	rename("d/g", "d/h");
	unlink("d/h");
	mkdir("d/e", 0700);
	rmdir("d/e");
	n = read(in, buf, sizeof(buf));
	for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
		e = (void *)(buf + at);
		printf(" %x:%s", e->mask, e->len > 0 ? e->name : "");
	}
}

static void
flags(void)
{
	int fd, f = 0;

	file("f", "", 0644);
	fd = open("f", O_RDWR);
	said("get", ioctl(fd, FS_IOC_GETFLAGS, &f));
	f = FS_IMMUTABLE_FL;
	said("immutable", ioctl(fd, FS_IOC_SETFLAGS, &f));
	opened("write", "f", O_WRONLY, 0);
	said("unlink", unlink("f"));
	f = 0;
	ioctl(fd, FS_IOC_SETFLAGS, &f);
}

static void
ioctls(void)
{
	int fd, n = 0;

	file("f", "12345", 0644);
	fd = open("f", O_RDWR);
	said("nonsense", ioctl(fd, 0x1234567, &n));
	said("FIONREAD", ioctl(fd, FIONREAD, &n));
	value("n", n);
	said("FIGETBSZ", ioctl(fd, FIGETBSZ, &n));
	value("bsz", n);
	said("terminal", isatty(fd));
	said("FICLONE", ioctl(fd, FICLONE, fd));
}

static void
bind_mounts(void)
{
	mkdir("d", 0755);
	mkdir("m", 0755);
	file("d/f", "seen", 0644);
	said("bind", mount("d", "m", NULL, MS_BIND, NULL));
	content("f", "m/f");
	file("m/g", "made", 0644);
	content("g", "d/g");
	said("rename across", rename("m/g", "d/h"));
	said("link across", link("m/g", "d/h"));
	said("rmdir", rmdir("m"));
	said("rename mount", rename("m", "n"));
	said("read-only", mount(NULL, "m", NULL,
	    MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	opened("write", "m/x", O_CREAT | O_RDWR, 0600);
	opened("other", "d/x", O_CREAT | O_RDWR, 0600);
	said("umount", umount2("m", 0));
	said("rmdir", rmdir("m"));
}

static void
reopened(void)
{
	char path[64], link[PATH_MAX] = "", buf[16];
	int fd, fd2;
	ssize_t n;

	file("f", "reopened", 0644);
	fd = open("f", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd2 = opened("writable", path, O_RDWR, 0);
	said("write", pwrite(fd2, "R", 1, 0));
	close(fd2);
	said("unlink", unlink("f"));
	fd2 = opened("gone", path, O_RDWR, 0);
	said("write", pwrite(fd2, "G", 1, 1));
	said("read", pread(fd, buf, 8, 0));
	text("read", buf, 8);
	close(fd2);
	fd2 = opened("trunc", path, O_RDWR | O_TRUNC, 0);
	said("read", pread(fd, buf, 8, 0));
	n = readlink(path, link, sizeof(link) - 1);
	value("deleted", n > 10 && strcmp(link + n - 10, " (deleted)") == 0);
	said("link", linkat(AT_FDCWD, path, AT_FDCWD, "back",
	    AT_SYMLINK_FOLLOW));
}

static void
sends(void)
{
	char buf[16];
	int in, out, p[2];
	off_t at = 2;
	loff_t off = 0;

	file("in", "0123456789", 0644);
	file("out", "", 0644);
	in = open("in", O_RDONLY);
	out = open("out", O_RDWR);
	said("sendfile", sendfile(out, in, &at, 5));
	value("at", at);
	said("pipe", pipe(p));
	said("splice in", splice(in, &off, p[1], NULL, 6, 0));
	off = 5;
	said("splice out", splice(p[0], NULL, out, &off, 6, 0));
	content("out", "out");
	said("readahead", readahead(in, 0, 10));
	said("fadvise", posix_fadvise(in, 0, 0, POSIX_FADV_DONTNEED));
	said("read", pread(in, buf, 10, 0));
}

static void
polls(void)
{
	struct pollfd p = { .events = POLLIN | POLLOUT };

	file("f", "", 0644);
	p.fd = open("f", O_RDWR);
	said("poll", poll(&p, 1, 0));
	value("events", p.revents);
}

#define THREADS	4
#define ROUNDS	200

static void *
race(void *arg)
{
	unsigned *made = arg;
	char name[32];
	unsigned i;
	int fd;

	for (i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
		if (fd != -1)
			++*made;
		close(fd);
		if (fd != -1)
			continue;
		fd = open("log", O_WRONLY | O_APPEND);
		if (write(fd, "line\n", 5) != 5)
			*made += 10000;
		close(fd);
	}
	return NULL;
}

/* One of several makes a name; O_APPEND loses no line. */
static void
races(void)
{
	pthread_t t[THREADS];
	unsigned made[THREADS] = { 0 }, i, sum = 0;
	struct stat st;

	file("log", "", 0644);
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, race, &made[i]);
	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		sum += made[i];
	}
	value("made", sum);
	stat("log", &st);
	value("log", st.st_size);
}

static void
one_name(void)
{
	char dir[PATH_MAX];
	struct stat a, b;

	/* The same object by each of its ways. */
	file("f", "", 0644);
	mkdir("d", 0755);
	must(link("f", "d/g"));
	stat("f", &a);
	stat("d/../d/./g", &b);
	value("same", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	value("cwd", getcwd(dir, sizeof(dir)) != NULL);
	strncat(dir, "/f", 3);
	stat(dir, &b);
	value("absolute", a.st_ino == b.st_ino);
	rename("f", "moved");
	stat("moved", &b);
	value("moved", a.st_ino == b.st_ino);
	stat("..", &a);
	stat("d/../..", &b);
	value("above", a.st_ino == b.st_ino);
}

const struct posix_case misc_cases[] = {
	{ "misc.inotify",	watchers },
	{ "misc.chattr",	flags },
	{ "misc.ioctl",		ioctls },
	{ "misc.bind",		bind_mounts },
	{ "misc.reopen",	reopened },
	{ "misc.splice",	sends },
	{ "misc.poll",		polls },
	{ "misc.race",		races },
	{ "misc.inode",		one_name },
	{ NULL,			NULL },
};
