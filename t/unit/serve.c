/* SPDX-License-Identifier: ISC */
/* A server and a standing link in one loop: answers, events, bad input. */

#include "ask.h"
#include "serve.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <dirent.h>
#include <grp.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "tap.h"

static struct loop *loop;
static struct serve *server;
static char dir[] = "/tmp/serve.XXXXXX", path[256];
static unsigned ups, downs, events, closes;
static char answers[4096];
static struct client *waiting;

static void
on_list(struct client *c, const struct line *l, void *arg)
{
	struct line_out o;

	(void)l;
	(void)arg;
	for (int i = 0; i < 3; i++) {
		line_begin(&o, "");
		line_add_num(&o, "n", i);
		serve_line(c, &o);
	}
	serve_ok(c);
}

static void
on_slow(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	(void)arg;
	waiting = c;
	serve_later(c);
}

static void
on_release(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	(void)arg;
	if (waiting != NULL)
		serve_ok(waiting);
	waiting = NULL;
	serve_ok(c);
}

static void
on_watch(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	(void)arg;
	serve_watch(c, "news");
	serve_ok(c);
}

static const struct verb verbs[] = {
	{ "list",    ROLE_MONITOR, "",     on_list },
	{ "slow",    ROLE_MONITOR, "",     on_slow },
	{ "release", ROLE_MONITOR, "",     on_release },
	{ "watch",   ROLE_MONITOR, "what", on_watch },
	{ NULL, ROLE_NONE, NULL, NULL }
};

static void
on_gone(struct client *c, void *arg)
{
	(void)c;
	(void)arg;
	closes++;
}

static void
on_answer(const struct line *l, void *arg)
{
	size_t len = strlen(answers);

	(void)snprintf(answers + len, sizeof(answers) - len, "%s%s%s;",
	    (const char *)arg, l->verb[0] != '\0' ? l->verb : "-",
	    line_get(l, "n") != NULL ? line_get(l, "n") :
	    line_get(l, "code") != NULL ? line_get(l, "code") : "");
}

static void
on_up(struct ask *a, void *arg)
{
	(void)a;
	(void)arg;
	ups++;
}

static void
on_down(struct ask *a, void *arg)
{
	(void)a;
	(void)arg;
	downs++;
}

static void
on_event(struct ask *a, const struct line *l, void *arg)
{
	(void)a;
	(void)arg;
	events += strcmp(l->verb, "news") == 0;
}

static const struct ask_calls calls = { on_up, on_down, on_event };

static void
stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* Lets the loop work until `*what' reaches `count' or 3 s have passed. */
static void
run_until(const unsigned *what, unsigned count)
{
	struct loop_timer *t = loop_timer_new(loop, stop, NULL);

	for (int i = 0; i < 300 && *what < count; i++) {
		loop_timer_set(t, 10, 0);
		loop_run(loop);
	}
	loop_timer_free(t);
}

/* The groups of this test, not of the machine it runs on. */
#define TEST_GID	64199
#define TEST_UID	65533

struct group *
getgrnam(const char *name)
{
	static struct group gr = { .gr_gid = TEST_GID };

	return strcmp(name, "holdfast") == 0 ? &gr : NULL;
}

static void
run_ms(int ms)
{
	struct loop_timer *t = loop_timer_new(loop, stop, NULL);

	loop_timer_set(t, ms, 0);
	loop_run(loop);
	loop_timer_free(t);
}

static void
request(struct ask *a, const char *verb, const char *tag)
{
	struct line_out o;
	static char tags[26][2];	/* lives as long as the answers */
	char *copy = tags[tag[0] - 'a'];

	copy[0] = tag[0];
	line_begin(&o, verb);
	if (!ask_send(a, &o, on_answer, copy))
		ok(false, "%s was not sent", verb);
}

static void
test_link(void)
{
	struct ask *a = ask_new(loop, path, &calls, NULL);
	struct ask *b = ask_new(loop, path, &calls, NULL);
	struct line_out o;

	run_until(&ups, 2);
	is_num(ups, 2, "two links are up");
	request(a, "list", "a");
	request(a, "fly", "b");
	run_ms(50);
	is_str(answers, "a-0;a-1;a-2;aok;berrunknown-verb;", "answers in "
	    "order");
	answers[0] = '\0';
	request(a, "slow", "s");
	request(a, "list", "l");
	run_ms(50);
	is_str(answers, "", "a later answer holds the next request back");
	request(b, "release", "r");
	run_ms(50);
	ok(strstr(answers, "sok;l-0;") != NULL, "then both come");
	line_begin(&o, "watch");
	line_add(&o, "what", "news");
	(void)ask_send(a, &o, NULL, NULL);
	run_ms(50);
	line_begin(&o, "news");
	line_add(&o, "text", "x");
	serve_event(server, "news", &o);
	run_until(&events, 1);
	is_num(events, 1, "an event for who watches, none for the other");
	answers[0] = '\0';
	request(b, "slow", "g");
	run_ms(30);
	waiting = NULL;
	serve_free(server);
	run_until(&downs, 2);
	is_num(downs, 2, "both links noticed the end");
	is_str(answers, "gerrgone;", "and the open request was answered");
	server = serve_new(loop, path, "test", verbs, NULL);
	serve_on_close(server, on_gone);
	run_until(&ups, 4);
	is_num(ups, 4, "both reconnect by themselves");
	closes = 0;
	ask_free(a);
	ask_free(b);
	run_until(&closes, 2);
	is_num(closes, 2, "the server notices who leaves");
}

static int
raw_connect(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sun.sun_path, path, strlen(path) + 1);
	return connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 ? fd :
	    -1;
}

/* Sends bytes, lets the server work; what it answered. */
static const char *
raw(const char *bytes, size_t len)
{
	static char got[8192];
	int fd = raw_connect();
	ssize_t n;

	(void)send(fd, bytes, len, MSG_NOSIGNAL);
	run_ms(30);
	n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	got[n > 0 ? n : 0] = '\0';
	(void)close(fd);
	run_ms(20);
	return got;
}

static void
test_bad_input(void)
{
	char *big = malloc(20000);

	ok(strstr(raw("x v=\"\n", 6), "err code=syntax") != NULL,
	    "a broken line is answered and closed");
	ok(strstr(raw("list bad=1\n", 11), "err code=unknown-key") != NULL,
	    "an unknown key is refused");
	memset(big, 'a', 20000);
	ok(strstr(raw(big, 20000), "line too long") != NULL,
	    "an endless line is refused");
	ok(strstr(raw("list\nlist\n", 10), "n=2\nok\nn=0") != NULL,
	    "two requests in one packet");
	ok(serve_new(loop, path, "test", verbs, NULL) == NULL,
	    "a second server is refused while one lives");
	free(big);
}

static void
test_watcher_dies(void)
{
	int fd = raw_connect();
	unsigned before;

	(void)send(fd, "watch\n", 6, MSG_NOSIGNAL);
	run_ms(30);
	before = closes;
	(void)shutdown(fd, SHUT_WR);
	run_ms(30);
	is_num(closes, before, "a half-closed watcher is still served");
	(void)close(fd);
	fd = raw_connect();
	(void)send(fd, "watch\n", 6, MSG_NOSIGNAL);
	run_ms(30);
	before = closes;
	(void)close(fd);
	run_ms(30);
	ok(closes > before, "one that died is noticed without an event");
}

static void
test_slow_reader(void)
{
	struct line_out o;
	char text[4000];
	int fd = raw_connect();
	unsigned before = closes;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)send(fd, "watch\n", 6, MSG_NOSIGNAL);
	run_ms(30);
	for (int i = 0; i < 500; i++) {
		line_begin(&o, "news");
		line_add(&o, "text", text);
		serve_event(server, "news", &o);
	}
	run_ms(30);
	ok(closes > before, "who does not read is closed, not waited for");
	(void)close(fd);
}

/* As another user: a member of group holdfast, or of none. */
static int
connect_as(uid_t uid, gid_t gid)
{
	int fd;

	if (setegid(gid) == -1 || seteuid(uid) == -1)
		return -1;
	fd = raw_connect();
	if (seteuid(0) == -1 || setegid(0) == -1)
		abort();
	return fd;
}

static unsigned
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(d) != NULL)
		count++;
	(void)closedir(d);
	return count;
}

static void
send_two_fds(int fd)
{
	union {
		char		buf[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr	align;
	} control = { .buf = "" };
	char text[] = "l";
	struct iovec iov = { text, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
	int two[2] = { STDOUT_FILENO, STDERR_FILENO };

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(two));
	memcpy(CMSG_DATA(cm), two, sizeof(two));
	(void)sendmsg(fd, &msg, MSG_NOSIGNAL);
}

/* How many descriptors are open more, after 10 messages with two. */
static unsigned
fds_kept(int fd)
{
	unsigned before;

	run_ms(20);
	before = open_fds();
	for (int i = 0; i < 10; i++) {
		send_two_fds(fd);
		run_ms(5);
	}
	return open_fds() - before;
}

static void
test_descriptors(void)
{
	int fd = raw_connect();

	is_num(fds_kept(fd), 1, "one descriptor is kept of many that come");
	(void)close(fd);
	if (geteuid() != 0)
		return;
	fd = connect_as(TEST_UID, TEST_UID);
	is_num(fds_kept(fd), 0, "and none of who has no role");
	(void)close(fd);
}

static double
cpu_of(int ms)
{
	clock_t before = clock();

	run_ms(ms);
	return (double)(clock() - before) * 1000 / CLOCKS_PER_SEC;
}

static void
test_no_descriptor(void)
{
	struct rlimit old, low;
	char got[64];
	int last = raw_connect(), fd;

	run_ms(30);
	fd = raw_connect();
	(void)getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = 0;	/* what is open stays open */
	(void)setrlimit(RLIMIT_NOFILE, &low);
	ok(cpu_of(300) < 20, "without a descriptor the loop does not turn");
	(void)setrlimit(RLIMIT_NOFILE, &old);
	run_ms(300);
	ok(recv(fd, got, sizeof(got), MSG_DONTWAIT) > 0,
	    "and who waited is taken afterwards");
	(void)close(fd);
	(void)close(last);
}

/* More requests than the buffer holds, behind one that is answered later. */
static void
test_full_buffer(void)
{
	static char many[40000], got[65536];
	const unsigned wanted = 1 + sizeof(many) / 8;
	struct client *owed;
	int fd = raw_connect();
	unsigned oks = 0;
	ssize_t n;

	(void)send(fd, "slow\n", 5, MSG_NOSIGNAL);
	for (size_t i = 0; i < sizeof(many); i += 8)
		memcpy(many + i, "release\n", 8);
	(void)send(fd, many, sizeof(many), MSG_NOSIGNAL);
	run_ms(50);
	ok(waiting != NULL && cpu_of(300) < 20,
	    "a full buffer waits for the answer and the loop does not turn");
	owed = waiting;
	waiting = NULL;		/* "release" must not answer it again */
	serve_ok(owed);
	for (int turn = 0; turn < 300 && oks < wanted; turn++) {
		run_ms(10);
		n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
		for (ssize_t i = 0; i < n; i++)
			oks += got[i] == 'k';	/* one in each "ok" */
	}
	is_num(oks, wanted, "and then all are answered");
	(void)close(fd);
}

/* It died with another request behind the one that is answered now. */
static void
test_late_answer(void)
{
	struct client *owed;
	int fd = raw_connect();
	char greeting[64];
	unsigned before;

	(void)send(fd, "slow\nlist\n", 10, MSG_NOSIGNAL);
	run_ms(50);
	/* With something unread it is a reset, which ends it at once. */
	(void)recv(fd, greeting, sizeof(greeting), MSG_DONTWAIT);
	before = closes;
	owed = waiting;
	(void)close(fd);
	run_ms(50);
	ok(owed != NULL && closes == before, "a request is open");
	waiting = NULL;
	serve_ok(owed);
	is_num(closes - before, 1, "its answer ends the client, once");
	run_ms(50);
}

/* As raw(), for the one that is connected already. */
static const char *
answer_of(int fd, const char *request)
{
	static char got[1024];
	ssize_t n;

	(void)send(fd, request, strlen(request), MSG_NOSIGNAL);
	run_ms(50);
	n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	got[n > 0 ? n : 0] = '\0';
	return got;
}

#define CROWD	160

/* That many of a user, all idle; how many were greeted and are open. */
static unsigned
crowd(int *fds, uid_t uid, gid_t gid)
{
	unsigned taken = 0;
	char got[64];

	for (int i = 0; i < CROWD; i++) {
		fds[i] = connect_as(uid, gid);
		if (i % 16 == 15)
			run_ms(20);
	}
	run_ms(100);
	for (int i = 0; i < CROWD; i++) {
		while (recv(fds[i], got, sizeof(got), MSG_DONTWAIT) > 0)
			;
		taken += send(fds[i], "\n", 0, MSG_NOSIGNAL) == 0 &&
		    recv(fds[i], got, 1, MSG_DONTWAIT) == -1;
	}
	return taken;
}

static void
close_all(const int *fds)
{
	for (int i = 0; i < CROWD; i++)
		(void)close(fds[i]);
	run_ms(50);
}

static void
test_crowds(void)
{
	int none[CROWD], one[CROWD], two[CROWD], three[CROWD], fd;

	if (geteuid() != 0)
		return;
	fd = connect_as(TEST_UID, TEST_UID);
	ok(strstr(answer_of(fd, "fly\nlist\n"), "err code=denied") != NULL,
	    "who has no role is told so");
	ok(send(fd, "x", 1, MSG_NOSIGNAL) == -1, "and closed");
	(void)close(fd);
	is_num(crowd(none, TEST_UID, TEST_UID), 8, "few without a role");
	is_num(crowd(one, TEST_UID, TEST_GID), 24, "a user has 32 at most");
	is_num(crowd(two, TEST_UID - 1, TEST_GID), 32, "each of them");
	is_num(crowd(three, TEST_UID - 2, TEST_GID), 32, "96 all together");
	fd = connect_as(TEST_UID - 3, TEST_GID);
	is_str(answer_of(fd, ""), "", "and then none");
	(void)close(fd);
	fd = raw_connect();
	ok(strstr(answer_of(fd, "list\n"), "n=2\nok\n") != NULL,
	    "root is answered all the same");
	(void)close(fd);
	close_all(none);
	close_all(one);
	close_all(two);
	close_all(three);
	fd = connect_as(TEST_UID, TEST_GID);
	ok(strstr(answer_of(fd, "list\n"), "n=2\nok\n") != NULL,
	    "and all when they are gone");
	(void)close(fd);
}

int
main(void)
{
	log_init("test", false);
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	(void)chmod(dir, 0755);
	loop = loop_new();
	server = serve_new(loop, path, "test", verbs, NULL);
	ok(server != NULL, "server");
	serve_on_close(server, on_gone);
	test_link();
	test_bad_input();
	test_watcher_dies();
	test_slow_reader();
	test_descriptors();
	test_no_descriptor();
	test_full_buffer();
	test_late_answer();
	test_crowds();
	serve_free(server);
	loop_free(loop);
	(void)rmdir(dir);
	return tap_done();
}
