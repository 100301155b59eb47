#!/usr/bin/env bats
# The house rules that a machine can check.  Needs neither root nor network.

load lib

setup_file() { nicely; }

cd_top() { cd "$top_srcdir" || return 1; }

sources() { find bin libcommon modules t -name '*.[ch]' | sort; }

@test "files have at most 800 lines, headers 160" {
	cd_top
	long=$(wc -l $(sources) | awk '$2 != "total" &&
	    $1 > ($2 ~ /\.h$/ ? 160 : 800) { print $2 ": " $1 }')
	[ -z "$long" ] || { echo "$long"; false; }
}

@test "no function is longer than 120 lines, 95 % at most 60" {
	cd_top
	# shellcheck disable=SC2046 # names without blanks
	awk '
		FNR == 1 { start = 0 }
		/^[a-z_][a-zA-Z0-9_]*\(/ { name = $0; start = FNR }
		/^}/ && start {
			n = FNR - start
			all++
			if (n > 60) over++
			if (n > 120) { print FILENAME ": " name " " n; bad = 1 }
			start = 0
		}
		END {
			if (over * 20 > all) {
				print over " of " all " are longer than 60"
				bad = 1
			}
			exit bad
		}' $(find bin libcommon modules -name '*.c')
}

@test "lines are at most 80 columns" {
	cd_top
	# shellcheck disable=SC2046
	wide=$(expand $(sources) | awk '
		# tables are aligned by hand
		length > 80 && !(/^ +\{ / && length <= 96)' | head -n 5)
	[ -z "$wide" ] || { echo "$wide"; false; }
}

@test "every header compiles alone and has its guard" {
	cd_top
	export FLAGS
	FLAGS="-D_GNU_SOURCE -Ilibcommon -I. -I$top_builddir
	    $(pkg-config --cflags libevent libconfuse libsodium libxml-2.0)"
	bad=$(find bin libcommon -name '*.h' | sort |
	    xargs -P "$(nproc)" -n 16 sh -c 'for h; do
		grep -q "^#ifndef [A-Z0-9_]*_H\$" "$h" || echo "$h: guard"
		${CC:-cc} $FLAGS -DHF_RUNDIR="\"\"" -I"${h%/*}" -x c \
		    -fsyntax-only "$h" 2>/dev/null ||
		    echo "$h: does not compile alone"
	done' sh)
	[ -z "$bad" ] || { echo "$bad"; false; }
}

@test "every file names its licence" {
	cd_top
	bad=$(awk 'FNR == 1 { files[FILENAME] = 1 }
	    FNR <= 3 && /SPDX-License-Identifier: ISC/ { has[FILENAME] = 1 }
	    FNR == 3 { nextfile }
	    END { for (f in files) if (!has[f]) print f }' \
	    $(sources) bootstrap configure.ac Makefile.am)
	[ -z "$bad" ] || { echo "$bad"; false; }
}

@test "no forbidden call" {
	cd_top
	# shellcheck disable=SC2046 # names without blanks
	! grep -nE '(^|[^a-z_])(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|tmpnam|mktemp|system|popen)\(' \
	    $(find bin libcommon modules -name '*.[ch]')
}

@test "a daemon includes no other daemon's header" {
	cd_top
	bad=$(for d in bin/*/; do
		grep -nE '#include "(\.\./)+bin/|#include "\.\./[a-z]+/' \
		    "$d"*.[ch] 2>/dev/null
	done || :)
	[ -z "$bad" ] || { echo "$bad"; false; }
}

@test "only loop.c knows libevent, only clock.c reads the clock" {
	cd_top
	bad=$(grep -ln 'event2/' $(find bin -name '*.[ch]') || :
	    grep -lE 'clock_gettime\(CLOCK_(MONOTONIC|BOOTTIME)' $(find bin libcommon -name '*.c') |
	    grep -v -e '^libcommon/clock.c$' || :)
	[ -z "$bad" ] || { echo "$bad"; false; }
}

@test "nothing is left open in the tree" {
	cd_top
	# shellcheck disable=SC2046
	! grep -nE '\b(TODO|FIXME|XXX)\b' $(sources)
}

@test "every suite is run" {
	cd_top
	# A line without its backslash ends the list, and nobody misses the rest.
	diff <(printf '%s\n' t/*.bats | sort) \
	    <(sed -n '/^BATS_SUITES = /,/[^\\]$/p' t/local.mk |
	    grep -o 't/[^ ]*\.bats' | sort)
}

@test "shell scripts pass shellcheck" {
	command -v shellcheck >/dev/null || skip "no shellcheck"
	cd_top
	scripts=$(grep -lE '^#!/(bin|usr/bin)/(env )?(ba)?sh' -r bootstrap \
	    .ci bin etc modules t --include='*' | grep -v '\.bats$')
	# One that is sourced by many is read again for each.
	xargs -P "$(nproc)" -n 12 shellcheck -x <<<"$scripts"
}

@test "manual pages pass mandoc" {
	command -v mandoc >/dev/null || skip "no mandoc"
	cd_top
	# Pages of this very tree are not installed yet.
	bad=$(mandoc -T lint man/*.[578] |
	    grep -v -e 'referenced manual not found' \
	    -e 'outdated mandoc.db' || :)
	[ -z "$bad" ] || { echo "$bad"; false; }
}

@test "each page has its exit status, files and neighbours" {
	cd_top
	bad=$(for p in man/*.8; do
		for s in NAME SYNOPSIS DESCRIPTION FILES 'EXIT STATUS' \
		    'SEE ALSO'; do
			grep -qE "^\.Sh \"?$s" "$p" || echo "$p: $s"
		done
	done)
	[ -z "$bad" ] || { echo "$bad"; false; }
}

@test "references between pages lead somewhere" {
	cd_top
	bad=$(grep -hoE '^\.Xr [a-z._-]+ [578]' man/*.[578] | sort -u |
	    while read -r _ name section; do
		case $name in
		holdfast*|*d|*.conf|*.xml|runscript)
			[ -f "man/$name.$section" ] ||
			case $name in
			systemd|ld|fuse|mount) ;;
			*) echo "$name($section)" ;;
			esac ;;
		esac
	done)
	[ -z "$bad" ] || { echo "$bad"; false; }
}

@test "the options of every daemon stand in its page" {
	cd_top
	for p in keepd holdfastd heartd vipd remoted moduled farmd mirrord consoled alertd witnessd; do
		[ -x "$top_builddir/bin/$p/$p" ] || continue
		for o in $("$top_builddir/bin/$p/$p" -h |
		    sed -n 's/^  \(-[A-Za-z]\) .*/\1/p'); do
			grep -qE "^\.(It|Op) Fl.*\b${o#-}\b|Fl [a-zA-Z]*${o#-}" \
			    "man/$p.8" || { echo "$p $o"; return 1; }
		done
	done
}

@test "every code of a warning has its entry in the pages" {
	local codes code put
	cd_top
	codes=$(sed -n 's/^\t{ "\([a-z-]*\)",\t*CODE_.*/\1/p' libcommon/code.c)
	[ "$(wc -w <<<"$codes")" -ge 10 ]
	for code in $codes; do
		grep -qx "\.It Li $code" man/holdfast-troubleshooting.7 ||
		    { echo "holdfast-troubleshooting.7: no $code"; false; }
	done
	# And what moduled puts is in the table.
	# Also those of its tables of disks and resources.
	put=$(grep -ohE 'status_warning\(t, "[a-z-]+"' bin/moduled/*.c |
	    cut -d'"' -f2)
	[ "$(wc -w <<<"$put")" -ge 10 ]
	for code in $put; do
		grep -qx "$code" <<<"$codes" ||
		    { echo "libcommon/code.c: no $code"; false; }
	done
}

@test "holdfast-events(7) has each event, with its id and priority" {
	cd_top
	awk -F'"' '
		/\[JE_[A-Z_]*\] = {/ { name = $2 }
		/^\t    "/ && length($2) == 32 {
			split($3, word, /[ ,_]+/)
			print ".It Li " name " Ta Li " $2 " Ta " \
			    tolower(word[3])
		}' libcommon/journal.c | sort >"$BATS_TEST_TMPDIR/table"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/table")" -ge 30 ]
	grep ' Ta ' man/holdfast-events.7 | sort |
	    diff "$BATS_TEST_TMPDIR/table" -
	for name in $(awk '{ print $3 }' "$BATS_TEST_TMPDIR/table"); do
		grep -qx "\.It Li $name" man/holdfast-events.7
	done
	# An event is named, not given as a letter.
	! grep -n "events_add('" bin/moduled/*.c
}

# killed_in SUITE: the steps of its table, `STEP SCENARIO [long]', whose
# scenario is a function that some test of the suite runs.
killed_in()
{
	local step scenario

	sed -n 's/^\([0-9]\{1,\} [a-z]\{1,\}\)\( long\)\{0,1\}$/\1/p' "$1" |
	    while read -r step scenario; do
		grep -Eq "^$scenario(_step)?\(\)" "$1" &&
		    grep -Eq "(run_steps|steps_of) $scenario\>" "$1" &&
		    echo "$step"
	done
}

@test "each step of holdfast-failures(7) has a test that kills there" {
	cd_top
	t=$BATS_TEST_TMPDIR
	sed -n 's/^\.It \([0-9]\{1,\}\)$/\1/p' man/holdfast-failures.7 |
	    sort -nu >"$t/page"
	# shellcheck disable=SC2046
	grep -oh 'fail_point([^)]*)' $(find bin -name '*.c') |
	    grep -o '[0-9]\{1,\}' | sort -nu >"$t/code"
	{
		killed_in t/60-failpoints.bats
		killed_in t/77-voters.bats
		sed -n 's/^	died \([0-9]\{1,\}\) .*/\1/p' t/witnessd.bats
	} | sort -nu >"$t/tests"
	[ "$(wc -l <"$t/page")" -gt 60 ]
	diff "$t/page" "$t/code"
	diff "$t/page" "$t/tests"
}
