# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Networks: a bridge a lan in a network namespace of the lab's own (the hub,
# a host without a disk), one veth pair a host and lan.  The hub's end of the
# pair is the switch's port: down is a cable pulled (the host loses its
# carrier), a rule on it loses frames and leaves the carrier up.

hub_run()
{
	nsenter -t "$(cat "$LAB_STATE/hub/pid")" -n "$@"
}

# port_name HOST LAN: within the 15 bytes of an interface name.
port_name()
{
	printf '%s-%s\n' "$1" "$2"
}

hub_up()
{
	local cg pid lan

	cg=$(cgroup_root)/hub
	mkdir -p "$LAB_STATE/hub" "$cg"
	pid=$("$LAB_INIT" boot "$cg" hub "" /bin/true \
	    2>>"$LAB_STATE/hub/console")
	echo "$pid" >"$LAB_STATE/hub/pid"
	# The hub itself speaks on no network.
	for lan in all default; do
		hub_run sh -c \
		    "echo 1 >/proc/sys/net/ipv6/conf/$lan/disable_ipv6"
	done
	for lan in $(lan_list); do
		printf 'link add %s type bridge forward_delay 0 %s\n' \
		    "$lan" "mcast_snooping 0 stp_state 0"
		printf 'link set %s up\n' "$lan"
	done | hub_run ip -batch -
	hub_run nft -f - <<-'END'
	table bridge lab {
		set deaf { type ifname; }
		set norx { type ifname; }
		set notx { type ifname; }
		chain from_host {
			type filter hook prerouting priority 0;
			iifname @deaf drop
			iifname @notx drop
		}
		chain to_host {
			type filter hook postrouting priority 0;
			oifname @deaf drop
			oifname @norx drop
		}
	}
	END
}

# Plugs a host that was just powered on into every lan, as its cables are.
net_plug()
{
	local host=$1 pid n k lan port

	pid=$(cat "$LAB_STATE/$host/pid")
	n=$(host_number "$host")
	for lan in $(lan_list); do
		k=${lan#lan}
		port=$(port_name "$host" "$lan")
		# A machine keeps its MAC over a reboot.
		printf 'link add %s type veth peer name %s address %s netns %s\n' \
		    "$port" "$lan" \
		    "$(printf '02:48:46:00:%02x:%02x' "$k" "$n")" "$pid"
		printf 'link set %s master %s\n' "$port" "$lan"
	done | hub_run ip -batch -
	{
		echo "link set lo up"
		for lan in $(lan_list); do
			k=${lan#lan}
			echo "link set $lan up"
			echo "addr add 10.88.$k.$n/24 brd + dev $lan"
			echo "addr add fd88:$k::$n/64 nodad dev $lan"
		done
	} | nsenter -t "$pid" -n ip -batch -
	for lan in $(lan_list); do
		net_cable_apply "$host" "$lan" \
		    "$(host_get "$host" "cable.$lan" in)"
	done
}

# All ports of a host go down at once: from here on nobody hears it.
net_unplug()
{
	local host=$1 lan

	for lan in $(lan_list); do
		echo "link set $(port_name "$host" "$lan") down"
	done | hub_run ip -force -batch - 2>/dev/null || :
}

net_remove()
{
	local host=$1 lan

	for lan in $(lan_list); do
		net_rule delete "$host" "$lan" norx notx deaf
		echo "link del $(port_name "$host" "$lan")"
	done | hub_run ip -force -batch - 2>/dev/null || :
}

# net_rule add|delete HOST LAN SET...: one transaction a set; deleting what
# is not there is no error.
net_rule()
{
	local how=$1 port set

	port=$(port_name "$2" "$3")
	shift 3
	for set; do
		hub_run nft "$how" element bridge lab "$set" \
		    "{ \"$port\" }" 2>/dev/null || [ "$how" = delete ]
	done
}

net_cable_apply()
{
	local host=$1 lan=$2 state=$3 port

	port=$(port_name "$host" "$lan")
	net_rule delete "$host" "$lan" norx notx
	case $state in
	out)	hub_run ip link set "$port" down
		return ;;
	rx|tx)	net_rule add "$host" "$lan" "no$state" ;;
	esac
	hub_run ip link set "$port" up
}

# cable NODE LAN out|in [--oneway rx|tx]: the direction as the node sees it.
net_cable()
{
	local host lan what way=

	[ $# -eq 3 ] || [ $# -eq 5 ] || usage
	host=$1 lan=$2 what=$3
	if [ $# -eq 5 ]; then
		[ "$4 $what" = "--oneway out" ] || usage
		way=$5
	fi
	case $what:$way in
	out:|in:|out:rx|out:tx) ;;
	*)	usage ;;
	esac
	need_host "$host"
	lan_list | grep -qx -- "$lan" ||
	    die "$EX_USAGE" "$lan: no such network"
	what=${way:-$what}
	if host_is_on "$host"; then
		net_cable_apply "$host" "$lan" "$what"
	fi
	host_put "$host" "cable.$lan" "$what"
}

# Frames of a deaf host pass neither way; its carrier stays.
net_deaf()
{
	local host=$1 how=$2 lan

	for lan in $(lan_list); do
		net_rule "$how" "$host" "$lan" deaf
	done
}
