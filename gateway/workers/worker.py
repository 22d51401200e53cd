"""The life of a worker: it serves as a node does, at sockets that it inherits, and speaks by its channel."""

import asyncio
import logging
import signal
import socket
from functools import partial

import uvloop

from gateway import logs
from gateway.app import accepting, delay, ready_to_serve, tasks_of_serving
from gateway.building import Signals, reread_files, serving
from gateway.errors import StartError, start_error_in
from gateway.listener import Listener
from gateway.log_writer import LogWriter
from gateway.telemetry.clients import ClientDeltas
from gateway.telemetry.counters import Counters
from gateway.telemetry.publisher import Roster
from gateway.workers import CHANNEL_FLAG
from gateway.workers import assignment as assignments
from gateway.workers.assignment import Assignment
from gateway.workers.channel import Channel
from gateway.workers.messages import Orders, Refusal, Word
from gateway.workers.shared_counters import write_lock
from gateway.workers.teller import Teller

logger = logging.getLogger(__name__)


def main(descriptor: int) -> int:
    """Be a worker, on the channel at this descriptor. Returns the exit code.

    Raises:
        StartError: there is no channel.
    """
    try:
        end = socket.socket(fileno=descriptor)
        assignment = assignments.receive(end)
    except EOFError:
        return 1
    except OSError:
        raise StartError(f"{CHANNEL_FLAG} is for workers that a node starts: leave it out", 2) from None
    settings = assignment.settings
    with logs.writing(settings.log_level, settings.log_format, settings.node_id, assignment.number) as log:
        log.turn = partial(write_lock, assignment.board)
        try:
            uvloop.run(work(assignment, end, log))
        except StartError as error:  # told to who started us, and said there
            return error.exit_code
        except Exception:
            logger.exception("worker %d ends by a fault of its own", assignment.number)
            return 1
    return 0


async def work(assignment: Assignment, end: socket.socket, log: LogWriter) -> None:
    """Serve until the other end of the channel, of which `end` is one, says so or is gone.

    Raises:
        StartError: it cannot start; the other end has been told.
    """
    channel = await Channel.over(end)
    try:
        await _serve(assignment, channel, log)
    except (StartError, BaseExceptionGroup) as trouble:
        error = trouble if isinstance(trouble, StartError) else start_error_in(trouble)
        if error is None:
            raise
        channel.say(Word(refusal=Refusal(str(error), error.exit_code)))
        raise error from None
    finally:
        await channel.close()


async def _serve(assignment: Assignment, channel: Channel, log: LogWriter) -> None:
    settings, clients = assignment.with_its_share(), ClientDeltas()
    signals = Signals()
    serves = serving(settings, signals, Counters(clients=clients), assignment.peers())
    reread_files(settings, serves, lambda _: None)
    teller = Teller(serves, clients, channel, log)
    obeys = _Obedience(channel, signals, serves.redis.roster)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signals.stop.set)
    with assignment.listening() as sockets:
        async with ready_to_serve(settings, serves) as start:
            start(obeys.run)
            async with accepting(
                settings, serves, sockets[assignment.number - 1], obeys.all_stop
            ) as listener:
                obeys.have_adopt(listener, sockets)
                for task in (*tasks_of_serving(serves), teller.run):
                    start(task)
                await signals.stop.wait()
                await delay(settings.drain_delay, obeys.accept_no_more)
                teller.is_leaving = True
                teller.tell()
            await serves.redis.store.finish()
            teller.tell()


class _Obedience:
    """Does what the first process says, and leaves when that is gone."""

    def __init__(self, channel: Channel, signals: Signals, roster: Roster) -> None:
        self._channel = channel
        self._signals = signals
        self._roster = roster
        self._orders = Orders()
        self._listener: Listener | None = None
        self._sockets: list[list[socket.socket]] = []
        self._is_alone = False
        self.accept_no_more = asyncio.Event()
        """Set where there is no time for balancers to learn that the node leaves."""

    def all_stop(self) -> bool:
        """Whether not only this worker does."""
        return self._orders.stop or self._is_alone

    def have_adopt(self, listener: Listener, sockets: list[list[socket.socket]]) -> None:
        """Have `listener` take the connections of workers that do not serve; `sockets` are those of each."""
        self._listener, self._sockets = listener, sockets
        self._adopt()

    async def run(self) -> None:
        """Follow the orders, until nobody gives any."""
        while (orders := await self._channel.hear(Orders)) is not None:
            before, self._orders = self._orders, orders
            if orders.live_nodes:
                self._roster.set_live_nodes(orders.live_nodes)
            if orders.reloads != before.reloads:
                self._signals.reread.set()
            if orders.orphans != before.orphans:
                self._adopt()
            if orders.stop:
                self._signals.stop.set()
            if orders.hurry:
                self._signals.hurry.set()
                self.accept_no_more.set()
        if not self._orders.stop:
            logger.warning("the node's first process is gone: no new connections, requests in flight finish")
        self._is_alone = True
        self.accept_no_more.set()
        self._signals.stop.set()

    def _adopt(self) -> None:
        if self._listener is not None:
            orphaned = [self._sockets[number - 1] for number in self._orders.orphans]
            self._listener.adopt([each for sockets in orphaned for each in sockets])
