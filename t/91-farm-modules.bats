#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The farm modules with Debian's nginx, Apache and dnsmasq on three nodes,
# nginx as README has it; each page and name tells the node.
# shellcheck disable=SC2016 # lines for wait_until and for the hosts

load lib
VIP=10.88.1.103
SHARED=/usr/share/holdfast/modules

setup_file()
{
	lab_setup_file 3
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] || return 0
	for n in n1 n2 n3; do
		for m in nginx_farm apache_farm dns_farm; do
			on $n $SHARED/$m/lab-prepare
		done
		on $n sed -i 's/^Listen 80$/Listen 8080/' \
		    /etc/apache2/ports.conf
	done
}

setup()
{
	lab_setup
}

teardown()
{
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

# pages ADDRESS[:PORT] FIRST LAST: what clients 10.99.1.FIRST to LAST get, a
# line each: the name of the node, or nothing.
pages()
{
	on c1 sh -c 'for i in $(seq "$2" "$3"); do
		curl -s -m 5 --interface "10.99.1.$i" "http://$1/" || echo
	done' sh "$1" "$2" "$3"
}

# answered_by: of those lines, each node once.
answered_by()
{
	sort -u | paste -sd' '
}

# names FIRST LAST: the same of the name server, by UDP and by TCP.
names()
{
	on c1 python3 - "$1" "$2" <<-'END'
	import socket, struct, sys
	ask = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + \
	    b"\x04node\x03lab\x00" + struct.pack(">2H", 16, 1)
	for i in range(int(sys.argv[1]), int(sys.argv[2]) + 1):
	    for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
	        s = socket.socket(socket.AF_INET, kind)
	        s.settimeout(5)
	        s.bind(("10.99.2.%d" % i, 0))
	        s.connect(("10.88.1.104", 53))
	        tcp = kind == socket.SOCK_STREAM
	        s.sendall((struct.pack(">H", len(ask)) if tcp else b"") + ask)
	        got = b""
	        while len(got) < 20:
	            more = s.recv(4096)
	            if not more:
	                break
	            got += more
	        print(got[-2:].decode())
	        s.close()
	END
}

# share NODE GROUP: its buckets of the 4096, as n1 says.
share()
{
	on n1 holdfast farm "${3:-nginx_farm}" --json | jq -r --arg n "$1" \
	    --arg g "$2" '.nodes[] | select(.name == $n) | .shares[] |
	    select(.group == $g) | .buckets'
}

# How often n1 saw n3 alone without a share of dns_farm: one whose server is
# started again at once has it back within 150 ms, between two looks.
times_left()
{
	on n1 grep -c 'farm membership: n1 n2, epoch' \
	    /var/log/holdfast/dns_farm.log || :
}

# shares_are A B C [GROUP MODULE]
shares_are()
{
	local group=${4:-web}

	[ "$(share n1 "$group" "${5-}") $(share n2 "$group" "${5-}") \
$(share n3 "$group" "${5-}")" = "$1 $2 $3" ]
}

ready_everywhere()
{
	local node

	for node in n1 n2 n3; do
		on $node holdfast wait --timeout 30 "$1" Ready
	done
}

# types NODE WORD: of the README, line by line, as printed.
types()
{
	local line

	readme_block "nginx on three servers" "$2" >"$BATS_TEST_TMPDIR/lines"
	[ -s "$BATS_TEST_TMPDIR/lines" ]
	while read -r line; do
		echo "$1# $line"
		output=$(on "$1" sh -c "$line" </dev/null)
		echo "$output"
		case $line in
		*invite*)	tail -n 1 <<<"$output" >>"$BATS_FILE_TMPDIR/tokens" ;;
		esac
	done <"$BATS_TEST_TMPDIR/lines"
}

@test "README: nginx on three servers, as printed" {
	types n1 "cluster init"
	for i in 2 3; do
		sed -n "$((i - 1))p" "$BATS_FILE_TMPDIR/tokens" \
		    >"$BATS_FILE_TMPDIR/token"
		types n$i "cluster join"
	done
	types n1 "module push"
	ready_everywhere nginx_farm
	wait_until 20 'shares_are 1366 1365 1365 || shares_are 1365 1366 1365 ||
	    shares_are 1365 1365 1366'
	[ "$(pages $VIP 1 60 | answered_by)" = "n1 n2 n3" ]
	# a client stays where it is
	[ "$(for i in 1 2 3 4; do pages $VIP 7 7; done | sort -u | wc -l)" \
	    -eq 1 ]
	types n1 "drain n2"	# and its end
	wait_until 20 '[ "$(share n2 web)" -ge 1365 ]'
}

@test "nginx: drained, then back" {
	on n1 holdfast farm nginx_farm drain n2
	[ "$(share n2 web)" -eq 0 ]
	[ "$(pages $VIP 1 40 | answered_by)" = "n1 n3" ]
	on n3 holdfast farm nginx_farm drain n2 --off
	wait_until 20 '[ "$(share n2 web)" -ge 1365 ]'
	[ "$(pages $VIP 1 60 | answered_by)" = "n1 n2 n3" ]
}

# gone_and_back NODE: ms until it had no share, and until it had it again.
gone_and_back()
{
	local begun=$1 node=$2 gone

	wait_until 20 "[ \"\$(share $node web)\" -eq 0 ]"
	gone=$(($(now_ms) - begun))
	wait_until 20 "[ \"\$(share $node web)\" -ge 1365 ]"
	echo "# $node: share gone after $gone ms, back after" \
	    "$(($(now_ms) - begun)) ms" >&3
	[ "$gone" -le 3000 ]
}

@test "nginx killed: its clients go to the others, and come back" {
	local begun

	begun=$(now_ms)
	on n2 pkill -KILL -x nginx
	gone_and_back "$begun" n2
	[ "$(pages $VIP 1 60 | answered_by)" = "n1 n2 n3" ]
	on n2 holdfast log nginx_farm | grep -q 'proc.nginx'
}

@test "a configuration nginx does not take is said, and nothing is lost" {
	on n3 holdfast stop nginx_farm --timeout 40
	on n3 sh -c 'echo "nonsense;" >/etc/nginx/conf.d/bad.conf'
	run on n3 holdfast start nginx_farm --timeout 30
	[ "$status" -eq 70 ]
	[[ $output == *'unknown directive "nonsense"'* ]]
	[ "$(pages $VIP 1 40 | answered_by)" = "n1 n2" ]
	on n3 rm /etc/nginx/conf.d/bad.conf
	on n3 holdfast start nginx_farm --timeout 30
	wait_until 20 '[ "$(share n3 web)" -ge 1365 ]'
}

# client_of NODE: a client whose pages come from there.
client_of()
{
	local i

	for i in $(seq 1 60); do
		[ "$(pages $VIP "$i" "$i")" = "$1" ] || continue
		echo "$i"
		return
	done
	return 1
}

@test "a stop waits for what is under way" {
	local client

	on n3 sh -c 'head -c 3000000 /dev/zero >/var/www/html/big'
	client=$(client_of n3)
	on c1 sh -c 'curl -s --limit-rate 1M --interface "10.99.1.$1" -o \
	    /tmp/big "http://$2/big"; echo $? >/tmp/big.rc' sh "$client" $VIP \
	    >/dev/null 2>&1 3>&- &
	wait_until 10 'on c1 test -s /tmp/big'
	on n3 holdfast stop nginx_farm --timeout 40
	wait_until 20 'on c1 test -s /tmp/big.rc'
	[ "$(on c1 cat /tmp/big.rc)" = 0 ]
	[ "$(on c1 stat -c %s /tmp/big)" = 3000000 ]
	[ "$(pages $VIP 1 40 | answered_by)" = "n1 n2" ]
	on n3 holdfast start nginx_farm --timeout 30
	wait_until 20 '[ "$(share n3 web)" -ge 1365 ]'
}

# DATA is another directory, which an address of its own shows.
@test "DATA: a directory is all it takes" {
	local node

	for node in n1 n2 n3; do
		on $node sh -c 'mkdir -p /srv/www
		    echo "$(hostname) by DATA" >/srv/www/index.html'
		on $node holdfast stop nginx_farm --timeout 40
	done
	on n1 holdfast module push nginx_farm -H '*' --set DATA=/srv/www
	on n1 holdfast -H '*' start nginx_farm --timeout 30
	ready_everywhere nginx_farm
	wait_until 20 '[ "$(pages $VIP 1 60 | answered_by)" = \
	    "n1 by DATA n2 by DATA n3 by DATA" ]'
}

@test "dns: UDP and TCP from all nodes; a server that is gone is noticed" {
	on n1 holdfast module push $SHARED/dns_farm -H '*' \
	    --set VIP=10.88.1.104
	on n1 holdfast -H '*' start dns_farm --timeout 30
	ready_everywhere dns_farm
	wait_until 20 '[ "$(names 1 30 | answered_by)" = "n1 n2 n3" ]'
	[ "$(names 1 30 | wc -l)" -eq 60 ]
	before=$(times_left)
	on n3 pkill "-$([ -n "${HOLDFAST_LONG-}" ] && echo STOP || echo KILL)" \
	    -x dnsmasq
	wait_until 30 '[ "$(times_left)" -gt "$before" ]'
	# its init script would give one that hangs 30 s
	on n3 sh -c 'pkill -CONT -x dnsmasq || :'
	wait_until 30 '[ "$(share n3 dns dns_farm)" -ge 1365 ]'
	[ "$(names 1 30 | answered_by)" = "n1 n2 n3" ]
	on n1 holdfast -H '*' stop dns_farm --timeout 40
}

@test "module new: Apache, beside nginx on the same nodes" {
	run on n1 holdfast module new site --from apache_farm \
	    --vip 10.88.1.105 --set PORT=8080
	[ "$status" -eq 0 ]
	[[ $output != *"holdfast prim"* ]]
	sed -n 's/^  holdfast/holdfast/p' <<<"$output" >"$BATS_TEST_TMPDIR/next"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/next")" -eq 4 ]
	while read -r line; do
		on n1 sh -ec "$line" </dev/null
	done <"$BATS_TEST_TMPDIR/next"
	ready_everywhere site
	wait_until 20 '[ "$(pages 10.88.1.105:8080 1 60 | answered_by)" = \
	    "n1 n2 n3" ]'
	# what no rule is about is refused at once
	run on c1 curl -s -m 5 http://10.88.1.105:8081/
	[ "$status" -eq 7 ]
	[ "$(pages $VIP 1 60 | wc -l)" -eq 60 ]
}

@test "an address that another host has: the module waits, and check says it" {
	on n1 holdfast -H '*' stop site --timeout 40
	on c1 ip addr add 10.88.1.105/24 dev lan1
	run on n1 holdfast check site
	[ "$status" -eq 78 ]
	[[ $output == *"ERROR    10.88.1.105: "*"answers for it"* ]]
	on n1 holdfast start site --no-wait
	wait_until 20 'on n1 holdfast status site |
	    grep -q address-in-use'
	on c1 ip addr del 10.88.1.105/24 dev lan1
	on n1 holdfast wait --timeout 30 site Ready
	on n1 holdfast stop site --timeout 40
}
