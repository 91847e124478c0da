/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's listings, byte by byte: what LVS's ipvsadm prints for the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sluicectl/format.h"

static void expect(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

static char *listing(const struct ctl_format *format, const char *service_text)
{
	json_t *service = json_loads(service_text, 0, NULL);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(service);
	ctl_format_head(out, format, "1.2.1", 4096);
	ctl_format_service(out, format, service);
	fclose(out);
	json_decref(service);
	return text;
}

static const char web[] =
	"{\"protocol\":\"tcp\",\"address\":\"192.168.8.100\",\"port\":80,\"scheduler\":\"rr\","
	"\"servers\":["
	"{\"address\":\"192.168.8.13\",\"port\":80,\"weight\":10,\"lvs_forward\":\"Route\","
	"\"active\":12,\"inactive\":345},"
	"{\"address\":\"192.168.8.9\",\"port\":80,\"weight\":0,\"lvs_forward\":\"Local\","
	"\"active\":0,\"inactive\":0}]}";

static void a_plain_listing(void **state)
{
	struct ctl_format format = {.listing = CTL_LIST_PLAIN};

	expect(listing(&format, web),
		"IP Virtual Server version 1.2.1 (size=4096)\n"
		"Prot LocalAddress:Port Scheduler Flags\n"
		"  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
		"TCP  192.168.8.100:80 rr\n"
		"  -> 192.168.8.9:80               Local   0      0          0         \n"
		"  -> 192.168.8.13:80              Route   10     12         345       \n");
}

static void unsorted_servers_stand_as_schedulers_see_them(void **state)
{
	struct ctl_format format = {.listing = CTL_LIST_PLAIN, .nosort = true};
	char *text = listing(&format,
		"{\"protocol\":\"udp\",\"address\":\"10.0.0.1\",\"port\":53,\"scheduler\":\"wlc\","
		"\"servers\":[{\"address\":\"10.0.0.2\",\"port\":53,\"weight\":1},"
		"{\"address\":\"10.0.0.3\",\"port\":53,\"weight\":1}]}");

	/* The last one added is the first of the list. */
	assert_true(strstr(text, "10.0.0.3:53") < strstr(text, "10.0.0.2:53"));
	assert_non_null(strstr(text, "\nUDP  10.0.0.1:53 wlc\n"));
	free(text);
}

static const char counted[] =
	"{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\",\"port\":80,\"connections\":100,"
	"\"in_packets\":99999999,\"out_packets\":0,\"in_bytes\":100000000,"
	"\"out_bytes\":123456789012,"
	"\"servers\":[{\"address\":\"10.0.0.2\",\"port\":80,\"connections\":1,\"in_packets\":2,"
	"\"out_packets\":3,\"in_bytes\":4,\"out_bytes\":5}]}";

static void counters(void **state)
{
	struct ctl_format format = {.listing = CTL_LIST_STATS};

	expect(listing(&format, counted),
		"IP Virtual Server version 1.2.1 (size=4096)\n"
		"Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n"
		"  -> RemoteAddress:Port\n"
		"TCP  10.0.0.1:80                       100 99999999        0  100000K     123G\n"
		"  -> 10.0.0.2:80                         1        2        3        4        5\n");
	format.exact = true;
	expect(listing(&format, counted),
		"IP Virtual Server version 1.2.1 (size=4096)\n"
		"Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n"
		"  -> RemoteAddress:Port\n"
		"TCP  10.0.0.1:80                       100 99999999        0100000000"
		"123456789012\n"
		"  -> 10.0.0.2:80                         1        2        3        4        5\n");
}

static void rates(void **state)
{
	struct ctl_format format = {.listing = CTL_LIST_RATE};

	expect(listing(&format, counted),
		"IP Virtual Server version 1.2.1 (size=4096)\n"
		"Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n"
		"  -> RemoteAddress:Port\n"
		"TCP  10.0.0.1:80                       100 99999999        0  100000K     123G\n"
		"  -> 10.0.0.2:80                         1        2        3        4        5\n");
}

static void counts_are_shortened_at_their_limits(void **state)
{
	static const struct {
		uint64_t count;
		const char *text;
	} cases[] = {
		{0, "        0"},
		{99999999ull, " 99999999"},
		{100000000ull, "  100000K"},
		{999999999ull, "  999999K"},
		{1000000000ull, "    1000M"},
		{99999999999ull, "   99999M"},
		{100000000000ull, "     100G"},
		{99999999999999ull, "   99999G"},
		{100000000000000ull, "     100T"},
		{UINT64_MAX, "18446744T"},
	};
	char text[CTL_COUNT_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(ctl_format_count(cases[i].count, false, text), cases[i].text);
	assert_string_equal(ctl_format_count(UINT64_MAX, true, text), "18446744073709551615");
}

static void counters_beyond_what_a_number_holds_come_from_their_text(void **state)
{
	struct ctl_format format = {.listing = CTL_LIST_STATS, .exact = true};
	char *text = listing(&format,
		"{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\",\"port\":80,"
		"\"in_bytes\":9223372036854775807,\"in_bytes_text\":\"18446744073709551615\"}");

	assert_non_null(strstr(text, "18446744073709551615"));
	free(text);
}

static void connections(void **state)
{
	json_t *connection =
		json_loads("{\"protocol\":\"tcp\",\"client\":\"10.0.0.9\",\"client_port\":40000,"
			   "\"address\":\"10.0.0.1\",\"port\":80,\"server\":\"192.168.1.2\","
			   "\"server_port\":80,"
			   "\"state\":\"ESTABLISHED\",\"expires_s\":898}",
			0, NULL);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ctl_format_connections_head(out);
	ctl_format_connection(out, connection);
	fclose(out);
	json_decref(connection);
	expect(text,
		"IPVS connection entries\n"
		"pro expire state       source             virtual            destination\n"
		"TCP 14:58  ESTABLISHED 10.0.0.9:40000     10.0.0.1:80        192.168.1.2:80\n");
}

static void a_connection_from_a_local_address_says_so(void **state)
{
	json_t *connection =
		json_loads("{\"protocol\":\"tcp\",\"client\":\"2001:db8::9\",\"client_port\":40000,"
			   "\"address\":\"2001:db8::1\",\"port\":80,\"server\":\"192.168.1.2\","
			   "\"server_port\":8080,\"local\":\"192.168.1.20\",\"local_port\":2345,"
			   "\"state\":\"ESTABLISHED\",\"expires_s\":898}",
			0, NULL);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ctl_format_connection(out, connection);
	fclose(out);
	json_decref(connection);
	expect(text,
		"TCP 14:58  ESTABLISHED [2001:db8::9]:40000 [2001:db8::1]:80   "
		"192.168.1.2:8080 from 192.168.1.20:2345\n");
}

static void ipv6_has_brackets(void **state)
{
	struct ctl_format format = {.listing = CTL_LIST_PLAIN};

	expect(listing(&format,
		       "{\"protocol\":\"tcp\",\"address\":\"2001:db8::100\",\"port\":80,"
		       "\"scheduler\":\"rr\",\"servers\":["
		       "{\"address\":\"2001:db8::12\",\"port\":8080,\"weight\":1,"
		       "\"lvs_forward\":\"Masq\",\"active\":0,\"inactive\":0},"
		       "{\"address\":\"192.168.8.12\",\"port\":80,\"weight\":1,"
		       "\"lvs_forward\":\"Tunnel\",\"active\":0,\"inactive\":0}]}"),
		"IP Virtual Server version 1.2.1 (size=4096)\n"
		"Prot LocalAddress:Port Scheduler Flags\n"
		"  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
		"TCP  [2001:db8::100]:80 rr\n"
		"  -> 192.168.8.12:80              Tunnel  1      0          0         \n"
		"  -> [2001:db8::12]:8080          Masq    1      0          0         \n");
}

static void timeouts(void **state)
{
	json_t *values = json_loads("{\"established\":900,\"fin_wait\":120,\"udp\":300}", 0, NULL);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ctl_format_timeouts(out, values);
	fclose(out);
	json_decref(values);
	expect(text, "Timeout (tcp tcpfin udp): 900 120 300\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_listing),
		cmocka_unit_test(unsorted_servers_stand_as_schedulers_see_them),
		cmocka_unit_test(counters),
		cmocka_unit_test(rates),
		cmocka_unit_test(counts_are_shortened_at_their_limits),
		cmocka_unit_test(counters_beyond_what_a_number_holds_come_from_their_text),
		cmocka_unit_test(ipv6_has_brackets),
		cmocka_unit_test(connections),
		cmocka_unit_test(a_connection_from_a_local_address_says_so),
		cmocka_unit_test(timeouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
