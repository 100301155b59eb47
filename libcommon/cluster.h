/* SPDX-License-Identifier: ISC */
/*
 * The compiled cluster: /var/lib/holdfast/cluster/cluster.conf, written by
 * `holdfast cluster init' and `holdfast config' from cluster.xml and read by
 * every daemon that needs nodes and networks.  Fixed after loading.
 */
#ifndef COMMON_CLUSTER_H
#define COMMON_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <netinet/in.h>

#define CLUSTER_NODE_MAX	64
#define CLUSTER_LAN_MAX		8
#define CLUSTER_NAME_LEN	64
#define CLUSTER_FENCE_LEN	512

struct cluster_addr {
	bool			is_set;
	struct sockaddr_storage	addr;	/* port 0 */
	struct sockaddr_storage	laddr;	/* what the node itself binds */
};

struct cluster_node {
	char			name[CLUSTER_NAME_LEN];
	uint8_t			id;		/* 1..255, never given again */
	struct cluster_addr	lan[CLUSTER_LAN_MAX];
	/* What cuts its power, and its options with blanks; "": nothing. */
	char			fence_agent[CLUSTER_NAME_LEN];
	char			fence_options[CLUSTER_FENCE_LEN];
};

struct cluster_lan {
	char	name[CLUSTER_NAME_LEN];
};

/* A machine that votes and is no node. */
#define CLUSTER_WITNESS_MAX	8
#define CLUSTER_WITNESS_ADDRS	4
struct cluster_witness {
	char			name[CLUSTER_NAME_LEN];
	unsigned		addr_count;
	struct sockaddr_storage	addr[CLUSTER_WITNESS_ADDRS]; /* port 0 */
};

/* Files are "" where there are none. */
#define CLUSTER_ETCD_MAX	8
#define CLUSTER_PATH_LEN	256
struct cluster_etcd {
	unsigned	endpoint_count;		/* 0: there is no etcd */
	char		endpoint[CLUSTER_ETCD_MAX][CLUSTER_PATH_LEN];
	char		ca[CLUSTER_PATH_LEN];
	char		cert[CLUSTER_PATH_LEN];
	char		key[CLUSTER_PATH_LEN];
	char		prefix[CLUSTER_PATH_LEN];
};

/* Of cluster.xml, as it was when it was compiled. */
#define CLUSTER_DIGEST_LEN	16

struct cluster {
	char			name[CLUSTER_NAME_LEN];
	int			self;		/* index into node[] */
	uint16_t		port;		/* heartd, udp */
	unsigned		node_count;
	struct cluster_node	node[CLUSTER_NODE_MAX];
	unsigned		lan_count;
	struct cluster_lan	lan[CLUSTER_LAN_MAX];
	unsigned		witness_count;
	struct cluster_witness	witness[CLUSTER_WITNESS_MAX];
	struct cluster_etcd	etcd;
	int64_t			fence_delay_ms;	/* of who is not primary */
	int64_t			fence_timeout_ms;	/* 0: no fencing */
	int64_t			fence_period_ms;	/* 0: never asked */
	uint8_t			digest[CLUSTER_DIGEST_LEN]; /* or zero */
};

/*
 * A name of a cluster, node, network or voter: letters, digits, _ . - and
 * neither . nor - in front, so that it is good as a file's, too.
 */
bool	cluster_name_ok(const char *name);
/* 0, or -1 after logging every error.  path NULL: the standard place. */
int	cluster_load(struct cluster *c, const char *path);
/* The digest of the text of a cluster.xml, and its hex digits. */
void	cluster_digest(uint8_t out[CLUSTER_DIGEST_LEN], const char *text,
	    size_t len);
#define CLUSTER_DIGEST_TEXT	(2 * CLUSTER_DIGEST_LEN + 1)
void	cluster_digest_text(char out[CLUSTER_DIGEST_TEXT],
	    const uint8_t digest[CLUSTER_DIGEST_LEN]);
/* Index, or -1. */
int	cluster_node_index(const struct cluster *c, const char *name);
int	cluster_node_by_id(const struct cluster *c, uint8_t id);
int	cluster_lan_index(const struct cluster *c, const char *name);
int	cluster_witness_index(const struct cluster *c, const char *name);

/* "10.88.1.1" or "fd88:1::1"; no names.  0 or -1 (EINVAL). */
int	addr_parse(struct sockaddr_storage *ss, const char *text);
#define ADDR_LEN 64
const char	*addr_str(char buf[ADDR_LEN],
		    const struct sockaddr_storage *ss);
void	addr_set_port(struct sockaddr_storage *ss, uint16_t port);
socklen_t	addr_len(const struct sockaddr_storage *ss);
bool	addr_equal(const struct sockaddr_storage *a,
	    const struct sockaddr_storage *b);

#endif
