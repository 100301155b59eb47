#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What `./bootstrap check' has around `make check': a tree of its own, with
# automake's driver, whose suites fail as they are told.

load lib

setup_file()
{
	command -v autoreconf >/dev/null || skip "no autoreconf"
	mkdir -p "$BATS_FILE_TMPDIR/tree/t"
	cd "$BATS_FILE_TMPDIR/tree"
	cat >configure.ac <<-'END'
	AC_INIT([tree], [1])
	AC_CONFIG_AUX_DIR([build-aux])
	AM_INIT_AUTOMAKE([foreign subdir-objects])
	AC_REQUIRE_AUX_FILE([tap-driver.sh])
	AC_PROG_AWK
	AC_SUBST([SUITES], ['$(wildcard t/*.bats)'])
	AC_CONFIG_FILES([Makefile])
	AC_OUTPUT
	END
	cat >Makefile.am <<-'END'
	TEST_EXTENSIONS = .bats
	BATS_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
		$(top_srcdir)/build-aux/tap-driver.sh
	BATS_LOG_COMPILER = bash
	TESTS = @SUITES@
	END
	autoreconf -fi >reconf.log 2>&1 || { cat reconf.log >&2; false; }
	./configure -q
}

setup()
{
	cd "$BATS_FILE_TMPDIR/tree" || skip "no autoreconf"
	rm -rf t runs
	mkdir t runs
	suite good 'echo "ok 1 well"; echo "ok 2 # SKIP not here"; echo 1..2'
}

# suite NAME LINE: it leaves a line in runs/NAME each time.
suite()
{
	echo "echo run >>runs/$1; $2" >"t/$1.bats"
}

# check STATUS CLOSING-LINE: as bootstrap does, with its set -eu; what it is to
# end with, a pattern.
check()
{
	run env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL sh -euc \
	    '. "$1/t/again.sh"; again_check 2' sh "$TOP"
	echo "$output"
	[ "$status" -eq "$1" ]
	# shellcheck disable=SC2053 # a pattern
	[[ ${lines[-1]} == $2 ]]
}

# runs NAME N
runs() { [ "$(wc -l <"runs/$1")" -eq "$2" ]; }

bad='echo "not ok 1 sad"; echo "# the reason"; echo 1..1'
late="[ \$(wc -l <runs/late) -gt 1 ] && echo ok 1 late && echo 1..1 ||
    { $bad; }"

@test "all is well: nothing runs again, and the counts are told" {
	check 0 "1 passed, 0 failed, 1 skipped"
	runs good 1
	not grep -q 'ran again' <<<"$output"
}

@test "what failed beside others and passes alone: passed, and said" {
	suite late "$late"
	check 0 "2 passed, 0 failed, 1 skipped"
	runs late 2
	runs good 1
	[[ $output == *"--- t/late"*"not ok 1 sad"*"# the reason"*"t/late: \
failed beside others, ran again alone: passed"* ]]
	grep -q '^not ok 1 sad' t/late.first.log
}

@test "what fails both times has failed, and its reason comes last" {
	suite sad "$bad"
	suite late "$late"
	check 1 "2 passed, 1 failed, 1 skipped"
	runs sad 2
	[[ $output == *"t/sad: failed beside others, ran again alone: failed"* ]]
	tail -n 4 <<<"$output" | grep -q '^# the reason'
}

@test "no plan, a death, a skip of what failed: none has passed" {
	suite dies 'echo "ok 1 a"; echo 1..2; kill -9 $$'
	suite shy '[ $(wc -l <runs/shy) -gt 1 ] && echo "1..0 # SKIP no" ||
	    { echo "not ok 1 sad"; echo 1..1; }'
	suite ends 'echo "ok 1 a"; echo 1..1; exit 1'
	check 1 "* 4 failed, *"
	[ "$(grep -c 'ran again alone: failed' <<<"$output")" -eq 3 ]
}

@test "more than a few: none runs again" {
	for i in 1 2 3 4 5 6 7; do
		suite "sad$i" "$bad"
	done
	check 1 "1 passed, 7 failed, 1 skipped"
	runs sad7 1
	not grep -q 'ran again' <<<"$output"
}

@test "a check that ran nothing has failed, whatever lay there before" {
	check 0 "1 passed, 0 failed, 1 skipped"
	sed -i.was 's/^check-TESTS:.*/&\n\t@exit 1/' Makefile
	check 1 "0 passed, 1 failed"
	mv Makefile.was Makefile
}

@test "a suite that says much is cut, and all that failed in it is named" {
	suite long 'for i in 1 2 3; do echo "not ok $i sad"; seq -f "# %g" 500
	    done; echo 1..3'
	check 1 "* 3 failed, *"
	[ "$(grep -c '^not ok' <<<"$output")" -eq 6 ]
	[ "$(wc -l <<<"$output")" -le 130 ]
}
