/* SPDX-License-Identifier: ISC */
/*
 * Any record in the store of a voter, and any `id' beside it: the store opens
 * with it, without it or with another voter in its place; what it then says
 * of the module outlives the next start, and so does a vote.
 */
#include "../../bin/witnessd/store.h"

#include <stdlib.h>
#include <string.h>

#include "../../bin/witnessd/slots.h"
#include "crc32c.h"
#include "frame.h"
#include "seal.h"
#include "state.h"

#define RECORD	"lab:web"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The blocks of a file: u8 say (1 spoil the seal, 2 no binding, 4 another
 * binding, 8 another magic), u8 seq, u16 length, bytes.
 */
static void
put_block(int fd, unsigned at, uint32_t magic, struct state_in *in)
{
	unsigned say = (unsigned)state_get(in, 1);
	uint8_t block[SLOT_LEN] = { 0 };
	struct frame_out f = { .buf = block, .size = sizeof(block) };
	uint64_t seq = state_get(in, 1), binding;
	size_t len = state_get(in, 2) % (SLOT_BODY_MAX + 9);
	uint32_t crc;

	len = len < in->len ? len : in->len;
	if (slots_binding(fd, &binding) == -1)
		abort();
	binding = (say & 2) != 0 ? 0 : binding ^ (say & 4);
	frame_put_u32(&f, magic ^ (say & 8));
	frame_put_u32(&f, 0);
	frame_put_u64(&f, seq);
	frame_put_u64(&f, binding);
	frame_put_u32(&f, (uint32_t)len);
	memcpy(block + f.len, in->p, len < SLOT_BODY_MAX ? len :
	    SLOT_BODY_MAX);
	in->p += len;
	in->len -= len;
	crc = crc32c(0, block, sizeof(block)) ^ (say & 1);
	f.len = 4;
	frame_put_u32(&f, crc);
	if (pwrite(fd, block, sizeof(block), (off_t)at * SLOT_LEN) !=
	    sizeof(block))
		abort();
}

static void
put_file(int dir, const char *name, uint32_t magic, struct state_in *in)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);

	if (fd == -1)
		abort();
	put_block(fd, 0, magic, in);
	put_block(fd, 1, magic, in);
	(void)close(fd);	/* memory */
}

static struct store *
reopen(struct store *s)
{
	char dir[80];

	store_close(s);
	(void)snprintf(dir, sizeof(dir), "%s/s", state_path);
	s = store_open(dir, 2);
	if (s == NULL)
		abort();
	return s;
}

/* What was said before and after a start must be equal. */
static struct store *
check_again(struct store *s)
{
	const struct record *r = store_find(s, "lab", "web");
	struct record was = { 0 };
	uint64_t id = store_id(s);

	if (r != NULL)
		was = *r;
	s = reopen(s);
	r = store_find(s, "lab", "web");
	if (store_id(s) != id || (r == NULL) != (was.module[0] == '\0') ||
	    (r != NULL && (r->state != was.state || r->voter != was.voter ||
	    epoch_cmp(r->ballot.promised, was.ballot.promised) != 0 ||
	    !reg_value_equal(&r->ballot.value, &was.ballot.value))))
		abort();
	return s;
}

static void
check(void)
{
	struct store *s = check_again(reopen(NULL));
	const struct record *r = store_find(s, "lab", "web");
	struct ballot b = { .promised = { 0, 9, 1 } };

	if (r != NULL && r->state == RECORD_UNREADABLE) {
		if (store_write(s, "lab", "web", &b) == 0 ||
		    store_forget(s, "lab", "web") == -1)
			abort();
		s = check_again(s);
	}
	if (store_write(s, "lab", "web", &b) == -1)
		abort();
	r = store_find(s, "lab", "web");
	if (r == NULL || epoch_cmp(r->ballot.promised, b.promised) != 0)
		abort();
	store_close(check_again(s));
}

static void
clean(int dir)
{
	int aside = openat(dir, "aside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (aside != -1) {
		(void)unlinkat(aside, RECORD, 0);
		(void)close(aside);	/* memory */
		(void)unlinkat(dir, "aside", AT_REMOVEDIR);
	}
	(void)unlinkat(dir, RECORD, 0);
	(void)unlinkat(dir, "id", 0);
	(void)close(dir);	/* memory */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state_in in = { .p = data, .len = size };
	int top = state_up(), dir;
	bool has_id = state_get(&in, 1) & 1;

	seal_init();
	if (mkdirat(top, "s", 0700) == -1 || (dir = openat(top, "s",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		abort();
	put_file(dir, RECORD, 0x48465652, &in);		/* HFVR */
	if (has_id)
		put_file(dir, "id", 0x48465649, &in);	/* HFVI */
	check();
	clean(dir);
	state_down(top);
	return 0;
}
