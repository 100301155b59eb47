#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Patch day and rescue: maintenance, standby of a node, release of a module to
# be run by hand.
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

# warns NODE CODE: the status of the node has this warning.
warns()
{
	on "$1" holdfast status --json 2>/dev/null |
	    jq -e --arg code "$2" '.modules[] | select(.name == "ledger") |
	    .warnings[] | select(.code == $code)' >/dev/null
}

@test "maintenance is asked for, shown on both nodes, and ends" {
	run on n1 holdfast maintain ledger
	[ "$output" = "ledger is not in maintenance" ]
	run on n1 holdfast maintain ledger --for 2h --why "patch day"
	[ "$status" -eq 0 ]
	[[ "$output" == *"1 h 59 min left), by root on n1: patch day" ]] ||
	    [[ "$output" == *"2 h 0 min left), by root on n1: patch day" ]]
	warns n1 maintenance
	warns n2 maintenance
	on n2 holdfast status ledger | grep -q 'by root on n1 since .*patch day'
	# Each daemon's own memory, and the node's.
	on n2 holdfast maintain ledger | grep -q 'left), by root on n1'
	run on n2 holdfast maintain ledger off
	[ "$output" = "ledger is not in maintenance" ]
	run warns n1 maintenance
	[ "$status" -ne 0 ]
	on n1 holdfast log -A ledger | grep -q 'Maintenance ended by root on n2'
	# By itself, on both.
	on n1 holdfast maintain ledger --for 2s
	warns n2 maintenance
	wait_until 5 '! warns n1 maintenance && ! warns n2 maintenance'
	on n2 holdfast log -A ledger | grep -q 'Maintenance is over'
}

@test "maintenance: bad words are refused and change nothing" {
	local word

	for word in 0s -1s 2parsecs 31d ""; do
		run on n1 holdfast maintain ledger --for "$word"
		[ "$status" -eq 64 ]
	done
	run on n1 holdfast maintain ledger on
	[ "$status" -eq 64 ]
	[[ "$output" == *"--for TIME, or off"* ]]
	run on n1 holdfast maintain nosuch --for 1h
	[ "$status" -eq 69 ]
	run warns n1 maintenance
	[ "$status" -ne 0 ]
}

@test "maintenance: the secondary does not take over, and does at its end" {
	on n1 holdfast maintain ledger --for 1h
	"$LAB" power off n1
	wait_state 20 n2 SECOND NotReady
	on n2 holdfast status ledger | grep -q '\[maintenance\]'
	# Through a restart of the daemon that knows it.
	on n2 sh -c 'kill -9 $(pgrep -x moduled)'
	wait_state 20 n2 SECOND NotReady
	# Longer than the takeover takes, and it stays what it is.
	holds 3 '[ "$(state n2)" = "SECOND NotReady" ]'
	on n2 holdfast maintain ledger off
	wait_state 20 n2 ALONE
	"$LAB" power on n1
	wait_until 60 'pair_is_level n2 n1'
	pair_restore
}

@test "maintenance: actions of scripts and checkers are not taken" {
	on n1 holdfast maintain ledger --for 1h
	on n1 holdfast restart ledger -i mychecker
	on n1 holdfast log -A ledger |
	    grep -q 'Action restart of mychecker is not taken: maintenance'
	[ "$(state n1)" = "PRIM Ready" ]
	# The operator's own are.
	on n1 holdfast restart ledger --timeout 30
	on n1 holdfast log -A ledger | grep -q 'Script start_prim'
	on n1 holdfast maintain ledger off
}

@test "node standby: the primary hands over first, and stays away" {
	load_start
	on n1 holdfast node standby --why "new disks" --timeout 60
	[ "$(state n1)" = "STOP NotReady" ]
	[ "$(state n2)" = "ALONE Ready" ]
	load_goes_on 10
	warns n1 standby
	on n2 holdfast status ledger | grep -q 'on n1: holdfast node active'
	run on n1 holdfast start ledger
	[ "$status" -eq 64 ]
	[[ "$output" == *"holdfast node active"* ]]
	run on n1 holdfast node
	[ "$output" = "n1 is on standby, by root: new disks" ]
	"$LAB" power cycle n1
	wait_until 60 'warns n1 standby'
	[ "$(state n1)" = "STOP NotReady" ]
	on n1 holdfast node active --timeout 60
	wait_until 60 'pair_is_level n2 n1'
	load_stop
	verify
	trees_are_equal
	pair_restore
}

@test "node standby is refused when nobody can take the place" {
	# From anywhere; and a standby is no place to hand over to.
	on n1 holdfast node standby n2 --timeout 60
	run on n2 holdfast node
	[[ "$output" == "n2 is on standby, by "* ]]
	run on n1 holdfast node standby
	[ "$status" -eq 79 ]
	[[ "$output" == *"ledger is ALONE here"* ]]
	[[ "$output" == *"--yes n1"* ]]
	run on n1 holdfast node
	[ "$output" = "n1 is active" ]
	[ "$(state n1)" = "ALONE Ready" ]
	run on n1 holdfast node standby n9
	[ "$status" -eq 64 ]
	on n1 holdfast node active n2 --timeout 60
	wait_until 60 'pair_is_level n1 n2'
}

@test "release: plain directories, stopped on both; the way back compares" {
	local text

	load_start
	load_stop
	run on n2 holdfast release ledger
	[ "$status" -eq 81 ]
	on n1 holdfast release ledger --why rescue --timeout 60
	wait_until 20 '[ "$(state n2)" = "STOP NotReady" ]'
	[ "$(state n1)" = "STOP NotReady" ]
	run on n1 grep -c ' /srv/ledger' /proc/mounts
	[ "$output" -eq 0 ]
	warns n1 released
	warns n2 released
	run on n2 holdfast start ledger
	[ "$status" -eq 64 ]
	[[ "$output" == *"released on n1"* ]]
	# By hand: everything a hand may do.
	on n1 sh -ec 'cd /srv/ledger; echo hand >by-hand; mkdir dir
	    cp -a by-hand dir/copy; for f in *; do [ ! -f "$f" ] ||
	    cp -a "$f" "$f.bak"; done; mv by-hand moved; ln moved hard; sync'
	on n2 sh -ec 'cd /srv/ledger; echo there >there; sync'
	on n1 holdfast maintain ledger --for 1h
	"$LAB" power cycle n1 &
	"$LAB" power cycle n2
	wait
	wait_until 60 'warns n1 released && warns n2 released'
	warns n1 maintenance
	warns n2 maintenance
	on n2 holdfast maintain ledger off
	[ "$(state n1)" = "STOP NotReady" ]
	[ "$(state n2)" = "STOP NotReady" ]
	run on n1 holdfast start ledger
	[ "$status" -eq 79 ]
	[[ "$output" == *"stop the application"* ]]
	on n1 holdfast start ledger --yes ledger --timeout 60
	wait_until 60 'pair_is_level n1 n2'
	text=$(tree n1)
	grep -q 'moved' <<<"$text"
	run on n2 ls /srv/ledger
	[[ "$output" != *there* ]]
	trees_are_equal
	verify
}

# --- freeze ---------------------------------------------------------------

# freeze_start NODE [OPTION...]: holds until /srv/go is there; returns when it
# is held.  Its exit status goes to /srv/rc.
freeze_start()
{
	local node=$1

	shift
	on "$node" sh -c 'rm -f /srv/go /srv/rc /srv/held
	    { holdfast freeze ledger "$@" -- sh -c "echo \$\$ >/srv/held.new
		mv /srv/held.new /srv/held
		while [ ! -e /srv/go ]; do sleep 0.1; done; exit 7" \
	    2>/srv/freeze.err & echo $! >/srv/freeze.pid; wait $!
	    echo $? >/srv/rc; } >/dev/null 2>&1 &' sh "$@"
	wait_until 15 "on $node test -e /srv/held"
}

# writes_are_held: the client gets no acknowledgement for half a second.
writes_are_held()
{
	local before

	before=$(acked)
	sleep 0.5	# of time is what is asked
	[ "$(acked)" -le $((before + 1)) ]
}

freeze_rc()
{
	wait_until 10 "on $1 test -s /srv/rc"
	on "$1" cat /srv/rc
}

@test "freeze: both sides equal under load, on the primary and the second" {
	local node tally

	pair_restore
	load_start
	for node in n1 n2; do
		freeze_start $node
		wait_until 5 writes_are_held
		warns n1 frozen
		warns $node frozen
		trees_are_equal
		writes_are_held
		on $node touch /srv/go
		[ "$(freeze_rc $node)" -eq 7 ]
		load_goes_on 5
		run warns n1 frozen
		[ "$status" -ne 0 ]
	done
	tally=$(load_stop)
	[ "$(field refused "$tally")" -eq 0 ]
	verify
}

@test "freeze: killed, timed out or without mirrord, writes go on" {
	local node tally

	load_start
	for node in n1 n2; do
		freeze_start $node
		wait_until 5 writes_are_held
		on $node sh -c 'kill -9 $(cat /srv/freeze.pid)'
		load_goes_on 3
		# Its command is ended, too.
		wait_until 5 "! on $node sh -c 'kill -0 \$(cat /srv/held)'"
		freeze_start $node --timeout 2
		load_goes_on 5
		[ "$(freeze_rc $node)" -eq 75 ]
		on $node grep -q 'before sh ended' /srv/freeze.err
	done
	freeze_start n1
	wait_until 5 writes_are_held
	on n1 sh -c 'kill -9 $(pgrep -x mirrord)'
	load_goes_on 10
	[ "$(freeze_rc n1)" -eq 75 ]
	wait_until 30 'pair_is_level n1 n2'
	# The secondary's link ends: the primary thaws at once.
	freeze_start n2
	wait_until 5 writes_are_held
	on n2 sh -c 'kill -9 $(pgrep -x mirrord)'
	load_goes_on 3
	[ "$(freeze_rc n2)" -eq 75 ]
	wait_until 30 'pair_is_level n1 n2'
	tally=$(load_stop)
	[ "$(field refused "$tally")" -eq 0 ]
	verify
	trees_are_equal
}

@test "freeze: a backup on the primary does not wait for held writes" {
	local node

	# Names and contents, under a file that is always being written.
	on n1 sh -c 'cat >/srv/writer <<-END
	echo \$\$ >/srv/writer.pid
	while [ -e /srv/writer ]; do
		seq 100 | dd of=/srv/ledger/held bs=300 oflag=dsync \
		    conv=notrunc status=none
	done
	END
	cat >/srv/backup <<-"END"
	sleep 0.5	# the writer is in its write by then
	cd "$1" && find . -path ./.holdfast -prune -o -type f -print0 |
	    sort -z | xargs -0 sha256sum
	touch x 2>/dev/null && echo writable
	ls -A .holdfast | wc -l
	END
	sh /srv/writer >/dev/null 2>&1 &'
	on n1 cat /srv/backup | on n2 sh -c 'cat >/srv/backup'
	wait_until 5 'on n1 test -s /srv/ledger/held'
	for node in n1 n2; do
		on $node sh -c 'cd /srv/ledger && holdfast freeze ledger \
		    --timeout 4 -- sh -c "sleep 0.3	# as in the backup
		    exec tar -cf /srv/t.tar ."'
		on $node tar -tf /srv/t.tar | grep -q held
		on $node sh -c 'rm /srv/t.tar'
	done
	on n1 holdfast freeze ledger --timeout 10 -- sh -ec '
	    sh /srv/backup /srv/ledger >/srv/sum; touch /srv/ready
	    while [ ! -e /srv/done ]; do sleep 0.1; done' &
	wait_until 5 'on n1 test -e /srv/ready'
	on n2 sh /srv/backup /srv/ledger >"$BATS_TEST_TMPDIR/n2"
	on n1 touch /srv/done
	wait $!
	on n1 cat /srv/sum | diff - "$BATS_TEST_TMPDIR/n2"
	grep -q held "$BATS_TEST_TMPDIR/n2"
	run grep -q writable "$BATS_TEST_TMPDIR/n2"
	[ "$status" -eq 1 ]
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/n2")" = 0 ]
	# Of the command alone: here the mirror is as it was.
	on n1 sh -c 'rm /srv/writer; rm /srv/ledger/held /srv/sum /srv/ready \
	    /srv/done /srv/backup'
	trees_are_equal
}

@test "freeze: bad words, a second one, its environment" {
	run on n1 holdfast freeze ledger
	[ "$status" -eq 64 ]
	for s in 0 121 soon; do
		run on n1 holdfast freeze ledger --timeout $s -- true
		[ "$status" -eq 64 ]
	done
	run on n1 holdfast freeze ledger -- /no/such/command
	[ "$status" -eq 127 ]
	run on n1 holdfast freeze nosuch -- true
	[ "$status" -eq 69 ]
	run on n1 holdfast freeze ledger -- sh -c \
	    'echo $HOLDFAST_MODULE $HOLDFAST_STATE $HOLDFAST_BOTH $HOLDFAST_DIRS'
	[ "$output" = "ledger PRIM 1 /srv/ledger" ]
	freeze_start n1
	run on n2 holdfast freeze ledger -- true
	[ "$status" -eq 75 ]
	[[ "$output" == *"held already"* ]]
	on n1 touch /srv/go
	[ "$(freeze_rc n1)" -eq 7 ]
	# Nobody else may say that there is something to run here.
	run on n1 env HOLDFAST_ROLE=admin holdfast freeze ledger -- true
	[ "$status" -eq 77 ]
}

# --- snapshot -------------------------------------------------------------

@test "snapshot: all that helps, no key, no password; names on request" {
	local key file

	# A password in a module, and the key where nobody looks for it.
	on n1 sh -ec 'cd /etc/holdfast/modules/ledger
	    echo "db_password = \"hunter2\"" >conf/extra.conf
	    cp /etc/holdfast/cluster.key bin/copy.txt'
	run on n1 holdfast snapshot ledger /srv/s.tar.gz
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"copy.txt has the cluster's key in it, or "*"left out"* ]]
	on n1 sh -ec 'mkdir /srv/s; tar -xzf /srv/s.tar.gz -C /srv/s
	    mv /srv/s/holdfast-n1-* /srv/s/n1'
	while read -r key; do
		[ ${#key} -ge 16 ] || continue
		run on n1 grep -rlF -e "$key" /srv/s
		[ "$status" -eq 1 ]
	done < <(on n1 cat /etc/holdfast/cluster.key)
	run on n1 grep -rl hunter2 /srv/s
	[ "$status" -eq 1 ]
	on n1 grep -q 'db_password = "(removed)"' \
	    /srv/s/n1/etc/modules/ledger/conf/extra.conf
	for file in status.json ledger/why log/ledger.events log/heartd.log \
	    kernel/proc/self/mountinfo network/addr etc/cluster.xml \
	    ledger/config/safeconf.xml version; do
		on n1 test -s "/srv/s/n1/$file"
	done
	on n1 jq -e '.modules[0].name == "ledger"' /srv/s/n1/status.json
	run on n1 holdfast snapshot /srv/s.tar.gz
	[ "$status" -eq 73 ]
	run on n1 holdfast snapshot nosuch /srv/t.tar.gz
	[ "$status" -eq 66 ]
	# For strangers: the same word for the same thing, everywhere.
	on n1 holdfast snapshot /srv/a.tar.gz --anonymise
	on n1 sh -ec 'mkdir /srv/a; tar -xzf /srv/a.tar.gz -C /srv/a'
	run on n1 grep -rlwE '10\.88\.[0-9]+\.[0-9]+|fd88:[0-9a-f:]+|n[12]' /srv/a
	[ "$status" -eq 1 ]
	run on n1 sh -c 'ls /srv/a'
	[[ "$output" == holdfast-node1-* ]]
	on n1 sh -c 'grep -q node1 /srv/a/*/etc/cluster.xml'
	# Each node its own.
	run on n1 holdfast -H "*" snapshot ledger
	[ "$status" -eq 0 ]
	[[ "$output" == */var/tmp/holdfast-n1-*/var/tmp/holdfast-n2-* ]] ||
	    [[ "$output" == */var/tmp/holdfast-n2-*/var/tmp/holdfast-n1-* ]]
	on n2 sh -c 'tar -tzf /var/tmp/holdfast-n2-*.tar.gz |
	    grep -q ledger/why'
	on n1 sh -c 'rm -r /srv/s /srv/a /srv/*.tar.gz
	    cd /etc/holdfast/modules/ledger; rm conf/extra.conf bin/copy.txt'
}

@test "why: one chain of both nodes" {
	local text

	pair_restore
	text=$(on n2 holdfast why ledger)
	echo "$text"
	grep -q '^ledger on n1 is PRIM' <<<"$text"
	grep -q '^ledger on n2 is SECOND' <<<"$text"
	grep -q '^  20[^ ]*  n1  ' <<<"$text"
	grep -q '^  20[^ ]*  n2  ' <<<"$text"
	# By time, whoever tells it.
	sed -n 's/^  \(20[^ ]*\)  n[12]  .*/\1/p' <<<"$text" >"$BATS_TEST_TMPDIR/t"
	sort -r "$BATS_TEST_TMPDIR/t" | cmp - "$BATS_TEST_TMPDIR/t"
	text=$(on n2 holdfast why ledger --local)
	[[ "$text" != *"ledger on n1"* ]]
	[ "$(on n2 holdfast why ledger --json |
	    jq -r '[.lines[].node] | unique | join(",")')" = n1,n2 ]
}

# --- after a power cut ----------------------------------------------------

both_off()
{
	"$LAB" power off n1 &
	"$LAB" power off n2
	wait
}

@test "total power cut: who waits for whom, and which node is newest" {
	local text

	pair_restore
	both_off
	"$LAB" power on n2
	wait_state 30 n2 WAIT NotReady
	text=$(on n2 holdfast status ledger)
	echo "$text"
	grep -q 'n2 waits for n1 since 20.*\[peer-absent\]' <<<"$text"
	grep -q 'newest data: not known before n1 is heard' <<<"$text"
	on n2 holdfast why ledger 2>/dev/null | grep -q 'newest data: not known'
	[ "$(on n2 holdfast status --json | jq -r '.modules[0].waits[0].for')" = \
	    n1 ]
	"$LAB" power on n1
	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
	pair_restore
	# n1 writes alone; then the cut.  n1 first: it needs nobody.
	"$LAB" power off n2
	wait_state 20 n1 ALONE
	run on n1 holdfast freeze ledger -- sh -c 'echo $HOLDFAST_BOTH'
	[ "$status" -eq 0 ]
	[[ "$output" == *"only this one is held"*0 ]]
	run on n1 holdfast why ledger
	[ "$status" -eq 0 ]
	[[ "$output" == *"n2 does not answer"* ]]
	[[ "$output" == *"ledger on n1 is ALONE"* ]]
	"$LAB" power off n1
	"$LAB" power on n1
	wait_state 30 n1 ALONE
	# n2 first, and n1 does not start: both say where the data is.
	on n1 holdfast node standby --yes n1 --timeout 30
	"$LAB" power off n1
	"$LAB" power on n2
	wait_state 30 n2 WAIT NotReady
	"$LAB" power on n1
	wait_until 30 'on n2 holdfast status ledger |
	    grep -q "n2 waits for n1 since .* (epoch .*peer-newer"'
	on n2 holdfast status ledger | grep -q 'newest data: on n1 (epoch'
	on n1 holdfast status ledger | grep -q 'newest data: on n1 (epoch'
	on n1 holdfast status ledger | grep -q 'n2 waits for n1 since'
	on n1 holdfast node active --timeout 60
	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
}

releases_ended()
{
	on n1 holdfast log -A ledger | grep -c "Release ended" || :
}

@test "a release is void when the other node serves; nothing is lost unasked" {
	local before lan

	pair_restore
	for lan in lan1 lan2; do
		"$LAB" cable n1 $lan out
	done
	wait_state 30 n2 ALONE
	run on n1 holdfast release ledger
	[ "$status" -eq 79 ]
	on n1 holdfast release ledger --yes ledger --timeout 60
	on n1 sh -c 'echo hand >/srv/ledger/only-here'
	before=$(releases_ended)
	for lan in lan1 lan2; do
		"$LAB" cable n1 $lan in
	done
	wait_until 20 '[ "$(releases_ended)" -gt "$before" ]'
	[ "$(state n2)" = "ALONE Ready" ]
	warns n1 released
	run warns n2 released
	[ "$status" -ne 0 ]
	[ "$(state n1)" = "STOP NotReady" ]
	on n1 grep -q hand /srv/ledger/only-here
	run on n1 holdfast start ledger
	[ "$status" -eq 79 ]
	[[ "$output" == *"Save it first"* ]]
	on n1 holdfast start ledger --yes ledger --timeout 60
	wait_until 60 'pair_is_level n2 n1'
	run on n1 ls /srv/ledger
	[[ "$output" != *only-here* ]]
	trees_are_equal
}

@test "release with nothing running takes the mounts away" {
	[ -n "${HOLDFAST_LONG-}" ] || skip "long: set HOLDFAST_LONG"
	pair_restore
	# The worst: the mounts are left, and nobody answers.
	on n1 sh -c 'kill -STOP $(pgrep -x holdfastd)
	    kill -9 $(pgrep -x mirrord) $(pgrep -x moduled)'
	run on n1 holdfast release ledger
	[ "$status" -eq 79 ]
	on n1 holdfast release ledger --yes ledger
	run on n1 grep -c ' /srv/ledger' /proc/mounts
	[ "$output" -eq 0 ]
	on n1 sh -c 'echo hand >/srv/ledger/by-hand; sync'
	"$LAB" power cycle n1
	wait_until 60 'warns n1 released && warns n2 released'
	[ "$(state n1)" = "STOP NotReady" ]
	on n1 holdfast start ledger --yes ledger --timeout 60
	wait_until 60 'pair_is_level n1 n2'
	trees_are_equal
	on n1 grep -q hand /srv/ledger/by-hand
}
