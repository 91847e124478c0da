/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lb/punt.h"

#define IPV4    RTE_BE16(0x0800)
#define IPV6    RTE_BE16(0x86dd)
#define UNICAST false
#define GROUP   true

static struct sl_parsed of(uint8_t family, uint8_t protocol, uint16_t dst_port)
{
	return (struct sl_parsed){.ether_type = family == 4 ? IPV4 : IPV6,
		.family = family,
		.protocol = protocol,
		.dst_port = rte_cpu_to_be_16(dst_port),
		.icmp_type = SL_ICMP_TYPE_NONE};
}

static void both_families_have_the_same_classes(void **state)
{
	static const struct {
		uint8_t protocol;
		uint16_t port;
		bool group;
		enum sl_punt_class class;
	} cases[] = {{IPPROTO_TCP, 22, UNICAST, SL_PUNT_HOST},
		{IPPROTO_TCP, 179, UNICAST, SL_PUNT_ROUTING},
		{IPPROTO_UDP, 53, UNICAST, SL_PUNT_HOST},
		{IPPROTO_UDP, 3784, UNICAST, SL_PUNT_ROUTING},
		{IPPROTO_UDP, 5353, GROUP, SL_PUNT_OTHER}, {112, 0, GROUP, SL_PUNT_ROUTING},
		{89, 0, GROUP, SL_PUNT_ROUTING}, {132, 0, UNICAST, SL_PUNT_OTHER}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (uint8_t family = 4; family <= 6; family += 2) {
			struct sl_parsed p = of(family, cases[i].protocol, cases[i].port);

			assert_int_equal(
				sl_punt_classify(&p, cases[i].group, false), cases[i].class);
		}
	}
}

static void ports_of_a_vip_lead_nowhere(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_parsed p = of(family, IPPROTO_TCP, 179);

		assert_int_equal(sl_punt_classify(&p, UNICAST, true), SL_PUNT_STRAY);
	}
}

static void discovery_is_told_from_other_icmp(void **state)
{
	for (unsigned type = 0; type < 256; type++) {
		struct sl_parsed p = of(6, IPPROTO_ICMPV6, 0);
		bool discovery = type >= 133 && type <= 137;

		p.icmp_type = (uint8_t)type;
		p.ttl = 255;
		assert_int_equal(sl_punt_classify(&p, GROUP, false),
			discovery ? SL_PUNT_NEIGHBOUR : SL_PUNT_ECHO);
		p.ttl = 254; /* it came through a router: nobody heeds it */
		assert_int_equal(sl_punt_classify(&p, GROUP, false), SL_PUNT_ECHO);
	}
	/* In IPv4 the same numbers are nothing of the kind. */
	assert_int_equal(sl_punt_classify(&(struct sl_parsed){.ether_type = IPV4,
						  .family = 4,
						  .protocol = IPPROTO_ICMP,
						  .icmp_type = 135,
						  .ttl = 255},
				 UNICAST, false),
		SL_PUNT_ECHO);
}

static void what_is_not_ip_goes_by_its_type(void **state)
{
	struct sl_parsed p = {.ether_type = RTE_BE16(0x0806)};

	assert_int_equal(sl_punt_classify(&p, GROUP, false), SL_PUNT_NEIGHBOUR);
	p.ether_type = RTE_BE16(0x8809);
	assert_int_equal(sl_punt_classify(&p, GROUP, false), SL_PUNT_ROUTING);
	p.ether_type = RTE_BE16(0x88cc);
	assert_int_equal(sl_punt_classify(&p, GROUP, false), SL_PUNT_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families_have_the_same_classes),
		cmocka_unit_test(ports_of_a_vip_lead_nowhere),
		cmocka_unit_test(discovery_is_told_from_other_icmp),
		cmocka_unit_test(what_is_not_ip_goes_by_its_type),
	};

	return cmocka_run_group_tests_name("punt", tests, NULL, NULL);
}
