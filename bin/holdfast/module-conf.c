/* SPDX-License-Identifier: ISC */
/* What a generation says, for the verbs that need its directories. */
#include "module-conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "generation.h"
#include "modules.h"

bool
module_conf_read(struct safe *m, const char *module)
{
	static struct cluster cl;
	struct report r;
	char *text;
	bool good;

	text = generation_read(module, generation_active(module),
	    "safeconf.xml");
	if (text == NULL || cluster_load(&cl, NULL) == -1) {
		fprintf(stderr, "holdfast: %s: its configuration cannot be "
		    "read\n", module);
		free(text);
		return false;
	}
	*m = (struct safe){ .name = module, .cluster = &cl,
	    .id = modules_id(module) };
	report_init(&r, module);
	good = safe_compile(m, text, strlen(text), &r) == 0;
	if (!good)
		report_print(&r, stderr);
	report_fini(&r);
	free(text);
	return good;
}
