/* SPDX-License-Identifier: ISC */
/*
 * Asks daemons over their sockets and explains silence.  A daemon that is
 * down is an error of its own, which names the command that starts it.
 */
#include "talk.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "cmd.h"
#include "paths.h"

struct answer {
	int	rc;		/* 0 ok, 1 err, -1 none yet */
	void	(*on_line)(const struct line *l, void *arg);
	void	*arg;
};

/* The words of the last err line: this program asks one thing at a time. */
static struct {
	char	code[64];
	char	text[1024];
} last;

static bool
on_answer(const struct line *l, void *arg)
{
	struct answer *a = arg;
	const char *code, *text;

	if (strcmp(l->verb, "ok") == 0)
		a->rc = 0;
	else if (strcmp(l->verb, "err") == 0)
		a->rc = 1;
	if (a->rc == 1) {
		code = line_get(l, "code");
		text = line_get(l, "text");
		snprintf(last.code, sizeof(last.code), "%s",
		    code != NULL ? code : "");
		snprintf(last.text, sizeof(last.text), "%s",
		    text != NULL ? text : "");
		return false;
	}
	if (a->on_line != NULL)
		a->on_line(l, a->arg);
	return a->rc == -1;
}

int
talk(const char *module, const char *daemon, struct line_out *o,
    void (*on_line)(const struct line *l, void *arg), void *arg)
{
	struct answer a = { .rc = -1, .on_line = on_line, .arg = arg };
	char path[PATH_LEN];

	last.code[0] = last.text[0] = '\0';
	if (ask_watch(path_socket(path, module, daemon), o, TALK_MS,
	    on_answer, &a) == -1)
		return -1;
	return a.rc;
}

const char *
talk_code(void)
{
	return last.code;
}

int
talk_exit_status(const char *code)
{
	static const struct {
		const char	*code;
		int		 status;
	} table[] = {
		{ "unsafe", EXIT_UNSAFE },
		{ "confirm", EXIT_UNSAFE },
		{ "noquorum", EXIT_NO_QUORUM },
		{ "notprim", EXIT_NOT_PRIM },
		{ "busy", EX_TEMPFAIL },
		{ "gone", EX_TEMPFAIL },
		{ "stopping", EX_TEMPFAIL },
		{ "denied", EX_NOPERM },
		{ "badstate", EX_USAGE },
		{ "usage", EX_USAGE },
		{ "disk", EX_IOERR },
		{ "noresource", EX_NOINPUT },
		{ "notfound", EX_NOINPUT },
		{ "roster", EX_CONFIG },
		{ "config", EX_CONFIG },
		{ "unknown-verb", EX_UNAVAILABLE },
		{ "unknown-key", EX_UNAVAILABLE },
		{ "unknown-node", EX_CONFIG },
		{ "too-long", EX_DATAERR },
		{ "memory", EX_TEMPFAIL },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].code, code) == 0)
			return table[i].status;
	return EX_SOFTWARE;
}

bool
talk_is_up(void)
{
	struct line_out o;

	line_begin(&o, "status");
	return talk(NULL, "holdfastd", &o, NULL, NULL) == 0;
}

/* Nobody listens: say which, and what starts it. */
static int
say_down(const char *module, const char *daemon, int error)
{
	char path[PATH_LEN];

	path_socket(path, module, daemon);
	if (error == EACCES) {
		fprintf(stderr, "holdfast: %s: no permission: root or a "
		    "member of group holdfast-admin, holdfast-control or "
		    "holdfast may ask\n", path);
		return EX_NOPERM;
	}
	if (error == ETIMEDOUT || error == EPROTO) {
		fprintf(stderr, "holdfast: %s: %s\n", path,
		    error == ETIMEDOUT ? "does not answer" :
		    "closed the connection");
		return EX_TEMPFAIL;
	}
	if (strcmp(daemon, "holdfastd") == 0 || !talk_is_up()) {
		fprintf(stderr, "holdfast: holdfastd is not running on this "
		    "node: `systemctl start holdfast', `service holdfast "
		    "start' or `holdfastd' starts it\n");
		return EX_UNAVAILABLE;
	}
	if (module != NULL)
		fprintf(stderr, "holdfast: %s of %s is not running: it is "
		    "started again by itself; `holdfast config %s' if the "
		    "module is not configured yet\n", daemon, module, module);
	else
		fprintf(stderr, "holdfast: %s is not running: it is started "
		    "again by itself, see its log\n", daemon);
	return EX_UNAVAILABLE;
}

int
talk_failed(const char *module, const char *daemon, int rc)
{
	if (rc == -1)
		return say_down(module, daemon, errno);
	fprintf(stderr, "holdfast: %s%s%s\n", module != NULL ? module : "",
	    module != NULL ? ": " : "", last.text[0] != '\0' ? last.text :
	    last.code);
	return talk_exit_status(last.code);
}

const char *
talk_who(void)
{
	static char who[96];
	const char *sudo = getenv("SUDO_USER");
	const char *remote = getenv("HOLDFAST_FOR");
	struct passwd *pw = getpwuid(getuid());

	if (remote != NULL)
		snprintf(who, sizeof(who), "%.95s", remote);
	else if (getuid() == 0 && sudo != NULL && sudo[0] != '\0')
		snprintf(who, sizeof(who), "%.64s (sudo)", sudo);
	else if (pw != NULL)
		snprintf(who, sizeof(who), "%.64s", pw->pw_name);
	else
		snprintf(who, sizeof(who), "uid %u", (unsigned)getuid());
	return who;
}

/* monitor 1, control 2, admin 3; 0: no role. */
static int
role_rank(const char *role)
{
	static const char *const roles[] = { "monitor", "control", "admin" };
	int i;

	for (i = 0; i < 3; i++)
		if (strcmp(roles[i], role) == 0)
			return i + 1;
	return 0;
}

bool
talk_has_role(const char *role)
{
	const char *have = getenv("HOLDFAST_ROLE");

	return have == NULL || role_rank(have) >= role_rank(role);
}
