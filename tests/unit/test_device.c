/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "device.h"

static void pci_addresses_are_told_from_vdevs(void **state)
{
	(void)state;
	assert_true(sl_device_is_pci("0000:03:00.0"));
	assert_true(sl_device_is_pci("0000:af:1e.7,representor=0"));
	assert_false(sl_device_is_pci("03:00.0"));
	assert_false(sl_device_is_pci("0000:03:00.00"));
	assert_false(sl_device_is_pci("0000:03:00"));
	assert_false(sl_device_is_pci("net_tap0,iface=wire0"));
	assert_false(sl_device_is_pci(""));
}

static void a_vdev_has_a_name_and_a_driver(void **state)
{
	const char *device = "net_tap12,iface=wire0,mac=02:00:00:00:00:01";
	char text[SL_DEVICE_NAME];

	(void)state;
	assert_string_equal(sl_device_name(device, text), "net_tap12");
	assert_string_equal(sl_device_driver(device, text), "net_tap");
	assert_string_equal(sl_device_driver("0", text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pci_addresses_are_told_from_vdevs),
		cmocka_unit_test(a_vdev_has_a_name_and_a_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
