#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The primary dies under load, the secondary dies, both die; the pair comes
# back.  Bounds: T + 3G in the mode of heartbeats only, in the
# words of HACKING.  HOLDFAST_LONG repeats the takeover ten times.
# shellcheck disable=SC2016 # lines for wait_until

load lib

# T 2 s, G 200 ms; a script's own time is added where it counts.
T_3G=2600
SLACK=200

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

@test "n1 is the primary, n2 its level secondary, the address answers" {
	[ "$(state n1)" = "PRIM Ready" ]
	[ "$(state n2)" = "SECOND Ready" ]
	on n1 ip -o addr | grep -q "$VIP/"
	run on n2 ip -o addr
	[[ "$output" != *"$VIP/"* ]]
	run on n1 holdfast status -q ledger
	[ "$status" -eq 3 ]
	run on n2 holdfast status -q ledger
	[ "$status" -eq 4 ]
	load_start
	load_stop
	verify
}

# takeover SEED: the primary loses its power at a moment the seed decides.
takeover()
{
	local prim second off gap bound

	RANDOM=$1
	prim=$(primary)
	second=$(other "$prim")
	load_start -i "s$1"
	# The moment is what the seed is for.
	sleep "$((RANDOM % 2)).$((100 + RANDOM % 900))"
	off=$(now_ms)
	"$LAB" power off "$prim"
	wait_state 20 "$second" ALONE
	load_goes_on 10
	gap=$(gap_since "$off")
	bound=$((T_3G + $(script_ms "$second") + SLACK))
	echo "# seed $1: $prim off, gap $gap ms of $bound ms" >&3
	verify
	[ "$gap" -le "$bound" ]
	"$LAB" power on "$prim"
	wait_until 60 "pair_is_level $second $prim"
	load_goes_on 5
	load_stop
	verify
	trees_are_equal
}

@test "power off of the primary under load loses no acknowledged entry" {
	local seed

	for seed in $(seq 1 "$([ -n "${HOLDFAST_LONG-}" ] && echo 10 ||
	    echo 2)"); do
		takeover "$seed"
	done
}

@test "power off of the secondary under load is a pause and not an error" {
	local tally off

	pair_restore
	load_start
	off=$(now_ms)
	"$LAB" power off n2
	wait_state 20 n1 ALONE
	load_goes_on 10
	# It waits until a living peer must have probed: one pulse more.
	[ "$(gap_since "$off")" -le $((T_3G + 200 + SLACK)) ]
	"$LAB" power on n2
	wait_until 60 'pair_is_level n1 n2'
	tally=$(load_stop)
	[ "$(field refused "$tally")" -eq 0 ]
	verify
	trees_are_equal
}

@test "a stale node started alone waits and names the node with the data" {
	local text

	pair_restore
	load_start
	"$LAB" power off n2
	wait_state 20 n1 ALONE
	load_goes_on 10
	load_stop
	"$LAB" power off n1
	"$LAB" power on n2
	wait_state 30 n2 WAIT NotReady
	# Longer than T + 3G: it does not think better of it.
	holds 3 '[ "$(state n2)" = "WAIT NotReady" ]'
	text=$(on n2 holdfast status ledger; on n2 holdfast why ledger)
	echo "$text"
	grep -q n1 <<<"$text"
	grep -q 'holdfast prim' <<<"$text"
	[ "$(on n2 holdfast status --json | jq -r '.modules[0].blocked.go_on[] |
	    select(.command | test("prim")) | .cost' | wc -c)" -gt 10 ]
	"$LAB" power on n1
	wait_until 60 'pair_is_level n1 n2'
	verify
	trees_are_equal
}

@test "both lose their power; every acknowledged entry is there after" {
	pair_restore
	load_start
	"$LAB" power off n1 &
	"$LAB" power off n2
	wait
	on c1 sh -c 'kill "$(cat /srv/pid)"; rm /srv/pid'
	"$LAB" power on n2
	"$LAB" power on n1
	wait_until 90 'pair_is_level n1 n2 || pair_is_level n2 n1'
	verify
	trees_are_equal
}

@test "swap moves the application and loses nothing" {
	local tally start

	pair_restore
	load_start
	start=$(now_ms)
	on n1 holdfast swap ledger --timeout 30
	wait_until 30 'pair_is_level n2 n1'
	load_goes_on 10
	[ "$(gap_since "$start")" -le 3000 ]
	tally=$(load_stop)
	echo "$tally"
	verify
	trees_are_equal
	on n2 ip -o addr | grep -q "$VIP/"
	run on n1 ip -o addr
	[[ "$output" != *"$VIP/"* ]]
}

# ready NODE: what a balancer is told of it.
ready()
{
	on c1 curl -s -o /dev/null -w '%{http_code}' --max-time 2 \
	    "http://10.88.1.${1#n}:9010/ready/ledger"
}

@test "a balancer and the alerts follow the application, once each" {
	local node hook=/etc/holdfast/alert.d/told

	pair_restore
	for node in n1 n2; do
		on $node sh -c "printf '#!/bin/sh\necho \$HOLDFAST_ALERT \
		    \$HOLDFAST_CODE >>/tmp/told\n' >$hook; chmod 755 $hook"
	done
	wait_until 5 '[ "$(ready n1)" = 200 ] && [ "$(ready n2)" = 503 ]'
	"$LAB" power off n1
	wait_until 10 '[ "$(ready n2)" = 200 ]'
	run ready n1
	[ "$output" = 000 ]
	wait_until 15 'on n2 grep -qx "begin alone" /tmp/told'
	"$LAB" power on n1
	wait_until 60 'pair_is_level n2 n1'
	[ "$(ready n1)" = 503 ]
	wait_until 15 'on n2 grep -qx "end alone" /tmp/told'
	[ "$(on n2 sh -c 'wc -l </tmp/told')" -eq 2 ]
	# The node that came back had nothing to tell.
	on n1 test ! -e /tmp/told
	for node in n1 n2; do
		on $node rm -f "$hook"
	done
	pair_restore
}

@test "stop and start of both ends where it was" {
	pair_restore
	load_start
	load_stop
	on n2 holdfast stop ledger --timeout 30
	wait_state 10 n1 ALONE
	on n1 holdfast stop ledger --timeout 30
	[ "$(state n1)" = "STOP NotReady" ]
	[ "$(state n2)" = "STOP NotReady" ]
	on n1 holdfast start ledger --no-wait
	on n2 holdfast start ledger --no-wait
	wait_until 60 'pair_is_level n1 n2'
	verify
	trees_are_equal
}
