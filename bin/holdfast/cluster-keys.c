/* SPDX-License-Identifier: ISC */
/*
 * `cluster keys': shows the keys of all nodes, and changes them while
 * everything runs.  The steps are keys-plan.c's; each is taken on all nodes
 * that need it, and then all are asked again.  On a node a step is durable in
 * cluster.key first, then told to the daemons, then answered: a node that
 * dies in between starts with what the file says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <sodium.h>

#include "cluster.h"
#include "cluster-verbs.h"
#include "cmd.h"
#include "configure.h"
#include "generation.h"
#include "keys-plan.h"
#include "modules.h"
#include "nodes.h"
#include "paths.h"
#include "seal.h"
#include "talk.h"
#include "text.h"
#include "xalloc.h"

/* More rounds than three waves need: what does not end is said. */
#define ROUNDS_MAX	16

static bool
load_keys(struct cluster_keys *ks)
{
	char path[PATH_LEN];
	const char *why;

	seal_init();
	if (seal_keys_load(ks, path_etc(path, "cluster.key"), &why) == 0)
		return true;
	fprintf(stderr, "holdfast: %s: %s\n", path, why);
	return false;
}

/* --- one node: cluster key show|add|use|drop ---------------------------- */

struct teller {
	char	text[SEAL_KEYS_TEXT_LEN];
	int	failed;
};

/* A daemon that does not run reads the file when it starts. */
static void
tell(struct teller *t, const char *module, const char *daemon)
{
	struct line_out o;
	int rc;

	line_begin(&o, "rekey");
	line_add(&o, "keys", t->text);
	rc = talk(module, daemon, &o, NULL, NULL);
	if (rc == 0 || (rc == -1 && (errno == ENOENT ||
	    errno == ECONNREFUSED)))
		return;
	t->failed = talk_failed(module, daemon, rc);
	fprintf(stderr, "holdfast: %s%s%s has not taken the keys\n",
	    module != NULL ? module : "", module != NULL ? "/" : "", daemon);
}

static void
tell_module(const char *module, void *arg)
{
	if (generation_active(module) > 0)
		tell(arg, module, "mirrord");
}

/* What the file has is what the daemons have; 0, or the exit status. */
static int
tell_all(const struct cluster_keys *ks)
{
	struct teller t = { .failed = 0 };

	seal_keys_text(t.text, ks);
	tell(&t, NULL, "heartd");
	tell(&t, NULL, "remoted");
	tell(&t, NULL, "witnessd");
	modules_each(tell_module, &t);
	explicit_bzero(t.text, sizeof(t.text));
	return t.failed;
}

/* The file, then the daemons; 0, or the exit status. */
static int
take(const struct cluster_keys *ks)
{
	char path[PATH_LEN];
	int rc;

	if (seal_keys_save(path_etc(path, "cluster.key"), ks) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
		return EX_CANTCREAT;
	}
	rc = tell_all(ks);
	if (rc == 0)
		configure_note_key(ks->key[0].id);
	return rc;
}

/*
 * A step that failed may have reached the file and not each daemon: what is
 * shown must be true of both, since the next step builds on it.
 */
static int
key_show(const struct cluster_keys *ks)
{
	int rc = tell_all(ks);

	if (rc != 0)
		return rc;
	printf("use=%s", ks->key[0].id);
	if (ks->count > 1)
		printf(" %s=%s", ks->second == KEY_OLD ? "old" : "next",
		    ks->key[1].id);
	printf("\n");
	return 0;
}

/* The next key is the input. */
static int
key_add(struct cluster_keys *ks)
{
	struct cluster_keys in;
	size_t len;
	char *text = cluster_read_input(&len);
	int rc = EX_DATAERR;

	if (text == NULL)
		return EX_NOINPUT;
	if (seal_keys_parse(&in, text, len) == -1) {
		fprintf(stderr, "holdfast: the input is no key\n");
	} else {
		ks->count = 2;
		ks->second = KEY_NEXT;
		ks->key[1] = in.key[0];
		rc = take(ks);
	}
	explicit_bzero(&in, sizeof(in));
	explicit_bzero(text, len);
	free(text);
	return rc;
}

/* Idempotent: what is done already is done. */
static int
key_use(struct cluster_keys *ks, const char *id)
{
	struct cluster_key was = ks->key[0];
	int rc;

	if (strcmp(ks->key[0].id, id) != 0) {
		if (ks->count < 2 || strcmp(ks->key[1].id, id) != 0) {
			fprintf(stderr, "holdfast: key %s is not here\n", id);
			return EX_NOINPUT;
		}
		ks->key[0] = ks->key[1];
		ks->key[1] = was;
		ks->second = KEY_OLD;
	}
	rc = take(ks);
	explicit_bzero(&was, sizeof(was));
	return rc;
}

static int
key_drop(struct cluster_keys *ks, const char *id)
{
	if (strcmp(ks->key[0].id, id) != 0) {
		fprintf(stderr, "holdfast: key %s is not in use here\n", id);
		return EX_NOINPUT;
	}
	ks->count = 1;
	return take(ks);
}

int
cluster_key(struct cmd *c)
{
	const char *what = c->argc > 1 ? c->argv[1] : "";
	const char *id = c->argc > 2 ? c->argv[2] : "";
	struct cluster_keys ks;
	int rc = EX_USAGE;

	/* To show writes, too: what it read goes to the daemons again. */
	if (cluster_lock() == -1)
		return EX_CANTCREAT;
	if (!load_keys(&ks))
		return EX_NOINPUT;
	if (strcmp(what, "show") == 0)
		rc = key_show(&ks);
	else if (strcmp(what, "add") == 0)
		rc = key_add(&ks);
	else if (strcmp(what, "use") == 0)
		rc = key_use(&ks, id);
	else if (strcmp(what, "drop") == 0)
		rc = key_drop(&ks, id);
	explicit_bzero(&ks, sizeof(ks));
	return rc;
}

/* --- all nodes ----------------------------------------------------------- */

struct round {
	unsigned		 count;
	struct keys_view	 view[CLUSTER_NODE_MAX];
	int			 failed;
};

static void
take_word(char out[SEAL_ID_LEN + 1], const char *text, const char *word)
{
	const char *p = strstr(text, word);

	if (p != NULL)
		(void)snprintf(out, SEAL_ID_LEN + 1, "%.8s",
		    p + strlen(word));
}

static void
on_view(const char *node, int status, const char *out, const char *err,
    void *arg)
{
	struct round *r = arg;
	struct keys_view *v;

	if (r->count == CLUSTER_NODE_MAX)
		return;
	v = &r->view[r->count++];
	memset(v, 0, sizeof(*v));
	(void)snprintf(v->node, sizeof(v->node), "%s", node);
	v->is_known = status == 0;
	if (!v->is_known) {
		fprintf(stderr, "%s: %s", node, err);
		return;
	}
	take_word(v->use, out, "use=");
	take_word(v->second, out, " next=");
	if (v->second[0] == '\0') {
		take_word(v->second, out, " old=");
		v->second_is_old = v->second[0] != '\0';
	}
}

/* Words for all of these nodes; input may be NULL. */
static int
run(const char *nodes, const char *step, const char *id, const char *input,
    void (*on_node)(const char *, int, const char *, const char *, void *),
    void *arg)
{
	char verb[] = "cluster", what[] = "key", word[8], key[16];
	char *argv[] = { verb, what, word, key, NULL };
	struct nodes_run r = { .nodes = nodes, .argv = argv, .argc = 3,
	    .input_fd = -1, .on_node = on_node, .arg = arg };
	int rc;

	(void)snprintf(word, sizeof(word), "%s", step);
	if (id != NULL) {
		(void)snprintf(key, sizeof(key), "%s", id);
		r.argc++;
	}
	if (input != NULL) {
		r.input_fd = cluster_input_file(input, strlen(input));
		if (r.input_fd == -1)
			return EX_OSERR;
	}
	rc = nodes_run(&r);
	if (r.input_fd != -1)
		(void)close(r.input_fd);	/* memory */
	return rc;
}

static int
view_cmp(const void *a, const void *b)
{
	return strcmp(((const struct keys_view *)a)->node,
	    ((const struct keys_view *)b)->node);
}

/* false: not even the local remoted answered, which was said. */
static bool
look(struct round *r)
{
	memset(r, 0, sizeof(*r));
	(void)run("*", "show", NULL, NULL, on_view, r);
	qsort(r->view, r->count, sizeof(r->view[0]), view_cmp);
	return r->count > 0;
}

static int
keys_show(void)
{
	struct round *r = xcalloc(1, sizeof(*r));
	struct keys_plan p;
	unsigned i;
	int rc = 0;

	if (!look(r)) {
		free(r);
		return EX_UNAVAILABLE;
	}
	for (i = 0; i < r->count; i++) {
		const struct keys_view *v = &r->view[i];

		printf("%-16s %s%s%s\n", v->node, v->is_known ? v->use :
		    "does not answer", v->second[0] == '\0' ? "" :
		    v->second_is_old ? ", accepts the old " :
		    ", accepts the next ", v->second);
	}
	keys_plan(&p, r->view, r->count);
	if (p.step == KEYS_STUCK)
		printf("%s\n", p.why);
	else if (p.step != KEYS_BEGIN)
		printf("a change of the key was interrupted: `holdfast "
		    "cluster keys rotate' on a node that has %s ends it\n",
		    p.id);
	if (p.step != KEYS_BEGIN)
		rc = EX_TEMPFAIL;
	free(r);
	return rc;
}

/* A node that failed says why; the next look finds what it has. */
static void
on_step(const char *node, int status, const char *out, const char *err,
    void *arg)
{
	struct round *r = arg;

	(void)out;
	if (status == 0)
		return;
	r->failed = status;
	fprintf(stderr, "%s: %s", node, err);
}

/* The key of this id as the text of a file of its own; false: not here. */
static bool
key_text(const char *id, char text[SEAL_KEYS_TEXT_LEN])
{
	struct cluster_keys ks, one = { .count = 1 };
	bool found = false;
	unsigned i;

	if (!load_keys(&ks))
		return false;
	for (i = 0; i < ks.count; i++)
		if (strcmp(ks.key[i].id, id) == 0) {
			one.key[0] = ks.key[i];
			seal_keys_text(text, &one);
			found = true;
		}
	explicit_bzero(&ks, sizeof(ks));
	explicit_bzero(&one, sizeof(one));
	return found;
}

static int
take_step(struct round *r, const struct keys_plan *p)
{
	static const char *const word[] = {
		[KEYS_ADD] = "add", [KEYS_USE] = "use", [KEYS_DROP] = "drop",
	};
	char text[SEAL_KEYS_TEXT_LEN] = "";
	struct text nodes = { 0 };
	unsigned i;
	int rc;

	for (i = 0; i < r->count; i++)
		if (p->todo[i])
			text_addf(&nodes, "%s%s", nodes.len > 0 ? "," : "",
			    r->view[i].node);
	if (nodes.len == 0)
		return 0;
	if (p->step == KEYS_ADD && !key_text(p->id, text)) {
		fprintf(stderr, "holdfast: key %s is not on this node: run it "
		    "on one that `holdfast cluster keys' shows to have it\n",
		    p->id);
		free(nodes.text);
		return EX_UNAVAILABLE;
	}
	printf("%s %s: %s\n", word[p->step], p->id, nodes.text);
	rc = run(nodes.text, word[p->step], p->id, text[0] != '\0' ? text :
	    NULL, on_step, r);
	explicit_bzero(text, sizeof(text));
	free(nodes.text);
	return rc;
}

/* The next key, on this node first: from here on the nodes tell the rest. */
static int
begin(void)
{
	struct cluster_keys ks;
	int lock = cluster_lock(), rc;

	if (lock == -1 || !load_keys(&ks))
		return EX_CANTCREAT;
	if (ks.count > 1) {
		/* Somebody else began meanwhile: go on with his. */
		(void)close(lock);
		return 0;
	}
	ks.count = 2;
	ks.second = KEY_NEXT;
	seal_key_make(&ks.key[1]);
	printf("from %s to %s\n", ks.key[0].id, ks.key[1].id);
	rc = take(&ks);
	explicit_bzero(&ks, sizeof(ks));
	(void)close(lock);	/* the next step, here too, needs it */
	return rc;
}

static int
rotate_round(struct round *r, bool *begun, bool *done)
{
	struct keys_plan p;

	*done = false;
	if (!look(r))
		return EX_UNAVAILABLE;
	keys_plan(&p, r->view, r->count);
	if (p.step == KEYS_STUCK) {
		fprintf(stderr, "holdfast: %s\n", p.why);
		return EX_TEMPFAIL;
	}
	if (p.step == KEYS_BEGIN && *begun) {
		*done = true;
		printf("all %u nodes use %s, and no other is accepted\n",
		    r->count, r->view[0].use);
		return 0;
	}
	if (p.step != KEYS_BEGIN && !*begun)
		printf("goes on with the change to %s\n", p.id);
	*begun = true;
	return p.step == KEYS_BEGIN ? begin() : take_step(r, &p);
}

static int
keys_rotate(void)
{
	struct round *r = xcalloc(1, sizeof(*r));
	bool begun = false, done = false;
	int i, rc = 0;

	for (i = 0; i < ROUNDS_MAX && rc == 0 && !done; i++)
		rc = rotate_round(r, &begun, &done);
	free(r);
	if (rc == 0 && !done)
		rc = EX_SOFTWARE;
	if (rc != 0 && begun)
		fprintf(stderr, "holdfast: the change is not finished; old "
		    "and new key are accepted meanwhile: `holdfast cluster "
		    "keys rotate' again goes on\n");
	return rc;
}

int
cluster_keys(struct cmd *c)
{
	if (c->argc == 1)
		return keys_show();
	if (c->argc == 2 && strcmp(c->argv[1], "rotate") == 0)
		return keys_rotate();
	fprintf(stderr, "usage: holdfast cluster keys [rotate]\n");
	return EX_USAGE;
}
