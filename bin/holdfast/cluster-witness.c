/* SPDX-License-Identifier: ISC */
/*
 * `cluster witness': a third voter is added, replaced or removed, on all
 * nodes, while the modules run.  The order of a change:
 *
 *	all nodes are asked whether they can take it: nothing was changed;
 *	the key of the witness is on all nodes;
 *	cluster.xml is on all nodes, each of which compiles it into its
 *	modules: moduled starts again and tells the register who votes.
 *
 * After an interruption `cluster push' goes on.
 */
#include <errno.h>
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
#include "config-value.h"
#include "config-xml.h"
#include "configure.h"
#include "paths.h"
#include "seal.h"
#include "statefile.h"
#include "xalloc.h"

struct change {
	struct cluster	 old, new;
	char		*xml;		/* after */
	const char	*name;
	bool		 done;		/* here, if not on all nodes */
};

static const char *
key_path(char path[PATH_LEN], const char *name)
{
	return path_etc(path, "witness/%s.key", name);
}

static bool
name_is_good(const char *name)
{
	char why[512];

	if (strlen(name) < CLUSTER_NAME_LEN && value_check(VT_NAME, name, "",
	    "", 0, 0, why, sizeof(why)) == 0)
		return true;
	fprintf(stderr, "holdfast: \"%.70s\" is no name of a witness; "
	    "allowed: up to %d letters, digits, _ . and -, as w1\n", name,
	    CLUSTER_NAME_LEN - 1);
	return false;
}

/* --- keys --------------------------------------------------------------- */

static int
save_key(const char *name, const struct cluster_keys *ks)
{
	char path[PATH_LEN], dir[PATH_LEN];

	if (path_mkdirs(path_etc(dir, "witness"), 0700) == 0 &&
	    seal_keys_save(key_path(path, name), ks) == 0)
		return 0;
	fprintf(stderr, "holdfast: %s: %s\n", key_path(path, name),
	    strerror(errno));
	return EX_CANTCREAT;
}

/* One that is there is kept: the witness may have it already. */
static int
make_key(const char *name, bool renew)
{
	char path[PATH_LEN];
	struct cluster_keys ks = { .count = 1 };
	int rc;

	seal_init();
	if (!renew && access(key_path(path, name), F_OK) == 0)
		return 0;
	seal_key_make(&ks.key[0]);
	rc = save_key(name, &ks);
	explicit_bzero(&ks, sizeof(ks));
	return rc;
}

static int
send_key(const char *name, const char *nodes)
{
	const char *word[] = { "cluster", "witness", "accept", name };
	char path[PATH_LEN], text[SEAL_KEYS_TEXT_LEN];
	struct cluster_keys ks;
	const char *why;
	int rc;

	if (nodes[0] == '\0')
		return 0;
	seal_init();
	if (seal_keys_load(&ks, key_path(path, name), &why) == -1) {
		fprintf(stderr, "holdfast: %s: cannot be sent: %s\n", path,
		    errno == ENOENT ? "it is not on this node: push from the "
		    "one where the witness was added, or `holdfast cluster "
		    "witness replace' makes a new one" : why);
		return EX_NOINPUT;
	}
	seal_keys_text(text, &ks);
	rc = cluster_send(nodes, word, 4, text, strlen(text));
	explicit_bzero(&ks, sizeof(ks));
	explicit_bzero(text, sizeof(text));
	return rc;
}

int
witness_send_keys(const struct cluster *cl, const char *nodes)
{
	unsigned i;
	int rc = 0, one;

	for (i = 0; i < cl->witness_count; i++) {
		one = send_key(cl->witness[i].name, nodes);
		if (one > rc)
			rc = one;
	}
	return rc;
}

/* No input: the key is gone, with the witness. */
static int
drop_key(const char *name)
{
	char path[PATH_LEN];

	if (unlink(key_path(path, name)) == 0 || errno == ENOENT)
		return 0;
	fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
	return EX_CANTCREAT;
}

int
witness_save_key(const char *name, const char *text, size_t len)
{
	struct cluster_keys ks;
	int rc = EX_DATAERR;

	if (!name_is_good(name))
		return EX_DATAERR;
	if (seal_keys_parse(&ks, text, len) == -1)
		fprintf(stderr, "holdfast: the key of witness %s is none\n",
		    name);
	else
		rc = save_key(name, &ks);
	explicit_bzero(&ks, sizeof(ks));
	return rc;
}

/* Whoever asks the witness takes a new key at once, and no old one again. */
static int
take_key(const char *name, const char *text, size_t len)
{
	char path[PATH_LEN], *have;
	size_t have_len;
	bool same;
	int rc;

	have = statefile_read(key_path(path, name), SEAL_KEYS_TEXT_LEN,
	    &have_len);
	same = have != NULL && have_len == len &&
	    memcmp(have, text, len) == 0;
	if (have != NULL)
		explicit_bzero(have, have_len);
	free(have);
	if (same)
		return 0;
	rc = witness_save_key(name, text, len);
	if (rc == 0)
		configure_new_key(name);
	return rc;
}

/* For remoted: a key from another node. */
static int
witness_accept(struct cmd *c)
{
	size_t len;
	char *text;
	int rc;

	if (c->argc != 3 || !name_is_good(c->argv[2]))
		return EX_USAGE;
	seal_init();
	if (cluster_lock() == -1)
		return EX_CANTCREAT;
	text = cluster_read_input(&len);
	if (text == NULL)
		return EX_NOINPUT;
	rc = len == 0 ? drop_key(c->argv[2]) :
	    take_key(c->argv[2], text, len);
	explicit_bzero(text, len);
	free(text);
	return rc;
}

/* --- may it be done? ----------------------------------------------------- */

/* For remoted: can the modules of this node take another list of voters? */
static int
witness_ready(struct cmd *c)
{
	char *text;
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	struct report r;
	size_t len;
	int rc = EX_CONFIG;

	(void)c;
	text = cluster_read_input(&len);
	if (text == NULL)
		return EX_NOINPUT;
	report_init(&r, "cluster.xml");
	if (cluster_compile(cl, text, len, &r) == 0 && cluster_find_self(cl,
	    cluster_addr_is_local, NULL, &r) == 0)
		rc = configure_can_refresh(cl);
	else
		report_print(&r, stderr);
	report_fini(&r);
	free(cl);
	free(text);
	return rc;
}

static bool
votes(const struct cluster *cl)
{
	return cl->witness_count > 0 || cl->etcd.endpoint_count > 0;
}

bool
witness_changes_mode(const struct cluster *old, const struct cluster *new)
{
	return votes(old) != votes(new);
}

int
witness_ask_all(const struct cluster *old, const struct cluster *new,
    const char *xml, size_t len)
{
	static const char *const word[] = { "cluster", "witness", "ready" };
	int rc = configure_can_refresh(new), all;
	char *nodes;

	if (rc != 0)
		return rc;
	nodes = cluster_other_nodes(old, new, true);
	all = cluster_send(nodes, word, 3, xml, len);
	free(nodes);
	if (all == 0)
		return 0;
	if (!witness_changes_mode(old, new)) {
		fprintf(stderr, "holdfast: goes on without who did not "
		    "answer: `holdfast cluster push' when all is well "
		    "again\n");
		return 0;
	}
	fprintf(stderr, "holdfast: nothing was changed: with the %s all "
	    "nodes must go over together\n", votes(new) ? "first voter "
	    "beside them" : "last voter beside them gone");
	return all;
}

static int
examine(struct change *h)
{
	size_t len = strlen(h->xml);
	struct report r;
	int rc = EX_CONFIG;

	report_init(&r, "cluster.xml");
	if (cluster_compile(&h->new, h->xml, len, &r) == 0)
		(void)cluster_find_self(&h->new, cluster_addr_is_local, NULL,
		    &r);
	report_print(&r, stderr);
	if (r.errors == 0)
		rc = witness_ask_all(&h->old, &h->new, h->xml, len);
	report_fini(&r);
	return rc;
}

/* The file, good and asked about, becomes that of all nodes. */
static int
carry_out(struct change *h, bool renew)
{
	char path[PATH_LEN];
	int rc;

	rc = cluster_witness_index(&h->new, h->name) == -1 ? 0 :
	    make_key(h->name, renew);
	if (rc != 0)
		return rc;
	if (statefile_write(path_etc(path, "cluster.xml"), h->xml,
	    strlen(h->xml), 0644) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
		return EX_CANTCREAT;
	}
	rc = cluster_push_file(false);
	h->done = true;
	if (renew)
		configure_new_key(h->name);
	return rc;
}

static int
change_begin(struct change *h, char *path)
{
	size_t len;

	if (cluster_lock() == -1)
		return EX_CANTCREAT;
	if (cluster_load(&h->old, NULL) == -1)
		return EX_CONFIG;
	h->xml = statefile_read(path_etc(path, "cluster.xml"), XML_FILE_MAX,
	    &len);
	if (h->xml != NULL)
		return 0;
	fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
	return EX_NOINPUT;
}

/* addrs NULL: without it.  0, or the exit status. */
static int
change_edit(struct change *h, const char *addrs)
{
	struct report r;
	char *made;

	report_init(&r, "cluster.xml");
	made = cluster_with_witness(h->xml, strlen(h->xml), h->name, addrs,
	    &r);
	report_print(&r, stderr);
	report_fini(&r);
	free(h->xml);
	h->xml = made;
	return made != NULL ? 0 : EX_CONFIG;
}

/* --- people ------------------------------------------------------------- */

/*
 * What the witness needs, to be typed or pasted there: also when a node was
 * silent, since it may be the one that is lost.
 */
static void
say_how(const struct cluster *cl, const char *name)
{
	char path[PATH_LEN], text[SEAL_KEYS_TEXT_LEN], addr[ADDR_LEN];
	const struct cluster_witness *w =
	    &cl->witness[cluster_witness_index(cl, name)];
	struct cluster_keys ks;
	const char *why;
	char *key;

	if (seal_keys_load(&ks, key_path(path, name), &why) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", path, why);
		return;
	}
	seal_keys_text(text, &ks);
	key = strchr(text, '\n');
	*key++ = '\0';
	key[strcspn(key, "\n")] = '\0';
	(void)addr_str(addr, &w->addr[0]);
	printf("Once, as root on %s, where the package holdfast-witness is "
	    "installed and port\n4802/udp open; it holds a secret, and no "
	    "list of processes shows it:\n\n"
	    "  printf '%%s\\n' '%s' '%s' | witnessd -a %s\n\n"
	    "or, from here: ssh root@%s witnessd -a %s <%s\n"
	    "Then, here: holdfast cluster witness list\n", name, text, key,
	    cl->name, addr, cl->name, path);
	explicit_bzero(&ks, sizeof(ks));
	explicit_bzero(text, sizeof(text));
}

static int
witness_usage(void)
{
	fprintf(stderr, "usage: holdfast cluster witness add NAME "
	    "ADDR[,ADDR...]\n"
	    "       holdfast cluster witness replace NAME [ADDR[,ADDR...]]\n"
	    "       holdfast cluster witness remove NAME\n"
	    "       holdfast cluster witness remove|replace etcd\n"
	    "       holdfast cluster witness list\n");
	return EX_USAGE;
}

static int
add(struct change *h, const char *addrs)
{
	char path[PATH_LEN];
	int rc = change_begin(h, path), at;

	if (rc != 0)
		return rc;
	at = cluster_witness_index(&h->old, h->name);
	if (at != -1) {
		fprintf(stderr, "holdfast: there is a witness %s: `holdfast "
		    "cluster witness replace %s [ADDR]' is for another "
		    "machine in its place\n", h->name, h->name);
		return EXIT_UNSAFE;
	}
	rc = change_edit(h, addrs);
	if (rc == 0)
		rc = examine(h);
	if (rc == 0)
		rc = carry_out(h, false);
	if (h->done)
		say_how(&h->new, h->name);
	return rc;
}

static int
say_none(const char *name)
{
	fprintf(stderr, "holdfast: there is no witness %s; `holdfast cluster "
	    "witness list' names them\n", name);
	return EX_NOINPUT;
}

/*
 * A new key: whoever has the old machine, or a copy of its disk, votes no
 * more.
 */
static int
replace(struct change *h, const char *addrs)
{
	char path[PATH_LEN];
	int rc = change_begin(h, path);

	if (rc != 0)
		return rc;
	if (cluster_witness_index(&h->old, h->name) == -1)
		return say_none(h->name);
	rc = addrs == NULL ? 0 : change_edit(h, addrs);
	if (rc == 0)
		rc = examine(h);
	if (rc == 0)
		rc = carry_out(h, true);
	if (h->done)
		say_how(&h->new, h->name);
	return rc;
}

/* What the last one took with it; false: not wanted so. */
static bool
confirm_last(const struct cmd *c, const char *name)
{
	char cost[512], command[CLUSTER_NAME_LEN + 32];

	(void)snprintf(cost, sizeof(cost), "Without %s there is no third "
	    "voter: the mirror modules go back to heartbeats only.\nThey go "
	    "on running, and nothing acknowledged is lost while a network or "
	    "the address\npasses between the nodes.  But a node that loses "
	    "all networks at once is no longer\nfenced: both may run until "
	    "they meet, and what one of them wrote is set aside.\nDo it while "
	    "all is green; see holdfast-failures(7).\n", name);
	(void)snprintf(command, sizeof(command), "witness remove %s", name);
	return cluster_confirm(c, cost, command, "the name of the witness",
	    name);
}

static int
drop_keys(struct change *h)
{
	const char *word[] = { "cluster", "witness", "accept", h->name };
	char *nodes = cluster_other_nodes(&h->old, &h->new, true);
	int here = drop_key(h->name), rc;

	rc = cluster_send(nodes, word, 4, "", 0);
	free(nodes);
	if (rc == 0 && here == 0)
		printf("%s votes no more.  On that machine: witnessd -r %s, "
		    "or remove the package holdfast-witness\n", h->name,
		    h->new.name);
	return here > rc ? here : rc;
}

static int
drop(struct change *h, const struct cmd *c)
{
	char path[PATH_LEN];
	int rc = change_begin(h, path);

	if (rc != 0)
		return rc;
	if (cluster_witness_index(&h->old, h->name) == -1)
		return say_none(h->name);
	rc = change_edit(h, NULL);
	if (rc == 0)
		rc = examine(h);
	if (rc == 0 && !votes(&h->new) && !confirm_last(c, h->name))
		return EXIT_UNSAFE;
	if (rc == 0)
		rc = carry_out(h, false);
	return rc == 0 ? drop_keys(h) : rc;
}

/* The name, unless a witness has it. */
static bool
is_etcd(const char *name)
{
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	bool is = strcmp(name, "etcd") == 0 && cluster_load(cl, NULL) == 0 &&
	    cluster_witness_index(cl, name) == -1;

	free(cl);
	return is;
}

int
cluster_witness(struct cmd *c)
{
	const char *what = c->argc > 1 ? c->argv[1] : "";
	struct change *h;
	int rc;

	if (strcmp(what, "list") == 0 && c->argc == 2)
		return witness_list(c);
	if (strcmp(what, "accept") == 0)
		return witness_accept(c);
	if (strcmp(what, "ready") == 0)
		return witness_ready(c);
	if (strcmp(what, "renew") == 0 && c->argc == 2)
		return etcd_renew(c);
	if (c->argc < 3)
		return witness_usage();
	if (is_etcd(c->argv[2]) && c->argc == 3 &&
	    strcmp(what, "remove") == 0)
		return etcd_remove(c);
	if (is_etcd(c->argv[2]) && c->argc == 3 &&
	    strcmp(what, "replace") == 0)
		return etcd_replace(c);
	if (!name_is_good(c->argv[2]))
		return EX_USAGE;
	h = xcalloc(1, sizeof(*h));
	h->name = c->argv[2];
	if (strcmp(what, "add") == 0 && c->argc == 4)
		rc = add(h, c->argv[3]);
	else if (strcmp(what, "replace") == 0 && c->argc <= 4)
		rc = replace(h, c->argc == 4 ? c->argv[3] : NULL);
	else if (strcmp(what, "remove") == 0 && c->argc == 3)
		rc = drop(h, c);
	else
		rc = witness_usage();
	free(h->xml);
	free(h);
	return rc;
}
