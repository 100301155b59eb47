/* SPDX-License-Identifier: ISC */
/*
 * `cluster invite' makes a token for one new node; `cluster admit', run by
 * remoted for a machine that showed it, lets the machine in:
 *
 *	everything that could be wrong is looked for first, so that a mistake
 *	costs no token;
 *	the invitation is marked used, durably: from here on a replay of the
 *	same token is refused, whatever happens next;
 *	cluster.xml is written and made effective here, then sent to the
 *	others, one of which may be off: `status' shows that it differs.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "cluster.h"
#include "cluster-edit.h"
#include "cluster-verbs.h"
#include "cmd.h"
#include "config-cluster.h"
#include "config-value.h"
#include "config-xml.h"
#include "configure.h"
#include "invite.h"
#include "machine.h"
#include "paths.h"
#include "statefile.h"
#include "talk.h"

/* What remoted(8) sends with the key in one frame: FILE_MAX of its admit.c. */
#define ADMIT_XML_MAX	60000
#define EXPIRES_S	3600
#define EXPIRES_MAX_S	(7 * 86400)
/* So long a token's owner is told what became of it. */
#define KEEP_S		(7 * 86400)

/* --- invite ----------------------------------------------------------- */

static void
prune(time_t now)
{
	char path[PATH_LEN];
	struct dirent *d;
	struct invite i;
	DIR *dir = opendir(path_state(path, "cluster/invite"));

	while (dir != NULL && (d = readdir(dir)) != NULL)
		if (remote_id_ok(d->d_name) &&
		    invite_load(&i, d->d_name) == 0 &&
		    i.expires + KEEP_S < now)
			(void)unlink(path_state(path, "cluster/invite/%s",
			    d->d_name));
	if (dir != NULL)
		(void)closedir(dir);	/* only read */
}

/* --expires, in seconds; -1 after saying what is wrong. */
static int64_t
expires_in(const char *text)
{
	char why[256];
	int64_t us;

	if (text == NULL)
		return EXPIRES_S;
	if (value_time(&us, text, "s", why, sizeof(why)) == 0 &&
	    us >= 1000000 && us / 1000000 <= EXPIRES_MAX_S)
		return us / 1000000;
	fprintf(stderr, "holdfast: --expires %s: a time from 1s to 7d, as in "
	    "30m or 2h\n", text);
	return -1;
}

/* How the new machine reaches this node: the first address it has. */
static const char *
own_addr(const struct cluster *cl, char text[ADDR_LEN])
{
	unsigned i;

	for (i = 0; i < cl->lan_count; i++)
		if (cl->node[cl->self].lan[i].is_set)
			return addr_str(text,
			    &cl->node[cl->self].lan[i].addr);
	return "HOST";
}

static bool
may_invite(const struct cmd *c, const struct cluster *cl)
{
	char path[PATH_LEN];
	struct cluster_key key;
	const char *why;

	if (c->replace != NULL && cluster_node_index(cl, c->replace) == -1) {
		fprintf(stderr, "holdfast: --replace %s: no node of this "
		    "name\n", c->replace);
		return false;
	}
	if (seal_key_load(&key, path_etc(path, "cluster.key"), &why) == 0) {
		explicit_bzero(&key, sizeof(key));
		return true;
	}
	fprintf(stderr, "holdfast: %s: %s\n", path, why);
	return false;
}

int
cluster_invite(struct cmd *c)
{
	char token[TOKEN_LEN], addr[ADDR_LEN];
	int64_t seconds = expires_in(c->expires);
	struct cluster cl;
	struct invite i;

	if (seconds == -1 || c->argc != 1) {
		if (c->argc != 1)
			fprintf(stderr, "usage: holdfast cluster invite "
			    "[--expires TIME] [--replace NODE]\n");
		return EX_USAGE;
	}
	seal_init();
	if (cluster_load(&cl, NULL) == -1 || !may_invite(c, &cl))
		return EX_CONFIG;
	prune(time(NULL));
	invite_make(&i, token);
	i.expires = time(NULL) + seconds;
	(void)snprintf(i.by, sizeof(i.by), "%s", talk_who());
	if (c->replace != NULL)
		(void)snprintf(i.replace, sizeof(i.replace), "%s",
		    c->replace);
	if (invite_save(&i) == -1) {
		fprintf(stderr, "holdfast: the invitation could not be "
		    "kept: %s\n", strerror(errno));
		return EX_CANTCREAT;
	}
	printf("%s\n", token);
	fprintf(stderr, "once, within %lld minutes, as root on the new "
	    "machine:\n  holdfast cluster join %s %s\nor, where others may "
	    "list its processes, with - for the token, which is then read "
	    "from standard input\n", (long long)(seconds + 59) / 60,
	    own_addr(&cl, addr), token);
	explicit_bzero(token, sizeof(token));
	return 0;
}

/* --- admit ------------------------------------------------------------ */

struct admission {
	struct invite		 invite;
	struct join_request	 q;
	struct cluster		 cl;	/* before */
	struct report		 r;
	char			*xml;	/* after */
};

static void
check_token(struct admission *a, const char *id)
{
	if (invite_load(&a->invite, id) == -1)
		report_error(&a->r, 0, NULL, "no invitation %s", id);
	else if (a->invite.used != 0)
		report_error(&a->r, 0, NULL, "the token was used, by %s",
		    a->invite.node);
	else if (a->invite.expires < time(NULL))
		report_error(&a->r, 0, NULL, "the token expired");
}

static void
report_clone(struct admission *a, const char *node)
{
	report_error(&a->r, 0, NULL, "the machine has the machine-id of %s: "
	    "it is a copy of that machine, and two nodes must not be taken "
	    "for one: `rm /etc/machine-id /var/lib/dbus/machine-id; "
	    "systemd-machine-id-setup' there, then join again", node);
}

/* A line of heartd's status: `node= machine=' of a node it hears. */
static void
on_heartd(const struct line *l, void *arg)
{
	struct admission *a = arg;
	const char *node = line_get(l, "node");
	const char *machine = line_get(l, "machine");

	if (node != NULL && machine != NULL && a->r.errors == 0 &&
	    strcmp(machine, a->q.machine) == 0 &&
	    strcmp(node, a->invite.replace) != 0)
		report_clone(a, node);
}

/* Is it one of us already, under another name? */
static void
check_clone(struct admission *a)
{
	char own[MACHINE_TEXT_LEN];
	uint8_t hash[MACHINE_LEN];
	struct line_out o;

	if (a->q.machine[0] == '\0')
		return;
	machine_hash(hash);
	machine_text(own, hash);
	if (machine_is_known(hash) && strcmp(own, a->q.machine) == 0) {
		report_clone(a, a->cl.node[a->cl.self].name);
		return;
	}
	line_begin(&o, "status");
	(void)talk(NULL, "heartd", &o, on_heartd, a); /* or nobody is heard */
}

struct heard {
	const char	*node;
	bool		 is_up;
};

static void
on_heard(const struct line *l, void *arg)
{
	struct heard *h = arg;
	const char *node = line_get(l, "node"), *lan = line_get(l, "lan");
	const char *state = line_get(l, "state");

	if (node != NULL && lan != NULL && state != NULL &&
	    strcmp(node, h->node) == 0 && strcmp(state, "up") == 0)
		h->is_up = true;
}

/* The name is free, or the invitation is for taking it over. */
static void
check_name(struct admission *a)
{
	struct heard h = { .node = a->q.name };
	bool replaces = strcmp(a->q.name, a->invite.replace) == 0;
	struct line_out o;

	if (a->invite.replace[0] != '\0' && !replaces)
		report_error(&a->r, 0, NULL, "the token is for a machine in "
		    "place of %s: join with --name %s", a->invite.replace,
		    a->invite.replace);
	if (cluster_node_index(&a->cl, a->q.name) == -1)
		return;
	if (!replaces) {
		report_error(&a->r, 0, NULL, "there is a node %s already: "
		    "join with --name and another one, or, in place of that "
		    "machine, with a token of `holdfast cluster invite "
		    "--replace %s'", a->q.name, a->q.name);
		return;
	}
	line_begin(&o, "status");
	(void)talk(NULL, "heartd", &o, on_heard, &h); /* or nobody is heard */
	if (h.is_up)
		report_error(&a->r, 0, NULL, "%s is alive and cannot be "
		    "replaced: switch it off first", a->q.name);
}

/* Both sides must find the file good; what is wrong costs no token. */
static void
make_xml(struct admission *a, const char *text, size_t len)
{
	struct cluster *after = calloc(1, sizeof(*after));
	struct join_place place;

	if (after == NULL || join_choose(&place, &a->cl, &a->q, &a->r) == -1)
		goto out;
	a->xml = cluster_with_node(text, len, &a->cl, &a->q, &place, &a->r);
	if (a->xml != NULL && strlen(a->xml) > ADMIT_XML_MAX)
		report_error(&a->r, 0, NULL, "cluster.xml with the new node "
		    "is larger than %d bytes and cannot be sent to it: make "
		    "it smaller, its comments for instance", ADMIT_XML_MAX);
	else if (a->xml != NULL && cluster_compile(after, a->xml,
	    strlen(a->xml), &a->r) == 0)
		(void)cluster_find_self(after, cluster_addr_is_local, NULL,
		    &a->r);
out:
	free(after);
}

static void
examine(struct admission *a, const char *id, const char *request,
    size_t request_len)
{
	char path[PATH_LEN], *text;
	size_t len;

	text = statefile_read(path_etc(path, "cluster.xml"), XML_FILE_MAX,
	    &len);
	if (text == NULL) {
		report_error(&a->r, 0, NULL, "%s: %s", path,
		    strerror(errno));
		return;
	}
	check_token(a, id);
	if (a->r.errors == 0 &&
	    join_parse(&a->q, request, request_len, &a->r) == 0 &&
	    cluster_compile(&a->cl, text, len, &a->r) == 0 &&
	    cluster_find_self(&a->cl, cluster_addr_is_local, NULL,
	    &a->r) == 0) {
		check_clone(a);
		check_name(a);
	}
	if (a->r.errors == 0)
		make_xml(a, text, len);
	free(text);
}

static int
let_in(struct admission *a)
{
	char path[PATH_LEN];
	int rc;

	a->invite.used = time(NULL);
	(void)snprintf(a->invite.node, sizeof(a->invite.node), "%s",
	    a->q.name);
	if (invite_save(&a->invite) == -1 ||
	    statefile_write(path_etc(path, "cluster.xml"), a->xml,
	    strlen(a->xml), 0644) == -1) {
		fprintf(stderr, "holdfast: join: %s\n", strerror(errno));
		return EX_CANTCREAT;
	}
	rc = configure_cluster(false);
	if (rc == 0)
		/* Who misses it is seen in `status', and told how. */
		(void)cluster_push_text(a->xml, strlen(a->xml));
	return rc;
}

int
cluster_admit(struct cmd *c)
{
	struct admission *a = calloc(1, sizeof(*a));
	char *request;
	size_t len;
	int rc = EX_NOPERM;

	if (a == NULL || c->argc != 2 || cluster_lock() == -1)
		return EX_USAGE;
	seal_init();
	request = cluster_read_input(&len);
	report_init(&a->r, "join");
	if (request != NULL)
		examine(a, c->argv[1], request, len);
	report_print(&a->r, stderr);
	if (request != NULL && a->r.errors == 0)
		rc = let_in(a);
	report_fini(&a->r);
	free(a->xml);
	free(request);
	free(a);
	return rc;
}
