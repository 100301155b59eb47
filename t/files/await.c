/* SPDX-License-Identifier: ISC */
/*
 * await SOCKET MS KEY=VALUE...: waits until the status of the daemon at
 * SOCKET says all of them, or for MS milliseconds; 0 asks once.  Exit status
 * 0 when it does.  A shell that polls takes the processor from what it waits
 * for.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS	10

/* The status, without quotes, between spaces. */
static bool
ask(const char *path, char *buf, size_t size)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval bound = { 2, 0 };
	size_t used = 1;
	ssize_t n;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
	if (fd == -1 || connect(fd, (void *)&sun, sizeof(sun)) == -1 ||
	    write(fd, "status\n", 7) != 7 || shutdown(fd, SHUT_WR) == -1) {
		close(fd);
		return false;
	}
	buf[0] = ' ';
	while (used < size - 1 &&
	    (n = read(fd, buf + used, size - 1 - used)) > 0)
		used += (size_t)n;
	buf[used] = '\0';
	close(fd);
	return true;
}

static void
plain(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++)
		if (*s == '\n')
			*to++ = ' ';
		else if (*s != '"')
			*to++ = *s;
	*to = '\0';
}

static bool
says(const char *status, char **want)
{
	char word[256];

	for (; *want != NULL; want++) {
		snprintf(word, sizeof(word), " %s ", *want);
		if (strstr(status, word) == NULL)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct timespec pause = { 0, PAUSE_MS * 1000000 }, now, end;
	static char buf[16384];
	long ms;

	if (argc < 4) {
		fprintf(stderr, "usage: await SOCKET MS KEY=VALUE...\n");
		return 64;
	}
	ms = strtol(argv[2], NULL, 10);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	for (;;) {
		buf[0] = '\0';
		if (ask(argv[1], buf, sizeof(buf))) {
			plain(buf);
			if (says(buf, argv + 3))
				return 0;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (ms == 0 || now.tv_sec > end.tv_sec ||
		    (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))
			break;
		nanosleep(&pause, NULL);
	}
	fprintf(stderr, "not within %ld ms:", ms);
	for (argv += 3; *argv != NULL; argv++)
		fprintf(stderr, " %s", *argv);
	fprintf(stderr, "; it says:%s\n", buf);
	return 1;
}
