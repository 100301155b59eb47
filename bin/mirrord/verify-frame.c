/* SPDX-License-Identifier: ISC */
/*
 * Fields of the frames in verify-frame.h, both ways, by a switch each.  Pure.
 */
#include "verify-frame.h"

#include <string.h>

#include "wire.h"

static void
put_attr(struct frame_out *f, const struct verify_attr *a)
{
	frame_put_u8(f, a->flags);
	frame_put_u32(f, a->mode);
	frame_put_u32(f, a->uid);
	frame_put_u32(f, a->gid);
	frame_put_u32(f, a->rdev);
	frame_put_u64(f, a->size);
	frame_put_i64(f, a->mtime.tv_sec);
	frame_put_u32(f, (uint32_t)a->mtime.tv_nsec);
	frame_put_raw(f, a->xattrs, VB_HASH_LEN);
	frame_put_raw(f, a->target, VB_HASH_LEN);
}

static void
get_attr(struct verify_attr *a, struct frame_in *f)
{
	const void *x, *t;

	a->flags = frame_get_u8(f);
	a->mode = frame_get_u32(f);
	a->uid = frame_get_u32(f);
	a->gid = frame_get_u32(f);
	a->rdev = frame_get_u32(f);
	a->size = frame_get_u64(f);
	a->mtime.tv_sec = frame_get_i64(f);
	a->mtime.tv_nsec = frame_get_u32(f);
	x = frame_get_raw(f, VB_HASH_LEN);
	t = frame_get_raw(f, VB_HASH_LEN);
	if (f->bad || a->mtime.tv_nsec >= 1000000000) {
		f->bad = true;
		return;
	}
	memcpy(a->xattrs, x, VB_HASH_LEN);
	memcpy(a->target, t, VB_HASH_LEN);
}

size_t
verify_frame_put(void *buf, size_t size, const struct verify_frame *v)
{
	struct frame_out f;

	wire_begin(&f, buf, size, v->type, v->oid);
	frame_put_u64(&f, v->run);
	switch (v->type) {
	case VF_NAMES:
		frame_put_bytes(&f, v->bytes, v->bytes_len);
		break;
	case VF_ATTR:
		put_attr(&f, &v->attr);
		break;
	case VF_DATA:
		frame_put_u64(&f, v->off);
		frame_put_u64(&f, v->len);
		frame_put_bytes(&f, v->bytes, v->bytes_len);
		break;
	case VF_HOLE:
		frame_put_u64(&f, v->off);
		frame_put_u64(&f, v->len);
		break;
	case VF_BARRIER:
		frame_put_u64(&f, v->number);
		break;
	case VF_DONE:
		frame_put_u64(&f, v->number);
		frame_put_u8(&f, v->more);
		break;
	case VF_SUSPECT:
	case VF_VERDICT:
		frame_put_u8(&f, v->kind);
		frame_put_str(&f, v->name);
		frame_put_u64(&f, v->off);
		frame_put_u64(&f, v->len);
		if (v->type == VF_VERDICT)
			frame_put_u32(&f, v->what);
		break;
	case VF_END:
		frame_put_str(&f, v->text);
		break;
	default:
		break;
	}
	return frame_end(&f);
}

static bool
is_name(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL &&
	    strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool
is_range(const struct verify_frame *v)
{
	return v->len > 0 && v->off <= (uint64_t)INT64_MAX &&
	    v->len <= (uint64_t)INT64_MAX - v->off;
}

static void
get_data(struct verify_frame *v, struct frame_in *f)
{
	size_t blocks;

	v->off = frame_get_u64(f);
	v->len = frame_get_u64(f);
	v->bytes = frame_get_bytes(f, VB_BLOCKS * VB_HASH_LEN, &v->bytes_len);
	if (f->bad || !is_range(v) || v->len > VB_BLOCKS * VB_BLOCK) {
		f->bad = true;
		return;
	}
	blocks = (size_t)((v->len + VB_BLOCK - 1) / VB_BLOCK);
	if (v->bytes_len != blocks * VB_HASH_LEN)
		f->bad = true;
}

/* A name has no range, a range no name. */
static void
get_about(struct verify_frame *v, struct frame_in *f)
{
	bool good;

	v->kind = frame_get_u8(f);
	(void)frame_get_str(f, v->name, sizeof(v->name)); /* f->bad tells */
	v->off = frame_get_u64(f);
	v->len = frame_get_u64(f);
	if (v->type == VF_VERDICT)
		v->what = frame_get_u32(f);
	switch (v->kind) {
	case VK_NAME:
		good = is_name(v->name) && v->off == 0 && v->len == 0;
		break;
	case VK_ATTR:
		good = v->name[0] == '\0' && v->off == 0 && v->len == 0;
		break;
	case VK_DATA:
		good = v->name[0] == '\0' && is_range(v);
		break;
	default:
		good = false;
		break;
	}
	if (!good)
		f->bad = true;
}

int
verify_frame_get(struct verify_frame *v, struct frame_in *f, uint64_t oid)
{
	memset(v, 0, sizeof(*v));
	v->type = f->type;
	v->oid = oid;
	v->run = frame_get_u64(f);
	switch (v->type) {
	case VF_BEGIN:
	case VF_DIR:
		break;
	case VF_NAMES:
		v->bytes = frame_get_bytes(f, VB_LIST_MAX, &v->bytes_len);
		break;
	case VF_ATTR:
		get_attr(&v->attr, f);
		break;
	case VF_DATA:
		get_data(v, f);
		break;
	case VF_HOLE:
		v->off = frame_get_u64(f);
		v->len = frame_get_u64(f);
		if (!is_range(v))
			f->bad = true;
		break;
	case VF_BARRIER:
		v->number = frame_get_u64(f);
		break;
	case VF_DONE:
		v->number = frame_get_u64(f);
		v->more = frame_get_u8(f);
		break;
	case VF_SUSPECT:
	case VF_VERDICT:
		get_about(v, f);
		break;
	case VF_END:
		(void)frame_get_str(f, v->text, sizeof(v->text));
		break;
	default:
		f->bad = true;
		break;
	}
	return frame_done(f) ? 0 : -1;
}

bool
verify_list_add(struct frame_out *list, const char *name, uint64_t oid,
    uint32_t type)
{
	size_t before = list->len;

	frame_put_str(list, name);
	frame_put_u64(list, oid);
	frame_put_u32(list, type);
	if (!list->overflow)
		return true;
	list->overflow = false;
	list->len = before;
	return false;
}

void
verify_list_open(struct frame_in *list, const struct verify_frame *v)
{
	memset(list, 0, sizeof(*list));
	list->buf = v->bytes;
	list->len = v->bytes_len;
}

bool
verify_list_next(struct frame_in *list, char name[OP_NAME_MAX + 1],
    uint64_t *oid, uint32_t *type)
{
	if (list->bad || list->pos == list->len)
		return false;
	(void)frame_get_str(list, name, OP_NAME_MAX + 1);
	*oid = frame_get_u64(list);
	*type = frame_get_u32(list);
	if (!list->bad && !is_name(name))
		list->bad = true;
	return !list->bad;
}
