/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a fuzz target without libFuzzer, as a regression test: each file of a corpus directory, as
 * it is, at every shorter length, and with each byte changed in two ways; or of these, where a run
 * takes long, about RUNS for each file.
 * usage: replay_NAME DIRECTORY [RUNS]
 */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX 4096

static void run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size > 0 ? size : 1); /* ASAN sees a byte too many */

	if (exact == NULL)
		abort();
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(size > 0 ? exact : exact + 1, size);
	free(exact);
}

static unsigned run_around(uint8_t *data, size_t size, size_t runs)
{
	size_t every = runs == 0 ? 1 : 3 * size / runs + 1;
	unsigned done = 1;

	run(data, size);
	for (size_t at = 0; at < size; at += every, done += 3) {
		uint8_t byte = data[at];

		run(data, at);
		data[at] = (uint8_t)~byte;
		run(data, size);
		data[at] = (uint8_t)(byte + 1);
		run(data, size);
		data[at] = byte;
	}
	return done;
}

static int replay_file(const char *directory, const char *name, size_t runs)
{
	uint8_t data[INPUT_MAX];
	char path[512];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return -1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	printf("%s: %u runs\n", name, run_around(data, size, runs));
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	unsigned files = 0;
	DIR *directory;

	if (argc < 2 || argc > 3 || (directory = opendir(argv[1])) == NULL) {
		fprintf(stderr, "usage: %s DIRECTORY [RUNS]\n", argv[0]);
		return 1;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (replay_file(argv[1], entry->d_name, argc > 2 ? strtoul(argv[2], NULL, 10) : 0) <
			0)
			return 1;
		files++;
	}
	closedir(directory);
	if (files == 0) {
		fprintf(stderr, "%s: the corpus is empty\n", argv[1]);
		return 1;
	}
	return 0;
}
