# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154 # variables of t/bench/farm
#
# What a frame costs that another node takes: with a shared MAC each node gets
# the frames of all.  One network namespace with both ends of a veth pair; the
# filter is at one of them, and t/bench/inject sends from inside the kernel, so
# that a frame costs little else.  Its own share is in all figures alike.
#
# The frame matches the last rule: the more rules, the worse, if it mattered.

REJECT_FRAMES=2000000
REJECT_VMAC=5a:fe:0a:4d:00:01

# reject_input RULES NODES RANGE: every bucket is another node's; rules of one
# port, or of ranges that no tool can merge.
reject_input()
{
	local i

	echo "farm module=bench id=1 seed=7 self=0"
	echo "intf name=rx0"
	for ((i = 1; i <= $2; i++)); do
		printf 'node name=n%d id=%d mac=02:48:46:00:00:%02x\n' \
		    $i $i $i
	done
	echo "addr ip=10.77.0.1 vmac=$REJECT_VMAC is_vmac=1"
	echo "group name=bench"
	for ((i = 1; i <= $1; i++)); do
		echo "rule proto=tcp low=$((i * 100)) \
high=$((i * 100 + $3 * i)) key=addr"
	done
	for ((i = 2; i <= $2; i++)); do
		echo "buckets from=$((4096 * (i - 2) / ($2 - 1))) taker=$i"
	done
}

# reject_run BACKEND RULES NODES RANGE: ns a frame; runs inside the namespace.
reject_run()
{
	local dir=$BENCH_WORK count

	reject_input "$2" "$3" "$4" >"$dir/input"
	coproc FILTER { "$top_builddir/t/farm/filterctl" "$1" hold \
	    "$dir/input"; }
	# shellcheck disable=SC2153 # of coproc
	{
		read -r _ <&"${FILTER[0]}"
		"$top_builddir/t/bench/inject" tx0 $REJECT_VMAC \
		    02:48:46:00:00:99 10.77.0.9 10.77.0.1 $(($2 * 100)) \
		    $REJECT_FRAMES >"$dir/inject"
		echo >&"${FILTER[1]}"
		read -r count <&"${FILTER[0]}"
	}
	count=${count#*rejected=}
	kill "$FILTER_PID"
	wait "$FILTER_PID" 2>/dev/null || :
	"$top_builddir/t/farm/filterctl" "$1" remove "$dir/input"
	# A few of its own, such as neighbour solicitations, may come too.
	[ "${count%% *}" -ge $REJECT_FRAMES ] || {
		echo "only ${count%% *} of $REJECT_FRAMES were rejected" >&2
		return 1
	}
	sed 's/.*ns=//' "$dir/inject"
}

reject_figure()
{
	local ns

	if ns=$(reject_run "$3" "$4" "$5" "$6"); then
		figure reject "ns a frame" "$1" "$2" "$ns"
	else
		skip_system "$1" "frames were not rejected"
	fi
}

reject_rounds()
{
	local round first backend backends=nft

	ip link add rx0 type veth peer name tx0
	ip link set dev rx0 up
	ip link set dev tx0 up
	ethtool -K rx0 gro on
	! wanted bpf || backends="nft bpf"
	first=$(first_round reject)
	for ((round = first; round < first + rounds; round++)); do
		for backend in $(in_turn $round $backends); do
			reject_figure $backend $round $backend 1 3 0
			reject_figure $backend-64-ports $round $backend 64 3 0
			reject_figure $backend-64-ranges $round $backend 64 3 1
			reject_figure $backend-16-nodes $round $backend 1 16 0
		done
	done
}

part_reject()
{
	command -v ethtool >/dev/null || "$top_srcdir/bootstrap" deps ethtool
	note_fact "reject: $REJECT_FRAMES frames a figure, generator included"
	# In a namespace that ends with the last of its processes.
	export -f reject_rounds reject_figure reject_run reject_input \
	    in_turn wanted first_round figure skip_system say
	export REJECT_FRAMES REJECT_VMAC BENCH_WORK rounds figures without \
	    top_builddir
	# The BPF programs are those of this build.
	HOLDFAST_ROOT=$HOLDFAST_LAB_STAGE unshare -n bash -euo pipefail -c \
	    reject_rounds
}
