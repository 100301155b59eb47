#!/bin/bash
# SPDX-License-Identifier: ISC
#
# watchdog-read.bash CGROUP LABINIT FIFO SECONDS LAB HOST: the other end of a
# node's watchdog; ends when it has pulled the plug or is ended with the power.

set -eu

echo $BASHPID >"$1/cgroup.procs"
"$2" watchdog "$3" "$4"
LAB_WATCHDOG_OF=$6 exec "$5" power off "$6"
