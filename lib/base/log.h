/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: one line per message on standard error, with the priority prefix that systemd's
 * journal reads when standard error is the journal, with a time stamp when it is not.
 * Never called from the packet path. Any thread may call it.
 */
#ifndef SL_BASE_LOG_H
#define SL_BASE_LOG_H

enum sl_log_level { /* values are syslog's */
	SL_LOG_ERROR = 3,
	SL_LOG_WARNING = 4,
	SL_LOG_NOTICE = 5,
	SL_LOG_INFO = 6,
	SL_LOG_DEBUG = 7,
};

/* Messages above `level` are not written. Default SL_LOG_INFO. */
void sl_log_set_level(enum sl_log_level level);

/* "error", "warning", "notice", "info", "debug". Returns -EINVAL for any other name. */
int sl_log_level_parse(const char *name, enum sl_log_level *level);

void sl_log(enum sl_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define sl_log_error(...)   sl_log(SL_LOG_ERROR, __VA_ARGS__)
#define sl_log_warning(...) sl_log(SL_LOG_WARNING, __VA_ARGS__)
#define sl_log_notice(...)  sl_log(SL_LOG_NOTICE, __VA_ARGS__)
#define sl_log_info(...)    sl_log(SL_LOG_INFO, __VA_ARGS__)
#define sl_log_debug(...)   sl_log(SL_LOG_DEBUG, __VA_ARGS__)

#endif
