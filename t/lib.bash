# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC1091,SC2016
#
# What the suites share.  Each file of tests has at most one lab, brought up
# in setup_file and named after the process, so that suites and a lab of the
# user's do not meet:
#
#	load lib
#	setup_file()    { lab_setup_file 2; }
#	teardown()      { lab_teardown; }
#	teardown_file() { lab_teardown_file; }

TOP=${top_srcdir:-$(cd "$BATS_TEST_DIRNAME/.." && pwd)}
export top_builddir=${top_builddir:-$TOP}
LAB=$TOP/bin/lab/holdfast-lab

# wait_until SECONDS COMMAND-LINE: true as soon as the line is.  It is asked
# again after a tenth of the time that it took so far: who waits for long must
# not take the processors from whom he waits for.  HOLDFAST_SLOW: that many
# times the seconds, for a machine or a build that is slow.
wait_until()
{
	local begin=${EPOCHREALTIME/./} us pause

	until eval "$2"; do
		us=$((${EPOCHREALTIME/./} - begin))
		if [ $us -ge $(($1 * 1000000 * ${HOLDFAST_SLOW:-1})) ]; then
			echo "not within $1 s: $2" >&2
			return 1
		fi
		us=$((us / 10))
		[ $us -gt 20000 ] || us=20000
		[ $us -lt 250000 ] || us=250000
		printf -v pause '0.%06d' $us
		sleep "$pause"
	done
}

# holds SECONDS COMMAND-LINE: the line is true all the time, in which what must
# not happen would.
holds()
{
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))

	while eval "$2" || { echo "does not hold: $2" >&2; return 1; }; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || return 0
		sleep 0.2
	done
}

# nicely: for a suite that computes, and is to disturb none that measures.
nicely()
{
	renice -n 5 -p $$ >/dev/null
}

# not COMMAND...: a test does not notice the failure of "! command" unless it
# is the last one.
not()
{
	if "$@"; then
		echo "not expected: $*" >&2
		return 1
	fi
}

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# A suite that cannot run says why, and every test of it is skipped aloud.
lab_can_run()
{
	local why=

	if [ "$(id -u)" -ne 0 ]; then
		why="needs root"
	elif [ ! -c /dev/loop-control ] || [ ! -c /dev/fuse ]; then
		why="needs /dev/loop-control and /dev/fuse"
	elif [ ! -x "$top_builddir/bin/lab/labinit" ]; then
		why="needs a build"
	elif ! grep -q '^S\["prefix"\]="/usr"' "$top_builddir/config.status"
	then
		why="needs a tree configured with --prefix=/usr"
	fi
	[ -n "$why" ] || return 0
	echo "$why" >"$BATS_FILE_TMPDIR/skip"
	return 1
}

lab_setup_file()
{
	export HOLDFAST_LAB=t$$
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	lab_can_run || return 0
	# Its hosts have no such place: a report is told where they log.
	unset ASAN_OPTIONS
	nft list tables >"$BATS_FILE_TMPDIR/tables" 2>/dev/null
	"$LAB" up "$@" >"$BATS_FILE_TMPDIR/up" 2>&1 || {
		tail -n 100 "$BATS_FILE_TMPDIR/up" >&2
		return 1
	}
}

# First line of every setup() of a suite with a lab.
lab_setup()
{
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] ||
	    skip "$(cat "$BATS_FILE_TMPDIR/skip")"
}

lab_teardown()
{
	if [ -z "${BATS_TEST_COMPLETED-}" ] &&
	    [ ! -e "$BATS_FILE_TMPDIR/skip" ]; then
		lab_dump
		load_end
	fi
	[ -e "$BATS_FILE_TMPDIR/skip" ] || no_sanitizer_report
}

# A daemon that a sanitizer ended is started again, and the test may well
# pass: its report is in the log.
no_sanitizer_report()
{
	local host report

	grep -q -e '-fsanitize' "$top_builddir/config.status" || return 0
	for host in n1 n2 n3; do
		report=$(timeout 10 "$LAB" exec "$host" sh -c 'grep -hE -A40 "$1" \
		    /var/log/holdfast/*.log' sh \
		    'Sanitizer: |runtime error: ' 2>/dev/null) || continue
		echo "$host: $report" >&2
		return 1
	done
}

lab_teardown_file()
{
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] || return 0
	"$LAB" down
	lab_leftovers
}

# Every log of every host, for the one who reads a failed run.
lab_dump()
{
	"$LAB" status || :
	timeout 60 "$LAB" logs || :
}

on()
{
	"$LAB" exec "$@"
}

# Processes of the lab, by their cgroup, and so its namespaces: nothing else
# holds one, no descriptor and no mount.  (Their numbers are given again and
# tell nothing.)  A process that has ended and waits for the machine's init to
# collect it holds nothing.
lab_processes()
{
	local dir

	for dir in $(grep -sl "/holdfast-lab-$HOLDFAST_LAB/" \
	    /proc/[0-9]*/cgroup | cut -d/ -f1-3); do
		grep -sq '^State:.*zombie' "$dir/status" ||
		    ps -o pid=,stat=,args= -p "${dir##*/}"
	done
}

# Fails, and prints it, for whatever a lab that is down has left; what the
# kernel is still taking apart gets the time for it.
lab_leftovers()
{
	wait_until 5 '[ -z "$(lab_list_leftovers)" ]' && return
	lab_list_leftovers >&2
	return 1
}

lab_list_leftovers()
{
	local tag=holdfast-lab-$HOLDFAST_LAB

	{
		grep -sl "/$tag/" /proc/[0-9]*/mountinfo
		losetup -a | grep "/$tag/"
		find /run /var/tmp /sys/fs/cgroup -maxdepth 3 -name "$tag*"
		ip -o addr | grep -E ' (10\.88\.|fd88:)'
		nft list tables 2>/dev/null |
		    diff "$BATS_FILE_TMPDIR/tables" -
		lab_processes
	} || :
}

# --- a cluster with the ledger ------------------------------------------

# A suite with another module sets it behind `load lib'.
MODULE=ledger
VIP=10.88.1.100
PORT=7700
CLIENT=/usr/lib/holdfast/ledger-client

# lab_setup_file_ledger [N]: two nodes, n1 the primary, all Ready.
lab_setup_file_ledger()
{
	lab_setup_file "${1:-2}" --module "$TOP/modules/ledger"
}

# quick_ledger: a copy of the module that gives up sooner, for suites where
# that is waited for: 5 s in place of 10.  Prints its directory.
quick_ledger()
{
	local dir=$BATS_FILE_TMPDIR/ledger

	cp -r "$TOP/modules/ledger" "$dir"
	sed -i 's/<heart>/<heart fencehold="5s" startgrace="5s">/' \
	    "$dir/conf/userconfig.xml"
	echo "$dir"
}

# state NODE: "PRIM Ready", or "off".
state()
{
	local text found

	text=$(on "$1" holdfast status --json 2>/dev/null) || {
		echo off
		return
	}
	# As jq would, without its start: this is asked again and again.
	found='"name": "'$MODULE'",[^{}]*"state": "([A-Z]+)",[^{}]*'
	found+='"quality": "([A-Za-z]+)"'
	[[ $text =~ $found ]] || return 0
	echo "${BASH_REMATCH[*]:1:2}"
}

# wait_state SECONDS NODE STATE [QUALITY]
wait_state()
{
	wait_until "$1" "[ \"\$(state $2)\" = '$3 ${4:-Ready}' ]"
}

# primary, secondary: the node that is it now.
primary()
{
	local node

	for node in n1 n2; do
		case $(state $node) in
		PRIM*|ALONE*)	echo $node
				return ;;
		esac
	done
	return 1
}

other()
{
	case $1 in
	n1)	echo n2 ;;
	*)	echo n1 ;;
	esac
}

# pair_is_level PRIM SECOND
pair_is_level()
{
	[ "$(state "$1")" = "PRIM Ready" ] &&
	    [ "$(state "$2")" = "SECOND Ready" ]
}

# The pair as it was at the start of the suite, whatever the last test left.
pair_restore()
{
	local node

	for node in n1 n2; do
		"$LAB" thaw "$node" 2>/dev/null || :
		"$LAB" cable "$node" lan1 in
		"$LAB" cable "$node" lan2 in
		"$LAB" power on "$node"
	done
	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
	if pair_is_level n2 n1; then
		on n2 holdfast swap "$MODULE" --timeout 30
	fi
	wait_until 30 'pair_is_level n1 n2'
}

# Ends a load that a failed test left; not if that test froze its host.
load_end()
{
	timeout 5 "$LAB" exec c1 sh -c '! [ -e /srv/pid ] ||
	    kill "$(cat /srv/pid)"; rm -f /srv/pid' 2>/dev/null || :
}

# dies_of_work NODE: mirrord of the primary ends at the first change it has in
# hand, and at it again in each life; the other node takes over.
dies_of_work()
{
	local o start gap

	"$top_builddir/bin/mirrord/mirrord" -V | grep -q failpoints ||
	    skip "needs ./configure --enable-failpoints"
	o=$(other "$1")
	load_start
	start=$(now_ms)
	on "$1" sh -c 'echo mirrord:12:again >/run/holdfast/fail'
	wait_until 40 '[[ "$(state '"$o"')" =~ ^(PRIM|ALONE)" Ready"$ ]]'
	on "$1" rm /run/holdfast/fail
	load_goes_on 20
	wait_until 60 "pair_is_level $o $1"
	gap=$(gap_since "$start")
	echo "# without an acknowledgement: $gap ms" >&3
	[ "$gap" -lt 20000 ]
	load_stop
	verify
	on "$1" grep -q 'mirrord does not serve' \
	    "/var/log/holdfast/$MODULE.events"
	trees_are_equal
}

# does_not_start NODE: mirrord of the primary dies, and none can be started;
# the other node takes over.
does_not_start()
{
	local o start gap conf

	conf=/var/lib/holdfast/$MODULE/config/active/mirrord.conf
	o=$(other "$1")
	load_start
	start=$(now_ms)
	on "$1" mv "$conf" /var/was.conf
	on "$1" sh -c 'kill -9 "$(pgrep -x -o mirrord)"'
	wait_until 40 '[[ "$(state '"$o"')" =~ ^(PRIM|ALONE)" Ready"$ ]]'
	load_goes_on 20
	gap=$(gap_since "$start")
	echo "# without an acknowledgement: $gap ms" >&3
	[ "$gap" -lt 25000 ]
	on "$1" holdfast status "$MODULE" | grep 'mirrord'
	on "$1" mv /var/was.conf "$conf"
	on "$1" holdfast config "$MODULE"
	wait_until 60 "pair_is_level $o $1"
	load_stop
	verify
	trees_are_equal
}

# disk_fails NODE: that of the primary, with its records, goes read-only; the
# other node takes over, and nothing is lost when this one is back.
disk_fails()
{
	local o start

	o=$(other "$1")
	load_start
	start=$(now_ms)
	"$LAB" disk "$1" readonly
	wait_until 20 '[[ "$(state '"$o"')" =~ ^(PRIM|ALONE)" Ready"$ ]]'
	load_goes_on 20
	echo "# without an acknowledgement: $(gap_since "$start") ms" >&3
	[ "$(gap_since "$start")" -lt 15000 ]
	on "$1" holdfast status "$MODULE" | grep 'Read-only file system'
	"$LAB" power cycle "$1"
	wait_until 60 "pair_is_level $o $1"
	load_stop
	verify
	trees_are_equal
}

# The client's load: each acknowledged entry is a line of /srv/acked.
load_start()
{
	load_end
	on c1 sh -c "rm -f /srv/acked /srv/out; $CLIENT -a $VIP -p $PORT \
	    -f /srv/acked $* run >/srv/out 2>&1 & echo \$! >/srv/pid"
	wait_until 10 '[ "$(acked)" -gt 10 ]'
}

# Prints the client's tally; false when it had to be lenient.
load_stop()
{
	on c1 sh -c 'kill "$(cat /srv/pid)" && rm /srv/pid'
	wait_until 5 'on c1 grep -q ^acknowledged= /srv/out'
	on c1 cat /srv/out
}

acked()
{
	on c1 sh -c 'wc -l </srv/acked' 2>/dev/null || echo 0
}

# More entries than there were when it was called.
load_goes_on()
{
	wait_until "$1" "[ \"\$(acked)\" -gt $(acked) ]"
}

# gap_since MS: the longest time without an acknowledgement that ended later.
gap_since()
{
	on c1 awk -v since="$1" 'last && $3 >= since && $3 - last > gap {
		gap = $3 - last } { last = $3 } END { print gap + 0 }' /srv/acked
}

# Every entry acknowledged until now is in the ledger, at its number, once.
verify()
{
	on c1 cp /srv/acked /srv/acked.now
	on c1 "$CLIENT" -a $VIP -p $PORT -f /srv/acked.now verify
}

# field NAME TEXT: the number of name=number.
field()
{
	sed -n "s/.*\<$1=\([0-9]*\).*/\1/p" <<<"$2"
}

# Milliseconds of the newest script run of a node.
script_ms()
{
	local text

	text=$(on "$1" cat "/run/holdfast/$MODULE/script.exit" 2>/dev/null) || :
	text=$(field ms "$text")
	echo "${text:-0}"
}

# tree NODE [DIR]: all there is of /srv/DIR under the mount, a line a name.  An
# object's id is the same on both nodes; what binds it to its file there is not.
tree()
{
	on "$1" unshare -m sh -c 'mount --bind /srv /mnt && cd "/mnt/$1" &&
	    find . -path ./.holdfast -prune -o -type d -printf \
	    "%p %y %m %U %G %T@\n" -o -printf \
	    "%p %y %m %U %G %T@ %s %n %l\n" | sort &&
	    find . -path ./.holdfast -prune -o -type f -print0 | sort -z |
	    xargs -0 -r sha256sum && { ! command -v getfattr >/dev/null ||
	    find . -path ./.holdfast -prune -o -print0 | sort -z |
	    xargs -0 -r getfattr -h -d -m - -e hex; }' sh "${2:-ledger}" |
	    sed 's/\(trusted.holdfast.oid=0x.\{18\}\).*/\1/
	    /^trusted.holdfast.session=/d'
}

trees_are_equal()
{
	local one two

	one=$(tree n1 "$@")
	two=$(tree n2 "$@")
	[ "$one" = "$two" ] || {
		diff <(echo "$one") <(echo "$two") >&2 || :
		return 1
	}
}

blocked()
{
	on "$1" holdfast status --json | jq -r '.modules[0].blocked.code'
}

# One that came and went five times is held down, until somebody says start.
is_level_again()
{
	local n

	for n in n1 n2; do
		[ "$(blocked $n)" != held-down ] ||
		    on $n holdfast start "$MODULE" --no-wait
	done
	pair_is_level n1 n2 || pair_is_level n2 n1
}

# readme_block TITLE WORD: the commands of the first indented block with WORD
# under a title of README, a line each, with the lab's addresses.
readme_block()
{
	awk -v title="$1" -v word="$2" '
		/^---/ { on = last == title }
		{ last = $0 }
		!on { next }
		/^    / { text = text $0 "\n"; next }
		index(text, word) { exit }
		{ text = "" }
		END { printf "%s", text }' "$TOP/README" |
	    sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' -e 's/^    //' \
	    -e 's/10\.0\.0\.9,10\.0\.1\.9/10.88.1.211,10.88.2.211/' \
	    -e 's/10\.0\.0\./10.88.1./g; s/10\.0\.1\./10.88.2./g' \
	    -e "s/TOKEN/$(cat "$BATS_FILE_TMPDIR/token" 2>/dev/null)/"
}
