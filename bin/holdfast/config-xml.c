/* SPDX-License-Identifier: ISC */
/*
 * XML text to a document tree.  Decides only what is well-formed enough to
 * be looked at; config-check.c says whether it means something.
 */
#include "config-xml.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/xmlerror.h>

#include "xalloc.h"

#define WRAPPER	"holdfast-wrapper"

#if LIBXML_VERSION >= 21200
typedef const xmlError	*xml_error;
#else
typedef xmlError	*xml_error;
#endif

static void
on_xml_error(void *arg, xml_error e)
{
	struct report *r = arg;
	char text[256];
	size_t len;

	(void)snprintf(text, sizeof(text), "%s", e->message != NULL ?
	    e->message : "broken");
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	if (e->level == XML_ERR_WARNING)
		report_warn(r, e->line, NULL, "not good XML: %s", text);
	else
		report_error(r, e->line, NULL, "not well-formed XML: %s",
		    text);
}

/* Skips to behind `end', which is searched from p on; NULL without it. */
static const char *
skip_past(const char *p, const char *end)
{
	p = strstr(p, end);
	return p == NULL ? NULL : p + strlen(end);
}

/*
 * The first element of the text; *decl_end is set behind an XML declaration,
 * *doctype to a document type, if there.  NULL when there is no element.
 */
static const char *
find_first_element(const char *p, const char **decl_end, const char **doctype)
{
	*decl_end = p;
	*doctype = NULL;
	while (p != NULL && (p = strchr(p, '<')) != NULL) {
		if (strncmp(p, "<!--", 4) == 0) {
			p = skip_past(p + 4, "-->");
		} else if (strncmp(p, "<?", 2) == 0) {
			p = skip_past(p, "?>");
			if (p != NULL && *doctype == NULL)
				*decl_end = p;
		} else if (strncmp(p, "<!", 2) == 0) {
			*doctype = p;
			p = skip_past(p, ">");
		} else {
			return p;
		}
	}
	return NULL;
}

/*
 * Macros before the root make two top elements, which is not XML.  Then all
 * is put into one wrapper; lines keep their numbers.  The caller frees.
 */
static char *
wrap_macros(const char *text, size_t len)
{
	const char *decl_end, *doctype, *first;
	char *copy, *p;

	first = find_first_element(text, &decl_end, &doctype);
	if (first == NULL || strncmp(first, "<macro", 6) != 0 ||
	    memchr(text, '\0', len) != NULL)
		return NULL;
	copy = xasprintf("%.*s<" WRAPPER ">%s</" WRAPPER ">",
	    (int)(decl_end - text), text, decl_end);
	if (doctype == NULL)
		return copy;
	p = copy + (doctype - text) + strlen("<" WRAPPER ">");
	for (; *p != '\0' && *p != '>'; p++)
		if (*p != '\n')
			*p = ' ';
	if (*p == '>')
		*p = ' ';
	return copy;
}

/* The wrapper's macros go into the root, which becomes the root again. */
static void
unwrap_macros(xmlDoc *doc)
{
	xmlNode *wrapper = xmlDocGetRootElement(doc), *root, *n, *next, *at;

	for (root = wrapper->children; root != NULL; root = root->next)
		if (root->type == XML_ELEMENT_NODE && !xml_is(root, "macro"))
			break;
	if (root == NULL)
		return;		/* the check of the root's name says it */
	at = root->children;
	for (n = wrapper->children; n != root; n = next) {
		next = n->next;
		if (!xml_is(n, "macro"))
			continue;
		xmlUnlinkNode(n);
		if (at != NULL)
			(void)xmlAddPrevSibling(at, n);
		else
			(void)xmlAddChild(root, n);
	}
	xmlUnlinkNode(root);
	(void)xmlDocSetRootElement(doc, root);
	xmlFreeNode(wrapper);
}

/*
 * Only <!DOCTYPE name> is read: a subset that declares entities is how a
 * file of one kilobyte becomes a gigabyte, or reads another file.
 */
static void
check_doctype(xmlDoc *doc, struct report *r)
{
	xmlDtd *dtd = doc->intSubset;

	if (dtd == NULL)
		return;
	if (dtd->children != NULL || dtd->ExternalID != NULL ||
	    dtd->SystemID != NULL)
		report_error(r, 0, "DOCTYPE", "declarations and external "
		    "files are not read; allowed: <!DOCTYPE name> alone, or "
		    "none");
}

xmlDoc *
xml_parse(const char *text, size_t len, const char *root, struct report *r)
{
	xmlNode *top;
	xmlDoc *doc;
	char *wrapped = NULL;

	if (len > XML_FILE_MAX) {
		report_error(r, 0, NULL, "is longer than %d bytes",
		    XML_FILE_MAX);
		return NULL;
	}
	if (strcmp(root, "safe") == 0)
		wrapped = wrap_macros(text, len);
	if (wrapped != NULL) {
		text = wrapped;
		len = strlen(wrapped);
	}
	xmlSetStructuredErrorFunc(r, on_xml_error);
	doc = xmlReadMemory(text, (int)len, NULL, NULL, XML_PARSE_NONET);
	xmlSetStructuredErrorFunc(NULL, NULL);
	free(wrapped);
	if (doc != NULL)
		check_doctype(doc, r);
	if (doc == NULL && r->errors == 0)
		report_error(r, 0, NULL, "cannot be read as XML");
	if (doc == NULL || r->errors > 0)
		goto fail;
	if (wrapped != NULL)
		unwrap_macros(doc);
	top = xmlDocGetRootElement(doc);
	if (top != NULL && xml_is(top, root))
		return doc;
	report_error(r, top != NULL ? xmlGetLineNo(top) : 0, NULL,
	    "the root element is <%s>; it must be <%s>",
	    top != NULL ? (const char *)top->name : "", root);
fail:
	if (doc != NULL)
		xmlFreeDoc(doc);
	return NULL;
}

const char *
xml_attr(const xmlNode *n, const char *name)
{
	const xmlAttr *a;

	for (a = n->properties; a != NULL; a = a->next)
		if (strcmp((const char *)a->name, name) == 0)
			return a->children == NULL ||
			    a->children->content == NULL ? "" :
			    (const char *)a->children->content;
	return NULL;
}

const char *
xml_empty_macro(const xmlNode *n, const char *name)
{
	const xmlAttr *a, *of;

	for (a = n->properties; a != NULL; a = a->next) {
		of = a->_private;
		if (strcmp((const char *)a->name, name) == 0)
			return of == NULL || of->children == NULL ? NULL :
			    (const char *)of->children->content;
	}
	return NULL;
}

bool
xml_is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE &&
	    strcmp((const char *)n->name, name) == 0;
}

bool
xml_is_text(const xmlNode *n)
{
	return (n->type == XML_TEXT_NODE ||
	    n->type == XML_CDATA_SECTION_NODE) && n->content != NULL;
}

xmlNode *
xml_child(const xmlNode *n, const char *name)
{
	xmlNode *c;

	if (n == NULL)
		return NULL;
	for (c = n->children; c != NULL; c = c->next)
		if (xml_is(c, name))
			return c;
	return NULL;
}

xmlNode *
xml_next(const xmlNode *n, const char *name)
{
	xmlNode *c;

	for (c = n->next; c != NULL; c = c->next)
		if (xml_is(c, name))
			return c;
	return NULL;
}

bool
xml_path(char buf[XML_PATH_LEN], const xmlNode *n)
{
	char tail[XML_PATH_LEN];

	buf[0] = '\0';
	for (; n != NULL && n->type == XML_ELEMENT_NODE; n = n->parent) {
		memcpy(tail, buf, sizeof(tail));
		if (snprintf(buf, XML_PATH_LEN, "%s%s%s", n->name,
		    tail[0] != '\0' ? "/" : "", tail) >= XML_PATH_LEN)
			return false;
	}
	return true;
}

const char *
xml_value(const xmlNode *n, const struct schema *s, const char *name)
{
	char path[XML_PATH_LEN];
	const struct attr *a;
	const char *v = n != NULL ? xml_attr(n, name) : NULL;

	if (v != NULL || n == NULL || !xml_path(path, n))
		return v;
	a = schema_attr(s, path, name);
	return a != NULL ? a->fallback : NULL;
}

int64_t
xml_number(const xmlNode *n, const struct schema *s, const char *name)
{
	char path[XML_PATH_LEN], why[128];
	const struct attr *a;
	const char *v = xml_value(n, s, name);
	int64_t num;

	if (v == NULL || !xml_path(path, n) ||
	    (a = schema_attr(s, path, name)) == NULL)
		return 0;
	if (a->type == VT_TIME)
		return value_time(&num, v, a->unit, why, sizeof(why)) == 0 ?
		    num : 0;
	return value_int(&num, v) == 0 ? num : 0;
}

int64_t
xml_default_ms(const struct schema *s, const char *path, const char *name)
{
	const struct attr *a = schema_attr(s, path, name);
	char why[128];
	int64_t us = 0;

	(void)value_time(&us, a->fallback, a->unit, why, sizeof(why));
	return us / 1000;
}

bool
xml_is_on(const xmlNode *n, const struct schema *s, const char *name)
{
	const char *v = xml_value(n, s, name);

	return v != NULL && value_is_on(v);
}
