/* SPDX-License-Identifier: ISC */
/* The chain of causes out of the lines of an events file. */
#include <stdio.h>
#include <string.h>

#include "tap.h"

#include "../../bin/moduled/chain.h"

#define T "2026-11-22T21:30:0"

static const char takeover[] =
    T "0.000 | E | moduled | Transition SECOND -> ALONE (promoted)\n"
    T "1.000 | U | moduled | Action stop called by root\n"
    T "1.100 | E | moduled | Transition WAIT -> STOP (stopped)\n"
    T "2.000 | U | moduled | Action start called by root: after work\n"
    T "2.001 | E | moduled | Transition STOP -> WAIT (start)\n"
    T "2.002 | S | script | Script prestart\n"
    T "3.000 | E | moduled | Transition WAIT -> SECOND (follow)\n"
    T "4.000 | I | mirrord | Resource rfs.uptodate set to up by mirrord\n"
    T "5.000 | I | heartd | Resource heartbeat.lan1 set to down by heartd\n"
    T "5.001 | W | heartd | n1 is silent on all networks\n"
    T "5.500 | W | heartd | n1 is silent on all networks\n"
    T "6.000 | E | moduled | Transition SECOND -> ALONE (promoted)\n";

static void
whole(void)
{
	struct chain c;

	chain_read(&c, takeover, strlen(takeover));
	is_num(c.count, 6, "back to the last start, without what is no cause");
	is_str(c.link[0].text, "SECOND -> ALONE: it has the data and serves",
	    "newest first, in words");
	is_str(c.link[0].time, T "6.000", "with its time");
	is_str(c.link[1].text, "heartd: n1 is silent on all networks",
	    "who saw it");
	is_num(c.link[1].times, 2, "the same in a row is counted");
	is_str(c.link[2].text,
	    "heartd: Resource heartbeat.lan1 set to down by heartd",
	    "a loss is a cause");
	is_str(c.link[5].text, "Action start called by root: after work",
	    "who asked for it ends the chain");
}

/* Started at boot: nobody asked, and what was before is another life. */
static void
boot(void)
{
	static const char text[] =
	    T "0.000 | E | moduled | Transition ALONE -> PRIM (joined)\n"
	    T "2.001 | E | moduled | Transition STOP -> WAIT (start)\n";
	struct chain c;

	chain_read(&c, text, strlen(text));
	is_num(c.count, 1, "the start is the end");
	is_str(c.link[0].text, "STOP -> WAIT: started", "and is told");
}

/* A rule stopped and started it: that is the cause, not the start. */
static void
again(void)
{
	static const char text[] =
	    T "0.000 | E | moduled | Action stopstart from failover rule q\n"
	    T "1.000 | E | moduled | Transition WAIT -> STOP (stopped)\n"
	    T "1.001 | E | moduled | Starts again after stopstart by q\n"
	    T "1.002 | E | moduled | Transition STOP -> WAIT (start)\n";
	struct chain c;

	chain_read(&c, text, strlen(text));
	is_num(c.count, 2, "the start, and who asked for it");
	is_str(c.link[1].text, "Starts again after stopstart by q", "a rule");
}

static void
pieces(void)
{
	static const char odd[] = "cut line\n"
	    " | | |\n"
	    "t | EE | moduled | x\n"
	    "t | E | moduled | \n"
	    "t | E | moduled | Transition PRIM -> WAIT (unheard of)\n"
	    "t | W | long | last without an end";
	static char many[64 * 1024];
	struct chain c;
	size_t len = 0;
	int i;

	chain_read(&c, "", 0);
	is_num(c.count, 0, "nothing happened");
	chain_read(&c, odd, strlen(odd));
	is_num(c.count, 2, "what is no line is left out");
	is_str(c.link[1].text, "Transition PRIM -> WAIT (unheard of)",
	    "an unknown event stays as it is");
	chain_read(&c, odd, strlen(odd) - 10);
	is_str(c.link[0].text, "long: last with", "no byte behind the end");
	for (i = 0; i < 1000; i++)
		len += (size_t)snprintf(many + len, sizeof(many) - len,
		    "t | W | x | number %d\n", i);
	chain_read(&c, many, len);
	is_num(c.count, CHAIN_MAX, "bounded");
	is_str(c.link[0].text, "x: number 999", "by the oldest");
}

int
main(void)
{
	whole();
	boot();
	again();
	pieces();
	return tap_done();
}
