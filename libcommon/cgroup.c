/* SPDX-License-Identifier: ISC */
/* Where the applications' cgroups are, and the few files used in them. */

#include "cgroup.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "paths.h"

#define MOUNTINFO_MAX	(256 * 1024)
#define ROUNDS_MAX	100
#define PIDS_MAX	1024

/* A field of mountinfo: blanks and backslashes are \ooo. */
static bool
unescape(char *out, size_t size, const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (n + 1 >= size)
			return false;
		if (p[i] == '\\' && i + 3 < len && p[i + 1] >= '0' &&
		    p[i + 1] <= '3') {
			out[n++] = (char)((p[i + 1] - '0') * 64 +
			    (p[i + 2] - '0') * 8 + (p[i + 3] - '0'));
			i += 3;
		} else {
			out[n++] = p[i];
		}
	}
	out[n] = '\0';
	return n > 0;
}

/*
 * "36 35 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw": the
 * mount point is field 5, the type comes after " - ".
 */
static bool
parse_mount(char *out, size_t size, const char *line, size_t len)
{
	static const char type[] = " - cgroup2 ";
	const char *sep = memmem(line, len, type, sizeof(type) - 1);
	const char *p = line, *end;

	if (sep == NULL)
		return false;
	for (int i = 0; i < 4; i++) {
		p = memchr(p, ' ', (size_t)(sep - p));
		if (p == NULL)
			return false;
		p++;
	}
	end = memchr(p, ' ', (size_t)(sep - p));
	return end != NULL && unescape(out, size, p, (size_t)(end - p));
}

static int
rank(const char *mount)
{
	if (strcmp(mount, "/sys/fs/cgroup") == 0)
		return 3;
	return strcmp(mount, "/sys/fs/cgroup/unified") == 0 ? 2 : 1;
}

bool
cgroup_find(char buf[CGROUP_PATH_LEN], const char *mountinfo)
{
	char mount[CGROUP_PATH_LEN];
	int best = 0;

	while (*mountinfo != '\0') {
		size_t len = strcspn(mountinfo, "\n");

		if (parse_mount(mount, sizeof(mount), mountinfo, len) &&
		    rank(mount) > best) {
			best = rank(mount);
			memcpy(buf, mount, strlen(mount) + 1);
		}
		mountinfo += len + (mountinfo[len] == '\n');
	}
	return best > 0;
}

/* Files of /proc and cgroup have no size: read until the end. */
static char *
read_all(const char *path, size_t max)
{
	char *text = malloc(max + 1);
	size_t len = 0;
	ssize_t n = 0;
	int fd;

	if (text == NULL)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		free(text);
		return NULL;
	}
	while (len < max && (n = read(fd, text + len, max - len)) > 0)
		len += (size_t)n;
	(void)close(fd);	/* only read from */
	text[len] = '\0';
	return text;
}

static int
make_dir(const char *path)
{
	return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : -1;
}

/* HOLDFAST_CGROUP into buf: 1; 0: it is not set; -1 with errno. */
static int
base_of_environment(char buf[CGROUP_PATH_LEN])
{
	const char *base = getenv("HOLDFAST_CGROUP");

	if (base == NULL || base[0] == '\0') {
		if (getenv("HOLDFAST_ROOT") == NULL)
			return 0;
		errno = ENOENT;
		return -1;
	}
	if (strlen(base) >= CGROUP_PATH_LEN) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(buf, base, strlen(base) + 1);
	return make_dir(buf) == 0 ? 1 : -1;
}

int
cgroup_below(char buf[CGROUP_PATH_LEN], const char *parent, const char *name)
{
	if (snprintf(buf, CGROUP_PATH_LEN, "%s/%s", parent, name) >=
	    CGROUP_PATH_LEN) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return make_dir(buf);
}

int
cgroup_module_at(char buf[CGROUP_PATH_LEN], const char *mount,
    const char *module)
{
	/* The first is made by its unit only, the second by whoever. */
	static const char *const bases[] = {
		"holdfast.slice/holdfast-apps.service", "holdfast",
	};
	char base[2][CGROUP_PATH_LEN];

	for (int i = 0; i < 2; i++) {
		if (snprintf(base[i], CGROUP_PATH_LEN, "%s/%s", mount,
		    bases[i]) >= CGROUP_PATH_LEN ||
		    snprintf(buf, CGROUP_PATH_LEN, "%s/%s", base[i],
		    module) >= CGROUP_PATH_LEN) {
			errno = ENAMETOOLONG;
			return -1;
		}
		/* What runs is there: who freezes it must look there. */
		if (access(buf, F_OK) == 0)
			return 0;
	}
	if (access(base[0], F_OK) == 0)
		return cgroup_below(buf, base[0], module);
	return make_dir(base[1]) == 0 ?
	    cgroup_below(buf, base[1], module) : -1;
}

int
cgroup_module(char buf[CGROUP_PATH_LEN], const char *module)
{
	char at[CGROUP_PATH_LEN];
	char *text;
	bool found;
	int rc;

	if (!module_name_ok(module)) {
		errno = EINVAL;
		return -1;
	}
	rc = base_of_environment(at);
	if (rc != 0)
		return rc == 1 ? cgroup_below(buf, at, module) : -1;
	text = read_all("/proc/self/mountinfo", MOUNTINFO_MAX);
	if (text == NULL)
		return -1;
	found = cgroup_find(at, text);
	free(text);
	if (!found) {
		errno = ENOENT;
		return -1;
	}
	return cgroup_module_at(buf, at, module);
}

int
cgroup_write(const char *path, const char *file, const char *text)
{
	char name[CGROUP_PATH_LEN + 64];
	ssize_t n;
	int fd, saved;

	(void)snprintf(name, sizeof(name), "%s/%s", path, file);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = write(fd, text, strlen(text));
	saved = errno;
	(void)close(fd);	/* the write is the whole story */
	errno = saved;
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

int
cgroup_freeze(const char *path, bool on)
{
	return cgroup_write(path, "cgroup.freeze", on ? "1" : "0");
}

bool
cgroup_is_frozen(const char *path)
{
	char name[CGROUP_PATH_LEN + 64];
	char *text;
	bool is_frozen;

	(void)snprintf(name, sizeof(name), "%s/cgroup.freeze", path);
	text = read_all(name, 16);
	is_frozen = text != NULL && text[0] == '1';
	free(text);
	return is_frozen;
}

int
cgroup_join(const char *path, pid_t pid)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	return cgroup_write(path, "cgroup.procs", text);
}

int
cgroup_pids(const char *path, pid_t *pid, size_t max)
{
	char name[CGROUP_PATH_LEN + 64];
	char *text, *p, *end;
	int count = 0;

	(void)snprintf(name, sizeof(name), "%s/cgroup.procs", path);
	text = read_all(name, MOUNTINFO_MAX);
	if (text == NULL)
		return -1;
	for (p = text; *p != '\0'; p = end + (*end == '\n')) {
		long n = strtol(p, &end, 10);

		if (end == p)
			break;
		/* 0: lives in a pid namespace we do not see. */
		if (n > 0 && (size_t)count < max)
			pid[count] = (pid_t)n;
		count += n > 0;
	}
	free(text);
	return count;
}

int
cgroup_move_all(const char *from, const char *to)
{
	pid_t pid[PIDS_MAX];
	int n = 0;

	/* What is forked meanwhile is found in the next round. */
	for (int round = 0; round < ROUNDS_MAX; round++) {
		n = cgroup_pids(from, pid, PIDS_MAX);
		if (n <= 0)
			return n;
		for (int i = 0; i < n && i < PIDS_MAX; i++)
			(void)cgroup_join(to, pid[i]);	/* or it just ended */
	}
	errno = EBUSY;
	return -1;
}

int
cgroup_kill(const char *path)
{
	pid_t pid[PIDS_MAX];
	int n;

	if (cgroup_write(path, "cgroup.kill", "1") == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	/* Before Linux 5.14: one by one, until none is left. */
	for (int round = 0; round < ROUNDS_MAX; round++) {
		n = cgroup_pids(path, pid, PIDS_MAX);
		if (n <= 0)
			return n;
		for (int i = 0; i < n && i < PIDS_MAX; i++)
			(void)kill(pid[i], SIGKILL);	/* or it just ended */
	}
	return 0;
}
