/* SPDX-License-Identifier: ISC */
/*
 * witnessd(8): the voter.  It remembers, for each module of each cluster it
 * witnesses for, what it promised and accepted, and answers from that.  It
 * keeps no clock and knows nothing of what a module is; it runs as an
 * ordinary user.
 *
 * A vote is written before it is answered, and this waits for the disk:
 * nothing else of this daemon could be done meanwhile that does not wait for
 * the same.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "conf.h"
#include "daemon.h"
#include "log.h"
#include "paths.h"
#include "priv.h"
#include "xalloc.h"

#include "admin.h"
#include "clusters.h"
#include "edge.h"
#include "store.h"
#include "voter.h"
#include "witnessd-conf.h"

/* Lines for each reason, in 10 s. */
#define LOG_BURST	5

struct witnessd {
	struct daemon		*d;
	struct edge		*edge;
	struct store		*store;
	struct clusters		 clusters;
	uint64_t		 asks, written;
	uint64_t		 dropped[VOTE_ERROR_COUNT];
	struct log_limit	 limit[VOTE_ERROR_COUNT];
};

static void
drop(struct witnessd *w, enum vote_error e,
    const struct sockaddr_storage *from)
{
	char addr[ADDR_LEN];

	w->dropped[e]++;
	if (log_limit_ok(&w->limit[e], LOG_BURST))
		log_warnx("%s: dropped: %s", addr_str(addr, from),
		    vote_error_name(e));
}

static size_t
on_datagram(const void *in, size_t len, const struct sockaddr_storage *from,
    uint8_t *out, void *arg)
{
	struct witnessd *w = arg;
	const struct vote_keys *key;
	struct vote_answer answer;
	struct witnessed *of;
	struct vote_ask ask;
	enum vote_error e;

	e = clusters_open(&w->clusters, &ask, in, len, &of, &key);
	if (e != VOTE_ERROR_NONE) {
		drop(w, e, from);
		return 0;
	}
	w->asks++;
	of->asks++;
	w->written += voter_ask(w->store, &ask, &answer);
	return vote_answer_seal(out, &answer, key);
}

/* --- verbs ---------------------------------------------------------- */

static void
status_clusters(struct client *c, const struct witnessd *w)
{
	struct line_out o;
	unsigned i, k;

	for (i = 0; i < w->clusters.count; i++) {
		const struct witnessed *of = &w->clusters.of[i];

		line_begin(&o, "");
		line_add(&o, "cluster", of->name);
		line_add_num(&o, "own", of->is_own);
		line_add_num(&o, "asks", (int64_t)of->asks);
		for (k = 0; k < of->key_count; k++)
			line_add(&o, "key", of->key[k].id);
		serve_line(c, &o);
	}
}

static void
status_record(struct client *c, const struct record *r)
{
	static const char *const state[] = {
		[RECORD_GOOD] = "good",
		[RECORD_UNREADABLE] = "unreadable",
		[RECORD_GONE] = "gone",
	};
	char e[EPOCH_LEN];
	struct line_out o;

	line_begin(&o, "");
	line_add(&o, "module", r->module);
	line_add(&o, "of", r->cluster);
	line_add(&o, "state", state[r->state]);
	line_addf(&o, "voter", "%016" PRIx64, r->voter);
	line_add(&o, "promised", epoch_str(e, r->ballot.promised));
	if (!reg_value_is_none(&r->ballot.value))
		reg_value_line(&o, &r->ballot.value);
	serve_line(c, &o);
}

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	const struct witnessd *w = ((struct daemon *)arg)->state;
	struct line_out o;
	unsigned i;

	(void)l;
	line_begin(&o, "");
	line_addf(&o, "id", "%016" PRIx64, store_id(w->store));
	line_add_num(&o, "port", cfg_getint(w->d->conf, "port"));
	line_add_num(&o, "bound", edge_is_bound(w->edge));
	line_add_num(&o, "modules", store_count(w->store));
	line_add_num(&o, "asks", (int64_t)w->asks);
	line_add_num(&o, "written", (int64_t)w->written);
	serve_line(c, &o);
	status_clusters(c, w);
	for (i = 0; i < store_count(w->store); i++)
		status_record(c, store_at(w->store, i));
	line_begin(&o, "");
	line_add(&o, "dropped", "");
	for (i = VOTE_ERROR_NONE + 1; i < VOTE_ERROR_COUNT; i++)
		line_add_num(&o, vote_error_name((enum vote_error)i),
		    (int64_t)w->dropped[i]);
	serve_line(c, &o);
	serve_ok(c);
}

static void
load_clusters(struct witnessd *w)
{
	struct clusters *was = xcalloc(1, sizeof(*was));
	unsigned i;

	*was = w->clusters;
	clusters_load(&w->clusters, was);
	sodium_memzero(was, sizeof(*was));
	free(was);
	for (i = 0; i < w->clusters.count; i++)
		log_info("votes for cluster %s%s", w->clusters.of[i].name,
		    w->clusters.of[i].is_own ? ", as a node of it" : "");
	if (w->clusters.count == 0)
		log_warnx("no cluster to vote for: `holdfast cluster witness "
		    "add' on a node prints what to run here");
}

static void
reload(struct daemon *d)
{
	load_clusters(d->state);
}

static void
on_reload(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	reload(arg);
	serve_ok(c);
}

static void
on_rekey(struct client *c, const struct line *l, void *arg)
{
	struct witnessd *w = ((struct daemon *)arg)->state;
	const char *text = line_get(l, "keys");
	struct cluster_keys ks;

	if (text == NULL || seal_keys_parse(&ks, text, strlen(text)) == -1) {
		serve_err(c, "usage", "keys= must be the text of "
		    "cluster.key");
		return;
	}
	clusters_rekey(&w->clusters, &ks);
	sodium_memzero(&ks, sizeof(ks));
	serve_ok(c);
}

static void
on_forget(struct client *c, const struct line *l, void *arg)
{
	struct witnessd *w = ((struct daemon *)arg)->state;
	const char *cluster = line_get(l, "cluster");
	const char *module = line_get(l, "module");

	if (cluster == NULL)
		serve_err(c, "usage", "cluster= is needed");
	else if ((module == NULL ? store_forget_cluster(w->store, cluster) :
	    store_forget(w->store, cluster, module)) == -1)
		serve_err(c, "notfound", "%s", store_why(w->store));
	else
		serve_ok(c);
}

static const struct verb verbs[] = {
	/* name		least role	keys		  handler */
	{ "forget",	ROLE_ADMIN,	"cluster module", on_forget },
	{ "rekey",	ROLE_ADMIN,	"keys",		  on_rekey },
	{ "reload",	ROLE_ADMIN,	"",		  on_reload },
	{ "status",	ROLE_MONITOR,	"",		  on_status },
	{ NULL, ROLE_NONE, NULL, NULL },
};

static int
check(cfg_t *cfg)
{
	return conf_check_int(cfg, "port", 1024, 65535) +
	    conf_check_int(cfg, "modules", 1, 4096);
}

/*
 * Keys of root are read with its rights, those of user holdfast and the store
 * without.  A tree without that user stays root, and reads all the same.
 */
static void
start(struct daemon *d)
{
	struct witnessd *w = xcalloc(1, sizeof(*w));
	char dir[PATH_LEN];

	d->state = w;
	w->d = d;
	seal_init();
	clusters_load(&w->clusters, NULL);
	if (priv_dir(path_state(dir, "witness"), PRIV_USER, 0700) == -1)
		fatal("%s", dir);
	priv_drop(PRIV_USER, true);
	load_clusters(w);
	w->store = store_open(dir, (unsigned)cfg_getint(d->conf, "modules"));
	if (w->store == NULL)
		fatal("%s: no place to remember votes", dir);
	w->edge = edge_new(d->loop, (uint16_t)cfg_getint(d->conf, "port"),
	    on_datagram, w);
}

static void
finish(struct daemon *d)
{
	struct witnessd *w = d->state;

	edge_free(w->edge);
	store_close(w->store);
	sodium_memzero(&w->clusters, sizeof(w->clusters));
	free(w);
}

int
main(int argc, char **argv)
{
	static cfg_opt_t opts[] = { WITNESSD_OPTS };
	static const struct daemon_spec spec = {
		.name = "witnessd",
		.summary = "votes on who may be primary of a module; "
		    "-a, -r, -l and -F are in witnessd(8)",
		.no_keep = true,
		.opts = opts,
		.check = check,
		.verbs = verbs,
		.start = start,
		.reload = reload,
		.finish = finish,
	};
	int rc = admin_main(argc, argv);

	return rc != -1 ? rc : daemon_main(&spec, argc, argv);
}
