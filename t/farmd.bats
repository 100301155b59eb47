#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# farmd on three nodes of one network, a namespace each, with a real heartd
# and vipd beside it; moduled is played by lines.  A client in a fourth.  Needs
# root.
# shellcheck disable=SC2154,SC2016 # top_builddir: lib.bash; wait_until

load lib

VIP=10.88.1.100
VIP6=fd88:1::100
# What the second half of the tests runs on.
BACKEND=${FARM_BACKEND:-nft}

setup_file()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
	export T NS
	T=$(mktemp -d)
	NS=hff$$
	ip netns add "$NS-s"
	ip -n "$NS-s" link add br0 type bridge
	ip -n "$NS-s" link set br0 up
	head -c 32 /dev/urandom | base64 >"$T/key"
	for i in 1 2 3 201; do
		host "$i"
	done
	ip -n "$NS-201" route add local 10.99.0.0/16 dev lo
	ip -n "$NS-201" -6 route add local fd99::/64 dev lo
	for i in 1 2 3; do
		ip -n "$NS-$i" route add 10.99.0.0/16 via 10.88.1.201
		ip -n "$NS-$i" -6 route add fd99::/64 via fd88:1::201
		node_files "$i"
		start "$i" heartd
		start "$i" vipd
	done
}

# host NUMBER: a namespace with one interface on the bridge.
host()
{
	local ns=$NS-$1

	ip netns add "$ns"
	ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
	    net.ipv6.conf.default.accept_dad=0
	ip -n "$ns" link set lo up
	ip link add eth0 netns "$ns" type veth peer name "p$1" netns "$NS-s"
	ip -n "$NS-s" link set "p$1" master br0 up
	ip -n "$ns" addr add "10.88.1.$1/24" dev eth0
	ip -n "$ns" addr add "fd88:1::$1/64" dev eth0 nodad
	ip -n "$ns" link set eth0 up
}

node_files()
{
	local r=$T/$1 dir=$T/$1/var/lib/holdfast

	mkdir -p "$r/etc/holdfast" "$dir/cluster" "$dir/web/config/1" \
	    "$r/usr/lib/holdfast"
	ln -s 1 "$dir/web/config/active"
	ln -s "$(realpath "$top_builddir/bin/farmd/farm-bpf.o")" \
	    "$r/usr/lib/holdfast/farm-bpf.o"
	{ echo "holdfast-key 01234567"; cat "$T/key"; } \
	    >"$r/etc/holdfast/cluster.key"
	chmod 600 "$r/etc/holdfast/cluster.key"
	cat >"$dir/cluster/cluster.conf" <<-END
		name = "t"
		self = "n$1"
		lan "lan1" { }
		node "n1" { id = 1 address "lan1" { addr = "10.88.1.1" } }
		node "n2" { id = 2 address "lan1" { addr = "10.88.1.2" } }
		node "n3" { id = 3 address "lan1" { addr = "10.88.1.3" } }
	END
	cat >"$dir/web/config/1/vipd.conf" <<-END
		lifetime_s = 5
		address "$VIP" { farm = true }
		address "$VIP6" { farm = true }
	END
	farmd_conf "$1" director ab12
}

# farmd_conf NODE TYPE DIGEST [MORE]
farmd_conf()
{
	cat >"$T/$1/var/lib/holdfast/web/config/1/farmd.conf" <<-END
		module = "web"
		id = 1
		digest = "$3"
		node = "n$1"
		node_id = $1
		lans = { "lan1" }
		pulse_ms = 50
		timeout_ms = 1000
		seed = 12345
		backend = "$BACKEND"
		address "$VIP" { type = "$2" }
		address "$VIP6" { type = "$2" }
		weights "0" { node "n1" { } node "n2" { } node "n3" { } }
		group "web" { }
		rule "1" { group = "web" low = 7800 high = 7800 }
		rule "2" { group = "web" proto = "udp" low = 7800 high = 7800 }
		${4-}
	END
}

# start NODE DAEMON
start()
{
	local arg=

	[ "$2" != farmd ] || arg="-M web"
	rm -f "$(sock "$1" "$2")"
	# shellcheck disable=SC2086
	ip netns exec "$NS-$1" env HOLDFAST_ROOT="$T/$1" \
	    "$top_builddir/bin/$2/$2" $arg -d 2>>"$T/log.$1" 3>&- &
	echo $! >"$T/pid.$1.$2"
	wait_until 5 "[ -S $(sock "$1" "$2") ]"
	[ "$2" != farmd ] || wait_until 5 "fact $1 >/dev/null"
}

# stop NODE DAEMON [SIGNAL]
stop()
{
	local pid

	pid=$(cat "$T/pid.$1.$2")
	rm "$T/pid.$1.$2"
	kill "-${3:-TERM}" "$pid"
	# It has ended; who collects it may be slow.
	wait_until 5 "[ ! -e /proc/$pid/exe ]"
	rm -f "$(sock "$1" "$2")"
}

sock()
{
	[ "$2" = farmd ] && echo "$T/$1/run/holdfast/web/farmd.sock" ||
	    echo "$T/$1/run/holdfast/$2.sock"
}

# ask NODE LINE: of farmd.
ask()
{
	printf '%s\n' "$2" | timeout 5 socat -t 2 - \
	    "UNIX:$(sock "$1" farmd)" 2>/dev/null
}

want()
{
	[[ "$(ask "$1" "want serve=$2 state=UP quality=Ready since_s=9 i=7")" \
	    == *$'\n'ok ]]
}

# fact NODE: its newest fact, and no more.
fact()
{
	printf 'watch\n' | timeout 5 socat -t 0.2 - \
	    "UNIX:$(sock "$1" farmd)" 2>/dev/null | grep '^fact '
}

# has NODE KEY=VALUE...
has()
{
	local f word

	f=" $(fact "$1") "
	shift
	for word in "$@"; do
		[[ "$f" == *" $word "* ]] || return 1
	done
}

# buckets NODE OF: as the first says.
buckets()
{
	ask "$1" status | sed -n "s/^node=n$2 .*buckets=\([0-9]*\).*/\1/p"
}

serves() { has "$1" serve=open; }

# Whoever of the three runs serves in one table with the others.
agreed()
{
	local i list=$* digests

	digests=$(for i in "$@"; do
		fact "$i" | sed -n 's/.*serve=open .*\(digest=[^ ]*\).*/\1/p'
	done)
	[ "$(wc -l <<<"$digests")" -eq "$(wc -w <<<"$list")" ] &&
	    [ "$(sort -u <<<"$digests" | wc -l)" -eq 1 ]
}

client()
{
	ip netns exec "$NS-201" "$@"
}

server()
{
	ip netns exec "$NS-$1" "$top_builddir/t/farm/farmsrv" "n$1" 7800 \
	    >"$T/srv.$1" 3>&- &
	echo $! >"$T/pid.srv.$1"
	wait_until 5 "grep -q ready '$T/srv.$1'"
}

teardown()
{
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 40 "$T"/log.*
	not grep -E 'Sanitizer|runtime error' "$T"/log.*
}

teardown_file()
{
	local p i

	[ -n "${T-}" ] || return 0
	for p in "$T"/pid.*; do
		[ ! -f "$p" ] || kill "$(cat "$p")" 2>/dev/null || :
	done
	for p in "$T"/pid.*; do
		[ ! -f "$p" ] ||
		    wait_until 5 "! kill -0 $(cat "$p") 2>/dev/null" || :
	done
	for i in 1 2 3 201 s; do
		ip netns del "$NS-$i" 2>/dev/null
	done
	rm -rf "$T"
}

@test "the configuration is checked, all errors at once, and printed" {
	run "$top_builddir/bin/farmd/farmd" -M web -n -f <(
		echo 'node_id = 0 timeout_ms = 1 backend = "ipvs"')
	[ "$status" -eq 78 ]
	[[ "$output" == *node_id* && "$output" == *timeout_ms* ]]
	[[ "$output" == *backend* && "$output" == *address* ]]
	"$top_builddir/bin/farmd/farmd" -M web -p -f \
	    "$T/1/var/lib/holdfast/web/config/1/farmd.conf" >"$T/once"
	"$top_builddir/bin/farmd/farmd" -M web -p -f "$T/once" |
	    diff "$T/once" -
}

@test "one node alone: hold closes, open takes everything" {
	start 1 farmd
	has 1 serve=none
	want 1 hold
	wait_until 5 'has 1 serve=hold i=7'
	ip -n "$NS-1" addr show lo | grep -q $VIP
	want 1 open
	wait_until 5 'has 1 serve=open member=1 director=n1 "share=\"web 100\""'
	[ "$(buckets 1 1)" -eq 4096 ]
	ip -n "$NS-1" addr show eth0 | grep -q $VIP
	ip netns exec "$NS-1" nft list table netdev holdfast_web
}

@test "two more join, and the client reaches all three" {
	for i in 1 2 3; do
		server "$i"
	done
	for i in 2 3; do
		start "$i" farmd
		want "$i" hold
		wait_until 5 "has $i serve=hold"
		want "$i" open
	done
	wait_until 5 'agreed 1 2 3'
	for i in 1 2 3; do
		[ "$(buckets $i 1)" -eq 1366 ]
	done
	for vip in "$VIP 10.99.0.1" "$VIP6 fd99::1"; do
		client "$top_builddir/t/farm/farmcli" fair -n 300 -p 7800 \
		    -d "${vip% *}" -s "${vip#* }+300" -o "$T/fair"
		[ "$(cut -d' ' -f2 "$T/fair" | sort -u | xargs)" = "n1 n2 n3" ]
	done
}

@test "a killed farmd: traffic goes on, and the next one takes up" {
	client "$top_builddir/t/farm/farmcli" fresh -c "$T/fifo" -p 7800 \
	    -d $VIP -s 10.99.1.1+200 >"$T/fresh" 3>&- &
	echo $! >"$T/pid.fresh"
	wait_until 5 "grep -q ready '$T/fresh'"
	stop 2 farmd KILL
	start 2 farmd
	wait_until 5 'agreed 1 2 3'
	echo end 1<>"$T/fifo"
	wait_until 5 "! kill -0 $(cat "$T/pid.fresh") 2>/dev/null"
	rm "$T/pid.fresh"
	cat "$T/fresh"
	# Not one SYN was lost, since no bucket moved.
	grep -q 'retried=0 failed=0 reset=0' "$T/fresh"
	grep -q "takes up, wish open" "$T/log.2"
}

@test "rules deleted by hand are noticed and restored, said once" {
	local n
	ip netns exec "$NS-3" nft delete table netdev holdfast_web
	wait_until 5 'has 3 code=farm-rules-gone blocked=0'
	ip netns exec "$NS-3" nft list table netdev holdfast_web | grep -q hook
	n=$(grep -c "changed by another program" "$T/log.3")
	[ "$n" -eq 1 ]
	serves 3
}

@test "a backend that cannot be opened: what is there stays until a stop" {
	[ "$BACKEND" = nft ] || skip "looks at the rules of nftables"
	stop 3 farmd KILL
	mv "$T/3/usr/lib/holdfast/farm-bpf.o" "$T/3/object"
	BACKEND=bpf farmd_conf 3 director ab12
	start 3 farmd
	wait_until 5 'has 3 code=farm-filter blocked=1'
	ip netns exec "$NS-3" nft list table netdev holdfast_web >/dev/null
	want 3 none
	wait_until 5 'has 3 serve=none'
	not ip netns exec "$NS-3" nft list table netdev holdfast_web
	not ip netns exec "$NS-3" nft list table arp holdfast_web
	stop 3 farmd
	mv "$T/3/object" "$T/3/usr/lib/holdfast/farm-bpf.o"
	farmd_conf 3 director ab12
	start 3 farmd
	want 3 open
	wait_until 5 'agreed 1 2 3'
}

@test "vipd that does not answer is said, and when it is back" {
	stop 3 vipd KILL
	wait_until 8 'has 3 code=farm-no-address blocked=1'
	start 3 vipd
	wait_until 5 'has 3 serve=open blocked=0'
	wait_until 5 'agreed 1 2 3'
}

@test "a node that dies is taken over, and comes back" {
	ip -n "$NS-s" link set p1 down
	wait_until 5 'agreed 2 3 && has 2 director=n2'
	[ "$(buckets 2 2)" -eq 2048 ]
	# Isolated, it serves all that it sees.
	wait_until 5 '[ "$(buckets 1 1)" -eq 4096 ]'
	ip -n "$NS-s" link set p1 up
	wait_until 10 'agreed 1 2 3'
	[ "$(buckets 2 2)" -eq 1365 ]
}

# They send nothing, and would wait for ever.
@test "bpf: silent clients of a node that died are reset at once" {
	local at director dead i

	[ -e "$top_builddir/bin/farmd/farm-bpf.o" ] || skip "built without BPF"
	for i in 1 2 3; do
		stop "$i" farmd
		BACKEND=bpf farmd_conf "$i" director ab12
		start "$i" farmd
		want "$i" open
	done
	wait_until 10 'agreed 1 2 3 && has 1 backend=bpf'
	director=$(fact 1 | sed -n 's/.* director=n\([123]\) .*/\1/p')
	dead=$((director % 3 + 1))
	client "$top_builddir/t/farm/farmcli" hold -c "$T/fifo" -n 60 -q 1 \
	    -p 7800 -d $VIP -s 10.99.3.1+60 >"$T/hold" 3>&- &
	echo $! >"$T/pid.hold"
	wait_until 5 "grep -q ready '$T/hold'"
	at=$EPOCHREALTIME
	ip -n "$NS-s" link set "p$dead" down
	wait_until 5 'grep -q "n$dead: .* connections told" "$T/log.$director"'
	echo "mark death $at" 1<>"$T/fifo"
	echo end 1<>"$T/fifo"
	wait_until 10 "! kill -0 $(cat "$T/pid.hold") 2>/dev/null"
	rm "$T/pid.hold"
	ip -n "$NS-s" link set "p$dead" up
	cat "$T/hold"
	wait_until 10 'agreed 1 2 3'
	for i in 1 2 3; do
		stop "$i" farmd
		farmd_conf "$i" director ab12
		start "$i" farmd
		want "$i" open
	done
	wait_until 10 'agreed 1 2 3'
	# All of them, none of the others', long before they could notice.
	awk -v dead="n$dead" '$1 == "mark=death" {
		split($3, count, "="); split($5, reset, "=")
		split($9, last, "=")
		if ($2 == "node=" dead)
			good = count[2] > 5 && reset[2] == count[2] &&
			    last[2] < 1500
		else if (reset[2] > 0)
			bad = 1
	} END { exit !good || bad }' "$T/hold"
}

@test "a node that drains keeps what it has and is drained at its end" {
	client "$top_builddir/t/farm/farmcli" hold -c "$T/fifo" -n 60 -i 20 \
	    -p 7800 -d $VIP -s 10.99.2.1+60 >"$T/hold" 3>&- &
	echo $! >"$T/pid.hold"
	wait_until 5 "grep -q ready '$T/hold'"
	want 3 drain
	wait_until 5 'has 3 serve=drain drained=0 && agreed 1 2'
	[ "$(buckets 1 3)" -eq 0 ]
	echo end 1<>"$T/fifo"
	wait_until 5 "! kill -0 $(cat "$T/pid.hold") 2>/dev/null"
	rm "$T/pid.hold"
	cat "$T/hold"
	not grep -E 'broken=[1-9]' "$T/hold"
	grep -q "mark=end node=n3" "$T/hold"
	wait_until 5 'has 3 drained=1 draining=0'
	want 3 none
	wait_until 5 'has 3 serve=none'
	not ip netns exec "$NS-3" nft list table netdev holdfast_web
	not grep -q $VIP <<<"$(ip -n "$NS-3" addr show)"
}

@test "a node with another configuration stays out, and says who differs" {
	stop 3 farmd
	farmd_conf 3 director cd34
	start 3 farmd
	# Told before it wants to serve: its application need not start.
	want 3 none
	wait_until 5 'has 3 code=config-differs blocked=1'
	[[ "$(fact 3)" == *"n3 has another configuration than n1 n2"* ]]
	want 3 open
	wait_until 5 'has 3 code=config-differs blocked=1'
	[[ "$(fact 3)" == *n1*n2* ]]
	not serves 3
	agreed 1 2
	stop 3 farmd
	farmd_conf 3 director ab12
	start 3 farmd
	want 3 open
	wait_until 5 'agreed 1 2 3'
}

@test "bad requests are answered with what is wrong" {
	[[ "$(ask 1 'want')" == *"err code=usage"* ]]
	[[ "$(ask 1 'want serve=king')" == *"err code=usage"* ]]
	[[ "$(ask 1 'dance')" == *err* ]]
}

@test "vmac: probes prove it, a port that does not flood ends it" {
	for i in 1 2 3; do
		stop "$i" farmd
		farmd_conf "$i" vmac ef56
		start "$i" farmd
		want "$i" open
	done
	wait_until 5 'agreed 1 2 3'
	wait_until 5 'has 1 delivery=vmac && has 2 delivery=vmac'
	# A node with the other configuration does not know the MAC.
	wc -l "$T"/log.[123] | awk '/log/ { print $1, $2 }' >"$T/lines"
	client ip neigh flush dev eth0
	client "$top_builddir/t/farm/farmcli" fair -n 100 -p 7800 -d $VIP \
	    -s 10.99.3.1+100 -o "$T/fair"
	client ip neigh show $VIP | grep -q 5a:fe:0a:58:01:64
	not grep -q 5a:fe:0a <<<"$(ip netns exec "$NS-s" bridge fdb show br br0)"
	ip netns exec "$NS-s" bridge link set dev p2 flood off
	wait_until 6 'has 1 delivery=fallback code=farm-no-flood'
	[[ "$(fact 1)" == *n2* ]]
	wait_until 5 'client ip neigh show $VIP | grep -v 5a:fe | grep -q lladdr'
	client "$top_builddir/t/farm/farmcli" fair -n 100 -p 7800 -d $VIP \
	    -s 10.99.4.1+100 -o "$T/fair"
	[ "$(wc -l <"$T/fair")" -eq 100 ]
	ip netns exec "$NS-s" bridge link set dev p2 flood on
	# Nodes of the farm are no strangers, with whatever MAC they answer.
	while read -r n log; do
		not grep "another host" <<<"$(tail -n "+$((n + 1))" "$log")"
	done <"$T/lines"
}
