"""A client of the CQL native protocol v4 with no driver between: what the server sent, as text.

Values are written as `strait_column_text()` writes them (cqlsh's way), types by their CQL names without "frozen", which
the protocol does not carry.
"""
import decimal
import ipaddress
import math
import socket
import struct
import uuid

decimal.getcontext().prec = 20000
decimal.getcontext().Emax = decimal.MAX_EMAX
decimal.getcontext().Emin = decimal.MIN_EMIN

SCALARS = {1: 'ascii', 2: 'bigint', 3: 'blob', 4: 'boolean', 5: 'counter', 6: 'decimal', 7: 'double', 8: 'float',
           9: 'int', 11: 'timestamp', 12: 'uuid', 13: 'text', 14: 'varint', 15: 'timeuuid', 16: 'inet', 17: 'date',
           18: 'time', 19: 'smallint', 20: 'tinyint', 21: 'duration'}
JAVA = {'AsciiType': 'ascii', 'LongType': 'bigint', 'BytesType': 'blob', 'BooleanType': 'boolean',
        'CounterColumnType': 'counter', 'DecimalType': 'decimal', 'DoubleType': 'double', 'FloatType': 'float',
        'Int32Type': 'int', 'TimestampType': 'timestamp', 'UUIDType': 'uuid', 'UTF8Type': 'text',
        'IntegerType': 'varint', 'TimeUUIDType': 'timeuuid', 'InetAddressType': 'inet', 'SimpleDateType': 'date',
        'TimeType': 'time', 'ShortType': 'smallint', 'ByteType': 'tinyint', 'DurationType': 'duration',
        'EmptyType': 'empty', 'LegacyTimeUUIDType': 'timeuuid'}
QUOTED = {'ascii', 'text', 'timestamp', 'date', 'time', 'inet'}
FIXED = {'bigint': 8, 'boolean': 1, 'counter': 8, 'double': 8, 'float': 4, 'int': 4, 'timestamp': 8, 'uuid': 16,
         'timeuuid': 16, 'date': 4, 'time': 8, 'smallint': 2, 'tinyint': 1}


class Type:
    """A scalar by its name, or a list, set, map, tuple, udt or vector of `parts` (a udt has `fields` too)"""

    def __init__(self, kind, parts=(), name='', fields=(), size=0):
        self.kind, self.parts, self.name, self.fields, self.size = kind, list(parts), name, list(fields), size

    def __str__(self):
        if self.kind == 'udt':
            return self.name
        if self.kind == 'vector':
            return f'vector<{self.parts[0]}, {self.size}>'
        return self.kind + ('<' + ', '.join(map(str, self.parts)) + '>' if self.parts or self.kind == 'tuple' else '')


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(f'{code:04x} {text}')
        self.code, self.text = code, text


# ---- values ----

def of_java(text):
    """The type of a Java class's name, as protocol v4 sends what it has no number for"""
    at = 0

    def word():
        nonlocal at
        start = at
        while at < len(text) and text[at] not in '(),: ':
            at += 1
        return text[start:at]

    def parse():
        nonlocal at
        name = word().rsplit('.', 1)[-1]
        args = []
        if at < len(text) and text[at] == '(':
            at += 1
            while text[at] != ')':
                while text[at] in ', ':
                    at += 1
                save = at
                w = word()
                if w.isdigit():
                    args.append(int(w))
                elif at < len(text) and text[at] == ':':  # a field of a udt
                    at += 1
                    args.append((w, parse()))
                else:
                    at = save
                    args.append(parse())
                while text[at] in ', ':
                    at += 1
            at += 1
        if name == 'VectorType':
            return Type('vector', args[:1], size=args[1])
        if name in ('FrozenType', 'ReversedType'):
            return args[0]
        if name in ('ListType', 'SetType', 'MapType', 'TupleType'):
            return Type(name[:-4].lower(), args)
        return Type(JAVA.get(name, name))

    return parse()


def float_text(value, fewest, most, packing):
    if math.isnan(value):
        return 'NaN'
    if math.isinf(value):
        return 'Infinity' if value > 0 else '-Infinity'
    for digits in range(fewest, most + 1):
        text = '%.*g' % (digits, value)
        try:
            if struct.unpack(packing, struct.pack(packing, float(text)))[0] == value:
                break
        except OverflowError:
            pass
    return text


def date_text(days):
    # proleptic Gregorian, any year
    z = days + 719468
    era = z // 146097
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    day = doy - (153 * mp + 2) // 5 + 1
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (month <= 2)
    return year, f'{"-" if year < 0 else ""}{abs(year):04d}-{month:02d}-{day:02d}'


def clock_text(seconds):
    return f'{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}'


def timestamp_text(ms, nested):
    days, clock = divmod(ms, 86400000)
    year, day = date_text(days)
    if not 0 <= year <= 9999:
        return str(ms), False
    zone = '+0000' if nested else '000+0000'
    return f'{day} {clock_text(clock // 1000)}.{clock % 1000:03d}{zone}', True


def vint(data, at):
    first = data[at]
    extra = 0
    while extra < 8 and first & (0x80 >> extra):
        extra += 1
    bits = first & (0xff >> extra) if extra < 8 else 0
    for i in range(extra):
        bits = bits << 8 | data[at + 1 + i]
    return bits, at + 1 + extra


def duration_text(data):
    parts, at = [], 0
    for _ in range(3):
        bits, at = vint(data, at)
        parts.append((bits >> 1) ^ -(bits & 1))
    out = '-' if min(parts) < 0 else ''
    months, days, ns = map(abs, parts)
    start = out
    for amount, units in ((months, ((12, 'y'), (1, 'mo'))), (days, ((1, 'd'),)),
                          (ns, ((3600 * 10**9, 'h'), (60 * 10**9, 'm'), (10**9, 's'), (10**6, 'ms'), (1000, 'us'),
                                (1, 'ns')))):
        for factor, unit in units:
            if amount >= factor:
                out += f'{amount // factor}{unit}'
            amount %= factor
    return out if out != start else out + '0s'


def decimal_text(data):
    scale = struct.unpack('>i', data[:4])[0]
    unscaled = int.from_bytes(data[4:], 'big', signed=True)
    digits = str(abs(unscaled))
    sign = '-' if unscaled < 0 else ''
    exponent = len(digits) - 1 - scale
    if scale == 0:
        return sign + digits
    if scale > 0 and exponent >= -6:
        whole = len(digits) - scale
        return sign + (digits[:whole] + '.' + digits[whole:] if whole > 0 else '0.' + '0' * -whole + digits)
    return sign + digits[0] + ('.' + digits[1:] if len(digits) > 1 else '') + (f'E{exponent:+d}' if exponent else '')


def is_value(kind, data):
    if kind in FIXED:
        return len(data) == FIXED[kind]
    if kind == 'inet':
        return len(data) in (4, 16)
    if kind == 'decimal':
        return len(data) > 4
    return True


def scalar_text(kind, data, nested):
    if kind in ('text', 'ascii', 'blob'):
        text = '0x' + data.hex() if kind == 'blob' else data.decode('utf8', 'replace')
        return "'" + text.replace("'", "''") + "'" if nested and kind != 'blob' else text
    if not data:
        return ''
    if not is_value(kind, data):
        return '0x' + data.hex()
    number = int.from_bytes(data, 'big', signed=True)
    quoted = nested and kind in QUOTED
    if kind in ('bigint', 'counter', 'int', 'smallint', 'tinyint', 'varint'):
        return str(number)
    if kind == 'boolean':
        return 'True' if data[0] else 'False'
    if kind in ('uuid', 'timeuuid'):
        return str(uuid.UUID(bytes=data))
    if kind == 'double':
        return float_text(struct.unpack('>d', data)[0], 15, 17, '>d')
    if kind == 'float':
        return float_text(struct.unpack('>f', data)[0], 6, 9, '>f')
    if kind == 'decimal':
        return decimal_text(data)
    if kind == 'duration':
        return duration_text(data)
    if kind == 'timestamp':
        text, calendar = timestamp_text(number, nested)
        quoted = quoted and calendar
    elif kind == 'date':
        text = date_text(int.from_bytes(data, 'big') - (1 << 31))[1]
    elif kind == 'time':
        inside = 0 <= number < 86400 * 10**9
        text = f'{clock_text(number // 10**9)}.{number % 10**9:09d}' if inside else str(number)
        quoted = quoted and inside
    elif kind == 'inet':
        text = str(ipaddress.ip_address(data))
    else:
        text = '0x' + data.hex()
    return f"'{text}'" if quoted else text


def vector_bytes(t):
    """Of a value in a vector; None when each says its own. Cassandra calls some of the short ones of variable length."""
    if t.kind == 'vector':
        inner = vector_bytes(t.parts[0])
        return inner * t.size if inner else None
    return None if t.kind in ('date', 'time', 'smallint', 'tinyint', 'counter') else FIXED.get(t.kind)


def field_name(name):
    plain = name and name[0].isalpha() and all(c.isalnum() or c == '_' for c in name) and name == name.lower()
    return name if plain else '"' + name.replace('"', '""') + '"'


def value_text(t, data, nested=False):
    if data is None:
        return 'null'
    if not t.parts and t.kind not in ('tuple', 'udt'):
        return scalar_text(t.kind, data, nested)
    at = 0

    def item():
        nonlocal at
        n = struct.unpack_from('>i', data, at)[0]
        at += 4
        out = data[at:at + n] if n >= 0 else None
        at += max(n, 0)
        return out

    if t.kind == 'vector':
        part = t.parts[0]
        size = vector_bytes(part)
        items = []
        for _ in range(t.size):
            n, at = (size, at) if size else vint(data, at)
            items.append(data[at:at + n])
            at += n
        return '[' + ', '.join(value_text(part, x, True) for x in items) + ']'
    if t.kind in ('tuple', 'udt'):
        items = []
        for part in t.parts:
            items.append(value_text(part, item() if at < len(data) else None, True))
        if t.kind == 'udt':
            return '{' + ', '.join(f'{field_name(n)}: {x}' for n, x in zip(t.fields, items)) + '}'
        return '(' + ', '.join(items) + ')'
    if not data:
        return ''
    count = struct.unpack_from('>i', data)[0]
    at = 4
    if t.kind == 'map':
        items = [f'{value_text(t.parts[0], item(), True)}: {value_text(t.parts[1], item(), True)}'
                 for _ in range(count)]
    else:
        items = [value_text(t.parts[0], item(), True) for _ in range(count)]
    return ('[' + ', '.join(items) + ']') if t.kind == 'list' else '{' + ', '.join(items) + '}'


# ---- frames ----

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        out = struct.unpack_from('>' + form, self.data, self.at)
        self.at += struct.calcsize('>' + form)
        return out[0] if len(out) == 1 else out

    def raw(self, n):
        out = self.data[self.at:self.at + n]
        self.at += n
        return out

    def string(self):
        return self.raw(self.take('H')).decode('utf8', 'replace')

    def short_bytes(self):
        return self.raw(self.take('H'))

    def bytes(self):
        n = self.take('i')
        return None if n < 0 else self.raw(n)

    def type(self):
        number = self.take('H')
        if number == 0:
            return of_java(self.string())
        if number in (0x20, 0x22):
            return Type('list' if number == 0x20 else 'set', [self.type()])
        if number == 0x21:
            return Type('map', [self.type(), self.type()])
        if number == 0x30:
            self.string()
            name = self.string()
            fields = [(self.string(), self.type()) for _ in range(self.take('H'))]
            return Type('udt', [t for _, t in fields], name=name, fields=[n for n, _ in fields])
        if number == 0x31:
            return Type('tuple', [self.type() for _ in range(self.take('H'))])
        return Type(SCALARS[number])

    def metadata(self, prepared=False):
        flags, count = self.take('ii')
        keys = [self.take('H') for _ in range(self.take('i'))] if prepared else []
        state = self.bytes() if flags & 2 else None
        if flags & 4:
            return [], state, keys, count
        if flags & 1 and count:
            self.string(), self.string()
        elif flags & 1:
            if self.at < len(self.data):
                self.string(), self.string()
        columns = []
        for _ in range(count):
            if not flags & 1:
                self.string(), self.string()
            columns.append((self.string(), self.type()))
        return columns, state, keys, count


class Outcome:
    """What a statement did: `kind` void, rows, use, schema; its columns and rows of bytes; warnings"""

    def __init__(self, kind, columns=(), rows=(), state=None, warnings=(), detail=''):
        self.kind, self.columns, self.rows, self.state = kind, list(columns), list(rows), state
        self.warnings, self.detail = list(warnings), detail


class Connection:
    def __init__(self, host='127.0.0.1', port=9042, timeout=60.0):
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.call(1, struct.pack('>H', 1) + self.text('CQL_VERSION') + self.text('3.0.0'))

    def close(self):
        self.socket.close()

    @staticmethod
    def text(x):
        x = x.encode()
        return struct.pack('>H', len(x)) + x

    @staticmethod
    def long_text(x):
        x = x.encode('utf8', 'surrogateescape')
        return struct.pack('>i', len(x)) + x

    def read(self, n):
        parts = []
        while n:
            part = self.socket.recv(n)
            if not part:
                raise ConnectionError('the server closed the connection')
            parts.append(part)
            n -= len(part)
        return b''.join(parts)

    def call(self, opcode, body):
        """(opcode, reader, warnings); Refused when the server says so"""
        self.socket.sendall(struct.pack('>BBhBi', 4, 0, 1, opcode, len(body)) + body)
        _, flags, _, op, n = struct.unpack('>BBhBi', self.read(9))
        reader = Reader(self.read(n))
        warnings = []
        if flags & 8:
            warnings = [reader.string() for _ in range(reader.take('H'))]
        if op == 0:
            refused = Refused(reader.take('i'), reader.string())
            refused.warnings = warnings
            raise refused
        return op, reader, warnings

    @staticmethod
    def parameters(values, page_rows, state, timestamp, consistency=1):
        flags = (1 if values is not None else 0) | (4 if page_rows else 0) | (8 if state else 0) | \
            (0x20 if timestamp is not None else 0)
        out = struct.pack('>HB', consistency, flags)
        if values is not None:
            out += struct.pack('>H', len(values))
            for v in values:
                out += struct.pack('>i', -2 if v == 'unset' else -1) if v is None or v == 'unset' else \
                    struct.pack('>i', len(v)) + v
        if page_rows:
            out += struct.pack('>i', page_rows)
        if state:
            out += struct.pack('>i', len(state)) + state
        if timestamp is not None:
            out += struct.pack('>q', timestamp)
        return out

    def result(self, reader, warnings):
        kind = reader.take('i')
        if kind == 2:
            columns, state, _, count = reader.metadata()
            rows = [[reader.bytes() for _ in range(count)] for _ in range(reader.take('i'))]
            return Outcome('rows', columns, rows, state, warnings)
        if kind == 3:
            return Outcome('use', warnings=warnings, detail=reader.string())
        if kind == 5:
            return Outcome('schema', warnings=warnings)
        return Outcome('void', warnings=warnings)

    def query(self, text, page_rows=5000, timestamp=None, state=None):
        _, reader, warnings = self.call(7, self.long_text(text) + self.parameters(None, page_rows, state, timestamp))
        return self.result(reader, warnings)

    def all(self, text, page_rows=5000, timestamp=None):
        """Every page of it"""
        outcome = self.query(text, page_rows, timestamp)
        state = outcome.state
        while state:
            more = self.query(text, page_rows, timestamp, state)
            outcome.rows += more.rows
            state = more.state
        return outcome

    def prepare(self, text):
        """(id, binds as (name, type), positions of the partition key, columns)"""
        _, reader, _ = self.call(9, self.long_text(text))
        reader.take('i')
        number = reader.short_bytes()
        binds, _, keys, _ = reader.metadata(prepared=True)
        columns, _, _, _ = reader.metadata()
        return number, binds, keys, columns

    def execute(self, number, values, page_rows=5000, timestamp=None, state=None):
        _, reader, warnings = self.call(10, struct.pack('>H', len(number)) + number +
                                        self.parameters(values, page_rows, state, timestamp))
        return self.result(reader, warnings)

    def execute_all(self, number, values, page_rows=5000, timestamp=None):
        outcome = self.execute(number, values, page_rows, timestamp)
        state = outcome.state
        while state:
            more = self.execute(number, values, page_rows, timestamp, state)
            outcome.rows += more.rows
            state = more.state
        return outcome


# ---- binding ----

def bind_value(t, text):
    """The bytes of a value of @bind: 1, 'a', null, unset, 0x00ff"""
    if text == 'null':
        return None
    if text == 'unset':
        return 'unset'
    if text.startswith('0x'):
        return bytes.fromhex(text[2:])
    if text.startswith("'"):
        return text[1:-1].encode()
    number = int(text)
    if t.kind == 'varint':
        return number.to_bytes(max(1, (number.bit_length() + 8) // 8), 'big', signed=True)
    if t.kind == 'date':
        return struct.pack('>I', number)
    size = FIXED.get(t.kind, 8)
    return number.to_bytes(size, 'big', signed=True)
