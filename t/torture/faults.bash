# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2034,SC2016 # variables of course.bash
#
# What is done to a pair.  A fault is a function fault_NAME inject|heal; inject
# may set EXPECT (a pattern of the event that must name it), HOLD_MS (how long
# it lasts), ARG (for the report) and, for the heal, whatever it needs.  NODE is
# the node the seed chose.

# NAME	weight	modes: h heartbeats only, r register
FAULTS='
kill		6	hr
pause		3	hr
power		4	hr
power_both	2	hr
freeze		2	hr
deaf		2	hr
cable		2	hr
cables		2	hr
cut_lan		2	hr
split		4	r
oneway		4	r
isolate		4	r
witness		4	r
disk_full	2	hr
disk_slow	2	hr
disk_readonly	1	hr
clock		1	hr
swap		3	hr
swap_script	2	hr
stop_second	2	hr
stopstart	1	hr
double_start	1	hr
prim_wrong	1	hr
stop_starting	1	hr
resync_broken	2	hr
foreign		1	hr
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
		course_say "no $ARG on $NODE"
		EXPECT=
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
		if [ "$ARG" = heartd ] &&
		    [ "$HOLD_MS" -gt $((TORTURE_T_MS * 2)) ]; then
			EXPECT='did not run for|is silent on all'
		fi ;;
	heal)	on "$NODE" kill -CONT "$PID" 2>/dev/null || : ;;
	esac
}

fault_power()
{
	case $1 in
	inject)
		EXPECT="n[12] is silent on all|Transition .* -> (WAIT|SECOND)"
		"$LAB" power off "$NODE" ;;
	heal)	"$LAB" power on "$NODE" ;;
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
		"$LAB" power off n1 &
		"$LAB" power off n2
		wait $! ;;
	heal)	"$LAB" power on "$NODE"
		pause "${ARG#skew=}"
		"$LAB" power on "$(other "$NODE")" ;;
	esac
}

fault_freeze()
{
	case $1 in
	inject)
		between 300 5000
		HOLD_MS=$DRAW
		"$LAB" freeze "$NODE"
		[ "$HOLD_MS" -lt $((TORTURE_T_MS * 2)) ] ||
		    EXPECT='did not run for|is silent on all' ;;
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
		[ "$HOLD_MS" -lt $((TORTURE_T_MS * 2)) ] ||
		    EXPECT='did not run for|is silent on all' ;;
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
		[ "$HOLD_MS" -lt $((TORTURE_T_MS + 500)) ] ||
		    EXPECT="heartbeat.$ARG set to down" ;;
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
		[ "$HOLD_MS" -lt $((TORTURE_T_MS + 500)) ] ||
		    EXPECT='is silent on all'
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
		[ "$HOLD_MS" -lt $((TORTURE_T_MS + 500)) ] ||
		    EXPECT="heartbeat.$lan set to down" ;;
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
		[ "$HOLD_MS" -lt $((TORTURE_T_MS + 500)) ] ||
		    EXPECT='is silent on all' ;;
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
		[ "$HOLD_MS" -lt $((TORTURE_T_MS + 500)) ] ||
		    EXPECT='is silent on all' ;;
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
		[ "$HOLD_MS" -lt $((TORTURE_T_MS + 500)) ] ||
		    EXPECT='is silent on all' ;;
	heal)	"$LAB" heal ;;
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
		power)	"$LAB" power off w1 ;;
		freeze)	"$LAB" freeze w1 ;;
		cut)	"$LAB" cut "$NODE" w1 ;;
		old)	witness_old ;;
		empty)	witness_empty ;;
		esac ;;
	heal)
		"$LAB" power on w1
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
	"$LAB" power off w1
	mkfs.ext4 -q -F -m 0 -i 4096 "/var/tmp/holdfast-lab-$HOLDFAST_LAB/w1.img"
	"$LAB" power on w1
	operator "$NODE" cluster witness replace w1
	on "$NODE" cat /etc/holdfast/witness/w1.key |
	    on w1 /usr/lib/holdfast/witnessd -a lab
	host_keep_witness
}

fault_disk_full()
{
	case $1 in
	inject)	"$LAB" disk "$NODE" full ;;
	heal)	"$LAB" disk "$NODE" ok ;;
	esac
}

fault_disk_slow()
{
	case $1 in
	inject)	"$LAB" disk "$NODE" slow ;;
	heal)	"$LAB" disk "$NODE" ok ;;
	esac
}

# Such a disk is good again after a new mount only.
fault_disk_readonly()
{
	case $1 in
	inject)
		between 1500 3000
		HOLD_MS=$DRAW
		# The node's own logs are on that disk; what the other one
		# sees has to do.
		EXPECT='rfs.disk set to down|[Rr]ead-only|Input/output error'
		EXPECT+='|Transition (PRIM|SECOND) ->'
		"$LAB" disk "$NODE" readonly ;;
	heal)	"$LAB" power cycle "$NODE" ;;
	esac
}

fault_clock()
{
	case $1 in
	inject)
		pick -86400 -3600 -2 +2 +3600 +86400
		ARG=$DRAW
		"$LAB" clock "$NODE" "$ARG" ;;
	heal)	"$LAB" clock "$NODE" ok ;;
	esac
}

# --- what operators do -------------------------------------------------------

# Said to that node; it may refuse, and then nothing has to be told.
operator()
{
	local rc=0

	timeout 60 "$LAB" exec "$1" holdfast "${@:2}" >>"$dir/operator" 2>&1 ||
	    rc=$?
	[ $rc -ne 0 ] || return 0
	course_say "holdfast ${*:2} on $1: status $rc"
	EXPECT=
}

fault_swap()
{
	[ "$1" = inject ] || return 0
	EXPECT='Action swap'
	between 0 500
	HOLD_MS=$DRAW
	operator "$NODE" swap ledger --timeout 30
}

# A script that does not do what it should, in a swap.
fault_swap_script()
{
	local script

	case $1 in
	inject)
		script=stop_prim
		pick hang deaf fail noise
		ARG=$script=$DRAW
		NODE=$(primary) || NODE=n1
		EXPECT='Action swap'
		case $ARG in
		*hang|*deaf) EXPECT='stop_prim.*(took|deadline|killed|ended by|time)' ;;
		*fail)	EXPECT='stop_prim.*status 1' ;;
		esac
		on "$NODE" sh -c 'echo $1 >/run/torture.$0' $script \
		    "${ARG#*=}"
		operator "$NODE" swap ledger --timeout 40 ;;
	heal)	on "$NODE" rm -f /run/torture.stop_prim ;;
	esac
}

fault_stop_second()
{
	case $1 in
	inject)
		NODE=$(primary) && NODE=$(other "$NODE") || NODE=n2
		EXPECT='Action stop'
		operator "$NODE" stop ledger --timeout 30 ;;
	heal)	operator "$NODE" start ledger --no-wait ;;
	esac
}

fault_stopstart()
{
	[ "$1" = inject ] || return 0
	EXPECT='Action stopstart'
	operator "$NODE" stopstart ledger --no-wait
}

fault_double_start()
{
	[ "$1" = inject ] || return 0
	EXPECT='Action start|start.*refused|is started'
	HOLD_MS=0
	operator "$NODE" start ledger --no-wait &
	operator "$NODE" start ledger --no-wait
	wait $!
}

# On the secondary: refused, and nothing happens.
fault_prim_wrong()
{
	[ "$1" = inject ] || return 0
	NODE=$(primary) && NODE=$(other "$NODE") || NODE=n2
	EXPECT=
	HOLD_MS=0
	operator "$NODE" prim ledger --yes ledger --no-wait
}

# Stopped while it starts, then started again.
fault_stop_starting()
{
	case $1 in
	inject)
		EXPECT='Action stop'
		operator "$NODE" restart ledger --no-wait
		operator "$NODE" stop ledger --timeout 40
		HOLD_MS=0 ;;
	heal)	operator "$NODE" start ledger --no-wait ;;
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
		EXPECT='is silent on all'
		"$LAB" power off "$NODE"
		timeout 20 "$LAB" exec "$prim" sh -c 'head -c 30000000 \
		    /dev/urandom >/srv/ledger/bulk; sync /srv/ledger/bulk' \
		    2>/dev/null || :
		"$LAB" power on "$NODE"
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
		"$LAB" power cycle "$host" ;;
	mirrord-*)
		pid=$(pid_in "$host" mirrord)
		on "$host" kill -9 "$pid" || : ;;
	swap)	operator "$1" swap ledger --timeout 20 ;;
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
		EXPECT='address-conflict|answers for|[Cc]onflict|in use' ;;
	heal)	on c1 ip addr del "$VIP/24" dev lan1 ;;
	esac
}
