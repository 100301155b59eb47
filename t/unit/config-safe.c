/* SPDX-License-Identifier: ISC */
/* userconfig.xml: macros, tolerance, meaning, files; and what is refused. */

#include "../../bin/holdfast/config-safe.h"

#include <stdlib.h>
#include <string.h>

#include "../../bin/holdfast/config-cluster.h"
#include "../../bin/holdfast/config-diff.h"
#include "tap.h"

static struct cluster cl;
static struct report rep;
static struct safe m;

static bool
is_n1(const struct sockaddr_storage *ss, void *arg)
{
	char buf[ADDR_LEN];

	(void)arg;
	return strcmp(addr_str(buf, ss), "10.88.1.1") == 0;
}

static void
make_cluster(void)
{
	static const char text[] =
	    "<cluster><lans><lan name='lan1'>"
	    "<node name='n1' id='1' addr='10.88.1.1'/>"
	    "<node name='n2' id='2' addr='10.88.1.2'/></lan>"
	    "<lan name='lan2'><node name='n1' addr='10.88.2.1'/>"
	    "<node name='n2' addr='10.88.2.2'/></lan>"
	    "</lans></cluster>";

	report_fini(&rep);
	report_init(&rep, "cluster.xml");
	if (cluster_compile(&cl, text, sizeof(text) - 1, &rep) == -1 ||
	    cluster_find_self(&cl, is_n1, NULL, &rep) == -1)
		report_print(&rep, stdout);
	report_fini(&rep);
}

/* Compiles; the report stays until the next call. */
static int
compile(const char *text)
{
	int rc;

	report_fini(&rep);
	safe_fini(&m);
	memset(&m, 0, sizeof(m));
	m.name = "web";
	m.id = 3;
	m.cluster = &cl;
	report_init(&rep, "u.xml");
	rc = safe_compile(&m, text, strlen(text), &rep);
	return rc;
}

static bool
said(const char *part)
{
	unsigned i;

	for (i = 0; i < rep.count; i++)
		if (strstr(rep.item[i].text, part) != NULL)
			return true;
	report_print(&rep, stdout);
	return false;
}

#define MIRROR(inside) "<safe><service mode='mirror'>" inside \
    "<user/></service></safe>"

static void
test_macros(void)
{
	ok(compile("<!-- x --><macro name='D' value='/srv'/>\n"
	    "<safe><macro name='E' value='%D%/e'/><service mode='mirror'>"
	    "<rfs><replicated dir='%E%'/></rfs><user/></service></safe>") ==
	    0, "a macro before the root, and one using another");
	is_str(m.dir_count > 0 ? m.dir[0] : "", "/srv/e", "expanded");
	ok(compile("<!DOCTYPE safe>\n<macro name='D' value='/a'/>"
	    "<safe><service mode='mirror'><rfs><replicated dir='%D%'/></rfs>"
	    "<user/></service></safe>") == 0, "with a doctype before it");
	setenv("HF_TEST_DIR", "/env", 1);
	ok(compile(MIRROR("<rfs><replicated dir='%HF_TEST_DIR%'/></rfs>")) ==
	    0, "the environment is asked last");
	is_str(m.dir_count > 0 ? m.dir[0] : "", "/env", "and answers");
	ok(compile(MIRROR("<rfs><replicated dir='%HF_NONE%'/></rfs>")) == -1,
	    "an unknown macro");
	ok(said("replicated@dir: %HF_NONE% is not defined"), "is named");
	ok(compile("<safe><service mode='mirror'><user>"
	    "<var name='F' value='%Y%m%d'/></user></service></safe>") == 0,
	    "text for scripts keeps what is no macro");
	is_str(m.var[0].value, "%Y%m%d", "as it is");
	ok(compile("<safe><macro name='V' value=''/><service mode='mirror'>"
	    "<vip><interface_list><interface><real_interface>"
	    "<virtual_addr addr='%V%'/></real_interface></interface>"
	    "</interface_list></vip><user/></service></safe>") == -1,
	    "an empty macro");
	ok(said("fill macro V in"), "is to be filled in, by name");
	ok(compile("<safe><macro name='V' value=''/><service mode='mirror'>"
	    "<vip><interface_list><interface><real_interface>"
	    "<virtual_addr addr='%V%'/><virtual_addr addr='10.88.1.9'/>"
	    "</real_interface></interface></interface_list></vip><user/>"
	    "</service></safe>") == 0, "beside a filled one it is left out");
	is_num(m.addr_count, 1, "one address stays");
}

static void
test_meaning(void)
{
	ok(compile(MIRROR("<heart timeout='8000' pulse='500'>"
	    "<heartbeat name='lan2'/><heartbeat name='lan1' ident='flow'/>"
	    "</heart>")) == 0, "bare numbers");
	is_num(m.timeout_ms, 8000, "timeout in ms");
	is_num(m.flow, 1, "the flow is the second");
	ok(compile(MIRROR("<heart/>")) == 0, "no heartbeat stated");
	is_num(m.beat_count, 2, "is every lan");
	is_num(m.pulse_ms, 200, "pulse is a tenth of timeout");
	ok(compile(MIRROR("<heart><heartbeat ident='flow'>"
	    "<server addr='10.88.2.1'/><server addr='10.88.2.2'/>"
	    "</heartbeat></heart>")) == 0, "addresses of older files");
	is_str(m.beat_count > 0 ? m.beat[0].lan : "", "lan2",
	    "are found in a lan");
	ok(compile(MIRROR("<check><check><ping ident='g'>"
	    "<to addr='10.88.1.254'/></ping></check></check>")) == 0,
	    "a nested check");
	is_num(m.check_count, 1, "is one");
}

static void
test_refusals(void)
{
	ok(compile(MIRROR("<heart timeout='2000' pulse='700'/>")) == -1,
	    "a pulse too slow for its timeout");
	ok(said("at most 300 ms"), "says what is allowed");
	ok(compile(MIRROR("<heart><heartbeat name='wan'/></heart>")) == -1,
	    "an unknown lan");
	ok(said("allowed: lan1, lan2"), "names those there are");
	ok(compile(MIRROR("<rfs><replicated dir='/a'/>"
	    "<replicated dir='/a/b'/></rfs>")) == -1, "nested directories");
	ok(compile("<safe><service mode='farm'><farm/><user/></service>"
	    "</safe>") == -1, "a farm");
	ok(said("vip: is missing"), "has an address");
	ok(compile(MIRROR("<rfs async='maybe' stall='5 lightyears'>"
	    "<replicated dir='a'/></rfs><hart/>")) == -1, "four faults");
	is_num(rep.errors, 4, "are said at once");
	ok(said("rfs@async: \"maybe\" is not allowed; allowed: none second"),
	    "with what is allowed");
	ok(said("hart: is not known in <service>"), "and unknown elements");
	ok(compile(MIRROR("<rfs colour='red'><replicated dir='/a'/></rfs>"))
	    == 0, "an unknown attribute");
	ok(said("rfs@colour: is not known and ignored"), "warns only");
	ok(compile("<safe>\n<service mode='mirror'>\n<user>\n</service>")
	    == -1, "broken XML");
	ok(rep.count > 0 && rep.item[0].line > 0, "has a line");
	ok(compile("<!DOCTYPE safe [<!ENTITY a 'b'>]><safe>"
	    "<service mode='light'><user/></service></safe>") == -1,
	    "an entity");
	ok(compile("<!DOCTYPE safe SYSTEM 'file:///etc/passwd'><safe>"
	    "<service mode='light'><user/></service></safe>") == -1,
	    "an external subset");
	ok(compile("<cluster/>") == -1, "another root");
	ok(compile("") == -1, "nothing at all");
	ok(compile(MIRROR("<vip><interface_list><interface><real_interface>"
	    "<virtual_addr addr='10.88.1.2'/></real_interface></interface>"
	    "</interface_list></vip>")) == -1, "a node's own address");
}

static void
test_files(void)
{
	char *text, *again;

	ok(compile("<safe><service mode='mirror' maxloop='5'><heart/>"
	    "<rfs async='second' stall='100ms'><replicated dir='/a'/></rfs>"
	    "<user><var name='Q' value='a&quot;b\\${HOME}'/></user>"
	    "</service></safe>") == -1, "a stall below two pulses");
	ok(compile("<safe><service mode='mirror' maxloop='5'>"
	    "<heart><heartbeat name='lan1'/>"
	    "<heartbeat name='lan2' ident='flow'/></heart>"
	    "<rfs async='second' meta='receipt'><replicated dir='/a'/></rfs>"
	    "<user><var name='Q' value='a&quot;b\\${HOME}'/></user>"
	    "</service></safe>") == 0, "a mirror");
	text = safe_text_mirrord(&m);
	ok(strstr(text, "port = 5608\n") != NULL, "port of id 3");
	ok(strstr(text, "addrs = {\"10.88.2.1\", \"10.88.1.1\"}") != NULL,
	    "own addresses, the flow first");
	ok(strstr(text, "async = \"second\"") != NULL, "async");
	ok(strstr(text, "meta = \"receipt\"") != NULL, "meta");
	free(text);
	text = safe_text_moduled(&m, "d1");
	ok(strstr(text, "value = \"a\\\"b\\\\\\x24{HOME}\"") != NULL,
	    "a value is quoted");
	ok(strstr(text, "maxloop = 5\n") != NULL, "maxloop");
	free(text);
	ok(safe_text_vipd(&m) == NULL, "no address, no vipd.conf");
	text = safe_text_xml(&m);
	ok(compile(text) == 0, "what is written is read again");
	again = safe_text_xml(&m);
	is_str(again, text, "and written the same");
	free(text);
	free(again);
	text = safe_text_roster(&m);
	is_str(text, "mirrord\ncheckd\nmoduled\n", "roster");
	free(text);
}

static void
test_checks(void)
{
	char *text;

	ok(compile(MIRROR("<errd polltimer='5s'><proc name='app' atleast='2'"
	    " class='prim' action='restart' restart_services='a, b' "
	    "start_after='3'/></errd><check><tcp ident='sql' when='prim'>"
	    "<to addr='[::1]' port='5432'/></tcp><custom ident='lag' "
	    "when='pre' exec='look' arg='x y' action='wait' interval='2s'/>"
	    "<custom ident='own' when='both' exec='look'/></check>")) == 0,
	    "checkers");
	is_num(m.check_count, 4, "four");
	text = safe_text_checkd(&m);
	ok(strstr(text, "tcp \"sql\" {\nwhen = \"prim\"\n"
	    "interval_ms = 10000\ntimeout_ms = 5000\nfails = \"2\"\n"
	    "passes = \"1\"\naddr = \"::1\"\nport = 5432\n}") != NULL,
	    "tcp with its defaults");
	ok(strstr(text, "interval_ms = 5000\n") != NULL &&
	    strstr(text, "start_after_ms = 10000\n") != NULL,
	    "proc at the polltimer of errd");
	ok(strstr(text, "interval_ms = 0\n") != NULL, "an endless one");
	free(text);
	text = safe_text_moduled(&m, "d");
	ok(strstr(text, "rule \"proc_app\" {\nif = \"proc.app == down\"\n"
	    "then = \"restart\"\nhandle_ms = 0\nwhen = \"prim\"\n"
	    "services = \"a, b\"\n}") != NULL, "the rule of proc");
	ok(strstr(text, "rule \"t_sql\"") != NULL &&
	    strstr(text, "rule \"c_lag\"") != NULL &&
	    strstr(text, "c_own") == NULL, "of each that has an action");
	ok(strstr(text, "await = {\"custom.lag\"}") != NULL,
	    "and which is waited for");
	free(text);
	ok(compile(MIRROR("<errd><proc name='a' class='prim' "
	    "action='run_me'/><proc name='b c' class='prim'/></errd><check>"
	    "<tcp ident='x' when='prim' fails='9/3'><to addr='::1' "
	    "port='1'/></tcp><tcp ident='x' when='pre'><to addr='::1' "
	    "port='1'/></tcp><custom ident='w' when='prim' exec='e' "
	    "action='wait'/></check>")) == -1, "faults");
	ok(said("proc@action: \"run_me\": programs as handlers"), "handler");
	ok(said("proc@name: \"b c\" cannot name a resource"), "name");
	ok(said("tcp@fails: \"9/3\" is not allowed"), "counts");
	ok(said("tcp@ident: \"x\" is there twice"), "twice");
	ok(said("custom@action: is wait, but"), "a wait nothing ends warns");
}

static void
test_links(void)
{
	char *text;

	ok(compile(MIRROR("<rfs><replicated dir='/srv/a'/></rfs><check>"
	    "<ping ident='gw'><to addr='::1'/></ping>"
	    "<intf ident='lan0'><to local_addr='127.0.0.1'/></intf>"
	    "<ip ident='self'><to addr='127.0.0.1'/></ip>"
	    "<disk ident='root' action='wait'><to path='/' down='5'/></disk>"
	    "</check>")) == 0, "ping, links, disks");
	text = safe_text_checkd(&m);
	ok(strstr(text, "ping \"gw\" {\nwhen = \"pre\"\n"
	    "interval_ms = 10000\ntimeout_ms = 5000\nfails = \"3\"\n"
	    "passes = \"1\"\naddr = \"::1\"\n}") != NULL, "ping");
	ok(strstr(text, "path = \"/\"\nwarn = 10\ndown = 5\n") != NULL,
	    "a disk");
	ok(strstr(text, "disk \"/srv/a\"") != NULL &&
	    strstr(text, "path = \"" HF_STATEDIR "\"") != NULL,
	    "and those nobody has to write");
	ok(strstr(text, "lan0") == NULL && strstr(text, "self") == NULL,
	    "links are not checkd's");
	free(text);
	text = safe_text_vipd(&m);
	ok(text != NULL && strstr(text, "intf \"lan0\" {\n\taddress = "
	    "\"127.0.0.1\"\n}") != NULL && strstr(text, "ip \"self\" {")
	    != NULL, "but vipd's");
	free(text);
	text = safe_text_moduled(&m, "d");
	ok(strstr(text, "wait_on = {\"intf.lan0\"}") != NULL &&
	    strstr(text, "stopstart_on = {\"ip.self\"}") != NULL &&
	    strstr(text, "vip_links = {}") != NULL, "with their rules");
	ok(strstr(text, "await = {\"ping.gw\", \"disk.root\"}") != NULL,
	    "what is waited for");
	free(text);
}

static void
test_rules(void)
{
	char *text;

	ok(compile("<safe><service mode='mirror'><user/>\n"
	    "<failover handle_time='6000ms'>\n<![CDATA[ /* move */\n"
	    "lag_rule:\n if (custom.lag == down && remote.rfs.uptodate == up"
	    ")\n then swap();\nb: if (!(ping.? == up)) then stopstart();]]>"
	    "</failover></service></safe>") == 0, "two rules");
	is_num(m.rule_count, 2, "are read");
	text = safe_text_moduled(&m, "d");
	ok(strstr(text, "remote = {\"rfs.uptodate\"}\n") != NULL,
	    "and what the other node has to tell");
	ok(strstr(text, "rule \"lag_rule\" {\nif = \"(custom.lag == down && "
	    "remote.rfs.uptodate == up)\"\nthen = \"swap\"\n"
	    "handle_ms = 6000\n") != NULL, "written in one form");
	free(text);
	ok(compile("<safe><service mode='mirror'><user/>\n<failover>"
	    "<![CDATA[\na: if (custom.lag = down) then swap();\n"
	    "a: if (custom.b == down) then jump();\n"
	    "c: if (rfs.x == up) then rfs.y = up;\n"
	    "d if (rfs.x == up) then stop();\n]]><![CDATA[\n"
	    "--Lua Rules\n]]></failover></service></safe>") == -1,
	    "five faults");
	is_num(rep.errors, 5, "are said at once");
	is_num(rep.item[0].line, 3, "with their line");
	is_num(rep.item[1].line, 4, "each");
	ok(said("failover: == or != is expected here, at \"= down)"),
	    "an operator");
	ok(said("a label that is there already"), "a label");
	ok(said("cannot set a resource"), "an assignment");
	ok(said("\":\" is expected, at \"if (rfs"), "a colon");
	ok(said("rules in Lua are not there"), "Lua");
}

/* A cluster with this after its networks. */
static void
read_rest(const char *rest)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "<cluster name='c'><lans>"
	    "<lan name='lan1'>"
	    "<node name='n1' id='1' addr='10.88.1.1'/>"
	    "<node name='n2' id='2' addr='10.88.1.2'/></lan>"
	    "<lan name='lan2'><node name='n1' addr='10.88.2.1'/>"
	    "<node name='n2' addr='10.88.2.2'/></lan></lans>"
	    "%s</cluster>", rest);
	report_fini(&rep);
	report_init(&rep, "cluster.xml");
	if (cluster_compile(&cl, text, strlen(text), &rep) == -1 ||
	    cluster_find_self(&cl, is_n1, NULL, &rep) == -1)
		report_print(&rep, stdout);
}

static void
read_cluster(const char *voters)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "<voters>%s</voters>", voters);
	read_rest(text);
}

#define W(n)	"<witness name='w" #n "' addr='10.88.1.21" #n "'/>"
#define HEART(a) "<safe><service mode='mirror'><heart " a "/><user/>" \
    "</service></safe>"
#define ETCD	"<etcd endpoints='https://e1:2379'/>"

static bool
is_written(const char *part)
{
	char *text = safe_text_moduled(&m, "00");
	bool found = strstr(text, part) != NULL;

	free(text);
	return found;
}

static void
test_voters(void)
{
	ok(compile(HEART("")) == 0 && m.voter_count == 0 &&
	    !is_written("voter") && !is_written("etcd"), "nobody votes");
	read_cluster(W(1));
	ok(compile(HEART("")) == 0 && m.voter_count == 3 &&
	    rep.warnings == 0, "both nodes and the witness");
	ok(is_written("cluster = \"c\"\nvoter \"n1\" {\n\taddresses = "
	    "{\"10.88.1.1\", \"10.88.2.1\"}\n\tkey = \"cluster\"\n}\n"),
	    "a node is written");
	ok(is_written("voter \"w1\" {\n\taddresses = {\"10.88.1.211\"}\n\t"
	    "key = \"w1\"\n}\n"), "and the witness");
	ok(compile(HEART("voters='none'")) == 0 && m.voter_count == 0,
	    "none is heartbeats only");
	ok(compile(HEART("voters='n1,n2'")) == -1 &&
	    said("have no majority"), "two nodes alone");
	ok(compile(HEART("voters='n1,w1'")) == -1 && said("both nodes"),
	    "a node left out");
	ok(compile(HEART("voters='n1,n2,w2'")) == -1 && said("neither"),
	    "a stranger");
	ok(compile(HEART("voters='n1,n2,w1,w1'")) == -1 && said("twice"),
	    "one twice");
	ok(compile(HEART("timeout='1000' pulse='150'")) == -1 &&
	    said("at most 149 ms"), "a pulse too slow for the lease");
	ok(compile(HEART("timeout='60'")) == 0 && said("70 ms"),
	    "a very short lease is said");
	read_cluster(W(1) W(2) W(3) W(4));
	ok(compile(HEART("")) == 0 && m.voter_count == 5, "at most five");
	is_str(m.voter[4], "w3", "the first witnesses");
	ok(compile(HEART("voters='n1, n2, w2, w4'")) == 0 &&
	    said("4 voters go on without 1"), "an even list is said");
	ok(compile("<safe><service mode='light'><user/></service></safe>") ==
	    0 && m.voter_count == 0, "only mirrors");
	read_cluster(ETCD);
	ok(compile(HEART("")) == 0 && m.etcd &&
	    is_written("prefix = \"/holdfast/c/web\""), "etcd");
	ok(compile(HEART("voters='n1,n2'")) == -1 && said("in their place"),
	    "and no list beside it");
	make_cluster();
}

#define FENCING "<fencing delay='3s'>" \
    "<device node='n1' agent='fence_x' options='ip=10.0.0.1'/>" \
    "<device node='n2' agent='fence_x' options=' ip=10.0.0.2  port=2'/>" \
    "</fencing>"
#define SPLIT(arg) "<safe><service mode='mirror'><heart/><user/><check>" \
    "<splitbrain ident='gw' exec='ping' arg='" arg "'/></check>" \
    "</service></safe>"

static void
test_outside(void)
{
	ok(compile(HEART("")) == 0 && !is_written("fencing") &&
	    !is_written("splitbrain"), "no evidence from outside");
	read_rest(FENCING);
	ok(compile(HEART("")) == 0 && rep.warnings == 0 &&
	    is_written("fencing {\n\tagent = \"fence_x\"\n\toptions = "
	    "{\"ip=10.0.0.2\", \"port=2\"}\n\tdelay_ms = 3000\n\t"
	    "timeout_ms = 20000\n\tperiod_ms = 60000\n}\n"),
	    "the peer's device is written");
	ok(compile(SPLIT("10.88.1.254 fd88::1")) == 0 &&
	    is_written("splitbrain {\n\tident = \"gw\"\n\twitnesses = "
	    "{\"10.88.1.254\", \"fd88::1\"}\n}\n"), "and witnesses by ping");
	ok(compile(SPLIT("10.88.1.254 gateway")) == -1 &&
	    said("\"gateway\" is no IPv4"), "a name would need a server");
	ok(compile(SPLIT("10.88.1.254 "
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    )) == -1, "nor one that is too long to be an address");
	read_rest("<voters>" W(1) "</voters>" FENCING);
	ok(said("is not used where there are <voters>"), "beside voters");
	ok(compile(SPLIT("10.88.1.254")) == 0 && said("they decide") &&
	    !is_written("fencing") && !is_written("splitbrain"),
	    "neither is used");
	make_cluster();
}

static void
test_set(void)
{
	static const char doc[] =
	    "<safe><macro name='A' value='1'/></safe>";
	char *text;

	report_fini(&rep);
	report_init(&rep, "u.xml");
	text = safe_set_macro(doc, sizeof(doc) - 1, "A", "<&\"", &rep);
	ok(text != NULL && strstr(text, "&lt;&amp;&quot;") != NULL,
	    "a macro is set, quoted");
	free(text);
	ok(safe_set_macro(doc, sizeof(doc) - 1, "B", "1", &rep) == NULL,
	    "only one that is there");
}

static void
test_diff(void)
{
	struct diff d;

	memset(&d, 0, sizeof(d));
	diff_texts(&d, "<safe><service mode='mirror' maxloop='3'>"
	    "<heart timeout='1'/><user/></service></safe>",
	    "<safe><service mode='mirror' maxloop='4'>"
	    "<heart timeout='2'/><user><var name='a' value='b'/></user>"
	    "</service></safe>");
	is_num(d.restarts, 1, "one change needs a restart");
	is_num(d.count, 5, "maxloop, timeout, var and its two attributes");
	is_str(d.item[0].path, "service@maxloop", "path");
	is_str(d.item[0].was, "3", "was");
	diff_fini(&d);
	memset(&d, 0, sizeof(d));
	diff_texts(&d, "<safe><a/></safe>", "<safe> <a/> </safe>");
	is_num(d.count, 0, "white space is no change");
	diff_fini(&d);
}

int
main(void)
{
	make_cluster();
	is_num(cl.self, 0, "this node is n1");
	report_init(&rep, "u.xml");
	test_macros();
	test_meaning();
	test_refusals();
	test_files();
	test_checks();
	test_links();
	test_rules();
	test_voters();
	test_outside();
	test_set();
	test_diff();
	report_fini(&rep);
	safe_fini(&m);
	return tap_done();
}
