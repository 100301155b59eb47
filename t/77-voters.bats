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

STEPS='61 62 63 64 65 66 68'
# In a minute holdfastd starts again at once only what died a few times.
SHRINK_STEPS=${HOLDFAST_LONG:+$STEPS}
JOIN_STEPS=${HOLDFAST_LONG:+$STEPS}
HAND_STEPS=${HOLDFAST_LONG:+61 62 63 64}

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
	on "$1" sh -c "echo moduled:$2 >/run/holdfast/fail"
	ARMED=$(moduled_pid "$1")
}

# It was killed at the step, and another one is there.
passed()
{
	wait_until 30 "[ -n \"\$(moduled_pid $1)\" ] &&
	    [ \"\$(moduled_pid $1)\" != '$ARMED' ]"
	on "$1" test ! -s /run/holdfast/fail
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

@test "moduled of the primary dies at each step of a shrink and of a join" {
	has_failpoints || skip "needs ./configure --enable-failpoints"
	load_start
	starts=$(started n1)
	for step in ${SHRINK_STEPS:-62 64}; do
		echo "step $step: shrink"
		arm n1 "$step"
		on n2 holdfast stop "$MODULE"
		passed n1
		wait_state 30 n1 ALONE
		load_goes_on 5
		wait_until 5 '[ "$(of_register n1 members)" = n1 ]'
		on n2 holdfast start "$MODULE" --no-wait
		wait_until 30 'pair_is_level n1 n2'
	done
	for step in ${JOIN_STEPS:-63 65}; do
		echo "step $step: join"
		on n2 holdfast stop "$MODULE"
		wait_state 30 n1 ALONE
		arm n1 "$step"
		on n2 holdfast start "$MODULE" --no-wait
		passed n1
		wait_until 40 'pair_is_level n1 n2'
		load_goes_on 5
		wait_until 5 '[ "$(of_register n1 members)" = n1,n2 ]'
	done
	# The application never noticed.
	[ "$(started n1)" = "$starts" ]
	load_stop
	verify
}

@test "a hand-over that moduled of the primary does not live to see" {
	has_failpoints || skip "needs ./configure --enable-failpoints"
	load_start
	for step in $HAND_STEPS 67; do
		prim=$(primary)
		arm "$prim" "$step"
		on "$prim" timeout 40 holdfast swap "$MODULE" --timeout 30 || :
		passed "$prim"
		wait_until 40 'pair_is_level n1 n2 || pair_is_level n2 n1'
		load_goes_on 10
		# What was chosen holds: the heir has it.
		[ "$step" != 67 ] || [ "$(primary)" != "$prim" ]
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
	for step in ${HOLDFAST_LONG:+$STEPS} 64; do
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

@test "a witness is added, another one removed, while the module runs" {
	load_start
	starts=$(started n1)
	second_witness
	wait_until 30 'voters_are n1,n2,w1,w2'
	on n1 holdfast cluster witness remove w1
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
	on c1 sh -c 'kill -9 "$(cat /srv/w2/pid)"; rm -rf \
	    /srv/w2/var/lib/holdfast/witness
	    HOLDFAST_ROOT=/srv/w2 /usr/lib/holdfast/witnessd -d \
	    >/srv/w2/log 2>&1 & echo $! >/srv/w2/pid'
	wait_until 20 "[ \"\$(of_register n1 epoch)\" != '$epoch' ]"
	wait_until 20 '[ "$(of_register n1 answering)" = 3 ] && voters_are \
	    n1,n2,w2'
	on n1 grep -q 'w2 has lost its votes' /var/log/holdfast/ledger.events
}
