"""Interrupting a handler that is past its time, by an exception raised in its thread from outside.

Python offers no other way to get a thread out of code that is not ours. Such an exception can strike between any two
bytecodes, so only threads that run handlers are interrupted, each exactly once, when their run has been given up:
whatever they still do counts for nothing, and their thread is used for nothing else. The exception is no subclass of
Exception, so that a handler's ``except Exception`` does not swallow it.
"""

import ctypes
import threading


class HandlerTimedOut(BaseException):
    """Raised inside a thread whose handler is past its time."""


def interrupt(thread: threading.Thread) -> None:
    """Raise HandlerTimedOut in a thread as soon as it runs Python again.

    A thread that waits inside the operating system or a C library cannot be reached: it is left behind as a daemon.
    """
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(HandlerTimedOut)
        )
