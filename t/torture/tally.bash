# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2034 # variables of run and course
#
# The figures of a campaign: each fault, how often it was injected, in how many
# courses that ended badly, how often nothing named it; and what was bad.

declare -A TALLY TALLY_BAD TALLY_SILENT TALLY_KIND

tally_fault()
{
	TALLY[$1]=$((${TALLY[$1]-0} + 1))
}

tally_silent()
{
	TALLY_SILENT[$1]=$((${TALLY_SILENT[$1]-0} + 1))
}

tally_kind()
{
	TALLY_KIND[$1]=$((${TALLY_KIND[$1]-0} + 1))
}

# The end of a course: of $dir/bad and $plan.
tally_course()
{
	local fault

	[ -e "$dir/bad" ] || return 0
	for fault in $plan; do
		fault=${fault%%:*}
		TALLY_BAD[$fault]=$((${TALLY_BAD[$fault]-0} + 1))
	done
	! grep -q 'two writers' "$dir/bad" || tally_kind two_writers
	! grep -qE '^(directory|ledger|rows):' "$dir/bad" || tally_kind lost
	! grep -q '^stuck:' "$dir/bad" || tally_kind stuck
	! grep -q '^silent:' "$dir/bad" || tally_kind silent
	! grep -q '^trees differ' "$dir/bad" || tally_kind differ
	! grep -q '^left on' "$dir/bad" || tally_kind left
	grep -qE '^(directory|ledger|rows|stuck|silent|trees|left)' \
	    "$dir/bad" || tally_kind other
}

tally_print()
{
	local fault kind sum=0

	printf '%-16s %9s %9s %9s\n' fault injected 'bad course' silent
	for fault in $(printf '%s\n' "${!TALLY[@]}" | sort); do
		printf '%-16s %9d %9d %9d\n' "$fault" "${TALLY[$fault]}" \
		    "${TALLY_BAD[$fault]-0}" "${TALLY_SILENT[$fault]-0}"
		sum=$((sum + TALLY[$fault]))
	done
	printf 'faults=%d' "$sum"
	for kind in lost two_writers stuck silent differ left other; do
		printf ' %s=%d' $kind "${TALLY_KIND[$kind]-0}"
	done
	echo
}
