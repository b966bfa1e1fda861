"""kill -9 in the middle of the load, again and again: what was acknowledged is there, and no row is half.

    kill_rounds.py BODY [SECONDS]

BODY is uring or threads. The seed is printed; STRAIT_SEED sets it, STRAIT_KILL_SECONDS the time that is spent.
"""

import os
import random
import shutil
import sys
import tempfile
import time

from cql_server import Server, Writer, check, create_table

SKIPPED = 77  # what CTest takes for "cannot be run here"
CONNECTIONS = 4


def one_round(number, rng, folder, options):
    """Load, kill, and return the writers."""
    server = Server(folder, *options)
    writers = [Writer(server, number * CONNECTIONS + i) for i in range(CONNECTIONS)]
    for writer in writers:
        writer.start()
    time.sleep(rng.uniform(0.02, 0.4))
    server.kill()
    for writer in writers:
        writer.join()
        assert not writer.refusals, writer.refusals[:3]
    return writers


def main():
    body = sys.argv[1]
    seconds = float(os.environ.get('STRAIT_KILL_SECONDS') or (sys.argv[2] if len(sys.argv) > 2 else 4))
    seed = int(os.environ.get('STRAIT_SEED') or time.time_ns())
    rng = random.Random(seed)
    print('seed', seed)
    folder = tempfile.mkdtemp(prefix='strait-kill-', dir='/var/tmp')
    # So little memory that tables are flushed and merged under the load.
    options = ['--io', body, '--durability', 'durable', '--memtable-mib', '1']
    try:
        try:
            server = Server(folder, *options)
        except RuntimeError as error:
            if body == 'uring' and 'unsupported' in str(error):
                print('this machine refuses io_uring:', error)
                return SKIPPED
            raise
        client = server.client()
        create_table(client)
        client.close()
        server.kill()

        rounds = rows = 0
        everybody = []
        end = time.monotonic() + seconds
        while time.monotonic() < end or rounds < 3:
            writers = one_round(rounds, rng, folder, options)
            everybody += writers
            server = Server(folder, *options)
            # Opening may be cut short as well.
            if rng.random() < 0.3:
                server.kill()
                server = Server(folder, *options)
            for writer in writers:
                rows += check(server, writer)
            server.kill()
            rounds += 1

        server = Server(folder, *options)
        for writer in everybody:
            check(server, writer)
        server.stop()
        print('%d kills, %d rows, %d acknowledged' % (rounds, rows, sum(len(w.acknowledged) for w in everybody)))
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == '__main__':
    sys.exit(main())
