"""A worker process for the tests: answers calls with what they hold, on request it hangs or ends.

`python -m tests.wire.worker_process DESCRIPTOR`, the descriptor being a listening socket.
"""

import asyncio
import socket
import sys

from minibento.wire.messages import Call, Message, Reply
from minibento.wire.unix import Listener, UnixChannel


async def main(descriptor: int) -> None:
    over = asyncio.Event()
    channels: list[UnixChannel] = []

    def accepted(channel: UnixChannel) -> None:
        channels.append(channel)

        def received(message: Message) -> None:
            if not isinstance(message, Call):
                return
            if message.method == "hang":
                channel.ledger.begin([message.id], 3)
                print("hanging", flush=True)
            elif message.method == "end":
                over.set()
            else:
                channel.send(Reply(message.id, message.payload))

        channel.receive(received)

    listener = Listener(socket.socket(fileno=descriptor), accepted)
    listener.start()
    await over.wait()
    listener.close()
    for channel in channels:
        channel.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
