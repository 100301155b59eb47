/* SPDX-License-Identifier: ISC */
/* Choice and care of the backends. */

#include "filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "xalloc.h"

struct filters {
	char			 module[FILTER_NAME_LEN];
	unsigned		 id;
	const struct filter_ops	*ops;
	struct filter		*own;
	struct filter		*arp;
	/* Of an earlier farmd: goes when ours are in force. */
	const struct filter_ops	*old;
	bool			 is_auto;
	bool			 was_applied;
};

static const struct filter_ops *
backend(const char *name)
{
	if (strcmp(name, "nft") == 0)
		return filter_nft();
	return strcmp(name, "bpf") == 0 ? filter_bpf() : NULL;
}

static struct filter *
open_one(const struct filters *f, const struct filter_ops *ops,
    char why[FILTER_WHY_LEN])
{
	if (!ops->supported(why))
		return NULL;
	return ops->open(f->module, f->id, why);
}

static void
remove_left(const struct filters *f, const struct filter_ops *ops)
{
	char why[FILTER_WHY_LEN] = "";
	struct filter *left = open_one(f, ops, why);

	/* A backend that does not work here has left nothing. */
	if (left != NULL)
		ops->remove(left);
}

static void
remove_all_left(const struct filters *f)
{
	remove_left(f, filter_bpf());
	remove_left(f, filter_nft());
	remove_left(f, filter_arp());
}

static bool
choose(struct filters *f, const struct filter_ops *ops,
    char why[FILTER_WHY_LEN])
{
	f->own = open_one(f, ops, why);
	if (f->own == NULL)
		return false;
	f->ops = ops;
	return true;
}

static bool
choose_any(struct filters *f, const char *wish, char why[FILTER_WHY_LEN])
{
	f->is_auto = strcmp(wish, "auto") == 0;
	if (!f->is_auto)
		return choose(f, backend(wish), why);
	if (choose(f, filter_bpf(), why)) {
		log_info("filter: bpf");
		return true;
	}
	log_info("filter: nft, since bpf is not possible: %s", why);
	return choose(f, filter_nft(), why);
}

struct filters *
filters_open(const char *wish, const char *before, const char *module,
    unsigned id, char why[FILTER_WHY_LEN])
{
	struct filters *f = xcalloc(1, sizeof(*f));

	(void)snprintf(f->module, sizeof(f->module), "%s", module);
	f->id = id;
	why[0] = '\0';
	if (strcmp(before, "?") == 0)
		remove_all_left(f);
	if (choose_any(f, wish, why))
		f->arp = open_one(f, filter_arp(), why);
	if (f->arp == NULL) {
		filters_close(f);
		return NULL;
	}
	f->old = backend(before);
	if (f->old == f->ops)
		f->old = NULL;
	return f;
}

/* Of `auto': what loads may still be refused when it is to be attached. */
static bool
fall_back(struct filters *f, const char *refused)
{
	char why[FILTER_WHY_LEN] = "";
	const struct filter_ops *bpf = filter_bpf();

	if (!f->is_auto || f->was_applied || f->ops != bpf)
		return false;
	log_warnx("filter: nft from now on, since bpf was refused: %s",
	    refused);
	bpf->remove(f->own);
	f->own = NULL;
	return choose(f, filter_nft(), why);
}

int
filters_apply(struct filters *f, const struct filter_input *in,
    char why[FILTER_WHY_LEN])
{
	const char *wrong = filter_input_error(in);
	char arp_why[FILTER_WHY_LEN] = "";
	int rc;

	why[0] = '\0';
	if (wrong != NULL) {
		(void)snprintf(why, FILTER_WHY_LEN, "%s", wrong);
		return -1;
	}
	if (f->own == NULL && !choose(f, f->ops, why))
		return -1;
	if (f->arp == NULL &&
	    (f->arp = open_one(f, filter_arp(), why)) == NULL)
		return -1;
	rc = f->ops->apply(f->own, in, why);
	if (rc == -1 && fall_back(f, why)) {
		why[0] = '\0';
		rc = f->ops->apply(f->own, in, why);
	}
	if (rc == -1)
		return -1;
	f->was_applied = true;
	if (f->old != NULL) {
		remove_left(f, f->old);
		f->old = NULL;
	}
	if (filter_arp()->apply(f->arp, in, arp_why) == -1) {
		(void)snprintf(why, FILTER_WHY_LEN, "%s", arp_why);
		return -1;
	}
	return why[0] != '\0' ? 1 : 0;
}

bool
filters_are_intact(struct filters *f, char why[FILTER_WHY_LEN])
{
	/* None works: there is nothing to be compared with. */
	if (f == NULL || f->own == NULL || f->arp == NULL)
		return true;
	return f->ops->intact(f->own, why) &&
	    filter_arp()->intact(f->arp, why);
}

void
filters_counters(struct filters *f, struct filter_counters *c)
{
	memset(c, 0, sizeof(*c));
	if (f->own != NULL && f->was_applied &&
	    f->ops->counters(f->own, c) == -1)
		log_warnx("filter: its counters cannot be read");
}

unsigned
filters_tickle(struct filters *f, unsigned node)
{
	return f->own != NULL && f->was_applied && f->ops->tickle != NULL ?
	    f->ops->tickle(f->own, node) : 0;
}

const char *
filters_name(const struct filters *f)
{
	return f->ops->name;
}

void
filters_remove(struct filters *f)
{
	if (f->arp != NULL)
		filter_arp()->remove(f->arp);
	if (f->own != NULL)
		f->ops->remove(f->own);
	f->own = f->arp = NULL;
	if (f->old != NULL)
		remove_left(f, f->old);
	f->old = NULL;
	f->was_applied = false;
}

void
filters_sweep(const char *module, unsigned id)
{
	struct filters f = { .id = id };

	(void)snprintf(f.module, sizeof(f.module), "%s", module);
	remove_all_left(&f);
}

void
filters_close(struct filters *f)
{
	if (f->arp != NULL)
		filter_arp()->close(f->arp);
	if (f->own != NULL)
		f->ops->close(f->own);
	free(f);
}
