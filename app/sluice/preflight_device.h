/* SPDX-License-Identifier: BSD-3-Clause */
/* The preflight's part about DPDK devices: is it there, has it a driver that DPDK can use? */
#ifndef SLUICE_PREFLIGHT_DEVICE_H
#define SLUICE_PREFLIGHT_DEVICE_H

#include "preflight.h"

void sl_preflight_device(const struct sl_preflight *preflight, const struct sl_conf_port *port,
	struct sl_problems *problems);

#endif
