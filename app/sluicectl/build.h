/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From what a person wrote to the parameters of a method. Each returns 0, or CTL_USAGE after saying
 * why.
 */
#ifndef SLUICECTL_BUILD_H
#define SLUICECTL_BUILD_H

#include "sluicectl/command.h"

/* A whole number that is not negative; CTL_USAGE after it was said that the text is none. */
int ctl_number(const char *text, long long *value);

int ctl_build_none(const struct ctl_args *args, json_t *params);
int ctl_build_write(const struct ctl_args *args, json_t *params);   /* --if-generation */
int ctl_build_file(const struct ctl_args *args, json_t *params);    /* FILE */
int ctl_build_service(const struct ctl_args *args, json_t *params); /* PROTOCOL ADDRESS:PORT */
int ctl_build_service_add(const struct ctl_args *args, json_t *params);
int ctl_build_service_edit(const struct ctl_args *args, json_t *params);
int ctl_build_server(const struct ctl_args *args, json_t *params); /* ... ADDRESS[:PORT] */
int ctl_build_stats(const struct ctl_args *args, json_t *params);  /* [PROTOCOL ADDRESS:PORT] */
int ctl_build_connections(const struct ctl_args *args, json_t *params);
int ctl_build_timeouts(const struct ctl_args *args, json_t *params);

#endif
