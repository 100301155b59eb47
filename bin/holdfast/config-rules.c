/* SPDX-License-Identifier: ISC */
/*
 * Rules: those that follow from the action of a checker, and those written
 * in <failover>, in the language of the reference:
 *
 *	label: if (condition) then action();
 *
 * The conditions are expr.h's; here is what is around them.
 */
#include "config-checks.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config-xml.h"
#include "expr.h"

#define ACTIONS	"stop stopstart wait restart swap"
/* Of the built-in rules about links and addresses. */
#define HANDLE_MS	15000

static struct safe_rule *
new_rule(struct safe *m, long line, struct report *r)
{
	if (m->rule_count < SAFE_RULE_MAX) {
		struct safe_rule *n = &m->rule[m->rule_count++];

		memset(n, 0, sizeof(*n));
		n->when = n->services = "";
		return n;
	}
	report_error(r, line, "failover", "at most %d rules are allowed",
	    SAFE_RULE_MAX);
	return NULL;
}

/* t_sql, p_gw, c_lag as the reference names them. */
static void
add_check_rule(struct safe *m, const struct safe_check *c, struct report *r)
{
	static const char *const prefix[SK_COUNT] = {
		[SK_PROC] = "proc_", [SK_TCP] = "t_", [SK_CUSTOM] = "c_",
		[SK_PING] = "p_", [SK_DISK] = "d_",
	};
	struct safe_rule *n;

	/* Those of vipd have rules of their own. */
	if (c->kind == SK_INTF || c->kind == SK_IP ||
	    strcmp(c->action, "noaction") == 0 ||
	    (n = new_rule(m, 0, r)) == NULL)
		return;
	(void)snprintf(n->label, sizeof(n->label), "%s%s", prefix[c->kind],
	    c->ident);
	(void)snprintf(n->cond, sizeof(n->cond), "%s.%s == down",
	    check_class(c->kind), c->ident);
	n->then = c->action;
	n->when = c->when;
	n->services = c->services;
	/* It has counted its tries; no need to wait once more. */
	n->handle_ms = m->handle_stated ? m->handle_ms : 0;
}

/* --- the language ----------------------------------------------------- */

struct source {
	const char	*start, *p;
	long		 line;		/* of start */
	struct report	*r;
};

static long
line_at(const struct source *s, const char *p)
{
	const char *q;
	long line = s->line;

	for (q = s->start; q < p; q++)
		line += *q == '\n';
	return line;
}

static void
skip(struct source *s)
{
	s->p = expr_skip(s->p);
}

static bool
fault(struct source *s, const char *what)
{
	size_t len;

	skip(s);
	len = strcspn(s->p, "\r\n");
	report_error(s->r, line_at(s, s->p), "failover", "%s, at \"%.*s\"; a "
	    "rule is: label: if (condition) then action();", what,
	    (int)(len < 30 ? len : 30), s->p);
	return false;
}

static bool
takes(struct source *s, const char *token)
{
	size_t len = strlen(token);

	skip(s);
	if (strncmp(s->p, token, len) != 0 ||
	    (isalpha((unsigned char)token[0]) &&
	    (isalnum((unsigned char)s->p[len]) || s->p[len] == '_')))
		return false;
	s->p += len;
	return true;
}

static bool
expects(struct source *s, const char *token)
{
	char what[48];

	if (takes(s, token))
		return true;
	(void)snprintf(what, sizeof(what), "\"%s\" is expected", token);
	return fault(s, what);
}

static size_t
word_len(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || (n > 0 && p[n] != '\0' &&
	    strchr("_.-", p[n]) != NULL) || p[n] == '_')
		n++;
	return n;
}

static const char *
action_word(const char *p, size_t len)
{
	static const char *const words[] = { "stop", "stopstart", "wait",
	    "restart", "swap" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len &&
		    strncmp(words[i], p, len) == 0)
			return words[i];
	return NULL;
}

static bool
read_condition(struct source *s, struct safe_rule *n)
{
	char why[128];
	const char *end;
	struct expr *e;
	bool fits;

	if (!expects(s, "("))
		return false;
	e = expr_parse(s->p, &end, why, sizeof(why));
	s->p = end;
	if (e == NULL)
		return fault(s, why);
	fits = expr_text(e, n->cond, sizeof(n->cond));
	expr_free(e);
	return fits ? expects(s, ")") : fault(s, "too long a condition");
}

static bool
read_action(struct source *s, struct safe_rule *n)
{
	size_t len;

	if (!expects(s, "then"))
		return false;
	skip(s);
	len = word_len(s->p);
	n->then = action_word(s->p, len);
	if (n->then == NULL)
		return fault(s, memchr(s->p, '.', len) != NULL ?
		    "a rule cannot set a resource: let a checker do it" :
		    "an action is expected: stop(), stopstart(), wait(), "
		    "restart() or swap()");
	s->p += len;
	return expects(s, "(") && expects(s, ")") && expects(s, ";");
}

/* The nodes of a farm are alike, and decide each for itself. */
static bool
farm_has(struct source *s, const char *start, const struct safe_rule *n)
{
	const char *end, *name, *what = NULL;
	char why[128];
	bool remote;
	struct expr *e;
	unsigned k;

	e = expr_parse(n->cond, &end, why, sizeof(why));
	for (k = 0; e != NULL && expr_resource(e, k, &remote, &name); k++)
		if (remote)
			what = "a resource of another node in a farm, where "
			    "each decides by its own";
	expr_free(e);
	if (strcmp(n->then, "swap") == 0)
		what = "swap() in a farm, whose nodes are alike";
	if (what == NULL)
		return true;
	s->p = start;	/* what is wrong is all of it */
	return fault(s, what);
}

static bool
read_rule(struct source *s, struct safe *m)
{
	struct safe_rule *n = new_rule(m, line_at(s, s->p), s->r);
	const char *start = s->p;
	size_t len = word_len(s->p);
	unsigned i;

	if (n == NULL)
		return false;
	n->handle_ms = m->handle_ms;
	if (len == 0 || len >= sizeof(n->label))
		return fault(s, "a label is expected: letters and digits");
	memcpy(n->label, s->p, len);
	for (i = 0; i + 1 < m->rule_count; i++)
		if (strcmp(m->rule[i].label, n->label) == 0)
			return fault(s, "a label that is there already");
	s->p += len;
	return expects(s, ":") && expects(s, "if") &&
	    read_condition(s, n) && read_action(s, n) &&
	    (!m->is_farm || farm_has(s, start, n));
}

/* To the rule after the next `;': its faults are said as well. */
static void
go_on(struct source *s)
{
	s->p += strcspn(s->p, ";");
	s->p += *s->p == ';';
}

static void
read_section(struct safe *m, const char *text, long line, struct report *r)
{
	struct source s = { .start = text, .p = text, .line = line, .r = r };

	for (skip(&s); *s.p != '\0'; skip(&s)) {
		/* Sections that touch are one to the parser. */
		if (strncmp(s.p, "--Lua", 5) == 0) {
			report_error(r, line_at(&s, s.p), "failover", "rules "
			    "in Lua are not there; write each as: label: if "
			    "(condition) then action();");
			return;
		}
		if (!read_rule(&s, m))
			go_on(&s);
	}
}

/* A text node knows the line of its end, a CDATA section that of its start. */
static long
first_line(const xmlNode *n)
{
	const char *p = (const char *)n->content;
	long line = xmlGetLineNo(n);

	if (n->type == XML_TEXT_NODE)
		for (; *p != '\0'; p++)
			line -= *p == '\n';
	return line;
}

void
rules_read(struct safe *m, const xmlNode *failover, struct report *r)
{
	const struct schema *s = schema_safe();
	const xmlNode *n;
	unsigned i;

	m->extends = true;
	m->handle_ms = HANDLE_MS;
	m->period_ms = 5000;
	if (failover != NULL) {
		m->extends = xml_is_on(failover, s, "extends");
		m->period_ms = xml_number(failover, s, "period") / 1000;
		m->handle_ms = xml_number(failover, s, "handle_time") / 1000;
		m->handle_stated = xml_attr(failover, "handle_time") != NULL;
	}
	for (i = 0; m->extends && i < m->check_count; i++)
		add_check_rule(m, &m->check[i], r);
	for (n = failover != NULL ? failover->children : NULL; n != NULL;
	    n = n->next)
		if (xml_is_text(n))
			read_section(m, (const char *)n->content,
			    first_line(n), r);
}
