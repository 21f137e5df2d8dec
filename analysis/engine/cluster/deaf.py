"""Loaded by a local worker when it starts: Ctrl-C reaches all processes of a terminal, and one is to act on it."""

import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
