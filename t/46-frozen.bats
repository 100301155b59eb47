#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# A primary that stands still and goes on later, as a paused machine does: all
# its processes are frozen, and its kernel goes on answering.  The kernel ends
# the answer with the lease; a watchdog ends the node.
# shellcheck disable=SC2016 # lines for wait_until

load lib

# How long it stands still: more than lease, takeover and fencehold.
FROZEN_S=${HOLDFAST_LONG:+30}
FROZEN_S=${FROZEN_S:-8}

setup_file()
{
	lab_setup_file 2 --witness --module "$(quick_ledger)"
}

setup()
{
	lab_setup
}

teardown()
{
	on c1 sh -c '! [ -e /srv/dump ] || kill $(cat /srv/dump); rm -f \
	    /srv/dump' 2>/dev/null || :
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

# Asks for the address 20 times a second, and writes down who says to have it.
answers_start()
{
	on c1 sh -c 'rm -f /srv/arp
	    tcpdump -lnei lan1 "arp[6:2] = 2 and arp[14:4] = 0x0a580164" \
	    >/srv/arp 2>/dev/null & echo $! >/srv/dump
	    while :; do
		arping -q -i lan1 -c 1 -w 0.05 10.88.1.100 >/dev/null 2>&1
		sleep 0.05
	    done >/dev/null 2>&1 & echo $! >>/srv/dump'
	wait_until 10 'on c1 grep -q is-at /srv/arp'
}

# The stations that answered, in the order in which they took turns.
answers_stop()
{
	on c1 sh -c 'kill $(cat /srv/dump); rm /srv/dump'
	on c1 sed -n 's/.* is-at \([0-9a-f:]*\).*/\1/p' /srv/arp | uniq
}

mac()
{
	on "$1" cat /sys/class/net/lan1/address
}

@test "frozen and thawed: silent after its lease, one host answers, nothing late" {
	local frozen said

	pair_restore
	load_start
	answers_start
	frozen=$(now_ms)
	"$LAB" freeze n1
	wait_state 20 n2 ALONE
	echo "# taken over $(($(now_ms) - frozen)) ms after the freeze" >&3
	load_goes_on 10
	wait_until $((FROZEN_S + 5)) \
	    '[ $(($(now_ms) - '"$frozen"')) -ge '$((FROZEN_S * 1000))' ]'
	"$LAB" thaw n1
	wait_until 60 'pair_is_level n2 n1'
	load_goes_on 10
	said=$(answers_stop)
	echo "# who answered, in turn: ${said//$'\n'/ }" >&3
	[ "$said" = "$(mac n1)
$(mac n2)" ]
	load_stop
	verify
	trees_are_equal
	# The rules of its lease have gone with the role.
	[ -z "$(on n1 nft list tables | grep holdfast_ledger)" ]
}

@test "frozen with a watchdog: its plug is pulled, and it comes back" {
	local frozen

	on n1 sh -c 'cat >/etc/holdfast/heartd.conf; sync' <<-END
		watchdog = "/run/lab-watchdog"
		watchdog_s = 3
	END
	"$LAB" watchdog n1 3
	"$LAB" power cycle n1
	pair_restore
	wait_until 10 'on n1 sh -c "echo status | socat - \
	    UNIX:/run/holdfast/heartd.sock" | grep -q watchdog=fed'
	load_start
	frozen=$(now_ms)
	"$LAB" freeze n1
	wait_until 10 '"$LAB" status | grep -q "^n1 *off"'
	echo "# plug pulled $(($(now_ms) - frozen)) ms after the freeze" >&3
	wait_state 20 n2 ALONE
	load_goes_on 10
	"$LAB" power on n1
	wait_until 60 'pair_is_level n2 n1'
	load_stop
	verify
	trees_are_equal
	# An orderly end is none of its business.
	heartd=$(on n1 pidof heartd)
	on n1 sh -c 'kill $(pidof holdfastd)' || :
	# The lab's init starts the next one at once.
	wait_until 20 "[ \"\$(on n1 pidof heartd)\" != '$heartd' ]"
	holds 4 '"$LAB" status | grep -q "^n1 *on"'
	"$LAB" watchdog n1 off
	"$LAB" power cycle n1
	pair_restore
}
