/* SPDX-License-Identifier: ISC */
/*
 * The page: magic, the boot it is of, the time.  The magic is written last,
 * so that a reader never takes a half-made page for one.
 */
#include "lease.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "paths.h"
#include "xalloc.h"

#define PAGE_LEN	4096
#define MAGIC		UINT64_C(0x484665617365310a)
#define BOOT_LEN	40

struct page {
	_Atomic uint64_t	magic;
	char			boot[BOOT_LEN];	/* its id, as text */
	_Atomic int64_t		until_ns;
};

struct lease {
	char			 path[PATH_LEN];
	char			 boot[BOOT_LEN];
	struct page		*_Atomic page;	/* NULL: not mapped yet */
	pthread_mutex_t		 lock;		/* of mapping it */
};

static void
read_boot(char boot[BOOT_LEN])
{
	int fd = open("/proc/sys/kernel/random/boot_id",
	    O_RDONLY | O_CLOEXEC);

	memset(boot, 0, BOOT_LEN);
	if (fd == -1)
		return;	/* without /proc every boot is the same one */
	if (read(fd, boot, BOOT_LEN - 1) < 0)
		boot[0] = '\0';
	(void)close(fd); /* was only read */
}

static struct lease *
make(const char *module)
{
	struct lease *l = xcalloc(1, sizeof(*l));

	(void)path_run(l->path, "%s/lease", module);
	read_boot(l->boot);
	(void)pthread_mutex_init(&l->lock, NULL);
	return l;
}

static struct page *
map(int fd, int prot)
{
	void *p = mmap(NULL, PAGE_LEN, prot, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool
is_valid(const struct lease *l, const struct page *p)
{
	return atomic_load(&p->magic) == MAGIC &&
	    memcmp(p->boot, l->boot, BOOT_LEN) == 0;
}

static struct page *
map_for_writing(const char *path)
{
	struct page *p = NULL;
	struct stat st;
	int fd, err;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd == -1)
		return NULL;
	/*
	 * Never made smaller when it is whole: somebody may have it mapped.
	 * What is short is not kept: the zeros behind it would be a time.
	 */
	if (fstat(fd, &st) == 0 && (st.st_size >= PAGE_LEN ||
	    (ftruncate(fd, 0) == 0 && ftruncate(fd, PAGE_LEN) == 0)))
		p = map(fd, PROT_READ | PROT_WRITE);
	err = errno;
	(void)close(fd); /* the mapping stays */
	errno = err;
	return p;
}

struct lease *
lease_open(const char *module)
{
	struct lease *l = make(module);
	struct page *p = map_for_writing(l->path);
	int err = errno;

	if (p == NULL) {
		lease_close(l);
		errno = err;
		return NULL;
	}
	if (!is_valid(l, p)) {
		atomic_store(&p->magic, 0);
		atomic_store(&p->until_ns, LEASE_OVER);
		memcpy(p->boot, l->boot, BOOT_LEN);
		atomic_store(&p->magic, MAGIC);
	}
	atomic_store(&l->page, p);
	return l;
}

void
lease_set(struct lease *l, struct mono until)
{
	atomic_store(&atomic_load(&l->page)->until_ns, until.ns);
}

struct lease *
lease_reader(const char *module)
{
	return make(module);
}

/* A page that is not valid yet is given back: the next call looks again. */
static struct page *
map_for_reading(struct lease *l)
{
	struct page *p;
	struct stat st;
	int fd;

	fd = open(l->path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	p = fstat(fd, &st) == 0 && st.st_size >= PAGE_LEN ?
	    map(fd, PROT_READ) : NULL;
	(void)close(fd); /* the mapping stays */
	if (p != NULL && !is_valid(l, p)) {
		(void)munmap(p, PAGE_LEN);
		p = NULL;
	}
	return p;
}

static struct page *
find(struct lease *l)
{
	struct page *p = atomic_load(&l->page);

	if (p != NULL)
		return p;
	(void)pthread_mutex_lock(&l->lock);
	p = atomic_load(&l->page);
	if (p == NULL) {
		p = map_for_reading(l);
		atomic_store(&l->page, p);
	}
	(void)pthread_mutex_unlock(&l->lock);
	return p;
}

int64_t
lease_until_ns(struct lease *l)
{
	struct page *p = find(l);
	int64_t until;

	if (p == NULL || atomic_load(&p->magic) != MAGIC)
		return LEASE_OVER;
	until = atomic_load(&p->until_ns);
	return until < 0 ? LEASE_OVER : until;
}

bool
lease_runs(struct lease *l, struct mono now)
{
	return now.ns < lease_until_ns(l);
}

bool
lease_is_needed(struct lease *l)
{
	return find(l) != NULL && lease_until_ns(l) != LEASE_NONE;
}

void
lease_close(struct lease *l)
{
	struct page *p;

	if (l == NULL)
		return;
	p = atomic_load(&l->page);
	if (p != NULL)
		(void)munmap(p, PAGE_LEN);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}
