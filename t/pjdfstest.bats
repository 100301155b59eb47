#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# pjdfstest, which is not ours and not part of this tree: the same tests fail in
# a mirror as in the plain directory of the same file system, on the primary with
# its peer and on the other node after it took over.  PJDFSTEST names a tree of
# it that has been built; HACKING, section 5, says how.

load lib
load mirror

setup_file()
{
	[ -n "${PJDFSTEST-}" ] || return 0
	[ -x "$PJDFSTEST/pjdfstest" ] ||
	    { echo "$PJDFSTEST/pjdfstest: build it first"; return 1; }
	mirror_can_run
	mirror_setup 2
	first_copy
	pjdfstest 1 native native
}

setup() { [ -n "${PJDFSTEST-}" ] || skip "PJDFSTEST names no tree of it"; }

teardown_file() { [ -z "${PJDFSTEST-}" ] || mirror_teardown; }

# pjdfstest N DIR NAME: a line for each test, without its number of the run and
# its random names, into $M/NAME; all of it into $M/NAME.tap.
pjdfstest()
{
	local dir=$M/$1/data/$2

	# Its own fixed names are in the directory it runs in.
	on "$1" sh -c 'mkdir -p "$1" && cd "$1" && exec prove -f -v -r "$2"' \
	    sh "$dir/pjd" "$PJDFSTEST/tests" >"$M/$3.tap" 2>&1 || :
	sed -n "s,^$PJDFSTEST/tests/\(.*\) \.\.* *\$,\1,
	    /\.t\$/{ h; b }
	    /^\(not \)*ok [0-9]/{ G; s/^\(\(not \)*ok [0-9]*\).*\n/\1 /p; }" \
	    "$M/$3.tap" >"$M/$3"
	[ "$(wc -l <"$M/$3")" -gt 5000 ]
	echo "# $3: $(grep -c ^ok "$M/$3") ok," \
	    "$(grep -c '^not' "$M/$3") not ok" >&3
}

# as_native NAME: but for files of tests that are for ext4 by its name, and leave
# at once where it has another.
as_native()
{
	awk 'FNR == NR { n[$NF]++; next } n[$NF] != 1 || $2 == 1' \
	    "$M/$1" "$M/native" | diff - "$M/$1"
}

@test "the primary does what the file system below it does" {
	pjdfstest 1 x prim
	as_native prim
	fact_is 1 joined 1
	fact_is 1 peer_failed ""
}

@test "and so does the other node when it has taken over" {
	hand_over 1 2 0.2.2
	pjdfstest 2 x after
	as_native after
}
