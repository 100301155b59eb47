/* SPDX-License-Identifier: ISC */
/* Text for strangers: what is removed, what becomes what, what stays. */
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#include "../../bin/holdfast/scrub.h"

static struct scrub s;

static void
becomes(const char *from, const char *to)
{
	struct text out = { 0 };

	scrub_text(&s, from, strlen(from), &out);
	is_str(out.text != NULL ? out.text : "", to, "%s", from);
	free(out.text);
}

static void
secrets(void)
{
	becomes("user = \"web\"\n", "user = \"web\"\n");
	becomes("password = \"hunter2\"\nport = 5\n",
	    "password = \"(removed)\"\nport = 5\n");
	becomes("<macro name=\"DB_PASSWORD\" value=\"x\"/>",
	    "<macro name=\"DB_PASSWORD\" value=\"(removed)\"/>");
	becomes("PGPASSWORD=abc psql", "PGPASSWORD=(removed)");
	becomes("Authorization: Bearer abc", "Authorization: (removed)");
	becomes("api_key: 'abc' # of ours", "api_key: '(removed)' # of ours");
	becomes("token=\"not closed", "token=\"(removed)\"");
	becomes("", "");
	becomes("\n\n", "\n\n");
}

static void
names(void)
{
	s.anonymise = true;
	scrub_name(&s, "alpha", "node");
	scrub_name(&s, "beta", "node");
	scrub_name(&s, "alpha", "node");
	scrub_name(&s, "shop.example.org", "host");
	scrub_name(&s, "example.org", "domain");
	becomes("alpha and beta, Alpha's", "node1 and node2, node1's");
	becomes("alphabet, xalpha", "alphabet, xalpha");
	becomes("shop.example.org www.example.org",
	    "host1 www.domain1");
	becomes("10.88.1.1 10.88.1.2, then 10.88.1.1:4800 10.88.1.1/24.",
	    "ipv4-1 ipv4-2, then ipv4-1:4800 ipv4-1/24.");
	becomes("127.0.0.1 ::1 0.0.0.0:80", "127.0.0.1 ::1 0.0.0.0:80");
	becomes("fd88:1::1 [fd88:1::1]:4800 fe80::1%eth0",
	    "ipv6-1 [ipv6-1]:4800 ipv6-2%eth0");
	becomes("lladdr 02:00:0a:58:01:01 up", "lladdr mac-1 up");
	becomes("2026-11-28T15:17:49.577 epoch 0.7.1 at 15:17:49",
	    "2026-11-28T15:17:49.577 epoch 0.7.1 at 15:17:49");
	becomes("password 10.88.1.2: x", "password ipv4-2: (removed)");
}

int
main(void)
{
	secrets();
	names();
	scrub_fini(&s);
	return tap_done();
}
