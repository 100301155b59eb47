# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2034 # variables of run and course
#
# What must hold after a course, whatever happened in it.

# Everything that was acknowledged is there, and only one node wrote at a time.
audit_dirops()
{
	local node text

	for node in n1 n2; do
		[ ! -e "$dir/journal.$node" ] || awk -v node=$node \
		    '{ $1 = $1 " " node; print }' "$dir/journal.$node"
	done | sort -s -n -k 1,1 >"$dir/journal"
	on "$(primary)" /srv/dirops scan /srv/ledger |
	    awk '{ $1 = $1 " end"; print }' >>"$dir/journal"
	text=$(awk -f "$here/check.awk" "$dir/journal") ||
	    course_bad "directory: $text"
	dirops_tally=${text##*$'\n'}
}

audit_ledger()
{
	local text

	text=$(verify 2>&1) || course_bad "ledger: $text"
}

# Names, data, mode, owner, times, attributes or holes are not the same; of a
# server that has work of its own at rest, while it stands still.
trees_differ()
{
	local node pids=()

	[ "$rows" = no ] || rows_signal STOP
	for node in n1 n2; do
		{
			tree $node
			on $node unshare -m sh -c 'mount --bind /srv /mnt &&
			    /mnt/dirops scan /mnt/ledger' | sed -n \
			    's/^[^ ]* h /holes /p'
		} >"$dir/tree.$node" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$rows" = no ] || rows_signal CONT
	! diff "$dir/tree.n1" "$dir/tree.n2" >"$dir/tree.diff"
}

# What is another one after a shrink, a join or a takeover.
reign_is()
{
	local node

	for node in n1 n2; do
		status_json $node |
		    jq -c '.modules[0] | [.state, .replication.epoch]'
	done
}

# At rest both nodes hold the same.  What TCP could not send for a while it
# sends again after as long: a short cut may end the link when all is green
# again, and what is copied then is no rest.
audit_trees()
{
	local try reign

	for try in 1 2 3; do
		wait_until "$GREEN_S" is_green 2>/dev/null || {
			course_bad "stuck: green, and not green any more"
			return
		}
		reign=$(reign_is)
		trees_differ || return 0
		is_green && [ "$(reign_is)" = "$reign" ] && break
		course_say "the trees are looked at again: no rest ($try)"
	done
	course_bad "trees differ: $(grep -c '^[<>]' "$dir/tree.diff") lines"
}

# residue NODE: what a node has, in words that do not depend on which it is.
residue()
{
	on "$1" sh -c 'ps -eo stat=,comm= | sed "s/^\(.\)[^ ]* */\1 /
	    s/^[RDI] /S /" | grep -vE " (ps|sed|sh|grep|nsenter|dirops)$"
	    cut -d" " -f2,3 /proc/self/mounts | grep -vE " (proc|nsfs)$"
	    nft list tables
	    ip -o addr | sed "s/^[0-9]*: //; s/  */ /g; s/ fe80:[^ ]*//
		s/valid_lft.*//"
	    find /sys/fs/cgroup -type d' |
	    sed "s,\(10\.88\..\.\|fd88:.::\)${1#n}/,\1N/," | sort
}

# A baseline for each role, of the pair when nothing has happened.
residue_learn()
{
	local prim

	prim=$(primary)
	residue "$prim" >"$work/residue.prim"
	residue "$(other "$prim")" >"$work/residue.second"
}

residue_is()
{
	residue "$1" | diff "$work/residue.$2" - >"$dir/residue.$2"
}

# No process, mount, rule, address or cgroup that was not there before; a
# script that has just ended may still be on its way.
audit_residue()
{
	local prim

	prim=$(primary)
	wait_until 5 "residue_is $prim prim" 2>/dev/null ||
	    course_bad "left on $prim: $(grep '^[<>]' "$dir/residue.prim" |
	    tr '\n' ';')"
	wait_until 5 "residue_is $(other "$prim") second" 2>/dev/null ||
	    course_bad "left on $(other "$prim"): $(grep '^[<>]' \
	    "$dir/residue.second" | tr '\n' ';')"
}

# --- events ------------------------------------------------------------------

# log_files NODE: all that is said there, seen from outside, and from the disk
# of a node that is off nothing.
log_files()
{
	local state=/run/holdfast-lab-$HOLDFAST_LAB pid

	echo "$state/$1/console"
	pid=$(cat "$state/$1/pid" 2>/dev/null) || return 0
	printf '%s\n' "/proc/$pid/root/var/log/holdfast"/*.log \
	    "/proc/$pid/root/var/log/holdfast"/*.events
}

stamp()
{
	date +%FT%T.%3N
}

# stamp_of NODE STAMP: as that node's clock has it.
stamp_of()
{
	if [ "$1" = n2 ] && [ -n "$skew" ]; then
		date -d "@$(($(date -d "${2/T/ }" +%s) + skew)).${2##*.}" \
		    +%FT%T.%3N
	else
		echo "$2"
	fi
}

# events_mark: when it is, and how long each log is now; has_event looks behind
# either: the clock of a node may be an hour off, or just set right, and a power
# cut takes lines away.
declare -gA EVENTS_MARK
EVENTS_SINCE=
events_mark()
{
	local node file

	EVENTS_SINCE=$(stamp)
	EVENTS_MARK=()
	for node in n1 n2; do
		while read -r file; do
			[ ! -r "$file" ] ||
			    EVENTS_MARK[$node/${file##*/}]=$(wc -l <"$file")
		done < <(log_files $node)
	done
}

# has_event REGEX: on any node, in any log, since events_mark.
has_event()
{
	local node file

	for node in n1 n2; do
		while read -r file; do
			[ -r "$file" ] || continue
			awk -v mark="${EVENTS_MARK[$node/${file##*/}]:-0}" \
			    -v since="$(stamp_of $node "$EVENTS_SINCE")" \
			    -v re="$1" '
			    (NR > mark || $1 >= since) && $0 ~ re {
				    found = 1
				    exit
			    }
			    END { exit !found }' "$file" && return
		done < <(log_files $node)
	done
	return 1
}

# is_silent: a node is, by the last word of the other one on it.
is_silent()
{
	local node file

	for node in n1 n2; do
		while read -r file; do
			sed -n 's/.*\(is silent on all\|is heard\).*/\1/p' "$file" \
			    2>/dev/null | tail -n 1 | grep -q silent && return
		done < <(log_files $node | grep '\.events$')
	done
	return 1
}

# has_warning REGEX: the status of a node warns so, now.
has_warning()
{
	local node

	for node in n1 n2; do
		status_json $node | jq -e --arg re "^($1)\$" '[.modules[] |
		    .warnings[].code, (.blocked.code? // empty)] |
		    any(test($re))' >/dev/null 2>&1 && return
	done
	return 1
}

# Everything every node said since then, in one order.
timeline()
{
	local since=$1 node file

	for node in n1 n2; do
		for file in $(log_files $node); do
			awk -v since="$(stamp_of $node "$since")" \
			    -v node=$node -v f="${file##*/}" \
			    '$1 >= since && /^20/ { at = $1; $1 = ""
			    print at " " node " " f ":" $0 }' \
			    "$file" 2>/dev/null || :
		done
	done | sort -s -k 1,1
}
