/* SPDX-License-Identifier: ISC */
/*
 * Processes: at least so many, at most so many.  Each that was found is held
 * by a pidfd, so that its death is an event; the interval is only for what
 * no event tells, a new one for example.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#include "procs.h"

/* So long is waited for the first sight of it, and looked so often. */
#define COMING_MS	2000
#define COMING_LOOK_MS	100

struct held {
	struct held		*next;
	struct check		*check;
	pid_t			 pid;
	struct loop_child	*child;	/* NULL: no descriptor was left */
	bool			 seen;	/* by the present look */
};

struct proc {
	struct procs_match	 match;
	long			 atleast, atmost;
	struct held		*held;
	unsigned		 count;
};

static struct proc *
proc_of(const struct check *c)
{
	return c->data;
}

static bool
is_good(const struct proc *p)
{
	return (p->atleast < 0 || p->count >= (unsigned long)p->atleast) &&
	    (p->atmost < 0 || p->count <= (unsigned long)p->atmost);
}

static void
let_go(struct check *c, struct held *h)
{
	struct proc *p = proc_of(c);
	struct held **at;

	for (at = &p->held; *at != h; at = &(*at)->next)
		;
	*at = h->next;
	p->count--;
	if (h->child != NULL)
		loop_child_del(h->child);
	free(h);
}

static void
on_death(pid_t pid, int status, void *arg)
{
	struct held *h = arg;
	struct check *c = h->check;

	(void)pid;
	(void)status;
	h->child = NULL;
	let_go(c, h);
	/* Enough are left: nobody needs to look. */
	if (!is_good(proc_of(c)) || c->debounce.state == CS_DOWN)
		check_now(c);
}

static void
on_found(pid_t pid, void *arg)
{
	struct check *c = arg;
	struct proc *p = proc_of(c);
	struct held *h;

	for (h = p->held; h != NULL; h = h->next)
		if (h->pid == pid) {
			h->seen = true;
			return;
		}
	h = xcalloc(1, sizeof(*h));
	h->check = c;
	h->pid = pid;
	h->seen = true;
	h->child = loop_child_add(c->host->loop, pid, on_death, h);
	/* The number may have a new owner since it was read. */
	if (h->child != NULL && !procs_is(&p->match, pid)) {
		loop_child_del(h->child);
		free(h);
		return;
	}
	h->next = p->held;
	p->held = h;
	p->count++;
}

/*
 * A start script often leaves before what it started has become the
 * application.
 */
static bool
may_come(const struct check *c)
{
	const struct proc *p = proc_of(c);

	return c->debounce.state == CS_INIT && p->atleast > 0 &&
	    p->count < (unsigned long)p->atleast &&
	    !mono_passed(mono_add_ms(c->armed_since, c->delay_ms +
	    COMING_MS), mono_now());
}

static void
proc_begin(struct check *c)
{
	struct proc *p = proc_of(c);
	struct held *h, *next;

	for (h = p->held; h != NULL; h = h->next)
		h->seen = false;
	if (procs_each(&p->match, on_found, c) == -1) {
		check_result(c, true, "/proc cannot be read");
		return;
	}
	for (h = p->held; h != NULL; h = next) {
		next = h->next;
		if (!h->seen)
			let_go(c, h);
	}
	if (is_good(p))
		check_result(c, true, "%s", "");
	else if (may_come(c))
		check_later(c, COMING_LOOK_MS);
	else if (p->count == 0)
		check_result(c, false, "no such process");
	else if (p->atmost >= 0 && p->count > (unsigned long)p->atmost)
		check_result(c, false, "%u process%s, at most %ld are "
		    "allowed", p->count, p->count == 1 ? "" : "es",
		    p->atmost);
	else
		check_result(c, false, "%u process%s, at least %ld are "
		    "needed", p->count, p->count == 1 ? "" : "es",
		    p->atleast);
}

/* By an event, which saves the look at all of them. */
static void
proc_on_process(struct check *c, pid_t pid, pid_t parent)
{
	struct proc *p = proc_of(c);
	bool was_good = is_good(p);
	struct held *h, *next;
	bool of_ours = parent == 0;

	for (h = p->held; h != NULL && !of_ours; h = h->next)
		of_ours = h->pid == parent;
	/* A child is what its parent is until it becomes something else. */
	if (!of_ours || pid == getpid())
		return;
	if (procs_is(&p->match, pid))
		on_found(pid, c);
	else
		for (h = p->held; h != NULL; h = next) {
			next = h->next;
			if (h->pid == pid)
				let_go(c, h);
		}
	if (is_good(p) != was_good)
		check_now(c);
}

static void
proc_cancel(struct check *c)
{
	(void)c;	/* a look ends where it began */
}

static void
proc_disarm(struct check *c)
{
	while (proc_of(c)->held != NULL)
		let_go(c, proc_of(c)->held);
}

static bool
compile(struct check *c, cfg_t *sec, const char *name, regex_t *re,
    bool *has)
{
	const char *text = cfg_getstr(sec, name);
	char why[128];
	int rc;

	*has = text[0] != '\0';
	if (!*has)
		return true;
	rc = regcomp(re, text, REG_EXTENDED | REG_NOSUB);
	if (rc == 0)
		return true;
	(void)regerror(rc, re, why, sizeof(why));
	cfg_error(sec, "%s: %s: %s", c->resource, name, why);
	return false;
}

static bool
proc_open(struct check *c, cfg_t *sec)
{
	struct proc *p = xcalloc(1, sizeof(*p));
	struct procs_match *m = &p->match;

	c->data = p;
	c->delay_ms = cfg_getint(sec, "start_after_ms");
	p->atleast = cfg_getint(sec, "atleast");
	p->atmost = cfg_getint(sec, "atmost");
	/* The kernel cuts names; so is what they are compared with. */
	(void)snprintf(m->name, sizeof(m->name), "%.15s",
	    cfg_getstr(sec, "name"));
	if (!compile(c, sec, "nameregex", &m->name_regex,
	    &m->has_name_regex) ||
	    !compile(c, sec, "argregex", &m->arg_regex, &m->has_arg_regex))
		return false;
	if (m->name[0] != '\0' || m->has_name_regex)
		return true;
	cfg_error(sec, "%s: name and nameregex are empty", c->resource);
	return false;
}

const struct check_kind check_proc = {
	.name = "proc",
	.open = proc_open,
	.begin = proc_begin,
	.cancel = proc_cancel,
	.disarm = proc_disarm,
	.on_process = proc_on_process,
};
