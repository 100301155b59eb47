/* SPDX-License-Identifier: ISC */
/*
 * Checkers and rules to the files of checkd and moduled; see config-write.c.
 */
#include "config-checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"

static void
add_section(struct text *t, const char *kind, const char *title)
{
	text_addf(t, "%s ", kind);
	text_quoted(t, title);
	text_addf(t, " {\n");
}

void
safe_add_vars(struct text *t, const struct safe *m)
{
	unsigned i;

	for (i = 0; i < m->var_count; i++) {
		add_section(t, "var", m->var[i].name);
		text_addf(t, "\t");
		text_option(t, "value", m->var[i].value);
		text_addf(t, "}\n");
	}
}

static void
add_check(struct text *t, const struct safe_check *c)
{
	add_section(t, check_class(c->kind), c->ident);
	text_option(t, "when", c->when);
	text_number(t, "interval_ms", c->interval_ms);
	text_number(t, "timeout_ms", c->timeout_ms > 0 ? c->timeout_ms : 1);
	text_option(t, "fails", c->fails);
	text_option(t, "passes", c->passes);
	switch (c->kind) {
	case SK_TCP:
		text_option(t, "addr", c->addr);
		text_number(t, "port", c->port);
		break;
	case SK_PROC:
		text_option(t, "name", c->ident);
		text_option(t, "nameregex", c->nameregex);
		text_option(t, "argregex", c->argregex);
		text_number(t, "atleast", c->atleast);
		text_number(t, "atmost", c->atmost);
		text_number(t, "start_after_ms", c->start_after_ms);
		break;
	case SK_CUSTOM:
		text_option(t, "exec", c->exec);
		text_option(t, "arg", c->arg);
		break;
	case SK_PING:
		text_option(t, "addr", c->addr);
		break;
	case SK_DISK:
		text_option(t, "path", c->path);
		text_number(t, "warn", c->warn);
		text_number(t, "down", c->down);
		break;
	case SK_INTF:
	case SK_IP:
	case SK_COUNT:
		break;
	}
	text_addf(t, "}\n");
}

char *
safe_text_checkd(const struct safe *m)
{
	struct text t = { 0 };
	unsigned i;

	text_addf(&t, "# Made by `holdfast config %s'; edit userconfig.xml\n",
	    m->name);
	text_option(&t, "module", m->name);
	for (i = 0; i < m->check_count; i++)
		if (m->check[i].kind != SK_INTF && m->check[i].kind != SK_IP)
			add_check(&t, &m->check[i]);
	safe_add_vars(&t, m);
	return t.text;
}

/*
 * A resource whose checker runs in WAIT, and which a rule that waits asks:
 * the module does not leave WAIT before it is known.
 */
static bool
is_awaited(const struct safe *m, const struct safe_check *c)
{
	char name[160], why[128];
	const char *asked, *end;
	struct expr *e;
	bool remote, found = false;
	unsigned i, k;

	if (strcmp(c->when, "pre") != 0)
		return false;
	(void)snprintf(name, sizeof(name), "%s.%s", check_class(c->kind),
	    c->ident);
	for (i = 0; i < m->rule_count && !found; i++) {
		if (m->rule[i].then == NULL ||
		    strcmp(m->rule[i].then, "wait") != 0)
			continue;
		e = expr_parse(m->rule[i].cond, &end, why, sizeof(why));
		for (k = 0; e != NULL && !found &&
		    expr_resource(e, k, &remote, &asked); k++)
			found = !remote && strcmp(asked, name) == 0;
		expr_free(e);
	}
	return found;
}

/* What rules ask of the other node, once each. */
static void
add_remote(struct text *t, const struct safe *m)
{
	const char *end, *name;
	char why[128], quoted[EXPR_WORD + 4];
	struct text list = { 0 };
	struct expr *e;
	unsigned i, k;
	bool remote;

	for (i = 0; i < m->rule_count; i++) {
		e = expr_parse(m->rule[i].cond, &end, why, sizeof(why));
		for (k = 0; e != NULL && expr_resource(e, k, &remote, &name);
		    k++) {
			(void)snprintf(quoted, sizeof(quoted), "\"%s\"",
			    name);
			if (!remote || (list.text != NULL &&
			    strstr(list.text, quoted) != NULL))
				continue;
			text_addf(&list, "%s%s", list.len > 0 ? ", " : "",
			    quoted);
		}
		expr_free(e);
	}
	text_addf(t, "remote = {%s}\n", list.len > 0 ? list.text : "");
	free(list.text);
}

void
checks_add_rules(struct text *t, const struct safe *m)
{
	unsigned i, n = 0;

	text_bool(t, "checks", 1);
	text_number(t, "period_ms", m->period_ms);
	text_addf(t, "await = {");
	for (i = 0; i < m->check_count; i++) {
		if (!is_awaited(m, &m->check[i]))
			continue;
		text_addf(t, "%s\"%s.%s\"", n++ > 0 ? ", " : "",
		    check_class(m->check[i].kind), m->check[i].ident);
	}
	text_addf(t, "}\n");
	add_remote(t, m);
	for (i = 0; i < m->rule_count; i++) {
		const struct safe_rule *r = &m->rule[i];

		add_section(t, "rule", r->label);
		text_option(t, "if", r->cond);
		text_option(t, "then", r->then);
		text_number(t, "handle_ms", r->handle_ms);
		text_option(t, "when", r->when);
		text_option(t, "services", r->services);
		text_addf(t, "}\n");
	}
}
