/* SPDX-License-Identifier: ISC */
/* Whatever is parsed can be written and parsed again to the same pairs. */

#include "line.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct line a, b;
	static struct line_out o;
	const char *why;

	if (line_parse(&a, (const char *)data, size, &why) == -1) {
		if (why == NULL)
			abort();
		return 0;
	}
	line_begin(&o, a.verb);
	for (unsigned i = 0; i < a.count; i++)
		line_add(&o, a.pair[i].key, a.pair[i].value);
	/* Quoting may make it longer than a line. */
	if (!line_end(&o))
		return 0;
	if (line_parse(&b, o.text, o.len - 1, &why) == -1 ||
	    b.count != a.count || strcmp(a.verb, b.verb) != 0)
		abort();
	for (unsigned i = 0; i < a.count; i++)
		if (strcmp(a.pair[i].key, b.pair[i].key) != 0 ||
		    strcmp(a.pair[i].value, b.pair[i].value) != 0)
			abort();
	return 0;
}
