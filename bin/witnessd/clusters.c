/* SPDX-License-Identifier: ISC */
/* Keys of the clusters, and which of them opens an ask. */

#include "clusters.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "cluster.h"
#include "log.h"
#include "paths.h"
#include "priv.h"
#include "xalloc.h"

#define SUFFIX	".key"

struct witnessed *
clusters_find(struct clusters *c, const char *name)
{
	unsigned i;

	for (i = 0; i < c->count; i++)
		if (strcmp(c->of[i].name, name) == 0)
			return &c->of[i];
	return NULL;
}

static void
take_keys(struct witnessed *w, const struct cluster_keys *ks)
{
	unsigned i;

	w->key_count = ks->count;
	for (i = 0; i < ks->count; i++)
		vote_keys_derive(&w->key[i], &ks->key[i], w->name);
}

/* Both at once would be two keys for one name: the node's own files win. */
static void
add(struct clusters *c, const struct clusters *was, const char *name,
    const char *path, bool is_own)
{
	struct witnessed *w = &c->of[c->count];
	struct cluster_keys ks;
	const char *why;
	unsigned i;

	if (clusters_find(c, name) != NULL) {
		log_warnx("%s: this machine is a node of %s: its key is used",
		    path, name);
		return;
	}
	if (c->count == CLUSTERS_MAX) {
		log_warnx("%s: more than %d clusters: not witnessed for",
		    path, CLUSTERS_MAX);
		return;
	}
	memset(w, 0, sizeof(*w));
	(void)snprintf(w->name, sizeof(w->name), "%s", name);
	w->is_own = is_own;
	if (seal_keys_load(&ks, path, &why) == 0) {
		take_keys(w, &ks);
		sodium_memzero(&ks, sizeof(ks));
		c->count++;
		return;
	}
	for (i = 0; was != NULL && i < was->count; i++) {
		if (strcmp(was->of[i].name, name) != 0)
			continue;
		*w = was->of[i];
		c->count++;
		/* cluster.key is root's; its changes come by `rekey'. */
		if (is_own)
			return;
		log_warnx("%s: %s, user " PRIV_USER " too: the key of before "
		    "goes on", path, why);
		return;
	}
	log_warnx("%s: %s: not witnessed for", path, why);
}

static void
add_own(struct clusters *c, const struct clusters *was)
{
	struct cluster *own;
	char path[PATH_LEN];

	if (access(path_state(path, "cluster/cluster.conf"), F_OK) == -1)
		return;		/* a witness and nothing else */
	own = xcalloc(1, sizeof(*own));
	if (cluster_load(own, NULL) == 0)
		add(c, was, own->name, path_etc(path, "cluster.key"), true);
	free(own);
}

/* NAME of NAME.key; false: another file. */
static bool
name_of_file(char name[CLUSTER_NAME_LEN], const char *file)
{
	size_t len = strlen(file), suffix = strlen(SUFFIX);

	if (len <= suffix || len - suffix >= CLUSTER_NAME_LEN ||
	    strcmp(file + len - suffix, SUFFIX) != 0)
		return false;
	memcpy(name, file, len - suffix);
	name[len - suffix] = '\0';
	return cluster_name_ok(name);
}

void
clusters_load(struct clusters *c, const struct clusters *was)
{
	char path[PATH_LEN], name[CLUSTER_NAME_LEN];
	struct dirent *e;
	unsigned i;
	DIR *d;

	memset(c, 0, sizeof(*c));
	add_own(c, was);
	d = opendir(path_etc(path, "witness.d"));
	if (d == NULL && errno != ENOENT)
		log_warn("%s", path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (name_of_file(name, e->d_name))
			add(c, was, name, path_etc(path, "witness.d/%s",
			    e->d_name), false);
		else if (e->d_name[0] != '.')
			log_warnx("%s/%s: is not CLUSTER" SUFFIX ": not "
			    "looked at", path, e->d_name);
	}
	if (d != NULL)
		(void)closedir(d);
	for (i = 0; was != NULL && i < was->count; i++) {
		struct witnessed *w = clusters_find(c, was->of[i].name);

		if (w != NULL)
			w->asks = was->of[i].asks;
	}
}

void
clusters_rekey(struct clusters *c, const struct cluster_keys *ks)
{
	unsigned i;

	for (i = 0; i < c->count; i++)
		if (c->of[i].is_own)
			take_keys(&c->of[i], ks);
}

enum vote_error
clusters_open(struct clusters *c, struct vote_ask *a, const void *in,
    size_t len, struct witnessed **from, const struct vote_keys **key)
{
	char id[SEAL_ID_LEN + 1];
	enum vote_error e = vote_head(id, in, len);
	unsigned i, k;

	if (e != VOTE_ERROR_NONE)
		return e;
	e = VOTE_ERROR_KEY;
	for (i = 0; i < c->count; i++) {
		struct witnessed *w = &c->of[i];

		for (k = 0; k < w->key_count; k++) {
			if (strcmp(w->key[k].id, id) != 0)
				continue;
			e = vote_ask_open(a, in, len, &w->key[k]);
			if (e == VOTE_ERROR_KEY)
				continue;
			/* The key's cluster is asked for, or it lies. */
			if (e == VOTE_ERROR_NONE &&
			    strcmp(a->cluster, w->name) != 0)
				return VOTE_ERROR_MALFORMED;
			*from = w;
			*key = &w->key[k];
			return e;
		}
	}
	return e;
}
