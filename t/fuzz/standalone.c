/* SPDX-License-Identifier: ISC */
/*
 * Stands in for libFuzzer in `make check': runs every file of the fuzzer's
 * corpus, t/fuzz/corpus/NAME, and a bounded number of seeded mutations of
 * each.  A crash or a sanitizer's report is the failure.
 */

#include <dirent.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define INPUT_MAX	65536
#ifndef MUTATIONS
#define MUTATIONS	3000
#endif

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
mutate(uint8_t *p, size_t len)
{
	int times = (int)(random() % 6) + 1;

	for (int i = 0; i < times && len > 0; i++) {
		size_t at = (size_t)random() % len;

		switch (random() % 5) {
		case 0:
			p[at] ^= (uint8_t)(1 << random() % 8);
			break;
		case 1:
			p[at] = (uint8_t)random();
			break;
		case 2:
			p[at] = 0xff;
			break;
		case 3:
			len = at;
			break;
		case 4:
			if (len * 2 < INPUT_MAX) {
				memcpy(p + len, p + at, len - at);
				len += len - at;
			}
			break;
		}
	}
	return len;
}

static void
run_file(const char *path)
{
	static uint8_t seed[INPUT_MAX];
	FILE *f = fopen(path, "r");
	size_t len;

	if (f == NULL)
		return;
	len = fread(seed, 1, sizeof(seed), f);
	(void)fclose(f);
	for (int i = 0; i < MUTATIONS; i++) {
		/* Its own block, so that a read past its end is seen. */
		uint8_t *copy = malloc(INPUT_MAX), *exact;
		size_t n = len;

		memcpy(copy, seed, len);
		if (i > 0)
			n = mutate(copy, n);
		exact = malloc(n > 0 ? n : 1);
		memcpy(exact, copy, n);
		(void)LLVMFuzzerTestOneInput(exact, n);
		free(exact);
		free(copy);
	}
}

int
main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	char path[1024];
	struct dirent *e;
	unsigned files = 0;
	DIR *d;

	(void)argc;
	srandom(1);
	log_init("fuzz", false);
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/t/fuzz/corpus/%s",
	    top != NULL ? top : ".", basename(argv[0]));
	d = opendir(path);
	if (d == NULL) {
		printf("1..1\nnot ok 1 - no corpus in %s\n", path);
		return 1;
	}
	while ((e = readdir(d)) != NULL) {
		char file[2048];

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		run_file(file);
		files++;
	}
	(void)closedir(d);
	printf("1..1\n%sok 1 - %u inputs, %d mutations each\n",
	    files > 0 ? "" : "not ", files, MUTATIONS);
	return files == 0;
}
