/* SPDX-License-Identifier: ISC */
/*
 * Two nodes that both wrote alone: the loser changes its tree at random, then
 * follows the other one while that one's application runs.  Everything the
 * loser had must be in the common tree or in what was set aside, whole and
 * under its path: by its log, by comparison, cut at random, and killed at
 * each step.  And one that was edited while it was stopped, which is not
 * asked.  Arguments as of resync.c.
 */
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xalloc.h"

#include "../../bin/mirrord/store.h"
#include "../../bin/mirrord/sweep.h"
#include "resync-pair.h"
#include "tap.h"

static char before[96];		/* a copy of the loser's tree */
static char theirs[96];		/* and of the other one's, then */
static char base[96];		/* what both had */

/* One of the last sixteen. */
static const char * __attribute__((format(printf, 1, 2)))
text(const char *fmt, ...)
{
	static char ring[16][1024];
	static unsigned next;
	char *t = ring[next++ % 16];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(t, sizeof(ring[0]), fmt, ap);
	va_end(ap);
	return t;
}

static int
sh(const char *cmd)
{
	return system(cmd);
}

static void
take_copy(const struct node *n, const char *what, char copy[96])
{
	(void)snprintf(copy, 96, "%s/%s", n->tree.top, what);
	if (sh(text("rm -rf '%s'; cp -a '%s' '%s' && rm -rf '%s/.holdfast'",
	    copy, n->tree.data, copy, copy)) != 0)
		printf("# the tree cannot be copied\n");
}

/* ---- what was set aside ---- */

static char name[ASIDE_NAME_LEN];
static struct aside_info info;

/* Exactly one is there, complete, and nothing half made beside it. */
static bool
find_one(const struct node *n)
{
	struct aside_info *all;
	unsigned count, dirs = 0;
	struct dirent *e;
	int top;
	DIR *d;

	top = aside_open_top(n->tree.fd, false);
	if (top == -1)
		return false;
	all = aside_all(top, &count);
	if (count > 0) {
		info = all[count - 1];
		(void)snprintf(name, sizeof(name), "%s", info.name);
	}
	free(all);
	d = fdopendir(top);
	while (d != NULL && (e = readdir(d)) != NULL)
		dirs += e->d_name[0] != '.';
	if (d != NULL)
		(void)closedir(d);
	if (count != 1 || dirs != 1)
		printf("# %u complete, %u in all\n", count, dirs);
	return count == 1 && dirs == 1;
}

/* A directory that got another name: what was in it stays where it was. */
static bool
is_below_renamed(const struct node *n, const char *path)
{
	struct aside_reader r;
	struct aside_entry e;
	bool below = false;
	size_t len;
	int dfd;

	dfd = open(text("%s/.holdfast/diverged/%s", n->tree.data, name),
	    O_RDONLY | O_DIRECTORY);
	if (dfd == -1 || aside_open(&r, dfd) == -1)
		return false;
	while (!below && aside_next(&r, &e) == 1) {
		len = strlen(e.path);
		below = e.change == AC_RENAMED && e.kind == AO_DIR &&
		    strncmp(path, e.path, len) == 0 && path[len] == '/';
	}
	aside_close(&r);
	(void)close(dfd);
	return below;
}

static bool by_comparison, may_be_lost;
static unsigned lost, aside_count, common_count;

static void
look_for(const struct node *n, const char *dir)
{
	const char *old, *now, *aside;
	char path[512];
	struct dirent *e;
	struct stat st;
	DIR *d;

	d = opendir(text("%s/%s", before, dir));
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s", text("%s%s%s", dir,
		    dir[0] != '\0' ? "/" : "", e->d_name));
		old = text("%s/%s", before, path);
		now = text("%s/%s", n->tree.data, path);
		aside = text("%s/.holdfast/diverged/%s/files/%s",
		    n->tree.data, name, path);
		if (!things_differ(old, aside))
			aside_count++;
		else if (!things_differ(old, now) ||
		    !things_differ(old, text("%s/%s", theirs, path)) ||
		    (!by_comparison && !things_differ(old, text("%s/%s",
		    base, path))))
			common_count++;
		else if (!is_below_renamed(n, path)) {
			if (lost++ < 5)
				printf("# lost: %s\n", path);
		}
		if (lstat(old, &st) == 0 && S_ISDIR(st.st_mode))
			look_for(n, path);
	}
	if (d != NULL)
		(void)closedir(d);
}

/* LIST and files/ say the same; nothing in files/ is an object or shared. */
static unsigned
list_is_wrong(const struct node *n)
{
	const char *file, *path;
	struct aside_reader r;
	struct aside_entry e;
	unsigned wrong = 0, entries = 0;
	uint64_t bytes = 0;
	struct stat st;
	int dfd;

	file = text("%s/.holdfast/diverged/%s", n->tree.data, name);
	dfd = open(file, O_RDONLY | O_DIRECTORY);
	if (dfd == -1 || aside_open(&r, dfd) == -1)
		return 1;
	while (aside_next(&r, &e) == 1) {
		entries++;
		bytes += e.bytes;
		file = text("%s/.holdfast/diverged/%s", n->tree.data, name);
		path = text("%s/files/%s", file, e.path);
		if (e.change == AC_DELETED)
			wrong += lstat(path, &st) == 0;
		else if (lstat(path, &st) == -1 ||
		    aside_kind_of(st.st_mode) != e.kind)
			wrong++;
	}
	wrong += !r.ended || entries != info.entries || bytes != info.bytes;
	aside_close(&r);
	(void)close(dfd);
	/* Neither an id nor a link into the tree. */
	file = text("%s/.holdfast/diverged/%s", n->tree.data, name);
	if (sh(text("getfattr -Rhd -m trusted.holdfast.oid '%s/files' "
	    "2>/dev/null | grep -q oid", file)) == 0)
		wrong += 100;
	if (sh(text("find '%s' -type f -links +1 -printf '%%i\\n' | "
	    "sort -u >'%s/held'; find '%s' -path '*/.holdfast' -prune -o "
	    "-type f -printf '%%i\\n' | sort -u | comm -12 - '%s/held' | "
	    "grep -q .", file, n->tree.top, n->tree.data,
	    n->tree.top)) == 0)
		wrong += 1000;
	return wrong;
}

static void
check_kept(struct node *n, const char *what)
{
	lost = aside_count = common_count = 0;
	ok(find_one(n), "%s: one set-aside", what);
	look_for(n, "");
	ok((lost == 0 || may_be_lost) && aside_count > 0, "%s: nothing is "
	    "lost: %u set aside, %u the other one has, %u lost", what,
	    aside_count, common_count, lost);
	is_num(list_is_wrong(n), 0, "%s: LIST, %llu things", what,
	    (unsigned long long)info.entries);
}

static void
forget_asides(const struct node *n)
{
	if (sh(text("rm -rf '%s/.holdfast/diverged'", n->tree.data)) != 0)
		printf("# cannot be removed\n");
}

/* ---- two histories ---- */

static void
distrust(struct gen *g, void *arg)
{
	(void)arg;
	g->dirty_all = true;
}

/* Level, then both alone, each changing its own; the last one is source. */
static void
part(bool by_log)
{
	struct node *a = source(), *b = a->peer;

	link_down();
	take_copy(a, "base", base);
	by_comparison = !by_log;
	go_alone(a);
	some_changes(40);
	(void)change_flush(a->change);
	go_alone(b);
	some_changes(40);
	if (!by_log)
		(void)gen_update(a->gen, distrust, NULL);
	take_copy(a, "before", before);
	take_copy(b, "before", theirs);
}

static bool
level_again(unsigned tries)
{
	bool done = false;

	follow = true;
	while (tries-- > 0 && !done)
		done = reunite(true);
	follow = false;
	return done;
}

static void
check_both(const char *what, struct node *loser)
{
	drain();
	ok(trees_differ(N[0].tree.data, N[1].tree.data) == 0 &&
	    stage_count(loser->tree.data) == 0, "%s: the trees are equal",
	    what);
	check_kept(loser, what);
	forget_asides(loser);
}

static void
test_round(bool by_log, unsigned cuts, bool loaded, const char *what)
{
	struct node *loser = source();
	pthread_t app;
	unsigned i;

	part(by_log);
	ok(!reunite(false) && last_verdict == MV_DIVERGED,
	    "%s: not without leave", what);
	if (loaded)
		app_start(&app, rnd(1u << 30));
	for (i = 0; i < cuts; i++) {
		atomic_store(&source()->cut_after,
		    1 + (long)rnd(rnd(3) ? 60 : 600));
		if (level_again(1))
			break;
		if (loaded)
			app_end(app);
		node_restart(loser);
		if (atomic_load(&source()->stream.both))
			go_alone(source());
		if (loaded)
			app_start(&app, rnd(1u << 30));
	}
	atomic_store(&source()->cut_after, 1L << 40);
	ok((cuts > 0 && i < cuts) || level_again(3), "%s: level", what);
	if (loaded)
		app_end(app);
	/* Under load the other one has had more than it has now. */
	if (loaded)
		may_be_lost = true;
	check_both(what, loser);
	may_be_lost = false;
}

/* ---- edits of a stopped node (R42) ---- */

/*
 * What hands, editors and tools do beneath a module that is stopped: a third
 * of all there is.
 */
static const char edits[] =
    "case $kind$((RANDOM % 12)) in "
    "f0) echo more >>$p;; "
    "f1) printf X | dd status=none conv=notrunc of=$p;; "
    "f2) chmod 4711 $p;; "
    "f3) touch $p;; "
    "f4) rm $p;; "
    "f5) mv $p $p.moved;; "
    "f6) ln $p $p.hard;; "
    "f7) cp -a $p $p.t && mv $p.t $p;; "
    "f8) echo anew >$p.t && mv $p.t $p;; "
    "f9) setfattr -n user.hand -v 1 $p;; "
    "f10) touch -d 2001-01-01 $p;; "
    "f11) chown 77:77 $p;; "
    "d[0-3]) touch $p;; "
    "d[4-6]) mkdir -p $p/made; echo in >$p/made/in;; "
    "d[78]) chmod 750 $p;; "
    "d9) ln -sfn to $p/sym;; "
    "esac";

static bool
make_edits(const struct node *n)
{
	char *script = xasprintf("set -e; RANDOM=%u; cd '%s'; find . -path "
	    "./.holdfast -prune -o -printf '%%y %%p\\n' | sort >../edits; "
	    "while read -r kind p; do [ $((RANDOM %% 3)) != 0 ] || %s; "
	    "done <../edits", (unsigned)rnd(32768), n->tree.data, edits);
	char *argv[] = { "bash", "-c", script, NULL };
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	free(script);
	return status == 0;
}

static void
on_looked(uint64_t found, int error, void *arg)
{
	(void)arg;
	if (found == 0 || error != 0)
		printf("# %llu edits, %s\n", (unsigned long long)found,
		    strerror(-error));
}

static void
note_edited(struct gen *g, void *arg)
{
	g->clean_stop_ns = -1;
	g->dirty_all = *(bool *)arg;
}

/* Level, then one stops, is edited, and looks what that was. */
static void
edit(bool by_log)
{
	struct node *a = source(), *b = a->peer;
	struct sweep_conf conf = { .on_done = on_looked };
	struct timespec now, tick = { 0, 20000000 };
	struct sweep *s;
	bool all = !by_log;

	link_down();
	take_copy(b, "base", base);
	by_comparison = false;
	go_alone(a);
	some_changes(40);
	(void)change_flush(a->change);
	(void)nanosleep(&tick, NULL);	/* ctime has the kernel's ticks */
	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)nanosleep(&tick, NULL);
	if (!make_edits(b))
		printf("# cannot be edited\n");
	conf.objects = b->tree.objects;
	conf.change = b->change;
	conf.since_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	s = sweep_start(&conf);
	if (!sweep_await(s, 20000))
		printf("# the sweep does not end\n");
	sweep_free(s);
	(void)gen_update(b->gen, note_edited, &all);
	take_copy(b, "before", before);
	take_copy(a, "before", theirs);
}

static bool
unasked(unsigned tries)
{
	bool done = false;

	both_set_aside = true;
	while (tries-- > 0 && !done)
		done = reunite(true);
	both_set_aside = false;
	return done;
}

/* Zeroes in the place of a hole, or the other way round. */
static bool
holes_differ(const struct node *n, const char *path)
{
	struct stat a, b;

	return stat(text("%s/.holdfast/diverged/%s/files/%s", n->tree.data,
	    name, path), &a) == 0 && stat(text("%s/%s", n->tree.data, path),
	    &b) == 0 && a.st_blocks != b.st_blocks;
}

/* Listed as changed, and the same as what stands there. */
static unsigned
equal_kept(const struct node *n)
{
	struct aside_reader r;
	struct aside_entry e;
	unsigned equal = 0;
	const char *was, *now;
	struct stat st;
	int dfd;

	was = text("%s/.holdfast/diverged/%s", n->tree.data, name);
	dfd = open(was, O_RDONLY | O_DIRECTORY);
	if (dfd == -1 || aside_open(&r, dfd) == -1)
		return 1;
	while (aside_next(&r, &e) == 1) {
		was = text("%s/%s", base, e.path);
		/* What had two names is put right by names, not compared. */
		if (e.change != AC_CHANGED || lstat(was, &st) == -1 ||
		    (e.kind != AO_DIR && st.st_nlink > 1) ||
		    holes_differ(n, e.path))
			continue;
		was = text("%s/.holdfast/diverged/%s/files/%s", n->tree.data,
		    name, e.path);
		now = text("%s/%s", n->tree.data, e.path);
		/* Of attributes it tells what the first one has. */
		if (things_differ(was, now) || things_differ(now, was))
			continue;
		printf("# equal: %s\n", e.path);
		equal++;
	}
	aside_close(&r);
	(void)close(dfd);
	return equal;
}

static void
check_edited(const char *what, struct node *b)
{
	drain();
	ok(trees_differ(N[0].tree.data, N[1].tree.data) == 0 &&
	    stage_count(b->tree.data) == 0, "%s: the trees are equal", what);
	times_count = false;
	check_kept(b, what);
	is_str(info.head.by, ASIDE_EDITS, "%s: known as edits", what);
	is_num(equal_kept(b), 0, "%s: nothing that is equal", what);
	times_count = true;
	forget_asides(b);
}

static void
test_edits(bool by_log, unsigned cuts, const char *what)
{
	struct node *b = source()->peer;
	unsigned i;

	edit(by_log);
	for (i = 0; i < cuts; i++) {
		atomic_store(&source()->cut_after, 1 + (long)rnd(400));
		if (unasked(1))
			break;
		node_restart(b);
	}
	atomic_store(&source()->cut_after, 1L << 40);
	ok((cuts > 0 && i < cuts) || unasked(3), "%s: level", what);
	is_num(last_verdict == MV_FULL, !by_log, "%s: compared", what);
	check_edited(what, b);
}

/* ---- killed at each step ---- */

static const struct {
	int	number;
	bool	by_log;
	bool	edits;
} step[] = {
	{ 81, true, false }, { 82, true, false }, { 83, true, false },
	{ 84, true, false }, { 40, true, false }, { 86, true, false },
	{ 82, false, false }, { 84, false, false }, { 36, false, false },
	{ 85, false, false }, { 42, false, false }, { 86, false, false },
	{ 82, true, true }, { 84, true, true }, { 36, true, true },
	{ 85, true, true }, { 86, true, true },
};
#define STEPS (sizeof(step) / sizeof(step[0]))

static void
step_child(int number, bool edited)
{
	char env[32];

	both_open();
	both_set_aside = edited;
	follow = !edited;
	snprintf(env, sizeof(env), "%d:%u", number,
	    number == 82 || number == 85 || number == 40 ? 1 + rnd(8) : 1);
	setenv("HOLDFAST_FAIL", env, 1);
	fail_init("mirrord");
	(void)reunite(true);
	_exit(0);
}

static void
test_step(unsigned i, unsigned *killed)
{
	struct node *loser = source();
	char what[64];
	int status;
	pid_t pid;

	snprintf(what, sizeof(what), "killed at %d, %s by %s", step[i].number,
	    step[i].edits ? "edits" : "writes",
	    step[i].by_log ? "log" : "comparison");
	if (step[i].edits) {
		loser = source()->peer;
		edit(step[i].by_log);
	} else
		part(step[i].by_log);
	both_close();
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		step_child(step[i].number, step[i].edits);
	(void)waitpid(pid, &status, 0);
	*killed += WIFSIGNALED(status);
	if (!WIFSIGNALED(status))
		printf("# %s: not reached\n", what);
	both_open();
	ok(step[i].edits ? unasked(2) : level_again(2), "%s: level", what);
	if (step[i].edits)
		check_edited(what, loser);
	else
		check_both(what, loser);
}

static void
test_room(void)
{
	struct node *loser = source();
	struct aside_conf conf = { .root_count = 1 };
	struct aside_head head = { .epoch = "0.1.1", .lost_to = "x",
	    .lost_epoch = "0.2.2", .by = "log" };
	struct dirtyset *set = dirtyset_new();
	struct aside_room room;
	struct statvfs v;
	struct aside *a;
	struct op op = { .type = OP_CREATE, .dir = 1, .mode = 0600 };
	char path[256];

	/* Half of what is free, with a hole, and then all of it. */
	(void)fstatvfs(loser->tree.fd, &v);
	op.obj = object_new_oid(loser->tree.objects);
	snprintf(op.name, sizeof(op.name), "large");
	is_num(store_exec(loser->tree.objects, &op, NULL), 0, "a file");
	snprintf(path, sizeof(path), "%s/large", loser->tree.data);
	dirtyset_data(set, op.obj, 0, 4096);
	conf.objects = loser->tree.objects;
	a = aside_new(&conf);
	if (truncate(path, 1L << 30) == -1)
		printf("# truncate: %s\n", strerror(errno));
	is_num(aside_take(a, &head, set, &room), 0, "a hole takes no room");
	is_num(aside_drop(a, true), 0, "and goes again");
	aside_free(a);
	dirtyset_free(set);
	forget_asides(loser);
	(void)unlink(path);
}

/* Rule R50: what lies in stage, also when a crash cut the moving short. */
static void
test_stage(void)
{
	struct node *n = source();
	struct aside_head head = { .epoch = "0.77.1", .when_s = 1,
	    .lost_to = "n1", .lost_epoch = "0.77.1", .by = "stage" };
	int sfd = objects_stage_fd(n->tree.objects, 0), fd;
	bool left = true;

	is_num(aside_stage(n->tree.objects, 1, &head, &left), 0, "no stage");
	ok(!left, "leaves nothing");
	(void)mkdirat(sfd, "0100000000000001", 0700);
	fd = openat(sfd, "0100000000000001/in", O_CREAT | O_WRONLY, 0600);
	ok(fd != -1 && write(fd, "four", 4) == 4 && close(fd) == 0,
	    "a directory in stage");
	ok(symlinkat("x", sfd, "f1") == 0, "and a link");
	is_num(aside_stage(n->tree.objects, 1, &head, &left), 0, "is moved");
	ok(left && find_one(n) && info.entries == 2 && info.bytes == 4 &&
	    stage_count(n->tree.data) == 0, "and listed");
	is_num(list_is_wrong(n), 0, "as it is");
	/* Begun, and one more thing came; there is no head to name it by. */
	fd = open(text("%s/.holdfast/diverged/0.77.1/MOVING", n->tree.data),
	    O_CREAT | O_WRONLY, 0600);
	(void)close(fd);
	ok(symlinkat("y", sfd, "f2") == 0, "one more");
	is_num(aside_stage(n->tree.objects, 1, NULL, &left), 0, "goes on");
	ok(left && find_one(n) && info.entries == 3 &&
	    stage_count(n->tree.data) == 0, "to its end");
	forget_asides(n);
	is_num(aside_stage(n->tree.objects, 1, NULL, &left), 0, "nothing");
	ok(!left, "was begun");
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
	unsigned i, k, killed = 0;
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
	go_alone(&N[0]);
	some_changes(120);
	ok(reunite(true), "level");
	for (k = 0; k < rounds; k++) {
		test_round(true, 3, false, "by log, cut");
		test_round(false, 3, false, "by comparison, cut");
		test_round(k % 2, 0, true, "under load");
		test_edits(true, 3, "edits by log, cut");
		test_edits(false, 3, "edits by comparison, cut");
	}
	for (i = 0; i < STEPS && fail_is_built(); i++)
		test_step(i, &killed);
	ok(killed >= STEPS - 2 || !fail_is_built(), "%u of %zu steps were "
	    "reached%s", killed, STEPS, fail_is_built() ? "" :
	    " # SKIP needs --enable-failpoints");
	test_room();
	test_stage();
	link_down();
	for (i = 0; i < 2; i++) {
		node_close(&N[i]);
		(void)close(N[i].statefd);
		tree_down(&N[i].tree);
	}
	return tap_done();
}
