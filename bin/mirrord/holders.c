/* SPDX-License-Identifier: ISC */
/*
 * Walks /proc.  A mount is told by its id (fdinfo) and, for mappings, by its
 * device; ids are looked up in the mount table of each process whose
 * namespace differs from the one before.  Called by role.c.
 */
#include "holders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "mountinfo.h"

#define IDS_MAX		64
#define KILL_MAX	4096

struct scan {
	bool		 plain;		/* of a directory, not of a device */
	dev_t		 dev;
	const char	*dir;
	char		 inner[PATH_MAX];	/* dir within its file system */
	unsigned	 id_count;
	int		 id[IDS_MAX];	/* mounts that count */
	char		 last_ns[64];
	holder_fn	*fn;
	void		*arg;
	unsigned	 found;
};

static void
add_id(struct scan *s, int id)
{
	unsigned i;

	for (i = 0; i < s->id_count; i++)
		if (s->id[i] == id)
			return;
	if (s->id_count < IDS_MAX)
		s->id[s->id_count++] = id;
}

static bool
has_id(const struct scan *s, int id)
{
	unsigned i;

	for (i = 0; i < s->id_count; i++)
		if (s->id[i] == id)
			return true;
	return false;
}

static void
tell(struct scan *s, pid_t pid, const char *how, int number)
{
	struct holder h = { .pid = pid };
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f != NULL) {
		if (fgets(h.comm, sizeof(h.comm), f) != NULL)
			h.comm[strcspn(h.comm, "\n")] = '\0';
		fclose(f);	/* read only */
	}
	if (number >= 0)
		snprintf(h.how_buf, sizeof(h.how_buf), "%s %d", how, number);
	else
		snprintf(h.how_buf, sizeof(h.how_buf), "%s", how);
	h.how = h.how_buf;
	s->found++;
	s->fn(&h, s->arg);
}

/*
 * The mount ids of one namespace.  For a plain directory: every writable
 * mount of its file system through which the directory can be reached.
 */
static void
collect_ids(struct scan *s, int pid)
{
	char path[64], ns[64] = "";
	struct mountinfo m;
	ssize_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	n = readlink(path, ns, sizeof(ns) - 1);
	if (n > 0)
		ns[n] = '\0';
	if (n > 0 && strcmp(ns, s->last_ns) == 0)
		return;
	memcpy(s->last_ns, ns, sizeof(ns));
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while (mountinfo_next(&m, f)) {
		if (m.dev != s->dev)
			continue;
		if (!s->plain || (!m.read_only &&
		    (path_is_below(s->inner, m.root) ||
		    path_is_below(m.root, s->inner))))
			add_id(s, m.id);
	}
	fclose(f);	/* read only */
}

/*
 * What a descriptor says of its mount; *writes: through it, or by a name
 * looked up from it, something can be changed.
 */
static int
mount_id_of(const char *fdinfo, bool *writes)
{
	char line[128];
	unsigned flags = 0;
	int id = -1;
	FILE *f = fopen(fdinfo, "re");

	if (f == NULL)
		return -1;
	while (id == -1 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "flags: %o", &flags) != 1)
			(void)sscanf(line, "mnt_id: %d", &id);
	fclose(f);	/* read only */
	*writes = (flags & O_ACCMODE) != O_RDONLY ||
	    (flags & (O_DIRECTORY | O_PATH)) != 0;
	return id;
}

/*
 * Is what the link names below the directory?  By its text, which is the
 * path in the other's namespace: a bind mount elsewhere is told by its own
 * entry in the mount table.
 */
static bool
link_is_inside(const struct scan *s, const char *link)
{
	char target[PATH_MAX];
	ssize_t n;

	if (!s->plain)
		return true;
	n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	return path_is_below(target, s->dir);
}

static bool
holds_link(struct scan *s, int pid, const char *name)
{
	char path[64], info[64];
	bool writes;
	int fd, id;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	/* O_PATH asks nothing of the file system behind it. */
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd == -1)
		return false;
	snprintf(info, sizeof(info), "/proc/self/fdinfo/%d", fd);
	id = mount_id_of(info, &writes);
	(void)close(fd);	/* a path */
	return id != -1 && has_id(s, id) && link_is_inside(s, path);
}

static int
holds_fd(struct scan *s, int pid)
{
	char path[64], info[128], link[128];
	struct dirent *e;
	bool writes = false;
	int found = -1;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	if (d == NULL)
		return -1;
	while (found == -1 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(info, sizeof(info), "/proc/%d/fdinfo/%.16s", pid,
		    e->d_name);
		snprintf(link, sizeof(link), "/proc/%d/fd/%.16s", pid,
		    e->d_name);
		if (has_id(s, mount_id_of(info, &writes)) &&
		    (writes || !s->plain) && link_is_inside(s, link))
			found = (int)strtol(e->d_name, NULL, 10);
	}
	closedir(d);
	return found;
}

static bool
holds_map(struct scan *s, int pid)
{
	char path[64], *line = NULL, *name;
	unsigned major, minor;
	char rights[5];
	size_t size = 0;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (!found && getline(&line, &size, f) != -1) {
		if (sscanf(line, "%*x-%*x %4s %*x %x:%x", rights, &major,
		    &minor) != 3 || makedev(major, minor) != s->dev)
			continue;
		name = strchr(line, '/');
		found = !s->plain || (name != NULL && rights[1] == 'w' &&
		    rights[3] == 's' && path_is_below(name, s->dir));
	}
	free(line);
	fclose(f);	/* read only */
	return found;
}

static void
look_at(struct scan *s, int pid)
{
	int fd;

	collect_ids(s, pid);
	if (s->id_count == 0)
		return;
	if ((fd = holds_fd(s, pid)) != -1)
		tell(s, pid, "fd", fd);
	else if (holds_link(s, pid, "cwd"))
		tell(s, pid, "cwd", -1);
	else if (holds_link(s, pid, "root"))
		tell(s, pid, "root", -1);
	else if (!s->plain && holds_link(s, pid, "exe"))
		tell(s, pid, "exe", -1);
	else if (holds_map(s, pid))
		tell(s, pid, "map", -1);
}

static void
walk(struct scan *s)
{
	struct dirent *e;
	DIR *d = opendir("/proc");
	int pid;

	if (d == NULL)
		return;
	/* Ours first: its mounts are where the directory is looked for. */
	collect_ids(s, (int)getpid());
	while ((e = readdir(d)) != NULL) {
		pid = (int)strtol(e->d_name, NULL, 10);
		if (pid > 0 && pid != (int)getpid())
			look_at(s, pid);
	}
	closedir(d);
}

unsigned
holders_of_device(dev_t dev, holder_fn *on_holder, void *arg)
{
	struct scan s = { .dev = dev, .fn = on_holder, .arg = arg };

	walk(&s);
	return s.found;
}

struct victims {
	holder_fn	*fn;
	void		*arg;
	unsigned	 count;
	pid_t		 pid[KILL_MAX];
};

static void
on_victim(const struct holder *h, void *arg)
{
	struct victims *v = arg;

	(void)kill(h->pid, SIGKILL);	/* gone already is as good */
	if (v->count < KILL_MAX)
		v->pid[v->count++] = h->pid;
	v->fn(h, v->arg);
}

/* A zombie has let go of everything, whoever is to reap it. */
static bool
is_running(pid_t pid)
{
	char path[64], line[512], *end;
	bool running = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(line, sizeof(line), f) != NULL &&
	    (end = strrchr(line, ')')) != NULL && end[1] == ' ')
		running = end[2] != 'Z' && end[2] != 'X';
	fclose(f);	/* read only */
	return running;
}

unsigned
holders_kill(dev_t dev, holder_fn *on_killed, void *arg,
    int (*between)(void *arg), void *between_arg, int wait_ms)
{
	struct timespec pause = { 0, 2000000 };
	struct victims *v = calloc(1, sizeof(*v));
	unsigned i, left = 0;

	if (v == NULL)
		return holders_of_device(dev, on_killed, arg);
	v->fn = on_killed;
	v->arg = arg;
	(void)holders_of_device(dev, on_victim, v);
	/* Who waits inside FUSE does not die before the abort (R51). */
	(void)between(between_arg);
	for (; wait_ms > 0; wait_ms -= 2) {
		left = 0;
		for (i = 0; i < v->count; i++)
			left += is_running(v->pid[i]);
		if (left == 0)
			break;
		nanosleep(&pause, NULL);
	}
	free(v);
	return left;
}

unsigned
holders_of_plain(const char *dir, holder_fn *on_holder, void *arg)
{
	struct scan s = { .plain = true, .dir = dir, .fn = on_holder,
	    .arg = arg };
	struct mountinfo m, best = { .id = -1 };
	FILE *f = fopen("/proc/self/mountinfo", "re");

	if (f == NULL)
		return 0;
	while (mountinfo_next(&m, f))
		if (path_is_below(dir, m.point) && (best.id == -1 ||
		    strlen(m.point) >= strlen(best.point)))
			best = m;
	if (best.id != -1 && mountinfo_inner(s.inner, sizeof(s.inner), &best,
	    dir)) {
		s.dev = best.dev;
		rewind(f);
		/* Another writable mount of just this directory or of a part
		 * of it is a way in that has a name. */
		while (mountinfo_next(&m, f))
			if (m.dev == s.dev && m.id != best.id &&
			    !m.read_only && strcmp(s.inner, "/") != 0 &&
			    path_is_below(m.root, s.inner))
				tell(&s, getpid(), m.point, -1);
		walk(&s);
	}
	fclose(f);	/* read only */
	return s.found;
}
