#!/usr/bin/env bats
# heartd alone: two nodes on two networks (IPv4 and IPv6), each with a heartd
# that is driven by lines.  Needs root for the network namespaces it makes.

# Conditions are expanded by wait_until, later.
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0

setup() {
	[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
	: "${top_builddir:=$PWD}" "${top_srcdir:=$PWD}"
	T=$(mktemp -d)
	NS="hb$$"
	for i in 1 2; do
		ip netns add "$NS-$i"
		ip -n "$NS-$i" link set lo up
	done
	for k in 1 2; do wire "$k"; done
	head -c 32 /dev/urandom | base64 >"$T/key"
	for i in 1 2; do
		node_files "$i"
		start "$i"
	done
}

teardown() {
	[ -n "${T:-}" ] || return 0
	[ -n "${BATS_TEST_COMPLETED:-}" ] || tail -n 40 "$T"/log.* "$T"/watch.*
	for p in "$T"/pid.* "$T"/aside.*; do
		[ -f "$p" ] && kill -KILL "$(cat "$p")" 2>/dev/null
	done
	for i in 1 2; do ip netns del "$NS-$i" 2>/dev/null; done
	# A sanitizer's word fails the test that provoked it.
	if grep -E 'Sanitizer|runtime error' "$T"/log.*; then
		rm -rf "$T"
		return 1
	fi
	rm -rf "$T"
}

wire() {	# lan number
	ip link add "hb$1" netns "$NS-1" type veth peer name "hb$1" \
	    netns "$NS-2"
	for n in 1 2; do
		ip -n "$NS-$n" addr add "10.88.$1.$n/24" dev "hb$1"
		ip -n "$NS-$n" addr add "fd88:$1::$n/64" dev "hb$1" nodad
		ip -n "$NS-$n" link set "hb$1" up
	done
}

key_file() {	# node, file with the key
	{ echo "holdfast-key 01234567"; cat "$2"; } \
	    >"$T/$1/etc/holdfast/cluster.key"
	chmod 600 "$T/$1/etc/holdfast/cluster.key"
}

node_files() {	# node
	mkdir -p "$T/$1/etc/holdfast" "$T/$1/var/lib/holdfast/cluster"
	key_file "$1" "$T/key"
	cat >"$T/$1/var/lib/holdfast/cluster/cluster.conf" <<-END
		name = "test"
		self = "n$1"
		port = 4800
		lan "lan1" { }
		lan "lan2" { }
		node "n1" {
			id = 1
			address "lan1" { addr = "10.88.1.1" }
			address "lan2" { addr = "fd88:2::1" }
		}
		node "n2" {
			id = 2
			address "lan1" { addr = "10.88.1.2" }
			address "lan2" { addr = "fd88:2::2" }
		}
	END
}

start() {	# node
	ip netns exec "$NS-$1" env HOLDFAST_ROOT="$T/$1" \
	    "$top_builddir/bin/heartd/heartd" -d 2>>"$T/log.$1" 3>&- &
	echo $! >"$T/pid.$1"
	wait_until 5 "ask $1 status | grep -q '^self='"
}

stop() {	# node, signal
	kill "-${2:-TERM}" "$(cat "$T/pid.$1")"
	wait_until 5 "! kill -0 $(cat "$T/pid.$1") 2>/dev/null"
	rm "$T/pid.$1"
}

wait_until() {	# seconds, command
	local end=$((SECONDS + $1 * ${HOLDFAST_SLOW:-1} + 1))
	until eval "$2"; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.02 <> <(:) || :
	done
}

sock() { echo "UNIX:$T/$1/run/holdfast/heartd.sock"; }

# One request to heartd of node $1, answers on stdout.
ask() { printf '%s\n' "$2" | socat -t 1 - "$(sock "$1")" 2>/dev/null; }

# As moduled would: states the module on a link that stays, and watches.
# Each event is written with the time in microseconds before it.
module() {	# node, id, digest, timeout
	local t=${4:-600}

	forget "$1"
	printf '%s\n' "module name=m id=${2:-1} digest=${3:-ab} \
pulse_ms=$((t / 10)) timeout_ms=$t lans=lan1,lan2" "watch name=m" |
	    socat STDIO,ignoreeof "$(sock "$1")" 2>/dev/null 3>&- |
	    while read -r line; do
		echo "${EPOCHREALTIME/[.,]/} $line"
	    done >>"$T/watch.$1" 3>&- &
	wait_until 3 "pgrep -f 'ignoreeof $(sock "$1")' >'$T/aside.$1'"
	wait_until 3 "grep -q ' ok' '$T/watch.$1'"
}

# `!' fails no test.
not() { ! "$@"; }

unmodule() { kill "$(cat "$T/aside.$1")"; rm "$T/aside.$1"; }

# An event was seen by the watcher of a node.
seen() { grep -q "$2" "$T/watch.$1"; }
forget() { : >"$T/watch.$1"; }

# The time of an event, microseconds.
when() { grep -m1 "$2" "$T/watch.$1" | cut -d' ' -f1; }

pair() {
	module 1
	module 2
	wait_until 3 "seen 1 'peer node=n2 state=up'"
	wait_until 3 "seen 2 'peer node=n1 state=up'"
}

# Drops what node $1 would hear of the cluster.
deafen() {
	ip netns exec "$NS-$1" nft "add table inet t; \
add chain inet t i { type filter hook input priority 0; }; \
add rule inet t i udp dport 4800 drop"
}
undeafen() { ip netns exec "$NS-$1" nft delete table inet t; }

# Counter $2 of the datagrams node $1 dropped.
dropped() { ask "$1" status | sed -n "s/^dropped=.* $2=\([0-9]*\).*/\1/p"; }

@test "two nodes see each other on both networks" {
	pair
	run ask 1 status
	[[ $output == *"node=n2 lan=lan1 state=up"* ]]
	[[ $output == *"node=n2 lan=lan2 state=up"* ]]
	[[ $output == *"self=n1 "*" locked=1 "* ]]
}

@test "a blob arrives at once, again only when it changes" {
	pair
	start=${EPOCHREALTIME/[.,]/}
	ask 1 'publish name=m blob="state=PRIM \"quoted\" x=1"'
	wait_until 2 "seen 2 'blob node=n1'"
	took=$(($(when 2 'blob node=n1') - start))
	echo "took $took us"
	# Two pulses of 60 ms.
	[ "$took" -lt 120000 ]
	seen 2 'id=1 digest=ab blob="state=PRIM \\"quoted\\" x=1"'
	ask 1 'publish name=m blob="state=PRIM \"quoted\" x=1"'
	ask 1 'publish name=m blob=second'
	wait_until 2 "seen 2 'blob=second'"
	[ "$(grep -c 'blob node=n1' "$T/watch.2")" -eq 2 ]
	# Who begins to watch later is told the state first.
	run ask 2 "watch name=m"
	[[ $output == *"blob node=n1 "*"blob=second"* ]]
}

@test "a blob of 6 KiB travels in parts" {
	pair
	big=$(head -c 4600 /dev/urandom | base64 -w0 | tr -d =)
	ask 1 "publish name=m blob=$big"
	wait_until 2 "seen 2 'blob=$big'"
}

@test "all networks cut: loss at D, down at T, back with the first pulse" {
	pair
	forget 1
	ip -n "$NS-2" link set hb1 down
	ip -n "$NS-2" link set hb2 down
	wait_until 3 "seen 1 'peer node=n2 state=down'"
	seen 1 'net node=n2 lan=lan1 state=down'
	seen 1 'net node=n2 lan=lan2 state=down'
	seen 1 'loss node=n2 ms=3[6-9][0-9]'
	gap=$(($(when 1 'peer node=n2') - $(when 1 'loss node=n2')))
	echo "loss to down $gap us"
	# 0.4 T apart, give or take the scheduling of a busy machine.
	[ "$gap" -gt 200000 ] && [ "$gap" -lt 340000 ]
	forget 1
	ip -n "$NS-2" link set hb1 up
	wait_until 5 "seen 1 'peer node=n2 state=up'"
	wait_until 1 "seen 1 'loss node=n2 ms=0'"
}

@test "one network of two cut: the peer stays up" {
	pair
	forget 1
	ip -n "$NS-2" link set hb2 down
	wait_until 3 "seen 1 'net node=n2 lan=lan2 state=down'"
	run ! seen 1 'peer node=n2'
	run ! seen 1 'loss node=n2'
	ask 2 'publish name=m blob=by-lan1'
	wait_until 2 "seen 1 by-lan1"
}

@test "a one-way cut is seen by the deaf side only" {
	pair
	forget 1
	forget 2
	deafen 2
	wait_until 3 "seen 2 'peer node=n1 state=down'"
	run ! seen 1 'peer node=n2'
	undeafen 2
	wait_until 3 "seen 2 'peer node=n1 state=up'"
}

# Payloads of the datagrams n1 sends to n2 on lan1, one file each.
capture() {
	ip netns exec "$NS-2" timeout 1 socat -u -x -b 4096 \
	    INTERFACE:hb1 OPEN:/dev/null,creat=0 2>"$T/hex" || true
	sed 's/^[<>].*/@/' "$T/hex" | tr -d '\n' | tr '@' '\n' |
	    grep ' 08 00 45 .* 11 .. .. 0a 58 01 01 0a 58 01 02 ' \
	    >"$T/packets"
	n=0
	while read -r -a byte; do
		# Ethernet 14, IPv4 20, UDP 8.
		printf '%b' "$(printf '\\x%s' "${byte[@]:42}")" \
		    >"$T/captured.$n"
		n=$((n + 1))
	done <"$T/packets"
	[ "$n" -ge 3 ]
}

replay() {
	for f in "$T"/captured.*; do
		ip netns exec "$NS-1" socat -u "OPEN:$f" \
		    UDP4-SENDTO:10.88.1.2:4800
	done
}

@test "a replayed datagram keeps nobody alive" {
	pair
	capture
	replay
	wait_until 2 '[ "$(dropped 2 replay)" -ge 3 ]'
	wait_until 2 "seen 2 'foreign addr=10.88.1.1 reason=replay'"
	stop 1 KILL
	wait_until 3 "seen 2 'peer node=n1 state=down'"
	forget 2
	replay
	wait_until 2 '[ "$(dropped 2 replay)" -ge 6 ]'
	run ! seen 2 state=up
	# A new life of the receiver knows no old numbers: it challenges.
	stop 2
	start 2
	module 2
	replay
	wait_until 3 "seen 2 'peer node=n1 state=down'"
	run ! seen 2 state=up
}

@test "a reflected datagram is dropped" {
	pair
	capture
	for f in "$T"/captured.*; do
		ip netns exec "$NS-2" socat -u "OPEN:$f" \
		    UDP4-SENDTO:10.88.1.1:4800
	done
	wait_until 2 '[ "$(dropped 1 reflected)" -ge 3 ]'
}

@test "another key: dropped, told, no peer" {
	pair
	stop 1
	head -c 32 /dev/urandom | base64 >"$T/key.other"
	key_file 1 "$T/key.other"
	forget 2
	start 1
	wait_until 3 "seen 2 'foreign addr=10.88.1.1 reason=wrong-key'"
	wait_until 3 "seen 2 'peer node=n1 state=down'"
	[ "$(dropped 1 wrong-key)" -gt 0 ]
}

@test "garbage and cut datagrams are counted, limited, survived" {
	pair
	capture
	for i in 1 2 3 4 5 6 7 8 9; do
		echo "GET / HTTP/1.0" | ip netns exec "$NS-1" socat -u - \
		    UDP4-SENDTO:10.88.1.2:4800
		head -c 20 "$T/captured.0" | ip netns exec "$NS-1" socat -u \
		    - UDP4-SENDTO:10.88.1.2:4800
		head -c 90 "$T/captured.0" | ip netns exec "$NS-1" socat -u \
		    - UDP4-SENDTO:10.88.1.2:4800
	done
	wait_until 2 '[ "$(dropped 2 foreign)" -ge 9 ]'
	wait_until 2 '[ "$(dropped 2 truncated)" -ge 9 ]'
	wait_until 2 '[ "$(dropped 2 wrong-key)" -ge 9 ]'
	[ "$(grep -c 'dropped: foreign' "$T/log.2")" -le 3 ]
	run ! seen 2 state=down
}

@test "a restart is a new life, accepted at once, and tells its blob" {
	pair
	ask 1 'publish name=m blob=first'
	wait_until 2 "seen 2 blob=first"
	forget 2
	stop 1 KILL
	start 1
	module 1
	ask 1 'publish name=m blob=second'
	wait_until 2 "seen 2 blob=second"
	run ! seen 2 state=down
	grep -q 'n1: life 2 accepted' "$T/log.2"
	seen 2 'life node=n1 life=2'
	# And it hears what the other published before.
	ask 2 'publish name=m blob=other'
	wait_until 2 "seen 1 blob=other"
}

@test "down for long, then restarted: up within a round trip" {
	pair
	stop 1 KILL
	wait_until 3 "seen 2 'peer node=n1 state=down'"
	forget 2
	start 1
	wait_until 2 "seen 2 'peer node=n1 state=up'"
	bound=$(grep 'bound to 10.88.1.1' "$T/log.1" | tail -1 |
	    cut -d' ' -f1)
	up=$(when 2 'peer node=n1 state=up')
	took=$((up / 1000 - $(date -d "$bound" +%s%3N)))
	echo "took $took ms"
	[ "$took" -lt 100 ]
}

@test "a node that stood still voids its opinion" {
	module 1 1 ab 1000
	module 2 1 ab 1000
	wait_until 3 "seen 2 'peer node=n1 state=up'"
	wait_until 3 "seen 1 'peer node=n2 state=up'"
	forget 1
	forget 2
	kill -STOP "$(cat "$T/pid.2")"
	wait_until 3 "seen 1 'peer node=n2 state=down'"
	read -rt 2 <> <(:) || :	# so long it stands still
	kill -CONT "$(cat "$T/pid.2")"
	wait_until 2 "seen 2 'late ms=[23]'"
	wait_until 2 "seen 2 'peer node=n1 state=up'"
	run ! seen 2 state=down
	[ "$(grep -m1 -n 'peer node=n1' "$T/watch.2" |
	    grep -c state=unknown)" -eq 1 ]
	wait_until 2 "seen 1 'peer node=n2 state=up'"
}

@test "the module's link goes: spoken for 2 T, then withdrawn" {
	pair
	ask 1 'publish name=m blob=last-words'
	wait_until 2 "seen 2 last-words"
	gone=${EPOCHREALTIME/[.,]/}
	unmodule 1
	wait_until 4 "seen 2 'blob node=n1 .*gone=1'"
	took=$(($(when 2 gone=1) - gone))
	echo "took $took us"
	[ "$took" -gt 1150000 ] && [ "$took" -lt 1700000 ]
	run ! seen 2 'state=down'
	# A module that is stated again speaks again, with the same words.
	module 1
	ask 1 'publish name=m blob=last-words'
	wait_until 2 '[ "$(grep -c last-words "$T/watch.2")" -eq 2 ]'
}

@test "the module's link comes back in time: nobody notices" {
	pair
	ask 1 'publish name=m blob=words'
	wait_until 2 "seen 2 blob=words"
	unmodule 1
	module 1
	read -rt 1.5 <> <(:) || :	# longer than it is kept for a link
	run ! seen 2 gone=1
	[ "$(grep -c 'blob node=n1' "$T/watch.2")" -eq 1 ]
}

@test "an interface vanishes and comes back" {
	pair
	ip -n "$NS-1" link del hb1
	wait_until 3 "seen 1 'net node=n2 lan=lan1 state=down'"
	forget 1
	wire 1
	wait_until 3 "seen 1 'net node=n2 lan=lan1 state=up'"
	ip -n "$NS-1" addr del fd88:2::1/64 dev hb2
	wait_until 3 "seen 1 'net node=n2 lan=lan2 state=down'"
	ip -n "$NS-1" addr add fd88:2::1/64 dev hb2 nodad
	wait_until 3 "seen 1 'net node=n2 lan=lan2 state=up'"
	run ! seen 1 'peer node=n2 state=down'
}

@test "module id and configuration are compared" {
	module 1 1 ab
	module 2 1 cd
	wait_until 2 "seen 1 'mismatch node=n2 what=config-differs mine=ab theirs=cd'"
	seen 2 'mismatch node=n1 what=config-differs mine=cd theirs=ab'
	unmodule 1
	module 1 1 cd
	wait_until 2 "seen 2 ' match node=n1'"
	run ! seen 1 mismatch
	unmodule 1
	module 1 2 cd
	wait_until 2 "seen 1 'what=module-id mine=m=2 theirs=m=1'"
	wait_until 2 "seen 2 'what=module-id mine=m=1 theirs=m=2'"
	run ask 1 "module name=other id=2 digest=cd pulse_ms=60 timeout_ms=600"
	[[ $output == *"err code=badid"* ]]
}

@test "stamp, echo, lease: only of the epoch that is followed" {
	pair
	ask 1 "stamp name=m epoch=0.7.1 role=prim"
	wait_until 2 "seen 2 'stamp node=n1 epoch=0.7.1 role=prim'"
	run ! seen 1 ' lease '
	ask 2 "follow name=m epoch=0.6.1"
	read -rt 0.3 <> <(:) || :	# some pulses, without it
	run ! seen 1 ' lease '
	ask 2 "follow name=m epoch=0.7.1"
	wait_until 2 "seen 1 ' lease node=n2 epoch=0.7.1 until_ms=[345]'"
	ask 2 status | grep -q 'role=prim .*grant_ms=[4567]'
	ask 2 "follow name=m epoch=none"
	read -rt 0.2 <> <(:) || :	# what is on its way
	forget 1
	read -rt 0.2 <> <(:) || :	# some pulses, without it
	run ! seen 1 ' lease '
}

@test "lease and grant are told as points in time, loss at loss_ms" {
	pair
	ask 1 "stamp name=m epoch=0.7.1 role=prim"
	ask 2 "follow name=m epoch=0.7.1"
	wait_until 2 "seen 1 ' lease node=n2 '"
	wait_until 2 "seen 2 ' grant node=n1 epoch=0.7.1 '"
	local up until
	up=$(awk '{ printf "%.0f", $1 * 1000 }' /proc/uptime)
	until=$(tail -n 1 <(grep ' grant ' "$T/watch.2") |
	    sed 's/.*until_ns=//')
	# Received a moment ago, and L + 1 % + G = 600 + 6 + 60 from then.
	[ $((until / 1000000 - up)) -le 690 ]
	[ $((until / 1000000 - up)) -gt 300 ]
	grep ' lease ' "$T/watch.1" | grep -q 'until_ns=[0-9]*$'
	ask 1 "module name=m id=1 digest=ab pulse_ms=60 timeout_ms=600 \
loss_ms=480 lans=lan1,lan2" | grep -q ok
	forget 1
	stop 2 KILL
	wait_until 3 "seen 1 'loss node=n2 ms=4[89]'"
	run ask 1 "module name=m id=1 digest=ab pulse_ms=60 timeout_ms=600 \
loss_ms=601"
	[[ $output == *"err code=usage"*loss_ms* ]]
}

# The watchdog of node 1 is a FIFO: what it was fed is in $T/fed.
watchdog() {
	stop 1
	mkfifo "$T/dog"
	cat >"$T/1/etc/holdfast/heartd.conf" <<-END
		watchdog = "$T/dog"
		watchdog_s = 2
		idle_pulse_ms = 500
	END
	start 1
	# No reader yet: waited for, and said once.
	grep -q "watchdog $T/dog: this node is not reset" "$T/log.1"
	cat "$T/dog" >"$T/fed" 3>&- &
	echo $! >"$T/aside.dog"
	wait_until 3 "is_fed"
	ask 1 status | grep -q '^self=.* watchdog=fed'
}

is_fed() {
	local n
	n=$(stat -c %s "$T/fed")
	wait_until 0 "[ \$(stat -c %s $T/fed) -gt $n ]"
}

leased() {
	ask 1 "stamp name=m epoch=0.7.1 role=prim"
	ask 2 "follow name=m epoch=0.7.1"
	wait_until 2 "seen 1 ' lease node=n2 '"
}

@test "watchdog: fed with the pulses, not by a heartd that stands still" {
	watchdog
	kill -STOP "$(cat "$T/pid.1")"
	run is_fed
	run is_fed
	[ "$status" -ne 0 ]
	kill -CONT "$(cat "$T/pid.1")"
	wait_until 3 is_fed
	# A reader that ends and comes back finds it again.
	kill "$(cat "$T/aside.dog")"
	wait_until 3 "ask 1 status | grep -q 'watchdog=closed'"
	cat "$T/dog" >>"$T/fed" 3>&- &
	echo $! >"$T/aside.dog"
	wait_until 4 is_fed
	# An orderly end is promised to be one.
	stop 1
	wait_until 2 "[ \"\$(tail -c 1 $T/fed)\" = V ]"
}

@test "watchdog: not fed while the moduled of a lease is gone or hangs" {
	watchdog
	pair
	# Without a lease it may come and go, and hang.
	unmodule 1
	wait_until 3 is_fed
	module 1
	leased
	wait_until 2 is_fed
	kill -STOP "$(cat "$T/aside.1")"
	wait_until 4 "ask 1 status | grep -q 'watchdog=\"m: its moduled hangs'"
	run is_fed
	[ "$status" -ne 0 ]
	kill -CONT "$(cat "$T/aside.1")"
	wait_until 3 is_fed
	unmodule 1
	wait_until 3 "ask 1 status | grep -q 'watchdog=\"m: its moduled is gone'"
	# Also after the module was withdrawn for that.
	wait_until 6 "ask 1 status | not grep -q ^module="
	run is_fed
	[ "$status" -ne 0 ]
	grep -q 'm: its moduled is gone: the watchdog is not fed' "$T/log.1"
	module 1
	wait_until 3 is_fed
	grep -q 'the watchdog is fed again' "$T/log.1"
}

@test "the fastest pulse anyone asks for is used by all" {
	module 1 1 ab 300
	wait_until 2 "ask 2 status | grep -q '^self=.* pulse_ms=30'"
	wait_until 2 "seen 1 'peer node=n2 state=up'"
	# The slow pulses until now were no silence.
	run ! seen 1 state=down
	unmodule 1
	wait_until 4 "ask 2 status | grep -q '^self=.* pulse_ms=1000'"
}

@test "bad requests are refused in words" {
	for bad in "module name=m" "module name=m id=0 digest=ab" \
	    "module name=.. id=1 digest=ab pulse_ms=1 timeout_ms=10" \
	    "module name=m id=1 digest=xy pulse_ms=60 timeout_ms=600" \
	    "module name=m id=1 digest=ab pulse_ms=60 timeout_ms=100" \
	    "module name=m id=1 digest=ab pulse_ms=60 timeout_ms=600 lans=lan9" \
	    "publish name=nobody blob=x" "watch" "stamp name=nobody" \
	    "frobnicate"; do
		run ask 1 "$bad"
		[[ $output == *"err code="* ]]
	done
}

@test "a damaged life file is no obstacle; no key or cluster is" {
	stop 1
	echo garbage >"$T/1/var/lib/holdfast/heartd/incarnation"
	start 1
	grep -q 'incarnation: damaged' "$T/log.1"
	wait_until 3 "ask 2 status | grep -q 'lan=lan1 state=up .* life=1 '"
	stop 1
	rm "$T/1/etc/holdfast/cluster.key"
	run env HOLDFAST_ROOT="$T/1" "$top_builddir/bin/heartd/heartd" -d
	[ "$status" -eq 78 ]
	[[ $output == *cluster.key* ]]
	rm "$T/1/var/lib/holdfast/cluster/cluster.conf"
	run env HOLDFAST_ROOT="$T/1" "$top_builddir/bin/heartd/heartd" -d
	[ "$status" -eq 78 ]
}

@test "heartd.conf: checked, printed, defaults as in the page" {
	echo 'priority = 100' >"$T/bad.conf"
	run "$top_builddir/bin/heartd/heartd" -n -f "$T/bad.conf"
	[ "$status" -eq 78 ]
	[[ $output == *"priority: 100 is not within 0..99"* ]]
	printf '%s\n' 'watchdog = "/dev/watchdog"' 'watchdog_s = 2' \
	    >"$T/bad.conf"
	run "$top_builddir/bin/heartd/heartd" -n -f "$T/bad.conf"
	[ "$status" -eq 78 ]
	[[ $output == *"at least three times idle_pulse_ms"* ]]
	run "$top_builddir/bin/heartd/heartd" -p
	[ "$status" -eq 0 ]
	echo "$output" >"$T/printed"
	while read -r name value; do
		grep -qxF ".It Ic $name No = ${value//\"/\\(dq}" \
		    "$top_srcdir/man/heartd.conf.5"
	done < <(sed -n 's/^\([a-z_]*\) *= */\1 /p' "$T/printed")
	run "$top_builddir/bin/heartd/heartd" -p -f "$T/printed"
	[ "$output" = "$(cat "$T/printed")" ]
}
