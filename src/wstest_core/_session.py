"""One connection: what was read of it, what was not, and why something failed.

The communicator's verbs are made of what is here. Nothing in this module
knows codecs or messages.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, final

from wstest_core import explain, quiescence, settings
from wstest_core._company import Company, company_in
from wstest_core._incoming import Incoming, Outcome
from wstest_core.drivers import Driver
from wstest_core.errors import (
    ApplicationCrashed,
    ConnectionClosed,
    ConnectionRejected,
    IllegalAsgiEvent,
    LingeringApplicationWarning,
    NoMessage,
    UndecodableFrame,
    UnofferedSubprotocolWarning,
    hidden,
    warn,
)
from wstest_core.events import (
    ABNORMAL_CLOSURE,
    Accept,
    Close,
    Crash,
    Frame,
    Reject,
    Return,
    Silence,
    Terminal,
)
from wstest_core.legality import require_goodbye, require_unicode
from wstest_core.scope import Scope
from wstest_core.transcript import Transcript

__all__ = ["Session", "how_to_wait"]

__tracebackhide__ = hidden

_NAMELESS: Final = "client"
_NOBODY: Final = Company()
_WANTED: Final = (
    "A test that wants this expects ApplicationCrashed, and finds it in its `error`."
)


@final
class Session:
    """The connection of one client through a driver."""

    __slots__ = (
        "_closed",
        "_crash_told",
        "_goodbye",
        "_number",
        "_started",
        "company",
        "driver",
        "end_told",
        "incoming",
        "opened",
        "scope",
        "transcript",
    )

    def __init__(self, driver: Driver, scope: Scope, name: str | None) -> None:
        self.driver = driver
        self.scope = scope
        self.transcript = Transcript(name or _NAMELESS)
        self.incoming = Incoming(driver, self.transcript)
        self.opened: Accept | None = None
        self.end_told = False  # the test knows that the connection has ended
        self._goodbye: tuple[int, str] | None = None
        self.company = _NOBODY  # the others of its loop, once it is open
        self._number = 0  # among those without a name
        self._crash_told = False
        self._started = False
        self._closed = False

    @property
    def end(self) -> Terminal | None:
        """How the connection ended, as a browser sees it; None while it is open."""
        end = self.driver.ended if self._started else None
        if self._goodbye is not None and (end is None or isinstance(end, Return)):
            return Close(*self._goodbye)
        return end

    async def open(self, timeout: float) -> Accept | Terminal:
        """Connect. A refused connection is given back at once."""
        self.require_new()
        self._started = True
        self.company = company_in(quiescence.watch())
        self._take_number()
        self.company.leaving_since = None
        opened = await self.driver.open(self.scope, self.transcript, timeout=timeout)
        if isinstance(opened, Silence):
            raise NoMessage(self.text("no answer to the connection", opened, timeout))
        if isinstance(opened, Accept):
            self.opened = opened
            if opened.subprotocol is not None:
                self._check_subprotocol(opened.subprotocol)
        else:
            self._end()
            await self.driver.close(code=ABNORMAL_CLOSURE, reason="", timeout=timeout)
        return opened

    def _check_subprotocol(self, chosen: str) -> None:
        if chosen not in self.scope["subprotocols"]:
            text = (
                f"the application has chosen the subprotocol {chosen!r}, which "
                f"{self.transcript.name} did not offer: a browser ends such a "
                "connection (RFC 6455 section 4.1). Offer it, "
                f"subprotocols=[{chosen!r}], or accept with one that was offered"
            )
            warn(text, UnofferedSubprotocolWarning, stacklevel=5)

    def _take_number(self) -> None:
        if self.transcript.name == _NAMELESS:
            self._number = self.company.take_number()
            if self._number > 1:
                self.transcript.name = f"{_NAMELESS} {self._number}"

    def _end(self) -> None:
        self._closed = self.end_told = True
        if self._number:
            self.company.give_back(self._number)

    def next(self, timeout: float) -> Awaitable[Outcome]:
        """Take the next event."""
        self.company.leaving_since = None  # the test goes on
        if not self._started:
            self.require_connection()
        return self.incoming.next(timeout)

    def peek(
        self, timeout: float, ignore: Callable[[Frame], bool]
    ) -> Awaitable[Outcome]:
        """Return the next event that is not ignored, and take nothing."""
        self.require_connection()
        self.company.leaving_since = None
        return self.incoming.peek(timeout, ignore)

    def send(self, frame: Frame) -> Awaitable[None]:
        """Send a frame, unless the connection has ended."""
        if not self._started:
            self.require_connection()
        if self._goodbye is not None or self.driver.ended is not None:
            raise self.ended(self.end or Return(), "nothing can be sent")
        if isinstance(frame, str) and not frame.isascii():
            require_unicode(frame)
        self.company.leaving_since = None
        return self.driver.send(frame)

    async def drop(self, code: int) -> None:
        """Vanish."""
        self.require_connection()
        if self.end is None:
            self._goodbye = (code, "")
            await self.driver.drop(code=code)

    def in_context(self, error: UndecodableFrame) -> UndecodableFrame:
        """Return a codec's error with whose frame it was, and what came before."""
        what, colon, rest = str(error).partition(":")
        known = explain.context(self.transcript, self.driver.doing())
        text = f"{what} for {self.transcript.name}{colon}{rest}\n\n{known}"
        return UndecodableFrame(text, frame=error.frame, messages=error.messages)

    async def settle(self, timeout: float) -> None:
        """Wait until nothing moves any more."""
        self.require_connection()
        await self.driver.settle(timeout=timeout)

    async def close(self, code: int, reason: str, timeout: float) -> None:
        """Say goodbye and give everything back. Without a connection: nothing."""
        if not self._started or self._closed:
            return
        require_goodbye(code, reason)
        self._end()
        if self.end is None:
            self._goodbye = (code, reason)
        await self.driver.close(code=code, reason=reason, timeout=timeout)
        error = self.driver.exception
        if error is not None and not self._crash_told:
            raise self.crashed(error, "no clean end")
        if self.driver.lingers:
            text = (
                f"the application did not end when {self.transcript.name} left: "
                f"it was {self.driver.lingers}, and had to be stopped"
            )
            warn(text, LingeringApplicationWarning, stacklevel=4)

    def tell_crash(self) -> BaseException | None:
        """Return what the application raised; the test knows of it from now on."""
        error = self.driver.exception
        self._crash_told = self._crash_told or error is not None
        return error

    def leave(self) -> float | None:
        """Take note that the client leaves; return when others began to."""
        before = self.company.leaving_since
        if before is None and self.opened is not None:
            self.company.leaving_since = self.driver.now()
        return before

    def note_failure(self) -> None:
        """Note for the report what the application is doing as the test fails."""
        if self.opened is not None and not self._closed:
            self.transcript.failed(self.driver.now(), self.driver.doing())

    def unread(self, since: float | None) -> list[Frame]:
        """What no test has read, less what came since others began to leave."""
        unread = self.transcript.unread
        late = 0 if since is None else self.transcript.frames_since(since)
        return unread[: max(0, len(unread) - late)]

    @property
    def is_open(self) -> bool:
        """Whether the application still serves this client."""
        return self.opened is not None and not self._closed and self.end is None

    def require_new(self) -> None:
        """Raise RuntimeError after `open`."""
        if self._started:
            ended = self._closed or self.end is not None
            state = "has ended" if ended else "was not answered"
            raise RuntimeError(
                f"the connection of {self.transcript.name} {state}: a communicator "
                "is one connection, so make another for the next"
            )

    def require_connection(self) -> None:
        """Raise RuntimeError before `open`."""
        if not self._started:
            plain = settings.in_plain_test()
            block, call = ("with", "call") if plain else ("async with", "await")
            raise RuntimeError(
                f"{self.transcript.name} is not connected: "
                f"use it in a block, `{block} … as ws`, or {call} connect() first"
            )

    # --- failures

    def text(
        self,
        wanted: str,
        silence: Silence | None = None,
        timeout: float = 0.0,
        *,
        why: str | None = None,
        remedy: str | None = None,
        collected: bool = False,
    ) -> str:
        """Return the whole text of a failure.

        Of a silence that only time would end, the text says how to give it that.
        """
        doing = self.driver.doing()
        if silence is not None:
            why = explain.silence(silence, timeout, collected=collected)
            if silence.kind == "proved" and silence.why:
                patience = how_to_wait(doing, timeout)
                remedy = f"{remedy} {patience}" if remedy else patience
        line = f"{wanted} for {self.transcript.name}"
        if why is not None:
            line = f"{line}: {why}"
        return explain.failure(
            line, transcript=self.transcript, doing=doing, remedy=remedy
        )

    def ended(
        self, end: Terminal, wanted: str, messages: Sequence[object] = ()
    ) -> AssertionError:
        """Return the error that says that the connection has ended."""
        self.end_told = True
        if isinstance(end, Crash):
            return self.crashed(end.error, wanted, messages)
        if isinstance(end, Reject):
            return self.rejected(end, wanted)
        if self._goodbye is not None:
            end, why = Close(*self._goodbye), "the test has closed the connection"
        else:
            why = str(end)
        code = end.code if isinstance(end, Close) else ABNORMAL_CLOSURE
        reason = end.reason if isinstance(end, Close) else ""
        if isinstance(end, Return):
            how = " without closing" if end.seen else ""
            why = f"{why}{how} (a browser sees code {code})"
        text = self.text(wanted, why=why)
        return ConnectionClosed(text, code=code, reason=reason, messages=messages)

    def rejected(
        self, end: Reject, wanted: str = "no connection"
    ) -> ConnectionRejected:
        """Return the error that says that the connection was refused."""
        body = f" {end.body[:72]!r}" if end.body else ""
        text = self.text(
            wanted,
            why=f"{end}{body} (a browser sees close code {ABNORMAL_CLOSURE})",
        )
        return ConnectionRejected(
            text, code=end.code, status=end.status, headers=end.headers, body=end.body
        )

    def crashed(
        self, error: BaseException, wanted: str, messages: Sequence[object] = ()
    ) -> AssertionError:
        """Return the error that says what the application raised, chained to it."""
        self._crash_told = True
        illegal = isinstance(error, IllegalAsgiEvent)
        text = self.text(
            wanted,
            why=f"the application raised {error!r}",
            remedy=None if illegal else _WANTED,
        )
        crash: AssertionError
        if illegal:
            crash = IllegalAsgiEvent(text, messages=messages)
        else:
            crash = ApplicationCrashed(text, error=error, messages=messages)
        crash.__cause__ = error
        return crash


def how_to_wait(doing: str, timeout: float) -> str:
    """Say how to wait for what is to happen later in the loop that runs here."""
    watch = quiescence.watch()
    return explain.patience(
        doing,
        watch.next_event(),
        timeout,
        jumps=watch.jumps,
        plain=settings.in_plain_test(),
    )
