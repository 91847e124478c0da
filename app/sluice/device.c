/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool sl_device_is_pci(const char *device)
{
	static const char form[] = "xxxx:xx:xx.x";

	for (const char *want = form; *want != '\0'; want++, device++) {
		if (*want == 'x' ? !isxdigit((unsigned char)*device) : *device != *want)
			return false;
	}
	return *device == '\0' || *device == ',';
}

const char *sl_device_name(const char *device, char name[SL_DEVICE_NAME])
{
	snprintf(name, SL_DEVICE_NAME, "%.*s", (int)strcspn(device, ","), device);
	return name;
}

const char *sl_device_driver(const char *device, char driver[SL_DEVICE_NAME])
{
	size_t n = strlen(sl_device_name(device, driver));

	while (n > 0 && isdigit((unsigned char)driver[n - 1]))
		driver[--n] = '\0';
	return driver;
}
