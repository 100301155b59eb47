/* SPDX-License-Identifier: ISC */
/* Counts of what the kernel knows, over two lives. */
#include "tap.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "../../bin/mirrord/lookup.h"

int
main(void)
{
	void *memory = mmap(NULL, lookup_size(), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct lookup *l;
	uint64_t i, wrong = 0;

	if (memory == MAP_FAILED)
		return 1;
	l = lookup_open(memory, lookup_size());
	ok(l != NULL, "empty memory");
	lookup_add(l, 7, 1);
	lookup_add(l, 7, 2);
	is_num(lookup_count(l, 7), 3, "counts add up");
	is_num(lookup_forget(l, 7, 1), 2, "forget says what is left");
	lookup_close(l);
	l = lookup_open(memory, lookup_size());
	is_num(lookup_count(l, 7), 2, "the next life knows them");
	is_num(lookup_forget(l, 7, 5), 0, "too much forgotten is none");
	is_num(lookup_count(l, 7), 0, "gone");
	for (i = 1; i <= 100000; i++)
		lookup_add(l, i * 65536, i);
	for (i = 1; i <= 100000; i += 2)
		wrong += lookup_forget(l, i * 65536, i) != 0;
	for (i = 2; i <= 100000; i += 2)
		wrong += lookup_count(l, i * 65536) != i;
	is_num(wrong, 0, "many, half of them forgotten");
	lookup_clear(l);
	is_num(lookup_count(l, 2 * 65536), 0, "cleared");
	lookup_close(l);
	memset(memory, 0xff, 8);
	ok(lookup_open(memory, lookup_size()) == NULL, "foreign memory");
	return tap_done();
}
