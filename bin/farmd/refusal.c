/* SPDX-License-Identifier: ISC */
/*
 * The ingress hook of nftables comes after the filters of tc, so what farm_tc
 * has marked meets this chain next, and nobody else sees the mark.
 */
#include "refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#include "tcprog.h"

#define ABOUT	"holdfast: the shares are in the BPF program farm_tc"
/* Before chains of others, which could take the mark for theirs. */
#define PRIORITY	(-510)

bool
refusal_ok(char why[FILTER_WHY_LEN])
{
	struct nft_link *l = nft_link_open(why, FILTER_WHY_LEN);

	if (l == NULL)
		return false;
	nft_link_close(l);
	return true;
}

/* A dot is in no module's name: the nft backend's tables have none. */
static void
doc_init(struct nft_doc *doc, const char *module)
{
	char name[FILTER_NAME_LEN + 4];

	(void)snprintf(name, sizeof(name), "%s.bpf", module);
	nft_doc_init(doc, "netdev", name, ABOUT);
}

int
refusal_init(struct refusal *r, const char *module, char why[FILTER_WHY_LEN])
{
	memset(r, 0, sizeof(*r));
	doc_init(&r->doc, module);
	r->link = nft_link_open(why, FILTER_WHY_LEN);
	return r->link != NULL ? 0 : -1;
}

static void
describe(struct nft_doc *doc, const struct filter_input *in, uint32_t mark)
{
	char devices[FILTER_INTF_MAX * (IFNAMSIZ + 4)] = "";
	size_t len = 0;

	for (unsigned i = 0; i < in->intf_count; i++)
		len += (size_t)snprintf(devices + len, sizeof(devices) - len,
		    "%s\"%s\"", i > 0 ? ", " : "", in->intf[i].name);
	doc_init(doc, in->module);
	nft_doc_add(doc, NK_CHAIN, "refuse", "type filter hook ingress "
	    "devices = { %s } priority %d; policy accept; comment \"what "
	    "farm_tc, pref %u of tc filter, has marked: no rule has this "
	    "port\";", devices, PRIORITY, TCPROG_PREF + in->id);
	nft_doc_line(doc, "meta mark %u meta l4proto tcp reject with tcp "
	    "reset", mark);
	nft_doc_line(doc, "meta mark %u reject with icmpx port-unreachable",
	    mark);
}

int
refusal_set(struct refusal *r, const struct filter_input *in, uint32_t mark,
    char why[FILTER_WHY_LEN])
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct nft_doc doc;
	int rc = -1;

	describe(&doc, in, mark);
	if (out != NULL) {
		(void)nft_doc_diff(out, NULL, &doc);	/* all of it */
		if (fclose(out) == 0)
			rc = nft_link_run(r->link, text, why, FILTER_WHY_LEN);
	}
	free(text);
	if (rc == -1) {
		nft_doc_fini(&doc);
		return -1;
	}
	nft_doc_fini(&r->doc);
	r->doc = doc;
	free(r->listing);
	r->listing = nft_link_list(r->link, &r->doc);
	r->generation = 0;
	return 0;
}

bool
refusal_is_there(struct refusal *r, char why[FILTER_WHY_LEN])
{
	uint32_t generation = 0;
	char *now;
	bool same;

	/* Unchanged, or changed by others, as the listing then shows. */
	if (nft_link_generation(r->link, &generation) == 0 &&
	    generation != 0 && generation == r->generation)
		return true;
	now = nft_link_list(r->link, &r->doc);
	same = now != NULL && r->listing != NULL &&
	    strcmp(now, r->listing) == 0;
	free(now);
	if (same)
		r->generation = generation;
	else
		snprintf(why, FILTER_WHY_LEN,
		    "nftables: table netdev %s was changed", r->doc.table);
	return same;
}

void
refusal_clear(struct refusal *r)
{
	/* Added first: to delete what is not there is an error. */
	char *command = xasprintf("add table netdev %s\n"
	    "delete table netdev %s\n", r->doc.table, r->doc.table);
	char why[FILTER_WHY_LEN];

	/* Nothing more can be done. */
	(void)nft_link_run(r->link, command, why, sizeof(why));
	free(command);
}

void
refusal_fini(struct refusal *r)
{
	nft_doc_fini(&r->doc);
	if (r->link != NULL)
		nft_link_close(r->link);
	free(r->listing);
}
