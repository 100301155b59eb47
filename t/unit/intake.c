/* SPDX-License-Identifier: ISC */
/*
 * What a killed life leaves in the slots, and what the next one is handed.
 * A sequenced socket stands in for /dev/fuse; a child process dies at each
 * stage of a request.
 */
#include "tap.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../bin/mirrord/fuse.h"
#include "../../bin/mirrord/intake.h"

enum stage { FETCHED, INTENT, DONE, ALL };

struct seen {
	unsigned	 count;
	uint32_t	 state;
	uint64_t	 unique;
	uint64_t	 obj;
	int		 error;
	char		 reply[16];
};

struct life {
	enum stage	 die_at;
	struct seen	 seen;
};

static void
serve(struct slot *s, void *data, size_t len, void *arg)
{
	const struct fuse_in_header *h = data;
	struct evidence ev = { .obj = 4711 };
	struct life *l = arg;

	(void)len;
	l->seen.count++;
	l->seen.state = s->state;
	l->seen.unique = h->unique;
	l->seen.obj = s->ev.obj;
	l->seen.error = s->error;
	memcpy(l->seen.reply, s->reply, sizeof(l->seen.reply));
	if (l->die_at == FETCHED)
		_exit(0);
	slot_intent(s, &ev);
	if (l->die_at == INTENT)
		_exit(0);
	slot_done(s, -17, "answer", 7);
	if (l->die_at == DONE)
		_exit(0);
}

static bool
may_wait(const void *data, size_t len)
{
	(void)data;
	(void)len;
	return false;
}

static const struct intake_calls calls = { serve, may_wait };

/* One request, in a child that dies at that stage. */
static void
die_at(void *memory, int memfd, enum stage stage, uint64_t unique)
{
	struct fuse_in_header h = { .len = sizeof(h), .opcode = FUSE_STATFS,
	    .unique = unique };
	struct life l = { .die_at = stage };
	struct intake *in;
	int sv[2], status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == -1)
		exit(1);
	pid = fork();
	if (pid == 0) {
		close(sv[1]);
		in = intake_new(memory, intake_size(), memfd, sv[0], &calls,
		    &l);
		intake_start(in);
		sleep(10);	/* a worker ends this */
		_exit(1);
	}
	close(sv[0]);
	if (write(sv[1], &h, sizeof(h)) == -1)
		exit(1);
	waitpid(pid, &status, 0);
	close(sv[1]);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "stage %d: the first life took the request", (int)stage);
}

static void
test_stage(void *memory, int memfd, enum stage stage, uint32_t want)
{
	struct life l = { .die_at = ALL };
	struct intake_found found;
	struct intake *in;

	die_at(memory, memfd, stage, 100 + stage);
	in = intake_new(memory, intake_size(), memfd, -1, &calls, &l);
	ok(in != NULL, "stage %d: memory is taken up", (int)stage);
	found = intake_recover(in);
	is_num(found.answered, stage == DONE, "stage %d: answered",
	    (int)stage);
	is_num(found.begun, stage == INTENT, "stage %d: begun", (int)stage);
	is_num(found.fetched, stage == FETCHED, "stage %d: fetched",
	    (int)stage);
	is_num(l.seen.unique, 100 + stage, "stage %d: it is that one",
	    (int)stage);
	is_num(l.seen.state, want, "stage %d: its state", (int)stage);
	if (stage != FETCHED)
		is_num(l.seen.obj, 4711, "stage %d: evidence", (int)stage);
	if (stage == DONE) {
		is_num(l.seen.error, -17, "the result is there");
		is_str(l.seen.reply, "answer", "and its reply");
	}
	found = intake_recover(in);
	is_num(found.answered + found.begun + found.fetched, 0,
	    "stage %d: once only", (int)stage);
	intake_free(in);
}

int
main(void)
{
	int memfd = memfd_create("intake", MFD_CLOEXEC);
	void *memory;

	if (ftruncate(memfd, (off_t)intake_size()) == -1)
		return 1;
	memory = mmap(NULL, intake_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
	    memfd, 0);
	if (memory == MAP_FAILED)
		return 1;
	test_stage(memory, memfd, FETCHED, SLOT_FETCHED);
	test_stage(memory, memfd, INTENT, SLOT_INTENT);
	test_stage(memory, memfd, DONE, SLOT_DONE);
	memset(memory, 0x55, 8);
	ok(intake_new(memory, intake_size(), memfd, -1, &calls, NULL) == NULL,
	    "foreign memory is refused");
	return tap_done();
}
