/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/load.h"

const char api_rig_config[] =
	"{\"ports\": [{\"name\": \"lan0\", \"device\": \"net_null0\", \"twin\": false,"
	"              \"addresses\": [\"192.168.8.11/24\"]}],"
	" \"services\": [{\"protocol\": \"tcp\", \"address\": \"192.168.8.100\", \"port\": 80,"
	"                 \"scheduler\": \"rr\","
	"                 \"servers\": [{\"address\": \"192.168.8.12\"},"
	"                               {\"address\": \"192.168.8.13\", \"weight\": 3}]}]}";

static void die(const char *what, const char *why)
{
	fprintf(stderr, "api_rig: %s: %s\n", what, why);
	exit(2);
}

static int publish(void *arg, struct sl_snapshot *snapshot, struct sl_err *err)
{
	struct api_rig *rig = arg;

	rig_publish(&rig->rig, snapshot);
	rig->published++;
	return 0;
}

static int can_publish(void *arg, struct sl_err *err)
{
	struct api_rig *rig = arg;

	return rig->busy ? sl_err_set(err, EBUSY, NULL, "worker 0 is late") : 0;
}

static int
system_apply(void *arg, const struct sl_conf *from, const struct sl_conf *to, struct sl_err *err)
{
	struct api_rig *rig = arg;

	if (rig->refuse_system)
		return sl_err_set(err, EPERM, NULL, "Linux refuses");
	rig->system_applied++;
	return 0;
}

static json_t *ports(void *arg)
{
	return json_pack("[{s:s, s:s}]", "name", "lan0", "device", "net_null0");
}

static json_t *neighbours(void *arg)
{
	return json_pack("[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}]", "address", "192.168.8.12", "state",
		"reachable", "address", "192.168.8.13", "state", "unresolved", "address",
		"192.168.8.14", "state", "reachable");
}

static json_t *workers(void *arg)
{
	struct api_rig *rig = arg;
	json_t *rows = json_array();

	for (unsigned i = 0; i < rig->rig.engine->n_workers; i++)
		json_array_append_new(rows, json_pack("{s:i}", "core", (int)i));
	return rows;
}

static json_t *vips(void *arg)
{
	return json_pack("[{s:s, s:b}]", "address", "192.168.8.100", "local", 1);
}

static const char *reachability(void *arg, const struct sl_addr *server, enum sl_fwd_method fwd)
{
	return "reachable";
}

static json_t *routes(void *arg)
{
	return json_pack("{s:i, s:i}", "ipv4", 7, "refused", 0);
}

static json_t *twins(void *arg)
{
	return json_pack("{s:i}", "from_linux", 11);
}

static void drops(void *arg, uint64_t counts[SL_DROP_COUNT])
{
	counts[SL_DROP_TWIN_WRITE] += 7;
}

static void step_workers(void *arg)
{
	struct api_rig *rig = arg;

	for (unsigned i = 0; i < rig->rig.engine->n_workers; i++)
		rig_poll_handover(&rig->rig, i);
}

static void count_wake(struct sl_subscription *subscription)
{
	struct sl_peer *peer =
		(struct sl_peer *)((char *)subscription - offsetof(struct sl_peer, subscription));
	struct api_rig *rig = (struct api_rig *)((char *)peer - offsetof(struct api_rig, control));

	rig->wakes++;
}

static void ignore_wake(struct sl_subscription *subscription)
{
}

static void start(struct api_rig *rig)
{
	struct sl_conf *conf = NULL;
	struct sl_err err = {0};

	if (sl_conf_parse(api_rig_config, strlen(api_rig_config), &conf, &err) < 0 ||
		sl_director_apply(rig->director, conf, &err) < 0)
		die("start", err.message);
	sl_conf_unref(conf);
}

void api_rig_open(struct api_rig *rig, const char *path)
{
	const struct rig_params rig_params = {.workers = 2};
	struct sl_director_params params = {.host = &rig->host, .config_path = path};
	struct sl_err err = {0};

	memset(rig, 0, sizeof(*rig));
	rig_open(&rig->rig, &rig_params);
	rig->host = (struct sl_host){
		.arg = rig,
		.publish = publish,
		.can_publish = can_publish,
		.system_apply = system_apply,
		.ports = ports,
		.neighbours = neighbours,
		.workers = workers,
		.twins = twins,
		.routes = routes,
		.vips = vips,
		.reachability = reachability,
		.drops = drops,
		.pause = step_workers,
	};
	params.engine = rig->rig.engine;
	params.clock = &rig->rig.clock;
	params.started_ns = rig->rig.time.ns;
	rig->director = sl_director_new(&params, &err);
	if (rig->director == NULL)
		die("no director", err.message);
	rig->control = (struct sl_peer){
		.uid = 1000, .pid = 42, .may_write = true, .subscription = {.wake = count_wake}};
	rig->view = (struct sl_peer){.uid = 1001, .pid = 43, .subscription = {.wake = ignore_wake}};
	start(rig);
}

void api_rig_close(struct api_rig *rig)
{
	sl_director_free(rig->director);
	rig_close(&rig->rig);
}

void api_rig_wait(struct api_rig *rig, unsigned seconds)
{
	for (; seconds > 0; seconds--) {
		rig->rig.time.ns += SL_NS_PER_S;
		step_workers(rig);
		sl_director_tick(rig->director);
	}
}

json_t *api_rig_line(struct api_rig *rig, struct sl_peer *peer, const char *line)
{
	size_t length = 0;
	char *text = sl_rpc_answer(rig->director, peer, line, strlen(line), &length);
	json_t *reply;

	if (text == NULL)
		return NULL;
	if (length != strlen(text) || text[length - 1] != '\n' ||
		strchr(text, '\n') != text + length - 1)
		die("not one line", text);
	reply = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (reply == NULL)
		die("not JSON", text);
	free(text);
	return reply;
}

json_t *api_rig_call(struct api_rig *rig, const char *method, const char *params)
{
	char *line = NULL;
	json_t *reply;

	if (asprintf(&line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"%s%s}", method,
		    params != NULL ? ",\"params\":" : "", params != NULL ? params : "") < 0)
		die(method, "out of memory");
	reply = api_rig_line(rig, &rig->control, line);
	free(line);
	return reply;
}

json_t *api_rig_result(struct api_rig *rig, const char *method, const char *params)
{
	json_t *reply = api_rig_call(rig, method, params);
	json_t *result = json_incref(json_object_get(reply, "result"));

	if (result == NULL)
		die(method, json_dumps(reply, 0));
	json_decref(reply);
	return result;
}

int api_rig_code(struct api_rig *rig, const char *method, const char *params)
{
	json_t *reply = api_rig_call(rig, method, params);
	int code =
		(int)json_integer_value(json_object_get(json_object_get(reply, "error"), "code"));

	json_decref(reply);
	return code;
}

json_int_t api_rig_generation(struct api_rig *rig)
{
	json_t *result = api_rig_result(rig, "info.get", NULL);
	json_int_t generation = json_integer_value(json_object_get(result, "generation"));

	json_decref(result);
	return generation;
}
