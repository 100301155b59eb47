#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# witnessd alone, asked by a proposer of the suite's own.  Needs root for the
# network and mount namespaces it makes.

# Conditions are expanded by wait_until, later.
# shellcheck disable=SC2016

load lib

bats_require_minimum_version 1.5.0

setup()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
	T=$(mktemp -d /tmp/hf-wit.XXXXXX)
	chmod 755 "$T"
	NS="wit$$"
	ip netns add "$NS"
	ip -n "$NS" link set lo up
	ip -n "$NS" addr add 10.88.9.1/32 dev lo
	ip -n "$NS" addr add 10.88.9.2/32 dev lo
	ip -n "$NS" addr add fd88:9::1/128 dev lo nodad
	STORE=$T/var/lib/holdfast/witness
	mkdir -p "$T/etc/holdfast/witness.d" "$T/var/lib/holdfast/cluster"
	head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' \
	    >"$T/etc/machine-id"
	key 01234567 >"$T/lab.key"
	chmod 600 "$T/lab.key"
	cp "$T/lab.key" "$T/etc/holdfast/witness.d/lab.key"
	# The user whom the package makes, for these processes only.
	{ cat /etc/passwd
	echo "holdfast:x:64123:64123::/:/usr/sbin/nologin"; } >"$T/passwd"
	{ cat /etc/group; echo "holdfast:x:64123:"; } >"$T/group"
	ip netns exec "$NS" unshare -m --propagation private sh -c '
	    mount --bind "$0/passwd" /etc/passwd &&
	    mount --bind "$0/group" /etc/group && : >"$0/held" &&
	    exec sleep infinity' "$T" 3>&- &
	HOLDER=$!
	wait_until 5 '[ -e "$T/held" ]'
	IN=(nsenter -t "$HOLDER" -m -n env HOLDFAST_ROOT="$T")
	O=
	W=$(realpath "$top_builddir/bin/witnessd/witnessd")
}

teardown()
{
	[ -n "${T:-}" ] || return 0
	[ -n "${BATS_TEST_COMPLETED:-}" ] || tail -n 40 "$T/log"
	[ ! -f "$T/pid" ] || kill -KILL "$(cat "$T/pid")" 2>/dev/null || :
	kill -KILL "$HOLDER" 2>/dev/null || :
	ip netns del "$NS" 2>/dev/null || :
	# A sanitizer's word fails the test that provoked it.
	if grep -E 'Sanitizer|runtime error' "$T/log"; then
		rm -rf "$T"
		return 1
	fi
	rm -rf "$T"
}

key()
{
	echo "holdfast-key $1"
	head -c 32 /dev/urandom | base64
}

# In the namespace, with the user there.
inside()
{
	"${IN[@]}" "$@" 3>&-
}

# start [VAR=VALUE...]
start()
{
	: >>"$T/log"
	"${IN[@]}" env "$@" "$W" -d \
	    2>>"$T/log" 3>&- &
	echo $! >"$T/pid"
	wait_until 5 'status | grep -q bound=1'
}

ended()
{
	! kill -0 "$(cat "$T/pid")" 2>/dev/null
}

stop()
{
	kill "-${1:-TERM}" "$(cat "$T/pid")"
	wait_until 5 ended
}

# One request, answers on standard output.
request()
{
	printf '%s\n' "$1" | socat -t 2 - \
	    "UNIX:$T/run/holdfast/witnessd.sock" 2>/dev/null
}

status() { request status; }

# A word of the line about module m.
of_m()
{
	status | sed -n "s/^module=m .* $1=\([^ ]*\).*/\1/p"
}

# The voter's id.
voter_id()
{
	status | sed -n 's/^id=\([0-9a-f]*\) .*/\1/p'
}

votes()
{
	# shellcheck disable=SC2086 # options
	ip netns exec "$NS" "$top_builddir/t/files/votes" $O \
	    "$T/lab.key" "${A:-10.88.9.1}" 4802 "$@"
}

# value N [NODE]: what a node that goes alone proposes.
value()
{
	local node=${2:-1}

	echo "value epoch=0.$1.$node primary=$node set=$node since=0.$1.$node \
voters=n1:0000000000000001,n2:0000000000000002,w1:0000000000000003 \
generation=00112233445566778899aabbccddeeff"
}

@test "promise, accept, refuse; a restart keeps all" {
	start
	run -0 votes read
	[[ $output == "ok voter=$(voter_id) promised=0.0.0 "*"value none" ]]
	# Nothing is kept of a module that nobody voted on.
	[ -z "$(of_m state)" ]
	run -0 votes prepare 0.7.1
	[[ $output == "ok "*"promised=0.7.1 "*"value none" ]]
	run -0 votes prepare 0.6.2
	[[ $output == "refused "*"promised=0.7.1 "* ]]
	run -0 votes accept "$(value 7)"
	[[ $output == "ok "*"promised=0.7.1 "*"$(value 7)" ]]
	run -0 votes prepare 0.9.2
	[[ $output == "ok "*"promised=0.9.2 "*"$(value 7)" ]]
	run -0 votes accept "$(value 8)"
	[[ $output == "refused "*"promised=0.9.2 "*"$(value 7)" ]]
	first=$(voter_id)
	stop
	start
	[ "$(voter_id)" = "$first" ]
	[ "$(of_m voter)" = "$first" ]
	# Its key is root's: read before the rights were given up, and kept.
	run -0 request reload
	not grep -E 'the key of before|not witnessed' "$T/log"
	run -0 votes read
	[[ $output == "ok voter=$first promised=0.9.2 "*"$(value 7)" ]]
	stop KILL
	start
	run -0 votes read
	[[ $output == "ok voter=$first promised=0.9.2 "*"$(value 7)" ]]
	# It has no right of root, and nobody else reads its votes.
	[ "$(stat -c %u "/proc/$(cat "$T/pid")")" = 64123 ]
	grep -q '^CapEff:	0*$' "/proc/$(cat "$T/pid")/status"
	[ "$(stat -c '%u %a' "$STORE")" = "64123 700" ]
	[ "$(stat -c '%u %a' "$STORE/lab:m")" = "64123 600" ]
}

@test "an answer leaves from the address that was asked" {
	start
	for A in 127.0.0.1 10.88.9.1 10.88.9.2 ::1 fd88:9::1; do
		run -0 votes read
		[[ $output == "ok "* ]]
	done
}

@test "one record a module and cluster" {
	start
	votes prepare 0.7.1
	O="-m other" votes prepare 0.3.2
	run -0 votes read
	[[ $output == *"promised=0.7.1 "* ]]
	O="-m other" run -0 votes read
	[[ $output == *"promised=0.3.2 "* ]]
	# The same key under another name of a cluster opens nothing.
	O="-c other -t 200" run -1 votes read
	[ -z "$output" ]
	status | grep -q 'wrong-key=1'
}

# died STEP WORD...: killed there, without an answer; then as it was.
died()
{
	local step=$1

	shift
	start "HOLDFAST_FAIL=$step"
	O="-t 150" run -1 votes "$@"
	[ -z "$output" ]
	wait_until 5 ended
	[ "$POWER" = no ] || power_cut
	start
	run -0 votes read
	stop KILL
}

# What was not synced is gone, as when the plug is pulled.
power_cut()
{
	inside "$top_builddir/bin/lab/labinit" shutdown-fs "$STORE"
	inside umount "$STORE"
	wait_until 5 '[ -z "$(losetup -j "$T/image")" ]'
	inside mount -o loop "$T/image" "$STORE"
}

# A store of its own device.
image()
{
	truncate -s 8M "$T/image"
	mkfs.ext4 -q "$T/image"
	mkdir "$STORE"
	inside mount -o loop "$T/image" "$STORE"
}

durable_before_answered()
{
	"$W" -V | grep -q failpoints ||
	    skip "needs ./configure --enable-failpoints"
	died 71 prepare 0.5.1
	[[ $output == *"promised=0.0.0 "* ]]
	died 72 prepare 0.6.1
	[[ $output == *"promised=0.6.1 "*"value none" ]]
	died 73 accept "$(value 6)"
	[[ $output == *"promised=0.6.1 "*"value none" ]]
	died 74 accept "$(value 7)"
	[[ $output == *"promised=0.7.1 "*"$(value 7)" ]]
	died 71 prepare 0.8.1
	[[ $output == *"promised=0.7.1 "*"$(value 7)" ]]
	died 73 accept "$(value 9)"
	[[ $output == *"promised=0.7.1 "*"$(value 7)" ]]
	not grep -E 'damaged|unreadable|set aside|new voter' "$T/log"
}

@test "durable before it is answered: killed at each step" {
	POWER=no
	durable_before_answered
}

@test "durable before it is answered: the plug pulled at each step" {
	POWER=yes
	image
	durable_before_answered
}

@test "a copied store is another voter" {
	start
	votes accept "$(value 7)"
	first=$(voter_id)
	stop
	cp -a "$STORE" "$T/saved"
	rm -rf "$STORE"
	mv "$T/saved" "$STORE"
	start
	[ "$(voter_id)" != "$first" ]
	run -0 votes read
	[[ $output == "ok voter=$(voter_id) promised=0.0.0 "*"value none" ]]
	grep 'lab:m: is not the file that was written here.*new voter' "$T/log"
	grep "id is not the file.*have a new voter, $(voter_id)" "$T/log"
	# Told once.
	second=$(voter_id)
	: >"$T/log"
	stop
	start
	[ "$(voter_id)" = "$second" ]
	not grep 'new voter' "$T/log"
}

@test "the disk in another machine is another voter" {
	start
	votes accept "$(value 7)"
	first=$(voter_id)
	stop
	tr 0-9a-f 1-9a-f0 <"$T/etc/machine-id" >"$T/other"
	mv "$T/other" "$T/etc/machine-id"
	start
	[ "$(voter_id)" != "$first" ]
	run -0 votes read
	[[ $output == *"promised=0.0.0 "*"value none" ]]
}

@test "a lost record is another voter, a damaged one none until forgotten" {
	start
	votes accept "$(value 7)"
	O="-m other" votes accept "$(value 3)"
	first=$(voter_id)
	stop
	rm "$STORE/lab:other"
	printf 'xxxxxxxx' | dd of="$STORE/lab:m" bs=1 seek=100 conv=notrunc
	printf 'xxxxxxxx' | dd of="$STORE/lab:m" bs=1 seek=4200 conv=notrunc
	start
	[ "$(voter_id)" != "$first" ]
	grep 'counts more records than there are' "$T/log"
	O="-m other" run -0 votes read
	[[ $output == "ok voter=$(voter_id) promised=0.0.0 "* ]]
	for ask in "read" "prepare 0.99.1"; do
		# shellcheck disable=SC2086 # words
		run -0 votes $ask
		[[ $output == "unable "*"unreadable"* ]]
	done
	[ "$(of_m state)" = unreadable ]
	grep 'unreadable: not voted from until `witnessd -F lab/m' "$T/log"
	run -0 inside "$W" -F lab/m
	[ "$(of_m state)" = good ]
	run -0 votes read
	[[ $output == "ok "*"promised=0.0.0 "*"value none" ]]
	[[ $output != *"voter=$first "* ]]
	[[ $output != *"voter=$(voter_id) "* ]]
	run -65 inside "$W" -F lab/nothing
	[[ $output == *"no record of nothing"* ]]
}

@test "a record that is taken away while it runs is not voted from" {
	start
	votes prepare 0.7.1
	mv "$STORE/lab:m" "$T/m"
	run -0 votes prepare 0.8.1
	[[ $output == "unable "*"taken away"* ]]
	cp "$T/m" "$STORE/lab:m"
	chown 64123 "$STORE/lab:m"
	run -0 votes prepare 0.9.1
	[[ $output == "unable "* ]]
}

@test "no room: refused with text, those that have room go on" {
	mkdir "$STORE"
	inside mount -t tmpfs -o size=20k,uid=64123,gid=64123 tmpfs "$STORE"
	start
	votes prepare 0.7.1
	O="-m other" run -0 votes prepare 0.1.1
	[[ $output == "unable "*"No space left on device"* ]]
	run -0 votes accept "$(value 8)"
	[[ $output == "ok "*"promised=0.8.1 "* ]]
	[ "$(of_m promised)" = 0.8.1 ]
	not inside sh -c 'ls "$0"/*.new' "$STORE"
	# Room again: nothing has to be done here.
	inside mount -o remount,size=64k "$STORE"
	O="-m other" run -0 votes prepare 0.1.1
	[[ $output == "ok "* ]]
}

@test "a disk that does not write is told, and comes back" {
	image
	start
	votes prepare 0.7.1
	inside mount -o remount,ro "$STORE"
	run -0 votes prepare 0.8.1
	[[ $output == "unable "*"Read-only file system"* ]]
	# What it had is what it says.
	run -0 votes read
	[[ $output == "ok "*"promised=0.7.1 "* ]]
	grep 'lab/m: no vote: .*Read-only' "$T/log"
	inside mount -o remount,rw "$STORE"
	run -0 votes prepare 0.8.1
	[[ $output == "ok "*"promised=0.8.1 "* ]]
}

@test "strangers are dropped and counted, the log is short" {
	start
	votes prepare 0.7.1
	before=$(wc -l <"$T/log")
	# As fast as they can; what the socket has no room for is lost.
	O="-N 40000" votes noise
	run -0 votes read
	[[ $output == "ok "*"promised=0.7.1 "* ]]
	[ "$(($(wc -l <"$T/log") - before))" -le 20 ]
	run -0 status
	for why in foreign wrong-key; do
		[[ $output =~ $why=([0-9]+) ]]
		[ "${BASH_REMATCH[1]}" -gt 100 ]
	done
	# Memory is what it was: nothing is queued.
	[ "$(sed -n 's/VmRSS:[^0-9]*\([0-9]*\).*/\1/p' \
	    "/proc/$(cat "$T/pid")/status")" -lt 30000 ]
}

@test "many asks: repeats are not written again" {
	start
	O="-N 2000" run -0 votes prepare 0.7.1
	[ "$output" = "2000 answers" ]
	status | grep -q 'asks=2000 written=1$'
}

@test "admit, list, remove" {
	rm "$T/etc/holdfast/witness.d/lab.key"
	start
	grep 'no cluster to vote for' "$T/log"
	O="-t 200" run -1 votes read
	echo nonsense >"$T/bad.key"
	run -65 inside "$W" -a lab <"$T/bad.key"
	[[ $output == *"is no key"*"nothing was changed"* ]]
	run -64 inside "$W" -a ../x <"$T/lab.key"
	run -0 inside "$W" -a lab <"$T/lab.key"
	[[ $output == "lab: witnessed for, key 01234567" ]]
	[ "$(stat -c '%u %a' "$T/etc/holdfast/witness.d/lab.key")" = \
	    "64123 600" ]
	run -0 votes accept "$(value 7)"
	# A second cluster, whose key opens only its own.
	key 89abcdef >"$T/two.key"
	run -0 inside "$W" -a two <"$T/two.key"
	O="-c two -t 200" run -1 votes read
	run -0 inside "$W" -l
	[[ $output == *"cluster lab, key 01234567"* ]]
	[[ $output == *"cluster two, key 89abcdef"* ]]
	[[ $output == *"lab/m  voter $(voter_id)  promised 0.7.1, accepted \
0.7.1: primary 1, set 1"* ]]
	# It is the user's own key now, and read by that user at the start.
	stop
	start
	run -0 votes read
	[[ $output == "ok "*"$(value 7)" ]]
	not grep 'not witnessed for' "$T/log"
	run -0 inside "$W" -r lab
	O="-t 200" run -1 votes read
	run -66 inside "$W" -r lab
	# What was voted is kept for the day it is witnessed for again.
	run -0 inside "$W" -a lab <"$T/lab.key"
	run -0 votes read
	[[ $output == "ok "*"$(value 7)" ]]
	stop
	run -69 inside "$W" -l
	[[ $output == *"is not running"* ]]
	run -0 inside "$W" -r two
	[[ $output == *"when it is started"* ]]
}

@test "on a node: the cluster's own key, and its change" {
	rm "$T/etc/holdfast/witness.d/lab.key"
	cp "$T/lab.key" "$T/etc/holdfast/cluster.key"
	cat >"$T/var/lib/holdfast/cluster/cluster.conf" <<-END
		name = "lab"
		self = "n1"
		port = 4800
		lan "lan1" { }
		node "n1" {
			id = 1
			address "lan1" { addr = "10.88.9.1" }
		}
	END
	start
	status | grep -q '^cluster=lab own=1 '
	run -0 votes prepare 0.7.1
	# The next key is accepted, then used, then the only one.
	next=$(key 89abcdef | sed 's/-key/-key-next/')
	both=$(cat "$T/lab.key"; echo "$next")
	run -0 request "rekey keys=\"${both//$'\n'/\\n}\\n\""
	[[ $output == *$'\nok' ]]
	run -0 votes read
	sed 's/-next//' <<<"$next" >"$T/next.key"
	chmod 600 "$T/next.key"
	mv "$T/lab.key" "$T/old.key"
	mv "$T/next.key" "$T/lab.key"
	run -0 votes read
	[[ $output == "ok "*"promised=0.7.1 "* ]]
	run -0 request "rekey keys=\"$(sed ':a;N;$!ba;s/\n/\\n/' \
	    "$T/lab.key")\\n\""
	mv "$T/old.key" "$T/lab.key"
	O="-t 200" run -1 votes read
}

@test "configuration: bounds, and a second one" {
	start
	run -75 inside "$W" -d
	[[ $output == *"another witnessd is running"* ]]
	printf 'port = 80\nmodules = 0\n' >"$T/etc/holdfast/witnessd.conf"
	run -78 inside "$W" -n
	[[ $output == *"port: 80 is not within 1024..65535"* ]]
	[[ $output == *"modules: 0 is not within 1..4096"* ]]
	run -64 inside "$W" -F lab
	run -0 "$W" -h
}
