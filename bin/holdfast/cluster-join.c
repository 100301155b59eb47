/* SPDX-License-Identifier: ISC */
/*
 * `cluster join': a new machine, with nothing but this program and a token,
 * calls a node of the cluster, shows that it has the token, says which
 * addresses it has, and gets cluster.xml and the key.  Nothing is written
 * before all of it came.
 */
#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <sodium.h>

#include "clock.h"
#include "cluster.h"
#include "cluster-verbs.h"
#include "cmd.h"
#include "configure.h"
#include "invite.h"
#include "line.h"
#include "machine.h"
#include "paths.h"
#include "statefile.h"
#include "talk.h"
#include "text.h"
#include "xalloc.h"

#define CONNECT_MS	5000
#define HELLO_LEN	(REMOTE_BANNER_LEN + SEAL_HELLO_LEN)
/* The other nodes get the new cluster.xml first, and one may be silent. */
#define ADMIT_MS	60000
#define TOKEN_MAX	128

struct session {
	const char		*host;
	char			*token;
	struct invite		 invite;
	int			 fd;
	struct seal_stream	*seal;
	uint8_t			 transcript[32];
	uint8_t			 buf[REMOTE_FRAME_MAX + SEAL_RECORD_EXTRA];
};

/* --- the connection ---------------------------------------------------- */

static int
connect_one(const struct addrinfo *ai)
{
	struct pollfd p = { .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = 0;

	p.fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (p.fd == -1)
		return -1;
	if (connect(p.fd, ai->ai_addr, ai->ai_addrlen) == -1) {
		error = errno;
		if (error == EINPROGRESS)
			error = poll(&p, 1, CONNECT_MS) == 1 &&
			    getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error,
			    &len) == 0 ? error : ETIMEDOUT;
	}
	if (error == 0) {
		(void)fcntl(p.fd, F_SETFL, 0);	/* poll bounds the waits */
		return p.fd;
	}
	(void)close(p.fd);	/* never connected */
	errno = error;
	return -1;
}

/* HOST, HOST:PORT or [IPv6]:PORT. */
static int
connect_to(const char *text)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	char host[256], port[8];
	const char *colon = strrchr(text, ':'), *name = host;
	size_t len = strlen(text);
	int rc, fd = -1;

	(void)snprintf(port, sizeof(port), "%d", REMOTE_PORT);
	if (colon != NULL && (strchr(text, ':') == colon ||
	    (colon > text && colon[-1] == ']'))) {
		(void)snprintf(port, sizeof(port), "%.7s", colon + 1);
		len = (size_t)(colon - text);
	}
	if (len == 0 || len >= sizeof(host)) {
		fprintf(stderr, "holdfast: %.40s: not a host\n", text);
		return -1;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		name = host + 1;
	}
	rc = getaddrinfo(name, port, &hints, &list);
	if (rc != 0) {
		fprintf(stderr, "holdfast: %s: %s\n", text,
		    gai_strerror(rc));
		return -1;
	}
	for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next)
		fd = connect_one(ai);
	if (fd == -1)
		fprintf(stderr, "holdfast: %s port %s: %s: does remoted run "
		    "there, and does a firewall let the port through?\n",
		    text, port, strerror(errno));
	freeaddrinfo(list);
	return fd;
}

/* Exactly len bytes before the deadline; false with errno. */
static bool
receive(struct session *s, void *buf, size_t len, struct mono deadline)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	uint8_t *at = buf;
	int64_t left;
	ssize_t n;

	while (len > 0) {
		left = mono_diff_ms(deadline, mono_now());
		errno = ETIMEDOUT;
		if (left <= 0 || poll(&p, 1, (int)left) != 1)
			return false;
		n = recv(s->fd, at, len, 0);
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
transmit(struct session *s, const void *buf, size_t len)
{
	/* Less than any socket buffer: it does not wait. */
	return send(s->fd, buf, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static int
say_lost(const struct session *s, const char *what)
{
	fprintf(stderr, "holdfast: %s: %s: %s\n", s->host, what,
	    strerror(errno));
	return EX_TEMPFAIL;
}

static int
shake_hands(struct session *s)
{
	uint8_t out[HELLO_LEN], in[HELLO_LEN];
	char id[REMOTE_ID_LEN + 1];
	crypto_generichash_state state;
	struct seal_key key;

	invite_key(&key, &s->invite);
	s->seal = seal_stream_new(&key, 0);
	remote_banner_put(out, s->invite.id);
	seal_stream_hello(s->seal, out + REMOTE_BANNER_LEN);
	if (!transmit(s, out, sizeof(out)) || !receive(s, in, sizeof(in),
	    mono_add_ms(mono_now(), CONNECT_MS))) {
		if (errno != ECONNRESET)
			return say_lost(s, "no answer");
		fprintf(stderr, "holdfast: %s: does not know this token: was "
		    "it made there, and typed as printed?\n", s->host);
		return EX_NOPERM;
	}
	if (remote_banner_get(in, id) != BANNER_JOIN ||
	    seal_stream_start(s->seal, in + REMOTE_BANNER_LEN) == -1) {
		fprintf(stderr, "holdfast: %s: does not prove that it knows "
		    "the token: it is another cluster, the token was not "
		    "typed as printed, or somebody is in between\n",
		    s->host);
		return EX_NOPERM;
	}
	(void)crypto_generichash_init(&state, NULL, 0, 32);
	(void)crypto_generichash_update(&state, out, HELLO_LEN);
	(void)crypto_generichash_update(&state, in, HELLO_LEN);
	(void)crypto_generichash_final(&state, s->transcript, 32);
	return 0;
}

/* One frame into s->buf; 0, or the exit status. */
static int
next_frame(struct session *s, struct frame_in *f, struct mono deadline)
{
	uint8_t head[4];
	int64_t len;
	size_t n;

	if (!receive(s, head, sizeof(head), deadline))
		return say_lost(s, "the answer did not come");
	n = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
	    (size_t)head[2] << 8 | head[3];
	errno = EPROTO;
	if (n > sizeof(s->buf) || !receive(s, s->buf, n, deadline))
		return say_lost(s, "the answer did not come whole");
	len = seal_stream_open(s->seal, s->buf, s->buf, n);
	if (len == -1 || frame_open(f, s->buf, (size_t)len) == -1) {
		fprintf(stderr, "holdfast: %s: the answer does not open\n",
		    s->host);
		return EX_PROTOCOL;
	}
	return 0;
}

/* --- the request ------------------------------------------------------- */

static unsigned
prefix_of(const struct sockaddr *mask)
{
	const uint8_t *p = mask->sa_family == AF_INET6 ?
	    ((const struct sockaddr_in6 *)(const void *)mask)
	    ->sin6_addr.s6_addr : (const uint8_t *)
	    &((const struct sockaddr_in *)(const void *)mask)->sin_addr;
	unsigned bits = mask->sa_family == AF_INET6 ? 128 : 32, n = 0;

	while (n < bits && (p[n / 8] & (0x80 >> n % 8)) != 0)
		n++;
	return n;
}

static void
add_line(struct text *t, struct line_out *o)
{
	if (line_end(o))
		text_add(t, o->text, o->len);
}

/* All addresses that another machine can use. */
static void
add_addresses(struct text *t)
{
	struct ifaddrs *list, *i;
	struct sockaddr_storage ss;
	struct line_out o;
	char text[ADDR_LEN];

	if (getifaddrs(&list) == -1)
		return;
	for (i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_netmask == NULL ||
		    (i->ifa_flags & IFF_LOOPBACK) != 0 ||
		    (i->ifa_addr->sa_family != AF_INET &&
		    i->ifa_addr->sa_family != AF_INET6))
			continue;
		memset(&ss, 0, sizeof(ss));
		ss.ss_family = i->ifa_addr->sa_family;
		memcpy(&ss, i->ifa_addr, addr_len(&ss));
		if (ss.ss_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(
		    &((struct sockaddr_in6 *)&ss)->sin6_addr))
			continue;
		line_begin(&o, "have");
		line_add(&o, "addr", addr_str(text, &ss));
		line_add_num(&o, "prefix", prefix_of(i->ifa_netmask));
		add_line(t, &o);
	}
	freeifaddrs(list);
}

static void
make_request(const struct cmd *c, struct text *t)
{
	char host[CLUSTER_NAME_LEN + 1] = "", machine[MACHINE_TEXT_LEN];
	uint8_t hash[MACHINE_LEN];
	struct line_out o;
	unsigned i;

	(void)gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	machine_hash(hash);
	machine_text(machine, hash);
	line_begin(&o, "join");
	line_add(&o, "name", c->name != NULL ? c->name : host);
	line_add(&o, "machine", machine_is_known(hash) ? machine : "");
	add_line(t, &o);
	for (i = 0; i < c->addr_count; i++) {
		line_begin(&o, "want");
		line_addf(&o, "lan", "%.*s", (int)strcspn(c->addr[i], "="),
		    c->addr[i]);
		line_add(&o, "addr", strchr(c->addr[i], '=') != NULL ?
		    strchr(c->addr[i], '=') + 1 : "");
		add_line(t, &o);
	}
	add_addresses(t);
}

static int
send_request(struct session *s, const struct cmd *c)
{
	uint8_t proof[INVITE_PROOF_LEN];
	uint8_t plain[REMOTE_CHUNK], out[REMOTE_CHUNK + SEAL_RECORD_EXTRA];
	struct text t = { 0 };
	struct frame_out f;
	size_t len;
	int rc = 0;

	make_request(c, &t);
	invite_prove(proof, s->token, s->transcript, t.text, t.len);
	frame_begin(&f, plain, sizeof(plain), REMOTE_JOIN, 0, 0);
	frame_put_raw(&f, proof, sizeof(proof));
	frame_put_bytes(&f, t.text, t.len);
	len = frame_end(&f);
	if (len == 0 || !transmit(s, out, seal_stream_seal(s->seal, out,
	    plain, len)))
		rc = say_lost(s, "the request was not sent");
	free(t.text);
	return rc;
}

/* --- the answer -------------------------------------------------------- */

static int
take_refused(const struct session *s, struct frame_in *f)
{
	char code[64], text[2048];

	if (remote_refused_get(f, code, sizeof(code), text,
	    sizeof(text)) == -1)
		return EX_PROTOCOL;
	fprintf(stderr, "holdfast: %s: %s\n", s->host, text);
	return EX_NOPERM;
}

static int
write_files(const char *xml, size_t xml_len, const struct cluster_keys *ks)
{
	char path[PATH_LEN], dir[PATH_LEN];
	int rc;

	if (path_mkdirs(path_etc(dir, "modules"), 0755) == -1 ||
	    seal_keys_save(path_etc(path, "cluster.key"), ks) == -1 ||
	    statefile_write(path_etc(path, "cluster.xml"), xml, xml_len,
	    0644) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
		return EX_CANTCREAT;
	}
	rc = configure_cluster(false);
	if (rc == 0 && !talk_is_up())
		printf("start Holdfast here: `systemctl enable --now "
		    "holdfast', or `service holdfast start'\n");
	return rc;
}

/* Keys of witnesses, to the end of the frame; 0, or the exit status. */
static int
take_witnesses(struct frame_in *f)
{
	char name[CLUSTER_NAME_LEN];
	const char *key;
	size_t len;
	int rc = 0;

	while (rc == 0 && !f->bad && f->pos < f->len) {
		(void)frame_get_str(f, name, sizeof(name)); /* f->bad tells */
		key = frame_get_bytes(f, REMOTE_FRAME_MAX, &len);
		if (!f->bad)
			rc = witness_save_key(name, key, len);
	}
	return rc;
}

static int
take_admit(struct frame_in *f)
{
	struct cluster_keys ks;
	const char *xml, *key;
	size_t xml_len, key_len;
	int rc;

	xml = frame_get_bytes(f, REMOTE_FRAME_MAX, &xml_len);
	key = frame_get_bytes(f, REMOTE_FRAME_MAX, &key_len);
	if (f->bad || seal_keys_parse(&ks, key, key_len) == -1) {
		fprintf(stderr, "holdfast: the answer makes no sense\n");
		return EX_PROTOCOL;
	}
	rc = take_witnesses(f);
	if (rc == 0 && !frame_done(f))
		rc = EX_PROTOCOL;
	if (rc == 0)
		rc = write_files(xml, xml_len, &ks);
	explicit_bzero(&ks, sizeof(ks));
	if (rc != 0)
		fprintf(stderr, "holdfast: the cluster has this machine now, "
		    "but the machine has not all it needs: mend the above, "
		    "then join again with a token of `holdfast cluster "
		    "invite --replace' and its name\n");
	return rc;
}

static int
take_answer(struct session *s)
{
	struct mono deadline = mono_add_ms(mono_now(), ADMIT_MS);
	struct frame_in f;
	int rc;

	do
		rc = next_frame(s, &f, deadline);
	while (rc == 0 && f.type == REMOTE_TICK);
	if (rc != 0)
		return rc;
	if (f.type == REMOTE_REFUSED)
		return take_refused(s, &f);
	return f.type == REMOTE_ADMIT ? take_admit(&f) : EX_PROTOCOL;
}

/* A machine that is in a cluster does not slip into another one. */
static bool
is_new_here(void)
{
	char path[PATH_LEN], state[PATH_LEN];

	if (access(path_etc(path, "cluster.xml"), F_OK) == 0 ||
	    access(path_etc(path, "cluster.key"), F_OK) == 0) {
		fprintf(stderr, "holdfast: %s is there: this machine is in a "
		    "cluster, or is a copy of one that is.  To begin anew, "
		    "stop Holdfast and remove cluster.xml, cluster.key and "
		    "%s\n", path, path_state(state, "%s", ""));
		return false;
	}
	if (geteuid() == 0)
		return true;
	fprintf(stderr, "holdfast: cluster join: needs root\n");
	return false;
}

/* "-": from standard input, so that it stands in no list of processes. */
static bool
read_token(struct session *s, const char *text)
{
	char line[TOKEN_MAX];

	if (strcmp(text, "-") == 0) {
		if (fgets(line, sizeof(line), stdin) == NULL)
			line[0] = '\0';
		line[strcspn(line, "\r\n")] = '\0';
		text = line;
	}
	if (!invite_from_token(&s->invite, text)) {
		fprintf(stderr, "holdfast: \"%.8s...\" is no token: give it "
		    "as `holdfast cluster invite' printed it\n", text);
		return false;
	}
	s->token = xstrdup(text);
	return true;
}

int
cluster_join(struct cmd *c)
{
	struct session *s;
	int rc = EX_USAGE;

	if (c->argc != 3) {
		fprintf(stderr, "usage: holdfast cluster join [--name NODE] "
		    "[--addr LAN=ADDRESS]... HOST TOKEN|-\n");
		return EX_USAGE;
	}
	if (!is_new_here())
		return EXIT_UNSAFE;
	seal_init();
	s = xcalloc(1, sizeof(*s));
	s->host = c->argv[1];
	s->fd = -1;
	if (read_token(s, c->argv[2])) {
		/* Out of the list of processes; "-" is not needed again. */
		explicit_bzero(c->argv[2], strlen(c->argv[2]));
		s->fd = connect_to(s->host);
		rc = s->fd == -1 ? EX_UNAVAILABLE : shake_hands(s);
		if (rc == 0)
			rc = send_request(s, c);
		if (rc == 0)
			rc = take_answer(s);
	}
	if (s->fd != -1)
		(void)close(s->fd);	/* all was said */
	seal_stream_free(s->seal);
	if (s->token != NULL)
		explicit_bzero(s->token, strlen(s->token));
	free(s->token);
	explicit_bzero(s, sizeof(*s));
	free(s);
	return rc;
}
