# SPDX-License-Identifier: BSD-3-Clause
"""Commands as the user nobody, who may well be barred from the directory in which the project lies."""

import os
import stat

from netlab.plan import REPOSITORY

DROP = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all",
        "--no-new-privs"]

# In a mount namespace of its own: an empty directory over the barred one, and in it the project.
EXPOSE = """set -e
mount --bind "$2" /mnt
mount -t tmpfs -o mode=755 none "$1"
mkdir -p "$2"
mount --move /mnt "$2"
cd "$3"
shift 3
exec "$@"
"""


def command(argv, directory):
    """argv for running `argv` as nobody in `directory`, to be started by root."""
    barred = barred_directory(REPOSITORY)
    if not barred:
        return ["env", "-C", directory] + DROP + argv
    return (["unshare", "--mount", "--propagation", "private", "sh", "-c", EXPOSE, "sh",
             barred, REPOSITORY, directory] + DROP + argv)


def barred_directory(path):
    """The topmost directory on the way to `path` that others may not search, or None."""
    way = "/"
    for part in path.strip("/").split("/"):
        way = os.path.join(way, part)
        if not os.stat(way).st_mode & stat.S_IXOTH:
            return way
    return None
