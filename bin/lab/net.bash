# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Networks: a bridge a lan in a network namespace of the lab's own (the hub,
# a host without a disk), one veth pair a host and lan.  The hub's end of the
# pair is the switch's port: down is a cable pulled (the host loses its
# carrier), a rule on it loses frames and leaves the carrier up.

# host_net HOST COMMAND...: of this machine, on the networks of that host.
host_net()
{
	local host=$1

	shift
	nsenter -t "$(cat "$LAB_STATE/$host/pid")" -n "$@"
}

hub_run()
{
	host_net hub "$@"
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
		set cut { type ifname . ifname; }
		chain from_host {
			type filter hook prerouting priority 0;
			iifname @deaf drop
			iifname @notx drop
		}
		chain between {
			type filter hook forward priority 0;
			iifname . oifname @cut drop
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
	net_clients "$host" | nsenter -t "$pid" -n ip -batch -
	for lan in $(lan_list); do
		net_cable_apply "$host" "$lan" \
		    "$(host_get "$host" "cable.$lan" in)"
		net_flood_apply "$host" "$lan" \
		    "$(host_get "$host" "flood.$lan" on)"
	done
}

# The networks of many clients: every address of them is one of c1's, and c1
# is the router to them.  A program there binds whichever it likes.
net_clients()
{
	local pid n

	if [ "$1" != c1 ]; then
		n=$(host_number c1)
		echo "route add $LAB_CLIENTS via 10.88.1.$n"
		echo "route add $LAB_CLIENTS6 via fd88:1::$n"
		return
	fi
	pid=$(cat "$LAB_STATE/$1/pid")
	# No neighbour entry a client on the nodes; and IPv6 lets a program
	# bind only what is on an interface, or all.
	nsenter -t "$pid" -n sysctl -qw net.ipv4.conf.all.arp_announce=2 \
	    net.ipv6.ip_nonlocal_bind=1
	echo "route add local $LAB_CLIENTS dev lo"
	echo "route add local $LAB_CLIENTS6 dev lo"
}

# All ports of a host go down at once: from here on nobody hears it.  The rule
# is one transaction; links go down one after the other, and a node that saw
# the first of them go could still tell the others by the second.
net_unplug()
{
	local host=$1 lan ports=

	for lan in $(lan_list); do
		ports+="${ports:+, }\"$(port_name "$host" "$lan")\""
	done
	hub_run nft add element bridge lab deaf "{ $ports }" 2>/dev/null || :
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
	need_lan "$lan"
	what=${way:-$what}
	if host_is_on "$host"; then
		net_cable_apply "$host" "$lan" "$what"
	fi
	host_put "$host" "cable.$lan" "$what"
}

net_flood_apply()
{
	hub_run bridge link set dev "$(port_name "$1" "$2")" flood "$3"
}

# flood NODE LAN on|off: off, the port gets no unicast frame for a station the
# switch has not heard.
net_flood()
{
	[ $# -eq 3 ] || usage
	case $3 in
	on|off)	;;
	*)	usage ;;
	esac
	need_host "$1"
	need_lan "$2"
	if host_is_on "$1"; then
		net_flood_apply "$@"
	fi
	host_put "$1" "flood.$2" "$3"
}

# Frames of a deaf host pass neither way; its carrier stays.
net_deaf()
{
	local host=$1 how=$2 lan

	for lan in $(lan_list); do
		net_rule "$how" "$host" "$lan" deaf
	done
}
