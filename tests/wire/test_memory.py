"""The transport inside one process: order is kept, buffers are copied."""

import numpy as np

from minibento.wire.memory import pair
from minibento.wire.messages import Call, Cancel, Message
from minibento.wire.values import decode, encode


def test_messages_arrive_at_the_other_end_in_order() -> None:
    left, right = pair()
    at_left: list[Message] = []
    at_right: list[Message] = []
    left.receive(at_left.append)
    right.receive(at_right.append)
    left.send(Cancel(1))
    left.send(Cancel(2))
    right.send(Cancel(3))
    assert at_right == [Cancel(1), Cancel(2)]
    assert at_left == [Cancel(3)]


def test_large_arrays_are_copied_once_sent_and_may_be_written_to_where_they_arrive() -> None:
    left, right = pair()
    arrived: list[Message] = []
    right.receive(arrived.append)
    sent = np.zeros(5000)
    left.send(Call(1, "predict", encode(sent)))
    sent[0] = 1
    [message] = arrived
    assert isinstance(message, Call)
    received = decode(*message.payload)
    assert received[0] == 0
    received[1] = 2
    assert sent[1] == 0


def test_after_a_close_nothing_is_sent_or_arrives_and_nobody_is_lost() -> None:
    left, right = pair()
    arrived: list[Message] = []
    losses: list[None] = []
    for end in (left, right):
        end.receive(arrived.append)
        end.lost(lambda: losses.append(None))
    left.close()
    left.send(Cancel(1))
    right.send(Cancel(2))
    right.close()
    assert not arrived
    assert not losses
    assert left.ledger is None
