#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The lab itself: what its verbs do to a host, without any module.
# shellcheck disable=SC2154 # top_builddir: lib.bash

load lib

setup_file()
{
	lab_setup_file 2 --witness
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

# reaches FROM ADDRESS: a line goes there and comes back.
reaches()
{
	[ "$(on "$1" timeout 1 socat -T1 - "TCP:$2:7,connect-timeout=0.5" \
	    <<<hello 2>/dev/null)" = hello ]
}

echo_server()
{
	on "$1" bash -c 'setsid socat TCP6-LISTEN:7,ipv6only=0,fork,reuseaddr \
	    EXEC:cat </dev/null >/dev/null 2>&1 &'
	wait_until 5 "reaches c1 $2"
}

@test "hosts have their names, addresses and numbers" {
	[ "$(on n1 hostname)" = n1 ]
	[ "$(on n2 cat /etc/hostname)" = n2 ]
	on n2 ip -br addr show lan2 | grep -q '10.88.2.2/24 fd88:2::2/64'
	on c1 ip -br addr show lan1 | grep -q '10.88.1.201/24 fd88:1::201/64'
	[ "$(on n1 cat /etc/machine-id)" != "$(on n2 cat /etc/machine-id)" ]
	on n1 id holdfast
	on n1 getent group holdfast-admin holdfast-control
	[ "$(on n1 getent passwd holdfast)" = "$(on n2 getent passwd holdfast)" ]
	on n1 getent hosts n2-lan2
}

@test "a host has its own disk, memory, processes and cgroup" {
	on n1 sh -c 'echo n1 >/srv/mine; echo n1 >/run/mine; echo n1 >/etc/mine'
	run on n2 cat /srv/mine /run/mine /etc/mine
	[ "$status" -ne 0 ]
	[ ! -e /run/mine ] && [ ! -e /etc/mine ]
	on n1 test -e /sys/fs/cgroup/cgroup.kill
	on n1 mkdir /sys/fs/cgroup/sub
	on n1 rmdir /sys/fs/cgroup/sub
	[ "$(on n1 readlink /proc/1/exe)" = "$top_builddir/bin/lab/labinit" ]
	run on n1 touch /usr/mine
	[ "$status" -ne 0 ]
	run on n1 touch /root/mine
	[ "$status" -ne 0 ]
	on n1 test -c /dev/fuse
}

@test "exec passes input, output and exit status" {
	[ "$(echo in | on n1 cat)" = in ]
	run on n1 -- sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run on n9 true
	[ "$status" -eq 64 ]
}

@test "c1 is many clients, over IPv4 and IPv6" {
	local v

	for v in 4 6; do
		on n1 bash -c "setsid socat TCP$v-LISTEN:1$v,fork \
		    SYSTEM:'echo \$SOCAT_PEERADDR' </dev/null >/dev/null 2>&1 &"
	done
	wait_until 5 "on c1 socat -u TCP:10.88.1.1:14 - >/dev/null 2>&1"
	run on c1 socat -u TCP:10.88.1.1:14,bind=10.99.200.7 -
	[[ "$output" == *10.99.200.7* ]]
	wait_until 5 "on c1 socat -u TCP6:[fd88:1::1]:16 - >/dev/null 2>&1"
	run on c1 socat -u "TCP6:[fd88:1::1]:16,bind=[fd99::7:1]" -
	[[ "$output" == *fd99:0000:0000:0000:0000:0000:0007:0001* ]]
	on n2 ping -c 1 -W 2 10.99.1.1
	on n2 ping -c 1 -W 2 fd99::1
}

@test "the crowd of the farm demo tells answers from failures" {
	local crowd=/usr/lib/holdfast/lab/crowd

	on n1 sh -c 'cat >/srv/http' <<-'END'
		while read -r line && [ ${#line} -gt 1 ]; do :; done
		printf 'HTTP/1.0 200 OK\r\n\r\nn1 x\n'
	END
	on n1 bash -c 'setsid socat TCP-LISTEN:24,fork,reuseaddr \
	    EXEC:"sh /srv/http" </dev/null >/dev/null 2>&1 &'
	wait_until 5 "on n1 ss -ltn | grep -q :24"
	run on c1 timeout 2 $crowd requests 10.88.1.1 24 / 20
	[ "$(grep -c ' n1 ' <<<"$output")" -ge 20 ]
	[ "$(awk '{ print $4 }' <<<"$output" | sort | uniq -d)" = "" ]
	run on c1 timeout 1 $crowd requests 10.88.1.1 25 / 20
	[ "$(grep -c ' -refused ' <<<"$output")" -ge 10 ]
	# A download that ends, or breaks, is not what was asked for.
	run on c1 timeout 5 $crowd download 10.88.1.1 24 / 300 64
	[ "$status" -eq 1 ]
	[[ "$output" == *"end 5 "*" -over"* ]]
	run on c1 $crowd download 10.88.1.1 25 / 300 64
	[ "$status" -eq 69 ]
	run on c1 $crowd requests nobody 25 / 20
	[ "$status" -eq 64 ]
}

# A station the switch has not heard: frames to its MAC go where unknown ones go.
unknown_reaches()
{
	local mac=02:48:46:ff:00:01 pid

	on "$1" bash -c 'timeout 2 tcpdump -c 1 -nni lan1 -l ether dst '$mac \
	    >"$BATS_TEST_TMPDIR/dump" 2>"$BATS_TEST_TMPDIR/dump.err" 3>&- &
	pid=$!
	wait_until 5 "grep -q listening $BATS_TEST_TMPDIR/dump.err"
	on c1 ip neigh replace 10.88.1.77 lladdr $mac dev lan1
	on c1 ping -c 1 -W 1 10.88.1.77 >/dev/null || :
	on c1 ip neigh del 10.88.1.77 dev lan1
	wait $pid
}

@test "a port of a switch that does not flood, also after a power cycle" {
	unknown_reaches n1
	"$LAB" flood n1 lan1 off
	not unknown_reaches n1
	unknown_reaches n2
	"$LAB" power cycle n1
	not unknown_reaches n1
	wait_until 5 "on c1 ping -c 1 -W 1 10.88.1.1 >/dev/null"
	"$LAB" flood n1 lan1 on
	unknown_reaches n1
	run "$LAB" flood n1 lan7 off
	[ "$status" -eq 64 ]
	run "$LAB" flood n1 lan1 maybe
	[ "$status" -eq 64 ]
}

@test "power off keeps what was synced and loses what was not" {
	local boot

	boot=$(on n1 cat /proc/sys/kernel/random/boot_id)
	on n1 sh -c 'echo old >/srv/both && echo synced >/srv/synced &&
	    sync -f /srv && echo new >/srv/both && echo lost >/srv/lost &&
	    echo memory >/run/memory && echo memory >/tmp/memory'
	"$LAB" power off n1
	run on n1 true
	[ "$status" -eq 69 ]
	"$LAB" power on n1
	[ "$(on n1 cat /srv/both)" = old ]
	[ "$(on n1 cat /srv/synced)" = synced ]
	run on n1 sh -c 'ls /srv/lost || ls /run/memory || ls /tmp/memory'
	[ "$status" -ne 0 ]
	[ "$(on n1 cat /proc/sys/kernel/random/boot_id)" != "$boot" ]
}

@test "power off ends what runs, without a word to the peer" {
	echo_server n1 10.88.1.1
	on c1 bash -c 'exec 3<>/dev/tcp/10.88.1.1/7; echo ready; read -r -u3' \
	    >"$BATS_TEST_TMPDIR/client" &
	wait_until 5 "grep -q ready $BATS_TEST_TMPDIR/client"
	"$LAB" power off n1
	# A connection that was closed would end the reader at once.
	run on c1 sh -c 'ss -Htn state established dst 10.88.1.1 | wc -l'
	[ "$output" = 1 ]
	kill "$!"
	run losetup -a
	[[ "$output" != *"lab-$HOLDFAST_LAB/n1"* ]]
	[ -z "$(find /sys/fs/cgroup -path "*lab-$HOLDFAST_LAB/n1")" ]
	"$LAB" power on n1
}

@test "power off: a node that sees one cable go cannot tell by the other" {
	on n2 bash -c 'setsid socat -u UDP-RECV:7007 CREATE:/srv/last-words \
	    </dev/null >/dev/null 2>&1 & echo $! >/run/words.pid'
	wait_until 5 "on n2 ss -lun | grep -q :7007"
	# The neighbour is known: nothing has to be asked first.
	on n1 ping -c 1 -W 2 10.88.2.2 >/dev/null
	on n1 bash -c 'setsid bash -c ": >/run/looks
	    while read -r up </sys/class/net/lan1/carrier && [ \$up = 1 ]; do
	    :; done
	    for i in {1..1000}; do echo help >/dev/udp/10.88.2.2/7007; done" \
	    </dev/null >/dev/null 2>&1 &'
	wait_until 5 "on n1 test -e /run/looks"
	"$LAB" power off n1
	on n2 sh -c 'kill "$(cat /run/words.pid)"; [ ! -s /srv/last-words ]'
	"$LAB" power on n1
}

@test "a cable pulled takes the carrier of one network only" {
	echo_server n1 10.88.1.1
	"$LAB" cable n1 lan1 out
	on n1 ip -br link show lan1 | grep -q NO-CARRIER
	run reaches c1 10.88.1.1
	[ "$status" -ne 0 ]
	reaches c1 10.88.2.1
	reaches c1 '[fd88:2::1]'
	"$LAB" status --json | jq -e '.hosts[0].lans.lan1.cable == "out"'
	"$LAB" cable n1 lan1 in
	wait_until 3 'reaches c1 10.88.1.1'
	wait_until 3 'reaches c1 "[fd88:1::1]"'
}

@test "a cable stays pulled over a power cycle" {
	"$LAB" cable n2 lan2 out
	"$LAB" power cycle n2
	on n2 ip -br link show lan2 | grep -q NO-CARRIER
	"$LAB" cable n2 lan2 in
	on n2 ip -br link show lan2 | grep -q LOWER_UP
}

# seen HOST: the datagrams that came to HOST, port 9, are in /run/seen.
seen()
{
	on "$1" sh -c 'rm -f /run/seen; setsid socat -u UDP-RECV:9 \
	    OPEN:/run/seen,creat </dev/null >/dev/null 2>&1 &'
	wait_until 5 "on $1 ss -Hlun sport = :9 | grep -q ."
}

@test "one direction of a cable can be lost" {
	seen n1
	seen n2
	"$LAB" cable n1 lan1 out --oneway rx
	# Address resolution needs both directions: give it the answers.
	on n1 ip neigh replace 10.88.1.2 dev lan1 lladdr 02:48:46:00:01:02
	on n2 ip neigh replace 10.88.1.1 dev lan1 lladdr 02:48:46:00:01:01
	on n1 bash -c 'echo rx >/dev/udp/10.88.1.2/9'
	on n2 bash -c 'echo rx >/dev/udp/10.88.1.1/9'
	wait_until 3 'on n2 grep -q rx /run/seen'
	"$LAB" cable n1 lan1 out --oneway tx
	on n1 bash -c 'echo tx >/dev/udp/10.88.1.2/9'
	on n2 bash -c 'echo tx >/dev/udp/10.88.1.1/9'
	wait_until 3 'on n1 grep -q tx /run/seen'
	run on n1 grep -q rx /run/seen
	[ "$status" -ne 0 ]
	run on n2 grep -q tx /run/seen
	[ "$status" -ne 0 ]
	"$LAB" cable n1 lan1 in
}

@test "cut: two hosts lose each other and nobody else" {
	echo_server n1 10.88.1.1
	"$LAB" cut n1 n2 lan1
	not on n2 ping -c 1 -W 1 10.88.1.1
	on n2 ping -c 1 -W 2 10.88.2.1
	on n2 ping -c 1 -W 2 10.88.1.211
	reaches c1 10.88.1.1
	"$LAB" status --json | jq -e '.cuts | length == 2'
	"$LAB" cut n1 n2
	not on n2 ping -c 1 -W 1 10.88.2.1
	# As a firewall's rule it outlasts the host.
	"$LAB" power cycle n2
	not on n2 ping -c 1 -W 1 10.88.1.1
	"$LAB" heal n2 n1
	on n2 ping -c 1 -W 2 10.88.1.1
	"$LAB" status --json | jq -e '.cuts == []'
}

@test "cut --oneway: what the first sends does not arrive" {
	seen n2
	seen w1
	on n2 ip neigh replace 10.88.1.211 dev lan1 lladdr 02:48:46:00:01:d3
	on w1 ip neigh replace 10.88.1.2 dev lan1 lladdr 02:48:46:00:01:02
	"$LAB" cut n2 w1 --oneway
	"$LAB" status | grep -q 'lan2: from n2 to w1 nothing passes'
	on n2 bash -c 'echo one >/dev/udp/10.88.1.211/9'
	on w1 bash -c 'echo two >/dev/udp/10.88.1.2/9'
	wait_until 3 'on n2 grep -q two /run/seen'
	not on w1 grep -q one /run/seen
	"$LAB" heal
	on n2 bash -c 'echo one >/dev/udp/10.88.1.211/9'
	wait_until 3 'on w1 grep -q one /run/seen'
}

@test "the witness has a disk of its own and its power" {
	[ "$(on w1 hostname)" = w1 ]
	on w1 sh -c 'echo w1 >/srv/mine && sync -f /srv'
	on n1 getent hosts w1
	"$LAB" disk w1 full
	"$LAB" disk w1 ok
	"$LAB" freeze w1
	"$LAB" thaw w1
	"$LAB" power cycle w1
	[ "$(on w1 cat /srv/mine)" = w1 ]
	# The first process of a node is what starts a node's daemons.
	not on w1 pgrep holdfastd
}

@test "clock: the wall clock of a node is stepped, the boot's is not" {
	local wait='import threading, time
c = threading.Condition()
c.acquire()
t = time.monotonic()
c.wait(0.5)
print("waited", time.monotonic() - t >= 0.5)' probe='import select, time
while True:
    print(int(time.time()), int(time.clock_gettime(7)), flush=True)
    select.select([], [], [], 0.1)' up

	[ -r "$(echo /usr/lib/*/faketime/libfaketime.so.1)" ] ||
	    skip "needs libfaketime"
	"$LAB" clock n1 +3600
	"$LAB" power cycle n1
	on n1 sh -c 'tr "\0" "\n" </proc/$(pgrep -o holdfastd)/environ |
	    grep ^LD_PRELOAD='
	on n1 bash -c 'export $(tr "\0" "\n" </proc/$(pgrep -o holdfastd)/environ |
	    grep -E "^(LD_PRELOAD|FAKETIME)"); setsid python3 -c "$1" \
	    </dev/null >/run/clock 2>&1 &' bash "$probe"
	wait_until 5 'on n1 grep -q . /run/clock'
	skew_is()
	{
		local wall boot

		read -r wall boot < <(on n1 tail -n 1 /run/clock)
		up=$(cut -d. -f1 /proc/uptime)
		[ $((wall - $(date +%s) - $1)) -le 1 ] &&
		    [ $(($(date +%s) + $1 - wall)) -le 1 ] &&
		    [ $((boot - up)) -le 1 ] && [ $((up - boot)) -le 1 ]
	}
	wait_until 3 'skew_is 3600'
	# A thread that waits for a time does.
	on n1 bash -c 'export $(tr "\0" "\n" </proc/$(pgrep -o holdfastd)/environ |
	    grep -E "^(LD_PRELOAD|FAKETIME)"); python3 -c "$1"' bash "$wait" |
	    grep -q 'waited True'
	"$LAB" clock n1 -7200
	wait_until 3 'skew_is -7200'
	"$LAB" clock n1 ok
	wait_until 3 'skew_is 0'
	run "$LAB" clock n1 soon
	[ "$status" -eq 64 ]
	run "$LAB" clock c1 +1
	[ "$status" -eq 64 ]
}

@test "watchdog: who feeds it and then does not loses the power" {
	"$LAB" watchdog n1 1
	"$LAB" power cycle n1
	# Never fed, and stopped: it does nothing, and time is what it counts.
	on n1 bash -c 'printf a >/run/lab-watchdog; printf V >/run/lab-watchdog'
	on n1 bash -c 'for ((i = 0; i < 15; i++)); do
		printf a >/run/lab-watchdog; sleep 0.1; done
	    printf V >/run/lab-watchdog; sleep 1.5'
	"$LAB" status --json | jq -e '.hosts[0].state == "on"'
	on n1 bash -c 'printf "\0" >/run/lab-watchdog'
	"$LAB" freeze n1
	wait_until 5 '"$LAB" status --json | jq -e ".hosts[0].state == \"off\""'
	grep -q 'not fed for 1 s' "/run/holdfast-lab-$HOLDFAST_LAB/n1/console"
	"$LAB" power on n1
	"$LAB" watchdog n1 off
	"$LAB" power cycle n1
	not on n1 test -e /run/lab-watchdog
}

@test "freeze stops every process, the kernel answers; deaf answers nothing" {
	"$LAB" power cycle n1
	echo_server n1 10.88.1.1
	"$LAB" freeze n1
	"$LAB" status --json | jq -e '.hosts[0].state == "frozen"'
	# The kernel still completes a handshake; nobody reads.
	on c1 bash -c 'exec 3<>/dev/tcp/10.88.1.1/7'
	run reaches c1 10.88.1.1
	[ "$status" -ne 0 ]
	"$LAB" thaw n1
	wait_until 3 'reaches c1 10.88.1.1'
	"$LAB" freeze n1 --deaf
	run on c1 timeout 0.5 bash -c 'exec 3<>/dev/tcp/10.88.1.1/7'
	[ "$status" -eq 124 ]
	"$LAB" thaw n1 --deaf
	wait_until 3 'reaches c1 10.88.1.1'
}

# rtt FROM ADDRESS: the least of five, in us.
rtt()
{
	on "$1" ping -q -c 5 -i 0.2 -W 2 "$2" |
	    awk -F '[ /]' '/^rtt/ { printf "%d\n", $7 * 1000 }'
}

@test "a delayed node is as far away as stated, in both directions" {
	local near far

	near=$(rtt c1 10.88.1.1)
	"$LAB" delay n1 3.5
	far=$(rtt c1 10.88.1.1)
	echo "# $near us, and $far us when each way takes 3.5 ms more" >&3
	[ $((far - near)) -ge 6900 ]
	[ $((far - near)) -lt 20000 ]
	# In their order, and all of them.
	on n1 sh -c 'head -c 8000000 /dev/urandom >/srv/sent
	    cd /srv && exec python3 -m http.server --bind 10.88.1.1 7777' \
	    >/dev/null 2>&1 3>&- &
	wait_until 5 'on n1 ss -Hltn | grep -q :7777'
	[ "$(on c1 curl -s http://10.88.1.1:7777/sent | md5sum)" = \
	    "$(on n1 cat /srv/sent | md5sum)" ]
	kill $!
	"$LAB" delay n1 0
	[ "$(rtt c1 10.88.1.1)" -lt $((near + 3000)) ]
}

@test "a full disk says no space and is emptied again" {
	"$LAB" disk n1 full
	run on n1 bash -c 'echo more >/srv/more'
	[ "$status" -ne 0 ]
	[[ "$output" = *"No space left"* ]]
	"$LAB" disk n1 ok
	on n1 sh -c 'echo more >/srv/more'
}

@test "a slow disk is slow and fast again" {
	local start

	"$LAB" disk n1 slow || skip "no I/O limits in this kernel"
	start=$(now_ms)
	on n1 dd if=/dev/zero of=/srv/slow bs=64k count=8 conv=fsync
	[ $(($(now_ms) - start)) -gt 1000 ]
	"$LAB" disk n1 ok
	start=$(now_ms)
	on n1 dd if=/dev/zero of=/srv/slow bs=64k count=8 conv=fsync
	[ $(($(now_ms) - start)) -lt 1000 ]
}

@test "a read-only disk refuses writes until the next power on" {
	"$LAB" disk n1 readonly
	run on n1 bash -c 'echo x >/srv/x'
	[[ "$output" = *"Read-only"* ]]
	run "$LAB" disk n1 ok
	[ "$status" -eq 69 ]
	"$LAB" power cycle n1
	on n1 sh -c 'echo x >/srv/x'
}

@test "verbs refuse what they do not know" {
	local line

	for line in "up" "up x" "power n1 off" "cable n1 lan1" \
	    "cable n1 lan1 in --oneway rx" "disk n1 wet" "status now" \
	    "freeze n1 dumb" "cable n1 lan9 out" "power off n9" "fly" \
	    "cut n1" "cut n1 n1" "cut n1 n9" "cut n1 n2 lan9" "heal n1" \
	    "loss n1" "loss n1 101" "delay n1" "delay n1 -1" "clock n1 1" "watchdog c1 5" \
	    "watchdog n1 0"; do
		# shellcheck disable=SC2086 # words
		run "$LAB" $line
		[ "$status" -eq 64 ]
	done
	run "$LAB" up 2
	[ "$status" -eq 69 ]
}

# suite_fails: what stdin is, with TEST for what would be a test here, runs by
# itself; its output is OUTPUT, its lab is gone.
suite_fails()
{
	local HOLDFAST_LAB BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
	local suite=$BATS_TEST_TMPDIR/suite.bats

	sed 's/^TEST/@test/' >"$suite"
	nft list tables >"$BATS_FILE_TMPDIR/tables"
	run env -i PATH="$PATH" top_builddir="$top_builddir" \
	    top_srcdir="$TOP" NOTE="$BATS_TEST_TMPDIR/lab" \
	    "$BATS_ROOT/bin/bats" --tap "$suite"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output != *"not found"* ]]
	HOLDFAST_LAB=$(cat "$BATS_TEST_TMPDIR/lab")
	export HOLDFAST_LAB
	lab_leftovers
	"$LAB" down
}

@test "a test that fails shows all logs; frozen, deaf, full or off, all goes" {
	suite_fails <<-'END'
	load "$top_srcdir/t/lib"
	setup_file() { lab_setup_file 1 --lans 1; echo "$HOLDFAST_LAB" >"$NOTE"; }
	setup() { lab_setup; }
	teardown() { lab_teardown; }
	teardown_file() { lab_teardown_file; }
	TEST "it" {
		for host in n1 c1; do
			on $host sh -c 'mkdir -p /var/log/holdfast
			    echo "said by $0" >/var/log/holdfast/x.events
			    sync' $host
		done
		"$LAB" power off c1
		"$LAB" disk n1 full
		"$LAB" freeze n1 --deaf
		false
	}
	END
	[[ $output == *"not ok 1 it"* ]]
	[[ $output == *"n1    deaf    full"* ]]
	[[ $output == *"c1    off "* ]]
	[[ $output == *"--- n1: /var/log/holdfast/holdfastd.log"* ]] ||
	    [[ $output == *"--- n1: console"*"holdfastd["* ]]
	[[ $output == *"--- n1: /var/log/holdfast/x.events"*"said by n1"* ]]
	[[ $output == *"--- c1 (off): /var/log/holdfast/x.events"*"said by c1"* ]]
}

@test "a lab that does not come up says why, and leaves nothing" {
	mkdir -p "$BATS_TEST_TMPDIR/bad/conf"
	echo '<safe><service mode="none"/></safe>' \
	    >"$BATS_TEST_TMPDIR/bad/conf/userconfig.xml"
	suite_fails <<-'END'
	load "$top_srcdir/t/lib"
	setup_file() {
		export HOLDFAST_LAB=t$$
		echo "$HOLDFAST_LAB" >"$NOTE"
		lab_setup_file 1 --lans 1 --module "${NOTE%/*}/bad"
	}
	setup() { lab_setup; }
	teardown() { lab_teardown; }
	teardown_file() { lab_teardown_file; }
	TEST "it" {
	}
	END
	[[ $output == *"userconfig.xml:1: service@mode"* ]]
	[[ $output == *"--- n1: /var/log/holdfast/keepd.log"* ]]
}
