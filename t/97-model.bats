#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The models of t/model: the rules as they are hold, a rule removed is
# noticed, and the table that the model has is the one that moduled has.
# HOLDFAST_LONG: all runs, some minutes.

load lib

setup_file()
{
	nicely
}

setup()
{
	model=$top_srcdir/t/model
	command -v spin >/dev/null || skip "there is no spin(1)"
}

@test "the rules hold, and each that is removed is missed" {
	run "$model/run" "$([ -n "${HOLDFAST_LONG-}" ] && echo full ||
	    echo quick)"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the model and moduled allow the same changes" {
	diff <("$model/run" table) <("$top_builddir/t/unit/changes")
	[ "$("$model/run" table | wc -l)" -eq 196 ]
}
