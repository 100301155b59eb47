/* SPDX-License-Identifier: ISC */
/* open(2) with each of its flags, and what the descriptor is good for. */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void
create(void)
{
	int fd = opened("new", "f", O_CREAT | O_RDWR, 0666);

	show("f", "f");
	close(fd);
	fd = opened("again", "f", O_CREAT | O_RDWR, 0600);
	show("f", "f");
	close(fd);
	opened("excl", "f", O_CREAT | O_EXCL | O_RDWR, 0666);
	opened("no", "none", O_RDONLY, 0);
	opened("nodir", "none/f", O_CREAT | O_RDWR, 0666);
	opened("notdir", "f/g", O_CREAT | O_RDWR, 0666);
	opened("empty", "", O_CREAT | O_RDWR, 0666);
	opened("slash", "g/", O_CREAT | O_RDWR, 0666);
	fd = open("suid", O_CREAT | O_RDWR, 06755);
	show("suid", "suid");
	close(fd);
	fd = open("sticky", O_CREAT | O_RDWR, 01777);
	show("sticky", "sticky");
	close(fd);
	fd = creat("by creat", 0644);
	said("creat", fd == -1 ? -1 : 0);
	said("read", read(fd, &fd, 1));
}

static void
read_only_mode(void)
{
	int fd = opened("mode 0", "f", O_CREAT | O_RDWR, 0);

	/* The mode counts for who comes later. */
	said("write", write(fd, "x", 1));
	show("f", "f");
	close(fd);
	fd = opened("rdonly", "f", O_RDONLY, 0);
	said("write", write(fd, "x", 1));
	said("ftruncate", ftruncate(fd, 0));
	close(fd);
	fd = opened("wronly", "f", O_WRONLY, 0);
	said("read", read(fd, &fd, 1));
	close(fd);
}

static void
of_directory(void)
{
	char c;
	int fd;

	mkdir("d", 0755);
	file("f", "x", 0644);
	must(symlink("d", "l"));
	opened("write", "d", O_WRONLY, 0);
	opened("rdwr", "d", O_RDWR, 0);
	opened("creat", "d", O_CREAT | O_RDONLY, 0666);
	opened("trunc", "d", O_TRUNC | O_WRONLY, 0);
	opened("directory of f", "f", O_RDONLY | O_DIRECTORY, 0);
	opened("directory, nofollow", "l",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	fd = opened("directory", "l", O_RDONLY | O_DIRECTORY, 0);
	said("read", read(fd, &c, 1));
	said("pread", pread(fd, &c, 1, 0));
	said("ftruncate", ftruncate(fd, 0));
	said("fsync", fsync(fd));
	said("fdatasync", fdatasync(fd));
	said("fallocate", fallocate(fd, 0, 0, 1));
	said("mmap", mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0) ==
	    MAP_FAILED ? -1 : 0);
	opened("creat directory", "n", O_CREAT | O_DIRECTORY | O_RDWR, 0777);
}

static void
nofollow(void)
{
	file("f", "x", 0644);
	must(symlink("f", "l"));
	must(symlink("none", "dangling"));
	must(symlink("loop2", "loop1"));
	must(symlink("loop1", "loop2"));
	opened("nofollow", "l", O_RDONLY | O_NOFOLLOW, 0);
	opened("follow", "l", O_RDONLY, 0);
	opened("path", "l", O_PATH | O_NOFOLLOW, 0);
	opened("dangling", "dangling", O_RDONLY, 0);
	opened("dangling excl", "dangling", O_CREAT | O_EXCL | O_RDWR, 0600);
	opened("loop", "loop1", O_RDONLY, 0);
	opened("creat through", "dangling", O_CREAT | O_RDWR, 0600);
	show("none", "none");
}

static void
truncating(void)
{
	int fd;

	file("f", "some content", 0644);
	fd = opened("trunc", "f", O_RDWR | O_TRUNC, 0);
	show("f", "f");
	said("write", write(fd, "new", 3));
	close(fd);
	content("f", "f");
	/* Unspecified by POSIX; Linux truncates. */
	fd = opened("rdonly trunc", "f", O_RDONLY | O_TRUNC, 0);
	show("f", "f");
	close(fd);
}

static void
append(void)
{
	struct iovec v = { "R", 1 };
	char buf[3] = "";
	int a, b;

	a = opened("a", "f", O_CREAT | O_RDWR | O_APPEND, 0644);
	b = opened("b", "f", O_WRONLY | O_APPEND, 0);
	said("1", write(a, "1", 1));
	said("2", write(b, "22", 2));
	said("3", write(a, "3", 1));
	/* Linux: pwrite of an O_APPEND descriptor appends all the same. */
	said("pwrite", pwrite(a, "P", 1, 0));
	value("at", lseek(a, 0, SEEK_CUR));
	said("read", pread(a, buf, 2, 0));
	said("fcntl", fcntl(a, F_SETFL, 0));
	said("pwrite", pwrite(a, "X", 1, 0));
	said("RWF_APPEND", pwritev2(a, &v, 1, 0, RWF_APPEND));
	content("f", "f");
	said("ftruncate", ftruncate(a, 2));
	said("after", write(b, "e", 1));
	content("f", "f");
}

static void
tmpfile_of(int flags)
{
	char path[64], buf[8] = "";
	struct stat st;
	int fd;

	fd = open(".", O_TMPFILE | O_RDWR | flags, 0640);
	said("open", fd == -1 ? -1 : 0);
	if (fd == -1)
		return;
	fstat(fd, &st);
	printf(" mode=%o nlink=%d", st.st_mode, (int)st.st_nlink);
	said("write", pwrite(fd, "hidden", 6, 0));
	said("fsync", fsync(fd));
	said("chmod", fchmod(fd, 0604));
	said("xattr", fsetxattr(fd, "user.a", "1", 1, 0));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	said("linkat", linkat(AT_FDCWD, path, AT_FDCWD, "named",
	    AT_SYMLINK_FOLLOW));
	show("named", "named");
	content("named", "named");
	said("again", linkat(AT_FDCWD, path, AT_FDCWD, "named",
	    AT_SYMLINK_FOLLOW));
	said("second", linkat(AT_FDCWD, path, AT_FDCWD, "second",
	    AT_SYMLINK_FOLLOW));
	fstat(fd, &st);
	value("nlink", (long)st.st_nlink);
	said("read", pread(fd, buf, 6, 0));
	close(fd);
	said("unlink", unlink("named"));
	said("rmdir", rmdir("."));
}

static void
o_tmpfile(void)
{
	tmpfile_of(0);
}

static void
o_tmpfile_excl(void)
{
	tmpfile_of(O_EXCL);
}

static void
o_tmpfile_errors(void)
{
	int fd, i;

	file("f", "", 0644);
	opened("of a file", "f", O_TMPFILE | O_RDWR, 0600);
	opened("nowhere", "none", O_TMPFILE | O_RDWR, 0600);
	opened("rdonly", ".", O_TMPFILE | O_RDONLY, 0600);
	for (i = 0; i < 20; i++) {
		fd = open(".", O_TMPFILE | O_WRONLY, 0600);
		if (fd == -1 || write(fd, "x", 1) != 1)
			said("many", -1);
		close(fd);
	}
	fd = opened("umask", ".", O_TMPFILE | O_RDWR, 0666);
	if (fd != -1 && linkat(fd, "", AT_FDCWD, "t", AT_EMPTY_PATH) == 0)
		show("t", "t");
}

static void
direct(void)
{
	char *p, small[3] = "ab";
	int fd;

	if (posix_memalign((void **)&p, 4096, 16384) != 0)
		return;
	memset(p, 'D', 16384);
	fd = opened("open", "f", O_CREAT | O_RDWR | O_DIRECT, 0644);
	said("write", pwrite(fd, p, 8192, 0));
	said("far", pwrite(fd, p, 4096, 65536));
	show("f", "f");
	memset(p, 0, 16384);
	said("read", pread(fd, p, 16384, 0));
	text("at 8191", p + 8191, 2);
	said("read at the end", pread(fd, p, 8192, 65536));
	said("read behind", pread(fd, p, 4096, 1 << 20));
	said("fcntl off", fcntl(fd, F_SETFL, 0));
	said("small", pwrite(fd, small, 2, 3));
	said("fcntl on", fcntl(fd, F_SETFL, O_DIRECT));
	said("read", pread(fd, p, 4096, 0));
	text("at 2", p + 2, 4);
	said("sync", fdatasync(fd));
	free(p);
}

/* Linux refuses it; a FUSE file system has no alignment of its own. */
static void
direct_unaligned(void)
{
	char small[5] = "abcd";
	int fd;

	fd = opened("open", "f", O_CREAT | O_RDWR | O_DIRECT, 0644);
	said("write", pwrite(fd, small + 1, 2, 3));
	said("read", pread(fd, small + 1, 2, 3));
}

static void
sync_flags(void)
{
	struct iovec v = { "v", 1 };
	int fd;

	fd = opened("O_SYNC", "f", O_CREAT | O_RDWR | O_SYNC, 0644);
	said("write", write(fd, "s", 1));
	value("flags", (fcntl(fd, F_GETFL) & O_SYNC) == O_SYNC);
	close(fd);
	fd = opened("O_DSYNC", "f", O_RDWR | O_DSYNC, 0644);
	said("write", pwrite(fd, "d", 1, 1));
	close(fd);
	fd = opened("plain", "f", O_RDWR, 0);
	said("RWF_DSYNC", pwritev2(fd, &v, 1, 2, RWF_DSYNC));
	said("RWF_SYNC", pwritev2(fd, &v, 1, 3, RWF_SYNC));
	said("RWF_HIPRI", preadv2(fd, &v, 0, 3, RWF_HIPRI));
	said("unknown flag", preadv2(fd, &v, 0, 3, 0x8000));
	said("sync_file_range", sync_file_range(fd, 0, 0,
	    SYNC_FILE_RANGE_WRITE));
	said("syncfs", syncfs(fd));
	content("f", "f");
}

/* The kernel knows no such reads of a FUSE file. */
static void
nowait(void)
{
	char buf[4];
	struct iovec v = { buf, 4 };
	int fd;

	file("f", "nowait", 0644);
	fd = open("f", O_RDWR);
	said("read", read(fd, buf, 4));
	said("RWF_NOWAIT", preadv2(fd, &v, 1, 0, RWF_NOWAIT));
}

static void
o_path(void)
{
	char path[64], c;
	struct stat st;
	int fd, fd2;

	file("f", "by path", 0640);
	fd = opened("path", "f", O_PATH, 0);
	said("read", read(fd, &c, 1));
	said("fstat", fstat(fd, &st));
	said("fchmod", fchmod(fd, 0600));
	said("fsync", fsync(fd));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd2 = opened("reopen", path, O_RDWR, 0);
	said("read", read(fd2, &c, 1));
	said("linkat", linkat(fd, "", AT_FDCWD, "l", AT_EMPTY_PATH));
	show("l", "l");
	said("unlink", unlink("f"));
	said("unlink", unlink("l"));
	close(fd2);
	fd2 = opened("reopen gone", path, O_RDWR, 0);
	said("read", read(fd2, &c, 1));
	said("write", write(fd2, "!", 1));
	close(fd2);
	mkdir("d", 0755);
	fd = opened("path of d", "d", O_PATH | O_DIRECTORY, 0);
	fd2 = openat(fd, "in", O_CREAT | O_RDWR, 0600);
	said("openat", fd2 == -1 ? -1 : 0);
	said("fchdir", fchdir(fd));
	show("in", "in");
}

static void
others(void)
{
	opened("no read", "private", O_RDONLY, 0);
	opened("no write", "public", O_WRONLY, 0);
	opened("trunc", "public", O_RDONLY | O_TRUNC, 0);
	opened("noatime", "public", O_RDONLY | O_NOATIME, 0);
	opened("public", "public", O_RDONLY, 0);
	opened("by group", "group", O_RDWR, 0);
	opened("closed", "closed/f", O_RDONLY, 0);
	opened("searched", "searched/f", O_RDONLY, 0);
	opened("list searched", "searched", O_RDONLY, 0);
	opened("make there", "searched/g", O_CREAT | O_RDWR, 0600);
}

static void
by_others(void)
{
	file("private", "p", 0600);
	file("public", "p", 0644);
	file("group", "g", 0660);
	said("chown", chown("group", 0, 4242));
	mkdir("closed", 0700);
	file("closed/f", "", 0666);
	mkdir("searched", 0711);
	file("searched/f", "", 0666);
	as_user(1000, 1000, 4242, others);
}

static void
texec(void)
{
	char buf[8192];
	int in = open("/bin/true", O_RDONLY), out, status;
	ssize_t n;

	out = open("true", O_CREAT | O_WRONLY, 0755);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			said("copy", -1);
	fflush(stdout);
	if (vfork() == 0) {
		execl("./true", "true", NULL);
		_exit(errno == ETXTBSY ? 26 : 1);
	}
	wait(&status);
	value("while written", status >> 8);
	close(out);
	if (vfork() == 0) {
		execl("./true", "true", NULL);
		_exit(1);
	}
	wait(&status);
	value("closed", status >> 8);
	said("chmod", chmod("true", 0644));
	if (vfork() == 0) {
		execl("./true", "true", NULL);
		_exit(errno == EACCES ? 13 : 1);
	}
	wait(&status);
	value("mode 0644", status >> 8);
}

static void
limits(void)
{
	struct rlimit r = { 1000, RLIM_INFINITY };
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &r);
	said("below", pwrite(fd, "0123456789", 10, 990));
	said("over", pwrite(fd, "0123456789", 10, 995));
	said("at", pwrite(fd, "x", 1, 1000));
	said("ftruncate", ftruncate(fd, 1001));
	said("fallocate", fallocate(fd, 0, 0, 2000));
	show("f", "f");
	/* What is said may go to a file as well. */
	r.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = r.rlim_max = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &r);
	opened("too many", "f", O_RDONLY, 0);
}

const struct posix_case open_cases[] = {
	{ "open.create",	create },
	{ "open.mode",		read_only_mode },
	{ "open.directory",	of_directory },
	{ "open.nofollow",	nofollow },
	{ "open.trunc",		truncating },
	{ "open.append",	append },
	{ "open.tmpfile",	o_tmpfile },
	{ "open.tmpfile-excl",	o_tmpfile_excl },
	{ "open.tmpfile-errors", o_tmpfile_errors },
	{ "open.direct",	direct },
	{ "open.direct-unaligned", direct_unaligned },
	{ "open.sync",		sync_flags },
	{ "open.nowait",	nowait },
	{ "open.path",		o_path },
	{ "open.others",	by_others },
	{ "open.exec",		texec },
	{ "open.limits",	limits },
	{ NULL,			NULL },
};
