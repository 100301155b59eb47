/* SPDX-License-Identifier: ISC */
/*
 * libbpf and bpf(2) as far as a program, its maps and their numbers go.  Who
 * attaches what where is decided by tcprog.c and xdpprog.c.
 */
#include "bpfobj.h"

#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "farm-bpf.h"

#define OBJECT		"farm-bpf.o"
/* The maps of farm_xdp, which no other program has. */
#define XDP_PREFIX	"farm_xdp"

/* libbpf passes no argument to its printer. */
static char last_words[256];

static int say(enum libbpf_print_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* The first complaint is the cause, those that follow its consequences. */
static int
say(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level != LIBBPF_WARN || last_words[0] != '\0')
		return 0;
	vsnprintf(last_words, sizeof(last_words), fmt, ap);
	last_words[strcspn(last_words, "\n")] = '\0';
	return 0;
}

void
bpfobj_why(char why[FILTER_WHY_LEN], const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(why, FILTER_WHY_LEN, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= FILTER_WHY_LEN)
		return;
	snprintf(why + n, FILTER_WHY_LEN - (size_t)n, ": %s%s%s",
	    strerror(saved), last_words[0] == '\0' ? "" : ": ", last_words);
	last_words[0] = '\0';
	errno = saved;
}

/* Only what this program needs is made. */
static void
choose(struct bpf_object *o, const char *prog)
{
	bool xdp = strcmp(prog, XDP_PREFIX) == 0;
	struct bpf_program *p;
	struct bpf_map *m;

	bpf_object__for_each_program(p, o)
		bpf_program__set_autoload(p,
		    strcmp(bpf_program__name(p), prog) == 0);
	bpf_object__for_each_map(m, o)
		bpf_map__set_autocreate(m, xdp ==
		    (strncmp(bpf_map__name(m), XDP_PREFIX,
		    strlen(XDP_PREFIX)) == 0));
}

void
bpfobj_init(void)
{
	(void)libbpf_set_print(say);	/* the old one was libbpf's */
}

struct bpf_object *
bpfobj_open(const char *prog, char why[FILTER_WHY_LEN])
{
	struct bpf_object *o;
	char path[PATH_LEN];

	last_words[0] = '\0';
	path_lib(path, "%s", OBJECT);
	o = bpf_object__open_file(path, NULL);
	if (o == NULL) {
		bpfobj_why(why, "%s", path);
		return NULL;
	}
	choose(o, prog);
	return o;
}

int
bpfobj_load(struct bpf_object *o, const char *prog, char why[FILTER_WHY_LEN])
{
	const struct bpf_program *p;

	last_words[0] = '\0';
	if (bpf_object__load(o) != 0) {
		bpfobj_why(why, "%s: %s is not accepted by this kernel",
		    OBJECT, prog);
		return -1;
	}
	p = bpf_object__find_program_by_name(o, prog);
	if (p == NULL) {
		snprintf(why, FILTER_WHY_LEN,
		    "%s: has no program %s: it is of another build", OBJECT,
		    prog);
		return -1;
	}
	return bpf_program__fd(p);
}

int
bpfobj_map(const struct bpf_object *o, const char *name)
{
	return bpf_object__find_map_fd_by_name(o, name);
}

bool
bpfobj_inherit(struct bpf_object *o, const char *name, uint32_t prog_id)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	struct bpf_map *m = bpf_object__find_map_by_name(o, name);
	int fd = bpfobj_map_of(prog_id, name);
	bool good = false;

	if (m != NULL && fd != -1 &&
	    bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
	    info.type == bpf_map__type(m) &&
	    info.key_size == bpf_map__key_size(m) &&
	    info.value_size == bpf_map__value_size(m) &&
	    info.max_entries == bpf_map__max_entries(m))
		good = bpf_map__reuse_fd(m, fd) == 0;
	if (fd != -1)
		close(fd);
	return good;
}

static int
prog_info(uint32_t id, struct bpf_prog_info *info)
{
	__u32 len = sizeof(*info);
	int fd = bpf_prog_get_fd_by_id(id), rc;

	if (fd < 0)
		return -1;
	rc = bpf_obj_get_info_by_fd(fd, info, &len);
	close(fd);
	return rc == 0 ? 0 : -1;
}

bool
bpfobj_is(uint32_t prog_id, const char *name, uint8_t tag[BPFOBJ_TAG_LEN])
{
	struct bpf_prog_info info = { 0 };

	if (prog_id == 0 || prog_info(prog_id, &info) == -1 ||
	    strcmp(info.name, name) != 0)
		return false;
	if (tag != NULL)
		memcpy(tag, info.tag, BPFOBJ_TAG_LEN);
	return true;
}

uint32_t
bpfobj_id(int prog_fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &len) == 0 ?
	    info.id : 0;
}

uint32_t
bpfobj_map_id(int map_fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(map_fd, &info, &len) == 0 ?
	    info.id : 0;
}

int
bpfobj_map_of(uint32_t prog_id, const char *name)
{
	__u32 id[32];
	struct bpf_prog_info info = {
		.nr_map_ids = sizeof(id) / sizeof(id[0]),
		.map_ids = (uintptr_t)id,
	};

	if (prog_id == 0 || prog_info(prog_id, &info) == -1)
		return -1;
	for (unsigned i = 0; i < info.nr_map_ids && i < 32; i++) {
		struct bpf_map_info map = { 0 };
		__u32 len = sizeof(map);
		int fd = bpf_map_get_fd_by_id(id[i]);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &map, &len) == 0 &&
		    strcmp(map.name, name) == 0)
			return fd;
		close(fd);
	}
	return -1;
}

void *
bpfobj_mmap(int map_fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    map_fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int
bpfobj_sum(int map_fd, uint32_t row, uint64_t *sum, size_t count)
{
	int cpus = libbpf_num_possible_cpus(), rc = -1;
	uint64_t *v;

	memset(sum, 0, count * sizeof(*sum));
	if (cpus <= 0)
		return -1;
	v = xcalloc((size_t)cpus * count, sizeof(*v));
	if (bpf_map_lookup_elem(map_fd, &row, v) == 0) {
		for (size_t i = 0; i < (size_t)cpus * count; i++)
			sum[i % count] += v[i];
		rc = 0;
	}
	free(v);
	return rc;
}
