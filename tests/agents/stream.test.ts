import test from 'ava';
import { AgentRecord } from '../../agents/record.ts';
import { Stream } from '../../agents/stream.ts';
import type { KeyState, LogSource } from '../../plugin-sdk/index.ts';

function say(stream: Stream, text: string): void {
  stream.begin();
  stream.append(text);
  stream.end();
}

/** Everything from `from` on, read as `tail -f` does. */
function rest(reader: LogSource, from: number): string {
  let text = '';
  for (let at = from; ; ) {
    const bytes = reader.read(at, 16);
    if (bytes.length === 0) return text;
    text += Buffer.from(bytes).toString();
    at += bytes.length;
  }
}

test('a reader that follows finds each answer after the one before', t => {
  const stream = new Stream(Date.now);
  say(stream, 'one\n');
  const reader = stream.reader();
  t.is(rest(reader, 0), 'one\n');
  say(stream, 'two\n');
  say(stream, 'three\n');
  t.is(rest(reader, 4), 'two\nthree\n');
  t.is(reader.size, 14);
  t.is(rest(reader, 0), 'three\n');
});

test('of a reader that is far behind a few answers are kept, and a line says how many are not', t => {
  const stream = new Stream(Date.now);
  say(stream, 'first\n');
  const reader = stream.reader();
  t.is(Buffer.from(reader.read(0, 2)).toString(), 'fi');
  const long = 'x'.repeat(1 << 16);
  for (let i = 0; i < 30; i++) say(stream, `${i}${long}\n`);
  t.true(reader.size < 5 * long.length, `${reader.size} bytes are kept`);
  const text = rest(reader, 2);
  t.is(text.length + 2, reader.size);
  t.deepEqual(text.replaceAll('x', '').split('\n'), [
    'rst',
    '[26 answers left out here: see /aos/conversations]',
    '26',
    '27',
    '28',
    '29',
    '',
  ]);
});

test('what a reader has passed is never taken from its size, however many answers go by', t => {
  const stream = new Stream(Date.now);
  const reader = stream.reader();
  let offset = 0;
  for (let i = 0; i < 50; i++) {
    for (let n = 0; n < i % 7; n++) say(stream, `${i} `.repeat(n + 1));
    t.true(reader.size >= offset);
    offset += rest(reader, offset).length;
    t.is(reader.size, offset);
  }
});

test('a session costs what its runs cost, those that are over and those that go on, whichever is asked for', t => {
  const kept = new Map<string, Map<string, string>>();
  const space = (name: string): Map<string, string> => {
    const found = kept.get(name) ?? new Map<string, string>();
    kept.set(name, found);
    return found;
  };
  const keys: KeyState = {
    get: (name, key) => space(name).get(key),
    set: (name, key, value) => void space(name).set(key, value),
    remove: (name, key) => void space(name).delete(key),
    list: name => [...space(name)].map(([key, value]) => ({ key, value })),
  };
  const record = new AgentRecord(keys, 'coder', 0);
  record.setCost('a', 1, 100, false);
  t.is(record.cost('a'), 100);
  record.setCost('a', 1, 300, true);
  record.setCost('a', 2, 50, false);
  record.setCost('b', 3, 7, false);
  t.deepEqual([record.cost('a'), record.cost('b'), record.cost('a')], [350, 7, 350]);
  record.setCost('b', 3, 5, true);
  record.setCost('a', 2, 60, true);
  record.setCost('a', 2, 60, true);
  t.deepEqual([record.cost('b'), record.cost('a')], [7, 360]);
  t.deepEqual([new AgentRecord(keys, 'coder', 0).cost('a'), new AgentRecord(keys, 'other', 0).cost('a')], [360, 0]);
});
