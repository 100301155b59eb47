/* SPDX-License-Identifier: ISC */
/*
 * What a voter remembers: votes outlive a restart; what was lost, copied,
 * damaged or replaced is another voter, or none.
 */

#include "../../bin/witnessd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../bin/witnessd/slots.h"
#include "log.h"
#include "seal.h"

#include "tap.h"

static char root[] = "/tmp/hf-store.XXXXXX";
static char dir[128];

static const char *
file(const char *name)
{
	static char path[2][256];
	static unsigned i;

	i = !i;
	(void)snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static struct store *
again(struct store *s)
{
	store_close(s);
	s = store_open(dir, 4);
	if (s == NULL) {
		printf("Bail out! %s: %s\n", dir, strerror(errno));
		exit(1);
	}
	return s;
}

static struct ballot
ballot(uint64_t n)
{
	struct ballot b = { .promised = { 0, n, 1 } };

	b.value.epoch = b.promised;
	b.value.primary = 1;
	(void)reg_member_add(&b.value, 1, b.promised);
	return b;
}

static uint64_t
promised(const struct store *s, const char *module)
{
	const struct record *r = store_find(s, "lab", module);

	return r != NULL ? r->ballot.promised.n : 0;
}

static uint64_t
voter(const struct store *s, const char *module)
{
	const struct record *r = store_find(s, "lab", module);

	return r != NULL ? r->voter : store_id(s);
}

static bool
vote(struct store *s, const char *module, uint64_t n)
{
	struct ballot b = ballot(n);

	return store_write(s, "lab", module, &b) == 0;
}

/* Turns a bit of one block of a record. */
static void
damage(const char *name, off_t block)
{
	int fd = open(file(name), O_RDWR);
	uint8_t c = 0;

	if (pread(fd, &c, 1, block * SLOT_LEN + 40) == 1) {
		c ^= 1;
		ok(pwrite(fd, &c, 1, block * SLOT_LEN + 40) == 1,
		    "# a bit of block %d turned", (int)block);
	}
	(void)close(fd);
}

static void
copy(const char *from, const char *to)
{
	uint8_t buf[2 * SLOT_LEN];
	int in = open(from, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ok(read(in, buf, sizeof(buf)) == sizeof(buf) &&
	    write(out, buf, sizeof(buf)) == sizeof(buf), "# %s copied", from);
	(void)close(in);
	(void)close(out);
}

static struct store *
test_restart(void)
{
	struct store *s = again(NULL);
	uint64_t id = store_id(s);
	struct stat st;

	ok(id != 0 && store_count(s) == 0, "a new store is empty");
	ok(store_find(s, "lab", "m") == NULL, "no record before a vote");
	ok(vote(s, "m", 5) && promised(s, "m") == 5, "a vote");
	is_num(voter(s, "m"), id, "by the store's voter");
	ok(stat(file("lab:m"), &st) == 0 && st.st_size == 2 * SLOT_LEN &&
	    st.st_blocks * 512 >= st.st_size, "its file has its full size");
	s = again(s);
	ok(promised(s, "m") == 5 && store_id(s) == id, "a restart keeps it");
	ok(vote(s, "m", 6) && vote(s, "m", 7) && vote(s, "m2", 3) &&
	    store_count(s) == 2, "more votes");
	s = again(s);
	ok(promised(s, "m") == 7 && promised(s, "m2") == 3 &&
	    voter(s, "m") == id && voter(s, "m2") == id, "kept, too");
	ok(vote(s, "m3", 1) && vote(s, "m4", 1) && !vote(s, "m5", 1) &&
	    strstr(store_why(s), "4 modules") != NULL,
	    "no more records than allowed: %s", store_why(s));
	ok(vote(s, "m", 8), "those that are there are voted for");
	return s;
}

static struct store *
test_damage(struct store *s)
{
	uint64_t id = store_id(s), other;

	damage("lab:m", 0);
	s = again(s);
	other = voter(s, "m");
	ok(other != id, "one bad block: another voter for that module");
	ok(promised(s, "m") == 8 || promised(s, "m") == 7,
	    "with what the good one has");
	is_num(voter(s, "m2"), id, "not for others");
	s = again(s);
	is_num(voter(s, "m"), other, "and stays it");
	ok(vote(s, "m", 9), "it votes");
	damage("lab:m", 0);
	damage("lab:m", 1);
	s = again(s);
	ok(store_find(s, "lab", "m")->state == RECORD_UNREADABLE &&
	    !vote(s, "m", 10), "both bad: no vote: %s", store_why(s));
	ok(vote(s, "m2", 4), "others vote");
	is_num(store_forget(s, "lab", "nobody"), -1, "nothing to forget: %s",
	    store_why(s));
	is_num(store_forget(s, "lab", "m"), 0, "forgotten by command");
	ok(promised(s, "m") == 0 && voter(s, "m") != other &&
	    voter(s, "m") != id, "it is empty and another voter");
	other = voter(s, "m");
	ok(vote(s, "m", 11), "and votes");
	s = again(s);
	ok(promised(s, "m") == 11 && voter(s, "m") == other, "durably");
	return s;
}

static struct store *
test_loss(struct store *s)
{
	uint64_t id = store_id(s);

	copy(file("lab:m2"), file("saved"));
	(void)unlink(file("lab:m2"));
	ok(!vote(s, "m2", 5), "its file is taken away: no vote: %s",
	    store_why(s));
	s = again(s);
	ok(store_find(s, "lab", "m2") == NULL && store_id(s) != id,
	    "a record is gone: what has none is another voter");
	is_num(voter(s, "m3"), id, "what has one is the same");
	id = store_id(s);
	(void)rename(file("saved"), file("lab:m2"));
	s = again(s);
	ok(store_find(s, "lab", "m2") == NULL && store_id(s) != id &&
	    access(file("aside/lab:m2"), F_OK) == 0,
	    "an old copy is put back: set aside, another voter");
	id = store_id(s);
	copy(file("lab:m3"), file("lab:m9"));
	s = again(s);
	ok(store_find(s, "lab", "m9") == NULL && store_id(s) != id,
	    "a record under another name is set aside");
	id = store_id(s);
	(void)unlink(file("id"));
	s = again(s);
	ok(store_id(s) != id && voter(s, "m3") != store_id(s) &&
	    promised(s, "m3") == 1, "id gone: records are what they were");
	id = store_id(s);
	damage("id", 0);
	s = again(s);
	ok(store_id(s) != id, "id damaged: another voter");
	return s;
}

static void
test_machine(struct store *s)
{
	uint64_t id = store_id(s);
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/etc/machine-id", root);
	f = fopen(path, "w");
	fprintf(f, "0123456789abcdef0123456789abcdef\n");
	(void)fclose(f);
	s = again(s);
	ok(store_count(s) == 0 && store_id(s) != id,
	    "the disk in another machine is an empty store, another voter");
	ok(vote(s, "m", 1), "that votes");
	store_close(s);
}

int
main(void)
{
	char path[128];
	int rc;

	log_init("voter-store", false);
	if (freopen("/dev/null", "w", stderr) == NULL ||
	    mkdtemp(root) == NULL)
		return 1;
	(void)setenv("HOLDFAST_ROOT", root, 1);
	(void)snprintf(dir, sizeof(dir), "%s/store", root);
	(void)snprintf(path, sizeof(path), "%s/etc", root);
	(void)mkdir(path, 0755);
	seal_init();
	test_machine(test_loss(test_damage(test_restart())));
	rc = tap_done();
	(void)fflush(stdout);
	(void)execl("/bin/sh", "sh", "-c", "rm -rf \"$0\"; exit \"$1\"", root,
	    rc == 0 ? "0" : "1", (char *)NULL);
	return 1;
}
