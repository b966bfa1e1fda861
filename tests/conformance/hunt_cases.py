"""A random case: a schema, writes and queries, mostly such as mean something"""
import templates_values as tv


KEY_TYPES = ['int', 'int', 'text', 'bigint', 'uuid', 'timeuuid', 'boolean', 'date', 'timestamp', 'decimal', 'varint', 'inet',
             'blob', 'double', 'float', 'smallint', 'tinyint', 'time', 'ascii', 'frozen<list<int>>', 'frozen<set<text>>',
             'frozen<map<int, text>>', 'tuple<int, text>', 'frozen<u>']
PLAIN = ['int', 'int', 'text', 'bigint', 'uuid', 'timeuuid', 'boolean', 'date', 'timestamp', 'decimal', 'varint', 'inet', 'blob',
         'double', 'float', 'smallint', 'tinyint', 'time', 'ascii', 'duration']
RICH = ['list<int>', 'set<text>', 'map<text, int>', 'list<text>', 'set<int>', 'map<int, text>', 'frozen<list<int>>',
        'frozen<map<int, text>>', 'tuple<int, text>', 'u', 'frozen<u>', 'vector<float, 2>', 'list<frozen<tuple<int, text>>>',
        'map<text, frozen<set<int>>>', 'set<uuid>', 'map<timestamp, decimal>']
NUMBERS = {'int', 'bigint', 'decimal', 'varint', 'double', 'float', 'smallint', 'tinyint'}


class Column:
    def __init__(self, name, type_, kind):
        self.name, self.type, self.kind = name, type_, kind


def inner(t):
    """The parameters of list<int>, map<a, b>"""
    body = t[t.index('<') + 1:-1]
    parts, depth, start = [], 0, 0
    for i, c in enumerate(body):
        depth += (c == '<') - (c == '>')
        if c == ',' and not depth:
            parts.append(body[start:i].strip())
            start = i + 1
    return parts + [body[start:].strip()]


def value(r, t, wild=0.02):
    if r.random() < wild:
        return r.choice(['null', "'x'", '1', '{}', '[]', '0x00', 'true', '1.5', '(1, 2)'])
    if t.startswith('frozen<'):
        return value(r, inner(t)[0], wild)
    if t == 'u':
        return '{' + ', '.join(f'{n}: {value(r, ft, wild)}' for n, ft in (('a', 'int'), ('b', 'text'))
                               if r.random() < 0.8) + '}' if r.random() < 0.95 else 'null'
    if '<' not in t:
        if t == 'counter':
            return str(r.randrange(-2, 3))
        if t == 'int' and r.random() < 0.8:
            return str(r.randrange(4))
        if t == 'text' and r.random() < 0.6:
            return r.choice(["'a'", "'b'", "'c'"])
        return r.choice(tv.VALUES[t])
    kind, parts = t[:t.index('<')], inner(t)
    if kind == 'vector':
        return '[' + ', '.join(value(r, parts[0], 0) for _ in range(int(parts[1]))) + ']'
    if kind == 'tuple':
        return '(' + ', '.join(value(r, p, wild) for p in parts) + ')'
    n = r.choice([0, 1, 1, 2, 2, 3])
    if kind == 'list':
        return '[' + ', '.join(value(r, parts[0], wild) for _ in range(n)) + ']'
    if kind == 'set':
        return '{' + ', '.join(value(r, parts[0], wild) for _ in range(n)) + '}'
    return '{' + ', '.join(f'{value(r, parts[0], wild)}: {value(r, parts[1], wild)}' for _ in range(n)) + '}'


class Case:
    def __init__(self, r):
        self.r = r
        self.counter = r.random() < 0.07
        self.partition = [Column(f'p{i}', r.choice(KEY_TYPES), 'p') for i in range(r.choice([1, 1, 1, 2]))]
        self.clustering = [Column(f'c{i}', r.choice(KEY_TYPES), 'c') for i in range(r.choice([0, 1, 1, 2, 2, 3]))]
        self.static, self.regular = [], []
        if self.clustering and r.random() < 0.4:
            self.static = [Column('s0', 'counter' if self.counter else r.choice(PLAIN + RICH), 's')]
        for i in range(r.choice([1, 2, 2, 3, 4])):
            t = 'counter' if self.counter else r.choice(PLAIN if r.random() < 0.6 else RICH)
            self.regular.append(Column(f'r{i}', t, 'r'))
        self.columns = self.partition + self.clustering + self.static + self.regular
        self.pool = {c.name: [self.fresh(c, 0) for _ in range(3)] for c in self.partition + self.clustering}

    def fresh(self, c, wild):
        # clustering keys are compared by value, and of equal decimals we keep another scale (differences.txt)
        if c.kind == 'c' and c.type == 'decimal':
            return self.r.choice(['-1.5', '0', '0.0000001', '1', '22'])
        return value(self.r, c.type, wild)

    def key_value(self, c, wild=0.02):
        r = self.r
        return r.choice(self.pool[c.name]) if r.random() > 0.1 else self.fresh(c, wild)

    def schema(self):
        r = self.r
        out = ['CREATE TYPE u (a int, b text)']
        columns = ', '.join(f'{c.name} {c.type}' + (' static' if c.kind == 's' else '') for c in self.columns)
        pk = ', '.join(c.name for c in self.partition)
        key = f'({pk})' + ''.join(', ' + c.name for c in self.clustering)
        order = ''
        if self.clustering and r.random() < 0.5:
            order = ' WITH CLUSTERING ORDER BY (' + ', '.join(f'{c.name} {r.choice(["ASC", "DESC"])}'
                                                            for c in self.clustering) + ')'
        out.append(f'CREATE TABLE t ({columns}, PRIMARY KEY ({key})){order}')
        for c in self.columns:
            if r.random() < 0.08:
                target = c.name
                if 'map<' in c.type and not c.type.startswith('frozen'):
                    target = r.choice(['keys', 'values', 'entries']) + f'({c.name})'
                elif c.type.startswith('frozen<') and c.type != 'frozen<u>':
                    target = f'full({c.name})'
                out.append(f'CREATE INDEX i{len(out)} ON t ({target})')
        if r.random() < 0.1 and not self.static:
            plain = [c for c in self.regular if '<' not in c.type and c.type not in ('duration', 'counter', 'u')]
            extra = [r.choice(plain)] if plain and r.random() < 0.7 else []
            keys = extra + self.partition + self.clustering
            if not extra:
                r.shuffle(keys)
            names = [c.name for c in keys]
            where = ' AND '.join(f'{n} IS NOT NULL' for n in names)
            out.append(f'CREATE MATERIALIZED VIEW mv AS SELECT * FROM t WHERE {where} PRIMARY KEY ({", ".join(names)})')
            self.view = keys
        else:
            self.view = None
        return out

    # ---- writes ----

    def where_key(self, depth=None, lists=True):
        """Equalities on the partition key and a prefix of the clustering key"""
        r = self.r
        parts = []
        for c in self.partition:
            if lists and r.random() < 0.08:
                parts.append(f'{c.name} IN ({", ".join(self.key_value(c) for _ in range(r.choice([1, 2, 2, 3])))})')
            else:
                parts.append(f'{c.name} = {self.key_value(c)}')
        for c in self.clustering[:len(self.clustering) if depth is None else depth]:
            if lists and r.random() < 0.05:
                parts.append(f'{c.name} IN ({", ".join(self.key_value(c) for _ in range(2))})')
            else:
                parts.append(f'{c.name} = {self.key_value(c)}')
        return parts

    def assignment(self, c):
        r, t = self.r, c.type
        if t == 'counter':
            return f'{c.name} = {c.name} {r.choice("+-")} {r.randrange(5)}'
        base = t[:t.index('<')] if '<' in t else t
        if base in ('list', 'set', 'map') and r.random() < 0.6:
            x = value(r, t)
            if base == 'list':
                return r.choice([f'{c.name} = {c.name} + {x}', f'{c.name} = {x} + {c.name}', f'{c.name} = {c.name} - {x}',
                                 f'{c.name}[{r.randrange(3)}] = {value(r, inner(t)[0])}'])
            if base == 'set':
                return f'{c.name} = {c.name} {r.choice("+-")} {x}'
            keys = '{' + ', '.join(value(r, inner(t)[0], 0) for _ in range(2)) + '}'
            return r.choice([f'{c.name} = {c.name} + {x}', f'{c.name} = {c.name} - {keys}',
                             f'{c.name}[{value(r, inner(t)[0])}] = {value(r, inner(t)[1])}'])
        if t == 'u' and r.random() < 0.5:
            return r.choice([f'{c.name}.a = {value(r, "int")}', f'{c.name}.b = {value(r, "text")}'])
        return f'{c.name} = {"null" if r.random() < 0.1 else value(r, t)}'

    def using(self, ttl=True):
        r = self.r
        parts = []
        if not self.counter and not self.conditional:
            parts.append(f'TIMESTAMP {r.randrange(1, 12)}')
        if ttl and not self.counter and r.random() < 0.1:
            parts.append('TTL 100000')
        r.shuffle(parts)
        return ' USING ' + ' AND '.join(parts) if parts else ''

    def condition(self):
        r = self.r
        if r.random() < 0.3:
            return ' IF EXISTS'
        parts = []
        for c in r.sample(self.regular + self.static, min(len(self.regular), r.choice([1, 1, 2]))):
            op = r.choice(['=', '=', '!=', '<', '>', '<=', '>=', 'IN'])
            x = 'null' if r.random() < 0.15 else value(r, c.type)
            parts.append(f'{c.name} IN ({x}, {value(r, c.type)})' if op == 'IN' else f'{c.name} {op} {x}')
        return ' IF ' + ' AND '.join(parts)

    def write(self, batched=False):
        r = self.r
        self.conditional = not batched and not self.counter and r.random() < 0.08
        what = r.random()
        if what < 0.5 and not self.counter:
            names = self.partition + self.clustering + [c for c in self.static + self.regular if r.random() < 0.7]
            if self.static and r.random() < 0.2:
                names = self.partition + self.static
            names = [c for c in names if r.random() > 0.005]
            values = [self.key_value(c) if c.kind in 'pc' else 'null' if r.random() < 0.07 else value(r, c.type)
                      for c in names]
            return f'INSERT INTO t ({", ".join(c.name for c in names)}) VALUES ({", ".join(values)})' + \
                (' IF NOT EXISTS' if self.conditional else '') + self.using()
        if what < 0.8:
            only_static = self.static and r.random() < 0.2
            chosen = self.static if only_static else \
                r.sample(self.regular, r.choice([1, 1, min(2, len(self.regular))])) + \
                (self.static if r.random() < 0.1 else [])
            where = self.where_key(0 if only_static and r.random() < 0.9 else None, lists=not self.conditional)
            return f'UPDATE t{self.using()} SET {", ".join(self.assignment(c) for c in chosen)} WHERE ' + \
                ' AND '.join(where) + (self.condition() if self.conditional else '')
        columns = []
        depth = None
        if r.random() < 0.4:
            for c in r.sample(self.regular + self.static, 1):
                t = c.type
                if t.startswith(('map<', 'set<')) and r.random() < 0.5:
                    columns.append(f'{c.name}[{value(r, inner(t)[0])}]')
                elif t.startswith('list<') and r.random() < 0.5:
                    columns.append(f'{c.name}[{r.randrange(3)}]')
                elif t == 'u' and r.random() < 0.5:
                    columns.append(f'{c.name}.a')
                else:
                    columns.append(c.name)
                depth = 0 if c.kind == 's' else None
        else:
            depth = r.randrange(len(self.clustering) + 1)
        where = self.where_key(depth, lists=not self.conditional)
        if not columns and depth < len(self.clustering) and r.random() < 0.5:
            c = self.clustering[depth]
            where.append(f'{c.name} {r.choice(["<", "<=", ">", ">="])} {self.key_value(c)}')
        return f'DELETE {", ".join(columns)}{" " if columns else ""}FROM t{self.using(False)} WHERE ' + ' AND '.join(where) + \
            (self.condition() if self.conditional else '')

    def batch(self):
        r = self.r
        kind = 'COUNTER ' if self.counter else r.choice(['', 'UNLOGGED ', 'LOGGED '])
        return f'BEGIN {kind}BATCH ' + '; '.join(self.write(True) for _ in range(r.choice([1, 2, 3]))) + '; APPLY BATCH'

    # ---- reads ----

    def relation(self, c):
        r, t = self.r, c.type
        key = c.kind in 'pc'
        x = self.key_value(c) if key else value(r, t)
        base = t[:t.index('<')] if '<' in t else t
        if base in ('list', 'set', 'map') and r.random() < 0.8:
            if base == 'map':
                k, v = (value(r, p, 0) for p in inner(t))
                return r.choice([f'{c.name} CONTAINS {v}', f'{c.name} CONTAINS KEY {k}', f'{c.name}[{k}] = {v}'])
            return f'{c.name} CONTAINS {value(r, inner(t)[0], 0)}'
        op = r.choice(['=', '=', '=', '<', '<=', '>', '>=', 'IN', 'slice'])
        if op == 'IN':
            return f'{c.name} IN ({", ".join([x] + [self.key_value(c) if key else value(r, t) for _ in range(r.randrange(3))])})'
        if op == 'slice':
            y = self.key_value(c) if key else value(r, t)
            return f'{c.name} {r.choice([">", ">="])} {x} AND {c.name} {r.choice(["<", "<="])} {y}'
        return f'{c.name} {op} {x}'

    def where(self):
        r = self.r
        what = r.random()
        if what < 0.2:
            return [], False
        if what < 0.65:
            parts = self.where_key(r.randrange(len(self.clustering) + 1))
            depth = len(parts) - len(self.partition)
            rest = self.clustering[depth:]
            if rest and r.random() < 0.6:
                if len(rest) > 1 and r.random() < 0.3:
                    names = ', '.join(c.name for c in rest[:2])
                    tuples = [f'({", ".join(self.key_value(c) for c in rest[:2])})' for _ in range(2)]
                    parts.append(r.choice([f'({names}) {r.choice(["=", "<", "<=", ">", ">="])} {tuples[0]}',
                                           f'({names}) IN ({tuples[0]}, {tuples[1]})',
                                           f'({names}) > {tuples[0]} AND ({names}) <= {tuples[1]}']))
                else:
                    parts.append(self.relation(rest[0]))
            if r.random() < 0.15:
                parts.append(self.relation(r.choice(self.columns)))
            return parts, True
        if what < 0.75:
            names = ', '.join(c.name for c in self.partition)
            bound = f'token({", ".join(self.key_value(c) for c in self.partition)})' if r.random() < 0.7 else '0'
            parts = [f'token({names}) {r.choice([">", ">=", "<", "<=", "="])} {bound}']
            if r.random() < 0.3:
                parts.append(self.relation(r.choice(self.columns)))
            return parts, False
        return [self.relation(c) for c in r.sample(self.columns, r.choice([1, 1, min(2, len(self.columns))]))], False

    def selector(self):
        r = self.r
        c = r.choice(self.columns)
        what = r.random()
        if what < 0.6:
            return c.name
        if what < 0.65:
            return f'token({", ".join(p.name for p in self.partition)})'
        if what < 0.72:
            return f'CAST({c.name} AS {r.choice(["text", "int", "bigint", "double", "ascii", "decimal"])})'
        if what < 0.78:
            return f'toJson({c.name})'
        if what < 0.83 and c.kind in 'rs' and not self.counter:
            return f'writetime({c.name})'
        if what < 0.88 and c.type in NUMBERS:
            return f'{c.name} {r.choice("+-*")} {r.choice(self.columns).name}'
        if what < 0.93 and c.type.startswith('map<'):
            return f'{c.name}[{value(r, inner(c.type)[0], 0)}]'
        if what < 0.93 and c.type in ('u', 'frozen<u>'):
            return f'{c.name}.a'
        return f'{c.name} AS x{r.randrange(3)}'

    def query(self):
        r = self.r
        table = 't'
        parts, one_partition = self.where()
        tail = ''
        grouped = distinct = False
        what = r.random()
        if what < 0.45:
            selected = '*'
        elif what < 0.7:
            selected = ', '.join(self.selector() for _ in range(r.choice([1, 2, 3])))
        elif what < 0.78:
            distinct = True
            selected = 'DISTINCT ' + ', '.join(c.name for c in self.partition + (self.static if r.random() < 0.5 else []))
        elif what < 0.84:
            selected = 'JSON ' + ('*' if r.random() < 0.6 else ', '.join(c.name for c in r.sample(self.columns, min(2, len(self.columns)))))
        else:
            names = []
            for _ in range(r.choice([1, 2, 3])):
                c = r.choice(self.columns)
                names.append(r.choice([f'count({c.name})', f'min({c.name})', f'max({c.name})', 'count(*)', c.name] +
                                      ([f'sum({c.name})', f'avg({c.name})'] if c.type in NUMBERS else [])))
            selected = ', '.join(names)
            grouped = r.random() < 0.5
        if grouped:
            keys = self.partition + self.clustering
            names = [c.name for c in keys[:r.randrange(1, len(keys) + 1)]]
            tail += ' GROUP BY ' + ', '.join(names[-1:] if r.random() < 0.1 else names)
        if self.clustering and (one_partition or r.random() < 0.03) and r.random() < 0.3 and not distinct:
            n = r.randrange(1, len(self.clustering) + 1)
            way = r.choice(['ASC', 'DESC'])
            tail += ' ORDER BY ' + ', '.join(f'{c.name} {way if r.random() < 0.9 else "DESC"}' for c in self.clustering[:n])
        if r.random() < 0.1:
            tail += f' PER PARTITION LIMIT {r.choice([1, 2, 3])}'
        if r.random() < 0.2:
            tail += f' LIMIT {r.choice([1, 2, 3, 10])}'
        if r.random() < 0.6:
            tail += ' ALLOW FILTERING'
        if self.view and r.random() < 0.3:
            table, parts, tail, selected = 'mv', [], ' ALLOW FILTERING', '*'
            if r.random() < 0.5:
                parts = [self.relation(r.choice(self.view))]
        pages = r.choice([5000, 5000, 1, 2, 3])
        return f'SELECT {selected} FROM {table}' + (' WHERE ' + ' AND '.join(parts) if parts else '') + tail, pages


def make(r):
    case = Case(r)
    script = [(s, 5000) for s in case.schema()]
    for _ in range(r.choice([5, 10, 20])):
        script.append((case.batch() if r.random() < 0.08 else case.write(), 5000))
        if r.random() < 0.15:
            script.append(case.query())
    script += [case.query() for _ in range(25)]
    return script
