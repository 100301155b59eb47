#!/usr/bin/env bats
# mirrord alone, with its keepd: what applications can do in the mirror, and
# that its death is not noticed.  Needs root for the mounts it makes.

load lib
load mirror

setup_file()
{
	mirror_can_run
	mirror_setup 1
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1
	wait_until 5 "fact_is 1 mounted 1"
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

@test "a mirror behaves as the file system below it" {
	on 1 "$top_builddir/t/files/ops" "$M/1/data/native" >"$M/native"
	on 1 "$top_builddir/t/files/ops" "$M/1/data/x" >"$M/mirrored"
	diff -a "$M/native" "$M/mirrored"
	[ "$(wc -l <"$M/native")" -gt 80 ]
}

@test "our own directory is hidden and cannot be made" {
	run on 1 ls -A "$M/1/data/x"
	[[ $output != *.holdfast* ]]
	run on 1 mkdir "$M/1/data/x/.holdfast"
	[[ $output == *"not permitted"* ]]
}

@test "an older epoch and nonsense are refused" {
	[[ $(ask 1 want role=prim epoch=0.0.1 set=self) == *old-epoch* ]]
	[[ $(ask 1 want role=prim) == *"needs an epoch"* ]]
	[[ $(ask 1 want role=king epoch=0.9.1) == *usage* ]]
	fact_is 1 epoch 0.1.1
}

@test "kill -9 again and again: no application notices" {
	on 1 "$top_builddir/t/files/work" "$M/1/data/x" 6 1 >"$M/work" 3>&- &
	pid=$!
	kills=0
	while kill -0 $pid 2>/dev/null; do
		sleep 0.15	# in which it serves
		mirrord_kill 1
		mirrord_start 1
		kills=$((kills + 1))
	done
	wait $pid || { cat "$M/work"; false; }
	cat "$M/work"
	[ $kills -gt 5 ]
	# It was worth it: requests were in hand.
	grep -q "requests were in hand" "$M/1/log"
}

@test "it dies at each numbered step: no application notices" {
	on 1 "$top_builddir/t/files/work" "$M/1/data/x" 8 2 >"$M/work" 3>&- &
	pid=$!
	mirrord_kill 1
	mirrord_dies_while 1 $pid 12:7 2:5 3:9 4:11 14:13 15:5 10:3 11:2 5:4 \
	    6:2 7:2 8:1 12:40 3:30 4:30 14:30
	mirrord_start 1
	wait $pid || { cat "$M/work"; false; }
	cat "$M/work"
}

# What keepd holds, by name.
kept()
{
	on 1 sh -c "echo status | socat -t1 - \
	    UNIX:'$M/1/run/holdfast/keepd.sock'" | grep -o 'name=[^ ]*' | sort
}

@test "a killed keepd is refilled and the next life finds everything" {
	before=$(kept)
	[ -n "$before" ]
	kill -9 "$(cat "$M/1/keepd")"
	keepd_start 1
	wait_until 5 '[ "$(kept)" = "$before" ]'
	on 1 sh -c "echo before >'$M/1/data/x/k'"
	mirrord_kill 1
	mirrord_start 1
	fact_is 1 mounted 1
	[ "$(on 1 cat "$M/1/data/x/k")" = before ]
}

@test "down kills who holds the mirror, and says so" {
	on 1 sh -c "cd '$M/1/data/x' && exec sleep 100" 3>&- &
	holder=$!
	wait_until 5 "ask 1 holders | grep -q comm=sleep"
	ask 1 want role=down
	wait_until 10 "fact_is 1 drained 1"
	fact_is 1 mounted 0
	run wait $holder
	[ "$status" -ne 0 ]
	grep -q "held by process .*sleep.*killed" "$M/1/log"
}

@test "not primary: the directory can be read and not changed" {
	ask 1 want role=wait
	wait_until 5 "fact_is 1 role wait"
	[ "$(on 1 cat "$M/1/data/x/k")" = before ]
	run on 1 touch "$M/1/data/x/new"
	[[ $output == *"Read-only"* ]]
	run on 1 ls -A "$M/1/data/x/.holdfast"
	[ -z "$output" ] || [[ $output == *"No such"* ]]
}

@test "stopped: the plain directory is back" {
	ask 1 want role=none
	wait_until 5 "fact_is 1 role none"
	on 1 touch "$M/1/data/x/new"
	on 1 rm "$M/1/data/x/new"
	not on 1 grep -q "$M/1/data/x" /proc/self/mountinfo
}

@test "who is inside before the mirror is named" {
	on 1 sh -c "cd '$M/1/data/x' && exec sleep 100" 3>&- &
	wait_until 5 "ask 1 holders | grep -q comm=sleep"
	ask 1 want role=prim epoch=0.2.1 set=self
	wait_until 5 "fact_is 1 code holders"
	[[ $(fact 1 error) == *"(sleep) has "*" open underneath (cwd)"* ]]
	fact_is 1 mounted 0
	kill "$(ask 1 holders | sed -n 's/.*pid=\([0-9]*\) comm=sleep.*/\1/p')"
	wait_until 5 "fact_is 1 mounted 1"
	fact_is 1 epoch 0.2.1
}

@test "a damaged record is not guessed at" {
	ask 1 want role=none
	wait_until 5 "fact_is 1 role none"
	mirrord_kill 1
	printf 'rot' | dd of="$M/1/var/lib/holdfast/m/gen" bs=1 seek=100 \
	    conv=notrunc status=none
	printf 'rot' | dd of="$M/1/var/lib/holdfast/m/gen" bs=1 seek=4196 \
	    conv=notrunc status=none
	mirrord_start 1
	ask 1 want role=prim epoch=0.3.1 set=self
	wait_until 5 "fact_is 1 code gen"
	[[ $(fact 1 error) == *damaged* ]]
	fact_is 1 mounted 0
}
