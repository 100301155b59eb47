/* SPDX-License-Identifier: ISC */
#include "../../libcommon/env.h"

#include <stdlib.h>

#include "tap.h"

static char *
fake_getenv(const char *name)
{
	static char tz[] = "Europe/Paris";

	return strcmp(name, "TZ") == 0 ? tz : NULL;
}

int
main(void)
{
	char text[32];
	struct env e;
	int n = 0;

	(void)unsetenv("HOLDFAST_ROOT");
	env_init(&e);
	ok(env_is_assignment("A=1"), "an assignment");
	ok(env_is_assignment("_a1="), "an empty value");
	ok(!env_is_assignment("1A=1"), "a name that begins with a digit");
	ok(!env_is_assignment("A"), "no value");
	ok(!env_is_assignment("=1"), "no name");
	ok(!env_is_assignment("A-B=1"), "a name no shell takes");

	ok(env_set(&e, "SERVICES=a, b"), "set");
	ok(env_set(&e, "SAFE=/evil") && env_set(&e, "A=1") &&
	    env_set(&e, "A=2"), "set more");
	is_num(e.count, 3, "one of the same name is replaced");
	is_str(env_get(&e, "A"), "2", "by the later one");
	ok(env_get(&e, "SERV") == NULL, "a prefix is another name");

	env_set_standard(&e, "ledger", fake_getenv);
	is_str(env_get(&e, "SERVICES"), "a, b", "the module's own stays");
	ok(strcmp(env_get(&e, "SAFE"), "/evil") != 0, "SAFE is ours to say");
	is_str(env_get(&e, "SAFEMODULE"), "ledger", "SAFEMODULE");
	ok(strncmp(env_get(&e, "SAFEBIN"), env_get(&e, "SAFE"),
	    strlen(env_get(&e, "SAFE"))) == 0 &&
	    strcmp(env_get(&e, "SAFEBIN") + strlen(env_get(&e, "SAFE")),
	    "/bin") == 0, "SAFEBIN is SAFE/bin");
	(void)snprintf(text, sizeof(text), "%s",
	    env_get(&e, "SAFEUSERVAR") + strlen(env_get(&e, "SAFEVAR")));
	is_str(text, "/ledger", "SAFEUSERVAR is SAFEVAR/ledger");
	(void)snprintf(text, sizeof(text), "%s",
	    env_get(&e, "SAFEUSERCONF") + strlen(env_get(&e, "SAFEUSERVAR")));
	is_str(text, "/config/active", "SAFEUSERCONF below it");
	(void)snprintf(text, sizeof(text), "%s",
	    env_get(&e, "SAFEUSERBIN") + strlen(env_get(&e, "SAFEUSERCONF")));
	is_str(text, "/bin", "SAFEUSERBIN below that");
	is_str(env_get(&e, "TZ"), "Europe/Paris", "the machine's time zone");
	ok(env_get(&e, "LANG") == NULL, "nothing that is not there");
	ok(env_get(&e, "PATH") != NULL, "PATH");

	do {
		(void)snprintf(text, sizeof(text), "N%d=", n++);
	} while (env_set(&e, text));
	is_num(e.count, ENV_MAX - 1, "bounded");
	ok(e.var[e.count] == NULL, "closed by NULL");
	env_fini(&e);

	ok(env_script_ok("start_prim"), "a script");
	ok(env_script_ok("S-1.sh"), "another");
	ok(!env_script_ok("../x") && !env_script_ok("a/b"), "no path");
	ok(!env_script_ok(".") && !env_script_ok(".hidden"), "no dot first");
	ok(!env_script_ok("") && !env_script_ok("-x"), "empty, an option");
	return tap_done();
}
