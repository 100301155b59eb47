/* SPDX-License-Identifier: ISC */
/* libconfuse with our messages. */

#include "conf.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static void conf_error(cfg_t *, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

static void
conf_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[512];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (cfg != NULL && cfg->filename != NULL)
		log_warnx("%s:%d: %s", cfg->filename, cfg->line, text);
	else
		log_warnx("%s", text);
}

cfg_t *
conf_load(const char *path, cfg_opt_t *opts, bool must_exist,
    int (*check)(cfg_t *cfg))
{
	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	int rc;

	if (cfg == NULL)
		fatalx(71, "%s: configuration: no memory", path);
	(void)cfg_set_error_function(cfg, conf_error);
	if (access(path, F_OK) == -1 && errno == ENOENT && !must_exist)
		rc = cfg_parse_buf(cfg, "");
	else
		rc = cfg_parse(cfg, path);
	if (rc == CFG_FILE_ERROR)
		log_warn("%s", path);
	if (rc != CFG_SUCCESS || (check != NULL && check(cfg) != 0)) {
		(void)cfg_free(cfg);
		return NULL;
	}
	return cfg;
}

int
conf_check_int(cfg_t *sec, const char *name, long min, long max)
{
	long value = cfg_getint(sec, name);

	if (value >= min && value <= max)
		return 0;
	cfg_error(sec, "%s: %ld is not within %ld..%ld", name, value, min,
	    max);
	return 1;
}

int
conf_check_word(cfg_t *sec, const char *name, const char *words)
{
	const char *value = cfg_getstr(sec, name), *p = words;
	size_t len = value != NULL ? strlen(value) : 0;

	while (len > 0 && *p != '\0') {
		size_t n = strcspn(p, " ");

		if (n == len && strncmp(p, value, n) == 0)
			return 0;
		p += n + (p[n] == ' ');
	}
	cfg_error(sec, "%s: \"%s\" is not one of: %s", name,
	    value != NULL ? value : "", words);
	return 1;
}

void
conf_print(cfg_t *cfg, FILE *out)
{
	(void)cfg_print(cfg, out);
}
