/* SPDX-License-Identifier: ISC */
/*
 * The file of running processes, and how one of them is recognised.  Whether
 * it is kept or ended is decided by super.c.
 */
#include "adopt.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "log.h"
#include "statefile.h"

#define VERB		"process"
#define FILE_MAX	(ADOPT_MAX * 256)
/* Fields of /proc/PID/stat after the name: state is 3, starttime is 22. */
#define STAT_STATE	3
#define STAT_START	22

static bool
parse_record(struct adopt_record *r, const char *text, size_t len)
{
	const char *name, *module, *why;
	int64_t pid, start, starts;
	struct line l;

	if (line_parse(&l, text, len, &why) != 0 ||
	    strcmp(l.verb, VERB) != 0)
		return false;
	name = line_get(&l, "name");
	module = line_get(&l, "module");
	if (name == NULL || module == NULL ||
	    !line_get_num(&l, "pid", 1, INT32_MAX, &pid) ||
	    !line_get_num(&l, "start", 1, INT64_MAX, &start) ||
	    !line_get_num(&l, "starts", 0, INT32_MAX, &starts))
		return false;
	if (name[0] == '\0' || strlen(name) >= sizeof(r->name) ||
	    (module[0] != '\0' && !module_name_ok(module)))
		return false;
	memset(r, 0, sizeof(*r));
	memcpy(r->name, name, strlen(name));
	memcpy(r->module, module, strlen(module));
	r->pid = (pid_t)pid;
	r->start = (uint64_t)start;
	r->starts = (unsigned)starts;
	return true;
}

int
adopt_parse(struct adopt_record *r, size_t max, const char *text,
    unsigned *line)
{
	size_t count = 0;

	*line = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		++*line;
		if (count == max || text[len] != '\n' ||
		    !parse_record(&r[count], text, len))
			return -1;
		count++;
		text += len + 1;
	}
	return (int)count;
}

size_t
adopt_format(char *buf, size_t size, const struct adopt_record *r,
    size_t count)
{
	struct line_out o;
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		line_begin(&o, VERB);
		line_add(&o, "name", r[i].name);
		line_add(&o, "module", r[i].module);
		line_add_num(&o, "pid", r[i].pid);
		line_add_num(&o, "start", (int64_t)r[i].start);
		line_add_num(&o, "starts", r[i].starts);
		if (!line_end(&o) || len + o.len >= size)
			return 0;
		memcpy(buf + len, o.text, o.len);
		len += o.len;
	}
	buf[len] = '\0';
	return len;
}

uint64_t
adopt_parse_stat(const char *text)
{
	const char *p = strrchr(text, ')');	/* the name may hold any byte */
	unsigned long long start;
	char *end;

	if (p == NULL || p[1] != ' ')
		return 0;
	p += 2;
	if (*p == 'Z' || *p == 'X')
		return 0;
	for (int i = STAT_STATE; i < STAT_START; i++) {
		p = strchr(p, ' ');
		if (p == NULL)
			return 0;
		p++;
	}
	errno = 0;
	start = strtoull(p, &end, 10);
	return errno == 0 && end != p && *end == ' ' ? start : 0;
}

uint64_t
adopt_start_time(pid_t pid)
{
	char path[64], text[1024];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);	/* only read from */
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return adopt_parse_stat(text);
}

int
adopt_open(pid_t pid, uint64_t start)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd == -1)
		return -1;
	/*
	 * In this order: what the descriptor holds cannot change any more,
	 * and the start time read now is that of this process or of none.
	 */
	if (start == 0 || adopt_start_time(pid) != start) {
		(void)close(fd);
		errno = ESRCH;
		return -1;
	}
	return fd;
}

int
adopt_load(struct adopt_record *r, size_t max)
{
	char path[PATH_LEN], *text;
	unsigned line;
	size_t len;
	int n;

	path_run(path, "holdfastd.state");
	text = statefile_read(path, FILE_MAX, &len);
	if (text == NULL) {
		if (errno != ENOENT)
			log_warn("running daemons not known: %s", path);
		return 0;
	}
	n = adopt_parse(r, max, text, &line);
	if (n == -1) {
		log_warnx("%s:%u: damaged: daemons left running are not "
		    "adopted; end them by hand", path, line);
		n = 0;
	}
	free(text);
	return n;
}

int
adopt_save(const struct adopt_record *r, size_t count)
{
	static char buf[FILE_MAX];
	char path[PATH_LEN];
	size_t len;

	len = adopt_format(buf, sizeof(buf), r, count);
	if (len == 0 && count > 0) {
		errno = EMSGSIZE;
		return -1;
	}
	path_run(path, "holdfastd.state");
	return statefile_write_volatile(path, buf, len, 0644);
}
