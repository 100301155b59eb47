/* SPDX-License-Identifier: ISC */
/*
 * Macros: <macro name="ID" value="V"/>, and %ID% anywhere else.  A macro
 * wins over the environment; the value of a macro may use those before it.
 */
#include "config-xml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define MACRO_MAX	256
#define EXPANDED_MAX	65536	/* of one value */
#define ID_LEN		64
#define ID_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
			"abcdefghijklmnopqrstuvwxyz0123456789_"

struct macros {
	unsigned	 count;
	struct {
		const char	*name;
		const char	*value;
		xmlAttr		*attr;		/* that holds the name */
	} m[MACRO_MAX];
};

static const char *
macro_get(const struct macros *m, const char *id)
{
	unsigned i = m->count;

	while (i-- > 0)		/* the last of a name wins */
		if (strcmp(m->m[i].name, id) == 0)
			return m->m[i].value;
	return getenv(id);
}

/* Length of `%ID%' at p with the ID copied, or 0. */
static size_t
macro_at(const char *p, char id[ID_LEN])
{
	size_t n = 0;

	if (*p != '%' || (!isalpha((unsigned char)p[1]) && p[1] != '_'))
		return 0;
	while (isalnum((unsigned char)p[n + 1]) || p[n + 1] == '_')
		n++;
	if (p[n + 1] != '%' || n >= ID_LEN)
		return 0;
	memcpy(id, p + 1, n);
	id[n] = '\0';
	return n + 2;
}

struct place {
	struct report	*r;
	long		 line;
	const char	*where;
	bool		 is_free;	/* %ID% may stay */
};

static void
missing(const struct place *at, const char *id)
{
	if (at->is_free)
		report_warn(at->r, at->line, at->where, "%%%s%% is no macro "
		    "and not in the environment; it stays as it is", id);
	else
		report_error(at->r, at->line, at->where, "%%%s%% is not "
		    "defined; write <macro name=\"%s\" value=\"...\"/> at "
		    "the top", id, id);
}

bool
xml_has_macro(const char *text)
{
	char id[ID_LEN];

	for (; (text = strchr(text, '%')) != NULL; text++)
		if (macro_at(text, id) > 0)
			return true;
	return false;
}

/* The expanded text, the caller's; NULL when nothing changes. */
static char *
expand(const char *text, const struct macros *m, const struct place *at)
{
	char *out, id[ID_LEN];
	const char *value;
	size_t len = 0, n, add;
	bool changed = false;

	if (strchr(text, '%') == NULL)
		return NULL;
	out = xcalloc(1, EXPANDED_MAX);
	while (*text != '\0') {
		n = macro_at(text, id);
		value = n > 0 ? macro_get(m, id) : NULL;
		if (n > 0 && value == NULL)
			missing(at, id);
		if (value == NULL) {
			value = text;
			add = n = n > 0 ? n : 1;
		} else {
			add = strlen(value);
			changed = true;
		}
		if (len + add >= EXPANDED_MAX) {
			report_error(at->r, at->line, at->where,
			    "is longer than %d bytes with its macros",
			    EXPANDED_MAX);
			break;
		}
		memcpy(out + len, value, add);
		len += add;
		text += n;
	}
	if (changed)
		return out;
	free(out);
	return NULL;
}

static bool
attr_is_free(const xmlNode *n, const char *name)
{
	return (xml_is(n, "var") && strcmp(name, "value") == 0) ||
	    (xml_is(n, "custom") && strcmp(name, "arg") == 0) ||
	    strstr(name, "regex") != NULL;
}

/* The macro an empty value came from, so that the message can name it. */
static void *
macro_name(const struct macros *m, const char *text)
{
	char id[ID_LEN];
	unsigned i;

	if (macro_at(text, id) == 0)
		return NULL;
	for (i = 0; i < m->count; i++)
		if (strcmp(m->m[i].name, id) == 0)
			return m->m[i].attr;
	return NULL;
}

static void
expand_node(xmlNode *n, const struct macros *m, struct report *r)
{
	struct place at = { .r = r, .line = xmlGetLineNo(n) };
	char where[128], *text;
	xmlAttr *a;

	at.where = where;
	for (a = n->properties; a != NULL; a = a->next) {
		if (a->children == NULL || a->children->content == NULL)
			continue;
		snprintf(where, sizeof(where), "%s@%s", n->name, a->name);
		at.is_free = attr_is_free(n, (const char *)a->name);
		text = expand((const char *)a->children->content, m, &at);
		if (text == NULL)
			continue;
		if (text[0] == '\0')
			a->_private = macro_name(m,
			    (const char *)a->children->content);
		xmlNodeSetContent(a->children, NULL);
		xmlNodeAddContent(a->children, (xmlChar *)text);
		free(text);
	}
}

static void
expand_tree(xmlNode *n, const struct macros *m, struct report *r)
{
	struct place at = { .r = r, .where = "text", .is_free = true };
	xmlNode *c;
	char *text;

	expand_node(n, m, r);
	for (c = n->children; c != NULL; c = c->next) {
		if (c->type == XML_ELEMENT_NODE)
			expand_tree(c, m, r);
		if (!xml_is_text(c))
			continue;
		at.line = xmlGetLineNo(n);
		text = expand((const char *)c->content, m, &at);
		if (text == NULL)
			continue;
		xmlNodeSetContent(c, NULL);
		xmlNodeAddContent(c, (xmlChar *)text);
		free(text);
	}
}

void
xml_expand(xmlDoc *doc, struct report *r)
{
	xmlNode *root = xmlDocGetRootElement(doc), *n;
	struct macros *m = xcalloc(1, sizeof(*m));
	const char *name, *value;

	for (n = root->children; n != NULL; n = n->next) {
		if (n->type != XML_ELEMENT_NODE)
			continue;
		expand_tree(n, m, r);
		if (!xml_is(n, "macro"))
			continue;
		name = xml_attr(n, "name");
		value = xml_attr(n, "value");
		if (name == NULL || value == NULL)
			continue;	/* xml_check() says so */
		if (m->count == MACRO_MAX) {
			report_error(r, xmlGetLineNo(n), "macro",
			    "at most %d macros are allowed", MACRO_MAX);
			break;
		}
		if (strspn(name, ID_CHARS) != strlen(name)) {
			report_error(r, xmlGetLineNo(n), "macro@name",
			    "\"%s\" is not allowed; allowed: letters, digits "
			    "and _", name);
			continue;
		}
		m->m[m->count].name = name;
		m->m[m->count].attr = xmlHasProp(n, (const xmlChar *)"name");
		m->m[m->count++].value = value;
	}
	free(m);
}
