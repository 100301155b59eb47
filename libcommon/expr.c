/* SPDX-License-Identifier: ISC */
/*
 * The language of expr.h: a descent by precedence into a table of nodes, and
 * three-valued evaluation of it.
 */
#include "expr.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

enum op { OP_OR, OP_AND, OP_NOT, OP_EQ, OP_NE };

/* One side of a comparison: a resource, or a state. */
struct operand {
	bool	is_resource, remote;
	char	word[EXPR_WORD];	/* without local. and remote. */
};

struct node {
	enum op		op;
	unsigned	left, right;	/* of OR, AND; left of NOT */
	struct operand	a, b;		/* of EQ, NE */
};

struct expr {
	unsigned	count, root;
	struct node	node[EXPR_NODES];
};

struct parser {
	struct expr	*e;
	const char	*p;
	char		*why;
	size_t		 why_size;
	unsigned	 depth;
};

/* Deeper brackets than this nobody reads. */
#define DEPTH_MAX	32

static bool parse_or(struct parser *s, unsigned *out);

static bool
fault(struct parser *s, const char *what)
{
	(void)snprintf(s->why, s->why_size, "%s", what);
	return false;
}

const char *
expr_skip(const char *p)
{
	const char *end;

	for (;;) {
		p += strspn(p, " \t\r\n");
		if (strncmp(p, "/*", 2) != 0)
			return p;
		end = strstr(p + 2, "*/");
		p = end != NULL ? end + 2 : p + strlen(p);
	}
}

static void
skip(struct parser *s)
{
	s->p = expr_skip(s->p);
}

static bool
takes(struct parser *s, const char *token)
{
	skip(s);
	if (strncmp(s->p, token, strlen(token)) != 0)
		return false;
	s->p += strlen(token);
	return true;
}

static bool
add_node(struct parser *s, const struct node *n, unsigned *out)
{
	if (s->e->count == EXPR_NODES)
		return fault(s, "too long a condition");
	*out = s->e->count;
	s->e->node[s->e->count++] = *n;
	return true;
}

static bool
is_word_char(char c)
{
	return isalnum((unsigned char)c) || strchr("._-:@/*?", c) != NULL;
}

static bool
resource_ok(const char *word)
{
	const char *dot = strchr(word, '.'), *id = dot + 1;
	const char *wild;

	if (dot == word || *id == '\0' || strcspn(word, "*?") <
	    (size_t)(id - word))
		return false;
	/* A wildcard is the whole id. */
	wild = strpbrk(id, "*?");
	return wild == NULL || id[1] == '\0';
}

static bool
parse_operand(struct parser *s, struct operand *o)
{
	size_t len = 0;

	skip(s);
	while (s->p[len] != '\0' && is_word_char(s->p[len]))
		len++;
	if (len == 0)
		return fault(s, *s->p == '\0' ? "ends where a resource or a "
		    "state is expected" : "a resource (class.id) or a state "
		    "(init, up, down, unknown) is expected here");
	if (len >= EXPR_WORD)
		return fault(s, "too long a word");
	if (strncmp(s->p, "cluster", len) == 0 && len == 7)
		return fault(s, "cluster() is not there; name the resources");
	memset(o, 0, sizeof(*o));
	if (strncmp(s->p, "remote.", 7) == 0 ||
	    strncmp(s->p, "local.", 6) == 0) {
		o->remote = s->p[0] == 'r';
		len -= o->remote ? 7 : 6;
		s->p += o->remote ? 7 : 6;
		o->is_resource = true;
	}
	memcpy(o->word, s->p, len);
	o->is_resource = o->is_resource || strchr(o->word, '.') != NULL;
	if (o->is_resource && (strchr(o->word, '.') == NULL ||
	    !resource_ok(o->word)))
		return fault(s, "a resource is class.id, class.* for all of "
		    "a class, class.? for any");
	if (!o->is_resource && strpbrk(o->word, "*?:@/") != NULL)
		return fault(s, "a state is a word: init, up, down, unknown");
	s->p += len;
	return true;
}

static bool
parse_comparison(struct parser *s, unsigned *out)
{
	struct node n = { .op = OP_EQ };

	if (!parse_operand(s, &n.a))
		return false;
	if (takes(s, "!="))
		n.op = OP_NE;
	else if (!takes(s, "=="))
		return fault(s, "== or != is expected here");
	if (!parse_operand(s, &n.b))
		return false;
	if (!n.a.is_resource && !n.b.is_resource)
		return fault(s, "neither side is a resource (class.id)");
	if (!n.a.is_resource) {
		struct operand swap = n.a;

		n.a = n.b;
		n.b = swap;
	}
	if (n.b.is_resource && strpbrk(n.b.word, "*?") != NULL)
		return fault(s, "* and ? are compared with a state only");
	return add_node(s, &n, out);
}

static bool
parse_unary(struct parser *s, unsigned *out)
{
	struct node n = { .op = OP_NOT };
	bool good;

	if (s->depth == DEPTH_MAX)
		return fault(s, "too many brackets");
	skip(s);
	if (s->p[0] == '!' && s->p[1] != '=') {
		s->p++;
		s->depth++;
		good = parse_unary(s, &n.left) && add_node(s, &n, out);
		s->depth--;
		return good;
	}
	if (!takes(s, "("))
		return parse_comparison(s, out);
	s->depth++;
	good = parse_or(s, out);
	s->depth--;
	if (good && !takes(s, ")"))
		return fault(s, ") is expected here");
	return good;
}

static bool
parse_and(struct parser *s, unsigned *out)
{
	struct node n = { .op = OP_AND };

	if (!parse_unary(s, out))
		return false;
	while (takes(s, "&&")) {
		n.left = *out;
		if (!parse_unary(s, &n.right) || !add_node(s, &n, out))
			return false;
	}
	return true;
}

static bool
parse_or(struct parser *s, unsigned *out)
{
	struct node n = { .op = OP_OR };

	if (!parse_and(s, out))
		return false;
	while (takes(s, "||")) {
		n.left = *out;
		if (!parse_and(s, &n.right) || !add_node(s, &n, out))
			return false;
	}
	return true;
}

struct expr *
expr_parse(const char *text, const char **end, char *why, size_t why_size)
{
	struct parser s = { .p = text, .why = why, .why_size = why_size };
	bool good;

	s.e = xcalloc(1, sizeof(*s.e));
	good = parse_or(&s, &s.e->root);
	if (good) {
		skip(&s);
		if (*s.p != '\0' && *s.p != ')')
			good = fault(&s, "&&, || or ) is expected here");
	}
	*end = s.p;
	if (good)
		return s.e;
	expr_free(s.e);
	return NULL;
}

void
expr_free(struct expr *e)
{
	free(e);
}

/* --- text ------------------------------------------------------------ */

struct out {
	char	*buf;
	size_t	 size, len;
};

static void
put(struct out *o, const char *s)
{
	size_t n = strlen(s);

	if (o->len + n < o->size)
		memcpy(o->buf + o->len, s, n + 1);
	o->len += n;
}

static void
put_operand(struct out *o, const struct operand *a)
{
	if (a->remote)
		put(o, "remote.");
	put(o, a->word);
}

static void
put_node(struct out *o, const struct expr *e, unsigned i)
{
	static const char *const sign[] = {
		[OP_OR] = " || ", [OP_AND] = " && ", [OP_NOT] = "!",
		[OP_EQ] = " == ", [OP_NE] = " != ",
	};
	const struct node *n = &e->node[i];

	if (n->op == OP_EQ || n->op == OP_NE) {
		put_operand(o, &n->a);
		put(o, sign[n->op]);
		put_operand(o, &n->b);
		return;
	}
	if (n->op == OP_NOT)
		put(o, sign[n->op]);
	put(o, "(");
	put_node(o, e, n->left);
	if (n->op != OP_NOT) {
		put(o, sign[n->op]);
		put_node(o, e, n->right);
	}
	put(o, ")");
}

bool
expr_text(const struct expr *e, char *buf, size_t size)
{
	struct out o = { .buf = buf, .size = size };

	buf[0] = '\0';
	put_node(&o, e, e->root);
	return o.len < size;
}

/* --- value ------------------------------------------------------------ */

/* Is name the one that is meant, or one of those? */
static bool
is_meant(const char *word, const char *name)
{
	size_t class = strcspn(word, ".") + 1;

	if (word[class] == '*' || word[class] == '?')
		return strncmp(word, name, class) == 0;
	return strcmp(word, name) == 0;
}

static const char *
value_of(const struct operand *o, const struct expr_world *w)
{
	const char *name, *value;
	unsigned i;

	for (i = 0; w->get(o->remote, i, &name, &value, w->arg); i++) {
		if (value == NULL)
			return "unknown";
		if (strcmp(name, o->word) == 0)
			return value;
	}
	return "init";
}

static enum tri
compare(const char *a, const char *b, enum op op)
{
	bool same = strcmp(a, b) == 0;

	/* Not told yet: only the question for just that has an answer. */
	if (strcmp(a, "init") == 0 && !same)
		return TRI_UNKNOWN;
	return same == (op == OP_EQ) ? TRI_YES : TRI_NO;
}

static enum tri
eval_wild(const struct node *n, const struct expr_world *w)
{
	bool all = strchr(n->a.word, '*') != NULL;
	const char *name, *value;
	enum tri each, sum = TRI_UNKNOWN;
	unsigned i, met = 0;

	for (i = 0; w->get(n->a.remote, i, &name, &value, w->arg); i++) {
		if (value != NULL && !is_meant(n->a.word, name))
			continue;
		each = compare(value != NULL ? value : "unknown", n->b.word,
		    n->op);
		if (each == (all ? TRI_NO : TRI_YES))
			return each;
		if (met++ == 0 || each == TRI_UNKNOWN)
			sum = each;
		if (value == NULL)
			break;
	}
	return sum;
}

static enum tri
eval(const struct expr *e, unsigned i, const struct expr_world *w)
{
	const struct node *n = &e->node[i];
	enum tri a, b, strong;

	switch (n->op) {
	case OP_NOT:
		a = eval(e, n->left, w);
		return a == TRI_UNKNOWN ? a : a == TRI_YES ? TRI_NO : TRI_YES;
	case OP_OR:
	case OP_AND:
		strong = n->op == OP_OR ? TRI_YES : TRI_NO;
		a = eval(e, n->left, w);
		b = eval(e, n->right, w);
		if (a == strong || b == strong)
			return strong;
		return a == TRI_UNKNOWN ? a : b;
	case OP_EQ:
	case OP_NE:
		break;
	}
	if (strpbrk(n->a.word, "*?") != NULL)
		return eval_wild(n, w);
	if (!n->b.is_resource)
		return compare(value_of(&n->a, w), n->b.word, n->op);
	a = compare(value_of(&n->a, w), value_of(&n->b, w), n->op);
	return strcmp(value_of(&n->b, w), "init") == 0 ? TRI_UNKNOWN : a;
}

enum tri
expr_eval(const struct expr *e, const struct expr_world *w)
{
	return eval(e, e->root, w);
}

/* --- what it is about -------------------------------------------------- */

static const struct operand *
operand_at(const struct expr *e, unsigned i)
{
	unsigned k;

	for (k = 0; k < e->count; k++) {
		const struct node *n = &e->node[k];

		if (n->op != OP_EQ && n->op != OP_NE)
			continue;
		if (i-- == 0)
			return &n->a;
		if (n->b.is_resource && i-- == 0)
			return &n->b;
	}
	return NULL;
}

bool
expr_resource(const struct expr *e, unsigned i, bool *remote,
    const char **name)
{
	const struct operand *o = operand_at(e, i);

	if (o == NULL)
		return false;
	*remote = o->remote;
	*name = o->word;
	return true;
}

const char *
expr_explain(const struct expr *e, const struct expr_world *w, char *buf,
    size_t size)
{
	struct out o = { .buf = buf, .size = size };
	const struct operand *a;
	const char *name, *value;
	unsigned i, k;

	buf[0] = '\0';
	for (i = 0; (a = operand_at(e, i)) != NULL; i++)
		for (k = 0; w->get(a->remote, k, &name, &value, w->arg); k++) {
			if (value != NULL && !is_meant(a->word, name))
				continue;
			put(&o, o.len > 0 ? ", " : "");
			put(&o, a->remote ? "remote." : "");
			put(&o, value != NULL ? name : a->word);
			put(&o, " is ");
			put(&o, value != NULL ? value : "unknown");
			if (value == NULL)
				break;
		}
	return buf;
}
