# Ports for the programs that a test starts.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import socket

HOST = "127.0.0.1"
given = set()


def free_port():
    """One that nobody listens on and that was not given before.

    It is taken some time after it is given, by a program yet to be started.
    The kernel gives one of 14,000 at random: of 60 in a row, two are the same
    one time in ten.
    """
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        if port not in given:
            given.add(port)
            return port
