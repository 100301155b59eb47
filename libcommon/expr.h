/* SPDX-License-Identifier: ISC */
/*
 * Conditions over resources, as the rules of <failover> have them:
 *
 *	custom.lag == down && remote.rfs.uptodate == up
 *
 * holdfast(8) reads them out of userconfig.xml and writes them, in one form,
 * into moduled.conf; moduled asks whether they hold.  Described in
 * userconfig.xml(5).  Pure.
 */
#ifndef COMMON_EXPR_H
#define COMMON_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#define EXPR_NODES	64
#define EXPR_WORD	128

/*
 * What is not known makes no rule hold: a resource that is not there, or is
 * `init', compared with anything but `init'.
 */
enum tri { TRI_NO, TRI_YES, TRI_UNKNOWN };

struct expr;

/*
 * Reads an expression; *end is where it stopped, at the end of the text or
 * at a `)' of nobody's.  NULL: *end is the place of the fault and why says
 * what is wrong.
 */
struct expr	*expr_parse(const char *text, const char **end, char *why,
		    size_t why_size);
void		 expr_free(struct expr *e);
/* Past blanks, ends of lines and comments, as between any two words. */
const char	*expr_skip(const char *p);
/* In the form that is written to files; false: it did not fit. */
bool		 expr_text(const struct expr *e, char *buf, size_t size);

/*
 * The i-th resource here, or of the other node; false: there are no more.
 * A remote value of NULL with i = 0 and true: the other node is not heard.
 */
struct expr_world {
	bool	(*get)(bool remote, unsigned i, const char **name,
		    const char **value, void *arg);
	void	*arg;
};

enum tri	 expr_eval(const struct expr *e, const struct expr_world *w);

/*
 * The resources it names, one by one: "custom.lag", "heartbeat.*"; false:
 * there are no more.
 */
bool		 expr_resource(const struct expr *e, unsigned i, bool *remote,
		    const char **name);
/* "custom.lag is down, remote.rfs.uptodate is up"; returns buf. */
const char	*expr_explain(const struct expr *e,
		    const struct expr_world *w, char *buf, size_t size);

#endif
