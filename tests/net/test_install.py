# SPDX-License-Identifier: BSD-3-Clause
"""What `meson install` puts into place, and that it works from there."""

import os
import re
import subprocess

from bench import check, equal, scratch
from netlab import director
from runner import scenario

WANTED = [r"/s?bin/sluice$", r"/s?bin/sluicectl$", r"/systemd/system/sluice@?\.service$",
          r"/sysusers\.d/.*\.conf$", r"/sysctl\.d/.*\.conf$", r"/man8/sluice\.8", r"/man8/sluicectl\.8",
          r"/man5/sluice\.json\.5", r"/bash-completion/completions/sluicectl$", r"/sluice.*\.json$"]


def install(lab, destination):
    """Installs into a directory; the paths there."""
    done = subprocess.run(["meson", "install", "-C", lab.plan.build, "--no-rebuild", "--destdir",
                           destination], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    equal(done.returncode, 0, f"exit status of meson install ({done.stdout[-500:]})")
    return [os.path.join(where, name)[len(destination):]
            for where, _, files in os.walk(destination) for name in files]


@scenario(with_director=False)
def all_files(lab):
    """Programs, units, groups, sysctls, man pages, completion, schema."""
    with scratch() as destination:
        installed = install(lab, destination)
        for pattern in WANTED:
            check(any(re.search(pattern, path) for path in installed),
                  f"nothing that matches {pattern} among {installed}")


@scenario(with_director=False)
def unit_file_starts_it(lab):
    """The command line of the installed unit starts the installed director, and curl goes through."""
    with scratch() as destination:
        installed = install(lab, destination)
        unit = next(path for path in installed if re.search(WANTED[2], path))
        with open(destination + unit, encoding="utf-8") as source:
            command = re.search(r"^ExecStart=(.*)$", source.read(), re.MULTILINE).group(1)
        argv = [part.replace("%i", lab.plan.instance) for part in command.split()]
        argv[0] = destination + argv[0]
        place = next(number for number, part in enumerate(argv) if part.endswith(".json"))
        argv[place] = re.sub(r"[^=]*\.json$", lab.plan.config_path, argv[place])
        director.start(lab.state, argv)
        lab.wait_until_serving()
        equal(len(set(lab.answers(4))), 2, "servers that answer")
        check(director.terminate(lab.state), "it had to be killed")
        lab.state.drop_process("director")
