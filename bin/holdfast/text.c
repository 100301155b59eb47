/* SPDX-License-Identifier: ISC */
/*
 * Builds the texts of a configuration generation.
 */
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

void
text_add(struct text *t, const char *s, size_t len)
{
	if (t->len + len + 1 > t->size) {
		t->size = (t->len + len + 1) * 2;
		t->text = xrealloc(t->text, t->size, 1);
	}
	memcpy(t->text + t->len, s, len);
	t->len += len;
	t->text[t->len] = '\0';
}

void
text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap, again;
	char small[512], *big;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (len >= 0 && (size_t)len < sizeof(small)) {
		text_add(t, small, (size_t)len);
	} else if (len > 0) {
		big = xcalloc(1, (size_t)len + 1);
		(void)vsnprintf(big, (size_t)len + 1, fmt, again);
		text_add(t, big, (size_t)len);
		free(big);
	}
	va_end(again);
}

/*
 * libconfuse reads \\ \" \n \t \r \xHH in a string and expands ${NAME} from
 * the environment; a value of ours is never to be expanded there.
 */
void
text_quoted(struct text *t, const char *value)
{
	text_add(t, "\"", 1);
	for (; *value != '\0'; value++) {
		unsigned char ch = (unsigned char)*value;

		if (ch == '"' || ch == '\\')
			text_addf(t, "\\%c", ch);
		else if (ch < ' ' || ch == 0x7f || ch == '$')
			text_addf(t, "\\x%02x", ch);
		else
			text_add(t, value, 1);
	}
	text_add(t, "\"", 1);
}

void
text_option(struct text *t, const char *name, const char *value)
{
	text_addf(t, "%s = ", name);
	text_quoted(t, value);
	text_add(t, "\n", 1);
}

void
text_number(struct text *t, const char *name, int64_t value)
{
	text_addf(t, "%s = %" PRId64 "\n", name, value);
}

void
text_bool(struct text *t, const char *name, int value)
{
	text_addf(t, "%s = %s\n", name, value ? "true" : "false");
}

void
text_list(struct text *t, const char *name, const char *const *value,
    unsigned count)
{
	unsigned i;

	text_addf(t, "%s = {", name);
	for (i = 0; i < count; i++) {
		text_addf(t, "%s", i > 0 ? ", " : "");
		text_quoted(t, value[i]);
	}
	text_addf(t, "}\n");
}
