#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Two nodes whose register is in etcd, which runs on a third machine that has
# nothing of ours.
# shellcheck disable=SC2016 # lines for wait_until

load lib

ETCD=http://10.88.1.201:2379
# T 2 s: grant, a round, and half a second for a machine that is busy.
TAKEOVER=3000

setup_file()
{
	if ! command -v etcd >/dev/null || ! command -v etcdctl >/dev/null
	then
		echo "no etcd-server or etcd-client" >"$BATS_FILE_TMPDIR/skip"
		return
	fi
	lab_setup_file 2 --module "$TOP/modules/ledger"
	[ -e "$BATS_FILE_TMPDIR/skip" ] || etcd_start
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
	command -v etcd >/dev/null || return 0
	lab_teardown_file
}

etcd_start()
{
	on c1 sh -c 'etcd --data-dir /srv/etcd --listen-client-urls "$0" \
	    --advertise-client-urls "$0" --listen-peer-urls \
	    http://127.0.0.1:2380 --logger zap --log-level error \
	    >/srv/etcd.log 2>&1 3>&- & echo $! >/srv/etcd.pid' "$ETCD"
	wait_until 15 'etcd_has x'
}

etcd_kill()
{
	on c1 sh -c 'kill -KILL "$(cat /srv/etcd.pid)"'
}

# The register as an administrator reads it.
etcd_has()
{
	on c1 env ETCDCTL_API=3 etcdctl --endpoints "$ETCD" \
	    --command-timeout=2s get --print-value-only "$1"
}

# How often the application was started on this node.
started()
{
	on "$1" sh -c 'grep -a -c "Script start_prim$" \
	    /var/log/holdfast/ledger.log'
}

value()
{
	etcd_has /hf/lab/ledger
}

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

by_etcd()
{
	[ "$(lease n1 .mode)" = register ] &&
	    [ "$(lease n2 .mode)" = register ] && pair_is_level n1 n2 &&
	    [[ $(value) == *" set=1,2 "* ]]
}

@test "a running pair goes over to etcd" {
	load_start
	wait_until 20 'pair_is_level n1 n2'
	on n1 sed -i "s,</cluster>,<voters><etcd endpoints=\"$ETCD\" \
prefix=\"/hf\"/></voters></cluster>," /etc/holdfast/cluster.xml
	on n1 holdfast cluster push
	wait_until 30 'on n1 holdfast -H "*" config ledger && by_etcd'
	[ "$(lease n1 '.voters | join(",")')" = etcd ]
	wait_until 10 '! warned n1 heartbeats-only'
	tally=$(load_stop)
	[ "$(field refused "$tally")" -eq 0 ]
	verify
	# put beside the vote, and tried again after 3 s
	wait_until 5 '[ "$(etcd_has /hf/lab/ledger/nodes/n2)" = n2 ]'
}

@test "the primary loses its power: one swap, and the other one serves" {
	load_start
	off=$(now_ms)
	"$LAB" power off n1
	wait_state 20 n2 ALONE
	load_goes_on 10
	gap=$(gap_since "$off")
	bound=$((TAKEOVER + $(script_ms n2)))
	echo "# takeover: gap $gap ms of $bound ms" >&3
	[[ $(value) == *" primary=2 set=2 "* ]]
	[ "$gap" -le "$bound" ]
	"$LAB" power on n1
	wait_until 60 'pair_is_level n2 n1'
	[[ $(value) == *" primary=2 set=1,2 "* ]]
	load_stop
	verify
	trees_are_equal
}

@test "etcd is lost: the pair goes on; then the secondary: writes wait" {
	load_start
	etcd_kill
	wait_until 20 'warned n2 voters-silent || warned n2 voter-silent'
	pair_is_level n2 n1
	load_goes_on 5
	"$LAB" power off n1
	# Not redundant and no proof of it anywhere: nothing is acknowledged.
	wait_until 10 '[ "$(state n2)" = "PRIM NotReady" ]'
	held=$(acked)
	wait_until 5 'on n2 holdfast status | grep -q etcd'
	[ "$(acked)" -le $((held + 1)) ]
	etcd_start
	load_goes_on 20
	wait_state 10 n2 ALONE
	"$LAB" power on n1
	wait_until 60 'pair_is_level n2 n1'
	load_stop
	verify
	trees_are_equal
}

@test "cut from each other, not from etcd: one of them serves" {
	load_start
	"$LAB" cut n1 n2
	wait_state 15 n2 ALONE
	load_goes_on 10
	wait_until 10 '[[ $(state n1) == "WAIT "* ]]'
	[[ $(value) == *" primary=2 set=2 "* ]]
	on n2 holdfast status | grep -q 'n1, silent .* but etcd heard it'
	"$LAB" heal
	wait_until 60 'pair_is_level n2 n1'
	load_stop
	verify
	trees_are_equal
	not on n1 test -e /srv/ledger/.holdfast/diverged/LIST
}

odd()
{
	on "$1" holdfast status --json | jq -r '.modules[0].warnings[] |
	    select(.code == "voter-odd") | .text'
}

@test "etcd is made anew, empty: nothing is granted before a word" {
	load_start
	starts=$(started n2)
	etcd_kill
	on c1 rm -rf /srv/etcd
	etcd_start
	wait_until 20 '[[ $(odd n2) == "etcd "* && $(odd n1) == "etcd "* ]]'
	pair_is_level n2 n1
	load_goes_on 5
	[ -z "$(value)" ]
	# An old value is not taken for the register.
	run on n2 holdfast swap "$MODULE"
	[ "$status" -eq 80 ]
	run on n2 holdfast cluster witness replace etcd </dev/null
	[ "$status" -eq 79 ]
	[[ $output == *"--yes etcd"* ]]
	on n2 holdfast cluster witness replace etcd --yes etcd
	wait_until 20 '[[ $(value) == *" primary=2 set=1,2 "* ]] &&
	    pair_is_level n2 n1'
	wait_until 15 '[ -z "$(odd n1)$(odd n2)" ]'
	[ "$(started n2)" = "$starts" ]
	on n2 holdfast swap "$MODULE"
	wait_until 20 'pair_is_level n1 n2'
	[[ $(value) == *" primary=1 set=1,2 "* ]]
	load_stop
	verify
}

# Whom a partition cuts from whom: the two, each from etcd, one of them from
# all, one way or both.
partition()
{
	local a=n$((RANDOM % 2 + 1)) way=

	[ $((RANDOM % 2)) -eq 0 ] || way=--oneway
	case $((RANDOM % 4)) in
	0)	"$LAB" cut "$a" "$(other $a)" $way ;;
	1)	"$LAB" cut "$a" c1 $way ;;
	2)	"$LAB" cut "$a" c1 $way
		"$LAB" cut "$a" "$(other $a)" $way ;;
	3)	"$LAB" cut n1 c1 $way
		"$LAB" cut n2 c1 $way ;;
	esac
}

serves()
{
	[[ $(state "$1") =~ ^(ALONE|PRIM)' Ready' ]]
}

@test "50 seeded partitions: no second history" {
	[ -n "${HOLDFAST_LONG-}" ] || skip "HOLDFAST_LONG is not set"
	RANDOM=${SEED:-77}
	load_start
	for ((i = 1; i <= ${PARTITIONS:-50}; i++)); do
		partition
		for ((k = RANDOM % 8 + 1; k > 0; k--)); do
			sleep 0.7	# the partition lasts
			not eval 'serves n1 && serves n2'
		done
		"$LAB" heal
		wait_until 60 is_level_again
		echo "partition $i: $(state n1), $(state n2)"
		[[ $(value) == *" set=1,2 "* ]]
	done
	load_goes_on 20
	load_stop
	verify
	trees_are_equal
	for i in n1 n2; do
		not on $i sh -c 'ls -d /srv/ledger/.holdfast/diverged/*' \
		    2>/dev/null
	done
}

# The one who remains: fenced, then waiting, then on its own.
@test "etcd is gone for good, then a node: back to heartbeats only" {
	load_start
	prim=$(primary)
	off=$(other "$prim")
	etcd_kill
	wait_until 20 "warned $prim voters-silent"
	"$LAB" power off "$off"
	wait_until 30 "[ \"\$(blocked $prim)\" = no-etcd ]"
	# Nobody has the list of voters cut to himself: etcd is all of it.
	run on "$prim" holdfast prim "$MODULE" --yes "$MODULE"
	[ "$status" -eq 80 ]
	[[ $output == *"witness remove etcd"* ]]
	run on "$prim" holdfast cluster witness remove etcd </dev/null
	[ "$status" -eq 79 ]
	[[ $output == *"does not answer: make sure that it is"* ]]
	run on "$prim" holdfast cluster witness remove etcd --yes etcd
	[ "$status" -eq 69 ]	# the other node has not got it
	wait_until 10 "[ \"\$(lease $prim .mode)\" = heartbeats-only ]"
	on "$prim" holdfast prim "$MODULE" --yes "$MODULE"
	wait_state 20 "$prim" ALONE
	load_goes_on 10
	"$LAB" power on "$off"
	wait_until 20 "on $prim holdfast cluster push"
	wait_until 60 "pair_is_level $prim $off"
	[ "$(lease "$off" .mode)" = heartbeats-only ]
	load_stop
	verify
	trees_are_equal
}
