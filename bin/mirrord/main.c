/* SPDX-License-Identifier: ISC */
/*
 * mirrord: the bytes of one module.  Verbs in, facts out; the work is in the
 * role, request and link threads.  Started by holdfastd, asked by moduled.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"
#include "paths.h"
#include "seal.h"

#include "freeze.h"
#include "mirrord-conf.h"
#include "role.h"
#include "role-verify.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

/* Of stalls and progress; far below every bound that depends on them. */
#define TICK_MS		100
/* Objects are opened on demand; the cache of descriptors is smaller. */
#define FILES_MAX	65536

struct mirrord {
	struct daemon		*d;
	struct mirrord_conf	 conf;
	struct keys		*keys;
	struct role_machine	*role;
	int			 event_fd;
	struct loop_fd		*event;
	struct loop_timer	*tick;
	struct client		*freezer;	/* asked for it */
	bool			 freeze_pending;	/* not answered */
	struct client		*differ;	/* waits for an estimate */
};

static void
on_want(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;
	const char *why, *code;
	struct wish w;

	if (wish_parse(&w, l, &why) == -1) {
		serve_err(c, "usage", "%s", why);
		return;
	}
	if (role_want(m->role, &w, &code, &why) == -1)
		serve_err(c, code, "%s", why);
	else
		serve_ok(c);
}

static void
fact_line(struct mirrord *m, struct line_out *o, const char *verb)
{
	struct facts f;

	role_facts(m->role, &f);
	line_begin(o, verb);
	facts_put(o, &f);
}

static void
on_watch(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct line_out o;

	(void)l;
	serve_watch(c, "fact");
	fact_line(d->state, &o, "fact");
	serve_event_to(c, &o);
	serve_ok(c);
}

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct line_out o;

	(void)l;
	fact_line(d->state, &o, "");
	serve_line(c, &o);
	serve_ok(c);
}

static void
on_checkpoint(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;

	(void)l;
	role_checkpoint(m->role);
	serve_ok(c);
}

static void
put_holder(int pid, const char *comm, const char *how, void *arg)
{
	struct line_out o;

	line_begin(&o, "");
	line_add_num(&o, "pid", pid);
	line_add(&o, "comm", comm);
	line_add(&o, "how", how);
	serve_line(arg, &o);
}

static void
on_holders(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;

	(void)l;
	role_holders(m->role, put_holder, c);
	serve_ok(c);
}

static void
put_place(const char *dir, int fd, void *arg)
{
	struct line_out o;

	line_begin(&o, "");
	line_add(&o, "dir", dir);
	line_add_num(&o, "pid", getpid());
	line_add_num(&o, "fd", fd);
	serve_line(arg, &o);
}

/* Where the trees are, for who works on what is set aside; and what that is
 * now is looked at once more. */
static void
on_diverged(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;

	(void)l;
	role_places(m->role, put_place, c);
	serve_ok(c);
}

/* --- freeze: the hold belongs to the connection that asked for it -------- */

static void
on_freeze(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;
	const char *by = line_get(l, "who"), *code, *text;
	int64_t ms;

	if (!line_get_num(l, "ms", 1, FREEZE_MAX_MS, &ms) || by == NULL) {
		serve_err(c, "usage", "ms= from 1 to %d and who= are needed",
		    FREEZE_MAX_MS);
		return;
	}
	if (m->freezer != NULL) {
		serve_err(c, "busy", "writes are held already");
		return;
	}
	if (role_freeze(m->role, ms, by, &code, &text) == -1) {
		serve_err(c, code, "%s", text);
		return;
	}
	m->freezer = c;
	m->freeze_pending = true;
	serve_later(c);
}

static void
answer_freeze(struct mirrord *m)
{
	const char *code, *text;
	struct line_out o;
	bool both;

	if (!m->freeze_pending)
		return;
	switch (role_freeze_look(m->role, &both, &code, &text)) {
	case FZ_ASKED:
		return;
	case FZ_HELD:
		line_begin(&o, "ok");
		line_add_num(&o, "both", both);
		serve_ok_line(m->freezer, &o);
		break;
	case FZ_FAILED:
		serve_err(m->freezer, code, "%s", text);
		m->freezer = NULL;
		break;
	case FZ_NONE:
		serve_err(m->freezer, "gone", "the role has changed");
		m->freezer = NULL;
		break;
	}
	m->freeze_pending = false;
}

static void
on_thaw(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;
	struct line_out o;

	(void)l;
	if (m->freezer != c) {
		serve_err(c, "badstate", "this connection holds nothing");
		return;
	}
	m->freezer = NULL;
	line_begin(&o, "ok");
	line_add_num(&o, "held", role_thaw(m->role));
	serve_ok_line(c, &o);
}

static void
on_close(struct client *c, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;

	if (m->differ == c)
		m->differ = NULL;
	if (m->freezer != c)
		return;
	m->freezer = NULL;
	m->freeze_pending = false;
	(void)role_thaw(m->role); /* whoever asked is gone */
}

/* --- verify and diff ------------------------------------------------------ */

static void
on_verify(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;
	const char *who = line_get(l, "who"), *code, *text;

	if (who == NULL)
		serve_err(c, "usage", "who= is needed");
	else if (role_verify(m->role, who, &code, &text) == -1)
		serve_err(c, code, "%s", text);
	else
		serve_ok(c);
}

static void
on_verify_stop(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;
	const char *who = line_get(l, "who");

	if (role_verify_stop(m->role, who != NULL ? who : "somebody"))
		serve_ok(c);
	else
		serve_err(c, "badstate", "none runs on this node");
}

static void
on_verify_repair(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;
	const char *code, *text;

	(void)l;
	if (role_verify_repair(m->role, &code, &text) == -1)
		serve_err(c, code, "%s", text);
	else
		serve_ok(c);
}

static void
put_diff(const struct verify_diff *diff, void *arg)
{
	struct line_out o;

	line_begin(&o, "");
	if (verify_diff_put(&o, diff))
		serve_line(arg, &o);
}

static void
on_verify_list(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;
	struct verify_progress p;
	struct line_out o;

	(void)l;
	role_verify_progress(m->role, &p);
	line_begin(&o, "");
	verify_result_put(&o, &p.res);
	serve_line(c, &o);
	role_verify_each(m->role, put_diff, c);
	serve_ok(c);
}

static void
on_diff(struct client *c, const struct line *l, void *arg)
{
	struct daemon *d = arg;
	struct mirrord *m = d->state;
	const char *code, *text;

	(void)l;
	if (m->differ != NULL) {
		serve_err(c, "busy", "one is being made already");
		return;
	}
	if (role_diff(m->role, &code, &text) == -1) {
		serve_err(c, code, "%s", text);
		return;
	}
	m->differ = c;
	serve_later(c);
}

static void
answer_diff(struct mirrord *m)
{
	struct role_estimate e;
	struct line_out o;

	if (m->differ == NULL || !role_diff_look(m->role, &e))
		return;
	line_begin(&o, "ok");
	line_add_num(&o, "apart", e.apart);
	line_add_num(&o, "all", e.all);
	line_add_num(&o, "linked", e.linked);
	line_add_num(&o, "objects", (int64_t)e.objects);
	line_add_num(&o, "names", (int64_t)e.names);
	line_add_num(&o, "bytes", (int64_t)e.bytes);
	line_add_num(&o, "rate_bytes_s", (int64_t)e.rate_bytes_s);
	serve_ok_line(m->differ, &o);
	m->differ = NULL;
}

static void
derive(struct seal_ring *ring, const struct cluster_keys *ks,
    const char *module)
{
	char context[64];

	snprintf(context, sizeof(context), "mirrord %s", module);
	seal_ring_derive(ring, ks, context);
}

/* A session that stands goes on; the next handshake has the new keys. */
static void
on_rekey(struct client *c, const struct line *l, void *arg)
{
	struct mirrord *m = ((struct daemon *)arg)->state;
	const char *text = line_get(l, "keys");
	struct cluster_keys ks;
	struct seal_ring ring, was;
	bool is_news;

	if (text == NULL || seal_keys_parse(&ks, text, strlen(text)) == -1) {
		serve_err(c, "usage", "keys= must be the text of "
		    "cluster.key");
		return;
	}
	derive(&ring, &ks, m->conf.module);
	keys_get(m->keys, &was);
	is_news = memcmp(&was, &ring, sizeof(ring)) != 0;
	keys_set(m->keys, &ring);
	if (is_news)
		log_info("cluster.key: uses %s%s%s", ks.key[0].id,
		    ks.count > 1 ? ", accepts " : "", ks.key[1].id);
	explicit_bzero(&was, sizeof(was));
	explicit_bzero(&ks, sizeof(ks));
	explicit_bzero(&ring, sizeof(ring));
	serve_ok(c);
}

static const struct verb verbs[] = {
	/* name		least role	keys		handler */
	{ "want",	ROLE_ADMIN,	WISH_KEYS,	on_want },
	{ "watch",	ROLE_MONITOR,	"topic",	on_watch },
	{ "status",	ROLE_MONITOR,	"",		on_status },
	{ "checkpoint",	ROLE_CONTROL,	"",		on_checkpoint },
	{ "holders",	ROLE_CONTROL,	"",		on_holders },
	{ "diverged",	ROLE_ADMIN,	"",		on_diverged },
	{ "freeze",	ROLE_ADMIN,	"ms who",	on_freeze },
	{ "thaw",	ROLE_ADMIN,	"",		on_thaw },
	{ "verify",	ROLE_CONTROL,	"who",		on_verify },
	{ "verify-stop", ROLE_CONTROL,	"who",		on_verify_stop },
	{ "verify-list", ROLE_CONTROL,	"",		on_verify_list },
	{ "verify-repair", ROLE_ADMIN,	"",		on_verify_repair },
	{ "diff",	ROLE_MONITOR,	"",		on_diff },
	{ "rekey",	ROLE_ADMIN,	"keys",		on_rekey },
	{ NULL,		ROLE_NONE,	NULL,		NULL },
};

/* From any thread. */
static void
on_change(void *arg)
{
	struct mirrord *m = arg;
	uint64_t one = 1;

	if (write(m->event_fd, &one, sizeof(one)) == -1 && errno != EAGAIN)
		log_warn("eventfd");
}

static void
tell_facts(struct mirrord *m)
{
	struct line_out o;

	if (m->d->serve == NULL)
		return;
	fact_line(m, &o, "fact");
	serve_event(m->d->serve, "fact", &o);
}

static void
on_event(int fd, int events, void *arg)
{
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) == -1)
		return;
	answer_freeze(arg);
	answer_diff(arg);
	tell_facts(arg);
}

static void
on_tick(void *arg)
{
	struct mirrord *m = arg;

	loop_timer_set(m->tick, TICK_MS, 0);
	if (role_tick(m->role))
		tell_facts(m);
}

/*
 * mirrord is in the way of the kernel's write-back: it must not wait for
 * memory that only its own work can free.  Each of these may be refused in a
 * container; then it works, with that risk.
 */
static void
harden(void)
{
	struct rlimit files, more = { FILES_MAX, FILES_MAX };
	FILE *f;

	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) == -1)
		log_debug("io flusher: refused");
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == -1)
		log_warn("memory cannot be locked");
	f = fopen("/proc/self/oom_score_adj", "we");
	if (f != NULL) {
		fprintf(f, "-1000\n");
		if (fclose(f) != 0)
			log_debug("oom score: refused");
	}
	if (setrlimit(RLIMIT_NOFILE, &more) == -1 &&
	    getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) == -1)
			log_warn("limit of open files stays");
	}
	/* Workers take the caller's fsuid and keep their capabilities. */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == -1)
		log_warn("securebits");
	(void)umask(0);
}

static struct keys *
load_keys(const char *module)
{
	struct cluster_keys ks;
	struct seal_ring ring;
	char path[PATH_LEN];
	const char *why;
	struct keys *keys;

	seal_init();
	if (seal_keys_load(&ks, path_etc(path, "cluster.key"), &why) == -1)
		fatalx(EX_NOINPUT, "%s: %s", path, why);
	derive(&ring, &ks, module);
	keys = keys_new(&ring);
	if (keys == NULL)
		fatal("memory");
	explicit_bzero(&ks, sizeof(ks));
	explicit_bzero(&ring, sizeof(ring));
	return keys;
}

static void
start(struct daemon *d)
{
	struct mirrord *m = calloc(1, sizeof(*m));

	if (m == NULL)
		fatal("memory");
	m->d = d;
	d->state = m;
	mirrord_conf_read(&m->conf, d->conf);
	log_context(m->conf.name, NULL);
	m->keys = load_keys(m->conf.module);
	harden();
	m->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->event_fd == -1)
		fatal("eventfd");
	m->event = loop_fd_add(d->loop, m->event_fd, LOOP_READ, on_event, m);
	m->tick = loop_timer_new(d->loop, on_tick, m);
	m->role = role_new(&m->conf, d->keep, m->keys, on_change, m);
	serve_on_close(d->serve, on_close);
	loop_timer_set(m->tick, TICK_MS, 0);
}

/*
 * Ends at once, whatever it serves: keepd has what a successor needs, and
 * threads that wait in the kernel cannot be joined.
 */
static void
finish(struct daemon *d)
{
	struct mirrord *m = d->state;

	role_free(m->role);
	_exit(EX_OK);
}

int
main(int argc, char **argv)
{
	static const struct daemon_spec spec = {
		.name = "mirrord",
		.summary = "replicates the directories of one module",
		.has_module = true,
		.opts = mirrord_opts,
		.check = mirrord_conf_check,
		.verbs = verbs,
		.start = start,
		.finish = finish,
	};

	return daemon_main(&spec, argc, argv);
}
