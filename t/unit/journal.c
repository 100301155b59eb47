/* SPDX-License-Identifier: ISC */
/*
 * The table of events: every id is one, and no two are the same.  And what a
 * line is to a journald that we play: the fields, and that one which does not
 * read is never waited for.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal.h"
#include "log.h"
#include "paths.h"
#include "tap.h"

static void
test_table(void)
{
	bool good = true, unique = true;

	for (int i = JE_NONE + 1; i < JE_COUNT; i++) {
		const struct journal_row *r = journal_row(
		    (enum journal_event)i);

		good = good && r->name != NULL && strlen(r->id) == 32 &&
		    strspn(r->id, "0123456789abcdef") == 32 &&
		    r->priority >= 0 && r->priority <= 7 &&
		    strchr("IEWSU-", r->level) != NULL;
		for (int k = JE_NONE + 1; good && k < i; k++)
			unique = unique && strcmp(r->id, journal_row(
			    (enum journal_event)k)->id) != 0;
	}
	ok(good, "each event has a name, an id, a priority and a level");
	ok(unique, "no id is given twice");
	is_str(journal_row((enum journal_event)9999)->id, "",
	    "what is no event has no id");
}

static int
play_journald(const char *dir)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char path[PATH_LEN];

	(void)snprintf(path, sizeof(path), "%s/run/holdfast", dir);
	(void)path_mkdirs(path, 0755);
	(void)snprintf(path, sizeof(path), "%s/run/systemd/journal", dir);
	(void)path_mkdirs(path, 0755);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%.80s/socket",
	    path);
	return bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 ? fd : -1;
}

static bool
has(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (; text != NULL; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, line, len) == 0 && text[len] == '\n')
			return true;
	}
	return false;
}

static void
test_send(int fd)
{
	char buf[4097], id[64];
	ssize_t n;

	if (!journal_open()) {
		ok(true, "# SKIP built without the journal");
		return;
	}
	log_module("web");
	log_context("n1", "0.7.1");
	log_to_syslog();
	log_event(JE_CONFLICT, NULL, "vipd: another host\nMESSAGE_ID=forged");
	n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	buf[n > 0 ? n : 0] = '\0';
	(void)snprintf(id, sizeof(id), "MESSAGE_ID=%s",
	    journal_row(JE_CONFLICT)->id);
	ok(has(buf, id), "the id");
	ok(has(buf, "PRIORITY=3") && has(buf, "HOLDFAST_MODULE=web") &&
	    has(buf, "HOLDFAST_NODE=n1") && has(buf, "HOLDFAST_EPOCH=0.7.1") &&
	    has(buf, "SYSLOG_IDENTIFIER=test"), "the fields");
	ok(!has(buf, "MESSAGE_ID=forged"), "a text forges no field");
	log_event(JE_DAEMON_DIED, "db", "of another module");
	n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	buf[n > 0 ? n : 0] = '\0';
	ok(has(buf, "HOLDFAST_MODULE=db"), "a module of its own");
	log_info("an ordinary line");
	n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	buf[n > 0 ? n : 0] = '\0';
	ok(strstr(buf, "MESSAGE_ID") == NULL && has(buf, "PRIORITY=6") &&
	    has(buf, "MESSAGE=an ordinary line"), "an ordinary line");
	/* It hangs: its queue is full after some, and none of these waits. */
	(void)alarm(10);
	for (int i = 0; i < 10000; i++)
		log_info("line %d", i);
	(void)alarm(0);
	ok(true, "a journald that hangs is not waited for");
}

int
main(void)
{
	char dir[] = "/tmp/hf-journal.XXXXXX";
	int fd, rc;
	pid_t rm;

	test_table();
	if (mkdtemp(dir) == NULL || setenv("HOLDFAST_ROOT", dir, 1) == -1)
		return 1;
	log_init("test", false);
	fd = play_journald(dir);
	ok(fd != -1, "a journald that we play");
	/* 10000 lines are no news to who reads the test. */
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 1;
	test_send(fd);
	(void)close(fd);
	rc = tap_done();
	if ((rm = fork()) == 0) {
		(void)execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(1);
	}
	(void)waitpid(rm, NULL, 0);
	return rc;
}
