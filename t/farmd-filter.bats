#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The packet filters of farmd without farmd: three nodes and a client with
# hundreds of addresses at one switch, filterctl on each node, told tables.
# FILTER_BACKEND, or a name that ends in -bpf.bats, says which filter.
# shellcheck disable=SC2154,SC2016 # top_builddir: lib.bash; $ns in wait_until

load lib

VIP=10.88.1.100
VIP6=fd88:1::100
VMAC=02:fe:00:00:00:64
SEED=2774121339

setup_file()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root: network namespaces"
	case $BATS_TEST_FILENAME in
	*-bpf.bats) FILTER_BACKEND=bpf ;;
	esac
	[ "${FILTER_BACKEND:-nft}" != bpf ] ||
	    [ -e "$top_builddir/bin/farmd/farm-bpf.o" ] ||
	    skip "built without BPF"
	export FILTER_BACKEND=${FILTER_BACKEND:-nft}
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	export NS="hfi$$" DIR=$BATS_FILE_TMPDIR HOLDFAST_ROOT=$BATS_FILE_TMPDIR
	local i

	mkdir -p "$DIR/usr/lib/holdfast" "$DIR/run/holdfast"
	ln -s "$top_builddir/bin/farmd/farm-bpf.o" "$DIR/usr/lib/holdfast/"

	for i in 1 2 3 c w; do
		ip netns add "$NS-$i"
		at "$i" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
		    net.ipv6.conf.default.accept_dad=0
		ip -n "$NS-$i" link set lo up
	done
	ip -n "$NS-w" link add br0 type bridge mcast_snooping 0
	ip -n "$NS-w" link set br0 up
	plug c 201 c9
	for i in 1 2 3; do
		plug "$i" "$i" "0$i"
		ip -n "$NS-$i" route add 10.99.0.0/16 via 10.88.1.201
		ip -n "$NS-$i" route add fd99::/64 via fd88:1::201
		ip -n "$NS-$i" addr add $VIP/32 dev lo
		ip -n "$NS-$i" addr add $VIP6/128 dev lo nodad
		bridge -n "$NS-$i" fdb add $VMAC dev eth0 self permanent
		background "srv$i" "$i" "$top_builddir/t/farm/farmsrv" \
		    "n$i" 7800 8042
		wait_until 5 "grep -q ready $DIR/srv$i.out"
	done
	ip -n "$NS-c" route add local 10.99.0.0/16 dev lo
	ip -n "$NS-c" route add local fd99::/64 dev lo
	at c sysctl -qw net.ipv6.ip_nonlocal_bind=1 net.ipv4.ip_nonlocal_bind=1
	for i in 1 2 3; do
		filter_start "$i"
	done
}

# plug HOST NUMBER MAC: to the switch, by eth0.
plug()
{
	ip link add eth0 netns "$NS-$1" type veth peer name "p$1" netns "$NS-w"
	ip -n "$NS-$1" link set eth0 address "02:00:00:00:00:$3"
	ip -n "$NS-$1" addr add "10.88.1.$2/24" dev eth0
	ip -n "$NS-$1" addr add "fd88:1::$2/64" dev eth0 nodad
	ip -n "$NS-$1" link set eth0 up
	ip -n "$NS-w" link set "p$1" master br0 up
}

teardown_file()
{
	local p i

	for p in "$DIR"/*.pid; do
		[ ! -s "$p" ] || kill "$(cat "$p")" 2>/dev/null || :
	done
	for i in 1 2 3 c w s; do
		ip netns del "$NS-$i" 2>/dev/null || :
	done
}

setup()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root: network namespaces"
	thirds
}

teardown()
{
	[ -n "${BATS_TEST_COMPLETED:-}" ] || {
		tail -n 5 "$DIR"/*.out
		at 1 nft list ruleset | grep -vE '^\s+(elements|0x)' |
		    tail -n 40
	}
}

at()
{
	local host=$1

	shift
	ip netns exec "$NS-$host" "$@"
}

# background NAME HOST COMMAND...: ended with the file; output in NAME.out.
background()
{
	local name=$1 host=$2

	shift 2
	ip netns exec "$NS-$host" "$@" >"$DIR/$name.out" 2>&1 3>&- &
	echo $! >"$DIR/$name.pid"
}

filter_start()
{
	table "$1" 0-1365:1 1366-2730:2 2731-4095:3
	mkfifo "$DIR/ctl$1"
	# Both ways: opening it waits for nobody.
	background "filter$1" "$1" sh -c 'exec "$@" <>"$0"' "$DIR/ctl$1" \
	    "$top_builddir/t/farm/filterctl" "$FILTER_BACKEND" hold \
	    "$DIR/table$1"
	wait_until 10 "grep -q ready $DIR/filter$1.out"
}

# table NODE FROM-TO:TAKER[:KEEPERS]...: the file that filterctl reads.
# DIRECTOR, CLOSED and ISVMAC say the rest.
table()
{
	local node=$1 i b range taker keepers

	shift
	{
		echo "farm module=web id=1 seed=$SEED self=$((node - 1))" \
		    "director=$((${DIRECTOR:-1} == node))" \
		    "closed=$((${CLOSED:-0} == node)) tables=2"
		echo "intf name=eth0"
		for i in 1 2 3; do
			echo "node name=n$i id=$i mac=02:00:00:00:00:0$i"
		done
		echo "addr ip=$VIP vmac=$VMAC is_vmac=${ISVMAC:-0}"
		echo "addr ip=$VIP6 vmac=$VMAC is_vmac=${ISVMAC:-0}"
		echo "group name=web table=0"
		echo "group name=side table=1"
		echo "rule group=0 proto=tcp low=7800 high=7800 key=addr"
		echo "rule group=0 proto=udp low=7800 high=7800 key=addr"
		echo "rule group=1 proto=tcp low=8000 high=8100 key=port"
		for b; do
			IFS=: read -r range taker keepers <<<"$b"
			echo "buckets table=0 from=${range%-*}" \
			    "to=${range#*-} taker=$taker keepers=${keepers:-0}"
		done
		echo "buckets table=1 from=0 to=2047 taker=3"
		echo "buckets table=1 from=2048 to=4095 taker=2"
	} >"$DIR/table$node"
}

# apply NODE TABLE-ARGS...: returns when it is in force.
apply()
{
	local node=$1 lines

	rm -f "$DIR/thirds"
	table "$@"
	lines=$(wc -l <"$DIR/filter$node.out")
	echo "$DIR/table$node" >"$DIR/ctl$node"
	wait_until 10 "[ \$(wc -l <$DIR/filter$node.out) -gt $lines ]"
}

# The last line is of the counters; before it may be what is not intact.
inspect()
{
	local lines

	lines=$(wc -l <"$DIR/filter$1.out")
	echo >"$DIR/ctl$1"
	wait_until 10 "sed '1,${lines}d' $DIR/filter$1.out | grep -q accepted="
	sed "1,${lines}d" "$DIR/filter$1.out"
}

counter()
{
	inspect "$1" | sed -n "s/.*$2=\([0-9]*\).*/\1/p"
}

sum()
{
	echo $(($(counter 1 "$1") + $(counter 2 "$1") + $(counter 3 "$1")))
}

thirds()
{
	local i

	[ ! -e "$DIR/thirds" ] || return 0
	for i in 1 2 3; do
		apply "$i" 0-1365:1 1366-2730:2 2731-4095:3
	done
	: >"$DIR/thirds"
}

# Whose frames the client sends: n1, n2, n3 or the vmac.
by()
{
	local mac=$VMAC a

	[ "$1" = vmac ] || mac=02:00:00:00:00:0$1
	for a in $VIP $VIP6; do
		ip -n "$NS-c" neigh replace "$a" lladdr "$mac" dev eth0 \
		    nud permanent
	done
}

farmcli()
{
	at c timeout 30 "$top_builddir/t/farm/farmcli" "$@"
}

# The node of each client number, by hash.c: n1, n2 or n3.
expected()
{
	"$top_builddir/t/farm/bucket" $SEED |
	    awk '{ print NR - 1, "n" 1 + ($1 > 1365) + ($1 > 2730) }'
}

@test "each client is the node's that hash.c says, whoever directs" {
	local who

	seq 1 320 | awk '{ printf "10.99.%d.%d\n", $1 / 256, $1 % 256 }' |
	    expected >"$DIR/want4"
	seq 1 320 | awk '{ printf "fd99::%x\n", $1 }' | expected >"$DIR/want6"
	for who in 1 2 3 vmac; do
		by $who
		farmcli fair -d $VIP -s 10.99.0.1+320 -n 320 -o "$DIR/got"
		diff "$DIR/want4" "$DIR/got"
		farmcli fair -d $VIP6 -s fd99::1+320 -n 320 -o "$DIR/got"
		diff "$DIR/want6" "$DIR/got"
	done
}

@test "a connection is its port's, of a range and another table" {
	local p want got n=0

	by 1
	for p in $(seq 30000 30023); do
		want=$(echo "10.99.0.7 $p" |
		    "$top_builddir/t/farm/bucket" $SEED |
		    awk '{ print $1 < 2048 ? "n3" : "n2" }')
		got=$(at c socat -T2 - "TCP4:$VIP:8042,bind=10.99.0.7:$p" \
		    </dev/null)
		[ "$got" = "$want" ]
		[ "$got" != n2 ] || n=$((n + 1))
	done
	[ "$n" -gt 4 ] && [ "$n" -lt 20 ]
	p=$(echo "fd99::7 30001" | "$top_builddir/t/farm/bucket" $SEED |
	    awk '{ print $1 < 2048 ? "n3" : "n2" }')
	[ "$(at c socat -T2 - "TCP6:[$VIP6]:8042,bind=[fd99::7]:30001" \
	    </dev/null)" = "$p" ]
}

@test "a datagram and a ping are answered once" {
	local who a

	for who in 2 vmac; do
		by $who
		farmcli udp -d $VIP6 -s fd99::1+320 -i 1 -t 0.4 >"$DIR/udp6" &
		run farmcli udp -d $VIP -s 10.99.0.1+320 -i 1 -t 0.4
		[[ $output == *" failed=0 "*" twice=0 "* ]]
		wait $!
		run cat "$DIR/udp6"
		[[ $output == *" failed=0 "*" twice=0 "* ]]
		for a in "10.99.0.1 $VIP" "10.99.0.2 $VIP" "10.99.0.4 $VIP" \
		    "fd99::5 $VIP6"; do
			run at c ping -c 2 -i 0.02 -W 2 -I "${a% *}" "${a#* }"
			[[ $output == *" 2 received,"*" 0% packet loss"* ]]
			not grep -E 'DUP|duplicates' <<<"$output"
		done
	done
}

@test "fragments go where the whole packet would" {
	local who i a got

	head -c 4000 /dev/zero | tr '\0' x >"$DIR/big"
	for who in 1 vmac; do
		by $who
		for i in $(seq 1 6); do
			at c socat -b 8192 -t 1 - \
			    "UDP4:$VIP:7800,bind=10.99.0.$i" <"$DIR/big" \
			    >"$DIR/frag4.$i" &
			at c socat -b 8192 -t 1 - \
			    "UDP6:[$VIP6]:7800,bind=[fd99::$i]" <"$DIR/big" \
			    >"$DIR/frag6.$i" &
		done
		wait $(jobs -p)
		for i in $(seq 1 6); do
			for a in "4 10.99.0.$i" "6 fd99::$i"; do
				got=$(head -c 2 "$DIR/frag${a% *}.$i")
				[ "0 $got" = "$(echo "${a#* }" | expected)" ]
				# Two answers would be twice as long.
				[ "$(wc -c <"$DIR/frag${a% *}.$i")" -lt 4100 ]
			done
		done
		run at c ping -c 1 -W 1 -s 4000 -I 10.99.0.3 $VIP
		[[ $output == *" 1 received,"* ]]
	done
}

@test "what no rule has is refused, once" {
	local who before

	for who in 3 vmac; do
		by $who
		before=$(sum refused)
		for i in 1 2 3 4 5 6; do
			run at c socat -T1 - "TCP4:$VIP:81,bind=10.99.0.$i"
			[[ $output == *"Connection refused"* ]]
		done
		run at c socat -T1 - "TCP6:[$VIP6]:81,bind=[fd99::4]"
		[[ $output == *"Connection refused"* ]]
		[ "$(sum refused)" -eq $((before + 7)) ]
		run at c socat -t1 - "UDP4:$VIP:81,bind=10.99.0.9" <<<x
		[[ $output == *"Connection refused"* ]]
		run at c socat -t1 - "UDP6:[$VIP6]:81,bind=[fd99::9]" <<<x
		[[ $output == *"Connection refused"* ]]
		[ "$(sum refused)" -eq $((before + 9)) ]
	done
}

# client MODE ARG...: in the background, at work when this returns.
client()
{
	local mode=$1

	shift
	rm -f "$DIR/$mode.out"
	background "$mode" c timeout 60 "$top_builddir/t/farm/farmcli" \
	    "$mode" -c "$DIR/$mode.fifo" "$@"
	wait_until 10 "grep -q ready $DIR/$mode.out"
}

# Its report.
client_end()
{
	echo end 1<>"$DIR/$1.fifo"
	wait_until 10 "! kill -0 $(cat "$DIR/$1.pid") 2>/dev/null"
	cat "$DIR/$1.out"
}

# All of n1 goes to n2, in the order that farmd keeps: the old owner stops
# taking SYNs, then the new one starts.
n1_to_n2()
{
	apply 1 0-2730:2:1 2731-4095:3
	apply 2 0-1365:2:1 1366-2730:2 2731-4095:3
	apply 3 0-1365:2:1 1366-2730:2 2731-4095:3
}

@test "a bucket moves: no connection breaks, new ones go to the new node" {
	local who vip source

	# By the old owner, by the new one, by all.
	for who in 1 2 vmac; do
		by $who
		vip=$VIP source=10.99.0.1+150
		[ $who != 2 ] || vip=$VIP6 source=fd99::1+150
		thirds
		client hold -d $vip -s $source -n 150 -i 20
		n1_to_n2
		farmcli fair -d $vip -s $source -n 150 | tee "$DIR/moved"
		grep -q ' answered=150 failed=0 ' "$DIR/moved"
		not grep -q node=n1 "$DIR/moved"
		# Of n1's own the last ones end, another bucket moves twice.
		apply 2 0-1365:2:1 1366-2730:3:2 2731-4095:3
		apply 3 0-1365:2:1 1366-2730:3:2 2731-4095:3
		apply 1 0-1365:2:1 1366-2730:3:2 2731-4095:3
		farmcli fair -d $vip -s $source -n 150 | tee "$DIR/moved"
		grep -q ' answered=150 failed=0 ' "$DIR/moved"
		client_end hold
		grep -q '^total clients=150 unanswered=0 hung=0 broken=0' \
		    "$DIR/hold.out"
		grep -q '^total node=n1 count=[1-9]' "$DIR/hold.out"
	done
}

@test "what was opened while a bucket moves stays when it moves again" {
	by 3
	n1_to_n2
	client hold -d $VIP -s 10.99.0.1+120 -n 120 -i 20
	apply 2 0-4095:3:3
	apply 3 0-4095:3:3
	apply 1 0-4095:3:3
	farmcli fair -d $VIP -s 10.99.0.1+120 -n 120 >"$DIR/moved"
	grep -q '^node=n3 count=120' "$DIR/moved"
	client_end hold
	grep -q '^total clients=120 unanswered=0 hung=0 broken=0' \
	    "$DIR/hold.out"
}

@test "a connection of nobody is reset at once" {
	by vmac
	client hold -d $VIP -s 10.99.0.1+90 -n 90 -i 20
	# n1 is dead: it hears nothing, n2 and n3 share its buckets.
	ip -n "$NS-w" link set p1 down
	apply 2 0-700:2 701-1365:3 1366-2730:2 2731-4095:3
	apply 3 0-700:2 701-1365:3 1366-2730:2 2731-4095:3
	wait_until 3 "[ \$(at 2 nstat -asz TcpOutRsts | awk '/Rst/ {
	    print \$2 }') -gt 0 ]"
	farmcli fair -d $VIP -s 10.99.0.1+90 -n 90 >"$DIR/moved"
	ip -n "$NS-w" link set p1 up
	grep -q ' answered=90 failed=0 ' "$DIR/moved"
	client_end hold
	grep -E 'node=n1 count=[0-9]+ broken=([0-9]+) reset=\1 ' "$DIR/hold.out" ||
	    { cat "$DIR/hold.out"; false; }
}

@test "a frame is passed on once, whatever the tables say" {
	local before1 before2

	by 1
	apply 1 0-4095:2
	apply 2 0-4095:1
	before1=$(counter 1 passed) before2=$(counter 2 passed)
	run at c socat -T1 - "TCP4:$VIP:7800,bind=10.99.0.1" </dev/null
	[ "$output" = n2 ]
	[ "$(counter 2 passed)" -eq "$before2" ]
	[ "$(counter 1 passed)" -gt "$before1" ]
}

@test "a closed node takes nothing new and keeps what it has" {
	by 3
	client hold -d $VIP -s 10.99.0.1+60 -n 60 -i 20
	CLOSED=1 apply 1 0-1365:1 1366-2730:2 2731-4095:3
	farmcli fair -d $VIP -s 10.99.0.1+60 -n 60 -b 300 >"$DIR/closed" || :
	not grep -q node=n1 "$DIR/closed"
	grep -q 'node=n2 count=[1-9]' "$DIR/closed"
	client_end hold
	grep -q '^total clients=60 unanswered=0 hung=0 broken=0' \
	    "$DIR/hold.out"
}

@test "a bucket of nobody is counted as lost" {
	local before

	by 2
	apply 2 0-4095:0
	before=$(counter 2 lost)
	run at c socat -T1 - "UDP4:$VIP:7800,bind=10.99.0.1" <<<x
	# Connections of the last test may end just now.
	[ "$(counter 2 lost)" -gt "$before" ]
}

@test "the switch learns no address at another's port" {
	local who

	for who in 1 2 vmac; do
		by $who
		farmcli fair -d $VIP -s 10.99.0.1+60 -n 60
		run at c socat -T1 - "TCP4:$VIP:81,bind=10.99.0.1" </dev/null
		run at c socat -T1 - "UDP4:$VIP:81,bind=10.99.0.1" <<<x
	done
	bridge -n "$NS-w" fdb show br br0 >"$DIR/fdb"
	not grep -i $VMAC "$DIR/fdb"
	grep -q '02:00:00:00:00:c9 dev pc ' "$DIR/fdb"
	[ "$(grep -c '02:00:00:00:00:c9' "$DIR/fdb")" -eq 1 ]
}

arp_filter()
{
	at "$1" "$top_builddir/t/farm/filterctl" arp "$2" "$DIR/table$1"
}

@test "ARP: the director answers, and no node asks as the address" {
	local i mac

	[ "$FILTER_BACKEND" = nft ] || skip "the same with each filter"
	ip -n "$NS-c" neigh flush dev eth0
	DIRECTOR=2
	for i in 1 2 3; do
		table $i 0-1365:1 1366-2730:2 2731-4095:3
		arp_filter $i apply
	done
	run at c arping -i eth0 -c 2 -W 0.5 $VIP
	[[ $output == *"2 packets transmitted, 2 packets received"* ]]
	[[ $output == *"02:00:00:00:00:02"* ]]
	at c timeout 5 tcpdump -U -nli eth0 -c 1 \
	    'arp[6:2] = 1 and dst host 10.88.1.77' >"$DIR/asked" 2>&1 3>&- &
	wait_until 5 "grep -q listening $DIR/asked"
	at 3 ping -c 1 -W 0.1 -I $VIP 10.88.1.77 || :
	wait_until 5 "grep -q 'tell 10.88.1.3' $DIR/asked"
	ISVMAC=1 table 2 0-4095:2
	arp_filter 2 apply
	run at c arping -i eth0 -c 1 -W 0.2 $VIP
	[[ $output == *"0 packets received"* ]]
	for i in 1 2 3; do
		arp_filter $i remove
		[ -z "$(at $i nft list tables arp)" ]
	done
}

@test "ARP: with a rule the taker of the requester answers, one alone" {
	local i

	[ "$FILTER_BACKEND" = nft ] || skip "the same with each filter"
	for i in 1 2 3; do
		table $i 0-1365:1 1366-2730:2 2731-4095:3
		echo "rule group=0 proto=arp key=addr" >>"$DIR/table$i"
		arp_filter $i apply
	done
	for i in 1 2 4 6; do
		run at c arping -i eth0 -c 1 -W 0.5 -S "10.99.0.$i" $VIP
		[[ $output == *"1 packets received"* ]]
		[[ $output == *"00:0$(echo 10.99.0.$i | expected |
		    sed 's/.*n//')"* ]]
	done
	for i in 1 2 3; do
		arp_filter $i remove
	done
}

@test "deleted by hand: seen, said once, made again" {
	local i

	[ "$FILTER_BACKEND" = nft ] || skip "of nftables"
	by 1
	for i in "delete table netdev holdfast_web" \
	    "flush chain netdev holdfast_web in_eth0" \
	    "delete element netdev holdfast_web share_0 { 77 }" \
	    "add element netdev holdfast_web mine_0 { 4000 : 1 }" \
	    "delete element netdev holdfast_web takers { 3 }" \
	    "add element netdev holdfast_web flows4 { 10.9.9.9 . 1 . $VIP . 2 }" \
	    "add rule netdev holdfast_web may_open drop"; do
		not grep 'not intact' <<<"$(inspect 1)"
		at 1 nft "$i"
		inspect 1 | grep 'not intact: table netdev holdfast_web '
		not grep 'not intact' <<<"$(inspect 1)"
		apply 1 0-1365:1 1366-2730:2 2731-4095:3
		at 1 nft list chain netdev holdfast_web in_eth0 |
		    grep -q 'vmap @frames4'
	done
	farmcli fair -d $VIP -s 10.99.0.1+60 -n 60
	# Others' tables are others' business.
	at 1 nft add table inet other
	not grep 'not intact' <<<"$(inspect 1)"
	at 1 nft delete table inet other
}

@test "a filter that ends goes on, is taken over, and goes when removed" {
	local before

	by 1
	kill "$(cat "$DIR/filter1.pid")"
	wait_until 5 "! kill -0 $(cat "$DIR/filter1.pid") 2>/dev/null"
	farmcli fair -d $VIP -s 10.99.0.1+60 -n 60
	rm "$DIR/ctl1"
	filter_start 1
	farmcli fair -d $VIP -s 10.99.0.1+60 -n 60
	kill "$(cat "$DIR/filter1.pid")"
	at 1 "$top_builddir/t/farm/filterctl" "$FILTER_BACKEND" remove \
	    "$DIR/table1"
	[ -z "$(at 1 nft list tables)" ]
	rm "$DIR/ctl1"
	filter_start 1
}

# The nodes as firewalls between the clients and host s, 10.77.0.10.
firewalls()
{
	local i

	ip netns add "$NS-s"
	ip -n "$NS-w" link add br1 type bridge mcast_snooping 0
	ip -n "$NS-w" link set br1 up
	for i in 1 2 3 s; do
		ip link add eth1 netns "$NS-$i" type veth peer name "q$i" \
		    netns "$NS-w"
		ip -n "$NS-$i" link set eth1 address "02:00:00:00:01:0${i/s/9}"
		ip -n "$NS-$i" addr add "10.77.0.${i/s/10}/24" dev eth1
		ip -n "$NS-$i" addr add "fd77::${i/s/10}/64" dev eth1 nodad
		ip -n "$NS-$i" link set eth1 up
		ip -n "$NS-w" link set "q$i" master br1 up
	done
	for i in 1 2 3; do
		at $i sysctl -qw net.ipv4.ip_forward=1 \
		    net.ipv6.conf.all.forwarding=1 \
		    net.netfilter.nf_conntrack_tcp_loose=0
		bridge -n "$NS-$i" fdb add 02:fe:00:00:00:77 dev eth1 self \
		    permanent
		# A firewall that sees one direction alone passes nothing.
		at $i nft -f - <<-END
			table inet wall {
				counter opened { }
				chain f {
					type filter hook forward priority 0
					ct state invalid drop
					tcp flags != syn ct state new drop
					tcp flags syn / syn,ack counter name opened
				}
			}
		END
	done
	ip -n "$NS-s" route add default via 10.77.0.100
	ip -n "$NS-s" route add default via fd77::100
	ip -n "$NS-c" route add 10.77.0.0/24 via $VIP
	ip -n "$NS-c" route add fd77::/64 via $VIP6
	background srvs s "$top_builddir/t/farm/farmsrv" inside 7800
}

# firewall NODE FROM-TO:TAKER...: with the rules of routed packets.
firewall()
{
	rm -f "$DIR/thirds"
	table "$@"
	sed -i -e '/^rule/d; /^intf/a intf name=eth1' \
	    -e 's/^node.*\(.\)$/& mac2=02:00:00:00:01:0\1/' "$DIR/table$1"
	cat >>"$DIR/table$1" <<-END
		addr ip=10.77.0.100 intf=1 vmac=02:fe:00:00:00:77
		addr ip=fd77::100 intf=1 vmac=02:fe:00:00:00:77
		rule group=0 proto=route key=source addr=0
		rule group=0 proto=route key=source addr=1
		rule group=0 proto=route key=dest addr=2
		rule group=0 proto=route key=dest addr=3
	END
	wc -l <"$DIR/filter$1.out" >"$DIR/lines"
	echo "$DIR/table$1" >"$DIR/ctl$1"
	wait_until 10 "[ \$(wc -l <$DIR/filter$1.out) -gt $(cat "$DIR/lines") ]"
}

@test "firewalls: what goes in by a node comes back by it" {
	local i a

	[ "$FILTER_BACKEND" = nft ] || skip "of nftables"
	firewalls
	for i in 1 2 3; do
		firewall $i 0-1365:1 1366-2730:2 2731-4095:3
	done
	# By different nodes outside and inside, and by the vmacs.
	for i in "1 02:00:00:00:01:02" "vmac 02:fe:00:00:00:77"; do
		by "${i% *}"
		for a in 10.77.0.100 fd77::100; do
			ip -n "$NS-s" neigh replace $a lladdr "${i#* }" \
			    dev eth1 nud permanent
		done
		farmcli fair -d 10.77.0.10 -s 10.99.0.1+120 -n 120 |
		    grep ' answered=120 failed=0 '
		farmcli fair -d fd77::10 -s fd99::1+120 -n 120 |
		    grep ' answered=120 failed=0 '
	done
	for i in 1 2 3; do
		[ "$(at $i nft list counter inet wall opened |
		    sed -n 's/.*packets \([0-9]*\).*/\1/p')" -gt 60 ]
		at $i nft list table netdev holdfast_web |
		    grep -q 'packets through this node, by their destination'
	done
	# And what is for a node itself is.
	at c ping -c 1 -W 1 10.88.1.2
	at s ping -c 1 -W 1 10.77.0.3
}
