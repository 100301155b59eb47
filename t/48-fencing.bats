#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Two nodes without a third voter, that have fencing devices, or witnesses by
# ping.  The device is outside of the nodes, on c1's network, and pulls the
# plugs of the lab: t/files/fence-device.bash.  What an agent can do wrong is
# in t/moduled-fencing.
# HOLDFAST_LONG: seeded splits (FENCE_SEEDS, 20), a primary that stands still, a
# device that is lost, one that takes long, and witnesses.
# shellcheck disable=SC2016,SC2154 # lines for wait_until; lib.bash

load lib

SECRET=hunter2.seven
DEVICE_PORT=6230

setup_file()
{
	lab_setup_file_ledger
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] || return 0
	device_make
	device_start
}

setup()
{
	lab_setup
	D=$BATS_FILE_TMPDIR/device
}

teardown()
{
	[ -n "${BATS_TEST_COMPLETED-}" ] || cat "$D/told" >&2 || :
	lab_teardown
}

teardown_file()
{
	[ -e "$BATS_FILE_TMPDIR/skip" ] || device_stop
	lab_teardown_file
}

# --- the device -----------------------------------------------------------

device_make()
{
	local dir=$BATS_FILE_TMPDIR/device node

	mkdir -p "$dir"
	echo "$SECRET" >"$dir/password"
	: >"$dir/told"
	cat >"$dir/switch" <<-END
		#!/bin/sh
		export HOLDFAST_LAB=$HOLDFAST_LAB top_builddir=$top_builddir
		[ "\$2" = status ] &&
		    exec cat /run/holdfast-lab-$HOLDFAST_LAB/\$1/power
		exec nsenter --net=/proc/$$/ns/net $LAB power \$2 \$1
	END
	chmod +x "$dir/switch"
	for node in n1 n2; do
		on $node sh -c 'cat >/etc/holdfast/fence-fake
		    chmod 755 /etc/holdfast/fence-fake' \
		    <"$TOP/t/files/fence-fake.bash"
		on $node sh -c "printf '#!/bin/sh\necho $SECRET\n' \
		    >/etc/holdfast/fence-other
		    chmod 700 /etc/holdfast/fence-other; sync"
	done
}

device_start()
{
	local pid

	pid=$(cat "/run/holdfast-lab-$HOLDFAST_LAB/c1/pid")
	FENCE_DIR=$BATS_FILE_TMPDIR/device setsid nsenter --net \
	    --target "$pid" socat \
	    "TCP-LISTEN:$DEVICE_PORT,reuseaddr,fork" \
	    "EXEC:$TOP/t/files/fence-device.bash" </dev/null 3>&- 4>&- \
	    >"$BATS_FILE_TMPDIR/socat" 2>&1 &
	echo $! >"$BATS_FILE_TMPDIR/device.pid"
}

# With what it has in hand.
device_stop()
{
	local pid

	[ -e "$BATS_FILE_TMPDIR/device.pid" ] || return 0
	pid=$(cat "$BATS_FILE_TMPDIR/device.pid")
	rm "$BATS_FILE_TMPDIR/device.pid"
	kill -- "-$pid" 2>/dev/null || kill "$pid" 2>/dev/null || :
}

long()
{
	[ -n "${HOLDFAST_LONG-}" ] || skip "HOLDFAST_LONG is not set"
}

# told WHO ACTION PLUG: how often it was, since forget.
told()
{
	grep -c " 10\.88\.1\.${1#n} $2 $3 ops" "$D/told" || :
}

forget()
{
	: >"$D/told"
}

# --- the configuration ------------------------------------------------------

FENCING="<fencing delay=\"4s\" timeout=\"15s\" period=\"2s\">"
for node in n1 n2; do
	FENCING+="<device node=\"$node\" agent=\"/etc/holdfast/fence-fake\" "
	FENCING+="options=\"ip=10.88.1.201:$DEVICE_PORT username=ops "
	FENCING+="password_script=/etc/holdfast/fence-other\"/>"
done
FENCING+="</fencing>"
SPLITBRAIN='<check><splitbrain ident="gw" exec="ping" arg="10.88.1.201"/>'
SPLITBRAIN+='</check>'

# evidence [fencing|splitbrain]: what both nodes go by from now on.
evidence()
{
	local node fencing='' split=''

	[ "${1-}" != fencing ] || fencing=$FENCING
	[ "${1-}" != splitbrain ] || split=$SPLITBRAIN
	for node in n2 n1; do
		on $node holdfast stop "$MODULE" --timeout 30
	done
	for node in n1 n2; do
		on $node sed -i -e 's,<fencing.*</fencing>,,' \
		    -e "s,</cluster>,$fencing&," /etc/holdfast/cluster.xml
		on $node sed -i -e 's,<check><splitb.*</check>,,' \
		    -e "s,</service>,$split&," \
		    /etc/holdfast/modules/$MODULE/conf/userconfig.xml
		on $node holdfast config
		on $node holdfast config "$MODULE"
	done
	for node in n1 n2; do
		on $node holdfast start "$MODULE" --no-wait
	done
	wait_until 30 'pair_is_level n1 n2'
}

warns()
{
	on "$1" holdfast status --json | jq -e --arg c "$2" \
	    '.modules[0].warnings[] | select(.code == $c)' >/dev/null
}

blocked()
{
	on "$1" holdfast status --json | jq -r '.modules[0].blocked.code'
}

is_off()
{
	[ "$("$D/switch" "$1" status)" = off ]
}

# When a node logged it, in milliseconds; the last time.
when()
{
	local at

	at=$(on "$1" grep -F "$2" /var/log/holdfast/$MODULE.events |
	    tail -n 1 | cut -d' ' -f1)
	echo $(($(date -d "$at" +%s%N) / 1000000))
}

heal()
{
	"$LAB" heal
	"$LAB" power on "$1"
	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
}

# --- the cases ----------------------------------------------------------------

@test "the warning ends with devices, and the status tells that they answer" {
	warns n1 heartbeats-only
	evidence fencing
	not warns n1 heartbeats-only
	not warns n2 heartbeats-only
	wait_until 10 'on n1 holdfast status |
	    grep -q "fencing: /etc/holdfast/fence-fake answered 20"'
	run on n1 holdfast -H '*' cluster fence test
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[[ $output == *"n2: its device says on"*"n1: its device says on"* ]] ||
	[[ $output == *"n1: its device says on"*"n2: its device says on"* ]]
	run on n1 holdfast check
	[[ $output == *"ok       fencing n2: its device answers in "* ]]
}

@test "nothing passes between them: one is off before the other goes on" {
	local begun off alone

	load_start
	forget
	begun=$(now_ms)
	"$LAB" cut n1 n2
	wait_until 20 'is_off n2'
	wait_state 20 n1 ALONE
	load_goes_on 10
	off=$(awk '$3 == "status" { print $1; exit }' \
	    <(sed '1,/ off /d' "$D/told"))
	alone=$(when n1 "going on alone")
	echo "# n2 off $((off - begun)) ms after the cut, n1 alone" \
	    "$((alone - off)) ms later, longest pause $(gap_since "$begun") ms" \
	    >&3
	[ "$alone" -ge "$off" ]
	# The secondary gave the primary its delay, and was off by then.
	[ "$(told n1 off n2)" -eq 1 ]
	[ "$(told n2 off n1)" -eq 0 ]
	heal n2
	load_goes_on 10
	load_stop
	verify
	trees_are_equal
}

@test "the primary stands still: off, then taken over, and it comes back" {
	long
	local off

	load_start
	forget
	# Its kernel answers for the address as long as it has power.
	"$LAB" freeze n1
	wait_state 30 n2 ALONE
	is_off n1
	[ "$(told n2 off n1)" -eq 1 ]
	off=$(awk '/ off /{ print $1 }' "$D/told")
	[ "$(when n2 "SECOND -> ALONE")" -gt "$off" ]
	load_goes_on 10
	heal n1
	pair_is_level n2 n1
	load_stop
	verify
	trees_are_equal
}

@test "the test with power does what a failure would do" {
	long
	on n2 holdfast swap "$MODULE" --timeout 30
	forget
	run on n1 holdfast cluster fence test n2 --power --yes n2
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[[ $output == *"ledger: ALONE here"*"this node goes on after"* ]]
	echo "# $(grep 'goes on' <<<"$output")" >&3
	not is_off n2
	wait_until 60 'pair_is_level n1 n2'
	# Whose data nobody else has is not switched off.
	on n2 holdfast stop "$MODULE" --timeout 30
	wait_state 20 n1 ALONE
	run on n2 holdfast cluster fence test n1 --power --yes n1
	[ "$status" -eq 79 ]
	[[ $output == *"nobody could take its place"* ]]
	on n2 holdfast start "$MODULE" --timeout 30
	wait_until 30 'pair_is_level n1 n2'
}

@test "the password is nowhere but where it belongs" {
	local node bad

	for node in n1 n2; do
		on $node holdfast snapshot "/srv/s.tar.gz" >/dev/null
		on $node sh -c 'mkdir -p /srv/s && tar -xzf /srv/s.tar.gz \
		    -C /srv/s'
		bad=$(on $node grep -rl -- "$SECRET" /var /run /srv/s \
		    /etc/holdfast | grep -v '^/etc/holdfast/fence-other$') || :
		on $node rm -r /srv/s /srv/s.tar.gz
		[ -z "$bad" ] || { echo "$node: $bad" >&2; false; }
		not on $node sh -c 'cat /proc/[0-9]*/cmdline \
		    /proc/[0-9]*/environ 2>/dev/null |
		    tr "\0" "\n" | grep -q "$0"' "${SECRET/./[.]}"
	done
}

@test "which is off after seeded splits" {
	long
	local seed prim second pids n

	for ((seed = 1; seed <= ${FENCE_SEEDS:-20}; seed++)); do
		RANDOM=$seed
		prim=$(primary) second=$(other "$(primary)")
		load_start
		forget
		# All at once, one network after the other, or one way first.
		case $((RANDOM % 3)) in
		0)	"$LAB" cut n1 n2 ;;
		1)	"$LAB" cut n1 n2 lan1
			read -rt "0.$((RANDOM % 10))" <> <(:) || :
			"$LAB" cut n1 n2 lan2 ;;
		2)	"$LAB" cut "$prim" "$second" --oneway
			read -rt "$((RANDOM % 4))" <> <(:) || :
			"$LAB" cut n1 n2 ;;
		esac
		wait_until 40 'is_off n1 || is_off n2'
		n=n1
		! is_off n1 || n=n2
		wait_state 30 "$n" ALONE
		[ "$(is_off n1 && echo n1)$(is_off n2 && echo n2)" = \
		    "$(other $n)" ]
		load_goes_on 20
		heal "$(other $n)"
		load_stop
		verify
		trees_are_equal
		echo "# seed $seed: $prim was primary, $n lived" >&3
	done
}

@test "a device that is lost, and what comes of it" {
	long
	pair_restore
	load_start
	device_stop
	wait_until 30 'warns n1 fencing-silent && warns n2 fencing-silent'
	run on n1 check_holdfast -m ledger
	[ "$status" -eq 1 ]
	load_goes_on 5
	"$LAB" cut n1 n2
	wait_until 40 '[ "$(blocked n1) $(blocked n2)" = \
	    "fence-failed fence-failed" ]'
	[ "$(state n1) $(state n2)" = "PRIM NotReady SECOND NotReady" ]
	run on n1 holdfast status
	[[ $output == *"to go on: holdfast prim ledger  - first make sure"* ]]
	"$LAB" heal
	wait_until 60 'pair_is_level n1 n2'
	load_goes_on 10
	device_start
	wait_until 30 '! warns n1 fencing-silent && ! warns n2 fencing-silent'
	load_stop
	verify
	trees_are_equal
}

@test "heartbeats are back while the device takes its time" {
	long
	pair_restore
	load_start
	forget
	echo wait | tee "$D/mode.n1" >"$D/mode.n2"
	"$LAB" cut n1 n2
	wait_until 20 '[ "$(told n1 off n2)" -eq 1 ]'
	"$LAB" heal
	wait_until 30 'on n1 grep -q "fencing n2: called off" \
	    /var/log/holdfast/ledger.log'
	wait_until 30 'pair_is_level n1 n2'
	load_goes_on 10
	# What the device had in hand comes late: the node is off and comes back.
	rm -f "$D/mode.n1" "$D/mode.n2"
	wait_until 30 'is_off n2 || [ "$(told n1 status n2)" -gt 3 ]'
	heal n2
	load_stop
	verify
	trees_are_equal
}

# --- witnesses by ping --------------------------------------------------------

@test "splitbrain: one of them reaches the witness, it goes on" {
	long
	evidence splitbrain
	not warns n1 heartbeats-only
	not warns n1 fencing-silent
	load_start
	# The primary is the one that is cut off, from all but the client.
	"$LAB" cut n1 n2
	"$LAB" cut n1 c1 --oneway
	wait_state 30 n2 ALONE
	wait_until 20 '[ "$(blocked n1)" = splitbrain ]'
	[ "$(state n1)" = "WAIT NotReady" ]
	load_goes_on 20
	"$LAB" heal
	wait_until 60 'pair_is_level n2 n1'
	load_stop
	verify
	trees_are_equal
}

@test "splitbrain: none reaches it, none goes on until they meet" {
	long
	local prim second

	prim=$(primary) second=$(other "$(primary)")
	"$LAB" cut n1 n2
	"$LAB" cut n1 c1
	"$LAB" cut n2 c1
	wait_until 30 '[ "$(blocked n1) $(blocked n2)" = \
	    "splitbrain splitbrain" ]'
	run on "$prim" holdfast status
	[[ $output == *"none of 10.88.1.201 answers"* ]]
	[[ $output == *"to go on: holdfast prim ledger"* ]]
	"$LAB" heal
	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
	trees_are_equal
}

@test "splitbrain: both reach it, both may run, nothing is lost" {
	long
	pair_restore
	"$LAB" cut n1 n2
	wait_state 30 n1 ALONE
	wait_state 30 n2 ALONE
	on n1 sh -c 'echo one >/srv/ledger/mine; sync -f /srv/ledger'
	on n2 sh -c 'echo two >/srv/ledger/mine; sync -f /srv/ledger'
	"$LAB" heal
	wait_until 60 '[ "$(blocked n1)$(blocked n2)" = nulldiverged ] ||
	    [ "$(blocked n1)$(blocked n2)" = divergednull ]'
	on "$(other "$(primary)")" holdfast second "$MODULE" fullsync \
	    --yes "$MODULE" --timeout 60
	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
	on "$(primary)" holdfast diverged "$MODULE" | grep -q .
	trees_are_equal
}

@test "without any the warning is back" {
	long
	pair_restore
	evidence
	warns n1 heartbeats-only
	warns n2 heartbeats-only
	[ "$(on n1 holdfast status --json | jq '.modules[0].fencing')" = null ]
}
