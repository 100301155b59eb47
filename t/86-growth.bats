#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Daemons run for years: fifty changes of role, with a load and a witness,
# leave no descriptor open and no memory behind.
# shellcheck disable=SC2016,SC2154 # lines for wait_until; top_builddir

load lib

# The first changes fill caches and pools, which are kept.
WARM=5
CHANGES=50
# What malloc may have torn apart meanwhile; one buffer of 64 KiB a change is
# more.  The address sanitizer keeps what was freed.
GROWTH_KB=2048
# What mirrord queues follows the load: 11 MiB more were seen once, and none in
# sixty changes with little load.
MIRROR_KB=16384
! grep -q -e -fsanitize=address "$top_builddir/config.status" ||
    GROWTH_KB=1000000 MIRROR_KB=1000000

setup_file()
{
	[ -n "${HOLDFAST_LONG-}" ] || {
		echo "set HOLDFAST_LONG=1" >"$BATS_FILE_TMPDIR/skip"
		return 0
	}
	lab_setup_file 2 --witness --module "$TOP/modules/ledger"
}

setup()
{
	lab_setup
}

teardown()
{
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

# sizes NODE: "DAEMON PID DESCRIPTORS KB", a line each.  A process that was
# started again has another number, and fails the comparison, too.
sizes()
{
	on "$1" sh -c 'for d in keepd holdfastd heartd witnessd vipd remoted \
	    moduled mirrord; do
		pid=$(pidof -s "$d") || continue
		echo "$d $pid $(ls "/proc/$pid/fd" | wc -l)" \
		    "$(sed -n "s/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p" \
		    "/proc/$pid/status")"
	done'
}

# swaps N: each with a load, and level after it.
swaps()
{
	local i

	for ((i = 0; i < $1; i++)); do
		on "$(primary)" holdfast swap ledger --timeout 60
		wait_until 30 'pair_is_level n1 n2 || pair_is_level n2 n1'
		load_goes_on 30
	done
}

# Descriptors of the same role: an even number of changes lies between.
grown()
{
	join <(sort "$1") <(sort "$2") | awk -v all="$GROWTH_KB" \
	    -v mirror="$MIRROR_KB" '
		{ print >"/dev/stderr" }
		$2 != $5 { print $1 ": was started again" }
		$6 > $3 { print $1 ": " $6 - $3 " descriptors more" }
		{ kb = $1 == "mirrord" ? mirror : all }
		$7 > $4 + kb { print $1 ": " $7 - $4 " KiB more" }'
}

@test "fifty changes of role leave no descriptor and no memory" {
	local node

	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
	load_start
	swaps $WARM
	for node in n1 n2; do
		sizes $node >"$BATS_TEST_TMPDIR/$node.before"
		[ "$(wc -l <"$BATS_TEST_TMPDIR/$node.before")" -ge 7 ]
	done
	swaps $CHANGES
	for node in n1 n2; do
		sizes $node >"$BATS_TEST_TMPDIR/$node.after"
		grown "$BATS_TEST_TMPDIR/$node.before" \
		    "$BATS_TEST_TMPDIR/$node.after" \
		    >"$BATS_TEST_TMPDIR/$node.grown"
		cat "$BATS_TEST_TMPDIR/$node.grown"
		[ ! -s "$BATS_TEST_TMPDIR/$node.grown" ]
	done
	load_stop
	verify
}
