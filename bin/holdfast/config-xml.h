/* SPDX-License-Identifier: ISC */
/*
 * Reading a small trusted-by-nobody XML file with libxml2: bounded, without
 * network, entities or a document type that declares anything.
 */
#ifndef HOLDFAST_CONFIG_XML_H
#define HOLDFAST_CONFIG_XML_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "config-tables.h"
#include "report.h"

#define XML_FILE_MAX	(1024 * 1024)
#define XML_PATH_LEN	128

/*
 * Parses text.  `root' is the name the root element must have.  Macros that
 * stand before the root, as some modules have them, become its first
 * children.  NULL after reporting; else the caller frees with xmlFreeDoc().
 */
xmlDoc		*xml_parse(const char *text, size_t len, const char *root,
		    struct report *r);
/* Value, valid until the document changes, or NULL. */
const char	*xml_attr(const xmlNode *n, const char *name);
/* First child element of this name, and the next brother; or NULL. */
xmlNode		*xml_child(const xmlNode *n, const char *name);
xmlNode		*xml_next(const xmlNode *n, const char *name);
bool		 xml_is(const xmlNode *n, const char *name);
/* A node that is text, written as CDATA or not. */
bool		 xml_is_text(const xmlNode *n);
/* "safe/service/heart"; false when it does not fit. */
bool		 xml_path(char buf[XML_PATH_LEN], const xmlNode *n);

/*
 * Replaces %ID% in every attribute and text below the root by the macros of
 * the document, then by the environment.  What is in neither is an error,
 * but in text for scripts and programs, where it stays with a warning.
 */
void	xml_expand(xmlDoc *doc, struct report *r);

/* True when %ID% is left in it: xml_expand() has said so. */
bool	xml_has_macro(const char *text);
/* The macro that made an attribute empty, or NULL. */
const char	*xml_empty_macro(const xmlNode *n, const char *name);

/*
 * Everything the tables can say about the document: unknown elements,
 * missing and repeated ones, attributes and their values.
 */
void	xml_check(xmlDoc *doc, const struct schema *s, struct report *r);

/* The attribute, or its default from the table, or NULL. */
const char	*xml_value(const xmlNode *n, const struct schema *s,
		    const char *name);
/* The same as a number (times: microseconds); 0 when absent or bad. */
int64_t		 xml_number(const xmlNode *n, const struct schema *s,
		    const char *name);
/* Where the element is absent: the default of a time in the table. */
int64_t		 xml_default_ms(const struct schema *s, const char *path,
		    const char *name);
bool		 xml_is_on(const xmlNode *n, const struct schema *s,
		    const char *name);

#endif
