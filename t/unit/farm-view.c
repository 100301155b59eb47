/* SPDX-License-Identifier: ISC */
/* What farmd's status becomes for a reader. */
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#include "../../bin/holdfast/farm-view.h"

static void
add(struct farm_view *v, const char *text)
{
	static struct line l;
	const char *why;

	if (line_parse(&l, text, strlen(text), &why) == 0)
		farm_view_add(v, &l);
}

static void
warn(struct status *st, const char *text)
{
	static struct line l;
	const char *why;

	if (line_parse(&l, text, strlen(text), &why) == 0)
		status_add(st, &l);
}

static char *
shown(const struct farm_view *v, bool json)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (json)
		farm_show_json(v, "web", f);
	else
		farm_show(v, "web", f);
	fclose(f);
	return text;
}

static void
fill(struct farm_view *v)
{
	add(v, "farm=web serve=open backend=nft delivery=director epoch=12 "
	    "digest=0123abcd director=n1 draining=2");
	add(v, "node=n1 self=1 net=up serve=open state=UP quality=Ready "
	    "since_s=7 reason=\"\" draining=2");
	add(v, "node=n2 self=0 net=up serve=drain state=UP quality=Ready "
	    "reason=\"\" draining=17");
	add(v, "node=n3 self=0 net=down serve=open state=UP quality=Ready");
	add(v, "node=n1 group=http buckets=4096 percent=100.0");
	add(v, "node=n2 group=http buckets=0 percent=0.0");
	add(v, "node=n1 group=dns buckets=1366 percent=33.3");
	add(v, "address=10.88.1.100 interface=eth0 own=1 type=director");
	add(v, "address=10.88.1.101 interface=eth0 own=1 type=vmac "
	    "vmac=5a:fe:0a:58:01:65");
	add(v, "counters=packets accepted=10 passed=4 rejected=3 refused=2 "
	    "copied=1 lost=0");
	add(v, "counters=group group=http accepted=9");
	add(v, "code=config-differs text=\"n1 and n3 differ\"");
	add(v, "code=farm-new text=\"is not known here\"");
	add(v, "something=else");
}

static const char text_expected[] =
"web: delivery director, backend nft, epoch 12\n"
"NODE             STATE   QUALITY    SERVES            http             dns"
"  DRAINING\n"
"n1 *             UP      Ready      yes     4096   100.0 %  1366    33.3 %"
"         2\n"
"n2               UP      Ready      drains     0     0.0 %               -"
"        17\n"
"n3               UNKNOWN -          -                    -               -"
"         -\n"
"  address 10.88.1.100 on eth0: n1 passes its frames on\n"
"  address 10.88.1.101 on eth0: every node gets its frames, by "
"5a:fe:0a:58:01:65\n"
"  packets here: 10 accepted, 4 passed on, 3 rejected, 2 refused\n"
"  warning: n2 drains by order [farm-drain]\n"
"    ends with: holdfast farm web drain n2 --off\n"
"  warning: n1 and n3 differ [config-differs]\n"
"    ends with: holdfast module push web -H '*'\n"
"  warning: is not known here [farm-new]\n";

static void
test_text(void)
{
	struct farm_view *v = calloc(1, sizeof(*v));
	struct status *st = status_new();
	char *text;

	fill(v);
	warn(st, "warning code=farm-drain text=\"n2 drains by order\" "
	    "command=\"holdfast farm web drain n2 --off\"");
	farm_view_warnings(v, st, "web");
	text = shown(v, false);
	is_str(text, text_expected, "columns, addresses, packets, warnings");
	free(text);
	is_num(farm_node_buckets(v, farm_view_self(v)), 5462,
	    "buckets of this node in all groups");
	(void)snprintf(v->delivery, sizeof(v->delivery), "fallback");
	text = shown(v, false);
	ok(strstr(text, "10.88.1.101 on eth0: n1 passes its frames on, since "
	    "the switch does not flood") != NULL, "fallback is said");
	free(text);
	text = shown(v, true);
	ok(strstr(text, "\"schema\": 1") != NULL &&
	    strstr(text, "\"percent\": 33.3\n") != NULL &&
	    strstr(text, "\"rejected\": 3") != NULL &&
	    strstr(text, "\"command\": \"holdfast module push web -H '*'\"")
	    != NULL, "the same as a document");
	free(text);
	status_free(st);
	free(v);
}

static void
test_held(void)
{
	struct farm_view *v = calloc(1, sizeof(*v));

	add(v, "node=n1 self=1 net=up serve=hold state=UP quality=NotReady");
	add(v, "node=n1 group=http buckets=4096 percent=100.0");
	is_num(farm_node_buckets(v, farm_view_self(v)), 0,
	    "who is held back takes nothing, whatever its last table said");
	free(v);
}

/* moduled tells the same warning with a command of its own. */
static void
test_same_warning(void)
{
	struct farm_view *v = calloc(1, sizeof(*v));
	struct status *st = status_new();

	fill(v);
	warn(st, "warning code=config-differs text=\"theirs\" command=\"x\"");
	farm_view_warnings(v, st, "web");
	is_num(v->warn_count, 2, "a warning of both is said once");
	is_str(v->warn[0].text, "theirs", "in the words of moduled");
	status_free(st);
	free(v);
}

static void
test_bounds(void)
{
	struct farm_view *v = calloc(1, sizeof(*v));
	char text[128];
	int i;

	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "node=n%d group=g%d buckets=x "
		    "percent=1", i, i);
		add(v, text);
		snprintf(text, sizeof(text), "address=a%d", i);
		add(v, text);
		snprintf(text, sizeof(text), "code=c%d text=t", i);
		add(v, text);
	}
	is_num(v->node_count, CLUSTER_NODE_MAX, "nodes are bounded");
	is_num(v->group_count, FARM_GROUP_MAX, "groups are bounded");
	is_num(v->warn_count, FARM_WARN_MAX, "warnings are bounded");
	is_num(v->node[0].cell[0].buckets, 0, "no number counts as 0");
	ok(farm_view_self(v) == NULL, "this node has not said anything");
	free(v);
}

int
main(void)
{
	test_text();
	test_held();
	test_same_warning();
	test_bounds();
	return tap_done();
}
