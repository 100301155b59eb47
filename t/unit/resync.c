/* SPDX-License-Identifier: ISC */
/*
 * Two nodes in one process with a link of two queues: random trees, random
 * changes while the resync runs, cut links, restarts of either node from
 * its durable state, takeovers with remains of the crashed primary.  At the
 * end of each reunion both trees must be equal.  The seed is printed; a
 * second argument sets the number of rounds.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "resync-pair.h"
#include "tap.h"

static void
check_equal(const char *what, unsigned round)
{
	ok(trees_differ(N[0].tree.data, N[1].tree.data) == 0 &&
	    stage_count(source()->peer->tree.data) == 0,
	    "round %u: equal after %s (%s, %u passes, %llu files, %llu KiB "
	    "sent, freeze %lld ms)", round, what,
	    meet_verdict_str(last_verdict), last_status.passes,
	    (unsigned long long)last_status.files,
	    (unsigned long long)last_status.sent_bytes / 1024,
	    (long long)last_status.freeze_ms);
}

/* A reunion under load, with `cuts' broken tries and restarts before it. */
static void
reunion(unsigned cuts, const char *what, unsigned round)
{
	struct node *s = source();
	pthread_t app;
	unsigned i;
	bool done = false;

	app_start(&app, rnd(1u << 30));
	for (i = 0; i < cuts; i++) {
		atomic_store(&s->cut_after, 1 + (long)rnd(rnd(3) ? 60 : 600));
		if (reunite(true)) {
			done = true;
			break;
		}
		app_end(app);
		if (rnd(2))
			node_restart(s->peer);
		if (rnd(2)) {
			node_restart(s);
			go_alone(s);
		} else if (atomic_load(&s->stream.both)) {
			go_alone(s);
		} else {
			struct gen g;

			gen_read(s->gen, &g);
			if (!g.alone)
				go_alone(s);
		}
		app_start(&app, rnd(1u << 30));
	}
	atomic_store(&s->cut_after, 1L << 40);
	for (i = 0; i < 3 && !done; i++)
		done = reunite(true);
	app_end(app);
	if (!ok(done, "round %u: level after %s", round, what)) {
		printf("# %s\n", last_status.error);
		return;
	}
	drain();
	check_equal(what, round);
}

/* As the role machine does: begun, and confirmed when all is applied. */
static void
checkpoints(unsigned count)
{
	struct node *s = source();
	uint64_t seq;

	while (count-- > 0 && atomic_load(&s->stream.both)) {
		some_changes(10);
		seq = s->stream.seq;
		change_checkpoint_begin(s->change, seq);
		some_changes(rnd(20));
		drain();
		change_checkpoint_done(s->change, seq);
	}
}

/* The primary dies: what it had in hand is on its disk only. */
static void
takeover(void)
{
	struct node *p = source(), *s = p->peer;

	link_down();
	/* Acknowledged by nobody: remains that must vanish. */
	some_changes(30);
	node_restart(p);
	node_restart(s);
	go_alone(s);
}

/* Both nodes at once lose their processes at a durable step. */
static const int step[] = { 1, 26, 30, 31, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45 };
#define STEPS (sizeof(step) / sizeof(step[0]))

/* Level, then a takeover, then a reunion that is killed. */
static void
step_child(int number)
{
	pthread_t app;
	char env[32];

	both_open();
	go_alone(source());
	if (!reunite(true))
		_exit(4);
	some_changes(40);
	drain();
	takeover();
	some_changes(60);
	/* Some are passed once only. */
	snprintf(env, sizeof(env), "%d:%u", number,
	    number >= 37 && number <= 40 ? 1 + rnd(3) : 1);
	setenv("HOLDFAST_FAIL", env, 1);
	fail_init("mirrord");
	app_start(&app, rnd(1u << 30));
	(void)reunite(true);
	(void)change_flush(source()->change);
	_exit(0);
}

static void
test_steps(void)
{
	unsigned i, killed = 0;
	int status;
	pid_t pid;

	if (!fail_is_built()) {
		ok(true, "steps # SKIP needs --enable-failpoints");
		return;
	}
	both_close();
	for (i = 0; i < STEPS; i++) {
		fflush(stdout);
		(void)rnd(2); /* another life for each child */
		pid = fork();
		if (pid == 0)
			step_child(step[i]);
		(void)waitpid(pid, &status, 0);
		killed += WIFSIGNALED(status);
		if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
			printf("# step %d: exit %d\n", step[i],
			    WEXITSTATUS(status));
		/* The takeover was before it; ids are never given again. */
		N[0].next_oid += 4u << 21;
		N[1].next_oid += 4u << 21;
		N[0].primary = !N[0].primary;
		N[1].primary = !N[1].primary;
		both_open();
		go_alone(source());
		ok(reunite(true), "step %d: level", step[i]);
		drain();
		check_equal("a crash of both", (unsigned)step[i]);
		link_down();
		both_close();
	}
	ok(killed >= STEPS - 3, "%u of %zu steps were reached", killed,
	    STEPS);
	both_open();
}

static void
second_lost(void)
{
	struct node *p = source();

	link_down();
	go_alone(p);
	node_restart(p->peer);
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 6;
	unsigned i, k;
	uint64_t seed;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	printf("# seed %llu\n", (unsigned long long)seed);
	rnd_seed(seed);
	app_init();
	for (i = 0; i < 2; i++) {
		if (!node_up(&N[i], (uint8_t)(i + 1)))
			return tree_skip();
		N[i].peer = &N[1 - i];
	}
	umask(0);
	/* What was there before us has no ids. */
	(void)mkdirat(N[0].tree.fd, "n5", 0755);
	(void)close(openat(N[0].tree.fd, "n5/n6", O_CREAT | O_RDWR, 0640));
	if (symlinkat("n6", N[0].tree.fd, "n5/n7") == -1)
		printf("# symlink: %s\n", strerror(errno));
	go_alone(&N[0]);
	some_changes(400);
	/* The other node's directory is not empty. */
	(void)mkdirat(N[1].tree.fd, "n1", 0700);
	(void)close(openat(N[1].tree.fd, "n1/n2", O_CREAT | O_RDWR, 0600));
	(void)close(openat(N[1].tree.fd, "n3", O_CREAT | O_RDWR, 0600));
	reunion(0, "first copy", 0);
	for (k = 1; k <= rounds; k++) {
		some_changes(rnd(150));
		checkpoints(rnd(6));
		some_changes(rnd(50));
		switch (rnd(3)) {
		case 0:
			takeover();
			break;
		default:
			second_lost();
			break;
		}
		some_changes(rnd(200));
		if (rnd(3) == 0) {
			node_restart(source());
			go_alone(source());
		}
		reunion(rnd(4), "reunion", k);
	}
	is_num(bad_ops, 0, "no op of the stream failed on the peer");
	link_down();
	test_steps();
	for (i = 0; i < 2; i++) {
		node_close(&N[i]);
		(void)close(N[i].statefd);
		tree_down(&N[i].tree);
	}
	return tap_done();
}
