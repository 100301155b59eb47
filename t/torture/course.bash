# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2016,SC2034 # variables of run;
# lines for wait_until
#
# One course: the applications start, one to three faults come and go, each
# must be named by an event, everything is healed; then all is green without
# hands, and the audits of audit.bash hold.

course_bad()
{
	echo "$*" >>"$dir/bad"
}

# A line of the course, with the time the nodes' logs have.
course_say()
{
	echo "$(stamp) course: $*" >>"$dir/course"
}

# draw BELOW: DRAW, of the seed.  Not by RANDOM: what a command substitution
# draws would be no part of the row.
draw()
{
	ROW=$(((ROW * 1103515245 + 12345) & 0x7fffffff))
	DRAW=$(((ROW >> 8) % $1))
}

# between A B: DRAW is a number from A to B.
between()
{
	draw $(($2 - $1 + 1))
	DRAW=$((DRAW + $1))
}

# pick WORD...: DRAW is one of them.
pick()
{
	draw $#
	shift "$DRAW"
	DRAW=$1
}

pause()
{
	sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

# course_run SEED DIR
course_run()
{
	local seed=$1 faults i start green rows_tally=
	dir=$2

	ROW=$((seed * 7919 + 1))
	draw 1
	start=$(now_ms)
	since=$(stamp)
	dirops_tally=
	work_start "$seed" || course_bad "the applications do not start"
	pick 1 1 1 2 2 3
	faults=$DRAW
	[ "$short" = no ] || faults=1
	plan=
	for ((i = 0; i < faults; i++)); do
		pick "${URN[@]}"
		course_fault "$DRAW"
	done
	course_say "healed"
	green=$(now_ms)
	wait_until "$GREEN_S" becomes_green 2>/dev/null ||
	    course_bad "stuck: not green within $GREEN_S s of healing:" \
	    "n1 $(state n1), n2 $(state n2)"
	course_say "green"
	green=$(($(now_ms) - green))
	# Not one of those that were under way when it became green.
	load_goes_on 10 2>/dev/null ||
	    course_bad "stuck: the application does not go on"
	[ "$rows" = no ] || rows_go_on 2>/dev/null ||
	    course_bad "stuck: PostgreSQL does not go on"
	work_stop
	audit_ledger
	if primary >/dev/null; then
		audit_dirops
		[ "$rows" = no ] || audit_rows "$seed"
		audit_trees
		audit_residue
	fi
	echo "$([ -e "$dir/bad" ] && echo BAD || echo good) seed=$seed" \
	    "faults=${plan// /,} green_ms=$green" \
	    "acked=$(acked) $dirops_tally${rows_tally:+ $rows_tally}" \
	    "ms=$(($(now_ms) - start))"
	# Within the bound, but somebody should look why.
	tally_course
	[ "$green" -lt "$SLOW_MS" ] || [ -e "$dir/bad" ] ||
	    course_keep "$seed" "$dir" >/dev/null
	[ ! -e "$dir/bad" ]
}

# By an event since events_mark, or by a warning that stands.
is_named()
{
	{ [ -n "$EXPECT" ] && has_event "$EXPECT"; } ||
	    { [ -n "$CODE" ] && has_warning "$CODE"; }
}

# course_fault NAME: for a time, and named while it lasts or soon after.
course_fault()
{
	local off named=no was_silent=no

	EXPECT='' CODE='' UNNAMED='' ARG=
	pick n1 n2
	NODE=$DRAW
	# Half of them shorter than anybody needs to notice.
	pick 800 2500
	between 0 "$DRAW"
	HOLD_MS=$DRAW
	events_mark
	! is_silent || was_silent=yes
	off=$(fence_off)
	"fault_$1" inject 2>>"$dir/stderr"
	[ -z "$off" ] || unnamed "$off was switched off by an earlier one"
	plan+="${plan:+ }$1:$NODE${ARG:+:$ARG}"
	if [ "$short" = yes ] && [ "$HOLD_MS" -gt "$SHORT_MS" ]; then
		HOLD_MS=$SHORT_MS
	fi
	course_say "inject $1 $NODE $ARG, for $HOLD_MS ms"
	pause "$HOLD_MS"
	# What names it may be on a disk, or in a status, that is soon gone.
	! is_named || named=yes
	"fault_$1" heal 2>>"$dir/stderr"
	course_say "heal $1"
	tally_fault "$1"
	if [ -n "$UNNAMED" ] || [ $named = yes ]; then
		return
	fi
	if [ -z "$EXPECT$CODE" ]; then
		course_bad "audit: $1 says neither what names it nor why" \
		    "nothing can"
	elif [ $was_silent = yes ] && [[ $EXPECT == *"$SILENT"* ]]; then
		course_say "nothing new: a node was silent before"
	elif ! wait_until "$EVENT_S" is_named 2>/dev/null; then
		course_bad "silent: $1 $NODE $ARG: no event like /$EXPECT/," \
		    "no warning $CODE"
		tally_silent "$1"
	fi
}

# What is needed to see what happened, and to see it again.
course_keep()
{
	local at=$keep/$mode-$1 how=

	[ ! -e "$2/bad" ] || sed 's/^/  /' "$2/bad"
	{
		cat "$2/course"
		timeline "$since"
	} | sort -s -k 1,1 >"$2/timeline"
	for node in n1 n2; do
		{
			on $node holdfast status "$MODULE"
			on $node holdfast why "$MODULE"
		} >"$2/status.$node" 2>&1 || :
	done
	lab_dump >"$2/logs" 2>&1
	# Nothing is excused by it; but it is known.
	{ uptime; cat /proc/pressure/cpu; } >"$2/load" 2>&1 || :
	on c1 cat /srv/acked >"$2/acked" 2>/dev/null || :
	mkdir -p "$keep"
	rm -rf "$at"
	cp -r "$2" "$at"
	[ "$short" = no ] || how=' --short'
	[ "$rows" = no ] || how+=' --postgresql'
	echo "  kept in $at; again: t/torture/run --mode $mode --seeds $1" \
	    "--stop$how${only:+ --faults $only}${skew:+ --skew $skew}"
}
