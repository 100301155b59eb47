/* SPDX-License-Identifier: ISC */
/*
 * The ingress hook of nftables comes after the filters of tc, so what farm_tc
 * has marked meets this chain next, and nobody else sees the mark.
 */
#include "refusal.h"

#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define SIGNATURE	"holdfast: the shares are in BPF"
/* After farm_tc whatever it is, before chains of others. */
#define PRIORITY	(-400)

static struct nft_ctx *
context(void)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (nft != NULL) {
		nft_ctx_buffer_output(nft);
		nft_ctx_buffer_error(nft);
		nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_STATELESS);
	}
	return nft;
}

static int
run(struct nft_ctx *nft, const char *text, char why[FILTER_WHY_LEN])
{
	if (nft_run_cmd_from_buffer(nft, text) == 0)
		return 0;
	snprintf(why, FILTER_WHY_LEN, "nftables: %.*s",
	    (int)strcspn(nft_ctx_get_error_buffer(nft), "\n"),
	    nft_ctx_get_error_buffer(nft));
	return -1;
}

bool
refusal_ok(char why[FILTER_WHY_LEN])
{
	struct nft_ctx *nft = context();
	bool good = nft != NULL &&
	    run(nft, "list tables netdev", why) == 0;

	if (nft == NULL)
		snprintf(why, FILTER_WHY_LEN, "libnftables does not start");
	else
		nft_ctx_free(nft);
	return good;
}

static char *
devices(const struct filter_input *in)
{
	char *list = xstrdup("");

	for (unsigned i = 0; i < in->intf_count; i++) {
		char *more = xasprintf("%s%s\"%s\"", list,
		    i > 0 ? ", " : "", in->intf[i].name);

		free(list);
		list = more;
	}
	return list;
}

static char *
table(const struct filter_input *in, uint32_t mark)
{
	char *dev = devices(in);
	char *text = xasprintf(
	    "add table netdev holdfast_%s\n"
	    "delete table netdev holdfast_%s\n"
	    "table netdev holdfast_%s {\n"
	    "	comment \"" SIGNATURE ", pref %u of tc filter show dev IF "
	    "ingress\"\n"
	    "	chain refuse {\n"
	    "		type filter hook ingress devices = { %s } "
	    "priority %d; policy accept;\n"
	    "		meta mark %u meta l4proto tcp reject with tcp reset "
	    "comment \"no rule: refused\"\n"
	    "		meta mark %u reject with icmpx port-unreachable "
	    "comment \"no rule: refused\"\n"
	    "	}\n"
	    "}\n",
	    in->module, in->module, in->module, 100 + in->id, dev, PRIORITY,
	    mark, mark);

	free(dev);
	return text;
}

static char *
list(struct refusal *r, const char *module)
{
	char *cmd = xasprintf("list table netdev holdfast_%s", module);
	char why[FILTER_WHY_LEN], *text = NULL;

	if (run(r->nft, cmd, why) == 0)
		text = xstrdup(nft_ctx_get_output_buffer(r->nft));
	free(cmd);
	return text;
}

int
refusal_set(struct refusal *r, const struct filter_input *in, uint32_t mark,
    char why[FILTER_WHY_LEN])
{
	char *text;
	int rc;

	if (r->nft == NULL && (r->nft = context()) == NULL) {
		snprintf(why, FILTER_WHY_LEN, "libnftables does not start");
		return -1;
	}
	text = table(in, mark);
	rc = run(r->nft, text, why);
	free(text);
	if (rc == -1)
		return -1;
	free(r->listing);
	r->listing = list(r, in->module);
	strlcpy(r->module, in->module, sizeof(r->module));
	return 0;
}

bool
refusal_is_there(struct refusal *r, char why[FILTER_WHY_LEN])
{
	char *now = list(r, r->module);
	bool same = now != NULL && r->listing != NULL &&
	    strcmp(now, r->listing) == 0;

	free(now);
	if (!same)
		snprintf(why, FILTER_WHY_LEN,
		    "nftables: table netdev holdfast_%s was changed",
		    r->module);
	return same;
}

void
refusal_clear(struct refusal *r, const char *module)
{
	char why[FILTER_WHY_LEN], *cmd, *text;

	if (r->nft == NULL && (r->nft = context()) == NULL)
		return;
	text = list(r, module);
	/* One of the nft backend, which has the same name, is not ours. */
	if (text != NULL && strstr(text, SIGNATURE) != NULL) {
		cmd = xasprintf("delete table netdev holdfast_%s", module);
		(void)run(r->nft, cmd, why);	/* nothing more can be done */
		free(cmd);
	}
	free(text);
}

void
refusal_fini(struct refusal *r)
{
	if (r->nft != NULL)
		nft_ctx_free(r->nft);
	free(r->listing);
}
