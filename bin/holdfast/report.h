/* SPDX-License-Identifier: ISC */
/*
 * Everything that is wrong with one file, collected so that all of it can be
 * said at once: `file:line: element@attribute: what is wrong'.
 */
#ifndef HOLDFAST_REPORT_H
#define HOLDFAST_REPORT_H

#include <stdbool.h>
#include <stdio.h>

/* More than this from one file is counted, not kept. */
#define REPORT_MAX	200

struct report_item {
	long	 line;
	bool	 is_error;
	char	*text;
};

struct report {
	char			*file;
	unsigned		 errors;
	unsigned		 warnings;
	unsigned		 count;
	struct report_item	 item[REPORT_MAX];
};

void	report_init(struct report *r, const char *file);
void	report_fini(struct report *r);
/* where: "heart@pulse", "heart" or NULL; line 0: the file as a whole. */
void	report_error(struct report *r, long line, const char *where,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void	report_warn(struct report *r, long line, const char *where,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* In the order of the lines. */
void	report_print(struct report *r, FILE *out);

#endif
