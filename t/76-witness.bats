#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# A pair and its witness, as an administrator has it: added and removed while
# it serves, dead, replaced, back with an old disk; and what it is for, a
# primary that is cut off.
# shellcheck disable=SC2016 # lines for wait_until

load lib

# T is 2 s; with slack for the machine.
GAP=2500

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

# warns NODE CODE: its status has that warning.
warns()
{
	on "$1" holdfast status --json | jq -e --arg c "$2" \
	    '.modules[0].warnings[] | select(.code == $c)' >/dev/null
}

# blocked NODE: the code of what it waits for.
blocked()
{
	on "$1" holdfast status --json | jq -r '.modules[0].blocked.code'
}

# lease NODE: mode, how many voters answer, how many nodes are in the set.
lease()
{
	on "$1" holdfast status --json | jq -r '.modules[0].lease |
	    "\(.mode) \(.answering) \(.members | length)"'
}

# Everything in force: all three answer, both are in the set, no warning.
is_whole()
{
	pair_is_level "$1" "$(other "$1")" &&
	    [ "$(lease "$1")" = "register 3 2" ] &&
	    [ "$(on "$1" holdfast status --json |
	    jq '.modules[0].warnings | length')" = 0 ]
}

# The changes of state that a node has logged, all of them.
changes()
{
	on "$1" cat /var/log/holdfast/ledger.events | grep -c ' -> '
}

# there_and_back: n1 is the primary again, of another epoch.
there_and_back()
{
	on n1 holdfast swap ledger --timeout 30
	wait_until 20 'pair_is_level n2 n1'
	on n1 holdfast swap ledger --timeout 30
	wait_until 20 'pair_is_level n1 n2'
}

@test "a pair with a witness is green, and check and list say so" {
	wait_until 20 'is_whole n1'
	run on n1 holdfast status
	[[ $output == *"voters: n1, n2, w1; 3 of 3 answer; in sync: n1, n2"* ]]
	run on n1 holdfast cluster witness list
	[ "$status" -eq 0 ]
	[ "$(grep -c 'primary n1, in sync n1, n2$' <<<"$output")" -eq 3 ]
	run on n1 holdfast check
	[[ $output == *"ok       w1: votes, and answers in "* ]]
	not grep -qE '^(WARNING|ERROR) +(w1|n2|cluster):' <<<"$output"
	run on n1 check_holdfast -m ledger
	[ "$status" -eq 0 ] || { echo "$output"; false; }
}

@test "the witness is removed and added while the pair serves" {
	local begun

	load_start
	begun=$(now_ms)
	run on n1 holdfast cluster witness remove w1 </dev/null
	[ "$status" -eq 79 ]
	on n1 holdfast cluster witness remove w1 --yes w1
	wait_until 10 'warns n1 heartbeats-only && warns n2 heartbeats-only'
	wait_until 10 'pair_is_level n1 n2'
	load_goes_on 5
	[ "$(gap_since "$begun")" -lt "$GAP" ]
	# What the voters hold is of another time when they come back.
	there_and_back
	begun=$(now_ms)
	run on n1 holdfast cluster witness add w1 10.88.1.211,10.88.2.211
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	# What it printed is what the witness wants.
	on w1 sh -c "$(grep -o "printf .*" <<<"$output")"
	wait_until 20 'is_whole n1'
	load_goes_on 5
	[ "$(gap_since "$begun")" -lt "$GAP" ]
	load_stop
	verify
	# And it can fail over by them.
	there_and_back
	wait_until 20 'is_whole n1'
}

@test "a dead witness is a warning and nothing else" {
	local n1 n2

	n1=$(changes n1) n2=$(changes n2)
	"$LAB" power off w1
	wait_until 15 'warns n1 voter-silent'
	run on n1 holdfast cluster witness list
	[ "$status" -eq 69 ]
	[[ $output == *"w1 "*"silent"* ]]
	run on n1 check_holdfast -m ledger
	[ "$status" -eq 1 ] || { echo "$status $output"; false; }
	pair_is_level n1 n2
	"$LAB" power on w1
	wait_until 20 'is_whole n1'
	[ "$(changes n1) $(changes n2)" = "$n1 $n2" ]
}

@test "a witness is replaced by an empty machine" {
	local old

	old=$(on w1 witnessd -l | sed -n 's/^voter \([^,]*\),.*/\1/p')
	"$LAB" power off w1
	run on n1 holdfast cluster witness replace w1
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	mkfs.ext4 -q -F -m 0 -i 4096 "/var/tmp/holdfast-lab-$HOLDFAST_LAB/w1.img"
	"$LAB" power on w1
	on w1 sh -c "$(grep -o "printf .*" <<<"$output")"
	wait_until 20 'is_whole n1'
	not on w1 sh -c "witnessd -l | grep -q '$old'"
}

# In place, as a snapshot of its disk does: witnessd cannot see that.
put_back()
{
	on w1 sh -c 'kill "$(pgrep -x witnessd)"
	    cd /var/lib/holdfast/witness
	    for f in *:*; do dd if="/srv/old/$f" of="$f" conv=notrunc,fsync \
	    status=none; done'
}

@test "put back in time unseen, it is replaced by itself" {
	on w1 sh -c 'cp -a /var/lib/holdfast/witness /srv/old && sync'
	on n1 holdfast swap ledger --timeout 30
	wait_until 20 'is_whole n2'
	put_back
	load_start
	wait_until 30 'on n2 holdfast status --json |
	    grep -q "w1 answers from an old disk"'
	run on n2 holdfast cluster witness replace w1
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	on w1 sh -c "$(grep -o "printf .*" <<<"$output")" |
	    grep 'votes of before are forgotten'
	wait_until 30 'is_whole n2'
	load_goes_on 5
	load_stop
	verify
	on n2 holdfast swap ledger --timeout 30
	wait_until 20 'is_whole n1'
}

@test "a witness that is put back in time does not vote from it" {
	on w1 sh -c 'tar -C /var/lib/holdfast -cf /srv/old.tar witness && sync'
	on n1 holdfast swap ledger --timeout 30
	wait_until 20 'is_whole n2'
	"$LAB" power off w1
	"$LAB" power on w1
	on w1 sh -c 'kill "$(pgrep -x witnessd)"; rm -rf /var/lib/holdfast/witness
	    tar -C /var/lib/holdfast -xf /srv/old.tar'
	load_start
	wait_until 30 'is_whole n2'
	on w1 sh -c '! witnessd -l | grep "primary 1"'
	load_goes_on 5
	load_stop
	verify
	on n2 holdfast swap ledger --timeout 30
	wait_until 20 'is_whole n1'
}

@test "a primary that is cut off stops before the other one begins" {
	load_start
	"$LAB" cable n1 lan1 out
	"$LAB" cable n1 lan2 out
	wait_state 20 n2 ALONE
	[[ $(state n1) != "PRIM Ready" ]]
	load_goes_on 10
	wait_state 30 n1 WAIT NotReady
	"$LAB" cable n1 lan1 in
	"$LAB" cable n1 lan2 in
	wait_until 60 'is_whole n2'
	load_stop
	verify
	trees_are_equal
}

@test "no majority: it waits, says so with 80, and goes on by itself" {
	"$LAB" power off w1
	"$LAB" power off n1
	wait_until 30 '[ "$(blocked n2)" = no-majority ]'
	run on n2 holdfast status
	[[ $output == *"no majority of the voters answers"* ]]
	[[ $output == *"n1 "* && $output == *"w1 "* ]]
	[[ $output == *"to go on: holdfast prim ledger"* ]]
	run on n2 holdfast start ledger --timeout 20
	[ "$status" -eq 80 ] || { echo "$status $output"; false; }
	"$LAB" power on w1
	wait_state 30 n2 ALONE
	"$LAB" power on n1
	wait_until 60 'is_whole n2'
	trees_are_equal
}
