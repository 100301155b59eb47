#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Each step of holdfast-failures(7) once as a kill of mirrord, with keepd
# there, and once as a power cut of the node; then what was acknowledged is
# where it counts, and after the reunion the two nodes hold the same.
# HOLDFAST_LONG=1: more counts of those under load.  Needs root.

load lib
load mirror

# step	scenario	kind of count
# A scenario is a function below; it arms the node whose step it is.
POINTS='
1 write
2 write
3 write
4 write
5 write
6 write
7 write
8 write
9 write
10 write
11 write
12 write
13 write
14 write
15 write
20 write
51 write
21 checkpoint
22 checkpoint
6 receive
7 receive
16 receive
17 receive
18 receive
19 receive
87 linked
23 refuse
24 refuse
25 alone
26 alone
27 alone
28 alone
29 alone
30 alone
46 promote
47 promote
48 promote
54 promote
31 source
32 source
33 source
34 source
38 source
39 source
44 source
45 source
35 target
36 target
37 target
40 target
41 target
42 target
43 target
49 stop
50 stop
52 held
53 held
55 sweep
88 index
81 aside
82 aside
83 aside
84 aside
85 aside
86 aside
'

setup_file()
{
	mirror_can_run
	[ -x "$top_builddir/bin/lab/labinit" ] || skip "needs a build"
	has_failpoints || skip "needs ./configure --enable-failpoints"
}

teardown_file()
{
	pair_end kill
	pair_end power
}

# ---- a pair for each kind; a new one after a failure ----

pair_take()
{
	export MIRROR_STATE=image
	M=$(cat "$BATS_FILE_TMPDIR/pair.$1" 2>/dev/null) || pair_begin "$1"
	read -r P S E <"$M/roles"
}

pair_begin()
{
	mirror_setup 2
	echo "$M" >"$BATS_FILE_TMPDIR/pair.$1"
	roles 1 2 1
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1 >/dev/null
	await 1 5000 mounted=1
	on 1 sh -c "echo one >'$M/1/data/x/one'"
	join
}

pair_end()
{
	M=$(cat "$BATS_FILE_TMPDIR/pair.$1" 2>/dev/null) || return 0
	rm "$BATS_FILE_TMPDIR/pair.$1"
	for pid in "$M"/?/app.*; do
		[ ! -e "$pid" ] || kill -9 "$(cat "$pid")" 2>/dev/null || :
	done
	mirror_teardown
}

# roles PRIMARY SECONDARY N: and the number of the epoch.
roles()
{
	P=$1 S=$2 E=$3
	echo "$@" >"$M/roles"
}

epoch() { echo "0.$E.$P"; }

# Who is primary now, in the next epoch, alone.
promote()
{
	ask "$P" want role=prim epoch="$(epoch)" set=self >/dev/null ||
	    mirrord_is_gone "$P"
}

alone()
{
	roles "$P" "$S" $((E + 1))
	promote
	await "$P" 10000 mounted=1 alone=1 "epoch=$(epoch)"
}

swap() { roles "$S" "$P" "$E"; }

follow()
{
	ask "$S" want role=second epoch="$(epoch)" primary="n$P" \
	    ${FOLLOW:-} >/dev/null
}

join()
{
	follow
	# It may have been a member already when the step was passed.
	await "$P" 0 joined=1 2>/dev/null || await "$P" 15000 ready=1
	ask "$P" want role=prim epoch="$(epoch)" set=both >/dev/null
	await "$P" 5000 joined=1
}

# ---- the load ----

load_start()
{
	local i

	LOADS=
	LOAD=$1
	rm -f "$M"/acks.* "$M"/out.*
	for i in 1 2; do
		: >"$M/acks.$i"
		on "$P" sh -c 'echo $$ >"$0"; exec "$@"' "$M/$P/app.$i" \
		    "$top_builddir/t/files/acks" "$M/$P/data/x/$LOAD.$i" \
		    "$M/acks.$i" >"$M/out.$i" 2>&1 3>&- &
		LOADS="$LOADS $!"
	done
}

acks() { cat "$M/acks.1" "$M/acks.2" | wc -l; }

# It goes on.
load_progress()
{
	local i n

	for i in 1 2; do
		n=$(wc -l <"$M/acks.$i")
		wait_until 10 "[ \$(wc -l <$M/acks.$i) -ge $((n + 6)) ]"
	done
}

# No error of any system call, and it finds what it wrote.
load_stop()
{
	local pid rc=0

	kill "$(cat "$M/$P/app.1")" "$(cat "$M/$P/app.2")"
	for pid in $LOADS; do
		wait "$pid" || rc=1
	done
	rm -f "$M/$P"/app.?
	LOADS=
	[ $rc -eq 0 ] || { cat "$M"/out.?; return 1; }
}

# load_is_on N: all that was acknowledged.
load_is_on()
{
	local i

	for i in 1 2; do
		[ -s "$M/acks.$i" ] || continue
		on "$1" "$top_builddir/t/files/acks" -c \
		    "$M/$1/data/x/$LOAD.$i" "$M/acks.$i" >"$M/out.$i" 2>&1 ||
		    { cat "$M/out.$i"; return 1; }
	done
}

# The end of each: level, equal, complete.
settled()
{
	await "$P" 5000 link=up
	on "$P" sync "$M/$P/data/x/one"
	await "$P" 0 joined=1 alone=0 peer_failed= error=
	await "$S" 5000 level=1 resyncing= error=
	load_is_on "$P"
	load_is_on "$S"
	wait_until 3 same_trees
	on "$P" sh -c "rm -rf '$M/$P/data/x/${LOAD%%-*}'*"
}

# ---- what befalls the node ----

# arm N STEP: restarts it, as what it is.
arm()
{
	mirrord_kill "$1"
	mirrord_armed "$1" "$2"
}

hit() { wait_until "${2:-10}" "mirrord_is_gone $1"; }

restart()
{
	mirrord_start "$1"
}

reboot()
{
	power_off "$1"
	power_on "$1"
	[ ! -e "/proc/$(cat "$M/$((3 - $1))/ns")" ] || mirror_cable
	mirrord_start "$1"
}

# comes_back NODE KIND: which is gone.
comes_back()
{
	if [ "$2" = kill ]; then
		restart "$1"
	else
		power_off "$1"
		reboot_of_gone "$1"
	fi
}

# ---- scenarios: STEP KIND ----

# apart LOAD: something was replicated, then the secondary is stopped.
apart()
{
	load_start "$1"
	load_progress
	load_stop
	ask "$S" want role=none >/dev/null
	await "$S" 10000 role=none
	alone
}

write()
{
	arm "$P" "$1"
	load_start "$3"
	write_end "$2"
}

# The first checkpoint comes at once.
checkpoint()
{
	load_start "$3"
	load_progress
	arm "$P" "$1"
	write_end "$2"
}

# write_end KIND
write_end()
{
	hit "$P"
	if [ "$1" = kill ]; then
		restart "$P"
		load_progress
		load_stop
	else
		power_off "$P"
		swap
		alone
		load_is_on "$P"
		reboot_of_gone "$S"
		join
	fi
	settled
}

reboot_of_gone()
{
	power_on "$1"
	mirror_cable
	mirrord_start "$1"
}

receive()
{
	arm "$S" "$1"
	load_start "$3"
	receive_end "$2"
}

# The step is that of a file without a name that gets one.
linked()
{
	local pid

	arm "$S" "$1"
	load_start "$3"
	on "$P" sh -ec "cd '$M/$P/data/x'; $(nameless "$LOAD.linked")" 3>&- &
	pid=$!
	receive_end "$2"
	wait $pid
}

# receive_end KIND
receive_end()
{
	hit "$S"
	if [ "$1" = kill ]; then
		restart "$S"
	else
		power_off "$S"
		alone
		reboot_of_gone "$S"
		join
	fi
	load_progress
	load_stop
	settled
}

# The second's disk is full.
refuse()
{
	local fill=$M/$S/data/native/fill

	arm "$S" "$1"
	load_start "$3"
	load_progress
	on "$S" sh -c "fallocate -l \$((\$(df --output=avail -Bk \
	    '$M/$S/data' | sed '1d; s/K//') - 2048))K '$fill'
	    dd if=/dev/zero bs=64k >>'$fill' || :" 2>/dev/null
	# The load fills what ext4 had set aside for its metadata.
	hit "$S" 30
	comes_back "$S" "$2"
	alone
	on "$S" rm "$fill"
	join
	load_progress
	load_stop
	settled
}

alone_step()
{
	load_start "$3"
	load_progress
	arm "$P" "$1"
	mirrord_kill "$S"
	roles "$P" "$S" $((E + 1))
	promote
	hit "$P"
	if [ "$2" = kill ]; then
		restart "$P"
		promote
		await "$P" 5000 alone=1
		load_progress
		load_stop
	else
		power_off "$P"
		reboot_of_gone "$P"
		alone
		load_is_on "$P"
	fi
	restart "$S"
	join
	settled
}

promote_step()
{
	arm "$S" "$1"
	load_start "$3"
	load_progress
	power_off "$P"
	swap
	roles "$P" "$S" $((E + 1))
	promote
	hit "$P"
	if [ "$2" = kill ]; then
		restart "$P"
	else
		power_off "$P"
		power_on "$P"
		mirrord_start "$P"
	fi
	promote
	await "$P" 10000 mounted=1
	load_is_on "$P"
	reboot_of_gone "$S"
	join
	settled
}

# The old primary comes back to the one that took over.
reunion()
{
	load_start "$3"
	load_progress
	power_off "$P"
	swap
	alone
	load_is_on "$P"
	load_start "$3-alone"
	load_progress
	reboot_of_gone "$S"
}

source_step()
{
	reunion "$@"
	arm "$P" "$1"
	join_until_hit "$P"
	if [ "$2" = kill ]; then
		restart "$P"
		join
		load_progress
		load_stop
	else
		power_off "$P"
		reboot_of_gone "$P"
		alone
		load_is_on "$P"
		join
	fi
	settled
}

target_step()
{
	reunion "$@"
	mirrord_kill "$S"
	mirrord_armed "$S" "$1"
	join_until_hit "$S"
	comes_back "$S" "$2"
	join
	load_progress
	load_stop
	settled
}

# Asks for what a join needs until the node is gone.
join_until_hit()
{
	local tries=0

	follow
	until mirrord_is_gone "$1"; do
		[ $((++tries)) -lt 150 ]
		! await "$P" 100 ready=1 2>/dev/null ||
		    ask "$P" want role=prim epoch="$(epoch)" set=both \
		    >/dev/null || :
	done
}

stop_with()
{
	load_start "$3"
	load_progress
	load_stop
	arm "$P" "$1"
	if [ -n "${4:-}" ]; then
		on "$P" sh -c 'echo $$ >"$0"; exec sleep 60 <"$1"' \
		    "$M/$P/app.h" "$M/$P/data/x/one" 3>&- &
		wait_until 5 "[ -s $M/$P/app.h ]"
	fi
	ask "$P" want role=down >/dev/null || mirrord_is_gone "$P"
	hit "$P"
	if [ "$2" = kill ]; then
		restart "$P"
		ask "$P" want role=down >/dev/null
		await "$P" 10000 drained=1
		rm -f "$M/$P/app.h"
	else
		power_off "$P"
	fi
	swap
	alone
	load_is_on "$P"
	[ "$2" = kill ] || reboot_of_gone "$S"
	join
	settled
}

stop() { stop_with "$1" "$2" "$3"; }

held() { stop_with "$1" "$2" "$3" yes; }

# Both are stopped, and somebody edits what was the primary's.
sweep()
{
	apart "$3"
	ask "$P" want role=none >/dev/null
	await "$P" 10000 role=none
	on "$P" sh -c "echo edited >>'$M/$P/data/x/one'
	    sync '$M/$P/data/x/one'"
	arm "$P" "$1"
	roles "$P" "$S" $((E + 1))
	promote
	hit "$P"
	comes_back "$P" "$2"
	promote
	await "$P" 10000 mounted=1 sweep=0
	join
	[ "$(on "$S" tail -n 1 "$M/$S/data/x/one")" = edited ]
	settled
}

# The secondary lost its index: it is made again, and that is cut short.
index()
{
	apart "$3"
	on "$P" sh -c "echo edited >>'$M/$P/data/x/one'
	    sync '$M/$P/data/x/one'"
	on "$S" rm "$M/$S/var/lib/holdfast/m/index"
	arm "$S" "$1"
	follow || mirrord_is_gone "$S"
	hit "$S"
	comes_back "$S" "$2"
	join
	[ "$(grep -c 'index: was lost' "$M/$S/log")" -ge 1 ]
	tail -n 30 "$M/$S/log" | grep 'index: made again'
	settled
	[ "$(on "$S" tail -n 1 "$M/$S/data/x/one")" = edited ]
	on "$S" sh -c "! [ -e '$M/$S/var/lib/holdfast/m/index.scan' ]"
}

# Two histories; the second's is set aside before it is overwritten.
aside()
{
	local name

	load_start "$3"
	load_progress
	load_stop
	alone
	ask "$S" want role=prim "epoch=0.$((E + 1)).$S" set=self >/dev/null
	await "$S" 10000 mounted=1
	on "$S" sh -c "cd '$M/$S/data/x'; echo $1-lost >one; echo $1-lost >own
	    sync one own"
	on "$P" sh -c "echo $1 >'$M/$P/data/x/one'; sync '$M/$P/data/x/one'"
	ask "$S" want role=wait >/dev/null
	await "$S" 10000 role=wait
	roles "$P" "$S" $((E + 2))
	promote
	await "$P" 10000 "epoch=$(epoch)"
	FOLLOW="fullsync=1"
	# Without a log of its own, right before each change.
	[ "$1" -ne 85 ] || FOLLOW="$FOLLOW compare=1"
	arm "$S" "$1"
	join_until_hit "$S"
	FOLLOW="fullsync=1"
	comes_back "$S" "$2"
	join
	FOLLOW=
	settled
	[ "$(on "$S" cat "$M/$S/data/x/one")" = "$1" ]
	# Below the view that hides it.
	mkdir -p "$M/peek"
	on "$S" mount --bind "$M/$S/data" "$M/peek"
	for name in one own; do
		[ "$(on "$S" grep -rlx "$1-lost" "$M/peek/x/.holdfast/diverged" |
		    grep -c "/x/$name\$\|files/$name\$")" -eq 1 ]
	done
	on "$S" rm -rf "$M/peek/x/.holdfast/diverged"
	on "$S" umount "$M/peek"
}

# ---- the tests ----

# steps_of SCENARIO FUNCTION KIND: all of it on the pair of that kind.
steps_of()
{
	local step count counts=1 t0

	# The others are passed once, or as often as chance has it.
	if [ -n "${HOLDFAST_LONG:-}" ] &&
	    { [ "$1" = write ] || [ "$1" = receive ]; }; then
		counts="1 2 7 40"
	fi
	pair_take "$3"
	for step in $(echo "$POINTS" | sed -n "s/^\([0-9]*\) $1\$/\1/p"); do
		for count in $counts; do
			t0=$(now_ms)
			"$2" "$step:$count" "$3" "$1.$3.$step.$count"
			echo "step $step:$count: $(($(now_ms) - t0)) ms"
		done
	done
	echo "$3: all passed"
}

# run_steps SCENARIO FUNCTION: the two kinds beside each other.
run_steps()
{
	local kind rc=0

	for kind in kill power; do
		( set -e; steps_of "$1" "$2" $kind ) \
		    >"$BATS_TEST_TMPDIR/$kind" 2>&1 3>&- &
	done
	wait
	for kind in kill power; do
		echo "$1: $kind"
		cat "$BATS_TEST_TMPDIR/$kind"
		grep -q "^$kind: all passed" "$BATS_TEST_TMPDIR/$kind" &&
		    continue
		rc=1
		M=$(cat "$BATS_FILE_TMPDIR/pair.$kind") && mirror_dump
		pair_end $kind
	done
	return $rc
}

@test "every failpoint of the source has a test" {
	cd "$TOP/bin/mirrord"
	sed -n 's/.*fail_point(\([0-9][0-9]*\)).*/\1/p' ./*.c | sort -nu \
	    >"$BATS_TEST_TMPDIR/code"
	echo "$POINTS" | sed -n 's/^\([0-9]*\) .*/\1/p' | sort -nu \
	    >"$BATS_TEST_TMPDIR/tested"
	diff "$BATS_TEST_TMPDIR/code" "$BATS_TEST_TMPDIR/tested"
}

@test "a write" {
	run_steps write write
}

@test "a checkpoint" {
	run_steps checkpoint checkpoint
}

@test "the secondary's part" {
	run_steps receive receive
}

@test "the secondary links what had no name" {
	run_steps linked linked
}

@test "a full disk of the secondary" {
	run_steps refuse refuse
}

@test "going alone" {
	run_steps alone alone_step
}

@test "a promotion" {
	run_steps promote promote_step
}

@test "the source of a reunion" {
	run_steps source source_step
}

@test "the target of a reunion" {
	run_steps target target_step
}

@test "a stop" {
	run_steps stop stop
}

@test "a stop with a holder" {
	run_steps held held
}

@test "what is set aside before it is overwritten" {
	run_steps aside aside
}

@test "a lost index that is made again" {
	run_steps index index
}

@test "the look for changes made while stopped" {
	run_steps sweep sweep
}
