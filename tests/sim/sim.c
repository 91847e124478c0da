/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random runs of the engine against the model: 1 to 8 workers, packets given to any worker, rings
 *of two entries, generations swapped between any two steps.
 *
 *	sim [--seed N] [--runs N] [--steps N] [--workers N]
 *
 * Without --workers the runs take 1, 2, .. 8 workers in turn. A failure prints the seed; the same
 * seed, workers and steps repeat it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

struct options {
	uint64_t seed;
	unsigned runs, steps, workers;
};

static void step(struct world *w)
{
	switch (sl_rand_below(&w->rand, 16)) {
	case 0:
		world_step_change(w);
		break;
	case 1:
		world_step_time(w);
		break;
	case 2:
		world_step_exchange(w);
		break;
	case 3:
		world_step_sweep(w);
		break;
	default:
		world_step_packets(
			w, (unsigned)sl_rand_below(&w->rand, 8), sl_rand_below(&w->rand, 16) == 0);
	}
}

static void random_run(uint64_t seed, unsigned workers, unsigned steps, uint64_t *packets)
{
	struct world *w = world_new(seed, workers, seed % 2 == 0);

	for (unsigned i = 0; i < 4; i++)
		world_step_change(w);
	for (unsigned i = 0; i < steps; i++) {
		step(w);
		if (i % 500 == 499)
			world_checkpoint(w);
	}
	world_checkpoint(w);
	/* A run that did not meet these has tested nothing. */
	if (steps >= 2000 &&
		(w->forwarded == 0 || w->created == 0 || w->unreachable == 0 || w->removed == 0 ||
			w->host == 0 || w->expired_ttl == 0 || w->aborted == 0 ||
			(workers > 1 && (w->handed_over == 0 || w->handover_full == 0))))
		world_fail(w, "the run was too tame: %" PRIu64 " forwarded, %" PRIu64 " created",
			w->forwarded, w->created);
	*packets += w->packets;
	world_free(w);
}

static int parse(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		uint64_t value = i + 1 < argc ? strtoull(argv[i + 1], NULL, 0) : 0;

		if (i + 1 >= argc)
			return -1;
		if (strcmp(argv[i], "--seed") == 0)
			o->seed = value;
		else if (strcmp(argv[i], "--runs") == 0)
			o->runs = (unsigned)value;
		else if (strcmp(argv[i], "--steps") == 0)
			o->steps = (unsigned)value;
		else if (strcmp(argv[i], "--workers") == 0)
			o->workers = (unsigned)value;
		else
			return -1;
		i++;
	}
	return o->workers > MODEL_WORKERS ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct options o = {.seed = 1, .runs = 8, .steps = 4000};
	uint64_t packets = 0;

	if (parse(argc, argv, &o) != 0) {
		fprintf(stderr, "usage: sim [--seed N] [--runs N] [--steps N] [--workers 1..8]\n");
		return 2;
	}
	for (unsigned i = 0; i < o.runs; i++)
		random_run(o.seed + i, o.workers != 0 ? o.workers : 1 + i % MODEL_WORKERS, o.steps,
			&packets);
	printf("sim: %u runs of %u steps, %" PRIu64 " packets: every outcome is the model's\n",
		o.runs, o.steps, packets);
	return 0;
}
