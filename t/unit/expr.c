/* SPDX-License-Identifier: ISC */
/* Conditions of failover rules: what is read, what holds, what is not known. */
#include "../../libcommon/expr.h"

#include <stdlib.h>

#include "tap.h"

static const struct {
	const char	*name, *value;
} here[] = {
	{ "custom.up", "up" }, { "custom.down", "down" },
	{ "custom.init", "init" }, { "heartbeat.a", "down" },
	{ "heartbeat.b", "up" }, { "ping.a", "down" }, { "ping.b", "down" },
	{ "intf.fd88:1::", "down" }, { "state.local", "PRIM" },
};

static bool peer_is_heard = true;

static bool
get(bool remote, unsigned i, const char **name, const char **value,
    void *arg)
{
	(void)arg;
	if (remote && !peer_is_heard) {
		*value = NULL;
		return i == 0;
	}
	if (remote && i > 0)
		return false;
	if (i == sizeof(here) / sizeof(here[0]))
		return false;
	*name = remote ? "rfs.uptodate" : here[i].name;
	*value = remote ? "up" : here[i].value;
	return true;
}

static const char *
value(const char *text)
{
	static const char *const words[] = { "no", "yes", "unknown" };
	const struct expr_world w = { get, NULL };
	static char why[128];
	const char *end;
	struct expr *e = expr_parse(text, &end, why, sizeof(why));
	enum tri t;

	if (e == NULL || *end != '\0')
		return why;
	t = expr_eval(e, &w);
	expr_free(e);
	return words[t];
}

static void
is(const char *text, const char *want)
{
	is_str(value(text), want, "%s", text);
}

static void
test_values(void)
{
	is("custom.down == down", "yes");
	is("down == custom.down", "yes");
	is("local.custom.down == down", "yes");
	is("custom.up != down", "yes");
	is("custom.up == down", "no");
	is("custom.init == down", "unknown");
	is("custom.init != up", "unknown");
	is("custom.init == init", "yes");
	is("custom.none == init", "yes");
	is("custom.none == up", "unknown");
	is("custom.down == down || custom.init == down", "yes");
	is("custom.up == down && custom.init == down", "no");
	is("custom.down == down && custom.init == down", "unknown");
	is("!(custom.init == down)", "unknown");
	is("!(custom.up == down)", "yes");
	is("!!(custom.down == down)", "yes");
	is("custom.up == up || custom.up == up && custom.up == down", "yes");
	is("(custom.up == up || custom.up == up) && custom.up == down",
	    "no");
	is("heartbeat.* == down", "no");
	is("heartbeat.? == down", "yes");
	is("ping.* == down", "yes");
	is("ping.? == up", "no");
	is("tcp.* == down", "unknown");
	is("custom.* == down", "no");
	is("custom.? == init", "yes");
	is("intf.fd88:1:: == down", "yes");
	is("state.local == PRIM", "yes");
	is("custom.up == custom.up", "yes");
	is("custom.up == custom.init", "unknown");
	is("/* a */ custom.down /* b */ == down", "yes");
	is("remote.rfs.uptodate == up", "yes");
	is("remote.custom.lag == down", "unknown");
	peer_is_heard = false;
	is("remote.rfs.uptodate == up", "no");
	is("remote.rfs.uptodate == unknown", "yes");
	is("remote.heartbeat.* == unknown", "yes");
}

static void
test_faults(void)
{
	static const char *const bad[] = { "", "custom.up", "up == down",
		"custom.up = down", "custom.up ==", "== up", "custom. == up",
		".up == up", "custom.a* == up", "(custom.up == up",
		"custom.up == up &&", "custom.up == up custom.up == up",
		"cluster() == up", "custom.up == heartbeat.*", "custom == up",
		"custom.up == up || | custom.up == up", "remote. == up",
		"remote.x == up", "cus*.a == up", "custom.up == up;" };
	char why[128], deep[200];
	const char *end;
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		ok(expr_parse(bad[i], &end, why, sizeof(why)) == NULL &&
		    why[0] != '\0' && end >= bad[i] &&
		    end <= bad[i] + strlen(bad[i]), "refused: %s", bad[i]);
	}
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	ok(expr_parse(deep, &end, why, sizeof(why)) == NULL, "no end of (");
	memset(deep, '!', sizeof(deep) - 1);
	ok(expr_parse(deep, &end, why, sizeof(why)) == NULL, "no end of !");
}

static void
test_text(void)
{
	static const char text[] = "custom.a==down&&\n!( remote.b.c != up"
	    " ||up==d.e )";
	char why[128], one[256], two[256];
	const struct expr_world w = { get, NULL };
	const char *end, *name;
	struct expr *e = expr_parse(text, &end, why, sizeof(why));
	bool remote;

	if (e == NULL) {
		ok(false, "%s", why);
		return;
	}
	ok(expr_text(e, one, sizeof(one)), "written");
	is_str(one, "(custom.a == down && !((remote.b.c != up || d.e == "
	    "up)))", "in one form");
	ok(!expr_text(e, two, 20), "said when it does not fit");
	ok(expr_resource(e, 1, &remote, &name) && remote, "remote");
	is_str(name, "b.c", "what it is about");
	ok(!expr_resource(e, 3, &remote, &name), "three");
	expr_free(e);
	e = expr_parse(one, &end, why, sizeof(why));
	ok(e != NULL && expr_text(e, two, sizeof(two)), "read again");
	is_str(two, one, "and the same");
	expr_free(e);
	e = expr_parse("ping.? == down && custom.up == up) then", &end, why,
	    sizeof(why));
	ok(e != NULL, "stops at a bracket of nobody's");
	is_str(end, ") then", "there");
	is_str(expr_explain(e, &w, one, sizeof(one)), "ping.a is down, "
	    "ping.b is down, custom.up is up", "explained");
	expr_free(e);
}

int
main(void)
{
	test_values();
	test_faults();
	test_text();
	return tap_done();
}
