#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Many nodes, of which one dies: its buckets move and no other, and all clients
# are served again as soon as it is noticed.  Eight, and sixteen with
# HOLDFAST_LONG.
# shellcheck disable=SC2154,SC2086,SC2034 # variables of lib.bash

load lib
load farm/lib
load farm/round

# The machine has few processors for so many daemons.
COUNT=10
NODES=${HOLDFAST_LONG:+16}
NODES=${NODES:-8}
TIMEOUT_MS=$((COUNT * 100))

setup_file()
{
	farm_module "$BATS_FILE_TMPDIR/$FARM"
	lab_setup_file $NODES --module "$BATS_FILE_TMPDIR/$FARM" \
	    --set COUNT=$COUNT
	[ -e "$BATS_FILE_TMPDIR/skip" ] || farm_clients
}

setup()
{
	lab_setup
	dir=$BATS_TEST_TMPDIR
	nodes=$(seq -f n%g -s ' ' $NODES)
	wait_shared_by 60 $nodes
}

teardown()
{
	[ -e "$BATS_FILE_TMPDIR/skip" ] || clients_kill
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

# who_has FILE: each of 4000 clients and its node.
who_has()
{
	on c1 /run/farmcli fair -d $FARM_VIP -s $CLIENTS+4000 -n 4000 \
	    -o /run/list >"$dir/fair"
	cat "$dir/fair"
	[ "$(value answered "$dir/fair" clients=4000)" = 4000 ]
	on c1 cat /run/list >"$1"
}

@test "one of many dies: its buckets move and no other" {
	local die=n7 rest moved

	rest=" $nodes " rest=${rest/ $die / }
	farm_buckets n1 | tee "$dir/buckets.before"
	who_has "$dir/before"
	client_start fresh fresh -d $FARM_VIP -s $CLIENTS+4000
	client_start udp udp -d $FARM_VIP -s $CLIENTS+4000
	round_event death node_die $die
	wait_shared_by 30 $rest
	farm_buckets n1 | tee "$dir/buckets.after"
	who_has "$dir/after"
	clients_end "$dir"
	tail -n 40 "$dir/fresh.out" "$dir/udp.out"

	# As the nodes say: nobody lost one, and they share what it had.
	moved=$(tr ' ' '\n' <"$dir/buckets.before" | grep -A1 "^$die$" |
	    tail -n 1)
	[ "$moved" -eq $((4096 / NODES)) ]
	paste -d' ' - - <<<"$(tr ' ' '\n' <"$dir/buckets.before")" |
	    sort >"$dir/one"
	paste -d' ' - - <<<"$(tr ' ' '\n' <"$dir/buckets.after")" |
	    sort >"$dir/two"
	join "$dir/one" "$dir/two" | grep -v "^$die " |
	    awk -v moved="$moved" '
	    { gain += $3 - $2; if ($3 < $2) bad = 1 }
	    END { print "gained " gain; exit bad || gain != moved }'
	# As the clients see it.
	join -j 1 <(sort "$dir/before") <(sort "$dir/after") |
	    awk -v die=$die '
	    $2 != $3 && $2 != die { print; bad++ }
	    $2 == die { had++; if ($3 == die) bad++ }
	    END { print had " clients had another, wrongly: " bad + 0
	        exit bad || had < 100 }'

	round_seed=sixteen round_bad=0
	for what in twice failed reset error; do
		round_zero "$dir" udp $what mark=start
	done
	round_zero "$dir" udp twice mark=death
	round_zero "$dir" fresh reset mark=death
	[ $round_bad -eq 0 ]
	at_most "$(value until_ms "$dir/udp.out" mark=death)" \
	    "$(round_bound $TIMEOUT_MS)"
	at_most "$(value until_ms "$dir/fresh.out" mark=death)" \
	    "$(round_bound $TIMEOUT_MS)"
}
