/* SPDX-License-Identifier: ISC */
/*
 * What scripts and checkers of a module call: get, set, print?, and the
 * counter of maxloop.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cmd.h"
#include "talk.h"

static void
print_value(const struct line *l, void *arg)
{
	const char *value = line_get(l, "value");

	if (value != NULL && strcmp(l->verb, "err") != 0) {
		printf("%s\n", value);
		*(bool *)arg = true;
	}
}

int
verb_get(struct cmd *c)
{
	const char *name = c->resource != NULL ? c->resource :
	    c->argc > 0 ? c->argv[0] : NULL;
	struct line_out o;
	bool found = false;
	int rc;

	if (name == NULL) {
		fprintf(stderr, "usage: holdfast get MODULE RESOURCE\n");
		return EX_USAGE;
	}
	line_begin(&o, "get");
	line_add(&o, "resource", name);
	rc = talk(c->module, "moduled", &o, print_value, &found);
	if (rc != 0)
		return talk_failed(c->module, "moduled", rc);
	return found ? 0 : EX_NOINPUT;
}

int
verb_set(struct cmd *c)
{
	const char *name = c->resource, *value = c->value;
	struct line_out o;
	int rc, i = 0;

	if (name == NULL && i < c->argc)
		name = c->argv[i++];
	if (value == NULL && i < c->argc)
		value = c->argv[i++];
	if (name == NULL || value == NULL || i < c->argc) {
		fprintf(stderr, "usage: holdfast set MODULE RESOURCE "
		    "VALUE\n");
		return EX_USAGE;
	}
	line_begin(&o, "set");
	line_add(&o, "resource", name);
	line_add(&o, "value", value);
	line_add(&o, "i", c->identity != NULL ? c->identity : talk_who());
	rc = talk(c->module, "moduled", &o, NULL, NULL);
	return rc == 0 ? 0 : talk_failed(c->module, "moduled", rc);
}

/* A class of processes is armed by a resource, which outlives moduled. */
int
verb_errd(struct cmd *c)
{
	bool on = strcmp(c->argv[0], "enable") == 0;
	struct line_out o;
	int rc;

	if (!on && strcmp(c->argv[0], "disable") != 0) {
		fprintf(stderr, "usage: holdfast errd MODULE enable|disable "
		    "CLASS\n");
		return EX_USAGE;
	}
	line_begin(&o, "set");
	line_addf(&o, "resource", "errd.%s", c->argv[1]);
	line_add(&o, "value", on ? "on" : "off");
	line_add(&o, "i", c->identity != NULL ? c->identity : talk_who());
	rc = talk(c->module, "moduled", &o, NULL, NULL);
	return rc == 0 ? 0 : talk_failed(c->module, "moduled", rc);
}

int
verb_print(struct cmd *c)
{
	static const char levels[][2] = { "I", "W", "E" };
	const char *level = c->verb[5] == 'i' ? levels[0] :
	    c->verb[5] == 'w' ? levels[1] : levels[2];
	char text[4096];
	struct line_out o;
	size_t len = 0;
	int rc, i;

	text[0] = '\0';
	for (i = 0; i < c->argc && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s", i > 0 ? " " : "", c->argv[i]);
	line_begin(&o, "print");
	line_add(&o, "level", level);
	line_add(&o, "text", text);
	line_add(&o, "i", c->identity != NULL ? c->identity : "script");
	rc = talk(c->module, "moduled", &o, NULL, NULL);
	return rc == 0 ? 0 : talk_failed(c->module, "moduled", rc);
}

static void
on_loop(const struct line *l, void *arg)
{
	if (line_get_bool(l, "reached"))
		*(bool *)arg = true;
}

int
verb_loop(struct cmd *c)
{
	bool reached = false;
	struct line_out o;
	int rc;

	line_begin(&o, c->verb);
	if (strcmp(c->verb, "incloop") == 0)
		line_add(&o, "i", c->identity != NULL ? c->identity :
		    "script");
	rc = talk(c->module, "moduled", &o, on_loop, &reached);
	if (rc == 1 && strcmp(talk_code(), "maxloop") == 0)
		return 1;
	if (rc != 0)
		return talk_failed(c->module, "moduled", rc);
	return reached ? 1 : 0;
}
