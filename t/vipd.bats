#!/usr/bin/env bats
# vipd alone: two hosts on one network, each with a vipd, driven by lines.
# Needs root for the network namespaces it makes.

setup_file() {
	[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
	export T; T=$(mktemp -d)
	export NS="hft$$"
	for i in 1 2; do
		ip netns add "$NS-$i"
		ip -n "$NS-$i" link set lo up
	done
	ip link add "v1" netns "$NS-1" type veth peer name "v2" netns "$NS-2"
	for i in 1 2; do
		ip netns exec "$NS-$i" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
		    net.ipv6.conf.default.accept_dad=0
		ip -n "$NS-$i" addr add "10.88.1.$i/24" dev "v$i"
		ip -n "$NS-$i" addr add "fd88:1::$i/64" dev "v$i" nodad
		ip -n "$NS-$i" link set "v$i" up
		root="$T/$i"
		mkdir -p "$root/var/lib/holdfast/cluster" \
		    "$root/var/lib/holdfast/web/config/1"
		ln -s 1 "$root/var/lib/holdfast/web/config/active"
		cat >"$root/var/lib/holdfast/cluster/cluster.conf" <<-EOF
			name = "t"
			self = "n$i"
			lan "lan1" { }
			node "n1" { id = 1 address "lan1" { addr = "10.88.1.1" } }
			node "n2" { id = 2 address "lan1" { addr = "10.88.1.2" } }
		EOF
		cat >"$root/var/lib/holdfast/web/config/1/vipd.conf" <<-EOF
			lifetime_s = 3
			address "10.88.1.100" { }
			address "fd88:1::100" { }
			intf "10.88.1.0" { address = "10.88.1.$i" }
			ip "extra" { address = "10.88.1.2$i" }
		EOF
		start_vipd "$i"
	done
}

start_vipd() {
	ip netns exec "$NS-$1" env HOLDFAST_ROOT="$T/$1" \
	    "$top_builddir/bin/vipd/vipd" -d 2>>"$T/log.$1" 3>&- &
	echo $! >"$T/pid.$1"
	wait_until 5 "test -S $T/$1/run/holdfast/vipd.sock"
}

teardown_file() {
	for p in "$T"/pid.* "$T"/aside.*; do
		[ -f "$p" ] && kill "$(cat "$p")" 2>/dev/null
	done
	for i in 1 2; do ip netns del "$NS-$i" 2>/dev/null; done
	rm -rf "$T"
}

teardown() {
	if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
		tail -n 30 "$T"/log.*
	fi
}

wait_until() {	# seconds, command
	local end=$((SECONDS + $1))
	until eval "$2"; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.02 <> <(:) || :
	done
}

# One request to vipd of host $1, answers on stdout; the link stays open when
# the request comes from hold().
ask() { printf '%s\n' "$2" | socat -t "${3:-2}" - "UNIX:$T/$1/run/holdfast/vipd.sock"; }

# A link that wishes the address and stays, also over the end of this test.
hold() {
	echo "want name=web own=1" | socat STDIO,ignoreeof \
	    "UNIX:$T/$1/run/holdfast/vipd.sock" >"$T/held.$1" 2>&1 3>&- &
	echo $! >"$T/aside.$1"
}

let_go() {
	kill "$(cat "$T/aside.$1")" 2>/dev/null || :
	rm -f "$T/aside.$1"
}

has() { ip -n "$NS-$1" addr show | grep -q "$2"; }

@test "probe of a free address: nobody answers" {
	run ask 1 "probe name=web count=3 gap_ms=50"
	[[ "$output" == *"ok answered=0"* ]]
}

@test "the wished addresses are set with a lifetime and announced" {
	ip netns exec "$NS-2" timeout 10 tcpdump -c 4 -lnnei v2 \
	    'arp or (icmp6 and ip6[40] == 136)' >"$T/dump" 2>/dev/null 3>&- &
	pid=$!
	echo $pid >"$T/aside.dump"
	wait_until 5 "grep -q . /proc/$pid/comm"
	wait_until 5 "[ \$(ip netns exec $NS-2 cat /proc/net/packet | wc -l) -gt 3 ]"
	hold 1
	wait_until 5 "grep -q ok $T/held.1"
	has 1 "10.88.1.100/32"
	has 1 "fd88:1::100/128"
	ip -n "$NS-1" addr show | grep -A1 10.88.1.100 | grep -q "valid_lft [1-4]sec"
	wait_until 5 "! kill -0 $pid 2>/dev/null"
	grep -q "10.88.1.100" "$T/dump"
	grep -q "fd88:1::100" "$T/dump"
}

@test "the other host's probe is answered, with the station's address" {
	mac=$(ip -n "$NS-1" -o link show v1 | sed 's/.*ether \([^ ]*\).*/\1/')
	run ask 2 "probe name=web count=3 gap_ms=50"
	[[ "$output" == *"addr=10.88.1.100 mac=$mac"* ]]
	[[ "$output" == *"addr=fd88:1::100 mac=$mac"* ]]
	[[ "$output" == *"ok answered=2"* ]]
}

@test "an address deleted by hand is set again" {
	ip -n "$NS-1" addr del 10.88.1.100/32 dev v1
	wait_until 5 "has 1 10.88.1.100/32"
}

@test "an address taken by hand is told: a virtual one, and any other" {
	ask 1 "watch name=web" 4 >"$T/taken" &
	wait_until 5 "grep -q 'name=ip.10.88.1.100 state=up' $T/taken"
	grep -q "resource name=ip.extra state=down" "$T/taken"
	ip -n "$NS-1" addr del 10.88.1.100/32 dev v1
	wait_until 5 "grep -q 'name=ip.10.88.1.100 state=down' $T/taken"
	wait_until 5 "grep -c 'ip.10.88.1.100 state=up' $T/taken | grep -q 2"
	ip -n "$NS-1" addr add 10.88.1.21/32 dev v1
	wait_until 5 "grep -q 'name=ip.extra state=up' $T/taken"
	ip -n "$NS-1" addr del 10.88.1.21/32 dev v1
	wait_until 5 "grep -c 'name=ip.extra state=down' $T/taken | grep -q 2"
	wait
}

@test "a foreign host on the address is a conflict, told and over again" {
	ask 1 "watch name=web" 8 >"$T/events" &
	wait_until 5 "grep -q ip.10.88.1.100 $T/events"
	grep -q "resource name=intf.10.88.1.0 state=up" "$T/events"
	ip -n "$NS-2" addr add 10.88.1.100/32 dev v2
	ip netns exec "$NS-2" arping -q -U -c 2 -w 1 -i v2 -S 10.88.1.100 \
	    10.88.1.100 || :
	wait_until 5 "grep -q 'conflict addr=10.88.1.100' $T/events"
	ip -n "$NS-2" addr del 10.88.1.100/32 dev v2
	wait_until 8 "grep -q 'clear addr=10.88.1.100' $T/events"
	wait
}

@test "connections of a leaving address are reset" {
	ip netns exec "$NS-1" socat TCP-LISTEN:7000,bind=10.88.1.100,fork \
	    SYSTEM:'cat' 2>/dev/null 3>&- &
	echo $! >"$T/aside.server"
	wait_until 5 "ip netns exec $NS-1 ss -ltn | grep -q :7000"
	mkfifo "$T/client"
	ip netns exec "$NS-2" socat - TCP:10.88.1.100:7000 <"$T/client" \
	    >"$T/echo" 2>"$T/client.err" 3>&- &
	client=$!
	exec 8>"$T/client"
	echo hello >&8
	wait_until 5 "grep -q hello $T/echo"
	ask 1 "want name=web own=0" | grep -q ok
	wait_until 2 "! kill -0 $client 2>/dev/null"
	exec 8>&-
	kill "$(cat "$T/aside.server")"
	rm "$T/aside.server"
	run has 1 10.88.1.100
	[ "$status" -ne 0 ]
	let_go 1
}

@test "without its owner the address ends by the kernel's lifetime" {
	hold 1
	wait_until 5 "has 1 10.88.1.100"
	let_go 1
	wait_until 8 "! has 1 10.88.1.100"
	wait_until 8 "! has 1 fd88:1::100"
}

@test "a killed vipd: the address stays, and the next one renews it" {
	hold 1
	wait_until 5 "has 1 10.88.1.100"
	pid=$(cat "$T/pid.1")
	kill -9 "$pid"
	wait_until 5 "! kill -0 $pid 2>/dev/null"
	let_go 1
	start_vipd 1
	has 1 10.88.1.100
	hold 1
	wait_until 5 "grep -q ok $T/held.1"
	has 1 10.88.1.100
	let_go 1
	wait_until 8 "! has 1 10.88.1.100"
}

@test "a leftover nobody wants is removed" {
	ip -n "$NS-2" addr add 10.88.1.100/32 dev v2
	ask 2 "watch name=web" 1 >/dev/null
	wait_until 8 "! has 2 10.88.1.100"
}

@test "a lost link is told, and a probe over it refuses to prove anything" {
	ask 2 "watch name=web" 4 >"$T/events" &
	wait_until 5 "grep -q 'links lan=lan1 state=up' $T/events"
	ip -n "$NS-1" link set v1 down
	wait_until 5 "grep -q 'links lan=lan1 state=down' $T/events"
	grep -q "resource name=intf.10.88.1.0 state=down" "$T/events"
	run ask 2 "probe name=web"
	[[ "$output" == *"err code=link-down"* ]]
	ip -n "$NS-1" link set v1 up
	wait_until 5 "grep -c 'links lan=lan1 state=up' $T/events | grep -q 2"
	wait
}

@test "bad requests are answered with what is wrong" {
	run ask 2 "probe name=web count=0"
	[[ "$output" == *"err code=usage"* ]]
	run ask 2 "want name=nosuch own=1"
	[[ "$output" == *"err code=config"*"holdfast config nosuch"* ]]
	run ask 2 "want name=../etc own=1"
	[[ "$output" == *"err code=usage"* ]]
	run ask 2 "fly"
	[[ "$output" == *"err code=unknown-verb"* ]]
}
