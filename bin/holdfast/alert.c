/* SPDX-License-Identifier: ISC */
/*
 * holdfast alert: what alertd(8) has told and not taken back, and a test that
 * runs its hooks as it would itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <jansson.h>

#include "ask.h"
#include "cmd.h"
#include "config-value.h"
#include "paths.h"
#include "talk.h"
#include "text.h"

/* A queue of hooks that all hang, times their time-out. */
#define TEST_MS	600000

struct shown {
	unsigned	 count, failed;
	json_t		*array;		/* NULL: as text */
	char		 text[1024];	/* of err */
	char		 code[64];
};

static const char *
get(const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	return v != NULL ? v : "";
}

static bool
is_end(const struct line *l, struct shown *s)
{
	if (strcmp(l->verb, "err") == 0) {
		snprintf(s->code, sizeof(s->code), "%s", get(l, "code"));
		snprintf(s->text, sizeof(s->text), "%s", get(l, "text"));
	}
	return l->verb[0] != '\0';
}

static void
add_json(struct shown *s, const struct line *l)
{
	json_t *o = json_object();
	int64_t n;

	for (unsigned i = 0; i < l->count; i++)
		json_object_set_new(o, l->pair[i].key,
		    value_int(&n, l->pair[i].value) == 0 ? json_integer(n) :
		    json_string(l->pair[i].value));
	json_array_append_new(s->array, o);
}

static void
show_alert(const struct line *l, void *arg)
{
	struct shown *s = arg;
	const char *command = get(l, "command");

	if (is_end(l, s))
		return;
	s->count++;
	if (s->array != NULL) {
		add_json(s, l);
		return;
	}
	printf("%s: %s: %s (%s), for %s s\n", get(l, "module"),
	    get(l, "severity"), get(l, "text"), get(l, "code"),
	    get(l, "since_s"));
	if (command[0] != '\0')
		printf("    -> %s\n", command);
}

static void
show_hook(const struct line *l, void *arg)
{
	struct shown *s = arg;
	const char *p = get(l, "output");

	if (is_end(l, s))
		return;
	s->count++;
	if (strcmp(get(l, "end"), "ok") != 0)
		s->failed++;
	if (s->array != NULL) {
		add_json(s, l);
		return;
	}
	printf("%s: %s, %s ms\n", get(l, "hook"), get(l, "end"), get(l, "ms"));
	while (*p != '\0') {
		size_t len = strcspn(p, "\n");

		printf("    %.*s\n", (int)len, p);
		p += len + (p[len] == '\n');
	}
	fflush(stdout);
}

static int
ask_alertd(struct cmd *c, struct line_out *o, struct shown *s,
    void (*show)(const struct line *l, void *arg))
{
	char path[PATH_LEN];
	int rc;

	if (c->json)
		s->array = json_array();
	rc = ask_once(path_socket(path, NULL, "alertd"), o,
	    c->timeout_ms >= 0 ? c->timeout_ms : TEST_MS, show, s);
	if (rc == 0 && s->array != NULL) {
		json_dumpf(s->array, stdout, JSON_INDENT(2));
		printf("\n");
	}
	json_decref(s->array);
	s->array = NULL;
	if (rc == 1) {
		fprintf(stderr, "holdfast: %s\n", s->text);
		return talk_exit_status(s->code);
	}
	return rc == 0 ? 0 : talk_failed(NULL, "alertd", rc);
}

static int
alert_test(struct cmd *c)
{
	struct shown s = { 0 };
	char path[PATH_LEN];
	struct line_out o;
	int rc;

	line_begin(&o, "test");
	if (c->module != NULL)
		line_add(&o, "module", c->module);
	if ((rc = ask_alertd(c, &o, &s, show_hook)) != 0)
		return rc;
	if (s.count == 0) {
		fprintf(stderr, "holdfast: no hook in %s: nobody is told of "
		    "anything; copy mail.sample there to mail, or "
		    "webhook.sample to webhook, and edit it\n",
		    path_etc(path, "alert.d"));
		return EX_CONFIG;
	}
	return s.failed > 0 ? EX_UNAVAILABLE : 0;
}

static int
alert_list(struct cmd *c)
{
	struct shown s = { 0 };
	struct line_out o;
	bool json = c->json;
	int rc;

	line_begin(&o, "status");
	if ((rc = ask_alertd(c, &o, &s, show_alert)) != 0)
		return rc;
	if (s.count == 0 && !json)
		printf("no alert on this node\n");
	return 0;
}

int
verb_alert(struct cmd *c)
{
	if (c->argc == 1 && strcmp(c->argv[0], "test") == 0)
		return alert_test(c);
	if (c->argc == 1 && strcmp(c->argv[0], "list") == 0)
		return alert_list(c);
	fprintf(stderr, "usage: holdfast alert test [-m MODULE] | alert "
	    "list\n");
	return EX_USAGE;
}
