/* SPDX-License-Identifier: ISC */
/*
 * What must be in the directory: inodes and the names that lead to them.  Pure;
 * the steps are those that an application makes and whose outcome after a crash
 * is one of two: as before, or as after.  So a write stays in one block, and a
 * truncation is to whole blocks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dirops.h"

void
model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
	for (int i = 0; i < SLOTS; i++) {
		m->slot[i] = -1;
		m->inode[i].data = calloc(1, SIZE_MAX_);
		if (m->inode[i].data == NULL)
			abort();
	}
}

void
model_clear(struct model *m)
{
	for (int i = 0; i < SLOTS; i++) {
		m->slot[i] = -1;
		m->inode[i].kind = K_NONE;
	}
}

int
model_new(struct model *m, enum kind kind)
{
	struct inode *n;
	uint8_t *data;

	for (int i = 0; i < SLOTS; i++) {
		n = &m->inode[i];
		if (n->kind != K_NONE)
			continue;
		data = n->data;
		memset(data, 0, SIZE_MAX_);
		*n = (struct inode){ .kind = kind, .nlink = 1, .data = data,
		    .mode = kind == K_DIR ? 0755 : 0644 };
		return i;
	}
	abort();	/* as many inodes as slots */
}

static void
release(struct model *m, int slot)
{
	struct inode *n;

	if (m->slot[slot] == -1)
		return;
	n = &m->inode[m->slot[slot]];
	m->slot[slot] = -1;
	if (--n->nlink == 0)
		n->kind = K_NONE;
}

static enum kind
kind_at(const struct model *m, int slot)
{
	return m->slot[slot] == -1 ? K_NONE : m->inode[m->slot[slot]].kind;
}

bool
model_can(const struct model *m, const struct step *s)
{
	enum kind a = kind_at(m, s->a), b = kind_at(m, s->b);

	switch (s->verb) {
	case V_CREATE:
	case V_SYMLINK:
	case V_MKDIR:
		return a == K_NONE;
	case V_WRITE:
	case V_PUNCH:
	case V_XATTR:
	case V_MODE:
	case V_OWNER:
		return a == K_FILE;
	case V_TRUNCATE:
		return a == K_FILE &&
		    s->n * BLOCK < m->inode[m->slot[s->a]].size;
	case V_RENAME:
		return s->a != s->b && a != K_NONE && (b == K_NONE ||
		    (a != K_DIR && b != K_DIR));
	case V_EXCHANGE:
		return s->a != s->b && a != K_NONE && b != K_NONE;
	case V_LINK:
		return a == K_FILE && b == K_NONE;
	case V_UNLINK:
		return a != K_NONE;
	case V_REPLACE:
		return a != K_DIR;
	default:
		return false;
	}
}

static void
apply_rename(struct model *m, const struct step *s)
{
	int was = m->slot[s->a];

	/* Two names of one file: POSIX wants nothing done. */
	if (was == m->slot[s->b])
		return;
	release(m, s->b);
	m->slot[s->b] = was;
	m->slot[s->a] = -1;
}

static void
apply_names(struct model *m, const struct step *s)
{
	int was = m->slot[s->a];

	switch (s->verb) {
	case V_RENAME:
		apply_rename(m, s);
		break;
	case V_EXCHANGE:
		m->slot[s->a] = m->slot[s->b];
		m->slot[s->b] = was;
		break;
	case V_LINK:
		m->slot[s->b] = was;
		m->inode[was].nlink++;
		break;
	case V_UNLINK:
		release(m, s->a);
		break;
	case V_CREATE:
		m->slot[s->a] = model_new(m, K_FILE);
		break;
	case V_MKDIR:
		m->slot[s->a] = model_new(m, K_DIR);
		break;
	case V_SYMLINK:
		m->slot[s->a] = model_new(m, K_LINK);
		stamp_target(s->stamp, m->inode[m->slot[s->a]].target);
		break;
	default:	/* V_REPLACE */
		release(m, s->a);
		m->slot[s->a] = model_new(m, K_FILE);
		m->inode[m->slot[s->a]].size = s->len;
		stamp_fill(m->inode[m->slot[s->a]].data, s->len, s->stamp);
	}
}

void
model_apply(struct model *m, const struct step *s)
{
	struct inode *n = m->slot[s->a] == -1 ? NULL :
	    &m->inode[m->slot[s->a]];

	switch (s->verb) {
	case V_WRITE:
		stamp_fill(n->data + s->n * BLOCK, s->len, s->stamp);
		if (n->size < s->n * BLOCK + s->len)
			n->size = s->n * BLOCK + s->len;
		break;
	case V_TRUNCATE:
		n->size = s->n * BLOCK;
		memset(n->data + n->size, 0, SIZE_MAX_ - n->size);
		break;
	case V_PUNCH:
		memset(n->data + s->n * BLOCK, 0, BLOCK);
		break;
	case V_MODE:
		n->mode = s->n;
		break;
	case V_OWNER:
		n->uid = n->gid = s->n;
		break;
	case V_XATTR:
		(void)snprintf(n->xattr, sizeof(n->xattr), "%" PRIu64,
		    s->stamp);
		break;
	default:
		apply_names(m, s);
	}
}

/* FNV-1a: it has to tell versions apart, not to resist anybody. */
static uint64_t
hash(const uint8_t *p, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

void
model_digest(const struct model *m, int slot, char out[DIGEST_LEN])
{
	const struct inode *n;

	if (m->slot[slot] == -1) {
		(void)snprintf(out, DIGEST_LEN, "-");
		return;
	}
	n = &m->inode[m->slot[slot]];
	switch (n->kind) {
	case K_FILE:
		(void)snprintf(out, DIGEST_LEN,
		    "f:%o:%u:%u:%u:%zu:%016" PRIx64 ":%s", n->mode, n->uid,
		    n->gid, n->nlink, n->size, hash(n->data, n->size),
		    n->xattr);
		break;
	case K_LINK:
		(void)snprintf(out, DIGEST_LEN, "l:%s", n->target);
		break;
	default:
		(void)snprintf(out, DIGEST_LEN, "d:%o", n->mode);
	}
}

void
stamp_fill(uint8_t *out, size_t len, uint64_t stamp)
{
	char line[33];
	size_t n;

	(void)snprintf(line, sizeof(line), "%031" PRIu64 "\n", stamp);
	for (size_t i = 0; i < len; i += n) {
		n = len - i < 32 ? len - i : 32;
		memcpy(out + i, line, n);
	}
}

void
stamp_target(uint64_t stamp, char out[TARGET_LEN])
{
	(void)snprintf(out, TARGET_LEN, "to-%" PRIu64, stamp);
}

void
slot_dir(int slot, char out[NAME_LEN])
{
	(void)snprintf(out, NAME_LEN, "torture/d%d", slot % DIRS);
}

void
slot_name(int slot, char out[NAME_LEN])
{
	(void)snprintf(out, NAME_LEN, "torture/d%d/s%d", slot % DIRS, slot);
}
