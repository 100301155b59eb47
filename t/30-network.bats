#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Cables and frozen nodes: who goes on, who waits, and what is said.
# shellcheck disable=SC2016 # lines for wait_until

load lib

setup_file()
{
	lab_setup_file 2 --module "$(quick_ledger)"
}

setup()
{
	lab_setup
	[ -e "$BATS_FILE_TMPDIR/first" ] && pair_restore
	touch "$BATS_FILE_TMPDIR/first"
}

teardown()
{
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

@test "one cable of two out: nobody changes its role" {
	local node tally

	for node in n1 n2; do
		load_start
		"$LAB" cable $node lan2 out
		# Longer than T + 3G: time for a wrong decision.
		holds 3 'pair_is_level n1 n2'
		load_goes_on 3
		"$LAB" cable $node lan2 in
		holds 1 'pair_is_level n1 n2'
		tally=$(load_stop)
		echo "$tally"
		[ "$(field refused "$tally")" -eq 0 ]
		[ "$(field lost_connections "$tally")" -eq 0 ]
		verify
	done
	"$LAB" cable n2 lan1 out
	holds 3 'pair_is_level n1 n2'
	"$LAB" cable n2 lan1 in
}

@test "freeze --deaf of the primary: takeover; thawed, it steps down" {
	load_start
	"$LAB" freeze n1 --deaf
	wait_state 20 n2 ALONE
	load_goes_on 10
	verify
	"$LAB" thaw n1 --deaf
	wait_until 60 'pair_is_level n2 n1'
	run on n1 ip -o addr
	[[ "$output" != *"$VIP/"* ]]
	load_goes_on 10
	load_stop
	verify
	trees_are_equal
}

@test "freeze of the primary: the address answers, nobody takes over" {
	local text

	load_start
	"$LAB" freeze n1
	wait_state 20 n2 WAIT NotReady
	text=$(on n2 holdfast status ledger)
	echo "$text"
	grep -q "$VIP" <<<"$text"
	run on n2 ip -o addr
	[[ "$output" != *"$VIP/"* ]]
	"$LAB" thaw n1
	load_goes_on 20
	wait_until 60 'pair_is_level n1 n2'
	load_stop
	verify
	trees_are_equal
}

@test "both cables of the primary out: the secondary takes over" {
	load_start
	"$LAB" cable n1 lan1 out
	"$LAB" cable n1 lan2 out
	wait_state 20 n2 ALONE
	load_goes_on 10
	verify
	wait_state 30 n1 WAIT NotReady
	"$LAB" cable n1 lan1 in
	"$LAB" cable n1 lan2 in
	wait_until 60 'pair_is_level n2 n1'
	load_goes_on 10
	load_stop
	verify
	trees_are_equal
}

@test "both cables of the secondary out: the primary goes on alone" {
	local tally

	load_start
	"$LAB" cable n2 lan1 out
	"$LAB" cable n2 lan2 out
	wait_state 20 n1 ALONE
	load_goes_on 10
	wait_state 30 n2 WAIT NotReady
	"$LAB" cable n2 lan1 in
	"$LAB" cable n2 lan2 in
	wait_until 60 'pair_is_level n1 n2'
	tally=$(load_stop)
	[ "$(field refused "$tally")" -eq 0 ]
	verify
	trees_are_equal
}
