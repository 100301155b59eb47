/* SPDX-License-Identifier: ISC */
/*
 * Whether it is intact is seen by its listing, and whether to list by the
 * generation, which every transaction of anybody in this network namespace
 * moves on.
 */
#include "nft-table.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

void
nft_table_init(struct nft_table *t, struct nft_link *link,
    const char *family, const char *module)
{
	memset(t, 0, sizeof(*t));
	t->link = link;
	nft_doc_init(&t->doc, family, module, "");
}

static void
forget(struct nft_table *t)
{
	t->is_applied = false;
	t->generation = 0;
	free(t->listing);
	t->listing = NULL;
}

void
nft_table_fini(struct nft_table *t)
{
	forget(t);
	nft_doc_fini(&t->doc);
}

static int
run_diff(struct nft_table *t, const struct nft_doc *from,
    const struct nft_doc *to, char *why, size_t why_len, bool *is_changed)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc = 0;

	if (out == NULL)
		fatal("nftables rules");
	(void)nft_doc_diff(out, from, to);
	if (fclose(out) != 0)
		fatal("nftables rules");
	*is_changed = len > 0;
	if (len > 0)
		rc = nft_link_run(t->link, text, why, why_len);
	free(text);
	return rc;
}

int
nft_table_apply(struct nft_table *t, struct nft_doc *doc, char *why,
    size_t why_len)
{
	bool is_changed;
	int rc = run_diff(t, t->is_applied ? &t->doc : NULL, doc, why,
	    why_len, &is_changed);

	if (rc == -1 && t->is_applied)
		rc = run_diff(t, NULL, doc, why, why_len, &is_changed);
	if (rc == -1) {
		nft_doc_fini(doc);
		return -1;
	}
	if (is_changed)
		forget(t);
	nft_doc_fini(&t->doc);
	t->doc = *doc;
	memset(doc, 0, sizeof(*doc));
	t->is_applied = true;
	return 0;
}

bool
nft_table_is_intact(struct nft_table *t, char *why, size_t why_len)
{
	uint32_t now;
	char *listing;
	bool is_same;

	if (!t->is_applied || nft_link_generation(t->link, &now) == -1 ||
	    (t->listing != NULL && now == t->generation))
		return true;
	listing = nft_link_list(t->link, &t->doc);
	is_same = listing != NULL &&
	    (t->listing == NULL || strcmp(listing, t->listing) == 0);
	if (!is_same) {
		(void)snprintf(why, why_len, "table %s %s %s",
		    t->doc.family, t->doc.table, listing == NULL ?
		    "is gone" : "has other chains or rules");
		free(listing);
		forget(t);
		return false;
	}
	free(t->listing);
	t->listing = listing;
	t->generation = now;
	return true;
}

void
nft_table_remove(struct nft_table *t)
{
	nft_link_remove(t->link, &t->doc);
	forget(t);
}
