/* SPDX-License-Identifier: ISC */
/*
 * `cluster push': this node's cluster.xml becomes that of all nodes.  Each
 * compiles it before it takes it, so that a file with errors, or without
 * that node, changes nothing there.  The keys of witnesses go before it.
 */
#include <sys/file.h>
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cluster.h"
#include "cluster-edit.h"
#include "cluster-verbs.h"
#include "cmd.h"
#include "config-cluster.h"
#include "config-xml.h"
#include "configure.h"
#include "nodes.h"
#include "paths.h"
#include "statefile.h"
#include "text.h"
#include "whole.h"
#include "xalloc.h"

/* 10 s in all. */
#define LOCK_TRIES	200
#define LOCK_US		50000

int
cluster_lock(void)
{
	char path[PATH_LEN], dir[PATH_LEN];
	int fd = -1, tries;

	if (path_mkdirs(path_state(dir, "cluster"), 0755) == 0)
		fd = open(path_state(path, "cluster/lock"),
		    O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* Bounded: two nodes that push to each other wait for each other. */
	for (tries = 0; fd != -1 && tries < LOCK_TRIES; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (errno != EWOULDBLOCK)
			break;
		(void)usleep(LOCK_US);
	}
	if (fd != -1 && tries == LOCK_TRIES)
		fprintf(stderr, "holdfast: another command changes the "
		    "cluster on this node: try again when it is over\n");
	else
		fprintf(stderr, "holdfast: %s/lock: %s\n", dir,
		    strerror(errno));
	if (fd != -1)
		(void)close(fd);	/* not ours */
	return -1;
}

char *
cluster_read_input(size_t *len)
{
	struct text t = { 0 };
	char buf[4096];
	ssize_t n;

	text_add(&t, "", 0);
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0) {
		text_add(&t, buf, (size_t)n);
		if (t.len > XML_FILE_MAX)
			break;
	}
	if (n == 0) {
		*len = t.len;
		return t.text;
	}
	fprintf(stderr, "holdfast: input: %s\n", n > 0 ?
	    "longer than 1 MiB" : strerror(errno));
	free(t.text);
	return NULL;
}

int
cluster_input_new(void)
{
	int fd = memfd_create("holdfast input", MFD_CLOEXEC |
	    MFD_ALLOW_SEALING);

	if (fd == -1)
		fprintf(stderr, "holdfast: no memory for the input: %s\n",
		    strerror(errno));
	return fd;
}

int
cluster_input_seal(int fd)
{
	/* remoted takes nothing that could change or keep it waiting. */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK |
	    F_SEAL_GROW) == 0)
		return fd;
	fprintf(stderr, "holdfast: input: %s\n", strerror(errno));
	(void)close(fd);	/* of no use */
	return -1;
}

int
cluster_input_file(const char *text, size_t len)
{
	int fd = cluster_input_new();

	if (fd == -1)
		return -1;
	if (whole_write(fd, text, len) == 0)
		return cluster_input_seal(fd);
	fprintf(stderr, "holdfast: no memory for the input: %s\n",
	    strerror(errno));
	(void)close(fd);	/* of no use */
	return -1;
}

char *
cluster_other_nodes(const struct cluster *of, const struct cluster *by,
    bool in)
{
	struct text t = { 0 };
	unsigned i;

	text_add(&t, "", 0);
	for (i = 0; i < of->node_count; i++)
		if ((int)i != of->self &&
		    (cluster_node_index(by, of->node[i].name) != -1) == in)
			text_addf(&t, "%s%s", t.len > 0 ? "," : "",
			    of->node[i].name);
	return t.text;
}

/* Each line with its node before it: most have nothing to say. */
static void
on_node(const char *node, int status, const char *out, const char *err,
    void *arg)
{
	const char *part[] = { out, err }, *p;
	size_t i, len;

	(void)status;
	(void)arg;
	for (i = 0; i < 2; i++)
		for (p = part[i]; *p != '\0'; p += len, p += *p == '\n') {
			len = strcspn(p, "\n");
			fprintf(i == 0 ? stdout : stderr, "%s: %.*s\n",
			    node, (int)len, p);
		}
}

int
cluster_send(const char *nodes, const char *const *word, unsigned count,
    const char *text, size_t len)
{
	char *argv[4];
	struct nodes_run r = { .nodes = nodes, .argv = argv,
	    .on_node = on_node };
	int rc;

	if (nodes[0] == '\0')
		return 0;
	r.input_fd = cluster_input_file(text, len);
	if (r.input_fd == -1)
		return EX_OSERR;
	for (r.argc = 0; r.argc < (int)count; r.argc++)
		argv[r.argc] = xstrdup(word[r.argc]);
	rc = nodes_run(&r);
	(void)close(r.input_fd);	/* memory */
	while (r.argc > 0)
		free(argv[--r.argc]);
	return rc;
}

/* The keys first: a file that names a witness is of no use without. */
static int
send_to(char *nodes, const struct cluster *new, const char *text, size_t len)
{
	static const char *const word[] = { "cluster", "accept" };
	int rc = new != NULL ? witness_send_keys(new, nodes) : 0;
	int sent = cluster_send(nodes, word, 2, text, len);

	free(nodes);
	return sent > rc ? sent : rc;
}

int
cluster_push_text(const char *text, size_t len)
{
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	int rc = cluster_load(cl, NULL) == -1 ? EX_CONFIG :
	    send_to(cluster_other_nodes(cl, cl, true), NULL, text, len);

	free(cl);
	return rc;
}

/*
 * The others first, under the addresses that they have now; then this node;
 * then those that only the new file has.
 */
static int
push(const struct cluster *old, const struct cluster *new, const char *text,
    size_t len, bool anyway)
{
	int rc, here, more = 0;

	rc = !anyway && witness_changes_mode(old, new) ?
	    witness_ask_all(old, new, text, len) : 0;
	if (rc != 0)
		return rc;
	rc = send_to(cluster_other_nodes(old, new, true), new, text, len);
	here = configure_cluster(false);
	if (here == 0)
		more = send_to(cluster_other_nodes(new, old, false), new,
		    text, len);
	if (here > rc)
		rc = here;
	return more > rc ? more : rc;
}

/*
 * The file, with the ids kept of nodes that were taken out of it by hand: no
 * later node may get them.  NULL after saying what is wrong.
 */
static char *
read_file(const struct cluster *old, size_t *len)
{
	char path[PATH_LEN], *text, *kept;
	struct report r;
	int last = 0;
	unsigned i;

	text = statefile_read(path_etc(path, "cluster.xml"), XML_FILE_MAX,
	    len);
	if (text == NULL) {
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	for (i = 0; i < old->node_count; i++)
		if (old->node[i].id > last)
			last = old->node[i].id;
	i = (unsigned)cluster_last_id(text, *len);
	if (i == 0 || (int)i >= last)
		return text;	/* nothing is lost, or it has errors */
	report_init(&r, path);
	kept = cluster_with_last_id(text, *len, last, &r);
	free(text);
	if (kept != NULL && statefile_write(path, kept, strlen(kept),
	    0644) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
		free(kept);
		kept = NULL;
	}
	report_print(&r, stderr);
	report_fini(&r);
	if (kept != NULL)
		*len = strlen(kept);
	return kept;
}

int
cluster_push_file(bool anyway)
{
	struct cluster *old = xcalloc(1, sizeof(*old));
	struct cluster *new = xcalloc(1, sizeof(*new));
	char path[PATH_LEN], *text;
	struct report r;
	size_t len;
	int rc = EX_CONFIG;

	if (cluster_load(old, NULL) == -1)
		return EX_CONFIG;
	text = read_file(old, &len);
	if (text == NULL)
		return EX_NOINPUT;
	/* What this node cannot use goes nowhere. */
	report_init(&r, path_etc(path, "cluster.xml"));
	if (cluster_compile(new, text, len, &r) == 0)
		(void)cluster_find_self(new, cluster_addr_is_local, NULL, &r);
	report_print(&r, stderr);
	if (r.errors == 0)
		rc = push(old, new, text, len, anyway);
	if (r.errors == 0 && rc != 0)
		fprintf(stderr, "holdfast: not all nodes have taken it: "
		    "`holdfast cluster push' again when the above is "
		    "mended\n");
	report_fini(&r);
	free(text);
	free(old);
	free(new);
	return rc;
}

int
cluster_push(struct cmd *c)
{
	if (c->argc == 1)
		return cluster_lock() == -1 ? EX_CANTCREAT :
		    cluster_push_file(false);
	fprintf(stderr, "usage: holdfast cluster push\n");
	return EX_USAGE;
}

/* The file as it is now has given ids that the new one does not know of. */
static bool
is_older(const char *text, size_t len)
{
	char path[PATH_LEN], *have;
	size_t have_len;
	int mine, pushed;

	have = statefile_read(path_etc(path, "cluster.xml"), XML_FILE_MAX,
	    &have_len);
	if (have == NULL)
		return false;
	mine = cluster_last_id(have, have_len);
	pushed = cluster_last_id(text, len);
	free(have);
	if (pushed >= mine)
		return false;
	fprintf(stderr, "holdfast: the cluster.xml here is newer: it has "
	    "given ids up to %d, the one that was sent up to %d: `holdfast "
	    "cluster push' here, or copy the node that is missing\n", mine,
	    pushed);
	return true;
}

int
cluster_accept(struct cmd *c)
{
	char path[PATH_LEN], *text;
	struct cluster cl;
	struct report r;
	size_t len;
	int rc = EX_CONFIG;

	(void)c;
	if (cluster_lock() == -1)
		return EX_CANTCREAT;
	text = cluster_read_input(&len);
	if (text == NULL)
		return EX_NOINPUT;
	report_init(&r, "cluster.xml");
	if (cluster_compile(&cl, text, len, &r) == 0)
		(void)cluster_find_self(&cl, cluster_addr_is_local, NULL, &r);
	if (r.errors > 0)
		report_print(&r, stderr);
	else if (is_older(text, len))
		rc = EXIT_UNSAFE;
	else if (statefile_write(path_etc(path, "cluster.xml"), text, len,
	    0644) == -1)
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
	else
		rc = configure_cluster(false);
	report_fini(&r);
	free(text);
	return rc;
}
