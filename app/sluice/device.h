/* SPDX-License-Identifier: BSD-3-Clause */
/* The "device" of a port: a PCI address, or a DPDK vdev with its arguments. */
#ifndef SLUICE_DEVICE_H
#define SLUICE_DEVICE_H

#include <stdbool.h>

#define SL_DEVICE_NAME 64

/* Whether it is a full PCI address: "0000:03:00.0", with or without arguments behind a comma. */
bool sl_device_is_pci(const char *device);

/* What stands before the first comma: DPDK's name of the device. */
const char *sl_device_name(const char *device, char name[SL_DEVICE_NAME]);

/* A vdev's driver: its name without the number at the end ("net_tap0": "net_tap"). */
const char *sl_device_driver(const char *device, char driver[SL_DEVICE_NAME]);

#endif
