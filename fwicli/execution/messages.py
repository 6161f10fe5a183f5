"""Objects through a socket: pickled, with the contents of arrays beside the pickle.

    number of parts, length of each part    unsigned integers of 64 bits
    parts                                   the pickle, then the contents of each array

Arrays are sent from their own memory and received into their final memory, without copies.
"""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

Buffer = bytes | bytearray | memoryview


def pack(message: Any) -> list[Buffer]:
    """The parts of a message.

    Raises
    ------
    pickle.PicklingError, AttributeError, TypeError
        If it cannot be pickled.
    """
    arrays: list[pickle.PickleBuffer] = []
    head = pickle.dumps(message, protocol=5, buffer_callback=arrays.append)
    return [head, *(array.raw() for array in arrays)]


def send(connection: socket.socket, parts: list[Buffer]) -> None:
    """Send the parts of a message.

    Parameters
    ----------
    connection : socket.socket
    parts : list of bytes-like
        As `pack` returns them.

    Raises
    ------
    OSError
        If the other end is closed.
    """
    lengths = [memoryview(part).nbytes for part in parts]
    connection.sendall(struct.pack(f"={len(parts) + 1}Q", len(parts), *lengths))
    for part in parts:
        connection.sendall(part)


def receive(connection: socket.socket) -> list[memoryview]:
    """Wait for the parts of a message.

    Raises
    ------
    EOFError, OSError
        If the other end is closed before the message is complete.
    """
    (count,) = struct.unpack("=Q", _exactly(connection, 8))
    lengths = struct.unpack(f"={count}Q", _exactly(connection, 8 * count))
    return [_exactly(connection, length) for length in lengths]


def _exactly(connection: socket.socket, length: int) -> memoryview:
    """Receive a number of bytes, into memory of NumPy, which is aligned for arrays."""
    import numpy as np  # late, so that a check is fast

    array = memoryview(np.empty(length, dtype=np.uint8).data)
    first = 0
    while first < length:
        size = connection.recv_into(array[first:])
        if not size:
            raise EOFError("the other process has ended")
        first += size
    return array
