# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# What `./bootstrap check' has around `make check', run where Makefile is: it
# shows what failed, runs the few that did once more, each alone, and counts.
# By the .trs files of automake, one a suite or program, which tell of a test
# that never ran, too.

# More of them are no matter of time, and each alone would take hours.
again_at_most=6
again_lines=60

# again_tests: all there are, a name without its ending a line.
again_tests() {
	# shellcheck disable=SC2016 # make expands it
	printf 'include Makefile\nagain-tests:\n\t@echo $(TEST_LOGS)\n' |
	    make -s -f - again-tests | tr ' ' '\n' | sed -n 's/\.log$//p'
}

# again_clean: of an earlier check, also of tests that are gone.
again_clean() {
	rm -f test-suite.log
	find t -name '*.trs' -exec rm -f {} +
	again_tests | while read -r name; do
		rm -f "$name.log" "$name.first.log"
	done
}

# again_count FILE RESULT...: how often they are in it.
again_count() {
	file=$1
	shift
	words=$(printf '|%s' "$@")
	grep -cE "^:test-result: *(${words#|})" "$file" 2>/dev/null || :
}

# again_is_bad NAME: something failed, or nothing was run.
again_is_bad() {
	[ "$(again_count "$1.trs" FAIL XPASS ERROR)" != 0 ] ||
	    [ "$(again_count "$1.trs" PASS XFAIL SKIP)" = 0 ]
}

again_bad() {
	again_tests | while read -r name; do
		! again_is_bad "$name" || echo "$name"
	done
}

# again_show NAME...: of each the tests that failed, with what they said, the
# first lines of each; of one without such its last lines.
again_show() {
	for name; do
		echo "--- $name"
		if [ ! -f "$name.log" ]; then
			echo "did not run: see check.log"
			continue
		fi
		grep -qE '^not ok' "$name.log" || {
			tail -n $again_lines "$name.log"
			continue
		}
		awk -v most=$again_lines '
			NR == FNR { blocks += /^not ok/; next }
			/^not ok/ { on = 1; line = 0 }
			/^(ok|PASS:|1\.\.)/ { on = 0 }
			/^(FAIL|SKIP):/ { next }
			/^ERROR:/ { errors = errors $0 "\n"; next }
			!on { next }
			++line > most / blocks && !/^not ok/ { left++; next }
			shown++ < most - 2 { print; next }
			{ left++ }
			END {
				printf "%s", errors
				if (left)
					print "(" left " lines more there)"
			}' "$name.log" "$name.log" | head -n $again_lines
	done
}

# again_once NAME...: each once more, alone.  One that skips what failed has
# not passed.
again_once() {
	for name; do
		[ ! -f "$name.log" ] || cp "$name.log" "$name.first.log"
		skipped=$(again_count "$name.trs" SKIP)
		rm -f "$name.trs"
		make -j1 check TEST_LOGS="$name.log" >>check.log 2>&1 || :
		[ "$(again_count "$name.trs" SKIP)" -le "${skipped:-0}" ] ||
		    echo ":test-result: ERROR skipped when alone" >>"$name.trs"
		result=passed
		! again_is_bad "$name" || result=failed
		echo "$name: failed beside others, ran again alone: $result"
	done
}

# again_summary: the closing line; false if anything failed, or nothing passed.
again_summary() {
	again_tests | while read -r name; do
		echo ":name: $name"
		cat "$name.trs" 2>/dev/null || :
	done | awk '
		function close_one() { failed += name && !results }
		/^:name:/ { close_one(); name = 1; results = 0 }
		/^:test-result:/ { results++ }
		/^:test-result: *(PASS|XFAIL)/ { passed++ }
		/^:test-result: *(FAIL|XPASS|ERROR)/ { failed++ }
		/^:test-result: *SKIP/ { skipped++ }
		END {
			close_one()
			if (passed + failed == 0)
				failed = 1
			printf "%d passed, %d failed", passed, failed
			if (skipped > 0)
				printf ", %d skipped", skipped
			printf "\n"
			exit failed > 0
		}'
}

# again_check JOBS: what failed is said at once; what fails still is said last,
# before the closing line, so that a log which is cut has it.
again_check() {
	again_clean
	make -j"$1" check >check.log 2>&1 || :
	grep -E '^SKIP' check.log || :
	bad=$(again_bad)
	# shellcheck disable=SC2086 # names without blanks
	if [ -n "$bad" ] && [ "$(echo "$bad" | wc -l)" -le $again_at_most ]
	then
		again_show $bad
		again_once $bad
		bad=$(again_bad)
	fi
	# shellcheck disable=SC2086 # the same
	if [ -n "$bad" ]; then
		grep -q '^# TOTAL' check.log || tail -n 60 check.log
		again_show $bad
	fi
	again_summary
}
