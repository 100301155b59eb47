/* SPDX-License-Identifier: ISC */
/*
 * The token proves who asks, not what it is: name, addresses and identity
 * are checked by holdfast(8), the only reader of cluster.xml, in a process
 * of its own.  It marks the invitation used before anything is given away.
 */
#include "admit.h"

#include <sys/mman.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "invite.h"
#include "paths.h"
#include "serve.h"
#include "statefile.h"
#include "whole.h"
#include "xalloc.h"

#include "job.h"

#define REQUEST_MAX	16384
#define FILE_MAX	60000
#define KEY_MAX		512
#define SAID_MAX	1024

struct admit {
	struct remoted		*r;
	struct sockaddr_storage	 from;
	struct invite		 invite;
	int			 input;
	struct job		*job;
	void			(*on_done)(const char *, void *);
	void			*arg;
	size_t			 said_len;
	char			 said[SAID_MAX];
};

struct admit *
admit_new(struct remoted *r, const char *id,
    const struct sockaddr_storage *from, struct seal_key *key)
{
	struct admit *a = xcalloc(1, sizeof(*a));

	a->r = r;
	a->from = *from;
	a->input = -1;
	if (invite_load(&a->invite, id) == -1) {
		remoted_drop(r, DROP_TOKEN, from, "join: no such invitation");
		free(a);
		return NULL;
	}
	invite_key(key, &a->invite);
	return a;
}

void
admit_free(struct admit *a)
{
	if (a == NULL)
		return;
	if (a->job != NULL)
		a->r->jobs--;
	job_free(a->job);
	if (a->input != -1)
		(void)close(a->input);	/* memory */
	explicit_bzero(&a->invite, sizeof(a->invite));
	free(a);
}

/* What it said, for the one who is refused and for our log. */
static void
on_output(enum remote_stream s, const void *p, size_t len, void *arg)
{
	struct admit *a = arg;

	if (s == REMOTE_OUT)
		return;
	if (len > SAID_MAX - 1 - a->said_len)
		len = SAID_MAX - 1 - a->said_len;
	memcpy(a->said + a->said_len, p, len);
	a->said_len += len;
}

static void
on_end(uint8_t status, const char *what, void *arg)
{
	struct admit *a = arg;
	char addr[ADDR_LEN];
	char *p;

	job_free(a->job);
	a->job = NULL;
	a->r->jobs--;
	if (a->said_len == 0)
		(void)snprintf(a->said, sizeof(a->said), "holdfast cluster "
		    "admit: status %u %s", status, what);
	for (p = a->said; *p != '\0'; p++)
		if (*p == '\n' && p[1] == '\0')
			*p = '\0';
		else if (*p == '\n')
			*p = ';';
	if (status == 0)
		log_info("a machine at %s joined with invitation %s",
		    addr_str(addr, &a->from), a->invite.id);
	a->on_done(status == 0 ? NULL : a->said, a->arg);
}

static const struct job_calls job_calls = { on_output, on_end };

static const char *
start_job(struct admit *a, const void *request, size_t len)
{
	const char *argv[] = { "cluster", "admit", a->invite.id, NULL };
	char who[ADDR_LEN + 32], addr[ADDR_LEN];
	const char *why;

	if (!job_has_place(ROLE_ADMIN, a->r->job_max))
		return "too many commands run here: try again in a moment";
	a->input = memfd_create("remoted join", MFD_CLOEXEC);
	if (a->input == -1 || whole_write(a->input, request, len) == -1 ||
	    lseek(a->input, 0, SEEK_SET) == -1)
		return "no memory for the request";
	(void)snprintf(who, sizeof(who), "invitation %s at %s", a->invite.id,
	    addr_str(addr, &a->from));
	a->job = job_new(a->r->loop, ROLE_ADMIN, who, argv, a->input,
	    &job_calls, a, &why);
	if (a->job == NULL)
		return why;
	a->r->jobs++;
	return NULL;
}

/* Looked at again under a lock by `cluster admit'. */
static const char *
check_invite(struct admit *a)
{
	time_t now = time(NULL);

	if (a->invite.used != 0) {
		(void)snprintf(a->said, sizeof(a->said), "join: the token was "
		    "used, by %s, %lld minutes ago: `holdfast cluster invite' "
		    "makes a new one", a->invite.node,
		    (long long)(now - a->invite.used) / 60);
		return a->said;
	}
	if (a->invite.expires < now) {
		(void)snprintf(a->said, sizeof(a->said), "join: the token "
		    "expired %lld minutes ago: `holdfast cluster invite' "
		    "makes a new one", (long long)(now - a->invite.expires) /
		    60);
		return a->said;
	}
	return NULL;
}

bool
admit_start(struct admit *a, struct frame_in *f,
    const uint8_t transcript[32],
    void (*on_done)(const char *refused, void *arg), void *arg)
{
	const uint8_t *proof = frame_get_raw(f, INVITE_PROOF_LEN);
	const char *why;
	const void *request;
	size_t len;

	request = frame_get_bytes(f, REQUEST_MAX, &len);
	if (!frame_done(f))
		return false;
	a->on_done = on_done;
	a->arg = arg;
	if (!invite_verify(&a->invite, proof, transcript, request, len))
		why = "join: the token is not right";
	else
		why = check_invite(a);
	if (why == NULL)
		why = start_job(a, request, len);
	if (why != NULL)
		on_done(why, arg);
	return true;
}

/* The keys of witnesses, which the new node asks as the others do. */
static void
put_witnesses(struct frame_out *f)
{
	char path[PATH_LEN], *key;
	struct dirent *e;
	size_t len, name;
	DIR *dir = opendir(path_etc(path, "witness"));

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		name = strlen(e->d_name);
		if (name <= 4 || strcmp(e->d_name + name - 4, ".key") != 0)
			continue;
		key = statefile_read(path_etc(path, "witness/%s", e->d_name),
		    KEY_MAX, &len);
		if (key == NULL)
			continue;	/* `check' names it there */
		e->d_name[name - 4] = '\0';
		frame_put_str(f, e->d_name);
		frame_put_bytes(f, key, len);
		explicit_bzero(key, len);
		free(key);
	}
	if (dir != NULL)
		(void)closedir(dir);	/* only read */
}

size_t
admit_answer(void *buf, size_t size)
{
	char path[PATH_LEN], *xml, *key = NULL;
	size_t xml_len, key_len = 0, len = 0;
	struct frame_out f;

	xml = statefile_read(path_etc(path, "cluster.xml"), FILE_MAX,
	    &xml_len);
	if (xml != NULL)
		key = statefile_read(path_etc(path, "cluster.key"), FILE_MAX,
		    &key_len);
	if (key != NULL) {
		frame_begin(&f, buf, size, REMOTE_ADMIT, 0, 0);
		frame_put_bytes(&f, xml, xml_len);
		frame_put_bytes(&f, key, key_len);
		put_witnesses(&f);
		len = frame_end(&f);
		explicit_bzero(key, key_len);
	}
	free(xml);
	free(key);
	return len;
}
