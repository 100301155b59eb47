/* SPDX-License-Identifier: ISC */
/*
 * Small programs scripts of modules call: $SAFEBIN/xpathGet and boundcmd,
 * `safekit -p' and `safekit -r CMD'.  Each returns the exit status.
 */
#ifndef HOLDFAST_HELPER_H
#define HOLDFAST_HELPER_H

/* xpathGet XPATH FILE: prints the string of the first node found. */
int	helper_xpath_get(int argc, char **argv);
/* boundcmd SECONDS CMD ARGS: 2 when the time is over, else CMD's status. */
int	helper_boundcmd(int argc, char **argv);
int	helper_print_env(void);
/* Runs a command of $SAFEBIN; only returns when it cannot. */
int	helper_run(char **argv);

#endif
