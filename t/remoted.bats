#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# remoted alone: three nodes on two networks, each with a tree and a network
# namespace of its own; holdfast(8) is real, the other daemons are not there.
# Needs root for the namespaces.

# Conditions are expanded by wait_until, later.
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0
load lib

setup() {
	[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
	W=$(mktemp -d "${TMPDIR:-/tmp}/hfr.XXXXXX")
	NS=hr$$
	chmod 755 "$W"
	{
		cat /etc/group
		echo holdfast-admin:x:64101:
		echo holdfast-control:x:64102:
		echo holdfast:x:64103:
	} >"$W/group"
	ip netns add "$NS-0"
	for lan in 1 2; do
		ip -n "$NS-0" link add "br$lan" type bridge
		ip -n "$NS-0" link set "br$lan" up
	done
	for n in 1 2 3; do node_make "$n"; done
	head -c 32 /dev/urandom | base64 >"$W/key"
	for n in 1 2 3; do node_files "$n"; done
	for n in 1 2 3; do start "$n"; done
}

teardown() {
	[ -n "${W:-}" ] || return 0
	[ -n "${BATS_TEST_COMPLETED:-}" ] || tail -n 40 "$W"/log.*
	for p in "$W"/pid.*; do
		[ -f "$p" ] && kill -KILL "$(cat "$p")" 2>/dev/null
	done
	for n in 0 1 2 3 4 5; do ip netns del "$NS-$n" 2>/dev/null; done
	if grep -E 'Sanitizer|runtime error' "$W"/log.*; then
		rm -rf "$W"
		return 1
	fi
	rm -rf "$W"
}

node_make() {	# node
	ip netns add "$NS-$1"
	ip -n "$NS-$1" link set lo up
	for lan in 1 2; do
		ip link add "e$1-$lan" netns "$NS-0" type veth peer \
		    name "lan$lan" netns "$NS-$1"
		ip -n "$NS-0" link set "e$1-$lan" master "br$lan" up
		ip -n "$NS-$1" addr add "10.88.$lan.$1/24" dev "lan$lan"
		ip -n "$NS-$1" link set "lan$lan" up
	done
}

key_file() {	# node, id, file with the key
	{ echo "holdfast-key $2"; cat "$3"; } \
	    >"$W/$1/etc/holdfast/cluster.key"
	chmod 600 "$W/$1/etc/holdfast/cluster.key"
}

node_files() {	# node
	mkdir -p "$W/$1/etc/holdfast" "$W/$1/var/lib/holdfast/cluster" \
	    "$W/$1/usr/lib/holdfast" "$W/$1/run/holdfast" \
	    "$W/$1/var/log/holdfast"
	ln -s "$(readlink -f "$top_builddir/bin/holdfast/holdfast")" \
	    "$W/$1/usr/lib/holdfast/safekit"
	key_file "$1" 01234567 "$W/key"
	{
		echo '<cluster name="test"><lans>'
		for lan in 1 2; do
			echo "<lan name=\"lan$lan\">"
			for n in 1 2 3; do
				echo "<node name=\"n$n\" id=\"$n\"" \
				    "addr=\"10.88.$lan.$n\"/>"
			done
			echo '</lan>'
		done
		echo '</lans></cluster>'
	} >"$W/$1/etc/holdfast/cluster.xml"
	at "$1" holdfast config >"$W/out" 2>&1 || { cat "$W/out"; return 1; }
}

# at NODE COMMAND...: there, with its tree.
at() {
	local n=$1 command=$2
	shift 2
	ip netns exec "$NS-$n" env HOLDFAST_ROOT="$W/$n" \
	    "$top_builddir/bin/holdfast/$command" "$@"
}

# as NODE GROUP ARG...: holdfast as nobody with that group.
as() {
	local n=$1 group=$2
	shift 2
	ip netns exec "$NS-$n" setpriv --reuid 65534 --regid "$group" \
	    --clear-groups env HOLDFAST_ROOT="$W/$n" \
	    "$top_builddir/bin/holdfast/holdfast" "$@"
}

# With the three groups in /etc/group, which are not this machine's.
start() {	# node
	ip netns exec "$NS-$1" unshare -m sh -c 'mount --bind "$1" /etc/group
	    shift; exec "$@"' sh "$W/group" env HOLDFAST_ROOT="$W/$1" \
	    "$top_builddir/bin/remoted/remoted" -d 2>>"$W/log.$1" 3>&- &
	echo $! >"$W/pid.$1"
	wait_until 5 "says $1 status | grep -q '^self='"
}

stop() {	# node, signal
	kill "-${2:-TERM}" "$(cat "$W/pid.$1")"
	[ "${2:-TERM}" = STOP ] && return
	wait_until 5 "! kill -0 $(cat "$W/pid.$1") 2>/dev/null"
	rm "$W/pid.$1"
}

says() {	# node, request
	printf '%s\n' "$2" |
	    socat -t 2 - "UNIX:$W/$1/run/holdfast/remoted.sock" 2>/dev/null
}

counted() {	# node, reason
	says "$1" status | grep -o " $2=[0-9]*" | cut -d= -f2
}

@test "a command on all nodes, one document, one node" {
	run --separate-stderr at 1 holdfast -H '*' cluster ports
	[ "$status" -eq 0 ]
	[ "$(grep -c '^== n[123]$' <<<"$output")" -eq 3 ]
	[ "$(grep -c '^4800/udp' <<<"$output")" -eq 3 ]
	run at 2 holdfast -H n1,n3 --json cluster ports
	[ "$status" -eq 0 ]
	[ "$(jq -r '.nodes | map(.node) | join(" ")' <<<"$output")" = "n1 n3" ]
	[ "$(jq -r '.nodes[0].exit' <<<"$output")" = 0 ]
	# It says what the command says itself, as JSON where it is JSON.
	run --separate-stderr at 1 holdfast -H n2 --json status
	[ "$(jq -r '.nodes[0].answer.node' <<<"$output")" = n2 ]
	# The worst status is the answer; words come from where they were said.
	run at 1 holdfast -H '*' status nothere
	[ "$status" -eq 66 ]
	[[ $output == *'n3: holdfast: module nothere is not installed'* ]]
	run at 1 holdfast -H n9 status
	[ "$status" -eq 64 ]
	[[ $output == *'"n9" is no node of cluster test'* ]]
}

@test "a silent node is named in time and holds nobody up" {
	stop 2 STOP
	begin=$(now_ms)
	run at 1 holdfast -H '*' cluster ports
	end=$(now_ms)
	kill -CONT "$(cat "$W/pid.2")"
	[ "$status" -eq 69 ]
	[[ $output == *'n2: holdfast: does not answer'* ]]
	[ "$(grep -c '^4800/udp' <<<"$output")" -eq 2 ]
	[ $((end - begin)) -lt 5000 ]
	# Off: nobody there at all; and remoted alone is not there.
	ip netns exec "$NS-2" ip link set lan1 down
	ip netns exec "$NS-2" ip link set lan2 down
	begin=$(now_ms)
	run at 1 holdfast -H n2,n3 cluster ports
	[ $(($(now_ms) - begin)) -lt 5000 ]
	[ "$status" -eq 69 ]
	[[ $output == *'n2: holdfast: '* && $output == *'== n3'* ]]
	stop 3
	run at 1 holdfast -H n3 cluster ports
	[ "$status" -eq 69 ]
	[[ $output == *'remoted does not run on it'* ]]
}

@test "one dead network costs nothing" {
	ip netns exec "$NS-2" ip link set lan1 down
	begin=$(now_ms)
	run at 1 holdfast -H n2 cluster ports
	[ "$status" -eq 0 ]
	[ $(($(now_ms) - begin)) -lt 1000 ]
}

@test "three roles, decided where the caller is, enforced where it acts" {
	run as 1 64103 -H n2 status
	[ "$status" -ne 77 ]	# no holdfastd there, but it was asked
	[[ $output == *'holdfastd is not running'* ]]
	run as 1 64103 -H n2 start shop
	[ "$status" -eq 77 ]
	run as 1 64103 -H '*' config
	[ "$status" -eq 77 ]
	run as 1 64102 -H n2 config
	[ "$status" -eq 77 ]
	# Not only by word: it has no right to the files either.
	run as 1 64102 -H n2 start shop
	[ "$status" -ne 77 ]
	run as 1 64101 -H n2 config
	[ "$status" -eq 0 ]
	grep -q 'runs .holdfast config' "$W/log.2"
	run as 1 65534 -H n2 status
	[ "$status" -eq 77 ]
	# Who is not root may not say who he is.
	grep -q 'uid 65534@n1 runs' "$W/log.2"
	run says 1 'run nodes=n2 who="x\nused 0" arg=status'
	[[ $output == *'err code=usage'*'control characters'* ]]
}

@test "another key, rubbish and a replay are refused and counted" {
	head -c 32 /dev/urandom | base64 >"$W/key2"
	key_file 3 89abcdef "$W/key2"
	says 3 reload | grep -q '^ok'
	run at 3 holdfast -H n1 cluster ports
	[ "$status" -eq 69 ]
	[[ $output == *'n1: holdfast: has another cluster key'* ]]
	[ "$(counted 1 wrong-key)" -ge 1 ]
	grep -q '10.88.[12].3: dropped: wrong-key' "$W/log.1"
	run at 1 holdfast -H n3 cluster ports
	[ "$status" -eq 69 ]
	# What is not ours, and what is not even whole.
	head -c 4096 /dev/urandom |
	    ip netns exec "$NS-2" socat -t 1 - TCP:10.88.1.1:4801 || :
	wait_until 5 '[ "$(counted 1 stranger)" -ge 1 ]'
	printf 'holdfast-remote 1\n' >"$W/half"
	ip netns exec "$NS-2" socat -u "OPEN:$W/half,ignoreeof" \
	    TCP:10.88.1.1:4801 3>&- &
	echo $! >"$W/pid.half"
	wait_until 5 '[ "$(counted 1 silent)" -ge 1 ]'
	# A session of before, byte by byte: its records fit no new session.
	ip netns exec "$NS-1" socat -r "$W/recorded" \
	    TCP-LISTEN:4999,bind=10.88.1.1,reuseaddr \
	    TCP:10.88.1.1:4801,bind=10.88.1.1 3>&- &
	echo $! >"$W/pid.tap"
	wait_until 5 'ip netns exec "$NS-1" ss -ltn | grep -q :4999'
	echo 'port = 4999' >"$W/2/etc/holdfast/remoted.conf"
	stop 2
	start 2
	run at 2 holdfast -H n1 config
	[ "$status" -eq 0 ]
	wait_until 5 '[ -s "$W/recorded" ]'
	n=$(grep -c 'runs .holdfast config' "$W/log.1")
	ip netns exec "$NS-2" socat -t 2 - TCP:10.88.1.1:4801 \
	    <"$W/recorded" >/dev/null || :
	wait_until 5 '[ "$(counted 1 broken)" -ge 1 ]'
	[ "$(grep -c 'runs .holdfast config' "$W/log.1")" -eq "$n" ]
	# Nor does its hello prove anything: no byte after it buys time.
	head -c 112 "$W/recorded" >"$W/hello"
	mkfifo "$W/fifo"
	ip netns exec "$NS-2" socat -u "OPEN:$W/fifo,rdonly" \
	    TCP:10.88.1.1:4801 3>&- &
	echo $! >"$W/pid.slow"
	exec 9>"$W/fifo"
	cat "$W/hello" >&9
	printf '\0\0\352\140' >&9
	n=$(counted 1 silent)
	wait_until 8 'printf x >&9; [ "$(counted 1 silent)" -gt "$n" ]'
	exec 9>&-
	# And many of them push out each other.
	n=$(counted 1 flood)
	for i in $(seq 40); do
		ip netns exec "$NS-2" socat -u "OPEN:$W/hello,ignoreeof" \
		    TCP:10.88.1.1:4801 2>/dev/null 3>&- &
		echo $! >"$W/pid.hello$i"
	done
	wait_until 5 '[ "$(counted 1 flood)" -gt "$n" ]'
	# After all of it: at work.
	run at 1 holdfast -H n1 cluster ports
	[ "$status" -eq 0 ]
}

@test "many strangers do not keep a node out" {
	# They say nothing, each as long as it is allowed to.
	for _ in $(seq 60); do
		ip netns exec "$NS-3" socat -u TCP:10.88.1.1:4801 \
		    /dev/null 2>/dev/null 3>&- &
		echo $! >>"$W/strangers"
	done
	wait_until 5 '[ "$(counted 1 flood)" -ge 1 ]'
	run at 2 holdfast -H n1 cluster ports
	xargs kill <"$W/strangers" 2>/dev/null || :
	[ "$status" -eq 0 ]
}

@test "who goes takes the command with it" {
	mkdir -p "$W/2/run/holdfast/shop"
	echo '2026 | E | m | one line' >"$W/2/var/log/holdfast/shop.events"
	socat "UNIX-LISTEN:$W/2/run/holdfast/shop/moduled.sock,fork" \
	    "SYSTEM:echo holdfast moduled 1; read -r x; echo ok; echo event \
	    time=2026 level=E component=m text=another; exec cat" 3>&- &
	echo $! >"$W/pid.moduled"
	ip netns exec "$NS-1" env HOLDFAST_ROOT="$W/1" \
	    "$top_builddir/bin/holdfast/holdfast" -H n2 log shop -f \
	    >"$W/followed" 2>&1 3>&- &
	follower=$!
	wait_until 5 'grep -q "^n2: .*one line" "$W/followed"'
	wait_until 5 'grep -q "^n2: .*another" "$W/followed"'
	says 2 status | grep -q ' commands=1 '
	kill -KILL "$follower"
	wait_until 5 'says 2 status | grep -q " commands=0 "'
}

@test "who goes at once does not end remoted with his command" {
	for _ in $(seq 20); do
		echo 'run nodes=n1 who=x arg=status' | socat -u - \
		    "UNIX:$W/1/run/holdfast/remoted.sock" || :
	done
	wait_until 8 'says 1 status | grep -q " commands=0 "'
	kill -0 "$(cat "$W/pid.1")"
	run at 1 holdfast -H n1 cluster ports
	[ "$status" -eq 0 ]
}

@test "an input is memory that is sealed, and only when it is announced" {
	says_with() {	# line, kind of descriptor
		HOLDFAST_ROOT="$W/1" python3 - "$@" <<-'EOF'
		import array, fcntl, os, socket, sys
		xml = open(os.environ["HOLDFAST_ROOT"] +
		    "/etc/holdfast/cluster.xml", "rb").read()
		if sys.argv[2] == "file":
		    fd = os.open("/etc/passwd", os.O_RDONLY)
		else:
		    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
		    os.write(fd, xml)
		if sys.argv[2] == "sealed":
		    fcntl.fcntl(fd, 1033, 2 | 4 | 8)
		s = socket.socket(socket.AF_UNIX)
		s.connect(os.environ["HOLDFAST_ROOT"] +
		    "/run/holdfast/remoted.sock")
		s.settimeout(10)
		s.sendmsg([sys.argv[1].encode() + b"\n"], [(socket.SOL_SOCKET,
		    socket.SCM_RIGHTS, array.array("i", [fd]))])
		said = b""
		while b"\nok" not in said and b"\nerr" not in said:
		    more = s.recv(65536)
		    if not more:
		        break
		    said += more
		print(said.decode())
		EOF
	}
	accept='run nodes=n1 who=x arg=cluster arg=accept'
	for kind in file memory; do
		run says_with "$accept input=1" "$kind"
		[[ $output == *'err code=usage'*'memory file that is sealed'* ]]
	done
	# From its beginning, wherever its writer left it.
	run says_with "$accept input=1" sealed
	[[ $output == *'node=n1 exit=0'* ]]
	run says_with "$accept" sealed
	[[ $output == *'node=n1 exit='* && $output != *'exit=0'* ]]
}

@test "monitors leave places for admins" {
	echo 'commands = 4' >"$W/2/etc/holdfast/remoted.conf"
	stop 2
	start 2
	rm "$W/2/usr/lib/holdfast/safekit"
	printf '#!/bin/sh\nexec tail -f /dev/null\n' \
	    >"$W/2/usr/lib/holdfast/safekit"
	chmod 755 "$W/2/usr/lib/holdfast/safekit"
	for i in 1 2; do
		as 1 64103 -H n2 status >"$W/out.$i" 2>&1 3>&- &
	done
	wait_until 5 'says 2 status | grep -q " commands=2 "'
	run as 1 64103 -H n2 status
	[ "$status" -eq 75 ]
	[[ $output == *'too many commands run'* ]]
	at 1 holdfast -H n2 status >"$W/out.3" 2>&1 3>&- &
	wait_until 5 'says 2 status | grep -q " commands=3 "'
	stop 1
	wait_until 8 'says 2 status | grep -q " commands=0 "'
}

# --- joining ---------------------------------------------------------------

# new_node N LANS: a machine that has nothing but an address in these lans.
new_node() {
	local lan

	ip netns add "$NS-$1"
	ip -n "$NS-$1" link set lo up
	for lan in $2; do
		ip link add "e$1-$lan" netns "$NS-0" type veth peer \
		    name "lan$lan" netns "$NS-$1"
		ip -n "$NS-0" link set "e$1-$lan" master "br$lan" up
		ip -n "$NS-$1" addr add "10.88.$lan.$1/24" dev "lan$lan"
		ip -n "$NS-$1" link set "lan$lan" up
	done
	mkdir -p "$W/$1/etc" "$W/$1/usr/lib/holdfast"
	ln -s "$(readlink -f "$top_builddir/bin/holdfast/holdfast")" \
	    "$W/$1/usr/lib/holdfast/safekit"
	printf '%032x\n' "$1$1$1" >"$W/$1/etc/machine-id"
}

invite() { at 1 holdfast cluster invite "$@" 2>/dev/null; }

id_in() { sed -n "s/.*name=\"$2\" id=\"\([0-9]*\)\".*/\1/p" \
    "$W/$1/etc/holdfast/cluster.xml" | sort -u; }

@test "join: with a token and nothing else, into every node's cluster.xml" {
	new_node 4 "1 2"
	token=$(invite)
	not grep -rq "${token#*-}" "$W/1"
	run at 4 holdfast cluster join --name n4 10.88.1.1 "$token"
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[[ $output == *'this node is n4; 4 nodes, 2 lans'* ]]
	for n in 1 2 3 4; do
		[ "$(id_in "$n" n4)" = 4 ]
		cmp "$W/1/etc/holdfast/cluster.xml" \
		    "$W/$n/etc/holdfast/cluster.xml"
		cmp "$W/1/etc/holdfast/cluster.key" \
		    "$W/$n/etc/holdfast/cluster.key"
	done
	[ "$(stat -c %a "$W/4/etc/holdfast/cluster.key")" = 600 ]
	start 4
	run at 4 holdfast -H '*' cluster ports
	[ "$status" -eq 0 ]
	# Once is once, whoever has seen it.
	new_node 5 "1 2"
	run at 5 holdfast cluster join --name n5 10.88.1.1 "$token"
	[ "$status" -eq 77 ]
	[[ $output == *'the token was used, by n4'* ]]
	[ ! -e "$W/5/etc/holdfast/cluster.key" ]
	[ "$(counted 1 token)" = 1 ]
	grep -q '10.88.1.5: dropped: token: join: the token was used' \
	    "$W/log.1"
	# An id is not given again when its node is gone.
	sed -i '/name="n4"/d' "$W/1/etc/holdfast/cluster.xml"
	at 1 holdfast cluster push
	[ -z "$(id_in 3 n4)" ]
	# Nor can a node that missed a join undo it.
	stop 3
	token=$(invite)
	at 5 holdfast cluster join --name n5 10.88.2.1 - <<<"$token"
	[ "$(id_in 2 n5)" = 5 ]
	start 3
	[ -z "$(id_in 3 n5)" ]
	run at 3 holdfast cluster push
	[ "$status" -eq 79 ]
	[[ $output == *'n1: holdfast: the cluster.xml here is newer'* ]]
	[ "$(id_in 1 n5)" = 5 ]
	run at 1 holdfast cluster push
	[ "$(id_in 3 n5)" = 5 ]
}

# same FILE: is it the same on all nodes, and there?
same() {
	cmp "$W/1/etc/holdfast/$1" "$W/2/etc/holdfast/$1" &&
	    cmp "$W/1/etc/holdfast/$1" "$W/3/etc/holdfast/$1"
}

@test "witness: its key and cluster.xml reach all nodes, and leave them" {
	run at 1 holdfast cluster witness list
	[ "$status" -eq 0 ]
	[[ $output == *'no witness: heartbeats only'* ]]
	# The first one needs all nodes.
	stop 3
	run at 1 holdfast cluster witness add w1 10.88.1.211,10.88.2.211
	[ "$status" -eq 69 ] || { echo "$status $output"; false; }
	[[ $output == *'nothing was changed'* ]]
	not grep -q witness "$W"/[12]/etc/holdfast/cluster.xml
	[ ! -e "$W/1/etc/holdfast/witness/w1.key" ]
	start 3
	run at 1 holdfast cluster witness add w1 10.88.1.211,10.88.2.211
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	same cluster.xml
	same witness/w1.key
	[ "$(stat -c '%a %U' "$W/3/etc/holdfast/witness/w1.key")" = \
	    '600 root' ]
	grep -q 'witness "w1"' "$W/2/var/lib/holdfast/cluster/cluster.conf"
	# What is printed is what the witness has to be told.
	line=$(grep -o "printf .* | witnessd -a test" <<<"$output")
	[ "$(sh -c "${line%|*}")" = "$(cat "$W/1/etc/holdfast/witness/w1.key")" ]
	[[ $output == *"ssh root@10.88.1.211 witnessd -a test <"* ]]
	run at 1 holdfast cluster witness list
	[ "$status" -eq 69 ]
	[[ $output == *'w1 '*'10.88.1.211,10.88.2.211: silent'* ]]
	run at 1 holdfast cluster witness add w1 10.88.1.211
	[ "$status" -eq 79 ]
	[[ $output == *'witness replace w1'* ]]
	# A new key, which a node that was away gets by a push.
	cp "$W/1/etc/holdfast/witness/w1.key" "$W/old"
	stop 3
	run at 1 holdfast cluster witness replace w1 10.88.1.212
	[ "$status" -ne 0 ]
	[[ $output == *'goes on without who did not answer'* ]]
	[[ $output == *"| witnessd -a test"* ]]
	not cmp -s "$W/old" "$W/2/etc/holdfast/witness/w1.key"
	cmp "$W/old" "$W/3/etc/holdfast/witness/w1.key"
	start 3
	at 1 holdfast cluster push
	same witness/w1.key
	same cluster.xml
	grep -q 10.88.1.212 "$W/3/etc/holdfast/cluster.xml"
	# A machine that joins gets it too.
	new_node 4 "1 2"
	at 4 holdfast cluster join --name n4 10.88.1.1 "$(invite)"
	cmp "$W/1/etc/holdfast/witness/w1.key" \
	    "$W/4/etc/holdfast/witness/w1.key"
	[ "$(stat -c %a "$W/4/etc/holdfast/witness/w1.key")" = 600 ]
	start 4
	# The last one takes something with it: that is said first.
	run at 1 holdfast cluster witness remove w1
	[ "$status" -eq 79 ]
	[[ $output == *'go back to heartbeats only'*'--yes w1'* ]]
	same witness/w1.key
	run at 1 holdfast cluster witness remove w1 --yes w1
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	same cluster.xml
	for n in 1 2 3 4; do
		[ ! -e "$W/$n/etc/holdfast/witness/w1.key" ]
		not grep -q w1 "$W/$n/etc/holdfast/cluster.xml"
	done
}

@test "witness: what is wrong is said, and changes nothing" {
	for bad in "add" "add w1" "add w1 a b" "remove" "replace" "list x"; do
		# shellcheck disable=SC2086
		run at 1 holdfast cluster witness $bad
		[ "$status" -eq 64 ] || { echo "$bad"; false; }
	done
	run at 1 holdfast cluster witness add 'a/b' 10.88.1.211
	[ "$status" -eq 64 ]
	run at 1 holdfast cluster witness add n1 10.88.1.211
	[ "$status" -eq 78 ]
	[[ $output == *'the name of a node'* ]]
	run at 1 holdfast cluster witness add w1 10.88.1.2
	[ "$status" -eq 78 ]
	[[ $output == *'is an address of n2'* ]]
	run at 1 holdfast cluster witness add cluster 10.88.1.211
	[ "$status" -eq 78 ]
	for verb in replace remove; do
		run at 1 holdfast cluster witness "$verb" w9
		[ "$status" -eq 66 ]
		[[ $output == *'there is no witness w9'* ]]
	done
	[ ! -e "$W/1/etc/holdfast/witness" ]
	same cluster.xml
	run as 1 64103 -H n2 cluster witness accept w1
	[ "$status" -eq 77 ]
	# etcd by hand is the same change, and needs all nodes, too.
	stop 3
	sed -i 's,</cluster>,<voters><etcd endpoints="https://10.88.1.9:2379"/></voters>&,' \
	    "$W/1/etc/holdfast/cluster.xml"
	run at 1 holdfast cluster push
	[ "$status" -eq 69 ]
	[[ $output == *'nothing was changed: with the first voter beside'* ]]
	not grep -q etcd "$W"/[123]/var/lib/holdfast/cluster/cluster.conf
	not grep -q etcd "$W/2/etc/holdfast/cluster.xml"
	start 3
	at 1 holdfast cluster push
	same cluster.xml
	grep -q 'endpoints = {"https://10.88.1.9:2379"}' \
	    "$W/3/var/lib/holdfast/cluster/cluster.conf"
}

@test "join: refused with the reason, and a mistake costs no token" {
	new_node 4 "1 2"
	run at 4 holdfast cluster join --name n4 \
	    "$(printf '%0400d' 0):4801" 01234567-AAAAAAAAAAAAAAAAAAAAAA
	[ "$status" -ne 0 ]
	[[ $output == *'not a host'* ]]
	run at 4 holdfast cluster join 10.88.1.1 rubbish
	[ "$status" -eq 64 ]
	run at 4 holdfast cluster join --name n4 10.88.1.1 \
	    01234567-AAAAAAAAAAAAAAAAAAAAAA
	[ "$status" -eq 77 ]
	[[ $output == *'does not know this token'* ]]
	token=$(invite)
	# One character another one: neither end learns the other's.
	bad=${token%?}$([ "${token: -1}" = A ] && echo Q || echo A)
	run at 4 holdfast cluster join --name n4 10.88.1.1 "$bad"
	[ "$status" -eq 77 ]
	[[ $output == *'does not prove that it knows the token'* ]]
	# The names, addresses and identity of others.
	run at 4 holdfast cluster join --name n2 10.88.1.1 "$token"
	[ "$status" -eq 77 ]
	[[ $output == *'invite --replace n2'* ]]
	ip -n "$NS-4" addr add 10.88.2.44/24 dev lan2
	run at 4 holdfast cluster join --name n4 10.88.1.1 "$token"
	[ "$status" -eq 77 ]
	[[ $output == *'--addr lan2=10.88.2.4 or --addr lan2=10.88.2.44'* ]]
	run at 4 holdfast cluster join --name n4 --addr lan2=10.88.2.5 \
	    10.88.1.1 "$token"
	[[ $output == *'does not have this address'* ]]
	cp "$W/4/etc/machine-id" "$W/1/etc/machine-id"
	run at 4 holdfast cluster join --name n4 10.88.1.1 "$token"
	[ "$status" -eq 77 ]
	[[ $output == *'has the machine-id of n1: it is a copy'* ]]
	rm "$W/1/etc/machine-id"
	run at 4 holdfast cluster join --name n4 --addr lan2=10.88.2.44 \
	    10.88.1.1 "$token"
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	grep -q 'name="n4" id="4" addr="10.88.2.44"' \
	    "$W/3/etc/holdfast/cluster.xml"
	# A machine that is in a cluster stays in it.
	run at 4 holdfast cluster join --name n4 10.88.1.1 "$(invite)"
	[ "$status" -eq 79 ]
	# Too late is too late.
	new_node 5 "1 2"
	token=$(invite --expires 1m)
	sed -i 's/^expires .*/expires 1700000000/' \
	    "$W/1/var/lib/holdfast/cluster/invite/${token%%-*}"
	run at 5 holdfast cluster join --name n5 10.88.1.1 "$token"
	[ "$status" -eq 77 ]
	[[ $output == *'the token expired'*'minutes ago'* ]]
}

@test "join: a recorded join lets nobody in" {
	new_node 4 "1 2"
	token=$(invite)
	ip netns exec "$NS-1" socat -r "$W/recorded" \
	    TCP-LISTEN:4999,bind=10.88.1.1,reuseaddr \
	    TCP:10.88.1.1:4801,bind=10.88.1.1 3>&- &
	echo $! >"$W/pid.tap"
	wait_until 5 'ip netns exec "$NS-1" ss -ltn | grep -q :4999'
	# Refused by its name, so that the token is still good.
	run at 4 holdfast cluster join --name n3 10.88.1.1:4999 "$token"
	[ "$status" -eq 77 ]
	wait_until 5 '[ -s "$W/recorded" ]'
	ip netns exec "$NS-4" socat -t 2 - TCP:10.88.1.1:4801 \
	    <"$W/recorded" >"$W/back" || :
	[ "$(counted 1 broken)" -ge 1 ]
	not grep -q holdfast-key "$W/back"
	# Who has stolen what is kept of it has no token.
	public=$(sed -n 's/^public //p' \
	    "$W/1/var/lib/holdfast/cluster/invite/${token%%-*}")
	[ "${#public}" -eq 64 ]
	run at 4 holdfast cluster join --name n4 10.88.1.1 \
	    "${token%%-*}-$(head -c 16 <<<"$public" | base64 | tr -d =)"
	[ "$status" -eq 77 ]
}

@test "join: in place of a dead node, under its name and id" {
	new_node 4 "1 2"
	run at 4 holdfast cluster join --name n3 10.88.1.1 \
	    "$(invite --replace n3)"
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[ "$(id_in 2 n3)" = 3 ]
	grep -q 'name="n3" id="3" addr="10.88.1.4"' \
	    "$W/2/etc/holdfast/cluster.xml"
}

# ids NODE: the keys it has, of its file and of its remoted.
ids() {
	grep -h '^holdfast-key' "$W/$1/etc/holdfast/cluster.key" |
	    cut -d' ' -f2 | paste -sd' '
	says "$1" status | sed -n 's/^self=.*joined=[0-9]* //p' |
	    sed 's/key=//g'
}

@test "cluster keys: changed while commands run; the old one is nothing" {
	run at 1 holdfast cluster keys
	[ "$status" -eq 0 ]
	[ "$(grep -c '^n[123]  *01234567$' <<<"$output")" -eq 3 ]
	cp "$W/3/etc/holdfast/cluster.key" "$W/old.key"
	# Commands all the time, each way.
	: >"$W/go"
	while [ -e "$W/go" ]; do
		at 2 holdfast -H '*' cluster ports >>"$W/load" 2>&1 ||
		    echo FAILED >>"$W/load"
	done 3>&- &
	load=$!
	wait_until 5 'grep -q n3 "$W/load"'
	run at 1 holdfast cluster keys rotate
	rm "$W/go"
	wait "$load"
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	not grep -e FAILED -e 'holdfast: ' "$W/load"
	new=$(sed -n '1s/.* //p' "$W/1/etc/holdfast/cluster.key")
	[ "$new" != 01234567 ]
	for n in 1 2 3; do
		[ "$(ids "$n")" = "$new
$new" ]
		[ "$(counted "$n" wrong-key)" = 0 ]
		cmp "$W/1/etc/holdfast/cluster.key" \
		    "$W/$n/etc/holdfast/cluster.key"
		# The next `config' does not take it for a change.
		at "$n" holdfast config | grep -q 'nothing changed'
	done
	# Who has kept the old one is a stranger.
	cp -p "$W/old.key" "$W/3/etc/holdfast/cluster.key"
	stop 3
	start 3
	run at 3 holdfast -H n1 cluster ports
	[ "$status" -eq 69 ]
	[[ $output == *'another cluster key'* ]]
	[ "$(counted 1 wrong-key)" -ge 1 ]
	run at 1 holdfast cluster keys
	[ "$status" -eq 75 ]
	[[ $output == *'n3  '*'does not answer'* ]]
}

@test "cluster keys: interrupted at any step, it goes on, or says where" {
	# A node that is away would be shut out.
	stop 3
	run at 1 holdfast cluster keys rotate
	[ "$status" -eq 75 ]
	[[ $output == *'n3 does not answer'*'take it out of cluster.xml'* ]]
	[ "$(grep -c '^holdfast-key' "$W/1/etc/holdfast/cluster.key")" = 1 ]
	start 3
	# Ended after the first node had the next key: 3 waves, 3 places.
	{
		echo holdfast-key 89abcdef
		head -c 32 /dev/urandom | base64
	} >"$W/next"
	at 1 holdfast cluster key add <"$W/next"
	run at 3 holdfast cluster keys
	[ "$status" -eq 75 ]
	[[ $output == *'was interrupted'*'on a node that has 89abcdef'* ]]
	run at 3 holdfast cluster keys rotate
	[ "$status" -eq 69 ]
	[[ $output == *'89abcdef is not on this node'* ]]
	# In the second wave, by a node that ends between file and answer.
	at 3 holdfast cluster key add <"$W/next"
	at 2 holdfast cluster key add <"$W/next"
	at 2 holdfast cluster key use 89abcdef
	stop 2 KILL
	run at 1 holdfast -H n1,n3 cluster ports
	[ "$status" -eq 0 ]
	start 2
	run at 1 holdfast -H '*' cluster ports
	[ "$status" -eq 0 ]
	run at 3 holdfast -H '*' cluster ports
	[ "$status" -eq 0 ]
	# And in the third.
	run at 3 holdfast cluster keys
	[[ $output == *'n2 '*'accepts the old 01234567'* ]]
	for n in 1 3; do at "$n" holdfast cluster key use 89abcdef; done
	at 2 holdfast cluster key drop 89abcdef
	run at 3 holdfast cluster keys rotate
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[[ $output == *'goes on with the change to 89abcdef'* ]]
	for n in 1 2 3; do
		[ "$(ids "$n")" = "89abcdef
89abcdef" ]
	done
}

# --- what differs -----------------------------------------------------------

heart() {	# node: heartd there, also again
	[ ! -f "$W/pid.h$1" ] || kill -KILL "$(cat "$W/pid.h$1")"
	ip netns exec "$NS-$1" env HOLDFAST_ROOT="$W/$1" \
	    "$top_builddir/bin/heartd/heartd" -d 2>>"$W/log.h$1" 3>&- &
	echo $! >"$W/pid.h$1"
}

warns() { at "$1" holdfast status 2>/dev/null | grep "^warning: .*$2"; }

@test "drift and copies of a machine are shown in 5 s, with what ends them" {
	for n in 1 2 3; do
		printf '%032x\n' "$n$n" >"$W/$n/etc/machine-id"
		heart "$n"
	done
	wait_until 5 'grep -q "life .* accepted" "$W/log.h2"'
	! warns 2 cluster.xml
	# Edited and not made effective, which is a fault of this node.
	echo '<!-- later -->' >>"$W/1/etc/holdfast/cluster.xml"
	warns 1 'was edited and is not in effect: .holdfast cluster push'
	# Effective here, and not there: both say so.
	at 1 holdfast config
	heart 1
	wait_until 5 'warns 2 "cluster.xml of n1 is not .*cluster push"'
	wait_until 5 'warns 1 "cluster.xml of n2 is not .*cluster push"'
	at 1 holdfast cluster push
	for n in 2 3; do heart "$n"; done
	wait_until 5 '! warns 1 cluster.xml && ! warns 2 cluster.xml'
	# A copy of n1: n2 does not hear it, and says what it is.
	wait_until 5 'grep -q "n1: life" "$W/log.h3"'
	cp "$W/1/etc/machine-id" "$W/3/etc/machine-id"
	heart 3
	wait_until 5 'warns 2 "n3 has the machine-id of n1 and is not heard"'
	grep -q 'n3 has the machine-id of n1: it is a copy' "$W/log.h2"
	wait_until 5 'warns 1 "n3 has the machine-id of n1"'
	printf '%032x\n' 33 >"$W/3/etc/machine-id"
	heart 3
	wait_until 15 '! warns 2 n3'
}

@test "module push: installed and configured there, or as before" {
	sed -i '/name="n3"/d' "$W/1/etc/holdfast/cluster.xml"
	at 1 holdfast cluster push >/dev/null
	at 1 holdfast module install "$TOP/modules/ledger" \
	    --set VIP=10.88.1.100 >/dev/null
	run at 1 holdfast module push ledger -H '*' --set VIP=10.88.1.101
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	for n in 1 2; do
		grep -q 10.88.1.101 "$W/$n/var/lib/holdfast/ledger/config/\
active/safeconf.xml"
		cmp "$W/1/etc/holdfast/modules/ledger/id" \
		    "$W/$n/etc/holdfast/modules/ledger/id"
		[ ! -e "$W/$n/etc/holdfast/modules/.ledger.new" ]
	done
	# Refused on a node, it is there as it was; the others have it.
	echo broken >"$W/2/var/lib/holdfast/cluster/cluster.conf"
	run at 1 holdfast module push ledger -H n1,n2 --set VIP=10.88.1.102
	[ "$status" -eq 78 ]
	[[ $output == *'n2: holdfast: ledger: what was there before is'* ]]
	grep -q 10.88.1.101 "$W/2/etc/holdfast/modules/ledger/conf/\
userconfig.xml"
	grep -q 10.88.1.102 "$W/1/etc/holdfast/modules/ledger/conf/\
userconfig.xml"
	[ ! -e "$W/2/etc/holdfast/modules/.ledger.new" ]
	# What is wrong with it is said by each node, by file and line.
	run at 1 holdfast module push ledger -H n1 --set NOSUCH=1
	[ "$status" -eq 65 ]
	[[ $output == *'n1: conf/userconfig.xml: '*NOSUCH* ]]
	# Another id would be another port.
	run at 1 holdfast module push ledger -H n1 --id 7
	[ "$status" -eq 64 ]
	[[ $output == *'has id 1 here, and was sent with 7'* ]]
	# More than can be sent is said before anything is sent.
	head -c $((17 * 1024 * 1024)) /dev/urandom \
	    >"$W/1/etc/holdfast/modules/ledger/bin/big"
	run at 1 holdfast module push ledger -H n1
	[ "$status" -eq 65 ]
	[[ $output == *'more than the 16 MiB'* ]]
	run at 1 holdfast module push ledger
	[ "$status" -eq 64 ]
}

@test "cluster push: a file that a node cannot use changes nothing there" {
	sed -i 's/<cluster name="test"/& /' "$W/1/etc/holdfast/cluster.xml"
	run at 1 holdfast cluster push
	[ "$status" -eq 0 ]
	cmp "$W/1/etc/holdfast/cluster.xml" "$W/3/etc/holdfast/cluster.xml"
	# A node whose address changes has both until it has taken it.
	for lan in 1 2; do
		ip netns exec "$NS-3" sysctl -qw \
		    "net.ipv4.conf.lan$lan.promote_secondaries=1"
		ip -n "$NS-3" addr add "10.88.$lan.33/24" dev "lan$lan"
	done
	sed -i 's/10\.88\.\([12]\)\.3"/10.88.\1.33"/' \
	    "$W/1/etc/holdfast/cluster.xml"
	at 1 holdfast cluster push
	cmp "$W/1/etc/holdfast/cluster.xml" "$W/3/etc/holdfast/cluster.xml"
	for lan in 1 2; do
		ip -n "$NS-3" addr del "10.88.$lan.3/24" dev "lan$lan"
	done
	run at 1 holdfast -H n3 cluster ports
	[ "$status" -eq 0 ]
	# What it cannot use it does not take: it would be no node of it.
	sed 's/10\.88\.\([12]\)\.33"/10.88.\1.34"/' \
	    "$W/1/etc/holdfast/cluster.xml" >"$W/other.xml"
	run at 3 holdfast cluster accept <"$W/other.xml"
	[ "$status" -eq 78 ]
	[[ $output == *'node@addr: this machine has none'* ]]
	cmp "$W/1/etc/holdfast/cluster.xml" "$W/3/etc/holdfast/cluster.xml"
	# Nor does one with errors leave this node.
	sed -i 's/<lans>/<lan>/' "$W/1/etc/holdfast/cluster.xml"
	run at 1 holdfast cluster push
	[ "$status" -eq 78 ]
	not grep -q '<lan>$' "$W/2/etc/holdfast/cluster.xml"
}
