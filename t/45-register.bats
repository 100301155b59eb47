#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Two nodes and a witness: who may be primary is decided by vote, and a lease
# keeps two from serving at once.  Bounds: a takeover is the grant (L7) and one
# round of votes, the loss of a secondary 0.6 T, a pulse and a round.
# shellcheck disable=SC2016 # lines for wait_until

load lib

# T 2 s: grant T + 1 % + G, D and a pulse; a round of votes is two syncs.
GRANT=2220
LOSS=1400
ROUND=300
SLACK=200

setup_file()
{
	lab_setup_file 2 --witness --module "$(quick_ledger)"
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

# lease NODE FILTER: of the JSON's lease.
lease()
{
	on "$1" holdfast status --json | jq -r ".modules[0].lease | $2"
}

warned()
{
	on "$1" holdfast status --json |
	    jq -e --arg c "$2" '.modules[0].warnings[] |
	    select(.code == $c)' >/dev/null
}

why()
{
	on "$1" holdfast status --json | jq -r '.modules[0].blocked.code'
}

# What the status of a node that waits proposes, a line each.
commands()
{
	on "$1" holdfast status --json |
	    jq -r '.modules[0].blocked.go_on[].command'
}

# Frozen processes of the application.
is_frozen()
{
	on "$1" sh -c 'cat /sys/fs/cgroup/*/*/cgroup.freeze \
	    /sys/fs/cgroup/*/*/*/cgroup.freeze 2>/dev/null' | grep -q 1
}

answers()
{
	on c1 timeout 2 arping -q -c 1 -w 1 -I lan1 "$VIP" 2>/dev/null ||
	    on c1 timeout 2 ping -q -c 1 -W 1 "$VIP" >/dev/null 2>&1
}

long()
{
	[ -n "${HOLDFAST_LONG-}" ] || skip "HOLDFAST_LONG is not set"
}

pair_is_restored()
{
	"$LAB" heal
	"$LAB" power on w1
	pair_restore
}

@test "three voters, a lease, and no word of heartbeats only" {
	[ "$(state n1)" = "PRIM Ready" ]
	[ "$(state n2)" = "SECOND Ready" ]
	[ "$(lease n1 .mode)" = register ]
	[ "$(lease n1 '.voters | sort | join(",")')" = n1,n2,w1 ]
	wait_until 10 '! warned n1 heartbeats-only && ! warned n1 voters-new'
	on n1 nft list set inet holdfast_ledger leased4 | grep -q "$VIP"
}

@test "the primary loses its power: taken over in the grant and one round" {
	local off gap bound

	load_start
	off=$(now_ms)
	"$LAB" power off n1
	wait_state 20 n2 ALONE
	load_goes_on 10
	gap=$(gap_since "$off")
	bound=$((GRANT + ROUND + $(script_ms n2) + SLACK))
	echo "# takeover: gap $gap ms of $bound ms" >&3
	verify
	[ "$gap" -le "$bound" ]
	"$LAB" power on n1
	wait_until 60 'pair_is_level n2 n1'
	load_goes_on 5
	load_stop
	verify
	trees_are_equal
}

@test "the secondary is lost: a pause of D, a pulse and one round" {
	local off gap bound=$((LOSS + ROUND + SLACK)) tally

	pair_is_restored
	load_start
	off=$(now_ms)
	"$LAB" power off n2
	wait_state 20 n1 ALONE
	load_goes_on 10
	gap=$(gap_since "$off")
	echo "# loss: gap $gap ms of $bound ms" >&3
	[ "$gap" -le "$bound" ]
	# The witness and n1 are a majority; of those left none is.
	"$LAB" power off w1
	wait_until 20 'warned n1 voters-silent'
	[ "$(state n1)" = "ALONE Ready" ]
	load_goes_on 5
	"$LAB" power on w1
	"$LAB" power on n2
	wait_until 60 'pair_is_level n1 n2'
	tally=$(load_stop)
	[ "$(field refused "$tally")" -eq 0 ]
	verify
	trees_are_equal
}

@test "a primary cut from all is fenced, and taken over; it follows" {
	pair_is_restored
	load_start
	"$LAB" cable n1 lan1 out
	"$LAB" cable n1 lan2 out
	wait_until 4 'is_frozen n1'
	[ "$(on n1 holdfast status --json |
	    jq -r '.modules[0].quality')" = NotReady ]
	wait_state 10 n2 ALONE
	load_goes_on 10
	# After fencehold it gives up and waits.
	wait_state 20 n1 WAIT NotReady
	run is_frozen n1
	[ "$status" -ne 0 ]
	"$LAB" cable n1 lan1 in
	"$LAB" cable n1 lan2 in
	wait_until 60 'pair_is_level n2 n1'
	load_stop
	verify
	trees_are_equal
}

@test "cut from its secondary alone it goes on by the witness" {
	long
	pair_is_restored
	load_start
	"$LAB" cut n1 n2
	wait_state 10 n1 ALONE
	load_goes_on 5
	wait_until 20 '[ "$(state n2)" = "WAIT NotReady" ]'
	[ "$(why n2)" = peer-newer ]
	"$LAB" heal n1 n2
	wait_until 60 'pair_is_level n1 n2'
	load_stop
	verify
	trees_are_equal
}

@test "no majority: fenced, and it goes on where it stood" {
	long
	pair_is_restored
	load_start
	"$LAB" power off w1
	wait_until 20 'warned n1 voter-silent'
	[ "$(state n1)" = "PRIM Ready" ]
	"$LAB" cut n1 n2
	wait_until 4 'is_frozen n1'
	[ "$(why n1)" = lease-over ]
	# The first that reaches it has its vote.
	"$LAB" power on w1
	wait_until 10 '[ "$(state n1)" = "ALONE Ready" ] ||
	    [ "$(state n2)" = "ALONE Ready" ]'
	load_goes_on 10
	"$LAB" heal n1 n2
	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
	load_stop
	verify
	trees_are_equal
}

@test "power cuts in any order: only who has every entry starts" {
	local first

	pair_is_restored
	for first in ${HOLDFAST_LONG:+n1} n2; do
		load_start
		"$LAB" power off n2
		wait_state 20 n1 ALONE
		load_goes_on 10
		"$LAB" power off n1
		on c1 sh -c 'kill "$(cat /srv/pid)"; rm /srv/pid'
		if [ "$first" != n1 ]; then
			"$LAB" power on n2
			wait_until 30 '[ "$(why n2)" = peer-newer ]'
			[ "$(state n2)" = "WAIT NotReady" ]
			commands n2 | grep -qx "holdfast prim ledger"
			run on n2 holdfast prim ledger </dev/null
			[ "$status" -eq 79 ]
			"$LAB" power on n1
		else
			"$LAB" power on n1
			wait_state 30 n1 ALONE
			"$LAB" power on n2
		fi
		wait_until 60 'pair_is_level n1 n2'
		verify
	done
	load_start
	"$LAB" power off n1 &
	"$LAB" power off n2
	wait
	on c1 sh -c 'kill "$(cat /srv/pid)"; rm /srv/pid'
	"$LAB" power on n2
	wait_state 60 n2 ALONE
	"$LAB" power on n1
	wait_until 60 'pair_is_level n2 n1'
	verify
	trees_are_equal
}

@test "the disk of the primary, with its records, goes read-only" {
	[ -n "${HOLDFAST_LONG-}" ] ||
	    skip "HOLDFAST_LONG is not set; 20-daemons has it"
	pair_restore
	disk_fails n1
}

@test "a mirrord that does not start again: the place is taken by vote" {
	pair_restore
	does_not_start n1
}

@test "swap, stop and start, by vote" {
	local start

	pair_is_restored
	load_start
	start=$(now_ms)
	on n1 holdfast swap ledger --timeout 30
	wait_until 30 'pair_is_level n2 n1'
	load_goes_on 10
	echo "# swap: gap $(gap_since "$start") ms" >&3
	[ "$(gap_since "$start")" -le 3000 ]
	load_stop
	verify
	on n1 holdfast stop ledger --timeout 30
	wait_state 10 n2 ALONE
	on n2 holdfast stop ledger --timeout 30
	on n1 holdfast start ledger --no-wait
	wait_state 30 n1 WAIT NotReady
	on n2 holdfast start ledger --no-wait
	wait_until 60 'pair_is_level n2 n1'
	verify
	trees_are_equal
}
