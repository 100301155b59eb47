/* SPDX-License-Identifier: ISC */
/* LIST of a set-aside: any byte in a path, and what is not a LIST. */
#include <errno.h>
#include <sys/stat.h>

#include "../../libcommon/asidelist.h"
#include "scratch.h"
#include "tap.h"

static const struct aside_head head = { .epoch = "0.5.1",
    .when_s = 1764364000, .lost_to = "n2", .lost_epoch = "1.6.2",
    .by = "log" };

static const struct {
	enum aside_change change;
	enum aside_kind	 kind;
	uint64_t	 bytes;
	const char	*path;
} row[] = {
	{ AC_NEW, AO_FILE, 12345678901234u, "a" },
	{ AC_CHANGED, AO_FILE, 0, "a b/ c " },
	{ AC_RENAMED, AO_DIR, 0, "new\nline\ttab\\back\\\\" },
	{ AC_DELETED, AO_NONE, 0, "\x01\x7f\xff\xc3\xa4 end 3 4" },
	{ AC_CHANGED, AO_LINK, 0, "end" },
	{ AC_NAMELESS, AO_OTHER, 0, "\\101" },
};
#define ROWS (sizeof(row) / sizeof(row[0]))

static void
put(int fd, const char *text)
{
	int f = openat(fd, ASIDE_LIST, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (f == -1 || write(f, text, strlen(text)) == -1 || close(f) == -1)
		perror(ASIDE_LIST);
}

static void
test_round_trip(int fd)
{
	struct aside_reader r;
	struct aside_entry e;
	unsigned i;
	FILE *f;

	f = fdopen(openat(fd, ASIDE_LIST, O_WRONLY | O_CREAT | O_TRUNC,
	    0600), "w");
	ok(f != NULL && aside_put_head(f, &head) == 0, "the head is written");
	for (i = 0; i < ROWS; i++) {
		e = (struct aside_entry){ row[i].change, row[i].kind,
		    row[i].bytes, strdup(row[i].path) };
		if (aside_put_entry(f, &e) != 0)
			printf("# row %u\n", i);
		free(e.path);
	}
	ok(aside_put_end(f, ROWS, 99) == 0 && fclose(f) == 0, "and the end");
	ok(aside_open(&r, fd) == 0, "it is read");
	is_str(r.head.epoch, head.epoch, "epoch");
	is_str(r.head.lost_to, head.lost_to, "lost to");
	is_str(r.head.lost_epoch, head.lost_epoch, "in epoch");
	is_str(r.head.by, head.by, "by");
	is_num(r.head.when_s, head.when_s, "when");
	for (i = 0; i < ROWS; i++)
		ok(aside_next(&r, &e) == 1 && e.change == row[i].change &&
		    e.kind == row[i].kind && e.bytes == row[i].bytes &&
		    strcmp(e.path, row[i].path) == 0, "row %u", i);
	ok(aside_next(&r, &e) == 0 && r.ended, "the end");
	aside_close(&r);
}

static void
test_refused(int fd)
{
	static const char good[] = "holdfast-diverged 1\nepoch 0.5.1\n"
	    "when 5\nlost-to n2 0.6.2\nby log\n";
	static const char *const bad[] = { "", "holdfast-diverged 2\n",
	    "holdfast-diverged 1\nepoch 0.5.1\nwhen x\n",
	    "holdfast-diverged 1" };
	static const char *const rows[] = { "", "end 3", "new file 3\n",
	    "new file x a\n", "odd file 3 a\n", "new odd 3 a\n",
	    "new file 3 \\1\n", "new file 3 a" };
	struct aside_reader r;
	struct aside_entry e;
	char text[512];
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(fd, bad[i]);
		ok(aside_open(&r, fd) == -1 && errno == EPROTO,
		    "not a LIST %u", i);
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", good, rows[i]);
		put(fd, text);
		ok(aside_open(&r, fd) == 0 && aside_next(&r, &e) == -1,
		    "not a row %u", i);
		aside_close(&r);
	}
}

static void
make(int fd, const char *name, const char *text, const char *mark)
{
	int sub;

	if (mkdirat(fd, name, 0700) == -1)
		perror(name);
	sub = openat(fd, name, O_RDONLY | O_DIRECTORY);
	put(sub, text);
	if (mark != NULL && mkdirat(sub, mark, 0700) == -1)
		perror(mark);
	close(sub);
}

static void
test_all(int fd)
{
	static const char text[] = "holdfast-diverged 1\nepoch 0.5.1\n"
	    "when %d\nlost-to n2 0.6.2\nby log\nnew file 7 a\nend 1 7\n";
	static const char *const dir[] = { "0.5.1-2", "0.5.1", "0.6.1",
	    "0.7.1", "x" };
	struct aside_info *all;
	char old[512], new[512];
	unsigned count, i;

	snprintf(old, sizeof(old), text, 5);
	snprintf(new, sizeof(new), text, 9);
	make(fd, "0.5.1-2", new, NULL);
	make(fd, "0.5.1", old, NULL);
	make(fd, "0.6.1", old, "HELD");
	make(fd, "0.7.1", "half", NULL);
	make(fd, "x", old, NULL);
	all = aside_all(fd, &count);
	ok(count == 2 && strcmp(all[0].name, "0.5.1") == 0 &&
	    strcmp(all[1].name, "0.5.1-2") == 0,
	    "the complete ones, the oldest first");
	ok(all[0].entries == 1 && all[0].bytes == 7, "with their totals");
	free(all);
	for (i = 0; i < 5; i++) {
		snprintf(old, sizeof(old), "%s/HELD", dir[i]);
		(void)unlinkat(fd, old, AT_REMOVEDIR);
		snprintf(old, sizeof(old), "%s/LIST", dir[i]);
		(void)unlinkat(fd, old, 0);
		(void)unlinkat(fd, dir[i], AT_REMOVEDIR);
	}
	ok(aside_is_name("0.5.1") && aside_is_name("2.17.3-12"), "names");
	ok(!aside_is_name("0.5") && !aside_is_name("0.5.1-") &&
	    !aside_is_name("0.5.1-x") && !aside_is_name("..") &&
	    !aside_is_name("0.5.1/.."), "and what is none");
}

static void
test_path(void)
{
	static const struct {
		const char *path, *text;
	} t[] = {
		{ "a b", "a b" }, { "a\nb\\", "a\\012b\\134" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7",
		    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7" },
		{ "\xe9t\xe9", "\\351t\\351" }, { "\xc2\x9b", "\\302\\233" },
		{ "\xed\xa0\x80", "\\355\\240\\200" },
		{ "\xe2\x82", "\\342\\202" }, { "\xff", "\\377" },
		{ "\xc0\xaf", "\\300\\257" },
	};
	size_t i;
	char *p;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		p = aside_path_text(t[i].path);
		is_str(p, t[i].text, "text %zu", i);
		ok(aside_path_parse(p) == 0 && strcmp(p, t[i].path) == 0,
		    "and back");
		free(p);
	}
}

int
main(void)
{
	int fd = scratch_up();

	test_round_trip(fd);
	test_refused(fd);
	test_all(fd);
	scratch_down(fd);
	test_path();
	return tap_done();
}
