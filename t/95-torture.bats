#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Random faults from a seed: a short course of 20 seeds, and the judge of the
# directory itself.  HOLDFAST_LONG: 1,000 seeds, and an hour of soak.

load lib

# judge LINE...: the journals of dirops, TIME NODE ...
judge()
{
	printf '%s\n' "$@" | awk -f "$TOP/t/torture/check.awk"
}

@test "the judge: what was acknowledged is there, what failed may be" {
	judge '1 n1 s 0 -' '2 n1 r' '3 n1 b 1 0=f:a' '4 n1 a 1' \
	    '5 n1 b 2 0=f:b|f:c' '6 n2 s 0 f:b' '7 n2 r' '8 n2 b 9 0=-' \
	    '9 n2 a 9' '10 end s 0 -'
	# An answer that was on its way when the node was cut off.
	judge '1 n1 s 0 -' '2 n1 r' '3 n1 b 1 0=f:a' '6 n2 s 0 f:a' '7 n2 r' \
	    '8 n1 a 1' '10 end s 0 f:a'
}

@test "the judge: what was acknowledged and is gone is told" {
	run judge '1 n1 s 0 -' '2 n1 r' '3 n1 b 1 0=f:a' '4 n1 a 1' \
	    '5 end s 0 -'
	[ "$status" -eq 1 ]
	[[ $output == *"slot 0 is -, must be one of f:a"* ]]
	run judge '1 n1 s 0 -' '2 n1 r' '3 n1 b 1 0=f:a' '4 n1 a 1' \
	    '5 n2 s 0 -' '6 n2 r' '7 end s 0 -'
	[ "$status" -eq 1 ]
	run judge '1 n1 s 0 -' '2 n1 r' '3 n1 b 1 0=f:a' '4 n2 s 0 -' \
	    '5 n2 r' '6 n1 a 1' '7 end s 0 -'
	[ "$status" -eq 1 ]
	[[ $output == *"n2 has not found it"* ]]
	# What failed long ago does not come back.
	run judge '1 n1 s 0 -' '2 n1 r' '3 n1 b 1 0=f:a' '4 n1 f 1 no' \
	    '5 n1 s 0 -' '6 n1 r' '7 end s 0 f:a'
	[ "$status" -eq 1 ]
}

@test "the judge: two writers are told" {
	run judge '1 n1 s 0 -' '2 n1 r' '3 n2 s 0 -' '4 n2 r' \
	    '5 n1 b 1 0=f:a' '6 n1 a 1' '7 end s 0 f:a'
	[ "$status" -eq 1 ]
	[[ $output == *"two writers"* ]]
}

# short ARG...: a few courses; what was bad in one is what the test says.
short()
{
	"$TOP/t/torture/run" --short "$@" >"$BATS_TEST_TMPDIR/out" || {
		grep -v '^good' "$BATS_TEST_TMPDIR/out"
		return 1
	}
	cat "$BATS_TEST_TMPDIR/out" >&3
}

@test "a course of random faults loses nothing and leaves nothing" {
	lab_can_run || skip "$(cat "$BATS_FILE_TMPDIR/skip")"
	[ -r "$(echo /usr/lib/*/faketime/libfaketime.so.1)" ] ||
	    skip "needs libfaketime"
	if [ -n "${HOLDFAST_LONG-}" ]; then
		"$TOP/t/torture/run" --mode register --seeds 1-500 >&3
		"$TOP/t/torture/run" --mode register --postgresql \
		    --seeds 501-700 >&3
		"$TOP/t/torture/run" --mode heartbeats --seeds 1-200 >&3
		"$TOP/t/torture/run" --mode heartbeats --postgresql \
		    --seeds 201-300 >&3
		"$TOP/t/torture/run" --mode fencing --seeds 1-100 >&3
	else
		short --mode register --seeds 1-12
		short --mode heartbeats --skew +37 --postgresql --seeds 1-8
	fi
}

@test "soak: an hour of four times the load changes no role" {
	[ -n "${HOLDFAST_LONG-}" ] || skip "an hour: HOLDFAST_LONG"
	lab_can_run || skip "$(cat "$BATS_FILE_TMPDIR/skip")"
	"$TOP/t/torture/soak" --minutes 60 >&3
}
