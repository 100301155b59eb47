#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The register in etcd: moduled's backend against Debian's etcd-server, in a
# network namespace.

# Conditions are expanded by wait_until, later.
# shellcheck disable=SC2016

load lib

bats_require_minimum_version 1.5.0

setup()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
	command -v etcd >/dev/null || skip "no etcd-server"
	command -v etcdctl >/dev/null || skip "no etcd-client"
	T=$(mktemp -d /tmp/hf-etcd.XXXXXX)
	NS="etcd$$"
	ip netns add "$NS"
	ip -n "$NS" link set lo up
	for i in 1 2 3; do
		ip -n "$NS" addr add "10.88.9.$i/32" dev lo
	done
	URL=http
	ONE=http://10.88.9.1:2379
	PIDS=
}

teardown()
{
	[ -n "${T:-}" ] || return 0
	[ -n "${BATS_TEST_COMPLETED:-}" ] || tail -n 30 "$T"/log*
	for pid in $PIDS; do
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	ip netns del "$NS" 2>/dev/null || :
	rm -rf "$T"
}

# etcd I MEMBERS [OPTION...]: member I of 1..MEMBERS, new or as it was.
server()
{
	local i=$1 n=$2 k all=

	shift 2
	for ((k = 1; k <= n; k++)); do
		all=$all${all:+,}e$k=http://10.88.9.$k:2380
	done
	ip netns exec "$NS" etcd --name "e$i" --data-dir "$T/e$i" \
	    --listen-client-urls "$URL://10.88.9.$i:2379" \
	    --advertise-client-urls "$URL://10.88.9.$i:2379" \
	    --listen-peer-urls "http://10.88.9.$i:2380" \
	    --initial-advertise-peer-urls "http://10.88.9.$i:2380" \
	    --initial-cluster "$all" --logger zap --log-level error "$@" \
	    >>"$T/log.e$i" 2>&1 3>&- &
	eval "E$i=$!"
	PIDS="$PIDS $!"
}

ctl()
{
	ETCDCTL_API=3 ip netns exec "$NS" etcdctl --command-timeout=3s \
	    --endpoints "$ONE" "$@"
}

# proposer N ENDPOINT...: n1 or n2; P1 or P2 is its process.
proposer()
{
	local i=$1

	shift
	mkfifo "$T/in.$i"
	: >"$T/out.$i"
	# shellcheck disable=SC2086 # options
	ip netns exec "$NS" "$top_builddir/t/files/etcd-votes" $TLS \
	    hf/lab/m "n$i" "$@" <"$T/in.$i" >"$T/out.$i" 2>>"$T/log.$i" \
	    3>&- &
	eval "P$i=$!"
	PIDS="$PIDS $!"
	exec {fd}>"$T/in.$i"
	eval "F$i=$fd"
}

# ask N LINE: the answer is the output.
ask()
{
	local before fd=F$1

	before=$(wc -l <"$T/out.$1")
	echo "$2" >&"${!fd}"
	wait_until 6 "[ \$(wc -l <'$T/out.$1') -gt $before ]"
	output=$(tail -n 1 "$T/out.$1")
	echo "n$1 $2: $output"
}

value()
{
	echo "value epoch=0.$1.$2 primary=$2 set=$2 since=0.$1.$2 \
voters=etcd:0000000000000001 generation=00112233445566778899aabbccddeeff"
}

# How often the key was written.
writes()
{
	ctl get hf/lab/m -w json | jq -r '.kvs[0].version // 0'
}

is_up()
{
	wait_until 10 'ctl endpoint health >/dev/null 2>&1'
}

@test "one swap a change; who swaps first has won; a restart keeps all" {
	server 1 1
	is_up
	proposer 1 "$ONE"
	proposer 2 "$ONE"
	ask 1 read
	[[ $output == "ok voter="*" promised=0.0.0 "*"value none" ]]
	ask 1 "prepare 0.1.1"
	[[ $output == "ok "*"promised=0.1.1 "* ]]
	ask 1 "accept $(value 1 1)"
	[[ $output == "ok "*"$(value 1 1)" ]]
	[ "$(writes)" = 1 ]
	# It is what an administrator can read.
	[ "$(ctl get --print-value-only hf/lab/m)" = "$(value 1 1)" ]
	ask 1 "prepare 0.2.1"
	ask 2 "prepare 0.3.2"
	ask 1 "accept $(value 2 1)"
	[[ $output == "ok "* ]]
	ask 2 "accept $(value 3 2)"
	[[ $output == "refused "*"$(value 2 1)" ]]
	ask 2 "accept $(value 3 2)"
	[[ $output == "refused "*"$(value 2 1)" ]]
	[ "$(writes)" = 2 ]
	ask 2 "prepare 0.5.2"
	[[ $output == "ok "*"$(value 2 1)" ]]
	ask 2 "accept $(value 5 2)"
	[[ $output == "ok "* ]]
	kill -KILL "$E1"
	wait "$E1" || :
	ask 1 read
	[[ $output == "unable "*"text=\"Failed to connect"* ]]
	server 1 1
	is_up
	ask 1 read
	[[ $output == "ok "*"$(value 5 2)" ]]
	[ "$(writes)" = 3 ]
}

@test "an answer that was lost: asked again, written once" {
	server 1 1
	is_up
	proposer 1 "$ONE"
	ask 1 "prepare 0.1.1"
	ip netns exec "$NS" nft 'table inet t {
		chain i {
			type filter hook input priority 0
			tcp sport 2379 tcp flags & psh == psh drop
		}
	}'
	ask 1 "accept $(value 1 1)"
	[[ $output == "unable "* ]]
	ip netns exec "$NS" nft delete table inet t
	[ "$(writes)" = 1 ]
	ask 1 "accept $(value 1 1)"
	[[ $output == "ok "*"$(value 1 1)" ]]
	[ "$(writes)" = 1 ]
}

certificate()	# name, subject alternative name
{
	openssl req -newkey rsa:2048 -nodes -keyout "$T/$1.key" \
	    -out "$T/$1.csr" -subj "/CN=$1" 2>/dev/null
	openssl x509 -req -in "$T/$1.csr" -CA "$T/ca.pem" \
	    -CAkey "$T/ca.key" -CAcreateserial -out "$T/$1.pem" -days 2 \
	    -extfile <(echo "subjectAltName=$2") 2>/dev/null
}

authority()
{
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/$1.key" \
	    -out "$T/$1.pem" -days 2 -subj "/CN=$1" 2>/dev/null
}

@test "TLS: both ends are who they say, or nothing is said" {
	authority ca
	authority other
	certificate server IP:10.88.9.1
	certificate node DNS:n1
	URL=https
	server 1 1 --client-cert-auth --trusted-ca-file "$T/ca.pem" \
	    --cert-file "$T/server.pem" --key-file "$T/server.key"
	TLS="-a $T/ca.pem -c $T/node.pem -k $T/node.key"
	proposer 1 https://10.88.9.1:2379
	wait_until 10 'ask 1 read >/dev/null; [[ $output == "ok "* ]]'
	ask 1 "prepare 0.1.1"
	ask 1 "accept $(value 1 1)"
	[[ $output == "ok "* ]]
	# Without a certificate of ours, and with an authority of others.
	TLS="-a $T/ca.pem" proposer 2 https://10.88.9.1:2379
	ask 2 read
	[[ $output == "unable "* ]]
	kill "$P2"
	rm "$T/in.2"
	TLS="-a $T/other.pem -c $T/node.pem -k $T/node.key" \
	    proposer 2 https://10.88.9.1:2379
	ask 2 read
	[[ $output == "unable "*"certificate"* ]]
}

@test "several endpoints: a dead one is left, a majority is needed" {
	local i

	for i in 1 2 3; do server $i 3; done
	is_up
	# One that refuses, one that never answers, then the members.
	ip netns exec "$NS" nft 'table inet t {
		chain i {
			type filter hook input priority 0
			tcp dport 2399 drop
		}
	}'
	proposer 1 http://10.88.9.1:2398 http://10.88.9.1:2399 \
	    http://10.88.9.1:2379 http://10.88.9.2:2379 http://10.88.9.3:2379
	ask 1 read
	[[ $output == "unable "* ]]
	before=$(now_ms)
	ask 1 read
	[[ $output == "unable "* ]]
	# A quarter of T.
	[ $(($(now_ms) - before)) -lt 1500 ]
	ask 1 read
	[[ $output == "ok "*"value none" ]]
	ask 1 "prepare 0.1.1"
	ask 1 "accept $(value 1 1)"
	[[ $output == "ok "* ]]
	kill -KILL "$E1"
	wait_until 15 'ask 1 read; [[ $output == "ok "*"$(value 1 1)" ]]'
	kill -KILL "$E2"
	wait_until 15 'ask 1 "prepare 0.2.1"; [[ $output == "unable "* ]]'
	ask 1 "accept $(value 2 1)"
	[[ $output != "ok "* ]]
	# With a majority it goes on where it was.
	server 1 3
	wait_until 20 'ask 1 "prepare 0.3.1"; [[ $output == "ok "* ]]'
	[[ $output == *"$(value 1 1)" ]]
}

@test "a key with something else in it is not written over" {
	server 1 1
	is_up
	ctl put hf/lab/m "what is this"
	proposer 1 "$ONE"
	ask 1 "prepare 0.1.1"
	[[ $output == "unable "*"the key holds no value of a register"* ]]
	ask 1 "accept $(value 1 1)"
	[[ $output == "unable "* ]]
	[ "$(ctl get --print-value-only hf/lab/m)" = "what is this" ]
}

@test "presence: which nodes reach etcd, by a lease" {
	server 1 1
	is_up
	proposer 1 "$ONE"
	proposer 2 "$ONE"
	wait_until 8 'ask 1 seen >/dev/null; [[ $output == "seen=n1 n2" ]]'
	ctl lease list
	kill -KILL "$P2"
	# TTL 10 s, looked at every 3 s.
	wait_until 25 'ask 1 seen >/dev/null; [[ $output == "seen=n1" ]]'
	[ -z "$(ctl get --print-value-only hf/lab/m/nodes/n2)" ]
}
