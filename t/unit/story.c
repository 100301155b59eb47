/* SPDX-License-Identifier: ISC */
/* One chain of causes out of what several nodes tell. */
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#include "../../bin/holdfast/story.h"

static char *
printed(const struct story *s)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	story_print(s, f);
	fclose(f);
	return text;
}

int
main(void)
{
	static struct story s;
	char *text;
	unsigned i;

	story_sort(&s);
	text = printed(&s);
	is_str(text, "", "nothing to tell");
	free(text);
	story_add(&s, "n1", NULL, "m on n1 is WAIT");
	story_add(&s, "n1", "", "waits for n2");
	story_add(&s, "n1", "2026-11-28T02:13:09.000", "left its role");
	story_add(&s, "n1", "2026-11-28T02:13:07.000", "lan1 is down");
	story_add(&s, "node2", NULL, "m on node2 is ALONE");
	story_add(&s, "node2", "2026-11-28T02:13:09.100", "serves");
	story_add(&s, "node2", "2026-11-28T02:13:07.000", "n1 is silent");
	story_sort(&s);
	text = printed(&s);
	is_str(text, "m on n1 is WAIT\n"
	    "  waits for n2\n"
	    "m on node2 is ALONE\n"
	    "how it came to this, newest first:\n"
	    "  2026-11-28T02:13:09.100  node2  serves\n"
	    "  2026-11-28T02:13:09.000  n1     left its role\n"
	    "  2026-11-28T02:13:07.000  n1     lan1 is down\n"
	    "  2026-11-28T02:13:07.000  node2  n1 is silent\n",
	    "states by node, then causes by time, the newest first");
	free(text);
	story_fini(&s);
	for (i = 0; i < STORY_MAX + 10; i++)
		story_add(&s, "n1", "t", "x");
	is_num(s.count, STORY_MAX, "a flood is cut");
	story_fini(&s);
	return tap_done();
}
