# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Frames between two hosts that do not arrive: a firewall gone wrong, a switch
# that forgot a VLAN, a route lost.  Both keep their carriers and hear everybody
# else.  The rules are of port names, so a cut outlasts a power cycle.

# cut A B [--oneway] [LAN]: with --oneway, what A sends to B.
cut_set()
{
	local a b way=both lan lans pairs=()

	[ $# -ge 2 ] || usage
	a=$1 b=$2
	shift 2
	if [ "${1-}" = --oneway ]; then
		way=one
		shift
	fi
	[ $# -le 1 ] || usage
	need_host "$a"
	need_host "$b"
	[ "$a" != "$b" ] || die "$EX_USAGE" "$a: a host and itself"
	lans=${1-$(lan_list)}
	for lan in $lans; do
		need_lan "$lan"
		pairs+=("\"$a-$lan\" . \"$b-$lan\"")
		[ "$way" = one ] || pairs+=("\"$b-$lan\" . \"$a-$lan\"")
	done
	cut_elements add "${pairs[@]}"
}

# All of them in one transaction.
cut_elements()
{
	local how=$1 list

	shift
	printf -v list '%s, ' "$@"
	hub_run nft "$how" element bridge lab cut "{ ${list%, } }"
}

# heal [A B]: every frame between the two passes again; without names, of all.
cut_heal()
{
	local a b lan

	need_lab
	if [ $# -eq 0 ]; then
		hub_run nft flush set bridge lab cut
		return
	fi
	[ $# -eq 2 ] || usage
	a=$1 b=$2
	need_host "$a"
	need_host "$b"
	# Deleting what is not there is an error, adding what is there is none.
	for lan in $(lan_list); do
		set -- "$@" "\"$a-$lan\" . \"$b-$lan\"" \
		    "\"$b-$lan\" . \"$a-$lan\""
	done
	shift 2
	cut_elements add "$@"
	cut_elements delete "$@"
}

# A line a direction that is cut: FROM TO LAN.
cut_list()
{
	hub_run nft -j list set bridge lab cut | jq -r '.nftables[].set |
	    select(. != null) | .elem[]? | .concat | map(split("-")) |
	    "\(.[0][0]) \(.[1][0]) \(.[0][1])"'
}

cut_json()
{
	cut_list | jq -cRn '[inputs | split(" ") |
	    {from: .[0], to: .[1], lan: .[2]}]'
}

# loss NODE PERCENT: of the frames from and to it, by chance; 0 ends it.
loss_set()
{
	local host percent chain lan ports=

	[ $# -eq 2 ] && [[ $2 =~ ^[0-9]{1,3}$ ]] && [ "$2" -le 100 ] || usage
	host=$1 percent=$2
	need_host "$host"
	chain="bridge lab loss_$host"
	for lan in $(lan_list); do
		ports+="${ports:+, }\"$(port_name "$host" "$lan")\""
	done
	{
		echo "add chain $chain { type filter hook forward priority 1; }"
		echo "flush chain $chain"
		if [ "$percent" -eq 0 ]; then
			echo "delete chain $chain"
		else
			echo "add rule $chain iifname { $ports }" \
			    "numgen random mod 100 < $percent drop"
			echo "add rule $chain oifname { $ports }" \
			    "numgen random mod 100 < $percent drop"
		fi
	} | hub_run nft -f -
}

# delay HOST MS: each packet from and to it comes so much later; 0 ends it.  The
# program that holds them, and its rules, are gone when it is switched off.
delay_set()
{
	local host us cg family

	[ $# -eq 2 ] && [[ $2 =~ ^[0-9]{1,4}([.][0-9]{1,3})?$ ]] || usage
	host=$1
	us=$(awk -v ms="$2" 'BEGIN { printf "%d", ms * 1000 }')
	need_host "$host"
	host_is_on "$host" || die "$EX_UNAVAILABLE" "$host: is off"
	cg=$(host_exec_cgroup "$host")/delay
	[ ! -d "$cg" ] || cgroup_end "$cg"
	for family in ip ip6; do
		echo "add table $family lab_delay"
		echo "delete table $family lab_delay"
		[ "$us" -gt 0 ] || continue
		echo "add table $family lab_delay"
		echo "add chain $family lab_delay in {
		    type filter hook input priority -400; }"
		echo "add chain $family lab_delay out {
		    type filter hook output priority 400; }"
	done | host_net "$host" nft -f -
	[ "$us" -gt 0 ] || return 0
	mkdir -p "$cg"
	(
		echo "$BASHPID" >"$cg/cgroup.procs"
		# shellcheck disable=SC2046 # a word each
		exec setsid nsenter -t "$(cat "$LAB_STATE/$host/pid")" -n \
		    "${LAB_INIT%labinit}delay" "$us" $(lan_list)
	) >>"$LAB_STATE/$host/console" 2>&1 </dev/null 3>&- 9>&- &
	wait_for 5 host_queues "$host" ||
	    die "$EX_UNAVAILABLE" "$host: packets cannot be delayed:" \
	    "$(tail -n 1 "$LAB_STATE/$host/console")"
}

# host_queues HOST: the rules for it are there; nft says that it has no word for
# them.
host_queues()
{
	host_net "$1" nft list table ip6 lab_delay 2>&1 | grep -q NFQUEUE
}
