/* SPDX-License-Identifier: ISC */
/*
 * Takes off what lies over a replicated directory: the mirror and the
 * read-only view below it (mirrord(8)).  While mirrord answers it does that
 * itself, in order; else the mounts are aborted: what was acknowledged is in
 * the directory underneath.
 */
#include "rescue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "generation.h"
#include "layer.h"
#include "module-conf.h"
#include "paths.h"
#include "statefile.h"
#include "talk.h"

#define PLAIN_MS	10000

static bool
is_plain(const struct safe *m)
{
	unsigned i;

	for (i = 0; i < m->dir_count; i++)
		if (layer_top(m->dir[i]) != LAYER_NONE)
			return false;
	return true;
}

/* mirrord's own way, if it lives; false: it does not, or not in time. */
static bool
ask_mirrord(const struct safe *m)
{
	struct mono end = mono_add_ms(mono_now(), PLAIN_MS);
	struct line_out o;

	line_begin(&o, "want");
	line_add(&o, "role", "none");
	if (talk(m->name, "mirrord", &o, NULL, NULL) != 0)
		return false;
	while (!is_plain(m) && !mono_passed(end, mono_now()))
		(void)usleep(100000);
	return is_plain(m);
}

/* moduled finds it when it is started again. */
static int
leave_word(const struct cmd *c)
{
	char path[PATH_LEN];
	struct line_out o;

	line_begin(&o, "release");
	line_add_num(&o, "at", (int64_t)time(NULL));
	line_add(&o, "who", talk_who());
	line_add(&o, "why", c->why);
	if (line_end(&o) && statefile_write(path_state(path, "%s/release",
	    c->module), o.text, o.len, 0600) == 0)
		return 0;
	fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
	return -1;
}

int
rescue_release(const struct cmd *c)
{
	struct safe m;
	unsigned i;
	int rc = 0;

	if (c->yes == NULL || strcmp(c->yes, c->module) != 0) {
		fprintf(stderr, "holdfast: holdfastd is not running: whether "
		    "the data here is the newest, whether the application is "
		    "stopped, and whether the other node has taken over, is "
		    "for you to know.  The mounts are taken away all the "
		    "same with `holdfast release %s --yes %s'\n",
		    c->module, c->module);
		return EXIT_UNSAFE;
	}
	if (generation_active(c->module) == 0) {
		fprintf(stderr, "holdfast: %s is not configured on this "
		    "node\n", c->module);
		return EX_NOINPUT;
	}
	if (!module_conf_read(&m, c->module))
		return EX_CONFIG;
	if (strcmp(m.mode, "farm") == 0) {
		fprintf(stderr, "holdfast: %s is a farm module: it has no "
		    "directories to give back\n", c->module);
		safe_fini(&m);
		return EX_USAGE;
	}
	if (leave_word(c) == -1) {
		safe_fini(&m);
		return EX_IOERR;
	}
	if (!ask_mirrord(&m))
		for (i = 0; i < m.dir_count; i++)
			if (layer_take_off(m.dir[i]) == -1)
				rc = EX_OSERR;
	safe_fini(&m);
	if (rc == 0)
		rescue_tell(c->module);
	return rc;
}

void
rescue_tell(const char *module)
{
	struct safe m;
	unsigned i;

	printf("%s is released\n", module);
	if (module_conf_read(&m, module)) {
		for (i = 0; i < m.dir_count; i++)
			printf("  %s is %s\n", m.dir[i],
			    layer_top(m.dir[i]) == LAYER_NONE ?
			    "a plain directory" :
			    "still covered: see `holdfast status'");
		for (i = 0; i < m.addr_count; i++)
			printf("  the address %s is nobody's: `ip addr add' "
			    "if clients need it\n", m.addr[i].addr);
		safe_fini(&m);
	}
	printf("  run the application by hand, then return with `holdfast "
	    "start %s' on this node\n  (holdfast(8), RUNNING BY HAND)\n",
	    module);
}
