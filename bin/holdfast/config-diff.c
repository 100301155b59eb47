/* SPDX-License-Identifier: ISC */
/*
 * Two configurations, attribute by attribute.  Elements of one kind are
 * matched in their order: a lan put in front shows as several changes, which
 * is what the daemons see too.
 */
#include "config-diff.h"

#include <stdlib.h>
#include <string.h>

#include "config-xml.h"
#include "xalloc.h"

#define FLAT_MAX	4096

struct flat_item {
	char	*path;		/* "safe/service/heart/heartbeat#2" */
	char	*name;		/* attribute, "" for the element or its text */
	char	*value;
};

struct flat {
	unsigned		count;
	struct flat_item	item[FLAT_MAX];
};

static void
flat_add(struct flat *f, const char *path, const char *name,
    const char *value)
{
	if (f->count == FLAT_MAX)
		return;
	f->item[f->count].path = xstrdup(path);
	f->item[f->count].name = xstrdup(name);
	f->item[f->count++].value = xstrdup(value);
}

static void
flat_free(struct flat *f)
{
	unsigned i;

	for (i = 0; i < f->count; i++) {
		free(f->item[i].path);
		free(f->item[i].name);
		free(f->item[i].value);
	}
	free(f);
}

static unsigned
place_among_brothers(const xmlNode *n)
{
	const xmlNode *b;
	unsigned place = 1;

	for (b = n->prev; b != NULL; b = b->prev)
		place += xml_is(b, (const char *)n->name);
	return place;
}

static void
flatten(struct flat *f, const xmlNode *n, const char *parent)
{
	unsigned place = place_among_brothers(n);
	const xmlAttr *a;
	const xmlNode *c;
	char *path, *text;

	path = place == 1 ?
	    xasprintf("%s%s%s", parent, parent[0] != '\0' ? "/" : "",
	    n->name) :
	    xasprintf("%s/%s#%u", parent, n->name, place);
	flat_add(f, path, "", "");
	for (a = n->properties; a != NULL; a = a->next)
		flat_add(f, path, (const char *)a->name,
		    xml_attr(n, (const char *)a->name));
	for (c = n->children; c != NULL; c = c->next) {
		if (c->type == XML_ELEMENT_NODE)
			flatten(f, c, path);
		text = (char *)c->content;
		if (xml_is_text(c) && text[strspn(text, " \t\r\n")] != '\0')
			flat_add(f, path, "text", text);
	}
	free(path);
}

static struct flat *
flat_of(const char *text)
{
	struct flat *f = xcalloc(1, sizeof(*f));
	struct report r;
	xmlDoc *doc;

	report_init(&r, "safeconf.xml");
	doc = text != NULL ? xml_parse(text, strlen(text), "safe", &r) : NULL;
	if (doc != NULL) {
		flatten(f, xmlDocGetRootElement(doc), "");
		xmlFreeDoc(doc);
	}
	report_fini(&r);
	return f;
}

static const struct flat_item *
flat_find(const struct flat *f, const char *path, const char *name)
{
	unsigned i;

	for (i = 0; i < f->count; i++)
		if (strcmp(f->item[i].name, name) == 0 &&
		    strcmp(f->item[i].path, path) == 0)
			return &f->item[i];
	return NULL;
}

/* The tables know paths without the numbers of brothers. */
static bool
is_live(const char *path, const char *name)
{
	char plain[XML_PATH_LEN];
	size_t n = 0;
	bool skip = false;

	for (; *path != '\0' && n < sizeof(plain) - 1; path++) {
		skip = *path == '#' || (skip && *path != '/');
		if (!skip)
			plain[n++] = *path;
	}
	plain[n] = '\0';
	/* A macro acts through what it stands for. */
	return strcmp(plain, "safe/macro") == 0 ||
	    schema_is_live(schema_safe(), plain, name);
}

static void
diff_add(struct diff *d, const struct flat_item *at, const char *was,
    const char *is)
{
	struct diff_item *item;
	const char *shown = at->path;

	if (d->count == DIFF_MAX) {
		d->restarts++;	/* unseen: take no chance */
		return;
	}
	if (strncmp(shown, "safe/service/", 13) == 0)
		shown += 13;
	else if (strncmp(shown, "safe/", 5) == 0)
		shown += 5;
	item = &d->item[d->count++];
	item->path = xasprintf("%s%s%s", shown,
	    at->name[0] != '\0' ? "@" : "", at->name);
	item->was = was != NULL ? xstrdup(was) : NULL;
	item->is = is != NULL ? xstrdup(is) : NULL;
	item->is_live = is_live(at->path, at->name);
	d->restarts += !item->is_live;
}

void
diff_texts(struct diff *d, const char *was, const char *is)
{
	struct flat *a = flat_of(was), *b = flat_of(is);
	const struct flat_item *other;
	unsigned i;

	for (i = 0; i < a->count; i++) {
		other = flat_find(b, a->item[i].path, a->item[i].name);
		if (other == NULL)
			diff_add(d, &a->item[i], a->item[i].value, NULL);
		else if (strcmp(other->value, a->item[i].value) != 0)
			diff_add(d, &a->item[i], a->item[i].value,
			    other->value);
	}
	for (i = 0; i < b->count; i++)
		if (flat_find(a, b->item[i].path, b->item[i].name) == NULL)
			diff_add(d, &b->item[i], NULL, b->item[i].value);
	flat_free(a);
	flat_free(b);
}

void
diff_generation(struct diff *d, const char *module, long active,
    const struct generation_file *files, size_t count)
{
	char *old, *safeconf = NULL;
	bool conf_same = false;
	size_t i;

	memset(d, 0, sizeof(*d));
	d->is_first = active == 0;
	d->is_same = !d->is_first;
	d->changed = d->is_first ? ~0u : 0;
	if (d->is_first)
		return;
	for (i = 0; i < count; i++) {
		old = generation_read(module, active, files[i].name);
		if ((old == NULL) != (files[i].text == NULL) ||
		    (old != NULL && strcmp(old, files[i].text) != 0)) {
			d->is_same = false;
			d->changed |= 1u << i;
		} else if (strcmp(files[i].name, "safeconf.xml") == 0) {
			conf_same = true;
		}
		if (strcmp(files[i].name, "safeconf.xml") == 0) {
			safeconf = old;
			diff_texts(d, old, files[i].text);
		} else {
			free(old);
		}
	}
	/* Same configuration, other digest: the scripts changed. */
	d->scripts = !d->is_same && conf_same;
	free(safeconf);
}

void
diff_print(const struct diff *d, const char *module, FILE *out)
{
	unsigned i;

	if (d->is_first) {
		fprintf(out, "%s: first generation\n", module);
		return;
	}
	if (d->is_same) {
		fprintf(out, "%s: nothing changed\n", module);
		return;
	}
	for (i = 0; i < d->count; i++) {
		const struct diff_item *item = &d->item[i];

		fprintf(out, "%s: %-7s %s", module,
		    item->is_live ? "live" : "restart", item->path);
		if (item->was != NULL && item->was[0] != '\0')
			fprintf(out, " was \"%s\"", item->was);
		if (item->is != NULL && item->is[0] != '\0')
			fprintf(out, " is \"%s\"", item->is);
		fprintf(out, "%s\n", item->was == NULL ? " (new)" :
		    item->is == NULL ? " (gone)" : "");
	}
	if (d->scripts)
		fprintf(out, "%s: live    scripts, or what the cluster says "
		    "of its nodes\n", module);
}

void
diff_fini(struct diff *d)
{
	unsigned i;

	for (i = 0; i < d->count; i++) {
		free(d->item[i].path);
		free(d->item[i].was);
		free(d->item[i].is);
	}
}
