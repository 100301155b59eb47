#!/usr/bin/env bats
# Random changes of files by every way there is (t/files/fsx), through a
# reunion, a swap, another reunion and a takeover: the application finds what
# it wrote, and both nodes hold the same.  Needs root for namespaces and
# mounts.  With HOLDFAST_LONG a million steps.

load lib
load mirror

setup_file()
{
	mirror_can_run
	export STEPS=${HOLDFAST_LONG:+84000}
	STEPS=${STEPS:-6000}
	mirror_setup 2
	first_copy
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

# fsx N FROM: the steps of three files from FROM on, in the background.
fsx()
{
	local opt seed

	: >"$M/fsx"
	pids=()
	for seed in 1 2 3; do
		opt=$([ $seed -lt 3 ] || echo -d)
		# shellcheck disable=SC2086 # none or one
		on "$1" "$top_builddir/t/files/fsx" $opt \
		    "$M/$1/data/x/fsx.$seed" $seed "$2" $(($2 + STEPS)) \
		    >>"$M/fsx" 3>&- &
		pids+=($!)
	done
}

fsx_ends()
{
	local pid

	for pid in "${pids[@]}"; do
		wait "$pid" || { cat "$M/fsx"; return 1; }
	done
	cat "$M/fsx"
}

# lost_and_found P S EPOCH EPOCH: S dies, P goes on alone, S comes back.
lost_and_found()
{
	mirrord_kill "$2"
	ask "$1" want role=prim epoch="$3" set=self
	wait_until 5 "fact_is $1 alone 1"
	# Some of the steps are made alone.
	wait_until 60 "[ \$(fact $1 dirty_bytes) -gt 4096 ]"
	mirrord_start "$2"
	kill -0 "${pids[0]}"
	join "$1" "$2" "$3"
}

@test "a reunion in the middle" {
	fsx 1 0
	lost_and_found 1 2 0.2.1
	fsx_ends
	same_trees
}

@test "a swap, and the steps go on from what the other node has" {
	hand_over 1 2 0.3.2
	join 2 1 0.3.2
	fsx 2 "$STEPS"
	lost_and_found 2 1 0.4.2
	fsx_ends
	same_trees
}

@test "mirrord of either dies again and again" {
	fsx 2 $((2 * STEPS))
	for i in 1 2 1 2 1 2; do
		kill -0 "${pids[1]}" 2>/dev/null || break
		mirrord_kill $i
		mirrord_start $i
		sleep 0.2 # the work goes on meanwhile
	done
	fsx_ends
	wait_until 5 "fact_is 2 link up"
	on 2 sync "$M/2/data/x/fsx.1"
	fact_is 2 joined 1
	fact_is 2 peer_failed ""
	same_trees
}

@test "a takeover, and all that was synced is there" {
	mirrord_kill 2
	ask 1 want role=prim epoch=0.5.1 set=self
	wait_until 5 "fact_is 1 mounted 1"
	fsx 1 $((3 * STEPS))
	fsx_ends
}
