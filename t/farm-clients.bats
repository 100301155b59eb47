#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What the farm suites measure with: farmcli sees a node that dies, a SYN that
# is lost, a datagram that is answered twice and a server that is silent.
# shellcheck disable=SC2154,SC2016 # top_builddir: lib.bash; perl

load lib

setup()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root: a network namespace"
	dir=$BATS_TEST_TMPDIR
	tools=$top_builddir/t/farm
	# No longer than the longest test.
	unshare -n sh -c "ip link set lo up
	    ip route add local 10.99.0.0/16 dev lo
	    ip -6 route add local fd99::/64 dev lo
	    echo \$\$ >'$dir/net.pid'; exec sleep 60" 3>&- &
	wait_until 5 "[ -s '$dir/net.pid' ]"
	net="nsenter -t $(cat "$dir/net.pid") -n"
}

teardown()
{
	local pid

	for pid in "$dir"/*.pid; do
		[ ! -s "$pid" ] || kill "$(cat "$pid")" 2>/dev/null || :
	done
	wait
}

server()
{
	$net "$tools/farmsrv" "$1" 7800 >"$dir/$1" 3>&- &
	echo $! >"$dir/$1.pid"
	wait_until 5 "grep -q ready '$dir/$1'"
}

# client MODE ARG...: in the background, its output in MODE.out
client()
{
	local mode=$1

	shift
	$net "$tools/farmcli" "$mode" -c "$dir/$mode.fifo" "$@" \
	    >"$dir/$mode.out" 3>&- &
	echo $! >"$dir/$mode.pid"
	wait_until 5 "grep -q ready '$dir/$mode.out'"
}

# tell MODE LINE
tell()
{
	echo "$2" 1<>"$dir/$1.fifo"
	[ "$2" != end ] || {
		wait_until 10 "! kill -0 $(cat "$dir/$1.pid") 2>/dev/null"
		cat "$dir/$1.out"
	}
}

# value FIELD MODE PATTERN: of the one line that matches.
value()
{
	[ "$(grep -c -e "$3" "$dir/$2.out")" -eq 1 ]
	sed -n "s/.*\<$1=\([^ ]*\).*/\1/p" < <(grep -e "$3" "$dir/$2.out")
}

@test "hold: who broke, how, when, and when it is back" {
	server one
	client hold -d fd99::9 -s fd99:0:0:0:1::1+60 -n 60 -q 3 -i 20
	at=$EPOCHREALTIME
	kill "$(cat "$dir/one.pid")"
	wait "$(cat "$dir/one.pid")" || :
	server two
	tell hold "mark death $at"
	wait_until 5 "[ \$($net ss -Htn state established \
	    'dport = 7800' | wc -l) -eq 60 ]"
	tell hold end
	[ "$(value count hold 'mark=start node=one')" -eq 60 ]
	[ "$(value broken hold 'mark=death node=one')" -eq 60 ]
	[ "$(value again hold 'mark=death node=one')" -eq 60 ]
	[ "$(value count hold 'total node=two')" -eq 60 ]
	[ "$(value hung hold 'total clients=60')" -eq 0 ]
}

@test "hold: a server that says no more is hung, idle connections too" {
	server one
	client hold -d 10.99.9.9 -s 10.99.0.1+20 -n 20 -q 2 -i 20 -b 300
	kill -STOP "$(cat "$dir/one.pid")"
	tell hold "mark stop"
	tell hold end
	kill -CONT "$(cat "$dir/one.pid")"
	[ "$(value broken hold 'total clients=20')" -eq 0 ]
	[ "$(value hung hold 'total clients=20')" -eq 20 ]
}

@test "fresh: a lost SYN is not a failed connection" {
	server one
	client fresh -d 10.99.9.9 -s 10.99.0.1+50
	tell fresh "mark drop"
	$net nft -f - <<-'END'
	table ip t {
		chain in {
			type filter hook input priority 0;
			tcp dport 7800 tcp flags syn / syn,ack drop
		}
	}
	END
	from=$(now_ms)
	wait_until 5 "[ \$((\$(now_ms) - $from)) -ge 200 ]"
	$net nft delete table ip t
	tell fresh "mark again"
	wait_until 5 "[ \$((\$(now_ms) - $from)) -ge 400 ]"
	tell fresh end
	[ "$(value retried fresh 'mark=start sent')" -eq 0 ]
	[ "$(value retried fresh 'mark=drop sent')" -gt 50 ]
	[ "$(value failed fresh 'mark=drop sent')" -eq 0 ]
	[ "$(value failed fresh 'mark=again sent')" -eq 0 ]
	[ "$(value first fresh 'mark=again sent')" -gt 50 ]
}

@test "fresh: refused is not answered" {
	client fresh -d 10.99.9.9 -s 10.99.0.1+50
	tell fresh end
	[ "$(value first fresh 'mark=start sent')" -eq 0 ]
	[ "$(value reset fresh 'mark=start sent')" -gt 0 ]
}

@test "udp: lost, and answered twice" {
	# Every fourth datagram gets two answers, every fifth none.
	$net perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(
	    Proto => "udp", LocalPort => 7800, LocalAddr => "10.99.9.9");
	    open(my $f, ">", $ARGV[0]); close($f);
	    while (my $peer = $s->recv(my $buf, 99)) {
		next if $buf % 5 == 0;
		$s->send("one $buf", 0, $peer);
		$s->send("two $buf", 0, $peer) if $buf % 4 == 0;
	    }' "$dir/open" 3>&- &
	echo $! >"$dir/perl.pid"
	wait_until 5 "[ -e '$dir/open' ]"
	client udp -d 10.99.9.9 -s 10.99.0.1+50 -b 200
	from=$(now_ms)
	wait_until 5 "[ \$((\$(now_ms) - $from)) -ge 300 ]"
	tell udp end
	sent=$(value sent udp 'mark=start sent')
	[ "$sent" -ge 50 ]
	[ "$(value failed udp 'mark=start sent')" -eq $(((sent + 4) / 5)) ]
	[ "$(value twice udp 'mark=start sent')" -eq \
	    $(((sent + 3) / 4 - (sent + 19) / 20)) ]
	grep -q 'node=one again=two' "$dir/udp.out"
}

@test "fair: one connection a client" {
	server one
	run $net "$tools/farmcli" fair -d fd99::9 -s fd99:0:0:0:1::1+1000 \
	    -n 1000
	[[ "$output" == *"node=one count=1000"* ]]
	[[ "$output" == *"clients=1000 answered=1000 failed=0"* ]]
}
