/* SPDX-License-Identifier: ISC */
/*
 * The steps of the model done to a real directory, and the directory read back
 * into a model.  Everything is relative to one descriptor of the mount, so that
 * nothing is ever written to what is under it.
 */
#include <sys/stat.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dirops.h"

#define XATTR	"user.torture"
#define SPARE	"torture/spare"		/* of a replacement */

static int
close_with(int fd, int rc)
{
	int saved = errno;

	if (close(fd) == -1 && rc == 0)
		return -1;
	errno = saved;
	return rc;
}

static int
act_file(int dir, const char *name, const struct step *s)
{
	uint8_t block[BLOCK];
	char value[TARGET_LEN];
	int fd, rc = -1;

	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	switch (s->verb) {
	case V_WRITE:
		stamp_fill(block, s->len, s->stamp);
		rc = pwrite(fd, block, s->len, (off_t)s->n * BLOCK) ==
		    (ssize_t)s->len ? 0 : -1;
		break;
	case V_TRUNCATE:
		rc = ftruncate(fd, (off_t)s->n * BLOCK);
		break;
	case V_PUNCH:
		rc = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)s->n * BLOCK, BLOCK);
		break;
	case V_MODE:
		rc = fchmod(fd, s->n);
		break;
	case V_OWNER:
		rc = fchown(fd, s->n, s->n);
		break;
	default:	/* V_XATTR */
		(void)snprintf(value, sizeof(value), "%llu",
		    (unsigned long long)s->stamp);
		rc = fsetxattr(fd, XATTR, value, strlen(value), 0);
	}
	return close_with(fd, rc);
}

static int
act_replace(int dir, const char *name, const struct step *s)
{
	uint8_t data[SIZE_MAX_];
	int fd;

	fd = openat(dir, SPARE, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	if (fd == -1)
		return -1;
	stamp_fill(data, s->len, s->stamp);
	if (write(fd, data, s->len) != (ssize_t)s->len || fsync(fd) == -1)
		return close_with(fd, -1);
	if (close(fd) == -1)
		return -1;
	return renameat(dir, SPARE, dir, name);
}

int
act_step(int dir, const struct step *s)
{
	char a[NAME_LEN], b[NAME_LEN], target[TARGET_LEN];
	struct stat st;
	int fd;

	slot_name(s->a, a);
	slot_name(s->b, b);
	switch (s->verb) {
	case V_CREATE:
		fd = openat(dir, a, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
		    0644);
		return fd == -1 ? -1 : close_with(fd, 0);
	case V_MKDIR:
		return mkdirat(dir, a, 0755);
	case V_SYMLINK:
		stamp_target(s->stamp, target);
		return symlinkat(target, dir, a);
	case V_RENAME:
		return renameat(dir, a, dir, b);
	case V_EXCHANGE:
		return renameat2(dir, a, dir, b, RENAME_EXCHANGE);
	case V_LINK:
		return linkat(dir, a, dir, b, 0);
	case V_UNLINK:
		if (fstatat(dir, a, &st, AT_SYMLINK_NOFOLLOW) == -1)
			return -1;
		return unlinkat(dir, a, S_ISDIR(st.st_mode) ? AT_REMOVEDIR :
		    0);
	case V_REPLACE:
		return act_replace(dir, a, s);
	default:
		return act_file(dir, a, s);
	}
}

/* What is not there, or no file, has nothing of its own to sync. */
static int
sync_name(int dir, const char *name, int flags)
{
	int fd;

	fd = openat(dir, name, flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	return close_with(fd, fsync(fd));
}

static int
sync_slot(int dir, int slot)
{
	char name[NAME_LEN];

	slot_name(slot, name);
	if (sync_name(dir, name, 0) == -1)
		return -1;
	slot_dir(slot, name);
	return sync_name(dir, name, O_DIRECTORY);
}

int
act_sync(int dir, const bool touched[SLOTS])
{
	for (int i = 0; i < SLOTS; i++)
		if (touched[i] && sync_slot(dir, i) == -1)
			return -1;
	return 0;
}

int
act_prepare(int dir)
{
	char name[NAME_LEN];

	if (mkdirat(dir, "torture", 0755) == -1 && errno != EEXIST)
		return -1;
	for (int i = 0; i < DIRS; i++) {
		slot_dir(i, name);
		if (mkdirat(dir, name, 0755) == -1 && errno != EEXIST)
			return -1;
	}
	if (unlinkat(dir, SPARE, 0) == -1 && errno != ENOENT)
		return -1;
	return sync_name(dir, "torture", O_DIRECTORY) == -1 ? -1 :
	    sync_name(dir, ".", O_DIRECTORY);
}

static int
scan_file(int dir, const char *name, struct inode *n)
{
	ssize_t len;
	int fd;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (n->size > SIZE_MAX_)
		n->size = SIZE_MAX_;	/* never ours: the digest differs */
	len = pread(fd, n->data, n->size, 0);
	if (len != (ssize_t)n->size) {
		if (len >= 0)
			errno = EIO;
		return close_with(fd, -1);
	}
	len = fgetxattr(fd, XATTR, n->xattr, sizeof(n->xattr) - 1);
	if (len == -1 && errno != ENODATA)
		return close_with(fd, -1);
	n->xattr[len == -1 ? 0 : len] = '\0';
	return close_with(fd, 0);
}

static int
scan_slot(int dir, struct model *m, int slot, ino_t *known)
{
	char name[NAME_LEN];
	struct inode *n;
	struct stat st;
	ssize_t len;

	slot_name(slot, name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	for (int i = 0; i < slot; i++)
		if (known[i] == st.st_ino && m->slot[i] != -1 &&
		    S_ISREG(st.st_mode)) {
			m->slot[slot] = m->slot[i];
			return 0;
		}
	known[slot] = st.st_ino;
	m->slot[slot] = model_new(m, S_ISREG(st.st_mode) ? K_FILE :
	    S_ISLNK(st.st_mode) ? K_LINK : K_DIR);
	n = &m->inode[m->slot[slot]];
	n->mode = st.st_mode & 07777;
	n->uid = st.st_uid;
	n->gid = st.st_gid;
	n->nlink = n->kind == K_FILE ? (unsigned)st.st_nlink : 1;
	n->size = n->kind == K_FILE ? (size_t)st.st_size : 0;
	if (n->kind == K_FILE)
		return scan_file(dir, name, n);
	if (n->kind == K_LINK) {
		len = readlinkat(dir, name, n->target, TARGET_LEN - 1);
		if (len == -1)
			return -1;
		n->target[len] = '\0';
	}
	return 0;
}

int
act_scan(int dir, struct model *m)
{
	ino_t known[SLOTS] = { 0 };

	model_clear(m);
	for (int i = 0; i < SLOTS; i++)
		if (scan_slot(dir, m, i, known) == -1)
			return -1;
	return 0;
}

int
act_holes(int dir, int slot, char out[BLOCKS_MAX + 1])
{
	char name[NAME_LEN];
	struct stat st;
	int fd, n = 0;

	out[0] = '\0';
	slot_name(slot, name);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	if (fstat(fd, &st) == -1)
		return close_with(fd, -1);
	for (off_t at = 0; S_ISREG(st.st_mode) && at < st.st_size &&
	    n < BLOCKS_MAX; at += BLOCK)
		out[n++] = lseek(fd, at, SEEK_DATA) == at ? '1' : '0';
	out[n] = '\0';
	return close_with(fd, 0);
}
