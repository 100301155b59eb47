/* SPDX-License-Identifier: ISC */
/* What a farmd says: all of it there and back, and nothing that is wrong. */

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

#include "line.h"

#include "../../bin/farmd/farm-blob.h"

/* Everything as long as it can be in a farm of so many nodes. */
static void
fill(struct farm_blob *b, unsigned nodes)
{
	struct share_member m[SHARE_NODE_MAX];

	memset(b, 0, sizeof(*b));
	memset(m, 0, sizeof(m));
	b->node = 200;
	memset(b->conf, 'a', FARM_BLOB_DIGEST);
	b->role = SHARE_SERVE;
	b->life = 0xffffffff;
	b->outcast = 1;
	b->anchor = 192;
	b->is_idle = b->yields = true;
	b->step = FARM_PREPARED;
	b->prepared_epoch = b->acting.epoch = INT64_MAX;
	b->prepared_digest = UINT64_MAX;
	for (unsigned i = 0; i < nodes; i++) {
		uint8_t id = (uint8_t)(192 + i);

		m[i].id = b->heard[i].id = b->view[i] = b->probe[i] = id;
		b->heard[i].life = 0xffffffff;
		b->heard[i].salt = 0xffff;
		m[i].role = i % 2 ? SHARE_SERVE : SHARE_DRAIN;
		for (unsigned t = 0; t < SHARE_TABLE_MAX; t++)
			m[i].power[t] = 1 + i % (7 + t);
	}
	m[0].role = SHARE_SERVE;
	b->heard_count = b->view_count = b->probe_count = nodes;
	share_next(&b->acting, &b->acting, share_table_limit(nodes), m,
	    nodes);
	for (unsigned t = 0; t < b->acting.tables; t++)
		for (unsigned i = t; i < SHARE_BUCKETS; i += 3 + t)
			share_set_add(&b->keeps, t, i);
	b->mac_count = FARM_BLOB_MAC_MAX;
	for (unsigned i = 0; i < FARM_BLOB_MAC_MAX; i++) {
		b->mac[i].addrs = UINT32_MAX;
		memset(b->mac[i].byte, 0x5a + (int)i, 6);
	}
	b->no_flood = b->standby = true;
	memset(b->delivery, 'd', 8);
	memset(b->backend, 'b', 8);
	memset(b->state, 's', 12);
	memset(b->quality, 'q', 12);
	memset(b->reason, 'r', FARM_BLOB_WORD - 1);
	memset(b->code, 'c', FARM_BLOB_WORD - 1);
	b->since_s = 9999999999;
	b->draining = INT32_MAX;
}

static bool
same(const struct farm_blob *a, const struct farm_blob *b)
{
	return a->node == b->node && strcmp(a->conf, b->conf) == 0 &&
	    a->role == b->role && a->life == b->life &&
	    a->heard_count == b->heard_count &&
	    memcmp(a->heard, b->heard, sizeof(a->heard)) == 0 &&
	    a->down_count == b->down_count &&
	    memcmp(a->down, b->down, sizeof(a->down)) == 0 &&
	    a->outcast == b->outcast && a->anchor == b->anchor &&
	    a->is_idle == b->is_idle && a->yields == b->yields &&
	    a->view_count == b->view_count &&
	    memcmp(a->view, b->view, sizeof(a->view)) == 0 &&
	    a->prepared_epoch == b->prepared_epoch &&
	    a->prepared_digest == b->prepared_digest && a->step == b->step &&
	    a->acting.epoch == b->acting.epoch &&
	    share_digest(&a->acting) == share_digest(&b->acting) &&
	    memcmp(&a->keeps, &b->keeps, sizeof(a->keeps)) == 0 &&
	    a->mac_count == b->mac_count &&
	    memcmp(a->mac, b->mac, sizeof(a->mac)) == 0 &&
	    a->probe_count == b->probe_count &&
	    memcmp(a->probe, b->probe, sizeof(a->probe)) == 0 &&
	    a->no_flood == b->no_flood && a->standby == b->standby &&
	    strcmp(a->delivery, b->delivery) == 0 &&
	    strcmp(a->backend, b->backend) == 0 &&
	    strcmp(a->state, b->state) == 0 &&
	    strcmp(a->quality, b->quality) == 0 &&
	    strcmp(a->reason, b->reason) == 0 &&
	    strcmp(a->code, b->code) == 0 && a->since_s == b->since_s &&
	    a->draining == b->draining;
}

static void
test_round(void)
{
	static const unsigned nodes[] = { 1, 2, 3, 4, 5, 8, 16, 17, 63, 64 };
	static struct farm_blob a, b;
	static char text[FARM_BLOB_MAX];
	static struct line_out o;
	const char *why = NULL;

	for (unsigned i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		fill(&a, nodes[i]);
		ok(farm_blob_format(text, sizeof(text), &a) &&
		    farm_blob_parse(&b, text, &why) == 0 && same(&a, &b),
		    "%u nodes, all fields full: there and back", nodes[i]);
		line_begin(&o, "blob");
		line_addf(&o, "node", "%063d", 1);
		line_addf(&o, "version", "%llu", ~0ULL);
		line_addf(&o, "id", "65535");
		line_addf(&o, "digest", "%064d", 1);
		line_add(&o, "blob", text);
		ok(line_end(&o), "and fits a line of heartd (%zu)", o.len);
	}
	ok(!farm_blob_format(text, 4000, &a) && errno == EMSGSIZE,
	    "a buffer that is too small is said");
	fill(&a, 16);
	a.acting.tables = SHARE_TABLE_MAX;
	memcpy(a.acting.owner[3], a.acting.owner[0], SHARE_BUCKETS);
	memcpy(a.acting.owner[2], a.acting.owner[0], SHARE_BUCKETS);
	ok(!farm_blob_format(text, sizeof(text), &a),
	    "as are more tables than fit");
}

static void
test_small(void)
{
	static struct farm_blob a, b;
	static char text[FARM_BLOB_MAX];
	const char *why;

	a.node = 1;
	a.life = 0x1234abcd;
	ok(farm_blob_format(text, sizeof(text), &a) &&
	    farm_blob_parse(&b, text, &why) == 0 && same(&a, &b),
	    "one that has nothing to say: %s", text);
	(void)snprintf(a.state, sizeof(a.state), "a b");
	ok(farm_blob_format(text, sizeof(text), &a) &&
	    strstr(text, "state=") == NULL,
	    "a word that is none is left out, not the whole blob");
	a.heard[0].id = 2;
	a.heard[0].life = 7;
	a.heard_count = 1;
	ok(farm_blob_salt(&a, 2) == 0 && farm_blob_echo(7, 0) == 7 &&
	    farm_blob_echo(7, 9) != 7 && farm_blob_echo(0x90009, 9) != 0,
	    "an echo is of life and salt, and never 0");
	a.state[0] = '\0';
	a.down[0] = 3;
	a.down_count = 1;
	ok(farm_blob_format(text, sizeof(text), &a) &&
	    farm_blob_parse(&b, text, &why) == 0 && same(&a, &b) &&
	    farm_blob_lacks(&b, 3) && !farm_blob_lacks(&b, 2),
	    "who is down: %s", text);
	ok(farm_blob_hears(&a, 2, 7) && farm_blob_hears(&a, 2, 0) &&
	    !farm_blob_hears(&a, 2, 8) && !farm_blob_hears(&a, 1, 0),
	    "who was heard, in which life");
}

#define HEAD	"farm v=1 node=1 conf=ab role=serve life=1 "

static void
test_bad(void)
{
	static const char *const bad[] = {
		"", "facts v=1", "farm", "farm v=2 node=1 conf=ab",
		"farm v=1 node=0 conf=ab role=serve life=1 share=-",
		"farm v=1 node=256 conf=ab role=serve life=1 share=-",
		"farm v=1 node=1 conf=xy role=serve life=1 share=-",
		"farm v=1 node=1 conf=ab role=open life=1 share=-",
		"farm v=1 node=1 conf=ab role=serve life=0 share=-",
		"farm v=1 node=1 conf=ab role=serve life=-1 share=-",
		"farm v=1 node=1 conf=ab role=serve life=100000000 share=-",
		HEAD, HEAD "share=", HEAD "share=1.1.1s,.2",
		HEAD "share=- heard=1", HEAD "share=- heard=1:2",
		HEAD "share=- heard=2:1,1:1,", HEAD "share=- heard=0:1,",
		HEAD "share=- heard=1:,", HEAD "share=- heard=1:100000000,",
		HEAD "share=- heard=1:2:,", HEAD "share=- heard=1:2:10000,",
		HEAD "share=- down=1",
		HEAD "share=- view=1", HEAD "share=- view=2,1,",
		HEAD "share=- view=1,1,", HEAD "share=- view=256,",
		HEAD "share=- next=prepared", HEAD "share=- next=prepared:1",
		HEAD "share=- next=prepared:0:1", HEAD "share=- next=none:1:1",
		HEAD "share=- next=prepared:1:1x", HEAD "share=- next=x:1:1",
		HEAD "share=- next=prepared:9223372036854775808:1",
		HEAD "share=- outcast=1", HEAD "share=- outcast=0:1",
		HEAD "share=- outcast=65:1", HEAD "share=- outcast=1:0",
		HEAD "share=- keep0=AAAA", HEAD "share=- keep3=*",
		HEAD "share=- mac=5a:1,",
		HEAD "share=- mac=5a5a5a5a5a5a:1ffffffff,",
		HEAD "share=- mac=5a5a5a5a5a5g:1,",
		HEAD "share=- mac=-a5a5a5a5a5a:1,",
		HEAD "share=- state=\"a\\x1b\"", HEAD "share=- state=\"a b\"",
		HEAD "share=- code=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		HEAD "share=- since_s=-1", HEAD "share=- draining=x",
	};
	static struct farm_blob b;
	const char *why;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		ok(farm_blob_parse(&b, bad[i], &why) == -1 && why != NULL,
		    "refused: %s", bad[i]);
	}
	ok(farm_blob_parse(&b, HEAD "share=- tomorrow=1", &why) == 0,
	    "a key of a later build is skipped");
	ok(farm_blob_parse(&b, "farm v=2", &why) == -1 &&
	    strcmp(why, "no node") != 0 && strstr(why, "version") != NULL,
	    "another version says so first");
}

int
main(void)
{
	test_round();
	test_small();
	test_bad();
	return tap_done();
}
