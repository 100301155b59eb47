/* SPDX-License-Identifier: ISC */
/*
 * Order within a transaction: what is new is declared, what changed is
 * emptied, then come rules and elements, which may now name any of them, and
 * last what nobody names any more goes.  Objects whose declaration changed
 * would have to go and come in one transaction, where rules of others still
 * name them: then the whole table is made anew.
 */
#include "nft-doc.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

static const char *const kind_name[] = {
	[NK_COUNTER] = "counter", [NK_SET] = "set", [NK_MAP] = "map",
	[NK_CHAIN] = "chain",
};

void
nft_name(char out[NFT_NAME_LEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out, NFT_NAME_LEN, fmt, ap);
	va_end(ap);
	for (char *p = out; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("_-.", *p) == NULL)
			*p = '_';
}

void
nft_doc_init(struct nft_doc *doc, const char *family, const char *module,
    const char *comment)
{
	memset(doc, 0, sizeof(*doc));
	doc->family = family;
	nft_name(doc->table, "holdfast_%s", module);
	(void)snprintf(doc->comment, sizeof(doc->comment), "%s", comment);
}

void
nft_doc_fini(struct nft_doc *doc)
{
	for (unsigned i = 0; i < doc->count; i++) {
		free(doc->object[i].decl);
		free(doc->object[i].body);
	}
	free(doc->object);
	memset(doc, 0, sizeof(*doc));
}

static void __attribute__((format(printf, 3, 0)))
append(char **text, size_t *len, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	/* One for the end of a line, one for that of the text. */
	*text = xrealloc(*text, *len + (size_t)n + 2, 1);
	(void)vsnprintf(*text + *len, (size_t)n + 1, fmt, ap);
	*len += (size_t)n;
}

void
nft_doc_add(struct nft_doc *doc, enum nft_kind kind, const char *name,
    const char *decl_fmt, ...)
{
	struct nft_object *o;
	va_list ap;

	if (doc->count == doc->size) {
		doc->size = doc->size ? 2 * doc->size : 64;
		doc->object = xrealloc(doc->object, doc->size,
		    sizeof(*doc->object));
	}
	o = &doc->object[doc->count++];
	memset(o, 0, sizeof(*o));
	o->kind = kind;
	(void)snprintf(o->name, sizeof(o->name), "%s", name);
	o->body = xstrdup("");
	va_start(ap, decl_fmt);
	append(&o->decl, &o->decl_len, decl_fmt, ap);
	va_end(ap);
}

void
nft_doc_line(struct nft_doc *doc, const char *fmt, ...)
{
	struct nft_object *o = &doc->object[doc->count - 1];
	va_list ap;

	va_start(ap, fmt);
	append(&o->body, &o->body_len, fmt, ap);
	va_end(ap);
	o->body[o->body_len++] = '\n';
	o->body[o->body_len] = '\0';
}

const struct nft_object *
nft_doc_find(const struct nft_doc *doc, enum nft_kind kind, const char *name)
{
	for (unsigned i = 0; i < doc->count; i++)
		if (doc->object[i].kind == kind &&
		    strcmp(doc->object[i].name, name) == 0)
			return &doc->object[i];
	return NULL;
}

static void
declare(FILE *out, const struct nft_doc *doc, const struct nft_object *o)
{
	fprintf(out, "add %s %s %s %s", kind_name[o->kind], doc->family,
	    doc->table, o->name);
	if (o->decl[0] != '\0')
		fprintf(out, " { %s }", o->decl);
	fputc('\n', out);
}

static void
fill(FILE *out, const struct nft_doc *doc, const struct nft_object *o)
{
	const char *line = o->body, *end;
	bool is_chain = o->kind == NK_CHAIN;

	if (*line == '\0')
		return;
	if (!is_chain)
		fprintf(out, "add element %s %s %s { ", doc->family,
		    doc->table, o->name);
	for (; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (is_chain)
			fprintf(out, "add rule %s %s %s ", doc->family,
			    doc->table, o->name);
		else if (line != o->body)
			fputs(", ", out);
		(void)fwrite(line, 1, (size_t)(end - line), out);
		if (is_chain)
			fputc('\n', out);
	}
	if (!is_chain)
		fputs(" }\n", out);
}

bool
nft_doc_is_anew(const struct nft_doc *from, const struct nft_doc *to)
{
	const struct nft_object *old;

	for (unsigned i = 0; i < to->count; i++) {
		old = nft_doc_find(from, to->object[i].kind,
		    to->object[i].name);
		if (old != NULL && strcmp(old->decl, to->object[i].decl) != 0)
			return true;
	}
	return strcmp(from->comment, to->comment) != 0;
}

static bool
is_changed(const struct nft_object *old, const struct nft_object *o)
{
	return old == NULL || strcmp(old->body, o->body) != 0;
}

static void
change(FILE *out, const struct nft_doc *from, const struct nft_doc *to)
{
	const struct nft_object *o, *old;

	for (unsigned i = 0; i < to->count; i++) {
		o = &to->object[i];
		old = nft_doc_find(from, o->kind, o->name);
		if (old == NULL)
			declare(out, to, o);
		else if (is_changed(old, o))
			fprintf(out, "flush %s %s %s %s\n",
			    kind_name[o->kind], to->family, to->table,
			    o->name);
	}
	for (unsigned i = 0; i < to->count; i++) {
		o = &to->object[i];
		if (is_changed(nft_doc_find(from, o->kind, o->name), o))
			fill(out, to, o);
	}
}

static void
retire(FILE *out, const struct nft_doc *from, const struct nft_doc *to)
{
	const struct nft_object *o;

	/* Rules may name any of them: all chains are emptied first. */
	for (unsigned i = 0; i < from->count; i++) {
		o = &from->object[i];
		if (o->kind == NK_CHAIN &&
		    nft_doc_find(to, o->kind, o->name) == NULL)
			fprintf(out, "flush chain %s %s %s\n", to->family,
			    to->table, o->name);
	}
	for (int pass = 0; pass < 2; pass++)	/* maps name chains */
		for (unsigned i = 0; i < from->count; i++) {
			o = &from->object[i];
			if ((o->kind == NK_CHAIN) != (pass == 1) ||
			    nft_doc_find(to, o->kind, o->name) != NULL)
				continue;
			fprintf(out, "delete %s %s %s %s\n",
			    kind_name[o->kind], to->family, to->table,
			    o->name);
		}
}

size_t
nft_doc_diff(FILE *out, const struct nft_doc *from, const struct nft_doc *to)
{
	static const struct nft_doc nothing;
	long start = ftell(out);

	if (from == NULL || nft_doc_is_anew(from, to)) {
		fprintf(out, "add table %s %s\ndelete table %s %s\n"
		    "add table %s %s { comment \"%s\"; }\n",
		    to->family, to->table, to->family, to->table,
		    to->family, to->table, to->comment);
		from = &nothing;
	}
	change(out, from, to);
	retire(out, from, to);
	return (size_t)(ftell(out) - start);
}
