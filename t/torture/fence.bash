# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2016 # variables of run; lines for
# wait_until
#
# Mode fencing: a device that pulls the plugs of the lab.  The nodes reach it
# by a way of its own, as a management network is: an agent leaves a file in
# its node's /run, and what is asked for there is done from out here.

FENCE_ASKS=run/lab-fence

# fence_do ACTION NODE: as an agent ends; 2 for a status of off.
fence_do()
{
	case $1 in
	off|on)	"$LAB" power "$1" "$2" >/dev/null 2>&1 ;;
	status)	[ "$(cat "/run/holdfast-lab-$HOLDFAST_LAB/$2/power")" = on ] ||
		    return 2 ;;
	monitor|list)
		;;
	*)	return 1 ;;
	esac
}

# One after the other, like a small device.
fence_serve()
{
	local node pid ask action plug rc

	while [ -e "$work/fence.on" ]; do
		for node in n1 n2; do
			pid=$(cat "/run/holdfast-lab-$HOLDFAST_LAB/$node/pid" \
			    2>/dev/null) || continue
			for ask in "/proc/$pid/root/$FENCE_ASKS"/*.ask; do
				read -r action plug <"$ask" || continue
				echo "$(stamp) $node: $action $plug" \
				    >>"$work/fence.told"
				rc=0
				fence_do "$action" "$plug" || rc=$?
				rm -f "$ask"
				echo "$rc" >"${ask%.ask}.done" || :
			done
		done 2>/dev/null
		sleep 0.1
	done
}

fence_agent()
{
	cat <<-'END'
	#!/bin/sh
	while IFS='=' read -r key value; do
		case $key in
		action)	action=$value ;;
		plug)	plug=$value ;;
		esac
	done
	mkdir -p /run/lab-fence
	f=/run/lab-fence/$$ i=0
	echo "$action $plug" >$f.new
	mv $f.new $f.ask
	while [ $((i += 1)) -lt 150 ]; do
		if [ -s $f.done ]; then
			read -r rc <$f.done
			rm -f $f.done
			exit "$rc"
		fi
		sleep 0.1
	done
	exit 1
	END
}

# Both nodes know of the devices, and go by them.
fence_up()
{
	local node xml='<fencing delay="2s" timeout="15s">'

	for node in n1 n2; do
		xml+="<device node=\"$node\" agent=\"/etc/holdfast/fence-lab\" "
		xml+="options=\"plug=$node\"/>"
	done
	xml+='</fencing>'
	: >"$work/fence.on"
	fence_serve 2>/dev/null &
	for node in n2 n1; do
		on $node holdfast stop "$MODULE" --timeout 30 >/dev/null
	done
	for node in n1 n2; do
		fence_agent | on $node sh -ec 'cd /etc/holdfast
		    cat >fence-lab; chmod 755 fence-lab
		    sed -i "s,</cluster>,$0&," cluster.xml
		    holdfast config; holdfast config "$1"; sync' \
		    "$xml" "$MODULE" >"$work/fence.out" 2>&1
	done
	for node in n1 n2; do
		on $node holdfast start "$MODULE" --no-wait >/dev/null
	done
}

# Who is off, where that is a device's doing.
fence_off()
{
	[ "$mode" = fencing ] || return 0
	grep -lx off "/run/holdfast-lab-$HOLDFAST_LAB"/n?/power |
	    sed 's,.*/\(n.\)/power,\1,' || :
}

# Who was switched off is switched on by whoever heals the rest.
fence_heal()
{
	local node

	for node in n1 n2; do
		"$LAB" power on $node || :
	done
}
