/* SPDX-License-Identifier: ISC */
/* Descriptors in a socket pair: put, drop, and what the next life finds. */
#include "tap.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../bin/mirrord/parcel.h"

struct found {
	unsigned	count;
	uint64_t	sum;
	unsigned	wrong;
};

static int
file(uint64_t oid)
{
	int fd = memfd_create("parcel", 0);

	if (fd == -1 || pwrite(fd, &oid, sizeof(oid), 0) == -1)
		exit(1);
	return fd;
}

static void
on_fd(uint64_t oid, int fd, void *arg)
{
	struct found *f = arg;
	uint64_t inside = 0;

	if (pread(fd, &inside, sizeof(inside), 0) == -1 || inside != oid)
		f->wrong++;
	f->count++;
	f->sum += oid;
	close(fd);
}

int
main(void)
{
	struct keep *k;
	struct parcel *p;
	struct found f = { 0 };
	uint64_t i, refused = 0;
	int fd;

	/* No keepd: it stays with us, which is all that is tested here. */
	setenv("HOLDFAST_ROOT", "/nonexistent", 1);
	k = keep_open("m/mirrord");
	p = parcel_open(k);
	ok(p != NULL, "opened");
	for (i = 1; i <= 5; i++) {
		fd = file(i);
		ok(parcel_put(p, i, fd) == 0, "put %d", (int)i);
		close(fd);
	}
	is_num(parcel_drop(p, 3), 0, "drop one from the middle");
	ok(parcel_drop(p, 3) != 0, "once only");
	is_num(parcel_each(p, on_fd, &f), 4, "four are left");
	is_num(f.sum, 1 + 2 + 4 + 5, "these");
	is_num(f.wrong, 0, "each is its own file");
	is_num(parcel_each(p, on_fd, &f), 4, "and still there after it");
	for (i = 1; i <= 5; i++)
		if (i != 3)
			is_num(parcel_drop(p, i), 0, "drop %d", (int)i);
	is_num(parcel_each(p, on_fd, &f), 0, "empty");
	fd = file(7);
	for (i = 1; i <= 200; i++)
		refused += parcel_put(p, i, fd) != 0;
	ok(refused > 0 && refused < 200, "has a bound (%d of 200 refused)",
	    (int)refused);
	for (i = 1; i <= 200; i++)
		(void)parcel_drop(p, i);
	is_num(parcel_each(p, on_fd, &f), 0, "and can be emptied again");
	parcel_close(p);
	keep_close(k);
	return tap_done();
}
