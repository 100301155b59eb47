/* SPDX-License-Identifier: ISC */
/* See code.h. */
#include "code.h"

#include <stddef.h>
#include <string.h>

static const struct row {
	const char		*code;
	enum code_weight	 weight;
	bool			 shared;
} rows[] = {
	{ "address-conflict",	CODE_CRITICAL,	false },
	{ "alone",		CODE_WARNING,	false },
	{ "checks-silent",	CODE_WARNING,	false },
	{ "config-differs",	CODE_WARNING,	true },
	{ "daemon-down",	CODE_CRITICAL,	false },
	{ "disk-filling",	CODE_WARNING,	true },
	{ "disk-full",		CODE_CRITICAL,	true },
	{ "disk-smaller",	CODE_WARNING,	true },
	/* Nobody needs it to serve, but somebody has to look at it. */
	{ "diverged-kept",	CODE_WARNING,	false },
	/* Somebody said so. */
	{ "farm-drain",		CODE_QUIET,	false },
	{ "farm-no-flood",	CODE_WARNING,	true },
	{ "farm-no-power",	CODE_CRITICAL,	true },
	{ "farm-node-out",	CODE_WARNING,	true },
	{ "farm-rules-gone",	CODE_WARNING,	false },
	{ "farm-waits",		CODE_WARNING,	true },
	{ "fencing-silent",	CODE_WARNING,	false },
	{ "foreign",		CODE_WARNING,	true },
	/* Ends by itself within two minutes. */
	{ "frozen",		CODE_QUIET,	true },
	/* How most clusters of two are built. */
	{ "heartbeats-only",	CODE_QUIET,	true },
	/* Somebody said so, and it ends by itself. */
	{ "maintenance",	CODE_QUIET,	true },
	{ "maxloop",		CODE_CRITICAL,	false },
	{ "module-id",		CODE_WARNING,	true },
	{ "nodes-differ",	CODE_CRITICAL,	true },
	{ "released",		CODE_WARNING,	true },
	{ "resource-down",	CODE_WARNING,	false },
	/* Nobody asked for that stop. */
	{ "rule-stop",		CODE_CRITICAL,	false },
	{ "script-failed",	CODE_WARNING,	false },
	{ "standby",		CODE_WARNING,	false },
	/* As it is meant to be, between two times of <rfs syncat>. */
	{ "syncat",		CODE_QUIET,	false },
	{ "vote-refused",	CODE_WARNING,	false },
	{ "voter-odd",		CODE_WARNING,	true },
	{ "voter-silent",	CODE_WARNING,	true },
	{ "voters-new",		CODE_QUIET,	true },
	/* It may be this node that is cut off. */
	{ "voters-silent",	CODE_WARNING,	false },
};

#define COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct row *
find(const char *code)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(rows[i].code, code) == 0)
			return &rows[i];
	return NULL;
}

enum code_weight
code_weight(const char *code)
{
	const struct row *r = find(code);

	return r != NULL ? r->weight : CODE_WARNING;
}

bool
code_is_shared(const char *code)
{
	const struct row *r = find(code);

	return r != NULL && r->shared;
}

const char *
code_at(unsigned i)
{
	return i < COUNT ? rows[i].code : NULL;
}
