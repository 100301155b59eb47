/* SPDX-License-Identifier: ISC */
/* See aside-copy.h. */
#include "aside-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "object.h"
#include "whole.h"
#include "xalloc.h"

#define CHUNK		(1024u * 1024)
#define XATTR_MAX	65536u
#define PROBE		".probe"

struct xattrs {
	char	*names;
	ssize_t	 len;
	char	*value;
};

static void
xattrs_read(struct xattrs *x, const char *path)
{
	x->names = xcalloc(1, XATTR_MAX);
	x->value = xcalloc(1, XATTR_MAX);
	x->len = listxattr(path, x->names, XATTR_MAX);
	if (x->len == -1)
		x->len = 0;
}

static void
xattrs_free(struct xattrs *x)
{
	free(x->names);
	free(x->value);
}

/* Ours are no attributes of the application; labels are the system's. */
static bool
is_its_own(const char *name)
{
	return strncmp(name, "trusted.holdfast.", 17) != 0 &&
	    strcmp(name, "security.selinux") != 0;
}

static int
copy_xattrs(int fd, int to)
{
	char from[OBJECT_PROC_LEN], dest[OBJECT_PROC_LEN];
	struct xattrs x;
	const char *n;
	ssize_t got;
	int rc = 0;

	object_proc_path(from, fd);
	object_proc_path(dest, to);
	xattrs_read(&x, from);
	for (n = x.names; rc == 0 && n < x.names + x.len;
	    n += strlen(n) + 1) {
		if (!is_its_own(n))
			continue;
		got = getxattr(from, n, x.value, XATTR_MAX);
		if (got == -1 || setxattr(dest, n, x.value, (size_t)got,
		    0) == -1)
			rc = errno == ENODATA ? 0 : -errno;
	}
	xattrs_free(&x);
	return rc;
}

bool
aside_same_xattr(int fd, int other)
{
	char path[OBJECT_PROC_LEN], path2[OBJECT_PROC_LEN];
	struct xattrs a, b;
	const char *n;
	ssize_t la, lb;
	size_t own[2] = { 0, 0 };
	bool same = true;

	xattrs_read(&a, object_proc_path(path, fd));
	xattrs_read(&b, object_proc_path(path2, other));
	for (n = b.names; n < b.names + b.len; n += strlen(n) + 1)
		own[1] += is_its_own(n);
	for (n = a.names; same && n < a.names + a.len; n += strlen(n) + 1) {
		if (!is_its_own(n))
			continue;
		own[0]++;
		la = getxattr(path, n, a.value, XATTR_MAX);
		lb = getxattr(path2, n, b.value, XATTR_MAX);
		same = la == lb && (la <= 0 ||
		    memcmp(a.value, b.value, (size_t)la) == 0);
	}
	xattrs_free(&a);
	xattrs_free(&b);
	return same && own[0] == own[1];
}

/* Owner first, which clears set-id and capabilities; times last. */
static int
copy_attr(int fd, int to, const struct stat *st)
{
	struct timespec t[2] = { st->st_atim, st->st_mtim };
	char dest[OBJECT_PROC_LEN];
	int rc;

	if (fchownat(to, "", st->st_uid, st->st_gid, AT_EMPTY_PATH) == -1)
		return -errno;
	rc = copy_xattrs(fd, to);
	if (rc != 0)
		return rc;
	if (!S_ISLNK(st->st_mode) && chmod(object_proc_path(dest, to),
	    st->st_mode & 07777) == -1)
		return -errno;
	return utimensat(to, "", t, AT_EMPTY_PATH) == -1 ? -errno : 0;
}

int
aside_copy_attr(int fd, int to)
{
	struct stat st;

	return fstat(fd, &st) == -1 ? -errno : copy_attr(fd, to, &st);
}

/* A range that holds data; a file that got shorter is copied as it is. */
static int
copy_range(int in, int out, off_t at, off_t end, void *buf,
    bool (*stop)(void *arg), void *arg)
{
	ssize_t n;

	while (at < end) {
		if (stop != NULL && stop(arg))
			return -ECANCELED;
		n = whole_pread(in, buf, end - at < (off_t)CHUNK ?
		    (size_t)(end - at) : CHUNK, (uint64_t)at);
		if (n == 0)
			return 0;
		if (n == -1 || whole_pwrite(out, buf, (size_t)n,
		    (uint64_t)at) == -1)
			return -errno;
		at += n;
	}
	return 0;
}

static int
copy_data(int in, int out, off_t size, bool (*stop)(void *arg), void *arg)
{
	off_t at = 0, data, hole;
	void *buf;
	int rc = 0;

	if (size == 0 || ioctl(out, FICLONE, in) == 0)
		return 0;
	if (ftruncate(out, size) == -1)
		return -errno;
	buf = xcalloc(1, CHUNK);
	while (rc == 0 && at < size) {
		data = lseek(in, at, SEEK_DATA);
		if (data == -1) {
			rc = errno == ENXIO ? 0 : -errno;
			break;
		}
		hole = lseek(in, data, SEEK_HOLE);
		if (hole == -1 || hole > size)
			hole = size;
		rc = copy_range(in, out, data, hole, buf, stop, arg);
		at = hole;
	}
	free(buf);
	return rc;
}

static int
copy_file(int fd, int dfd, const char *name, const struct stat *st, bool sync,
    bool (*stop)(void *arg), void *arg)
{
	char path[OBJECT_PROC_LEN];
	int in, out, rc;

	object_proc_path(path, fd);
	in = open(path, O_RDONLY | O_NOATIME | O_CLOEXEC);
	if (in == -1)
		return -errno;
	out = openat(dfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	rc = out == -1 ? -errno : copy_data(in, out, st->st_size, stop, arg);
	if (rc == 0)
		rc = copy_attr(fd, out, st);
	if (rc == 0 && sync && fsync(out) == -1)
		rc = -errno;
	if (out != -1)
		(void)close(out); /* synced, or by the caller */
	(void)close(in); /* it was read only */
	return rc;
}

static int
copy_special(int fd, int dfd, const char *name, const struct stat *st)
{
	char target[4096];
	ssize_t n;
	int to, rc;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(fd, "", target, sizeof(target) - 1);
		if (n == -1)
			return -errno;
		target[n] = '\0';
		rc = symlinkat(target, dfd, name);
	} else
		rc = mknodat(dfd, name, st->st_mode & (S_IFMT | 0600),
		    st->st_rdev);
	if (rc == -1)
		return -errno;
	to = openat(dfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	rc = to == -1 ? -errno : copy_attr(fd, to, st);
	if (to != -1)
		(void)close(to); /* only a name */
	return rc;
}

int
aside_copy(int fd, int dfd, const char *name, bool sync,
    bool (*stop)(void *arg), void *arg)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) == -1)
		return -errno;
	rc = S_ISREG(st.st_mode) ?
	    copy_file(fd, dfd, name, &st, sync, stop, arg) :
	    copy_special(fd, dfd, name, &st);
	if (rc != 0 && rc != -EEXIST)
		(void)unlinkat(dfd, name, 0); /* half a copy is none */
	return rc;
}

bool
aside_can_reflink(int dfd)
{
	int a, b;
	bool can;

	a = openat(dfd, PROBE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	b = openat(dfd, PROBE "2", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	can = a != -1 && b != -1 && whole_write(a, "probe", 5) == 0 &&
	    ioctl(b, FICLONE, a) == 0;
	if (a != -1)
		(void)close(a); /* nothing of worth is in it */
	if (b != -1)
		(void)close(b); /* the same */
	(void)unlinkat(dfd, PROBE, 0);
	(void)unlinkat(dfd, PROBE "2", 0);
	return can;
}
