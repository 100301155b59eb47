#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What dies or hangs beside the nodes themselves: the application, its
# scripts, its checkers.  Each test prints a line of the table: what was done,
# after how long it was noticed, and served again.
# shellcheck disable=SC2016 # lines for wait_until

load lib

RUNS=3
[ -z "${HOLDFAST_LONG-}" ] || RUNS=10

setup_file()
{
	watched_ledger >"$BATS_FILE_TMPDIR/log"
	lab_setup_file 2 --module "$BATS_FILE_TMPDIR/ledger"
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

# The ledger with checkers of each kind, and scripts that hang on demand.
watched_ledger()
{
	local dir=$BATS_FILE_TMPDIR/ledger
	cp -r "$TOP/modules/ledger" "$dir"
	sed -i -e 's/<service /&maxloop="1000" /' \
	    -e 's/<user>/<user nicestoptimeout="3s" forcestoptimeout="3s">/' \
	    "$dir/conf/userconfig.xml"
	awk '/<user / {
		print "<errd polltimer=\"60s\"><proc name=\"ledgerd\" " \
		    "argregex=\"%DATA%\" class=\"prim\" action=\"restart\"/>" \
		    "</errd><check><tcp ident=\"port\" when=\"prim\" fails=\"2\">" \
		    "<to addr=\"%VIP%\" port=\"%PORT%\" interval=\"1s\" " \
		    "timeout=\"1s\"/></tcp><custom ident=\"query\" when=\"prim\" " \
		    "exec=\"check_query\" interval=\"1s\" timeout=\"1s\" " \
		    "fails=\"2\" action=\"stopstart\"/></check>"
	} { print }' "$dir/conf/userconfig.xml" >"$dir/u"
	mv "$dir/u" "$dir/conf/userconfig.xml"
	cat >"$dir/bin/check_query" <<-'EOF'
		#!/bin/sh
		[ ! -e /tmp/check-hangs ] || exec sleep 600
		exec "$SAFE/ledger-client" -a "$VIP" -p "$PORT" \
		    -f /dev/null verify
	EOF
	sed -i '2i [ ! -e /tmp/script-hangs ] || sleep 600' "$dir/bin/start_prim"
	chmod +x "$dir/bin/check_query"
}

# ms_of NODE PATTERN: when the last event of this kind was, in ms.
ms_of()
{
	local time
	time=$(on "$1" grep -- "$2" /var/log/holdfast/ledger.events |
	    tail -n 1 | cut -d' ' -f1)
	date -d "${time/T/ }" +%s%3N
}

events()
{
	on "$1" grep -c -- "$2" /var/log/holdfast/ledger.events || :
}

# A query through the virtual address, as a client sees it.
answers()
{
	on c1 timeout 1 "$CLIENT" -a "$VIP" -p "$PORT" -f /dev/null verify \
	    >/dev/null 2>&1
}

row()
{
	printf '# %-34s noticed %6s ms   served again %6s ms   %s\n' "$@" >&3
}

all_well()
{
	pair_restore
	wait_until 20 'answers'
	wait_until 20 '[ "$(on n1 holdfast get ledger custom.query)" = up ]'
	wait_until 20 '[ "$(on n1 holdfast get ledger proc.ledgerd)" = up ]'
}

@test "the application is killed: seen at once, restarted in place" {
	local i begin seen served max=0 longest=0
	all_well
	for i in $(seq $RUNS); do
		begin=$(on n1 sh -c 'p=$(pidof ledgerd); date +%s%3N; kill -9 $p')
		wait_until 10 '[ "$(ms_of n1 proc.ledgerd.set.to.up)" -gt '"$begin ]"
		answers
		seen=$(($(ms_of n1 'Resource proc.ledgerd set to down') - begin))
		served=$(($(ms_of n1 'start_prim ended') - begin))
		[ "$seen" -le $max ] || max=$seen
		[ $served -le $longest ] || longest=$served
		wait_state 10 n1 PRIM
	done
	row "kill -9 of the application, $RUNS times" "$max" "$longest" \
	    "restart, rule proc_ledgerd"
	[ $max -lt 1000 ]
	on n1 holdfast why ledger |
	    grep -q 'Action restart from failover rule proc_ledgerd'
}

@test "the start script is killed: the checkers see what it left undone" {
	local begin
	all_well
	on n1 touch /tmp/script-hangs
	on n1 holdfast restart ledger --no-wait
	wait_until 10 'on n1 pgrep -f bin/start_prim'
	on n1 rm /tmp/script-hangs
	begin=$(on n1 sh -c 'p=$(pgrep -f [b]in/start_prim); date +%s%3N
	    kill -9 $p')
	wait_until 20 'answers'
	row "kill -9 of the start script" \
	    $(($(ms_of n1 'start_prim was killed') - begin)) \
	    $(($(now_ms) - begin)) "restart, the first checker"
	[ "$(events n1 'Script start_prim was killed by signal 9')" -ge 1 ]
	wait_state 10 n1 PRIM
}

@test "the start script hangs: its deadline, and the other node" {
	local begin
	all_well
	on n1 touch /tmp/script-hangs
	begin=$(now_ms)
	on n1 holdfast restart ledger --no-wait
	wait_until 30 'answers'
	row "hang of the start script (3 s)" \
	    $(($(ms_of n1 'did not end in time') - begin)) \
	    $(($(now_ms) - begin)) "stopstart, start_prim"
	on n1 rm /tmp/script-hangs
	wait_until 30 'pair_is_level n2 n1'
}

@test "a checker hangs: killed at its deadline, and told" {
	local begin
	all_well
	begin=$(now_ms)
	on n1 touch /tmp/check-hangs
	wait_until 20 '[ "$(state n2)" = "PRIM Ready" ]'
	row "hang of a checker (1 s, 2 times)" \
	    $(($(ms_of n1 'hangs: killed') - begin)) \
	    $(($(now_ms) - begin)) "stopstart, rule c_query"
	on n1 rm /tmp/check-hangs
	on n1 holdfast why ledger | grep -q "by failover rule c_query (.*no answer"
	not on n1 pgrep -f bin/check_query
}

@test "the application hangs: a query tells, and the other node serves" {
	local begin
	all_well
	begin=$(now_ms)
	on n1 sh -c 'kill -STOP $(pidof ledgerd)'
	wait_until 30 '[ "$(state n2)" = "PRIM Ready" ] && answers'
	row "the application is stopped (SIGSTOP)" \
	    $(($(ms_of n1 'custom.query set to down') - begin)) \
	    $(($(now_ms) - begin)) "stopstart, rule c_query"
}

@test "checkd hangs: told, and the application is left alone" {
	local begin
	[ -n "${HOLDFAST_LONG-}" ] || skip "t/moduled.bats has it; long runs only"
	all_well
	begin=$(now_ms)
	on n1 sh -c 'kill -STOP $(pidof checkd)'
	wait_until 20 'on n1 holdfast status ledger |
	    grep -q "checkd does not answer"'
	row "checkd is stopped (SIGSTOP)" \
	    $(($(ms_of n1 'checkd does not answer') - begin)) 0 \
	    "warning checks-silent"
	answers
	on n1 sh -c 'kill -9 $(pidof checkd)'
	wait_until 20 '! on n1 holdfast status ledger |
	    grep -q "checkd does not answer"'
	wait_until 20 '[ "$(on n1 holdfast get ledger proc.ledgerd)" = up ]'
	[ "$(state n1)" = "PRIM Ready" ]
}
