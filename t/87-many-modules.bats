#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Many mirror modules on a pair: what each costs at rest, and a node with all of
# them that loses its power.  Four of them; with HOLDFAST_LONG 64.
# shellcheck disable=SC2016,SC2154 # lines for wait_until; the lab's variables

load lib

MODULES=4
[ -z "${HOLDFAST_LONG-}" ] || MODULES=64
# Of memory that is a module's own, and of a processor at rest, in millionths.
OWN_KB=8192
IDLE_PPM=5000
! grep -q -e -fsanitize=address "$top_builddir/config.status" ||
    OWN_KB=1000000 IDLE_PPM=100000

setup_file()
{
	local i dir args=()

	lab_can_run || return 0
	# The logs and the index of each take their room at once.
	[ "$MODULES" -lt 64 ] || export HOLDFAST_LAB_IMAGE=4G
	for ((i = 1; i <= MODULES; i++)); do
		dir=$BATS_FILE_TMPDIR/m$i
		mkdir -p "$dir/conf" "$dir/bin"
		# No application: what is measured is ours.
		sed -e "s,/srv/ledger,/srv/m$i," \
		    -e '/<var /d' \
		    "$TOP/modules/ledger/conf/userconfig.xml" \
		    >"$dir/conf/userconfig.xml"
		args+=(--module "$dir")
	done
	lab_setup_file 2 "${args[@]}"
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

# costs NODE: "DAEMON PROCESSES KB TICKS", a line each: what is theirs alone,
# and what they ran until now.
costs()
{
	on "$1" sh -c 'for pid in $(pgrep -d " " "keepd|holdfastd|heartd|vipd|\
remoted|checkd|alertd|moduled|mirrord"); do
		awk -v kb="$(awk "/^Private/ { kb += \$2 } END { print kb }" \
		    /proc/$pid/smaps_rollup)" \
		    "{ print substr(\$2, 2, length(\$2) - 2), kb, \$14 + \$15 }" \
		    /proc/$pid/stat
	done' | awk '{ n[$1]++; kb[$1] += $2; ticks[$1] += $3 }
	    END { for (d in n) print d, n[d], kb[d], ticks[d] }' | sort
}

# all_are NODE STATE
all_are()
{
	[ "$(on "$1" holdfast status --json | jq --arg s "$2" '[.modules[] |
	    select(.state == $s and .quality == "Ready")] | length')" \
	    -eq "$MODULES" ]
}

@test "what a module costs at rest" {
	local node kb ppm seconds=10

	[ "$MODULES" -lt 64 ] || seconds=60
	wait_until 60 'all_are n1 PRIM && all_are n2 SECOND'
	echo "# on disk: $(on n1 du -sk /var/lib/holdfast/m1 | cut -f 1) KiB" >&3
	for node in n1 n2; do
		costs $node >"$BATS_TEST_TMPDIR/$node.before"
	done
	# Time is what is measured.
	sleep $seconds
	for node in n1 n2; do
		costs $node >"$BATS_TEST_TMPDIR/$node.after"
		join "$BATS_TEST_TMPDIR/$node.before" \
		    "$BATS_TEST_TMPDIR/$node.after" | awk -v n="$MODULES" \
		    -v s=$seconds -v hz="$(getconf CLK_TCK)" '{
			print $1 ": " $5 " processes, " $6 " KiB, " \
			    ($7 - $4) * 1000000 / hz / s " ppm of a processor"
			kb += $6; ticks += $7 - $4 }
		    END { printf "each %d KiB %d ppm\n", kb / n,
			ticks * 1000000 / hz / s / n }' \
		    >"$BATS_TEST_TMPDIR/$node.costs"
		sed "s/^/# $node: /" "$BATS_TEST_TMPDIR/$node.costs" |
		    tee /dev/fd/3
		read -r _ kb _ ppm _ < <(tail -n 1 \
		    "$BATS_TEST_TMPDIR/$node.costs")
		[ "$kb" -lt $OWN_KB ]
		[ "$ppm" -lt $IDLE_PPM ]
	done
}

@test "a node with all of them loses its power, and comes back" {
	local start

	start=$(now_ms)
	"$LAB" power off n1
	wait_until 60 'all_are n2 ALONE'
	echo "# $MODULES modules taken over in $(($(now_ms) - start)) ms" >&3
	start=$(now_ms)
	"$LAB" power on n1
	wait_until 120 'all_are n1 SECOND && all_are n2 PRIM'
	echo "# level again in $(($(now_ms) - start)) ms" >&3
}
