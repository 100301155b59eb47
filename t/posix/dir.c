/* SPDX-License-Identifier: ISC */
/* Directories: making, removing, reading while they change. */
#include "posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY	1200

static void
make(void)
{
	file("f", "", 0644);
	must(symlink("none", "dangling"));
	said("mkdir", mkdir("d", 0777));
	show("d", "d");
	said("exists", mkdir("d", 0777));
	said("file", mkdir("f", 0777));
	said("dangling", mkdir("dangling", 0777));
	said("nowhere", mkdir("none/d", 0777));
	said("notdir", mkdir("f/d", 0777));
	said("slash", mkdir("e/", 0777));
	said("dot", mkdir(".", 0777));
	said("sticky", mkdir("t", 01777));
	show("t", "t");
	said("suid", mkdir("u", 06777));
	show("u", "u");
	umask(0);
	said("umask 0", mkdir("w", 0777));
	show("w", "w");
	umask(0777);
	said("umask 0777", mkdir("n", 0777));
	show("n", "n");
}

static void
removes(void)
{
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	file("f", "", 0644);
	must(symlink("d/e", "s"));
	said("full", rmdir("d"));
	said("file", rmdir("f"));
	said("symlink", rmdir("s"));
	said("none", rmdir("none"));
	said("notdir", rmdir("f/x"));
	said("dot", rmdir("d/."));
	said("dotdot", rmdir("d/e/.."));
	said("rmdir", rmdir("d/e"));
	said("rmdir", rmdir("d"));
	said("again", rmdir("d"));
}

static void
links_count(void)
{
	struct stat st;

	mkdir("d", 0755);
	stat("d", &st);
	value("empty", (long)st.st_nlink);
	mkdir("d/1", 0755);
	mkdir("d/2", 0755);
	file("d/f", "", 0644);
	stat("d", &st);
	value("two", (long)st.st_nlink);
	rmdir("d/1");
	stat("d", &st);
	value("one", (long)st.st_nlink);
	rename("d/2", "2");
	stat("d", &st);
	value("none", (long)st.st_nlink);
}

static void
removed_open(void)
{
	struct dirent *e;
	struct stat st;
	DIR *d;
	int fd, n = 0;

	mkdir("d", 0755);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	said("rmdir", rmdir("d"));
	said("fstat", fstat(fd, &st));
	value("nlink", (long)st.st_nlink);
	d = fdopendir(fd);
	while (d != NULL && (e = readdir(d)) != NULL)
		n++;
	value("entries", n);
	said("openat", openat(fd, "x", O_CREAT | O_RDWR, 0600));
	said("mkdirat", mkdirat(fd, "x", 0700));
	said("fchmod", fchmod(fd, 0700));
	said("fsync", fsync(fd));
	said("fchdir", fchdir(fd));
	opened("dot", ".", O_RDONLY, 0);
	opened("dotdot", "..", O_RDONLY, 0);
	opened("new", "x", O_CREAT | O_RDWR, 0600);
	said("getcwd", getcwd(NULL, 0) == NULL ? -1 : 0);
}

static void
fill(unsigned count)
{
	char name[32];
	unsigned i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "m/f%u", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
}

static unsigned
count_all(DIR *d, unsigned *wrong)
{
	struct dirent *e;
	struct stat st;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		if (fstatat(dirfd(d), e->d_name, &st, 0) == -1 ||
		    st.st_ino != e->d_ino || e->d_type != DT_REG)
			++*wrong;
	}
	return n;
}

static void
reads(void)
{
	unsigned wrong = 0;
	struct dirent *e;
	struct stat st;
	DIR *d;

	mkdir("m", 0755);
	fill(MANY);
	d = opendir("m");
	value("count", count_all(d, &wrong));
	value("wrong", wrong);
	rewinddir(d);
	value("again", count_all(d, &wrong));
	rewinddir(d);
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0) {
			fstatat(dirfd(d), e->d_name, &st, 0);
			value(e->d_name, st.st_ino == e->d_ino);
		}
	file("m/late", "", 0600);
	rewinddir(d);
	value("late", count_all(d, &wrong));
	closedir(d);
}

static void
seeks(void)
{
	char seen[40] = "";
	struct dirent *e;
	unsigned i, n = 0, wrong = 0;
	long at = 0;
	DIR *d;

	mkdir("m", 0755);
	fill(MANY);
	d = opendir("m");
	for (i = 0; i < MANY / 2; i++)
		(void)readdir(d);
	at = telldir(d);
	e = readdir(d);
	snprintf(seen, sizeof(seen), "%.30s", e->d_name);
	(void)count_all(d, &wrong);
	seekdir(d, at);
	e = readdir(d);
	value("same", e != NULL && strcmp(e->d_name, seen) == 0);
	while (readdir(d) != NULL)
		n++;
	value("rest", n);
	seekdir(d, 0);
	value("all", count_all(d, &wrong));
	value("wrong", wrong);
	closedir(d);
}

/* What is neither added nor removed is seen once, whatever else happens. */
static void
changing(void)
{
	static unsigned char seen[MANY];
	unsigned i, twice = 0, missed = 0, n;
	char name[64];
	struct dirent *e;
	DIR *d;

	mkdir("m", 0755);
	fill(MANY);
	d = opendir("m");
	for (i = 0; (e = readdir(d)) != NULL; i++) {
		if (sscanf(e->d_name, "f%u", &n) == 1 && n < MANY) {
			twice += seen[n];
			seen[n] = 1;
		}
		snprintf(name, sizeof(name), "m/new%u", i);
		if (i < MANY)
			close(open(name, O_CREAT | O_WRONLY, 0600));
		/* The odd ones go while it is read. */
		snprintf(name, sizeof(name), "m/f%u", 2 * i + 1);
		unlink(name);
	}
	closedir(d);
	for (i = 0; i < MANY; i += 2)
		missed += !seen[i];
	value("twice", twice);
	value("missed", missed);
}

static void
remove_while_read(void)
{
	char name[300];
	struct dirent *e;
	DIR *d;

	mkdir("m", 0755);
	fill(MANY);
	d = opendir("m");
	while ((e = readdir(d)) != NULL) {
		snprintf(name, sizeof(name), "m/%s", e->d_name);
		if (e->d_name[0] != '.' && unlink(name) == -1)
			said("unlink", -1);
	}
	closedir(d);
	said("rmdir", rmdir("m"));
}

static void
times(void)
{
	struct timespec old[2] = { { 1000, 1 }, { 1000, 1 } };
	struct stat st;
	unsigned i;
	const char *what[] = { "create", "link", "rename", "mkdir",
	    "unlink", "chmod inside" };

	mkdir("d", 0755);
	file("d/f", "", 0644);
	for (i = 0; i < 6; i++) {
		utimensat(AT_FDCWD, "d", old, 0);
		switch (i) {
		case 0:
			close(open("d/g", O_CREAT | O_RDWR, 0600));
			break;
		case 1:
			must(link("d/g", "d/h"));
			break;
		case 2:
			rename("d/h", "d/i");
			break;
		case 3:
			mkdir("d/sub", 0700);
			break;
		case 4:
			unlink("d/i");
			break;
		default:
			chmod("d/g", 0644);
			break;
		}
		stat("d", &st);
		value(what[i], st.st_mtim.tv_sec != 1000);
	}
}

static void
setgid_other(void)
{
	close(open("sg/other", O_CREAT | O_RDWR, 0666));
	show("other", "sg/other");
	/* Not in that group: the bit of a new file is taken away. */
	close(open("sg/exec", O_CREAT | O_RDWR, 02777));
	show("exec", "sg/exec");
	mkdir("sg/dir", 0777);
	show("dir", "sg/dir");
	mkfifo("sg/fifo", 0666);
	show("fifo", "sg/fifo");
	must(symlink("x", "sg/link"));
	show("link", "sg/link");
}

static void
setgid_dir(void)
{
	mkdir("sg", 0777);
	said("chown", chown("sg", 0, 55));
	said("chmod", chmod("sg", 02777));
	file("sg/f", "", 0644);
	show("f", "sg/f");
	mkdir("sg/d", 0700);
	show("d", "sg/d");
	mkdir("sg/d/e", 0700);
	show("e", "sg/d/e");
	as_user(1000, 1000, 1000, setgid_other);
}

const struct posix_case dir_cases[] = {
	{ "dir.mkdir",		make },
	{ "dir.rmdir",		removes },
	{ "dir.nlink",		links_count },
	{ "dir.removed",	removed_open },
	{ "dir.read",		reads },
	{ "dir.seek",		seeks },
	{ "dir.changing",	changing },
	{ "dir.remove-read",	remove_while_read },
	{ "dir.times",		times },
	{ "dir.setgid",		setgid_dir },
	{ NULL,			NULL },
};
