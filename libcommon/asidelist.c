/* SPDX-License-Identifier: ISC */
/* The format of LIST; see asidelist.h. */
#include "asidelist.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epoch.h"
#include "log.h"
#include "xalloc.h"

#define MAGIC	"holdfast-diverged 1\n"
/* The last line is no longer. */
#define END_LEN	64

static const char *const changes[] = {
	[AC_NEW] = "new", [AC_CHANGED] = "changed", [AC_RENAMED] = "renamed",
	[AC_DELETED] = "deleted", [AC_NAMELESS] = "nameless",
	[AC_PATH] = "path",
};

static const char *const kinds[] = {
	[AO_NONE] = "-", [AO_FILE] = "file", [AO_DIR] = "dir",
	[AO_LINK] = "link", [AO_OTHER] = "other",
};

const char *
aside_change_str(enum aside_change c)
{
	return changes[c];
}

const char *
aside_kind_str(enum aside_kind k)
{
	return kinds[k];
}

enum aside_kind
aside_kind_of(uint32_t mode)
{
	return S_ISREG(mode) ? AO_FILE : S_ISDIR(mode) ? AO_DIR :
	    S_ISLNK(mode) ? AO_LINK : AO_OTHER;
}

static int
find(const char *const *table, size_t count, const char *word)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(table[i], word) == 0)
			return (int)i;
	return -1;
}

/* ---- writing ---- */

int
aside_put_head(FILE *f, const struct aside_head *h)
{
	return fprintf(f, MAGIC "epoch %s\nwhen %" PRId64 "\nlost-to %s %s\n"
	    "by %s\n", h->epoch, h->when_s, h->lost_to, h->lost_epoch,
	    h->by) < 0 ? -1 : 0;
}

/*
 * Bytes of the printable character that begins there, 0: none does.  Neither
 * controls nor what is no UTF-8 may reach a terminal.
 */
static size_t
printable(const unsigned char *p)
{
	size_t len = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4, i;
	uint32_t c;

	if (*p < 0x80)
		return *p >= ' ' && *p != '\\' && *p != 0x7f;
	if (*p < 0xc2 || *p > 0xf4)
		return 0;
	c = *p & (0xffu >> (len + 1));
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	/* C1 controls; longer than need be; surrogates; beyond the last. */
	return c < 0xa0 || (len == 3 && c < 0x800) ||
	    (len == 4 && c < 0x10000) || (c >= 0xd800 && c < 0xe000) ||
	    c > 0x10ffff ? 0 : len;
}

int
aside_put_path(FILE *f, const char *path)
{
	const unsigned char *p = (const unsigned char *)path;
	size_t n;

	for (; *p != '\0'; p += n == 0 ? 1 : n) {
		n = printable(p);
		if (n == 0 ? fprintf(f, "\\%03o", *p) < 0 :
		    fwrite(p, 1, n, f) != n)
			return -1;
	}
	return 0;
}

char *
aside_path_text(const char *path)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL || aside_put_path(f, path) == -1 || fclose(f) != 0)
		fatal("memory");
	return text;
}

int
aside_put_entry(FILE *f, const struct aside_entry *e)
{
	if (fprintf(f, "%s %s %" PRIu64 " ", changes[e->change],
	    kinds[e->kind], e->bytes) < 0 || aside_put_path(f, e->path) == -1)
		return -1;
	return putc('\n', f) == EOF ? -1 : 0;
}

int
aside_put_end(FILE *f, uint64_t entries, uint64_t bytes)
{
	return fprintf(f, "end %" PRIu64 " %" PRIu64 "\n", entries,
	    bytes) < 0 ? -1 : 0;
}

/* ---- reading ---- */

static int
bad(void)
{
	errno = EPROTO;
	return -1;
}

/* A line without its newline; NULL at the end of the file. */
static char *
read_line(struct aside_reader *r)
{
	ssize_t n = getline(&r->line, &r->room, r->f);

	if (n <= 0 || r->line[n - 1] != '\n')
		return NULL;
	r->line[n - 1] = '\0';
	return r->line;
}

static int
read_head(struct aside_reader *r)
{
	struct aside_head *h = &r->head;
	char *l;

	l = read_line(r);
	if (l == NULL || strncmp(l, MAGIC, sizeof(MAGIC) - 2) != 0 ||
	    l[sizeof(MAGIC) - 2] != '\0')
		return bad();
	l = read_line(r);
	if (l == NULL || sscanf(l, "epoch %47s", h->epoch) != 1)
		return bad();
	l = read_line(r);
	if (l == NULL || sscanf(l, "when %" SCNd64, &h->when_s) != 1)
		return bad();
	l = read_line(r);
	if (l == NULL || sscanf(l, "lost-to %63s %47s", h->lost_to,
	    h->lost_epoch) != 2)
		return bad();
	l = read_line(r);
	return l != NULL && sscanf(l, "by %15s", h->by) == 1 ? 0 : bad();
}

int
aside_open(struct aside_reader *r, int dfd)
{
	int fd, err;

	memset(r, 0, sizeof(*r));
	fd = openat(dfd, ASIDE_LIST, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	r->f = fd == -1 ? NULL : fdopen(fd, "r");
	if (r->f == NULL)
		return -1;
	if (read_head(r) == 0)
		return 0;
	err = errno;
	aside_close(r);
	errno = err;
	return -1;
}

void
aside_close(struct aside_reader *r)
{
	if (r->f != NULL)
		(void)fclose(r->f);	/* it was read only */
	free(r->line);
	memset(r, 0, sizeof(*r));
}

int
aside_path_parse(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++) {
		if (*s != '\\') {
			*out++ = *s;
			continue;
		}
		if (strspn(s + 1, "01234567") < 3)
			return bad();
		*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
		    s[3] - '0');
		s += 3;
	}
	*out = '\0';
	return 0;
}

int
aside_next(struct aside_reader *r, struct aside_entry *e)
{
	char change[16], kind[16];
	int at, c, k;
	char *l;

	l = read_line(r);
	if (l == NULL)
		return bad();
	if (strncmp(l, "end ", 4) == 0) {
		r->ended = true;
		return 0;
	}
	if (sscanf(l, "%15s %15s %" SCNu64 "%n", change, kind, &e->bytes,
	    &at) != 3 || l[at] != ' ' || l[at + 1] == '\0')
		return bad();
	c = find(changes, sizeof(changes) / sizeof(changes[0]), change);
	k = find(kinds, sizeof(kinds) / sizeof(kinds[0]), kind);
	if (c < 0 || k < 0)
		return bad();
	e->change = (enum aside_change)c;
	e->kind = (enum aside_kind)k;
	e->path = l + at + 1;
	return aside_path_parse(e->path) == 0 ? 1 : -1;
}

/* ---- all of them ---- */

bool
aside_is_name(const char *name)
{
	char text[ASIDE_NAME_LEN];
	struct epoch e;
	size_t len = strcspn(name, "-");

	if (len >= sizeof(text) || strlen(name) >= ASIDE_NAME_LEN)
		return false;
	memcpy(text, name, len);
	text[len] = '\0';
	return epoch_parse(&e, text) == 0 && (name[len] == '\0' ||
	    (name[len + 1] != '\0' && strspn(name + len + 1, "0123456789") ==
	    strlen(name + len + 1)));
}

/* The totals are in the last line: LIST may be long. */
static int
read_end(struct aside_info *i, FILE *f)
{
	char tail[END_LEN + 1];
	const char *p;
	size_t n;

	if (fseek(f, 0, SEEK_END) == -1 || fseek(f, ftell(f) < END_LEN ? 0 :
	    -END_LEN, ftell(f) < END_LEN ? SEEK_SET : SEEK_END) == -1)
		return -1;
	n = fread(tail, 1, END_LEN, f);
	tail[n] = '\0';
	for (p = tail + n; p > tail && strncmp(p, "\nend ", 5) != 0; p--)
		continue;
	return sscanf(p, "\nend %" SCNu64 " %" SCNu64, &i->entries,
	    &i->bytes) == 2 && n > 0 && tail[n - 1] == '\n' ? 0 : bad();
}

static int
read_info(struct aside_info *i, int dfd, const char *name)
{
	static const char *const busy[] = { "BUILDING", "HELD", "MOVING" };
	struct aside_reader r;
	size_t k;
	int fd, rc;

	fd = openat(dfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return -1;
	for (k = 0; k < 3; k++)
		if (faccessat(fd, busy[k], F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
			(void)close(fd); /* it was read only */
			return -1;
		}
	rc = aside_open(&r, fd);
	(void)close(fd); /* it was read only */
	if (rc == -1)
		return -1;
	(void)snprintf(i->name, sizeof(i->name), "%.47s", name);
	i->head = r.head;
	rc = read_end(i, r.f);
	aside_close(&r);
	return rc;
}

static int
by_time(const void *a, const void *b)
{
	const struct aside_info *x = a, *y = b;

	if (x->head.when_s != y->head.when_s)
		return x->head.when_s < y->head.when_s ? -1 : 1;
	return strcmp(x->name, y->name);
}

struct aside_info *
aside_all(int dfd, unsigned *count)
{
	struct aside_info *all = NULL, one;
	struct dirent *e;
	int fd;
	DIR *d;

	*count = 0;
	fd = openat(dfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd == -1 ? NULL : fdopendir(fd);
	if (d == NULL)
		return NULL;
	while ((e = readdir(d)) != NULL) {
		if (!aside_is_name(e->d_name) ||
		    read_info(&one, dfd, e->d_name) == -1)
			continue;
		all = xrealloc(all, *count + 1, sizeof(*all));
		all[(*count)++] = one;
	}
	(void)closedir(d); /* it was read only */
	if (all != NULL)
		qsort(all, *count, sizeof(*all), by_time);
	return all;
}
