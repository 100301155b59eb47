/* SPDX-License-Identifier: ISC */
/* What moduled wishes this node to do in the farm. */
#ifndef FARMD_WISH_H
#define FARMD_WISH_H

#include <stdbool.h>
#include <stdint.h>

#include "line.h"

#include "farm-blob.h"

enum farm_serve { FARM_NONE, FARM_HOLD, FARM_DRAIN, FARM_OPEN };

/* moduled's wish, whole. */
struct farm_wish {
	enum farm_serve	serve;
	char		state[FARM_BLOB_WORD];
	char		quality[FARM_BLOB_WORD];
	char		reason[FARM_BLOB_WORD];
	int64_t		since_s;
	bool		standby;
	int64_t		number;		/* i= */
};

const char	*wish_serve_name(enum farm_serve s);
/* 0, or -1: no such name. */
int	wish_serve_parse(enum farm_serve *s, const char *text);
/* All of a wish but serve=; what is not there is empty. */
void	wish_parse(struct farm_wish *w, const struct line *l);
/* The line of the state file; another verb goes before it. */
void	wish_line(struct line_out *o, const struct farm_wish *w);

#endif
