#!/bin/sh
# SPDX-License-Identifier: ISC
#
# @SCRIPT@ of the module, unless it was told to hang, to ignore that it should
# end, to fail, or to say too much: by a file that somebody puts there.

dir=${SAFEUSERBIN:-${0%/*}}
told=/run/torture.@SCRIPT@
if [ -e "$told" ]; then
	how=$(cat "$told")
	rm -f "$told"
	case $how in
	hang)	exec sleep 3600 ;;
	deaf)	trap '' TERM
		while :; do sleep 1; done ;;
	fail)	exit 1 ;;
	noise)	head -c 50000000 /dev/zero | tr '\0' x ;;
	esac
fi
exec "$dir/true_@SCRIPT@" "$@"
