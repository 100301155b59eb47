# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2034,SC2016 # variables of course.bash
#
# What operators do, and should not: more faults, as in faults.bash.

# Said to that node; it may refuse, and then nothing has to be told.
operator()
{
	local rc=0

	timeout 60 "$LAB" exec "$1" holdfast "${@:2}" >>"$dir/operator" 2>&1 ||
	    rc=$?
	[ $rc -ne 0 ] || return 0
	course_say "holdfast ${*:2} on $1: status $rc"
	unnamed "refused: who asked was told"
	return 0
}

# refused NODE WORDS...: it has to be.
refused()
{
	local rc=0

	timeout 20 "$LAB" exec "$1" holdfast "${@:2}" >>"$dir/operator" 2>&1 \
	    </dev/null || rc=$?
	case $rc in
	0|124)	course_bad "holdfast ${*:2} on $1: status $rc," \
		    "should be refused" ;;
	esac
	unnamed "refused: who asked was told"
}

fault_swap()
{
	[ "$1" = inject ] || return 0
	EXPECT='Action swap'
	between 0 500
	HOLD_MS=$DRAW
	operator "$NODE" swap "$MODULE" --timeout 30
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
		operator "$NODE" swap "$MODULE" --timeout 40 ;;
	heal)	on "$NODE" rm -f /run/torture.stop_prim ;;
	esac
}

fault_stop_second()
{
	case $1 in
	inject)
		NODE=$(primary) && NODE=$(other "$NODE") || NODE=n2
		EXPECT='Action stop'
		operator "$NODE" stop "$MODULE" --timeout 30 ;;
	heal)	operator "$NODE" start "$MODULE" --no-wait ;;
	esac
}

fault_stopstart()
{
	[ "$1" = inject ] || return 0
	EXPECT='Action stopstart'
	operator "$NODE" stopstart "$MODULE" --no-wait
}

fault_double_start()
{
	[ "$1" = inject ] || return 0
	EXPECT='Action start|start.*refused|is started'
	HOLD_MS=0
	operator "$NODE" start "$MODULE" --no-wait &
	operator "$NODE" start "$MODULE" --no-wait
	wait $!
}

# On the secondary: refused, and nothing happens.
fault_prim_wrong()
{
	[ "$1" = inject ] || return 0
	NODE=$(primary) && NODE=$(other "$NODE") || NODE=n2
	HOLD_MS=0
	unnamed "refused, or nothing to do"
	operator "$NODE" prim "$MODULE" --yes "$MODULE" --no-wait
}

# Stopped while it starts, then started again.
fault_stop_starting()
{
	case $1 in
	inject)
		EXPECT='Action stop'
		operator "$NODE" restart "$MODULE" --no-wait
		operator "$NODE" stop "$MODULE" --timeout 40
		HOLD_MS=0 ;;
	heal)	operator "$NODE" start "$MODULE" --no-wait ;;
	esac
}

# Half a name, and the word of nobody: nothing happens to anything.
fault_wrong_name()
{
	local verb

	[ "$1" = inject ] || return 0
	HOLD_MS=0
	pick start stop swap prim primforce stopstart second
	verb=$DRAW
	ARG=$verb
	refused "$NODE" "$verb" "${MODULE}r" --no-wait
	refused "$NODE" "$verb" "$MODULE" --no-such-option
}

# Who has old data is told to serve it, without its name or with another one,
# while the other node is off: it has to be asked for by name.
fault_prim_stale()
{
	local prim

	case $1 in
	inject)
		EXPECT='Transition STOP -> WAIT'
		# An earlier fault of this course may still be felt.
		wait_until 20 is_green 2>/dev/null || :
		prim=$(primary) || prim=n1
		NODE=$(other "$prim")
		plug off "$NODE"
		if wait_until 10 "acks_beyond $(acked)" 2>/dev/null; then
			ARG=stale
		fi
		plug off "$prim"
		plug on "$NODE"
		[ -n "$ARG" ] || return 0
		wait_until 10 '[[ $(state "$NODE") == WAIT* ]]' 2>/dev/null
		refused "$NODE" prim "$MODULE" --no-wait
		refused "$NODE" prim "$MODULE" --yes "${MODULE}r" --no-wait
		refused "$NODE" primforce "$MODULE" --no-wait
		UNNAMED='' EXPECT='Transition STOP -> WAIT' ;;
	heal)	plug on "$(other "$NODE")" ;;
	esac
}

# More than there were: what was written alone.
acks_beyond()
{
	[ "$(acked)" -gt $(($1 + 20)) ]
}

# On the one that follows, while the other one serves.
fault_primforce_wrong()
{
	[ "$1" = inject ] || return 0
	HOLD_MS=0
	# Where nobody is primary the node may be the one to go on, which costs
	# nothing and is done.
	if NODE=$(primary); then
		NODE=$(other "$NODE")
		refused "$NODE" primforce "$MODULE" --no-wait
	else
		NODE=n2
	fi
	refused "$NODE" primforce "$MODULE" --yes "${MODULE}r" --no-wait
}

# A file of the stopped secondary is changed by hand (R42): it is told, and set
# aside before it is overwritten; at once, or where it may be a history of its
# own when somebody says so.
fault_edit_second()
{
	case $1 in
	inject)
		NODE=$(primary) && NODE=$(other "$NODE") || NODE=n2
		operator "$NODE" stop "$MODULE" --timeout 30
		EDIT=$(now_ms)
		on "$NODE" sh -c "echo $EDIT >/srv/ledger/edited && sync" ||
		    course_say "no edit on $NODE"
		operator "$NODE" start "$MODULE" --no-wait
		EXPECT='changed while the module was stopped'
		CODE='diverged(-kept)?'
		UNNAMED=''
		HOLD_MS=2500 ;;
	heal)
		# Or it became the primary, and the edit is its data.
		wait_until 20 "has_warning 'diverged(-kept)?' ||
		    on $NODE grep -qx $EDIT /srv/ledger/edited" 2>/dev/null ||
		    course_bad "silent: an edit of stopped $NODE"
		! is_diverged "$NODE" ||
		    operator "$NODE" second "$MODULE" fullsync --timeout 40
		discard_kept "$NODE" ;;
	esac
}

is_diverged()
{
	[ "$(status_json "$1" | jq -r '.modules[0].blocked.code')" = diverged ]
}

# What was set aside is looked at, found to be the edit, and thrown away.
discard_kept()
{
	local epoch

	wait_until 20 '[[ $(state "$NODE") == SECOND* ]]' 2>/dev/null || :
	for epoch in $(on "$1" holdfast diverged "$MODULE" --local 2>&1 |
	    tee -a "$dir/operator" | sed -n '2,$s/^[^ ]*  *\([^ ]*\).*/\1/p'); do
		operator "$1" diverged "$MODULE" discard "$epoch" \
		    --yes "$MODULE"
	done
}

# Another key for the witness, and a swap at the same time.
fault_witness_replace()
{
	case $1 in
	inject)
		HOLD_MS=500
		EXPECT='Action swap'
		operator "$NODE" swap "$MODULE" --timeout 30 &
		timeout 60 "$LAB" exec "$NODE" holdfast cluster witness \
		    replace w1 >>"$dir/operator" 2>&1 ||
		    course_bad "witness replace: status $?"
		wait $! || : ;;
	heal)
		on "$NODE" cat /etc/holdfast/witness/w1.key |
		    on w1 /usr/lib/holdfast/witnessd -a lab
		host_keep_witness ;;
	esac
}
