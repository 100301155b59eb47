/* SPDX-License-Identifier: ISC */
/*
 * Collects the errors and warnings of one configuration file.  Called by
 * everything in config-*.c; printed once, by the verb, in line order.
 */
#include "report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

void
report_init(struct report *r, const char *file)
{
	memset(r, 0, sizeof(*r));
	r->file = xstrdup(file);
}

void
report_fini(struct report *r)
{
	unsigned i;

	for (i = 0; i < r->count; i++)
		free(r->item[i].text);
	free(r->file);
	memset(r, 0, sizeof(*r));
}

static void __attribute__((format(printf, 5, 0)))
report_add(struct report *r, long line, bool is_error, const char *where,
    const char *fmt, va_list ap)
{
	struct report_item *item;
	char text[1024];

	if (is_error)
		r->errors++;
	else
		r->warnings++;
	if (r->count == REPORT_MAX)
		return;
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
	item = &r->item[r->count++];
	item->line = line;
	item->is_error = is_error;
	if (where != NULL)
		item->text = xasprintf("%s: %s", where, text);
	else
		item->text = xstrdup(text);
}

void
report_error(struct report *r, long line, const char *where,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_add(r, line, true, where, fmt, ap);
	va_end(ap);
}

void
report_warn(struct report *r, long line, const char *where,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_add(r, line, false, where, fmt, ap);
	va_end(ap);
}

void
report_print(struct report *r, FILE *out)
{
	struct report_item tmp;
	unsigned i, j;

	/* Insertion sort: short, stable, at most REPORT_MAX. */
	for (i = 1; i < r->count; i++) {
		tmp = r->item[i];
		for (j = i; j > 0 && r->item[j - 1].line > tmp.line; j--)
			r->item[j] = r->item[j - 1];
		r->item[j] = tmp;
	}
	for (i = 0; i < r->count; i++) {
		fprintf(out, "%s:", r->file);
		if (r->item[i].line > 0)
			fprintf(out, "%ld:", r->item[i].line);
		fprintf(out, " %s%s\n",
		    r->item[i].is_error ? "" : "warning: ", r->item[i].text);
	}
	if (r->errors + r->warnings > r->count)
		fprintf(out, "%s: and %u more\n", r->file,
		    r->errors + r->warnings - r->count);
}
