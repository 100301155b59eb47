/* SPDX-License-Identifier: ISC */
/*
 * What is set aside on this node, as facts, and the ends of a set-aside that
 * are not the resync's: a forced promotion (rule R50), and a node that
 * becomes primary when it was about to be a target.
 */
#include "role-int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

/* The watch of the room has looked since: it does every two seconds. */
#define LOOKED_MS	4000

/* One of the same name in another directory belongs to it. */
static void
add_info(struct aside_info **all, unsigned *count, const struct aside_info *i)
{
	unsigned k;

	for (k = 0; k < *count; k++)
		if (strcmp((*all)[k].name, i->name) == 0) {
			(*all)[k].entries += i->entries;
			(*all)[k].bytes += i->bytes;
			return;
		}
	*all = xrealloc(*all, *count + 1, sizeof(**all));
	(*all)[(*count)++] = *i;
}

/* Open, or the plain directory, which nothing covers then. */
static int
open_root(struct role_machine *r, unsigned i)
{
	int fd = -1;

	pthread_mutex_lock(&r->lock);
	if (r->is_open && r->parts.root_fd[i] != -1)
		fd = fcntl(r->parts.root_fd[i], F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&r->lock);
	return fd != -1 ? fd : open(r->conf->dir[i],
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
role_look_aside(struct role_machine *r)
{
	struct aside_info *all = NULL, *here, *old;
	unsigned count = 0, n, i, k;
	int fd, top;

	for (i = 0; i < r->conf->dir_count; i++) {
		fd = open_root(r, i);
		top = fd == -1 ? -1 : aside_open_top(fd, false);
		here = top == -1 ? NULL : aside_all(top, &n);
		for (k = 0; here != NULL && k < n; k++)
			add_info(&all, &count, &here[k]);
		free(here);
		if (top != -1)
			(void)close(top); /* a directory */
		if (fd != -1)
			(void)close(fd); /* a directory */
	}
	pthread_mutex_lock(&r->lock);
	old = r->aside;
	r->aside = all;
	r->aside_count = count;
	pthread_mutex_unlock(&r->lock);
	free(old);
	role_changed(r);
}

int
role_aside_stage(struct role_machine *r, struct epoch epoch)
{
	struct aside_head head = { .when_s = (int64_t)time(NULL),
	    .by = "stage" };
	char text[EPOCH_LEN];
	bool left;
	int rc;

	(void)snprintf(head.epoch, sizeof(head.epoch), "%s",
	    epoch_str(text, epoch));
	(void)snprintf(head.lost_epoch, sizeof(head.lost_epoch), "%s", text);
	(void)snprintf(head.lost_to, sizeof(head.lost_to), "%s",
	    r->conf->name);
	rc = aside_stage(r->parts.objects, r->conf->dir_count, &head, &left);
	if (rc != 0) {
		role_set_error(r, "disk", ".holdfast/stage: what was half "
		    "copied cannot be set aside: %s", strerror(-rc));
		return -1;
	}
	if (left) {
		log_warnx("half copied: objects whose names are not known "
		    "lie in .holdfast/diverged/%s", head.epoch);
		role_look_aside(r);
	}
	return 0;
}

/*
 * Before this node is primary.  Nothing of it was overwritten when the record
 * does not say `resyncing', and then a set-aside is only a second copy.
 */
int
role_aside_close(struct role_machine *r)
{
	struct aside_conf conf = { .objects = r->parts.objects,
	    .root_count = r->conf->dir_count };
	struct aside *a = aside_new(&conf);
	bool left = false;
	struct gen g;
	int rc;

	gen_read(r->parts.gen, &g);
	rc = gen_uuid_is_none(&g.resyncing) &&
	    !gen_uuid_is_none(&g.current) ? aside_drop(a, true) :
	    aside_resume(a);
	if (rc == 1)
		rc = aside_release(a, &left);
	aside_free(a);
	if (left)
		role_look_aside(r);
	if (rc == 0)
		return 0;
	role_set_error(r, "disk", ".holdfast/diverged: %s", strerror(-rc));
	return -1;
}

bool
role_aside_room(struct role_machine *r)
{
	uint64_t least = UINT64_MAX;
	struct space s;
	unsigned i;

	/* What was seen before is no answer: it would be tried at once. */
	if (!mono_passed(mono_add_ms(r->room_at, LOOKED_MS), mono_now()))
		return false;
	for (i = 0; i < r->conf->dir_count; i++) {
		space_watch_get(r->space, i, &s);
		if (s.known && s.avail < least)
			least = s.avail;
	}
	return least != UINT64_MAX && least >= r->room.need;
}

void
role_places(struct role_machine *r, void (*on_place)(const char *dir, int fd,
    void *arg), void *arg)
{
	int fd[CONF_DIR_MAX];
	unsigned i;

	pthread_mutex_lock(&r->lock);
	for (i = 0; i < r->conf->dir_count; i++)
		fd[i] = r->is_open ? r->parts.root_fd[i] : -1;
	r->look_aside = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	for (i = 0; i < r->conf->dir_count; i++)
		if (fd[i] != -1)
			on_place(r->conf->dir[i], fd[i], arg);
}
