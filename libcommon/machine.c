/* SPDX-License-Identifier: ISC */

/* Also where there is no such file: a container, a machine before boot. */

#include "machine.h"

#include <ctype.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "paths.h"
#include "statefile.h"

#define ID_LEN	32

/* Beside our own directory, which a machine may not have yet. */
static char *
read_id(size_t *len)
{
	char path[PATH_LEN], dir[PATH_LEN];

	(void)path_etc(path, "%s", "");
	(void)snprintf(dir, sizeof(dir), "%s", dirname(path));
	if (snprintf(path, sizeof(path), "%s/machine-id", dir) >=
	    (int)sizeof(path))
		return NULL;
	return statefile_read(path, 256, len);
}

void
machine_hash(uint8_t out[MACHINE_LEN])
{
	static const char context[] = "holdfast machine";
	char *text;
	size_t len, i;

	memset(out, 0, MACHINE_LEN);
	text = read_id(&len);
	if (text == NULL)
		return;
	for (i = 0; i < len && isxdigit((unsigned char)text[i]); i++)
		;
	/* `uninitialized', or an image that waits for its first boot. */
	if (i == ID_LEN)
		(void)crypto_generichash(out, MACHINE_LEN,
		    (const unsigned char *)text, ID_LEN,
		    (const unsigned char *)context, sizeof(context) - 1);
	free(text);
}

bool
machine_is_known(const uint8_t m[MACHINE_LEN])
{
	return !sodium_is_zero(m, MACHINE_LEN);
}

void
machine_text(char out[MACHINE_TEXT_LEN], const uint8_t m[MACHINE_LEN])
{
	(void)sodium_bin2hex(out, MACHINE_TEXT_LEN, m, MACHINE_LEN);
}
