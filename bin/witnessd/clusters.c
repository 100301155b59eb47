/* SPDX-License-Identifier: ISC */
/* Keys of the clusters, and which of them opens an ask. */

#include "clusters.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "cluster.h"
#include "log.h"
#include "paths.h"
#include "priv.h"
#include "xalloc.h"

#define SUFFIX	".key"

static void
take_keys(struct witnessed *w, const struct cluster_keys *ks)
{
	unsigned i;

	w->key_count = ks->count;
	for (i = 0; i < ks->count; i++)
		vote_keys_derive(&w->key[i], &ks->key[i], w->name);
}

static const struct witnessed *
find_was(const struct clusters *was, const char *name)
{
	unsigned i;

	for (i = 0; was != NULL && i < was->count; i++)
		if (strcmp(was->of[i].name, name) == 0)
			return &was->of[i];
	return NULL;
}

/* False: it has been logged. */
static bool
has_room(const struct clusters *c, const char *name, const char *path)
{
	unsigned i;

	for (i = 0; i < c->count; i++) {
		if (strcmp(c->of[i].name, name) != 0)
			continue;
		/* Two keys for one name: the node's own file wins. */
		log_warnx("%s: this machine is a node of %s: its key is used",
		    path, name);
		return false;
	}
	if (c->count < CLUSTERS_MAX)
		return true;
	log_warnx("%s: more than %d clusters: not witnessed for", path,
	    CLUSTERS_MAX);
	return false;
}

static void
add(struct clusters *c, const char *name, const char *path, bool is_own,
    const struct witnessed *was)
{
	struct witnessed *w = &c->of[c->count];
	struct cluster_keys ks;
	const char *why;
	struct stat st;

	if (!has_room(c, name, path))
		return;
	memset(w, 0, sizeof(*w));
	(void)snprintf(w->name, sizeof(w->name), "%s", name);
	w->is_own = is_own;
	if (stat(path, &st) == 0) {
		/*
		 * A key that was admitted is user holdfast's, one that was
		 * put there by hand root's: each is read by its owner, root's
		 * before the rights are given up.
		 */
		if (geteuid() == 0 && st.st_uid != 0)
			return;
		w->changed = st.st_ctim;
	}
	if (seal_keys_load(&ks, path, &why) == 0) {
		take_keys(w, &ks);
		sodium_memzero(&ks, sizeof(ks));
		c->count++;
		return;
	}
	if (was == NULL) {
		log_warnx("%s: %s: not witnessed for", path, why);
		return;
	}
	if (was->changed.tv_sec != w->changed.tv_sec ||
	    was->changed.tv_nsec != w->changed.tv_nsec)
		log_warnx("%s: changed, and %s (now as user " PRIV_USER "): "
		    "the key of before goes on", path, why);
	*w = *was;
	c->count++;
}

/* Only at the start; its new keys come by `rekey', a new cluster restarts. */
static void
add_own(struct clusters *c, const struct clusters *was)
{
	struct cluster *own;
	char path[PATH_LEN];
	unsigned i;

	for (i = 0; was != NULL && i < was->count; i++)
		if (was->of[i].is_own)
			c->of[c->count++] = was->of[i];
	if (was != NULL ||
	    access(path_state(path, "cluster/cluster.conf"), F_OK) == -1)
		return;		/* a witness and nothing else */
	own = xcalloc(1, sizeof(*own));
	if (cluster_load(own, NULL) == 0)
		add(c, own->name, path_etc(path, "cluster.key"), true, NULL);
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
			add(c, name, path_etc(path, "witness.d/%s",
			    e->d_name), false, find_was(was, name));
		else if (e->d_name[0] != '.')
			log_warnx("%s/%s: is not CLUSTER" SUFFIX ": not "
			    "looked at", path, e->d_name);
	}
	if (d != NULL)
		(void)closedir(d);
	for (i = 0; i < c->count; i++) {
		const struct witnessed *w = find_was(was, c->of[i].name);

		if (w != NULL)
			c->of[i].asks = w->asks;
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
