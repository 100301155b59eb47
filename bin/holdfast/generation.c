/* SPDX-License-Identifier: ISC */
/*
 * Writes, activates and prunes the generations of a module's configuration.
 * Daemons read only what `active' names.
 */
#include "generation.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "config-value.h"
#include "files.h"
#include "log.h"
#include "paths.h"
#include "seal.h"
#include "statefile.h"
#include "xalloc.h"

#define FILE_MAX	(4 * 1024 * 1024)
#define DIGEST_LEN	16

long
generation_active(const char *module)
{
	char path[PATH_LEN], target[64];
	ssize_t n = readlink(path_state(path, "%s/config/active", module),
	    target, sizeof(target) - 1);
	int64_t number;

	if (n <= 0)
		return 0;
	target[n] = '\0';
	return value_int(&number, target) == 0 && number > 0 ?
	    (long)number : 0;
}

/* Calls for each generation there is; a directory `N.new' is none. */
static void
each_generation(const char *module, void (*call)(long n, void *arg),
    void *arg)
{
	char path[PATH_LEN];
	DIR *dir = opendir(path_state(path, "%s/config", module));
	struct dirent *d;
	int64_t n;

	if (dir == NULL)
		return;
	while ((d = readdir(dir)) != NULL)
		if (value_int(&n, d->d_name) == 0 && n > 0)
			call((long)n, arg);
	(void)closedir(dir);	/* read only */
}

struct best {
	long	below;
	long	found;
};

static void
take_best(long n, void *arg)
{
	struct best *b = arg;

	if (n < b->below && n > b->found)
		b->found = n;
}

long
generation_before(const char *module, long below)
{
	struct best b = { .below = below };

	each_generation(module, take_best, &b);
	return b.found;
}

static int
write_files(const char *dir, const struct generation_file *files,
    size_t count)
{
	char path[PATH_LEN];
	size_t i;

	for (i = 0; i < count; i++) {
		if (files[i].text == NULL)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir,
		    files[i].name) >= (int)sizeof(path)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (file_write_sync(path, files[i].text,
		    strlen(files[i].text), 0644) == -1)
			return -1;
	}
	return 0;
}

long
generation_write(const char *module, const struct generation_file *files,
    size_t count, const char *bin)
{
	char parent[PATH_LEN], dir[PATH_LEN], final[PATH_LEN], sub[PATH_LEN];
	long n = generation_before(module, 2000000000) + 1;

	path_state(parent, "%s/config", module);
	path_state(dir, "%s/config/%ld.new", module, n);
	path_state(sub, "%s/config/%ld.new/bin", module, n);
	path_state(final, "%s/config/%ld", module, n);
	if (tree_remove(dir) == -1 || path_mkdirs(dir, 0755) == -1 ||
	    write_files(dir, files, count) == -1 ||
	    tree_copy(bin, sub) == -1 || dir_sync(dir) == -1 ||
	    rename(dir, final) == -1 || dir_sync(parent) == -1) {
		int saved = errno;

		(void)tree_remove(dir);	/* best effort: it is not active */
		errno = saved;
		return -1;
	}
	return n;
}

int
generation_activate(const char *module, long number)
{
	char parent[PATH_LEN], link[PATH_LEN], aside[PATH_LEN], name[32];

	path_state(parent, "%s/config", module);
	path_state(link, "%s/config/active", module);
	path_state(aside, "%s/config/active.new", module);
	snprintf(name, sizeof(name), "%ld", number);
	if (unlink(aside) == -1 && errno != ENOENT)
		return -1;
	if (symlink(name, aside) == -1 || rename(aside, link) == -1)
		return -1;
	return dir_sync(parent);
}

struct prune {
	const char	*module;
	long		 active;
	long		 oldest;
};

static void
prune_one(long n, void *arg)
{
	struct prune *p = arg;
	char path[PATH_LEN];

	if (n >= p->oldest || n == p->active)
		return;
	if (tree_remove(path_state(path, "%s/config/%ld", p->module, n)) ==
	    -1)
		log_warn("%s: cannot be removed", path);
}

void
generation_prune(const char *module)
{
	struct prune p = { module, generation_active(module), 2000000000 };
	int i;

	for (i = 0; i < GENERATION_KEEP; i++)
		p.oldest = generation_before(module, p.oldest);
	if (p.oldest > 0)
		each_generation(module, prune_one, &p);
}

char *
generation_read(const char *module, long number, const char *name)
{
	char path[PATH_LEN];
	size_t len;

	return statefile_read(path_state(path, "%s/config/%ld/%s", module,
	    number, name), FILE_MAX, &len);
}

static void
hash_string(crypto_generichash_state *h, const char *s, size_t len)
{
	unsigned char n[8];
	size_t v = len;
	int i;

	/* Length first: "ab" + "c" is not "a" + "bc". */
	for (i = 7; i >= 0; i--, v >>= 8)
		n[i] = (unsigned char)(v & 0xff);
	crypto_generichash_update(h, n, sizeof(n));
	crypto_generichash_update(h, (const unsigned char *)s, len);
}

static int
hash_file(const char *rel, const char *path, void *arg)
{
	size_t len;
	char *data = statefile_read(path, FILE_MAX, &len);
	struct stat st;

	if (data == NULL || stat(path, &st) == -1) {
		free(data);
		return -1;
	}
	hash_string(arg, rel, strlen(rel));
	hash_string(arg, st.st_mode & 0111 ? "x" : "-", 1);
	hash_string(arg, data, len);
	free(data);
	return 0;
}

bool
generation_has(const char *module, const char *name)
{
	char *text = generation_read(module, generation_active(module), name);

	free(text);
	return text != NULL;
}

char *
generation_digest(const char *safeconf, const char *bin)
{
	crypto_generichash_state h;
	unsigned char out[DIGEST_LEN];
	char *hex;

	seal_init();
	crypto_generichash_init(&h, NULL, 0, DIGEST_LEN);
	hash_string(&h, safeconf, strlen(safeconf));
	if (tree_each(bin, hash_file, &h) == -1 && errno != ENOENT)
		return NULL;
	crypto_generichash_final(&h, out, DIGEST_LEN);
	hex = xcalloc(1, 2 * DIGEST_LEN + 1);
	sodium_bin2hex(hex, 2 * DIGEST_LEN + 1, out, DIGEST_LEN);
	return hex;
}
