/* SPDX-License-Identifier: ISC */
/*
 * The nftables backend: table netdev holdfast_M, with no connection tracking
 * (a full table of which drops packets).
 *
 * What is in the kernel is known here: a document of rules and a plan of
 * numbers.  A change goes in at most three transactions, each of which
 * leaves a whole and right table: the chains that new ways need; the
 * elements, all of them; away with the chains that no bucket goes any more.
 * Where own connections begin to count there is one before: the buckets stay
 * with this node but its new connections are written down (opened4,
 * opened6); then the sockets are listed, and the elements are set together
 * with the list.  So no connection falls between the two.
 */
#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "filter-nft-text.h"
#include "log.h"
#include "nft-flows.h"
#include "nft-link.h"
#include "nft-plan.h"
#include "xalloc.h"

struct filter {
	struct nft_link		*link;
	char			 module[FILTER_NAME_LEN];
	struct filter_input	 in;		/* of the last apply */
	bool			 is_applied;	/* what follows holds */
	struct nft_doc		 doc;
	struct nft_plan		 plan;
	struct nft_flows	 flows;
	struct filter_counters	 base;		/* of tables that are gone */
	uint32_t		 generation;	/* after our last one, or 0 */
	char			*listing;	/* NULL: to be taken */
	uint64_t		 small_maps;	/* their digest, as listing */
};

static bool
nft_supported(char why[FILTER_WHY_LEN])
{
	/* In one transaction, so that nothing is left of it. */
	static const char probe[] =
	    "add table netdev holdfast..probe\n"
	    "add map netdev holdfast..probe m { type mark : mark; }\n"
	    "add chain netdev holdfast..probe c\n"
	    "add rule netdev holdfast..probe c meta mark set jhash ip saddr "
	    ". th sport mod 4096 seed 0x1 meta mark set meta mark map @m "
	    "reject with tcp reset\n"
	    "add rule netdev holdfast..probe c ether daddr set "
	    "02:00:00:00:00:01 fwd to \"lo\"\n"
	    "add rule netdev holdfast..probe c dup to \"lo\"\n"
	    "delete table netdev holdfast..probe\n";
	char words[FILTER_WHY_LEN - 64];
	struct nft_link *l = nft_link_open(why, FILTER_WHY_LEN);
	int rc;

	if (l == NULL)
		return false;
	rc = nft_link_run(l, probe, words, sizeof(words));
	if (rc == -1)
		(void)snprintf(why, FILTER_WHY_LEN,
		    "this kernel's nftables lacks what a farm needs: %s",
		    words);
	nft_link_close(l);
	return rc == 0;
}

static struct filter *
nft_open(const char *module, unsigned id, char why[FILTER_WHY_LEN])
{
	struct nft_link *l = nft_link_open(why, FILTER_WHY_LEN);
	struct filter *f;

	(void)id;	/* the table's name has the module's */
	if (l == NULL)
		return NULL;
	f = xcalloc(1, sizeof(*f));
	f->link = l;
	(void)snprintf(f->module, sizeof(f->module), "%s", module);
	nft_doc_init(&f->doc, "netdev", module, "");
	return f;
}

/* ---- counters ---- */

struct reading {
	const struct filter_input	*in;
	struct filter_counters		*c;
};

static void
on_counter(void *arg, const char *name, uint64_t packets)
{
	struct reading *r = arg;
	char group[NFT_NAME_LEN];

	if (strcmp(name, "accepted_other") == 0)
		r->c->accepted += packets;
	else if (strcmp(name, "passed") == 0)
		r->c->passed += packets;
	else if (strcmp(name, "copied") == 0)
		r->c->copied += packets;
	else if (strcmp(name, "rejected") == 0)
		r->c->rejected += packets;
	else if (strcmp(name, "refused") == 0)
		r->c->refused += packets;
	else if (strcmp(name, "lost") == 0)
		r->c->lost += packets;
	for (unsigned i = 0; i < r->in->group_count; i++) {
		filter_nft_counter(group, r->in, i);
		if (strcmp(group, name) != 0)
			continue;
		r->c->group[i] += packets;
		r->c->accepted += packets;
	}
}

static int
nft_counters(struct filter *f, struct filter_counters *c)
{
	struct reading r = { .in = &f->in, .c = c };

	*c = f->base;
	return nft_link_counters(f->link, &f->doc, on_counter, &r);
}

/* ---- what is in the kernel ---- */

static void
forget(struct filter *f)
{
	char module[FILTER_NAME_LEN];

	memcpy(module, f->module, sizeof(module));
	nft_doc_fini(&f->doc);
	nft_doc_init(&f->doc, "netdev", module, "");
	nft_plan_fini(&f->plan);
	nft_flows_free(&f->flows);
	free(f->listing);
	f->listing = NULL;
	f->generation = 0;
	f->is_applied = false;
}

/* The rules changed by us: what they look like is taken later. */
static void
learn_doc(struct filter *f, struct nft_doc *doc)
{
	nft_doc_fini(&f->doc);
	f->doc = *doc;
	free(f->listing);
	f->listing = NULL;
}

static void
learn_plan(struct filter *f, struct nft_plan *plan)
{
	nft_plan_fini(&f->plan);
	f->plan = *plan;
}

static void
learn_flows(struct filter *f, struct nft_flows *flows)
{
	nft_flows_free(&f->flows);
	f->flows = *flows;
}

/* ---- the whole table in one transaction ---- */

/* Lists own connections when plan needs them; else none. */
static int
list_flows(struct nft_flows *flows, const struct filter_input *in,
    const struct nft_plan *plan, char why[FILTER_WHY_LEN])
{
	if (!nft_plan_is_strict(plan) ||
	    nft_flows_list(flows, in, plan) == 0)
		return 0;
	(void)snprintf(why, FILTER_WHY_LEN,
	    "cannot list own connections: %s", strerror(errno));
	return -1;
}

static int
apply_whole(struct filter *f, const struct filter_input *in,
    char why[FILTER_WHY_LEN])
{
	struct filter_counters before = f->base;
	struct reading r = { .in = in, .c = &before };
	struct nft_plan plan;
	struct nft_flows flows = { 0 };
	struct nft_doc doc;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc;

	if (out == NULL)
		fatal("nftables rules");
	nft_plan_make(&plan, in, NULL, false);
	filter_nft_text(&doc, in, plan.way, plan.way_count);
	rc = list_flows(&flows, in, &plan, why);
	(void)nft_doc_diff(out, NULL, &doc);
	for (unsigned t = 0; t < plan.tables; t++)
		nft_plan_print(out, doc.table, &plan, t);
	nft_flows_print(out, doc.table, &flows);
	if (fclose(out) != 0)
		fatal("nftables rules");
	/* The counters of the table that goes; there may be none. */
	(void)nft_link_counters(f->link, &doc, on_counter, &r);
	if (rc == 0)
		rc = nft_link_run(f->link, text, why, FILTER_WHY_LEN);
	free(text);
	if (rc == -1) {
		nft_doc_fini(&doc);
		nft_plan_fini(&plan);
		nft_flows_free(&flows);
		return -1;
	}
	forget(f);
	learn_doc(f, &doc);
	learn_plan(f, &plan);
	learn_flows(f, &flows);
	f->base = before;
	f->is_applied = true;
	return 0;
}

/* ---- what changed ---- */

#define NO_ELEMENT	UINT32_MAX

enum number_map { NB_SHARE, NB_MINE };
static const char *const number_map[] = { "share", "mine" };

/* What stands in the map for a bucket. */
static uint32_t
number(const struct nft_plan *plan, enum number_map map, unsigned t,
    unsigned bucket)
{
	if (map == NB_SHARE)
		return plan->share[t][bucket];
	return plan->mine[t][bucket] == NM_NONE ? NO_ELEMENT :
	    plan->mine[t][bucket];
}

/* All that goes, then all that comes: fewer, larger messages. */
static void
numbers(struct nft_batch *b, const struct nft_plan *from,
    const struct nft_plan *to, enum number_map map, unsigned t)
{
	char name[NFT_NAME_LEN];
	uint32_t old, new;

	nft_name(name, "%s_%u", number_map[map], t);
	for (uint32_t i = 0; i < HASH_BUCKETS; i++) {
		old = number(from, map, t, i);
		if (old != number(to, map, t, i) && old != NO_ELEMENT)
			nft_batch_del(b, name, &i, sizeof(i));
	}
	for (uint32_t i = 0; i < HASH_BUCKETS; i++) {
		new = number(to, map, t, i);
		if (new != number(from, map, t, i) && new != NO_ELEMENT)
			nft_batch_add(b, name, &i, sizeof(i), &new,
			    sizeof(new));
	}
}

static struct nft_batch *
batch_of(const struct filter *f, const struct nft_plan *plan)
{
	struct nft_batch *b = nft_batch_new(&f->doc);

	for (unsigned t = 0; t < plan->tables; t++) {
		numbers(b, &f->plan, plan, NB_SHARE, t);
		numbers(b, &f->plan, plan, NB_MINE, t);
	}
	return b;
}

/* Takes doc over, also when it fails. */
static int
run_doc(struct filter *f, struct nft_doc *doc, char why[FILTER_WHY_LEN])
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc = 0;

	if (out == NULL)
		fatal("nftables rules");
	(void)nft_doc_diff(out, &f->doc, doc);
	if (fclose(out) != 0)
		fatal("nftables rules");
	if (len > 0) {
		rc = nft_link_run(f->link, text, why, FILTER_WHY_LEN);
		if (rc == 0) {
			f->generation += f->generation != 0;
			learn_doc(f, doc);
			memset(doc, 0, sizeof(*doc));
		}
	}
	nft_doc_fini(doc);
	free(text);
	return rc;
}

/* The ways of both plans: numbers of one are not given again in the other. */
static struct nft_way *
both_ways(const struct nft_plan *a, const struct nft_plan *b,
    unsigned *count)
{
	struct nft_way *way = xcalloc(a->way_count + b->way_count + 1,
	    sizeof(*way));

	*count = 0;
	for (unsigned i = 0; i < a->way_count; i++)
		way[(*count)++] = a->way[i];
	for (unsigned i = 0; i < b->way_count; i++) {
		bool is_new = true;

		for (unsigned j = 0; j < a->way_count; j++)
			if (a->way[j].number == b->way[i].number)
				is_new = false;
		if (is_new)
			way[(*count)++] = b->way[i];
	}
	return way;
}

static bool
has_new_ways(const struct nft_plan *old, const struct nft_plan *plan)
{
	for (unsigned i = 0; i < plan->way_count; i++) {
		bool is_new = true;

		for (unsigned j = 0; j < old->way_count; j++)
			if (old->way[j].number == plan->way[i].number)
				is_new = false;
		if (is_new)
			return true;
	}
	return false;
}

static int
apply_elements(struct filter *f, const struct filter_input *in,
    struct nft_plan *plan, char why[FILTER_WHY_LEN])
{
	struct nft_flows flows = { 0 };
	struct nft_batch *b;

	if (list_flows(&flows, in, plan, why) == -1) {
		nft_flows_free(&flows);
		return -1;
	}
	b = batch_of(f, plan);
	nft_flows_diff(b, &f->flows, &flows);
	f->generation += f->generation != 0 && !nft_batch_is_empty(b);
	if (nft_batch_commit(f->link, b) == -1) {
		(void)snprintf(why, FILTER_WHY_LEN,
		    "table netdev %s does not take its elements: %s",
		    f->doc.table, strerror(errno));
		nft_flows_free(&flows);
		return -1;
	}
	learn_flows(f, &flows);
	learn_plan(f, plan);
	memset(plan, 0, sizeof(*plan));
	return 0;
}

/*
 * From the plan of the kernel to this one; takes it over when it is in.
 * Rules come first only if elements need them: after a death every
 * millisecond before the elements is one in which nobody answers.
 */
static int
apply_plan(struct filter *f, const struct filter_input *in,
    struct nft_plan *plan, char why[FILTER_WHY_LEN])
{
	struct nft_doc doc;
	struct nft_way *way;
	unsigned count;

	if (has_new_ways(&f->plan, plan)) {
		way = both_ways(&f->plan, plan, &count);
		filter_nft_text(&doc, in, way, count);
		free(way);
		if (run_doc(f, &doc, why) == -1)
			return -1;
	}
	if (apply_elements(f, in, plan, why) == -1)
		return -1;
	filter_nft_text(&doc, in, f->plan.way, f->plan.way_count);
	return run_doc(f, &doc, why);
}

static bool
is_another_table(const struct filter *f, const struct filter_input *in)
{
	struct nft_doc doc;
	bool is_anew;

	filter_nft_text(&doc, in, f->plan.way, f->plan.way_count);
	is_anew = in->tables != f->plan.tables ||
	    nft_doc_is_anew(&f->doc, &doc);
	nft_doc_fini(&doc);
	return is_anew;
}

static int
apply_changes(struct filter *f, const struct filter_input *in,
    char why[FILTER_WHY_LEN])
{
	struct nft_plan plan;
	int rc;

	nft_plan_make(&plan, in, &f->plan, true);
	if (plan.has_watched) {
		rc = apply_plan(f, in, &plan, why);
		nft_plan_fini(&plan);
		if (rc == -1)
			return -1;
		nft_plan_make(&plan, in, &f->plan, false);
	}
	rc = apply_plan(f, in, &plan, why);
	nft_plan_fini(&plan);
	return rc;
}

/* Counted on from the last one: whoever came between is found by intact(). */
static void
learn_generation(struct filter *f)
{
	uint32_t now;

	if (nft_link_generation(f->link, &now) == -1 ||
	    (f->generation != 0 && now != f->generation))
		f->generation = 0;
	else
		f->generation = now;
}

static int
nft_apply(struct filter *f, const struct filter_input *in,
    char why[FILTER_WHY_LEN])
{
	const char *error = filter_input_error(in);
	struct mono start = mono_now();
	bool is_whole, is_mended = false;

	if (error != NULL) {
		(void)snprintf(why, FILTER_WHY_LEN, "%s", error);
		return -1;
	}
	is_whole = !f->is_applied || is_another_table(f, in);
	if (!is_whole && apply_changes(f, in, why) == -1) {
		/* Somebody took away what it builds upon. */
		log_debug("nftables: %s: all anew", why);
		is_whole = is_mended = true;
	}
	if (is_whole && apply_whole(f, in, why) == -1)
		return -1;
	why[0] = '\0';
	if (is_mended)
		(void)snprintf(why, FILTER_WHY_LEN, "table netdev %s was "
		    "changed", f->doc.table);
	f->in = *in;
	learn_generation(f);
	log_debug("nftables: %s in %lld ms", is_whole ? "all" : "changes",
	    (long long)mono_diff_ms(mono_now(), start));
	return 0;
}

/* ---- by hand ---- */

struct check {
	uint32_t	 want[HASH_BUCKETS];	/* or NO_ELEMENT */
	unsigned	 differ;
};

static void
on_number(void *arg, const void *key, size_t key_len, const void *data,
    size_t data_len)
{
	struct check *c = arg;
	uint32_t bucket, value;

	if (key_len != sizeof(bucket) || data_len != sizeof(value)) {
		c->differ++;
		return;
	}
	memcpy(&bucket, key, sizeof(bucket));
	memcpy(&value, data, sizeof(value));
	if (bucket >= HASH_BUCKETS || c->want[bucket] != value)
		c->differ++;
	else
		c->want[bucket] = NO_ELEMENT;
}

static bool
numbers_are_right(struct filter *f, enum number_map map, unsigned t)
{
	struct check c = { .differ = 0 };
	char name[NFT_NAME_LEN];

	for (unsigned b = 0; b < HASH_BUCKETS; b++)
		c.want[b] = number(&f->plan, map, t, b);
	nft_name(name, "%s_%u", number_map[map], t);
	if (nft_link_elements(f->link, &f->doc, name, on_number, &c) == -1)
		return false;
	for (unsigned b = 0; b < HASH_BUCKETS; b++)
		c.differ += c.want[b] != NO_ELEMENT;
	return c.differ == 0;
}

/* A sum, since the kernel lists elements in an order of its own. */
static void
on_small(void *arg, const void *key, size_t key_len, const void *data,
    size_t data_len)
{
	uint64_t *sum = arg, h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < key_len; i++)
		h = (h ^ ((const uint8_t *)key)[i]) * 0x100000001b3ULL;
	for (size_t i = 0; i < data_len; i++)
		h = (h ^ ((const uint8_t *)data)[i]) * 0x100000001b3ULL;
	*sum += h;
}

/* Of the maps that stand in the document. */
static uint64_t
small_maps(struct filter *f)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < f->doc.count; i++) {
		const struct nft_object *o = &f->doc.object[i];

		if (o->kind != NK_CHAIN && o->body[0] != '\0' &&
		    nft_link_elements(f->link, &f->doc, o->name, on_small,
		    &sum) == -1)
			sum ^= i + 1;	/* gone */
	}
	return sum;
}

static void
on_flow(void *arg, const void *key, size_t key_len, const void *data,
    size_t data_len)
{
	(void)key;
	(void)key_len;
	(void)data;
	(void)data_len;
	++*(unsigned *)arg;
}

static bool
flows_are_right(struct filter *f)
{
	unsigned count = 0;

	/* A family that the farm has not got has no set. */
	for (char v = '4'; v <= '6'; v += 2) {
		const char *name = v == '4' ? "flows4" : "flows6";

		if (nft_doc_find(&f->doc, NK_SET, name) != NULL &&
		    nft_link_elements(f->link, &f->doc, name, on_flow,
		    &count) == -1)
			return false;
	}
	return count == f->flows.count;
}

static const char *
what_changed(struct filter *f)
{
	char *listing = nft_link_list(f->link, &f->doc);
	const char *what = NULL;

	if (listing == NULL)
		what = "is gone";
	else if (strcmp(listing, f->listing) != 0)
		what = "has other chains or rules";
	else if (small_maps(f) != f->small_maps)
		what = "has other elements in its maps";
	for (unsigned t = 0; what == NULL && t < f->plan.tables; t++)
		if (!numbers_are_right(f, NB_SHARE, t) ||
		    !numbers_are_right(f, NB_MINE, t))
			what = "has other buckets";
	if (what == NULL && !flows_are_right(f))
		what = "has other connections in its sets";
	free(listing);
	return what;
}

static bool
nft_intact(struct filter *f, char why[FILTER_WHY_LEN])
{
	const char *what;
	uint32_t now;

	if (!f->is_applied || nft_link_generation(f->link, &now) == -1)
		return true;
	if (now == f->generation && f->listing != NULL)
		return true;
	if (f->listing == NULL) {
		f->listing = nft_link_list(f->link, &f->doc);
		f->small_maps = small_maps(f);
		if (f->listing != NULL && now == f->generation)
			return true;
	}
	what = f->listing == NULL ? "is gone" : what_changed(f);
	if (what == NULL) {
		f->generation = now;
		return true;
	}
	(void)snprintf(why, FILTER_WHY_LEN, "table netdev %s %s",
	    f->doc.table, what);
	forget(f);
	return false;
}

/* ---- the end ---- */

static void
nft_close(struct filter *f)
{
	forget(f);
	nft_doc_fini(&f->doc);
	nft_link_close(f->link);
	free(f);
}

static void
nft_remove(struct filter *f)
{
	nft_link_remove(f->link, &f->doc);
	nft_close(f);
}

const struct filter_ops *
filter_nft(void)
{
	static const struct filter_ops ops = {
		.name = "nft",
		.supported = nft_supported,
		.open = nft_open,
		.apply = nft_apply,
		.intact = nft_intact,
		.counters = nft_counters,
		.close = nft_close,
		.remove = nft_remove,
	};

	return &ops;
}
