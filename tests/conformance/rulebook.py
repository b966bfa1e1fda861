"""Rules in the notation of tests/audit/rulebook.h, run over the wire.

What a statement does becomes the lines that would expect it, so that two servers, or a server and a file, are compared as
texts.
"""
import fcntl
import os
import re
import sys
import tempfile
import time

import cqlwire

MARKS = '?=:!~'
UNSTABLE = (r'(\(known type signatures:)', r'(\(got) org\.apache\.', r'( UNKNOWN from)')
TARGET = 'cassandra-5.0'


class Step:
    """A statement or directive, with the lines under it that say what is expected"""

    def __init__(self, number, text):
        self.number, self.text = number, text
        self.before = []   # comments and empty lines above
        self.expected = []


class Rule:
    def __init__(self, title, number):
        self.title, self.number, self.before, self.steps = title, number, [], []

    def profiles(self):
        for s in self.steps:
            if s.text.startswith('@profiles'):
                return s.text.split()[1:]
        return []

    def runs_in(self, profile):
        names = self.profiles()
        return not names or any(matches(n, profile) for n in names)


class Book:
    def __init__(self, path):
        self.path, self.rules, self.tail = path, [], []
        pending = []
        with open(path, encoding='utf8', errors='surrogateescape') as f:
            lines = f.read().split('\n')
        if lines and lines[-1] == '':
            lines.pop()
        for number, line in enumerate(lines, 1):
            if line == '' or line.startswith('#'):
                pending.append(line)
            elif line.startswith('rule '):
                self.rules.append(Rule(line[5:], number))
                self.rules[-1].before, pending = pending, []
            elif line[0] in MARKS:
                self.rules[-1].steps[-1].expected.append(line)
            elif line.startswith(' ') and self.rules[-1].steps:
                self.rules[-1].steps[-1].text += '\n' + line
            else:
                self.rules[-1].steps.append(Step(number, line))
                self.rules[-1].steps[-1].before, pending = pending, []
        self.tail = pending

    def write(self):
        out = []
        for rule in self.rules:
            out += rule.before + ['rule ' + rule.title]
            for s in rule.steps:
                out += s.before + s.text.split('\n') + s.expected
        with open(self.path, 'w', encoding='utf8', errors='surrogateescape') as f:
            f.write('\n'.join(out + self.tail) + '\n')


def matches(wanted, profile):
    return profile == wanted or profile.startswith(wanted + '-')


def expected_in(lines, profile):
    """The lines that hold for a profile, without its name"""
    out = []
    for line in lines:
        name, _, rest = line[1:].partition(' ')
        if not name or matches(name, profile):
            out.append(line[0] + ' ' + rest)
    return out


# ---- what a statement did ----

def escape(text):
    return text.replace('\r', '\\r').replace('\n', '\\n')


def refusal_line(e):
    position = re.match(r'line \d+:\d+ ', e.text) if e.code == 0x2000 else None
    # where the mistake is belongs to the language; the rest of the sentence is its parser generator's
    text = position.group(0) + '...' if position else escape(e.text)
    for start in UNSTABLE:  # from here on it is another one in every run
        text = re.sub(start + '.*', r'\1 ...', text)
    return f'! {e.code:04x} {text}'


def outcome_lines(outcome, masked=(), unordered=False):
    lines = []
    if outcome.kind == 'rows':
        lines.append(': ' + ', '.join(f'{n} {t}' for n, t in outcome.columns))
        for row in outcome.rows:
            cells = ['*' if n in masked and v is not None else escape(cqlwire.value_text(t, v))
                     for (n, t), v in zip(outcome.columns, row)]
            lines.append('= ' + ' | '.join(cells))
        if not outcome.rows:
            lines.append('= none')
    return lines + [f'~ {escape(w)}' for w in outcome.warnings]


class Runner:
    """Runs rules on one server"""

    def __init__(self, port, host='127.0.0.1'):
        self.host, self.port = host, port
        self.admin = cqlwire.Connection(host, port)
        names = {r[0] for r in self.admin.query('SELECT keyspace_name FROM system_schema.keyspaces').rows}
        self.is_cassandra = b'strait' not in names

    def clean(self):
        names = [r[0].decode() for r in self.admin.query('SELECT keyspace_name FROM system_schema.keyspaces').rows]
        for name in names:
            if not name.startswith(('system', 'strait', 'hunt')):
                try:
                    self.admin.query(f'DROP KEYSPACE "{name}"')
                except cqlwire.Refused as e:
                    if name == 'k':
                        raise
                    print(f'{name} stays: {e}', file=sys.stderr)

    def run(self, rule):
        """[(step, lines)] of its statements and @run directives; steps that were only prepared are left out"""
        with open(os.path.join(tempfile.gettempdir(), f'conformance-{self.port}.lock'), 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # keyspace k is one, and others may use the same server
            return self.run_alone(rule)

    def run_alone(self, rule):
        self.clean()
        self.admin.query("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        c = cqlwire.Connection(self.host, self.port)
        c.query('USE k')
        prepared, out = {}, []
        binds, timestamp, masked, keep, pages = None, None, (), None, 5000
        for step in rule.steps:
            text = step.text
            word, _, rest = text.partition(' ')
            if word == '@bind':
                binds = split_binds(rest)
            elif word == '@timestamp':
                timestamp = int(rest)
            elif word == '@mask':
                masked = [x.strip() for x in rest.split(',')]
            elif word == '@prepare':
                keep = rest
            elif word == '@pages':
                pages = int(rest)
            elif word.startswith('@') and word != '@run':
                pass
            else:
                if word == '@run':
                    statement = prepared[rest]
                elif keep:
                    prepared[keep] = text
                    keep = None
                    continue
                else:
                    statement = text
                try:
                    lines = self.step(c, statement, binds, timestamp, masked, pages)
                except cqlwire.Refused as e:
                    lines = [refusal_line(e)] + [f'~ {escape(w)}' for w in e.warnings]
                except (ConnectionError, TimeoutError, OSError) as e:
                    lines = [f'! ffff {type(e).__name__}']
                    c = cqlwire.Connection(self.host, self.port)
                    c.query('USE k')
                out.append((step, lines))
                if re.match(r'(?i)\s*create\s+(custom\s+)?(index|materialized)', statement):
                    self.wait_for_builds()
                binds, timestamp, masked = None, None, ()
        c.close()
        return out

    def wait_for_builds(self):
        """Cassandra builds indexes and views behind the statement that makes them; ours are built when it answers"""
        if not self.is_cassandra:
            return
        for _ in range(40):
            made = {(r[0], r[1]) for r in self.admin.query(
                'SELECT keyspace_name, index_name FROM system_schema.indexes').rows}
            made |= {(r[0], r[1]) for r in self.admin.query(
                'SELECT keyspace_name, view_name FROM system_schema.views').rows}
            built = {(r[0], r[1]) for r in self.admin.query('SELECT table_name, index_name FROM system."IndexInfo"').rows}
            built |= {(r[0], r[1]) for r in self.admin.query(
                'SELECT keyspace_name, view_name FROM system.built_views').rows}
            if made <= built:
                return
            time.sleep(0.02)

    @staticmethod
    def step(c, text, binds, timestamp, masked, pages):
        if binds is None:
            return outcome_lines(c.all(text, pages, timestamp), masked)
        number, names, _, _ = c.prepare(text)
        lines = ['? ' + ', '.join(f'{n} {t}' for n, t in names)] if names else []
        values = [cqlwire.bind_value(t, b) for (_, t), b in zip(names, binds)]
        values += [None] * (len(names) - len(values))
        try:
            return lines + outcome_lines(c.execute_all(number, values, pages, timestamp), masked)
        except cqlwire.Refused as e:
            return lines + [refusal_line(e)] + [f'~ {escape(w)}' for w in e.warnings]


def split_binds(text):
    return re.findall(r"'[^']*'|[^,\s]+", text)


# ---- comparing ----

def of_kind(lines, kind):
    return [line[2:] for line in lines if line[0] == kind]


def text_fits(expected, given):
    """A refusal begins as expected"""
    if expected.endswith(' ...'):
        expected = expected[:-3]
    return given.startswith(expected)


def fits(expected, given):
    """Do the outcome's lines fit what is expected? What is not mentioned is not compared, but refusals always are."""
    if bool(of_kind(expected, '!')) != bool(of_kind(given, '!')):
        return False
    for kind in '?=:':
        want, have = of_kind(expected, kind), of_kind(given, kind)
        if want and want != have:
            return False
    for want, have in zip(of_kind(expected, '!'), of_kind(given, '!')):
        if not text_fits(want, have):
            return False
    warnings = of_kind(given, '~')
    for want in of_kind(expected, '~'):
        if want == 'none' and warnings or want != 'none' and not any(want in w for w in warnings):
            return False
    return True
