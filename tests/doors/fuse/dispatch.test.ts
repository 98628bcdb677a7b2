/** Frames, good and bad, straight into the dispatcher: no kernel needed. */

import test from 'ava';
import fc from 'fast-check';
import type { Path } from '../../../core/types.ts';
import { dispatch } from '../../../doors/fuse/dispatch.ts';
import { forgetAll } from '../../../doors/fuse/forgetting.ts';
import { Request } from '../../../doors/fuse/request.ts';
import { Server } from '../../../doors/fuse/server.ts';
import { OP } from '../../../doors/fuse/wire.ts';
import { FakeApi, gate } from './fake.ts';

const SIZE = 70_000;

interface Bench {
  readonly api: FakeApi;
  readonly server: Server;
  /** Replies and notifications, whole. */
  readonly sent: Buffer[];
  /** Feeds one frame and gives what was sent at once. */
  feed(frame: Uint8Array): Buffer[];
}

function bench(errno = 0): Bench {
  const api = new FakeApi();
  api.aos.add('/aos/value', 'value', 'hello\n');
  api.aos.add('/aos/log', 'log', 'line\n');
  api.aos.add('/aos/files/f', 'file', 'x');
  api.aos.add('/aos/inbox', 'message');
  const sent: Buffer[] = [];
  const sink = {
    send: (frame: Buffer, length: number) => {
      sent.push(Buffer.from(frame.subarray(0, length)));
      return errno;
    },
    sendLater: (frame: Buffer, done: () => void) => {
      sent.push(Buffer.from(frame));
      done();
    },
  };
  const input = Buffer.alloc(SIZE);
  const server = new Server(api, { allowOther: false }, sink, new Request(input), Buffer.alloc(SIZE));
  const feed = (frame: Uint8Array): Buffer[] => {
    const before = sent.length;
    input.set(frame.subarray(0, SIZE));
    dispatch(server, Math.min(frame.length, SIZE));
    return sent.slice(before);
  };
  return { api, server, sent, feed };
}

let unique = 0;

function frame(opcode: number, nodeid: number, body: Uint8Array, length = 40 + body.length): Buffer {
  const bytes = Buffer.alloc(40 + body.length);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(opcode, 4);
  unique += 2;
  bytes.writeUInt32LE(unique, 8);
  bytes.writeUInt32LE(nodeid, 16);
  bytes.set(body, 40);
  return bytes;
}

function name(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value >>> 0, i * 4);
  });
  return bytes;
}

const errnoOf = (reply: Buffer | undefined): number => -(reply?.readInt32LE(4) ?? 0);
/** Looks a path up and gives its nodeid. */
function lookup(b: Bench, ...names: string[]): number {
  return names.reduce((parent, part) => b.feed(frame(OP.LOOKUP, parent, name(part)))[0]?.readUInt32LE(16) ?? 0, 1);
}

function open(b: Bench, nodeid: number, flags = 0): number {
  return b.feed(frame(OP.OPEN, nodeid, words(flags, 0)))[0]?.readUInt32LE(16) ?? -1;
}

test('whatever the kernel sends, nothing is thrown and at most one answer is given', t => {
  const b = bench();
  const id = lookup(b, 'files', 'f');
  lookup(b, 'log');
  open(b, id, 2);
  const opcode = fc.oneof(fc.constantFrom(...Object.values(OP)), fc.nat(60), fc.nat());
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 160 }),
    fc
      .array(fc.constantFrom(0, 1, 2, 3, 4, 7, 64, 255, 4096, 0x8000_0000, 0xffff_ffff), { maxLength: 30 })
      .map(list => words(...list)),
    fc
      .tuple(fc.array(fc.nat(9), { maxLength: 6 }), fc.string({ maxLength: 300 }))
      .map(([list, text]) => Buffer.concat([words(...list), name(text), name(text)])),
  );
  fc.assert(
    fc.property(opcode, fc.nat(8), body, fc.option(fc.nat(200)), fc.nat(220), (code, nodeid, bytes, said, cut) => {
      const whole = frame(code, nodeid, bytes, said ?? undefined);
      const replies = b.feed(cut < 40 ? whole.subarray(0, cut) : whole).filter(reply => reply.readUInt32LE(8) !== 0);
      t.true(replies.length <= 1);
      for (const reply of replies) {
        t.is(reply.readUInt32LE(0), reply.length);
        t.true(errnoOf(reply) >= 0 && errnoOf(reply) < 512);
      }
    }),
    { numRuns: 500 },
  );
});

test('what is unknown is ENOSYS, what is short or malformed EINVAL and said', t => {
  const b = bench();
  t.is(errnoOf(b.feed(frame(47, 1, Buffer.alloc(56)))[0]), 38);
  t.is(errnoOf(b.feed(frame(9999, 1, Buffer.alloc(8)))[0]), 38);
  t.is(errnoOf(b.feed(frame(OP.GETATTR, 1, Buffer.alloc(4)))[0]), 22);
  t.is(errnoOf(b.feed(frame(OP.GETATTR, 1, Buffer.alloc(16), 99))[0]), 22);
  t.is(errnoOf(b.feed(frame(OP.LOOKUP, 1, Buffer.from('no end')))[0]), 22);
  t.is(b.feed(frame(OP.FORGET, 1, Buffer.alloc(2))).length, 0);
  t.is(b.feed(Buffer.alloc(12)).length, 0);
  t.is(b.api.said.length, 5);
  t.true(b.api.said.every(({ level }) => level === 'warn'));
});

test('unknown nodes and handles are refused', t => {
  const b = bench();
  t.is(errnoOf(b.feed(frame(OP.GETATTR, 77, Buffer.alloc(16)))[0]), 116);
  t.is(errnoOf(b.feed(frame(OP.READ, 1, Buffer.alloc(40)))[0]), 9);
  t.is(errnoOf(b.feed(frame(OP.READDIR, 1, words(5, 0, 0, 0, 4096, 0, 0, 0, 0, 0)))[0]), 9);
});

test('an interrupt answers EINTR at once, and what comes too late is dropped', async t => {
  const b = bench();
  const { slow, open: release, aborted } = gate();
  b.api.aos.node('/aos/value' as Path).slow = slow;
  const fh = open(b, lookup(b, 'value'));
  const read = frame(OP.READ, 2, words(fh, 0, 0, 0, 100, 0, 0, 0, 0, 0));
  t.is(b.feed(read).length, 0);
  const [reply] = b.feed(frame(OP.INTERRUPT, 0, read.subarray(8, 16)));
  t.is(errnoOf(reply), 4);
  t.is(reply?.readUInt32LE(8), read.readUInt32LE(8));
  t.true(aborted());
  const before = b.sent.length;
  release();
  await new Promise(resolve => setImmediate(resolve));
  t.is(b.sent.length, before);
  t.is(b.feed(frame(OP.INTERRUPT, 0, read.subarray(8, 16))).length, 0);
});

test('a file whose opening nobody waited for is closed again', t => {
  const b = bench();
  const id = lookup(b, 'files', 'f');
  const refused = bench(2);
  refused.feed(frame(OP.LOOKUP, 1, name('files')));
  t.is(refused.server.inodes.size, 1);
  open(b, id);
  t.not(b.server.files.get(0), undefined);
  b.feed(frame(OP.RELEASE, id, words(0, 0, 0, 0, 0, 0)));
  t.is(b.server.files.get(0), undefined);
});

test('nodes are forgotten when the kernel has given all references back', t => {
  const b = bench();
  const id = lookup(b, 'files', 'f');
  lookup(b, 'files', 'f');
  const dir = lookup(b, 'files');
  t.is(b.server.inodes.size, 3);
  b.feed(frame(OP.FORGET, id, words(1, 0)));
  t.is(b.server.inodes.size, 3);
  b.feed(frame(OP.BATCH_FORGET, 0, words(2, 0, id, 0, 1, 0, dir, 0, 3, 0)));
  t.is(b.server.inodes.size, 1);
});

test('a name that leads to another file gets another node', t => {
  const b = bench();
  const before = lookup(b, 'files', 'f');
  b.api.aos.add('/aos/files/f', 'file', 'other');
  t.not(lookup(b, 'files', 'f'), before);
  b.api.aos.add('/aos/files/f', 'dir');
  t.not(lookup(b, 'files', 'f'), before);
});

test('a listing is cut where the kernel wants it and goes on from there', t => {
  const b = bench();
  for (let i = 0; i < 100; i++) b.api.aos.add(`/aos/many/entry-number-${i}`, 'value', '');
  const id = lookup(b, 'many');
  const fh = b.feed(frame(OP.OPENDIR, id, words(0, 0)))[0]?.readUInt32LE(16) ?? -1;
  const seen: string[] = [];
  let offset = 0;
  for (let i = 0; i < 100; i++) {
    const [reply = Buffer.alloc(0)] = b.feed(frame(OP.READDIR, id, words(fh, 0, offset, 0, 300, 0, 0, 0, 0, 0)));
    t.true(reply.length <= 316);
    if (reply.length === 16) break;
    for (let at = 16; at < reply.length; ) {
      const size = reply.readUInt32LE(at + 16);
      seen.push(reply.toString('utf8', at + 24, at + 24 + size));
      offset = reply.readUInt32LE(at + 8);
      at += 24 + ((size + 7) & ~7);
    }
  }
  t.is(seen.length, 102);
  t.is(new Set(seen).size, 102);
});

test('INIT settles on a version and refuses a kernel that is too old', t => {
  const b = bench();
  const [reply] = b.feed(frame(OP.INIT, 0, words(7, 45, 1 << 20, 0xffff_ffff, 0)));
  t.is(reply?.length, 80);
  t.is(reply?.readUInt32LE(16), 7);
  t.is(b.server.minor, 45);
  t.is(errnoOf(bench().feed(frame(OP.INIT, 0, words(7, 12, 0, 0, 0)))[0]), 95);
  t.is(
    bench()
      .feed(frame(OP.INIT, 0, words(8, 1, 0, 0, 0)))[0]
      ?.readUInt32LE(16),
    7,
  );
});

test('a kernel that cannot forget everything at once is told name by name', t => {
  const b = bench();
  b.feed(frame(OP.INIT, 0, words(7, 40, 1 << 20, 0xffff_ffff, 0)));
  b.api.aos.node('/aos/files/f' as Path).fixed = true;
  const id = lookup(b, 'files', 'f');
  lookup(b, 'log');
  const before = b.sent.length;
  forgetAll(b.server);
  const [entry, inode, ...more] = b.sent.slice(before);
  t.is(entry?.readInt32LE(4), 3);
  t.is(entry?.toString('latin1', 32), 'f\0');
  t.is(inode?.readInt32LE(4), 2);
  t.is(inode?.readUInt32LE(16), id);
  t.is(more.length, 0);
});
