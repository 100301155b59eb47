/* SPDX-License-Identifier: ISC */
/*
 * The rules of notreplicated: from the configuration to the objects, and those
 * of before in an xattr of each directory, since they are about what is in it:
 * u8 version 1, then each of excludes_numbers(), u64, big-endian.
 */
#include "parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "log.h"

#include "object-local.h"

#define RULES_XATTR	"trusted.holdfast.rules"
#define RULES_VERSION	1
#define RULES_LEN	(1 + 8 * EXCLUDE_MAX)

static size_t
encode(uint8_t out[RULES_LEN], const struct excludes *e, unsigned dir)
{
	uint64_t number[EXCLUDE_MAX];
	unsigned i, k, n = excludes_numbers(e, dir, number);

	out[0] = RULES_VERSION;
	for (i = 0; i < n; i++)
		for (k = 0; k < 8; k++)
			out[1 + 8 * i + k] =
			    (uint8_t)(number[i] >> (56 - 8 * k));
	return 1 + 8 * (size_t)n;
}

static bool
is_in(const uint8_t *number, const uint8_t *list, size_t len)
{
	size_t at;

	for (at = 1; at + 8 <= len; at += 8)
		if (memcmp(list + at, number, 8) == 0)
			return true;
	return false;
}

/* Everything that was left out is still left out. */
static bool
is_kept(const uint8_t *old, size_t old_len, const uint8_t *now, size_t len)
{
	size_t at;

	if (old_len % 8 != 1 || old[0] != RULES_VERSION)
		return false;
	for (at = 1; at < old_len; at += 8)
		if (!is_in(old + at, now, len))
			return false;
	return true;
}

/* Before the rules count as those of before. */
static int
leave_out(struct parts *p, unsigned dir)
{
	const char *path;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0; i++) {
		path = excludes_path(p->excludes, dir, i);
		if (path == NULL)
			break;
		rc = object_leave_out(p->objects, dir, path);
	}
	errno = -rc;
	return rc == 0 ? 0 : -1;
}

/* 0, or -1 with errno. */
static int
take_rules(struct parts *p, unsigned dir)
{
	uint8_t old[RULES_LEN + 1], now[RULES_LEN];
	size_t len = encode(now, p->excludes, dir);
	int fd = p->root_fd[dir];
	ssize_t n;

	n = fgetxattr(fd, RULES_XATTR, old, sizeof(old));
	if (n == -1 && errno != ENODATA && errno != ERANGE)
		return -1;
	if (n == -1 && errno == ERANGE)
		n = 0;	/* of another version */
	if ((n == -1 && len == 1) ||
	    (n == (ssize_t)len && memcmp(old, now, len) == 0))
		return 0;
	if (n != -1 && !is_kept(old, (size_t)n, now, len)) {
		log_info("%s: less is left out than before (notreplicated): "
		    "everything is compared", p->conf->dir[dir]);
		if (gen_distrust_logs(p->gen) == -1)
			return -1;
	}
	if (leave_out(p, dir) == -1)
		return -1;
	return fsetxattr(fd, RULES_XATTR, now, len, 0) == -1 ? -1 : fsync(fd);
}

int
parts_exclude(struct parts *p, const char **code, char why[PARTS_WHY_LEN])
{
	const struct mirrord_conf *c = p->conf;
	char text[EXCLUDE_WHY_LEN];
	unsigned i;

	p->excludes = excludes_new();
	for (i = 0; i < c->rule_count; i++)
		if (mirrord_conf_exclude(p->excludes, &c->rule[i], text) ==
		    -1) {
			*code = "directory";
			snprintf(why, PARTS_WHY_LEN, "notreplicated %.200s: "
			    "%s", c->rule[i].text, text);
			return -1;
		}
	objects_exclude(p->objects, p->excludes);
	for (i = 0; i < c->dir_count; i++)
		if (take_rules(p, i) == -1) {
			*code = "directory";
			snprintf(why, PARTS_WHY_LEN, "%s: the rules of "
			    "notreplicated cannot be stored: %s", c->dir[i],
			    strerror(errno));
			return -1;
		}
	return 0;
}
