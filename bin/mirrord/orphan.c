/* SPDX-License-Identifier: ISC */
/*
 * A short list in hash chains: most modules have no or a few open unlinked
 * files at a time.  What the parcel has no room for is put to keepd under
 * open.<oid in hex>.
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

#include "parcel.h"

#define HEADS	256
#define PREFIX	"open."

struct orphan {
	struct orphan	*next;
	uint64_t	 oid;
	int		 fd;
	bool		 set;
	bool		 named;		/* in keepd by name */
};

struct orphans {
	struct keep	*keep;
	struct parcel	*parcel;
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
insert(struct orphans *o, uint64_t oid, int fd, bool set, bool named)
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
	n->named = named;
}

static void
let_go(struct orphans *o, uint64_t oid, bool named)
{
	char name[32];

	if (named || o->parcel == NULL)
		(void)keep_drop(o->keep, name_of(name, oid));
	else if (parcel_drop(o->parcel, oid) != 0)
		log_warnx("open file %016llx: was not kept",
		    (unsigned long long)oid);
}

/* Removes it here; what is kept goes too. */
static bool
take_out(struct orphans *o, struct orphan **p)
{
	struct orphan *n = *p;

	if (n == NULL)
		return false;
	*p = n->next;
	__atomic_sub_fetch(&o->count, 1, __ATOMIC_RELEASE);
	let_go(o, n->oid, n->named);
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

/* One that an earlier life left. */
static void
take_up(struct orphans *o, uint64_t oid, int fd, bool named)
{
	struct stat st;

	/* Held, but the call was never made (step 10): recovery of its slot
	 * makes it again.  Or held twice, after a kill in a turn. */
	if (fstat(fd, &st) == -1 || st.st_nlink > 0 ||
	    *find(o, oid) != NULL) {
		let_go(o, oid, named);
		(void)close(fd);
	} else {
		insert(o, oid, fd, true, named);
	}
}

struct found {
	unsigned	 count;
	uint64_t	*oid;
	int		*fd;
};

static void
on_parcel(uint64_t oid, int fd, void *arg)
{
	struct found *f = arg;

	f->oid = xrealloc(f->oid, f->count + 1, sizeof(*f->oid));
	f->fd = xrealloc(f->fd, f->count + 1, sizeof(*f->fd));
	f->oid[f->count] = oid;
	f->fd[f->count++] = fd;
}

struct orphans *
orphans_open(struct keep *k)
{
	struct orphans *o = xcalloc(1, sizeof(*o));
	struct found f = { 0 };
	char name[32];
	unsigned i;
	int fd;

	o->keep = k;
	pthread_mutex_init(&o->lock, NULL);
	o->parcel = parcel_open(k);
	if (o->parcel != NULL)
		(void)parcel_each(o->parcel, on_parcel, &f);
	for (i = 0; i < f.count; i++)
		take_up(o, f.oid[i], f.fd[i], false);
	free(f.oid);
	free(f.fd);
	(void)keep_list(k, on_name, o);	/* no keepd: nothing was kept */
	for (i = 0; i < o->name_count; i++) {
		fd = keep_get(k, name_of(name, o->name[i]));
		if (fd != -1)
			take_up(o, o->name[i], fd, true);
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
	parcel_close(o->parcel);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

int
orphan_hold(struct orphans *o, uint64_t oid, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	char name[32];
	bool named;

	if (copy == -1)
		return -errno;
	pthread_mutex_lock(&o->lock);
	/* A repeat after a kill finds it held already. */
	(void)take_out(o, find(o, oid));
	named = o->parcel == NULL || parcel_put(o->parcel, oid, copy) != 0;
	if (named && keep_put(o->keep, name_of(name, oid), copy) == -1)
		log_warn("open file %s: keepd does not hold it", name);
	insert(o, oid, copy, false, named);
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

void
orphan_unset(struct orphans *o, uint64_t oid)
{
	struct orphan *n;

	pthread_mutex_lock(&o->lock);
	n = *find(o, oid);
	if (n != NULL)
		n->set = false;
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
