# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154 # variables of lib.bash
#
# One round of the campaign: a node leaves by draining and joins again, one is
# stopped and started, one loses its power and comes back, while 300 clients
# hold a connection (each fifth without saying anything), another connects
# every 2 ms, and another sends a datagram every 2 ms.  Which node it is each
# time comes from the seed.
#
# What is asked for:
#   - no connection of a node breaks that is neither stopped nor dead
#   - a new connection or datagram is answered at every join and leave, a SYN
#     at the latest when the client's kernel repeats it; no datagram twice
#   - a death hurts no longer than it takes to notice, and ROUND_SLACK_MS
#   - all broken connections are back, none hangs

ROUND_SLACK_MS=50
# A client's lost request is repeated after 200 ms, 400 ms more, and so on: it
# learns of a death by the first repetition after it was noticed, at the
# latest when twice the time, and a first wait, have passed.
ROUND_RTO_MS=200
ROUND_PERIOD_MS=2
# Of the farm; who starts it sets another.
ROUND_TIMEOUT_MS=500

# round_bound TIMEOUT_MS: the latest time, after a death, of a trial that was
# not answered at first.
round_bound()
{
	echo $(($1 + ROUND_SLACK_MS + ROUND_PERIOD_MS))
}

# others NODE: the rest of the three.
round_others()
{
	local node

	for node in n1 n2 n3; do
		[ "$node" = "$1" ] || printf '%s ' "$node"
	done
}

# From one moment on nobody hears it; then it loses its power.
node_die()
{
	farm_deaf add "$1"
	"$LAB" power off "$1"
}

# farm_deaf add|delete NODE: all its frames in one transaction.
farm_deaf()
{
	local state=/run/holdfast-lab-$HOLDFAST_LAB lan ports=

	for lan in $(seq "$(cat "$state/lans")"); do
		ports+="${ports:+, }\"$2-lan$lan\""
	done
	nsenter -t "$(cat "$state/hub/pid")" -n \
	    nft "$1" element bridge lab deaf "{ $ports }"
}

# round_event NAME COMMAND...: the mark is of when it began.
round_event()
{
	local name=$1 at=$EPOCHREALTIME

	shift
	"$@" || return 1
	clients_mark "$name" "$at"
}

# round_run DIR SEED 4|6: leaves the reports and `who' in DIR.
round_run()
{
	local dir=$1 vip=$FARM_VIP from=$CLIENTS drain stop die

	[ "$3" = 4 ] || { vip=$FARM_VIP6 from=$CLIENTS6; }
	RANDOM=$2
	drain=n$((RANDOM % 3 + 1))
	stop=n$((RANDOM % 3 + 1))
	die=n$((RANDOM % 3 + 1))
	echo "seed=$2 ip=$3 drain=$drain stop=$stop die=$die" \
	    "director=$(farm_director)" | tee "$dir/who"
	client_start hold hold -d $vip -s "$from+300" -n 300 -q 5 &&
	client_start fresh fresh -d $vip -s "$from+1000" \
	    -i $ROUND_PERIOD_MS &&
	client_start udp udp -d $vip -s "$from+1000" -i $ROUND_PERIOD_MS ||
	    return 1
	# shellcheck disable=SC2046 # lists of words
	{
		round_event drain on n1 holdfast farm $FARM drain $drain \
		    --no-wait &&
		wait_shared_by 20 $(round_others $drain) &&
		round_event undrain \
		    on n1 holdfast farm $FARM drain $drain --off --no-wait &&
		wait_shared_by 20 n1 n2 n3 &&
		round_event stop on $stop holdfast stop $FARM &&
		wait_shared_by 20 $(round_others $stop) &&
		round_event restart on $stop holdfast start $FARM &&
		wait_shared_by 30 n1 n2 n3 &&
		round_quiet 1500 &&
		round_event death node_die $die &&
		wait_shared_by 20 $(round_others $die) &&
		round_idle &&
		round_event rejoin "$LAB" power on $die &&
		wait_shared_by 60 n1 n2 n3
	} || {
		clients_end "$dir"
		return 1
	}
	clients_end "$dir"
}

# round_quiet MS: nothing happens for so long.  Whoever lost buckets keeps each
# for a second, as a handshake may be under way, and for that time the
# connections of a node that dies meanwhile are not reset.
round_quiet()
{
	wait_until 10 "[ \"\$(now_ms)\" -ge $(($(now_ms) + $1)) ]"
}

# Those that were active know that their node is dead; those that were idle
# learn it when they speak.  Had they not before the node is back, they would
# meet buckets that move, and wait: farmd(8), CAVEATS.
round_idle()
{
	round_quiet $(($(round_bound "$ROUND_TIMEOUT_MS") * 2 + ROUND_RTO_MS))
	round_event speak on c1 sh -c 'echo speak 1<>/run/hold.fifo'
	wait_until 20 "[ \$(on c1 ss -Htn state established \
	    'dport = 7800' | wc -l) -ge 300 ]"
}

round_complain()
{
	echo "seed $round_seed: $*" >&2
	round_bad=$((round_bad + 1))
}

# round_zero DIR REPORT FIELD WORD...: that field of the line is 0.
round_zero()
{
	local dir=$1 report=$2 field=$3 n

	shift 3
	n=$(value "$field" "$dir/$report.out" "$@")
	[ "$n" = 0 ] || round_complain "$report: $* $field=$n"
}

# round_judge DIR: false and each thing that was not as asked for.
round_judge()
{
	local dir=$1 bound round_bad=0 round_seed stop die mark node what

	bound=$(round_bound "$ROUND_TIMEOUT_MS")
	round_seed=$(value seed "$dir/who")
	stop=$(value stop "$dir/who")
	die=$(value die "$dir/who")
	for mark in start drain undrain stop restart death speak rejoin end; do
		for node in n1 n2 n3; do
			case $mark$node in
			stop$stop|death$die|speak$die) continue ;;
			esac
			round_zero "$dir" hold broken mark=$mark node=$node
		done
		[ $mark = death ] ||
			round_zero "$dir" hold broken mark=$mark node=nobody
		round_zero "$dir" udp twice mark=$mark
		case $mark in
		death|end) continue ;;
		esac
		for what in failed reset error; do
			round_zero "$dir" fresh $what mark=$mark
			round_zero "$dir" udp $what mark=$mark
		done
	done
	round_zero "$dir" hold hung total clients=300
	round_zero "$dir" hold unanswered total clients=300
	round_judge_death "$dir" "$bound"
	[ $round_bad -eq 0 ]
}

round_judge_death()
{
	local dir=$1 bound=$2 report ms n

	for report in fresh udp; do
		ms=$(value until_ms "$dir/$report.out" mark=death)
		at_most "$ms" "$bound" 2>/dev/null ||
		    round_complain "$report: a trial $ms ms after the death" \
		    "was not answered at first; asked for: $bound ms"
		round_zero "$dir" $report reset mark=death
	done
	n=$(value broken "$dir/hold.out" mark=death node="$die")
	[ "$n" = "$(value again "$dir/hold.out" mark=death node="$die")" ] ||
	    round_complain "hold: not all $n are back before the node is"
	ms=$(value last_ms "$dir/hold.out" mark=death node="$die")
	at_most "$ms" $((bound * 2 + ROUND_RTO_MS)) 2>/dev/null ||
	    round_complain "hold: the last one was reset after $ms ms"
	# From the message on: the mark is of before the word was passed.
	ms=$(sed -n '/^life.* of='"$die"' .* after=speak /s/.*waited_ms=//p' \
	    "$dir/hold.out" | sort -n | tail -n 1)
	at_most "${ms:-0}" $ROUND_RTO_MS 2>/dev/null ||
	    round_complain "hold: one that spoke was reset after $ms ms"
}

# round_tell DIR: the round in a line.
round_tell()
{
	local dir=$1 die

	die=$(value die "$dir/who")
	echo "$(cat "$dir/who")" \
	    "held=$(value broken "$dir/hold.out" total clients=300)" \
	    "reset=$(value broken "$dir/hold.out" mark=death node="$die")" \
	    "reset_ms=$(value last_ms "$dir/hold.out" mark=death \
	    node="$die")" \
	    "syn_ms=$(value until_ms "$dir/fresh.out" mark=death)" \
	    "udp_ms=$(value until_ms "$dir/udp.out" mark=death)" \
	    "retried=$(grep -c outcome=retried "$dir/fresh.out")"
}
