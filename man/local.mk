# SPDX-License-Identifier: ISC
dist_man8_MANS += man/holdfast-lab.8
