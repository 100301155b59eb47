#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# kill -9 of each daemon in turn, on each node, under load: the application
# goes on, no client sees an error, the daemon is back.
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

# The one pid of a daemon; moduled and mirrord have one module here.
pid_of()
{
	on "$1" pgrep -x -o "$2"
}

# killed DAEMON PAUSE_MS: on the primary, then on the secondary.
killed()
{
	local daemon=$1 pause=$2 node pid start gap tally

	pair_is_level n1 n2 || pair_restore
	load_start
	for node in n1 n2; do
		pid=$(pid_of $node "$daemon")
		start=$(now_ms)
		on $node kill -9 "$pid"
		wait_until 10 "[ \"\$(pid_of $node $daemon || echo $pid)\" != $pid ]"
		load_goes_on 10
		sleep 1
		gap=$(gap_since "$start")
		echo "# $daemon on $node: longest pause $gap ms" >&3
		[ "$gap" -lt "$pause" ]
		wait_until 15 'pair_is_level n1 n2'
	done
	tally=$(load_stop)
	echo "$tally"
	[ "$(field refused "$tally")" -eq 0 ]
	[ "$(field lost_connections "$tally")" -eq 0 ]
	verify
}

@test "heartd" {
	killed heartd 1000
}

@test "vipd" {
	killed vipd 1000
}

@test "moduled" {
	killed moduled 1000
}

@test "mirrord" {
	killed mirrord 200
}

@test "keepd" {
	killed keepd 1000
}

@test "holdfastd" {
	killed holdfastd 1000
}

@test "nothing was lost and the directories are equal" {
	pair_is_level n1 n2
	trees_are_equal
}
