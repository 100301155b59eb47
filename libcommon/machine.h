/* SPDX-License-Identifier: ISC */
/*
 * Which machine this is: a hash of /etc/machine-id, which itself is to stay
 * on the machine.  Two nodes with the same one are copies of one image.
 */
#ifndef COMMON_MACHINE_H
#define COMMON_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_LEN	16
#define MACHINE_TEXT_LEN (2 * MACHINE_LEN + 1)

/* All zero: not known, there is no such file or nothing in it. */
void	machine_hash(uint8_t out[MACHINE_LEN]);
bool	machine_is_known(const uint8_t m[MACHINE_LEN]);
/* Hex digits. */
void	machine_text(char out[MACHINE_TEXT_LEN],
	    const uint8_t m[MACHINE_LEN]);

#endif
