#!/usr/bin/env bats
# Two mirrord and their keepd, driven by lines in place of moduled: first
# copy, join, loss, reunion, swap.  Needs root for namespaces and mounts.

load lib
load mirror

setup_file()
{
	mirror_can_run
	mirror_setup 2
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

work()
{
	on "$1" "$top_builddir/t/files/work" "$M/$1/data/x" "$2" "$3" 3>&-
}

# Lives of the primary's mirrord, and how far the requests were that its kills
# left, from its log: LIVES ANSWERED BEGUN NOT-BEGUN.
left_by_kills()
{
	sed -n 's/.*role: none -> prim.*/life/p
	    s/.*in hand: \([0-9]*\) answered, \([0-9]*\) begun, \([0-9]*\) .*/\1 \2 \3/p' \
	    "$M/1/log" | awk '
	    $1 == "life" { lives++; next }
	    { answered += $1; begun += $2; fetched += $3 }
	    END { print lives + 0, answered + 0, begun + 0, fetched + 0 }'
}

@test "first copy" {
	on 1 sh -c "cd '$M/1/data/x'; mkdir -p a/b; echo one >a/one
	    ln a/one a/b/two; ln -s one a/three
	    head -c 5000000 /dev/urandom >a/big
	    head -c 5000 /dev/urandom >a/tail
	    truncate -s 20M a/hole; setfattr -n user.k -v v a/one || :"
	first_copy
	same_trees
}

@test "what applications do is done on both" {
	on 1 mkdir "$M/1/data/x/ops"
	on 1 "$top_builddir/t/files/ops" "$M/1/data/x/ops" >/dev/null
	on 1 sync "$M/1/data/x/a/one"
	same_trees
}

@test "kill -9 of either under load: no error, and equal" {
	work 1 6 1 >"$M/work" &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		for i in 1 2; do
			sleep 0.3	# in which it serves
			mirrord_kill $i
			mirrord_start $i
		done
	done
	wait $pid || { cat "$M/work"; false; }
	cat "$M/work"
	wait_until 5 "fact_is 1 link up"
	on 1 sync "$M/1/data/x/a/one"
	fact_is 1 joined 1
	fact_is 1 peer_failed ""
	same_trees
}

@test "both die at each numbered step: no error, and equal" {
	work 1 12 5 >"$M/work" &
	pid=$!
	mirrord_kill 1
	mirrord_kill 2
	mirrord_dies_while 2 $pid 16:40 17:50 18:5 19:5 16:9 17:7 \
	    2>/dev/null &
	second=$!
	mirrord_dies_while 1 $pid 3:9 4:11 14:13 5:4 20:3 12:7 2:5 15:5 10:3 \
	    11:2 4:30 3:30
	wait $second
	mirrord_start 1
	mirrord_start 2
	wait $pid || { cat "$M/work"; false; }
	echo "# $(cat "$M/work")" >&3
	read -r lives answered begun fetched < <(left_by_kills)
	echo "# $lives lives; left by kills: $answered answered, $begun begun," \
	    "$fetched not begun" >&3
	# The kills met what they are for (R55, R56).
	[ "$answered" -gt 0 ]
	[ "$begun" -gt 0 ]
	wait_until 5 "fact_is 1 link up"
	on 1 sync "$M/1/data/x/a/one"
	fact_is 1 joined 1
	fact_is 1 peer_failed ""
	same_trees
}

@test "a sync waits for the peer until it is out of the set" {
	mirrord_kill 2
	on 1 sh -c "echo late >'$M/1/data/x/late'; sync '$M/1/data/x/late'
	    echo answered >'$M/answered'" 3>&- &
	wait_until 5 "[ \"\$(fact 1 stall_ms)\" -gt 300 ]"
	[ ! -e "$M/answered" ]
	# Reads go on meanwhile.
	[ "$(on 1 cat "$M/1/data/x/a/one")" = one ]
	ask 1 want role=prim epoch=0.2.1 set=self
	wait_until 5 "[ -e $M/answered ]"
	fact_is 1 alone 1
	fact_is 1 epoch 0.2.1
}

@test "a node that joins and stands still is left behind" {
	mirrord_start 2
	ask 2 want role=second epoch=0.2.1 primary=n1
	wait_until 20 "fact_is 1 ready 1"
	kill -STOP "$(cat "$M/2/mirrord")"
	on 1 sh -c "echo strict >'$M/1/data/x/strict'
	    sync '$M/1/data/x/strict'; echo answered >'$M/strict'" 3>&- &
	wait_until 2 "[ \"\$(fact 1 stall_ms)\" -gt 300 ]"
	[ ! -e "$M/strict" ]
	wait_until 8 "[ -e $M/strict ]"
	fact_is 1 ready 0
	mirrord_kill 2
}

@test "reunion sends what changed, while the application runs" {
	on 1 sh -c "cd '$M/1/data/x'; echo changed >a/one; mv a/big a/moved
	    rm a/three; mkdir c; echo new >c/new; chmod 600 a/hole
	    fallocate -p -o 4096 -l 4096 a/tail"
	mirrord_start 2
	work 1 3 2 >"$M/work" &
	pid=$!
	join 1 2 0.2.1
	wait $pid || { cat "$M/work"; false; }
	# The five megabytes that only got another name stay where they are.
	[ "$(fact 1 sent_bytes)" -lt 5000000 ]
	same_trees
	# A hole at the end of a file frees the whole block there too.
	[ "$(on 1 stat -c %b "$M/1/data/x/a/tail")" = \
	    "$(on 2 stat -c %b "$M/2/data/x/a/tail")" ]
}

@test "what failed while it was out is no word against it when it is back" {
	ask 1 want role=prim epoch=0.2.2 set=self
	wait_until 5 "fact_is 1 alone 1"
	ask 2 want role=second epoch=0.2.2 primary=n1
	wait_until 20 "fact_is 1 ready 1"
	# Level, asked in by nobody yet.
	beneath 2 chattr +i /mnt/x/a/one
	on 1 sh -c "echo more >>'$M/1/data/x/a/one'" 3>&- &
	wait_until 5 'grep -q "it is not level now" "$M/1/log"'
	beneath 2 chattr -i /mnt/x/a/one
	await 1 20000 ready=1 peer_failed=
	join 1 2 0.2.2
	same_trees
}

@test "swap" {
	ask 1 want role=down
	wait_until 10 "fact_is 1 drained 1"
	fact_is 1 equal 1
	ask 1 want role=down handed=n2 epoch=0.3.2
	wait_until 5 "fact_is 1 handed n2"
	[[ $(ask 1 want role=prim epoch=0.2.1 set=self) == *old-epoch* ]]
	ask 2 want role=prim epoch=0.3.2 set=self
	wait_until 5 "fact_is 2 mounted 1"
	on 2 sh -c "echo two >'$M/2/data/x/two'; sync '$M/2/data/x/two'"
	join 2 1 0.3.2
	same_trees
}

@test "the second takes over with all that was acknowledged" {
	on 2 sh -c "cd '$M/2/data/x'; for i in 1 2 3 4 5 6 7 8 9; do
	    echo \$i >ack\$i; sync ack\$i; done"
	mirrord_kill 2
	ask 1 want role=prim epoch=0.4.1 set=self
	wait_until 5 "fact_is 1 mounted 1"
	for i in 1 2 3 4 5 6 7 8 9; do
		[ "$(on 1 cat "$M/1/data/x/ack$i")" = $i ]
	done
	on 1 sh -c "cd '$M/1/data/x'; echo survivor >ack1; rm ack2"
}

@test "the old primary comes back as second" {
	mirrord_start 2
	ask 2 want role=wait
	wait_until 10 "fact_is 2 role wait"
	join 1 2 0.4.1
	same_trees
}

@test "two histories: the lower epoch follows, and keeps its own" {
	mirrord_kill 2
	ask 1 want role=prim epoch=0.5.1 set=self
	wait_until 5 "fact_is 1 alone 1"
	on 1 sh -c "echo mine >'$M/1/data/x/mine'"
	ask 1 want role=wait
	wait_until 10 "fact_is 1 role wait"
	mirrord_start 2
	ask 2 want role=prim epoch=0.6.2 set=self
	wait_until 5 "fact_is 2 mounted 1"
	on 2 sh -c "echo theirs >'$M/2/data/x/theirs'"
	ask 1 want role=second epoch=0.6.2 primary=n2
	wait_until 20 "fact_is 2 ready 1"
	ask 2 want role=prim epoch=0.6.2 set=both
	wait_until 5 "fact_is 1 level 1"
	same_trees
	[ ! -e "$M/1/data/x/mine" ]
	[[ $(fact 1 aside) == "0.5.1 "*" 1 5 n2 0.6.2 log" ]]
	on 1 sh -c "mkdir -p '$M/raw'; mount --bind '$M/1/data' '$M/raw'"
	on 1 grep -q "^new file 5 mine" "$M/raw/x/.holdfast/diverged/0.5.1/LIST"
	[ "$(on 1 cat "$M/raw/x/.holdfast/diverged/0.5.1/files/mine")" = mine ]
	on 1 umount "$M/raw"
	# It is of this node alone, and no application sees it.
	[ -z "$(fact 2 aside)" ]
	[ -z "$(on 2 ls "$M/2/data/x/.holdfast" 2>/dev/null)" ]
}

@test "a forced era: the other one follows by itself, and keeps its own" {
	mirrord_kill 1
	ask 2 want role=prim epoch=0.7.2 set=self
	wait_until 5 "fact_is 2 alone 1"
	on 2 sh -c "echo lost >'$M/2/data/x/lost'"
	ask 2 want role=wait
	wait_until 10 "fact_is 2 role wait"
	mirrord_start 1
	ask 1 want role=prim epoch=1.8.1 set=self
	wait_until 5 "fact_is 1 mounted 1"
	ask 2 want role=second epoch=1.8.1 primary=n1
	wait_until 20 "fact_is 1 ready 1"
	ask 1 want role=prim epoch=1.8.1 set=both
	wait_until 5 "fact_is 2 level 1"
	same_trees
	[ ! -e "$M/2/data/x/lost" ]
	[[ $(fact 2 aside) == "0.7.2 "*" n1 1.8.1 log" ]]
}
