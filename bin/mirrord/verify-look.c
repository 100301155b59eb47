/* SPDX-License-Identifier: ISC */
/*
 * Called by verify-source.c and verify-target.c, each from its own threads.
 */
#include "verify-look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

#include "whole.h"

#include "object-local.h"

#define XATTR_MAX	65536u
#define XATTR_NAMES_MAX	4096u

static const struct {
	uint32_t	 bit;
	const char	*word;
} words[] = {
	{ VD_MISSING, "missing" }, { VD_EXTRA, "extra" },
	{ VD_OTHER, "other-object" }, { VD_TYPE, "type" },
	{ VD_DATA, "data" }, { VD_SIZE, "size" }, { VD_MODE, "mode" },
	{ VD_OWNER, "owner" }, { VD_TIME, "time" }, { VD_XATTR, "xattr" },
	{ VD_TARGET, "target" }, { VD_DEVICE, "device" },
	{ VD_READ_P, "primary-unreadable" },
	{ VD_READ_S, "secondary-unreadable" },
	{ VD_STRANGE, "not-by-the-mirror" }, { VD_MORE, "more" },
};

#define WORDS	(sizeof(words) / sizeof(words[0]))

const char *
verify_what_str(char buf[VERIFY_WHAT_MAX], uint32_t what)
{
	size_t i, len = 0;

	buf[0] = '\0';
	for (i = 0; i < WORDS; i++)
		if (what & words[i].bit)
			len += (size_t)snprintf(buf + len,
			    VERIFY_WHAT_MAX - len, "%s%s", len > 0 ? "," : "",
			    words[i].word);
	return buf;
}

uint32_t
verify_what_parse(const char *text)
{
	uint32_t what = 0;
	size_t i, len;

	for (; *text != '\0'; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		for (i = 0; i < WORDS; i++)
			if (strlen(words[i].word) == len &&
			    strncmp(text, words[i].word, len) == 0)
				what |= words[i].bit;
	}
	return what;
}

int
verify_room_init(struct verify_room *m)
{
	m->block = malloc(VB_BLOCK);
	m->list = malloc(XATTR_MAX);
	m->value = malloc(XATTR_MAX);
	if (m->block != NULL && m->list != NULL && m->value != NULL)
		return 0;
	verify_room_fini(m);
	return -ENOMEM;
}

void
verify_room_fini(struct verify_room *m)
{
	free(m->block);
	free(m->list);
	free(m->value);
	memset(m, 0, sizeof(*m));
}

static void
digest(uint8_t out[VB_HASH_LEN], XXH128_hash_t h)
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, h);
	memcpy(out, c.digest, VB_HASH_LEN);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * Labels of SELinux are of a node's own policy (resync leaves them alone as
 * well), and ours are of a node's own handles.
 */
static bool
is_compared(const char *name)
{
	return strncmp(name, "trusted.holdfast.", 17) != 0 &&
	    strcmp(name, "security.selinux") != 0;
}

/* Names and values, in the order of the names; 0 or -errno. */
static int
hash_xattrs(const char *path, struct verify_room *m,
    uint8_t out[VB_HASH_LEN])
{
	const char *name[XATTR_NAMES_MAX], *n;
	uint8_t size[3];
	XXH3_state_t *h;
	size_t count = 0, i;
	ssize_t len, got;

	len = listxattr(path, m->list, XATTR_MAX);
	if (len == -1)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (n = m->list; n < m->list + len; n += strlen(n) + 1)
		if (is_compared(n) && count < XATTR_NAMES_MAX)
			name[count++] = n;
	if (count == 0)
		return 0;
	qsort(name, count, sizeof(name[0]), by_name);
	h = XXH3_createState();
	if (h == NULL)
		return -ENOMEM;
	(void)XXH3_128bits_reset(h);
	for (i = 0; i < count; i++) {
		got = getxattr(path, name[i], m->value, XATTR_MAX);
		if (got == -1)
			continue;	/* gone meanwhile */
		(void)XXH3_128bits_update(h, name[i], strlen(name[i]) + 1);
		size[0] = (uint8_t)(got >> 16);
		size[1] = (uint8_t)(got >> 8);
		size[2] = (uint8_t)got;
		(void)XXH3_128bits_update(h, size, sizeof(size));
		(void)XXH3_128bits_update(h, m->value, (size_t)got);
	}
	digest(out, XXH3_128bits_digest(h));
	XXH3_freeState(h);
	return 0;
}

static int
hash_target(int fd, uint8_t out[VB_HASH_LEN])
{
	char target[4096];
	ssize_t len = readlinkat(fd, "", target, sizeof(target));

	if (len == -1)
		return -errno;
	digest(out, XXH3_128bits(target, (size_t)len));
	return 0;
}

int
verify_look_attr(struct objects *o, uint64_t oid, struct verify_room *m,
    struct verify_attr *a)
{
	char path[OBJECT_PROC_LEN];
	struct stat st;
	int fd, rc;

	memset(a, 0, sizeof(*a));
	fd = object_fd(o, oid, O_PATH);
	if (fd < 0)
		return fd;
	rc = fstatat(fd, "", &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == -1 ?
	    -errno : st.st_nlink == 0 ? -ESTALE : 0;
	if (rc == 0)
		rc = hash_xattrs(object_proc_path(path, fd), m, a->xattrs);
	if (rc == 0 && S_ISLNK(st.st_mode))
		rc = hash_target(fd, a->target);
	object_fd_done(o, oid, fd);
	if (rc != 0)
		return rc;
	a->mode = st.st_mode;
	a->uid = st.st_uid;
	a->gid = st.st_gid;
	if (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode))
		a->rdev = (uint32_t)st.st_rdev;
	if (S_ISREG(st.st_mode))
		a->size = (uint64_t)st.st_size;
	a->mtime = st.st_mtim;
	/* .holdfast is made in a root by each node for itself, and what is
	 * left out of replication in any directory. */
	if (oid > OID_ROOT_MAX && (!S_ISDIR(st.st_mode) ||
	    !excludes_any(objects_excludes(o))))
		a->flags = VA_TIME;
	return 0;
}

/* File systems that keep whole seconds cannot be told more. */
static bool
time_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && (a->tv_nsec == b->tv_nsec ||
	    a->tv_nsec == 0 || b->tv_nsec == 0);
}

uint32_t
verify_attr_differs(const struct verify_attr *own,
    const struct verify_attr *other)
{
	uint32_t what = 0;

	if ((own->mode & S_IFMT) != (other->mode & S_IFMT))
		return VD_TYPE;
	if ((own->mode & 07777) != (other->mode & 07777) &&
	    !S_ISLNK(own->mode))
		what |= VD_MODE;
	if (own->uid != other->uid || own->gid != other->gid)
		what |= VD_OWNER;
	if (own->rdev != other->rdev)
		what |= VD_DEVICE;
	if (own->size != other->size)
		what |= VD_SIZE;
	if (other->flags & VA_TIME && !time_equal(&own->mtime, &other->mtime))
		what |= VD_TIME;
	if (memcmp(own->xattrs, other->xattrs, VB_HASH_LEN) != 0)
		what |= VD_XATTR;
	if (memcmp(own->target, other->target, VB_HASH_LEN) != 0)
		what |= VD_TARGET;
	return what;
}

/* Does it lie in memory?  Then it stays there: somebody may be using it. */
static bool
is_in_memory(int fd, uint64_t off, size_t len, struct verify_room *m)
{
	struct iovec v = { m->block, len };

	return preadv2(fd, &v, 1, (off_t)off, RWF_NOWAIT) == (ssize_t)len;
}

ssize_t
verify_look_block(int fd, uint64_t off, size_t len, struct verify_room *m,
    uint8_t hash[VB_HASH_LEN], bool cold)
{
	bool keep;
	ssize_t n;

	/* Only advice, and pages not yet written stay. */
	if (cold)
		(void)posix_fadvise(fd, (off_t)off, (off_t)len,
		    POSIX_FADV_DONTNEED);
	keep = !cold && is_in_memory(fd, off, len, m);
	n = whole_pread(fd, m->block, len, off);
	if (n == -1)
		return -errno;
	digest(hash, XXH3_128bits(m->block, (size_t)n));
	if (!keep)
		(void)posix_fadvise(fd, (off_t)off, (off_t)len,
		    POSIX_FADV_DONTNEED);
	return n;
}

int
verify_look_zeroes(int fd, uint64_t off, uint64_t len, struct verify_room *m,
    uint64_t *where)
{
	uint64_t end = off + len, at = off;
	size_t n, i;
	off_t data;
	ssize_t got;

	while (at < end) {
		data = lseek(fd, (off_t)at, SEEK_DATA);
		if (data == -1 && errno == ENXIO)
			break;		/* a hole up to its end */
		if (data != -1)
			at = (uint64_t)data;
		if (at >= end)
			break;
		n = end - at < VB_BLOCK ? (size_t)(end - at) : VB_BLOCK;
		got = whole_pread(fd, m->block, n, at);
		if (got == -1)
			return -errno;
		for (i = 0; i < (size_t)got; i++)
			if (m->block[i] != 0) {
				*where = at + i;
				return 0;
			}
		if (got == 0)
			break;
		at += (uint64_t)got;
	}
	return 1;
}
