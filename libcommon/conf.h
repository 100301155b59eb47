/* SPDX-License-Identifier: ISC */
/*
 * Daemon files by libconfuse, through one table a file: option, type,
 * default, bounds.  Defaults appear in the table only; -p prints the
 * effective configuration in the same language.  All errors of a file are
 * reported, each as `file:line: text', then conf_load() fails.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <confuse.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Reads path into a new cfg_t built from opts (libconfuse's own table, which
 * holds types and defaults).  check, when not NULL, is called after parsing
 * and reports further errors by cfg_error(); it returns how many it found.
 * must_exist false: an absent file means all defaults.
 * NULL when there were errors: they have been logged.
 */
cfg_t	*conf_load(const char *path, cfg_opt_t *opts, bool must_exist,
	    int (*check)(cfg_t *cfg));
/* Reports `section.option: N is not within MIN..MAX' and returns 1, or 0. */
int	 conf_check_int(cfg_t *sec, const char *name, long min, long max);
/* 1 with a message when the string is empty or not one of the words. */
int	 conf_check_word(cfg_t *sec, const char *name, const char *words);
void	 conf_print(cfg_t *cfg, FILE *out);

#endif
