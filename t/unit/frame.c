/* SPDX-License-Identifier: ISC */
/* Frames: round trip, short data, leftovers, impossible lengths. */

#include "frame.h"

#include "tap.h"

static uint8_t buf[512];

static size_t
build(void)
{
	struct frame_out f;

	frame_begin(&f, buf, sizeof(buf), 7, 3, 0x1122334455667788ULL);
	frame_put_u8(&f, 0xab);
	frame_put_u16(&f, 0xabcd);
	frame_put_u32(&f, 0xabcdef01);
	frame_put_u64(&f, UINT64_MAX);
	frame_put_i64(&f, -5);
	frame_put_epoch(&f, (struct epoch){ 1, 7, 2 });
	frame_put_str(&f, "name");
	frame_put_bytes(&f, "\0x", 2);
	return frame_end(&f);
}

static bool
read_all(size_t len)
{
	struct frame_in f;
	char name[16];
	size_t n;
	const char *p;
	struct epoch e;
	bool good;

	if (frame_open(&f, buf, len) == -1)
		return false;
	good = f.type == 7 && f.flags == 3 &&
	    f.sequence == 0x1122334455667788ULL;
	good &= frame_get_u8(&f) == 0xab;
	good &= frame_get_u16(&f) == 0xabcd;
	good &= frame_get_u32(&f) == 0xabcdef01;
	good &= frame_get_u64(&f) == UINT64_MAX;
	good &= frame_get_i64(&f) == -5;
	e = frame_get_epoch(&f);
	good &= e.era == 1 && e.n == 7 && e.node == 2;
	good &= frame_get_str(&f, name, sizeof(name)) == 0 &&
	    strcmp(name, "name") == 0;
	p = frame_get_bytes(&f, 2, &n);
	good &= p != NULL && n == 2 && p[1] == 'x';
	return good && frame_done(&f);
}

static void
set_length(size_t len)
{
	buf[0] = buf[1] = 0;
	buf[2] = (uint8_t)(len >> 8);
	buf[3] = (uint8_t)len;
}

int
main(void)
{
	struct frame_out o;
	struct frame_in f;
	char small[4];
	size_t len = build(), n, cut;

	ok(len > FRAME_HEADER_LEN, "built: %zu bytes", len);
	ok(read_all(len), "read back");
	is_num(frame_length(buf, len), len, "its length is in front");
	is_num(frame_length(buf, 3), 0, "not yet known");
	for (cut = 0; cut < len; cut++) {
		if (cut >= FRAME_HEADER_LEN)
			set_length(cut);
		if (read_all(cut))
			break;
	}
	is_num(cut, len, "no shorter frame is read as good");
	set_length(len + 1);
	ok(!read_all(len + 1), "bytes left over are bad");
	memset(buf, 0xff, 4);
	ok(frame_length(buf, 4) == -1, "a gigantic length is refused");
	memset(buf, 0, 4);
	ok(frame_length(buf, 4) == -1, "a length below the header is refused");

	frame_begin(&o, buf, FRAME_HEADER_LEN + 8, 1, 0, 0);
	frame_put_str(&o, "12345");
	ok(frame_end(&o) == 0, "overflow is told at the end");

	frame_begin(&o, buf, sizeof(buf), 1, 0, 0);
	frame_put_str(&o, "12345");
	len = frame_end(&o);
	(void)frame_open(&f, buf, len);
	ok(frame_get_str(&f, small, sizeof(small)) == -1 && !frame_done(&f),
	    "a string longer than its bound is bad");
	(void)frame_open(&f, buf, len);
	ok(frame_get_bytes(&f, 4, &n) == NULL && n == 0 && f.bad,
	    "bytes longer than their bound are bad");
	ok(frame_get_u32(&f) == 0, "and stay so");
	return tap_done();
}
