/* SPDX-License-Identifier: ISC */
/*
 * Table inet holdfast_M drops what comes to the addresses and goes from
 * them, table arp holdfast_M the questions who has them.  Neighbour
 * discovery needs no rule of its own: an advertisement goes from the address
 * it is about.  A reset goes out all the same: it is how vipd ends the
 * connections of an address that leaves, and who gets it connects to the
 * next primary at once.
 */

#include "guard.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Before connection tracking, which would remember what is dropped. */
#define PRIORITY	"-310"
#define ADDRESSES_LEN	(MODULE_ADDRESS_MAX * (ADDR_LEN + 2))
#define SET_COMMENT	"flags timeout; comment \"answered here, each until " \
			"its time\";"

/* --- the rules ------------------------------------------------------- */

/* "10.88.1.100, 10.88.1.101": those of a family; "": none. */
static const char *
addresses(char buf[ADDRESSES_LEN], const struct module *m, int family)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < m->address_count; i++)
		if (m->address[i].addr.ss_family == family)
			len += (size_t)snprintf(buf + len,
			    ADDRESSES_LEN - len, "%s%s", len > 0 ? ", " : "",
			    m->address[i].text);
	return buf;
}

static void
begin(struct nft_doc *doc, const struct module *m, const char *family)
{
	char comment[NFT_NAME_LEN];

	(void)snprintf(comment, sizeof(comment),
	    "holdfast %.40s: its addresses while its lease runs", m->name);
	nft_doc_init(doc, family, m->name, comment);
}

static void
ip_text(struct nft_doc *doc, const struct module *m)
{
	char v4[ADDRESSES_LEN], v6[ADDRESSES_LEN];

	begin(doc, m, "inet");
	(void)addresses(v4, m, AF_INET);
	(void)addresses(v6, m, AF_INET6);
	nft_doc_add(doc, NK_SET, "leased4", "type ipv4_addr; " SET_COMMENT);
	nft_doc_add(doc, NK_SET, "leased6", "type ipv6_addr; " SET_COMMENT);
	nft_doc_add(doc, NK_CHAIN, "to_addresses", "type filter hook "
	    "prerouting priority " PRIORITY "; policy accept;");
	if (v4[0] != '\0')
		nft_doc_line(doc, "ip daddr { %s } ip daddr != @leased4 drop "
		    "comment \"lease over: no answer\"", v4);
	if (v6[0] != '\0')
		nft_doc_line(doc, "ip6 daddr { %s } ip6 daddr != @leased6 "
		    "drop comment \"lease over: no answer\"", v6);
	nft_doc_add(doc, NK_CHAIN, "from_addresses", "type filter hook "
	    "output priority " PRIORITY "; policy accept;");
	nft_doc_line(doc, "tcp flags & rst == rst accept "
	    "comment \"the end of a connection is told\"");
	if (v4[0] != '\0')
		nft_doc_line(doc, "ip saddr { %s } ip saddr != @leased4 drop "
		    "comment \"lease over: no word\"", v4);
	if (v6[0] != '\0')
		nft_doc_line(doc, "ip6 saddr { %s } ip6 saddr != @leased6 "
		    "drop comment \"lease over: no word\"", v6);
}

static void
arp_text(struct nft_doc *doc, const struct module *m)
{
	char v4[ADDRESSES_LEN];

	begin(doc, m, "arp");
	(void)addresses(v4, m, AF_INET);
	nft_doc_add(doc, NK_SET, "leased4", "type ipv4_addr; " SET_COMMENT);
	nft_doc_add(doc, NK_CHAIN, "input", "type filter hook input "
	    "priority 0; policy accept; comment \"who is asked\";");
	if (v4[0] != '\0')
		nft_doc_line(doc, "arp daddr ip { %s } arp daddr ip != "
		    "@leased4 drop comment \"lease over: no answer\"", v4);
	nft_doc_add(doc, NK_CHAIN, "output", "type filter hook output "
	    "priority 0; policy accept; comment \"who asks\";");
	if (v4[0] != '\0')
		nft_doc_line(doc, "arp saddr ip { %s } arp saddr ip != "
		    "@leased4 drop comment \"lease over: no word\"", v4);
}

/* --- in the kernel ---------------------------------------------------- */

static bool
need_link(struct vipd *v, char *why, size_t why_len)
{
	if (v->nft == NULL)
		v->nft = nft_link_open(why, why_len);
	return v->nft != NULL;
}

static void
need_tables(struct vipd *v, struct module *m)
{
	if (m->is_guarded)
		return;
	nft_table_init(&m->guard, v->nft, "inet", m->name);
	nft_table_init(&m->guard_arp, v->nft, "arp", m->name);
	m->is_guarded = true;
}

/* As it shall be; what was changed by others is made anew and said. */
static bool
keep_table(struct module *m, struct nft_table *t,
    void (*text)(struct nft_doc *doc, const struct module *m), char *why,
    size_t why_len)
{
	struct nft_doc doc;

	if (!nft_table_is_intact(t, why, why_len))
		log_warnx("%s: %s: made anew", m->name, why);
	text(&doc, m);
	if (nft_table_apply(t, &doc, why, why_len) == -1)
		return false;
	if (t->listing != NULL)
		return true;
	/* It changed, and perhaps its elements are gone. */
	term_lost(&m->term);
	(void)nft_table_is_intact(t, why, why_len);	/* what it is */
	return true;
}

bool
guard_keep(struct vipd *v, struct module *m, char *why, size_t why_len)
{
	if (!need_link(v, why, why_len))
		return false;
	need_tables(v, m);
	return keep_table(m, &m->guard, ip_text, why, why_len) &&
	    keep_table(m, &m->guard_arp, arp_text, why, why_len);
}

void
guard_remove(struct vipd *v, struct module *m)
{
	char why[256];

	if (!m->is_guarded || !need_link(v, why, sizeof(why)))
		return;
	nft_table_remove(&m->guard);
	nft_table_remove(&m->guard_arp);
	nft_table_fini(&m->guard);
	nft_table_fini(&m->guard_arp);
	m->is_guarded = false;
	term_lost(&m->term);
}

static void
put_addresses(struct nft_batch *b, const struct module *m, int family,
    const char *set, int64_t ms)
{
	for (unsigned i = 0; i < m->address_count; i++) {
		const struct sockaddr_storage *ss = &m->address[i].addr;
		const void *in4 =
		    &((const struct sockaddr_in *)(const void *)ss)->sin_addr;
		const void *in6 =
		    &((const struct sockaddr_in6 *)(const void *)ss)->sin6_addr;

		if (ss->ss_family == family)
			nft_batch_add_for(b, set, family == AF_INET ? in4 :
			    in6, family == AF_INET ? 4 : 16, ms);
	}
}

/* An element's time is only changed by making it anew; ms 0: none. */
static int
set_elements(struct vipd *v, const struct module *m, int64_t ms)
{
	struct nft_batch *b = nft_batch_new(&m->guard.doc);

	nft_batch_flush(b, "leased4");
	if (ms > 0)
		put_addresses(b, m, AF_INET, "leased4", ms);
	nft_batch_flush(b, "leased6");
	if (ms > 0)
		put_addresses(b, m, AF_INET6, "leased6", ms);
	nft_batch_table(b, &m->guard_arp.doc);
	nft_batch_flush(b, "leased4");
	if (ms > 0)
		put_addresses(b, m, AF_INET, "leased4", ms);
	return nft_batch_commit(v->nft, b);
}

void
guard_renew(struct vipd *v, struct module *m, struct mono now)
{
	enum term_act act = term_plan(&m->term, now);
	char why[256];
	int64_t ms;

	if (act == TA_NONE || !m->is_guarded)
		return;
	ms = act == TA_RENEW ? mono_diff_ms(m->term.until, now) : 0;
	if (set_elements(v, m, ms) == 0) {
		term_did(&m->term, act);
		return;
	}
	/* Somebody flushed the rules: nothing stands before the addresses. */
	log_warn("%s: the kernel's rules for its lease", m->name);
	if (guard_keep(v, m, why, sizeof(why)) && set_elements(v, m, ms) == 0)
		term_did(&m->term, act);
	else
		log_warnx("%s: the lease does not reach the kernel: %s",
		    m->name, why);
}

struct guard_search {
	struct vipd	*v;
	void		(*load)(struct vipd *v, const char *module);
};

static void
on_table(void *arg, const char *family, const char *name)
{
	static const char prefix[] = "holdfast_";
	const struct guard_search *s = arg;

	if (strcmp(family, "inet") == 0 &&
	    strncmp(name, prefix, sizeof(prefix) - 1) == 0)
		s->load(s->v, name + sizeof(prefix) - 1);
}

void
guard_find(struct vipd *v, void (*load)(struct vipd *v, const char *module))
{
	struct guard_search s = { .v = v, .load = load };
	char why[256];

	if (need_link(v, why, sizeof(why)))
		nft_link_tables(v->nft, on_table, &s);
}

void
guard_adopt(struct vipd *v, struct module *m)
{
	need_tables(v, m);
}

void
guard_close(struct vipd *v)
{
	for (struct module *m = v->modules; m != NULL; m = m->next)
		if (m->is_guarded) {
			nft_table_fini(&m->guard);
			nft_table_fini(&m->guard_arp);
		}
	if (v->nft != NULL)
		nft_link_close(v->nft);
}
