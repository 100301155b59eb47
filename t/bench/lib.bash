# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154 # variables of t/bench/run
#
# What the parts of the bench share: packages, the file of figures, labs and
# their end.

# What the clean-up needs to know, also after a signal.
BENCH_WORK=
BENCH_LAB=

say()
{
	printf '%s  %s\n' "$(date +%T)" "$*" >&2
}

bench_begin()
{
	local file

	for file in bin/lab/labinit t/bench/mbench t/bench/beacon; do
		[ -x "$top_builddir/$file" ] || {
			echo "run: $file: not built; run ./bootstrap build" >&2
			exit 69
		}
	done
	trap bench_cleanup EXIT
	trap 'exit 130' INT TERM
	BENCH_WORK=$(mktemp -d /var/tmp/holdfast-bench.XXXXXX)
	# Any user of a host runs the programs in it.
	chmod 711 "$BENCH_WORK"
	# One installation for all labs.
	export HOLDFAST_LAB_STAGE=$BENCH_WORK/stage
	make -s -C "$top_builddir" install DESTDIR="$HOLDFAST_LAB_STAGE" \
	    >"$BENCH_WORK/install.log" 2>&1 || {
		tail -n 20 "$BENCH_WORK/install.log" >&2
		exit 69
	}
	# Four databases and their logs.
	export HOLDFAST_LAB_IMAGE=8G
	mkdir -p "$into"
	figures=$into/figures.tsv
	[ -e "$figures" ] || machine_describe >"$figures"
	report_can_plot
}

bench_end()
{
	trap - EXIT INT TERM
	bench_cleanup
}

bench_cleanup()
{
	[ -z "$BENCH_LAB" ] || lab_end ||
	    say "still there: HOLDFAST_LAB=$BENCH_LAB holdfast-lab down"
	[ -z "$BENCH_WORK" ] || rm -rf "$BENCH_WORK"
}

# lab_begin ARG...: the nodes and a client, one lab at a time.
BENCH_NODES=2
lab_begin()
{
	export HOLDFAST_LAB=bench$$

	BENCH_LAB=$HOLDFAST_LAB
	"$LAB" up $BENCH_NODES "$@" >"$BENCH_WORK/up.log" 2>&1 || {
		tail -n 100 "$BENCH_WORK/up.log" >&2
		exit 69
	}
}

lab_end()
{
	"$LAB" down || return 1
	BENCH_LAB=
}

# --- the file of figures ------------------------------------------------

machine_describe()
{
	printf '# date\t%s\n' "$(date '+%F %H:%M %Z')"
	printf '# cpu\t%s\n' "$(sed -n 's/^model name[^:]*: //p' \
	    /proc/cpuinfo | head -n 1)"
	printf '# cores\t%s\n' "$(nproc)"
	printf '# memory\t%s MiB\n' "$(awk '/^MemTotal/ {
	    print int($2 / 1024) }' /proc/meminfo)"
	printf '# kernel\t%s\n' "$(uname -r)"
	printf '# holdfast\t%s\n' \
	    "$(git -C "$top_srcdir" describe --always --dirty 2>/dev/null ||
	    sed -n 1p "$top_srcdir/NEWS")"
}

# figure TEST UNIT SYSTEM ROUND VALUE; the load is the machine's at that time.
figure()
{
	local load

	read -r load _ </proc/loadavg
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" "$load" \
	    >>"$figures"
	say "$1: $3: $5 $2"
}

# skip SYSTEM REASON: the reason stands in the table.
skip_system()
{
	say "$1: skipped: $2"
	grep -qxF "$(printf '# skipped\t%s\t%s' "$1" "$2")" "$figures" ||
	    printf '# skipped\t%s\t%s\n' "$1" "$2" >>"$figures"
}

# note_fact TEXT...: what a reader of the figures has to know, once.
note_fact()
{
	grep -qxF "$(printf '# note\t%s' "$*")" "$figures" ||
	    printf '# note\t%s\n' "$*" >>"$figures"
}

# note_base SYSTEM SYSTEM: what the others are compared with.
note_base()
{
	grep -q '^# base' "$figures" ||
	    printf '# base\t%s\t%s\n' "$1" "$2" >>"$figures"
}

# target TEST SYSTEM KIND BASE OP LIMIT: what is asked for of the medians.
# KIND is value; ratio, of BASE in the same round; added, how much of what
# BASE adds to the first system of the table the system adds.
target()
{
	local line

	line=$(printf '# target\t%s\t%s\t%s\t%s\t%s\t%s' "$@")
	grep -qxF "$line" "$figures" || printf '%s\n' "$line" >>"$figures"
}

# The number of the first round of this run for a test: runs add up.
first_round()
{
	awk -F '\t' -v test="$1" '$1 == test && $4 > last { last = $4 }
	    END { print last + 1 }' "$figures"
}

# in_turn ROUND WORD...: the words, the other way round every second time.
in_turn()
{
	local round=$1

	shift
	if [ $((round % 2)) -eq 1 ]; then
		printf '%s\n' "$@"
	else
		printf '%s\n' "$@" | tac
	fi
}

# --- packages -----------------------------------------------------------

# wanted SYSTEM: not excluded by --without.
wanted()
{
	case ,$without, in
	*,"$1",*) return 1 ;;
	esac
}

# peer_install SYSTEM PACKAGE...: false, with the reason noted, when it is
# not to be had.  A server of its packages shall not start at the next boot of
# this machine either.
peer_install()
{
	local system=$1 package unit new=()

	shift
	wanted "$system" || return 1
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
		    grep -q 'ok installed' || new+=("$package")
	done
	[ ${#new[@]} -gt 0 ] || return 0
	say "$system: installing ${new[*]}"
	"$top_srcdir/bootstrap" deps "${new[@]}" >&2 || {
		skip_system "$system" "apt-get cannot install ${new[*]}"
		return 1
	}
	command -v systemctl >/dev/null || return 0
	for package in "${new[@]}"; do
		for unit in $(dpkg -L "$package" |
		    sed -n 's,^.*/lib/systemd/system/,,p')
		do
			systemctl --quiet disable "$unit" 2>/dev/null || :
		done
	done
}

package_version()
{
	# The packager's part is of no interest.
	dpkg-query -W -f '${Version}' "$1" 2>/dev/null |
	    sed 's/^[0-9]*://; s/[-+].*//'
}

report_can_plot()
{
	dpkg-query -W -f '${Status}' gnuplot-nox 2>/dev/null |
	    grep -q 'ok installed' ||
	    "$top_srcdir/bootstrap" deps gnuplot-nox >&2 ||
	    say "no gnuplot: there will be no PNG"
}
