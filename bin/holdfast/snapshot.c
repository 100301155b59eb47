/* SPDX-License-Identifier: ISC */
/*
 * snapshot: what somebody who helps wants to see of this node, in one
 * archive: configuration, states, events, logs, kernel and network.  The key
 * of the cluster is never in it: files of keys are not read, and whatever has
 * the text of the key in it all the same is left out.
 */
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "cluster.h"
#include "cmd.h"
#include "fence.h"
#include "files.h"
#include "generation.h"
#include "modules.h"
#include "paths.h"
#include "scrub.h"
#include "statefile.h"
#include "xalloc.h"

/* Of each file the end, where the news are; and of all of them. */
#define PIECE_MAX	(1024 * 1024)
#define TOTAL_MAX	(128 * 1024 * 1024)
#define COMMAND_MS	20000
#define KEY_LINE_MIN	16

struct snapshot {
	const struct cmd	*c;
	const struct cluster	*cl;		/* no nodes: not known */
	const char		*module;	/* NULL: all */
	struct archive		*a;
	struct scrub		 scrub;
	char			 top[128];
	char			*key;		/* texts of the keys' files */
	size_t			 total;
	unsigned		 pieces, withheld;
	bool			 failed;
};

struct command {
	const char	*name;
	const char	*argv[6];	/* "@": this program */
};

/* --- what goes in --------------------------------------------------------- */

/* Is a line of the key's file in it? */
static bool
has_key(const struct snapshot *s, const char *text, size_t len)
{
	const char *p = s->key, *end;
	size_t n;

	for (; p != NULL && *p != '\0'; p = *end != '\0' ? end + 1 : end) {
		end = p + strcspn(p, "\n");
		n = (size_t)(end - p);
		if (n >= KEY_LINE_MIN && memmem(text, len, p, n) != NULL)
			return true;
	}
	return false;
}

static void
put(struct snapshot *s, const char *name, const char *text, size_t len)
{
	struct archive_entry *e = archive_entry_new();
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->top, name);
	archive_entry_set_pathname(e, path);
	archive_entry_set_size(e, (la_int64_t)len);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_mtime(e, time(NULL), 0);
	if (archive_write_header(s->a, e) != ARCHIVE_OK || (len > 0 &&
	    archive_write_data(s->a, text, len) != (la_ssize_t)len))
		s->failed = true;
	archive_entry_free(e);
	s->pieces++;
}

static void
add_text(struct snapshot *s, const char *name, const char *text, size_t len)
{
	struct text clean = { 0 }, path = { 0 };

	if (s->total + len > TOTAL_MAX)
		return;		/* said at the end */
	s->total += len;
	scrub_text(&s->scrub, name, strlen(name), &path);
	scrub_text(&s->scrub, text, len, &clean);
	if (has_key(s, text, len)) {
		s->withheld++;
		fprintf(stderr, "holdfast: %s has the cluster's key in it, or "
		    "a witness's: left out\n", name);
	} else
		put(s, path.text != NULL ? path.text : name,
		    clean.text != NULL ? clean.text : "", clean.len);
	free(clean.text);
	free(path.text);
}

/* The end of a regular file, from a whole line on. */
static void
add_file(struct snapshot *s, const char *name, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	char *text = xcalloc(1, PIECE_MAX + 1), *from = text;
	struct stat st;
	ssize_t n, len = 0;
	off_t skip = 0;

	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		goto out;
	/* Those of /proc say that they are empty. */
	if (st.st_size > PIECE_MAX)
		skip = st.st_size - PIECE_MAX;
	while (len < PIECE_MAX && (n = pread(fd, text + len, (size_t)
	    (PIECE_MAX - len), skip + len)) > 0)
		len += n;
	if (skip > 0 && (from = memchr(text, '\n', (size_t)len)) == NULL)
		from = text;
	add_text(s, name, from, (size_t)(len - (from - text)));
out:
	if (fd != -1)
		(void)close(fd);	/* only read */
	free(text);
}

/* --- files ---------------------------------------------------------------- */

static bool
is_secret(const char *rel)
{
	static const char *const parts[] = { "key", "token", "secret",
	    ".pem", ".p12", "shadow", "alert.d/" };
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcasestr(rel, parts[i]) != NULL)
			return true;
	return false;
}

/* What prints the password of a fencing device, wherever it is. */
static bool
is_fence_secret(const struct snapshot *s, const char *path)
{
	char script[PATH_LEN];
	struct stat a, b;

	if (stat(path, &a) == -1)
		return false;
	for (unsigned i = 0; i < s->cl->node_count; i++)
		if (fence_script_path(&s->cl->node[i], script,
		    sizeof(script)) && stat(script, &b) == 0 &&
		    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
			return true;
	return false;
}

struct walk {
	struct snapshot	*s;
	const char	*prefix;
};

static int
add_of_tree(const char *rel, const char *path, void *arg)
{
	struct walk *w = arg;
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s/%s", w->prefix, rel);
	if (is_secret(rel) || is_fence_secret(w->s, path))
		add_text(w->s, name, "(not taken)\n", 12);
	else
		add_file(w->s, name, path);
	return 0;
}

static void
add_tree(struct snapshot *s, const char *prefix, const char *dir)
{
	struct walk w = { s, prefix };

	(void)tree_each(dir, add_of_tree, &w); /* what is not there is not */
}

/* --- commands ------------------------------------------------------------- */

static void
add_command(struct snapshot *s, const struct command *cmd,
    const char *module)
{
	const char *argv[8];
	struct text out = { 0 };
	char name[128];
	unsigned i;

	for (i = 0; cmd->argv[i] != NULL; i++)
		argv[i] = strcmp(cmd->argv[i], "@") == 0 ? "/proc/self/exe" :
		    strcmp(cmd->argv[i], "@M") == 0 ? module : cmd->argv[i];
	argv[i] = NULL;
	if (module != NULL)
		snprintf(name, sizeof(name), "%s/%s", module, cmd->name);
	else
		snprintf(name, sizeof(name), "%s", cmd->name);
	capture_run(argv, COMMAND_MS, PIECE_MAX, &out);
	add_text(s, name, out.text != NULL ? out.text : "", out.len);
	free(out.text);
}

static void
add_node(struct snapshot *s)
{
	static const struct command commands[] = {
		{ "version", { "@", "--version" } },
		{ "status", { "@", "status", "--no-colour" } },
		{ "status.json", { "@", "status", "--json" } },
		{ "check", { "@", "check" } },
		{ "node", { "@", "node" } },
		{ "ports", { "@", "cluster", "ports" } },
		{ "voters", { "@", "cluster", "witness", "list" } },
		{ "kernel/dmesg", { "dmesg" } },
		{ "kernel/uname", { "uname", "-a" } },
		{ "kernel/df", { "df", "-h" } },
		{ "kernel/df-inodes", { "df", "-i" } },
		{ "kernel/ps", { "ps", "-eo", "pid,ppid,stat,etime,args" } },
		{ "network/addr", { "ip", "-s", "addr" } },
		{ "network/route", { "ip", "route", "show", "table", "all" } },
		{ "network/rule", { "ip", "rule" } },
		{ "network/neigh", { "ip", "neigh" } },
		{ "network/sockets", { "ss", "-tuanp" } },
		{ "network/nft", { "nft", "list", "ruleset" } },
		{ "unit", { "systemctl", "--no-pager", "status", "holdfast" } },
	};
	static const char *const files[] = { "/etc/os-release",
	    "/proc/version", "/proc/cmdline", "/proc/mounts", "/proc/meminfo",
	    "/proc/loadavg", "/proc/uptime", "/proc/modules",
	    "/proc/self/mountinfo", "/proc/net/dev", "/proc/net/snmp" };
	char path[PATH_LEN], name[128];
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		add_command(s, &commands[i], NULL);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(name, sizeof(name), "kernel%s", files[i]);
		add_file(s, name, files[i]);
	}
	add_file(s, "state/node.standby", path_state(path, "node.standby"));
	add_file(s, "state/cluster.conf", path_state(path,
	    "cluster/cluster.conf"));
}

static void
add_module(const char *module, void *arg)
{
	static const struct command commands[] = {
		{ "why", { "@", "why", "--local", "@M" } },
		{ "check", { "@", "check", "@M" } },
		{ "resources", { "@", "get", "@M" } },
	};
	static const struct command farm = {
		"farm", { "@", "farm", "@M" }
	};
	struct snapshot *s = arg;
	char path[PATH_LEN], name[128];
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		add_command(s, &commands[i], module);
	if (generation_has(module, "farmd.conf"))
		add_command(s, &farm, module);
	snprintf(name, sizeof(name), "%s/wish", module);
	add_file(s, name, path_state(path, "%s/wish", module));
	snprintf(name, sizeof(name), "%s/run", module);
	add_tree(s, name, path_run(path, "%s", module));
	if (generation_active(module) == 0)
		return;
	snprintf(name, sizeof(name), "%s/config", module);
	add_tree(s, name, path_state(path, "%s/config/%ld", module,
	    generation_active(module)));
}

static void
fill(struct snapshot *s)
{
	char path[PATH_LEN], about[256];
	time_t now = time(NULL);
	struct tm tm;
	int n;

	n = (int)strftime(about, sizeof(about), "holdfast snapshot, "
	    "taken %Y-%m-%d %H:%M:%S %z\n", localtime_r(&now, &tm));
	add_text(s, "about", about, (size_t)n);
	add_node(s);
	add_tree(s, "etc", path_etc(path, "%s", ""));
	if (s->module != NULL)
		add_module(s->module, s);
	else
		modules_each(add_module, s);
	add_tree(s, "log", path_log(path, "%s", ""));
}

/* --- the archive ---------------------------------------------------------- */

static void
learn_names(struct snapshot *s, const struct cluster *cl)
{
	char host[256];
	unsigned i;

	for (i = 0; i < cl->node_count; i++)
		scrub_name(&s->scrub, cl->node[i].name, "node");
	for (i = 0; i < cl->witness_count; i++)
		scrub_name(&s->scrub, cl->witness[i].name, "witness");
	scrub_name(&s->scrub, cl->name, "cluster");
	if (gethostname(host, sizeof(host)) == -1)
		return;
	host[sizeof(host) - 1] = '\0';
	scrub_name(&s->scrub, host, "host");
	if (strchr(host, '.') != NULL)
		scrub_name(&s->scrub, strchr(host, '.') + 1, "domain");
	host[strcspn(host, ".")] = '\0';
	scrub_name(&s->scrub, host, "host");
}

/* What must not be in any piece. */
static void
learn_key(struct snapshot *s, const char *path)
{
	struct text t = { 0 };
	size_t len;
	char *key = statefile_read(path, 65536, &len);

	if (key == NULL)
		return;
	text_addf(&t, "%s%s\n", s->key != NULL ? s->key : "", key);
	explicit_bzero(key, len);
	free(key);
	if (s->key != NULL)
		explicit_bzero(s->key, strlen(s->key));
	free(s->key);
	s->key = t.text;
}

static void
learn_keys(struct snapshot *s, const struct cluster *cl)
{
	char path[PATH_LEN];
	unsigned i;

	learn_key(s, path_etc(path, "cluster.key"));
	for (i = 0; i < cl->witness_count; i++)
		learn_key(s, path_etc(path, "witness/%s.key",
		    cl->witness[i].name));
}

static int
write_archive(struct snapshot *s, const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", file, strerror(errno));
		return EX_CANTCREAT;
	}
	s->a = archive_write_new();
	if (archive_write_add_filter_gzip(s->a) != ARCHIVE_OK ||
	    archive_write_set_format_pax_restricted(s->a) != ARCHIVE_OK ||
	    archive_write_open_fd(s->a, fd) != ARCHIVE_OK)
		s->failed = true;
	else
		fill(s);
	if (archive_write_close(s->a) != ARCHIVE_OK || fsync(fd) == -1)
		s->failed = true;
	if (s->failed) {
		fprintf(stderr, "holdfast: %s: %s\n", file,
		    archive_error_string(s->a) != NULL ?
		    archive_error_string(s->a) : strerror(errno));
		(void)unlink(file); /* not whole */
		rc = EX_IOERR;
	}
	archive_write_free(s->a);
	(void)close(fd);	/* synced */
	return rc;
}

/* [MODULE] [FILE]: a word that is a module is one. */
static int
read_words(struct cmd *c, struct snapshot *s, const char **file)
{
	int i = 0;

	s->module = c->module;
	if (s->module == NULL && c->argc > 0 && module_name_ok(c->argv[0]) &&
	    modules_is_installed(c->argv[0]))
		s->module = c->argv[i++];
	if (i < c->argc)
		*file = c->argv[i++];
	if (i == c->argc && (s->module == NULL ||
	    modules_is_installed(s->module)))
		return 0;
	if (i < c->argc)
		fprintf(stderr, "holdfast: %s: no such module\n",
		    c->argv[0]);
	else
		fprintf(stderr, "holdfast: %s: no such module\n", s->module);
	return EX_NOINPUT;
}

int
verb_snapshot(struct cmd *c)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	const char *file = NULL;
	char name[PATH_MAX], when[32];
	time_t now = time(NULL);
	struct text top = { 0 };
	struct tm tm;
	int rc;

	s->c = c;
	s->cl = cl;
	s->scrub.anonymise = c->anonymise;
	if ((rc = read_words(c, s, &file)) != 0)
		goto out;
	if (cluster_load(cl, NULL) == 0)
		learn_names(s, cl);
	learn_keys(s, cl);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%S", localtime_r(&now, &tm));
	snprintf(name, sizeof(name), "holdfast-%s-%s", cl->node_count > 0 ?
	    cl->node[cl->self].name : "node", when);
	scrub_text(&s->scrub, name, strlen(name), &top);
	snprintf(s->top, sizeof(s->top), "%s", top.text);
	/* For another node the place where we are means nothing. */
	snprintf(name, sizeof(name), "%s%s.tar.gz",
	    getenv("HOLDFAST_ROLE") != NULL ? "/var/tmp/" : "", s->top);
	rc = write_archive(s, file != NULL ? file : name);
	if (rc == 0)
		printf("%s: %u pieces%s\n", file != NULL ? file : name,
		    s->pieces, s->total > TOTAL_MAX - PIECE_MAX ?
		    "; too much, not all is in it" : "");
out:
	if (s->key != NULL)
		explicit_bzero(s->key, strlen(s->key));
	free(s->key);
	free(top.text);
	scrub_fini(&s->scrub);
	free(cl);
	free(s);
	return rc;
}
