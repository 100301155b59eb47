#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Nodes of a farm leave, join and die under 300 long-lived connections and a
# new one every 2 ms: t/farm/round.bash says what is asked for.  A round with
# nft, one with BPF over IPv6, and with HOLDFAST_LONG twenty of each kind;
# t/farm/campaign runs as many as one likes.
# shellcheck disable=SC2154,SC2086,SC2034 # variables of lib.bash

load lib
load farm/lib
load farm/round

# Other suites run beside this one, and all nodes on the same processors.
[ -n "${HOLDFAST_LONG-}" ] || ROUND_SLACK_MS=250

setup_file()
{
	farm_module "$BATS_FILE_TMPDIR/$FARM"
	lab_setup_file 3 --module "$BATS_FILE_TMPDIR/$FARM" --set BACKEND=nft
	[ -e "$BATS_FILE_TMPDIR/skip" ] || farm_clients
}

setup()
{
	lab_setup
	wait_shared_by 60 n1 n2 n3
}

teardown()
{
	[ -e "$BATS_FILE_TMPDIR/skip" ] || {
		clients_kill
		farm_restore
	}
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

# rounds KIND IP COUNT: seeds are of the kind, so that each meets others.
rounds()
{
	local seed first=$1 ip=$2 count=$3 bad=0 dir

	[ -n "${HOLDFAST_LONG-}" ] && count=20
	for ((seed = first; seed < first + count; seed++)); do
		dir=$BATS_TEST_TMPDIR/$seed
		mkdir "$dir"
		if round_run "$dir" $seed "$ip" &&
		    round_judge "$dir"; then
			round_tell "$dir"
			continue
		fi
		bad=$((bad + 1))
		tail -n 60 "$dir"/*.out
	done
	[ $bad -eq 0 ]
}

@test "nft: join, leave and death break no connection of another node" {
	rounds 100 4 1
}

# What a run of a minute has no time for.
only_long()
{
	[ -n "${HOLDFAST_LONG-}" ] || skip "only with HOLDFAST_LONG"
}

@test "the same over IPv6" {
	only_long
	rounds 200 6 1
}

@test "bpf: the same" {
	only_long
	farm_backend bpf || skip "no BPF here: $(farm_backend_of n1)"
	rounds 300 4 1
}

@test "bpf: the same over IPv6" {
	farm_backend bpf || skip "no BPF here: $(farm_backend_of n1)"
	rounds 400 6 1
}

# t/90-farm.bats has it shorter.
@test "a node alone has all, and comes back without hands" {
	local at node

	only_long
	farm_backend auto || :
	client_start fresh fresh -d $FARM_VIP -s $CLIENTS+1000
	at=$EPOCHREALTIME
	for node in lan1 lan2; do
		"$LAB" cable n3 $node out
	done
	clients_mark out "$at"
	wait_shared_by 10 n1 n2
	wait_shared_by 10 n3
	isolated=$(now_ms)
	wait_until 15 "[ \$((\$(now_ms) - $isolated)) -ge 10000 ]"
	farm_shared_by n1 n2
	farm_shared_by n3
	at=$EPOCHREALTIME
	for node in lan1 lan2; do
		"$LAB" cable n3 $node in
	done
	clients_mark in "$at"
	wait_shared_by 20 n1 n2 n3
	clients_end "$BATS_TEST_TMPDIR"
	cat "$BATS_TEST_TMPDIR/fresh.out"
	round_seed=isolation round_bad=0
	for what in failed reset error; do
		round_zero "$BATS_TEST_TMPDIR" fresh $what mark=in
		round_zero "$BATS_TEST_TMPDIR" fresh $what mark=out
	done
	[ $round_bad -eq 0 ]
}
