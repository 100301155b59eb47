#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Two nodes without a third voter, cut from one another again and again while
# programs write on both: what either acknowledged is in the directory in the
# end, or in a set that is listed, and the pair is level without hands.
# SEED chooses the cuts, PARTITIONS how many.
# shellcheck disable=SC2016 # lines for wait_until

load lib

MODULE=mirror

setup_file()
{
	cp -r "$TOP/modules/mirror" "$BATS_FILE_TMPDIR/mirror"
	sed -i 's,<heart/>,<heart fencehold="5s" startgrace="5s"/>,' \
	    "$BATS_FILE_TMPDIR/mirror/conf/userconfig.xml"
	lab_setup_file 2 --module "$BATS_FILE_TMPDIR/mirror"
}

setup()
{
	lab_setup
}

teardown()
{
	writers_end
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

# A program on each node that makes files, one after the other, as long as it
# can: what sync has answered is in /run/kept.
writers_begin()
{
	local n

	WRITERS=()
	for n in n1 n2; do
		on $n sh -c ': >/run/kept; : >/run/writes'
		on $n sh -c 'k=0
			while [ -e /run/writes ]; do
				k=$((k + 1)) f=/srv/data/kept/$0-$k
				if { echo "$0 $k" >$f; } 2>/dev/null &&
				    sync $f 2>/dev/null; then
					echo $0-$k >>/run/kept
				fi
				sleep .05	# a program thinks, too
			done' $n 3>&- &
		WRITERS+=($!)
	done
}

writers_end()
{
	local n

	[ -n "${WRITERS[*]-}" ] || return 0
	for n in n1 n2; do
		on $n rm -f /run/writes || :
	done
	wait "${WRITERS[@]}" || :
	WRITERS=()
}

# cut_somehow: what arrives at nobody, or at one only, at once or one network
# after the other, from now on.
cut_somehow()
{
	local a=n$((RANDOM % 2 + 1)) lans=(lan1 lan2)

	CUT=$((RANDOM % 6))
	case $CUT in
	0 | 1)	"$LAB" cut n1 n2 ;;
	2)	"$LAB" cut "$a" "$(other $a)" --oneway ;;
	3)	"$LAB" cut n1 n2 "${lans[RANDOM % 2]}" ;;
	4)	"$LAB" cut n1 n2 lan1
		sleep 0.$((RANDOM % 10))	# one after the other
		"$LAB" cut n1 n2 lan2 ;;
	5)	"$LAB" cut n1 n2
		sleep 1.$((RANDOM % 10))	# about T: heard for a moment
		"$LAB" heal
		sleep 0.$((RANDOM % 5))
		"$LAB" cut n1 n2 ;;
	esac
}

# aside_sets NODE: the epochs it has.
aside_sets()
{
	on "$1" holdfast diverged $MODULE --local --json |
	    jq -r '.diverged[].epoch'
}

# Files under kept/ with what is in them, "n1-3 n1 3": of the directory as the
# primary has it.
in_directory()
{
	local p

	p=$(primary)
	on "$p" sh -c 'cd /srv/data/kept && grep -r "" . | sed "s,^\./,,;s/:/ /"'
}

# The same, of all sets.  The directory of the sets is mirrord's alone.
in_sets()
{
	local n

	for n in n1 n2; do
		on $n sh -c 'd=$(echo diverged | socat -t 1 - \
		    UNIX:/run/holdfast/mirror/mirrord.sock | sed -n \
		    "s,.*pid=\([0-9]*\) fd=\([0-9]*\).*,/proc/\1/fd/\2,p")
		    cd $d/.holdfast/diverged 2>/dev/null || exit 0
		    for s in */files/kept; do
			[ ! -d $s ] || { cd $s && grep -r "" .; cd $OLDPWD; }
		    done | sed "s,^\./,,;s/:/ /"'
	done
}

@test "seeded splits: all is kept, in the directory or in a set" {
	count=3
	[ -z "${HOLDFAST_LONG-}" ] || count=50
	count=${PARTITIONS:-$count} RANDOM=${SEED:-3}
	wait_until 60 is_level_again
	on "$(primary)" sh -c 'mkdir /srv/data/kept; sync'
	writers_begin
	: >"$BATS_TEST_TMPDIR/aside"
	full=0 sets=0
	for ((i = 1; i <= count; i++)); do
		cut_somehow
		both=no
		for ((k = RANDOM % 10 + 3; k > 0; k--)); do
			sleep 0.5	# the split lasts
			[[ $(state n1) != ALONE* || $(state n2) != ALONE* ]] ||
			    both=yes
		done
		[ $both = no ] || full=$((full + 1))
		"$LAB" heal
		wait_until 60 is_level_again
		for n in n1 n2; do
			on $n cat /run/kept
		done >"$BATS_TEST_TMPDIR/kept"
		in_directory >"$BATS_TEST_TMPDIR/now"
		in_sets >>"$BATS_TEST_TMPDIR/aside"
		awk '{ print $1, $1 }' "$BATS_TEST_TMPDIR/kept" |
		    sed 's/-\([0-9]*\)$/ \1/' | sort >"$BATS_TEST_TMPDIR/must"
		sort -u "$BATS_TEST_TMPDIR/now" "$BATS_TEST_TMPDIR/aside" \
		    >"$BATS_TEST_TMPDIR/is"
		comm -23 "$BATS_TEST_TMPDIR/must" "$BATS_TEST_TMPDIR/is" \
		    >"$BATS_TEST_TMPDIR/lost"
		found=0
		for n in n1 n2; do
			for e in $(aside_sets $n); do
				found=$((found + 1))
				# From the other node, as well.
				on "$(other $n)" holdfast diverged $MODULE |
				    grep -q "^$n .*$e"
				on $n holdfast diverged $MODULE discard "$e" \
				    --yes $MODULE
			done
		done
		sets=$((sets + found))
		echo "# split $i: cut $CUT, both alone: $both, sets: $found," \
		    "kept: $(wc -l <"$BATS_TEST_TMPDIR/kept")," \
		    "$(state n1), $(state n2)" >&3
		[ ! -s "$BATS_TEST_TMPDIR/lost" ] ||
		    { cat "$BATS_TEST_TMPDIR/lost"; false; }
		# Two histories, and nothing of the one that went under kept?
		[ $both = no ] || [ $found -gt 0 ]
	done
	writers_end
	echo "# splits=$count both_alone=$full sets=$sets" \
	    "kept=$(wc -l <"$BATS_TEST_TMPDIR/kept")" \
	    "aside=$(sort -u "$BATS_TEST_TMPDIR/aside" | wc -l)" >&3
	[ $full -gt 0 ]
	wait_until 20 'trees_are_equal data'
}
