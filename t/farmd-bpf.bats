#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The packet filters of a farm on three hosts and a client behind one switch:
# the bpf backend mixed with nftables, shared MACs, and what it leaves alone.
# What a single frame meets: t/unit/farm-bpf.c; the rest that both backends do
# alike: t/farmd-filter.bats.
# shellcheck disable=SC2154,SC2016 # top_builddir: lib.bash; expanded later

load lib

VIP=10.88.1.100
VIP6=fd88:1::100
VMAC=5a:fe:0a:58:01:64
VMAC6=5a:fe:00:00:01:00

setup_file()
{
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	export T=$BATS_FILE_TMPDIR NS=hfb$$
	local i

	can_run || return 0
	mkdir -p "$T/usr/lib/holdfast" "$T/run/holdfast"
	ln -s "$top_builddir/bin/farmd/farm-bpf.o" "$T/usr/lib/holdfast/"
	ip netns add "$NS-sw"
	ip -n "$NS-sw" link add br0 type bridge mcast_snooping 0
	ip -n "$NS-sw" link set br0 up
	for i in 1 2 3 9; do
		host "$i"
	done
	for i in 1 2 3; do
		ip -n "$NS-$i" addr add "$VIP/32" dev lo
		ip -n "$NS-$i" addr add "$VIP6/128" dev lo nodad
		ip -n "$NS-$i" route add 10.99.0.0/16 via 10.88.1.9
		ip -n "$NS-$i" route add fd99::/64 via fd88:1::9
		on "$i" sysctl -qw net.ipv4.conf.all.arp_ignore=1 \
		    net.ipv4.conf.all.arp_announce=2 \
		    net.ipv6.bindv6only=0
		spawn "$i" "srv.$i" "$top_builddir/t/farm/farmsrv" "n$i" 80 53
		wait_until 5 "grep -q ready '$T/srv.$i'"
	done
	ip -n "$NS-9" route add local 10.99.0.0/16 dev lo
	ip -n "$NS-9" route add local fd99::/64 dev lo
	ip -n "$NS-9" addr add fd99::7/128 dev lo nodad
}

can_run()
{
	local why=

	if [ "$(id -u)" -ne 0 ]; then
		why="needs root for network namespaces"
	elif [ ! -e "$top_builddir/bin/farmd/farm-bpf.o" ]; then
		why="built without BPF"
	fi
	[ -n "$why" ] || return 0
	echo "$why" >"$BATS_FILE_TMPDIR/skip"
	return 1
}

host()
{
	ip netns add "$NS-$1"
	ip -n "$NS-$1" link set lo up
	ip link add e0 netns "$NS-$1" address "02:00:00:00:00:0$1" \
	    type veth peer name "p$1" netns "$NS-sw"
	ip -n "$NS-sw" link set "p$1" master br0 up
	ip -n "$NS-$1" link set e0 up
	ip -n "$NS-$1" addr add "10.88.1.$1/24" dev e0
	ip -n "$NS-$1" addr add "fd88:1::$1/64" dev e0 nodad
}

setup()
{
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] ||
	    skip "$(cat "$BATS_FILE_TMPDIR/skip")"
}

teardown()
{
	local i pid

	for pid in "$T"/hold.?.pid "$T"/cli.pid; do
		[ ! -s "$pid" ] || kill "$(cat "$pid")" 2>/dev/null || :
		rm -f "$pid"
	done
	for i in 1 2 3; do
		ctl "$i" nft remove web >/dev/null 2>&1 || :
		ctl "$i" bpf remove web >/dev/null 2>&1 || :
		ctl "$i" bpf remove shop >/dev/null 2>&1 || :
	done
}

teardown_file()
{
	local i pid

	for pid in "$T"/*.pid; do
		[ ! -s "$pid" ] || kill "$(cat "$pid")" 2>/dev/null || :
	done
	for i in 1 2 3 9 sw; do
		ip netns del "$NS-$i" 2>/dev/null || :
	done
}

on()
{
	local host=$1

	shift
	ip netns exec "$NS-$host" "$@"
}

# spawn NODE NAME COMMAND...: in the background, its output in NAME.
spawn()
{
	local host=$1 name=$2

	shift 2
	(exec ip netns exec "$NS-$host" "$@") <&0 >"$T/$name" \
	    2>"$T/$name.err" 3>&- &
	echo $! >"$T/$name.pid"
}

# ctl NODE BACKEND VERB MODULE
ctl()
{
	on "$1" env HOLDFAST_ROOT="$T" "$top_builddir/t/farm/filterctl" \
	    "$2" "$3" "$T/$4.$1"
}

# conf NODE MODULE IS_VMAC [BUCKETS-LINE]...: thirds if none is given.
conf()
{
	local node=$1 module=$2 vmac=$3 id=1 last=100 i

	shift 3
	[ "$module" = web ] || { id=2 last=101; }
	[ $# -gt 0 ] || set -- "from=0 to=1365 taker=1" \
	    "from=1366 to=2730 taker=2" "from=2731 to=4095 taker=3"
	{
		echo "farm module=$module id=$id seed=7 self=$((node - 1))" \
		    "director=$((node == 1)) tables=1"
		echo "intf name=e0"
		for i in 1 2 3; do
			echo "node name=n$i id=$i mac=02:00:00:00:00:0$i"
		done
		echo "addr ip=10.88.1.$last vmac=${VMAC%64}$last" \
		    "is_vmac=$vmac" | sed 's/:100 /:64 /; s/:101 /:65 /'
		[ "$module" != web ] ||
		    echo "addr ip=$VIP6 vmac=$VMAC6 is_vmac=$vmac"
		echo "group name=http table=0"
		echo "rule group=0 proto=tcp low=80 high=80 key=addr addr=-1"
		echo "rule group=0 proto=udp low=53 high=53 key=port addr=-1"
		printf 'buckets table=0 keepers=0 %s\n' "$@"
	} >"$T/$module.$node"
}

# farm IS_VMAC BACKEND BACKEND BACKEND
farm()
{
	local vmac=$1 i

	for i in 1 2 3; do
		conf "$i" web "$vmac"
		shift
		ctl "$i" "$1" apply web
	done
	case $vmac in
	0) neigh 02:00:00:00:00:01 02:00:00:00:00:01 ;;
	1) neigh $VMAC $VMAC6 ;;
	esac
}

# What the client believes the addresses' MACs to be.
neigh()
{
	ip -n "$NS-9" neigh replace $VIP lladdr "$1" dev e0
	ip -n "$NS-9" neigh replace $VIP6 lladdr "$2" dev e0
}

cli()
{
	on 9 "$top_builddir/t/farm/farmcli" "$@"
}

# who DESTINATION SOURCES: "n1 N n2 N n3 N", and who got each in FILE.
who()
{
	cli fair -d "$1" -s "$2" -n 300 -p 80 -o "$T/who" >"$T/fair"
	[ "$(wc -l <"$T/who")" -eq 300 ]
	awk '{ n[$2]++ } END { print n["n1"] + 0, n["n2"] + 0, n["n3"] + 0 }' \
	    "$T/who"
}

# Every case of one frame that the backends might treat differently.
check_farm()
{
	local shares

	shares=$(who $VIP 10.99.0.1+300)
	echo "IPv4: $shares"
	[ ! -e "$T/shares4" ] || diff "$T/shares4" "$T/who"
	cp "$T/who" "$T/shares4"
	read -r a b c <<<"$shares"
	[ "$a" -gt 60 ] && [ "$b" -gt 60 ] && [ "$c" -gt 60 ]
	shares=$(who $VIP6 fd99:0:0:0:1::1+300)
	echo "IPv6: $shares"
	[ ! -e "$T/shares6" ] || diff "$T/shares6" "$T/who"
	cp "$T/who" "$T/shares6"
	read -r a b c <<<"$shares"
	[ "$a" -gt 60 ] && [ "$b" -gt 60 ] && [ "$c" -gt 60 ]
	for source in 10.99.0.1 10.99.0.2 10.99.0.3 10.99.0.4 10.99.0.5; do
		run on 9 ping -c 3 -i 0.02 -W 1 -I $source $VIP
		[[ "$output" == *"3 received, 0% packet loss"* ]]
	done
	# In fragments, each of which goes where the echo would.
	run on 9 ping -c 3 -i 0.02 -W 1 -s 4000 -I 10.99.0.6 $VIP
	[[ "$output" == *"3 received, 0% packet loss"* ]]
	run on 9 ping -c 3 -i 0.02 -W 1 -I fd99::7 $VIP6
	[[ "$output" == *"3 received, 0% packet loss"* ]]
	cli udp -d $VIP -s 10.99.0.1+200 -p 53 -t 0.5 -i 2 >"$T/udp"
	cat "$T/udp"
	grep -q ' late=0 .* failed=0 reset=0 error=0 twice=0 ' "$T/udp"
	refused $VIP
	refused "[$VIP6]"
	# Neither as a source nor by a reset has the switch learnt it.
	not grep -qi "${VMAC%:*}\|${VMAC6%:*}" \
	    <(bridge -n "$NS-sw" fdb show | grep -v permanent)
	grep -qi 02:00:00:00:00:09.*p9 <(bridge -n "$NS-sw" fdb show)
}

# At once, on the ports that no rule has.
refused()
{
	run on 9 timeout 0.5 socat -u "TCP:$1:81" -
	[[ "$output" == *"Connection refused"* ]]
	run on 9 sh -c 'echo x | timeout 0.5 socat -t 0.4 - "UDP:$1:54"' \
	    sh "$1"
	[[ "$output" == *"Connection refused"* ]]
}

@test "three nodes with bpf by a shared MAC" {
	farm 1 bpf bpf bpf
	grep -q farm_xdp <(ip -n "$NS-1" link show e0)
	check_farm
}

@test "mixed with nftables: bpf directs" {
	farm 0 bpf nft bpf
	check_farm
}

@test "mixed with nftables: nft directs" {
	farm 0 nft bpf nft
	check_farm
}

@test "mixed with nftables by a shared MAC" {
	farm 1 bpf nft bpf
	check_farm
}

# Each bucket moves to the next node, whose keepers are bit 0, 1, 2.
moved()
{
	local i

	for i in 1 2 3; do
		conf "$i" web "$1" "from=0 to=1365 taker=2 keepers=1" \
		    "from=1366 to=2730 taker=3 keepers=2" \
		    "from=2731 to=4095 taker=1 keepers=4"
		sed -i 's/keepers=0 //' "$T/web.$i"
	done
}

# Connections of before stay where they are; new ones go to the new takers.
check_move()
{
	local vmac=$1 i

	shift
	spawn 9 cli "$top_builddir/t/farm/farmcli" hold -c "$T/fifo" -d $VIP \
	    -s 10.99.0.1+90 -n 90 -i 20 -p 80
	wait_until 5 "grep -q ready '$T/cli'"
	who $VIP 10.99.1.1+300
	cp "$T/who" "$T/before"
	moved "$vmac"
	for i in 1 2 3; do
		ctl "$i" "$1" apply web
		shift
	done
	who $VIP 10.99.1.1+300
	# n1 -> n2 -> n3 -> n1
	sed 's/n1$/N2/; s/n2$/N3/; s/n3$/n1/; s/N/n/' "$T/before" |
	    diff - "$T/who"
	echo "mark later $EPOCHREALTIME" 1<>"$T/fifo"
	sleep 0.5	# connections speak meanwhile: none may break
	echo end 1<>"$T/fifo"
	wait_until 10 "! kill -0 $(cat "$T/cli.pid") 2>/dev/null"
	cat "$T/cli"
	[ "$(sed -n 's/.*\<broken=\([0-9]*\).*/\1/p' "$T/cli" | sort -u)" = 0 ]
}

@test "buckets move, connections do not: bpf, by a shared MAC" {
	farm 1 bpf bpf bpf
	check_move 1 bpf bpf bpf
}

@test "two modules on one interface, and nothing is left of them" {
	ip -n "$NS-1" link show e0 >"$T/link"
	for m in web shop; do
		conf 1 $m 1
		ctl 1 bpf apply $m
	done
	[ "$(tc -n "$NS-1" filter show dev e0 ingress |
	    grep -c 'handle 0x1 farm_tc')" = 2 ]
	conf 1 web 1
	ctl 1 bpf remove web
	# The other one's are there.
	[ "$(tc -n "$NS-1" filter show dev e0 ingress |
	    grep -c 'pref 102 .*farm_tc')" = 1 ]
	grep -q farm_xdp <(ip -n "$NS-1" link show e0)
	on 1 nft list table netdev holdfast_shop.bpf
	not on 1 nft list table netdev holdfast_web.bpf
	ctl 1 bpf remove shop
	ip -n "$NS-1" link show e0 | diff "$T/link" -
	[ -z "$(tc -n "$NS-1" qdisc show dev e0 clsact)" ]
	[ -z "$(on 1 nft list ruleset)" ]
}

# hold NODE: a filterctl that stays; told says it something, answers in out.
hold()
{
	rm -f "$T/in.$1"
	mkfifo "$T/in.$1"
	spawn "$1" "hold.$1" env HOLDFAST_ROOT="$T" \
	    "$top_builddir/t/farm/filterctl" bpf hold "$T/web.$1" \
	    <>"$T/in.$1"
	wait_until 5 "grep -q ready '$T/hold.$1'"
}

# The answer to an empty line, which asks whether all is there, or to the name
# of a file, which is applied.
asked()
{
	local was

	was=$(wc -l <"$T/hold.$1")
	echo "${2-}" >"$T/in.$1"
	wait_until 5 "tail -n +$((was + 1)) '$T/hold.$1' | grep -q accepted="
	tail -n "+$((was + 1))" "$T/hold.$1"
}

@test "what is detached by hand is noticed once, and made again" {
	conf 1 web 1
	hold 1
	not grep -q "not intact" <(asked 1)
	tc -n "$NS-1" filter del dev e0 ingress pref 101
	run asked 1
	[[ "$output" == *"not intact: e0: the tc filter with pref 101"* ]]
	not grep -q "not intact" <(asked 1)
	asked 1 "$T/web.1" >/dev/null
	wait_until 5 "grep -q 'pref 101 .*farm_tc' \
	    <(tc -n '$NS-1' filter show dev e0 ingress)"
	ip -n "$NS-1" link set dev e0 xdp off
	run asked 1
	[[ "$output" == *"not intact: e0: the XDP program"* ]]
	asked 1 "$T/web.1" >/dev/null
	wait_until 5 "grep -q farm_xdp <(ip -n '$NS-1' link show e0)"
	on 1 nft delete table netdev holdfast_web.bpf
	run asked 1
	[[ "$output" == *"not intact: nftables: table netdev holdfast_web.bpf"* ]]
	tc -n "$NS-1" qdisc del dev e0 clsact
	asked 1 "$T/web.1" >/dev/null
	wait_until 5 "grep -q 'pref 101 .*farm_tc' \
	    <(tc -n '$NS-1' filter show dev e0 ingress)"
	on 1 nft list table netdev holdfast_web.bpf
	not grep -q "not intact" <(asked 1)
}

@test "the filter outlives its farmd, and the next one counts on" {
	farm 0 bpf bpf bpf
	hold 1
	who $VIP 10.99.0.1+300
	kill -9 "$(cat "$T/hold.1.pid")"
	wait_until 5 "! kill -0 $(cat "$T/hold.1.pid") 2>/dev/null"
	who $VIP 10.99.0.1+300
	diff "$T/shares4" "$T/who"
	hold 1
	run asked 1

	passed=$(sed -n 's/.*passed=\([0-9]*\).*/\1/p' <<<"$output")
	# Two thirds of 600 connections of at least 4 packets each.
	[ "$passed" -gt 1500 ]
}

@test "filters and programs of others are left alone" {
	tc -n "$NS-1" qdisc add dev e0 clsact
	tc -n "$NS-1" filter add dev e0 ingress pref 7 protocol 0x88b5 \
	    u32 match u32 0 0 classid 1:1
	tc -n "$NS-1" filter add dev e0 egress pref 7 protocol 0x88b5 \
	    u32 match u32 0 0 classid 1:1
	on 1 env HOLDFAST_ROOT="$T" ip link set dev e0 xdp object \
	    "$T/usr/lib/holdfast/farm-bpf.o" section xdp 2>/dev/null || :
	conf 1 web 0
	ctl 1 bpf apply web
	ctl 1 bpf remove web
	[ "$(tc -n "$NS-1" filter show dev e0 ingress | grep -c 'pref 7 ')" \
	    -gt 0 ]
	[ "$(tc -n "$NS-1" filter show dev e0 egress | grep -c 'pref 7 ')" \
	    -gt 0 ]
	# The module's place is another's: said, and nothing is changed.
	tc -n "$NS-1" filter add dev e0 ingress pref 101 protocol 0x88b5 \
	    u32 match u32 0 0 classid 1:1
	run ctl 1 bpf apply web
	[ "$status" -eq 1 ]
	[[ "$output" == *"e0: tc filter with pref 101: "* ]]
	[ -n "$(tc -n "$NS-1" filter show dev e0 ingress pref 101)" ]
	ip -n "$NS-1" link set dev e0 xdp off
	tc -n "$NS-1" qdisc del dev e0 clsact
}

# tagged VID: a UDP frame for the address, to the MAC of node 1, with a tag.
tagged()
{
	on 9 python3 - "$1" <<-'END'
	import socket, struct, sys
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind(("e0", 0))
	udp = struct.pack("!HHHH", 1000, 53, 8, 0)
	ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0,
	    socket.inet_aton("10.99.0.1"), socket.inet_aton("10.88.1.100"))
	s.send(bytes.fromhex("020000000001020000000009") +
	    struct.pack("!HHH", 0x8100, int(sys.argv[1]), 0x0800) + ip + udp)
	END
}

@test "frames of a VLAN are its device's, whatever address they are for" {
	farm 0 bpf bpf bpf
	hold 1
	was=$(asked 1)
	tagged 5
	[ "$(asked 1)" = "$was" ]
	# 0 is a priority only.
	tagged 0
	wait_until 5 '[ "$(asked 1)" != "$was" ]'
}

@test "without the object file, or the right: a sentence that says so" {
	conf 1 web 0
	run on 1 env HOLDFAST_ROOT="$T/none" \
	    "$top_builddir/t/farm/filterctl" bpf apply "$T/web.1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"bpf: $T/none/usr/lib/holdfast/farm-bpf.o: No such"* ]]
	run on 1 setpriv --bounding-set -all --inh-caps -all \
	    env HOLDFAST_ROOT="$T" \
	    "$top_builddir/t/farm/filterctl" bpf apply "$T/web.1"
	[ "$status" -eq 1 ]
	[[ "$output" == *"not accepted by this kernel: Operation not permitted"* ]]
	run on 1 nft list tables
	[ -z "$output" ]
}
