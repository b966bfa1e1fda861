"""A Strait server for one test file, and clients of it."""

import json
import os
import signal
import subprocess
import time

from cassandra.cluster import Cluster

CRYSTAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..', 'examples', 'crystal.cql')


class Server:
    """`strait serve --memory` on a free port; use it as a context."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [os.environ['STRAIT'], 'serve', '--memory', '--listen', '127.0.0.1:0', *options], stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError('strait serve ended at once with status %s' % self.process.wait())
        self.announcement = json.loads(line)
        self.clusters = []

    def cluster(self, **options):
        cluster = Cluster(['127.0.0.1'], port=self.announcement['port'], **options)
        self.clusters.append(cluster)
        return cluster

    def stop(self):
        for cluster in self.clusters:
            cluster.shutdown()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self.process.stdout.close()
        if status != 0:
            raise RuntimeError('strait serve ended with status %s' % status)


def crystal_schema():
    """The statements of the crystal schema, each with the comment lines that stand before it."""
    with open(CRYSTAL, encoding='utf-8') as file:
        return [text for text in file.read().split(';\n') if text.strip()]


def eventually(condition, seconds=8):
    """Whether the condition becomes true within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
