/* SPDX-License-Identifier: ISC */
/*
 * inject DEV DST-MAC SRC-MAC SRC-IP DST-IP PORT COUNT: sends the same TCP
 * segment (an ACK) COUNT times out of DEV, from inside the kernel, and prints
 * what each cost this machine until the receiver at the other end of the veth
 * pair was done with it:
 *
 *	packets= ns=
 *
 * DEV is one end of a veth pair; the other end needs GRO or an XDP program, as
 * only then it takes frames without a socket buffer.  The time is that of this
 * process, pinned to one processor: the receiver's softirq runs in it.
 */
#include <sys/syscall.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* One NAPI poll; more would not fit the ring of the receiver. */
#define BATCH	64

struct frame {
	struct ethhdr	eth;
	struct iphdr	ip;
	struct tcphdr	tcp;
	uint8_t		pad[10];
} __attribute__((packed));

static void
die(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(EX_OSERR);
}

static int
bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static struct bpf_insn
insn(uint8_t code, uint8_t reg, int32_t imm)
{
	struct bpf_insn i = { .code = code, .imm = imm };

	i.dst_reg = reg & 0xf;
	return i;
}

/* return bpf_redirect(index, 0); */
static int
program(int index)
{
	struct bpf_insn code[4];
	union bpf_attr attr;
	int fd;

	code[0] = insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, index);
	code[1] = insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0);
	code[2] = insn(BPF_JMP | BPF_CALL, 0, BPF_FUNC_redirect);
	code[3] = insn(BPF_JMP | BPF_EXIT, 0, 0);
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uint64_t)(uintptr_t)code;
	attr.insn_cnt = 4;
	attr.license = (uint64_t)(uintptr_t)"ISC";
	fd = bpf(BPF_PROG_LOAD, &attr);
	if (fd == -1)
		die("program");
	return fd;
}

static void
mac_parse(uint8_t mac[ETH_ALEN], const char *text)
{
	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0],
	    &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) != ETH_ALEN) {
		fprintf(stderr, "inject: %s: not a MAC\n", text);
		exit(EX_USAGE);
	}
}

static uint16_t
ip_sum(const struct iphdr *ip)
{
	const uint8_t *byte = (const uint8_t *)ip;
	uint32_t sum = 0;
	unsigned i;

	for (i = 0; i < sizeof(*ip); i += 2)
		sum += (uint32_t)byte[i] << 8 | byte[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static struct frame
frame_make(char **argv)
{
	struct frame f;
	struct iphdr ip;
	struct in_addr from, to;

	memset(&f, 0, sizeof(f));
	mac_parse(f.eth.h_dest, argv[2]);
	mac_parse(f.eth.h_source, argv[3]);
	f.eth.h_proto = htons(ETH_P_IP);
	f.ip.version = 4;
	f.ip.ihl = 5;
	f.ip.ttl = 64;
	f.ip.protocol = IPPROTO_TCP;
	f.ip.tot_len = htons(sizeof(f.ip) + sizeof(f.tcp));
	if (inet_pton(AF_INET, argv[4], &from) != 1 ||
	    inet_pton(AF_INET, argv[5], &to) != 1) {
		fprintf(stderr, "inject: %s %s: not addresses\n", argv[4],
		    argv[5]);
		exit(EX_USAGE);
	}
	f.ip.saddr = from.s_addr;
	f.ip.daddr = to.s_addr;
	ip = f.ip;
	f.ip.check = ip_sum(&ip);
	f.tcp.source = htons(40000);
	f.tcp.dest = htons((uint16_t)strtoul(argv[6], NULL, 10));
	f.tcp.doff = 5;
	f.tcp.ack = 1;
	f.tcp.window = htons(1000);
	return f;
}

static double
cpu_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == -1)
		die("clock");
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void
pin(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) == -1)
		die("affinity");
}

int
main(int argc, char **argv)
{
	struct frame frame;
	union bpf_attr attr;
	uint32_t count;
	double ns;
	int fd;

	if (argc != 8) {
		fprintf(stderr, "usage: see the head of inject.c\n");
		return EX_USAGE;
	}
	count = (uint32_t)strtoul(argv[7], NULL, 10);
	frame = frame_make(argv);
	fd = program((int)if_nametoindex(argv[1]));
	pin();
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)fd;
	attr.test.data_in = (uint64_t)(uintptr_t)&frame;
	attr.test.data_size_in = sizeof(frame);
	attr.test.repeat = count;
	attr.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	attr.test.batch_size = BATCH;
	ns = cpu_ns();
	if (bpf(BPF_PROG_TEST_RUN, &attr) == -1)
		die("run");
	ns = cpu_ns() - ns;
	printf("packets=%u ns=%.1f\n", count, ns / count);
	return EX_OK;
}
