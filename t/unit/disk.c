/* SPDX-License-Identifier: ISC */
/* What is said of disks, and what of them travels in a line. */
#include <string.h>

#include "disk.h"
#include "tap.h"

#define GIB	((uint64_t)1 << 30)
#define DAY	86400

static struct disks own, peer;
static struct disk_side here = { "n1", &own, true, false };
static struct disk_side there = { "n2", &peer, false, false };
static char said[4096];

static void
warn(const char *code, const char *text, const char *command, void *arg)
{
	size_t len = strlen(said);

	(void)arg;
	(void)command;
	(void)snprintf(said + len, sizeof(said) - len, "%s[%s] %s", len > 0 ?
	    "\n" : "", code, text);
}

static void
set(struct disks *d, uint64_t total, uint64_t avail, int64_t full_in_s)
{
	memset(d, 0, sizeof(*d));
	d->count = 1;
	d->disk[0] = (struct disk){ .dir = "/srv/data", .total = total,
	    .avail = avail, .files = 1000, .files_avail = 900,
	    .full_in_s = full_in_s };
}

static const char *
warnings(void)
{
	said[0] = '\0';
	disks_warn(&here, &there, warn, NULL);
	return said;
}

static void
test_full(void)
{
	set(&own, 20 * GIB, 10 * GIB, -1);
	set(&peer, 20 * GIB, 10 * GIB, -1);
	is_str(warnings(), "", "all is well");
	there.is_down = true;
	is_str(warnings(), "[disk-failed] n2: the disk of the module's "
	    "directories fails or does not answer: look into the kernel's log",
	    "the other one's disk fails");
	there.is_down = false;
	set(&own, 20 * GIB, 0, 0);
	is_str(warnings(), "[disk-full] n1: /srv/data is full (0 B of "
	    "20.0 GiB left): writes of the application fail; remove files or "
	    "grow the filesystem", "the primary is full");
	set(&own, 20 * GIB, 20 * GIB / 1001, 0);
	ok(strstr(warnings(), "[disk-full] n1") != NULL, "as good as full");
	set(&own, 20 * GIB, 10 * GIB, -1);
	own.disk[0].files_avail = 0;
	ok(strstr(warnings(), "full (no inodes, 10.0 GiB") != NULL, "%s", said);
	own.disk[0].files = 0;
	is_str(warnings(), "", "a filesystem without a limit of inodes");
	set(&peer, 20 * GIB, 0, 0);
	ok(strstr(warnings(), "n2: /srv/data is full (0 B of 20.0 GiB "
	    "left): writes of the primary cannot be applied") != NULL, "%s",
	    said);
}

static void
test_filling(void)
{
	set(&own, 20 * GIB, 10 * GIB, -1);
	set(&peer, 20 * GIB, 3 * GIB, 3 * DAY);
	is_str(warnings(), "[disk-filling] n2: /srv/data is full in about 3 "
	    "days (3.0 GiB left)", "three days before");
	peer.disk[0].full_in_s = 5 * 3600;
	ok(strstr(warnings(), "in about 5 hours") != NULL, "five hours");
	peer.disk[0].full_in_s = 60;
	ok(strstr(warnings(), "in about an hour") != NULL, "now");
	peer.disk[0].full_in_s = 8 * DAY;
	is_str(warnings(), "", "in a week there are other worries");
	set(&peer, 20 * GIB, GIB / 2, -1);
	ok(strstr(warnings(), "[disk-filling] n2: /srv/data is 98% full") !=
	    NULL, "little is left: %s", said);
	set(&own, 10000 * GIB, 400 * GIB, -1);
	set(&peer, 10000 * GIB, 400 * GIB, -1);
	is_str(warnings(), "", "a twentieth of much is much");
}

static void
test_smaller(void)
{
	set(&own, 40 * GIB, 30 * GIB, -1);
	set(&peer, 20 * GIB, 10 * GIB, -1);
	is_str(warnings(), "[disk-smaller] n2: /srv/data is on 20.0 GiB, on "
	    "n1 on 40.0 GiB: it will be full first", "a smaller secondary");
	set(&own, 40 * GIB, 15 * GIB, -1);
	ok(strstr(warnings(), "cannot hold what is there") != NULL,
	    "one that is too small");
	here.is_prim = false;
	is_str(warnings(), "", "without a primary nothing is smaller");
	there.is_prim = true;
	is_str(warnings(), "", "a smaller primary is no matter");
	set(&own, 10 * GIB, 5 * GIB, -1);
	ok(strstr(warnings(), "n1: /srv/data is on 10.0 GiB, on n2") != NULL,
	    "seen from the secondary: %s", said);
	set(&own, 39 * GIB / 2, 15 * GIB, -1);
	is_str(warnings(), "", "nearly the same size");
	here.is_prim = true;
	there.is_prim = false;
}

static void
test_line(void)
{
	struct line_out o;
	struct disks d;
	struct line l;
	const char *why;
	const char bad[] = "fact space=x space=\"1 2 3 4 5 /a\" "
	    "space=\"9 2 3 4 -1 relative\" space=\"9 2 3 4 -1 /a b\"";

	set(&own, 20 * GIB, 10 * GIB, 77);
	own.count = 2;
	own.disk[1] = own.disk[0];
	(void)snprintf(own.disk[1].dir, DISK_DIR, "/srv/with blank\"s");
	line_begin(&o, "fact");
	disks_put(&o, &own);
	ok(line_end(&o), "a line");
	is_num(line_parse(&l, o.text, o.len - 1, &why), 0, "is parsed");
	disks_take(&d, &l);
	ok(memcmp(&d, &own, sizeof(d.disk[0]) * 2) == 0 && d.count == 2,
	    "and is the same");
	is_num(line_parse(&l, bad, strlen(bad), &why), 0, "broken ones");
	disks_take(&d, &l);
	is_num(d.count, 1, "are left out");
	is_str(d.disk[0].dir, "/a b", "the good one is taken");
	is_num(disk_used(&d.disk[0]), 78, "per cent, rounded up");
	is_num(disk_inodes_used(&d.disk[0]), 0, "more free than there are");
}

int
main(void)
{
	test_full();
	test_filling();
	test_smaller();
	test_line();
	return tap_done();
}
