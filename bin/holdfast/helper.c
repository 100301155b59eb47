/* SPDX-License-Identifier: ISC */
/*
 * What the scripts of modules find beside the verbs.  Kept to what the
 * reference's scripts were seen to call.
 */
#include "helper.h"

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "config-xml.h"
#include "paths.h"
#include "statefile.h"

#define BOUND_EXPIRED	2
#define KILL_AFTER_S	5

static int
print_xpath(xmlDoc *doc, const char *expression)
{
	xmlXPathContext *ctx = xmlXPathNewContext(doc);
	xmlXPathObject *o;
	xmlChar *text = NULL;
	int rc = 1;

	if (ctx == NULL)
		return EX_OSERR;
	o = xmlXPathEvalExpression((const xmlChar *)expression, ctx);
	if (o == NULL) {
		fprintf(stderr, "xpathGet: %s: is no XPath expression\n",
		    expression);
		rc = EX_USAGE;
	} else if (o->type != XPATH_NODESET) {
		text = xmlXPathCastToString(o);
	} else if (o->nodesetval != NULL && o->nodesetval->nodeNr > 0) {
		text = xmlXPathCastNodeToString(o->nodesetval->nodeTab[0]);
	}
	if (text != NULL) {
		printf("%s\n", (const char *)text);
		xmlFree(text);
		rc = 0;
	}
	xmlXPathFreeObject(o);
	xmlXPathFreeContext(ctx);
	return rc;
}

int
helper_xpath_get(int argc, char **argv)
{
	xmlDoc *doc;
	char *text;
	size_t len;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: xpathGet XPATH FILE\n");
		return EX_USAGE;
	}
	text = statefile_read(argv[2], XML_FILE_MAX, &len);
	if (text == NULL) {
		fprintf(stderr, "xpathGet: %s: %s\n", argv[2],
		    strerror(errno));
		return EX_NOINPUT;
	}
	doc = xmlReadMemory(text, (int)len, argv[2], NULL,
	    XML_PARSE_NONET | XML_PARSE_NOCDATA);
	free(text);
	if (doc == NULL)
		return EX_DATAERR;
	rc = print_xpath(doc, argv[1]);
	xmlFreeDoc(doc);
	return rc;
}

/* SIGALRM only has to interrupt waitpid(2). */
static void
on_alarm(int signo)
{
	(void)signo;
}

static int
wait_bounded(pid_t pid)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int status, killed = 0;

	sigaction(SIGALRM, &sa, NULL);
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return EX_OSERR;
		/* Asked first, then ended; its whole group. */
		(void)kill(-pid, killed ? SIGKILL : SIGTERM);
		killed = 1;
		alarm(KILL_AFTER_S);
	}
	if (killed) {
		(void)kill(-pid, SIGKILL);	/* what it left behind */
		return BOUND_EXPIRED;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

int
helper_boundcmd(int argc, char **argv)
{
	char *end;
	long s;
	pid_t pid;

	s = argc > 2 ? strtol(argv[1], &end, 10) : -1;
	if (argc < 3 || end == argv[1] || *end != '\0' || s < 1 ||
	    s > 1000000) {
		fprintf(stderr, "usage: boundcmd SECONDS COMMAND [ARG...]\n");
		return EX_USAGE;
	}
	pid = fork();
	if (pid == -1) {
		perror("boundcmd: fork");
		return EX_OSERR;
	}
	if (pid == 0) {
		(void)setpgid(0, 0);	/* the parent does it too */
		execvp(argv[2], argv + 2);
		fprintf(stderr, "boundcmd: %s: %s\n", argv[2],
		    strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	(void)setpgid(pid, pid);	/* whoever is first */
	alarm((unsigned)s);
	return wait_bounded(pid);
}

int
helper_print_env(void)
{
	char path[PATH_LEN];

	printf("SAFE=%s\n", path_lib(path, "%s", ""));
	printf("SAFEBIN=%s\n", path_lib(path, "bin"));
	printf("SAFEVAR=%s\n", path_state(path, "%s", ""));
	return 0;
}

int
helper_run(char **argv)
{
	char path[PATH_LEN];

	if (strchr(argv[0], '/') != NULL || strlen(argv[0]) > 64) {
		fprintf(stderr, "safekit -r %s: is no command name\n",
		    argv[0]);
		return EX_USAGE;
	}
	execv(path_lib(path, "bin/%s", argv[0]), argv);
	fprintf(stderr, "safekit -r %s: %s: not in this release\n", argv[0],
	    strerror(errno));
	return EX_UNAVAILABLE;
}
