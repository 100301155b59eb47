#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# A pair with a witness: moduled dies at each step of a change of the register
# (holdfast-failures(7), "A change of the register"), and the change comes
# true or is made again; voters change while the module runs.  The client's
# ledger is the judge: nothing that was acknowledged is lost, and the
# application goes on.  HOLDFAST_LONG: the steps of a takeover too.
# shellcheck disable=SC2016 # lines for wait_until

load lib

# step	scenario	when: HOLDFAST_LONG only
# A scenario is a function below; it arms the node whose step it is.
POINTS='
61 shrink long
62 shrink
63 shrink long
64 shrink
65 shrink long
66 shrink long
68 shrink long
61 join long
62 join long
63 join
64 join long
65 join
66 join
68 join long
69 join
61 hand long
62 hand long
63 hand long
64 hand long
67 hand
61 takeover long
62 takeover long
63 takeover long
64 takeover
65 takeover long
66 takeover long
68 takeover
65 voters
66 voters
'

setup_file()
{
	lab_setup_file 2 --witness --module "$TOP/modules/ledger"
}

setup()
{
	lab_setup
}

teardown()
{
	lab_teardown
	# A test that failed is not to fail the others.
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		on n1 holdfast start "$MODULE" --no-wait || :
		on n2 holdfast start "$MODULE" --no-wait || :
		pair_restore || :
	fi
}

teardown_file()
{
	lab_teardown_file
}

has_failpoints()
{
	"$top_builddir/bin/moduled/moduled" -V | grep -q failpoints
}

# A word of the record about the lease and the register.
of_register()
{
	on "$1" sh -c 'echo status | socat -t 3 - \
	    UNIX:/run/holdfast/ledger/moduled.sock' |
	    sed -n "s/^kind=lease\(\| .*\) $2=\([^ ]*\).*/\2/p"
}

# moduled of that node, which ends only to be started again.
moduled_pid()
{
	on "$1" sh -c 'for p in /proc/[0-9]*; do
	    [ "$(cat "$p/comm" 2>/dev/null)" != moduled ] ||
	    echo "${p#/proc/}"; done'
}

arm()
{
	ARMED=$(moduled_pid "$1")
	on "$1" sh -c "echo moduled:$2 >/run/holdfast/fail"
}

# It was killed at the step, and another one is there.
passed()
{
	wait_until 30 "[ -n \"\$(moduled_pid $1)\" ] &&
	    [ \"\$(moduled_pid $1)\" != '$ARMED' ]"
	on "$1" test ! -s /run/holdfast/fail
}

# steps_of SCENARIO
steps_of()
{
	echo "$POINTS" | awk -v s="$1" -v long="${HOLDFAST_LONG:-}" \
	    '$2 == s && ($3 == "" || long != "") { print $1 }'
}

# The one start_prim of this primary.
started()
{
	on "$1" sh -c 'grep -a -c "Script start_prim$" \
	    /var/log/holdfast/ledger.log'
}

@test "the voters made n1 primary and n2 a member" {
	pair_is_level n1 n2
	[ "$(of_register n1 mode)" = register ]
	[ "$(of_register n1 members)" = n1,n2 ]
	[ "$(of_register n1 primary)" = n1 ]
	[ "$(of_register n1 voters)" = n1,n2,w1 ]
	wait_until 10 '[ "$(of_register n2 epoch)" = "$(of_register n1 epoch)" ]'
}

shrink()
{
	arm n1 "$1"
	on n2 holdfast stop "$MODULE"
	passed n1
	wait_state 30 n1 ALONE
	load_goes_on 5
	wait_until 5 '[ "$(of_register n1 members)" = n1 ]'
	on n2 holdfast start "$MODULE" --no-wait
	wait_until 30 'pair_is_level n1 n2'
}

join()
{
	on n2 holdfast stop "$MODULE"
	wait_state 30 n1 ALONE
	arm n1 "$1"
	on n2 holdfast start "$MODULE" --no-wait
	passed n1
	wait_until 40 'pair_is_level n1 n2'
	load_goes_on 5
	wait_until 5 '[ "$(of_register n1 members)" = n1,n2 ]'
}

@test "moduled of the primary dies at each step of a shrink and of a join" {
	has_failpoints || skip "needs ./configure --enable-failpoints"
	load_start
	starts=$(started n1)
	for step in $(steps_of shrink); do
		echo "step $step: shrink"
		shrink "$step"
	done
	for step in $(steps_of join); do
		echo "step $step: join"
		join "$step"
	done
	# The application never noticed.
	[ "$(started n1)" = "$starts" ]
	load_stop
	verify
}

# Five deaths, each soon after the last: the lease is T, 2 s.  What has not
# lived a second is started later and later, holdfastd(8).
@test "moduled of the primary is killed again and again: nobody notices" {
	load_start
	starts=$(started n1)
	for i in 1 2 3 4 5; do
		ARMED=$(moduled_pid n1)
		wait_until 5 "[ \"\$(on n1 ps -o etimes= -p $ARMED)\" -ge 2 ]"
		begun=$(now_ms)
		on n1 kill -9 "$ARMED"
		wait_until 10 "[ -n \"\$(moduled_pid n1)\" ]"
		load_goes_on 5
		gap=$(gap_since "$begun")
		echo "# killed $i times: gap $gap ms" >&3
		[ "$gap" -lt 1500 ]
		pair_is_level n1 n2
	done
	[ "$(started n1)" = "$starts" ]
	load_stop
	verify
}

hand()
{
	local prim

	prim=$(primary)
	arm "$prim" "$1"
	on "$prim" timeout 40 holdfast swap "$MODULE" --timeout 30 || :
	passed "$prim"
	wait_until 40 'pair_is_level n1 n2 || pair_is_level n2 n1'
	load_goes_on 10
	# What was chosen holds: the heir has it.
	[ "$1" != 67 ] || [ "$(primary)" != "$prim" ]
}

@test "a hand-over that moduled of the primary does not live to see" {
	has_failpoints || skip "needs ./configure --enable-failpoints"
	load_start
	for step in $(steps_of hand); do
		hand "$step"
	done
	load_stop
	verify
	pair_restore
}

# takeover STEP: the secondary's moduled dies at it.
takeover()
{
	local prim second

	prim=$(primary)
	second=$(other "$prim")
	arm "$second" "$1"
	"$LAB" power off "$prim"
	passed "$second"
	wait_state 30 "$second" ALONE
	load_goes_on 10
	"$LAB" power on "$prim"
	wait_until 40 "pair_is_level $second $prim"
}

@test "moduled of the heir dies while it takes over" {
	has_failpoints || skip "needs ./configure --enable-failpoints"
	load_start
	for step in $(steps_of takeover); do
		takeover "$step"
	done
	load_stop
	verify
	pair_restore
}

# A second witness, on the client's machine: it has a store of its own.
second_witness()
{
	on n1 holdfast cluster witness add w2 10.88.1.201
	on n1 cat /etc/holdfast/witness/w2.key |
	    on c1 sh -c 'mkdir -p /srv/w2 && HOLDFAST_ROOT=/srv/w2 \
	    /usr/lib/holdfast/witnessd -a lab'
	on c1 sh -c 'HOLDFAST_ROOT=/srv/w2 /usr/lib/holdfast/witnessd -d \
	    >/srv/w2/log 2>&1 & echo $! >/srv/w2/pid'
}

voters_are()
{
	[ "$(of_register n1 voters)" = "$1" ] &&
	    [ "$(of_register n2 voters)" = "$1" ] && pair_is_level n1 n2
}

# voters STEP COMMAND...: moduled of the primary, which starts again for the
# new list, dies at the step of that change of voters.
voters()
{
	local step=$1

	shift
	! has_failpoints || arm n1 "$step"
	"$@"
	! has_failpoints ||
	    wait_until 30 'on n1 test ! -s /run/holdfast/fail'
}

@test "a witness is added, another one removed, while the module runs" {
	load_start
	starts=$(started n1)
	steps=$(steps_of voters)
	voters "${steps%%[[:space:]]*}" second_witness
	wait_until 30 'voters_are n1,n2,w1,w2'
	voters "${steps##*[[:space:]]}" on n1 holdfast cluster witness \
	    remove w1
	wait_until 30 'voters_are n1,n2,w2'
	"$LAB" power off w1
	# The new list decides.
	"$LAB" power off n2
	wait_state 20 n1 ALONE
	load_goes_on 5
	"$LAB" power on n2
	wait_until 40 'pair_is_level n1 n2'
	[ "$(started n1)" = "$starts" ]
	load_stop
	verify
}

@test "a voter with an empty store is taken in again" {
	epoch=$(of_register n1 epoch)
	on c1 sh -c 'kill -9 "$(cat /srv/w2/pid)"'
	# or its successor finds the socket taken
	wait_until 5 '! on c1 sh -c "kill -0 \$(cat /srv/w2/pid)" 2>/dev/null'
	on c1 sh -c 'rm -rf /srv/w2/var/lib/holdfast/witness
	    HOLDFAST_ROOT=/srv/w2 /usr/lib/holdfast/witnessd -d \
	    >/srv/w2/log 2>&1 & echo $! >/srv/w2/pid'
	wait_until 20 "[ \"\$(of_register n1 epoch)\" != '$epoch' ]"
	wait_until 20 '[ "$(of_register n1 answering)" = 3 ] && voters_are \
	    n1,n2,w2'
	on n1 grep -q 'w2 has lost its votes' /var/log/holdfast/ledger.events
}
