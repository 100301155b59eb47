/* SPDX-License-Identifier: ISC */
/*
 * Archives come from elsewhere: no path leaves the directory, no link, no
 * device, and neither count nor size is without bound.
 */
#include "archive.h"

#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "paths.h"
#include "statefile.h"

#define BLOCK	65536

struct extract {
	const char	*dir;
	struct report	*r;
	int64_t		 bytes;
	unsigned	 files;
};

/* What is wrong with a path in an archive, or NULL. */
static const char *
path_fault(const char *path)
{
	const char *p = path;
	size_t len;

	if (path == NULL || path[0] == '\0')
		return "has no name";
	if (path[0] == '/')
		return "is absolute; only paths inside the module are "
		    "allowed";
	if (strlen(path) > 150)
		return "is longer than 150 bytes";
	for (;; p += len + 1) {
		len = strcspn(p, "/");
		if (len == 2 && p[0] == '.' && p[1] == '.')
			return "leads out of the module with ..; not allowed";
		if (p[len] == '\0')
			break;
	}
	if (strchr(path, '\\') != NULL)
		return "has a backslash; not allowed";
	return NULL;
}

static const char *
type_fault(struct archive_entry *e)
{
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return archive_entry_hardlink(e) != NULL ?
		    "is a hard link; only files and directories are "
		    "allowed" : NULL;
	case AE_IFDIR:
		return NULL;
	case AE_IFLNK:
		return "is a symbolic link; only files and directories are "
		    "allowed";
	default:
		return "is a device or a pipe; only files and directories "
		    "are allowed";
	}
}

/* One regular file; its bytes count against the bound as they come. */
static int
extract_file(struct extract *x, struct archive *a, struct archive_entry *e,
    const char *path)
{
	char dest[PATH_LEN], *slash;
	mode_t mode = archive_entry_perm(e) & 0111 ? 0755 : 0644;
	const char *name = archive_entry_pathname(e);
	ssize_t n;
	FILE *f;
	char *buf;
	int rc = 0;

	(void)snprintf(dest, sizeof(dest), "%s", path);
	slash = strrchr(dest, '/');
	*slash = '\0';
	if (path_mkdirs(dest, 0755) == -1 ||
	    (f = fopen(path, "wxe")) == NULL) {
		report_error(x->r, 0, name, "cannot be written: %s",
		    strerror(errno));
		return -1;
	}
	buf = malloc(BLOCK);
	while (buf != NULL && (n = archive_read_data(a, buf, BLOCK)) > 0) {
		x->bytes += n;
		if (x->bytes > ARCHIVE_MAX_BYTES) {
			report_error(x->r, 0, NULL, "holds more than %d MiB",
			    ARCHIVE_MAX_BYTES >> 20);
			rc = -1;
			break;
		}
		if (fwrite(buf, 1, (size_t)n, f) != (size_t)n)
			break;
	}
	if (rc == 0 && (buf == NULL || n != 0)) {
		report_error(x->r, 0, name, "is damaged or cannot be "
		    "written: %s", archive_error_string(a) != NULL ?
		    archive_error_string(a) : strerror(errno));
		rc = -1;
	}
	free(buf);
	if (fclose(f) != 0 || chmod(path, mode) == -1)
		rc = -1;
	return rc;
}

/* 0 to go on, -1 to stop. */
static int
extract_entry(struct extract *x, struct archive *a, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e), *fault;
	char path[PATH_LEN];

	if (++x->files > ARCHIVE_MAX_FILES) {
		report_error(x->r, 0, NULL, "holds more than %d files",
		    ARCHIVE_MAX_FILES);
		return -1;
	}
	fault = path_fault(name);
	if (fault == NULL)
		fault = type_fault(e);
	if (fault != NULL) {
		report_error(x->r, 0, name != NULL ? name : "an entry", "%s",
		    fault);
		return 0;
	}
	if (x->r->errors > 0)
		return 0;	/* only looking for further faults */
	if (snprintf(path, sizeof(path), "%s/%s", x->dir, name) >=
	    (int)sizeof(path)) {
		report_error(x->r, 0, name, "is too long");
		return 0;
	}
	if (archive_entry_filetype(e) == AE_IFDIR)
		return path_mkdirs(path, 0755);
	return extract_file(x, a, e, path);
}

int
archive_extract(const char *file, const char *dir, struct report *r)
{
	struct extract x = { .dir = dir, .r = r };
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int rc = -1, got;

	if (a == NULL)
		return -1;
	archive_read_support_format_zip(a);
	if (archive_read_open_filename(a, file, BLOCK) != ARCHIVE_OK) {
		report_error(r, 0, NULL, "cannot be read as a zip archive: "
		    "%s", archive_error_string(a));
		goto out;
	}
	while ((got = archive_read_next_header(a, &e)) == ARCHIVE_OK)
		if (extract_entry(&x, a, e) == -1)
			break;
	if (got != ARCHIVE_OK && got != ARCHIVE_EOF)
		report_error(r, 0, NULL, "is damaged: %s",
		    archive_error_string(a));
	if (x.files == 0 && r->errors == 0)
		report_error(r, 0, NULL, "is an empty archive");
	if (r->errors == 0 && got == ARCHIVE_EOF)
		rc = 0;
out:
	(void)archive_read_free(a);	/* read only */
	return rc;
}

struct pack {
	struct archive	*a;
	const char	*top;
	struct report	*r;
};

static int
pack_one(const char *rel, const char *path, void *arg)
{
	struct pack *p = arg;
	struct archive_entry *e;
	char name[PATH_LEN], *data;
	struct stat st;
	size_t len;
	int rc = -1;

	data = statefile_read(path, ARCHIVE_MAX_BYTES, &len);
	if (data == NULL || stat(path, &st) == -1) {
		report_error(p->r, 0, path, "%s", strerror(errno));
		free(data);
		return -1;
	}
	(void)snprintf(name, sizeof(name), "%s/%s", p->top, rel);
	e = archive_entry_new();
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, st.st_mode & 0111 ? 0755 : 0644);
	archive_entry_set_mtime(e, st.st_mtime, 0);
	archive_entry_set_size(e, (int64_t)len);
	if (archive_write_header(p->a, e) == ARCHIVE_OK &&
	    archive_write_data(p->a, data, len) == (ssize_t)len)
		rc = 0;
	else
		report_error(p->r, 0, name, "%s", archive_error_string(p->a));
	archive_entry_free(e);
	free(data);
	return rc;
}

int
archive_pack(const char *dir, const char *file, struct report *r)
{
	static const char *const tops[] = { "conf", "bin" };
	struct pack p = { .a = archive_write_new(), .r = r };
	char path[PATH_LEN];
	size_t i;

	if (p.a == NULL)
		return -1;
	archive_write_set_format_zip(p.a);
	if (archive_write_open_filename(p.a, file) != ARCHIVE_OK) {
		report_error(r, 0, NULL, "cannot be written: %s",
		    archive_error_string(p.a));
		(void)archive_write_free(p.a);	/* never opened */
		return -1;
	}
	for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		p.top = tops[i];
		(void)snprintf(path, sizeof(path), "%s/%s", dir, tops[i]);
		if (tree_each(path, pack_one, &p) == -1 && errno != ENOENT &&
		    r->errors == 0)
			report_error(r, 0, path, "%s", strerror(errno));
	}
	if (archive_write_close(p.a) != ARCHIVE_OK)
		report_error(r, 0, NULL, "%s", archive_error_string(p.a));
	(void)archive_write_free(p.a);	/* closed above */
	return r->errors > 0 ? -1 : 0;
}
