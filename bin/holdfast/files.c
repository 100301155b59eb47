/* SPDX-License-Identifier: ISC */
/*
 * Durable files and small trees.  Modules are small: scripts and a
 * configuration; depth and size are bounded where they come in (archive.c).
 */
#include "files.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"
#include "statefile.h"
#include "whole.h"

#define FILE_MAX	(16 * 1024 * 1024)
#define DEPTH_MAX	8

int
file_write_sync(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd, saved;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (whole_write(fd, data, len) == -1 || fchmod(fd, mode) == -1 ||
	    fsync(fd) == -1)
		goto fail;
	return close(fd);
fail:
	saved = errno;
	(void)close(fd);	/* the first error counts */
	errno = saved;
	return -1;
}

int
dir_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc, saved;

	if (fd == -1)
		return -1;
	rc = fsync(fd);
	saved = errno;
	(void)close(fd);	/* read only */
	errno = saved;
	return rc;
}

static int
name_cmp(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
not_dot(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int
each_in(const char *dir, const char *rel, unsigned depth,
    int (*call)(const char *, const char *, void *), void *arg)
{
	char path[PATH_LEN], sub[PATH_LEN];
	struct dirent **list;
	struct stat st;
	int n, i, rc = 0;

	if (depth > DEPTH_MAX) {
		errno = ELOOP;
		return -1;
	}
	n = scandir(dir, &list, not_dot, name_cmp);
	if (n == -1)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", dir,
		    list[i]->d_name) >= (int)sizeof(path) ||
		    snprintf(sub, sizeof(sub), "%s%s%s", rel,
		    rel[0] != '\0' ? "/" : "", list[i]->d_name) >=
		    (int)sizeof(sub)) {
			errno = ENAMETOOLONG;
			rc = -1;
		} else if (lstat(path, &st) == -1) {
			rc = -1;
		} else if (S_ISDIR(st.st_mode)) {
			rc = each_in(path, sub, depth + 1, call, arg);
		} else if (S_ISREG(st.st_mode)) {
			rc = call(sub, path, arg);
		} else {
			log_warnx("%s: is no regular file: skipped", path);
		}
	}
	for (i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return rc;
}

int
tree_each(const char *dir, int (*call)(const char *rel, const char *path,
    void *arg), void *arg)
{
	return each_in(dir, "", 0, call, arg);
}

static int
copy_one(const char *rel, const char *path, void *arg)
{
	char dest[PATH_LEN], *slash, *data;
	struct stat st;
	size_t len;
	int rc;

	if (snprintf(dest, sizeof(dest), "%s/%s", (const char *)arg, rel) >=
	    (int)sizeof(dest)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	slash = strrchr(dest, '/');
	*slash = '\0';
	if (path_mkdirs(dest, 0755) == -1)
		return -1;
	*slash = '/';
	data = statefile_read(path, FILE_MAX, &len);
	if (data == NULL || stat(path, &st) == -1) {
		free(data);
		return -1;
	}
	rc = file_write_sync(dest, data, len,
	    st.st_mode & 0111 ? 0755 : 0644);
	free(data);
	*slash = '\0';
	return rc == -1 ? -1 : dir_sync(dest);
}

int
tree_copy(const char *from, const char *to)
{
	char dest[PATH_LEN];

	if (path_mkdirs(to, 0755) == -1)
		return -1;
	(void)snprintf(dest, sizeof(dest), "%s", to); /* it was made: fits */
	if (tree_each(from, copy_one, dest) == -1 && errno != ENOENT)
		return -1;
	return dir_sync(to);
}

static int
sync_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	int fd, rc, saved;

	(void)st;
	(void)ftw;
	if (type == FTW_DP)
		return dir_sync(path);
	if (type != FTW_F) {
		errno = EACCES;
		return type == FTW_SL ? 0 : -1;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	rc = fsync(fd);
	saved = errno;
	(void)close(fd);	/* read only */
	errno = saved;
	return rc;
}

int
tree_sync(const char *path)
{
	return nftw(path, sync_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int
remove_one(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
tree_remove(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) ==
	    -1 && errno != ENOENT)
		return -1;
	return 0;
}
