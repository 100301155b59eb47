#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A fence agent for tests, by the convention of fence-agents: it is told by
# lines on its standard input and by nothing else.  ip= is HOST:PORT of
# fence-device.bash, or a directory in which that is run here.

set -u
action=reboot ip='' plug='' username='' password=''
while IFS='=' read -r key value; do
	case $key in
	''|\#*)	;;
	action|ip|plug|username|password)
		printf -v "$key" %s "$value" ;;
	nodename)
		: "${plug:=$value}" ;;
	*)	echo "Parse error: Ignoring unknown option '$key=$value'" >&2 ;;
	esac
done
[ $# -eq 0 ] || { echo "told by its command line" >&2; exit 1; }
case $ip in
/*)	answer=$(echo "$action $plug $username $password" |
	    FENCE_DIR=$ip "${0%/*}/fence-device.bash") ;;
*)	exec 3<>"/dev/tcp/${ip%:*}/${ip##*:}" || exit 1
	echo "$action $plug $username $password" >&3
	answer=$(cat <&3) ;;
esac
read -r status words <<<"$answer"
echo "${words:-no answer}"
exit "${status:-1}"
