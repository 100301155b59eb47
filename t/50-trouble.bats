#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Disks, addresses and datagrams that are not as they should be: a message,
# the safe state, nothing lost.
# shellcheck disable=SC2016 # lines for wait_until

load lib

setup_file()
{
	lab_setup_file_ledger
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

@test "the secondary's disk is full: the application goes on" {
	load_start
	"$LAB" disk n2 full
	# Entries need blocks sooner or later; this needs them now.
	on n1 bash -c 'head -c 33554432 /dev/urandom >/srv/ledger/filler'
	load_goes_on 20
	wait_until 20 '[ "$(state n1)" = "ALONE Ready" ]'
	on n2 holdfast status ledger
	"$LAB" disk n2 ok
	wait_until 60 'pair_is_level n1 n2'
	load_goes_on 10
	load_stop
	verify
	on n1 rm /srv/ledger/filler
	trees_are_equal
}

@test "the primary's disk is full: an error, and no entry is lost" {
	pair_restore
	load_start
	"$LAB" disk n1 full
	on n1 bash -c 'head -c 8388608 /dev/zero >/srv/ledger/filler' || :
	# Who is called at night reads it in the status, in why and as an alert.
	wait_until 15 'on n1 holdfast status ledger |
	    grep -q "n1: /srv/ledger is full.*writes of the application fail"'
	on n1 holdfast why ledger | grep -q 'n1: /srv/ledger is full'
	wait_until 10 'on n1 holdfast alert list | grep -q "critical: n1: .*full"'
	"$LAB" disk n1 ok
	on n1 rm -f /srv/ledger/filler
	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
	load_goes_on 20
	load_stop
	verify
	trees_are_equal
}

@test "a secondary whose disk is slow is given up within the bound" {
	local start gap

	pair_restore
	load_start
	start=$(now_ms)
	"$LAB" disk n2 slow
	on n1 bash -c 'head -c 16777216 /dev/urandom >/srv/ledger/filler &&
	    sync /srv/ledger/filler'
	load_goes_on 20
	"$LAB" disk n2 ok
	wait_until 90 'pair_is_level n1 n2'
	gap=$(gap_since "$start")
	echo "# longest pause with a slow secondary: $gap ms" >&3
	# stall is 2 s, then it is given up
	[ "$gap" -lt 5000 ]
	load_stop
	verify
	on n1 rm /srv/ledger/filler
}

@test "the address is answered by another host: it waits and says so" {
	local text

	pair_restore
	on n2 holdfast stop ledger --timeout 30
	on n1 holdfast stop ledger --timeout 30
	on c1 ip addr add "$VIP/24" dev lan1
	on n1 holdfast start ledger --no-wait
	wait_state 30 n1 WAIT NotReady
	text=$(on n1 holdfast status ledger)
	echo "$text"
	grep -q "$VIP" <<<"$text"
	on c1 ip addr del "$VIP/24" dev lan1
	on n2 holdfast start ledger --no-wait
	wait_until 60 'pair_is_level n1 n2'
	load_start
	load_stop
	verify
}

@test "datagrams of nobody change nothing" {
	pair_restore
	load_start
	on c1 bash -c 'for ((i = 0; i < 2000; i++)); do
		head -c $((i % 1400)) /dev/urandom >/dev/udp/10.88.1.1/4800
		head -c $((i % 1400)) /dev/urandom >/dev/udp/10.88.1.2/4800
	done' || :
	pair_is_level n1 n2
	load_goes_on 5
	load_stop
	verify
}

serves_by()
{
	[[ "$(state "$1")" =~ ^(PRIM|ALONE) ]]
}

@test "a damaged state file is said, and no data is served from it" {
	local file

	pair_restore
	on n2 holdfast stop ledger --timeout 30
	file=$(on n2 sh -c 'find /var/lib/holdfast/ledger -name "gen*" -type f |
	    head -n 1')
	[ -n "$file" ]
	on n2 dd if=/dev/urandom of="$file" bs=64 count=4 conv=notrunc
	on n2 holdfast start ledger --no-wait
	wait_until 20 '[[ "$(state n2)" =~ ^(SECOND Ready|WAIT|STOP) ]]'
	holds 3 'serves_by n1 && not serves_by n2'
	on n2 holdfast status ledger || :
	# The way out it names, or the one it took by itself.
	[ "$(state n2)" = "SECOND Ready" ] || {
		on n2 holdfast second ledger fullsync --timeout 60
		wait_until 60 'pair_is_level n1 n2'
	}
	trees_are_equal
}
