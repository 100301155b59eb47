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
		    net.ipv6.conf.default.accept_dad=0 \
		    net.ipv6.conf.all.keep_addr_on_down=1
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
			lifetime_s = 8
			address "10.88.1.100" { }
			address "fd88:1::100" { }
			intf "10.88.1.0" { address = "10.88.1.$i" }
			ip "extra" { address = "10.88.1.2$i" }
		EOF
		mkdir -p "$root/var/lib/holdfast/shop/config/1"
		ln -s 1 "$root/var/lib/holdfast/shop/config/active"
		cat >"$root/var/lib/holdfast/shop/config/1/vipd.conf" <<-EOF
			lifetime_s = 3
			address "10.88.1.110" { farm = true }
			address "fd88:1::110" { farm = true }
		EOF
		start_vipd "$i"
	done
}

start_vipd() {
	# One that was killed leaves its socket, which nobody answers.
	rm -f "$T/$1/run/holdfast/vipd.sock"
	ip netns exec "$NS-$1" env HOLDFAST_ROOT="$T/$1" \
	    "$top_builddir/bin/vipd/vipd" -d 2>>"$T/log.$1" 3>&- &
	echo $! >"$T/pid.$1"
	wait_until 5 "ask $1 status | grep -q '^ok'"
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
	local end=$((SECONDS + $1 * ${HOLDFAST_SLOW:-1}))
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

# A link that wishes what farm_wish says, one wish after the other.
farm_link() {
	: >"$T/wishes.$1"
	tail -n +1 -f "$T/wishes.$1" 2>/dev/null 3>&- |
	    socat STDIO "UNIX:$T/$1/run/holdfast/vipd.sock" \
	    >"$T/answers.$1" 2>&1 3>&- &
	jobs -p | tail -n 1 >"$T/aside.socat.$1"
	wait_until 5 "pgrep -f '^tail -n .1 -f $T/wishes.$1' >$T/aside.tail.$1"
	wait_until 5 "grep -q holdfast $T/answers.$1"
}

# One more line on that link of host $1; the answer must be ok.
link_say() {
	local n
	n=$(grep -cE '^(ok|err)' "$T/answers.$1" || :)
	echo "$2" >>"$T/wishes.$1"
	wait_until 5 "[ \$(grep -cE '^(ok|err)' $T/answers.$1) -gt $n ]"
	tail -n 1 "$T/answers.$1" | grep -q '^ok'
}

farm_wish() { link_say "$1" "want name=shop $2"; }

lease_say() { link_say 1 "$1"; }

farm_let_go() {
	kill "$(cat "$T/aside.tail.$1")" "$(cat "$T/aside.socat.$1")" \
	    2>/dev/null || :
	rm -f "$T/aside.tail.$1" "$T/aside.socat.$1"
}

has_on() { ip -n "$NS-$1" addr show dev "$2" | grep -q "$3"; }

mac_of() { ip -n "$NS-$1" -o link show "v$1" | sed 's/.*ether \([^ ]*\).*/\1/'; }

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
	ip -n "$NS-1" addr show | grep -A1 10.88.1.100 | grep -q "valid_lft [1-9]sec"
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
	# Who begins to watch now is told, too.
	ask 1 "watch name=web" 1 | grep -q "conflict addr=10.88.1.100 mac="
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
	wait_until 12 "! has 1 10.88.1.100"
	wait_until 12 "! has 1 fd88:1::100"
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
	wait_until 12 "! has 1 10.88.1.100"
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

@test "farm: held on the loopback, owned on the link too, told where" {
	farm_link 1
	farm_wish 1 "own=0 hold=1"
	has_on 1 lo 10.88.1.110/32
	has_on 1 lo fd88:1::110/128
	run has_on 1 v1 '[.:]110\/'
	[ "$status" -ne 0 ]
	grep -q "^addr=10.88.1.110 interface=v1 index=[0-9]* mac=$(mac_of 1) own=10.88.1.1 up=1" \
	    "$T/answers.1"
	grep -q "^addr=fd88:1::110 interface=v1 .* own=fd88:1::1 up=1" \
	    "$T/answers.1"
	farm_wish 1 "own=1 hold=1"
	has_on 1 v1 10.88.1.110/32
	has_on 1 v1 fd88:1::110/128
	has_on 1 lo 10.88.1.110/32
	# What this node begins never comes from an address all nodes have.
	run ip -n "$NS-1" route get 10.88.1.2
	[[ "$output" == *"src 10.88.1.1 "* ]]
	run ip -n "$NS-1" route get fd88:1::2
	[[ "$output" == *"src fd88:1::1 "* ]]
	ip -n "$NS-1" addr show dev lo | grep 10.88.1.110 | grep -q deprecated
}

# talks V: the client's line comes back through the connection it has.
talks() {
	local line="$1 $EPOCHREALTIME"
	echo "$line" >>"$T/say.$1"
	wait_until 5 "grep -q '$line' $T/heard.$1"
}

@test "farm: connections of a held address outlive the change of owner" {
	local v
	for v in 4 6; do
		ip netns exec "$NS-1" socat TCP$v-LISTEN:7001,fork$([ $v = 4 ] || echo ,ipv6only=1) \
		    EXEC:cat 2>/dev/null 3>&- &
		echo $! >"$T/aside.farm.server$v"
	done
	wait_until 5 "[ \$(ip netns exec $NS-1 ss -ltn | grep -c :7001) = 2 ]"
	# As a router that goes on sending here, whoever answers.
	ip -n "$NS-2" neigh replace 10.88.1.110 lladdr "$(mac_of 1)" dev v2
	ip -n "$NS-2" neigh replace fd88:1::110 lladdr "$(mac_of 1)" dev v2
	for v in 4 6; do
		: >"$T/say.$v"
		tail -n +1 -f "$T/say.$v" 3>&- 2>/dev/null |
		    ip netns exec "$NS-2" socat STDIO "$([ $v = 4 ] &&
		    echo TCP:10.88.1.110:7001 ||
		    echo "TCP6:[fd88:1::110]:7001")" >"$T/heard.$v" 2>&1 3>&- &
		jobs -p | tail -n 1 >"$T/aside.farm.client$v"
		wait_until 5 "pgrep -f '^tail -n .1 -f $T/say.$v' \
		    >$T/aside.farm.tail$v"
		talks $v
	done
	for wish in "own=0 hold=1" "own=1 hold=1" \
	    "own=1 hold=1 mac=5a:fe:0a:58:01:6e" "own=1 hold=1" \
	    "own=0 hold=1"; do
		farm_wish 1 "$wish"
		talks 4
		talks 6
	done
	# Its end is the end of the connections: reset, not silence.
	farm_wish 1 "own=0 hold=0"
	run has 1 '[.:]110\/'
	[ "$status" -ne 0 ]
	wait_until 3 "! kill -0 $(cat "$T/aside.farm.client4") 2>/dev/null ||
	    grep -q reset $T/heard.4"
	for p in "$T"/aside.farm.*; do
		kill "$(cat "$p")" 2>/dev/null || :
		rm "$p"
	done
	ip -n "$NS-2" neigh flush dev v2 nud permanent
}

# asked_at V: the MAC host 2 learns for the farm's address when it asks.
asked_at() {
	local a=10.88.1.110
	[ "$1" = 4 ] || a=fd88:1::110
	ip -n "$NS-2" neigh flush to "$a" dev v2 2>/dev/null || :
	ip netns exec "$NS-2" ping -c 1 -W 1 "$a" >/dev/null || :
	ip -n "$NS-2" neigh show "$a" dev v2 | sed -n 's/.*lladdr \([^ ]*\).*/\1/p'
}

@test "farm: a shared MAC is answered, and never a frame's source" {
	local vmac4=5a:fe:0a:58:01:6e vmac6=5a:fe:00:00:01:10
	# What farmd's ARP table does: the kernel itself does not answer.
	ip netns exec "$NS-1" sysctl -qw net.ipv4.conf.all.arp_ignore=1
	ip netns exec "$NS-2" timeout 20 tcpdump -lnnei v2 \
	    'arp or (icmp6 and ip6[40] == 136)' >"$T/vmac" 2>/dev/null 3>&- &
	echo $! >"$T/aside.dump"
	wait_until 5 "[ \$(ip netns exec $NS-2 cat /proc/net/packet | wc -l) -gt 3 ]"
	farm_wish 1 "own=1 hold=1 mac=10.88.1.110/$vmac4,fd88:1::110/$vmac6"
	run has_on 1 v1 '[.:]110\/'
	[ "$status" -ne 0 ]
	has_on 1 lo 10.88.1.110/32
	ip -n "$NS-1" maddr show dev v1 | grep -q ff02::1:ff00:110
	wait_until 5 "[ \"\$(asked_at 4)\" = $vmac4 ]"
	wait_until 5 "[ \"\$(asked_at 6)\" = $vmac6 ]"
	wait_until 5 "grep -q 'fd88:1::110 > fd88:1::2: .*tgt is fd88:1::110' $T/vmac"
	wait_until 5 "grep -q 'Reply 10.88.1.110 is-at $vmac4' $T/vmac"
	run grep -i "$vmac4 >\|$vmac6 >" "$T/vmac"
	[ "$status" -ne 0 ]
	# Another node owns it now: nobody answers here.
	farm_wish 1 "own=0 hold=1"
	[ -z "$(asked_at 4)$(asked_at 6)" ]
	run ip -n "$NS-1" maddr show dev v1
	[[ "$output" != *ff02::1:ff00:110* ]]
	kill "$(cat "$T/aside.dump")" 2>/dev/null || :
	rm "$T/aside.dump"
}

@test "farm: a member's claim is no conflict, a stranger's is, also for who only holds" {
	farm_wish 1 "own=0 hold=1 peers=02:00:00:00:00:05,$(mac_of 2)"
	ask 1 "watch name=shop" 20 >"$T/shop" &
	echo $! >"$T/aside.watch"
	wait_until 5 "grep -q 'link addr=10.88.1.110' $T/shop"
	claim() {
		ip netns exec "$NS-2" arping -q -U -c 1 -w 1 -i v2 \
		    -S 10.88.1.110 10.88.1.110 || :
	}
	farm_link 2
	farm_wish 2 "own=1 hold=1 peers=$(mac_of 1)"
	run ask 1 "probe name=shop peers=$(mac_of 2) count=2 gap_ms=100"
	[[ "$output" == *"ok answered=0"* ]]
	run ask 1 "probe name=shop count=2 gap_ms=100"
	[[ "$output" == *"addr=fd88:1::110 mac=$(mac_of 2)"* ]]
	run grep conflict "$T/shop"
	[ "$status" -ne 0 ]
	farm_wish 1 "own=0 hold=1"
	claim
	wait_until 5 "grep -q 'conflict addr=10.88.1.110 mac=$(mac_of 2)' $T/shop"
	farm_wish 2 "own=0 hold=0"
	farm_let_go 2
	wait_until 8 "grep -q 'clear addr=10.88.1.110' $T/shop"
}

@test "farm: the change of a link and of its MAC is told" {
	local old
	old=$(mac_of 1)
	ip -n "$NS-1" link set v1 address 02:00:00:00:00:11
	wait_until 5 "grep -q 'link addr=10.88.1.110 .*mac=02:00:00:00:00:11' $T/shop"
	ip -n "$NS-1" link set v1 address "$old"
	wait_until 5 "tail -n 1 $T/shop | grep -q 'link addr=.*mac=$old'"
	ip -n "$NS-2" link set v2 down
	wait_until 5 "grep -q 'link addr=10.88.1.110 .*up=0' $T/shop"
	ip -n "$NS-2" link set v2 up
	wait_until 5 "tail -n 4 $T/shop | grep -q 'link addr=10.88.1.110 .*up=1'"
	kill "$(cat "$T/aside.watch")" 2>/dev/null || :
	rm "$T/aside.watch"
}

@test "farm: a killed vipd leaves both, and the next one renews them" {
	local pid
	farm_wish 1 "own=1 hold=1"
	pid=$(cat "$T/pid.1")
	kill -9 "$pid"
	wait_until 5 "! kill -0 $pid 2>/dev/null"
	farm_let_go 1
	start_vipd 1
	farm_link 1
	farm_wish 1 "own=1 hold=1"
	has_on 1 lo 10.88.1.110/32
	has_on 1 v1 10.88.1.110/32
	# Past the lifetime it had.
	wait_until 5 "[ \$(ip -n $NS-1 addr show | grep -A1 :110 |
	    grep -c 'valid_lft [123]sec') = 2 ]"
}

@test "farm: without its owner it ends, on the link, the loopback and answered" {
	farm_wish 1 "own=1 hold=1 mac=5a:fe:0a:58:01:6e"
	[ "$(asked_at 4)" = 5a:fe:0a:58:01:6e ]
	farm_let_go 1
	wait_until 8 "! has 1 10.88.1.110"
	wait_until 8 "! has 1 fd88:1::110"
	wait_until 3 "[ -z \"\$(asked_at 4)\$(asked_at 6)\" ]"
	run ip -n "$NS-1" maddr show dev v1
	[[ "$output" != *ff02::1:ff00:110* ]]
}

@test "farm: wishes that cannot be meant are refused, and change nothing" {
	local wish
	run ask 1 "want name=web own=0 hold=1"
	[[ "$output" == *"err code=usage"*"farm = true"* ]]
	for wish in "own=1 hold=0" "hold=1" "own=1 mac=5a:fe" \
	    "own=1 mac=01:00:5e:00:00:01" "own=1 mac=00:00:00:00:00:00" \
	    "own=1 mac=10.88.1.9/5a:fe:0a:58:01:6e" \
	    "own=1 peers=5a:fe:0a:58:01:6e,nobody"; do
		run ask 1 "want name=shop $wish"
		[[ "$output" == *"err code=usage"* ]]
	done
	run has 1 '[.:]110\/'
	[ "$status" -ne 0 ]
	# Two modules with one address: the second is told which has it.
	mkdir -p "$T/1/var/lib/holdfast/rival/config/active"
	echo 'address "10.88.1.110" { farm = true }' \
	    >"$T/1/var/lib/holdfast/rival/config/active/vipd.conf"
	farm_link 1
	farm_wish 1 "own=0 hold=1"
	run ask 1 "want name=rival own=1 hold=1"
	[[ "$output" == *"err code=address-taken"*"10.88.1.110"*"shop"* ]]
	run has_on 1 v1 '[.:]110\/'
	[ "$status" -ne 0 ]
	farm_wish 1 "own=0 hold=0"
	farm_let_go 1
}

# --- answered while a lease runs ---------------------------------------

# The clock of until_ns=, so many milliseconds from now.
in_ms() { awk -v ms="$1" '{ printf "%.0f", ($1 * 1000 + ms) * 1000000 }' /proc/uptime; }

# answers 4|6: host 2 learns who has the address, and it takes packets.
answers() {
	local a=10.88.1.100
	[ "$1" = 4 ] || a=fd88:1::100
	ip -n "$NS-2" neigh flush to "$a" dev v2 2>/dev/null || :
	ip netns exec "$NS-2" ping -c 1 -W 0.15 "$a" >/dev/null
}

# takes 4|6: it takes packets of one who knows its MAC already.
takes() {
	local a=10.88.1.100 ok=0
	[ "$1" = 4 ] || a=fd88:1::100
	ip -n "$NS-2" neigh replace "$a" lladdr "$(mac_of 1)" dev v2
	ip netns exec "$NS-2" ping -c 1 -W 0.15 "$a" >/dev/null || ok=1
	ip -n "$NS-2" neigh del "$a" dev v2
	return $ok
}

tables() { ip netns exec "$NS-1" nft list tables | grep holdfast_web || :; }

silent() {
	local v
	for v in 4 6; do
		not answers $v
		not takes $v
	done
}

# As in lib.bash: `!' fails no test.
not() { ! "$@"; }

@test "lease: no answer before there is one, and answers while it runs" {
	farm_link 1
	lease_say "want name=web own=1 lease=1"
	has 1 10.88.1.100/32
	silent
	lease_say "lease name=web until_ns=$(in_ms 60000)"
	for v in 4 6; do answers $v; takes $v; done
	# Its rules read like a description, and are ours by name.
	ip netns exec "$NS-1" nft list table inet holdfast_web >"$T/rules"
	grep -q "lease over: no answer" "$T/rules"
	grep -q "10.88.1.100 timeout [0-9ms]* expires [0-9ms]*" "$T/rules"
	[ "$(tables)" = "table inet holdfast_web
table arp holdfast_web" ] || [ "$(tables)" = "table arp holdfast_web
table inet holdfast_web" ]
}

@test "lease: over at once when it is said so, told, and back" {
	ask 1 "watch name=web" 4 >"$T/events" &
	wait_until 5 "grep -q ip.10.88.1.100 $T/events"
	lease_say "lease name=web until_ns=0"
	silent
	wait_until 2 "grep -q 'lease state=over' $T/events"
	lease_say "lease name=web until_ns=$(in_ms 60000)"
	answers 4
	answers 6
	wait_until 2 "grep -q 'lease state=runs' $T/events"
	ask 1 status | grep "addr=10.88.1.100" | grep -q "lease_ms=5[0-9]*"
	wait
}

@test "lease: ends by itself with vipd and its owner stopped" {
	local pid
	pid=$(cat "$T/pid.1")
	lease_say "lease name=web until_ns=$(in_ms 900)"
	answers 4
	kill -STOP "$pid" "$(cat "$T/aside.socat.1")"
	wait_until 3 silent || { kill -CONT "$pid"; false; }
	# The address is still there: the kernel's rules keep it silent.
	has 1 10.88.1.100/32
	# What was said while it was stopped does not count from its end on.
	echo "lease name=web until_ns=$(in_ms -1)" >>"$T/wishes.1"
	kill -CONT "$pid" "$(cat "$T/aside.socat.1")"
	wait_until 5 "ask 1 status | grep addr=10.88.1.100 | grep -q lease_ms=0"
	silent
	lease_say "lease name=web until_ns=$(in_ms 60000)"
	answers 4
	answers 6
}

@test "lease: the rules flushed by hand are back within two seconds" {
	ip netns exec "$NS-1" nft flush ruleset
	wait_until 4 "[ \$(ip netns exec $NS-1 nft list tables | grep -c web) = 2 ]"
	wait_until 2 "answers 4 && answers 6"
	lease_say "lease name=web until_ns=0"
	silent
}

@test "lease: a killed vipd keeps them silent, the next one goes on" {
	local pid
	pid=$(cat "$T/pid.1")
	lease_say "lease name=web until_ns=$(in_ms 500)"
	kill -9 "$pid"
	wait_until 5 "not kill -0 $pid 2>/dev/null"
	wait_until 3 silent
	has 1 10.88.1.100/32
	farm_let_go 1
	start_vipd 1
	silent
	farm_link 1
	lease_say "want name=web own=1 lease=1 until_ns=$(in_ms 60000)"
	for v in 4 6; do answers $v; takes $v; done
}

@test "lease: none is needed alone, and nothing stays behind" {
	lease_say "want name=web own=1"
	[ -z "$(tables)" ]
	for v in 4 6; do answers $v; takes $v; done
	lease_say "want name=web own=1 lease=1 until_ns=$(in_ms 60000)"
	answers 4
	lease_say "want name=web own=0"
	[ -z "$(tables)" ]
	not has 1 10.88.1.100
	farm_let_go 1
}

@test "lease: vipd told to end while the address goes, and its next life" {
	local pid
	farm_link 1
	lease_say "want name=web own=1 lease=1 until_ns=$(in_ms 400)"
	pid=$(cat "$T/pid.1")
	kill "$pid"
	wait_until 5 "not kill -0 $pid 2>/dev/null"
	farm_let_go 1
	# The address has its lifetime, and is not answered after the lease.
	wait_until 2 silent
	start_vipd 1
	wait_until 12 "not has 1 10.88.1.100"
	wait_until 2 '[ -z "$(tables)" ]'
}

@test "lease: words that cannot be meant are refused" {
	run ask 1 "lease name=web until_ns=$(in_ms 100)"
	[[ "$output" == *"err code=no-wish"* ]]
	run ask 1 "want name=shop own=1 lease=1"
	[[ "$output" == *"err code=usage"*farm* ]]
	run ask 1 "want name=web own=1 lease=1 until_ns=soon"
	[[ "$output" == *"err code=usage"*CLOCK_BOOTTIME* ]]
	run ask 1 "want name=web own=1 lease=1 until_ns=$(in_ms 700000)"
	[[ "$output" == *"err code=usage"* ]]
	not has 1 10.88.1.100
}
