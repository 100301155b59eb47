#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A power strip for tests: reads "ACTION PLUG USERNAME PASSWORD", prints "EXIT
# WORDS".  In FENCE_DIR:
#
#	password	what it wants to hear
#	power.PLUG	on or off
#	mode.PLUG	how it goes wrong: refuse, hang, leak (says the
#			password), lie (says that it did), stuck (does not
#			switch); wait: "off" takes as long as this file is there
#	switch		run with PLUG and on, off or status, which prints on or
#			off: where power is more than a file
#	told		what it was asked: MILLISECONDS WHO ACTION PLUG USERNAME

set -u
cd "$FENCE_DIR" || exit 1
read -r action plug username password
who=${SOCAT_PEERADDR:-here}
echo "$((${EPOCHREALTIME/./} / 1000)) $who $action $plug $username" >>told
mode=$(cat "mode.$plug" 2>/dev/null)
[ "$password" = "$(cat password)" ] || { echo 1 Login failed; exit; }
case $mode in
refuse)	echo 1 Unable to connect/login to fencing device; exit ;;
hang)	exec sleep 100 ;;
leak)	echo "1 login $username with $password went wrong"; exit ;;
esac
case $action in
monitor)
	echo 0 ;;
status)
	if [ -x switch ]; then
		power=$(./switch "$plug" status)
	else
		power=$(cat "power.$plug")
	fi
	if [ "$mode" = lie ] || [ "$power" = off ]; then
		echo 2 Status: OFF
	else
		echo 0 Status: ON
	fi ;;
on|off)
	while [ "$mode" = wait ] && [ -e "mode.$plug" ]; do
		read -rt 0.05 <> <(:)
	done
	case $mode in
	lie|stuck) ;;
	*)	if [ -x switch ]; then
			./switch "$plug" "$action" || { echo 1 failed; exit; }
		fi
		echo "$action" >"power.$plug" ;;
	esac
	echo 0 Success: Powered "${action^^}" ;;
*)	echo 1 Unrecognised action ;;
esac
