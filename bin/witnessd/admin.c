/* SPDX-License-Identifier: ISC */
/*
 * The commands.  Keys are files; a witnessd that runs is told to read them
 * again.  What it remembers is asked of it, and only it forgets.
 */

#include "admin.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <sodium.h>

#include "ask.h"
#include "cluster.h"
#include "paths.h"
#include "priv.h"
#include "seal.h"
#include "statefile.h"

#define ANSWER_MS	5000
#define KEY_TEXT_MAX	1024

static void
usage(FILE *out)
{
	fprintf(out, "usage: witnessd -a CLUSTER      admit a cluster: its "
	    "key is the input\n"
	    "       witnessd -r CLUSTER      remove it; its votes are kept\n"
	    "       witnessd -l              list clusters, modules and "
	    "votes\n"
	    "       witnessd -F CLUSTER/MODULE\n"
	    "                                forget the votes for a module\n"
	    "       witnessd -h              the options of the daemon\n");
}

/* --- the daemon that runs ------------------------------------------- */

static void
on_error(const struct line *l, void *arg)
{
	(void)arg;
	if (strcmp(l->verb, "err") == 0)
		fprintf(stderr, "witnessd: %s\n", line_get(l, "text"));
}

/* 0, or the exit status; a daemon that does not run is EX_UNAVAILABLE. */
static int
ask_daemon(struct line_out *o, void (*on_line)(const struct line *l,
    void *arg))
{
	char path[PATH_LEN];
	int rc = ask_once(path_socket(path, NULL, "witnessd"), o, ANSWER_MS,
	    on_line, NULL);

	if (rc == 0)
		return EX_OK;
	if (rc == 1)
		return EX_DATAERR;
	if (errno == EACCES) {
		fprintf(stderr, "witnessd: %s: only root and the groups of "
		    "holdfast may ask\n", path);
		return EX_NOPERM;
	}
	if (errno == ECONNREFUSED || errno == ENOENT)
		return EX_UNAVAILABLE;
	/* It may be writing: its files are not ours to touch. */
	fprintf(stderr, "witnessd: %s: no answer: %s\n", path,
	    strerror(errno));
	return EX_TEMPFAIL;
}

static int
say_down(int rc)
{
	if (rc == EX_UNAVAILABLE)
		fprintf(stderr, "witnessd: is not running: `systemctl start "
		    "holdfast-witness' starts it on a witness, `systemctl "
		    "start holdfast' on a node\n");
	return rc;
}

/* One that does not run reads the files when it starts. */
static int
reload(void)
{
	struct line_out o;
	int rc;

	line_begin(&o, "reload");
	rc = ask_daemon(&o, on_error);
	if (rc == EX_UNAVAILABLE) {
		printf("witnessd is not running: it is in force when it is "
		    "started\n");
		return EX_OK;
	}
	return rc;
}

/* --- keys ----------------------------------------------------------- */

static bool
is_allowed(const char *cluster)
{
	if (!cluster_name_ok(cluster) ||
	    strlen(cluster) >= CLUSTER_NAME_LEN) {
		fprintf(stderr, "witnessd: \"%s\" is no name of a cluster\n",
		    cluster);
		return false;
	}
	if (geteuid() == 0)
		return true;
	fprintf(stderr, "witnessd: only root changes who is witnessed for\n");
	return false;
}

static int
failed(const char *path)
{
	fprintf(stderr, "witnessd: %s: %s\n", path, strerror(errno));
	return EX_CANTCREAT;
}

/* Records of one that does not run: it is another voter when it starts. */
static int
drop_records(const char *cluster)
{
	char dir[PATH_LEN], name[CLUSTER_NAME_LEN + 2];
	struct dirent *e;
	int rc = EX_OK;
	DIR *d;

	(void)snprintf(name, sizeof(name), "%s:", cluster);
	d = opendir(path_state(dir, "witness"));
	while (d != NULL && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, name, strlen(name)) == 0 &&
		    unlinkat(dirfd(d), e->d_name, 0) == -1)
			rc = failed(dir);
	if (d != NULL && fsync(dirfd(d)) == -1)
		rc = failed(dir);
	if (d != NULL)
		(void)closedir(d);
	return rc;
}

/* By its text: the file is that user's, which seal_keys_load() refuses. */
static bool
has_other_key(const char *cluster, const struct cluster_keys *ks)
{
	char path[PATH_LEN], *text;
	struct cluster_keys had;
	size_t len;
	bool other;

	text = statefile_read(path_etc(path, "witness.d/%s.key", cluster),
	    KEY_TEXT_MAX, &len);
	if (text == NULL)
		return false;	/* admitted for the first time */
	/* What is no key cannot be compared, and is another one. */
	other = seal_keys_parse(&had, text, len) == -1 ||
	    strcmp(had.key[0].id, ks->key[0].id) != 0;
	sodium_memzero(text, len);
	sodium_memzero(&had, sizeof(had));
	free(text);
	return other;
}

/*
 * Another key means another voter: the nodes gave this one up, for what its
 * disk had lost, say.  Before the key is there: after a crash it is asked for
 * once more.
 */
static int
forget_all(const char *cluster, const struct cluster_keys *ks)
{
	struct line_out o;
	int rc;

	if (!has_other_key(cluster, ks))
		return EX_OK;
	printf("%s: another key: the votes of before are forgotten\n",
	    cluster);
	line_begin(&o, "forget");
	line_add(&o, "cluster", cluster);
	rc = ask_daemon(&o, on_error);
	return rc == EX_UNAVAILABLE ? drop_records(cluster) : rc;
}

/* The daemon that runs has no right of root: the file is its own. */
static int
save_keys(const char *cluster, const struct cluster_keys *ks)
{
	const struct passwd *pw = getpwnam(PRIV_USER);
	char dir[PATH_LEN], path[PATH_LEN];

	if (path_mkdirs(path_etc(dir, "witness.d"), 0755) == -1)
		return failed(dir);
	if (seal_keys_save(path_etc(path, "witness.d/%s.key", cluster), ks) ==
	    -1)
		return failed(path);
	if (pw != NULL && chown(path, pw->pw_uid, pw->pw_gid) == -1)
		return failed(path);
	printf("%s: witnessed for, key %s\n", cluster, ks->key[0].id);
	return reload();
}

static int
admit(const char *cluster)
{
	char text[KEY_TEXT_MAX];
	struct cluster_keys ks;
	size_t len;
	int rc;

	if (!is_allowed(cluster))
		return EX_USAGE;
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "the key of %s, as `holdfast cluster witness "
		    "add' printed it, then control-D:\n", cluster);
	len = fread(text, 1, sizeof(text), stdin);
	rc = seal_keys_parse(&ks, text, len);
	sodium_memzero(text, sizeof(text));
	if (rc == -1) {
		fprintf(stderr, "witnessd: the input is no key: it begins with "
		    "the line `holdfast-key ID', as `holdfast cluster witness "
		    "add' prints it; nothing was changed\n");
		return EX_DATAERR;
	}
	rc = forget_all(cluster, &ks);
	if (rc == EX_OK)
		rc = save_keys(cluster, &ks);
	sodium_memzero(&ks, sizeof(ks));
	return rc;
}

static int
remove_cluster(const char *cluster)
{
	char path[PATH_LEN];

	if (!is_allowed(cluster))
		return EX_USAGE;
	if (unlink(path_etc(path, "witness.d/%s.key", cluster)) == -1) {
		fprintf(stderr, "witnessd: %s: %s: `witnessd -l' lists the "
		    "clusters\n", path, strerror(errno));
		return EX_NOINPUT;
	}
	printf("%s: not witnessed for any more; what was voted is kept\n",
	    cluster);
	return reload();
}

/* --- votes ---------------------------------------------------------- */

static void
print_cluster(const struct line *l)
{
	const char *own = line_get(l, "own");

	printf("cluster %s, key %s%s\n", line_get(l, "cluster"),
	    line_get(l, "key"), own != NULL && strcmp(own, "1") == 0 ?
	    ", this node is of it" : "");
}

static void
print_module(const struct line *l)
{
	const char *state = line_get(l, "state");

	printf("  %s/%s  voter %s  ", line_get(l, "of"),
	    line_get(l, "module"), line_get(l, "voter"));
	if (state == NULL || strcmp(state, "good") != 0)
		printf("%s: votes for nobody\n", state);
	else if (line_get(l, "epoch") == NULL)
		printf("promised %s, nothing accepted\n",
		    line_get(l, "promised"));
	else
		printf("promised %s, accepted %s: primary %s, set %s\n",
		    line_get(l, "promised"), line_get(l, "epoch"),
		    line_get(l, "primary"), line_get(l, "set"));
}

static void
on_status(const struct line *l, void *arg)
{
	if (line_get(l, "id") != NULL)
		printf("voter %s, port %s%s\n", line_get(l, "id"),
		    line_get(l, "port"), line_get_bool(l, "bound") ? "" :
		    ": not listening, see the log");
	else if (line_get(l, "cluster") != NULL)
		print_cluster(l);
	else if (line_get(l, "module") != NULL)
		print_module(l);
	else
		on_error(l, arg);
}

static int
list(void)
{
	struct line_out o;

	line_begin(&o, "status");
	return say_down(ask_daemon(&o, on_status));
}

static int
forget(const char *what)
{
	char cluster[CLUSTER_NAME_LEN];
	const char *slash = strchr(what, '/');
	struct line_out o;

	if (slash == NULL || (size_t)(slash - what) >= sizeof(cluster)) {
		usage(stderr);
		return EX_USAGE;
	}
	memcpy(cluster, what, (size_t)(slash - what));
	cluster[slash - what] = '\0';
	line_begin(&o, "forget");
	line_add(&o, "cluster", cluster);
	line_add(&o, "module", slash + 1);
	return say_down(ask_daemon(&o, on_error));
}

int
admin_main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (argc == 2 && strcmp(word, "-l") == 0)
		return list();
	if (argc == 3 && strcmp(word, "-a") == 0)
		return admit(argv[2]);
	if (argc == 3 && strcmp(word, "-r") == 0)
		return remove_cluster(argv[2]);
	if (argc == 3 && strcmp(word, "-F") == 0)
		return forget(argv[2]);
	if (strcmp(word, "-l") != 0 && strcmp(word, "-a") != 0 &&
	    strcmp(word, "-r") != 0 && strcmp(word, "-F") != 0)
		return -1;
	usage(stderr);
	return EX_USAGE;
}
