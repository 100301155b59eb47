#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# A farm of three nodes under clients that notice everything: joins, leaves,
# death, isolation, other configurations, rules deleted, daemons killed,
# nodes that freeze.  FARM_BACKEND=nft or bpf; auto without.
# shellcheck disable=SC2016,SC2154 # lines for wait_until; lib.bash

load lib
load farm/lib
load farm/round

BACKEND=${FARM_BACKEND:-auto}
BIND=$CLIENTS
# Of t/farm/module: T is 500 ms, and what a loaded machine adds.
DEATH_MS=${FARM_DEATH_MS:-800}

setup_file()
{
	farm_module "$BATS_FILE_TMPDIR/$FARM"
	lab_setup_file 3 --module "$BATS_FILE_TMPDIR/$FARM" \
	    --set BACKEND="$BACKEND"
	[ -e "$BATS_FILE_TMPDIR/skip" ] || farm_clients
}

setup()
{
	lab_setup
	MODULE=$FARM
	D=$BATS_TEST_TMPDIR
	CLIENTS_RUNNING=
	wait_shared_by 30 n1 n2 n3
}

teardown()
{
	[ -n "${BATS_TEST_COMPLETED-}" ] || [ -e "$BATS_FILE_TMPDIR/skip" ] ||
	    clients_kill
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

# load [hold]: clients that connect and that send datagrams, each 2 ms.
load_begin()
{
	[ "${1-}" != hold ] || client_start hold hold -d $FARM_VIP \
	    -s "$BIND+100" -n 100 -i 50
	client_start fresh fresh -d $FARM_VIP -s "$BIND+1000" -i 2
	client_start udp udp -d $FARM_VIP -s "$BIND+1000" -i 2
}

# All was answered, at the first time or the next, nothing twice.
nothing_lost()	# MARK...
{
	local mark what

	for mark; do
		for what in failed reset error; do
			is_zero fresh $what mark=$mark
		done
		is_zero udp twice mark=$mark
		is_zero udp failed mark=$mark
	done
}

is_zero()	# REPORT FIELD WORD...
{
	local report=$1 field=$2 n

	shift 2
	n=$(value "$field" "$D/$report.out" "$@")
	[ "$n" = 0 ] || {
		echo "$report: $* $field=$n" >&2
		cat "$D/$report.out" >&2
		return 1
	}
}

# The others take over what it had, and no longer than this.
served_within()	# MARK MS
{
	local report ms

	for report in fresh udp; do
		ms=$(value until_ms "$D/$report.out" "mark=$1")
		echo "# $report: $1: served again after $ms ms" >&3
		at_most "$ms" "$2"
	done
}

# pid NODE DAEMON
pid()
{
	on "$1" sh -c 'for p in /proc/[0-9]*; do
		[ "$(cat $p/comm 2>/dev/null)" != '"$2"' ] ||
		    echo ${p#/proc/}
	done'
}

@test "three nodes share the clients of both addresses, and say so" {
	local vip from

	[ "$(state n1) $(state n2) $(state n3)" = \
	    "UP Ready UP Ready UP Ready" ]
	for vip in "$FARM_VIP $CLIENTS" "$FARM_VIP6 $CLIENTS6"; do
		from=${vip#* }
		on c1 /run/farmcli fair -d "${vip% *}" -s "$from+3000" \
		    -n 3000 -o /run/fair >"$D/fair"
		cat "$D/fair"
		[ "$(value failed "$D/fair" clients=3000)" = 0 ]
		at_most "$(value ratio "$D/fair" clients=3000)" 1.15
	done
	on n2 holdfast farm $FARM >"$D/table"
	cat "$D/table"
	[ "$(grep -c '33.3 %' "$D/table")" -eq 3 ]
	not grep -q warning "$D/table"
}

@test "a leave and a join break nothing and lose nothing" {
	load_begin hold
	clients_mark leave "$EPOCHREALTIME"
	on n1 holdfast farm $FARM drain n2
	wait_shared_by 10 n1 n3
	clients_mark join "$EPOCHREALTIME"
	on n1 holdfast farm $FARM drain n2 --off
	wait_shared_by 10 n1 n2 n3
	clients_end "$D"
	nothing_lost start leave join
	is_zero hold broken total clients=100
}

@test "a death is over within the time-out, the others' clients stay" {
	local die
	die=$(farm_director)
	load_begin hold
	clients_mark death "$EPOCHREALTIME"
	node_die "$die"
	# shellcheck disable=SC2046 # a list
	wait_shared_by 10 $(round_others "$die")
	wait_until 10 '[ "$(on c1 ss -Htn state established \
	    "dport = 7800" | wc -l)" -ge 100 ]'
	clients_mark back "$EPOCHREALTIME"
	"$LAB" power on "$die"
	wait_shared_by 30 n1 n2 n3
	clients_end "$D"
	nothing_lost start back
	served_within death $DEATH_MS
	for node in $(round_others "$die"); do
		is_zero hold broken mark=death "node=$node"
		is_zero hold broken mark=back "node=$node"
	done
	is_zero hold hung total clients=100
}

@test "a node that is cut off serves all it sees, and merges without hands" {
	"$LAB" cable n3 lan1 out
	"$LAB" cable n3 lan2 out
	wait_shared_by 10 n1 n2
	wait_until 10 '[[ "$(farm_buckets n3)" == *"n3 4096"* ]]'
	"$LAB" cable n3 lan1 in
	"$LAB" cable n3 lan2 in
	wait_shared_by 20 n1 n2 n3
	load_begin
	clients_mark healed "$EPOCHREALTIME"
	wait_until 5 'on c1 grep -q mark=start /run/udp.out ||
	    [ "$(farm_epochs n1 n2 n3 | wc -l)" -eq 1 ]'
	clients_end "$D"
	is_zero udp twice mark=healed
	on c1 /run/farmcli fair -d $FARM_VIP -s "$BIND+500" -n 500 >"$D/fair"
	[ "$(value failed "$D/fair" clients=500)" = 0 ]
}

@test "a node with other rules stays out and names who differs" {
	local file=/etc/holdfast/modules/$FARM/conf/userconfig.xml

	on n3 holdfast stop $FARM
	on n3 cp "$file" /run/before.xml
	on n3 sed -i '0,/rule port="7800"/s//rule port="7801"/' "$file"
	on n3 holdfast config $FARM
	on n3 holdfast start $FARM --no-wait
	wait_until 10 '[[ "$(on n3 holdfast why $FARM)" == *config-differs* ]] ||
	    [[ "$(on n3 holdfast status $FARM)" == *config-differs* ]]'
	on n3 holdfast status $FARM | tee "$D/status"
	grep config-differs "$D/status" | grep -q n1
	wait_shared_by 10 n1 n2
	[ "$(farm_buckets n3 | grep -o 'n3 [0-9]*')" = "n3 0" ]
	on n3 holdfast stop $FARM
	on n3 cp /run/before.xml "$file"
	on n3 holdfast config $FARM
	on n3 holdfast start $FARM
	wait_shared_by 20 n1 n2 n3
}

@test "rules deleted by hand are back within seconds, and it is said" {
	load_begin
	clients_mark gone "$EPOCHREALTIME"
	if [ "$(farm_backend_of n2)" = nft ]; then
		on n2 nft delete table netdev holdfast_$FARM
	else
		on n2 tc qdisc del dev lan1 clsact
	fi
	wait_until 5 'on n2 holdfast status | grep -q "rules of the filter"'
	clients_end "$D"
	is_zero udp twice mark=start
	on c1 /run/farmcli fair -d $FARM_VIP -s "$BIND+500" -n 500 >"$D/fair"
	[ "$(value failed "$D/fair" clients=500)" = 0 ]
}

@test "killed daemons: no connection and no datagram is lost" {
	local node daemon before
	load_begin hold
	clients_mark kill "$EPOCHREALTIME"
	for node in n1 n2 n3; do
		for daemon in farmd moduled vipd; do
			before=$(pid $node $daemon)
			on $node kill -9 "$before"
			wait_until 5 "[ -n \"\$(pid $node $daemon |
			    grep -vx '$before')\" ]"
			wait_shared_by 10 n1 n2 n3
		done
	done
	clients_end "$D"
	nothing_lost start kill
	is_zero hold broken total clients=100
}

@test "a node that freezes is taken over, and thawed it takes nothing twice" {
	local node
	node=$(round_others "$(farm_director)")
	node=${node%% *}
	load_begin
	clients_mark freeze "$EPOCHREALTIME"
	"$LAB" freeze "$node"
	# shellcheck disable=SC2046 # a list
	wait_shared_by 10 $(round_others "$node")
	clients_mark frozen "$EPOCHREALTIME"
	"$LAB" thaw "$node"
	wait_shared_by 20 n1 n2 n3
	clients_mark thawed "$EPOCHREALTIME"
	clients_end "$D"
	# The freezing itself takes a while.
	served_within freeze $((DEATH_MS * 2))
	is_zero udp twice mark=freeze
	nothing_lost frozen thawed
}
