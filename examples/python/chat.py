#!/usr/bin/env python3
"""A chat channel: create the schema, write messages, read the newest 50, page back.

    strait serve --memory               in one terminal
    apt install python3-cassandra       (or: pip install cassandra-driver)
    python3 chat.py                     in another

Nothing here is special to Strait: the same program runs against ScyllaDB and Cassandra.
"""

import os
import uuid
from datetime import datetime, timedelta

from cassandra.cluster import Cluster

CREATE_KEYSPACE = """
    CREATE KEYSPACE IF NOT EXISTS chat WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"""

# One partition a channel, newest messages first: the page that is read most is the one that is cheapest to read.
CREATE_TABLE = """
    CREATE TABLE IF NOT EXISTS messages (
        channel_id uuid, created_at timestamp, id uuid, content text,
        PRIMARY KEY (channel_id, created_at, id)
    ) WITH CLUSTERING ORDER BY (created_at DESC, id DESC)"""


def main():
    cluster = Cluster([os.environ.get('STRAIT_HOST', '127.0.0.1')], port=int(os.environ.get('STRAIT_PORT', 9042)))
    try:
        session = cluster.connect()
        session.execute(CREATE_KEYSPACE)
        session.set_keyspace('chat')
        session.execute(CREATE_TABLE)
        chat(session)
    finally:
        cluster.shutdown()


def chat(session):
    insert = session.prepare('INSERT INTO messages (channel_id, created_at, id, content) VALUES (?, ?, ?, ?)')
    newest = session.prepare('SELECT created_at, id, content FROM messages WHERE channel_id = ? LIMIT ?')
    older = session.prepare('SELECT created_at, id, content FROM messages '
                            'WHERE channel_id = ? AND (created_at, id) < (?, ?) LIMIT ?')

    channel = uuid.uuid4()
    start = datetime.utcnow() - timedelta(seconds=120)
    for number in range(120):
        session.execute(insert, (channel, start + timedelta(seconds=number), uuid.uuid4(), f'message {number + 1}'))

    page = session.execute(newest, (channel, 50)).all()
    while page:
        print(f'{len(page)} messages, from "{page[0].content}" back to "{page[-1].content}"')
        page = session.execute(older, (channel, page[-1].created_at, page[-1].id, 50)).all()


if __name__ == '__main__':
    main()
