/* SPDX-License-Identifier: ISC */
/*
 * nfnetlink messages as in the kernel's include/uapi/linux/netfilter.  A
 * batch is sent whole and the kernel does all of it or nothing; an element
 * that is given another value is deleted and added in one batch, since
 * adding an existing one with other data is an error.
 */
#include "nft-link.h"

/* Before the kernel's headers, which give way to it. */
#include <arpa/inet.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <nftables/libnftables.h>

#include "log.h"
#include "xalloc.h"

#define MESSAGE_MAX	(80 * 1024)
/* A nest has 16 bits of length; an IPv6 flow takes 56 bytes. */
#define ELEMENTS_MAX	800
#define ANSWER_S	5	/* a kernel that takes longer is broken */

struct nft_link {
	struct nft_ctx		*ctx;
	struct mnl_socket	*nl;
	uint32_t		 seq;
};

struct nft_batch {
	uint8_t			 family;
	char			 table[NFT_NAME_LEN], set[NFT_NAME_LEN];
	int			 type;		/* of the open message, or 0 */
	unsigned		 elements;	/* in it */
	unsigned		 messages;
	char			*buf;
	size_t			 len, size;
	struct nlmsghdr		*nlh;
	struct nlattr		*list;
};

struct nft_link *
nft_link_open(char *why, size_t why_len)
{
	struct nft_link *l = xcalloc(1, sizeof(*l));
	struct timeval wait = { .tv_sec = ANSWER_S };

	l->seq = (uint32_t)time(NULL);
	l->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	l->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (l->ctx == NULL || l->nl == NULL ||
	    mnl_socket_bind(l->nl, 0, MNL_SOCKET_AUTOPID) == -1 ||
	    setsockopt(mnl_socket_get_fd(l->nl), SOL_SOCKET, SO_RCVTIMEO,
	    &wait, sizeof(wait)) == -1 ||
	    nft_ctx_buffer_output(l->ctx) != 0 ||
	    nft_ctx_buffer_error(l->ctx) != 0) {
		(void)snprintf(why, why_len, "no nftables here: %s",
		    strerror(errno));
		nft_link_close(l);
		return NULL;
	}
	return l;
}

void
nft_link_close(struct nft_link *l)
{
	if (l->ctx != NULL)
		nft_ctx_free(l->ctx);
	if (l->nl != NULL)
		(void)mnl_socket_close(l->nl);	/* nothing is pending */
	free(l);
}

/* The first two lines: what is wrong, and the text that is. */
static void
first_words(char *out, size_t size, const char *text)
{
	size_t len = 0;
	unsigned lines = 0;

	for (; *text != '\0' && lines < 2 && len + 1 < size; text++) {
		if (*text == '\n')
			lines++;
		out[len++] = *text == '\n' || *text == '\t' ? ' ' : *text;
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}

int
nft_link_run(struct nft_link *l, const char *text, char *why, size_t why_len)
{
	int rc = nft_run_cmd_from_buffer(l->ctx, text);

	if (rc != 0)
		first_words(why, why_len, nft_ctx_get_error_buffer(l->ctx));
	/* Reading a buffer empties it. */
	(void)nft_ctx_get_error_buffer(l->ctx);
	(void)nft_ctx_get_output_buffer(l->ctx);
	return rc == 0 ? 0 : -1;
}

void
nft_link_remove(struct nft_link *l, const struct nft_doc *doc)
{
	char text[4 * NFT_NAME_LEN], why[512];

	(void)snprintf(text, sizeof(text),
	    "add table %s %s\ndelete table %s %s\n", doc->family, doc->table,
	    doc->family, doc->table);
	if (nft_link_run(l, text, why, sizeof(why)) == -1)
		log_warnx("nftables: cannot remove table %s %s: %s",
		    doc->family, doc->table, why);
}

char *
nft_link_list(struct nft_link *l, const struct nft_doc *doc)
{
	char command[2 * NFT_NAME_LEN];
	unsigned flags = nft_ctx_output_get_flags(l->ctx);
	char *text = NULL;

	(void)snprintf(command, sizeof(command), "list table %s %s",
	    doc->family, doc->table);
	nft_ctx_output_set_flags(l->ctx, flags | NFT_CTX_OUTPUT_TERSE |
	    NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_NUMERIC_ALL);
	if (nft_run_cmd_from_buffer(l->ctx, command) == 0)
		text = xstrdup(nft_ctx_get_output_buffer(l->ctx));
	nft_ctx_output_set_flags(l->ctx, flags);
	(void)nft_ctx_get_error_buffer(l->ctx);
	return text;
}

static struct nlmsghdr *
put_header(char *buf, int type, uint16_t flags, uint32_t seq, uint8_t family,
    uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

#define NFT_TYPE(message)	(NFNL_SUBSYS_NFTABLES << 8 | (message))

static uint8_t
family_number(const struct nft_doc *doc)
{
	if (strcmp(doc->family, "inet") == 0)
		return NFPROTO_INET;
	return strcmp(doc->family, "arp") == 0 ? NFPROTO_ARP : NFPROTO_NETDEV;
}

/*
 * An answer that came after its bound, and the rest of a list that broke
 * since somebody changed a rule meanwhile: either would be taken for the
 * answer of the next request, and that one's for the next, for ever.
 */
static void
drop_left(struct nft_link *l)
{
	char buf[32768];
	ssize_t n;

	do
		n = recv(mnl_socket_get_fd(l->nl), buf, sizeof(buf),
		    MSG_DONTWAIT);
	while (n > 0 || (n == -1 && (errno == EINTR || errno == ENOBUFS)));
}

/* Sends one request and hands each answer to fn. */
static int
transact(struct nft_link *l, struct nlmsghdr *nlh, mnl_cb_t fn, void *arg)
{
	char buf[32768];
	ssize_t n;
	int rc;

	drop_left(l);
	if (mnl_socket_sendto(l->nl, nlh, nlh->nlmsg_len) == -1)
		return -1;
	do {
		n = mnl_socket_recvfrom(l->nl, buf, sizeof(buf));
		if (n == -1)
			return -1;
		rc = mnl_cb_run(buf, (size_t)n, nlh->nlmsg_seq,
		    mnl_socket_get_portid(l->nl), fn, arg);
	} while (rc > MNL_CB_STOP);
	return rc == MNL_CB_ERROR ? -1 : 0;
}

static int
on_generation(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(a) == NFTA_GEN_ID &&
		    mnl_attr_validate(a, MNL_TYPE_U32) == 0)
			*(uint32_t *)arg = ntohl(mnl_attr_get_u32(a));
	return MNL_CB_OK;
}

int
nft_link_generation(struct nft_link *l, uint32_t *generation)
{
	char buf[256];

	return transact(l, put_header(buf, NFT_TYPE(NFT_MSG_GETGEN),
	    NLM_F_ACK, ++l->seq, AF_UNSPEC, 0), on_generation, generation);
}

struct nft_batch *
nft_batch_new(const struct nft_doc *doc)
{
	struct nft_batch *b = xcalloc(1, sizeof(*b));

	nft_batch_table(b, doc);
	b->size = MESSAGE_MAX;
	b->buf = xcalloc(1, b->size);
	b->len = put_header(b->buf, NFNL_MSG_BATCH_BEGIN, 0, 0, AF_UNSPEC,
	    NFNL_SUBSYS_NFTABLES)->nlmsg_len;
	return b;
}

void
nft_batch_free(struct nft_batch *b)
{
	free(b->buf);
	free(b);
}

static void
end_message(struct nft_batch *b)
{
	if (b->nlh == NULL)
		return;
	if (b->list != NULL)
		mnl_attr_nest_end(b->nlh, b->list);
	b->len += MNL_ALIGN(b->nlh->nlmsg_len);
	b->nlh = NULL;
	b->messages++;
}

void
nft_batch_table(struct nft_batch *b, const struct nft_doc *doc)
{
	end_message(b);
	b->family = family_number(doc);
	(void)snprintf(b->table, sizeof(b->table), "%s", doc->table);
}

static void
begin_message(struct nft_batch *b, int type, const char *set)
{
	end_message(b);
	if (b->len + 2 * MESSAGE_MAX > b->size) {
		b->size = 2 * b->size + 2 * MESSAGE_MAX;
		b->buf = xrealloc(b->buf, b->size, 1);
	}
	b->type = type;
	b->elements = 0;
	(void)snprintf(b->set, sizeof(b->set), "%s", set);
	b->nlh = put_header(b->buf + b->len, NFT_TYPE(type),
	    type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0, b->messages + 1,
	    b->family, 0);
	mnl_attr_put_strz(b->nlh, NFTA_SET_ELEM_LIST_TABLE, b->table);
	mnl_attr_put_strz(b->nlh, NFTA_SET_ELEM_LIST_SET, b->set);
	b->list = NULL;
}

static void
put_value(struct nlmsghdr *nlh, uint16_t type, const void *value, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, value);
	mnl_attr_nest_end(nlh, nest);
}

/* An element of this set shall follow, in the open message or a new one. */
static void
elements_of(struct nft_batch *b, int type, const char *set)
{
	if (b->nlh != NULL && b->list != NULL && b->type == type &&
	    b->elements < ELEMENTS_MAX && strcmp(b->set, set) == 0)
		return;
	begin_message(b, type, set);
	b->list = mnl_attr_nest_start(b->nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void
put_element(struct nft_batch *b, int type, const char *set, const void *key,
    size_t key_len, const void *data, size_t data_len)
{
	struct nlattr *nest;

	elements_of(b, type, set);
	nest = mnl_attr_nest_start(b->nlh, NFTA_LIST_ELEM);
	put_value(b->nlh, NFTA_SET_ELEM_KEY, key, key_len);
	if (data != NULL)
		put_value(b->nlh, NFTA_SET_ELEM_DATA, data, data_len);
	mnl_attr_nest_end(b->nlh, nest);
	b->elements++;
}

void
nft_batch_add(struct nft_batch *b, const char *set, const void *key,
    size_t key_len, const void *data, size_t data_len)
{
	put_element(b, NFT_MSG_NEWSETELEM, set, key, key_len, data, data_len);
}

void
nft_batch_del(struct nft_batch *b, const char *set, const void *key,
    size_t key_len)
{
	put_element(b, NFT_MSG_DELSETELEM, set, key, key_len, NULL, 0);
}

void
nft_batch_add_for(struct nft_batch *b, const char *set, const void *key,
    size_t key_len, int64_t ms)
{
	struct nlattr *nest;

	elements_of(b, NFT_MSG_NEWSETELEM, set);
	nest = mnl_attr_nest_start(b->nlh, NFTA_LIST_ELEM);
	put_value(b->nlh, NFTA_SET_ELEM_KEY, key, key_len);
	mnl_attr_put_u64(b->nlh, NFTA_SET_ELEM_TIMEOUT,
	    htobe64((uint64_t)ms));
	mnl_attr_nest_end(b->nlh, nest);
	b->elements++;
}

void
nft_batch_flush(struct nft_batch *b, const char *set)
{
	/* Of no elements in particular: all, and none is well too. */
	begin_message(b, NFT_MSG_DELSETELEM, set);
}

bool
nft_batch_is_empty(const struct nft_batch *b)
{
	return b->messages == 0 && b->nlh == NULL;
}

/* The numbers of the messages begin where those of the link are. */
static uint32_t
finish(struct nft_link *l, struct nft_batch *b)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)b->buf;
	int rest;

	if (b->nlh != NULL)
		b->nlh->nlmsg_flags |= NLM_F_ACK;
	end_message(b);
	b->len += put_header(b->buf + b->len, NFNL_MSG_BATCH_END, 0, 0,
	    AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
	rest = (int)b->len;
	for (; mnl_nlmsg_ok(nlh, rest); nlh = mnl_nlmsg_next(nlh, &rest))
		nlh->nlmsg_seq = ++l->seq;
	return l->seq - 1;	/* the last that asked for an answer */
}

static int
await_commit(struct nft_link *l, uint32_t first, uint32_t last)
{
	char buf[32768];
	int failed = 0;

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(l->nl, buf, sizeof(buf));
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)buf;
		int rest = (int)n;

		if (n == -1)
			return -1;
		for (; mnl_nlmsg_ok(nlh, rest);
		    nlh = mnl_nlmsg_next(nlh, &rest)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR ||
			    nlh->nlmsg_seq - first > last - first)
				continue;	/* of an earlier one */
			if (e->error != 0 && failed == 0)
				failed = -e->error;
			if (nlh->nlmsg_seq == last || nlh->nlmsg_seq == first) {
				errno = failed;
				return failed == 0 ? 0 : -1;
			}
		}
	}
}

int
nft_batch_commit(struct nft_link *l, struct nft_batch *b)
{
	int fd = mnl_socket_get_fd(l->nl);
	uint32_t first = l->seq + 1, last;
	int size, rc = -1;

	if (nft_batch_is_empty(b)) {
		nft_batch_free(b);
		return 0;
	}
	drop_left(l);
	last = finish(l, b);
	size = (int)(b->len + 65536);
	/* Without the right to force it the send says so. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (mnl_socket_sendto(l->nl, b->buf, b->len) != -1)
		rc = await_commit(l, first, last);
	nft_batch_free(b);
	return rc;
}

struct element_dump {
	nft_element_fn	*fn;
	void		*arg;
};

static const struct nlattr *
nested(const struct nlattr *nest, uint16_t type)
{
	struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

static void
on_element(const struct element_dump *d, const struct nlattr *element)
{
	const struct nlattr *key = nested(element, NFTA_SET_ELEM_KEY);
	const struct nlattr *data = nested(element, NFTA_SET_ELEM_DATA);
	const void *value = NULL;
	size_t len = 0;

	if (key == NULL || (key = nested(key, NFTA_DATA_VALUE)) == NULL)
		return;
	if (data != NULL) {	/* a verdict is given as it came */
		const struct nlattr *plain = nested(data, NFTA_DATA_VALUE);

		if (plain != NULL)
			data = plain;
		value = mnl_attr_get_payload(data);
		len = mnl_attr_get_payload_len(data);
	}
	d->fn(d->arg, mnl_attr_get_payload(key), mnl_attr_get_payload_len(key),
	    value, len);
}

static int
on_elements(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *a, *e;

	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(a) == NFTA_SET_ELEM_LIST_ELEMENTS)
			mnl_attr_for_each_nested(e, a)
				on_element(arg, e);
	return MNL_CB_OK;
}

int
nft_link_elements(struct nft_link *l, const struct nft_doc *doc,
    const char *set, nft_element_fn *fn, void *arg)
{
	struct element_dump d = { .fn = fn, .arg = arg };
	char buf[1024];
	struct nlmsghdr *nlh = put_header(buf, NFT_TYPE(NFT_MSG_GETSETELEM),
	    NLM_F_DUMP, ++l->seq, family_number(doc), 0);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, doc->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	return transact(l, nlh, on_elements, &d);
}

struct counter_dump {
	nft_counter_fn	*fn;
	void		*arg;
	const char	*table;
};

static int
on_counter(const struct nlmsghdr *nlh, void *arg)
{
	const struct counter_dump *d = arg;
	const char *name = NULL, *table = NULL;
	const struct nlattr *packets = NULL;
	struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg))
		switch (mnl_attr_get_type(a)) {
		case NFTA_OBJ_TABLE:
			table = mnl_attr_get_str(a);
			break;
		case NFTA_OBJ_NAME:
			name = mnl_attr_get_str(a);
			break;
		case NFTA_OBJ_DATA:
			packets = nested(a, NFTA_COUNTER_PACKETS);
			break;
		}
	/* Kernels before 6.4 list the objects of every table. */
	if (name != NULL && packets != NULL && table != NULL &&
	    strcmp(table, d->table) == 0)
		d->fn(d->arg, name, be64toh(mnl_attr_get_u64(packets)));
	return MNL_CB_OK;
}

int
nft_link_counters(struct nft_link *l, const struct nft_doc *doc,
    nft_counter_fn *fn, void *arg)
{
	struct counter_dump d = { .fn = fn, .arg = arg, .table = doc->table };
	char buf[1024];
	struct nlmsghdr *nlh = put_header(buf, NFT_TYPE(NFT_MSG_GETOBJ),
	    NLM_F_DUMP, ++l->seq, family_number(doc), 0);

	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, doc->table);
	mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	return transact(l, nlh, on_counter, &d);
}

struct table_dump {
	nft_table_fn	*fn;
	void		*arg;
};

static const char *
family_text(uint8_t family)
{
	return family == NFPROTO_INET ? "inet" : family == NFPROTO_ARP ?
	    "arp" : family == NFPROTO_NETDEV ? "netdev" : "";
}

static int
on_table(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const struct table_dump *d = arg;
	struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(a) == NFTA_TABLE_NAME &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
			d->fn(d->arg, family_text(nfg->nfgen_family),
			    mnl_attr_get_str(a));
	return MNL_CB_OK;
}

int
nft_link_tables(struct nft_link *l, nft_table_fn *fn, void *arg)
{
	struct table_dump d = { .fn = fn, .arg = arg };
	char buf[256];

	return transact(l, put_header(buf, NFT_TYPE(NFT_MSG_GETTABLE),
	    NLM_F_DUMP, ++l->seq, NFPROTO_UNSPEC, 0), on_table, &d);
}
