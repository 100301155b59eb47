/* SPDX-License-Identifier: ISC */
/*
 * The file: magic, u32 length, u32 crc32c, the lines, zeroes up to its fixed
 * size.  Called by verify.c and role-verify.c.
 */
#include "verify-list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32c.h"
#include "log.h"
#include "whole.h"
#include "xalloc.h"

#include "verify-look.h"

#define FILE_NAME	"verify"
#define FILE_MAGIC	"HFVERIFY"
#define HEAD_LEN	16u

static const char *const states[] = {
	[VS_NONE] = "none", [VS_RUNNING] = "running", [VS_CLEAN] = "clean",
	[VS_DIFFERS] = "differs", [VS_CANCELLED] = "cancelled",
	[VS_BROKEN] = "broken", [VS_REPAIRED] = "repaired",
};

#define STATES	(sizeof(states) / sizeof(states[0]))

const char *
verify_state_str(enum verify_state s)
{
	return states[s];
}

void
verify_result_fini(struct verify_result *r)
{
	unsigned i;

	for (i = 0; i < r->listed; i++)
		free(r->diff[i].path);
	free(r->diff);
	memset(r, 0, sizeof(*r));
}

void
verify_result_add(struct verify_result *r, const struct verify_diff *d)
{
	struct verify_diff *last = r->listed > 0 ? &r->diff[r->listed - 1] :
	    NULL;

	if (last != NULL && d->oid != 0 && last->oid == d->oid &&
	    last->what == d->what && d->len > 0 && last->len > 0 &&
	    last->off + last->len == d->off) {
		last->len += d->len;
		return;
	}
	r->differences++;
	if (r->listed == VERIFY_LIST_MAX)
		return;
	if (r->diff == NULL)
		r->diff = xcalloc(VERIFY_LIST_MAX, sizeof(*r->diff));
	last = &r->diff[r->listed++];
	*last = *d;
	last->path = xstrdup(d->path);
}

void
verify_result_put(struct line_out *o, const struct verify_result *r)
{
	line_add(o, "state", states[r->state]);
	line_add_num(o, "begin", r->begin_s);
	line_add_num(o, "end", r->end_s);
	line_add(o, "primary", r->primary);
	line_add(o, "who", r->who);
	line_add(o, "epoch", r->epoch);
	line_add_num(o, "objects", (int64_t)r->objects);
	line_add_num(o, "bytes", (int64_t)r->bytes);
	line_add_num(o, "differences", (int64_t)r->differences);
	line_add(o, "why", r->why);
}

static void
take(char *out, size_t size, const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	(void)snprintf(out, size, "%s", v != NULL ? v : "");
}

static bool
number(const struct line *l, const char *key, uint64_t *out)
{
	int64_t n;

	if (!line_get_num(l, key, 0, INT64_MAX, &n))
		return false;
	*out = (uint64_t)n;
	return true;
}

int
verify_result_parse(struct verify_result *r, const struct line *l)
{
	const char *state = line_get(l, "state");
	size_t i;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < STATES; i++)
		if (state != NULL && strcmp(states[i], state) == 0)
			break;
	if (i == STATES ||
	    !line_get_num(l, "begin", 0, INT64_MAX, &r->begin_s) ||
	    !line_get_num(l, "end", 0, INT64_MAX, &r->end_s) ||
	    !number(l, "objects", &r->objects) ||
	    !number(l, "bytes", &r->bytes) ||
	    !number(l, "differences", &r->differences)) {
		memset(r, 0, sizeof(*r));
		return -1;
	}
	r->state = (enum verify_state)i;
	take(r->primary, sizeof(r->primary), l, "primary");
	take(r->who, sizeof(r->who), l, "who");
	take(r->epoch, sizeof(r->epoch), l, "epoch");
	take(r->why, sizeof(r->why), l, "why");
	return 0;
}

bool
verify_diff_put(struct line_out *o, const struct verify_diff *d)
{
	char what[VERIFY_WHAT_MAX];

	line_add(o, "what", verify_what_str(what, d->what));
	line_addf(o, "oid", "%016llx", (unsigned long long)d->oid);
	line_addf(o, "dir", "%016llx", (unsigned long long)d->dir);
	line_add_num(o, "off", (int64_t)d->off);
	line_add_num(o, "len", (int64_t)d->len);
	line_add(o, "path", d->path);
	return !o->overflow && o->len < LINE_MAX_LEN - 1;
}

static bool
hex(const struct line *l, const char *key, uint64_t *out)
{
	const char *v = line_get(l, key);
	char *end;

	if (v == NULL || v[0] == '\0')
		return false;
	errno = 0;
	*out = strtoull(v, &end, 16);
	return errno == 0 && *end == '\0';
}

int
verify_diff_parse(struct verify_diff *d, const struct line *l)
{
	const char *path = line_get(l, "path"), *what = line_get(l, "what");

	memset(d, 0, sizeof(*d));
	if (path == NULL || what == NULL || !hex(l, "oid", &d->oid) ||
	    !hex(l, "dir", &d->dir) || !number(l, "off", &d->off) ||
	    !number(l, "len", &d->len))
		return -1;
	d->what = verify_what_parse(what);
	d->path = xstrdup(path);
	return 0;
}

int
verify_result_dirty(const struct verify_result *r, struct dirtyset *set)
{
	const struct verify_diff *d;
	const char *name;
	unsigned i;

	for (i = 0; i < r->listed; i++)
		if (r->diff[i].what & VD_READ_P)
			return -EIO;
	if (r->differences > r->listed) {
		dirtyset_all(set);
		return 0;
	}
	for (i = 0; i < r->listed; i++) {
		d = &r->diff[i];
		name = strrchr(d->path, '/');
		/* A name too many may be any number of them. */
		if (d->dir != 0 && d->what & VD_MORE)
			dirtyset_dir(set, d->dir);
		else if (d->dir != 0 && name != NULL && name[1] != '\0')
			dirtyset_name(set, d->dir, name + 1);
		if (d->oid != 0) {
			dirtyset_whole(set, d->oid);
			dirtyset_attr(set, d->oid);
		}
	}
	return 0;
}

/* ---- the file ---- */

static void
put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static void
take_line(struct verify_result *r, const char *text, size_t len)
{
	struct verify_diff d;
	const char *why;
	struct line *l = xcalloc(1, sizeof(*l));

	if (line_parse(l, text, len, &why) == 0) {
		if (strcmp(l->verb, "result") == 0)
			(void)verify_result_parse(r, l); /* none then */
		else if (strcmp(l->verb, "difference") == 0 &&
		    r->state != VS_NONE && r->listed < VERIFY_LIST_MAX &&
		    verify_diff_parse(&d, l) == 0) {
			if (r->diff == NULL)
				r->diff = xcalloc(VERIFY_LIST_MAX,
				    sizeof(*r->diff));
			r->diff[r->listed++] = d;
		}
	}
	free(l);
}

int
verify_list_load(int state_dirfd, struct verify_result *r)
{
	uint8_t *file;
	char *at, *end, *nl;
	ssize_t n;
	uint32_t len;
	int fd;

	memset(r, 0, sizeof(*r));
	fd = openat(state_dirfd, FILE_NAME, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	file = xcalloc(1, VERIFY_FILE_LEN);
	n = whole_pread(fd, file, VERIFY_FILE_LEN, 0);
	(void)close(fd);	/* it was read only */
	len = n < (ssize_t)HEAD_LEN ? 0 : get_u32(file + 8);
	if (len == 0 || len > (size_t)n - HEAD_LEN ||
	    memcmp(file, FILE_MAGIC, 8) != 0 ||
	    crc32c(0, file + HEAD_LEN, len) != get_u32(file + 12)) {
		free(file);
		return -EBADMSG;
	}
	at = (char *)file + HEAD_LEN;
	end = at + len;
	while (at < end && (nl = memchr(at, '\n', (size_t)(end - at))) !=
	    NULL) {
		take_line(r, at, (size_t)(nl - at));
		at = nl + 1;
	}
	free(file);
	return 0;
}

static void
append(uint8_t *file, uint32_t *len, struct line_out *o)
{
	if (!line_end(o) || HEAD_LEN + *len + o->len > VERIFY_FILE_LEN)
		return;		/* counted, not listed: all is compared */
	memcpy(file + HEAD_LEN + *len, o->text, o->len);
	*len += (uint32_t)o->len;
}

int
verify_list_save(int state_dirfd, const struct verify_result *r)
{
	uint8_t *file = xcalloc(1, VERIFY_FILE_LEN);
	struct line_out *o = xcalloc(1, sizeof(*o));
	uint32_t len = 0;
	unsigned i;
	int fd, rc = 0;

	line_begin(o, "result");
	verify_result_put(o, r);
	append(file, &len, o);
	for (i = 0; i < r->listed; i++) {
		line_begin(o, "difference");
		if (verify_diff_put(o, &r->diff[i]))
			append(file, &len, o);
	}
	memcpy(file, FILE_MAGIC, 8);
	put_u32(file + 8, len);
	put_u32(file + 12, crc32c(0, file + HEAD_LEN, len));
	/* In place and always as long: a full disk is no matter (R20). */
	fd = openat(state_dirfd, FILE_NAME, O_WRONLY | O_CREAT | O_CLOEXEC,
	    0600);
	if (fd == -1 || whole_pwrite(fd, file, VERIFY_FILE_LEN, 0) == -1 ||
	    fdatasync(fd) == -1)
		rc = -errno;
	if (fd != -1 && close(fd) == -1 && rc == 0)
		rc = -errno;
	free(o);
	free(file);
	return rc;
}
