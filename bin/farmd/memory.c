/* SPDX-License-Identifier: ISC */
/*
 * /run/holdfast/M/farm: what the next farmd must know so that traffic goes
 * on.  Written after the filters and before the blob: what the others act
 * upon is never more than what is in it.
 *
 *	holdfast-farm 1
 *	wish serve=open state=UP quality=Ready since_s=... i=7
 *	filter backend=nft vmac=0
 *	accord ...
 */
#include "farm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"
#include "xalloc.h"

#define FIRST_LINE	"holdfast-farm 1"

static const char *
path_of(char path[PATH_LEN], const struct farm *f)
{
	return path_run(path, "%s/farm", f->d->module);
}

static void
filter_line(struct line_out *o, const struct farm *f)
{
	line_begin(o, "filter");
	line_add(o, "backend", f->is_filtered ? filters_name(f->filters) :
	    "");
	line_add_num(o, "vmac", f->use_vmac);
	(void)line_end(o);	/* bounded */
}

bool
memory_save(struct farm *f)
{
	char path[PATH_LEN], *accord = xcalloc(1, ACCORD_SAVE_MAX);
	char *text = xcalloc(1, FARM_SAVE_MAX);
	struct line_out wish, filter;
	bool good = accord_save(f->accord, accord, ACCORD_SAVE_MAX);
	int len;

	wish_line(&wish, &f->wish);
	(void)line_end(&wish);	/* all of it is bounded */
	filter_line(&filter, f);
	len = snprintf(text, FARM_SAVE_MAX, "%s\n%s%saccord %s", FIRST_LINE,
	    wish.text, filter.text, accord);
	if (good && len < FARM_SAVE_MAX)
		good = statefile_write_volatile(path_of(path, f), text,
		    (size_t)len, 0600) == 0;
	else {
		good = false;
		errno = EMSGSIZE;
	}
	if (!good) {
		/* An old one would be a lie; without, a farmd begins anew. */
		log_warn("%s", path);
		(void)unlink(path);
	}
	free(accord);
	free(text);
	return good;
}

/* --- and back ------------------------------------------------------- */

static const char *
take_line(struct farm *f, const char *text, size_t len)
{
	struct line *l = xcalloc(1, sizeof(*l));
	const char *why = NULL, *value;

	if (line_parse(l, text, len, &why) == 0) {
		why = NULL;
		if (strcmp(l->verb, "wish") == 0) {
			value = line_get(l, "serve");
			if (value == NULL || wish_serve_parse(&f->wish.serve,
			    value) == -1)
				why = "no such wish";
			wish_parse(&f->wish, l);
		} else if (strcmp(l->verb, "filter") == 0) {
			value = line_get(l, "backend");
			(void)snprintf(f->backend, sizeof(f->backend), "%s",
			    value != NULL ? value : "?");
			f->use_vmac = line_get_bool(l, "vmac");
		}
	}
	free(l);
	return why;
}

static const char *
take_all(struct farm *f, const char *text)
{
	static const char accord[] = "accord ";
	const char *why = "not of this version", *end;

	if (strncmp(text, FIRST_LINE "\n", sizeof(FIRST_LINE)) != 0)
		return why;
	text += sizeof(FIRST_LINE);
	/* The agreement's may have lines of its own: it is the rest. */
	while (strncmp(text, accord, sizeof(accord) - 1) != 0) {
		end = strchr(text, '\n');
		if (end == NULL)
			return "cut short";
		why = take_line(f, text, (size_t)(end - text));
		if (why != NULL)
			return why;
		text = end + 1;
	}
	return accord_restore(f->accord, text + sizeof(accord) - 1,
	    mono_now(), &why) == 0 ? NULL : why;
}

bool
memory_load(struct farm *f)
{
	char path[PATH_LEN];
	size_t len;
	char *text = statefile_read(path_of(path, f), FARM_SAVE_MAX, &len);
	const char *why;

	if (text == NULL) {
		if (errno != ENOENT)
			log_warn("%s", path);
		return false;
	}
	why = take_all(f, text);
	if (why != NULL) {
		memset(&f->wish, 0, sizeof(f->wish));
		(void)snprintf(f->backend, sizeof(f->backend), "?");
		log_warnx("%s: %s: begins anew, without a share", path, why);
	}
	free(text);
	return why == NULL;
}
