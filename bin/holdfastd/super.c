/* SPDX-License-Identifier: ISC */
/*
 * Processes behind services.  Every step of a service goes through apply();
 * what may follow from it for the others is found by take_turns(), which all
 * entries from outside end with.
 */
#include "super.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "configured.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "adopt.h"
#include "roster.h"
#include "spawn.h"

struct unit {
	struct service		 s;	/* first: lists of it are made */
	struct super		*super;
	bool			 listed;	/* in a roster */
	pid_t			 pid;		/* 0: no process */
	uint64_t		 start;
	int			 pidfd;
	struct loop_child	*child;
	struct loop_timer	*timer;
	struct loop_fd		*ready;
	int			 ready_fd;
	bool			 has_exited;
	int			 last_status;	/* -1: not ours to know */
};

struct super {
	struct loop			*loop;
	struct service_times		 times;
	const struct super_calls	*calls;
	void				*arg;
	bool				 stopping;
	unsigned			 count;
	struct unit			*unit[ADOPT_MAX];
};

static void apply(struct unit *, enum service_event);
static void take_turns(struct super *);

/* "heartd", or "ledger/mirrord" */
#define WHO_LEN	(SERVICE_NAME_MAX + MODULE_NAME_MAX + 2)

static const char *
who(char buf[WHO_LEN], const struct service *s)
{
	(void)snprintf(buf, WHO_LEN, "%s%s%s", s->module,
	    s->module[0] != '\0' ? "/" : "", s->name);
	return buf;
}

static const char *
exit_text(char *buf, size_t size, bool has_exited, int status)
{
	if (!has_exited)
		(void)snprintf(buf, size, "none");
	else if (status == -1)
		(void)snprintf(buf, size, "unknown");
	else if (WIFSIGNALED(status))
		(void)snprintf(buf, size, "signal %d", WTERMSIG(status));
	else
		(void)snprintf(buf, size, "exit %d", WEXITSTATUS(status));
	return buf;
}

/* --- the list ------------------------------------------------------- */

static struct unit *
unit_find(struct super *s, const char *name, const char *module)
{
	for (unsigned i = 0; i < s->count; i++) {
		struct service *sv = &s->unit[i]->s;

		if (strcmp(sv->name, name) == 0 &&
		    strcmp(sv->module, module) == 0)
			return s->unit[i];
	}
	return NULL;
}

static unsigned
unit_index(const struct super *s, const struct unit *u)
{
	unsigned i = 0;

	while (i < s->count && s->unit[i] != u)
		i++;
	return i;
}

static void
on_timer(void *arg)
{
	struct unit *u = arg;
	struct super *s = u->super;

	apply(u, SE_TIMER);
	take_turns(s);
}

static int
unit_cmp(const void *a, const void *b)
{
	return service_cmp(&(*(struct unit *const *)a)->s,
	    &(*(struct unit *const *)b)->s);
}

static void
sort_units(struct super *s)
{
	qsort(s->unit, s->count, sizeof(s->unit[0]), unit_cmp);
}

/* The unit, made when there is none; NULL: too many. */
static struct unit *
unit_get(struct super *s, const char *name, const char *module, unsigned pos)
{
	struct unit *u = unit_find(s, name, module);

	if (u != NULL)
		return u;
	if (s->count == ADOPT_MAX) {
		log_warnx("%s/%s: not started: %d daemons are the bound",
		    module, name, ADOPT_MAX);
		return NULL;
	}
	u = xcalloc(1, sizeof(*u));
	service_init(&u->s, name, module, pos, mono_now());
	u->super = s;
	u->pidfd = u->ready_fd = -1;
	u->timer = loop_timer_new(s->loop, on_timer, u);
	s->unit[s->count++] = u;
	return u;
}

static void
close_ready(struct unit *u)
{
	if (u->ready == NULL)
		return;
	loop_fd_del(u->ready);
	u->ready = NULL;
	(void)close(u->ready_fd);	/* only read from */
	u->ready_fd = -1;
}

/* Forgets the process, whatever became of it. */
static void
unit_clear(struct unit *u)
{
	close_ready(u);
	loop_child_del(u->child);
	u->child = NULL;
	if (u->pidfd != -1)
		(void)close(u->pidfd);	/* nothing can be lost */
	u->pidfd = -1;
	u->pid = 0;
}

static void
unit_free(struct unit *u)
{
	unit_clear(u);
	loop_timer_free(u->timer);
	free(u);
}

/* --- processes ------------------------------------------------------ */

/* Who runs, for the next holdfastd. */
static void
save(const struct super *s)
{
	static struct adopt_record r[ADOPT_MAX];
	size_t n = 0;

	for (unsigned i = 0; i < s->count; i++) {
		const struct unit *u = s->unit[i];

		if (u->pid == 0)
			continue;
		memcpy(r[n].name, u->s.name, sizeof(r[n].name));
		memcpy(r[n].module, u->s.module, sizeof(r[n].module));
		r[n].pid = u->pid;
		r[n].start = u->start;
		r[n].starts = u->s.starts;
		n++;
	}
	if (adopt_save(r, n) == -1)
		log_warn("running daemons not written down: a restarted "
		    "holdfastd will not find them");
}

static void
on_exit_status(pid_t pid, int status, void *arg)
{
	struct unit *u = arg;
	struct super *s = u->super;

	(void)pid;
	u->child = NULL;	/* the loop deleted it */
	unit_clear(u);
	u->has_exited = true;
	u->last_status = status;
	u->s.bad_config = WIFEXITED(status) &&
	    WEXITSTATUS(status) == EX_CONFIG;
	save(s);
	apply(u, SE_EXIT);
	take_turns(s);
}

static void
on_ready(int fd, int events, void *arg)
{
	struct unit *u = arg;
	struct super *s = u->super;
	char byte;
	ssize_t n = read(fd, &byte, 1);

	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	close_ready(u);
	if (n == 1 && byte == '\n')
		apply(u, SE_READY);
	take_turns(s);
}

static int
unit_spawn(struct unit *u)
{
	struct spawn p;
	struct super *s = u->super;

	if (spawn_prepare(&p, u->s.name, u->s.module) == -1)
		return -1;
	u->pid = p.pid;
	u->start = p.start;
	u->pidfd = adopt_open(p.pid, p.start);
	u->child = loop_child_add(s->loop, p.pid, on_exit_status, u);
	u->ready_fd = p.ready_fd;
	u->ready = loop_fd_add(s->loop, p.ready_fd, LOOP_READ, on_ready, u);
	save(s);
	spawn_go(&p);
	return 0;
}

/* By pidfd: the number of an adopted process may be another one's by now. */
static void
unit_signal(struct unit *u, int signo)
{
	char buf[WHO_LEN];

	if (u->pidfd == -1)
		return;
	if (syscall(SYS_pidfd_send_signal, u->pidfd, signo, NULL, 0) == -1 &&
	    errno != ESRCH)
		log_warn("%s: not signalled", who(buf, &u->s));
}

/* --- steps ---------------------------------------------------------- */

static void
report(const struct unit *u, unsigned actions)
{
	char buf[WHO_LEN], text[32];
	const struct service *s = &u->s;

	who(buf, s);
	exit_text(text, sizeof(text), u->has_exited, u->last_status);
	if (actions & SA_DIED)
		log_event(JE_DAEMON_DIED, s->module, "%s: died (%s), starts "
		    "again in %lld ms", buf, text, (long long)s->delay_ms);
	if (actions & SA_DYING)
		log_event(JE_DAEMON_DYING, s->module, "%s: keeps dying (%s): "
		    "started again and again without a further word, see its "
		    "log", buf, text);
	if (actions & SA_STABLE)
		log_info("%s: stays up again", buf);
	if (actions & SA_LATE)
		log_warnx("%s: not ready after %lld ms: the others go on",
		    buf, (long long)u->super->times.ready_ms);
	if (actions & SA_HUNG)
		log_warnx("%s: did not end in %lld ms: killed", buf,
		    (long long)u->super->times.kill_ms);
}

static void
apply(struct unit *u, enum service_event e)
{
	struct super *s = u->super;
	enum service_state before = u->s.state;
	unsigned actions;
	char buf[WHO_LEN];

	actions = service_step(&u->s, e, &s->times, mono_now());
	report(u, actions);
	if (u->s.state != before && !service_is_quiet(&u->s))
		log_info("%s: %s -> %s (%s)", who(buf, &u->s),
		    service_state_name(before),
		    service_state_name(u->s.state), service_event_name(e));
	if (actions & SA_TERM)
		unit_signal(u, SIGTERM);
	if (actions & SA_KILL)
		unit_signal(u, SIGKILL);
	if (actions & SA_TIMER)
		loop_timer_set(u->timer, u->s.timer_ms, 0);
	else if (u->s.state != before || (actions & SA_KILL))
		loop_timer_cancel(u->timer);
	if ((actions & SA_SPAWN) && unit_spawn(u) == -1) {
		log_warn("%s: not started", who(buf, &u->s));
		u->has_exited = true;
		u->last_status = -1;
		apply(u, SE_EXIT);
		return;
	}
	if (u->s.state != before)
		s->calls->on_service(s, unit_index(s, u), s->arg);
}

/* Those of no roster any more, once they are down. */
static void
forget_gone(struct super *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->count; i++) {
		struct unit *u = s->unit[i];

		if (!u->listed && u->s.state == SS_DOWN && !u->s.wanted)
			unit_free(u);
		else
			s->unit[n++] = u;
	}
	s->count = n;
}

static void
take_turns(struct super *s)
{
	struct service *list[ADOPT_MAX];
	bool again = true;

	for (unsigned i = 0; i < s->count; i++)
		list[i] = &s->unit[i]->s;
	while (again) {
		again = false;
		for (unsigned i = 0; i < s->count; i++) {
			enum service_event e = service_turn(list, s->count, i);

			if (e == SE_COUNT)
				continue;
			apply(s->unit[i], e);
			again = true;
		}
	}
	forget_gone(s);
	s->calls->on_quiet(s, s->arg);
}

/* --- what main.c asks for ------------------------------------------- */

struct super *
super_new(struct loop *l, const struct service_times *t,
    const struct super_calls *calls, void *arg)
{
	struct super *s = xcalloc(1, sizeof(*s));
	struct roster r;

	s->loop = l;
	s->times = *t;
	s->calls = calls;
	s->arg = arg;
	roster_node(&r);
	for (unsigned i = 0; i < r.count; i++)
		unit_get(s, r.name[i], "", i)->listed = true;
	return s;
}

void
super_free(struct super *s)
{
	for (unsigned i = 0; i < s->count; i++)
		unit_free(s->unit[i]);
	free(s);
}

static void
adopt_one(struct super *s, const struct adopt_record *r)
{
	char buf[WHO_LEN];
	struct unit *u;
	int fd = adopt_open(r->pid, r->start);

	if (fd == -1)
		return;		/* died meanwhile: started as a new one */
	u = unit_get(s, r->name, r->module, 0);
	if (u == NULL || u->pid != 0) {
		(void)close(fd);	/* not taken */
		return;
	}
	u->child = loop_child_add(s->loop, r->pid, on_exit_status, u);
	/* The loop took the number again: is it still the same process? */
	if (u->child == NULL || adopt_start_time(r->pid) != r->start) {
		loop_child_del(u->child);
		u->child = NULL;
		(void)close(fd);	/* gone */
		return;
	}
	u->pid = r->pid;
	u->start = r->start;
	u->pidfd = fd;
	u->s.starts = r->starts > 0 ? r->starts - 1 : 0;
	log_info("%s: adopted, process %d", who(buf, &u->s), (int)r->pid);
	apply(u, SE_ADOPT);
}

void
super_adopt(struct super *s)
{
	static struct adopt_record r[ADOPT_MAX];
	int n = adopt_load(r, ADOPT_MAX);

	for (int i = 0; i < n; i++)
		adopt_one(s, &r[i]);
	sort_units(s);
	save(s);
}

/* Reads a roster into the list; take_turns() is the caller's. */
static int
want_module(struct super *s, const char *module)
{
	char path[PATH_LEN];
	struct roster r;

	if (roster_load(&r, module) == -1)
		return -1;
	if (path_mkdirs(path_run(path, "%s", module), 0755) == -1)
		log_warn("%s", path);
	for (unsigned i = 0; i < s->count; i++) {
		if (strcmp(s->unit[i]->s.module, module) == 0)
			s->unit[i]->listed = s->unit[i]->s.wanted = false;
	}
	for (unsigned i = 0; i < r.count; i++) {
		struct unit *u = unit_get(s, r.name[i], module, i);

		if (u == NULL)
			break;
		u->s.pos = i;
		u->listed = u->s.wanted = true;
	}
	sort_units(s);
	return 0;
}

static void
want_one(const char *module, void *arg)
{
	(void)want_module(arg, module);	/* logged; the others go on */
}

static void
each_module(struct super *s)
{
	char path[PATH_LEN];

	if (configured_each(want_one, s) == -1)
		log_warn("modules not listed: %s", path_state(path, "%s", ""));
}

void
super_start_all(struct super *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (s->unit[i]->s.module[0] == '\0')
			s->unit[i]->s.wanted = s->unit[i]->listed;
	}
	each_module(s);
	take_turns(s);
}

/*
 * The operator changed something: what died for want of it, a configuration
 * most likely, is tried again at once and not after its delay.
 */
static void
try_again(struct super *s, const char *module)
{
	for (unsigned i = 0; i < s->count; i++) {
		struct unit *u = s->unit[i];

		if (u->s.state != SS_DELAY || !u->s.wanted)
			continue;
		if (module != NULL && u->s.module[0] != '\0' &&
		    strcmp(u->s.module, module) != 0)
			continue;
		u->s.deaths = u->s.stillborn = 0;
		apply(u, SE_RESTART);
	}
}

int
super_start_module(struct super *s, const char *module)
{
	if (s->stopping || want_module(s, module) == -1)
		return -1;
	try_again(s, module);
	take_turns(s);
	return 0;
}

void
super_stop_module(struct super *s, const char *module)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (strcmp(s->unit[i]->s.module, module) == 0)
			s->unit[i]->s.wanted = s->unit[i]->listed = false;
	}
	take_turns(s);
}

bool
super_module_is_down(const struct super *s, const char *module)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (strcmp(s->unit[i]->s.module, module) == 0)
			return false;
	}
	return true;
}

void
super_reload(struct super *s)
{
	char path[PATH_LEN];

	if (s->stopping)
		return;
	for (unsigned i = 0; i < s->count; i++) {
		struct unit *u = s->unit[i];

		if (u->s.module[0] == '\0')
			continue;
		path_state(path, "%s/config/active/roster", u->s.module);
		if (access(path, F_OK) == -1 && errno == ENOENT)
			u->s.wanted = u->listed = false;
	}
	each_module(s);
	try_again(s, NULL);
	take_turns(s);
}

bool
super_restart(struct super *s, const char *name, const char *module)
{
	struct unit *u = unit_find(s, name, module);

	if (u == NULL || !u->s.wanted)
		return false;
	/* SS_DOWN: its turn comes, and it will be a new one. */
	apply(u, SE_RESTART);
	take_turns(s);
	return true;
}

void
super_stop_all(struct super *s)
{
	s->stopping = true;
	for (unsigned i = 0; i < s->count; i++)
		s->unit[i]->s.wanted = false;
	take_turns(s);
}

bool
super_is_settled(const struct super *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (s->unit[i]->s.wanted &&
		    !service_is_settled(&s->unit[i]->s))
			return false;
	}
	return true;
}

bool
super_is_down(const struct super *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (s->unit[i]->s.state != SS_DOWN)
			return false;
	}
	return true;
}

unsigned
super_count(const struct super *s)
{
	return s->count;
}

const struct service *
super_service(const struct super *s, unsigned i)
{
	return &s->unit[i]->s;
}

void
super_describe(const struct super *s, unsigned i, struct line_out *o)
{
	const struct unit *u = s->unit[i];
	char text[32];

	line_add(o, "service", u->s.name);
	line_add(o, "module", u->s.module);
	line_add_num(o, "pid", u->pid);
	line_add(o, "state", service_word(&u->s));
	line_add_num(o, "since_s", mono_diff_ms(mono_now(), u->s.since) / 1000);
	line_add_num(o, "restarts", u->s.starts > 0 ? u->s.starts - 1 : 0);
	line_add(o, "last_exit", exit_text(text, sizeof(text), u->has_exited,
	    u->last_status));
}
