/* SPDX-License-Identifier: ISC */
/* What systemd wants to hear, sd_notify(3), without its library. */
#ifndef HOLDFASTD_NOTIFY_H
#define HOLDFASTD_NOTIFY_H

#include <stdint.h>

/* Sends text ("READY=1") to $NOTIFY_SOCKET; nothing without it. */
void	notify_send(const char *text);
/* How often WATCHDOG=1 is due: half of what systemd waits; 0: never. */
int64_t	notify_watchdog_ms(void);

#endif
