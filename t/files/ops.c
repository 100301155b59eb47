/* SPDX-License-Identifier: ISC */
/*
 * ops DIR: a line for each of many things one can do to files, with its
 * outcome.  The lines of a mirrored and a native directory must be equal.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <dirent.h>

static void
say(const char *what, long rc)
{
	if (rc == -1)
		printf("%s: %s\n", what, strerror(errno));
	else
		printf("%s: %ld\n", what, rc);
}

static void
put(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, mode);

	if (fd == -1 || write(fd, text, strlen(text)) == -1)
		say(name, -1);
	if (fd != -1)
		close(fd);
}

static void
show(const char *name)
{
	char buf[64] = "";
	int fd = open(name, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n == -1)
		say(name, -1);
	else
		printf("%s: \"%s\"\n", name, buf);
	if (fd != -1)
		close(fd);
}

static void
show_stat(const char *name)
{
	struct stat st;

	if (lstat(name, &st) == -1) {
		say(name, -1);
		return;
	}
	printf("%s: mode %o uid %d gid %d nlink %d size %ld\n", name,
	    st.st_mode, (int)st.st_uid, (int)st.st_gid, (int)st.st_nlink,
	    S_ISDIR(st.st_mode) ? 0L : (long)st.st_size);
}

static void
names(void)
{
	char any[256], longest[300];
	struct stat a, b;
	unsigned i, n = 0;

	put("a", "hello", 0666);
	say("excl", open("a", O_CREAT | O_EXCL, 0600));
	put("ro", "zz", 0444);
	say("link", link("a", "b"));
	stat("a", &a);
	stat("b", &b);
	say("one inode", a.st_ino == b.st_ino);
	say("symlink", symlink("a", "s"));
	show("s");
	say("mkdir", mkdir("d", 0777));
	say("mkdir again", mkdir("d", 0777));
	say("rename into", rename("a", "d/a2"));
	say("rmdir full", rmdir("d"));
	show("d/a2");
	for (i = 1; i < 256; i++)
		if (i != '/')
			any[n++] = (char)i;
	any[n] = '\0';
	put(any, "any byte", 0600);
	memset(longest, 'n', 256);
	longest[256] = '\0';
	say("too long", open(longest, O_CREAT, 0600));
	longest[255] = '\0';
	put(longest, "long", 0600);
	say("fifo", mkfifo("fifo", 0640));
	say("device", mknod("dev", S_IFCHR | 0600, makedev(300, 70000)));
	stat("dev", &a);
	say("its number", a.st_rdev == makedev(300, 70000));
	show_stat("d/a2");
	show_stat("s");
	show_stat("fifo");
}

static void
open_files(void)
{
	char buf[16] = "";
	struct stat st;
	int fd, dir;
	DIR *d;

	put("o1", "old", 0600);
	put("o2", "new", 0600);
	fd = open("o1", O_RDWR);
	say("rename over open", rename("o2", "o1"));
	say("write to the old", pwrite(fd, "OLD!", 4, 0));
	say("read the old", pread(fd, buf, sizeof(buf), 0));
	printf("old: %.4s\n", buf);
	fstat(fd, &st);
	say("old nlink", (long)st.st_nlink);
	close(fd);
	show("o1");
	fd = open("u", O_CREAT | O_RDWR, 0600);
	say("unlink open", unlink("u"));
	say("write", pwrite(fd, "later", 5, 5000));
	say("fsync", fsync(fd));
	say("truncate", ftruncate(fd, 5002));
	fstat(fd, &st);
	printf("size %ld nlink %d\n", (long)st.st_size, (int)st.st_nlink);
	close(fd);
	say("gone", access("u", F_OK));
	mkdir("rd", 0755);
	dir = open("rd", O_RDONLY);
	say("rmdir open", rmdir("rd"));
	d = fdopendir(dir);
	say("its entries", d != NULL && readdir(d) != NULL);
	closedir(d);
}

static void
attributes(void)
{
	struct timespec t[2] = { { 12, 345 }, { 67, 890 } };
	char buf[64];
	struct stat st;
	ssize_t n;

	say("setxattr", setxattr("b", "user.k", "v1", 2, 0));
	say("create", setxattr("b", "user.k", "v2", 2, XATTR_CREATE));
	say("replace", setxattr("b", "user.k", "v33", 3, XATTR_REPLACE));
	say("getxattr", getxattr("b", "user.k", buf, sizeof(buf)));
	say("short", getxattr("b", "user.k", buf, 1));
	n = listxattr("b", buf, sizeof(buf));
	printf("list: %zd %s\n", n, buf);
	say("ours", getxattr("b", "trusted.holdfast.oid", buf, 10));
	say("removexattr", removexattr("b", "user.k"));
	say("again", removexattr("b", "user.k"));
	say("chmod", chmod("d/a2", 04755));
	say("chown", chown("d/a2", 1000, 1001));
	show_stat("d/a2");
	say("utimens", utimensat(AT_FDCWD, "d/a2", t, 0));
	say("of a link", utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW));
	stat("d/a2", &st);
	printf("%ld.%ld %ld.%ld\n", (long)st.st_atim.tv_sec,
	    st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	mkdir("sg", 0755);
	say("chown sg", chown("sg", 0, 55));
	chmod("sg", 02775);
	put("sg/f", "", 0666);
	mkdir("sg/d", 0777);
	show_stat("sg/f");
	show_stat("sg/d");
}

static void
data(void)
{
	static char block[65536];
	char buf[8] = "";
	struct stat st;
	loff_t from = 0;
	char *m;
	int fd, fd2;

	fd = open("sparse", O_CREAT | O_RDWR, 0600);
	say("far", pwrite(fd, "e", 1, 10 << 20));
	fsync(fd);
	fstat(fd, &st);
	printf("size %ld, few blocks %d\n", (long)st.st_size,
	    st.st_blocks < 100);
	say("hole", lseek(fd, 0, SEEK_HOLE));
	say("data", lseek(fd, 0, SEEK_DATA));
	close(fd);
	memset(block, 'A', sizeof(block));
	fd = open("punch", O_CREAT | O_RDWR, 0600);
	say("block", write(fd, block, sizeof(block)));
	say("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, 4096, 8192));
	say("zero", fallocate(fd, FALLOC_FL_ZERO_RANGE, 20000, 100));
	say("plain", fallocate(fd, 0, 0, 100000));
	say("read", pread(fd, buf, 2, 4095));
	printf("%d %d\n", buf[0], buf[1]);
	fstat(fd, &st);
	say("size", st.st_size);
	fd2 = open("copy", O_CREAT | O_RDWR, 0600);
	say("copy range", copy_file_range(fd, &from, fd2, NULL, 50000, 0));
	close(fd2);
	close(fd);
	fd = open("map", O_CREAT | O_RDWR, 0600);
	say("grow", ftruncate(fd, 8192));
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memcpy(m, "mapped", 7);
	say("msync", msync(m, 8192, MS_SYNC));
	munmap(m, 8192);
	close(fd);
	show("map");
	fd = open("app", O_CREAT | O_WRONLY | O_APPEND, 0600);
	fd2 = open("app", O_WRONLY | O_APPEND);
	say("1", write(fd, "1", 1));
	say("2", write(fd2, "2", 1));
	say("3", write(fd, "3", 1));
	close(fd);
	close(fd2);
	show("app");
	fd = open("dsync", O_CREAT | O_WRONLY | O_DSYNC, 0600);
	say("O_DSYNC", write(fd, block, 8192));
	close(fd);
	say("truncate", truncate("dsync", 100));
	show_stat("dsync");
	fd = open("lock", O_CREAT | O_RDWR, 0600);
	say("flock", flock(fd, LOCK_EX | LOCK_NB));
	close(fd);
}

static void
renames(void)
{
	put("x", "x", 0600);
	put("y", "y", 0600);
	say("noreplace", renameat2(AT_FDCWD, "x", AT_FDCWD, "y",
	    RENAME_NOREPLACE));
	say("exchange", renameat2(AT_FDCWD, "x", AT_FDCWD, "y",
	    RENAME_EXCHANGE));
	show("x");
	show("y");
	say("exchange with a directory", renameat2(AT_FDCWD, "d", AT_FDCWD,
	    "x", RENAME_EXCHANGE));
	show("d");
	say("back", renameat2(AT_FDCWD, "d", AT_FDCWD, "x",
	    RENAME_EXCHANGE));
	say("into itself", rename("d", "d/e"));
}

/* As another user with one supplementary group. */
static void
as_other(const char *what, int (*fn)(void))
{
	gid_t group = 4242;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (setgroups(1, &group) == -1 || setgid(1000) == -1 ||
		    setuid(1000) == -1)
			_exit(1);
		say(what, fn());
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

static int
read_private(void)
{
	return open("private", O_RDONLY);
}

static int
make_here(void)
{
	return open("nope", O_CREAT, 0600);
}

static int
make_public(void)
{
	return open("public/u", O_CREAT | O_WRONLY, 0666) > 2;
}

static int
unlink_sticky(void)
{
	return unlink("public/root");
}

static int
write_group(void)
{
	int fd = open("group", O_WRONLY);

	return fd == -1 ? -1 : (int)write(fd, "gg", 2);
}

static int
write_suid(void)
{
	int fd = open("suid", O_WRONLY);

	return fd == -1 ? -1 : (int)write(fd, "gg", 2);
}

static int
chmod_other(void)
{
	return chmod("suid", 0600);
}

static void
others(void)
{
	put("private", "p", 0600);
	mkdir("public", 0777);
	chmod("public", 01777);
	put("public/root", "r", 0600);
	put("group", "g", 0660);
	say("chown group", chown("group", 0, 4242));
	chmod("group", 0660);
	put("suid", "s", 0666);
	chmod("suid", 06777);
	as_other("read private", read_private);
	as_other("create here", make_here);
	as_other("create in public", make_public);
	show_stat("public/u");
	as_other("unlink sticky", unlink_sticky);
	as_other("write by group", write_group);
	as_other("write suid", write_suid);
	show_stat("suid");
	as_other("chmod another's", chmod_other);
}

static void
many(void)
{
	char name[32];
	unsigned i, count = 0, wrong = 0;
	struct dirent *e;
	struct stat st;
	DIR *d;

	mkdir("many", 0755);
	for (i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "many/f%u", i);
		put(name, "x", 0600);
	}
	d = opendir("many");
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		count++;
		snprintf(name, sizeof(name), "many/%.20s", e->d_name);
		wrong += stat(name, &st) == -1 || st.st_ino != e->d_ino;
	}
	closedir(d);
	printf("many: %u, %u wrong inode numbers\n", count, wrong);
	for (i = 0; i < 1500; i += 2) {
		snprintf(name, sizeof(name), "many/f%u", i);
		wrong += unlink(name) != 0;
	}
	say("unlinked wrongly", wrong);
}

static void
sockets(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
	    .sun_path = "sock" };
	int a = socket(AF_UNIX, SOCK_STREAM, 0);
	int b = socket(AF_UNIX, SOCK_STREAM, 0);

	say("bind", bind(a, (struct sockaddr *)&sun, sizeof(sun)));
	say("listen", listen(a, 1));
	say("connect", connect(b, (struct sockaddr *)&sun, sizeof(sun)));
	close(a);
	close(b);
}

int
main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) == -1) {
		fprintf(stderr, "usage: ops DIR\n");
		return 64;
	}
	umask(022);
	names();
	open_files();
	attributes();
	data();
	renames();
	others();
	many();
	sockets();
	return 0;
}
