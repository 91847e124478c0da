/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files share that check what the schema cannot say (sl_conf_check() of conf/load.h). */
#ifndef SL_CONF_CHECK_H
#define SL_CONF_CHECK_H

#include <errno.h>

#include "base/err.h"
#include "conf/model.h"

#define REFUSE(err, path, ...) sl_err_set(err, EINVAL, path, __VA_ARGS__)
#define HINT(err, ...)         (sl_err_hint(err, __VA_ARGS__), -EINVAL)

#define SL_CHECK_PATH 96

/* Writes a JSON path, and returns it. */
__attribute__((format(printf, 2, 3))) const char *
sl_check_path(char path[SL_CHECK_PATH], const char *format, ...);

/* Something with an address that must not be there twice, and where it stands. */
struct sl_check_entry {
	struct sl_addr address;
	uint32_t port; /* a port's index, or a server's port */
	uint32_t index;
};

/* Sorts by address, then port, then index. */
void sl_check_sort(struct sl_check_entry *entries, uint32_t n);

/* Whether an address is one host's, to which others can send from afar. */
bool sl_check_is_host(const struct sl_conf *conf, const struct sl_addr *address);

/* A VIP's own address, wherever it was given. */
int sl_check_vip_address(const struct sl_conf *conf, const struct sl_addr *vip, const char *path,
	struct sl_err *err);

/* Each 0 or -EINVAL with `err` set, or -ENOMEM. */
int sl_check_port(const struct sl_conf *conf, uint32_t index, struct sl_err *err);
int sl_check_neighbours(const struct sl_conf *conf, uint32_t port_index, struct sl_err *err);
int sl_check_addresses(const struct sl_conf *conf, struct sl_err *err);
int sl_check_local_addresses(const struct sl_conf *conf, struct sl_err *err);
int sl_check_vip(const struct sl_conf *conf, const struct sl_conf_vip *vip, struct sl_err *err);
int sl_check_service(const struct sl_conf *conf, const struct sl_conf_service *service,
	const char *base, struct sl_err *err);

#endif
