#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A resync with a bound of bytes a second.  Needs root.

load lib
load mirror

setup_file()
{
	mirror_can_run
	export MIRROR_CONF="resync_kbs = 4000"
	mirror_setup 2
}
teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

@test "the first copy, all of it data, takes as long as is allowed" {
	local begin ms

	on 1 sh -c "head -c 8000000 /dev/urandom >'$M/1/data/x/big'"
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1
	wait_until 5 "fact_is 1 mounted 1"
	begin=$(now_ms)
	join 1 2 0.1.1
	ms=$(($(now_ms) - begin))
	echo "# 8 MB at 4 MB/s: $ms ms" >&3
	[ "$(fact 1 sent_bytes)" -ge 8000000 ]
	[ "$ms" -ge 1800 ]
	[ "$ms" -lt 4000 ]
	same_trees
}

@test "what is written meanwhile is not held back" {
	local ms begin pid

	mirrord_kill 2
	ask 1 want role=prim epoch=0.2.1 set=self
	wait_until 5 "fact_is 1 alone 1"
	on 1 sh -ec "cd '$M/1/data/x'; head -c 8000000 /dev/urandom >big
	    sync big"
	mirrord_start 2
	join 1 2 0.2.1 3>&- &
	pid=$!
	wait_until 5 "[ \"\$(fact 1 sent_bytes)\" -gt 1000000 ]"
	begin=$(now_ms)
	on 1 sh -ec "cd '$M/1/data/x'; head -c 20000000 /dev/zero >more
	    sync more"
	ms=$(($(now_ms) - begin))
	echo "# 20 MB written and synced beside it: $ms ms" >&3
	[ "$ms" -lt 3000 ]
	wait $pid
	same_trees
}
