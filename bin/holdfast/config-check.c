/* SPDX-License-Identifier: ISC */
/*
 * A document against the tables.  Everything wrong is reported; nothing is
 * changed.  Meaning that spans several elements is config-safe.c's.
 */
#include "config-xml.h"

#include <stdio.h>
#include <string.h>

#define ALLOWED_LEN	512

/* Names of the children, or of the attributes, that an element may have. */
static void
list_children(char buf[ALLOWED_LEN], const struct schema *s,
    const char *parent)
{
	const struct element *e;
	size_t len = 0;

	buf[0] = '\0';
	for (e = s->elements; e->path != NULL && len < ALLOWED_LEN; e++)
		if (schema_is_child(e->path, parent))
			len += (size_t)snprintf(buf + len, ALLOWED_LEN - len,
			    "%s<%s>", len > 0 ? ", " : "",
			    schema_name(e->path));
	if (len == 0)
		snprintf(buf, ALLOWED_LEN, "nothing");
}

static void
list_attrs(char buf[ALLOWED_LEN], const struct schema *s, const char *path)
{
	const struct attr *a;
	size_t len = 0;

	buf[0] = '\0';
	for (a = s->attrs; a->path != NULL && len < ALLOWED_LEN; a++)
		if (strcmp(a->path, path) == 0 && !(a->flags & AT_IGNORED))
			len += (size_t)snprintf(buf + len, ALLOWED_LEN - len,
			    "%s%s", len > 0 ? ", " : "", a->name);
	if (len == 0)
		snprintf(buf, ALLOWED_LEN, "none");
}

static void
check_attr(const xmlNode *n, const struct attr *a, const char *text,
    struct report *r)
{
	char where[128], why[512];
	long line = xmlGetLineNo(n);
	const char *macro;

	snprintf(where, sizeof(where), "%s@%s", n->name, a->name);
	if (text[0] == '\0') {
		if (a->flags & AT_EMPTY)
			return;
		macro = xml_empty_macro(n, a->name);
		report_error(r, line, where, "is empty; fill %s%s in: %s",
		    macro != NULL ? "macro " : "it",
		    macro != NULL ? macro : "",
		    a->help[0] != '\0' ? a->help : a->name);
		return;
	}
	if (xml_has_macro(text) && a->type != VT_TEXT &&
	    a->type != VT_REGEX)
		return;
	if (value_check(a->type, text, a->unit, a->words, a->min, a->max,
	    why, sizeof(why)) == -1) {
		report_error(r, line, where, "%s", why);
		return;
	}
	if (a->flags & AT_LATER &&
	    (a->fallback == NULL || strcmp(text, a->fallback) != 0))
		report_warn(r, line, where, "is accepted but not acted upon "
		    "in this release");
	if (strcmp(a->name, "locktimeout") == 0 ||
	    strcmp(a->name, "sendtimeout") == 0)
		report_warn(r, line, where, "is accepted but has no effect: "
		    "rfs@stall rules");
}

static void
check_attrs(const xmlNode *n, const struct schema *s, const char *path,
    struct report *r)
{
	char where[128], allowed[ALLOWED_LEN];
	const struct attr *a;
	const xmlAttr *x;
	const char *text;

	for (x = n->properties; x != NULL; x = x->next) {
		if (schema_attr(s, path, (const char *)x->name) != NULL)
			continue;
		snprintf(where, sizeof(where), "%s@%s", n->name, x->name);
		list_attrs(allowed, s, path);
		report_warn(r, xmlGetLineNo(n), where, "is not known and "
		    "ignored; allowed: %s", allowed);
	}
	for (a = s->attrs; a->path != NULL; a++) {
		if (strcmp(a->path, path) != 0)
			continue;
		text = xml_attr(n, a->name);
		snprintf(where, sizeof(where), "%s@%s", n->name, a->name);
		if (text != NULL)
			check_attr(n, a, text, r);
		else if (a->flags & AT_REQUIRED)
			report_error(r, xmlGetLineNo(n), where,
			    "is missing; it says: %s",
			    a->help[0] != '\0' ? a->help : a->name);
	}
}

/* Required children that are missing, single ones that are repeated. */
static void
check_counts(const xmlNode *n, const struct schema *s, const char *path,
    struct report *r)
{
	const struct element *e;
	const xmlNode *c, *second;

	for (e = s->elements; e->path != NULL; e++) {
		if (!schema_is_child(e->path, path))
			continue;
		c = xml_child(n, schema_name(e->path));
		if (c == NULL && e->flags & EL_REQUIRED)
			report_error(r, xmlGetLineNo(n),
			    (const char *)n->name, "has no <%s>: %s",
			    schema_name(e->path), e->help);
		if (c == NULL || e->flags & EL_MANY)
			continue;
		second = xml_next(c, schema_name(e->path));
		if (second != NULL)
			report_error(r, xmlGetLineNo(second),
			    (const char *)second->name,
			    "is there twice; only one is allowed here");
	}
}

static bool
is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

/* later: the parent was warned about already. */
static void
check_element(const xmlNode *n, const struct schema *s, bool later,
    struct report *r)
{
	char path[XML_PATH_LEN], parent[XML_PATH_LEN], allowed[ALLOWED_LEN];
	const char *name = (const char *)n->name;
	const struct element *e = NULL;
	const xmlNode *c;

	if (xml_path(path, n))
		e = schema_element(s, path);
	if (e == NULL) {
		(void)xml_path(parent, n->parent); /* was known: it fits */
		list_children(allowed, s, parent);
		report_error(r, xmlGetLineNo(n), name, "is not known in "
		    "<%s>; allowed: %s", (const char *)n->parent->name,
		    allowed);
		return;
	}
	if (e->flags & EL_LATER && !later)
		report_warn(r, xmlGetLineNo(n), name, "is accepted but not "
		    "acted upon in this release");
	check_attrs(n, s, path, r);
	check_counts(n, s, path, r);
	for (c = n->children; c != NULL; c = c->next) {
		if (c->type == XML_ELEMENT_NODE)
			check_element(c, s, e->flags & EL_LATER, r);
		else if (xml_is_text(c) && !(e->flags & EL_TEXT) &&
		    !is_blank((const char *)c->content))
			report_error(r, xmlGetLineNo(n), name,
			    "has text in it; only elements are allowed");
	}
}

void
xml_check(xmlDoc *doc, const struct schema *s, struct report *r)
{
	check_element(xmlDocGetRootElement(doc), s, false, r);
}
