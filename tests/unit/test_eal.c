/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "eal.h"

static char *members[] = {"net_tap0,iface=wire0", "0000:17:00.1"};

static struct sl_conf_port ports[] = {
	{.name = "lan0", .device = "net_tap7", .parent = SL_CONF_NO_PORT},
	{.name = "web", .parent = 0, .vlan = 5},
	{.name = "wan0",
		.device = "net_bonding0,mode=1",
		.parent = SL_CONF_NO_PORT,
		.members = members,
		.n_members = 2},
};

/* Where an argument stands; -1 = nowhere. */
static int place(char **arguments, const char *wanted)
{
	for (int i = 0; arguments[i] != NULL; i++) {
		if (strcmp(arguments[i], wanted) == 0)
			return i;
	}
	return -1;
}

static char **arguments_of(uint32_t n_ports)
{
	const struct sl_conf conf = {.instance = "one", .ports = ports, .n_ports = n_ports};
	static const struct sl_placement placement;
	static const struct sl_memory memory;
	char **arguments = sl_eal_arguments(&conf, &placement, &memory);

	assert_non_null(arguments);
	return arguments;
}

static void a_vlan_is_no_device(void **state)
{
	char **arguments = arguments_of(2);
	int devices = 0;

	(void)state;
	for (int i = 0; arguments[i] != NULL; i++)
		devices += strncmp(arguments[i], "--vdev=", strlen("--vdev=")) == 0;
	assert_int_equal(devices, 1);
	assert_true(place(arguments, "--no-pci") > 0);
	sl_eal_arguments_free(arguments);
}

/* Members come first, each with arguments of its own; the bonding device has their names alone. */
static void a_bonding_device_has_its_members(void **state)
{
	char **arguments = arguments_of(3);
	int bond = place(arguments, "--vdev=net_bonding0,mode=1,slave=net_tap0,slave=0000:17:00.1");

	(void)state;
	if (bond < 0)
		bond = place(arguments,
			"--vdev=net_bonding0,mode=1,member=net_tap0,member=0000:17:00.1");
	assert_in_range(place(arguments, "--vdev=net_tap0,iface=wire0"), 1, bond);
	assert_in_range(place(arguments, "--allow=0000:17:00.1"), 1, bond);
	assert_int_equal(place(arguments, "--no-pci"), -1);
	sl_eal_arguments_free(arguments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vlan_is_no_device),
		cmocka_unit_test(a_bonding_device_has_its_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
