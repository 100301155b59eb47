# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2016,SC2034 # variables of run;
# lines for wait_until
#
# The standing lab: a pair with the ledger, its times short enough that a
# takeover takes a second, and the applications that are tortured with it.

# Silence of a node; a busy machine must still be able to keep it.
TORTURE_T_MS=1000
# Healed, all is green within this, without hands.
GREEN_S=60
SLOW_MS=10000
# A takeover and an event of it fit in.
SHORT_MS=2200
# What happened is named within this.
EVENT_S=5

torture_up()
{
	local args=()

	torture_module "$work/ledger"
	[ "$rows" = no ] || rows_module "$work/ledger"
	[ "$mode" != register ] || args+=(--witness)
	nft list tables >"$work/tables" 2>/dev/null || :
	"$LAB" up 2 "${args[@]}" --module "$work/ledger" >"$work/up" 2>&1 || {
		tail -n 100 "$work/up" >&2
		exit 69
	}
	for host in n1 n2; do
		clock_usual $host
		host_put_file $host "$top_builddir/t/torture/dirops" /srv/dirops
	done
	[ "$mode" != fencing ] || fence_up
	torture_green
	[ "$rows" = no ] || rows_up
	[ "$mode" != register ] || host_keep_witness
	# Daemons with a clock of their own come with the next power on.
	"$LAB" power cycle n2
	torture_green
	"$LAB" power cycle n1
	torture_green
	residue_learn
}

# Before the first course.
torture_green()
{
	wait_until "$GREEN_S" becomes_green && return
	on n1 holdfast status >&2 || :
	on n2 holdfast status >&2 || :
	lab_dump >"$keep.up" 2>&1
	echo "torture: the pair is not green; all logs: $keep.up" >&2
	exit 1
}

# The ledger as it is shipped, with short times and scripts that can be told
# to misbehave.
torture_module()
{
	local script

	cp -r "$top_srcdir/modules/ledger" "$1"
	sed -i -e "s,<heart>,<heart timeout=\"${TORTURE_T_MS}ms\" \
fencehold=\"3s\" startgrace=\"3s\">," \
	    -e 's,<rfs async="none">,<rfs async="none" stall="1s">,' \
	    -e 's,<user>,<user nicestoptimeout="2s" forcestoptimeout="10s">,' \
	    "$1/conf/userconfig.xml"
	for script in prestart start_prim stop_prim; do
		mv "$1/bin/$script" "$1/bin/true_$script"
		sed "s,@SCRIPT@,$script,g" "$here/script.sh" >"$1/bin/$script"
		chmod 755 "$1/bin/$script"
	done
}

# A pair may have two opinions of the time.
clock_usual()
{
	if [ "$1" = n2 ] && [ -n "$skew" ]; then
		"$LAB" clock n2 "$skew"
	else
		"$LAB" clock "$1" ok
	fi
}

# plug off|on|cycle NODE: a machine that lets go of a disk late is asked again.
plug()
{
	"$LAB" power "$@" && return
	course_say "lab: power $* failed, once more"
	"$LAB" power "$@" || course_bad "lab: power $* failed"
}

# host_put_file HOST FILE TO: there after a power cut, too.
host_put_file()
{
	on "$1" sh -c 'cat >"$0" && chmod 755 "$0" && sync "$0" "${0%/*}"' \
	    "$3" <"$2"
}

# What a backup of the witness has.
host_keep_witness()
{
	on w1 sh -c 'tar -C /var/lib/holdfast -cf /srv/old.tar witness
	    sync /srv/old.tar'
}

torture_down()
{
	rm -f "$work/dirops.on" "$work/fence.on"
	"$LAB" down >/dev/null 2>&1 || :
	wait
	rm -rf "$work"
}

# The pair as a course wants to find it, whatever the last one left.
torture_mend()
{
	local node

	"$LAB" heal
	[ "$mode" != register ] || {
		"$LAB" thaw w1 2>/dev/null || :
		"$LAB" power on w1
	}
	for node in n1 n2; do
		"$LAB" thaw $node 2>/dev/null || :
		for lan in lan1 lan2; do
			"$LAB" cable $node $lan in
		done
		clock_usual $node
		"$LAB" loss $node 0
		"$LAB" power cycle $node
	done
	on c1 ip addr del "$VIP/24" dev lan1 2>/dev/null || :
	for node in n1 n2; do
		on $node holdfast start "$MODULE" --no-wait >/dev/null 2>&1 || :
	done
	wait_until "$GREEN_S" becomes_green
}

status_json()
{
	timeout 5 "$LAB" exec "$1" holdfast status --json 2>/dev/null
}

# Both Ready, one PRIM, one SECOND, nothing to warn of but the mode; and that a
# script failed, which somebody has to look at whatever the state is.
is_green()
{
	local node states='' one mine='"heartbeats-only",'

	[ "$mode" = heartbeats ] || mine=
	for node in n1 n2; do
		one=$(status_json $node | jq -r '.modules[0] | select(
		    .quality == "Ready" and .blocked == null and
		    ([.warnings[].code] -
		    ['"$mine"' "script-failed"]) == [] and
		    all(.resources[]; . == "up")) | .state') || return 1
		states+=" $one"
	done
	[ "$states" = " PRIM SECOND" ] || [ "$states" = " SECOND PRIM" ]
}

# The one thing hands have to do: who was fenced is switched on again.
becomes_green()
{
	[ "$mode" != fencing ] || fence_heal
	is_green
}

# --- the applications ------------------------------------------------------

# dirops_keep NODE SEED: as an init would.  Its journal is a file out here: it
# outlives the node.
dirops_keep()
{
	local life=0

	while [ -e "$work/dirops.on" ]; do
		life=$((life + 1))
		"$LAB" exec "$1" /srv/dirops run /srv/ledger \
		    $(($2 * 1000 + ${1#n} * 100 + life)) \
		    >>"$dir/journal.$1" 2>>"$dir/dirops.err" || :
		sleep 0.1
	done
}

# The courses before are no history of this one: a node that came and went
# often would be held down, and an operator's word ends that.
work_start()
{
	local node

	for node in n1 n2; do
		on $node holdfast start "$MODULE" --no-wait >/dev/null 2>&1 || :
	done
	: >"$work/dirops.on"
	# A shell that says who was killed is no news here.
	dirops_keep n1 "$1" 2>/dev/null &
	DIROPS_N1=$!
	dirops_keep n2 "$1" 2>/dev/null &
	DIROPS_N2=$!
	load_start -i "s$1" >/dev/null
	[ "$rows" = no ] || rows_start "$1"
	wait_until 10 'grep -q " a " "$dir"/journal.n?'
}

work_stop()
{
	local node pid

	rm -f "$work/dirops.on"
	for node in n1 n2; do
		pid=$(on $node pgrep -x dirops) || continue
		on $node kill "$pid" || :
	done 2>/dev/null
	load_stop >"$dir/tally" || :
	[ "$rows" = no ] || rows_stop
	wait "$DIROPS_N1" "$DIROPS_N2"
}
