/* SPDX-License-Identifier: ISC */
/*
 * A short list in hash chains: most modules have no or a few open unlinked
 * files at a time.  keepd's names are open.<oid in hex>.
 */
#include "orphan.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#define HEADS	256
#define PREFIX	"open."

struct orphan {
	struct orphan	*next;
	uint64_t	 oid;
	int		 fd;
	bool		 set;
};

struct orphans {
	struct keep	*keep;
	pthread_mutex_t	 lock;
	unsigned	 count;		/* atomic: the common answer is no */
	struct orphan	*head[HEADS];
	/* while opening */
	unsigned	 name_count;
	uint64_t	*name;
};

static const char *
name_of(char buf[32], uint64_t oid)
{
	snprintf(buf, 32, PREFIX "%016llx", (unsigned long long)oid);
	return buf;
}

static struct orphan **
find(struct orphans *o, uint64_t oid)
{
	struct orphan **p = &o->head[(oid ^ oid >> 16) % HEADS];

	while (*p != NULL && (*p)->oid != oid)
		p = &(*p)->next;
	return p;
}

static void
insert(struct orphans *o, uint64_t oid, int fd, bool set)
{
	struct orphan **p = find(o, oid), *n = *p;

	if (n != NULL) {
		(void)close(n->fd);	/* the same object */
	} else {
		n = *p = xcalloc(1, sizeof(*n));
		n->oid = oid;
		__atomic_add_fetch(&o->count, 1, __ATOMIC_RELEASE);
	}
	n->fd = fd;
	n->set = set;
}

/* Removes it here; the descriptor in keepd goes too. */
static bool
take_out(struct orphans *o, struct orphan **p)
{
	struct orphan *n = *p;
	char name[32];

	if (n == NULL)
		return false;
	*p = n->next;
	__atomic_sub_fetch(&o->count, 1, __ATOMIC_RELEASE);
	(void)keep_drop(o->keep, name_of(name, n->oid));
	(void)close(n->fd);
	free(n);
	return true;
}

static void
on_name(const char *what, void *arg)
{
	struct orphans *o = arg;
	char *end;
	uint64_t oid;

	if (strncmp(what, PREFIX, strlen(PREFIX)) != 0)
		return;
	oid = strtoull(what + strlen(PREFIX), &end, 16);
	if (*end != '\0' || oid == 0)
		return;
	o->name = xrealloc(o->name, o->name_count + 1, sizeof(*o->name));
	o->name[o->name_count++] = oid;
}

struct orphans *
orphans_open(struct keep *k)
{
	struct orphans *o = xcalloc(1, sizeof(*o));
	struct stat st;
	char name[32];
	unsigned i;
	int fd;

	o->keep = k;
	pthread_mutex_init(&o->lock, NULL);
	(void)keep_list(k, on_name, o);	/* no keepd: nothing was kept */
	for (i = 0; i < o->name_count; i++) {
		fd = keep_get(k, name_of(name, o->name[i]));
		if (fd == -1)
			continue;
		/* Held, but the call was never made (step 10): recovery of
		 * its slot makes it again. */
		if (fstat(fd, &st) == -1 || st.st_nlink > 0) {
			(void)keep_drop(k, name);
			(void)close(fd);
			continue;
		}
		insert(o, o->name[i], fd, true);
	}
	free(o->name);
	o->name = NULL;
	return o;
}

void
orphans_close(struct orphans *o)
{
	unsigned i;

	if (o == NULL)
		return;
	for (i = 0; i < HEADS; i++)
		while (o->head[i] != NULL) {
			struct orphan *n = o->head[i];

			o->head[i] = n->next;
			(void)close(n->fd);	/* keepd's stays */
			free(n);
		}
	pthread_mutex_destroy(&o->lock);
	free(o);
}

int
orphan_hold(struct orphans *o, uint64_t oid, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	char name[32];

	if (copy == -1)
		return -errno;
	if (keep_put(o->keep, name_of(name, oid), copy) == -1)
		log_warn("open file %s: keepd does not hold it", name);
	pthread_mutex_lock(&o->lock);
	insert(o, oid, copy, false);
	pthread_mutex_unlock(&o->lock);
	return 0;
}

void
orphan_set(struct orphans *o, uint64_t oid)
{
	struct orphan *n;

	pthread_mutex_lock(&o->lock);
	n = *find(o, oid);
	if (n != NULL)
		n->set = true;
	pthread_mutex_unlock(&o->lock);
}

bool
orphan_is(struct orphans *o, uint64_t oid)
{
	const struct orphan *n;
	bool is;

	if (__atomic_load_n(&o->count, __ATOMIC_ACQUIRE) == 0)
		return false;
	pthread_mutex_lock(&o->lock);
	n = *find(o, oid);
	is = n != NULL && n->set;
	pthread_mutex_unlock(&o->lock);
	return is;
}

bool
orphan_drop(struct orphans *o, uint64_t oid)
{
	bool held;

	if (__atomic_load_n(&o->count, __ATOMIC_ACQUIRE) == 0)
		return false;
	pthread_mutex_lock(&o->lock);
	held = take_out(o, find(o, oid));
	pthread_mutex_unlock(&o->lock);
	return held;
}

void
orphan_drop_all(struct orphans *o)
{
	unsigned i;

	pthread_mutex_lock(&o->lock);
	for (i = 0; i < HEADS; i++)
		while (take_out(o, &o->head[i]))
			;
	pthread_mutex_unlock(&o->lock);
}
