"""A Strait in memory, with the profile that Cassandra is compared with, for as long as it is needed"""
import contextlib
import glob
import os
import subprocess
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), '../..'))
PROFILE = 'cassandra-5.0'


def program(path):
    found = path or next(iter(sorted(glob.glob(os.path.join(ROOT, 'build/*/strait')), key=os.path.getmtime,
                                     reverse=True)), '')
    if not found:
        raise SystemExit('no build/*/strait here: build it, or --strait PATH')
    return found


@contextlib.contextmanager
def running(path='', port=0, profile=PROFILE):
    """Its port; `port` itself when one is given that answers already (-1: none is wanted)"""
    if port:
        yield port
        return
    with tempfile.TemporaryDirectory() as d:
        port_file = os.path.join(d, 'port')
        p = subprocess.Popen([program(path), 'serve', '--memory', '--listen', '127.0.0.1:0', '--port-file', port_file,
                              '--profile', profile], stdout=subprocess.DEVNULL)
        try:
            for _ in range(100):
                if os.path.exists(port_file) and open(port_file).read().strip():
                    break
                time.sleep(0.1)
            yield int(open(port_file).read())
        finally:
            p.terminate()
            p.wait()
