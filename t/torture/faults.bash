# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2034,SC2016 # variables of course.bash
#
# What is done to a pair.  A fault is a function fault_NAME inject|heal; inject
# sets HOLD_MS (how long it lasts), ARG (for the report) and, for the heal,
# whatever it needs; and what must name it within 5 s: EXPECT, a pattern of an
# event, or CODE, of a warning of the status while it lasts.  Where there can be
# none it says why, by `unnamed'.  NODE is the node the seed chose.  Faults by
# operators are in faults-operator.bash.

# NAME	weight	modes: h heartbeats only, f with fencing, r register
FAULTS='
kill		6	hfr
pause		3	hfr
power		4	hfr
power_both	2	hfr
freeze		2	hfr
deaf		2	hfr
cable		2	hfr
cables		2	hfr
cut_lan		2	hfr
split		4	fr
oneway		4	fr
isolate		4	r
loss		3	hfr
witness		4	r
disk_full	2	hfr
disk_slow	2	hfr
disk_readonly	1	hfr
clock		1	hfr
swap		3	hfr
swap_script	2	hfr
stop_second	2	hfr
stopstart	1	hfr
double_start	1	hfr
prim_wrong	1	hfr
stop_starting	1	hfr
prim_stale	2	hfr
primforce_wrong	1	hfr
wrong_name	1	hfr
edit_second	2	hfr
witness_replace	2	r
resync_broken	2	hfr
foreign		1	hfr
'
DAEMONS='heartd vipd moduled mirrord keepd holdfastd remoted checkd alertd'

fault_list()
{
	awk 'NF { printf "%-16s weight %s, modes %s\n", $1, $2, $3 }' \
	    <<<"$FAULTS"
}

# fault_choose_from MODE NAMES: URN, to draw from.
fault_choose_from()
{
	local name weight modes

	URN=()
	while read -r name weight modes; do
		[ -n "$name" ] || continue
		[[ $modes == *${1:0:1}* ]] || continue
		[ -z "$2" ] || [[ ,$2, == *,$name,* ]] || continue
		for ((; weight > 0; weight--)); do
			URN+=("$name")
		done
	done <<<"$FAULTS"
	[ ${#URN[@]} -gt 0 ] || {
		echo "torture: $2: no such fault in mode $1; --list" >&2
		exit 64
	}
}

# unnamed WHY: no event can name this one.
unnamed()
{
	course_say "nothing names it: $*"
	EXPECT='' CODE='' UNNAMED=$*
}

# named_after MS PATTERN: an event like it, when it lasts that long.
named_after()
{
	if [ "$HOLD_MS" -ge "$1" ]; then
		EXPECT=$2
	else
		unnamed "over before anybody waits for it"
	fi
}

# A silence is told T after the last beat.
SILENT='is silent on all'
LATE="did not run for|this node was late|$SILENT"

# pid_in NODE DAEMON
pid_in()
{
	on "$1" pgrep -x -o "$2"
}

fault_kill()
{
	local pid

	[ "$1" = inject ] || return 0
	# shellcheck disable=SC2086 # words
	pick $DAEMONS
	ARG=$DRAW
	between 0 500
	HOLD_MS=$DRAW
	EXPECT="$ARG.*died|holdfastd.*ended with status"
	if pid=$(pid_in "$NODE" "$ARG"); then
		on "$NODE" kill -9 "$pid"
	else
		unnamed "no $ARG on $NODE"
	fi
}

# Longer than T the others call it dead; shorter ones may pass unnoticed.
fault_pause()
{
	case $1 in
	inject)
		pick heartd moduled mirrord vipd checkd
		ARG=$DRAW
		between 100 4000
		HOLD_MS=$DRAW
		PID=$(pid_in "$NODE" "$ARG")
		on "$NODE" kill -STOP "$PID"
		if [ "$ARG" = heartd ]; then
			named_after $((TORTURE_T_MS * 2)) "$LATE"
		else
			unnamed "what $ARG does not do in time is named," \
			    "and so short a pause need not be in the way"
		fi ;;
	heal)	on "$NODE" kill -CONT "$PID" 2>/dev/null || : ;;
	esac
}

fault_power()
{
	case $1 in
	inject)
		EXPECT="$SILENT|has started anew|Transition STOP -> WAIT"
		plug off "$NODE" ;;
	heal)	plug on "$NODE" ;;
	esac
}

# Both at once; they return in any order, one of them perhaps much later.
fault_power_both()
{
	case $1 in
	inject)
		between 0 4000
		ARG=skew=$DRAW
		EXPECT='Transition STOP -> WAIT'
		plug off n1 &
		plug off n2
		wait $! ;;
	heal)	plug on "$NODE"
		pause "${ARG#skew=}"
		plug on "$(other "$NODE")" ;;
	esac
}

fault_freeze()
{
	case $1 in
	inject)
		between 300 5000
		HOLD_MS=$DRAW
		"$LAB" freeze "$NODE"
		named_after $((TORTURE_T_MS * 2)) "$LATE" ;;
	heal)	"$LAB" thaw "$NODE" ;;
	esac
}

fault_deaf()
{
	case $1 in
	inject)
		between 300 5000
		HOLD_MS=$DRAW
		"$LAB" freeze "$NODE" --deaf
		named_after $((TORTURE_T_MS * 2)) "$LATE" ;;
	heal)	"$LAB" thaw "$NODE" --deaf ;;
	esac
}

fault_cable()
{
	case $1 in
	inject)
		pick lan1 lan2
		ARG=$DRAW
		"$LAB" cable "$NODE" "$ARG" out
		EXPECT="lan $ARG: link down|heartbeat.$ARG set to down" ;;
	heal)	"$LAB" cable "$NODE" "$ARG" in ;;
	esac
}

fault_cables()
{
	local lan what=in

	if [ "$1" = inject ]; then
		what=out
		between 500 5000
		HOLD_MS=$DRAW
		EXPECT="lan lan.: link down|$SILENT"
	fi
	for lan in lan1 lan2; do
		"$LAB" cable "$NODE" $lan $what
	done
}

# One network between the two, one or both ways: the other one is there.
fault_cut_lan()
{
	local way lan

	case $1 in
	inject)
		pick lan1 lan2
		lan=$DRAW
		pick '' --oneway
		way=$DRAW
		ARG=$lan$way
		# shellcheck disable=SC2086 # a word or none
		"$LAB" cut "$NODE" "$(other "$NODE")" $way $lan
		named_after $((TORTURE_T_MS + 500)) \
		    "heartbeat.$lan set to down" ;;
	heal)	"$LAB" heal ;;
	esac
}

# Nothing passes between the two, both reach everybody else.
fault_split()
{
	case $1 in
	inject)
		between 500 6000
		HOLD_MS=$DRAW
		"$LAB" cut n1 n2
		named_after $((TORTURE_T_MS + 500)) "$SILENT" ;;
	heal)	"$LAB" heal ;;
	esac
}

fault_oneway()
{
	case $1 in
	inject)
		between 500 6000
		HOLD_MS=$DRAW
		"$LAB" cut "$NODE" "$(other "$NODE")" --oneway
		named_after $((TORTURE_T_MS + 500)) "$SILENT" ;;
	heal)	"$LAB" heal ;;
	esac
}

# Nothing passes between it and who votes; the clients still reach it.
fault_isolate()
{
	case $1 in
	inject)
		between 500 6000
		HOLD_MS=$DRAW
		pick '' --oneway
		ARG=${DRAW#--}
		# shellcheck disable=SC2086 # a word or none
		"$LAB" cut "$NODE" "$(other "$NODE")" $DRAW
		# shellcheck disable=SC2086 # a word or none
		"$LAB" cut "$NODE" w1 $DRAW
		named_after $((TORTURE_T_MS + 500)) "$SILENT" ;;
	heal)	"$LAB" heal ;;
	esac
}

# Frames of a node that are lost by chance, on all networks and both ways.
fault_loss()
{
	case $1 in
	inject)
		pick 3 10 25 50
		ARG=$DRAW%
		between 1000 6000
		HOLD_MS=$DRAW
		"$LAB" loss "$NODE" "${ARG%\%}"
		unnamed "lost frames are sent again; what is late is named" ;;
	heal)	"$LAB" loss "$NODE" 0 ;;
	esac
}

# Nobody needs it while the two hear each other; what it forgot is no vote.
fault_witness()
{
	case $1 in
	inject)
		pick kill power freeze cut old empty
		ARG=$DRAW
		case $ARG in
		kill)	on w1 sh -c 'kill -9 "$(pgrep -x witnessd)"' ;;
		power)	plug off w1 ;;
		freeze)	"$LAB" freeze w1 ;;
		cut)	"$LAB" cut "$NODE" w1 ;;
		old)	witness_old ;;
		empty)	witness_empty ;;
		esac
		case $ARG in
		kill|old)
			unnamed "init has it back before a vote is missed" ;;
		empty)	unnamed "the operator did it" ;;
		*)	# Asked every 2 s, given so long to answer, and told
			# within a second.
			between 5500 6500
			HOLD_MS=$DRAW
			[ "$short" = no ] ||
			    unnamed "over before anybody asks for it"
			[ -n "$UNNAMED" ] || {
				CODE='voters?-silent'
				EXPECT='[(]voters?-silent[)]'
			} ;;
		esac ;;
	heal)
		plug on w1
		"$LAB" thaw w1
		"$LAB" heal ;;
	esac
}

# Its store as it was when the lab came up.
witness_old()
{
	on w1 sh -c 'kill -9 "$(pgrep -x witnessd)"
	    rm -rf /var/lib/holdfast/witness
	    tar -C /var/lib/holdfast -xf /srv/old.tar'
}

# Another machine in its place: two commands of the administrator.
witness_empty()
{
	plug off w1
	mkfs.ext4 -q -F -m 0 -i 4096 "/var/tmp/holdfast-lab-$HOLDFAST_LAB/w1.img"
	plug on w1
	operator "$NODE" cluster witness replace w1
	on "$NODE" cat /etc/holdfast/witness/w1.key |
	    on w1 /usr/lib/holdfast/witnessd -a lab
	host_keep_witness
}

fault_disk_full()
{
	case $1 in
	inject)
		"$LAB" disk "$NODE" full
		# Looked at every 2 s; its own log has no room, either.
		between 3500 5000
		HOLD_MS=$DRAW
		[ "$short" = no ] || unnamed "over before anybody looks"
		[ -n "$UNNAMED" ] || CODE='disk-full' ;;
	heal)	# It may have been switched off, with all that fills it.
		plug on "$NODE"
		"$LAB" disk "$NODE" ok ;;
	esac
}

fault_disk_slow()
{
	case $1 in
	inject)
		"$LAB" disk "$NODE" slow
		unnamed "slow is no fault before a bound is passed" ;;
	heal)	"$LAB" disk "$NODE" ok ;;
	esac
}

# Such a disk is good again after a new mount only.
fault_disk_readonly()
{
	case $1 in
	inject)
		# Looked at every 2 s.
		between 3500 5000
		HOLD_MS=$DRAW
		# The node's own logs are on that disk; what the other one
		# sees, or the node's status, has to do.
		EXPECT="rfs.disk set to down|the disk of $NODE fails"
		EXPECT+='|[Rr]ead-only|Input/output error'
		CODE='disk-failed'
		[ "$short" = no ] || unnamed "over before anybody looks"
		"$LAB" disk "$NODE" readonly ;;
	heal)	plug cycle "$NODE" ;;
	esac
}

fault_clock()
{
	case $1 in
	inject)
		pick -86400 -3600 -2 +2 +3600 +86400
		ARG=$DRAW
		"$LAB" clock "$NODE" "$ARG"
		unnamed "nothing hangs on the clock of the wall" ;;
	heal)	clock_usual "$NODE" ;;
	esac
}

# The secondary was away while much was written; then the copy is broken off.
fault_resync_broken()
{
	local prim

	case $1 in
	inject)
		prim=$(primary) || prim=n1
		NODE=$(other "$prim")
		pick power-source power-target mirrord-source \
		    mirrord-target swap
		ARG=$DRAW
		EXPECT="$SILENT|has started anew"
		plug off "$NODE"
		timeout 20 "$LAB" exec "$prim" sh -c 'head -c 30000000 \
		    /dev/urandom >/srv/ledger/bulk; sync /srv/ledger/bulk' \
		    2>/dev/null || :
		plug on "$NODE"
		between 0 300
		HOLD_MS=$DRAW
		PRIM=$prim ;;
	heal)	resync_break "$PRIM" "$NODE" "$ARG" ;;
	esac
}

resync_break()
{
	local pid host=$1

	[[ $3 != *target ]] || host=$2
	case $3 in
	power-*)
		plug cycle "$host" ;;
	mirrord-*)
		pid=$(pid_in "$host" mirrord)
		on "$host" kill -9 "$pid" || : ;;
	swap)	operator "$1" swap "$MODULE" --timeout 20 ;;
	esac
}

# Another host has the address, too.
fault_foreign()
{
	case $1 in
	inject)
		NODE=c1
		between 1000 3000
		HOLD_MS=$DRAW
		on c1 ip addr add "$VIP/24" dev lan1
		on c1 arping -q -U -c 2 -i lan1 -S "$VIP" "$VIP" \
		    >>"$dir/stderr" 2>&1 || :
		EXPECT='answers for'
		# Nobody may have it just now; who wants it says so.
		CODE='address-conflict|address-answered' ;;
	heal)	on c1 ip addr del "$VIP/24" dev lan1 ;;
	esac
}
