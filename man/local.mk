# SPDX-License-Identifier: ISC
dist_man8_MANS += man/holdfast-lab.8
dist_man8_MANS += man/vipd.8
dist_man5_MANS += man/vipd.conf.5
dist_man7_MANS += man/holdfast.7
dist_man7_MANS += man/holdfast-protocol.7
