/* SPDX-License-Identifier: ISC */
/*
 * journald's native protocol: a datagram of lines KEY=value.  Our texts have
 * no newline, so that the form for binary values is not needed.
 */
#include "journal.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "paths.h"

#define ENTRY_LEN	4096

static struct {
	int			fd;
	struct sockaddr_un	to;
} journal = { .fd = -1 };

bool
journal_open(void)
{
	char path[PATH_LEN];

	if (journal.fd != -1)
		return true;
	/* Beside ours in /run, wherever a test has put that. */
	(void)path_run(path, "../systemd/journal/socket");
	if (strlen(path) >= sizeof(journal.to.sun_path) ||
	    access(path, W_OK) == -1)
		return false;
	journal.to.sun_family = AF_UNIX;
	memcpy(journal.to.sun_path, path, strlen(path) + 1);
	journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return journal.fd != -1;
}

/* Grows at most to ENTRY_LEN; what does not fit is left out as a whole. */
static void
put(char buf[ENTRY_LEN], size_t *len, const char *key, const char *value)
{
	size_t k = strlen(key), v = strlen(value);

	if (v == 0 || *len + k + v + 2 > ENTRY_LEN)
		return;
	memcpy(buf + *len, key, k);
	buf[*len + k] = '=';
	memcpy(buf + *len + k + 1, value, v);
	for (size_t i = 0; i < v; i++)
		if (buf[*len + k + 1 + i] == '\n')
			buf[*len + k + 1 + i] = ' ';
	*len += k + v + 1;
	buf[(*len)++] = '\n';
}

bool
journal_send(const struct journal_entry *e)
{
	char buf[ENTRY_LEN], number[12];
	size_t len = 0;

	if (journal.fd == -1)
		return false;
	(void)snprintf(number, sizeof(number), "%d", e->priority);
	put(buf, &len, "PRIORITY", number);
	put(buf, &len, "SYSLOG_FACILITY", "3");		/* daemon */
	put(buf, &len, "SYSLOG_IDENTIFIER", e->ident);
	put(buf, &len, "MESSAGE_ID", journal_row(e->event)->id);
	put(buf, &len, "HOLDFAST_MODULE", e->module);
	put(buf, &len, "HOLDFAST_NODE", e->node);
	put(buf, &len, "HOLDFAST_EPOCH", e->epoch);
	put(buf, &len, "MESSAGE", e->text);
	if (sendto(journal.fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&journal.to, sizeof(journal.to)) != -1)
		return true;
	/* It hangs, and then syslog(3), which it serves too, would wait. */
	return errno == EAGAIN || errno == ENOBUFS;
}
