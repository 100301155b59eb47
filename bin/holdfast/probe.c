/* SPDX-License-Identifier: ISC */
/*
 * The filesystem under a replicated directory.  ext4, xfs and btrfs pass;
 * what cannot keep our identities or reach files by handle is refused.
 */
#include "probe.h"

#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"
#include "paths.h"

#define XATTR		"trusted.holdfast.check"
#define XFS_MAGIC	0x58465342
#define FUSE_MAGIC	0x65735546

struct probe {
	const char	*dir;
	probe_say	*say;
	void		*arg;
	char		 tmp[PATH_LEN];
	unsigned	 faults;
};

static void
say(struct probe *p, enum verdict v, const char *text)
{
	if (v == VERDICT_ERROR)
		p->faults++;
	p->say(v, p->dir, text, p->arg);
}

static void
say_errno(struct probe *p, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
	say(p, VERDICT_ERROR, text);
}

/* False when the type alone forbids it. */
static bool
probe_type(struct probe *p)
{
	static const struct {
		long		 magic;
		const char	*text;
	} refused[] = {
		{ 0x794c7630, "is on overlayfs, which has no file handles; "
		    "use ext4, xfs or btrfs" },
		{ NFS_SUPER_MAGIC, "is on NFS; use a local ext4, xfs or "
		    "btrfs" },
		{ FUSE_MAGIC, "is on FUSE; use a local ext4, xfs or btrfs" },
		{ TMPFS_MAGIC, "is on tmpfs, which forgets all at power "
		    "off" },
	};
	struct statfs fs;
	size_t i;

	if (statfs(p->dir, &fs) == -1) {
		say_errno(p, "statfs");
		return false;
	}
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if ((long)fs.f_type == refused[i].magic) {
			say(p, VERDICT_ERROR, refused[i].text);
			return false;
		}
	if (fs.f_type != EXT4_SUPER_MAGIC && fs.f_type != XFS_MAGIC &&
	    fs.f_type != BTRFS_SUPER_MAGIC)
		say(p, VERDICT_WARN, "is on a filesystem nobody has tried "
		    "yet; ext4, xfs and btrfs are known to work");
	return true;
}

static void
probe_xattr(struct probe *p, const char *path, const char *what)
{
	char value[8];

	if (lsetxattr(path, XATTR, "holdfast", 8, 0) == -1 ||
	    lgetxattr(path, XATTR, value, sizeof(value)) != 8)
		say_errno(p, what);
}

static void
probe_handle(struct probe *p, const char *path)
{
	union {
		struct file_handle	h;
		char			room[sizeof(struct file_handle) +
					    MAX_HANDLE_SZ];
	} u;
	int mount_id, dirfd, fd;

	u.h.handle_bytes = MAX_HANDLE_SZ;
	dirfd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd == -1 || name_to_handle_at(AT_FDCWD, path, &u.h, &mount_id,
	    0) == -1) {
		say_errno(p, "no file handles");
	} else {
		fd = open_by_handle_at(dirfd, &u.h, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			say_errno(p, "files cannot be opened by handle");
		else
			(void)close(fd);	/* read only */
	}
	if (dirfd != -1)
		(void)close(dirfd);	/* read only */
}

static void
probe_file(struct probe *p, const char *path)
{
	char block[8192];
	int fd, direct;

	memset(block, 'h', sizeof(block));
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, block, sizeof(block)) !=
	    (ssize_t)sizeof(block)) {
		say_errno(p, "cannot be written");
		if (fd != -1)
			(void)close(fd);	/* a probe */
		return;
	}
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	    4096) == -1)
		say_errno(p, "holes cannot be punched");
	if (lseek(fd, 0, SEEK_HOLE) == -1)
		say_errno(p, "holes cannot be found");
	(void)close(fd);	/* a probe */
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (direct == -1)
		say_errno(p, "O_DIRECT");
	else
		(void)close(direct);	/* a probe */
	probe_xattr(p, path, "trusted xattr on a file");
	probe_handle(p, path);
}

static void
probe_inside(struct probe *p)
{
	char file[PATH_LEN + 8], other[PATH_LEN + 8], link[PATH_LEN + 8];

	snprintf(file, sizeof(file), "%s/file", p->tmp);
	snprintf(other, sizeof(other), "%s/other", p->tmp);
	snprintf(link, sizeof(link), "%s/link", p->tmp);
	probe_xattr(p, p->tmp, "trusted xattr on a directory");
	probe_file(p, file);
	if (symlink("file", link) == -1)
		say_errno(p, "symbolic links");
	else
		probe_xattr(p, link, "trusted xattr on a symbolic link");
	if (mkdir(other, 0700) == -1 || syscall(SYS_renameat2, AT_FDCWD,
	    file, AT_FDCWD, other, RENAME_EXCHANGE) == -1)
		say_errno(p, "two names cannot be exchanged");
}

/* Field 5 of mountinfo with its \040 undone, into out. */
static bool
mount_point(const char *line, char out[PATH_LEN])
{
	size_t n = 0;
	int i;

	for (i = 0; i < 4; i++) {
		line = strchr(line, ' ');
		if (line == NULL)
			return false;
		line++;
	}
	while (*line != ' ' && *line != '\0' && n < PATH_LEN - 1) {
		if (line[0] == '\\' && line[1] >= '0' && line[1] <= '3' &&
		    line[2] != '\0' && line[3] != '\0') {
			out[n++] = (char)((line[1] - '0') << 6 |
			    (line[2] - '0') << 3 | (line[3] - '0'));
			line += 4;
		} else {
			out[n++] = *line++;
		}
	}
	out[n] = '\0';
	return true;
}

/* Mounts below are not replicated: they are named.  True when the directory
 * itself is a mount of ours, a running module. */
static bool
probe_mounts(struct probe *p)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char point[PATH_LEN], text[PATH_LEN + 80], *line = NULL;
	size_t size = 0, len = strlen(p->dir);
	bool ours = false;

	if (f == NULL)
		return false;
	while (getline(&line, &size, f) > 0) {
		if (!mount_point(line, point))
			continue;
		if (strcmp(point, p->dir) == 0 &&
		    (strstr(line, " - fuse") != NULL ||
		    strstr(line, "holdfast") != NULL))
			ours = true;
		if (strncmp(point, p->dir, len) != 0 || point[len] != '/' ||
		    strstr(point, "/.holdfast") != NULL)
			continue;
		snprintf(text, sizeof(text), "%s is mounted inside; a mount "
		    "inside is not replicated and is refused", point);
		say(p, VERDICT_ERROR, text);
	}
	free(line);
	(void)fclose(f);	/* read only */
	return ours;
}

void
probe_dir(const char *dir, probe_say *say_one, void *arg)
{
	struct probe p = { .dir = dir, .say = say_one, .arg = arg };
	struct stat st;

	if (stat(dir, &st) == -1) {
		say_errno(&p, "the administrator makes it, on both nodes");
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		say(&p, VERDICT_ERROR, "is no directory");
		return;
	}
	if (probe_mounts(&p)) {
		say(&p, VERDICT_OK, "is mounted by its running module; its "
		    "filesystem is probed when the module is stopped");
		return;
	}
	if (!probe_type(&p))
		return;
	if (snprintf(p.tmp, sizeof(p.tmp), "%s/.holdfast-check.XXXXXX",
	    dir) >= (int)sizeof(p.tmp) || mkdtemp(p.tmp) == NULL) {
		if (errno == EROFS)
			say(&p, VERDICT_OK, "is read-only here, as on a node "
			    "that waits");
		else
			say_errno(&p, "cannot be written");
		return;
	}
	probe_inside(&p);
	if (tree_remove(p.tmp) == -1)
		say_errno(&p, p.tmp);
	if (p.faults == 0)
		say(&p, VERDICT_OK, "its filesystem has what replication "
		    "needs");
}
