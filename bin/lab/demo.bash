# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2059,SC2154 # bold; lab
#
# What the demos share: lines of progress, the table at the end, the end of
# the lab.  The file that sources it has set `lab' and defines keep_hints and,
# if something is not reached, has show_trouble say why.

keep=false
begin=${EPOCHREALTIME/./}
rows=()
failed=0
bold='' plain=''
[ ! -t 1 ] || bold=$'\033[1m' plain=$'\033[0m'

# demo_options ARG...: --keep is all there is.
demo_options()
{
	[ $# -eq 0 ] || [ "$*" = --keep ] || {
		echo "usage: ${0##*/} [--keep]" >&2
		exit 64
	}
	[ $# -eq 0 ] || keep=true
}

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# A line of progress, with the seconds since the start.
say()
{
	printf "$bold%5.1f s$plain  %s\n" \
	    "$(((${EPOCHREALTIME/./} - begin) / 100000))e-1" "$*"
}

# row WHAT MEASURED WANTED [COMMAND...]: the command decides whether it is
# as wanted; without one it always is.
row()
{
	local mark=ok

	if [ $# -gt 3 ] && ! "${@:4}"; then
		mark=FAILED
		failed=1
	fi
	rows+=("$(printf '%-46s %16s  %-20s %s' "$1" "$2" "$3" "$mark")")
}

on()
{
	"$lab" exec "$@"
}

show_status()
{
	on "$1" holdfast status | sed 's/^/         | /'
}

# wait_until SECONDS WHAT COMMAND...
wait_until()
{
	local end=$(($(now_ms) + $1 * 1000)) what=$2

	shift 2
	until "$@"; do
		if [ "$(now_ms)" -ge "$end" ]; then
			say "not reached: $what"
			show_trouble
			exit 1
		fi
		sleep 0.1
	done
}

demo_begin()
{
	"$lab" status | grep -q 'no lab' || {
		echo "a lab is up already: $lab down" >&2
		exit 69
	}
	trap demo_finish EXIT
	trap 'exit 130' INT TERM
}

demo_finish()
{
	local status=$?

	trap - EXIT INT TERM
	if $keep && "$lab" status 2>/dev/null | grep -q '^n1'; then
		keep_hints
	else
		"$lab" down || status=1
	fi
	exit "$status"
}

# The table, and the status of the demo.
demo_table()
{
	printf '\n%-46s %16s  %-20s\n' "" MEASURED WANTED
	printf '%s\n' "${rows[@]}"
	exit "$failed"
}
