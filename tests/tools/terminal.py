"""A program under a pseudo terminal, as a person sits before it."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time


class Terminal:
    def __init__(self, arguments, environment=None, columns=80):
        self.seen = ''      # everything that was shown
        self.taken = 0      # how much of plain(seen) was waited for already
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(arguments[0], arguments, environment or dict(os.environ, TERM='xterm'))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))

    def press(self, text):
        os.write(self.fd, text.encode())

    def type(self, text):
        """Wait until the program edits a line by itself; before, the kernel would take keys like Ctrl-D."""
        deadline = time.monotonic() + 20
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            if time.monotonic() > deadline:
                raise AssertionError('no line is being edited:\n' + self.seen)
            time.sleep(0.002)
        self.press(text)

    def read(self, deadline):
        """One more piece of output; False at its end."""
        if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError('nothing more was shown after:\n' + self.seen)
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the other side is closed
            return False
        self.seen += data.decode('utf-8', 'replace')
        return bool(data)

    def wait_for(self, text, seconds=20):
        """What was shown up to `text` and with it, since the last wait."""
        deadline = time.monotonic() + seconds
        while True:
            shown = plain(self.seen)[self.taken:]
            if text in shown:
                shown = shown[:shown.index(text) + len(text)]
                self.taken += len(shown)
                return shown
            if not self.read(deadline):
                raise AssertionError('it ended before it showed %r:\n%s' % (text, self.seen))

    def wait_end(self, seconds=60):
        """The exit status; the rest of the output is in `seen`."""
        deadline = time.monotonic() + seconds
        while self.read(deadline):
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        os.close(self.fd)


def plain(text):
    """Without colours, cursor movements and carriage returns."""
    return re.sub(r'\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\r', '', text)
