/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as userconfig.xml or cluster.xml: errors, never a crash; and what
 * is taken is written to files that hold no line of their own making.
 */
#include "../../bin/holdfast/config-safe.h"

#include <stdlib.h>
#include <string.h>

#include "../../bin/holdfast/config-cluster.h"
#include "../../bin/holdfast/resolve.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char cluster_text_in[] =
    "<cluster><lans><lan name='lan1'>"
    "<node name='n1' id='1' addr='10.88.1.1'/>"
    "<node name='n2' id='2' addr='10.88.1.2'/></lan></lans></cluster>";

static void
try_safe(const char *text, size_t size)
{
	static struct cluster cl;
	struct safe m = { .name = "m", .id = 1, .cluster = &cl };
	struct report r;

	report_init(&r, "c");
	if (cl.node_count == 0 && cluster_compile(&cl, cluster_text_in,
	    sizeof(cluster_text_in) - 1, &r) == -1)
		abort();
	cl.self = 0;
	if (safe_compile(&m, text, size, &r) == 0) {
		free(safe_text_xml(&m));
		free(safe_text_moduled(&m, "d"));
		free(safe_text_mirrord(&m));
		free(safe_text_farmd(&m));
		free(safe_text_vipd(&m));
		free(safe_text_checkd(&m));
	} else if (r.errors == 0) {
		abort();	/* refused without a word */
	}
	safe_fini(&m);
	report_fini(&r);
}

static void
try_cluster(const char *text, size_t size)
{
	struct cluster *cl = calloc(1, sizeof(*cl));
	struct report r;

	report_init(&r, "c");
	if (cl != NULL && cluster_compile(cl, text, size, &r) == 0) {
		cl->self = 0;
		free(cluster_text(cl));
	}
	report_fini(&r);
	free(cl);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	resolve_only_addresses();
	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_safe(text, size);
	try_cluster(text, size);
	free(text);
	return 0;
}
