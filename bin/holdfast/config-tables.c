/* SPDX-License-Identifier: ISC */
/*
 * Looks things up in the tables of elements and attributes, and prints them
 * as rows of a manual page and as a RELAX NG schema.  The rows themselves
 * are in config-tables-cluster.c and config-tables-safe.c.
 */
#include "config-tables.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define WRAP	72	/* columns of a line in a page */

const struct element *
schema_element(const struct schema *s, const char *path)
{
	const struct element *e;

	for (e = s->elements; e->path != NULL; e++)
		if (strcmp(e->path, path) == 0)
			return e;
	return NULL;
}

const struct attr *
schema_attr(const struct schema *s, const char *path, const char *name)
{
	const struct attr *a;

	for (a = s->attrs; a->path != NULL; a++)
		if (strcmp(a->name, name) == 0 && strcmp(a->path, path) == 0)
			return a;
	return NULL;
}

bool
schema_is_child(const char *path, const char *parent)
{
	size_t len = strlen(parent);

	return strncmp(path, parent, len) == 0 && path[len] == '/' &&
	    strchr(path + len + 1, '/') == NULL;
}

const char *
schema_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

bool
schema_is_live(const struct schema *s, const char *path, const char *name)
{
	const struct element *e = schema_element(s, path);
	const struct attr *a = schema_attr(s, path, name);

	if (a != NULL && a->flags & (AT_LIVE | AT_IGNORED | AT_LATER))
		return true;
	return e != NULL && e->flags & (EL_LIVE | EL_LATER | EL_IGNORED);
}

/* What the attribute allows, in words for a reader. */
static void
print_allowed(const struct attr *a, FILE *out)
{
	static const char *const names[] = {
		[VT_TEXT] = "text", [VT_NAME] = "name", [VT_WORD] = "",
		[VT_INT] = "", [VT_TIME] = "", [VT_ADDR] = "address",
		[VT_HOST] = "address or name", [VT_PATH] = "absolute path",
		[VT_RELPATH] = "relative path",
		[VT_REGEX] = "regular expression", [VT_MAC] = "MAC address",
		[VT_COUNT] = "n or n/m"
	};

	if (a->type == VT_WORD)
		fprintf(out, "%s", a->words);
	else if (a->type == VT_INT)
		fprintf(out, "%" PRId64 " to %" PRId64, a->min, a->max);
	else if (a->type == VT_TIME)
		fprintf(out, "time, %" PRId64 "%s to %" PRId64 "%s", a->min,
		    a->unit, a->max, a->unit);
	else
		fprintf(out, "%s", names[a->type]);
}

/* A sentence with a capital in front, in lines a page may have. */
static void
print_sentence(const char *text, FILE *out)
{
	size_t n, column = 0;
	bool first = true;

	for (; *text != '\0'; text += n, text += strspn(text, " ")) {
		n = strcspn(text, " ");
		if (column > 0 && column + n > WRAP) {
			fputc('\n', out);
			column = 0;
		}
		if (column > 0)
			fputc(' ', out);
		fprintf(out, "%c%.*s", first && islower((unsigned char)*text)
		    ? toupper((unsigned char)*text) : *text, (int)n - 1,
		    text + 1);
		column += n + 1;
		first = false;
	}
	fprintf(out, ".\n");
}

static void
print_mdoc_attr(const struct attr *a, FILE *out)
{
	fprintf(out, ".It Cm %s\n", a->name);
	if (a->help[0] != '\0')
		print_sentence(a->help, out);
	fprintf(out, "Allowed: ");
	print_allowed(a, out);
	fprintf(out, ".\n");
	if (a->flags & AT_REQUIRED)
		fprintf(out, "Required.\n");
	else if (a->fallback != NULL)
		fprintf(out, "Default: %s.\n", a->fallback);
	if (a->flags & AT_LIVE)
		fprintf(out, "Changes while the module runs.\n");
	if (a->flags & AT_IGNORED)
		fprintf(out, "Accepted and ignored.\n");
	if (a->flags & AT_LATER)
		fprintf(out, "Accepted, not acted upon yet.\n");
}

void
schema_print_mdoc(const struct schema *s, FILE *out)
{
	const struct element *e;
	const struct attr *a;
	bool any;

	for (e = s->elements; e->path != NULL; e++) {
		fprintf(out, ".Ss %s\n", e->path);
		print_sentence(e->help, out);
		if (e->flags & EL_REQUIRED)
			fprintf(out, "Required.\n");
		if (e->flags & EL_MANY)
			fprintf(out, "May be repeated.\n");
		if (e->flags & EL_LATER)
			fprintf(out, "Accepted, not acted upon yet.\n");
		if (e->flags & EL_LIVE)
			fprintf(out, "Changes while the module runs.\n");
		any = false;
		for (a = s->attrs; a->path != NULL; a++) {
			if (strcmp(a->path, e->path) != 0)
				continue;
			if (!any)
				fprintf(out, ".Bl -tag -width Ds\n");
			any = true;
			print_mdoc_attr(a, out);
		}
		if (any)
			fprintf(out, ".El\n");
	}
}

static void
print_rng_words(const char *words, FILE *out)
{
	size_t n;

	fprintf(out, "<choice>");
	for (; *words != '\0'; words += n, words += strspn(words, " ")) {
		n = strcspn(words, " ");
		fprintf(out, "<value>%.*s</value>", (int)n, words);
	}
	/* A macro may stand for any value. */
	fprintf(out, "<data type=\"string\"><param name=\"pattern\">"
	    ".*%%.*%%.*</param></data></choice>");
}

static void
print_rng_attr(const struct attr *a, FILE *out)
{
	bool optional = !(a->flags & AT_REQUIRED);

	fprintf(out, "    %s<attribute name=\"%s\">",
	    optional ? "<optional>" : "", a->name);
	if (a->type == VT_WORD)
		print_rng_words(a->words, out);
	else
		fprintf(out, "<text/>");
	fprintf(out, "</attribute>%s\n", optional ? "</optional>" : "");
}

static void
print_rng_ref(const struct element *e, FILE *out)
{
	const char *wrap = e->flags & EL_MANY ?
	    e->flags & EL_REQUIRED ? "oneOrMore" : "zeroOrMore" :
	    e->flags & EL_REQUIRED ? NULL : "optional";
	size_t i;

	fprintf(out, "    ");
	if (wrap != NULL)
		fprintf(out, "<%s>", wrap);
	fprintf(out, "<ref name=\"");
	for (i = 0; e->path[i] != '\0'; i++)
		fputc(e->path[i] == '/' ? '.' : e->path[i], out);
	fprintf(out, "\"/>");
	if (wrap != NULL)
		fprintf(out, "</%s>", wrap);
	fprintf(out, "\n");
}

static void
print_rng_element(const struct schema *s, const struct element *e, FILE *out)
{
	const struct element *child;
	const struct attr *a;
	size_t i;

	fprintf(out, "  <define name=\"");
	for (i = 0; e->path[i] != '\0'; i++)
		fputc(e->path[i] == '/' ? '.' : e->path[i], out);
	fprintf(out, "\"><element name=\"%s\">\n", schema_name(e->path));
	for (a = s->attrs; a->path != NULL; a++)
		if (strcmp(a->path, e->path) == 0)
			print_rng_attr(a, out);
	fprintf(out, "    <interleave>\n    <empty/>\n");
	for (child = s->elements; child->path != NULL; child++)
		if (schema_is_child(child->path, e->path))
			print_rng_ref(child, out);
	if (e->flags & EL_TEXT)
		fprintf(out, "    <text/>\n");
	fprintf(out, "    </interleave>\n  </element></define>\n");
}

void
schema_print_rng(const struct schema *s, FILE *out)
{
	const struct element *e;

	fprintf(out, "<?xml version=\"1.0\"?>\n"
	    "<!-- Made by holdfast from its table; edit the table. -->\n"
	    "<grammar xmlns=\"http://relaxng.org/ns/structure/1.0\"\n"
	    "  datatypeLibrary="
	    "\"http://www.w3.org/2001/XMLSchema-datatypes\">\n"
	    "  <start><ref name=\"%s\"/></start>\n", s->root);
	for (e = s->elements; e->path != NULL; e++)
		print_rng_element(s, e, out);
	fprintf(out, "</grammar>\n");
}
