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

# kill_one NODE DAEMON: the longest pause of the client is in GAP.
kill_one()
{
	local pid start

	pid=$(pid_of "$1" "$2")
	start=$(now_ms)
	on "$1" kill -9 "$pid"
	wait_until 10 "[ \"\$(pid_of $1 $2 || echo $pid)\" != $pid ]"
	load_goes_on 10
	sleep 1
	GAP=$(gap_since "$start")
	echo "# $2 on $1: longest pause $GAP ms" >&3
	wait_until 15 'pair_is_level n1 n2'
}

# killed DAEMON PAUSE_MS: on the primary, then on the secondary.  A pause
# that is too long is believed when it is so three times: the machine that
# runs the suite has pauses of its own.
killed()
{
	local daemon=$1 pause=$2 node tally

	pair_is_level n1 n2 || pair_restore
	load_start
	for node in n1 n2; do
		kill_one $node "$daemon"
		[ "$GAP" -lt "$pause" ] || kill_one $node "$daemon"
		[ "$GAP" -lt "$pause" ] || kill_one $node "$daemon"
		[ "$GAP" -lt "$pause" ]
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
